//! Keywords: messages that say one known thing and nothing else, but courtesy and a name.

use std::collections::HashMap;

use super::Label;
use super::data::Role;
use super::fold;
use super::lexicon::{Hit, Lexicon, joined};
use super::own;
use super::tokens::{Sentence, Text, Token};

/// Words of a name under a message.
const NAME_WORDS: usize = 3;
/// Characters of one in a script without spaces.
const NAME_CHARS: usize = 5;
/// Letters of the longest keyword; what is longer is not looked up.
const KEY_BYTES: usize = 400;
/// Tokens of a sentence that is looked at twice.
const SHORT: usize = 16;
/// The language that is asked first.
const ENGLISH: u8 = 0;

/// What a known whole message means.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub label: Label,
    /// Own keywords have none.
    pub language: Option<u8>,
    pub rule: &'static str,
}

/// How a message holds a keyword.
#[derive(Debug, Clone, Copy)]
pub(super) enum Keyword {
    /// It is one.
    Whole(Known),
    /// It begins or ends with one, and says something else as well.
    Beside(Known, Sentence),
}

pub(super) struct Book<'a> {
    pub base: &'static Lexicon,
    pub own: &'a HashMap<String, Label>,
}

impl Book<'_> {
    /// What a key means; `st0p` is read as `stop` where it would mean nothing.
    fn known(&self, key: &str) -> Option<Known> {
        self.exactly(key).or_else(|| {
            let plain = fold::digits_as_letters(key)?;
            self.exactly(&plain).filter(|known| known.label == Label::OptOut)
        })
    }

    fn exactly(&self, key: &str) -> Option<Known> {
        if key.is_empty() || key.len() > KEY_BYTES {
            return None;
        }
        if let Some(label) = self.own.get(key) {
            return Some(Known { label: *label, language: None, rule: own::RULE });
        }
        let whole = self.base.whole.get(key)?;
        Some(Known { label: whole.label, language: Some(whole.language), rule: &whole.rule })
    }

    /// A sentence that is a keyword, with courtesy or without.
    fn sentence(&self, text: &Text, sentence: Sentence, hits: &[Hit]) -> Option<Known> {
        let words = |plain: bool| {
            let tokens = text.of(sentence).filter(move |(_, token)| plain || !token.filler);
            tokens.map(|(_, token)| text.token(token))
        };
        let plain = self.known(&joined(words(true)));
        let known = plain.or_else(|| self.known(&joined(words(false)))).or_else(|| {
            // "STOP STOP STOP"
            let mut rest = words(false);
            let first = rest.next()?;
            rest.all(|word| word == first).then(|| self.known(first))?
        });
        let known = known
            .or_else(|| self.with_courtesy_of_its_language(text, sentence, hits))
            .or_else(|| self.listed(text, sentence))
            .or_else(|| self.beside_displeasure(text, sentence, hits))?;
        // "Could you stop, please?" asks for it; "Stop?" asks what it does.
        let asks = plain.is_some() && sentence.question && known.label == Label::OptOut;
        Some(if asks { Known { label: Label::Review, ..known } } else { known })
    }

    /// A keyword with words that are courtesy in its own language and mean something in another: `dừng lại đi`.
    fn with_courtesy_of_its_language(&self, text: &Text, sentence: Sentence, hits: &[Hit]) -> Option<Known> {
        if sentence.end - sentence.first > SHORT {
            return None;
        }
        let polite =
            |hit: &&Hit| hit.role == Role::Polite && hit.start >= sentence.first && hit.end <= sentence.end;
        let mut languages: Vec<u8> = hits.iter().filter(polite).map(|hit| hit.language).collect();
        languages.sort_unstable();
        languages.dedup();
        languages.into_iter().find_map(|language| {
            let own = |at: usize| {
                let mut own = hits.iter().filter(polite).filter(|hit| hit.language == language);
                own.any(|hit| (hit.start..hit.end).contains(&at))
            };
            let key =
                joined(text.of(sentence).filter(|(at, _)| !own(*at)).map(|(_, token)| text.token(token)));
            // English keywords are everybody's.
            self.known(&key).filter(|known| known.language.is_none_or(|of| of == language || of == ENGLISH))
        })
    }

    /// Several keywords in one breath: "enough, stop" between commas, or the two words "stop unsubscribe". One of them
    /// must opt out, and the others doubt at most.
    fn listed(&self, text: &Text, sentence: Sentence) -> Option<Known> {
        if sentence.question || sentence.end - sentence.first > SHORT {
            return None;
        }
        let mut parts: Vec<Vec<&Token>> = Vec::new();
        let mut apart = true;
        for (_, token) in text.of(sentence) {
            apart |= token.comma; // that of a word of courtesy too: "enough, please stop"
            if !token.filler {
                if std::mem::take(&mut apart) {
                    parts.push(Vec::new());
                }
                parts.last_mut()?.push(token);
            }
        }
        let mut doubted = true;
        if let [words] = parts.as_slice()
            && let [one, two] = words.as_slice()
            && !one.unspaced
            && !two.unspaced
        {
            doubted = false;
            parts = vec![vec![*one], vec![*two]];
        }
        let mut clear = None;
        for part in parts.iter().filter(|_| parts.len() > 1) {
            let known = self.known(&joined(part.iter().map(|token| text.token(token))))?;
            match known.label {
                Label::OptOut => clear = clear.or(Some(known)),
                Label::Review if doubted => {}
                _ => return None,
            }
        }
        clear
    }

    /// "No longer interested, please remove", with the comma or without, and "stop, I want none of this" with it: what
    /// displeases adds nothing to a request.
    fn beside_displeasure(&self, text: &Text, sentence: Sentence, hits: &[Hit]) -> Option<Known> {
        if sentence.question || sentence.end - sentence.first > SHORT {
            return None;
        }
        let hits = || hits.iter().filter(|hit| hit.start >= sentence.first && hit.end <= sentence.end);
        if hits().any(|hit| hit.role == Role::Keep) {
            return None;
        }
        let commas = |to: usize| {
            text.of(sentence).filter(|(at, token)| *at > sentence.first && *at <= to && token.comma).count()
        };
        let beside = |whole_parts: bool| {
            let displeased = |at: usize| {
                hits().any(|hit| match hit.role {
                    Role::Doubt if !whole_parts => (hit.start..hit.end).contains(&at),
                    Role::Doubt | Role::Unwant => commas(hit.start) == commas(at),
                    _ => false,
                })
            };
            let rest = text.of(sentence).filter(|(at, token)| !token.filler && !displeased(*at));
            let known = self.known(&joined(rest.map(|(_, token)| text.token(token))));
            known.filter(|known| known.label == Label::OptOut)
        };
        beside(true).or_else(|| beside(false))
    }

    /// The keyword that this message is, or holds.
    pub fn find(&self, text: &Text, hits: &[Hit]) -> Option<Keyword> {
        if text.cut {
            return None;
        }
        // Marks of sentences may stand within it: "S. T. O. P.".
        if text.sentences.len() > 1
            && let Some(known) = self.known(&super::lexicon::key(text))
        {
            return Some(Keyword::Whole(known));
        }
        let mut keyword: Option<(Known, Sentence)> = None;
        let mut rest = 0;
        let mut at_edge = false;
        let last = text.sentences.len().saturating_sub(1);
        for (number, sentence) in text.sentences.iter().enumerate() {
            if let Some(known) = self.sentence(text, *sentence, hits) {
                match keyword {
                    Some((before, _)) if before.label == known.label => {}
                    // "Enough! Stop."
                    Some((Known { label: Label::OptOut, .. }, _))
                        if known.label == Label::Review && !sentence.question => {}
                    Some((Known { label: Label::Review, .. }, first))
                        if known.label == Label::OptOut && !first.question =>
                    {
                        keyword = Some((known, *sentence));
                    }
                    Some(_) => return None,
                    None => keyword = Some((known, *sentence)),
                }
                at_edge |= number == 0 || number == last;
            } else if !is_courtesy(text, *sentence, hits, number) {
                rest += 1;
            }
        }
        match (keyword?, rest) {
            ((known, _), 0) => Some(Keyword::Whole(known)),
            ((known, sentence), _) if at_edge => Some(Keyword::Beside(known, sentence)),
            _ => None,
        }
    }
}

/// A sentence of thanks, or a name below the message.
fn is_courtesy(text: &Text, sentence: Sentence, hits: &[Hit], number: usize) -> bool {
    let mut words = 0;
    let mut fillers = 0;
    let mut name = true;
    let mut unspaced = 0;
    for (_, token) in text.of(sentence) {
        if token.filler {
            fillers += 1;
            continue;
        }
        words += 1;
        unspaced += usize::from(token.unspaced);
        name &= token.capital;
    }
    if words == 0 {
        return true;
    }
    let short = if unspaced == words { words <= NAME_CHARS } else { words <= NAME_WORDS };
    let means = hits.iter().any(|hit| {
        hit.start >= sentence.first
            && hit.end <= sentence.end
            && hit.role != Role::Polite
            && hit.end - hit.start == words
    });
    short && name && !means && number > 0 && (fillers > 0 || sentence.apart)
}
