//! The rules that all languages share: which roles of words together make a request.
//!
//! Words differ, the ways to say it do not: *cease* with *texting*, *do not* with *send* and *any more*, *remove* with
//! *me* and *list*. A language file says which words play a role; a rule holds where all its roles stand in one sentence,
//! near each other. What denies the request (`don't stop`) or means something else (`bus stop`) overlaps it and takes it
//! away; a question how to, or a limit of time, leaves it to a person.

use super::Label;
use super::data::Role;
use super::lexicon::{Hit, Language, Lexicon};
use super::tokens::{Sentence, Text};

/// One way to say it.
pub(super) struct Rule {
    pub name: &'static str,
    pub label: Label,
    slots: &'static [Role],
    /// The sentence says nothing else.
    full: bool,
    /// Nor is a word left over, which might be what it is about: "do not send the bill".
    alone: bool,
    /// Words from the first to the last of it at most, without polite ones.
    window: usize,
}

const fn rule(name: &'static str, label: Label, slots: &'static [Role]) -> Rule {
    Rule { name, label, slots, full: false, alone: false, window: 9 }
}

impl Rule {
    /// An opt-in by going on, rather than by asking for it.
    pub fn resumes(&self) -> bool {
        self.label == OptIn && self.slots.contains(&Resume)
    }

    const fn full(mut self) -> Self {
        self.full = true;
        self
    }

    const fn alone(mut self) -> Self {
        self.alone = true;
        self.full()
    }

    const fn within(mut self, window: usize) -> Self {
        self.window = window;
        self
    }
}

use Label::{OptIn, OptOut, Review};
use Role::{
    Bored, Cancel, Consent, DontSend, Doubt, Get, Join, List, Me, More, Msg, News, NoMore, Not, Number,
    Phrase, Remove, RemoveMe, Resume, Revoke, Send, Stop, Subs, Text as Texting, Unsub, Unwant, WantGet,
};

pub(super) const RULES: &[Rule] = &[
    rule("unsubscribe", OptOut, &[Unsub]),
    rule("phrase", OptOut, &[Phrase]),
    rule("stop_text", OptOut, &[Stop, Texting]).within(6),
    rule("stop_messages", OptOut, &[Stop, Msg]).within(7),
    rule("stop_send_me", OptOut, &[Stop, Send, Me]).within(6),
    rule("stop_send", OptOut, &[Stop, Send]).full(),
    rule("not_text_more", OptOut, &[Not, Texting, More]),
    rule("not_send_more", OptOut, &[Not, Send, More]),
    rule("not_text_messages", OptOut, &[Not, Texting, Msg]),
    rule("not_send_messages", OptOut, &[Not, Send, Msg]),
    rule("not_text_me", OptOut, &[Not, Texting, Me]).full(),
    rule("not_send_me", OptOut, &[Not, Send, Me]).full(),
    rule("not_text", OptOut, &[Not, Texting]).full(),
    rule("not_text_number", OptOut, &[Not, Texting, Number]),
    rule("dont_send_more", OptOut, &[DontSend, More]),
    rule("dont_send_messages", OptOut, &[DontSend, Msg]),
    rule("dont_send", OptOut, &[DontSend]).alone(),
    rule("dont_want_messages", OptOut, &[Unwant, Msg]),
    rule("dont_want_texting", OptOut, &[Unwant, Texting]),
    rule("dont_want_send_me", OptOut, &[Unwant, Send, Me]).full(),
    rule("dont_want_send_more", OptOut, &[Unwant, Send, More]).full(),
    rule("dont_want_get_more", OptOut, &[Unwant, Get, More]),
    rule("dont_want_get", OptOut, &[Unwant, Get]).full(),
    rule("dont_want_news", OptOut, &[Unwant, Get, News]),
    rule("stop_news", OptOut, &[Stop, Get, News]).within(6),
    rule("messages_bore", OptOut, &[Msg, Bored]).within(7),
    rule("dont_want_list", OptOut, &[Unwant, List]),
    rule("dont_want_subscription", OptOut, &[Unwant, Subs]),
    rule("no_more_messages", OptOut, &[NoMore, Msg]).within(5),
    rule("remove_me_list", OptOut, &[Remove, Me, List]),
    rule("remove_number", OptOut, &[Remove, Number]),
    rule("remove_me", OptOut, &[Remove, Me]).full().within(4),
    rule("remove_list", OptOut, &[Remove, List]).full(),
    rule("removeme", OptOut, &[RemoveMe]).full(),
    rule("removeme_list", OptOut, &[RemoveMe, List]),
    rule("revoke_consent", OptOut, &[Revoke, Consent]),
    rule("cancel_subscription", OptOut, &[Cancel, Subs]).within(6),
    rule("join", OptIn, &[Join]),
    rule("resume_messages", OptIn, &[Resume, Msg]),
    rule("resume_send", OptIn, &[Resume, Send]).within(6),
    rule("resume_text", OptIn, &[Resume, Texting]).within(6),
    rule("want_messages", OptIn, &[WantGet, Msg]),
    rule("want_news", OptIn, &[WantGet, News]),
    rule("doubt_stop", OptOut, &[Doubt, Stop]).full(),
    rule("messages_doubt_stop", OptOut, &[Msg, Doubt, Stop]),
    rule("stop_doubt", OptOut, &[Stop, Doubt]).full(),
    rule("doubt_not_send", OptOut, &[Not, Send, Doubt]).full(),
    rule("doubt", Review, &[Doubt]),
    rule("not_send", Review, &[Not, Send]).full(),
    rule("dont_want", Review, &[Unwant, More]).full(),
];

