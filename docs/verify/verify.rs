// Verify a Gatepost webhook (Standard Webhooks). Rust has no HMAC of its own: add the crates aws-lc-rs (or ring, which
// has the same functions) and base64.
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const TOLERANCE: u64 = 300; // seconds

/// Whether the request is from Gatepost, unchanged, and not older than five minutes.
///
/// `secret` is the endpoint's (`whsec_…`), `header` gives a header by its lower-case name, `body` is the raw bytes before
/// any parsing, `now` the seconds since 1970.
pub fn verify<'h>(secret: &str, header: impl Fn(&str) -> &'h str, body: &[u8], now: u64) -> bool {
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    let is_id = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    let is_time = (1..=12).contains(&timestamp.len()) && timestamp.bytes().all(|b| b.is_ascii_digit());
    let (true, true, Ok(sent)) = (is_id, is_time, timestamp.parse::<u64>()) else { return false };
    if now.abs_diff(sent) > TOLERANCE {
        return false;
    }
    let Some(Ok(key)) = secret.strip_prefix("whsec_").map(|text| STANDARD.decode(text)) else { return false };
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
    // Several signatures while a secret is being replaced: one that fits is enough. The comparison takes constant time.
    header("webhook-signature")
        .split(' ')
        .filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok())
        .any(|given| hmac::verify(&key, &signed, &given).is_ok())
}
