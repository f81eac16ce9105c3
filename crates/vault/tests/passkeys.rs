//! Passkeys against an authenticator in software, honest and not.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "../../testkit/src/soft_passkey.rs"]
mod soft_passkey;

use gatepost_core::UserId;
use gatepost_vault::{Ceremony, NewPasskey, PasskeyFault, PasskeyPerson, PasskeySite, Passkeys, Proven};
use serde_json::Value;
use soft_passkey::{Manner, SoftPasskey};
use url::Url;
use uuid::Uuid;

const ORIGIN: &str = "https://console.example.com";
const ANN: UserId = UserId::from_uuid(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_000a));
const BOB: UserId = UserId::from_uuid(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_000b));

fn site(origin: &str) -> Passkeys {
    Passkeys::new(&Url::parse(origin).unwrap(), &[], "Gatepost").unwrap()
}

fn person(id: UserId) -> PasskeyPerson<'static> {
    PasskeyPerson { id, name: "ann@example.com", display_name: "Ann" }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn made(passkeys: &Passkeys, id: UserId) -> (SoftPasskey, NewPasskey) {
    let start = passkeys.make_start(person(id), &[]).unwrap();
    let (device, answer) = SoftPasskey::make(&start.options, ORIGIN, &Manner::default());
    let made = passkeys.make_finish(start.state.expose(), &answer).unwrap();
    assert_eq!(made.id, device.id());
    (device, made)
}

/// A sign-in by passkey alone, in the given manner.
fn alone(
    passkeys: &Passkeys,
    device: &mut SoftPasskey,
    stored: &[u8],
    manner: &Manner,
) -> Result<Proven, PasskeyFault> {
    let start = passkeys.use_start().unwrap();
    let answer = device.answer(&start.options, ORIGIN, manner);
    passkeys.use_finish(start.state.expose(), &answer, stored, ANN)
}

#[test]
fn options_ask_for_discoverable_verified_and_unattested_passkeys() {
    let passkeys = site(ORIGIN);
    let options = json(&passkeys.make_start(person(ANN), &[vec![1, 2, 3]]).unwrap().options);
    assert_eq!(options["rp"], serde_json::json!({ "name": "Gatepost", "id": "console.example.com" }));
    assert_eq!(options["user"]["name"], "ann@example.com");
    assert_eq!(options["user"]["displayName"], "Ann");
    let selection = &options["authenticatorSelection"];
    assert_eq!(selection["residentKey"], "required");
    assert_eq!(selection["requireResidentKey"], true);
    assert_eq!(selection["userVerification"], "required");
    assert_eq!(options["attestation"], "none");
    assert_eq!(options["excludeCredentials"][0]["id"], "AQID");

    let options = json(&passkeys.use_start().unwrap().options);
    assert_eq!(options["rpId"], "console.example.com");
    assert_eq!(options["userVerification"], "required");
    assert_eq!(options["allowCredentials"], serde_json::json!([]));
    let options = json(&passkeys.use_start_of(ANN, &[vec![1, 2, 3]]).unwrap().options);
    assert_eq!(options["allowCredentials"], serde_json::json!([{ "type": "public-key", "id": "AQID" }]));
    assert!(passkeys.use_start_of(ANN, &[]).is_err(), "nobody is asked for no passkey at all");
}

#[test]
fn a_passkey_is_made_and_opens() {
    let passkeys = site(ORIGIN);
    let (mut device, new) = made(&passkeys, ANN);
    assert!(!new.synced);
    let start = passkeys.use_start().unwrap();
    let answer = device.answer(&start.options, ORIGIN, &Manner::default());
    let answered = Passkeys::answered(&answer).unwrap();
    assert_eq!((answered.id.as_slice(), answered.person), (device.id(), Some(ANN)));
    let proven = passkeys.use_finish(start.state.expose(), &answer, &new.stored, ANN).unwrap();
    let stored = proven.stored.unwrap();
    // As second factor, of the person who is half in; many devices send no user handle then.
    let other = vec![9; 32];
    let start = passkeys.use_start_of(ANN, &[other, device.id().to_vec()]).unwrap();
    for user_handle in [None, Some(Vec::new())] {
        let answer = device.answer(&start.options, ORIGIN, &Manner { user_handle, ..Manner::default() });
        assert!(passkeys.use_finish(start.state.expose(), &answer, &stored, ANN).is_ok());
    }
}

