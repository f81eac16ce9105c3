//! What a workspace sets for itself.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::calendar::Zone;
use super::history::SENDS_KEPT;
use crate::Purpose;
use crate::time::Timestamp;

/// Longest reply to an opt-out or opt-in.
const REPLY_MAX: usize = 1_000;
/// Longest span of a cap.
const CAP_HOURS_MAX: u16 = 24 * 30;
const MINUTES_A_DAY: u16 = 24 * 60;

/// What a workspace sets for itself. The default changes nothing about what is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GuardSettings {
    /// What a person gets who opts out; `None`: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opt_out_reply: Option<String>,
    /// What a person gets who opts in again; `None`: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opt_in_reply: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub frequency_caps: Vec<FrequencyCap>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHours>,
    /// Free-form messages outside Meta's 24-hour window are left to Meta to refuse.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub leave_window_to_meta: bool,
}

/// At most so many messages to one person from one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrequencyCap {
    /// `None`: of all purposes but `authentication` together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    pub messages: u8,
    pub hours: u16,
}

/// Hours of the person's day in which messages wait until they are over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// `22:00`.
    pub from: String,
    /// `07:00`; before `from` it is on the next day.
    pub to: String,
    /// Whose messages wait; `authentication` never does.
    pub purposes: BTreeSet<Purpose>,
}

fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| {
        (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit()))
            .then(|| text.parse::<u16>().ok())
            .flatten()
    };
    let (hours, minutes) = number(hours).zip(number(minutes))?;
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

impl QuietHours {
    /// How many minutes of them are left at a minute of the day; 0 outside.
    pub fn left(&self, minute_of_day: u16) -> u16 {
        let Some((from, to)) = minute(&self.from).zip(minute(&self.to)) else { return 0 };
        let length = (to + MINUTES_A_DAY - from) % MINUTES_A_DAY;
        let since = (minute_of_day + MINUTES_A_DAY - from) % MINUTES_A_DAY;
        length.saturating_sub(since)
    }
}

impl QuietHours {
    /// When they are over for somebody who lives in one of these zones, counted as quiet while it is quiet in any of them;
    /// `None`: it is not quiet. Where it is always quiet in one of them, the first zone decides alone.
    pub fn until(&self, zones: &[Zone], now: Timestamp) -> Option<Timestamp> {
        let wait = |zones: &[Zone], at: Timestamp| {
            let to = minute(&self.to)?;
            let ends = |zone: &Zone| {
                let (day, shown) = (zone.day(at), zone.minute_of_day(at));
                // By the clock on the wall, so that a night in which it is changed is as long as it is.
                let end = zone.at_minute(if shown < to { day } else { day.next() }, to);
                // Where a clock that is set back shows the end a second time, a minute is waited for it.
                let end = if end > at { end } else { at.plus(Duration::from_mins(1)) };
                (self.left(shown) > 0).then_some(end)
            };
            zones.iter().filter_map(ends).max()
        };
        for zones in [zones, zones.get(..1).unwrap_or_default()] {
            let mut until = None;
            let mut at = now;
            while let Some(later) = wait(zones, at) {
                (until, at) = (Some(later), later);
                if at.since(now) > Duration::from_hours(26) {
                    break;
                }
            }
            if at.since(now) <= Duration::from_hours(26) {
                return until;
            }
        }
        None
    }
}

