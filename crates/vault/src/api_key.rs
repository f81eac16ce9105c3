//! API key tokens: `gp_live_<65 characters>_<6 characters>`, or `gp_test_…`.
//!
//! The 65 characters are the key's id (128 bits in 22 digits of base 62) and its secret (256 bits in 43); the last six
//! are the CRC-32 of everything before the last underscore. So a scanner finds and verifies a leaked key by itself, a
//! typing error never costs a lookup, and one key has exactly one text.
//!
//! Threat note. Defends against: a database reader using or guessing keys (only SHA-256 of the token is stored, of 256
//! random bits that no table covers); guessing, and telling near misses from far ones (digests are compared in constant
//! time); a token shown again, or reaching a log through `Debug`; a live key passing as a test key by another spelling
//! of it. Does not defend against: a token stolen from its user. The checksum is no secret and proves nothing.

use std::fmt;

use gatepost_core::access::TokenDigest;
use gatepost_core::channel::Mode;
use gatepost_core::{ApiKeyId, Entropy, Secret};
use uuid::Uuid;
use zeroize::Zeroize as _;

use crate::base62;
use crate::digest::sha256;

/// What secret scanners look for. Published: do not change it.
pub const API_KEY_REGEX: &str = r"\bgp_(?:live|test)_[0-9A-Za-z]{65}_[0-9A-Za-z]{6}\b";

const PREFIX_LEN: usize = 8;
const ID_DIGITS: usize = 22;
const SECRET_DIGITS: usize = 43;
const CHECK_DIGITS: usize = 6;
const ID_END: usize = PREFIX_LEN + ID_DIGITS;
const SECRET_END: usize = ID_END + SECRET_DIGITS;

/// Length of every token in characters.
pub const API_KEY_LEN: usize = SECRET_END + 1 + CHECK_DIGITS;

/// How many characters of a token may be shown again.
const DISPLAY_LEN: usize = PREFIX_LEN + 6;

const fn prefix(mode: Mode) -> &'static str {
    match mode {
        Mode::Live => "gp_live_",
        Mode::Test => "gp_test_",
    }
}

/// A text that is no API key. Says nothing about which: the caller answers the same to all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnApiKey;

impl fmt::Display for NotAnApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an api key")
    }
}

impl std::error::Error for NotAnApiKey {}

/// A new token, to be shown once and then forgotten.
pub struct PlainToken(Secret<String>);

impl PlainToken {
    /// The token itself, for the one answer that shows it.
    pub const fn expose(&self) -> &str {
        self.0.expose().as_str()
    }

    /// What is stored and shown of it later.
    pub fn display(&self) -> TokenDisplay {
        let text = self.expose();
        TokenDisplay { prefix: text[..DISPLAY_LEN].to_owned(), last4: text[text.len() - 4..].to_owned() }
    }
}

impl fmt::Debug for PlainToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainToken(..)")
    }
}

/// How people recognise a key: its first 14 characters (mode and start of the id) and its last 4 (of the checksum).
/// Neither holds any character of the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenDisplay {
    pub prefix: String,
    pub last4: String,
}

/// A well-formed token taken apart. Whether it opens anything is for the stored digest to say.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeyToken {
    pub mode: Mode,
    pub key_id: ApiKeyId,
    /// SHA-256 of the whole token.
    pub digest: TokenDigest,
}

impl ApiKeyToken {
    /// Makes a token for the key `key_id`, and the digest that is stored of it.
    pub fn generate(mode: Mode, key_id: ApiKeyId, entropy: &dyn Entropy) -> (PlainToken, TokenDigest) {
        let mut secret: [u8; 32] = entropy.array();
        let mut text = [0_u8; API_KEY_LEN];
        text[..PREFIX_LEN].copy_from_slice(prefix(mode).as_bytes());
        base62::encode(limbs::<4>(key_id.uuid().as_bytes()), &mut text[PREFIX_LEN..ID_END]);
        base62::encode(limbs::<8>(&secret), &mut text[ID_END..SECRET_END]);
        text[SECRET_END] = b'_';
        let checksum = crc32fast::hash(&text[..SECRET_END]);
        base62::encode([checksum], &mut text[SECRET_END + 1..]);
        let digest = TokenDigest::new(sha256(&text));
        let token = PlainToken(Secret::new(text.iter().map(|byte| char::from(*byte)).collect()));
        secret.zeroize();
        text.zeroize();
        (token, digest)
    }

    /// Reads a token. Allocates nothing and asks no database; everything but a text that [`ApiKeyToken::generate`] could
    /// have made is refused.
    pub fn parse(text: &str) -> Result<Self, NotAnApiKey> {
        Self::read(text.as_bytes()).ok_or(NotAnApiKey)
    }

    fn read(text: &[u8]) -> Option<Self> {
        let text: &[u8; API_KEY_LEN] = text.try_into().ok()?;
        let (start, rest) = text.split_at(PREFIX_LEN);
        let mode = [Mode::Live, Mode::Test].into_iter().find(|mode| prefix(*mode).as_bytes() == start)?;
        let (body, check) = rest.split_at(SECRET_END - PREFIX_LEN);
        let (b'_', check) = check.split_first()? else {
            return None;
        };
        if base62::decode::<1>(check)? != [crc32fast::hash(&text[..SECRET_END])] {
            return None;
        }
        let (id, secret) = body.split_at(ID_DIGITS);
        let [a, b, c, d] = base62::decode::<4>(id)?.map(u128::from);
        base62::decode::<8>(secret)?;
        Some(Self {
            mode,
            key_id: ApiKeyId::from_uuid(Uuid::from_u128(a << 96 | b << 64 | c << 32 | d)),
            digest: TokenDigest::new(sha256(text)),
        })
    }
}

/// Big-endian limbs of a big-endian number.
fn limbs<const N: usize>(bytes: &[u8]) -> [u32; N] {
    let mut out = [0; N];
    for (slot, chunk) in out.iter_mut().zip(bytes.chunks_exact(4)) {
        *slot = chunk.iter().fold(0, |limb, byte| limb << 8 | u32::from(*byte));
    }
    out
}

#[cfg(test)]
mod tests;
