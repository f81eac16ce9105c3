//! No credential lies in the repository: not in code, tests, documents or snapshots.
//!
//! Examples in documents are cut short (`gp_live_…`); tests make their keys when they run.

use std::fs;

use gatepost_core::channel::Mode;
use gatepost_core::{ApiKeyId, Timestamp};
use gatepost_vault::{ApiKeyToken, SystemEntropy};

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
    Form { name: "a webhook signing secret", prefix: concat!("wh", "sec_"), length: 32, alphabet: base64 },
    Form { name: "an access token of Meta's", prefix: concat!("EA", "A"), length: 80, alphabet: word },
    Form { name: "a private key", prefix: concat!("PRIVATE ", "KEY-----\n"), length: 40, alphabet: base64 },
];

/// What an API key begins with. The rest is checked as [`gatepost_vault::API_KEY_REGEX`] says it.
const API_KEY_PREFIXES: &[&str] = &[concat!("gp_", "live_"), concat!("gp_", "test_")];

/// Published examples that open nothing.
const PUBLIC: &[&str] = &[
    // The example secrets of the Standard Webhooks specification and of its libraries' tests.
    concat!("wh", "sec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    concat!("wh", "sec_C2FVsBQIhrscChlQIMV"),
];

/// How far a credential reaches after its prefix.
fn run(bytes: &[u8], alphabet: fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| alphabet(**byte)).count()
}

/// Whether what follows the prefix makes it a key: 65 characters of base 62, an underscore, and six more.
fn is_rest_of_api_key(rest: &str) -> bool {
    let is_base62 = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric());
    rest.get(..65).is_some_and(is_base62)
        && rest.as_bytes().get(65) == Some(&b'_')
        && rest.get(66..72).is_some_and(is_base62)
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
    let line_of = |at: usize| text[..at].matches('\n').count() + 1;
    for form in FORMS {
        for (at, _) in text.match_indices(form.prefix) {
            let end = at + form.prefix.len();
            let length = run(&text.as_bytes()[end..], form.alphabet);
            if length >= form.length && !PUBLIC.iter().any(|example| text[at..].starts_with(example)) {
                found.push((line_of(at), form.name));
            }
        }
    }
    for prefix in API_KEY_PREFIXES {
        let keys =
            text.match_indices(prefix).filter(|(at, _)| is_rest_of_api_key(&text[at + prefix.len()..]));
        found.extend(keys.map(|(at, _)| (line_of(at), "an API key")));
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
    for mode in [Mode::Live, Mode::Test] {
        let id = ApiKeyId::new(Timestamp::UNIX_EPOCH, &SystemEntropy);
        let (token, _) = ApiKeyToken::generate(mode, id, &SystemEntropy);
        let planted = format!("KEY={}\n", token.expose());
        assert_eq!(credentials(&planted), [(1, "an API key")], "a key as Gatepost makes it");
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
        "fn gp_live_keys_of_this_workspace_are_refused_once_they_were_revoked_or_expired_long_ago() {}",
        "GATEPOST_MASTER_KEY=\"$(head -c 32 /dev/urandom | base64)\"",
        "fn master_key_of_another_store_is_refused_4_times() {}",
        "checksum = \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"",
    ] {
        assert_eq!(credentials(text), [], "{text}");
    }
    for example in PUBLIC {
        assert_eq!(credentials(&format!("{example}0123456789abcdef0123456789abcdef")), [], "{example}");
    }
}
