//! Timing of API key verification: it must not tell how much of a key was right, nor whether a key was revoked.

use std::hint::black_box;
use std::time::Instant;

use gatepost_app::KeyCreate;
use gatepost_core::access::{Principal, Scope, StoredKey, TokenDigest, permission};
use gatepost_core::channel::Mode;
use gatepost_core::{ApiKeyId, Clock as _};
use gatepost_vault::{ApiKeyToken, SystemEntropy};

use super::Run;
use crate::error::{Failure, Result};
use crate::installation::{Installation, fresh, grant};
use crate::presented::{changed_first, changed_last};
use crate::table::Row;
use crate::welch::{Coin, THRESHOLD, nanos, welch_t};

/// Timings of each kind for verification alone, and through the application with its look into the database.
const ALONE: usize = 200_000;
const WHOLE: usize = 20_000;

/// Presented keys, as texts.
struct Presented {
    wrong_first: String,
    wrong_last: String,
    revoked_wrong: String,
    unknown: String,
}

impl Run {
    pub async fn keys(&mut self) -> Result<()> {
        self.table.heading(format!(
            "Timing of API key verification (Welch's t over the fastest 95 %; beyond ±{THRESHOLD} the times differ)"
        ));
        let installation = Installation::start(&self.place, false).await?;
        let tenant = installation.tenant(1, None).await?;
        let manage = grant::<permission::KeyManage>(&tenant.principal)?;
        let app = &installation.app;
        let create = KeyCreate {
            name: "revoked".to_owned(),
            mode: Mode::Live,
            scopes: vec![Scope::Send],
            channels: None,
            expires_at: None,
        };
        let revoked = fresh(app.key_create(&manage, create, None).await?)?;
        app.key_revoke(&manage, revoked.view.id).await?;
        let never = ApiKeyId::new(app.now(), &SystemEntropy);
        let presented = Presented {
            wrong_first: changed_first(&tenant.key).ok_or_else(not_a_key)?,
            wrong_last: changed_last(&tenant.key).ok_or_else(not_a_key)?,
            revoked_wrong: changed_first(revoked.secret.expose()).ok_or_else(not_a_key)?,
            unknown: ApiKeyToken::generate(Mode::Live, never, &SystemEntropy).0.expose().to_owned(),
        };
        let share = if self.args.quick { 10 } else { 1 };
        let live = stored(app, &tenant.key).await?;
        // One text for both kinds, so that only what is stored tells them apart.
        let text = &presented.wrong_first;
        let digest = *ApiKeyToken::parse(text)?.digest.as_bytes();
        let beside = |byte: usize, revoked: bool| {
            let mut digest = digest;
            digest[byte] ^= 1;
            let revoked_at = revoked.then(|| gatepost_core::Timestamp::from_micros(1));
            StoredKey { digest: TokenDigest::new(digest), revoked_at, ..live.clone() }
        };
        let (first, last, revoked) = (beside(0, false), beside(31, false), beside(0, true));
        let alone = ALONE / share;
        let t = alone_t(alone, text, &first, &last)?;
        self.push_t("comparison alone: first byte of the digest wrong, last byte", t, alone);
        let t = alone_t(alone, text, &first, &revoked)?;
        self.push_t("comparison alone: wrong secret of a live, of a revoked key", t, alone);

        let whole = WHOLE / share;
        for (name, first, second) in [
            (
                "with the database: wrong first character, wrong last",
                &presented.wrong_first,
                &presented.wrong_last,
            ),
            (
                "with the database: wrong secret of a live, of a revoked key",
                &presented.wrong_first,
                &presented.revoked_wrong,
            ),
            ("with the database: wrong secret, no such key", &presented.wrong_first, &presented.unknown),
        ] {
            let t = whole_t(app, whole, first, second).await?;
            self.push_t(name, t, whole);
        }
        installation.stop().await?;
        Ok(())
    }

    fn push_t(&mut self, name: &str, t: f64, timings: usize) {
        let verdict = if t.abs() < THRESHOLD { "no difference seen" } else { "they differ" };
        let note = format!("{verdict}; {timings} timings of each");
        self.table.push(Row::single(name, format!("t = {t:.2}"), note));
    }
}

fn not_a_key() -> Failure {
    Failure::new("a key of ours does not look like one")
}

async fn stored(app: &gatepost_app::App, key: &str) -> Result<StoredKey> {
    let id = ApiKeyToken::parse(key)?.key_id;
    let found = app.store().read_system(async move |tx| tx.api_key_find(id, None).await).await?;
    found.ok_or_else(|| Failure::new("a key of ours is not stored"))
}

/// Times one text against two stored keys, neither of which it opens.
fn alone_t(timings: usize, text: &str, first: &StoredKey, second: &StoredKey) -> Result<f64> {
    let (mut ours, mut theirs) = (Vec::with_capacity(timings), Vec::with_capacity(timings));
    let mut coin = Coin::new(0x9e37_79b9_7f4a_7c15);
    let now = gatepost_app::SystemClock.now();
    while ours.len() < timings || theirs.len() < timings {
        let one = coin.toss();
        // Both kinds are read from the same place, so that no cache tells them apart.
        let stored = if one { first.clone() } else { second.clone() };
        let started = Instant::now();
        let token = ApiKeyToken::parse(black_box(text));
        let refused =
            token.map(|token| Principal::verify_key(black_box(&stored), &token.digest, now).is_err());
        let took = nanos(started.elapsed());
        if !refused? {
            return Err(Failure::new("a wrong key was let in"));
        }
        if one { ours.push(took) } else { theirs.push(took) }
    }
    Ok(welch_t(&ours, &theirs))
}

async fn whole_t(app: &gatepost_app::App, timings: usize, first: &str, second: &str) -> Result<f64> {
    let (mut ours, mut theirs) = (Vec::with_capacity(timings), Vec::with_capacity(timings));
    let mut coin = Coin::new(0x2545_f491_4f6c_dd1d);
    while ours.len() < timings || theirs.len() < timings {
        let one = coin.toss();
        let started = Instant::now();
        let refused = app.principal_of_key(if one { first } else { second }, None).await.is_err();
        let took = nanos(started.elapsed());
        if !refused {
            return Err(Failure::new("a wrong key was let in"));
        }
        if one { ours.push(took) } else { theirs.push(took) }
    }
    Ok(welch_t(&ours, &theirs))
}
