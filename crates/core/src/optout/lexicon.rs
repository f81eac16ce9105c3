//! All words of all languages in one table, and finding those of a text in one pass.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

use super::Label;
use super::data::{self, Entry, Role};
use super::rules::RULES;
use super::tokens::{self, Text};

/// The shortest and longest stem, in characters; a longer word is compared by its beginning only.
const STEM_CHARS: std::ops::RangeInclusive<usize> = 1..=16;

/// A word of a language, found in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    pub language: u8,
    pub role: Role,
    /// Number of the first token.
    pub start: usize,
    /// One past the last.
    pub end: usize,
}

/// A whole message that the base knows.
#[derive(Debug)]
pub(super) struct Whole {
    pub language: u8,
    pub label: Label,
    /// `en.keyword.stop`
    pub rule: String,
}

pub(super) struct Language {
    pub code: &'static str,
    pub verb_first: bool,
    /// `en.stop_text`, by the number of the rule.
    pub rules: Vec<String>,
}

/// What all languages say together. Built once; nothing changes it.
#[derive(Default)]
pub(super) struct Lexicon {
    pub languages: Vec<Language>,
    pub whole: HashMap<String, Whole>,
    exact: HashMap<String, u32>,
    stems: HashMap<String, u32>,
    /// From a node and a word to the next node.
    steps: HashMap<u64, u32, BuildHasherDefault<Mix>>,
    /// What a node of the tree of words stands for.
    ends: Vec<Vec<(u8, Role)>>,
    parts: u32,
    /// Words of rules that were read already; while building only.
    read: HashMap<String, Vec<u32>>,
}

/// A node and a word behind it.
const fn edge(node: u32, part: u32) -> u64 {
    (node as u64) << 32 | part as u64
}

/// Hashes edges. Both numbers are the table's own, never a text's, so that nobody can choose them to collide; and there
/// are so many that a keyed hash would be most of the time that building takes.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        // Any large odd number spreads the low bits upwards, and the shift brings them back.
        let mixed = (self.0 ^ number).wrapping_mul(0xd6e8_feb8_6659_fd93);
        self.0 = mixed ^ (mixed >> 32);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::build);

/// The one that is shared.
pub(super) fn lexicon() -> &'static Lexicon {
    &LEXICON
}

/// A text as a whole-message keyword is compared: its words without what separates them, so that `s.t.o.p` is `stop`.
pub(super) fn key(text: &Text) -> String {
    joined(text.tokens.iter().map(|token| text.token(token)))
}

/// Words without what separates them. A letter that the next word repeats is one, as within a word: `s t o p p`.
pub(super) fn joined<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut key = String::new();
    for letter in words.flat_map(str::chars) {
        if letter.is_numeric() || !key.ends_with(letter) {
            key.push(letter);
        }
    }
    key
}

impl Lexicon {
    fn build() -> Self {
        let mut all = Self { ends: vec![Vec::new()], ..Self::default() };
        for (source, language) in data::LANGUAGES.iter().zip(0_u8..) {
            let parsed = data::parse(source.text);
            let rules = RULES.iter().map(|rule| format!("{}.{}", source.code, rule.name)).collect();
            all.languages.push(Language { code: source.code, verb_first: parsed.verb_first, rules });
            for (role, entry) in parsed.entries {
                match role {
                    Role::Keyword => all.add_whole(language, Label::OptOut, "keyword", &entry),
                    Role::Start => all.add_whole(language, Label::OptIn, "start", &entry),
                    Role::Review => all.add_whole(language, Label::Review, "review", &entry),
                    role => all.add_words(language, role, &entry),
                }
            }
        }
        all.read = HashMap::new();
        all
    }

    fn parts_of_rule(&mut self, word: &str, stem: bool) -> Vec<u32> {
        let text = tokens::read(word);
        let mut parts = Vec::with_capacity(text.tokens.len());
        for (at, token) in text.tokens.iter().enumerate() {
            // Of a word that is several tokens (`opt-out*`) only the last can be a beginning.
            let table = if stem && at + 1 == text.tokens.len() { &mut self.stems } else { &mut self.exact };
            parts.push(*table.entry(text.token(token).to_owned()).or_insert_with(|| {
                self.parts += 1;
                self.parts
            }));
        }
        parts
    }

    fn add_whole(&mut self, language: u8, label: Label, kind: &str, entry: &Entry) {
        let code = data::LANGUAGES.get(usize::from(language)).map_or("", |source| source.code);
        for message in entry.spelled_out() {
            let rule = format!("{code}.{kind}.{}", message.to_lowercase().replace(' ', "_"));
            self.whole.entry(key(&tokens::read(&message))).or_insert(Whole { language, label, rule });
        }
    }

