//! Signatures of outgoing webhooks: Standard Webhooks 1.0.0, and the plain form for receivers that know only that.
//!
//! Threat note. Defends against: forged or changed deliveries at a receiver that verifies; borders moved between id,
//! time and body (ids that hold the separator are refused); replay, at a receiver that checks the time; a gap while a
//! secret is replaced (several keys sign at once), and an old key that goes on signing after its time (which keys are
//! valid is asked for each attempt, with the attempt's own time). The plain form covers the body alone, so it does not
//! defend against replay. With Ed25519 a receiver holds nothing that could forge a delivery, so its leak tells nobody
//! how; with HMAC it holds the secret itself. Neither defends against a receiver that does not verify.

mod ed25519;
mod keys;

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatepost_core::{Entropy, Secret};
use zeroize::Zeroizing;

use self::ed25519::KeyPair;
pub use self::ed25519::{WebhookPublicKey, WebhookSeed};
pub use self::keys::DeliveryKeys;
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
    /// Not the 32 bytes of an Ed25519 seed, or not `whpk_` and the base64 of 32 bytes.
    NotAKey,
}

impl fmt::Display for WebhookSigningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotASecret => "expected whsec_ and the base64 of 24 to 64 bytes",
            Self::IdNotSignable => "a webhook id holds letters, digits, _ and - only",
            Self::NoSecret => "the endpoint has no signing secret",
            Self::NotAKey => "expected an Ed25519 key of 32 bytes",
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
        decode(self.expose()).map(|bytes| SigningKey(Kind::Hmac(Arc::new(HmacKey::new(&bytes)))))
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

/// A key of an endpoint, prepared for signing: its secret (`v1`), or its Ed25519 key (`v1a`).
#[derive(Clone, Debug)]
pub struct SigningKey(Kind);

#[derive(Clone, Debug)]
enum Kind {
    /// Shared: it is large, and keys are handed from one generation of an endpoint to the next.
    Hmac(Arc<HmacKey>),
    Ed25519(KeyPair),
}

/// The value of `webhook-signature`: for each key its version and the base64 of its signature over `id.seconds.body`,
/// separated by blanks, in the order of the keys. `v1,` goes before HMAC-SHA-256, `v1a,` before Ed25519 (RFC 8032).
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
    let parts = [id.as_bytes(), b".", seconds.as_bytes(), b".", body];
    // Ed25519 reads its message twice, so it needs it in one piece; most endpoints never do.
    let mut joined = None;
    let mut header = String::with_capacity(keys.len() * 64);
    for SigningKey(key) in keys {
        if !header.is_empty() {
            header.push(' ');
        }
        match key {
            Kind::Hmac(key) => {
                header.push_str("v1,");
                STANDARD.encode_string(key.sign(&parts), &mut header);
            }
            Kind::Ed25519(pair) => {
                header.push_str("v1a,");
                let message = joined.get_or_insert_with(|| parts.concat());
                STANDARD.encode_string(pair.sign(message), &mut header);
            }
        }
    }
    Ok(header)
}

/// The value of `X-Gatepost-Signature`: `sha256=` and the lower-case hex of HMAC-SHA-256 over the body. The key is the
/// secret's bytes, as in the standard form.
///
/// Errors: [`WebhookSigningError::NoSecret`] for a key that is no secret: this form knows HMAC only.
pub fn sign_raw_body(key: &SigningKey, body: &[u8]) -> Result<String, WebhookSigningError> {
    match &key.0 {
        Kind::Hmac(key) => Ok(sha256_header(key, body)),
        Kind::Ed25519(_) => Err(WebhookSigningError::NoSecret),
    }
}

/// The headers of one delivery: what every request with an event's body carries, whoever sends it.
pub type DeliveryHeaders = [(&'static str, String); 6];

/// Signs one delivery of an event: the whole set of headers that a receiver verifies.
///
/// The first key is the endpoint's secret of today, and `X-Gatepost-Signature` is made with it alone, in an overlap
/// too: that header holds one signature. Its Ed25519 key follows where it has one, then, while they are being replaced,
/// those before. `body` is sent as it is here, byte for byte.
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
        ("x-gatepost-signature", sign_raw_body(own, body)?),
    ])
}

/// The same for receivers that were written for LoginWA: `X-LoginWA-Event`, and in `X-LoginWA-Signature` the lower-case
/// hex of HMAC-SHA-256 over the body. The key is the secret's whole text, as its owner was shown it, since such receivers
/// know nothing of an encoding; it is today's, in an overlap too. The standard headers go along, over the same body.
pub fn loginwa_headers(
    id: &str,
    event: &str,
    seconds: i64,
    body: &[u8],
    keys: &[SigningKey],
    secret: &WebhookSecret,
) -> Result<DeliveryHeaders, WebhookSigningError> {
    let signature = sign_standard(id, seconds, body, keys)?;
    let mut code = String::with_capacity(64);
    push_hex(&mut code, &HmacKey::new(secret.expose().as_bytes()).sign(&[body]));
    Ok([
        ("content-type", "application/json".to_owned()),
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signature),
        ("x-loginwa-event", event.to_owned()),
        ("x-loginwa-signature", code),
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