/// Keys in a cloud account count nothing, and say that they are there.
#[test]
fn synced_passkeys_have_no_counter() {
    let passkeys = site(ORIGIN);
    let manner = Manner { synced: true, count: 0, ..Manner::default() };
    let start = passkeys.make_start(person(ANN), &[]).unwrap();
    let (mut device, answer) = SoftPasskey::make(&start.options, ORIGIN, &manner);
    let new = passkeys.make_finish(start.state.expose(), &answer).unwrap();
    assert!(new.synced);
    for _ in 0..2 {
        let proven = alone(&passkeys, &mut device, &new.stored, &manner).unwrap();
        assert!(proven.synced && proven.stored.is_none());
    }
    // A passkey does not leave its cloud account.
    let alone = alone(&passkeys, &mut device, &new.stored, &Manner { synced: false, ..manner });
    assert_eq!(alone.err(), Some(PasskeyFault::Unsupported));
}

#[test]
fn lies_while_making_are_refused() {
    let honest = Manner::default;
    let passkeys = site(ORIGIN);
    for (what, manner, fault) in lies() {
        let start = passkeys.make_start(person(ANN), &[]).unwrap();
        let (_, answer) = SoftPasskey::make(&start.options, ORIGIN, &manner);
        assert_eq!(passkeys.make_finish(start.state.expose(), &answer).err(), Some(fault), "{what}");
    }
    let start = passkeys.make_start(person(ANN), &[]).unwrap();
    let hidden = Manner { discoverable: false, ..honest() };
    let (_, answer) = SoftPasskey::make(&start.options, ORIGIN, &hidden);
    assert_eq!(
        passkeys.make_finish(start.state.expose(), &answer).err(),
        Some(PasskeyFault::NotDiscoverable)
    );
    // The answer to one page's question on another page's state.
    let (_, answer) = SoftPasskey::make(&start.options, ORIGIN, &honest());
    let other = passkeys.make_start(person(ANN), &[]).unwrap();
    assert_eq!(passkeys.make_finish(other.state.expose(), &answer).err(), Some(PasskeyFault::Challenge));
    // A device that has one already and says nothing of it.
    let (device, answer) = SoftPasskey::make(&start.options, ORIGIN, &honest());
    let again = passkeys.make_start(person(ANN), &[device.id().to_vec()]).unwrap();
    assert_eq!(passkeys.make_finish(again.state.expose(), &answer).err(), Some(PasskeyFault::AlreadyThere));
}

/// What an authenticator or a page in between can say wrongly at either ceremony.
fn lies() -> Vec<(&'static str, Manner, PasskeyFault)> {
    let honest = Manner::default;
    let origin = |origin: &str| Manner { origin: Some(origin.to_owned()), ..honest() };
    let mut lies = vec![
        ("another challenge", Manner { challenge: Some(vec![7; 32]), ..honest() }, PasskeyFault::Challenge),
        ("no challenge", Manner { challenge: Some(Vec::new()), ..honest() }, PasskeyFault::Challenge),
        ("another type", Manner { kind: Some("payment.get"), ..honest() }, PasskeyFault::Challenge),
        ("another host's hash", Manner { rp_id: Some("example.com"), ..honest() }, PasskeyFault::Origin),
        ("in a frame", Manner { cross_origin: true, ..honest() }, PasskeyFault::Origin),
        (
            "below a frame",
            Manner { top_origin: Some("https://evil.example"), ..honest() },
            PasskeyFault::Origin,
        ),
        ("nobody present", Manner { user_present: false, ..honest() }, PasskeyFault::NotVerified),
        ("nobody verified", Manner { user_verified: false, ..honest() }, PasskeyFault::NotVerified),
    ];
    for other in [
        "https://console.example.com.evil.example",
        "https://evil.example",
        "https://example.com",
        "https://sub.console.example.com",
        "https://console.example.com:8443",
        "https://console.example.com/",
        "https://CONSOLE.example.com",
        "http://console.example.com",
        "https://console.example.com@evil.example",
        "null",
        "",
    ] {
        lies.push(("another origin", origin(other), PasskeyFault::Origin));
    }
    lies
}

#[test]
fn lies_while_signing_in_are_refused() {
    let passkeys = site(ORIGIN);
    let (mut device, new) = made(&passkeys, ANN);
    for (what, manner, fault) in lies() {
        let refused = alone(&passkeys, &mut device, &new.stored, &manner);
        assert_eq!(refused.err(), Some(fault), "{what}: {manner:?}");
    }
    let create = Manner { kind: Some("webauthn.create"), ..Manner::default() };
    assert_eq!(alone(&passkeys, &mut device, &new.stored, &create).err(), Some(PasskeyFault::Challenge));
    assert!(alone(&passkeys, &mut device, &new.stored, &Manner::default()).is_ok(), "the honest one opens");
}

