//! Meta's signatures: callbacks are signed with the app secret over the raw body (`X-Hub-Signature-256`, Graph API
//! Webhooks, "Validating Payloads"), and calls to the Graph API can carry `appsecret_proof` ("Securing Graph API Calls").
//!
//! Threat note. Defends against: forged or changed callbacks, signatures cut or extended, comparison that tells how much
//! was right, and a secret that is not set being taken for "anything goes" (an empty one cannot be made). Does not defend
//! against: replay, since Meta signs neither time nor id (callbacks are deduplicated by what they say); a body that
//! was parsed and written again before it was verified.

use std::fmt;

use crate::digest::{HmacKey, parse_hex, push_hex};
use crate::webhook::sha256_header;

/// The secret of a Meta app, prepared. Keep one for each app: callbacks come often.
#[derive(Clone)]
pub struct AppSecret(HmacKey);

/// An app secret that is empty or blank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppSecretMissing;

impl fmt::Display for AppSecretMissing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the app secret is empty; copy it from App settings, Basic, in Meta's App Dashboard")
    }
}

impl std::error::Error for AppSecretMissing {}

impl AppSecret {
    /// Takes the secret as Meta's App Dashboard shows it.
    pub fn new(secret: &str) -> Result<Self, AppSecretMissing> {
        if secret.trim().is_empty() {
            Err(AppSecretMissing)
        } else {
            Ok(Self(HmacKey::new(secret.as_bytes())))
        }
    }

    /// Whether `header` is `sha256=` and the 64 hex digits (of either case) of the body's code. Anything else is false.
    pub fn verify(&self, raw_body: &[u8], header: &str) -> bool {
        let Some(code) = header.strip_prefix("sha256=").and_then(parse_hex::<32>) else {
            return false;
        };
        self.0.verify(&[raw_body], &code)
    }

    /// The header that Meta would send with this body; the simulated Meta signs with it.
    pub fn sign(&self, raw_body: &[u8]) -> String {
        sha256_header(&self.0, raw_body)
    }

    /// The `appsecret_proof` of an access token: the lower-case hex of its HMAC-SHA-256 under the app secret.
    pub fn proof(&self, access_token: &str) -> String {
        let mut proof = String::with_capacity(64);
        push_hex(&mut proof, &self.0.sign(&[access_token.as_bytes()]));
        proof
    }
}

impl fmt::Debug for AppSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppSecret(..)")
    }
}

/// [`AppSecret::verify`] for a single call; an empty secret verifies nothing.
pub fn verify_hub_signature(app_secret: &str, raw_body: &[u8], header: &str) -> bool {
    AppSecret::new(app_secret).is_ok_and(|secret| secret.verify(raw_body, header))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    const BODY: &[u8] = br#"{"object":"whatsapp_business_account","entry":[]}"#;

    /// HMAC-SHA-256 of RFC 4231, test case 2, in Meta's form.
    #[test]
    fn the_form_is_metas() {
        let secret = AppSecret::new("Jefe").unwrap();
        let code = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(secret.sign(b"what do ya want for nothing?"), format!("sha256={code}"));
        assert_eq!(secret.proof("what do ya want for nothing?"), code);
        assert!(secret.verify(b"what do ya want for nothing?", &format!("sha256={code}")));
        assert!(secret.verify(b"what do ya want for nothing?", &format!("sha256={}", code.to_uppercase())));
    }

    #[test]
    fn everything_but_the_signature_is_refused() {
        let secret = AppSecret::new(SECRET).unwrap();
        let good = secret.sign(BODY);
        assert!(verify_hub_signature(SECRET, BODY, &good));
        for length in 0..good.len() {
            assert!(!secret.verify(BODY, &good[..length]), "cut to {length}");
        }
        let hex = &good[7..];
        for header in [
            String::new(),
            hex.to_owned(),
            format!("sha1={hex}"),
            format!("SHA256={hex}"),
            format!("sha256={hex}0"),
            format!("sha256={hex}00"),
            format!(" {good}"),
            format!("{good} "),
            format!("{good},{good}"),
            format!("sha256= {}", &hex[1..]),
            format!("sha256={}", "0".repeat(64)),
            format!("sha256={}g", &hex[..63]),
            AppSecret::new("fedcba9876543210fedcba9876543210").unwrap().sign(BODY),
        ] {
            assert!(!secret.verify(BODY, &header), "{header}");
        }
        for bit in 0..BODY.len() * 8 {
            let mut changed = BODY.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!secret.verify(&changed, &good), "bit {bit}");
        }
    }

    #[test]
    fn a_secret_that_is_not_set_verifies_nothing() {
        for empty in ["", " ", "\n"] {
            assert_eq!(AppSecret::new(empty).err(), Some(AppSecretMissing));
            let mut forged = String::from("sha256=");
            push_hex(&mut forged, &crate::hmac_sha256(empty.as_bytes(), BODY));
            assert!(!verify_hub_signature(empty, BODY, &forged));
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", AppSecret::new(SECRET).unwrap()), "AppSecret(..)");
    }

    proptest! {
        #[test]
        fn signed_bodies_verify_and_no_header_panics(body: Vec<u8>, header in "(sha256=)?.{0,80}") {
            let secret = AppSecret::new(SECRET).unwrap();
            prop_assert!(secret.verify(&body, &secret.sign(&body)));
            prop_assert!(!secret.verify(&body, &header));
        }
    }
}