    fn add_words(&mut self, language: u8, role: Role, entry: &Entry) {
        let mut nodes = vec![0];
        for place in &entry.places {
            let words: Vec<Vec<u32>> = place.iter().map(|words| self.parts_of_words(words)).collect();
            let mut next = Vec::with_capacity(nodes.len() * words.len());
            for node in nodes {
                next.extend(
                    words.iter().map(|parts| parts.iter().fold(node, |node, part| self.step(node, *part))),
                );
            }
            nodes = next;
        }
        for node in nodes.into_iter().filter(|node| *node != 0) {
            if let Some(end) = self.ends.get_mut(usize::try_from(node).unwrap_or_default())
                && !end.contains(&(language, role))
            {
                end.push((language, role));
            }
        }
    }

    /// Words of a place, `*` behind the beginnings of words.
    fn parts_of_words(&mut self, words: &str) -> Vec<u32> {
        let mut all = Vec::new();
        for word in words.split_whitespace() {
            if let Some(known) = self.read.get(word) {
                all.extend_from_slice(known);
                continue;
            }
            let (plain, stem) = word.strip_suffix('*').map_or((word, false), |plain| (plain, true));
            let parts = self.parts_of_rule(plain, stem);
            all.extend_from_slice(&parts);
            self.read.insert(word.to_owned(), parts);
        }
        all
    }

    /// The node behind another, which is made where there is none.
    fn step(&mut self, node: u32, part: u32) -> u32 {
        let fresh = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        let next = *self.steps.entry(edge(node, part)).or_insert(fresh);
        if next == fresh {
            self.ends.push(Vec::new());
        }
        next
    }

    /// Every place of every word, by its beginning; marks the polite ones in the text. The work is the length of the text times the
    /// longest entry, and is added to `steps`.
    pub fn find(&self, text: &mut Text, steps: &mut usize) -> Vec<Hit> {
        let parts: Vec<Vec<u32>> =
            text.tokens.iter().map(|token| self.parts_of(text.token(token), steps)).collect();
        let mut hits = Vec::new();
        let mut walks: Vec<(usize, u32)> = Vec::new();
        for sentence in &text.sentences {
            for start in sentence.first..sentence.end {
                walks.push((start, 0));
                while let Some((at, node)) = walks.pop() {
                    *steps += 1;
                    for (language, role) in
                        self.ends.get(usize::try_from(node).unwrap_or_default()).into_iter().flatten()
                    {
                        hits.push(Hit { language: *language, role: *role, start, end: at });
                    }
                    if at < sentence.end {
                        let next = parts.get(at).into_iter().flatten();
                        walks.extend(
                            next.filter_map(|part| Some((at + 1, *self.steps.get(&edge(node, *part))?))),
                        );
                    }
                }
            }
        }
        // A word of courtesy in one language may deny in another (`non`, `nu`, `na`); then it is none, but for a whole
        // expression of courtesy (`could you not`).
        let alone = |hit: &&Hit| hit.end == hit.start + 1;
        let denies = |hit: &&Hit| matches!(hit.role, Role::Not | Role::Deny) && alone(hit);
        let polite = |hit: &&Hit| hit.role == Role::Polite;
        let words = hits.iter().filter(polite).filter(alone).map(|hit| (hit, true));
        let denials = hits.iter().filter(denies).map(|hit| (hit, false));
        let expressions = hits.iter().filter(polite).filter(|hit| !alone(hit)).map(|hit| (hit, true));
        for (hit, filler) in words.chain(denials).chain(expressions) {
            for token in text.tokens.iter_mut().take(hit.end).skip(hit.start) {
                token.filler = filler;
            }
        }
        hits
    }

    /// Whether a text is courtesy and nothing else.
    pub fn is_courtesy(&self, mut text: Text) -> bool {
        self.find(&mut text, &mut 0);
        text.tokens.iter().all(|token| token.filler)
    }

    /// The word itself and its beginnings, as far as entries hold them.
    fn parts_of(&self, token: &str, steps: &mut usize) -> Vec<u32> {
        let mut parts: Vec<u32> = self.exact.get(token).copied().into_iter().collect();
        let ends = token.char_indices().map(|(at, c)| at + c.len_utf8());
        for end in ends.take(*STEM_CHARS.end()).skip(STEM_CHARS.start() - 1) {
            *steps += 1;
            parts.extend(token.get(..end).and_then(|stem| self.stems.get(stem)));
        }
        parts
    }
}
