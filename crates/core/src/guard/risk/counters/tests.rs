#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use proptest::prelude::*;

use super::hot::{Entry, TEXTS};
use super::*;
use crate::guard::risk::Acquaintance;

const NOW: Timestamp = Timestamp::from_seconds(1_793_525_400);

fn cold() -> Facts {
    Facts {
        acquaintance: Acquaintance::New,
        reviewed: false,
        quality: Quality::Green,
        channel_days: 100,
        test_channel: false,
        digest: Some(*b"the text"),
    }
}

fn after(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn counted(times: u32) -> Counters {
    let mut counters = Counters::new(NOW);
    for _ in 0..times {
        counters.sent(&cold(), &Features { shortened: 1, ..Features::default() }, NOW);
    }
    counters
}

#[test]
fn what_is_sent_counts_for_its_span() {
    let mut counters = counted(7);
    assert_eq!((counters.first_in_minute(), counters.first_in_hour(), counters.first_in_day()), (7, 7, 7));
    assert_eq!((counters.cold_in_hour(), counters.cold_in_day(), counters.shortened_in_hour()), (7, 7, 7));
    assert_eq!((counters.sent_in_day(), counters.identical(*b"the text")), (7, 7));
    counters.roll(after(49));
    assert_eq!(counters.first_in_minute(), 7);
    counters.roll(after(61));
    assert_eq!((counters.first_in_minute(), counters.first_in_hour()), (0, 7));
    counters.roll(after(55 * 60 - 1));
    assert_eq!(counters.first_in_hour(), 7);
    counters.roll(after(61 * 60));
    assert_eq!((counters.first_in_hour(), counters.shortened_in_hour(), counters.first_in_day()), (0, 0, 7));
    counters.roll(after(23 * 3600 - 1));
    assert_eq!(counters.cold_in_day(), 7);
    counters.roll(after(25 * 3600));
    assert_eq!(
        (counters.first_in_day(), counters.sent_in_day(), counters.identical(*b"the text")),
        (0, 0, 0)
    );
}

#[test]
fn answers_and_reviewed_words_are_not_what_is_counted() {
    let mut counters = Counters::new(NOW);
    let shortened = Features { shortened: 1, ..Features::default() };
    for facts in [
        Facts { acquaintance: Acquaintance::Open, ..cold() },
        Facts { acquaintance: Acquaintance::Known, reviewed: true, ..cold() },
    ] {
        counters.sent(&facts, &shortened, NOW);
    }
    assert_eq!(counters.sent_in_day(), 2);
    assert_eq!(
        (counters.first_in_day(), counters.shortened_in_hour(), counters.identical(*b"the text")),
        (0, 0, 0)
    );
    counters.sent(&Facts { reviewed: true, ..cold() }, &shortened, NOW);
    assert_eq!((counters.first_in_day(), counters.cold_in_day()), (1, 0));
}

#[test]
fn refusals_are_told_apart() {
    let mut counters = Counters::new(NOW);
    for code in [131_026, 131_048, 368, 131_049, 131_050, 130_429, 131_056, 2, 132_001] {
        counters.failed(code, NOW);
    }
    assert_eq!(counters.undeliverable_in_day(), 1);
    assert_eq!(counters.restricted_in_day(), 2);
    assert_eq!(counters.unwanted_in_day(), 2);
    assert_eq!(counters.failed_in_day(), 6, "a pace that was too high says nothing");
}

#[test]
fn a_rating_falls_once() {
    let mut counters = Counters::new(NOW);
    counters.rated(Quality::Yellow, NOW);
    assert_eq!(counters.quality(), (Quality::Yellow, false), "the first one that is known is no fall");
    counters.rated(Quality::Green, after(10));
    counters.rated(Quality::Unknown, after(20));
    assert_eq!(counters.quality(), (Quality::Green, false));
    counters.rated(Quality::Red, after(30));
    assert_eq!(counters.quality(), (Quality::Red, true));
    counters.rated(Quality::Red, after(25 * 3600));
    assert_eq!(counters.quality(), (Quality::Red, false));
}

#[test]
fn a_clock_that_is_set_back_forgets_nothing() {
    let mut counters = counted(3);
    counters.roll(NOW.minus(Duration::from_mins(30)));
    assert_eq!(counters.at, super::slot(NOW), "another node's clock");
    let year = Duration::from_hours(365 * 24);
    counters.roll(NOW.minus(year));
    assert_eq!((counters.first_in_day(), counters.identical(*b"the text")), (3, 3));
    counters.roll(NOW.minus(year).plus(Duration::from_hours(25)));
    assert_eq!((counters.first_in_day(), counters.identical(*b"the text")), (0, 0));
}

#[test]
fn hot_texts_stay_amid_ever_new_ones() {
    let mut counters = Counters::new(NOW);
    for n in 0..10_000_u64 {
        let digest = if n % 10 == 0 { *b"the text" } else { n.to_be_bytes() };
        counters.sent(&Facts { digest: Some(digest), ..cold() }, &Features::default(), NOW);
    }
    assert_eq!(counters.hot.entries.len(), TEXTS);
    assert!(counters.identical(*b"the text") > 900, "{}", counters.identical(*b"the text"));
    assert!(
        (9_950..10_000_u64).all(|n| counters.identical(n.to_be_bytes()) <= 1),
        "one that came once is not hot"
    );
    assert!(counters.encode().len() <= ENCODED_MAX);
}

/// As full as a row can be.
fn greatest() -> Counters {
    let mut counters = Counters {
        at: super::code::LATEST,
        first_minute: Ring([u32::MAX; 6]),
        first_hour: Ring([u32::MAX; 12]),
        cold_hour: Ring([u32::MAX; 12]),
        shortened_hour: Ring([u32::MAX; 12]),
        sent_day: Ring([u32::MAX; 24]),
        first_day: Ring([u32::MAX; 24]),
        cold_day: Ring([u32::MAX; 24]),
        undeliverable_day: Ring([u32::MAX; 24]),
        restricted_day: Ring([u32::MAX; 24]),
        unwanted_day: Ring([u32::MAX; 24]),
        failed_day: Ring([u32::MAX; 24]),
        quality: Quality::Red,
        quality_fell: u32::MAX,
        ..Counters::default()
    };
    counters.hot.hour = u32::MAX;
    counters.hot.entries = (0..TEXTS as u64)
        .map(|n| Entry { digest: n.to_be_bytes(), count: u32::MAX, inherited: u32::MAX - 1 })
        .collect();
    counters
}

#[test]
fn a_row_is_bounded_and_counts_do_not_overflow() {
    let mut counters = greatest();
    let bytes = counters.encode();
    assert!(bytes.len() <= ENCODED_MAX, "{}", bytes.len());
    assert_eq!(Counters::decode(&bytes), Ok(counters.clone()));
    counters.sent_day.add();
    assert_eq!((counters.sent_in_day(), counters.identical(7_u64.to_be_bytes())), (u32::MAX, 1));
    let hour = counters.hot.hour;
    counters.hot.add(*b"the text", hour);
    assert_eq!(counters.identical(*b"the text"), 1);
    assert_eq!(Counters::decode(&counters.encode()), Ok(counters));
}

#[test]
fn what_is_damaged_does_not_decode() {
    let whole = counted(300).encode();
    assert_eq!(Counters::decode(&[]), Err(Damaged::Short));
    assert_eq!(Counters::decode(&[9, 1, 2]), Err(Damaged::Version(9)));
    for cut in 1..whole.len() {
        assert!(Counters::decode(&whole[..cut]).is_err(), "{cut}");
    }
    assert_eq!(Counters::decode(&[&whole[..], &[0]].concat()), Err(Damaged::Long));
    assert_eq!(Counters::decode(&[&[1][..], &[0xff; 12]].concat()), Err(Damaged::Number));
}

#[derive(Debug, Clone)]
enum Step {
    Sent(Facts, u32),
    Failed(i64),
    Pass(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let acquaintance = prop::sample::select(vec![Acquaintance::New, Acquaintance::Known, Acquaintance::Open]);
    let facts =
        (acquaintance, any::<bool>(), prop::sample::select(Quality::ALL.to_vec()), any::<Option<u8>>())
            .prop_map(|(acquaintance, reviewed, quality, digest)| Facts {
                acquaintance,
                reviewed,
                quality,
                digest: digest.map(|digest| [digest; 8]),
                ..cold()
            });
    prop_oneof![
        (facts, 0_u32..2).prop_map(|(facts, shortened)| Step::Sent(facts, shortened)),
        prop::sample::select(vec![131_026, 131_048, 131_049, 130_429, 100]).prop_map(Step::Failed),
        (-100_000_i64..100_000).prop_map(Step::Pass),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_it_reads_back_the_same(steps in prop::collection::vec(step(), 0..200)) {
        let mut now = NOW;
        let mut counters = Counters::new(now);
        for step in steps {
            match step {
                Step::Sent(facts, shortened) => {
                    counters.sent(&facts, &Features { shortened, ..Features::default() }, now);
                }
                Step::Failed(code) => counters.failed(code, now),
                Step::Pass(seconds) => now = Timestamp::from_micros(now.micros() + seconds * 1_000_000),
            }
            let bytes = counters.encode();
            prop_assert!(bytes.len() <= ENCODED_MAX);
            prop_assert_eq!(Counters::decode(&bytes).unwrap(), counters.clone());
            prop_assert!(counters.first_in_minute() <= counters.first_in_hour());
            prop_assert!(counters.cold_in_day() <= counters.first_in_day());
            prop_assert!(counters.first_in_day() <= counters.sent_in_day());
        }
    }

    #[test]
    fn rolling_at_once_or_in_steps_is_the_same(jumps in prop::collection::vec(0_u64..40_000, 1..6), sent in 1_u32..50) {
        let mut slow = counted(sent);
        let mut now = NOW;
        for jump in jumps {
            now = now.plus(Duration::from_secs(jump));
            slow.roll(now);
        }
        let mut fast = counted(sent);
        fast.roll(now);
        prop_assert_eq!(slow, fast);
    }
}
