//! What keeps verifications from being misused: how many go to one person, come from one address, go to one range of
//! numbers or out of one workspace; cool-downs that grow; ranges whose codes are hardly ever entered; countries.
//!
//! Pure: what is counted lies packed in rows ([`Record`]), is read and written in the transaction that makes or ends a
//! verification, and is held against the rules here ([`admit`], [`ended`]).
//!
//! Threat note. Defends against: codes that nobody asked for (a phone that is made to ring again and again), paid traffic
//! (codes asked for to many numbers of a range that never enter one), one visitor who asks for many numbers, a runaway of
//! one's own. What is counted is exact under concurrency, and no window ever holds more than its limit wherever it
//! begins. Does not defend against: a customer that tells no `client_ip` (that rule is silent then), or a wrong one; many
//! addresses at once (the range's and the workspace's limits hold then); somebody who enters the codes.

mod conversion;
mod cool_down;
mod country;
mod range;
mod record;
mod rules;
mod velocity;

pub use conversion::{Pumping, Verdict};
pub use cool_down::check as cool_downs_check;
pub use country::{Country, country_of};
pub use range::{address_subject, ranges};
pub use record::{RECORD_MAX, Record};
pub use rules::{Admitted, End, FraudRule, FraudRules, Held, Refusal, Subject, admit, country_fits, ended};
pub use velocity::Limits;

#[cfg(test)]
mod tests;
