//! Whom a message is for: a phone number, or Meta's business-scoped user id where the person hides the number.

use std::fmt;

use crate::Phone;

/// Meta's business-scoped user id (BSUID): two letters of a country, a point and up to 128 letters and digits;
/// `US.ENT.…` for the id under a parent portfolio (Meta, "Business-scoped user IDs"). `Debug` masks it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Bsuid(String);

/// Why a text is not a BSUID; a sentence for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidBsuid;

impl fmt::Display for InvalidBsuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a business-scoped user id such as US.13491208655302741918")
    }
}

impl Bsuid {
    pub fn parse(text: &str) -> Result<Self, InvalidBsuid> {
        let (country, rest) = text.split_once('.').ok_or(InvalidBsuid)?;
        let id = rest.strip_prefix("ENT.").unwrap_or(rest);
        let good = country.len() == 2
            && country.bytes().all(|b| b.is_ascii_uppercase())
            && (1..=128).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric());
        if good { Ok(Self(text.to_owned())) } else { Err(InvalidBsuid) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Bsuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0[..3])?;
        f.write_str("•••")
    }
}

/// Whom a message is for. The two forms cannot be confused: a BSUID begins with letters, a phone number never does.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Recipient {
    Phone(Phone),
    Bsuid(Bsuid),
}

/// Why a text names nobody; a sentence for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidRecipient;

impl fmt::Display for InvalidRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected an international phone number such as +12025550123 (+, country code, 7 to 15 digits in all) or a business-scoped user id such as US.13491208655302741918")
    }
}

impl Recipient {
    pub fn parse(text: &str) -> Result<Self, InvalidRecipient> {
        let text = text.trim();
        if text.starts_with(|c: char| c.is_ascii_alphabetic()) {
            Bsuid::parse(text).map(Self::Bsuid).map_err(|_| InvalidRecipient)
        } else {
            Phone::parse(text).map(Self::Phone).map_err(|_| InvalidRecipient)
        }
    }

    pub const fn phone(&self) -> Option<&Phone> {
        match self {
            Self::Phone(phone) => Some(phone),
            Self::Bsuid(_) => None,
        }
    }

    pub const fn bsuid(&self) -> Option<&Bsuid> {
        match self {
            Self::Bsuid(bsuid) => Some(bsuid),
            Self::Phone(_) => None,
        }
    }
}

impl From<Phone> for Recipient {
    fn from(phone: Phone) -> Self {
        Self::Phone(phone)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn either_form() {
        assert_eq!(
            Recipient::parse(" +1 (202) 555-0101 ").unwrap().phone().map(Phone::as_e164),
            Some("+12025550101")
        );
        for id in ["US.13491208655302741918", "DE.a", "US.ENT.13491208655302741918"] {
            assert_eq!(Recipient::parse(id).unwrap().bsuid().map(Bsuid::as_str), Some(id));
        }
        let long = format!("US.{}", "1".repeat(129));
        for bad in ["", "us.1", "USA.1", "US.", "US.ENT.", "US.1-2", "US1", "hello", "US.1\n2", &long] {
            assert!(Recipient::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(format!("{:?}", Bsuid::parse("US.13491208655302741918").unwrap()), "US.•••");
    }
}
