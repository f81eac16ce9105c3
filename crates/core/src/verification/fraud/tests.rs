#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::packed::Damaged;
use crate::{Code, Phone, Timestamp};

const NOW: Timestamp = Timestamp::from_seconds(1_793_525_423);

fn after(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn held(subjects: &[Subject]) -> Vec<Held> {
    subjects.iter().map(|subject| Held { subject: *subject, record: Record::new(NOW) }).collect()
}

fn only(rules: impl FnOnce(&mut FraudRules)) -> FraudRules {
    let mut own = FraudRules::off();
    rules(&mut own);
    own
}

/// Blocks a range: so many verifications of which none was approved.
fn wasted(
    held: &mut [Held],
    rules: &FraudRules,
    times: u32,
    now: Timestamp,
) -> Option<(FraudRule, Timestamp)> {
    (0..times).flat_map(|_| ended(held, rules, End::NotApproved, now)).next()
}

#[test]
fn the_usual_rules_let_people_sign_in() {
    let (rules, mut all) = (FraudRules::default(), held(&Subject::ALL));
    for hour in 0..9 {
        let now = after(hour * 3_600);
        admit(&mut all, &rules, now).unwrap();
        assert!(ended(&mut all, &rules, End::Approved, now).is_empty());
        admit(&mut all, &rules, now).unwrap();
    }
}

#[test]
fn cool_downs_grow_up_to_a_cap_and_end_with_an_approval() {
    let rules = only(|rules| rules.cool_downs = FraudRules::default().cool_downs);
    let mut phone = held(&[Subject::Phone]);
    let mut now = NOW;
    for seconds in [30, 60, 120, 300, 600, 1_800, 3_600, 3_600, 3_600] {
        let next = admit(&mut phone, &rules, now).unwrap().next_at;
        assert_eq!(next.since(now), Duration::from_secs(seconds));
        let early = next.minus(Duration::from_micros(1));
        let refusal = admit(&mut phone, &rules, early).unwrap_err();
        assert_eq!((refusal.rule, refusal.wait), (FraudRule::PhoneCoolDown, Some(Duration::from_micros(1))));
        now = next;
    }
    ended(&mut phone, &rules, End::NotApproved, now);
    admit(&mut phone, &rules, now).unwrap();
    admit(&mut phone, &rules, now).unwrap_err();
    ended(&mut phone, &rules, End::Approved, now);
    let next = admit(&mut phone, &rules, now).unwrap().next_at;
    assert_eq!(next.since(now), Duration::from_secs(30), "from the beginning");
    // So does a day of quiet.
    for _ in 0..5 {
        now = now.plus(Duration::from_hours(2));
        admit(&mut phone, &rules, now).unwrap();
    }
    now = now.plus(Duration::from_hours(24));
    assert_eq!(admit(&mut phone, &rules, now).unwrap().next_at.since(now), Duration::from_secs(30));
}

#[test]
fn a_clock_that_is_set_back_shuts_nobody_out() {
    let rules = FraudRules::default();
    let mut all = held(&Subject::ALL);
    admit(&mut all, &rules, NOW).unwrap();
    wasted(&mut all, &rules, 500, NOW).unwrap();
    let year = Duration::from_hours(365 * 24);
    let mut phone = vec![all[1].clone()];
    assert_eq!(phone[0].subject, Subject::Phone);
    admit(&mut phone, &rules, NOW.minus(year)).unwrap();
    admit(&mut all, &rules, NOW.minus(year)).unwrap();
}

#[test]
fn each_subject_has_its_own_limit() {
    for (subject, rule) in [
        (Subject::Workspace, FraudRule::WorkspaceVelocity),
        (Subject::Phone, FraudRule::PhoneVelocity),
        (Subject::Address, FraudRule::AddressVelocity),
        (Subject::Range, FraudRule::RangeVelocity),
    ] {
        let rules = only(|rules| {
            let limits = match subject {
                Subject::Workspace => &mut rules.workspace,
                Subject::Phone => &mut rules.phone,
                Subject::Address => &mut rules.client_ip,
                _ => &mut rules.range,
            };
            *limits = Limits::of(2, 3);
        });
        let mut all = held(&Subject::ALL);
        admit(&mut all, &rules, NOW).unwrap();
        admit(&mut all, &rules, NOW).unwrap();
        let refusal = admit(&mut all, &rules, NOW).unwrap_err();
        assert_eq!((refusal.rule, refusal.limit), (rule, Some((2, "hour"))));
        let error = refusal.error(Some(Country::parse("DE").unwrap()));
        assert_eq!((error.code(), error.retry_after()), (Code::VerificationVelocity, refusal.wait));
        let later = NOW.plus(refusal.wait.unwrap());
        admit(&mut all, &rules, later).unwrap();
        let refusal = admit(&mut all, &rules, later).unwrap_err();
        assert_eq!(refusal.limit, Some((3, "day")));
    }
}

#[test]
fn ranges_that_do_not_convert_are_blocked_longer_each_time() {
    let rules = only(|rules| rules.pumping = Some(Pumping::default()));
    let mut range = held(&[Subject::Range]);
    assert_eq!(wasted(&mut range, &rules, 19, NOW), None, "too few to judge");
    let mut now = NOW;
    for (minutes, enough) in [(15, 1), (60, 5), (240, 5), (1_440, 5), (1_440, 5)] {
        assert_eq!(wasted(&mut range, &rules, enough - 1, now), None);
        let (rule, until) = wasted(&mut range, &rules, 1, now).unwrap();
        assert_eq!((rule, until.since(now)), (FraudRule::RangePumping, Duration::from_secs(minutes * 60)));
        let refusal = admit(&mut range, &rules, now).unwrap_err();
        assert_eq!(refusal.error(None).code(), Code::VerificationPumping);
        assert_eq!(wasted(&mut range, &rules, 50, now), None, "what was under way prolongs no block");
        now = until;
        admit(&mut range, &rules, now).unwrap();
    }
    // A week later all is forgotten.
    now = now.plus(Duration::from_hours(7 * 24));
    assert_eq!(wasted(&mut range, &rules, 19, now), None);
    assert_eq!(wasted(&mut range, &rules, 1, now).unwrap().1.since(now), Duration::from_mins(15));
}

#[test]
fn a_range_that_converts_again_begins_anew() {
    let rules = only(|rules| rules.pumping = Some(Pumping::default()));
    let mut range = held(&[Subject::Range]);
    let until = wasted(&mut range, &rules, 20, NOW).unwrap().1;
    for _ in 0..5 {
        ended(&mut range, &rules, End::Approved, until);
    }
    assert_eq!(wasted(&mut range, &rules, 30, until), None, "5 of 35 is more than a tenth");
    let (_, again) = wasted(&mut range, &rules, 20, until).unwrap();
    assert_eq!(again.since(until), Duration::from_mins(15), "the first block of a new row");
}

#[test]
fn many_ranges_of_one_region_are_seen_together() {
    let rules = FraudRules::default();
    let mut region = held(&[Subject::Region]);
    for n in 0..99 {
        let mut range = held(&[Subject::Range]);
        assert_eq!(wasted(&mut range, &rules, 1, NOW), None);
        assert_eq!(wasted(&mut region, &rules, 1, NOW), None, "{n}");
    }
    assert_eq!(wasted(&mut region, &rules, 1, NOW).unwrap().0, FraudRule::RegionPumping);
}

#[test]
fn countries_are_those_named_or_verified_before_and_not_shut_out() {
    let of = |text: &str| country_of(&Phone::parse(text).unwrap());
    let set = |names: &[&str]| names.iter().map(|n| Country::parse(n).unwrap()).collect::<BTreeSet<_>>();
    let fits = |number: &str, allowed: &[&str], blocked: &[&str], verified: bool| {
        country_fits(of(number), &set(allowed), &set(blocked), |_| verified)
    };
    let german = "+4915112345678";
    assert!(!fits(german, &[], &[], false) && !fits(german, &["US"], &[], false));
    assert!(fits(german, &["DE"], &[], false) && fits(german, &[], &[], true));
    assert!(!fits(german, &["DE"], &["DE"], true));
    assert!(!fits("+18005550123", &["US"], &[], true), "of no country");
}

#[test]
fn refusals_say_nothing_of_the_number() {
    for rule in FraudRule::ALL {
        assert_eq!(FraudRule::parse(rule.as_str()), Some(rule));
        let wait = (rule != FraudRule::Country).then_some(Duration::from_millis(1_500));
        let error = Refusal { rule, limit: None, wait }.error(None);
        assert!(error.code().is_policy(), "{rule}");
        assert_eq!(error.code().status() == 429, wait.is_some(), "{rule}");
        let details = error.details().unwrap();
        assert_eq!(details["rule"], rule.as_str());
        assert_eq!(details.get("retry_after").is_some(), wait.is_some());
        assert!(wait.is_none() || details["retry_after"] == 2, "rounded up");
    }
}

/// As full as a row can be.
fn greatest() -> Record {
    let latest = Timestamp::parse("9999-12-30T00:00:00Z").unwrap();
    let mut record = Record::new(latest);
    record.minutes.0 = [u32::MAX; 61];
    record.hours.0 = [u32::MAX; 25];
    (record.ended.0, record.approved.0) = (record.hours.0, record.hours.0);
    (record.cool_down.streak, record.cool_down.last) = (u32::MAX, latest);
    (record.blocks, record.blocked_until) = (u8::MAX, latest);
    record
}

#[test]
fn a_row_is_bounded_and_counts_do_not_overflow() {
    let mut record = greatest();
    let bytes = record.encode();
    assert!(bytes.len() <= RECORD_MAX, "{}", bytes.len());
    assert_eq!(Record::decode(&bytes), Ok(record.clone()));
    let now = Timestamp::parse("9999-12-30T00:00:00Z").unwrap();
    let rules = FraudRules::default();
    for subject in Subject::ALL {
        let mut one = [Held { subject, record: record.clone() }];
        admit(&mut one, &FraudRules::off(), now).unwrap();
        admit(&mut one, &rules, now).map(drop).unwrap_or_default();
        ended(&mut one, &rules, End::NotApproved, now);
    }
    record.sent(now);
    assert!(Record::new(NOW).encode().len() < 20);
}

#[test]
fn what_is_damaged_does_not_read() {
    let whole = greatest().encode();
    assert_eq!(Record::decode(&[]), Err(Damaged::Short));
    assert_eq!(Record::decode(&[9, 1, 2]), Err(Damaged::Version(9)));
    for cut in 1..whole.len() {
        assert!(Record::decode(&whole[..cut]).is_err(), "{cut}");
    }
    assert_eq!(Record::decode(&[&whole[..], &[0]].concat()), Err(Damaged::Long));
    // A bucket beyond the last, and one that is filled with nothing.
    assert_eq!(Record::decode(&[1, 0, 1, 61, 1]), Err(Damaged::Number));
    assert_eq!(Record::decode(&[1, 0, 1, 0, 0]), Err(Damaged::Number));
}

#[derive(Debug, Clone)]
enum Step {
    Admit,
    End(bool),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Admit),
        2 => any::<bool>().prop_map(Step::End),
        3 => (0_u64..5_000_000_000).prop_map(Step::Pass),
        1 => (0_u64..100_000_000_000).prop_map(Step::Pass),
    ]
}