impl GuardSettings {
    /// Checks what no shape can say.
    ///
    /// Errors: the member as a JSON pointer, and a sentence that says what it takes.
    pub fn check(&self) -> Result<(), (String, String)> {
        for (name, reply) in [("opt_out_reply", &self.opt_out_reply), ("opt_in_reply", &self.opt_in_reply)] {
            if let Some(reply) = reply {
                let fits = (1..=REPLY_MAX).contains(&reply.chars().count())
                    && !reply.trim().is_empty()
                    && !reply.chars().any(|c| c.is_control() && c != '\n');
                if !fits {
                    return Err((
                        format!("/{name}"),
                        format!("expected a text of 1 to {REPLY_MAX} characters"),
                    ));
                }
            }
        }
        if self.frequency_caps.len() > 12 {
            return Err(("/frequency_caps".to_owned(), "at most 12 caps".to_owned()));
        }
        for (index, cap) in self.frequency_caps.iter().enumerate() {
            let at = |member: &str| format!("/frequency_caps/{index}/{member}");
            if !(1..=SENDS_KEPT).contains(&usize::from(cap.messages)) {
                return Err((at("messages"), format!("1 to {SENDS_KEPT}")));
            }
            if !(1..=CAP_HOURS_MAX).contains(&cap.hours) {
                return Err((at("hours"), format!("1 to {CAP_HOURS_MAX}")));
            }
            if cap.purpose == Some(Purpose::Authentication) {
                return Err((at("purpose"), "codes are not capped here".to_owned()));
            }
        }
        if let Some(quiet) = &self.quiet_hours {
            for (member, text) in [("from", &quiet.from), ("to", &quiet.to)] {
                if minute(text).is_none() {
                    return Err((format!("/quiet_hours/{member}"), "a time such as 22:00".to_owned()));
                }
            }
            if quiet.from == quiet.to {
                return Err(("/quiet_hours/to".to_owned(), "expected another time than from".to_owned()));
            }
            if quiet.purposes.contains(&Purpose::Authentication) {
                return Err(("/quiet_hours/purposes".to_owned(), "codes do not wait".to_owned()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn quiet_hours_go_over_midnight() {
        let quiet = |from: &str, to: &str| QuietHours {
            from: from.to_owned(),
            to: to.to_owned(),
            purposes: BTreeSet::new(),
        };
        let night = quiet("22:00", "07:00");
        let at = |hours: u16, minutes: u16| hours * 60 + minutes;
        assert_eq!(night.left(at(21, 59)), 0);
        assert_eq!(night.left(at(22, 0)), 9 * 60);
        assert_eq!(night.left(at(0, 30)), 6 * 60 + 30);
        assert_eq!(night.left(at(6, 59)), 1);
        assert_eq!(night.left(at(7, 0)), 0);
        let noon = quiet("12:00", "13:00");
        assert_eq!((noon.left(at(11, 59)), noon.left(at(12, 15)), noon.left(at(13, 0))), (0, 45, 0));
    }

    #[test]
    fn it_is_quiet_where_it_is_quiet_in_any_zone() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let zones = |names: &[&str]| names.iter().map(|name| Zone::parse(name).unwrap()).collect::<Vec<_>>();
        let quiet = |from: &str, to: &str| QuietHours {
            from: from.to_owned(),
            to: to.to_owned(),
            purposes: BTreeSet::new(),
        };
        let night = quiet("22:00", "07:00");
        let berlin = zones(&["Europe/Berlin"]);
        assert_eq!(night.until(&berlin, at("2026-11-21T20:59:59Z")), None);
        let morning = at("2026-11-22T06:00:00Z");
        assert_eq!(night.until(&berlin, at("2026-11-21T21:00:00Z")), Some(morning));
        assert_eq!(night.until(&berlin, at("2026-11-22T05:59:59.999Z")), Some(morning));
        assert_eq!(night.until(&berlin, morning), None);
        // The coasts of one country: quiet from the east's evening to the west's morning.
        let coasts = zones(&["America/New_York", "America/Los_Angeles"]);
        let west = at("2026-11-22T15:00:00Z");
        assert_eq!(night.until(&coasts, at("2026-11-22T03:30:00Z")), Some(west), "22:30 in the east");
        assert_eq!(
            night.until(&coasts, at("2026-11-22T13:00:00Z")),
            Some(west),
            "08:00 in the east, 05:00 in the west"
        );
        assert_eq!(night.until(&coasts, at("2026-11-22T20:00:00Z")), None);
        // The night in which the clock goes forward is an hour shorter.
        let spring = at("2026-03-29T05:00:00Z");
        assert_eq!(night.until(&berlin, at("2026-03-28T22:00:00Z")), Some(spring));
        // Where they never end in all of them together, they end in the first.
        let everywhere = zones(&["Europe/Berlin", "Asia/Tokyo", "America/Los_Angeles"]);
        let long = quiet("18:00", "09:00");
        assert_eq!(long.until(&everywhere, at("2026-11-21T20:00:00Z")), Some(at("2026-11-22T08:00:00Z")));
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let refused = |json: &str| {
            let settings: GuardSettings = serde_json::from_str(json).unwrap();
            settings.check().unwrap_err().0
        };
        assert_eq!(refused(r#"{"opt_out_reply":" "}"#), "/opt_out_reply");
        assert_eq!(refused(r#"{"frequency_caps":[{"messages":0,"hours":1}]}"#), "/frequency_caps/0/messages");
        assert_eq!(
            refused(r#"{"quiet_hours":{"from":"22","to":"07:00","purposes":[]}}"#),
            "/quiet_hours/from"
        );
        assert!(GuardSettings::default().check().is_ok());
    }
}
