//! Master keys: what every data key is wrapped under.
//!
//! Threat note. Defends against: starting with a key that is missing, short, or one that people type or copy from
//! examples; a key showing up in an error text, a log or `Debug`; not knowing which key a store was wrapped under.
//! Does not defend against: somebody who can read the key's variable or file, or this process's memory; a key with
//! enough variety that an attacker knows all the same. Key ids are 32 bits of a hash of the key: they name keys and
//! give nothing away of 256 random bits.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use gatepost_core::{Entropy, Secret};
use zeroize::Zeroizing;

use crate::VaultError;
use crate::cipher::Cipher;
use crate::digest::{parse_hex, push_hex, sha256};

/// Length of a master key in bytes.
pub const MASTER_KEY_LEN: usize = 32;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// The name of a master key: the first 8 hex digits of a domain-separated SHA-256 of it. Safe to show and to store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MasterKeyId([u8; 4]);

impl MasterKeyId {
    fn of(key: &[u8; MASTER_KEY_LEN]) -> Self {
        const DOMAIN: &[u8] = b"gatepost master key id v1\0";
        let mut input = Zeroizing::new([0; DOMAIN.len() + MASTER_KEY_LEN]);
        input[..DOMAIN.len()].copy_from_slice(DOMAIN);
        input[DOMAIN.len()..].copy_from_slice(key);
        let [a, b, c, d, ..] = sha256(input.as_slice());
        Self([a, b, c, d])
    }

    pub(crate) const fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }

    /// Reads the 8 hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        parse_hex(text).map(Self)
    }
}

impl fmt::Display for MasterKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        push_hex(&mut text, &self.0);
        f.write_str(&text)
    }
}

impl fmt::Debug for MasterKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is not a master key. Holds nothing of the text but its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MasterKeyFault {
    Missing,
    /// Decodes, to this many bytes.
    WrongLength(usize),
    /// Neither hex nor base64.
    Undecodable,
    Weak(Weakness),
}

/// In which way 32 bytes are plainly not random. Each happens to a random key with a probability below 10^-9.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// All bytes are zero.
    Zero,
    /// One byte value makes up a quarter of the key, or it has fewer than 16 different ones: padding, or one key pressed.
    Uniform,
    /// A shorter pattern repeated.
    Repeating,
    /// Bytes at equal distances, such as 00 01 02 03.
    Sequence,
    /// Printable text: a passphrase, not a key.
    Text,
}

impl fmt::Display for MasterKeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("no master key is given")?,
            Self::WrongLength(length) => write!(f, "the value holds {length} bytes, a master key has 32")?,
            Self::Undecodable => {
                f.write_str("the value is neither 64 hex digits nor the base64 of 32 bytes")?;
            }
            Self::Weak(weakness) => f.write_str(match weakness {
                Weakness::Zero => "the master key is all zeros",
                Weakness::Uniform => "the master key is mostly one byte or padding",
                Weakness::Repeating => "the master key repeats a short pattern",
                Weakness::Sequence => "the master key is a plain sequence of bytes",
                Weakness::Text => "the master key is text that somebody typed, not random bytes",
            })?,
        }
        // One remedy for all: whoever holds the real key knows it and only mistyped the place.
        f.write_str("; make one with `head -c 32 /dev/urandom | base64`, or give the one that this store was made with")
    }
}

/// A refusal that says where the value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterKeyRefused {
    /// The variable, or the file and line.
    pub place: String,
    pub fault: MasterKeyFault,
}

impl fmt::Display for MasterKeyRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.fault)
    }
}

impl std::error::Error for MasterKeyRefused {}

/// A master key that passed the checks, set up for wrapping.
pub struct MasterKey {
    id: MasterKeyId,
    bytes: Secret<[u8; MASTER_KEY_LEN]>,
    cipher: Cipher,
}

impl MasterKey {
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, VaultError> {
        Self::from_bytes(Secret::new(entropy.array()))
    }

    /// Reads 64 hex digits, or the base64 (standard or URL-safe, padded or not) of exactly 32 bytes. White space around
    /// the value is ignored: files and variables bring line ends along.
    ///
    /// `place` names the variable or file for the error text.
    pub fn parse(place: &str, value: &str) -> Result<Self, MasterKeyRefused> {
        let refuse = |fault| MasterKeyRefused { place: place.to_owned(), fault };
        let bytes = decode(value).map_err(refuse)?;
        if let Some(weakness) = weakness(bytes.expose()) {
            return Err(refuse(MasterKeyFault::Weak(weakness)));
        }
        Self::from_bytes(bytes).map_err(|_| refuse(MasterKeyFault::Undecodable))
    }

