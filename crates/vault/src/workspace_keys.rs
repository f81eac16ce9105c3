//! The keys of one workspace, set up: sealing, opening and blind indexes.
//!
//! Threat note. Defends against: a database reader seeing content, phones or credentials; values moved between places
//! ([`crate::sealed`]); repeated nonces ([`crate::nonce`]); keys of one workspace being used on another's rows; two
//! workspaces' blind indexes being compared. Does not defend against: this process being read while it runs; equal
//! values of one domain showing as equal blind indexes inside one workspace, which is what an index is for; somebody
//! who can ask this process to index guesses (a phone number is easily guessed).

use std::fmt;

use gatepost_core::{Entropy, Secret};
use uuid::Uuid;

use crate::cipher::{Cipher, KeyMaterial};
use crate::digest::HmacKey;
use crate::nonce::{LEASE_USES, Lease, Nonces};
use crate::sealed::{Aad, Parts, Sealable, Sealed, SealedBytes};
use crate::wrap::{KeyLabel, KeyPurpose, WrappedKey};
use crate::{MasterKeyring, VaultError};

/// The version of a workspace's first data key, and of its only blind-index key.
pub const FIRST_VERSION: u32 = 1;

/// Keys are asked for again when fewer uses than this remain, so that sealing never waits for a lease.
const LOW_WATER: u64 = (LEASE_USES / 2) as u64;

/// A data key that is set up.
struct DataKey {
    version: u32,
    cipher: Cipher,
}

/// All keys of a workspace (or of [`crate::PLATFORM`]), ready for use by any number of threads.
///
/// The newest data key seals, every one opens. Fresh from [`WorkspaceKeys::unwrap`] they only open: sealing needs a
/// [`Lease`] first. After a rotation the store unwraps anew; an older object keeps sealing under its own lease of the
/// older key until it is dropped, which is harmless.
pub struct WorkspaceKeys {
    workspace: Uuid,
    blind: HmacKey,
    /// Newest first, never empty.
    data: Vec<DataKey>,
    current: u32,
    nonces: Nonces,
}

/// The wrapped keys of a new workspace, to be stored.
#[derive(Debug, Clone, Copy)]
pub struct NewWorkspaceKeys {
    pub blind_index: WrappedKey,
    /// Of version [`FIRST_VERSION`].
    pub data: WrappedKey,
}

impl NewWorkspaceKeys {
    /// Makes the first keys of `workspace`, wrapped under the primary master key.
    pub fn generate(
        workspace: Uuid,
        ring: &MasterKeyring,
        entropy: &dyn Entropy,
    ) -> Result<Self, VaultError> {
        let label = |purpose| KeyLabel { workspace, purpose, version: FIRST_VERSION };
        Ok(Self {
            blind_index: ring.generate(&label(KeyPurpose::BlindIndex), entropy)?,
            data: ring.generate(&label(KeyPurpose::Data), entropy)?,
        })
    }
}

impl WorkspaceKeys {
    /// Sets up a workspace's keys from what the store holds: its blind-index key and every version of its data key.
    pub fn unwrap(
        workspace: Uuid,
        ring: &MasterKeyring,
        blind_index: &WrappedKey,
        data: &[(u32, WrappedKey)],
    ) -> Result<Self, VaultError> {
        let label = |purpose, version| KeyLabel { workspace, purpose, version };
        let blind = ring.unwrap(&label(KeyPurpose::BlindIndex, FIRST_VERSION), blind_index)?;
        let data = data
            .iter()
            .map(|(version, wrapped)| {
                ring.unwrap(&label(KeyPurpose::Data, *version), wrapped).map(|key| (*version, key))
            })
            .collect::<Result<Vec<_>, _>>()?;
        Self::new(workspace, &blind, &data)
    }

    /// Sets up keys that are at hand in the clear.
    pub fn new(
        workspace: Uuid,
        blind_index: &KeyMaterial,
        data: &[(u32, KeyMaterial)],
    ) -> Result<Self, VaultError> {
        let mut keys = data
            .iter()
            .map(|(version, key)| {
                Cipher::new(key.expose()).map(|cipher| DataKey { version: *version, cipher })
            })
            .collect::<Result<Vec<_>, _>>()?;
        keys.sort_unstable_by_key(|key| std::cmp::Reverse(key.version));
        if keys.windows(2).any(|pair| pair[0].version == pair[1].version) {
            return Err(VaultError::KeySetInvalid);
        }
        let current = keys.first().ok_or(VaultError::KeySetInvalid)?.version;
        let blind = HmacKey::new(blind_index.expose());
        Ok(Self { workspace, blind, data: keys, current, nonces: Nonces::empty() })
    }