fn limits() -> impl Strategy<Value = Limits> {
    (prop::option::of(1_u32..6), prop::option::of(1_u32..12))
        .prop_map(|(per_hour, per_day)| Limits { per_hour, per_day })
}

fn rules() -> impl Strategy<Value = FraudRules> {
    let steps = prop::collection::vec(1_u32..4_000, 0..5).prop_map(|mut steps| {
        steps.sort_unstable();
        steps
    });
    let pumping = prop::option::of((3_u32..8, 1_u8..100).prop_map(|(tries, percent)| Pumping {
        tries,
        percent,
        ..Pumping::default()
    }));
    (steps, limits(), limits(), limits(), limits(), pumping).prop_map(
        |(cool_downs, phone, client_ip, range, workspace, pumping)| FraudRules {
            cool_downs,
            phone,
            client_ip,
            range,
            workspace,
            pumping,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// However codes are asked for: no hour and no day holds more than its limit, wherever it begins; what is told to
    /// wait passes after that wait, and not a moment before; a row reads back as it was written.
    #[test]
    fn limits_hold_wherever_a_span_begins(steps in prop::collection::vec(step(), 1..120), rules in rules()) {
        let mut all = held(&Subject::ALL);
        let (mut now, mut sent) = (NOW, Vec::new());
        for step in steps {
            match step {
                Step::Pass(micros) => now = now.plus(Duration::from_micros(micros)),
                Step::End(approved) => {
                    let end = if approved { End::Approved } else { End::NotApproved };
                    ended(&mut all, &rules, end, now);
                }
                Step::Admit => match admit(&mut all, &rules, now) {
                    Ok(admitted) => {
                        prop_assert!(admitted.next_at >= now);
                        sent.push(now);
                    }
                    Err(refusal) => {
                        let wait = refusal.wait.unwrap();
                        prop_assert!(!wait.is_zero());
                        let then = now.plus(wait);
                        prop_assert!(admit(&mut all.clone(), &rules, then).is_ok(), "{refusal:?} and then refused");
                        let early = then.minus(Duration::from_micros(1));
                        prop_assert!(admit(&mut all.clone(), &rules, early).is_err(), "{refusal:?} is too long");
                    }
                },
            }
            for one in &all {
                let bytes = one.record.encode();
                prop_assert!(bytes.len() <= RECORD_MAX);
                prop_assert_eq!(Record::decode(&bytes).unwrap(), one.record.clone());
            }
        }
        for limits in [rules.phone, rules.client_ip, rules.range, rules.workspace] {
            for (limit, span) in [(limits.per_hour, 3_600), (limits.per_day, 86_400)] {
                let Some(limit) = limit else { continue };
                for (place, begin) in sent.iter().enumerate() {
                    let end = begin.plus(Duration::from_secs(span));
                    let within = sent[place..].iter().take_while(|at| **at < end).count();
                    prop_assert!(within <= limit as usize, "{within} of {limit} in {span}");
                }
            }
        }
    }

    /// Whoever keeps half of every limit, and whose codes are entered, is never refused.
    #[test]
    fn good_traffic_is_never_refused(gaps in prop::collection::vec(450_u64..2_000, 1..200)) {
        let rules = FraudRules { phone: Limits::NONE, client_ip: Limits::NONE, ..FraudRules::default() };
        let mut all = held(&Subject::ALL);
        let mut now = NOW;
        for gap in gaps {
            now = now.plus(Duration::from_secs(gap));
            prop_assert!(admit(&mut all, &rules, now).is_ok());
            prop_assert!(ended(&mut all, &rules, End::Approved, now).is_empty());
        }
    }

    /// A range is never blocked while as many codes are entered as it takes, in whatever order.
    #[test]
    fn ranges_that_convert_are_never_blocked(ends in prop::collection::vec(any::<bool>(), 1..300)) {
        let pumping = Pumping { tries: 4, percent: 30, ..Pumping::default() };
        let rules = only(|rules| rules.pumping = Some(pumping));
        let mut range = held(&[Subject::Range]);
        let (mut right, mut all) = (0, 0);
        for approved in ends {
            all += 1;
            right += u64::from(approved);
            let end = if approved { End::Approved } else { End::NotApproved };
            let blocked = !ended(&mut range, &rules, end, NOW).is_empty();
            prop_assert_eq!(blocked, all >= 4 && right * 100 < 30 * all);
            if blocked {
                break;
            }
        }
    }
}