#[test]
fn every_byte_of_the_signature_counts() {
    let passkeys = site(ORIGIN);
    let (mut device, new) = made(&passkeys, ANN);
    for byte in 0..70 {
        let manner = Manner { signature_bit: Some(byte * 8), ..Manner::default() };
        let refused = alone(&passkeys, &mut device, &new.stored, &manner).err();
        assert!(
            matches!(refused, Some(PasskeyFault::Signature | PasskeyFault::Unsupported)),
            "byte {byte}: {refused:?}"
        );
    }
}

#[test]
fn an_answer_serves_one_challenge_only() {
    let passkeys = site(ORIGIN);
    let (mut device, new) = made(&passkeys, ANN);
    let (first, second) = (passkeys.use_start().unwrap(), passkeys.use_start().unwrap());
    let answer = device.answer(&first.options, ORIGIN, &Manner::default());
    let finish =
        |start: &Ceremony, stored: &[u8]| passkeys.use_finish(start.state.expose(), &answer, stored, ANN);
    assert_eq!(finish(&second, &new.stored).err(), Some(PasskeyFault::Challenge));
    let proven = finish(&first, &new.stored).unwrap();
    // The caller takes the state away; and if it did not, the counter has moved on.
    assert_eq!(finish(&first, &proven.stored.unwrap()).err(), Some(PasskeyFault::Cloned));
    // States of one kind are none of the other.
    let making = passkeys.make_start(person(ANN), &[]).unwrap();
    assert_eq!(finish(&making, &new.stored).err(), Some(PasskeyFault::State));
    assert_eq!(passkeys.make_finish(first.state.expose(), "{}").err(), Some(PasskeyFault::State));
}

#[test]
fn a_copied_security_key_is_noticed() {
    let passkeys = site(ORIGIN);
    let (mut device, new) = made(&passkeys, ANN);
    let mut copy = device.clone();
    let stored = alone(&passkeys, &mut device, &new.stored, &Manner::default()).unwrap().stored.unwrap();
    let refused = alone(&passkeys, &mut copy, &stored, &Manner::default()).err().unwrap();
    assert_eq!(refused, PasskeyFault::Cloned);
    assert!(refused.is_security_event());
    for count in [0, -1, -100] {
        let refused = alone(&passkeys, &mut device.clone(), &stored, &Manner { count, ..Manner::default() });
        assert_eq!(refused.err(), Some(PasskeyFault::Cloned), "{count}");
    }
    assert!(alone(&passkeys, &mut device, &stored, &Manner { count: 5, ..Manner::default() }).is_ok());
}

#[test]
fn a_passkey_opens_its_own_persons_account_only() {
    let passkeys = site(ORIGIN);
    let (mut anns, ann) = made(&passkeys, ANN);
    let (mut bobs, bob) = made(&passkeys, BOB);
    let start = passkeys.use_start().unwrap();
    let answer = bobs.answer(&start.options, ORIGIN, &Manner::default());
    let finish = |start: &Ceremony, answer: &str, stored: &[u8], owner| {
        passkeys.use_finish(start.state.expose(), answer, stored, owner).err()
    };
    assert_eq!(finish(&start, &answer, &bob.stored, ANN), Some(PasskeyFault::OtherPerson));
    assert_eq!(finish(&start, &answer, &ann.stored, BOB), Some(PasskeyFault::UnknownPasskey));
    // Bob's device says that it is Ann's: the name is not signed, but Ann's stored key is not Bob's.
    let lie = Manner { user_handle: Some(ANN.uuid().as_bytes().to_vec()), ..Manner::default() };
    let answer = bobs.answer(&start.options, ORIGIN, &lie);
    assert_eq!(finish(&start, &answer, &bob.stored, BOB), Some(PasskeyFault::OtherPerson));
    bobs.pretend(anns.id());
    let answer = bobs.answer(&start.options, ORIGIN, &lie);
    assert_eq!(finish(&start, &answer, &ann.stored, ANN), Some(PasskeyFault::Signature));
    // Nobody named where somebody must be.
    let nobody = Manner { user_handle: Some(Vec::new()), ..Manner::default() };
    let answer = anns.answer(&start.options, ORIGIN, &nobody);
    assert_eq!(finish(&start, &answer, &ann.stored, ANN), Some(PasskeyFault::OtherPerson));
    let strange = Manner { user_handle: Some(vec![1, 2, 3]), ..Manner::default() };
    let answer = anns.answer(&start.options, ORIGIN, &strange);
    assert_eq!(Passkeys::answered(&answer).err(), Some(PasskeyFault::OtherPerson));
    // The second step of Ann's sign-in, answered with somebody else's passkey, or with one that was removed.
    let (mut bobs, bob) = made(&passkeys, BOB);
    let second = passkeys.use_start_of(ANN, std::slice::from_ref(&ann.id)).unwrap();
    let answer = bobs.answer(&second.options, ORIGIN, &Manner::default());
    assert_eq!(finish(&second, &answer, &bob.stored, BOB), Some(PasskeyFault::OtherPerson));
    let answer = bobs.answer(&second.options, ORIGIN, &nobody);
    assert_eq!(finish(&second, &answer, &bob.stored, ANN), Some(PasskeyFault::UnknownPasskey));
}

