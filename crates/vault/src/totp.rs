//! Time-based one-time codes (TOTP, RFC 6238) from an authenticator app: SHA-1, six digits, 30 seconds, which is what
//! every app takes.
//!
//! Threat note. Defends against: guessing (the caller limits tries; six digits and three steps make a try right in 3 of
//! 1,000,000); a code used twice: [`TotpSecret::verify`] says which step a code was of and refuses steps that are not
//! newer than the last one used, and the caller stores that step in one compare-and-set with the sign-in it allows;
//! learning by time how much of a code was right. Does not defend against: a phishing site that passes a fresh code on
//! (passkeys do); somebody who reads the secret, which is why it is sealed wherever it is stored.

use gatepost_core::{Entropy, Secret, Timestamp};
use totp_rs::{Algorithm, Builder, Totp};
use zeroize::Zeroizing;

use crate::digest::constant_time_eq;

/// Seconds that a code is for.
pub const STEP_SECONDS: u64 = 30;
/// How many steps before and after the present one are taken too: clocks of phones are off, and people type slowly.
const SKEW: u64 = 1;
const DIGITS: u8 = 6;
const SECRET_LEN: usize = 20;

/// The shared secret of an authenticator app: 160 bits, as RFC 4226 recommends.
pub struct TotpSecret(Secret<[u8; SECRET_LEN]>);

/// The number of a 30-second step since 1970; steps later in time are larger.
pub type TotpStep = u64;

