//! A text as the rules see it: sentences of folded tokens.

use unicode_normalization::UnicodeNormalization as _;

use super::fold;

/// Characters of a text that are looked at; what is longer is no opt-out keyword, and nobody writes the request behind
/// page two.
const RAW_CHARS: usize = 4_000;
/// Characters that are kept of them. NFKD may make 18 of one.
const FOLDED_CHARS: usize = 2_000;
/// So many letters apart are one word; two may be words of their own.
const SPACED_LETTERS: usize = 3;

/// One word, or one character of a script without spaces.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "four independent observations about one word")]
pub(super) struct Token {
    start: usize,
    end: usize,
    /// A comma or the like stands before it.
    pub comma: bool,
    /// It began with a capital, or its script has none.
    pub capital: bool,
    /// A character of a script without spaces.
    pub unspaced: bool,
    /// It belongs to a polite word; set once words are known.
    pub filler: bool,
}

/// Tokens between two ends of sentence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sentence {
    pub first: usize,
    /// One past the last.
    pub end: usize,
    pub question: bool,
    /// A line, a dash or a mark of signature begins it.
    pub apart: bool,
}

#[derive(Debug, Default)]
pub(super) struct Text {
    folded: String,
    pub tokens: Vec<Token>,
    pub sentences: Vec<Sentence>,
    /// There was more than is looked at.
    pub cut: bool,
    /// Characters that were read; what the work is measured by.
    pub read: usize,
}

impl Text {
    pub fn token(&self, token: &Token) -> &str {
        self.folded.get(token.start..token.end).unwrap_or_default()
    }

    /// The tokens of a sentence, with their numbers.
    pub fn of(&self, sentence: Sentence) -> impl Iterator<Item = (usize, &Token)> {
        self.tokens.iter().enumerate().take(sentence.end).skip(sentence.first)
    }
}

struct Reader {
    text: Text,
    begun: Option<Token>,
    first: usize,
    apart: bool,
    comma: bool,
}

impl Reader {
    fn word(&mut self, c: char, capital: bool) {
        if fold::is_unspaced(c) {
            self.close_word();
            let start = self.text.folded.len();
            self.text.folded.push(c);
            let end = self.text.folded.len();
            let comma = std::mem::take(&mut self.comma);
            self.text.tokens.push(Token { start, end, comma, capital: true, unspaced: true, filler: false });
            return;
        }
        let start = self.text.folded.len();
        let token = self.begun.get_or_insert(Token {
            start,
            end: start,
            comma: self.comma,
            capital,
            unspaced: false,
            filler: false,
        });
        self.comma = false;
        // Letters that are held down, and doubled letters that are forgotten, are one letter. The rules are read alike.
        let again = !c.is_numeric() && start > token.start && self.text.folded.ends_with(c);
        if !again {
            self.text.folded.push(c);
        }
    }

    fn close_word(&mut self) {
        let Some(mut token) = self.begun.take() else { return };
        let folded = self.text.folded.get(token.start..).unwrap_or_default();
        if let std::borrow::Cow::Owned(other) = fold::one_script(folded) {
            self.text.folded.truncate(token.start);
            self.text.folded.push_str(&other);
        }
        token.end = self.text.folded.len();
        self.text.tokens.push(token);
    }

    /// "S T O P please": letters in a row that stand alone are a word.
    fn join_letters(&mut self) {
        let lone = |text: &Text, token: &Token| {
            let mut letters = text.token(token).chars();
            !token.unspaced && letters.next().is_some_and(char::is_alphabetic) && letters.next().is_none()
        };
        let mut kept = self.first;
        let mut at = self.first;
        while let Some(mut token) = self.text.tokens.get(at).copied() {
            let run = self.text.tokens.iter().skip(at).enumerate();
            let run = run
                .take_while(|(number, next)| lone(&self.text, next) && (*number == 0 || !next.comma))
                .count();
            if run >= SPACED_LETTERS
                && let Some(last) = self.text.tokens.get(at + run - 1)
            {
                token.end = last.end;
                at += run - 1;
            }
            if let Some(place) = self.text.tokens.get_mut(kept) {
                *place = token;
            }
            kept += 1;
            at += 1;
        }
        self.text.tokens.truncate(kept);
    }

    fn close_sentence(&mut self, question: bool, apart: bool) {
        self.close_word();
        self.join_letters();
        let end = self.text.tokens.len();
        if end > self.first {
            let apart = std::mem::replace(&mut self.apart, apart);
            self.text.sentences.push(Sentence { first: self.first, end, question, apart });
            self.first = end;
        } else {
            // "Stop !?" asks, although the first mark has closed the sentence.
            if let Some(last) = self.text.sentences.last_mut() {
                last.question |= question;
            }
            self.apart |= apart;
        }
        self.comma = false;
    }

    fn word_so_far(&self) -> &str {
        self.begun.and_then(|token| self.text.folded.get(token.start..)).unwrap_or_default()
    }

    fn ends_in_greek(&self) -> bool {
        self.text.folded.chars().next_back().is_some_and(|c| matches!(c, '\u{370}'..='\u{3ff}'))
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || fold::is_inner_mark(c)
}

/// Reads a text. Linear in what is looked at, which is bounded.
pub(super) fn read(text: &str) -> Text {
    let looked_at =
        text.char_indices().nth(RAW_CHARS).map_or(text, |(at, _)| text.get(..at).unwrap_or_default());
    let mut reader = Reader { text: Text::default(), begun: None, first: 0, apart: false, comma: false };
    reader.text.cut = looked_at.len() < text.len();
    let folded = looked_at.chars().map(fold::raw).nfkd().filter(|c| !fold::is_dropped(*c)).nfc();
    let mut rest = folded.peekable();
    let mut before = '\n';
    while let Some(c) = rest.next() {
        reader.text.read += 1;
        if reader.text.read > FOLDED_CHARS {
            reader.text.cut = true;
            break;
        }
        let next = rest.peek().copied();
        let ends_word = next.is_none_or(|next| !is_word(next));
        match c {
            _ if is_word(c) => {
                let capital = c.is_uppercase() || !c.is_lowercase();
                for lower in c.to_lowercase().filter(|c| !fold::is_dropped(*c)) {
                    match fold::pair(lower) {
                        Some((one, two)) => {
                            reader.word(one, capital);
                            reader.word(two, capital);
                        }
                        None => reader.word(fold::letter(lower), capital),
                    }
                }
            }
            '\'' if !ends_word && is_word(before) => {
                if fold::is_elision(reader.word_so_far()) {
                    reader.close_word();
                }
            }
            // A dash between spaces, or two on a line of their own, set a name apart like a new line.
            '\n' | '\r' | '\u{2028}' | '\u{2029}' | '–' | '—' => reader.close_sentence(false, true),
            '-' if before.is_whitespace() && ends_word => reader.close_sentence(false, true),
            '?' | '؟' | '፧' | '⸮' | '‽' => reader.close_sentence(true, false),
            // Greek's question mark.
            ';' => {
                let question = reader.ends_in_greek();
                reader.close_sentence(question, false);
            }
            // Armenian's stands inside the word.
            '՞' => {}
            '!' | '。' | '۔' | '।' | '॥' | '።' | '։' | '؛' | '\u{203c}' => {
                reader.close_sentence(false, false);
            }
            '.' if ends_word => reader.close_sentence(false, false),
            ',' | '،' | '、' | ':' | '፣' | '(' | ')' | '"' | '…' => {
                reader.close_word();
                reader.comma = true;
            }
            _ => reader.close_word(),
        }
        before = c;
    }
    reader.close_sentence(false, false);
    reader.text
}
