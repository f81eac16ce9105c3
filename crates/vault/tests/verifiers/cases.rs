//! The cases that every verifier is held against, signed by our own signer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatepost_vault::{WebhookSecret, delivery_headers, sign_standard};

/// The example secret of the Standard Webhooks specification; it opens nothing.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

pub const ID: &str = "evt_01kagq5rh8e5htqh9sk95d3x4w";
/// 2026-11-01T09:30:00Z.
pub const AT: u64 = 1_793_525_400;
pub const BODY: &str = r#"{"id":"evt_01kagq5rh8e5htqh9sk95d3x4w","type":"message.received"}"#;

/// One request, and whether it is good.
#[derive(Clone)]
pub struct Case {
    pub name: &'static str,
    pub good: bool,
    /// What the receiver holds: the secret, or the public key.
    pub key: String,
    pub id: String,
    pub timestamp: String,
    pub signature: String,
    /// The receiver's time, in seconds.
    pub now: u64,
    pub body: Vec<u8>,
}

impl Case {
    pub const fn verdict(&self) -> &'static str {
        if self.good { "good" } else { "bad" }
    }

    /// `name|verdict|key|id|timestamp|signature|now|body in base64`; the verdict only where it is wanted.
    pub fn line(&self, with_verdict: bool) -> String {
        let verdict = if with_verdict { format!("|{}", self.verdict()) } else { String::new() };
        let Self { name, key, id, timestamp, signature, now, body, .. } = self;
        let body = STANDARD.encode(body);
        format!("{name}{verdict}|{key}|{id}|{timestamp}|{signature}|{now}|{body}")
    }
}

fn sign(id: &str, at: u64, body: &[u8]) -> String {
    let key = WebhookSecret::parse(SECRET).unwrap().signing_key().unwrap();
    sign_standard(id, at.cast_signed(), body, &[key]).unwrap()
}

/// A signature of the same request under another secret.
fn foreign(at: u64, body: &[u8]) -> String {
    let other = WebhookSecret::parse(&format!("whsec_{}", STANDARD.encode([7; 32]))).unwrap();
    sign_standard(ID, at.cast_signed(), body, &[other.signing_key().unwrap()]).unwrap()
}

fn signed(name: &'static str, body: &[u8]) -> Case {
    Case {
        name,
        good: true,
        key: SECRET.to_owned(),
        id: ID.to_owned(),
        timestamp: AT.to_string(),
        signature: sign(ID, AT, body),
        now: AT,
        body: body.to_vec(),
    }
}

/// A case with another signature header.
fn header(name: &'static str, good: bool, signature: String) -> Case {
    Case { good, signature, ..signed(name, BODY.as_bytes()) }
}

fn spoilt(name: &'static str, spoil: impl FnOnce(&mut Case)) -> Case {
    let mut case = Case { good: false, ..signed(name, BODY.as_bytes()) };
    spoil(&mut case);
    case
}

pub fn cases() -> Vec<Case> {
    let mut cases = good();
    cases.extend(changed());
    cases.extend(signatures());
    cases.extend(times());
    cases
}

fn good() -> Vec<Case> {
    let own = sign(ID, AT, BODY.as_bytes());
    let other = foreign(AT, BODY.as_bytes());
    vec![
        signed("plain", BODY.as_bytes()),
        signed("empty-body", b""),
        signed("unicode", "{\"text\":\"Grüße, привет, 👋\"}".as_bytes()),
        signed("bytes-of-any-kind", &[0, 10, 13, 255, 254, 128, 0]),
        signed("ends-with-a-line", b"{}\n"),
        signed("begins-with-digits", b"1793525400.{}"),
        signed("large", &[b'x'; 20_000]),
        header("two-secrets-own-first", true, format!("{own} {other}")),
        header("two-secrets-own-last", true, format!("{other} {own}")),
        header("beside-an-asymmetric-one", true, format!("v1a,{} {own}", STANDARD.encode([9; 64]))),
        header("beside-an-unknown-version", true, format!("v9,{} {own}", STANDARD.encode([9; 32]))),
        header("beside-what-is-no-signature", true, format!("v1 , v1, {own}")),
        Case { now: AT + 300, ..signed("just-in-time", BODY.as_bytes()) },
        Case { now: AT - 300, ..signed("the-receivers-clock-is-behind", BODY.as_bytes()) },
    ]
}

