//! What an inbound text asks for: to be left alone, to be written to again, or neither.
//!
//! **Threat note.** Texts come from anyone, and a verdict stops messages. *Defends against*: requests that hide in
//! full width, accents, spaced letters, look-alike letters, emoji, courtesy or one of many languages; words that sound
//! like a request and are none; texts made to be slow (what is looked at is bounded, and so is the work on it). *Does
//! not defend against*: irony, context that is not in the text, several languages within one sentence, languages that
//! have no file; what is doubtful is labelled [`Label::Review`] for a person to read. Nothing of a text is kept.
//!
//! How it works: [`tokens`] folds a text into sentences of words; [`lexicon`] finds the words of all languages in one
//! pass; [`whole`] knows keywords, which are whole messages; [`rules`] knows how words make requests. What the words
//! are stands in `languages/`, one file for each language, and [`data`] says how to read it.

mod data;
mod fold;
mod lexicon;
mod own;
mod payload;
mod rules;
#[cfg(test)]
mod tests;
mod tokens;
mod whole;

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use data::Role;
use lexicon::{Hit, lexicon};
pub use own::{InvalidKeyword, KEYWORD_CHARS, OwnKeyword};
pub use payload::payload;
use rules::{Found, RULES, Rule};
use whole::{Book, Keyword, Known};

/// What a text asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// Write to me no more.
    OptOut,
    /// Write to me again.
    OptIn,
    /// Something else.
    Neither,
    /// Perhaps to be left alone: a person should read it.
    Review,
}

impl Label {
    pub const ALL: [Self; 4] = [Self::OptOut, Self::OptIn, Self::Neither, Self::Review];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OptOut => "opt_out",
            Self::OptIn => "opt_in",
            Self::Neither => "neither",
            Self::Review => "review",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|label| label.as_str() == text)
    }
}

/// What a text asks for, and why that is thought. Holds nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Verdict {
    pub label: Label,
    /// ISO 639-1 code of the language whose rule decided; none for own keywords and for [`Label::Neither`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<&'static str>,
    /// The rule that decided, `en.keyword.stop` or `de.stop_messages`; `own.keyword` for an own one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<&'static str>,
}

impl Verdict {
    const NEITHER: Self = Self { label: Label::Neither, language: None, rule: None };
}

/// Classifies texts. Cheap to make and to clone: the base of all languages is shared, and only own keywords are added.
#[derive(Debug, Clone, Default)]
pub struct Classifier {
    own: Arc<HashMap<String, Label>>,
}

impl Classifier {
    /// The base, and own keywords over it. An own keyword may give a meaning to a text that has none, or take a doubt
    /// from it; where two say different things of one text, the opt-out wins.
    pub fn new(own: &[OwnKeyword]) -> Self {
        Self { own: Arc::new(own::index(own)) }
    }

    /// What a text asks for. Time and memory are bounded, however long or hostile it is.
    pub fn classify(&self, text: &str) -> Verdict {
        self.judge(text).0
    }

    /// The verdict, and how many steps it took.
    fn judge(&self, text: &str) -> (Verdict, usize) {
        let base = lexicon();
        let mut text = tokens::read(text);
        let mut steps = text.read;
        let hits = base.find(&mut text, &mut steps);
        let keyword = Book { base, own: &self.own }.find(&text, &hits);
        if let Some(Keyword::Whole(known)) = keyword {
            return (verdict_of_known(known), steps);
        }
        let mut found = Vec::new();
        let mut rest = hits.as_slice();
        for sentence in &text.sentences {
            let count = rest.partition_point(|hit| hit.start < sentence.end);
            let (here, after) = rest.split_at(count);
            rules::judge(base, &text, *sentence, (here, after), &mut steps, &mut found);
            rest = after;
        }
        let beside = match keyword {
            Some(Keyword::Beside(known, sentence)) => {
                let other = |hit: &Hit| hit.end <= sentence.first || hit.start >= sentence.end;
                let about = hits.iter().any(|hit| ABOUT_MESSAGES & hit.role.bit() != 0 && other(hit));
                Some((known, about))
            }
            _ => None,
        };
        (weigh(&found, beside), steps)
    }
}

/// The codes of the languages that are understood, in the order in which they are asked.
pub fn languages() -> impl Iterator<Item = &'static str> {
    data::LANGUAGES.iter().map(|source| source.code)
}

fn code(language: u8) -> Option<&'static str> {
    lexicon().languages.get(usize::from(language)).map(|language| language.code)
}

fn verdict_of_known(known: Known) -> Verdict {
    Verdict { label: known.label, language: known.language.and_then(code), rule: Some(known.rule) }
}

/// Words that show what a "Stop." before or after them was about.
const ABOUT_MESSAGES: u64 = Role::Msg.bit()
    | Role::Text.bit()
    | Role::DontSend.bit()
    | Role::Unwant.bit()
    | Role::NoMore.bit()
    | Role::Subs.bit()
    | Role::Consent.bit()
    | Role::RemoveMe.bit()
    | Role::Doubt.bit();

/// One verdict from what the sentences ask for.
///
/// `beside` is a keyword among other sentences, and whether those are about messages.
fn weigh(found: &[Found], beside: Option<(Known, bool)>) -> Verdict {
    let of = |label: Label| found.iter().find(|found| found.label == label);
    // "You keep texting me" is no wish to go on, next to a request to stop.
    let wished =
        |found: &&Found| found.label == Label::OptIn && !RULES.get(found.rule).is_some_and(Rule::resumes);
    let verdict = |found: &Found, label: Label| Verdict {
        label,
        language: code(found.language),
        rule: lexicon()
            .languages
            .get(usize::from(found.language))
            .and_then(|language| language.rules.get(found.rule))
            .map(String::as_str),
    };
    match (of(Label::OptOut), of(Label::OptIn)) {
        // Both in one message: whoever reads it will know.
        (Some(out), Some(_)) if found.iter().any(|found| wished(&found)) => {
            return verdict(out, Label::Review);
        }
        (Some(out), _) => return verdict(out, Label::OptOut),
        // "Why do you keep texting me, how do I unsubscribe" goes on with nothing.
        (None, Some(into))
            if beside.is_none()
                && (of(Label::Review).is_none() || found.iter().any(|found| wished(&found))) =>
        {
            return verdict(into, Label::OptIn);
        }
        _ => {}
    }
    if let Some((known, about)) = beside {
        let decided = known.label == Label::OptOut && about && of(Label::OptIn).is_none();
        let label = if decided || known.label == Label::Neither { known.label } else { Label::Review };
        return verdict_of_known(Known { label, ..known });
    }
    of(Label::Review).map_or(Verdict::NEITHER, |doubt| verdict(doubt, Label::Review))
}
