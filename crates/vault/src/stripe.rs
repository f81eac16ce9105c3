//! Stripe's signatures: `Stripe-Signature: t=…,v1=…`, HMAC-SHA-256 under the endpoint's secret over the time, a dot and
//! the raw body (Stripe's documentation, "Verify webhook signatures manually").
//!
//! Threat note. Defends against: forged or changed events, comparison that tells how much was right, an old event sent
//! again (the time is signed and must be near), a downgrade to another scheme (only `v1` is looked at), a secret that is
//! not set. Does not defend against: an event that is sent again within the tolerance; ids are taken once.

use std::fmt;
use std::time::Duration;

use gatepost_core::Timestamp;

use crate::digest::{HmacKey, parse_hex, push_hex};

/// How far the signed time may be from ours, either way; what Stripe's own libraries take.
pub const TOLERANCE: Duration = Duration::from_mins(5);
/// Signatures that are looked at; while a secret is rolled there are two.
const SIGNATURES_MAX: usize = 8;

/// The secret of a webhook endpoint at Stripe (`whsec_…`, used as it is written), prepared.
#[derive(Clone)]
pub struct StripeSecret(HmacKey);

impl StripeSecret {
    /// Takes the secret as Stripe's dashboard shows it; `None` for one that is blank.
    pub fn new(secret: &str) -> Option<Self> {
        let secret = secret.trim();
        (!secret.is_empty()).then(|| Self(HmacKey::new(secret.as_bytes())))
    }

    /// Whether `header` signs the body, at a time near `now`. Anything else is false.
    pub fn verify(&self, raw_body: &[u8], header: &str, now: Timestamp) -> bool {
        let items = || header.split(',').filter_map(|item| item.trim().split_once('='));
        let mut times = items().filter(|(name, _)| *name == "t").map(|(_, time)| time);
        let (Some(time), None) = (times.next(), times.next()) else { return false };
        let digits = (1..=12).contains(&time.len()) && time.bytes().all(|b| b.is_ascii_digit());
        let Some(at) = digits.then(|| time.parse().ok()).flatten().map(Timestamp::from_seconds) else {
            return false;
        };
        if at < now.minus(TOLERANCE) || at > now.plus(TOLERANCE) {
            return false;
        }
        let signed: [&[u8]; 3] = [time.as_bytes(), b".", raw_body];
        items()
            .filter(|(name, _)| *name == "v1")
            .take(SIGNATURES_MAX)
            .filter_map(|(_, code)| parse_hex::<32>(code))
            .fold(false, |known, code| known | self.0.verify(&signed, &code))
    }

    /// The header that Stripe would send with this body; tests sign with it.
    pub fn sign(&self, raw_body: &[u8], at: Timestamp) -> String {
        let time = at.seconds().to_string();
        let mut header = format!("t={time},v1=");
        push_hex(&mut header, &self.0.sign(&[time.as_bytes(), b".", raw_body]));
        header
    }
}

impl fmt::Debug for StripeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StripeSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn secret() -> StripeSecret {
        StripeSecret::new("whsec_test_0123456789abcdef").unwrap()
    }

    /// Computed apart, with Python's `hmac` module.
    #[test]
    fn a_known_signature_is_right() {
        let at = Timestamp::from_seconds(1_792_000_000);
        let header = secret().sign(br#"{"id":"evt_1"}"#, at);
        assert_eq!(header, KNOWN);
    }

    const KNOWN: &str = "t=1792000000,v1=a714d996a2654f90eaa21664c361c26fb98f2daa28f56fdbcaa90b04a05de2e0";

    #[test]
    fn only_what_was_signed_a_short_while_ago_is_taken() {
        let (now, body) = (Timestamp::from_seconds(1_792_000_000), b"{}".as_slice());
        let (secret, good) = (secret(), secret().sign(body, now));
        let code = good.split_once("v1=").unwrap().1;
        assert!(secret.verify(body, &good, now));
        assert!(secret.verify(body, &good, now.plus(TOLERANCE)));
        assert!(!secret.verify(body, &good, now.plus(TOLERANCE + Duration::from_secs(1))));
        assert!(!secret.verify(body, &good, now.minus(TOLERANCE + Duration::from_secs(1))));
        assert!(!secret.verify(b"{ }", &good, now));
        assert!(!StripeSecret::new("whsec_other").unwrap().verify(body, &good, now));
        let zeros = "0".repeat(64);
        for (header, right) in [
            (format!("t=1792000000,v1={zeros},v1={code}"), true),
            (format!("t=1792000000, v1={code},v0=abc"), true),
            (format!("v1={code},t=1792000000"), true),
            (format!("t=1792000000,v0={code}"), false),
            (format!("t=1792000000,t=1792000000,v1={code}"), false),
            (format!("v1={code}"), false),
            (format!("t=1792000001,v1={code}"), false),
            (format!("t=+1792000000,v1={code}"), false),
            (format!("t=1792000000,v1={}", &code[..62]), false),
            (format!("t=1792000000,v1={code}00"), false),
            (format!("t=1792000000,{}v1={code}", format!("v1={zeros},").repeat(8)), false),
            (String::new(), false),
        ] {
            assert_eq!(secret.verify(body, &header, now), right, "{header}");
        }
        assert!(StripeSecret::new(" \n").is_none());
        assert_eq!(format!("{secret:?}"), "StripeSecret(..)");
    }

    proptest! {
        #[test]
        fn nothing_else_is_taken(header in "(t=[0-9]{0,14})?,?(v1=[0-9a-f]{0,70},?){0,3}", body: Vec<u8>) {
            prop_assert!(!secret().verify(&body, &header, Timestamp::from_seconds(1_792_000_000)));
        }
    }
}
