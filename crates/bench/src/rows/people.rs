//! Timing of signing in and of forgotten passwords: it must not tell whether an address has an account.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Instant;

use gatepost_app::{App, Caller, UserCreate};
use gatepost_core::access::{SessionKind, operator_permission};
use gatepost_core::{Code, EmailAddress, Secret};

use super::Run;
use crate::error::{Failure, Result};
use crate::installation::{Installation, operator};
use crate::table::Row;
use crate::welch::{Coin, THRESHOLD, nanos, ratio, welch_t};

/// Timings of each kind: a sign-in takes a hash, a request for a link does not.
const SIGN_INS: usize = 2_000;
const REQUESTS: usize = 10_000;
/// Links that are asked for with one address, so that none is over its count.
const PER_ADDRESS: usize = 3;

const PASSWORD: &str = "seven lanterns under the quay";
const WRONG: &str = "seven lanterns under the quaz";
const NOBODY: &str = "nobody@example.com";
const WITH_PASSWORD: &str = "someone@example.com";
/// Their way in is a passkey, so their account has no password.
const WITH_PASSKEY: &str = "another@example.com";

impl Run {
    pub async fn people(&mut self) -> Result<()> {
        self.table.heading(format!(
            "Timing of signing in and of forgotten passwords (mean ÷ mean, 95 % confidence; Welch's t over the fastest 95 %, beyond ±{THRESHOLD} the times differ)"
        ));
        let installation = Installation::start_for_people(&self.place).await?;
        let app = &installation.app;
        account(app, WITH_PASSWORD, Some(PASSWORD)).await?;
        account(app, WITH_PASSKEY, None).await?;
        let share = if self.args.quick { 10 } else { 1 };
        let timings = SIGN_INS / share;
        for (name, first, second) in [
            ("sign-in: wrong password of an account ÷ no such account", WITH_PASSWORD, NOBODY),
            ("sign-in: account with a passkey alone ÷ no such account", WITH_PASSKEY, NOBODY),
            ("sign-in: account with a passkey alone ÷ wrong password", WITH_PASSKEY, WITH_PASSWORD),
        ] {
            let (ours, theirs) = sign_ins(app, timings, first, second).await?;
            self.push_ratio(name, &ours, &theirs);
        }
        let timings = REQUESTS / share;
        for n in 0..timings.div_ceil(PER_ADDRESS) {
            account(app, &known(n), None).await?;
        }
        let (ours, theirs) = requests(app, timings).await?;
        self.push_ratio("asking for a link: an account ÷ no such account", &ours, &theirs);
        installation.stop().await?;
        Ok(())
    }

    fn push_ratio(&mut self, name: &str, first: &[u64], second: &[u64]) {
        let t = welch_t(first, second);
        let verdict = if t.abs() < THRESHOLD { "no difference seen" } else { "they differ" };
        let (value, range) = ratio(first, second).map_or_else(
            || ("too few".to_owned(), String::new()),
            |found| (format!("{:.4} ×", found.value), format!("{:.4}–{:.4}", found.low, found.high)),
        );
        let note = format!("{verdict}, t = {t:.2}; {} timings of each", first.len().min(second.len()));
        self.table.push(Row { name: name.to_owned(), value, range, note });
    }
}

fn known(n: usize) -> String {
    format!("known{n:05}@example.com")
}

fn unknown(n: usize) -> String {
    format!("other{n:05}@example.com")
}

async fn account(app: &App, email: &str, password: Option<&str>) -> Result<()> {
    let create = UserCreate {
        email: EmailAddress::parse(email).map_err(|why| Failure::new(why.to_string()))?,
        name: "Ann Example".to_owned(),
        password: password.map(|password| Secret::new(password.to_owned())),
        operator: None,
    };
    app.user_create(&operator::<operator_permission::UserManage>()?, create).await?;
    Ok(())
}

/// Somebody whom nobody has counted yet: each has a network of their own.
fn stranger(n: usize) -> Caller {
    let network = 0x2001_0db8_0000_0000_0000_0000_0000_0001_u128 | (n as u128) << 64;
    Caller { client: Some(IpAddr::V6(Ipv6Addr::from_bits(network)).into()), ..Caller::default() }
}

async fn sign_ins(app: &App, timings: usize, first: &str, second: &str) -> Result<(Vec<u64>, Vec<u64>)> {
    let (mut ours, mut theirs) = (Vec::with_capacity(timings), Vec::with_capacity(timings));
    let (mut coin, wrong) = (Coin::new(0x9e37_79b9_7f4a_7c15), Secret::new(WRONG.to_owned()));
    while ours.len() < timings || theirs.len() < timings {
        let one = coin.toss();
        let (caller, email) = (stranger(ours.len() + theirs.len()), if one { first } else { second });
        let started = Instant::now();
        let tried = app.sign_in_password(&caller, SessionKind::Console, email, &wrong).await;
        let took = nanos(started.elapsed());
        if tried.err().map(|error| error.code()) != Some(Code::SignInFailed) {
            return Err(Failure::new("a wrong password had another answer than that"));
        }
        if one { ours.push(took) } else { theirs.push(took) }
    }
    Ok((ours, theirs))
}

async fn requests(app: &App, timings: usize) -> Result<(Vec<u64>, Vec<u64>)> {
    let (mut ours, mut theirs) = (Vec::with_capacity(timings), Vec::with_capacity(timings));
    let mut coin = Coin::new(0x2545_f491_4f6c_dd1d);
    while ours.len() < timings || theirs.len() < timings {
        // As many of each, so that no address is asked for too often.
        let one = match (ours.len() < timings, theirs.len() < timings) {
            (true, true) => coin.toss(),
            (only_ours, _) => only_ours,
        };
        let caller = stranger(ours.len() + theirs.len());
        let email = if one { known(ours.len() / PER_ADDRESS) } else { unknown(theirs.len() / PER_ADDRESS) };
        let started = Instant::now();
        let asked = app.password_forgotten(&caller, &email).await;
        let took = nanos(started.elapsed());
        asked?;
        if one { ours.push(took) } else { theirs.push(took) }
    }
    Ok((ours, theirs))
}