impl TotpSecret {
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(Secret::new(entropy.array()))
    }

    /// Takes stored bytes; `None` where they are of another length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        <[u8; SECRET_LEN]>::try_from(bytes).ok().map(|secret| Self(Secret::new(secret)))
    }

    /// The bytes to seal and store.
    pub const fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// What a person types into an app that cannot read the QR code: 32 characters of base 32 in groups of four.
    pub fn to_text(&self) -> Secret<String> {
        let text = Zeroizing::new(totp_rs::Secret::from(*self.0.expose()).to_base32());
        let mut out = String::with_capacity(text.len() + text.len() / 4);
        for (at, character) in text.chars().enumerate() {
            if at > 0 && at % 4 == 0 {
                out.push(' ');
            }
            out.push(character);
        }
        Secret::new(out)
    }

    /// The `otpauth://` URI of the QR code (Google Authenticator's key URI format), for an account of `issuer`.
    pub fn uri(&self, issuer: &str, account: &str) -> Secret<String> {
        let secret = Zeroizing::new(totp_rs::Secret::from(*self.0.expose()).to_base32());
        // A colon divides issuer and account, so neither may hold one.
        let (issuer, account) = (escaped(&issuer.replace(':', " ")), escaped(&account.replace(':', " ")));
        Secret::new(format!(
            "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}",
            secret.as_str()
        ))
    }

    /// Whether `code` is the one of a step around `now` that is newer than `last_used`; the step, if so. Spaces within
    /// the code are left out, as apps show it in two groups.
    pub fn verify(&self, code: &str, now: Timestamp, last_used: Option<TotpStep>) -> Option<TotpStep> {
        let code: Zeroizing<String> = Zeroizing::new(code.chars().filter(|c| !c.is_whitespace()).collect());
        if code.len() != usize::from(DIGITS) || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let present = u64::try_from(now.micros()).ok()? / 1_000_000 / STEP_SECONDS;
        let app = self.app();
        // Every step is computed and compared, so that the time does not tell which one it was.
        let steps = present.saturating_sub(SKEW)..=present.saturating_add(SKEW);
        steps.fold(None, |found, step| {
            let right = constant_time_eq(Self::code_at(&app, step).as_bytes(), code.as_bytes());
            if right && last_used.is_none_or(|last| step > last) { Some(step) } else { found }
        })
    }

    fn app(&self) -> Totp {
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(DIGITS)
            .with_step_duration(STEP_SECONDS)
            .with_secret(*self.0.expose())
            .build_noncompliant()
    }

    fn code_at(app: &Totp, step: TotpStep) -> String {
        app.generate(step.saturating_mul(STEP_SECONDS)).to_string()
    }

    /// Reads what [`TotpSecret::to_text`] wrote, for tests that play the app.
    #[doc(hidden)]
    pub fn parse(text: &str) -> Option<Self> {
        let secret = totp_rs::Secret::try_from_base32(text.replace(' ', "")).ok()?;
        Self::from_bytes(secret.as_ref())
    }

    /// The code that an app shows at `now`, for tests that play the app.
    #[doc(hidden)]
    pub fn code(&self, now: Timestamp) -> String {
        let step = u64::try_from(now.micros()).unwrap_or(0) / 1_000_000 / STEP_SECONDS;
        Self::code_at(&self.app(), step)
    }
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for nibble in [byte >> 4, byte & 15] {
                out.push(char::from(b"0123456789ABCDEF"[usize::from(nibble)]));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::SystemEntropy;

    /// The secret of RFC 6238's appendix B for SHA-1.
    fn rfc() -> TotpSecret {
        TotpSecret::from_bytes(b"12345678901234567890").unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    /// RFC 6238, appendix B, SHA-1; the last six of its eight digits.
    #[test]
    fn codes_of_rfc_6238() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(rfc().code(at(seconds)), code);
            let step = u64::try_from(seconds).unwrap() / STEP_SECONDS;
            assert_eq!(rfc().verify(code, at(seconds), None), Some(step));
        }
    }

    #[test]
    fn one_step_on_each_side_is_taken_and_no_more() {
        let (secret, now) = (TotpSecret::generate(&SystemEntropy), 1_700_000_010);
        let step = 1_700_000_010 / STEP_SECONDS;
        for (shift, expected) in
            [(-2, None), (-1, Some(step - 1)), (0, Some(step)), (1, Some(step + 1)), (2, None)]
        {
            let code = secret.code(at(now + shift * 30));
            // Two of five random codes may be equal: then the newest is meant.
            let same = (-1..=1).rev().find(|other| secret.code(at(now + other * 30)) == code);
            let expected = same.map_or(expected, |other| step.checked_add_signed(other));
            assert_eq!(secret.verify(&code, at(now), None), expected, "{shift} steps off");
        }
    }

    #[test]
    fn a_step_is_used_once_and_none_before_it() {
        let (secret, now) = (rfc(), at(1_111_111_109));
        let code = secret.code(now);
        let step = secret.verify(&code, now, None).unwrap();
        assert_eq!(secret.verify(&code, now, Some(step)), None, "the same code again");
        assert_eq!(secret.verify(&code, at(1_111_111_109 + 30), Some(step)), None, "within the next step");
        let before = secret.code(at(1_111_111_109 - 30));
        assert_eq!(secret.verify(&before, now, None), Some(step - 1));
        assert_eq!(secret.verify(&before, now, Some(step)), None, "an older code after a newer one");
        let next = secret.code(at(1_111_111_109 + 30));
        assert_eq!(secret.verify(&next, now, Some(step)), Some(step + 1));
    }

    #[test]
    fn what_is_no_code_is_refused() {
        let (secret, now) = (rfc(), at(59));
        assert_eq!(secret.verify(" 287 082\n", now, None), Some(1), "groups are how apps show it");
        for code in
            ["", "28708", "2870820", "287083", "28708a", "２８７０８２", "+87082", "287082287082", "-28708"]
        {
            assert_eq!(secret.verify(code, now, None), None, "{code}");
        }
        assert_eq!(TotpSecret::generate(&SystemEntropy).verify("287082", at(-1), None), None, "before 1970");
        let _ = secret.verify("287082", Timestamp::from_micros(i64::MAX), None);
        assert!(TotpSecret::from_bytes(&[0; 19]).is_none());
    }

    #[test]
    fn apps_get_it_as_text_and_as_a_uri() {
        assert_eq!(rfc().to_text().expose(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        assert_eq!(TotpSecret::parse(rfc().to_text().expose()).unwrap().expose(), rfc().expose());
        assert_eq!(
            rfc().uri("Gate:post & Co", "zoë+a@example.com").expose(),
            "otpauth://totp/Gate%20post%20%26%20Co:zo%C3%AB%2Ba%40example.com?secret=\
             GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Gate%20post%20%26%20Co&algorithm=SHA1&digits=6&period=30"
        );
    }

    #[test]
    fn secrets_differ() {
        let (one, two) = (TotpSecret::generate(&SystemEntropy), TotpSecret::generate(&SystemEntropy));
        assert_ne!(one.expose(), two.expose());
        assert_eq!(one.expose().len() * 8, 160);
    }
}
