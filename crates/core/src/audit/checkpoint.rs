//! Checkpoints: where a chain stood at a moment, signed.

use serde::{Deserialize, Serialize};

use crate::id::WorkspaceId;
use crate::time::Timestamp;

/// SHA-256 of an entry and all before it, or of a checkpoint.
pub type Hash = [u8; 32];

/// What stands where there is nothing before.
pub const NO_HASH: Hash = [0; 32];

/// A hash as lower-case hex.
pub fn hash_text(hash: &Hash) -> String {
    hex::text(hash)
}

/// A signed word of the installation about one log: at `at`, entry `seq` was the last and `head` its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    pub workspace_id: WorkspaceId,
    pub seq: i64,
    #[serde(with = "hex")]
    pub head: Hash,
    pub at: Timestamp,
    /// SHA-256 over the checkpoint before this one, its signature included; zeros for the first.
    #[serde(with = "hex")]
    pub previous: Hash,
    /// The public key (Ed25519) that it is signed with.
    #[serde(with = "hex")]
    pub key: [u8; 32],
    /// Ed25519 (RFC 8032) over [`Checkpoint::encode`].
    #[serde(with = "hex")]
    pub signature: [u8; 64],
}

const DOMAIN: &[u8] = b"gatepost audit checkpoint v1\0";

impl Checkpoint {
    /// The bytes that are signed. Everything has a fixed length.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(DOMAIN.len() + 128);
        out.extend_from_slice(DOMAIN);
        out.extend_from_slice(self.workspace_id.uuid().as_bytes());
        out.extend_from_slice(&self.seq.to_be_bytes());
        out.extend_from_slice(&self.head);
        out.extend_from_slice(&self.at.micros().to_be_bytes());
        out.extend_from_slice(&self.previous);
        out.extend_from_slice(&self.key);
        out
    }
}

/// Bytes as lower-case hex.
pub(super) mod hex {
    use std::borrow::Cow;

    use serde::{Deserialize, Deserializer, Serializer, de};

    const DIGITS: &[u8; 16] = b"0123456789abcdef";

    pub fn text(bytes: &[u8]) -> String {
        let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
    }

    pub fn parse<const N: usize>(text: &str) -> Option<[u8; N]> {
        let digit = |c: u8| DIGITS.iter().position(|d| *d == c).and_then(|d| u8::try_from(d).ok());
        let bytes = text.as_bytes();
        if bytes.len() != N * 2 {
            return None;
        }
        let mut out = [0; N];
        for (slot, pair) in out.iter_mut().zip(bytes.chunks_exact(2)) {
            *slot = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(out)
    }

    pub fn serialize<const N: usize, S: Serializer>(bytes: &[u8; N], out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&text(bytes))
    }

    pub fn deserialize<'de, const N: usize, D: Deserializer<'de>>(from: D) -> Result<[u8; N], D::Error> {
        let written = Cow::<'de, str>::deserialize(from)?;
        parse(&written).ok_or_else(|| de::Error::custom("expected lower-case hex of the right length"))
    }
}
