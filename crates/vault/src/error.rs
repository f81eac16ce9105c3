//! Why the vault refused.
//!
//! No text here holds a key, a plaintext or a ciphertext: these errors are logged.

use std::fmt;

use crate::MasterKeyId;

/// A refusal of sealing, opening, wrapping or unwrapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VaultError {
    /// The leased uses of the current data key are spent; lease a block ([`crate::next_lease`]) and seal again.
    BudgetExhausted,
    /// A lease of another key version was offered, or one that starts before a lease already held.
    LeaseRefused,
    /// The bytes are no sealed value: too short, or of an unknown format.
    Malformed,
    /// The value was sealed under a data key that was not given (or was destroyed).
    UnknownKeyVersion(u32),
    /// Ciphertext, key and place do not belong together: the bytes were changed or moved. A security event.
    NotAuthentic,
    /// These keys belong to another workspace than the place names.
    ForeignWorkspace,
    /// The key was wrapped under a master key that was not given.
    UnknownMasterKey(MasterKeyId),
    /// A set of data keys is empty, or holds a version twice.
    KeySetInvalid,
    /// The plaintext is longer than AES-GCM takes.
    TooLong,
    /// AES-256-GCM could not be set up: the cryptographic library is broken or its self-test failed.
    CipherUnavailable,
}

impl VaultError {
    /// Whether the refusal points at tampering (or at a bug as bad), rather than at a missing key or a spent budget.
    pub const fn is_security_event(self) -> bool {
        matches!(self, Self::NotAuthentic | Self::Malformed | Self::ForeignWorkspace)
    }
}

impl fmt::Display for VaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BudgetExhausted => f.write_str("the leased uses of the data key are spent"),
            Self::LeaseRefused => f.write_str("the lease does not fit the data key"),
            Self::Malformed => f.write_str("not a sealed value"),
            Self::UnknownKeyVersion(version) => {
                write!(
                    f,
                    "sealed under data key version {version}, which is not among the keys of the workspace"
                )
            }
            Self::NotAuthentic => {
                f.write_str("the sealed value was changed, moved, or sealed under another key")
            }
            Self::ForeignWorkspace => f.write_str("the keys belong to another workspace"),
            Self::UnknownMasterKey(id) => write!(
                f,
                "wrapped under master key {id}, which was not given; give it as a previous key (a further line of \
                 the key file) until `gatepost vault status` no longer counts it"
            ),
            Self::KeySetInvalid => {
                f.write_str("the workspace's set of data keys is empty or holds a version twice")
            }
            Self::TooLong => f.write_str("the value is too long to seal"),
            Self::CipherUnavailable => f.write_str("the cryptographic library refused to set up AES-256-GCM"),
        }
    }
}

impl std::error::Error for VaultError {}

impl From<VaultError> for gatepost_core::Error {
    /// Every refusal of the vault is a failure of ours; only the log learns which.
    fn from(error: VaultError) -> Self {
        Self::internal(error)
    }
}
