//! The last sends of a channel to a person, packed into a text that SQL can prepend to.

use std::fmt::Write;
use std::time::Duration;

use crate::Purpose;
use crate::time::Timestamp;

/// Sends that are remembered.
pub const SENDS_KEPT: usize = 16;
/// Characters of one: eight hexadecimal digits of the second, and the purpose as a letter from `a`.
const WIDTH: usize = 9;
/// Longest text.
pub const SENDS_TEXT_MAX: usize = SENDS_KEPT * WIDTH;

/// The last sends, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SendHistory(Vec<(i64, Purpose)>);

impl SendHistory {
    /// One send as it is stored.
    pub fn entry(at: Timestamp, purpose: Purpose) -> String {
        let second = u32::try_from(at.seconds()).unwrap_or(if at.seconds() < 0 { 0 } else { u32::MAX });
        let number = u8::try_from(purpose.number()).unwrap_or(0);
        let mut entry = String::with_capacity(WIDTH);
        let _ = write!(entry, "{second:08x}{}", char::from(b'a' + number));
        entry
    }

    /// Reads what is stored; what cannot be read is left out.
    pub fn parse(text: &str) -> Self {
        let sends = text.as_bytes().chunks_exact(WIDTH).filter_map(|chunk| {
            let (second, letter) = chunk.split_at_checked(WIDTH - 1)?;
            let second = i64::from_str_radix(std::str::from_utf8(second).ok()?, 16).ok()?;
            let purpose = Purpose::from_number(i64::from(letter.first()?.checked_sub(b'a')?))?;
            Some((second, purpose))
        });
        Self(sends.collect())
    }

    /// How many of the given purpose (`None`: of all) went within `span` before `now`.
    pub fn count(&self, purpose: Option<Purpose>, now: Timestamp, span: Duration) -> usize {
        self.within(purpose, now, span).count()
    }

    /// When the oldest of them leaves the span, so that there is room for one more.
    pub fn room_at(
        &self,
        purpose: Option<Purpose>,
        now: Timestamp,
        span: Duration,
        most: usize,
    ) -> Option<Timestamp> {
        let second = self.within(purpose, now, span).nth(most.checked_sub(1)?)?;
        Some(Timestamp::from_seconds(second + 1).plus(span))
    }

    fn within(&self, purpose: Option<Purpose>, now: Timestamp, span: Duration) -> impl Iterator<Item = i64> {
        let since = now.minus(span).seconds();
        let counted = self.0.iter().filter(move |(_, p)| purpose.is_none_or(|wanted| wanted == *p));
        counted.map(|(second, _)| *second).filter(move |second| *second >= since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sends_are_counted_within_a_span() {
        let t = Timestamp::from_seconds;
        let text = [(300, Purpose::Support), (200, Purpose::Operational), (100, Purpose::Support)]
            .map(|(s, p)| SendHistory::entry(t(s), p))
            .concat();
        let history = SendHistory::parse(&text);
        let span = Duration::from_secs(150);
        assert_eq!(history.count(None, t(300), span), 2);
        assert_eq!(history.count(Some(Purpose::Support), t(300), span), 1);
        assert_eq!(history.room_at(None, t(300), span, 2), Some(t(351)));
        assert_eq!(history.count(None, t(351), span), 1);
        assert_eq!(history.room_at(None, t(300), span, 3), None);
    }

    proptest! {
        #[test]
        fn damaged_texts_are_read_as_far_as_they_go(text in "\\PC{0,200}") {
            let _ = SendHistory::parse(&text);
        }
    }
}
