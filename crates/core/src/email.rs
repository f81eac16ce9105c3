//! E-mail addresses of people.

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

/// In bytes (RFC 5321, section 4.5.3.1.3: a path has 256 with its angle brackets).
const LONGEST: usize = 254;
/// In bytes (RFC 5321, section 4.5.3.1.1).
const LONGEST_LOCAL: usize = 64;

/// An e-mail address as its owner writes it, in NFC, its domain in the ASCII form and lower case.
///
/// Quoted local parts, comments and addresses at IP literals are refused: nobody signs in with one, and every part of
/// the way reads them differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailAddress(String);

/// Why a text is not an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidEmail;

impl fmt::Display for InvalidEmail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is not an e-mail address, such as name@example.com")
    }
}

impl std::error::Error for InvalidEmail {}

impl EmailAddress {
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let text: String = text.trim().nfc().collect();
        let (local, domain) = text.rsplit_once('@').ok_or(InvalidEmail)?;
        let domain = domain.strip_suffix('.').unwrap_or(domain);
        let host = match url::Host::parse(domain) {
            Ok(url::Host::Domain(host)) if host.contains('.') => host,
            _ => return Err(InvalidEmail),
        };
        let odd = |c: char| crate::text::is_forbidden(c) || c.is_whitespace() || "\"(),:;<>@[\\]".contains(c);
        let dots = local.starts_with('.') || local.ends_with('.') || local.contains("..");
        if local.is_empty() || local.len() > LONGEST_LOCAL || dots || local.contains(odd) {
            return Err(InvalidEmail);
        }
        let plain = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        if !host.split('.').all(plain) {
            return Err(InvalidEmail);
        }
        let whole = format!("{local}@{host}");
        if whole.len() > LONGEST { Err(InvalidEmail) } else { Ok(Self(whole)) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form under which an account is found: whatever case and width it is typed in, there is one account, and one
    /// count of failures.
    pub fn canonical(&self) -> String {
        self.0.nfkc().flat_map(char::to_lowercase).nfc().collect()
    }

    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_account_however_it_is_typed() {
        let canonical = |text| EmailAddress::parse(text).unwrap().canonical();
        for spelling in [
            "Ann@Example.com",
            " ann@example.com ",
            "ann@EXAMPLE.com.",
            "ANN@example.com",
            "\u{ff41}nn@example.com",
        ] {
            assert_eq!(canonical(spelling), "ann@example.com", "{spelling}");
        }
        assert_eq!(canonical("zo\u{e9}@b\u{fc}cher.example"), canonical("zoe\u{301}@xn--bcher-kva.example"));
        assert_ne!(canonical("ann+a@example.com"), canonical("ann@example.com"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "ann@example",
            "ann@@example.com",
            "a b@example.com",
            "ann@exa mple.com",
            "ann@[127.0.0.1]",
            "ann@127.0.0.1",
            "\"ann\"@example.com",
            "ann\r\nBcc: x@example.com",
            "<ann@example.com>",
            ".ann@example.com",
            "a..b@example.com",
            "ann@example.com\0",
            "ann\u{202e}@example.com",
            "a,b@example.com",
        ] {
            assert_eq!(EmailAddress::parse(wrong), Err(InvalidEmail), "{wrong:?}");
        }
        assert!(EmailAddress::parse(&format!("{}@example.com", "a".repeat(65))).is_err());
        assert!(EmailAddress::parse(&format!("a@{}.com", "b.".repeat(130))).is_err());
    }

    proptest! {
        #[test]
        fn what_parses_stays_itself(text in "\\PC{0,40}@[a-z\\.A-Z0-9é-]{1,30}") {
            if let Ok(address) = EmailAddress::parse(&text) {
                prop_assert_eq!(EmailAddress::parse(address.as_str()), Ok(address.clone()));
                prop_assert!(!address.as_str().contains(['\r', '\n', ' ', '<', '>', ',']));
                prop_assert!(address.as_str().is_ascii() || address.as_str().len() <= LONGEST);
            }
        }
    }
}