fn changed() -> Vec<Case> {
    vec![
        spoilt("body-flipped", |c| c.body[10] ^= 1),
        spoilt("body-longer", |c| c.body.push(b'\n')),
        spoilt("body-shorter", |c| c.body.truncate(BODY.len() - 1)),
        spoilt("body-gone", |c| c.body.clear()),
        spoilt("body-written-anew", |c| c.body = BODY.replace(",\"", ", \"").into_bytes()),
        spoilt("id-flipped", |c| c.id = ID.replace('q', "r")),
        spoilt("id-longer", |c| c.id.push('0')),
        spoilt("id-shorter", |c| c.id.truncate(ID.len() - 1)),
        spoilt("id-empty", |c| c.id.clear()),
        // Between id, time and body stand full stops: what is signed is the same, but it means another thing.
        spoilt("border-moved", |c| {
            c.signature = sign(ID, AT - 1, format!("{AT}.{BODY}").as_bytes());
            c.id = format!("{ID}.{}", AT - 1);
        }),
    ]
}

fn signatures() -> Vec<Case> {
    let own = sign(ID, AT, BODY.as_bytes());
    let code = own.strip_prefix("v1,").unwrap().to_owned();
    let other = foreign(AT, BODY.as_bytes());
    let key = WebhookSecret::parse(SECRET).unwrap().signing_key().unwrap();
    let headers =
        delivery_headers(ID, "message.received", AT.cast_signed(), BODY.as_bytes(), &[key]).unwrap();
    let (_, plain) = headers.into_iter().find(|(name, _)| *name == "x-gatepost-signature").unwrap();
    let (first, second) = own.split_at(20);
    let flip = |at: usize| {
        let mut bytes = own.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let mut cases = vec![
        header("signature-empty", false, String::new()),
        header("signature-blank", false, "  ".to_owned()),
        header("signature-without-a-code", false, "v1,".to_owned()),
        header("signature-without-a-version", false, code.clone()),
        header("signature-of-an-unknown-version", false, format!("v2,{code}")),
        header("signature-said-to-be-asymmetric", false, format!("v1a,{code}")),
        header("signature-in-capitals", false, own.to_uppercase()),
        header("signature-version-in-capitals", false, format!("V1,{code}")),
        header("signature-of-another-secret", false, other.clone()),
        header("signature-of-the-body-alone", false, plain),
        header("signature-flipped-first", false, flip(3)),
        header("signature-flipped-last", false, flip(own.len() - 2)),
        header("signature-cut-by-one", false, own[..own.len() - 1].to_owned()),
        header("signature-cut-in-half", false, own[..own.len() / 2].to_owned()),
        header("signature-cut-to-one", false, own[..4].to_owned()),
        header("signature-longer", false, format!("{own}A")),
        header("signature-twice-in-one", false, format!("{own}{own}")),
        header("signature-halves-swapped", false, format!("{second}{first}")),
        header("signature-halves-apart", false, format!("{first} {second}")),
        header("list-with-commas", false, format!("{other},{own}")),
        header("list-with-semicolons", false, format!("{other};{own}")),
        header("list-without-blanks", false, format!("{other}{own}")),
        header("list-of-wrong-ones", false, format!("{other} {} v1, v1", flip(9))),
        header("code-and-version-apart", false, format!("v1, {code}")),
    ];
    // What the last character of a base64 text says beyond its bytes is nothing: only one text is right.
    let last = own.as_bytes()[own.len() - 2];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let place = alphabet.iter().position(|b| *b == last).unwrap();
    let mut bytes = own.into_bytes();
    let end = bytes.len() - 2;
    bytes[end] = alphabet[place ^ 1];
    cases.push(header("signature-written-otherwise", false, String::from_utf8(bytes).unwrap()));
    cases
}

fn times() -> Vec<Case> {
    vec![
        spoilt("time-later", |c| c.timestamp = (AT + 1).to_string()),
        spoilt("time-earlier", |c| c.timestamp = (AT - 1).to_string()),
        spoilt("too-old", |c| c.now = AT + 301),
        spoilt("years-old", |c| c.now = AT + 100_000_000),
        spoilt("from-the-future", |c| c.now = AT - 301),
        spoilt("time-empty", |c| c.timestamp.clear()),
        spoilt("time-of-words", |c| c.timestamp = String::from("now")),
        spoilt("time-with-a-sign", |c| c.timestamp = format!("+{AT}")),
        spoilt("time-with-a-blank", |c| c.timestamp = format!(" {AT}")),
        spoilt("time-with-a-zero-before", |c| c.timestamp = format!("0{AT}")),
        spoilt("time-in-hex", |c| c.timestamp = format!("{AT:#x}")),
        spoilt("time-with-a-fraction", |c| c.timestamp = format!("{AT}.0")),
        spoilt("time-in-powers", |c| c.timestamp = String::from("1793525400e0")),
        spoilt("time-in-milliseconds", |c| c.timestamp = format!("{AT}000")),
        spoilt("time-before-1970", |c| c.timestamp = format!("-{AT}")),
        spoilt("time-beyond-all-numbers", |c| c.timestamp = "9".repeat(40)),
        spoilt("time-in-other-digits", |c| c.timestamp = String::from("١٧٩٣٥٢٥٤٠٠")),
    ]
}
