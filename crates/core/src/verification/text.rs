//! The words around a code, where it is sent as a text.

use std::time::Duration;

use super::VerificationCode;
use crate::Secret;

/// Longest text, in characters, before anything is filled in.
const TEXT_MAX: usize = 1_024;
/// How often the app and the minutes may be named, so that the filled text stays within Meta's bounds.
const REPEATED_MAX: usize = 3;
/// What can be filled in.
const PLACES: [&str; 3] = ["{code}", "{ttl}", "{app}"];

/// A text with the places `{code}`, `{ttl}` (minutes) and `{app}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeText(String);

impl CodeText {
    /// # Errors
    /// A sentence for the caller.
    pub fn parse(text: String) -> Result<Self, String> {
        let count = text.chars().count();
        if count > TEXT_MAX {
            return Err(format!("expected at most {TEXT_MAX} characters, got {count}"));
        }
        if text.contains('\0') {
            return Err("the character U+0000 is not allowed".to_owned());
        }
        if text.matches("{code}").count() != 1 {
            return Err("expected a text with {code} in it, once".to_owned());
        }
        if ["{ttl}", "{app}"].iter().any(|place| text.matches(place).count() > REPEATED_MAX) {
            return Err(format!("expected each place at most {REPEATED_MAX} times"));
        }
        let mut rest = text.as_str();
        while let Some(at) = rest.find('{') {
            rest = &rest[at..];
            let Some(place) = PLACES.iter().find(|place| rest.starts_with(**place)) else {
                return Err(format!("expected no other places than {}", PLACES.join(", ")));
            };
            rest = &rest[place.len()..];
        }
        Ok(Self(text))
    }

    /// What is sent where a workspace has no words of its own.
    pub fn usual() -> Self {
        Self("{code} is your verification code. It is good for {ttl} minutes; do not share it.".to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names the app.
    pub fn names_app(&self) -> bool {
        self.0.contains("{app}")
    }

    /// The text as the person reads it; the minutes are rounded up.
    pub fn fill(&self, code: &VerificationCode, ttl: Duration, app: &str) -> Secret<String> {
        let minutes = ttl.as_secs().div_ceil(60).to_string();
        // Room for everything, so that the text never moves and leaves a copy of the code behind.
        let room = self.0.len() + code.digits().len() + self.0.len() / 5 * app.len().max(minutes.len());
        let mut filled = String::with_capacity(room);
        let mut rest = self.0.as_str();
        while let Some(at) = rest.find('{') {
            filled.push_str(&rest[..at]);
            rest = &rest[at..];
            let (place, value) = match rest {
                _ if rest.starts_with("{code}") => ("{code}", code.digits()),
                _ if rest.starts_with("{ttl}") => ("{ttl}", minutes.as_str()),
                // Nothing else was let in.
                _ => ("{app}", app),
            };
            filled.push_str(value);
            rest = &rest[place.len()..];
        }
        filled.push_str(rest);
        Secret::new(filled)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn places_are_filled() {
        let code = VerificationCode::parse("123456").ok().unwrap();
        let fill = |text: &str, seconds| {
            let text = CodeText::parse(text.to_owned()).unwrap();
            text.fill(&code, Duration::from_secs(seconds), "Ac{me}").expose().clone()
        };
        assert_eq!(fill("{code} for {app}, {ttl} min", 300), "123456 for Ac{me}, 5 min");
        assert_eq!(fill("{ttl}{ttl} {code}", 61), "22 123456");
    }

    #[test]
    fn what_is_not_a_place_is_refused() {
        for text in [
            "",
            "no code",
            "{{code}}",
            "{code} {otp}",
            "{code} {",
            "{code}{code}",
            "{code}\0",
            "{code}{app}{app}{app}{app}",
        ] {
            assert!(CodeText::parse(text.to_owned()).is_err(), "{text}");
        }
        assert!(CodeText::parse(format!("{{code}}{}", "x".repeat(1_018))).is_ok());
        assert!(CodeText::parse(format!("{{code}}{}", "x".repeat(1_019))).is_err());
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(\\{code\\}|\\{ttl\\}|\\{app\\}|[a-zü{}]){0,12}", app in "\\PC{0,8}") {
            if let Ok(text) = CodeText::parse(text) {
                let code = VerificationCode::parse("87654321").ok().unwrap();
                prop_assert!(text.fill(&code, Duration::from_mins(1), &app).expose().contains("87654321"));
            }
        }
    }
}