    pub const fn workspace(&self) -> Uuid {
        self.workspace
    }

    /// The version of the data key that seals.
    pub const fn current_version(&self) -> u32 {
        self.current
    }

    /// Takes over a lease of the data key `version`, whose transaction is committed. Leases queue up, so the next one can
    /// be taken while the last is still in use.
    pub fn add_lease(&self, version: u32, lease: Lease, entropy: &dyn Entropy) -> Result<(), VaultError> {
        if version != self.current {
            return Err(VaultError::LeaseRefused);
        }
        self.nonces.add(lease, entropy)
    }

    /// How many values can still be sealed under the leases held.
    pub fn remaining(&self) -> u64 {
        self.nonces.remaining()
    }

    /// Whether it is time to lease more, well before the budget is spent.
    pub fn wants_lease(&self) -> bool {
        self.remaining() < LOW_WATER
    }

    /// Seals a value for one place. Costs one use of the lease.
    pub fn seal(&self, aad: &Aad, plaintext: &[u8]) -> Result<SealedBytes, VaultError> {
        let key = self.data.first().ok_or(VaultError::KeySetInvalid)?;
        self.check_owner(aad)?;
        let nonce = self.nonces.take().ok_or(VaultError::BudgetExhausted)?;
        let mut out = SealedBytes::begin(key.version, nonce, plaintext.len());
        key.cipher.seal(nonce, &aad.encode(key.version), plaintext, &mut out)?;
        Ok(SealedBytes::finished(out))
    }

    /// Opens a stored value at its place. What it gives is wiped when dropped; content that leaves the process anyway is
    /// cheaper through [`WorkspaceKeys::open_content`].
    pub fn open(&self, aad: &Aad, sealed: &[u8]) -> Result<Secret<Vec<u8>>, VaultError> {
        self.open_content(aad, sealed).map(Secret::new)
    }

    /// Opens a stored value at its place, into a plain buffer.
    pub fn open_content(&self, aad: &Aad, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.check_owner(aad)?;
        let parts = Parts::of(sealed)?;
        let key = self
            .data
            .iter()
            .find(|key| key.version == parts.version)
            .ok_or(VaultError::UnknownKeyVersion(parts.version))?;
        key.cipher.open(parts.nonce, &aad.encode(parts.version), parts.body)
    }

    /// Seals a typed value.
    pub fn seal_value<T: Sealable>(&self, aad: &Aad, value: &T) -> Result<Sealed<T>, VaultError> {
        self.seal(aad, &value.to_plain()).map(Sealed::new)
    }

    /// Opens a typed value.
    pub fn open_value<T: Sealable>(&self, aad: &Aad, sealed: &Sealed<T>) -> Result<T, VaultError> {
        let plain = self.open(aad, sealed.bytes().as_bytes())?;
        T::from_plain(plain.expose()).ok_or(VaultError::Malformed)
    }

    /// The blind index of a value: the first 16 bytes of an HMAC-SHA-256 under a key of this workspace that never rotates.
    /// Equal values of one `domain` ("contacts.phone") have equal indexes; across domains and workspaces they have not.
    pub fn blind_index(&self, domain: &'static str, value: &[u8]) -> [u8; 16] {
        let length = (domain.len() as u64).to_be_bytes();
        let code = self.blind.sign(&[b"gatepost blind index v1\0", &length, domain.as_bytes(), value]);
        let mut index = [0; 16];
        index.copy_from_slice(&code[..16]);
        index
    }

    fn check_owner(&self, aad: &Aad) -> Result<(), VaultError> {
        if aad.workspace == self.workspace { Ok(()) } else { Err(VaultError::ForeignWorkspace) }
    }
}

impl fmt::Debug for WorkspaceKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkspaceKeys")
            .field("workspace", &self.workspace)
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
