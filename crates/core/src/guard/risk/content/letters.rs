//! Letters that look like others.
//!
//! Threat note. Defends against: a name written with letters of another script, with accents, digits or pairs of letters
//! that look like a letter (Unicode Technical Standard 39 calls such texts confusable). The table holds what is mistaken
//! for the small letters a to z of Latin; look-alikes within other scripts, and whatever only a certain font makes alike,
//! pass.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Each letter of Latin with what is drawn like it: Cyrillic, Greek, Armenian, Latin's own relatives, digits.
/// After UTS 39, confusables.txt; small capitals and digits after what phishing uses.
const LOOKS_LIKE: [(char, &str); 26] = [
    ('a', "аɑαᴀ4"),
    ('b', "ƅьʙβᏏ8"),
    ('c', "сϲᴄⅽ"),
    ('d', "ԁɗᴅđժ"),
    ('e', "еҽɛεᴇ℮3"),
    ('f', "ƒꜰſ"),
    ('g', "ɡցɢ9"),
    ('h', "һհʜħ"),
    ('i', "іɩɪιı"),
    ('j', "јʝᴊϳ"),
    ('k', "кκᴋ"),
    ('l', "ӏլʟł1|ⅼ"),
    ('m', "мᴍⅿ"),
    ('n', "пոռɴηŋ"),
    ('o', "оοσօᴏø0"),
    ('p', "рρᴘƿþ"),
    ('q', "ԛգզ"),
    ('r', "гʀɾ"),
    ('s', "ѕꜱʂ5"),
    ('t', "тτᴛŧ"),
    ('u', "υսᴜʋц"),
    ('v', "ѵνᴠ"),
    ('w', "ԝωᴡшɯ"),
    ('x', "хχ×"),
    ('y', "уγʏүყ"),
    ('z', "ᴢʐ"),
];

static LATIN: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    let pairs = LOOKS_LIKE.iter().flat_map(|(letter, like)| like.chars().map(|c| (c, *letter)));
    pairs.collect()
});

/// The script that a letter belongs to, as far as it matters to who mixes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    Latin,
    Cyrillic,
    Greek,
    Armenian,
    /// Written without blanks between words: Han, Kana, Hangul (in host names), Thai, Lao, Khmer, Burmese.
    Unspaced,
    Other,
}

/// None: a digit, mark or sign, which any script may use.
pub(super) fn script(c: char) -> Option<Script> {
    if !c.is_alphabetic() {
        return None;
    }
    Some(match u32::from(c) {
        0x41..=0x24f | 0x250..=0x2af | 0x1d00..=0x1d7f | 0x1e00..=0x1eff | 0xff21..=0xff5a => Script::Latin,
        0x370..=0x3ff | 0x1f00..=0x1fff => Script::Greek,
        0x400..=0x52f | 0x1c80..=0x1c8f | 0x2de0..=0x2dff | 0xa640..=0xa69f => Script::Cyrillic,
        0x530..=0x58f => Script::Armenian,
        0xe00..=0xeff
        | 0x1000..=0x109f
        | 0x1780..=0x17ff
        | 0x3040..=0x31ff
        | 0x3400..=0x9fff
        | 0xac00..=0xd7af
        | 0xf900..=0xfaff
        | 0x20000..=0x3ffff => Script::Unspaced,
        _ => Script::Other,
    })
}

/// True where the letters come from two of the scripts whose letters are mistaken for each other.
pub(super) fn is_mixed(text: &str) -> bool {
    let mut first = None;
    for script in text.chars().filter_map(script) {
        if matches!(script, Script::Unspaced | Script::Other) {
            continue;
        }
        if *first.get_or_insert(script) != script {
            return true;
        }
    }
    false
}

/// True where no letter is Latin and every one of them looks like a Latin letter: `аррӏе` is written in Cyrillic alone.
pub(super) fn is_other_script_in_disguise(text: &str) -> bool {
    let mut letters = 0;
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        if script(c) == Some(Script::Latin) || latin(c) == c {
            return false;
        }
        letters += 1;
    }
    letters > 0
}

