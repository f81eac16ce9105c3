//! The table: what is forgotten, what is shared, and what two counts at once mean.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::net::Ipv4Addr;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const SECOND: i64 = 1_000_000;

fn decide(limiter: &LocalLimiter, asked: &[Asked<'_>], micros: i64) -> LimitDecision {
    match limiter.admit(asked, Timestamp::from_micros(micros)) {
        Admission::Ready(decision) => decision,
        Admission::Pending(_) => panic!("this one is local"),
    }
}

fn ask(limiter: &LocalLimiter, subject: Subject, windows: &[Window], micros: i64) -> bool {
    decide(limiter, &[Asked { subject, windows }], micros).refused.is_none()
}

fn address(number: u32) -> Subject {
    Subject::of_address(ClientAddr::new(IpAddr::V4(Ipv4Addr::from_bits(number))))
}

fn one(text: &str) -> Vec<Window> {
    vec![Window::parse(text).unwrap()]
}

#[test]
fn a_flood_of_addresses_gives_nobody_a_fresh_count() {
    let limiter = LocalLimiter::with_room(64);
    let windows = one("3/10s");
    for turn in 0..3 {
        assert!(ask(&limiter, address(7), &windows, SECOND + turn));
    }
    // Thousands of others come, within the window: they find no room and share what there is.
    let let_in = (100..20_000_u32).filter(|n| ask(&limiter, address(*n), &windows, 2 * SECOND)).count();
    assert!(!ask(&limiter, address(7), &windows, 2 * SECOND), "the flood has freed the first one");
    assert!(let_in <= 64 + 16 * 3, "{let_in} were let in");
    // When the window is over, all of it is forgotten.
    assert!(
        (0..32_u32).filter(|n| ask(&limiter, address(1_000_000 + n), &windows, 30 * SECOND)).count() >= 16
    );
    assert!(ask(&limiter, address(7), &windows, 30 * SECOND));
}

#[test]
fn a_v6_caller_is_its_network() {
    let client = |text: &str| Subject::of_address(ClientAddr::new(text.parse().unwrap()));
    assert_eq!(client("2001:db8:1:2::1"), client("2001:db8:1:2:ffff::9"));
    assert_ne!(client("2001:db8:1:2::1"), client("2001:db8:1:3::1"));
    assert_eq!(client("::ffff:192.0.2.1"), client("192.0.2.1"));
    assert_ne!(client("192.0.2.1"), client("192.0.2.2"));
}

/// A request that one count refuses is counted in neither.
#[test]
fn both_counts_or_none() {
    let limiter = LocalLimiter::default();
    let (roomy, tight) = (one("10/min"), one("2/min"));
    let key = Subject::Key(ApiKeyId::from_uuid(Uuid::max()));
    let workspace = Subject::Workspace(WorkspaceId::from_uuid(Uuid::max()), Mode::Live);
    let asked = [Asked { subject: key, windows: &roomy }, Asked { subject: workspace, windows: &tight }];
    for turn in 0..2 {
        assert_eq!(decide(&limiter, &asked, turn).refused, None);
    }
    for turn in 2..9 {
        let decision = decide(&limiter, &asked, turn);
        assert_eq!(decision.refused.map(|(subject, _)| subject), Some(workspace));
        let left: Vec<u32> = decision.windows.iter().map(|state| state.remaining).collect();
        assert_eq!(left, [0, 8], "the key was not charged for what was refused");
        let told = decision.error().unwrap();
        assert!(told.detail().contains("2/min") && told.detail().contains("together"), "{told}");
    }
}

/// One microsecond apart, from many threads: never more than the window holds.
#[test]
fn many_at_once() {
    let limiter = LocalLimiter::default();
    let windows = one("100/min");
    let accepted: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| (0..100).filter(|n| ask(&limiter, address(1), &windows, SECOND + n)).count())
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert_eq!(accepted, 100);
}

#[test]
fn presets_are_found_by_name() {
    let own = || vec![Preset::new("plan-a", one("5/s")).unwrap()];
    let config = LimitConfig::new(own(), Some("plan-a"), Some("none")).unwrap();
    assert_eq!(config.keys.windows().len(), 1);
    assert!(config.addresses.windows().is_empty() && config.preset("steady").is_some());
    assert!(LimitConfig::new(own(), Some("plan-b"), None).unwrap_err().contains("plan-a"));
    assert!(LimitConfig::new(vec![Preset::steady()], None, None).is_err());
    assert_eq!(config.stored("gone").name(), "plan-a", "a plan that is gone leaves what holds for all");
}

proptest! {
    /// Whoever comes in whatever order: each is counted as if it were alone.
    #[test]
    fn nobody_counts_for_another(calls in prop::collection::vec((0_u32..6, 0_i64..400_000), 1..300)) {
        let limiter = LocalLimiter::default();
        let windows = one("3/s");
        let mut alone: HashMapOfLogs = HashMapOfLogs::default();
        let mut now = SECOND;
        for (who, gap) in calls {
            now += gap;
            let log = alone.entry(who).or_default();
            let at = Timestamp::from_micros(now);
            let fits = log.look(&windows, at).is_ok();
            if fits {
                log.record(&windows, at);
            }
            prop_assert_eq!(ask(&limiter, address(who), &windows, now), fits);
        }
    }
}

type HashMapOfLogs = std::collections::HashMap<u32, gatepost_core::limit::SlidingLog>;
