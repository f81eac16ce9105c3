#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::{MasterKey, SystemEntropy};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn claims() -> AccessClaims {
    AccessClaims {
        subject: TokenSubject::Session(SessionId::from_uuid(Uuid::from_u128(0x0193_1111))),
        workspace: Some(WorkspaceId::from_uuid(Uuid::from_u128(0x0193_2222))),
        mode: None,
        family: TokenFamilyId::from_uuid(Uuid::from_u128(7)),
        issued: NOW,
        expires: Timestamp::from_seconds(1_800_000_900),
    }
}

fn refused(key: &AccessTokenKey, text: &str) -> bool {
    key.verify(text, NOW) == Err(AccessTokenFault::NotOurs)
}

#[test]
fn a_token_says_what_was_signed() {
    let key = AccessTokenKey::generate(&SystemEntropy);
    let all = [
        claims(),
        AccessClaims { workspace: None, family: TokenFamilyId::from_uuid(Uuid::max()), ..claims() },
        AccessClaims {
            subject: TokenSubject::ApiKey(ApiKeyId::from_uuid(Uuid::from_u128(9))),
            mode: Some(Mode::Live),
            ..claims()
        },
        AccessClaims { mode: Some(Mode::Test), family: TokenFamilyId::from_uuid(Uuid::nil()), ..claims() },
    ];
    for claims in all {
        let text = key.sign(&claims);
        assert!(text.expose().starts_with("gp_at_"));
        assert_eq!(text.expose().len(), 6 + 132);
        assert_eq!(key.verify(text.expose(), NOW), Ok(claims));
    }
}

#[test]
fn a_token_ends_at_its_time() {
    let key = AccessTokenKey::generate(&SystemEntropy);
    let text = key.sign(&claims());
    let end = claims().expires;
    assert!(key.verify(text.expose(), Timestamp::from_micros(end.micros() - 1)).is_ok());
    assert_eq!(key.verify(text.expose(), end), Err(AccessTokenFault::Expired));
    let never = key.sign(&AccessClaims { expires: claims().issued, ..claims() });
    assert_eq!(key.verify(never.expose(), NOW), Err(AccessTokenFault::Expired));
}

#[test]
fn every_bit_counts() {
    let key = AccessTokenKey::generate(&SystemEntropy);
    let text = key.sign(&claims()).expose().clone();
    let bytes = URL_SAFE_NO_PAD.decode(&text[6..]).unwrap();
    assert_eq!(bytes.len(), PAYLOAD + CODE);
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(refused(&key, &format!("gp_at_{}", URL_SAFE_NO_PAD.encode(changed))), "bit {bit}");
    }
    for length in 0..text.len() {
        assert!(refused(&key, &text[..length]), "cut to {length}");
    }
    for length in 0..bytes.len() {
        assert!(
            refused(&key, &format!("gp_at_{}", URL_SAFE_NO_PAD.encode(&bytes[..length]))),
            "{length} bytes"
        );
    }
    for more in ["A", "AA", "AAA", "AAAA", "=", "==", ".", " ", "\n"] {
        assert!(refused(&key, &format!("{text}{more}")), "extended by {more:?}");
        assert!(refused(&key, &format!("{more}{text}")), "begun with {more:?}");
    }
}

/// 91 bytes leave two bits of the last character unused: only the text with zeros there is the token.
#[test]
fn a_token_has_one_text() {
    let key = AccessTokenKey::generate(&SystemEntropy);
    let text = key.sign(&claims()).expose().clone();
    let (start, last) = text.split_at(text.len() - 1);
    let others = ('0'..='9').chain('A'..='Z').chain('a'..='z').chain(['-', '_']);
    for other in others.filter(|other| !last.starts_with(*other)) {
        assert!(refused(&key, &format!("{start}{other}")), "{other}");
    }
    assert!(refused(&key, &text.replace("gp_at_", "gp_rt_")));
    assert!(refused(&key, &text.replace("gp_at_", "GP_AT_")));
}

#[test]
fn keys_and_domains_are_apart() {
    let key = AccessTokenKey::generate(&SystemEntropy);
    let text = key.sign(&claims());
    assert!(refused(&AccessTokenKey::generate(&SystemEntropy), text.expose()));
    // The same key, over the same payload, for another purpose.
    let payload = claims().encode();
    let forged = [&payload[..], &key.0.sign(&[&payload])[..]].concat();
    assert!(refused(&key, &format!("gp_at_{}", URL_SAFE_NO_PAD.encode(forged))));
}

/// What a later version signs, an older program does not guess at.
#[test]
fn unknown_versions_kinds_and_modes_are_refused() {
    let key = AccessTokenKey::generate(&SystemEntropy);
    for (at, value) in [(0, 0), (0, 2), (1, 0), (1, 3), (34, 3), (34, 255)] {
        let mut payload = claims().encode();
        payload[at] = value;
        let code = key.0.sign(&[DOMAIN, &payload]);
        let text = format!("gp_at_{}", URL_SAFE_NO_PAD.encode([&payload[..], &code[..]].concat()));
        assert!(refused(&key, &text), "{value} at {at}");
    }
}

#[test]
fn the_key_is_unwrapped_under_its_own_label_only() {
    let ring = MasterKeyring::new(MasterKey::generate(&SystemEntropy).unwrap(), Vec::new());
    let wrapped = ring.generate(&AccessTokenKey::LABEL, &SystemEntropy).unwrap();
    let text = AccessTokenKey::unwrap(&ring, &wrapped).unwrap().sign(&claims());
    // Another node with the same master key.
    assert!(AccessTokenKey::unwrap(&ring, &wrapped).unwrap().verify(text.expose(), NOW).is_ok());
    let checkpoint = ring.generate(&crate::audit::CheckpointKey::LABEL, &SystemEntropy).unwrap();
    assert_eq!(AccessTokenKey::unwrap(&ring, &checkpoint).err(), Some(VaultError::NotAuthentic));
    assert_eq!(
        format!("{:?}", AccessTokenKey::unwrap(&ring, &wrapped).unwrap()),
        "AccessTokenKey(HmacKey(..))"
    );
}

#[test]
fn refresh_tokens_are_known_by_their_digest() {
    let (text, digest) = refresh_token(&SystemEntropy);
    assert!(refresh_digest(text.expose()) == Some(digest));
    let (other, _) = refresh_token(&SystemEntropy);
    assert!(refresh_digest(other.expose()) != refresh_digest(text.expose()));
    let body = &text.expose()[6..];
    for wrong in [
        body.to_owned(),
        format!("gp_at_{body}"),
        format!("gp_rt_{}", &body[1..]),
        format!("gp_rt_{body}A"),
        format!("gp_rt_{} ", &body[1..]),
        format!("gp_rt_{}+", &body[1..]),
        String::new(),
    ] {
        assert!(refresh_digest(&wrong).is_none(), "{wrong}");
    }
}
