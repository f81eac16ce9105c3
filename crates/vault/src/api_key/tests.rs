#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::SystemEntropy;
use proptest::prelude::*;
use regex_automata::meta::Regex;
use std::collections::HashSet;

fn token(mode: Mode) -> (ApiKeyId, PlainToken, TokenDigest) {
    let id = ApiKeyId::from_uuid(Uuid::from_bytes(SystemEntropy.bytes()));
    let (plain, digest) = ApiKeyToken::generate(mode, id, &SystemEntropy);
    (id, plain, digest)
}

#[test]
fn tokens_are_unique_and_parse_back() {
    let regex = Regex::new(&format!("^{API_KEY_REGEX}$")).unwrap();
    let mut seen = HashSet::new();
    for round in 0..5_000 {
        let mode = if round % 2 == 0 { Mode::Live } else { Mode::Test };
        let (id, plain, digest) = token(mode);
        let text = plain.expose();
        assert_eq!(text.len(), API_KEY_LEN);
        assert!(regex.is_match(text));
        let parsed = ApiKeyToken::parse(text).unwrap();
        assert!(parsed.mode == mode && parsed.key_id == id && parsed.digest == digest);
        assert!(seen.insert(text.to_owned()));
    }
}

/// A thousand keys, every position, and every other printable character at a sample of the positions.
#[test]
fn every_single_change_is_refused() {
    for round in 0..1_000_usize {
        let (_, plain, _) = token(if round % 2 == 0 { Mode::Live } else { Mode::Test });
        let good = plain.expose().as_bytes().to_vec();
        for at in 0..good.len() {
            let all = at % 50 == round % 50;
            for other in b' '..=b'~' {
                let near = other == good[at] ^ 1 || other == good[at] ^ 0x20 || other == b'0';
                if other != good[at] && (all || near) {
                    let mut changed = good.clone();
                    changed[at] = other;
                    let text = std::str::from_utf8(&changed).unwrap();
                    assert!(ApiKeyToken::parse(text).is_err(), "position {at}: {other}");
                }
            }
        }
    }
}

#[test]
fn cuts_extensions_and_neighbour_swaps_are_refused() {
    for _ in 0..200 {
        let (_, plain, _) = token(Mode::Live);
        let good = plain.expose();
        for length in 0..good.len() {
            assert!(ApiKeyToken::parse(&good[..length]).is_err());
        }
        for extended in [format!("{good}0"), format!(" {good}"), format!("{good}\n"), format!("{good}\0")] {
            assert!(ApiKeyToken::parse(&extended).is_err());
        }
        for at in 1..good.len() {
            let mut swapped = good.as_bytes().to_vec();
            swapped.swap(at - 1, at);
            if swapped != good.as_bytes() {
                assert!(ApiKeyToken::parse(std::str::from_utf8(&swapped).unwrap()).is_err(), "{at}");
            }
        }
        assert!(
            ApiKeyToken::parse(&good.replace("gp_live_", "gp_test_")).is_err(),
            "the mode is checked too"
        );
    }
}

/// A body beyond 128 or 256 bits with a right checksum: grammar and checksum pass, the number does not.
#[test]
fn numbers_that_no_key_has_are_refused() {
    let (_, plain, _) = token(Mode::Live);
    for range in [PREFIX_LEN..ID_END, ID_END..SECRET_END] {
        let mut text = plain.expose().as_bytes().to_vec();
        text[range].fill(b'z');
        let checksum = crc32fast::hash(&text[..SECRET_END]);
        base62::encode([checksum], &mut text[SECRET_END + 1..]);
        assert_eq!(ApiKeyToken::parse(std::str::from_utf8(&text).unwrap()).err(), Some(NotAnApiKey));
    }
}

/// Keys live for years: the format must not drift.
#[test]
fn the_format_is_stable() {
    struct Counting;
    impl Entropy for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            for (slot, value) in buffer.iter_mut().zip(1..) {
                *slot = value;
            }
        }
    }
    let id = ApiKeyId::from_uuid(Uuid::from_u128(0x0192_f3a1_7c5d_7e11_8a2b_0000_dead_beef));
    let (plain, digest) = ApiKeyToken::generate(Mode::Test, id, &Counting);
    assert_eq!(
        plain.expose(),
        // In pieces, or secret scanners would rightly report it.
        concat!("gp_te", "st_02y9GQF8cj68sIbrn4Qzzb0Eoh211G4c8wtVWM00my5rsNSFlKgaWqQ4mb8gdEqno_0D42aE")
    );
    assert_eq!(digest.as_bytes(), &sha256(plain.expose().as_bytes()));
}

#[test]
fn what_is_shown_later_holds_nothing_of_the_secret() {
    let (_, plain, _) = token(Mode::Live);
    let shown = plain.display();
    let (text, secret) = (plain.expose(), &plain.expose()[ID_END..SECRET_END]);
    assert!(text.starts_with(&shown.prefix) && shown.prefix.len() == 14 && shown.prefix.len() < ID_END);
    assert!(text.ends_with(&shown.last4) && shown.last4.len() == 4 && shown.last4.len() < CHECK_DIGITS + 1);
    assert!(!format!("{plain:?} {shown:?}").contains(&secret[..6]));
}

#[test]
fn the_published_regex_finds_a_planted_key() {
    let regex = Regex::new(API_KEY_REGEX).unwrap();
    let (_, plain, _) = token(Mode::Live);
    let key = plain.expose();
    for planted in [
        format!("+GATEPOST_API_KEY={key}\n"),
        format!("curl -H \"Authorization: Bearer {key}\" https://gw.example"),
        format!("  \"api_key\": \"{key}\","),
        key.to_owned(),
    ] {
        let found = regex.find(&planted).unwrap();
        assert_eq!(&planted[found.range()], key);
        assert!(ApiKeyToken::parse(&planted[found.range()]).is_ok());
    }
    for innocent in
        [&key[1..], &key[..key.len() - 1], &format!("{key}x"), "gp_live_", &key.replace("live", "prod")]
    {
        assert!(regex.find(innocent).is_none(), "{innocent}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,90}", body in "[0-9A-Za-z]{65}_[0-9A-Za-z]{6}") {
        prop_assert!(ApiKeyToken::parse(&text).is_err());
        let guessed = format!("gp_live_{body}");
        prop_assert!(ApiKeyToken::parse(&guessed).is_err());
    }
}
