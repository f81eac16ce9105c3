//! Sealed values: what a sealed column holds, and the place that it belongs to.
//!
//! Threat note. Defends against: a ciphertext being moved to another row, column, table, workspace or key version;
//! its place is authenticated with it, in an encoding in which no two places give the same bytes. Does not defend
//! against: an older ciphertext of the very same place being put back (the store's rows carry no authenticated
//! history); the length of the value, the time of its writing and its key version being seen.

use std::fmt;
use std::marker::PhantomData;

use gatepost_core::Secret;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::VaultError;
use crate::cipher::{NONCE_LEN, TAG_LEN};

const FORMAT: u8 = 1;
const NONCE: usize = 1 + 4;
const HEADER: usize = NONCE + NONCE_LEN;

/// What sealing adds to the length of a value: format, key version, nonce and tag.
pub const SEAL_OVERHEAD: usize = HEADER + TAG_LEN;

/// The place of a sealed value. It opens nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Aad {
    /// The workspace, or [`crate::PLATFORM`].
    pub workspace: Uuid,
    pub table: &'static str,
    pub column: &'static str,
    /// The row's id; for rows with a composite key, what [`crate::sha256`] of the key begins with.
    pub row: [u8; 16],
}

impl Aad {
    /// Domain, format, key version, workspace, row, then table and column behind their lengths.
    pub(crate) fn encode(&self, version: u32) -> Vec<u8> {
        const DOMAIN: &[u8] = b"gatepost sealed v1\0";
        let mut out = Vec::with_capacity(128);
        out.extend_from_slice(DOMAIN);
        out.push(FORMAT);
        out.extend_from_slice(&version.to_be_bytes());
        out.extend_from_slice(self.workspace.as_bytes());
        out.extend_from_slice(&self.row);
        for name in [self.table, self.column] {
            out.extend_from_slice(&(name.len() as u64).to_be_bytes());
            out.extend_from_slice(name.as_bytes());
        }
        out
    }
}

/// The bytes of a sealed column: format (1), key version (4, big-endian), nonce (12), ciphertext, tag (16).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SealedBytes(Vec<u8>);

impl SealedBytes {
    /// Takes stored bytes; only their form is checked here.
    pub fn from_vec(bytes: Vec<u8>) -> Result<Self, VaultError> {
        Parts::of(&bytes)?;
        Ok(Self(bytes))
    }

    pub(crate) fn begin(version: u32, nonce: [u8; NONCE_LEN], plaintext_len: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(SEAL_OVERHEAD + plaintext_len);
        out.push(FORMAT);
        out.extend_from_slice(&version.to_be_bytes());
        out.extend_from_slice(&nonce);
        out
    }

    pub(crate) const fn finished(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }

    /// The version of the data key that it was sealed under.
    pub fn key_version(&self) -> u32 {
        key_version(&self.0).unwrap_or(0)
    }
}

impl AsRef<[u8]> for SealedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SealedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedBytes({} bytes under key version {})", self.0.len(), self.key_version())
    }
}

/// The version of the data key that stored bytes were sealed under, read without opening them.
pub fn key_version(sealed: &[u8]) -> Result<u32, VaultError> {
    Parts::of(sealed).map(|parts| parts.version)
}

/// A sealed value taken apart; nothing is authenticated yet.
pub(crate) struct Parts<'a> {
    pub(crate) version: u32,
    pub(crate) nonce: [u8; NONCE_LEN],
    pub(crate) body: &'a [u8],
}

impl<'a> Parts<'a> {
    pub(crate) fn of(sealed: &'a [u8]) -> Result<Self, VaultError> {
        if sealed.len() < SEAL_OVERHEAD {
            return Err(VaultError::Malformed);
        }
        let (&[format, a, b, c, d], rest) =
            sealed.split_first_chunk::<NONCE>().ok_or(VaultError::Malformed)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(VaultError::Malformed)?;
        if format != FORMAT {
            return Err(VaultError::Malformed);
        }
        Ok(Self { version: u32::from_be_bytes([a, b, c, d]), nonce: *nonce, body })
    }
}

