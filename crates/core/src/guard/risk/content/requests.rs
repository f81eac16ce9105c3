//! Requests for what nobody should be asked for: passwords, PINs, card numbers, codes.
//!
//! A request is a word that asks (`send me`) near one that names a secret (`your PIN`), in one sentence and one language,
//! where nothing turns it round (`never`, `we will`, `the last four digits of`). To tell somebody a code is none.
//!
//! Threat note. Defends against: plain requests in the languages of `requests.txt`, with accents or without, with unseen
//! characters or letters of another script within a word. Does not defend against: other languages, words spelt with
//! blanks or signs between letters, circumlocutions, requests in pictures or by voice, and a request that is spread over
//! several messages. The list is read as a person wrote it: it is no grammar.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::letters::{Script, is_word, plain, script, unmixed};
use super::steps::Steps;

const WORDS: &str = include_str!("requests.txt");

/// Words between an ask and a secret, in either order.
const REACH: usize = 10;
/// Words before an ask in which a negation turns it round.
const NEGATED: usize = 8;
/// Words before an ask in which the sender is its subject.
const SUBJECT: usize = 3;
/// Words before a secret in which a part of it is named, and behind it.
const PART: (usize, usize) = (5, 2);
/// A code of a message: so many digits in a row.
const CODE: std::ops::RangeInclusive<usize> = 4..=8;
/// All languages.
const ANY: u32 = u32::MAX;

/// What a message asks of whoever reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Requests {
    /// Kinds of secrets to hand over.
    pub told: u8,
    /// True where a secret is to be entered somewhere.
    pub typed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Ask,
    Want,
    Type,
    /// The kind of the secret, one bit each.
    Secret(u8),
    Code,
    Not,
    Never,
    Sender,
    Part,
    After,
}

const SECRETS: [&str; 7] = ["password", "pin", "card", "cvv", "bank", "seed", "identity"];
const CODE_BIT: u8 = 1 << 7;

fn class(name: &str) -> Option<Class> {
    Some(match name {
        "ask" => Class::Ask,
        "want" => Class::Want,
        "type" => Class::Type,
        "code" => Class::Code,
        "not" => Class::Not,
        "never" => Class::Never,
        "self" => Class::Sender,
        "part" => Class::Part,
        "after" => Class::After,
        _ => {
            let kind = name.strip_prefix("secret.")?;
            Class::Secret(1 << SECRETS.iter().position(|known| *known == kind)?)
        }
    })
}

#[derive(Debug)]
struct Word {
    text: String,
    /// What begins so.
    stem: bool,
}

impl Word {
    fn is(&self, token: &str) -> bool {
        if self.stem { token.starts_with(&self.text) } else { token == self.text }
    }
}

#[derive(Debug)]
struct Phrase {
    rest: Vec<Word>,
    class: Class,
    languages: u32,
}

/// The phrases by their first word.
#[derive(Debug, Default)]
struct Lexicon {
    exact: HashMap<String, Vec<Phrase>>,
    stems: HashMap<String, Vec<Phrase>>,
    /// Lengths of the stems in bytes, each once.
    lengths: Vec<usize>,
    languages: Vec<&'static str>,
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let mut lexicon = Lexicon::default();
    for line in WORDS.lines() {
        // What is malformed is left out; a test finds it.
        let _ = lexicon.read(line);
    }
    lexicon
});

impl Lexicon {
    /// Takes a line of the list. None: it is malformed.
    fn read(&mut self, line: &'static str) -> Option<()> {
        if line.is_empty() || line.starts_with('#') {
            return Some(());
        }
        let (head, phrases) = line.split_once(": ")?;
        let (language, group) = head.split_once(' ')?;
        let class = class(group)?;
        let languages = match self.languages.iter().position(|known| *known == language) {
            _ if language == "any" => ANY,
            Some(at) => 1 << at,
            None => {
                self.languages.push(language);
                1_u32.checked_shl(u32::try_from(self.languages.len()).ok()? - 1)?
            }
        };
        for phrase in phrases.split(", ") {
            let mut words = tokens(phrase)
                .into_iter()
                .map(|token| Word { text: token.text, stem: false })
                .collect::<Vec<_>>();
            words.last_mut()?.stem = phrase.ends_with('*');
            let first = words.remove(0);
            let phrase = Phrase { rest: words, class, languages };
            if first.stem {
                if !self.lengths.contains(&first.text.len()) {
                    self.lengths.push(first.text.len());
                }
                self.stems.entry(first.text).or_default().push(phrase);
            } else {
                self.exact.entry(first.text).or_default().push(phrase);
            }
        }
        Some(())
    }

