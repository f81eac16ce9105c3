//! What becomes of verifications, counted by where they are.

use std::ops::AddAssign;

/// Where a verification came to. Each is counted once a verification, at the hour in which that was begun, so that of
/// what is counted of an hour the later steps are never more than the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    Created,
    /// Meta took the message with the code.
    Sent,
    Delivered,
    Approved,
    Expired,
    Blocked,
    Failed,
    Cancelled,
    /// It was not begun: a rule refused it.
    Refused,
}

impl Stage {
    pub const ALL: [Self; 9] = [
        Self::Created,
        Self::Sent,
        Self::Delivered,
        Self::Approved,
        Self::Expired,
        Self::Blocked,
        Self::Failed,
        Self::Cancelled,
        Self::Refused,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Approved => "approved",
            Self::Expired => "expired",
            Self::Blocked => "blocked",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Refused => "refused",
        }
    }

    const fn place(self) -> usize {
        match self {
            Self::Created => 0,
            Self::Sent => 1,
            Self::Delivered => 2,
            Self::Approved => 3,
            Self::Expired => 4,
            Self::Blocked => 5,
            Self::Failed => 6,
            Self::Cancelled => 7,
            Self::Refused => 8,
        }
    }
}

/// How many came to each stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Funnel([i64; Stage::ALL.len()]);

impl Funnel {
    /// In the order of [`Stage::ALL`].
    pub const fn new(counts: [i64; Stage::ALL.len()]) -> Self {
        Self(counts)
    }

    /// One that came to a stage.
    pub fn one(stage: Stage) -> Self {
        let mut funnel = Self::default();
        funnel.0[stage.place()] = 1;
        funnel
    }

    /// In the order of [`Stage::ALL`].
    pub const fn counts(&self) -> &[i64; Stage::ALL.len()] {
        &self.0
    }

    pub const fn of(&self, stage: Stage) -> i64 {
        self.0[stage.place()]
    }

    /// The same, to be taken away.
    #[must_use]
    pub fn less(mut self) -> Self {
        self.0.iter_mut().for_each(|count| *count = -*count);
        self
    }

    /// Of those begun, how many were approved; `None`: none was begun.
    pub fn conversion(&self) -> Option<f64> {
        self.share(Stage::Approved, Stage::Created)
    }

    /// Of those whose code was sent, how many got it as far as Meta knows; `None`: none was sent.
    pub fn delivery(&self) -> Option<f64> {
        self.share(Stage::Delivered, Stage::Sent)
    }

    /// Four places behind the point.
    fn share(&self, part: Stage, whole: Stage) -> Option<f64> {
        let whole = u32::try_from(self.of(whole)).ok().filter(|whole| *whole > 0)?;
        let part = u32::try_from(self.of(part)).unwrap_or(0);
        Some((f64::from(part) / f64::from(whole) * 10_000.0).round() / 10_000.0)
    }
}

impl AddAssign for Funnel {
    fn add_assign(&mut self, other: Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count = count.saturating_add(more);
        }
    }
}

/// What counts are put together by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FunnelBy {
    Country,
    Channel,
    Template,
    Hour,
}

impl FunnelBy {
    pub const ALL: [Self; 4] = [Self::Country, Self::Channel, Self::Template, Self::Hour];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Country => "country",
            Self::Channel => "channel",
            Self::Template => "template",
            Self::Hour => "hour",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_counted_apart() {
        for (place, stage) in Stage::ALL.into_iter().enumerate() {
            assert_eq!(stage.place(), place);
            let funnel = Funnel::one(stage);
            assert_eq!((funnel.of(stage), funnel.counts().iter().sum::<i64>()), (1, 1));
        }
        for by in FunnelBy::ALL {
            assert_eq!(FunnelBy::parse(by.as_str()), Some(by));
        }
    }

    #[test]
    fn shares_are_of_something() {
        let mut funnel = Funnel::default();
        assert_eq!((funnel.conversion(), funnel.delivery()), (None, None));
        for stage in [Stage::Created, Stage::Created, Stage::Created, Stage::Approved, Stage::Sent] {
            funnel += Funnel::one(stage);
        }
        assert_eq!((funnel.conversion(), funnel.delivery()), (Some(0.3333), Some(0.0)));
        funnel += Funnel::one(Stage::Approved).less();
        assert_eq!(funnel.conversion(), Some(0.0));
    }
}
