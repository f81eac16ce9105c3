//! Ed25519 keys of endpoints: `v1a` of Standard Webhooks 1.0.0.
//!
//! Threat note. Defends against: a receiver, or whoever reads its configuration, forging deliveries (it holds a public
//! key only); a seed in a log or left in memory. The signature is deterministic (RFC 8032 section 5.1.6), so there is no
//! nonce to get wrong. Does not defend against a receiver that fetches the public key from somewhere else.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatepost_core::{Entropy, Secret};

use super::{Kind, SigningKey, WebhookSigningError};

const PUBLIC_PREFIX: &str = "whpk_";

/// The seed of an endpoint's Ed25519 key (RFC 8032's private key): 32 random bytes. It never leaves Gatepost.
#[derive(Clone)]
pub struct WebhookSeed(Secret<[u8; 32]>);

impl WebhookSeed {
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(Secret::new(entropy.array()))
    }

    /// Reads the bytes that were sealed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WebhookSigningError> {
        bytes.try_into().map(|seed| Self(Secret::new(seed))).map_err(|_| WebhookSigningError::NotAKey)
    }

    /// The bytes, for sealing.
    pub const fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    fn pair(&self) -> Result<KeyPair, WebhookSigningError> {
        Ed25519KeyPair::from_seed_unchecked(self.expose())
            .map(|pair| KeyPair(Arc::new(pair)))
            .map_err(|_| WebhookSigningError::NotAKey)
    }

    /// The prepared key. Lanes keep it: deriving it costs more than a signature.
    pub fn signing_key(&self) -> Result<SigningKey, WebhookSigningError> {
        self.pair().map(|pair| SigningKey(Kind::Ed25519(pair)))
    }

    /// What receivers verify with.
    pub fn public_key(&self) -> Result<WebhookPublicKey, WebhookSigningError> {
        WebhookPublicKey::from_bytes(self.pair()?.0.public_key().as_ref())
    }
}

impl fmt::Debug for WebhookSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSeed(..)")
    }
}

/// A prepared key; clones share it.
#[derive(Clone)]
pub(super) struct KeyPair(Arc<Ed25519KeyPair>);

impl KeyPair {
    pub(super) fn sign(&self, message: &[u8]) -> impl AsRef<[u8]> + use<> {
        self.0.sign(message)
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyPair(..)")
    }
}

/// The public half of an endpoint's Ed25519 key; shown as `whpk_` and base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookPublicKey([u8; 32]);

impl WebhookPublicKey {
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WebhookSigningError> {
        bytes.try_into().map(Self).map_err(|_| WebhookSigningError::NotAKey)
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Result<Self, WebhookSigningError> {
        let encoded = text.strip_prefix(PUBLIC_PREFIX).filter(|encoded| encoded.len() == 44);
        let bytes = encoded.and_then(|encoded| STANDARD.decode(encoded).ok());
        Self::from_bytes(&bytes.ok_or(WebhookSigningError::NotAKey)?)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether one of the `v1a` signatures of a `webhook-signature` header is this key's, as a receiver finds out. Says
    /// nothing about the time: a receiver looks at that too.
    pub fn verifies(&self, id: &str, seconds: &str, body: &[u8], header: &str) -> bool {
        let message = [id.as_bytes(), b".", seconds.as_bytes(), b".", body].concat();
        let key = UnparsedPublicKey::new(&ED25519, &self.0);
        header
            .split(' ')
            .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1a,")?).ok())
            .any(|signature| key.verify(&message, &signature).is_ok())
    }
}

impl fmt::Display for WebhookPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC_PREFIX}{}", STANDARD.encode(self.0))
    }
}
