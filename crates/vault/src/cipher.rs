//! AES-256-GCM (NIST SP 800-38D) with a key object that is kept: setting a key up costs more than sealing a short value.
//!
//! Threat note. Defends against: reading or changing what is sealed without the key; the tag is always 16 bytes and is
//! checked before a plaintext is given out. Does not defend against: a nonce used twice under one key, which the
//! callers rule out ([`crate::nonce`], [`crate::wrap`]); the length of the plaintext being seen; copies of the key in
//! the memory of this process.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use gatepost_core::{Entropy, Secret};

use crate::VaultError;

pub(crate) const NONCE_LEN: usize = 12;
pub(crate) const TAG_LEN: usize = 16;

/// The 32 bytes of a data key or a blind-index key, in the clear. Lives as short as possible: it is either wrapped or
/// set up, and wiped when dropped.
pub struct KeyMaterial(Secret<[u8; 32]>);

impl KeyMaterial {
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(Secret::new(entropy.array()))
    }

    pub(crate) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    pub(crate) const fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

/// A key that is set up. `LessSafeKey` leaves the nonce to its caller, hence the crate-private type.
pub(crate) struct Cipher(LessSafeKey);

impl Cipher {
    pub(crate) fn new(key: &[u8; 32]) -> Result<Self, VaultError> {
        let unbound = UnboundKey::new(&AES_256_GCM, key).map_err(|_| VaultError::CipherUnavailable)?;
        Ok(Self(LessSafeKey::new(unbound)))
    }

    /// Appends ciphertext and tag of `plaintext` to `out`. The nonce must never have been used under this key.
    pub(crate) fn seal(
        &self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), VaultError> {
        let start = out.len();
        out.resize(start + plaintext.len() + TAG_LEN, 0);
        let (ciphertext, tag) = out[start..].split_at_mut(plaintext.len());
        self.0
            .seal_out_of_place_scatter(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(aad),
                plaintext,
                ciphertext,
                &[],
                tag,
            )
            .map_err(|_| VaultError::TooLong)
    }

    /// The plaintext of `sealed` (ciphertext and tag), if it is authentic under this nonce and `aad`.
    pub(crate) fn open(
        &self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        let length = sealed.len().checked_sub(TAG_LEN).ok_or(VaultError::Malformed)?;
        let (ciphertext, tag) = sealed.split_at(length);
        let mut plaintext = vec![0; length];
        self.0
            .open_separate_gather(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(aad),
                ciphertext,
                tag,
                &mut plaintext,
            )
            .map_err(|_| VaultError::NotAuthentic)?;
        Ok(plaintext)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::digest::{parse_hex, push_hex};

    fn bytes(hex: &str) -> Vec<u8> {
        hex.as_bytes()
            .chunks(2)
            .map(|pair| parse_hex::<1>(std::str::from_utf8(pair).unwrap()).unwrap()[0])
            .collect()
    }

    struct Vector {
        key: &'static str,
        nonce: &'static str,
        aad: &'static str,
        plaintext: &'static str,
        sealed: &'static str,
    }

    /// McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 13 to 16: the AES-256 ones with 96-bit nonces,
    /// which NIST's validation suite took over.
    const VECTORS: [Vector; 4] = [
        Vector {
            key: "0000000000000000000000000000000000000000000000000000000000000000",
            nonce: "000000000000000000000000",
            aad: "",
            plaintext: "",
            sealed: "530f8afbc74536b9a963b4f1c4cb738b",
        },
        Vector {
            key: "0000000000000000000000000000000000000000000000000000000000000000",
            nonce: "000000000000000000000000",
            aad: "",
            plaintext: "00000000000000000000000000000000",
            sealed: "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
        },
        Vector {
            key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            nonce: "cafebabefacedbaddecaf888",
            aad: "",
            plaintext: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
                        1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
            sealed: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
                     8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad\
                     b094dac5d93471bdec1a502270e3cc6c",
        },
        Vector {
            key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            nonce: "cafebabefacedbaddecaf888",
            aad: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            plaintext: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
                        1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
            sealed: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
                     8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662\
                     76fc6ece0f4e1768cddf8853bb2d551b",
        },
    ];

    fn set_up(vector: &Vector) -> (Cipher, [u8; NONCE_LEN], Vec<u8>, Vec<u8>, Vec<u8>) {
        (
            Cipher::new(&parse_hex(vector.key).unwrap()).unwrap(),
            parse_hex(vector.nonce).unwrap(),
            bytes(vector.aad),
            bytes(vector.plaintext),
            bytes(vector.sealed),
        )
    }

    #[test]
    fn published_vectors_hold_both_ways() {
        for vector in &VECTORS {
            let (cipher, nonce, aad, plaintext, sealed) = set_up(vector);
            let mut out = Vec::new();
            cipher.seal(nonce, &aad, &plaintext, &mut out).unwrap();
            let mut hex = String::new();
            push_hex(&mut hex, &out);
            assert_eq!(hex, vector.sealed);
            assert_eq!(cipher.open(nonce, &aad, &sealed).unwrap(), plaintext);
        }
    }

    /// The classes of the negative vectors of the Wycheproof project: every changed bit of tag, ciphertext, nonce and
    /// associated data, tags of zeros and ones, and every truncation.
    #[test]
    fn changed_inputs_are_refused() {
        for vector in &VECTORS {
            let (cipher, nonce, aad, _, sealed) = set_up(vector);
            for bit in 0..sealed.len() * 8 {
                let mut changed = sealed.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(cipher.open(nonce, &aad, &changed), Err(VaultError::NotAuthentic), "bit {bit}");
            }
            for bit in 0..NONCE_LEN * 8 {
                let mut changed = nonce;
                changed[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(
                    cipher.open(changed, &aad, &sealed),
                    Err(VaultError::NotAuthentic),
                    "nonce bit {bit}"
                );
            }
            for bit in 0..aad.len() * 8 {
                let mut changed = aad.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(
                    cipher.open(nonce, &changed, &sealed),
                    Err(VaultError::NotAuthentic),
                    "aad bit {bit}"
                );
            }
            for fill in [0x00, 0xff] {
                let mut changed = sealed.clone();
                let start = changed.len() - TAG_LEN;
                changed[start..].fill(fill);
                assert_eq!(
                    cipher.open(nonce, &aad, &changed),
                    Err(VaultError::NotAuthentic),
                    "tag of {fill}"
                );
            }
            for length in 0..sealed.len() {
                let expected =
                    if length < TAG_LEN { VaultError::Malformed } else { VaultError::NotAuthentic };
                assert_eq!(cipher.open(nonce, &aad, &sealed[..length]), Err(expected), "cut to {length}");
            }
        }
    }
}
