//! A store that is away is told of at once, and then now and then: every lane meets it twice a second, and a log that
//! is full of one line hides the others.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gatepost_core::{Code, Error};
use gatepost_store::LaneKey;
use tokio::time::Instant;

/// At most one line in this time.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// What was told last, and how often it was met since.
#[derive(Default)]
pub(crate) struct StoreAway(Mutex<Option<(Instant, u64)>>);

impl StoreAway {
    /// Logs that `what` failed; the lane is named where one is meant. A store that is away is told of for all of them.
    pub fn tell(&self, error: &Error, lane: Option<LaneKey>, what: &'static str) {
        let (kind, lane) =
            (lane.map(|key| key.kind.as_str()), lane.map(|key| tracing::field::display(key.named())));
        if error.code() != Code::Unavailable {
            tracing::warn!(%error, kind, lane, "{what}");
            return;
        }
        if let Some(more) = self.due(Instant::now()) {
            tracing::warn!(
                %error, kind, lane, more,
                "{what}: the database does not answer. Work waits in it, nothing is lost; see whether it runs, is full or is locked"
            );
        }
    }

    /// How many were kept back since the last line, where the next is due.
    fn due(&self, now: Instant) -> Option<u64> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match told.as_mut() {
            Some((at, more)) if now.duration_since(*at) < TOLD_EVERY => {
                *more += 1;
                None
            }
            _ => Some(told.replace((now, 0)).map_or(0, |(_, more)| more)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_stands_for_many() {
        let (away, start) = (StoreAway::default(), Instant::now());
        assert_eq!(away.due(start), Some(0), "the first is told at once");
        for millis in [0, 500, 9_999] {
            assert_eq!(away.due(start + Duration::from_millis(millis)), None);
        }
        assert_eq!(away.due(start + TOLD_EVERY), Some(3), "the next says how many were kept back");
        assert_eq!(away.due(start + TOLD_EVERY * 9), Some(0));
    }
}