/// The Latin letter that this one looks like; itself where there is none.
fn latin(c: char) -> char {
    if c.is_ascii_lowercase() {
        return c;
    }
    LATIN.get(&c).copied().unwrap_or(c)
}

/// True for what is not seen, and so could part a word in two for us and not for a reader.
pub(super) fn is_unseen(c: char) -> bool {
    crate::text::is_forbidden(c) && !matches!(c, '\n' | '\t' | '\r')
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{180e}' | '\u{fe00}'..='\u{fe0f}')
}

/// Small letters in one form (NFKD), without accents of Latin, Greek and Cyrillic, vowel signs of Arabic and Hebrew,
/// and whatever is not seen.
pub(super) fn plain(text: &str) -> String {
    if text.is_ascii() {
        // The same, and most texts are: nothing in ASCII has another form.
        let seen = text.chars().filter(|c| !is_unseen(*c));
        return seen.map(|c| if c == '`' { '\'' } else { c.to_ascii_lowercase() }).collect();
    }
    text.chars()
        .filter(|c| !is_unseen(*c))
        .flat_map(char::to_lowercase)
        .nfkd()
        .filter_map(plain_letter)
        .collect()
}

fn plain_letter(c: char) -> Option<char> {
    match c {
        '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' => None,
        'ı' => Some('i'),
        'ł' => Some('l'),
        'ø' => Some('o'),
        'đ' => Some('d'),
        'ς' => Some('σ'),
        '’' | 'ʼ' | '‘' | '`' => Some('\''),
        other => Some(other),
    }
}

/// A form that texts share which look alike: [`plain`], in Latin letters where there are such, with `i` as `l`, and pairs
/// of letters as the one that they look like.
pub(super) fn skeleton(text: &str) -> String {
    strict_skeleton(text).replace('i', "l")
}

/// The same, but an `i` and an `l` are told apart.
pub(super) fn strict_skeleton(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in plain(text).chars() {
        let c = latin(c);
        match (out.chars().next_back(), c) {
            (Some('r'), 'n') => {
                out.pop();
                out.push('m');
            }
            (Some('v'), 'v') => {
                out.pop();
                out.push('w');
            }
            _ => out.push(c),
        }
    }
    out
}

/// A word in Latin letters alone, where it mixes scripts; otherwise as it is.
pub(super) fn unmixed(word: &str) -> Cow<'_, str> {
    if is_mixed(word) { word.chars().map(latin).collect::<String>().into() } else { word.into() }
}

/// True for what words are made of: letters, digits, and the marks that belong to letters.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_alike_has_one_skeleton() {
        for (disguised, name) in [
            ("paypa1", "paypal"),
            ("pаypal", "paypal"),
            ("раураӏ", "paypal"),
            ("páypâl", "paypal"),
            ("ｐａｙｐａｌ", "paypal"),
            ("pay\u{200b}pal", "paypal"),
            ("paypai", "paypal"),
            ("arnazon", "amazon"),
            ("tvvitter", "twitter"),
            ("micr0s0ft", "microsoft"),
            ("ᴘᴀʏᴘᴀʟ", "paypal"),
            ("ɡооɡӏе", "google"),
        ] {
            assert_eq!(skeleton(disguised), skeleton(name), "{disguised}");
        }
        assert_ne!(skeleton("paypal"), skeleton("paypay"));
        assert_ne!(skeleton("почта"), skeleton("nota"));
    }

    #[test]
    fn scripts_are_told_apart() {
        for (text, mixed, disguised) in [
            ("paypal", false, false),
            ("pаypal", true, false),
            ("аррӏе", false, true),
            ("почта", false, false),
            ("mañana", false, false),
            ("日本語shop", false, false),
            ("αpple", true, false),
            ("123-456", false, false),
        ] {
            assert_eq!((is_mixed(text), is_other_script_in_disguise(text)), (mixed, disguised), "{text}");
        }
    }

    #[test]
    fn no_letter_looks_like_two() {
        let all: Vec<char> = LOOKS_LIKE.iter().flat_map(|(_, like)| like.chars()).collect();
        for (at, c) in all.iter().enumerate() {
            assert!(!all[..at].contains(c), "{c} stands twice");
        }
    }
}
