#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::{SystemEntropy, hmac_sha256};
use http::HeaderMap;
use proptest::prelude::*;
use standardwebhooks::Webhook;
use std::time::{SystemTime, UNIX_EPOCH};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const ID: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
const BODY: &[u8] = br#"{"email":"test@example.com","username":"test_user"}"#;

fn key(text: &str) -> SigningKey {
    WebhookSecret::parse(text).unwrap().signing_key().unwrap()
}

/// The reference verifier looks at the real clock, so signatures for it carry the real time.
#[expect(clippy::disallowed_methods, reason = "the reference verifier cannot be given a clock")]
fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

fn verifies(secret: &str, id: &str, time: &str, body: &[u8], signature: &str) -> bool {
    let mut headers = HeaderMap::new();
    let (Ok(id), Ok(time), Ok(signature)) = (id.parse(), time.parse(), signature.parse()) else {
        return false;
    };
    headers.insert("webhook-id", id);
    headers.insert("webhook-timestamp", time);
    headers.insert("webhook-signature", signature);
    Webhook::new(secret).unwrap().verify(body, &headers).is_ok()
}

/// The vector on which the libraries of Standard Webhooks 1.0.0 agree.
#[test]
fn the_published_vector_holds() {
    let header = sign_standard(ID, 1_649_367_553, BODY, &[key(SECRET)]).unwrap();
    assert_eq!(header, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
}

#[test]
fn the_reference_verifier_accepts_what_is_signed_and_nothing_near_it() {
    let secret = WebhookSecret::generate(&SystemEntropy);
    let time = now();
    let seconds = time.to_string();
    let body = br#"{"type":"message.delivered","n":1}"#;
    let good = sign_standard("evt_01", time, body, &[secret.signing_key().unwrap()]).unwrap();
    let check = |id: &str, seconds: &str, body: &[u8], header: &str| {
        verifies(secret.expose(), id, seconds, body, header)
    };
    assert!(check("evt_01", &seconds, body, &good));

    for length in 0..good.len() {
        assert!(!check("evt_01", &seconds, body, &good[..length]), "cut to {length}");
    }
    for extended in [format!("{good}A"), format!("{good}="), format!("v1,{good}"), good.replace("v1,", "v2,")]
    {
        assert!(!check("evt_01", &seconds, body, &extended), "{extended}");
    }
    for at in 3..good.len() {
        let mut changed = good.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        assert!(!check("evt_01", &seconds, body, std::str::from_utf8(&changed).unwrap()), "character {at}");
    }
    for bit in 0..body.len() * 8 {
        let mut changed = body.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!check("evt_01", &seconds, &changed, &good), "body bit {bit}");
    }
    let (short, last) = seconds.split_at(seconds.len() - 1);
    let shifted = [
        ("evt_0", seconds.as_str(), [b"1", &body[..]].concat()),
        ("evt_01.1", &seconds[1..], body.to_vec()),
        ("evt_01", short, [last.as_bytes(), body].concat()),
        ("evt_01", seconds.as_str(), body[1..].to_vec()),
        ("evt_02", seconds.as_str(), body.to_vec()),
    ];
    for (id, time, body) in &shifted {
        assert!(!check(id, time, body, &good), "{id} {time}");
    }
    for off in [-301, 301] {
        let late = (time + off).to_string();
        let signed = sign_standard("evt_01", time + off, body, &[secret.signing_key().unwrap()]).unwrap();
        assert!(!check("evt_01", &late, body, &signed), "replay after 301 s");
    }
}

#[test]
fn during_an_overlap_both_secrets_verify() {
    let (old, new, other) = (
        WebhookSecret::generate(&SystemEntropy),
        WebhookSecret::generate(&SystemEntropy),
        WebhookSecret::generate(&SystemEntropy),
    );
    let time = now();
    let keys = [new.signing_key().unwrap(), old.signing_key().unwrap()];
    let header = sign_standard("evt_01", time, b"{}", &keys).unwrap();
    assert_eq!(header.split(' ').count(), 2);
    let check =
        |secret: &WebhookSecret| verifies(secret.expose(), "evt_01", &time.to_string(), b"{}", &header);
    assert!(check(&old) && check(&new) && !check(&other));
}

#[test]
fn ids_that_could_move_the_border_and_missing_secrets_are_refused() {
    let keys = [key(SECRET)];
    for id in ["", "evt.1", "evt 1", "evt\n1", "évt", "evt_1."] {
        assert_eq!(sign_standard(id, 1, BODY, &keys), Err(WebhookSigningError::IdNotSignable), "{id:?}");
    }
    assert_eq!(sign_standard(ID, 1, BODY, &[]), Err(WebhookSigningError::NoSecret));
}