/// Requests that a denial right before them takes away.
const DENIABLE: u64 = Stop.bit() | Unsub.bit() | Remove.bit() | RemoveMe.bit() | Cancel.bit() | Revoke.bit();
/// The same of requests to opt in: `no longer want to receive` denies these and is a request itself.
const DENIABLE_IN: u64 = Join.bit() | Resume.bit() | WantGet.bit();

/// Tokens between a request to join and what it joins.
const JOINED: usize = 2;
/// Roles that may stand beside a request which says nothing else.
const ASIDE: u64 = Me.bit() | Number.bit() | More.bit();
/// Roles whose expressions say what is asked, or most of it.
const WHOLE_REQUESTS: u64 = Phrase.bit() | DontSend.bit() | Unwant.bit();
/// Places of one role that are looked at in one sentence; a person needs two.
const PLACES: usize = 12;
/// Words of a request that a question repeats.
const REPEATED: usize = 6;
/// Comparisons spent on one text.
pub(super) const BUDGET: usize = 60_000;

/// How near is near: scripts without spaces have more tokens for the same words.
#[derive(Clone, Copy)]
struct Measure {
    /// Windows are so many times longer.
    scale: usize,
    /// Tokens between a denial and what it denies.
    denial: usize,
    /// Tokens that may be left over in a sentence that says nothing else.
    rest: usize,
}

impl Measure {
    fn of(text: &Text, sentence: Sentence) -> Self {
        let unspaced = text.of(sentence).filter(|(_, token)| token.unspaced).count();
        if unspaced * 2 <= sentence.end - sentence.first {
            return Self { scale: 1, denial: 1, rest: 1 };
        }
        let thai = text
            .of(sentence)
            .any(|(_, token)| text.token(token).starts_with(|c| matches!(c, '\u{e00}'..='\u{17ff}')));
        if thai { Self { scale: 5, denial: 4, rest: 8 } } else { Self { scale: 3, denial: 2, rest: 3 } }
    }
}

/// What a sentence asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub label: Label,
    pub language: u8,
    pub rule: usize,
    span: (usize, usize),
}

