//! Codes that people send us: `LOGIN 123456`, as phones and people write it.
//!
//! Threat note. What a stranger wrote is read here. Defends against: a text that carries several codes to try at once (one
//! run of digits, or none is read), a text so long that reading it costs something. What is read says nothing yet: whether
//! it is somebody's code is decided where the codes are kept.

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroize;

use super::VerificationCode;
use crate::Secret;

/// The word in front of a code.
pub const SPOKEN_WORD: &str = "LOGIN";
/// Longer messages carry no code, in bytes: courtesy is short.
const LONGEST: usize = 600;
/// Where the digits 0 to 9 of a script begin (Unicode's decimal digits that NFKD leaves apart).
const ZEROES: [char; 36] = [
    '\u{660}',
    '\u{6f0}',
    '\u{7c0}',
    '\u{966}',
    '\u{9e6}',
    '\u{a66}',
    '\u{ae6}',
    '\u{b66}',
    '\u{be6}',
    '\u{c66}',
    '\u{ce6}',
    '\u{d66}',
    '\u{de6}',
    '\u{e50}',
    '\u{ed0}',
    '\u{f20}',
    '\u{1040}',
    '\u{1090}',
    '\u{17e0}',
    '\u{1810}',
    '\u{1946}',
    '\u{19d0}',
    '\u{1a80}',
    '\u{1a90}',
    '\u{1b50}',
    '\u{1bb0}',
    '\u{1c40}',
    '\u{1c50}',
    '\u{a620}',
    '\u{a8d0}',
    '\u{a900}',
    '\u{a9d0}',
    '\u{a9f0}',
    '\u{aa50}',
    '\u{abf0}',
    '\u{11066}',
];

/// A digit of any script.
fn digit(c: char) -> Option<char> {
    if c.is_ascii_digit() {
        return Some(c);
    }
    let zero =
        ZEROES.iter().find(|zero| (u32::from(**zero)..u32::from(**zero) + 10).contains(&u32::from(c)))?;
    char::from_digit(u32::from(c) - u32::from(*zero), 10)
}

/// What stands between the digits of one code: blanks, hyphens, marks that nobody sees, and what makes a digit an emoji.
fn joins(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{20e3}' | '\u{feff}' | '\u{fe0e}' | '\u{fe0f}')
}

/// What stands between the word and the code besides: `LOGIN: 123456`, `LOGIN #123456`, `*LOGIN* 123456`.
fn leads(c: char) -> bool {
    joins(c) || matches!(c, ':' | '=' | '#' | '*' | '_' | '~' | '"' | '\'' | '`' | '.' | '\u{ff1a}')
}

/// The code that a message brings: the word LOGIN in any case, then 6 or 8 digits of any script. Courtesy and emoji around
/// them are tolerated, other digits are not.
pub fn spoken_code(text: &str) -> Option<VerificationCode> {
    if text.len() > LONGEST {
        return None;
    }
    // Wiped, and with room for all that can come: a text never moves and leaves a copy of a code behind.
    let mut plain = String::with_capacity(text.len().saturating_mul(18));
    plain.extend(text.nfkd().flat_map(char::to_lowercase));
    let plain = Secret::new(plain);
    let word = SPOKEN_WORD.to_ascii_lowercase();
    let (before, after) = plain.expose().split_once(word.as_str())?;
    let glued = |c: char| c.is_alphanumeric();
    if before.chars().any(|c| digit(c).is_some()) || before.chars().next_back().is_some_and(glued) {
        return None;
    }
    let mut rest = after.trim_start_matches(leads).chars();
    let mut digits = String::with_capacity(8);
    let code = loop {
        let next = rest.next();
        match next.map(|c| (digit(c), c)) {
            Some((Some(digit), _)) if digits.len() < 8 => digits.push(digit),
            Some((Some(_), _)) => break None,
            Some((None, c)) if joins(c) => {}
            // A letter at the last digit is no courtesy: it may be a word with numbers in it.
            Some((None, c)) if c.is_alphanumeric() && !after_a_gap(after, rest.as_str(), c) => break None,
            _ => break Some(()),
        }
    };
    let more = rest.any(|c| digit(c).is_some());
    let found = (code.is_some() && !more && matches!(digits.len(), 6 | 8))
        .then(|| VerificationCode::parse(&digits).ok())
        .flatten();
    digits.zeroize();
    found
}

/// Whether the letter `c`, behind which `rest` remains of `after`, stands apart from what is before it.
fn after_a_gap(after: &str, rest: &str, c: char) -> bool {
    let end = after.len().saturating_sub(rest.len() + c.len_utf8());
    after
        .get(..end)
        .and_then(|before| before.chars().next_back())
        .is_some_and(|before| digit(before).is_none())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<String> {
        spoken_code(text).map(|code| code.digits().to_owned())
    }

    #[test]
    fn as_phones_and_people_write_it() {
        for text in [
            "LOGIN 123456",
            "login 123456",
            "  Login   123456  ",
            "LOGIN123456",
            "LOGIN: 123456",
            "*LOGIN* 123456",
            "LOGIN 123 456",
            "LOGIN 123-456",
            "Hi! LOGIN 123456 thanks a lot 🙏",
            "🔐 LOGIN 123456.",
            "login\n123456",
            "ＬＯＧＩＮ １２３４５６",
            "LOGIN ١٢٣٤٥٦",
            "LOGIN ۱۲۳۴۵۶",
            "LOGIN १२३४५६",
            "LOGIN ๑๒๓๔๕๖",
            "LOGIN \u{200e}123456\u{200f}",
            "LOGIN 1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣",
            "LOGIN 𝟏𝟐𝟑𝟒𝟓𝟔",
            "guten Tag, LOGIN 123456, danke",
        ] {
            assert_eq!(read(text).as_deref(), Some("123456"), "{text}");
        }
        assert_eq!(read("LOGIN 12345678").as_deref(), Some("12345678"));
    }

    #[test]
    fn what_is_no_code_of_ours() {
        for text in [
            "",
            "LOGIN",
            "123456",
            "LOGIN 12345",
            "LOGIN 1234567",
            "LOGIN 123456789",
            "LOGIN 123456 654321",
            "7 LOGIN 123456",
            "LOGIN abc 123456",
            "LOGIN 123456 call +12025550101",
            "blogin 123456",
            "LOGIN 123456abc",
            "LOGIN 123456 LOGIN 654321",
            "CATALOGIN 123456",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read(&format!("LOGIN 123456 {}", "x".repeat(LONGEST))), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(LOGIN|login| |[0-9]{1,9}|\\PC){0,12}") {
            if let Some(code) = spoken_code(&text) {
                prop_assert!(matches!(code.digits().len(), 6 | 8));
            }
        }

        /// Whatever the digits are, what we ask people to send is understood.
        #[test]
        fn what_is_asked_for_is_understood(code in "[0-9]{6}|[0-9]{8}", before in "[ 🙏\n]{0,4}", after in "[ 🙏!\n]{0,4}") {
            prop_assert_eq!(read(&format!("{before}LOGIN {code}{after}")), Some(code));
        }
    }
}