/// A value that can be sealed: it has one form in bytes, and comes back from it.
pub trait Sealable: Sized {
    /// The bytes to seal, wiped after use.
    fn to_plain(&self) -> Zeroizing<Vec<u8>>;
    /// The value of opened bytes; `None` when they are not of this type.
    fn from_plain(plain: &[u8]) -> Option<Self>;
}

impl Sealable for Vec<u8> {
    fn to_plain(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.clone())
    }
    fn from_plain(plain: &[u8]) -> Option<Self> {
        Some(plain.to_vec())
    }
}

impl Sealable for String {
    fn to_plain(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.as_bytes().to_vec())
    }
    fn from_plain(plain: &[u8]) -> Option<Self> {
        str::from_utf8(plain).ok().map(str::to_owned)
    }
}

impl<T: Sealable + zeroize::Zeroize> Sealable for Secret<T> {
    fn to_plain(&self) -> Zeroizing<Vec<u8>> {
        self.expose().to_plain()
    }
    fn from_plain(plain: &[u8]) -> Option<Self> {
        T::from_plain(plain).map(Self::new)
    }
}

/// A sealed `T`. Gives its value only to [`crate::WorkspaceKeys::open_value`] with the right keys and place.
pub struct Sealed<T> {
    bytes: SealedBytes,
    value: PhantomData<fn() -> T>,
}

impl<T> Sealed<T> {
    /// Says what stored bytes hold.
    pub const fn new(bytes: SealedBytes) -> Self {
        Self { bytes, value: PhantomData }
    }

    pub const fn bytes(&self) -> &SealedBytes {
        &self.bytes
    }

    pub fn into_bytes(self) -> SealedBytes {
        self.bytes
    }
}

impl<T> Clone for Sealed<T> {
    fn clone(&self) -> Self {
        Self::new(self.bytes.clone())
    }
}

impl<T> PartialEq for Sealed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<T> Eq for Sealed<T> {}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use std::collections::HashSet;

    /// Names whose joins are alike, and ids whose bytes shift into each other.
    #[test]
    fn no_two_places_give_the_same_bytes() {
        let mut seen = HashSet::new();
        let names = ["", "a", "b", "ab", "ba", "aba", "a\0b", "\0", "\0\0\0\0\0\0\0\u{1}a"];
        for version in [0, 1, 256] {
            for workspace in [0_u128, 1, 1 << 120] {
                for row in [[0; 16], [1; 16]] {
                    for table in names {
                        for column in names {
                            let aad = Aad { workspace: Uuid::from_u128(workspace), table, column, row };
                            assert!(seen.insert(aad.encode(version)), "{aad:?} at version {version}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn stored_bytes_of_a_wrong_form_are_refused() {
        let good = [&[1, 0, 0, 1, 2][..], &[7; 28]].concat();
        assert_eq!(SealedBytes::from_vec(good.clone()).unwrap().key_version(), 258);
        for length in 0..good.len() {
            assert_eq!(SealedBytes::from_vec(good[..length].to_vec()), Err(VaultError::Malformed));
        }
        for format in [0, 2, 255] {
            let mut other = good.clone();
            other[0] = format;
            assert_eq!(key_version(&other), Err(VaultError::Malformed));
        }
    }

    #[test]
    fn debug_shows_no_bytes() {
        let sealed = SealedBytes::from_vec([&[1, 0, 0, 0, 3][..], &[0xab; 40]].concat()).unwrap();
        assert_eq!(format!("{sealed:?}"), "SealedBytes(45 bytes under key version 3)");
        assert_eq!(
            format!("{:?}", Sealed::<String>::new(sealed)),
            "SealedBytes(45 bytes under key version 3)"
        );
    }
}
