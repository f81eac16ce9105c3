//! Risk: what a message and its channel's last day look like, as a score that allows, holds or blocks.
//!
//! Three parts: [`Features`] of the words, computed once and kept as numbers; [`Counters`] of the channel, changed within
//! the transaction that accepts the message; and [`RULES`], each of which answers with a number. [`assess`] adds up.
//!
//! Threat note. Defends against: a stolen key or a careless customer who writes to many strangers at once, sends one text
//! to a bought list, goes on while people block and report, borrows somebody's name, hides where a link leads, or asks for
//! passwords, PINs, cards and codes. Does not defend against: whoever stays below the numbers, which anybody can read; texts
//! written anew for each person; lies in plain words and honest-looking hosts; other languages than those listed; whatever
//! is in pictures, files and recordings, or behind a link. Nothing is looked up outside, and the purpose that a caller
//! names is not believed here. `docs/risk-rules.md` says the same to people.

mod assess;
mod content;
mod counters;
mod facts;
mod page;
mod rules;
#[cfg(test)]
mod tests;
mod tuning;

pub use assess::{Action, Assessment, Hit, assess};
pub use content::{Features, OwnNames, Words, sameness};
pub use counters::{Counters, Damaged, ENCODED_MAX};
pub use facts::{Acquaintance, Facts, Quality};
pub use page::risk_page;
pub use rules::{Family, RULES, Rule, RuleId, Shares, TOGETHER};
pub use tuning::{Preset, RuleTuning, Tuning};
