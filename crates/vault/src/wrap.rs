//! Wrapped keys: data keys and blind-index keys as the store keeps them, sealed under a master key.
//!
//! Threat note. Defends against: somebody with the database alone reading any key; a wrapped key being moved to
//! another workspace, purpose or version, or being taken for one of another master key (all of it is authenticated).
//! Destroying a workspace's wrapped keys makes its sealed columns unreadable, in backups that lack them too. Does not
//! defend against: somebody with the database and the master key; an old backup that still holds a destroyed wrapped
//! key while its master key lives on. Nonces are random here: a master key wraps a few keys per workspace and
//! rotation, so that even 2^24 wraps repeat one with a probability of 2^-49 only.

use std::fmt;

use gatepost_core::Entropy;
use uuid::Uuid;

use crate::cipher::{KeyMaterial, NONCE_LEN, TAG_LEN};
use crate::{MasterKey, MasterKeyId, MasterKeyring, VaultError};

const FORMAT: u8 = 1;
const DOMAIN: &[u8] = b"gatepost wrapped key v1\0";
const ID: usize = 1;
const NONCE: usize = ID + 4;
const BODY: usize = NONCE + NONCE_LEN;

/// Length of a wrapped key in bytes: format, master key id, nonce, key, tag.
pub const WRAPPED_KEY_LEN: usize = BODY + 32 + TAG_LEN;

/// The owner of the platform's own secrets, where a workspace would stand.
pub const PLATFORM: Uuid = Uuid::nil();

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyPurpose {
    /// Seals columns; rotates.
    Data,
    /// Keys the blind index; never rotates, since every stored index would have to change with it.
    BlindIndex,
    /// Signs the audit log's checkpoints; the platform's alone. Never rotates, so that one public key is enough.
    Checkpoint,
    /// Signs access tokens; the platform's alone.
    AccessToken,
}

/// Which key a wrapped key is; authenticated with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyLabel {
    /// The workspace, or [`PLATFORM`].
    pub workspace: Uuid,
    pub purpose: KeyPurpose,
    /// Counts data keys from 1; 1 for the blind-index key.
    pub version: u32,
}

impl KeyLabel {
    /// Everything has a fixed length, so no two labels give the same bytes.
    fn aad(&self, master: MasterKeyId) -> [u8; DOMAIN.len() + 26] {
        let mut out = [0; DOMAIN.len() + 26];
        let (domain, rest) = out.split_at_mut(DOMAIN.len());
        domain.copy_from_slice(DOMAIN);
        rest[0] = FORMAT;
        rest[1] = match self.purpose {
            KeyPurpose::Data => 1,
            KeyPurpose::BlindIndex => 2,
            KeyPurpose::Checkpoint => 3,
            KeyPurpose::AccessToken => 4,
        };
        rest[2..6].copy_from_slice(&self.version.to_be_bytes());
        rest[6..10].copy_from_slice(master.as_bytes());
        rest[10..26].copy_from_slice(self.workspace.as_bytes());
        out
    }
}

/// A key under a master key, as stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct WrappedKey([u8; WRAPPED_KEY_LEN]);

impl WrappedKey {
    /// Takes stored bytes; only their form is checked here.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, VaultError> {
        match <[u8; WRAPPED_KEY_LEN]>::try_from(bytes) {
            Ok(bytes) if bytes[0] == FORMAT => Ok(Self(bytes)),
            _ => Err(VaultError::Malformed),
        }
    }

    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The master key that it is wrapped under, so that a rotation can be counted without unwrapping.
    pub const fn master_key_id(&self) -> MasterKeyId {
        MasterKeyId::from_bytes([self.0[ID], self.0[ID + 1], self.0[ID + 2], self.0[ID + 3]])
    }
}

impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrappedKey(under {})", self.master_key_id())
    }
}

impl MasterKeyring {
    /// Wraps a key under the primary master key.
    pub fn wrap(
        &self,
        label: &KeyLabel,
        key: &KeyMaterial,
        entropy: &dyn Entropy,
    ) -> Result<WrappedKey, VaultError> {
        let master = self.primary();
        let nonce: [u8; NONCE_LEN] = entropy.array();
        let mut out = Vec::with_capacity(WRAPPED_KEY_LEN);
        out.push(FORMAT);
        out.extend_from_slice(master.id().as_bytes());
        out.extend_from_slice(&nonce);
        master.cipher().seal(nonce, &label.aad(master.id()), key.expose(), &mut out)?;
        WrappedKey::from_bytes(&out)
    }

    /// Unwraps a key, under whichever master key of the ring it was wrapped.
    pub fn unwrap(&self, label: &KeyLabel, wrapped: &WrappedKey) -> Result<KeyMaterial, VaultError> {
        let id = wrapped.master_key_id();
        let master = self.find(id).ok_or(VaultError::UnknownMasterKey(id))?;
        unwrap_with(master, label, wrapped)
    }

    /// Wraps a key anew when it is not under the primary master key; `None` when there is nothing to do. Doing it twice,
    /// or on two nodes, is harmless: both results unwrap to the same key.
    pub fn rewrap(
        &self,
        label: &KeyLabel,
        wrapped: &WrappedKey,
        entropy: &dyn Entropy,
    ) -> Result<Option<WrappedKey>, VaultError> {
        if wrapped.master_key_id() == self.primary().id() {
            return Ok(None);
        }
        let key = self.unwrap(label, wrapped)?;
        self.wrap(label, &key, entropy).map(Some)
    }

    /// A new key, wrapped.
    pub fn generate(&self, label: &KeyLabel, entropy: &dyn Entropy) -> Result<WrappedKey, VaultError> {
        self.wrap(label, &KeyMaterial::generate(entropy), entropy)
    }
}