#[test]
fn the_plain_form_is_the_hex_of_the_bodys_code() {
    let bytes = STANDARD.decode(&SECRET[6..]).unwrap();
    let mut expected = String::from("sha256=");
    push_hex(&mut expected, &hmac_sha256(&bytes, BODY));
    assert_eq!(sign_raw_body(&key(SECRET), BODY).unwrap(), expected);
}

#[test]
fn wrong_secrets_are_refused_and_never_shown() {
    for length in [0, 1, 23, 65, 100] {
        let text = format!("whsec_{}", STANDARD.encode(vec![0x5a; length]));
        assert_eq!(
            WebhookSecret::parse(&text).err(),
            Some(WebhookSigningError::NotASecret),
            "{length} bytes"
        );
    }
    for length in [24, 32, 64] {
        assert!(WebhookSecret::parse(&format!("whsec_{}", STANDARD.encode(vec![0x5a; length]))).is_ok());
    }
    for text in [
        "",
        "whsec_",
        &SECRET[6..],
        "whsec_C2FVsBQIhrscChlQIMV-b5sSYspob7oD",
        " whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    ] {
        assert_eq!(WebhookSecret::parse(text).err(), Some(WebhookSigningError::NotASecret), "{text}");
    }
    let secret = WebhookSecret::parse(SECRET).unwrap();
    let shown = format!("{secret:?} {:?} {}", secret.signing_key(), WebhookSigningError::NotASecret);
    assert!(!shown.contains("C2FV") && !shown.contains("b7oD"), "{shown}");
    assert_eq!(secret.last4(), "b7oD");
}

#[test]
fn a_delivery_carries_one_set_of_headers_that_verify_under_each_secret() {
    let (time, other) = (now(), WebhookSecret::generate(&SystemEntropy));
    let keys = [key(SECRET), other.signing_key().unwrap()];
    let headers = delivery_headers(ID, "message.read", time, BODY, &keys).unwrap();
    let value = |name: &str| headers.iter().find(|(known, _)| *known == name).unwrap().1.as_str();
    for secret in [SECRET, other.expose()] {
        let (id, stamp) = (value("webhook-id"), value("webhook-timestamp"));
        assert!(verifies(secret, id, stamp, BODY, value("webhook-signature")));
    }
    assert_eq!((value("webhook-id"), value("x-gatepost-event")), (ID, "message.read"));
    assert_eq!(
        value("x-gatepost-signature"),
        sign_raw_body(&keys[0], BODY).unwrap(),
        "today's secret, not the one before"
    );
    assert_eq!(value("content-type"), "application/json");
    assert_eq!(delivery_headers(ID, "x", time, BODY, &[]), Err(WebhookSigningError::NoSecret));
    assert_eq!(delivery_headers("a.b", "x", time, BODY, &keys), Err(WebhookSigningError::IdNotSignable));
    let seed = [WebhookSeed::generate(&SystemEntropy).signing_key().unwrap()];
    assert_eq!(delivery_headers(ID, "x", time, BODY, &seed), Err(WebhookSigningError::NoSecret));
}

/// RFC 8032 section 7.1, tests 1 to 3: seed, public key, message, signature.
const RFC_8032: [[&str; 4]; 3] = [
    [
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
];

#[test]
fn ed25519_keys_and_signatures_are_those_of_rfc_8032() {
    let bytes = |text: &str| -> Vec<u8> {
        (0..text.len() / 2).map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap()).collect()
    };
    for [seed, public, message, signature] in RFC_8032 {
        let seed = WebhookSeed::from_bytes(&bytes(seed)).unwrap();
        assert_eq!(seed.public_key().unwrap().as_bytes().as_slice(), bytes(public));
        let SigningKey(Kind::Ed25519(pair)) = seed.signing_key().unwrap() else { unreachable!("a key pair") };
        assert_eq!(pair.sign(&bytes(message)).as_ref(), bytes(signature));
    }
}

