//! What may stand in the head of a mail beside addresses, and an address as the SMTP library holds it.

use gatepost_core::EmailAddress;
use lettre::Address;

/// Longest name or subject, characters; what is more is cut off.
const NAME_MAX: usize = 150;

/// As the library that speaks SMTP holds it. `None`: it is stricter than we are, which concerns addresses that no server
/// would carry.
pub(super) fn wire(address: &EmailAddress) -> Option<Address> {
    let (local, domain) = address.as_str().rsplit_once('@')?;
    Address::new(local, domain).ok()
}

/// One line of text in the head of a mail: a display name or a subject.
///
/// Made of any text: line ends and other characters that act become blanks, blanks in a row become one, and what is over
/// 150 characters is cut off. Letters beyond ASCII are encoded when the mail is written (RFC 2047).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailName(String);

impl MailName {
    pub fn new(text: &str) -> Self {
        let calm: String = text.chars().map(|c| if acts(c) { ' ' } else { c }).collect();
        let mut line = String::with_capacity(calm.len());
        for (index, word) in calm.split_whitespace().enumerate() {
            if index > 0 {
                line.push(' ');
            }
            line.push_str(word);
        }
        if let Some((end, _)) = line.char_indices().nth(NAME_MAX) {
            line.truncate(end);
            line.push('…');
        }
        Self(line)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Control characters, line and paragraph separators, and what changes the direction or hides.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_is_one_line() {
        for (text, line) in [
            ("Example Ltd", "Example Ltd"),
            ("  Example\t Ltd ", "Example Ltd"),
            ("Example\r\nBcc: eve@example.com\r\n\r\nHello", "Example Bcc: eve@example.com Hello"),
            ("a\u{202e}b\u{2028}c\u{200b}d\0e", "a b c d e"),
            ("\r\n", ""),
        ] {
            assert_eq!(MailName::new(text).as_str(), line);
        }
        assert_eq!(MailName::new(&"ü".repeat(200)).as_str().chars().count(), NAME_MAX + 1);
    }

    proptest! {
        #[test]
        fn no_address_ends_a_line(text in r"[\x00-\x7f]{0,20}@[\x00-\x7f]{1,20}\.com") {
            if let Ok(address) = EmailAddress::parse(&text) {
                prop_assert!(address.as_str().bytes().all(|b| b.is_ascii_graphic()));
                prop_assert!(!address.as_str().contains(['<', '>', ',', '"', '(', ' ']));
                if let Some(wire) = wire(&address) {
                    prop_assert_eq!(wire.to_string(), address.as_str());
                }
            }
        }

        #[test]
        fn no_name_ends_a_line(text in any::<String>()) {
            prop_assert!(!MailName::new(&text).as_str().chars().any(acts));
        }
    }
}
