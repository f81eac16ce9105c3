//! Guessing passwords: slowed by account and by address, the same answer for everything that is wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gatepost_app::{Caller, GuessRules, SignIn};
use gatepost_core::access::SessionKind;
use gatepost_core::{ClientAddr, Code, Error, Secret};
use gatepost_testkit::{Engines, PASSWORD, Setup, World};
use metrics::{Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

/// Counts the passwords that were looked at.
#[derive(Default, Clone)]
struct Looked(Arc<AtomicU64>);

struct One(Arc<AtomicU64>);

impl CounterFn for One {
    fn increment(&self, by: u64) {
        self.0.fetch_add(by, Ordering::SeqCst);
    }
    fn absolute(&self, _: u64) {}
}

impl Recorder for Looked {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        if key.name() == "gatepost_password_checks_total" {
            return Counter::from_arc(Arc::new(One(Arc::clone(&self.0))));
        }
        Counter::noop()
    }
    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

fn from(world: &World, address: [u8; 4]) -> Caller {
    Caller { client: Some(ClientAddr::from(std::net::IpAddr::from(address))), ..world.caller() }
}

async fn guess(world: &World, caller: &Caller, email: &str, password: &str) -> Result<SignIn, Error> {
    let password = Secret::new(password.to_owned());
    world.app.sign_in_password(caller, SessionKind::Console, email, &password).await
}

async fn code(world: &World, caller: &Caller, email: &str, password: &str) -> Option<Code> {
    guess(world, caller, email, password).await.err().map(|error| error.code())
}

/// The count in a row of the table.
fn failures(row: &str) -> i64 {
    row.split(',').next().unwrap().trim_matches('\'').parse().unwrap()
}

fn quiet(engine: Engines) -> Setup {
    let mut setup = Setup { workers: false, ..Setup::new(engine) };
    setup.config.guesses = GuessRules::default();
    setup
}

/// Ten thousand guesses in a day, from five hundred addresses, in every spelling of the address.
#[tokio::test(flavor = "current_thread")]
async fn of_ten_thousand_guesses_at_an_account_a_hundred_are_looked_at() {
    for engine in Engines::available() {
        let world = World::start(quiet(engine)).await;
        let owner = world.somebody(None).await;
        let (local, domain) = owner.email.split_once('@').unwrap();
        let spellings = [
            owner.email.clone(),
            owner.email.to_uppercase(),
            format!(" {}", owner.email),
            format!("{}.", owner.email),
            format!("{}@{}", local.replace('p', "\u{ff50}"), domain.to_uppercase()),
        ];
        let looked = Looked::default();
        let recording = metrics::set_default_local_recorder(&looked);
        // What differs between the engines shows in fewer.
        let tries = if engine == Engines::Sqlite { 10_000 } else { 2_000 };
        for number in 0..tries {
            let [_, _, high, low] = (number % 500_u32).to_be_bytes();
            let caller = from(&world, [198, 51, high, low]);
            let spelling = &spellings[usize::try_from(number % 5).unwrap()];
            let said = code(&world, &caller, spelling, "a wrong pass phrase").await;
            assert!(matches!(said, Some(Code::SignInFailed | Code::RateLimited)), "{said:?}");
            // Ten thousand within one day's count.
            world.clock.advance(Duration::from_hours(23) / tries);
        }
        drop(recording);
        let count = looked.0.load(Ordering::SeqCst);
        assert!((30..=100).contains(&count), "{engine:?}: {count} were looked at");
        // The right one is not looked at either, and the answer does not tell.
        let stranger = from(&world, [203, 0, 113, 9]);
        assert_eq!(code(&world, &stranger, &owner.email, PASSWORD).await, Some(Code::SignInFailed));
        // On another day it is.
        world.clock.advance(Duration::from_hours(25));
        assert_eq!(code(&world, &stranger, &owner.email, PASSWORD).await, None);
        world.stop().await;
    }
}

/// A browser that signed in before is counted by itself, so nobody shuts a person out of their own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_signed_in_with_a_browser_before_is_not_shut_out_by_strangers() {
    for engine in Engines::available() {
        let world = World::start(quiet(engine)).await;
        let owner = world.somebody(None).await;
        let device = world.sign_in(&owner).await.device;
        let stranger = from(&world, [198, 51, 100, 1]);
        let mut refused = 0;
        for _ in 0..12 {
            refused += u32::from(code(&world, &stranger, &owner.email, "a guess").await.is_some());
        }
        assert_eq!(refused, 12);
        let elsewhere = from(&world, [203, 0, 113, 9]);
        assert_eq!(code(&world, &elsewhere, &owner.email, PASSWORD).await, Some(Code::SignInFailed));
        let own = Caller { device: Some(device.expose().clone()), ..elsewhere.clone() };
        assert_eq!(code(&world, &own, &owner.email, PASSWORD).await, None);
        // Somebody else's browser is no key to it.
        let other = world.somebody(None).await;
        let theirs = world.sign_in(&other).await.device;
        for _ in 0..12 {
            code(&world, &from(&world, [198, 51, 100, 2]), &owner.email, "a guess").await;
        }
        let foreign = Caller { device: Some(theirs.expose().clone()), ..elsewhere };
        assert_eq!(code(&world, &foreign, &owner.email, PASSWORD).await, Some(Code::SignInFailed));
        world.stop().await;
    }
}