/// `v1a` says what `v1` says: the same id, time and body, and nothing near them.
#[test]
fn ed25519_signs_the_same_message_and_nothing_near_it() {
    let (seed, other) = (WebhookSeed::generate(&SystemEntropy), WebhookSeed::generate(&SystemEntropy));
    let public = seed.public_key().unwrap();
    let keys = [key(SECRET), seed.signing_key().unwrap()];
    let header = sign_standard(ID, 1_649_367_553, BODY, &keys).unwrap();
    let signatures: Vec<&str> = header.split(' ').collect();
    assert!(signatures.len() == 2 && signatures[0].starts_with("v1,") && signatures[1].starts_with("v1a,"));
    let check = |body: &[u8], header: &str| public.verifies(ID, "1649367553", body, header);
    assert!(check(BODY, &header) && check(BODY, signatures[1]) && !check(BODY, signatures[0]));
    assert!(verifies_at_its_time(SECRET, signatures[0]), "and HMAC beside it");
    assert!(!other.public_key().unwrap().verifies(ID, "1649367553", BODY, &header));
    for bit in 0..BODY.len() * 8 {
        let mut changed = BODY.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!check(&changed, &header), "body bit {bit}");
    }
    let raw = STANDARD.decode(signatures[1].strip_prefix("v1a,").unwrap()).unwrap();
    assert_eq!(raw.len(), 64);
    for bit in 0..raw.len() * 8 {
        let mut changed = raw.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!check(BODY, &format!("v1a,{}", STANDARD.encode(changed))), "signature bit {bit}");
    }
    for length in 0..signatures[1].len() {
        assert!(!check(BODY, &signatures[1][..length]), "cut to {length}");
    }
    for relabelled in [
        signatures[1].replace("v1a,", "v1,"),
        signatures[0].replace("v1,", "v1a,"),
        format!("{}A", signatures[1]),
        signatures[1].replace(',', " "),
    ] {
        assert!(!check(BODY, &relabelled), "{relabelled}");
    }
    for (id, seconds) in
        [("msg_27UH4WbU6Z5A5EzD8u03UvzRbpK", "1649367553"), (ID, "1649367554"), (ID, "164936755")]
    {
        assert!(!public.verifies(id, seconds, BODY, &header), "{id} {seconds}");
    }
}

/// The published vector's time is long past for the reference verifier, so it signs and the results are compared.
fn verifies_at_its_time(secret: &str, signature: &str) -> bool {
    Webhook::new(secret).unwrap().sign(ID, 1_649_367_553, BODY).unwrap() == signature
}

#[test]
fn public_keys_have_one_text_and_seeds_have_none() {
    let seed = WebhookSeed::generate(&SystemEntropy);
    let public = seed.public_key().unwrap();
    let text = public.to_string();
    assert!(text.starts_with("whpk_") && text.len() == 49);
    assert_eq!(WebhookPublicKey::parse(&text), Ok(public));
    for bad in ["", "whpk_", &text[5..], &text[..48], &format!("{text}="), &text.replace("whpk_", "whsk_")] {
        assert_eq!(WebhookPublicKey::parse(bad), Err(WebhookSigningError::NotAKey), "{bad}");
    }
    for length in [0, 31, 33, 64] {
        assert_eq!(WebhookSeed::from_bytes(&vec![7; length]).map(drop), Err(WebhookSigningError::NotAKey));
    }
    assert_eq!(
        format!("{seed:?} {:?}", seed.signing_key().unwrap()),
        "WebhookSeed(..) SigningKey(Ed25519(KeyPair(..)))"
    );
}

#[test]
fn the_keys_before_sign_until_their_time_and_not_in_it() {
    let at = gatepost_core::Timestamp::from_micros;
    let (today, before) = (key(SECRET), WebhookSecret::generate(&SystemEntropy).signing_key().unwrap());
    let seeds = [WebhookSeed::generate(&SystemEntropy), WebhookSeed::generate(&SystemEntropy)];
    let seeds = seeds.map(|seed| seed.signing_key().unwrap());
    let until = at(5_000_000);
    let keys = DeliveryKeys::new(
        vec![today.clone(), seeds[0].clone()],
        Some((vec![before, seeds[1].clone()], until)),
    );
    let signatures = |now: i64| sign_standard(ID, 1, BODY, keys.at(at(now))).unwrap();
    assert_eq!(signatures(0).split(' ').count(), 4);
    assert_eq!(signatures(4_999_999), signatures(0));
    assert_eq!(
        signatures(5_000_000),
        sign_standard(ID, 1, BODY, &[today.clone(), seeds[0].clone()]).unwrap()
    );
    assert_eq!(DeliveryKeys::new(vec![today], None).at(at(0)).len(), 1);
    assert!(DeliveryKeys::new(Vec::new(), None).at(at(0)).is_empty(), "and nothing goes out unsigned");
}

