#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::SystemEntropy;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;

const PLACE: &str = "GATEPOST_MASTER_KEY";

/// No window of six characters of a refused value may appear in what is printed.
fn assert_silent(refused: &MasterKeyRefused, value: &str) {
    for text in [refused.to_string(), format!("{refused:?}"), format!("{:?}", refused.fault)] {
        let value: Vec<char> = value.trim().chars().collect();
        for window in value.windows(6) {
            let window: String = window.iter().collect();
            assert!(!text.contains(&window), "{text:?} gives {window:?} away");
        }
    }
}

fn fault_of(value: &str) -> MasterKeyFault {
    let refused = MasterKey::parse(PLACE, value).unwrap_err();
    assert_silent(&refused, value);
    let text = refused.to_string();
    assert!(text.starts_with("GATEPOST_MASTER_KEY: "), "{text}: names the place");
    assert!(text.contains("/dev/urandom | base64"), "{text}: says what to do");
    refused.fault
}

#[test]
fn missing_short_long_and_undecodable_values_are_refused() {
    let key: [u8; 48] = SystemEntropy.bytes();
    for (value, fault) in [
        (String::new(), MasterKeyFault::Missing),
        (" \n\t".to_owned(), MasterKeyFault::Missing),
        (STANDARD.encode(&key[..16]), MasterKeyFault::WrongLength(16)),
        (STANDARD.encode(&key[..31]), MasterKeyFault::WrongLength(31)),
        (STANDARD.encode(&key[..33]), MasterKeyFault::WrongLength(33)),
        ("changeme".to_owned(), MasterKeyFault::WrongLength(6)),
        ("changeme".repeat(4), MasterKeyFault::WrongLength(24)),
        ("0123456789abcdef".repeat(2), MasterKeyFault::WrongLength(16)),
        ("ab".repeat(33), MasterKeyFault::WrongLength(33)),
        ("correct horse battery staple".to_owned(), MasterKeyFault::Undecodable),
        (format!("0x{}", "ab".repeat(32)), MasterKeyFault::Undecodable),
        ("schlüsselschlüsselschlüsselschlüsselschlü".to_owned(), MasterKeyFault::Undecodable),
        (format!("{}!", STANDARD_NO_PAD.encode(&key[..32])), MasterKeyFault::Undecodable),
    ] {
        assert_eq!(fault_of(&value), fault, "{} characters", value.len());
    }
}

#[test]
fn weak_keys_are_refused_in_every_encoding() {
    let mut padded = [0; 32];
    padded[..8].copy_from_slice(b"changeme");
    let mut tail = SystemEntropy.bytes::<32>();
    tail[20..].fill(0x20);
    let counted: [u8; 32] = std::array::from_fn(|i| u8::try_from(i).unwrap());
    let down: [u8; 32] = std::array::from_fn(|i| 250 - 7 * u8::try_from(i).unwrap());
    let half: [u8; 16] = SystemEntropy.bytes();
    let twice: [u8; 32] = std::array::from_fn(|i| half[i % 16]);
    let few: [u8; 32] = std::array::from_fn(|i| [3, 99, 200, 17, 5, 61, 254][(i * i + i / 3) % 7]);
    for (key, weakness) in [
        ([0; 32], Weakness::Zero),
        ([0xff; 32], Weakness::Uniform),
        (padded, Weakness::Uniform),
        (tail, Weakness::Uniform),
        (few, Weakness::Uniform),
        (counted, Weakness::Sequence),
        (down, Weakness::Sequence),
        (twice, Weakness::Repeating),
        (*b"changemechangemechangemechangeme", Weakness::Repeating),
        (*b"correct horse battery staple 42!", Weakness::Text),
    ] {
        let mut hex = String::new();
        push_hex(&mut hex, &key);
        for value in [hex, STANDARD.encode(key), URL_SAFE_NO_PAD.encode(key)] {
            assert_eq!(fault_of(&value), MasterKeyFault::Weak(weakness), "{value}");
        }
    }
}

#[test]
fn debug_shows_the_id_only() {
    let key = MasterKey::generate(&SystemEntropy).unwrap();
    assert_eq!(format!("{key:?}"), format!("MasterKey {{ id: {}, .. }}", key.id()));
    let ring = MasterKeyring::new(key, Vec::new());
    assert!(!format!("{ring:?}").contains(&ring.primary().to_hex().expose()[..6]));
}

#[test]
fn a_ring_knows_its_keys_once() {
    let keys: Vec<MasterKey> = (0..3).map(|_| MasterKey::generate(&SystemEntropy).unwrap()).collect();
    let ids: Vec<MasterKeyId> = keys.iter().map(MasterKey::id).collect();
    let again = |i: usize| MasterKey::parse(PLACE, keys[i].to_hex().expose()).unwrap();
    let ring = MasterKeyring::new(again(0), vec![again(1), again(0), again(1)]);
    assert_eq!(ring.ids().collect::<Vec<_>>(), ids[..2]);
    assert!(ring.knows(ids[1]) && !ring.knows(ids[2]));
}

#[test]
fn ids_are_stable() {
    // The id of a fixed key: were it to change, every store would look as if wrapped under an unknown key.
    let value = "8a1f3c5e7092b4d6f80a1c2e4f6071839c5b7d2e1f40a6c8e3905b7d214f6a8c";
    let key = MasterKey::parse(PLACE, value).unwrap();
    assert_eq!(key.id().to_string(), "a0b1e375");
    assert_eq!(MasterKeyId::parse("a0b1e375"), Some(key.id()));
    assert_eq!(MasterKeyId::parse("12345"), None);
}

proptest! {
    #[test]
    fn random_keys_are_accepted_in_every_encoding(key: [u8; 32]) {
        let mut hex = String::new();
        push_hex(&mut hex, &key);
        prop_assume!(weakness(&key).is_none());
        for value in [
            hex.to_uppercase(), STANDARD.encode(key), STANDARD_NO_PAD.encode(key), URL_SAFE.encode(key),
            format!(" {}\r\n", URL_SAFE_NO_PAD.encode(key)),
        ] {
            let parsed = MasterKey::parse(PLACE, &value).unwrap();
            prop_assert!(parsed.to_hex().expose() == &hex);
        }
    }

    #[test]
    fn no_text_panics_or_is_repeated(value in ".{6,80}") {
        if let Err(refused) = MasterKey::parse(PLACE, &value) {
            // Words that the messages themselves are made of are no leak.
            if !refused.to_string().contains(value.trim()) {
                assert_silent(&refused, &value);
            }
        }
    }
}

/// The check for weakness must not reject what the generator makes.
#[test]
fn generated_keys_pass_the_check() {
    for _ in 0..20_000 {
        assert_eq!(weakness(&SystemEntropy.bytes()), None);
    }
}
