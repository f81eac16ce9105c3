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
    assert_eq!(sign_raw_body(&key(SECRET), BODY), expected);
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
        sign_raw_body(&keys[0], BODY),
        "today's secret, not the one before"
    );
    assert_eq!(value("content-type"), "application/json");
    assert_eq!(delivery_headers(ID, "x", time, BODY, &[]), Err(WebhookSigningError::NoSecret));
    assert_eq!(delivery_headers("a.b", "x", time, BODY, &keys), Err(WebhookSigningError::IdNotSignable));
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