    fn from_bytes(bytes: Secret<[u8; MASTER_KEY_LEN]>) -> Result<Self, VaultError> {
        let (id, cipher) = (MasterKeyId::of(bytes.expose()), Cipher::new(bytes.expose())?);
        Ok(Self { id, bytes, cipher })
    }

    pub const fn id(&self) -> MasterKeyId {
        self.id
    }

    pub(crate) const fn cipher(&self) -> &Cipher {
        &self.cipher
    }

    /// The 64 hex digits that [`MasterKey::parse`] reads, for the key file.
    pub fn to_hex(&self) -> Secret<String> {
        let mut text = String::with_capacity(MASTER_KEY_LEN * 2);
        push_hex(&mut text, self.bytes.expose());
        Secret::new(text)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The master key in use, and those that a store may still hold keys under.
#[derive(Debug)]
pub struct MasterKeyring {
    primary: MasterKey,
    previous: Vec<MasterKey>,
}

impl MasterKeyring {
    /// A key given twice is kept once.
    pub fn new(primary: MasterKey, previous: Vec<MasterKey>) -> Self {
        let mut ring = Self { primary, previous: Vec::with_capacity(previous.len()) };
        for key in previous {
            if ring.find(key.id()).is_none() {
                ring.previous.push(key);
            }
        }
        ring
    }

    pub const fn primary(&self) -> &MasterKey {
        &self.primary
    }

    /// The ids of all keys, the primary one first.
    pub fn ids(&self) -> impl Iterator<Item = MasterKeyId> {
        std::iter::once(&self.primary).chain(&self.previous).map(MasterKey::id)
    }

    /// Whether keys wrapped under `id` can be unwrapped. A server whose store holds any other refuses to start.
    pub fn knows(&self, id: MasterKeyId) -> bool {
        self.find(id).is_some()
    }

    pub(crate) fn find(&self, id: MasterKeyId) -> Option<&MasterKey> {
        std::iter::once(&self.primary).chain(&self.previous).find(|key| key.id() == id)
    }
}

fn decode(value: &str) -> Result<Secret<[u8; MASTER_KEY_LEN]>, MasterKeyFault> {
    let value = value.trim();
    if value.is_empty() {
        return Err(MasterKeyFault::Missing);
    }
    // Hex digits are base64 too: an even number of nothing but hex digits is meant as hex.
    if value.len().is_multiple_of(2) && value.bytes().all(|b| b.is_ascii_hexdigit()) {
        return parse_hex(value).map(Secret::new).ok_or(MasterKeyFault::WrongLength(value.len() / 2));
    }
    let decoded = BASE64
        .decode(value)
        .or_else(|_| BASE64_URL.decode(value))
        .map_err(|_| MasterKeyFault::Undecodable)?;
    let decoded = Zeroizing::new(decoded);
    let mut bytes = Zeroizing::new([0; MASTER_KEY_LEN]);
    if decoded.len() != MASTER_KEY_LEN {
        return Err(MasterKeyFault::WrongLength(decoded.len()));
    }
    bytes.copy_from_slice(&decoded);
    Ok(Secret::new(*bytes))
}

fn weakness(key: &[u8; MASTER_KEY_LEN]) -> Option<Weakness> {
    let mut counts = [0_usize; 256];
    for byte in key {
        counts[usize::from(*byte)] += 1;
    }
    let different = counts.iter().filter(|count| **count > 0).count();
    let step = key[1].wrapping_sub(key[0]);
    if counts[0] == MASTER_KEY_LEN {
        Some(Weakness::Zero)
    } else if (1..=MASTER_KEY_LEN / 2).any(|period| key.iter().zip(&key[period..]).all(|(a, b)| a == b)) {
        Some(if different == 1 { Weakness::Uniform } else { Weakness::Repeating })
    } else if key.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == step) {
        Some(Weakness::Sequence)
    } else if different < 16 || counts.iter().any(|count| *count >= MASTER_KEY_LEN / 4) {
        Some(Weakness::Uniform)
    } else if key.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') {
        Some(Weakness::Text)
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
