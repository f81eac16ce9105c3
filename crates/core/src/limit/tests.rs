//! Whatever comes, no span holds more than its window allows, and a wait that was told is long enough.
#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

fn windows(texts: &[&str]) -> Vec<Window> {
    texts.iter().map(|text| Window::parse(text).unwrap()).collect()
}

fn ask(log: &mut SlidingLog, windows: &[Window], micros: i64) -> Result<(), Full> {
    let now = Timestamp::from_micros(micros);
    log.look(windows, now).inspect(|()| log.record(windows, now))
}

fn seconds(wait: Duration) -> i64 {
    i64::try_from(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).unwrap()
}

#[test]
fn windows_as_they_are_written() {
    for text in ["3/s", "20/10s", "100/min", "120/min", "5000/h", "7/5min", "10000/24h", "1/90s"] {
        assert_eq!(Window::parse(text).unwrap().to_string(), text);
    }
    assert_eq!(Window::parse("60/60s").unwrap().to_string(), "60/min");
    for bad in [
        "",
        "3",
        "3/",
        "/s",
        "0/s",
        "3/0s",
        "-3/s",
        "+3/s",
        "03/s",
        "3/01s",
        "3/m",
        "3/d",
        "3 / s",
        "3/s ",
        "10001/s",
        "3/25h",
        "3/99999999999h",
        "99999999999/s",
        "3/1.5s",
        "3/s/s",
        "٣/s",
    ] {
        assert!(Window::parse(bad).is_err(), "{bad:?}");
    }
    assert!(Preset::new("fast", windows(&["3/s", "9/s"])).is_err(), "two of one span");
    assert!(Preset::new("Fast!", windows(&["3/s"])).is_err());
    assert!(Preset::new("five", windows(&["1/s", "1/2s", "1/3s", "1/4s", "1/5s"])).is_err());
}

/// The claim to the letter: the fourth call in one second is refused; a steady two a second pass the first window and
/// meet the second after twenty.
#[test]
fn three_windows_at_once() {
    let preset = Preset::interactive();
    let mut log = SlidingLog::default();
    for call in 0..3 {
        assert_eq!(ask(&mut log, preset.windows(), call * 1_000), Ok(()));
    }
    let full = ask(&mut log, preset.windows(), 3_000).unwrap_err();
    assert_eq!((full.window.to_string(), full.wait), ("3/s".into(), Duration::from_millis(997)));
    let mut log = SlidingLog::default();
    let heard: Vec<bool> =
        (0..40).map(|call| ask(&mut log, preset.windows(), call * 450_000).is_ok()).collect();
    assert_eq!(heard.iter().position(|ok| !ok), Some(20), "{heard:?}");
    // Exactly at the end of the span there is room again, and not a microsecond before.
    let one = windows(&["1/s"]);
    let mut log = SlidingLog::default();
    assert!(ask(&mut log, &one, 0).is_ok() && ask(&mut log, &one, 999_999).is_err());
    assert!(ask(&mut log, &one, 1_000_000).is_ok());
}

#[test]
fn what_is_left_is_told() {
    let both = windows(&["3/s", "5/10s"]);
    let mut log = SlidingLog::default();
    ask(&mut log, &both, 0).unwrap();
    ask(&mut log, &both, 400_000).unwrap();
    let at = Timestamp::from_micros(500_000);
    let told: Vec<(u32, Duration)> =
        log.states(&both, at).into_iter().map(|s| (s.remaining, s.reset)).collect();
    assert_eq!(told, [(1, Duration::from_millis(500)), (3, Duration::from_millis(9_500))]);
    let later = Timestamp::from_micros(20_000_000);
    assert_eq!(log.states(&both, later)[1].remaining, 5);
    assert!(log.is_idle(Duration::from_secs(10), later) && !log.is_idle(Duration::from_secs(10), at));
}

