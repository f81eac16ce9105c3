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

/// A code that stands in a message.
pub struct SpokenCode {
    pub code: VerificationCode,
    /// Nothing else is said but courtesy. Any other word may mean that the person does not want what the code is for
    /// (`I never asked for LOGIN 123456`), so such a message approves nothing.
    pub alone: bool,
}

/// Words that may stand beside a code: greetings, thanks, please, and "my code is".
const COURTESY: &[&str] = &[
    "a",
    "the",
    "this",
    "is",
    "my",
    "code",
    "here",
    "hi",
    "hello",
    "hey",
    "dear",
    "please",
    "pls",
    "thanks",
    "thank",
    "you",
    "thx",
    "lot",
    "much",
    "very",
    "ok",
    "okay",
    "hola",
    "por",
    "favor",
    "gracias",
    "mi",
    "codigo",
    "es",
    "ola",
    "oi",
    "obrigado",
    "obrigada",
    "meu",
    "e",
    "bonjour",
    "merci",
    "mon",
    "est",
    "le",
    "hallo",
    "bitte",
    "danke",
    "mein",
    "ist",
    "ciao",
    "grazie",
    "il",
    "mio",
    "codice",
    "dag",
    "hoi",
    "dank",
    "je",
    "mijn",
    "halo",
    "kode",
    "saya",
    "terima",
    "kasih",
    "salam",
    "namaste",
    "merhaba",
    "tesekkurler",
    "kodum",
    "привет",
    "здравствуйте",
    "спасибо",
    "пожалуиста",
    "мои",
    "код",
    "مرحبا",
    "شكرا",
];

/// What a message shows with its digits blacked out; the words stay.
pub fn without_digits(text: &str) -> String {
    text.chars()
        .map(|c| if std::iter::once(c).nfkd().any(|part| digit(part).is_some()) { '•' } else { c })
        .collect()
}

/// Whether nothing but courtesy is said.
fn courtesy(text: &str) -> bool {
    // Marks that the decomposition left apart belong to their letters.
    let apart = |c: char| !c.is_alphabetic() && !unicode_normalization::char::is_combining_mark(c);
    let words = text.split(apart).filter(|word| !word.is_empty());
    words.into_iter().all(|word: &str| {
        let bare: String =
            word.chars().filter(|c| !unicode_normalization::char::is_combining_mark(*c)).collect();
        bare.is_empty() || COURTESY.contains(&bare.as_str())
    })
}

/// The code that a message brings: the word LOGIN in any case, then 6 or 8 digits of any script. Other digits make it none.
pub fn spoken_code(text: &str) -> Option<SpokenCode> {
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
    let behind = rest.as_str();
    let more = behind.chars().any(|c| digit(c).is_some());
    let found = (code.is_some() && !more && matches!(digits.len(), 6 | 8))
        .then(|| VerificationCode::parse(&digits).ok())
        .flatten();
    digits.zeroize();
    // The letter that ended the digits was taken from the rest.
    let taken = after.len().saturating_sub(behind.len());
    let end = after.get(..taken).map_or(0, |read| read.trim_end_matches(char::is_alphabetic).len());
    let alone = || courtesy(before) && courtesy(after.get(end..).unwrap_or_default());
    found.map(|code| SpokenCode { code, alone: alone() })
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
        spoken_code(text).map(|spoken| spoken.code.digits().to_owned())
    }

    #[test]
    fn only_courtesy_may_stand_beside_a_code() {
        let alone = |text: &str| spoken_code(text).map(|spoken| spoken.alone);
        for text in [
            "LOGIN 123456",
            "Hi! LOGIN 123456 thanks a lot 🙏",
            "my code is LOGIN 123456, thank you",
            "¡Hola! LOGIN 123456 por favor",
            "Mi código es LOGIN 123456",
            "Привет! LOGIN 123456 спасибо",
            "*LOGIN* 123-456 please",
        ] {
            assert_eq!(alone(text), Some(true), "{text}");
        }
        for text in [
            "Do not LOGIN 123456",
            "never login 123456!!!",
            "LOGIN 123456 was sent to me by a stranger. STOP",
            "STOP LOGIN 123456",
            "please LOGIN 123456 and STOP",
            "Somebody asked me to send LOGIN 123456, is this a scam?",
            "LOGIN 123456 nein",
            "LOGIN 123456 不要",
        ] {
            assert_eq!(alone(text), Some(false), "{text}");
        }
        assert_eq!(without_digits("Do not LOGIN 12٣45６!"), "Do not LOGIN ••••••!");
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
                prop_assert!(matches!(code.code.digits().len(), 6 | 8));
            }
        }

        /// Whatever the digits are, what we ask people to send is understood.
        #[test]
        fn what_is_asked_for_is_understood(code in "[0-9]{6}|[0-9]{8}", before in "[ 🙏\n]{0,4}", after in "[ 🙏!\n]{0,4}") {
            prop_assert_eq!(read(&format!("{before}LOGIN {code}{after}")), Some(code));
        }
    }
}