/// W1: ten thousand deliveries with both kinds of signature, each refused with any one bit of it flipped somewhere.
#[test]
fn ten_thousand_deliveries_verify_and_none_with_a_flipped_bit() {
    let secret = WebhookSecret::generate(&SystemEntropy);
    let seed = WebhookSeed::generate(&SystemEntropy);
    let public = seed.public_key().unwrap();
    let keys = [secret.signing_key().unwrap(), seed.signing_key().unwrap()];
    let hook = Webhook::new(secret.expose()).unwrap();
    let (mut accepted, mut forged) = (0, 0);
    for n in 0..10_000_usize {
        let (id, time) = (format!("evt_{n:026}"), now());
        let mut body = format!(r#"{{"id":"{id}","type":"message.read","data":{{"n":{n}}}}}"#).into_bytes();
        body.resize(body.len() + n % 257, b' ');
        let signed = delivery_headers(&id, "message.read", time, &body, &keys).unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in &signed {
            headers.insert(*name, value.parse().unwrap());
        }
        let (stamp, signature) = (signed[2].1.clone(), signed[3].1.clone());
        accepted += usize::from(
            hook.verify(&body, &headers).is_ok() && public.verifies(&id, &stamp, &body, &signature),
        );
        let flip = |text: &[u8]| {
            let (mut changed, bit) = (text.to_vec(), n * 31 % (text.len() * 8));
            changed[bit / 8] ^= 1 << (bit % 8);
            changed
        };
        let changed = flip(&body);
        forged += usize::from(hook.verify(&changed, &headers).is_ok());
        forged += usize::from(public.verifies(&id, &stamp, &changed, &signature));
        for (name, value) in [("webhook-id", &id), ("webhook-timestamp", &stamp)] {
            let changed = flip(value.as_bytes());
            let mut headers = headers.clone();
            // What no header can hold never arrives.
            if let Ok(value) = http::HeaderValue::from_bytes(&changed) {
                headers.insert(name, value);
                forged += usize::from(hook.verify(&body, &headers).is_ok());
            }
            let changed = String::from_utf8_lossy(&changed);
            let (id, stamp) =
                if name == "webhook-id" { (&*changed, stamp.as_str()) } else { (id.as_str(), &*changed) };
            forged += usize::from(public.verifies(id, stamp, &body, &signature));
        }
    }
    assert_eq!((accepted, forged), (10_000, 0));
}

/// W2: what is left of a list of signatures after somebody worked on it.
#[test]
fn lists_of_signatures_do_not_survive_being_worked_on() {
    let (old, new, time) =
        (WebhookSecret::generate(&SystemEntropy), WebhookSecret::generate(&SystemEntropy), now());
    let seed = WebhookSeed::generate(&SystemEntropy);
    let keys = [new.signing_key().unwrap(), seed.signing_key().unwrap(), old.signing_key().unwrap()];
    let header = sign_standard("evt_01", time, b"{}", &keys).unwrap();
    let stamp = time.to_string();
    let check = |header: &str| {
        [&old, &new].into_iter().any(|s| verifies(s.expose(), "evt_01", &stamp, b"{}", header))
            || seed.public_key().unwrap().verifies("evt_01", &stamp, b"{}", header)
    };
    assert!(check(&header));
    let parts: Vec<&str> = header.split(' ').collect();
    // Order means nothing: each signature stands for itself.
    assert!(check(&[parts[2], parts[1], parts[0]].join(" ")));
    // Labels and values that changed partners, values joined, cut or doubled.
    let value = |at: usize| parts[at].split_once(',').unwrap().1;
    for worked_on in [
        format!("v1a,{} v1,{} v1a,{}", value(0), value(1), value(2)),
        format!("v1,{}{} v1a,{}{}", value(0), value(2), value(1), value(1)),
        header.replace(' ', ","),
        header.replace(' ', ""),
        header.replace(',', ""),
        header.chars().rev().collect(),
        parts.iter().map(|part| &part[..part.len() - 2]).collect::<Vec<_>>().join(" "),
        parts.iter().map(|part| format!("{part}AA")).collect::<Vec<_>>().join(" "),
        "v1, v1a, v1,".to_owned(),
    ] {
        assert!(!check(&worked_on), "{worked_on}");
    }
}

proptest! {
    #[test]
    fn generated_secrets_parse_back_and_sign_for_the_reference(body in ".{0,300}", id in "[a-z0-9_-]{1,40}") {
        let secret = WebhookSecret::generate(&SystemEntropy);
        prop_assert!(WebhookSecret::parse(secret.expose()).unwrap().expose() == secret.expose());
        let time = now();
        let header = sign_standard(&id, time, body.as_bytes(), &[secret.signing_key().unwrap()]).unwrap();
        prop_assert!(verifies(secret.expose(), &id, &time.to_string(), body.as_bytes(), &header));
    }
}