struct Search<'a> {
    text: &'a Text,
    sentence: Sentence,
    measure: Measure,
    language: &'a Language,
    hits: &'a [Hit],
    /// What overlaps these spans means something else.
    kept: Vec<(usize, usize)>,
    /// An opt-in that overlaps these is denied.
    kept_in: Vec<(usize, usize)>,
    /// What only says that the person is displeased, or wants something else.
    doubts: Vec<(usize, usize)>,
    /// Tokens that say whom, or for how long: they add nothing to a request.
    aside: Vec<bool>,
    /// For each token, how many commas stand before it.
    parts: Vec<usize>,
}

impl<'a> Search<'a> {
    fn new(
        text: &'a Text,
        sentence: Sentence,
        measure: Measure,
        language: &'a Language,
        hits: &'a [Hit],
    ) -> Self {
        let doubts = hits.iter().filter(|hit| matches!(hit.role, Doubt | Unwant)).take(PLACES);
        let doubts = doubts.map(|hit| (hit.start, hit.end)).collect();
        let mut aside = vec![false; sentence.end - sentence.first];
        for hit in hits.iter().filter(|hit| ASIDE & hit.role.bit() != 0) {
            let tokens = aside.iter_mut().take(hit.end - sentence.first).skip(hit.start - sentence.first);
            tokens.for_each(|aside| *aside = true);
        }
        let count = |commas: &mut usize, comma: bool| {
            *commas += usize::from(comma);
            Some(*commas)
        };
        let parts = text.of(sentence).map(|(_, token)| token.comma).scan(0, count).collect();
        Self {
            text,
            sentence,
            measure,
            language,
            hits,
            kept: Vec::new(),
            kept_in: Vec::new(),
            doubts,
            aside,
            parts,
        }
    }

    fn places(&self, role: Role) -> impl Iterator<Item = &Hit> {
        self.hits.iter().filter(move |hit| hit.role == role)
    }

    /// Tokens between two that are not courtesy.
    fn words_between(&self, start: usize, end: usize) -> usize {
        self.text.tokens.iter().take(end).skip(start).filter(|token| !token.filler).count()
    }

    /// Words of the sentence outside of a span that say something else: "I never signed up for this, remove me" says
    /// nothing but what "remove me" does.
    fn rest(&self, start: usize, end: usize) -> usize {
        let first = self.sentence.first;
        let part = |at: usize| self.parts.get(at - first).copied().unwrap_or_default();
        let own = part(start)..=part(end - 1);
        let around = self.text.of(self.sentence).filter(|(at, token)| {
            let doubt = |by: &(usize, usize)| {
                (by.0..by.1).contains(at) || !own.contains(&part(*at)) && part(by.0) == part(*at)
            };
            let aside = self.aside.get(*at - first).is_some_and(|aside| *aside);
            !(start..end).contains(at) && !token.filler && !aside && !self.doubts.iter().any(doubt)
        });
        around.count()
    }

    fn is_courtesy(&self, hit: &Hit) -> bool {
        self.text.tokens.iter().take(hit.end).skip(hit.start).all(|token| token.filler)
    }

    /// Questions how to, and limits of time.
    fn asks(&self) -> impl Iterator<Item = Hit> {
        let asks = self.hits.iter().filter(|hit| matches!(hit.role, Role::Ask | Role::Limit));
        asks.filter(|hit| !self.is_courtesy(hit)).copied()
    }

    /// Whether one of `asks` is about the request at `start`: "why do you write, unsubscribe me" asks something else.
    fn is_asked(&self, asks: &[Hit], start: usize) -> bool {
        let comma = (self.sentence.first..=start)
            .rev()
            .find(|at| !self.sentence.question && self.text.tokens.get(*at).is_some_and(|token| token.comma));
        asks.iter().any(|ask| ask.role == Role::Limit || comma.is_none_or(|comma| ask.end > comma))
    }

