//! The keys of one endpoint, and which of them sign at an instant.

use gatepost_core::Timestamp;

use super::SigningKey;

/// An endpoint's keys, prepared once for many deliveries: today's, and those before while they overlap.
#[derive(Clone, Debug)]
pub struct DeliveryKeys {
    /// Today's first, its HMAC secret in front.
    keys: Vec<SigningKey>,
    today: usize,
    /// The first instant at which those before sign no more.
    until: Timestamp,
}

impl DeliveryKeys {
    /// `today` begins with the HMAC secret; `before` are those that go on signing until an instant.
    pub fn new(today: Vec<SigningKey>, before: Option<(Vec<SigningKey>, Timestamp)>) -> Self {
        let (before, until) = before.unwrap_or((Vec::new(), Timestamp::UNIX_EPOCH));
        let count = today.len();
        let mut keys = today;
        keys.extend(before);
        Self { keys, today: count, until }
    }

    /// The keys that sign at `now`, as [`super::delivery_headers`] takes them. Exact to the instant: at the end of the
    /// overlap itself the keys before are not among them any more.
    pub fn at(&self, now: Timestamp) -> &[SigningKey] {
        let count = if now < self.until { self.keys.len() } else { self.today };
        self.keys.get(..count).unwrap_or_default()
    }
}
