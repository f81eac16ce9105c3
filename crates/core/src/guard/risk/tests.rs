#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::Timestamp;

const NOW: Timestamp = Timestamp::from_seconds(1_793_525_400);

/// Own words to a stranger, on a channel that nothing is known of but its age.
fn stranger() -> Facts {
    Facts {
        acquaintance: Acquaintance::New,
        reviewed: false,
        quality: Quality::Unknown,
        channel_days: 400,
        test_channel: false,
        digest: None,
    }
}

fn features(text: &str) -> Features {
    let own = OwnNames::new(&["Blue Pelican"], &["bluepelican.example"]);
    Features::of(Words { texts: &[text], urls: &[] }, &own)
}

/// Counters after so many messages of one kind within a moment.
fn after(times: u32, facts: &Facts, features: &Features) -> Counters {
    let mut counters = Counters::new(NOW);
    for _ in 0..times {
        counters.sent(facts, features, NOW);
    }
    counters
}

/// A tuning in which one rule alone decides, with its weight at 100.
fn alone(rule: RuleId) -> Tuning {
    let rules: Vec<String> = RuleId::ALL
        .iter()
        .map(|id| format!(r#""{id}": {{"enabled": {}, "weight": 100}}"#, *id == rule))
        .collect();
    Tuning::parse(&format!(r#"{{"rules": {{{}}}}}"#, rules.join(", "))).unwrap()
}

/// What a rule looks at, when its number is `value`.
fn scene(rule: RuleId, value: u32) -> (Features, Counters, Facts) {
    let (none, facts) = (Features::default(), stranger());
    let empty = Counters::new(NOW);
    // A message counts itself.
    let before = value.saturating_sub(1);
    let failed = |code: i64| {
        let known = Facts { acquaintance: Acquaintance::Known, ..facts };
        let mut counters = after(100, &known, &none);
        (0..value).for_each(|_| counters.failed(code, NOW));
        (none, counters, facts)
    };
    let content = |features: Features| (features, Counters::new(NOW), facts);
    match rule {
        RuleId::NewRecipientsHour
        | RuleId::NewRecipientsDay
        | RuleId::FirstContactBurst
        | RuleId::ColdContactsHour
        | RuleId::ColdContactsDay => (none, after(before, &facts, &none), facts),
        RuleId::IdenticalText => {
            let facts = Facts { digest: Some(*b"the text"), ..facts };
            (none, after(before, &facts, &none), facts)
        }
        RuleId::ShortenedLinks => {
            let shortened = Features { shortened: 1, ..none };
            (shortened, after(before, &facts, &shortened), facts)
        }
        RuleId::UndeliverableRate => failed(131_026),
        RuleId::UnwantedRate => failed(131_049),
        RuleId::FailureRate => failed(132_001),
        RuleId::SpamRestrictions => failed(131_048),
        RuleId::QualityDrop => {
            let (before, now) = match value {
                4.. => (Quality::Green, Quality::Red),
                3 => (Quality::Unknown, Quality::Red),
                2 => (Quality::Green, Quality::Yellow),
                1 => (Quality::Unknown, Quality::Yellow),
                0 => (Quality::Red, Quality::Green),
            };
            let mut counters = empty;
            counters.rated(before, NOW);
            (none, counters, Facts { quality: now, ..facts })
        }
        RuleId::WarmUp => {
            let facts = Facts { channel_days: 1, ..facts };
            // The second day allows 100, so the number is the count before.
            (none, after(value, &facts, &none), facts)
        }
        RuleId::CredentialRequest => content(match value {
            0..15 => none,
            15 => Features { secret_entry: true, ..none },
            more => Features { secrets_asked: u8::try_from(more / 20).unwrap(), ..none },
        }),
        RuleId::LookAlikeHost => content(Features { look_alike: u8::try_from(value).unwrap(), ..none }),
        RuleId::DisguisedHost => content(Features { disguised_hosts: value, ..none }),
        RuleId::DisguisedName => content(Features { disguised_names: value, ..none }),
        RuleId::LinkUser => content(Features { link_users: value, ..none }),
        RuleId::RawHost => content(Features { raw_hosts: value, ..none }),
        RuleId::LinkDensity => content(Features { links: value, words: 100 - value, ..none }),
    }
}

fn decide(rule: RuleId, value: u32) -> Assessment {
    let (features, counters, facts) = scene(rule, value);
    assess(&features, &counters, &facts, &alone(rule), NOW)
}

/// Each rule by itself, from nothing to the numbers of its table.
#[test]
fn every_rule_goes_from_allow_to_hold_to_block() {
    for rule in RULES {
        let quiet = decide(rule.id, rule.hold_at / 2);
        assert_eq!((quiet.action, quiet.score), (Action::Allow, 0), "{}", rule.name);
        let held = decide(rule.id, rule.hold_at);
        assert_eq!((held.action, held.hits[0].rule), (Action::Hold, rule.id), "{}: {held:?}", rule.name);
        assert_eq!(held.hits[0].value, rule.hold_at, "{}", rule.name);
        let blocked = decide(rule.id, rule.block_at);
        assert_eq!((blocked.action, blocked.hits[0].value), (Action::Block, rule.block_at), "{}", rule.name);
        if rule.hold_at > 1 {
            let almost = decide(rule.id, rule.hold_at - 1);
            assert_eq!(almost.action, Action::Allow, "{}: {almost:?}", rule.name);
        }
    }
}

#[test]
fn the_table_is_in_order() {
    for (at, rule) in RULES.iter().enumerate() {
        assert_eq!(rule.id as usize, at, "{}", rule.name);
        assert_eq!(RuleId::parse(rule.name), Some(rule.id));
        assert!(rule.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", rule.name);
        assert!(1 <= rule.hold_at && rule.hold_at < rule.block_at && rule.weight <= 100, "{}", rule.name);
        let Shares { known, open, reviewed } = rule.shares;
        assert!(known <= 100 && open <= known && reviewed <= 100, "{}", rule.name);
        // Within an open conversation only lies about who one is and requests for secrets count.
        let deceives = ["credential_request", "look_alike_host", "disguised_host", "disguised_name"];
        assert_eq!(open > 0, deceives.contains(&rule.name), "{}", rule.name);
    }
}

/// Sends message after message, as the guard does, and says how many were allowed, held and blocked.
fn run(times: u32, span: Duration, message: impl Fn(u32) -> (Features, Facts), tuning: &Tuning) -> [u32; 3] {
    let mut counters = Counters::new(NOW);
    let mut seen = [0; 3];
    for n in 0..times {
        let now = NOW.plus(span * n / times.max(1));
        let (features, facts) = message(n);
        let assessment = assess(&features, &counters, &facts, tuning, now);
        seen[assessment.action as usize] += 1;
        if assessment.action != Action::Block {
            counters.sent(&facts, &features, now);
        }
        // Rows are what is really kept.
        if n % 500 == 0 {
            counters = Counters::decode(&counters.encode()).unwrap();
        }
    }
    seen
}

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

#[test]
fn ordinary_traffic_is_allowed() {
    let digest = Some(*b"the text");
    let known = Facts { acquaintance: Acquaintance::Known, ..stranger() };
    let open = Facts { acquaintance: Acquaintance::Open, ..stranger() };
    let order = features("Hi Anna, your order 4711 is on its way: https://track.example.com/4711");
    let plain = features("Thank you for waiting, we have found your parcel and will call you tomorrow.");
    for preset in [Preset::Off, Preset::Standard, Preset::Strict] {
        let tuning = Tuning::preset(preset);
        let all = |times, span, features: Features, facts: Facts, what: &str| {
            assert_eq!(run(times, span, |_| (features, facts), &tuning), [times, 0, 0], "{what}, {preset:?}");
        };
        all(10_000, HOUR, order, Facts { reviewed: true, ..known }, "order updates to known customers");
        all(10_000, HOUR, order, Facts { reviewed: true, ..stranger() }, "a template to imported customers");
        let fresh = Facts { reviewed: true, channel_days: 0, ..stranger() };
        all(10_000, HOUR, order, fresh, "a template to imported customers on a fresh installation");
        all(500, HOUR, plain, Facts { digest, ..open }, "identical answers to people who wrote");
        all(20_000, DAY, plain, Facts { channel_days: 0, ..open }, "a support team on its first day");
        all(1_000, HOUR, order, Facts { reviewed: true, ..fresh }, "codes of a verification");
        let yellow = Facts { quality: Quality::Yellow, reviewed: true, ..known };
        all(1_000, HOUR, order, yellow, "a channel that is rated yellow");
        all(
            15,
            DAY,
            plain,
            Facts { digest, channel_days: 0, ..stranger() },
            "a few first words of one's own",
        );
    }
    // A shop on a linked device writes to its customers in words of its own.
    let shop = run(300, DAY, |n| (order, if n % 10 == 0 { stranger() } else { known }), &Tuning::default());
    assert_eq!(shop, [300, 0, 0]);
    let same = run(150, HOUR, |_| (order, Facts { digest, ..known }), &Tuning::default());
    assert_eq!(same, [150, 0, 0]);
}

#[test]
fn ordinary_words_are_allowed() {
    for text in [
        "Your code is 123456, never share it.",
        "Track your parcel: https://bit.ly/3xYz",
        "Pay here: https://buy.stripe.com/test_123",
        "We are on Instagram (instagram.com/bluepelican), Facebook (facebook.com/bluepelican) and www.bluepelican.example, see you there!",
        "Your PayPal payment of 20,00 € was received.",
        "Reset your password: https://bluepelican.example/reset?token=abc",
        "Please enter your card details at https://checkout.stripe.com/c/pay/x",
        "Ihre Bestellung bei Blue Pelican wird heute geliefert. Sendungsverfolgung: https://www.dhl.de/de/x",
        "Заказ №12 готов. Подробнее: https://магазин.рф/12",
        "Join the meeting: https://us02web.zoom.us/j/123",
        "Rate us on https://g.page/r/abc/review and https://www.google.com/maps",
        "Grafana: http://10.0.0.5:3000/d/abc is down",
    ] {
        for acquaintance in [Acquaintance::New, Acquaintance::Known, Acquaintance::Open] {
            let facts = Facts { acquaintance, ..stranger() };
            for preset in [Preset::Standard, Preset::Strict] {
                let found =
                    assess(&features(text), &Counters::new(NOW), &facts, &Tuning::preset(preset), NOW);
                assert_eq!(found.action, Action::Allow, "{text}: {found:?}");
            }
        }
    }
}

#[test]
fn hostile_words_are_held_or_blocked() {
    for (text, expected) in [
        ("Your account is limited. Confirm your password at https://paypa1.com/login", Action::Block),
        ("PayPal: verify your card details at https://paypal.com.example.top", Action::Block),
        ("Hello, send me your card number, CVV and PIN number please", Action::Block),
        ("https://paypal.com@example.top/login: enter your password", Action::Block),
        ("Your parcel is waiting: https://dhl-parcel-tracking.example.top", Action::Hold),
        ("https://аррӏе.com", Action::Block),
        ("Please share the OTP you just received", Action::Hold),
        ("Dear customer, PаyPal needs your attention", Action::Hold),
        ("Your Blue Pelican order: https://b1uepelican.com/pay", Action::Block),
    ] {
        for acquaintance in [Acquaintance::New, Acquaintance::Open] {
            for reviewed in [false, true] {
                let facts = Facts { acquaintance, reviewed, ..stranger() };
                let found = assess(&features(text), &Counters::new(NOW), &facts, &Tuning::default(), NOW);
                assert!(found.action >= expected, "{text}: {found:?}");
            }
        }
        let off =
            assess(&features(text), &Counters::new(NOW), &stranger(), &Tuning::preset(Preset::Off), NOW);
        assert_eq!((off.action, off.hits.len()), (Action::Allow, 0), "{text}");
    }
}

#[test]
fn hostile_traffic_is_held_and_blocked() {
    let tuning = Tuning::default();
    let digest = Some(*b"the text");
    // A bought list: own words to strangers.
    let [allowed, ..] = run(2_000, HOUR, |_| (features("Best offers of the year!"), stranger()), &tuning);
    assert!(allowed < 60, "{allowed} of a bought list");
    // The same text to whoever is in the address book.
    let known = Facts { acquaintance: Acquaintance::Known, digest, ..stranger() };
    let [allowed, ..] = run(2_000, HOUR, |_| (features("Buy now: https://bit.ly/x"), known), &tuning);
    assert!(allowed < 120, "{allowed} with a shortened link");
    // A burst of first contacts.
    let [allowed, ..] = run(500, Duration::from_secs(20), |_| (features("Hi!"), stranger()), &tuning);
    assert!(allowed < 40, "{allowed} of a burst");
    // Phishing.
    let phish = features("Your account is locked, confirm your password: https://secure-paypal.top");
    assert_eq!(run(100, HOUR, |_| (phish, known), &tuning), [0, 0, 100]);
    // Half of the people of a list are on no WhatsApp, and Meta has begun to restrict the number.
    let template = Facts { reviewed: true, ..stranger() };
    let mut counters = after(1_000, &template, &Features::default());
    (0..700).for_each(|_| counters.failed(131_026, NOW));
    (0..25).for_each(|_| counters.failed(131_048, NOW));
    let found = assess(&Features::default(), &counters, &template, &tuning, NOW);
    assert!(found.action >= Action::Hold, "{found:?}");
}

#[test]
fn a_replying_agent_is_not_stopped_by_a_campaign_beside() {
    let counters = after(5_000, &stranger(), &Features { shortened: 1, ..Features::default() });
    let answer = Facts { acquaintance: Acquaintance::Open, ..stranger() };
    let found = assess(&features("See https://bit.ly/x"), &counters, &answer, &Tuning::default(), NOW);
    assert_eq!((found.action, found.hits.len()), (Action::Allow, 0), "{found:?}");
}

#[test]
fn time_heals() {
    let counters = after(100, &stranger(), &Features::default());
    let action = |later: Duration| {
        assess(&Features::default(), &counters, &stranger(), &Tuning::default(), NOW.plus(later)).action
    };
    assert_eq!(action(Duration::ZERO), Action::Block);
    assert_eq!(action(Duration::from_hours(25)), Action::Allow);
}

#[test]
fn test_channels_do_not_warm_up() {
    let young = Facts { channel_days: 0, ..stranger() };
    let counters = after(55, &Facts { reviewed: true, ..young }, &Features::default());
    let warms = |facts: &Facts, now: Timestamp| {
        let found = assess(&Features::default(), &counters, facts, &Tuning::default(), now);
        found.hits.iter().any(|hit| hit.rule == RuleId::WarmUp)
    };
    let later = NOW.plus(Duration::from_hours(2));
    assert!(warms(&young, later));
    assert!(!warms(&Facts { test_channel: true, ..young }, later));
    assert!(!warms(&Facts { channel_days: 14, ..young }, later));
}

#[test]
fn an_assessment_tells_numbers_and_no_words() {
    let found = assess(
        &features("Confirm your password at https://paypa1.com"),
        &Counters::new(NOW),
        &stranger(),
        &Tuning::default(),
        NOW,
    );
    assert_eq!(
        serde_json::to_value(&found).unwrap(),
        serde_json::json!({"score": 100, "action": "block", "hits": [
            {"rule": "credential_request", "score": 30, "value": 15, "hold_at": 20, "block_at": 40},
            {"rule": "look_alike_host", "score": 90, "value": 100, "hold_at": 60, "block_at": 100},
        ]})
    );
}

/// What may grow without a rule's number growing less.
#[derive(Debug, Clone, Copy)]
enum Grows {
    First,
    Cold,
    Text,
    Shortened,
    Failed(i64),
    Links,
    Secrets,
    RawHosts,
}

proptest! {
    #[test]
    fn more_of_anything_never_scores_less(
        first in 0_u32..300,
        known in 0_u32..300,
        failed in 0_u32..100,
        more in 1_u32..100,
        secrets in 0_u8..5,
        links in 0_u32..10,
        acquaintance in prop::sample::select(vec![Acquaintance::New, Acquaintance::Known, Acquaintance::Open]),
        reviewed: bool,
        grows in prop::sample::select(vec![
            Grows::First, Grows::Cold, Grows::Text, Grows::Shortened, Grows::Failed(131_026), Grows::Failed(131_048),
            Grows::Failed(131_050), Grows::Failed(100), Grows::Links, Grows::Secrets, Grows::RawHosts,
        ]),
    ) {
        let none = Features::default();
        let facts = Facts { acquaintance, reviewed, channel_days: 3, digest: Some([7; 8]), ..stranger() };
        let known_facts = Facts { acquaintance: Acquaintance::Known, reviewed: true, ..facts };
        let mut counters = after(first, &stranger(), &none);
        (0..known).for_each(|_| counters.sent(&known_facts, &none, NOW));
        (0..failed).for_each(|n| counters.failed(if n % 2 == 0 { 131_026 } else { 131_049 }, NOW));
        let features = Features { secrets_asked: secrets, links, words: 60, shortened: links.min(1), ..none };
        let (mut greater, mut more_features) = (counters.clone(), features);
        // Messages are what rates are rates of: more of them make the same failures fewer.
        let tuning = Tuning::parse(r#"{"rules": {
            "undeliverable_rate": {"enabled": false}, "unwanted_rate": {"enabled": false}, "failure_rate": {"enabled": false}
        }}"#).unwrap();
        let tuning = if matches!(grows, Grows::Failed(_)) { Tuning::default() } else { tuning };
        for _ in 0..more {
            match grows {
                Grows::First => greater.sent(&Facts { reviewed: true, ..stranger() }, &none, NOW),
                Grows::Cold => greater.sent(&stranger(), &none, NOW),
                Grows::Text => greater.sent(&Facts { digest: facts.digest, acquaintance: Acquaintance::Known, ..stranger() }, &none, NOW),
                Grows::Shortened => greater.sent(&Facts { acquaintance: Acquaintance::Known, ..stranger() }, &Features { shortened: 1, ..none }, NOW),
                Grows::Failed(code) => greater.failed(code, NOW),
                Grows::Links => more_features.links += 1,
                Grows::Secrets => more_features.secrets_asked = more_features.secrets_asked.saturating_add(1),
                Grows::RawHosts => more_features.raw_hosts += 1,
            }
        }
        let before = assess(&features, &counters, &facts, &tuning, NOW);
        let after = assess(&more_features, &greater, &facts, &tuning, NOW);
        prop_assert!(after.score >= before.score && after.action >= before.action, "{before:?} {after:?}");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "asks whoever runs the tests, not the configuration")]
fn the_page_is_checked_in() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/risk-rules.md");
    let now = risk_page();
    if std::env::var_os("GATEPOST_UPDATE").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == now,
        "docs/risk-rules.md is stale: GATEPOST_UPDATE=1 cargo test -p gatepost-core risk"
    );
}
