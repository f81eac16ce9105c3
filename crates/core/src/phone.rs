//! Phone numbers in E.164 (ITU-T E.164: at most 15 digits, the first of them not zero).

use std::fmt;

use serde::{Serialize, Serializer};

/// A phone number: `+` and 7 to 15 digits. Never logged: `Debug` masks it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone(String);

/// Why a text is not a phone number; a sentence for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidPhone;

impl fmt::Display for InvalidPhone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected an international phone number such as +12025550123: +, country code, 7 to 15 digits in all")
    }
}

impl std::error::Error for InvalidPhone {}

impl Phone {
    /// Reads what people and systems write: `+1 (202) 555-0123`, `00` for `+`, and, as Meta writes `wa_id`, digits
    /// alone with the country code in front. Anything else in it is refused, never guessed at.
    pub fn parse(text: &str) -> Result<Self, InvalidPhone> {
        let text = text.trim();
        let mut digits = String::with_capacity(16);
        digits.push('+');
        let mut rest = text.strip_prefix('+').unwrap_or(text);
        if !text.starts_with('+') {
            rest = rest.strip_prefix("00").unwrap_or(rest);
        }
        for c in rest.chars() {
            match c {
                '0'..='9' if digits.len() <= 15 => digits.push(c),
                ' ' | '-' | '(' | ')' | '.' | '\u{a0}' => {}
                _ => return Err(InvalidPhone),
            }
        }
        let count = digits.len() - 1;
        if !(7..=15).contains(&count) || digits.as_bytes()[1] == b'0' {
            return Err(InvalidPhone);
        }
        Ok(Self(digits))
    }

    /// E.164 with the plus.
    pub fn as_e164(&self) -> &str {
        &self.0
    }

    /// The digits by which a person is found, one form for numbers that are written in two: a Mexican mobile with and
    /// without the 1 behind 52, an Argentine one with and without the 9 behind 54, a Brazilian one with and without the 9
    /// behind its area. People dial one, and Meta's `wa_id` may be the other (Meta, "Phone numbers: Brazil and Mexico").
    pub fn canonical_digits(&self) -> String {
        let digits = self.digits();
        match (digits.len(), digits.split_at_checked(2)) {
            (13, Some(("52", rest))) if rest.starts_with('1') => format!("52{}", &rest[1..]),
            (13, Some(("54", rest))) if rest.starts_with('9') => format!("54{}", &rest[1..]),
            (13, Some(("55", rest))) if rest[2..].starts_with('9') => {
                format!("55{}{}", &rest[..2], &rest[3..])
            }
            _ => digits.to_owned(),
        }
    }

    /// The digits alone, as Meta writes `wa_id` and `to`.
    pub fn digits(&self) -> &str {
        &self.0[1..]
    }

    /// Country and last two digits, for people who may not see the number: `+12•••••••23`.
    pub fn masked(&self) -> String {
        let (head, tail) = (&self.0[..3], &self.0[self.0.len() - 2..]);
        format!("{head}{}{tail}", "•".repeat(self.0.len() - 5))
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl Serialize for Phone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_common_notations() {
        for text in ["+12025550123", "+1 (202) 555-0123", "0012025550123", "12025550123", " +1.202.555.0123 "]
        {
            assert_eq!(Phone::parse(text).unwrap().as_e164(), "+12025550123", "{text}");
        }
    }

    #[test]
    fn numbers_that_are_written_in_two_ways_are_one() {
        let same = |one: &str, other: &str| {
            let canonical = |text: &str| Phone::parse(text).unwrap().canonical_digits();
            assert_eq!(canonical(one), canonical(other), "{one} {other}");
        };
        same("+525512345678", "+5215512345678");
        same("+541123456789", "+5491123456789");
        same("+551112345678", "+5511912345678");
        for one in ["+12025550123", "+491512345678", "+521551234567", "+5511812345678", "+55119123456789"] {
            let phone = Phone::parse(one).unwrap();
            assert_eq!(phone.canonical_digits(), phone.digits(), "{one}");
        }
    }

    #[test]
    fn refuses_what_is_not_international() {
        for text in [
            "",
            "+",
            "+0123456789",
            "02025550123",
            "+1202555012345678",
            "+123456",
            "+1202555O123",
            "++12025550123",
            "+1202555012\u{663}",
            "call me",
            "+12025550123x5",
        ] {
            assert_eq!(Phone::parse(text), Err(InvalidPhone), "{text}");
        }
    }

    #[test]
    fn debug_hides_the_number() {
        assert_eq!(format!("{:?}", Phone::parse("+12025550123").unwrap()), "+12•••••••23");
    }

    proptest! {
        #[test]
        fn what_parses_is_stable(text in "\\PC{0,24}") {
            if let Ok(phone) = Phone::parse(&text) {
                prop_assert_eq!(Phone::parse(phone.as_e164()).unwrap(), phone.clone());
                prop_assert_eq!(Phone::parse(phone.digits()).unwrap(), phone);
            }
        }
    }
}