fn unwrap_with(
    master: &MasterKey,
    label: &KeyLabel,
    wrapped: &WrappedKey,
) -> Result<KeyMaterial, VaultError> {
    let mut nonce = [0; NONCE_LEN];
    nonce.copy_from_slice(&wrapped.0[NONCE..BODY]);
    let plain = master.cipher().open(nonce, &label.aad(master.id()), &wrapped.0[BODY..])?;
    let plain = zeroize::Zeroizing::new(plain);
    <[u8; 32]>::try_from(plain.as_slice()).map(KeyMaterial::from_bytes).map_err(|_| VaultError::Malformed)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::SystemEntropy;

    fn ring() -> MasterKeyring {
        MasterKeyring::new(MasterKey::generate(&SystemEntropy).unwrap(), Vec::new())
    }

    fn labels() -> Vec<KeyLabel> {
        let mut labels = Vec::new();
        for workspace in [PLATFORM, Uuid::from_u128(1), Uuid::from_u128(1 << 64)] {
            for purpose in
                [KeyPurpose::Data, KeyPurpose::BlindIndex, KeyPurpose::Checkpoint, KeyPurpose::AccessToken]
            {
                for version in [1, 2, 256, u32::MAX] {
                    labels.push(KeyLabel { workspace, purpose, version });
                }
            }
        }
        labels
    }

    #[test]
    fn a_wrapped_key_opens_under_its_own_label_only() {
        let ring = ring();
        for label in labels() {
            let key = KeyMaterial::generate(&SystemEntropy);
            let wrapped = ring.wrap(&label, &key, &SystemEntropy).unwrap();
            for other in labels() {
                let opened = ring.unwrap(&other, &wrapped);
                if other == label {
                    assert_eq!(opened.ok().unwrap().expose(), key.expose());
                } else {
                    assert_eq!(opened.err(), Some(VaultError::NotAuthentic), "{label:?} as {other:?}");
                }
            }
        }
    }

    #[test]
    fn every_changed_bit_is_refused() {
        let ring = ring();
        let label = labels()[3];
        let wrapped = ring.generate(&label, &SystemEntropy).unwrap();
        for bit in 0..WRAPPED_KEY_LEN * 8 {
            let mut bytes = wrapped.0;
            bytes[bit / 8] ^= 1 << (bit % 8);
            let refused = match WrappedKey::from_bytes(&bytes) {
                Ok(changed) => ring.unwrap(&label, &changed).err(),
                Err(error) => Some(error),
            };
            let expected = match bit / 8 {
                0 => matches!(refused, Some(VaultError::Malformed)),
                1..5 => matches!(refused, Some(VaultError::UnknownMasterKey(_))),
                _ => refused == Some(VaultError::NotAuthentic),
            };
            assert!(expected, "bit {bit}: {refused:?}");
        }
        for length in 0..WRAPPED_KEY_LEN {
            assert_eq!(WrappedKey::from_bytes(&wrapped.as_bytes()[..length]), Err(VaultError::Malformed));
        }
        assert_eq!(WrappedKey::from_bytes(&[&wrapped.0[..], &[0]].concat()), Err(VaultError::Malformed));
    }

    /// A key relabelled to the id of a master key that is in the ring, but which did not wrap it.
    #[test]
    fn a_key_cannot_pass_as_wrapped_under_another_master_key() {
        let (one, two) =
            (MasterKey::generate(&SystemEntropy).unwrap(), MasterKey::generate(&SystemEntropy).unwrap());
        let other_id = two.id();
        let ring = MasterKeyring::new(one, vec![two]);
        let label = labels()[0];
        let mut bytes = ring.generate(&label, &SystemEntropy).unwrap().0;
        bytes[ID..NONCE].copy_from_slice(other_id.as_bytes());
        let moved = WrappedKey::from_bytes(&bytes).unwrap();
        assert_eq!(ring.unwrap(&label, &moved).err(), Some(VaultError::NotAuthentic));
    }

    #[test]
    fn rewrapping_moves_a_key_to_the_primary_and_keeps_it() {
        let old = MasterKey::generate(&SystemEntropy).unwrap();
        let again = MasterKey::parse("test", old.to_hex().expose()).unwrap();
        let before = MasterKeyring::new(old, Vec::new());
        let label = labels()[0];
        let wrapped = before.generate(&label, &SystemEntropy).unwrap();
        let material = before.unwrap(&label, &wrapped).ok().unwrap();

        let both = MasterKeyring::new(MasterKey::generate(&SystemEntropy).unwrap(), vec![again]);
        let moved = both.rewrap(&label, &wrapped, &SystemEntropy).unwrap().unwrap();
        assert_eq!(moved.master_key_id(), both.primary().id());
        assert_eq!(both.rewrap(&label, &moved, &SystemEntropy), Ok(None), "nothing left to do");
        assert_eq!(both.unwrap(&label, &moved).ok().unwrap().expose(), material.expose());
        assert_eq!(
            before.unwrap(&label, &moved).err(),
            Some(VaultError::UnknownMasterKey(both.primary().id()))
        );
        let wrong = KeyLabel { version: 9, ..label };
        assert_eq!(both.rewrap(&wrong, &wrapped, &SystemEntropy), Err(VaultError::NotAuthentic));
    }

    #[test]
    fn debug_names_the_master_key_only() {
        let ring = ring();
        let wrapped = ring.generate(&labels()[0], &SystemEntropy).unwrap();
        assert_eq!(format!("{wrapped:?}"), format!("WrappedKey(under {})", ring.primary().id()));
    }
}
