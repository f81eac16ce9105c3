//! No credential lies in the repository: not in code, tests, documents or snapshots.
//!
//! Examples in documents are cut short (`gp_live_…`); tests make their keys when they run.

use std::fs;

use crate::{TestResult, files, report, root};

/// A form of credential: a prefix, and how many characters of its alphabet must follow at least.
struct Form {
    name: &'static str,
    prefix: &'static str,
    length: usize,
    alphabet: fn(u8) -> bool,
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}

/// Prefixes are in pieces, or this file would find itself.
const FORMS: &[Form] = &[
    Form { name: "a live API key", prefix: concat!("gp_", "live_"), length: 40, alphabet: word },
    Form { name: "a test API key", prefix: concat!("gp_", "test_"), length: 40, alphabet: word },
    Form { name: "a webhook signing secret", prefix: concat!("wh", "sec_"), length: 32, alphabet: base64 },
    Form { name: "an access token of Meta's", prefix: concat!("EA", "A"), length: 80, alphabet: word },
    Form { name: "a private key", prefix: concat!("PRIVATE ", "KEY-----\n"), length: 40, alphabet: base64 },
];

/// Published examples that open nothing.
const PUBLIC: &[&str] = &[
    // The example secret of the Standard Webhooks specification and its libraries.
    concat!("wh", "sec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
];

/// How far a credential reaches after its prefix.
fn run(bytes: &[u8], alphabet: fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| alphabet(**byte)).count()
}

/// 64 hex digits, or the base64 of 32 bytes without its padding. A name of that length is no key: random base64 has
/// digits and letters of both cases.
fn is_key_of_32_bytes(value: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| value.as_bytes().iter().any(kind);
    let hex = value.len() == 64 && value.bytes().all(|b| b.is_ascii_hexdigit());
    let base64 = value.len() == 43
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase);
    hex || base64
}

/// The line numbers and forms of what looks like a credential.
fn credentials(text: &str) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    let line_of = |at: usize| text.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() + 1;
    for form in FORMS {
        for (at, _) in text.match_indices(form.prefix) {
            let end = at + form.prefix.len();
            let length = run(&text.as_bytes()[end..], form.alphabet);
            if length >= form.length && !PUBLIC.iter().any(|example| text[at..].starts_with(example)) {
                found.push((line_of(at), form.name));
            }
        }
    }
    // A master key has no prefix of its own, so what counts is a value beside its name.
    for (number, line) in text.lines().enumerate() {
        let Some(at) = line.to_ascii_lowercase().find("master_key") else { continue };
        let mut values = line[at..].split(|c: char| !(c.is_ascii_alphanumeric() || "+/-_".contains(c)));
        if values.any(is_key_of_32_bytes) {
            found.push((number + 1, "a master key"));
        }
    }
    found
}

#[test]
fn no_credential_lies_in_the_repository() -> TestResult {
    let mut faults = Vec::new();
    for path in files()? {
        let bytes = fs::read(root().join(&path))?;
        let text = String::from_utf8_lossy(&bytes);
        for (line, form) in credentials(&text) {
            faults.push(format!(
                "no secrets: {}:{line} holds what looks like {form}. Revoke it if it is real; tests make theirs when \
                 they run, documents cut them short.",
                path.display()
            ));
        }
    }
    report(&faults);
    Ok(())
}

#[test]
fn planted_credentials_are_found() {
    let body = "0123456789ABCDEFGHIJabcdefghij0123456789ABCDEFGHIJabcdefghij0123456789ABCDEFGHIJabcdefghij";
    for form in FORMS {
        let planted = format!("first line\nlet key = \"{}{body}\";", form.prefix);
        assert_eq!(credentials(&planted), [(2, form.name)], "{}", form.name);
    }
    for value in [&"0123456789abcdef".repeat(4), &format!("{}=", &body[..43]), &body[..43].to_owned()] {
        for line in [
            format!("GATEPOST_MASTER_KEY={value}"),
            format!("  GATEPOST_MASTER_KEY: \"{value}\""),
            format!("master_key = \"{value}\""),
        ] {
            assert_eq!(credentials(&line), [(1, "a master key")], "{line}");
        }
    }
}

#[test]
fn what_only_looks_similar_is_let_be() {
    for text in [
        "Authorization: Bearer gp_live_…",
        "gp_test_3fK… is shown with its last four characters",
        "fn gp_live_keys_work() {}",
        "GATEPOST_MASTER_KEY=\"$(head -c 32 /dev/urandom | base64)\"",
        "fn master_key_of_another_store_is_refused_4_times() {}",
        "checksum = \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"",
    ] {
        assert_eq!(credentials(text), [], "{text}");
    }
    for example in PUBLIC {
        assert_eq!(credentials(example), []);
    }
}