    /// The phrases that may begin with this word.
    fn beginning<'a>(&'a self, token: &'a str) -> impl Iterator<Item = &'a Phrase> {
        let stems = self.lengths.iter().filter_map(|length| self.stems.get(token.get(..*length)?));
        self.exact.get(token).into_iter().chain(stems).flatten()
    }
}

#[derive(Debug)]
struct Token {
    text: String,
    sentence: u32,
    clause: u32,
}

/// The words of a text; letters of scripts without blanks are words each.
fn tokens(text: &str) -> Vec<Token> {
    let (mut tokens, mut word) = (Vec::new(), String::new());
    let (mut sentence, mut clause) = (0, 0);
    let plain = plain(text);
    let mut rest = plain.chars().peekable();
    while let Some(c) = rest.next() {
        let unspaced = script(c) == Some(Script::Unspaced);
        if is_word(c) && !unspaced {
            if !word.is_empty() || c.is_alphanumeric() {
                word.push(c);
            }
            continue;
        }
        let next = rest.peek().copied();
        let within = c == '\'' && !word.is_empty() && next.is_some_and(char::is_alphanumeric);
        if within {
            word.push(c);
            continue;
        }
        let mut finish = |text: &str| {
            if !text.is_empty() {
                tokens.push(Token { text: unmixed(text).into_owned(), sentence, clause });
            }
        };
        finish(&word);
        word.clear();
        if unspaced {
            finish(c.encode_utf8(&mut [0; 4]));
        }
        // A point or colon within a word ends nothing: "example.com", "10:30".
        let apart = next.is_none_or(|next| !is_word(next));
        match c {
            '.' | ':' if !apart => {}
            '.' | '!' | '?' | '\n' | '\r' | '。' | '؟' | '।' | '…' => {
                sentence += 1;
                clause += 1;
            }
            ',' | ';' | ':' | '(' | ')' | '–' | '—' | '،' | '؛' | '、' => clause += 1,
            _ => {}
        }
    }
    if !word.is_empty() {
        tokens.push(Token { text: unmixed(&word).into_owned(), sentence, clause });
    }
    tokens
}

/// A phrase where it stands.
#[derive(Debug, Clone, Copy)]
struct Mark {
    class: Class,
    languages: u32,
    start: usize,
    end: usize,
}

/// The marks of a text and its words, in order.
struct Marked<'a> {
    tokens: &'a [Token],
    marks: Vec<Mark>,
}

impl Marked<'_> {
    /// The marks that begin within the words from `from` up to `to`.
    fn within(&self, from: usize, to: usize) -> &[Mark] {
        let first = self.marks.partition_point(|mark| mark.start < from);
        let last = self.marks.partition_point(|mark| mark.start < to);
        self.marks.get(first..last).unwrap_or_default()
    }

    fn same_clause(&self, one: Mark, other: Mark) -> bool {
        let clause = |mark: Mark| self.tokens.get(mark.start).map(|token| token.clause);
        clause(one) == clause(other)
    }

    fn same_sentence(&self, one: Mark, other: Mark) -> bool {
        let sentence = |mark: Mark| self.tokens.get(mark.start).map(|token| token.sentence);
        sentence(one) == sentence(other)
    }

    /// True where nothing turns the ask round.
    fn is_meant(&self, ask: Mark) -> bool {
        let near = self.within(ask.start.saturating_sub(REACH), ask.end + REACH);
        !near.iter().any(|mark| {
            let related = mark.languages & ask.languages != 0 && self.same_clause(*mark, ask);
            let before = mark.start < ask.start;
            related
                && match mark.class {
                    Class::Never => true,
                    Class::Not => before && mark.start + NEGATED >= ask.start,
                    Class::Sender => before && ask.class != Class::Want && mark.end + SUBJECT > ask.start,
                    _ => false,
                }
        })
    }

    /// True where the secret is meant, and all of it.
    fn is_whole(&self, secret: Mark) -> bool {
        let near = self.within(secret.start.saturating_sub(PART.0), secret.end + PART.1);
        !near.iter().any(|mark| {
            mark.languages & secret.languages != 0
                && self.same_sentence(*mark, secret)
                && match mark.class {
                    Class::Part => mark.start < secret.start || mark.start >= secret.end,
                    Class::After => mark.start == secret.end,
                    _ => false,
                }
        })
    }

    /// True where the sentence holds what looks like a code.
    fn tells_code(&self, secret: Mark, steps: &mut Steps) -> bool {
        let Some(sentence) = self.tokens.get(secret.start).map(|token| token.sentence) else { return false };
        let near =
            self.tokens.iter().enumerate().skip(secret.start.saturating_sub(2 * REACH)).take(5 * REACH);
        steps.add(5 * REACH);
        near.into_iter().any(|(_, token)| {
            let digits = token.text.bytes().all(|b| b.is_ascii_digit());
            token.sentence == sentence && digits && CODE.contains(&token.text.len())
        })
    }
}

