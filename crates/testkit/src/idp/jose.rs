//! Keys made at start, and tokens signed with them rightly or wrongly.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512,
    RsaEncoding, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_vault::hmac_sha256;
use serde_json::{Value, json};

/// How an ID token is signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Signer {
    #[default]
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    /// Not at all: `alg: none`.
    Nothing,
    /// HMAC whose key is the RSA public key, as everybody knows it.
    HmacWithPublicKey,
    /// HMAC whose key is the client's secret, as the specification would have it.
    HmacWithSecret,
    /// An RSA key that is not in the key set, under the key id of one that is.
    Stranger,
    /// The right key, and one bit of the signature changed.
    Flipped,
}

impl Signer {
    const fn name(self) -> &'static str {
        match self {
            Self::Rs256 | Self::Stranger | Self::Flipped => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Nothing => "none",
            Self::HmacWithPublicKey | Self::HmacWithSecret => "HS256",
        }
    }

    const fn kid(self) -> &'static str {
        match self {
            Self::Es256 => "p256",
            Self::Es384 => "p384",
            _ => "rsa",
        }
    }
}

/// The keys of a provider.
pub struct Keys {
    rsa: RsaKeyPair,
    stranger: RsaKeyPair,
    p256: EcdsaKeyPair,
    p384: EcdsaKeyPair,
}

impl Keys {
    /// The same for all providers of a process: making them takes a while.
    pub fn shared() -> Arc<Self> {
        static KEYS: OnceLock<Arc<Keys>> = OnceLock::new();
        let rsa = || RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key");
        let make = || Self {
            rsa: rsa(),
            stranger: rsa(),
            p256: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a P-256 key"),
            p384: EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).expect("a P-384 key"),
        };
        Arc::clone(KEYS.get_or_init(|| Arc::new(make())))
    }

    /// The public keys as a key set.
    pub fn set(&self) -> Value {
        json!({ "keys": [public_rsa(&self.rsa, "rsa"), point(&self.p256, "P-256", "p256"), point(&self.p384, "P-384", "p384")] })
    }

    /// The key that is in no set, as a public key.
    pub fn stranger(&self, kid: &str) -> Value {
        public_rsa(&self.stranger, kid)
    }

    /// The header that goes with a signer.
    pub fn header(signer: Signer) -> Value {
        json!({ "alg": signer.name(), "typ": "JWT", "kid": signer.kid() })
    }

    /// A token of these parts.
    pub fn sign(&self, signer: Signer, header: &Value, claims: &Value, client_secret: &str) -> String {
        let input = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let bytes = input.as_bytes();
        let signature = match signer {
            Signer::Rs256 => rsa(&self.rsa, &RSA_PKCS1_SHA256, bytes),
            Signer::Rs384 => rsa(&self.rsa, &RSA_PKCS1_SHA384, bytes),
            Signer::Rs512 => rsa(&self.rsa, &RSA_PKCS1_SHA512, bytes),
            Signer::Ps256 => rsa(&self.rsa, &RSA_PSS_SHA256, bytes),
            Signer::Ps384 => rsa(&self.rsa, &RSA_PSS_SHA384, bytes),
            Signer::Ps512 => rsa(&self.rsa, &RSA_PSS_SHA512, bytes),
            Signer::Es256 => ecdsa(&self.p256, bytes),
            Signer::Es384 => ecdsa(&self.p384, bytes),
            Signer::Nothing => Vec::new(),
            Signer::HmacWithPublicKey => hmac_sha256(self.rsa.public_key().as_ref(), bytes).to_vec(),
            Signer::HmacWithSecret => hmac_sha256(client_secret.as_bytes(), bytes).to_vec(),
            Signer::Stranger => rsa(&self.stranger, &RSA_PKCS1_SHA256, bytes),
            Signer::Flipped => {
                let mut signature = rsa(&self.rsa, &RSA_PKCS1_SHA256, bytes);
                signature[100] ^= 1;
                signature
            }
        };
        format!("{input}.{}", encode(signature))
    }
}

/// Unpadded base64url.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[expect(clippy::disallowed_methods, reason = "signatures of a test's provider")]
fn rsa(pair: &RsaKeyPair, encoding: &'static dyn RsaEncoding, bytes: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(encoding, &SystemRandom::new(), bytes, &mut signature).expect("a signature");
    signature
}

#[expect(clippy::disallowed_methods, reason = "signatures of a test's provider")]
fn ecdsa(pair: &EcdsaKeyPair, bytes: &[u8]) -> Vec<u8> {
    pair.sign(&SystemRandom::new(), bytes).expect("a signature").as_ref().to_vec()
}

/// A modulus of 2,048 bits stands at a fixed place of an RSAPublicKey (RFC 8017, A.1.1), after two headers and a zero.
fn public_rsa(pair: &RsaKeyPair, kid: &str) -> Value {
    let der = pair.public_key().as_ref();
    assert_eq!(der.len(), 270, "2,048 bits and the exponent 65537");
    json!({ "kty": "RSA", "kid": kid, "use": "sig", "n": encode(&der[9..265]), "e": "AQAB" })
}

/// A point, uncompressed: four, x, y.
fn point(pair: &EcdsaKeyPair, curve: &str, kid: &str) -> Value {
    let (x, y) = {
        let bytes = &pair.public_key().as_ref()[1..];
        bytes.split_at(bytes.len() / 2)
    };
    json!({ "kty": "EC", "kid": kid, "use": "sig", "crv": curve, "x": encode(x), "y": encode(y) })
}
