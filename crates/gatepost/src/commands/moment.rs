//! Times on the command line: `2h` ago, or an instant.

use std::time::Duration;

use gatepost_core::Timestamp;

/// An instant, or a time before now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    At(Timestamp),
    Ago(Duration),
}

impl Moment {
    pub fn instant(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(span) => now.minus(span),
        }
    }

    /// Reads `90s`, `30m`, `2h`, `3d`, `1w`, or RFC 3339.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(at) = Timestamp::parse(text) {
            return Ok(Self::At(at));
        }
        let wrong = || {
            format!(
                "{text:?} is no time: give one before now (30m, 2h, 3d, 1w) or an instant (2026-11-01T09:30:00Z)"
            )
        };
        let span = span(text).map_err(|_| wrong())?;
        Ok(Self::Ago(Duration::from_secs(span)))
    }
}

/// Seconds of a span: `90s`, `30m`, `2h`, `3d`, `1w`, or `0`.
pub fn span(text: &str) -> Result<u64, String> {
    let wrong = || format!("expected a time such as 60s, 10m, 12h, 90d or 1w, not {text:?}");
    if text == "0" {
        return Ok(0);
    }
    let (digits, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err(wrong()),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    let count: u64 = digits.parse().map_err(|_| wrong())?;
    // A century is more than any log holds, and longer than any key lives.
    count.checked_mul(seconds).filter(|span| *span <= 100 * 366 * 86_400).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn times_are_read() {
        let ago = |text: &str| match Moment::parse(text).unwrap() {
            Moment::Ago(span) => span.as_secs(),
            Moment::At(_) => unreachable!("{text} is no instant"),
        };
        assert_eq!(["90s", "30m", "2h", "3d", "1w"].map(ago), [90, 1_800, 7_200, 259_200, 604_800]);
        let now = Timestamp::from_seconds(1_793_525_400);
        assert_eq!(Moment::parse("2h").unwrap().instant(now), Timestamp::from_seconds(1_793_518_200));
        assert_eq!(Moment::parse("2026-11-01T09:30:00Z").unwrap().instant(Timestamp::UNIX_EPOCH), now);
        assert_eq!((span("90d"), span("60s"), span("0")), (Ok(7_776_000), Ok(60), Ok(0)));
        for wrong in
            ["", "h", "2", "2y", "-2h", "+2h", "2 h", "1.5h", "99999999999999999999h", "9999999w", "é"]
        {
            assert!(Moment::parse(wrong).is_err() && span(wrong).is_err(), "{wrong}");
        }
    }
}