    /// Expressions that mean something else, but for those that are a part of a longer request: "do not receive" in
    /// "wish not to receive".
    fn meant_otherwise(&self) -> Vec<(usize, usize)> {
        // The end of the longest request that begins at a token, and at any before it.
        let mut here = vec![0; self.sentence.end - self.sentence.first + 1];
        for hit in self.hits.iter().filter(|hit| WHOLE_REQUESTS & hit.role.bit() != 0) {
            if let Some(end) = here.get_mut(hit.start - self.sentence.first) {
                *end = hit.end.max(*end);
            }
        }
        let before = here.iter().scan(0, |most, end| Some(std::mem::replace(most, (*most).max(*end))));
        let reach: Vec<(usize, usize)> = before.zip(here.iter().copied()).collect();
        let within = |hit: &&Hit| {
            let reach = reach.get(hit.start - self.sentence.first);
            reach.is_some_and(|(before, here)| *before >= hit.end || *here > hit.end)
        };
        let keeps = self.places(Role::Keep).filter(|hit| !within(hit));
        keeps.map(|hit| (hit.start, hit.end)).collect()
    }

    fn keep(&mut self) {
        let spans = self.meant_otherwise();
        // "Put me on the waiting list": what is joined stands behind it.
        self.kept_in.extend(spans.iter().map(|(start, end)| (start.saturating_sub(JOINED), *end)));
        self.kept.extend(spans);
        let denials = self.hits.iter().filter(|hit| matches!(hit.role, Role::Not | Role::Deny));
        let mut denied = Vec::new();
        let mut denied_in = Vec::new();
        for denial in denials.take(PLACES) {
            if self.is_courtesy(denial) {
                continue; // "why don't you" is courtesy
            }
            let near = |hit: &&Hit| {
                (DENIABLE | DENIABLE_IN) & hit.role.bit() != 0
                    && hit.start >= denial.end
                    && self.words_between(denial.end, hit.start) <= self.measure.denial
                    && !self.text.tokens.iter().take(hit.start + 1).skip(denial.end).any(|token| token.comma)
            };
            for hit in self.hits.iter().filter(near).take(PLACES) {
                let spans = if DENIABLE & hit.role.bit() == 0 { &mut denied_in } else { &mut denied };
                spans.push((denial.start, hit.end));
            }
        }
        self.kept.extend(denied);
        self.kept_in.extend(denied_in);
    }

    /// Where it holds.
    fn holds(&self, rule: &Rule, steps: &mut usize) -> Option<(usize, usize)> {
        let mut chosen = Vec::with_capacity(rule.slots.len());
        self.choose(rule, &mut chosen, steps).then(|| Self::span(&chosen))
    }

    /// Fills the slots one after the other, near each other and apart from each other.
    fn choose(&self, rule: &Rule, chosen: &mut Vec<(usize, usize)>, steps: &mut usize) -> bool {
        let Some(role) = rule.slots.get(chosen.len()) else { return self.fits(rule, chosen) };
        for hit in self.places(*role).take(PLACES) {
            *steps += 1;
            if *steps > BUDGET {
                return false;
            }
            // A verb before what it acts on, where the language has it so.
            let behind = chosen.len() == 1
                && self.language.verb_first
                && chosen
                    .first()
                    .is_some_and(|(start, end)| hit.start < *start && !self.closes(*start, *end));
            // "I can wait no more, send it": a comma ends what a "not" denies, and what is not to be received.
            let apart = matches!(rule.slots, [Not, ..] | [Unwant, Get, ..])
                && (chosen.len() == 1 || *role == Msg)
                && chosen.first().is_some_and(|(_, end)| {
                    self.text.tokens.iter().take(hit.start + 1).skip(*end).any(|token| token.comma)
                });
            if behind || apart || chosen.iter().any(|(start, end)| hit.start < *end && *start < hit.end) {
                continue;
            }
            chosen.push((hit.start, hit.end));
            if self.near(rule, chosen) && self.choose(rule, chosen, steps) {
                return true;
            }
            chosen.pop();
        }
        false
    }

