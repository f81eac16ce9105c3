//! Randomness.
//!
//! Threat note. Defends against: predictable keys, secrets, ids and salts; everything random in production comes
//! from AWS-LC's generator, which the operating system seeds. Does not defend against: an operating system whose
//! own generator is broken, or a snapshot of a virtual machine resumed twice (sealing survives that, see
//! [`crate::nonce`]).

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_core::{Entropy, Secret};
use zeroize::Zeroizing;

/// The production source of randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "this is the one production source")]
    fn fill(&self, buffer: &mut [u8]) {
        // AWS-LC gives an error only when its own self-test failed. A gateway that cannot draw randomness must not
        // go on with zeros in its keys, and no caller could do better than stop.
        if rand::fill(buffer).is_err() {
            std::process::abort();
        }
    }
}

/// A random text for tokens that are typed or pasted once (verify tokens, confirmation links): `prefix` and 43
/// characters of URL-safe base64 that carry 256 bits.
pub fn random_token(prefix: &str, entropy: &dyn Entropy) -> Secret<String> {
    let bytes: Zeroizing<[u8; 32]> = Zeroizing::new(entropy.array());
    let mut text = String::with_capacity(prefix.len() + 43);
    text.push_str(prefix);
    URL_SAFE_NO_PAD.encode_string(bytes.as_slice(), &mut text);
    Secret::new(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_differ_and_cover_the_buffer() {
        let first: [u8; 64] = SystemEntropy.bytes();
        let second: [u8; 64] = SystemEntropy.bytes();
        assert_ne!(first, second);
        assert!(first[48..].iter().any(|b| *b != 0), "the end of the buffer is filled too");
    }

    #[test]
    fn tokens_are_url_safe_and_unique() {
        let mut seen = std::collections::HashSet::new();
        for _ in 0..1_000 {
            let token = random_token("verify_", &SystemEntropy);
            let body = token.expose().strip_prefix("verify_").unwrap_or_default();
            assert_eq!(body.len(), 43);
            assert!(body.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            assert!(seen.insert(body.to_owned()));
        }
    }
}
