//! Days and months of a time zone.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::time::Timestamp;

/// A time zone of the IANA database, which is compiled in: no machine's own copy decides when a day ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone(TimeZone);

impl Zone {
    pub const UTC: Self = Self(TimeZone::UTC);

    /// Reads an IANA name such as `Europe/Berlin`, in any case.
    ///
    /// Errors: a sentence that says what is taken.
    pub fn parse(name: &str) -> Result<Self, String> {
        let fits = (1..=60).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-' | b'+'));
        let zone = fits.then(|| TimeZone::get(name).ok()).flatten();
        zone.map(Self)
            .ok_or_else(|| format!("expected a time zone such as Europe/Berlin or UTC, not {name:?}"))
    }

    /// Its name as the database spells it.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    fn date(&self, at: Timestamp) -> Date {
        match jiff::Timestamp::from_microsecond(at.micros()) {
            Ok(instant) => instant.to_zoned(self.0.clone()).date(),
            Err(_) => Date::MIN,
        }
    }

    /// The day that `at` falls on here.
    pub fn day(&self, at: Timestamp) -> Day {
        Day::of(self.date(at))
    }

    /// Minutes since midnight by the clock on the wall.
    pub fn minute_of_day(&self, at: Timestamp) -> u16 {
        match jiff::Timestamp::from_microsecond(at.micros()) {
            Ok(instant) => {
                let time = instant.to_zoned(self.0.clone()).time();
                u16::try_from(i32::from(time.hour()) * 60 + i32::from(time.minute())).unwrap_or(0)
            }
            Err(_) => 0,
        }
    }

    /// When the clock on the wall shows a minute of a day: the first moment after it where the clock skips that minute.
    pub fn at_minute(&self, day: Day, minute: u16) -> Timestamp {
        let (hour, minutes) =
            (i8::try_from(minute / 60).unwrap_or(0), i8::try_from(minute % 60).unwrap_or(0));
        let shown = day.date().at(hour, minutes, 0, 0).to_zoned(self.0.clone());
        shown.map_or_else(|_| self.begin(day), |z| Timestamp::from_micros(z.timestamp().as_microsecond()))
    }

    /// When a day begins here: its midnight, or the first moment after it where the clock skips midnight.
    pub fn begin(&self, day: Day) -> Timestamp {
        let begun = day.date().to_zoned(self.0.clone());
        begun.map_or(Timestamp::from_seconds(day.0.saturating_mul(86_400)), |z| {
            Timestamp::from_micros(z.timestamp().as_microsecond())
        })
    }
}

/// A day of the calendar, counted from 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i64);

impl Day {
    fn of(date: Date) -> Self {
        let since = date.since(jiff::civil::date(1970, 1, 1));
        Self(since.map_or(0, |span| i64::from(span.get_days())))
    }

    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// Days since 1970-01-01, as stored.
    pub const fn number(self) -> i64 {
        self.0
    }

    fn date(self) -> Date {
        let days = jiff::Span::new().try_days(self.0);
        days.and_then(|days| jiff::civil::date(1970, 1, 1).checked_add(days)).unwrap_or(Date::MIN)
    }

    /// The month it is of.
    pub fn month(self) -> Month {
        let date = self.date();
        Month(i64::from(date.year()) * 12 + i64::from(date.month()) - 1)
    }

    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// 1 to 31.
    pub fn of_month(self) -> u8 {
        u8::try_from(self.date().day()).unwrap_or(1)
    }
}

impl fmt::Display for Day {
    /// `2026-11-21`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.date())
    }
}

/// A month of the calendar: the year times twelve, and how many months of it had gone by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(i64);

impl Month {
    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// As stored.
    pub const fn number(self) -> i64 {
        self.0
    }

    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Its first day.
    pub fn first(self) -> Day {
        let year = i16::try_from(self.0.div_euclid(12)).unwrap_or(1970);
        let month = i8::try_from(self.0.rem_euclid(12) + 1).unwrap_or(1);
        Day::of(Date::new(year, month, 1).unwrap_or(Date::MIN))
    }

    /// How many days it has.
    pub fn days(self) -> i64 {
        self.next().first().number() - self.first().number()
    }
}

impl fmt::Display for Month {
    /// `2026-11`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.div_euclid(12), self.0.rem_euclid(12) + 1)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_day_ends_at_the_zones_midnight() {
        let berlin = Zone::parse("europe/berlin").unwrap();
        assert_eq!(berlin.name(), "Europe/Berlin");
        assert_eq!(berlin.day(at("2026-11-20T22:59:59Z")).to_string(), "2026-11-20");
        assert_eq!(berlin.day(at("2026-11-20T23:00:00Z")).to_string(), "2026-11-21");
        let day = berlin.day(at("2026-11-21T12:00:00Z"));
        assert_eq!(berlin.begin(day.next()), at("2026-11-21T23:00:00Z"));
        assert_eq!(berlin.minute_of_day(at("2026-11-21T12:34:00Z")), 13 * 60 + 34);
        assert_eq!(day.month().to_string(), "2026-11");
        assert_eq!((day.of_month(), day.month().days()), (21, 30));
        assert_eq!(day.month().next().next().to_string(), "2027-01");
        assert!(Zone::parse("Mars/Olympus").is_err() && Zone::parse("../etc/passwd").is_err());
    }

    /// A clock that skips midnight does not lose the day: Beirut, 2026-03-29.
    #[test]
    fn a_day_without_midnight_begins_later() {
        let beirut = Zone::parse("Asia/Beirut").unwrap();
        let day = beirut.day(at("2026-03-29T10:00:00Z"));
        let begun = beirut.begin(day);
        assert_eq!(beirut.day(begun), day);
        assert_ne!(beirut.day(begun.minus(std::time::Duration::from_micros(1))), day);
    }

    proptest! {
        #[test]
        fn days_and_months_fit_together(seconds in 0_i64..4_000_000_000) {
            for name in ["UTC", "America/New_York", "Pacific/Apia", "Asia/Kathmandu"] {
                let zone = Zone::parse(name).unwrap();
                let now = Timestamp::from_seconds(seconds);
                let day = zone.day(now);
                prop_assert!(zone.begin(day) <= now && now < zone.begin(day.next()) || name == "Pacific/Apia");
                prop_assert!(day.month().first() <= day && day < day.month().next().first());
                prop_assert_eq!(day.month().first().of_month(), 1);
            }
        }
    }
}