    /// Whether a verb stands after a comma and ends the sentence: "ads every day, stop it now".
    fn closes(&self, start: usize, end: usize) -> bool {
        self.text.tokens.get(start).is_some_and(|token| token.comma)
            && self.rest(self.sentence.first, end) == 0
    }

    fn span(chosen: &[(usize, usize)]) -> (usize, usize) {
        let start = chosen.iter().map(|(start, _)| *start).min().unwrap_or_default();
        (start, chosen.iter().map(|(_, end)| *end).max().unwrap_or_default())
    }

    fn near(&self, rule: &Rule, chosen: &[(usize, usize)]) -> bool {
        let (start, end) = Self::span(chosen);
        chosen.len() == 1 || self.words_between(start, end) <= rule.window * self.measure.scale
    }

    fn fits(&self, rule: &Rule, chosen: &[(usize, usize)]) -> bool {
        let (start, end) = Self::span(chosen);
        let overlaps = |(from, to): &(usize, usize)| start < *to && *from < end;
        if self.kept.iter().any(overlaps) || rule.label == OptIn && self.kept_in.iter().any(overlaps) {
            return false;
        }
        let most = if rule.alone && self.measure.scale == 1 { 0 } else { self.measure.rest };
        !rule.full || self.rest(start, end) <= most
    }
}

/// How many words of a sentence each language knows: all of them, and those that are not mere courtesy.
fn evidence(languages: &[(u8, u64)], sentence: Sentence, hits: &[Hit]) -> Vec<(usize, usize)> {
    let words = sentence.end - sentence.first;
    let count = |language: u8| {
        let mut known = vec![(false, false); words];
        for hit in hits.iter().filter(|hit| hit.language == language) {
            let tokens = known.iter_mut().take(hit.end - sentence.first).skip(hit.start - sentence.first);
            tokens.for_each(|(word, means)| {
                *word = true;
                *means |= hit.role != Role::Polite;
            });
        }
        let of = |which: fn(&(bool, bool)) -> bool| known.iter().filter(|word| which(word)).count();
        (of(|(word, _)| *word), of(|(_, means)| *means))
    };
    languages.iter().map(|(language, _)| count(*language)).collect()
}

/// The words of one language, but those that a longer expression gives another sense: "for me" of "do it for me" is
/// courtesy, and "after" of "after today" no limit.
fn of_language(hits: &[Hit], language: u8) -> Vec<Hit> {
    let own = || hits.iter().filter(|hit| hit.language == language);
    let long = |role: Role| {
        let long = own().filter(move |hit| hit.role == role && hit.end - hit.start > 1);
        long.map(|hit| (hit.start, hit.end)).take(PLACES).collect::<Vec<_>>()
    };
    let (courtesy, more) = (long(Role::Polite), long(More));
    let inside = |hit: &Hit, spans: &[(usize, usize)]| {
        spans
            .iter()
            .any(|(start, end)| *start <= hit.start && hit.end <= *end && end - start > hit.end - hit.start)
    };
    own()
        .filter(|hit| match hit.role {
            Me => !inside(hit, &courtesy),
            Role::Ask | Role::Limit => !inside(hit, &more),
            _ => true,
        })
        .copied()
        .collect()
}

/// "Unsubscribe?", "Unsubscribe me? No way!": whether a question is a request at `span` and nothing else, not even
/// courtesy, and so repeats another's word. The sentence behind it may deny it.
fn repeats(sentence: Sentence, span: (usize, usize), hits: &[Hit], denied_next: bool) -> bool {
    let words = sentence.end - sentence.first;
    let aside = |at: usize| {
        let mut aside = hits.iter().filter(|hit| ASIDE & hit.role.bit() != 0);
        aside.any(|hit| (hit.start..hit.end).contains(&at))
    };
    let bare = || (sentence.first..sentence.end).all(|at| (span.0..span.1).contains(&at) || aside(at));
    sentence.question && (words == 1 || denied_next && words <= REPEATED) && bare()
}