#[test]
fn garbage_is_refused() {
    let passkeys = site(ORIGIN);
    let (mut device, new) = made(&passkeys, ANN);
    let start = passkeys.use_start().unwrap();
    let good = device.answer(&start.options, ORIGIN, &Manner::default());
    let long = format!("{{\"id\":\"{}\"}}", "x".repeat(40_000));
    for answer in ["", "null", "[]", "{}", "{\"id\":1}", &good[1..], &good[..good.len() - 1], &long] {
        let refused = passkeys.use_finish(start.state.expose(), answer, &new.stored, ANN);
        assert_eq!(refused.err(), Some(PasskeyFault::Malformed), "{answer:.40}");
        let making = passkeys.make_start(person(ANN), &[]).unwrap();
        let refused = passkeys.make_finish(making.state.expose(), answer);
        assert_eq!(refused.err(), Some(PasskeyFault::Malformed), "{answer:.40}");
    }
    let refused = passkeys.use_finish(start.state.expose(), &good, b"{}", ANN);
    assert_eq!(refused.err(), Some(PasskeyFault::Stored));
    let refused = passkeys.use_finish(b"{}", &good, &new.stored, ANN);
    assert_eq!(refused.err(), Some(PasskeyFault::State));
}

#[test]
fn addresses_that_browsers_take() {
    for good in
        ["https://gatepost.example.com", "https://gatepost.example.com:8443/console", "http://localhost:8080"]
    {
        assert!(Passkeys::new(&Url::parse(good).unwrap(), &[], "Gatepost").is_ok(), "{good}");
    }
    for (bad, fault) in [
        ("http://gatepost.example.com", PasskeySite::Insecure),
        ("https://192.0.2.7", PasskeySite::NoName),
        ("http://127.0.0.1:8080", PasskeySite::NoName),
        ("http://[::1]:8080", PasskeySite::NoName),
        ("ftp://localhost", PasskeySite::Insecure),
        ("http://localhost.example.com", PasskeySite::Insecure),
    ] {
        assert_eq!(Passkeys::new(&Url::parse(bad).unwrap(), &[], "Gatepost").err(), Some(fault), "{bad}");
    }
    let local = site("http://localhost:8080/setup");
    let start = local.make_start(person(ANN), &[]).unwrap();
    let (_, answer) = SoftPasskey::make(&start.options, "http://localhost:8080", &Manner::default());
    assert!(local.make_finish(start.state.expose(), &answer).is_ok());
    let (_, answer) = SoftPasskey::make(&start.options, "http://localhost:8081", &Manner::default());
    assert_eq!(local.make_finish(start.state.expose(), &answer).err(), Some(PasskeyFault::Origin));
}

/// Pages at another port of the same host: they share the passkeys, and no third port does.
#[test]
fn named_ports_of_the_host_are_ours_too() {
    let both = Passkeys::new(&Url::parse("http://localhost:8080").unwrap(), &[8180], "Gatepost").unwrap();
    let start = both.make_start(person(ANN), &[]).unwrap();
    let (mut device, answer) = SoftPasskey::make(&start.options, "http://localhost:8080", &Manner::default());
    let made = both.make_finish(start.state.expose(), &answer).unwrap();
    let used = |device: &mut SoftPasskey, origin: &str| {
        let start = both.use_start().unwrap();
        let answer = device.answer(&start.options, origin, &Manner::default());
        both.use_finish(start.state.expose(), &answer, &made.stored, ANN)
    };
    assert!(used(&mut device, "http://localhost:8180").is_ok());
    for other in
        ["http://localhost:8181", "http://localhost", "https://localhost:8180", "http://localhost:81800"]
    {
        assert_eq!(used(&mut device, other).err(), Some(PasskeyFault::Origin), "{other}");
    }
}
