//! Signing checkpoints with the installation's key, and knowing that signature.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use gatepost_core::audit::{Checkpoint, Hash};

use crate::cipher::KeyMaterial;
use crate::digest::{parse_hex, push_hex, sha256};
use crate::{KeyLabel, KeyPurpose, MasterKeyring, PLATFORM, VaultError, WrappedKey};

/// The installation's key for checkpoints (Ed25519, RFC 8032), set up. Its seed lies wrapped under the master key.
pub struct CheckpointKey(Ed25519KeyPair);

impl CheckpointKey {
    /// The place of the wrapped seed: the platform's, one for the life of the installation.
    pub const LABEL: KeyLabel = KeyLabel { workspace: PLATFORM, purpose: KeyPurpose::Checkpoint, version: 1 };

    /// Sets up the key from its wrapped seed.
    pub fn unwrap(ring: &MasterKeyring, wrapped: &WrappedKey) -> Result<Self, VaultError> {
        Self::of_seed(&ring.unwrap(&Self::LABEL, wrapped)?)
    }

    fn of_seed(seed: &KeyMaterial) -> Result<Self, VaultError> {
        Ed25519KeyPair::from_seed_unchecked(seed.expose())
            .map(Self)
            .map_err(|_| VaultError::CipherUnavailable)
    }

    /// A key that belongs to no installation, for tests.
    #[doc(hidden)]
    pub fn generate(entropy: &dyn gatepost_core::Entropy) -> Result<Self, VaultError> {
        Self::of_seed(&KeyMaterial::generate(entropy))
    }

    pub fn public(&self) -> CheckpointPublicKey {
        let mut key = [0; 32];
        for (slot, byte) in key.iter_mut().zip(self.0.public_key().as_ref()) {
            *slot = *byte;
        }
        CheckpointPublicKey(key)
    }

    /// Signs; key and signature of `checkpoint` are filled in.
    #[must_use]
    pub fn sign(&self, mut checkpoint: Checkpoint) -> Checkpoint {
        checkpoint.key = self.public().0;
        let signature = self.0.sign(&checkpoint.encode());
        for (slot, byte) in checkpoint.signature.iter_mut().zip(signature.as_ref()) {
            *slot = *byte;
        }
        checkpoint
    }
}

impl fmt::Debug for CheckpointKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CheckpointKey({})", self.public())
    }
}

/// What checkpoints are checked with. Public: print it, note it, keep it elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckpointPublicKey([u8; 32]);

impl CheckpointPublicKey {
    /// Reads 64 hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        parse_hex(text.trim()).map(Self)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether this key signed it.
    pub fn signed(&self, checkpoint: &Checkpoint) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, &self.0);
        checkpoint.key == self.0 && key.verify(&checkpoint.encode(), &checkpoint.signature).is_ok()
    }
}

impl fmt::Display for CheckpointPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        push_hex(&mut text, &self.0);
        f.write_str(&text)
    }
}

/// What the next checkpoint names as its predecessor.
pub fn checkpoint_digest(checkpoint: &Checkpoint) -> Hash {
    let mut bytes = checkpoint.encode();
    bytes.extend_from_slice(&checkpoint.signature);
    sha256(&bytes)
}