#[test]
fn a_clock_that_is_set_back_frees_nobody_and_locks_nobody_out() {
    let one = windows(&["2/10s"]);
    let mut log = SlidingLog::default();
    let noon = 1_000_000_000_000;
    ask(&mut log, &one, noon).unwrap();
    ask(&mut log, &one, noon + 1).unwrap();
    // An hour back: the wait is one window, not an hour and one window.
    let back = noon - 3_600_000_000;
    let full = ask(&mut log, &one, back).unwrap_err();
    assert_eq!(seconds(full.wait), 10);
    assert!(ask(&mut log, &one, back + 9_000_000).is_err());
    assert!(ask(&mut log, &one, back + 10_000_000).is_ok());
}

proptest! {
    /// Any arrivals, any windows, a clock that is read out of order and set back: in true time no span holds too many.
    #[test]
    fn no_span_holds_more_than_its_limit(
        limits in prop::collection::vec((1_u32..6, 1_u64..8), 1..4),
        arrivals in prop::collection::vec((0_i64..900_000, prop::option::weighted(0.05, 0_i64..30_000_000)), 1..200),
    ) {
        let windows: Vec<Window> =
            limits.into_iter().map(|(limit, s)| Window { limit, span: Duration::from_secs(s) }).collect();
        let (mut log, mut truth, mut set_back) = (SlidingLog::default(), 0_i64, 0_i64);
        let mut accepted: Vec<i64> = Vec::new();
        for (gap, back) in arrivals {
            truth += gap;
            set_back += back.unwrap_or(0);
            if ask(&mut log, &windows, 1_000_000_000 + truth - set_back).is_ok() {
                accepted.push(truth);
            }
        }
        for window in &windows {
            for pair in accepted.windows(window.limit as usize + 1) {
                prop_assert!(pair[pair.len() - 1] - pair[0] >= window.micros(), "{window}: {pair:?}");
            }
        }
    }

    /// Nothing is refused that would have fitted: a refusal is proved by the accepted ones in some window.
    #[test]
    fn nothing_is_refused_that_fits(
        limits in prop::collection::vec((1_u32..6, 1_u64..8), 1..4),
        gaps in prop::collection::vec(0_i64..900_000, 1..200),
    ) {
        let windows: Vec<Window> =
            limits.into_iter().map(|(limit, s)| Window { limit, span: Duration::from_secs(s) }).collect();
        let (mut log, mut now) = (SlidingLog::default(), 0_i64);
        let mut accepted: Vec<i64> = Vec::new();
        for gap in gaps {
            now += gap;
            let full = windows.iter().any(|w| {
                accepted.iter().filter(|t| **t > now - w.micros()).count() >= w.limit as usize
            });
            let states = log.states(&windows, Timestamp::from_micros(now));
            prop_assert_eq!(states.iter().any(|s| s.remaining == 0), full);
            prop_assert_eq!(ask(&mut log, &windows, now).is_err(), full);
            if !full {
                accepted.push(now);
            }
        }
    }

    /// Who waits as long as was told, in whole seconds, is accepted.
    #[test]
    fn a_wait_that_was_told_is_long_enough(
        limits in prop::collection::vec((1_u32..6, 1_u64..8), 1..4),
        gaps in prop::collection::vec(0_i64..300_000, 1..200),
        back in 0_i64..2_000_000,
    ) {
        let windows: Vec<Window> =
            limits.into_iter().map(|(limit, s)| Window { limit, span: Duration::from_secs(s) }).collect();
        let (mut log, mut now) = (SlidingLog::default(), 1_000_000_000_i64);
        for (turn, gap) in gaps.into_iter().enumerate() {
            now += gap;
            if turn == 50 {
                now -= back;
            }
            if let Err(full) = ask(&mut log, &windows, now) {
                now += seconds(full.wait) * 1_000_000;
                prop_assert_eq!(ask(&mut log, &windows, now), Ok(()));
            }
        }
    }
}
