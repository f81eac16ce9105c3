//! The cases of verifiers that hold a public key (`v1a`).

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::cases::{AT, BODY, Case, ID};

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

/// Ed25519 over what `v1` signs (Standard Webhooks 1.0.0, "Signature scheme").
fn sign(seed: u8, at: u64, body: &[u8]) -> String {
    let signed = [format!("{ID}.{at}.").as_bytes(), body].concat();
    format!("v1a,{}", STANDARD.encode(pair(seed).sign(&signed)))
}

fn case(name: &'static str, good: bool, change: impl FnOnce(&mut Case)) -> Case {
    let mut case = Case {
        name,
        good,
        key: format!("whpk_{}", STANDARD.encode(pair(1).public_key())),
        id: ID.to_owned(),
        timestamp: AT.to_string(),
        signature: sign(1, AT, BODY.as_bytes()),
        now: AT,
        body: BODY.as_bytes().to_vec(),
    };
    change(&mut case);
    case
}

pub fn cases() -> Vec<Case> {
    let (own, other) = (sign(1, AT, BODY.as_bytes()), sign(2, AT, BODY.as_bytes()));
    let code = own.strip_prefix("v1a,").unwrap().to_owned();
    let flipped = |at: usize| {
        let mut bytes = STANDARD.decode(&code).unwrap();
        bytes[at] ^= 1;
        format!("v1a,{}", STANDARD.encode(bytes))
    };
    let mut cases = vec![
        case("plain", true, |_| {}),
        case("empty-body", true, |c| {
            c.body.clear();
            c.signature = sign(1, AT, b"");
        }),
        case("two-keys-own-last", true, |c| c.signature = format!("{other} {own}")),
        case("beside-a-symmetric-one", true, |c| {
            c.signature = format!("v1,{} {own}", STANDARD.encode([9; 32]));
        }),
        case("just-in-time", true, |c| c.now = AT + 300),
        case("too-old", false, |c| c.now = AT + 301),
        case("from-the-future", false, |c| c.now = AT - 301),
        case("time-later", false, |c| c.timestamp = (AT + 1).to_string()),
        case("body-flipped", false, |c| c.body[10] ^= 1),
        case("body-longer", false, |c| c.body.push(b'\n')),
        case("id-flipped", false, |c| c.id = ID.replace('q', "r")),
        case("signature-empty", false, |c| c.signature.clear()),
        case("signature-without-a-code", false, |c| c.signature = String::from("v1a,")),
        case("signature-said-to-be-symmetric", false, |c| c.signature = format!("v1,{code}")),
        case("signature-of-another-key", false, |c| c.signature.clone_from(&other)),
        case("signature-cut", false, |c| c.signature.truncate(60)),
        case("signature-longer", false, |c| c.signature = format!("{own}AAAA")),
        case("signature-halves-swapped", false, |c| {
            c.signature = format!("v1a,{}{}", &code[43..], &code[..43]);
        }),
        case("list-without-blanks", false, |c| c.signature = format!("{other}{own}")),
    ];
    for (name, at) in
        [("signature-flipped-first", 0), ("signature-flipped-middle", 32), ("signature-flipped-last", 63)]
    {
        cases.push(case(name, false, |c| c.signature = flipped(at)));
    }
    cases
}