/// What a text asks for.
pub(super) fn of(text: &str, steps: &mut Steps) -> Requests {
    let tokens = tokens(text);
    steps.add(text.len());
    let mut marks = Vec::new();
    for (start, token) in tokens.iter().enumerate() {
        for phrase in LEXICON.beginning(&token.text) {
            steps.add(1 + phrase.rest.len());
            let behind = tokens.get(start + 1..).unwrap_or_default();
            let follows = phrase.rest.len() <= behind.len()
                && phrase.rest.iter().zip(behind).all(|(word, token)| word.is(&token.text));
            if follows {
                let end = start + 1 + phrase.rest.len();
                marks.push(Mark { class: phrase.class, languages: phrase.languages, start, end });
            }
        }
    }
    let marked = Marked { tokens: &tokens, marks };
    let mut kinds = 0_u8;
    let mut typed = false;
    for ask in marked.marks.iter().filter(|m| matches!(m.class, Class::Ask | Class::Want | Class::Type)) {
        let near = marked.within(ask.start.saturating_sub(REACH), ask.end + REACH);
        steps.add(near.len());
        for secret in near {
            let kind = match secret.class {
                Class::Secret(kind) => kind,
                Class::Code => CODE_BIT,
                _ => continue,
            };
            let related = ask.languages & secret.languages != 0 && marked.same_sentence(*ask, *secret);
            // Whoever enters a code proves to hold the phone: every sign-in asks for that.
            let entered_code = kind == CODE_BIT && ask.class == Class::Type;
            let told = kind == CODE_BIT && marked.tells_code(*secret, steps);
            if related && !entered_code && !told && marked.is_whole(*secret) && marked.is_meant(*ask) {
                if ask.class == Class::Type {
                    typed = true;
                } else {
                    kinds |= kind;
                }
            }
        }
    }
    Requests { told: u8::try_from(kinds.count_ones()).unwrap_or(u8::MAX), typed }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn asks(text: &str) -> Requests {
        of(text, &mut Steps::default())
    }

    #[test]
    fn the_list_is_well_formed() {
        let mut lexicon = Lexicon::default();
        for line in WORDS.lines() {
            lexicon.read(line).unwrap();
        }
        assert!(lexicon.languages.len() >= 20 && lexicon.languages.len() < 32, "{:?}", lexicon.languages);
        for (at, language) in lexicon.languages.iter().enumerate() {
            let all = || lexicon.exact.values().chain(lexicon.stems.values()).flatten();
            for class in [Class::Ask, Class::Not, Class::Code] {
                assert!(all().any(|p| p.class == class && p.languages == 1 << at), "{language} {class:?}");
            }
        }
        // However many phrases begin alike, a word is looked up in bounded time.
        assert!(lexicon.exact.values().map(Vec::len).max().unwrap() < 60);
    }

    /// One line a text, in the language that it begins with.
    fn examples(file: &'static str) -> impl Iterator<Item = &'static str> {
        file.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
    }

    #[test]
    fn requests_are_found() {
        let missed: Vec<&str> = examples(include_str!("tests/asking.txt"))
            .filter(|line| asks(line.split_once(' ').unwrap().1).told == 0)
            .collect();
        assert!(missed.is_empty(), "{missed:#?}");
    }

    #[test]
    fn what_is_no_request() {
        let found: Vec<&str> = examples(include_str!("tests/not_asking.txt"))
            .filter(|line| asks(line.split_once(' ').unwrap().1).told > 0)
            .collect();
        assert!(found.is_empty(), "{found:#?}");
    }

    #[test]
    fn kinds_are_counted_and_entering_is_not_telling() {
        let told = |told, typed| Requests { told, typed };
        for (text, expected) in [
            ("Send me your card number, CVV and PIN number.", told(3, false)),
            ("Send me your password and your password again.", told(1, false)),
            ("Confirm your card details here", told(0, true)),
            ("Enter the verification code to sign in", told(0, false)),
            ("Send us the verifi\u{200b}cation code", told(1, false)),
            ("Send me your рassword", told(1, false)),
            ("Send me your pässwörd", told(1, false)),
        ] {
            assert_eq!(asks(text), expected, "{text}");
        }
    }
}
