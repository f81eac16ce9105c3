//! Where deliveries, endpoints and replays stand.

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// Waiting for its first or next attempt.
    Pending,
    /// The endpoint answered 2xx.
    Sent,
    /// The last attempt failed; another follows.
    Failed,
    /// The egress policy refused the address; nothing was sent. Another attempt follows.
    Blocked,
    /// The schedule is spent. Kept, and can be replayed.
    Dead,
}

impl DeliveryState {
    pub const ALL: [Self; 5] = [Self::Pending, Self::Sent, Self::Failed, Self::Blocked, Self::Dead];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
            Self::Dead => "dead",
        }
    }

    pub const fn number(self) -> i64 {
        match self {
            Self::Pending => 1,
            Self::Sent => 2,
            Self::Failed => 3,
            Self::Blocked => 4,
            Self::Dead => 5,
        }
    }

    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.number() == number)
    }
}

/// Why an endpoint gets nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisabledReason {
    /// Its owner switched it off: no deliveries are made meanwhile.
    Owner,
    /// It answered 410 Gone. What happens meanwhile becomes dead letters.
    Gone,
    /// Its schedule was spent without one success. What happens meanwhile becomes dead letters.
    Failing,
}

impl DisabledReason {
    pub const ALL: [Self; 3] = [Self::Owner, Self::Gone, Self::Failing];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }

    pub const fn number(self) -> i64 {
        match self {
            Self::Owner => 1,
            Self::Gone => 2,
            Self::Failing => 3,
        }
    }

    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.number() == number)
    }
}

/// How an endpoint fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointState {
    /// The last attempt was a success, or there was none yet.
    Healthy,
    /// Attempts fail; it is tried again.
    Failing,
    /// Nothing goes to it.
    Disabled,
}

impl EndpointState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Failing => "failing",
            Self::Disabled => "disabled",
        }
    }
}

/// In which order an endpoint gets its deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeliveryOrder {
    /// Many at once, in no promised order.
    #[default]
    Parallel,
    /// Those about one contact one after another, in the order of the event log; a delivery that fails holds up what
    /// follows about the same contact until it is sent or dead.
    Contact,
}

impl DeliveryOrder {
    pub const ALL: [Self; 2] = [Self::Parallel, Self::Contact];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Parallel => "parallel",
            Self::Contact => "ordered",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.as_str() == text)
    }

    pub const fn number(self) -> i64 {
        match self {
            Self::Parallel => 0,
            Self::Contact => 1,
        }
    }

    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.number() == number)
    }
}

/// Where a replay stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayState {
    /// Deliveries are being queued, or wait for their attempts.
    Running,
    /// Every delivery of the window has had its attempts.
    Done,
    /// Somebody stopped it; what was under way was finished.
    Cancelled,
}

impl ReplayState {
    pub const ALL: [Self; 3] = [Self::Running, Self::Done, Self::Cancelled];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }

    pub const fn number(self) -> i64 {
        match self {
            Self::Running => 1,
            Self::Done => 2,
            Self::Cancelled => 3,
        }
    }

    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.number() == number)
    }
}

/// Which events of its window a replay sends again. What is already on its way is left alone by all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReplayOnly {
    /// Those whose delivery is dead, or waits after a failed attempt.
    Failed,
    /// Those, and events that were never queued for the endpoint, because it was disabled or its filter was another.
    #[default]
    MissingOrFailed,
    /// Everything that the endpoint's filter takes, also what arrived.
    All,
}

impl ReplayOnly {
    pub const ALL: [Self; 3] = [Self::Failed, Self::MissingOrFailed, Self::All];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::MissingOrFailed => "missing_or_failed",
            Self::All => "all",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.as_str() == text)
    }

    pub const fn number(self) -> i64 {
        match self {
            Self::Failed => 1,
            Self::MissingOrFailed => 2,
            Self::All => 3,
        }
    }

    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.number() == number)
    }

    /// Whether a replay sends this one again, by where its delivery stands; `None` where there is none.
    pub const fn takes(self, state: Option<DeliveryState>) -> bool {
        match state {
            Some(DeliveryState::Dead | DeliveryState::Failed | DeliveryState::Blocked) => true,
            None => !matches!(self, Self::Failed),
            Some(DeliveryState::Sent) => matches!(self, Self::All),
            Some(DeliveryState::Pending) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn numbers_and_words_come_back() {
        for only in ReplayOnly::ALL {
            assert_eq!(ReplayOnly::from_number(only.number()).unwrap(), only);
            assert_eq!(ReplayOnly::parse(only.as_str()).unwrap(), only);
        }
        assert_eq!(ReplayOnly::parse("everything"), None);
    }

    #[test]
    fn what_is_on_its_way_is_left_alone() {
        use DeliveryState::{Blocked, Dead, Failed, Pending, Sent};
        let taken = |only: ReplayOnly| {
            [None, Some(Pending), Some(Sent), Some(Failed), Some(Blocked), Some(Dead)].map(|s| only.takes(s))
        };
        assert_eq!(taken(ReplayOnly::Failed), [false, false, false, true, true, true]);
        assert_eq!(taken(ReplayOnly::MissingOrFailed), [true, false, false, true, true, true]);
        assert_eq!(taken(ReplayOnly::All), [true, false, true, true, true, true]);
    }
}
