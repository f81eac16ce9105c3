//! What each of Meta's error codes asks of us, and what it says to the customer.
//!
//! The table ([`table`]) follows Meta's "Error codes" page; where Meta gives no advice the class is our own
//! judgement. Meta says that titles, subcodes and HTTP statuses change, so only the code decides; the HTTP status is
//! looked at for codes that are not in the table, and for code 1, which stands for faults on either side.

mod table;

use std::time::Duration;

use table::TABLE;

/// What to do with a request that Meta refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Try again soon, with growing pauses: Meta is unwell, or an app or account limit is reached.
    RetryBackoff,
    /// As [`Class::RetryBackoff`], but the whole number goes too fast and must slow down.
    RetrySlowNumber,
    /// Only this pair of sender and recipient goes too fast: wait 4^n seconds, let others pass.
    RetryPair,
    /// Never sooner than so many seconds; sooner makes it worse.
    RetryLate(u32),
    /// The channel's token is no good: nothing goes until it has a new one.
    RenewToken,
    /// The request or a setting is wrong: sending the same again cannot help.
    FixRequest,
    /// Meta restricted the account or the number: nothing goes until that is settled.
    Park,
    /// This message will never go.
    Never,
}

/// [`Class`] as customers see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CustomerClass {
    /// Gatepost tries again by itself.
    Retrying,
    /// Somebody has to change something first.
    NeedsAction,
    /// Over; nothing to be done about this message.
    Failed,
}

impl Class {
    pub const fn customer(self) -> CustomerClass {
        match self {
            Self::RetryBackoff | Self::RetrySlowNumber | Self::RetryPair | Self::RetryLate(_) => {
                CustomerClass::Retrying
            }
            Self::RenewToken | Self::FixRequest | Self::Park => CustomerClass::NeedsAction,
            Self::Never => CustomerClass::Failed,
        }
    }

    /// Whether trying the same again later can succeed without anybody doing anything.
    pub const fn retries(self) -> bool {
        matches!(self.customer(), CustomerClass::Retrying)
    }

    /// Whether the whole channel is concerned, not just this message.
    pub const fn concerns_channel(self) -> bool {
        matches!(self, Self::RenewToken | Self::Park)
    }

    /// How long to wait before try number `attempt + 1`, before any jitter; `None` when it is not tried again.
    ///
    /// `attempt` counts the tries made so far, from 1. Backing off doubles from one second to a quarter of an hour;
    /// a pair waits 4^n seconds (Meta's advice for 131056), an hour at most.
    pub fn pause(self, attempt: u32) -> Option<Duration> {
        let tries = attempt.saturating_sub(1);
        let seconds = match self {
            Self::RetryBackoff | Self::RetrySlowNumber => {
                1_u64.checked_shl(tries.min(10)).unwrap_or(900).min(900)
            }
            Self::RetryPair => 4_u64.saturating_pow(attempt.clamp(1, 6)).min(3600),
            Self::RetryLate(least) => u64::from(least).saturating_mul(u64::from(attempt.clamp(1, 7))),
            Self::RenewToken | Self::FixRequest | Self::Park | Self::Never => return None,
        };
        Some(Duration::from_secs(seconds))
    }
}

impl CustomerClass {
    /// The word in answers and events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retrying => "retrying",
            Self::NeedsAction => "needs_action",
            Self::Failed => "failed",
        }
    }
}

/// A line of the table, or the rule for codes that it does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    pub class: Class,
    /// What it means, in a few words.
    pub meaning: &'static str,
    /// A sentence that says what to do.
    pub action: &'static str,
}

/// What to do about `code`. `http` is the status of the answer, or `None` for an error out of a callback.
pub fn advice(code: i64, http: Option<u16>) -> Advice {
    let troubled = http.is_some_and(|s| s >= 500 || s == 408 || s == 429);
    if code == 1 && troubled {
        return Advice {
            class: Class::RetryBackoff,
            meaning: "server fault",
            action: "Nothing: Gatepost tries again by itself.",
        };
    }
    if let Some(row) = row(code) {
        return Advice { class: row.class, meaning: row.meaning, action: row.action };
    }
    if troubled {
        Advice {
            class: Class::RetryBackoff,
            meaning: "Meta could not take the request",
            action: "Nothing: Gatepost tries again by itself.",
        }
    } else {
        Advice {
            class: Class::FixRequest,
            meaning: "an error that Gatepost does not know",
            action: "Look the code up on Meta's error page, correct the request and send it again.",
        }
    }
}

fn row(code: i64) -> Option<&'static table::Row> {
    let after = TABLE.partition_point(|row| row.first <= code);
    TABLE.get(after.checked_sub(1)?).filter(|row| code <= row.last)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_table_is_sorted_and_disjoint() {
        for pair in TABLE.windows(2) {
            assert!(pair[0].first <= pair[0].last && pair[0].last < pair[1].first, "{}", pair[1].first);
        }
        for row in TABLE {
            assert!(row.action.ends_with('.') && !row.meaning.is_empty(), "{}", row.first);
            assert_eq!(advice(row.last, None).meaning, row.meaning);
        }
    }

    #[test]
    fn what_each_asks() {
        let class = |code| advice(code, Some(400)).class;
        assert_eq!(class(190), Class::RenewToken);
        assert_eq!(class(130_429), Class::RetrySlowNumber);
        assert_eq!(class(131_056), Class::RetryPair);
        assert_eq!(class(131_026), Class::Never);
        assert_eq!(class(131_047), Class::Never);
        assert_eq!(class(131_049), Class::RetryLate(86_400));
        assert_eq!(class(131_042), Class::Park);
        assert_eq!(class(368), Class::Park);
        assert_eq!(class(132_001), Class::FixRequest);
        assert_eq!(class(250), Class::FixRequest);
        assert_eq!(class(131_208), Class::RetryBackoff);
        assert_eq!(class(131_209), Class::FixRequest);
    }

    #[test]
    fn code_one_and_unknown_codes_go_by_status() {
        assert_eq!(advice(1, Some(500)).class, Class::RetryBackoff);
        assert_eq!(advice(1, Some(400)).class, Class::FixRequest);
        for (http, class) in [
            (Some(400), Class::FixRequest),
            (Some(408), Class::RetryBackoff),
            (Some(429), Class::RetryBackoff),
            (Some(503), Class::RetryBackoff),
            (None, Class::FixRequest),
        ] {
            assert_eq!(advice(999_999_999, http).class, class, "{http:?}");
        }
    }

    #[test]
    fn pauses() {
        let seconds = |class: Class, n| class.pause(n).map(|p| p.as_secs());
        assert_eq!([1, 2, 3, 11, 99].map(|n| seconds(Class::RetryBackoff, n).unwrap()), [1, 2, 4, 900, 900]);
        assert_eq!([1, 2, 3, 99].map(|n| seconds(Class::RetryPair, n).unwrap()), [4, 16, 64, 3600]);
        assert_eq!([1, 2].map(|n| seconds(Class::RetryLate(86_400), n).unwrap()), [86_400, 172_800]);
        assert_eq!(seconds(Class::Never, 1), None);
    }

    proptest! {
        #[test]
        fn every_code_has_an_advice(code: i64, http: Option<u16>, attempt: u32) {
            let advice = advice(code, http);
            prop_assert!(!advice.action.is_empty());
            prop_assert_eq!(advice.class.pause(attempt).is_some(), advice.class.retries());
        }
    }
}
