//! Signatures of outgoing webhooks: Standard Webhooks 1.0.0, and the plain form for receivers that know only that.
//!
//! Threat note. Defends against: forged or changed deliveries at a receiver that verifies; borders moved between id,
//! time and body (ids that hold the separator are refused); replay, at a receiver that checks the time; a gap while a
//! secret is replaced (several secrets sign at once). The plain form covers the body alone, so it does not defend
//! against replay. Neither defends against a receiver that does not verify.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatepost_core::{Entropy, Secret};
use zeroize::Zeroizing;

use crate::digest::{HmacKey, push_hex};

const PREFIX: &str = "whsec_";

/// What Standard Webhooks allows; ours have 32 bytes.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A text that is no webhook secret, or an id that cannot be signed. Holds nothing of either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookSigningError {
    /// Not `whsec_` and the base64 of 24 to 64 bytes.
    NotASecret,
    /// Standard Webhooks forbids a full stop in an id: it separates the signed parts. Ours are letters, digits, `_`, `-`.
    IdNotSignable,
    /// No secret to sign with: an unsigned delivery must not go out.
    NoSecret,
}

impl fmt::Display for WebhookSigningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotASecret => "expected whsec_ and the base64 of 24 to 64 bytes",
            Self::IdNotSignable => "a webhook id holds letters, digits, _ and - only",
            Self::NoSecret => "the endpoint has no signing secret",
        })
    }
}

impl std::error::Error for WebhookSigningError {}

/// The secret of an endpoint, in the text form that its owner pastes into a verifier: `whsec_` and base64.
#[derive(Clone)]
pub struct WebhookSecret(Secret<String>);

impl WebhookSecret {
    /// A new secret of 32 random bytes.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let bytes: Zeroizing<[u8; 32]> = Zeroizing::new(entropy.array());
        let mut text = String::with_capacity(PREFIX.len() + 44);
        text.push_str(PREFIX);
        STANDARD.encode_string(bytes.as_slice(), &mut text);
        Self(Secret::new(text))
    }

    /// Reads the text form; one secret has one text.
    pub fn parse(text: &str) -> Result<Self, WebhookSigningError> {
        decode(text)?;
        Ok(Self(Secret::new(text.to_owned())))
    }

    /// The text form, for its owner and for sealing.
    pub const fn expose(&self) -> &str {
        self.0.expose().as_str()
    }

    /// The last four characters, for people to recognise it by.
    pub fn last4(&self) -> String {
        self.0.last4()
    }

    /// The prepared key. Lanes keep it: preparing costs more than signing a short body.
    pub fn signing_key(&self) -> Result<SigningKey, WebhookSigningError> {
        decode(self.expose()).map(|bytes| SigningKey(HmacKey::new(&bytes)))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(..)")
    }
}

fn decode(text: &str) -> Result<Zeroizing<Vec<u8>>, WebhookSigningError> {
    let encoded = text.strip_prefix(PREFIX).ok_or(WebhookSigningError::NotASecret)?;
    // The longest secret is known, so an enormous text costs nothing.
    if encoded.len() > 88 {
        return Err(WebhookSigningError::NotASecret);
    }
    let bytes = STANDARD.decode(encoded).map(Zeroizing::new).map_err(|_| WebhookSigningError::NotASecret)?;
    if SECRET_BYTES.contains(&bytes.len()) { Ok(bytes) } else { Err(WebhookSigningError::NotASecret) }
}

/// A webhook secret, prepared for signing.
#[derive(Clone, Debug)]
pub struct SigningKey(HmacKey);

/// The value of `webhook-signature`: for each key `v1,` and the base64 of HMAC-SHA-256 over `id.seconds.body`, separated
/// by blanks, in the order of the keys.
///
/// `seconds` (since 1970) and `id` must be the very values of `webhook-timestamp` and `webhook-id`; the time is that of
/// the attempt, the id that of the event.
pub fn sign_standard(
    id: &str,
    seconds: i64,
    body: &[u8],
    keys: &[SigningKey],
) -> Result<String, WebhookSigningError> {
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
        return Err(WebhookSigningError::IdNotSignable);
    }
    if keys.is_empty() {
        return Err(WebhookSigningError::NoSecret);
    }
    let seconds = seconds.to_string();
    let mut header = String::with_capacity(keys.len() * 48);
    for SigningKey(key) in keys {
        if !header.is_empty() {
            header.push(' ');
        }
        header.push_str("v1,");
        STANDARD.encode_string(key.sign(&[id.as_bytes(), b".", seconds.as_bytes(), b".", body]), &mut header);
    }
    Ok(header)
}

/// The value of `X-Gatepost-Signature`: `sha256=` and the lower-case hex of HMAC-SHA-256 over the body. The key is the
/// secret's bytes, as in the standard form.
pub fn sign_raw_body(key: &SigningKey, body: &[u8]) -> String {
    sha256_header(&key.0, body)
}

/// The headers of one delivery: what every request with an event's body carries, whoever sends it.
pub type DeliveryHeaders = [(&'static str, String); 6];

/// Signs one delivery of an event: the whole set of headers that a receiver verifies.
///
/// The first key is the endpoint's secret of today; while a secret is being replaced the one before follows. `body` is
/// sent as it is here, byte for byte.
pub fn delivery_headers(
    id: &str,
    event_type: &str,
    seconds: i64,
    body: &[u8],
    keys: &[SigningKey],
) -> Result<DeliveryHeaders, WebhookSigningError> {
    let signature = sign_standard(id, seconds, body, keys)?;
    let own = keys.first().ok_or(WebhookSigningError::NoSecret)?;
    Ok([
        ("content-type", "application/json".to_owned()),
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signature),
        ("x-gatepost-event", event_type.to_owned()),
        ("x-gatepost-signature", sign_raw_body(own, body)),
    ])
}

/// `sha256=` and the lower-case hex of the body's code.
pub(crate) fn sha256_header(key: &HmacKey, body: &[u8]) -> String {
    let mut header = String::with_capacity(7 + 64);
    header.push_str("sha256=");
    push_hex(&mut header, &key.sign(&[body]));
    header
}

#[cfg(test)]
mod tests;