/// What the words of one sentence, all of them, and before those that come `after` it, ask for in any language: at most one request out and one in, and doubts.
pub(super) fn judge(
    lexicon: &Lexicon,
    text: &Text,
    sentence: Sentence,
    (hits, after): (&[Hit], &[Hit]),
    steps: &mut usize,
    found: &mut Vec<Found>,
) {
    let mut next = after.iter().take_while(|hit| hit.start == sentence.end);
    let denied_next = next.any(|hit| matches!(hit.role, Not | Role::Deny));
    let mut languages: Vec<(u8, u64)> = Vec::new();
    for hit in hits {
        match languages.iter_mut().find(|(language, _)| *language == hit.language) {
            Some((_, present)) => *present |= hit.role.bit(),
            None => languages.push((hit.language, hit.role.bit())),
        }
    }
    languages.sort_unstable();
    let mut here: Vec<Found> = Vec::new();
    let evidence = evidence(&languages, sentence, hits);
    let most = evidence.iter().map(|(words, _)| *words).max().unwrap_or_default();
    let most_meant = evidence.iter().map(|(_, meant)| *meant).max().unwrap_or_default();
    let measure = Measure::of(text, sentence);
    // Who knows most of the sentence knows best what it denies and asks.
    let mut best_kept = Vec::new();
    let mut best_asks: Vec<Hit> = Vec::new();
    for ((number, _), (words, _)) in languages.iter().zip(&evidence) {
        let Some(language) = lexicon.languages.get(usize::from(*number)).filter(|_| *words == most) else {
            continue;
        };
        let own = of_language(hits, *number);
        let mut search = Search::new(text, sentence, measure, language, &own);
        search.keep();
        best_asks.extend(search.asks());
        best_kept.append(&mut search.kept);
    }
    for ((number, present), (words, meant)) in languages.into_iter().zip(evidence) {
        // Words that several languages share decide nothing in one that does not know the rest of the sentence.
        if words * 4 < most * 3 && meant * 4 < most_meant * 3 {
            continue;
        }
        let Some(language) = lexicon.languages.get(usize::from(number)) else { continue };
        let candidates = RULES
            .iter()
            .enumerate()
            .filter(|(_, rule)| rule.slots.iter().all(|slot| present & slot.bit() != 0));
        let candidates: Vec<(usize, &Rule)> = candidates.collect();
        if candidates.is_empty() {
            continue;
        }
        let own = of_language(hits, number);
        let mut search = Search::new(text, sentence, measure, language, &own);
        search.keep();
        search.kept.extend_from_slice(&best_kept);
        let asks: Vec<Hit> = best_asks.iter().copied().chain(search.asks()).collect();
        for (at, rule) in candidates {
            if let Some(span) = search.holds(rule, steps) {
                let asked = rule.label != OptIn
                    && (repeats(sentence, span, hits, denied_next) || search.is_asked(&asks, span.0));
                let label = if asked { Review } else { rule.label };
                here.push(Found { label, language: number, rule: at, span });
            }
        }
    }
    // "Cancel the subscription" holds a "subscription", which by itself would be a request for one.
    let outs: Vec<_> = here.iter().filter(|found| found.label == OptOut).map(|found| found.span).collect();
    // "You keep texting" is displeasure, where "keep texting" would be a wish.
    let doubts: Vec<_> = here.iter().filter(|found| found.label == Review).map(|found| found.span).collect();
    here.retain(|found| {
        let (start, end) = found.span;
        found.label != OptIn
            || !outs.iter().any(|(from, to)| start < *to && *from < end)
                && !doubts.iter().any(|(from, to)| *from < start && start < *to)
    });
    found.append(&mut here);
}