/// One address that tries many accounts is told to wait, a whole network of IPv6 like one address, others are not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_fails_at_many_accounts_waits() {
    for engine in Engines::available() {
        let world = World::start(quiet(engine)).await;
        let owner = world.somebody(None).await;
        let v6 = |last: u16| {
            let address = std::net::Ipv6Addr::new(0x2001, 0xdb8, 1, 2, 0, 0, last, last);
            Caller { client: Some(ClientAddr::from(std::net::IpAddr::from(address))), ..world.caller() }
        };
        for number in 0..20_u16 {
            let said = code(&world, &v6(number), &format!("person-x{number}@example.com"), "a guess").await;
            assert_eq!(said, Some(Code::SignInFailed), "{number}");
        }
        let limited = guess(&world, &v6(99), &owner.email, PASSWORD).await.err().unwrap();
        assert_eq!(limited.code(), Code::RateLimited);
        let wait = limited.retry_after().unwrap();
        assert!(wait >= Duration::from_secs(1), "{wait:?}");
        // Whoever obeys is looked at; the right password is none of the address's failures.
        world.clock.advance(wait);
        assert_eq!(code(&world, &v6(98), &owner.email, PASSWORD).await, None);
        assert_eq!(code(&world, &from(&world, [203, 0, 113, 1]), &owner.email, PASSWORD).await, None);
        world.stop().await;
    }
}

/// Many at once are no more than one after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guesses_at_once_are_counted_like_guesses_in_turn() {
    for engine in Engines::available() {
        let world = World::start(quiet(engine)).await;
        let owner = world.somebody(None).await;
        let tries: Vec<_> = (0..40_u8)
            .map(|number| {
                let (app, caller, email) =
                    (world.app.clone(), from(&world, [198, 51, 100, number]), owner.email.clone());
                tokio::spawn(async move {
                    // The right one: whoever is looked at gets in.
                    let password = Secret::new(PASSWORD.to_owned() + if number < 39 { "!" } else { "?" });
                    app.sign_in_password(&caller, SessionKind::Console, &email, &password).await.is_ok()
                })
            })
            .collect();
        for tried in tries {
            assert!(!tried.await.unwrap());
        }
        // Time stands still: five were looked at, each counted at the account and at its own address.
        let rows = world.rows().await["sign_in_failure"].clone();
        assert_eq!(rows.iter().filter(|row| failures(row) == 1).count(), 5, "{engine:?}: {rows:?}");
        assert_eq!(rows.iter().filter(|row| failures(row) == 5).count(), 1, "{engine:?}: {rows:?}");
        world.stop().await;
    }
}

/// Whatever is wrong: one code, one text, nothing more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_wrong_proof_has_one_answer() {
    for engine in Engines::available() {
        let world = World::start(quiet(engine)).await;
        let known = world.somebody(None).await;
        let cases = [
            (known.email.as_str(), "wrong wrong wrong wrong"),
            ("nobody@example.com", PASSWORD),
            ("operator@example.com", PASSWORD),
            ("no address at all", PASSWORD),
            (known.email.as_str(), ""),
        ];
        let mut answers = Vec::new();
        for (email, password) in cases {
            let browser = world.browser();
            browser.open("/sign-in").await.expect(200);
            let answer = browser
                .submit(
                    "/sign-in",
                    &[("email", email), ("password", if password.is_empty() { "x" } else { password })],
                )
                .await;
            let shown = browser.csrf().unwrap();
            let text = answer.text.replace(&shown, "").replace(&format!("value=\"{email}\""), "");
            let names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
            answers.push((answer.status, names, text));
        }
        for other in &answers[1..] {
            assert_eq!(&answers[0], other);
        }
        assert_eq!(answers[0].0, 422);
        world.stop().await;
    }
}

/// A hash of weaker parameters opens, and is made anew at that moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_hash_is_replaced_when_its_password_is_typed() {
    for engine in Engines::available() {
        let world = World::start(quiet(engine)).await;
        let owner = world.somebody(None).await;
        let hashed = async || world.password_hash_of(owner.id).await;
        let before = hashed().await;
        world.weaken_password(owner.id).await;
        let weak = hashed().await;
        assert!(weak.contains("m=1024") && before.contains("m=19456"), "{weak}");
        assert_eq!(
            code(&world, &world.caller(), &owner.email, "not it, but long enough").await,
            Some(Code::SignInFailed)
        );
        assert_eq!(hashed().await, weak, "a wrong one changes nothing");
        assert_eq!(code(&world, &world.caller(), &owner.email, PASSWORD).await, None);
        let after = hashed().await;
        assert!(after.contains("m=19456"), "{after}");
        assert_eq!(code(&world, &world.caller(), &owner.email, PASSWORD).await, None);
        world.stop().await;
    }
}
