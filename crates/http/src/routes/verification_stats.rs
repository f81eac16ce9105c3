//! `/v1/verifications/stats`

use axum::extract::State;
use gatepost_app::{App, VerificationStatsAsk};
use gatepost_core::access::permission::VerificationRead;
use gatepost_core::channel::Mode;
use gatepost_core::verification::FunnelBy;
use gatepost_core::{Result, Timestamp};
use serde_json::{Value, json};

use super::access_rules::mode_in;
use crate::access::{Grant, get};
use crate::query::{Query, QueryParameter, invalid};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

const SPAN: [QueryParameter; 4] = [
    QueryParameter::text(
        "from",
        "Verifications begun since then (RFC 3339), by whole hours; a week before to where it is not said.",
        "2026-11-01T00:00:00Z",
    ),
    QueryParameter::text("to", "And before then; now where it is not said.", "2026-11-08T00:00:00Z"),
    QueryParameter::text(
        "by",
        "country, channel, template or hour; country where it is not said.",
        "country",
    ),
    QueryParameter::text(
        "mode",
        "test or live; a key sees its own alone, people live where they do not say.",
        "live",
    ),
];

pub fn routes() -> Vec<Route<App>> {
    vec![
        get("/v1/verifications/stats", stats_get)
            .id("verificationStatsGet")
            .open_when_suspended()
            .summary("Read what became of verifications, in numbers")
            .description("Created, sent, delivered, approved; expired, blocked, failed, cancelled; and refused, which were not begun. Exact: each step is counted in the transaction that takes it, once a verification, at the hour in which it was begun. Kept for 400 days; at most 31 days by the hour.")
            .tag("Verifications")
            .query(&SPAN)
            .answer::<wire::VerificationStats<'static>>(200, "The numbers.", example()),
    ]
}

fn example() -> Value {
    let funnel = json!({
        "created": 1_000, "sent": 996, "delivered": 981, "approved": 948, "expired": 31, "blocked": 4,
        "failed": 4, "cancelled": 13, "refused": 120, "conversion": 0.948, "delivery": 0.9849,
    });
    let mut part = funnel.clone();
    part["key"] = json!("DE");
    json!({
        "mode": "live",
        "from": "2026-11-01T00:00:00Z",
        "to": "2026-11-08T00:00:00Z",
        "by": "country",
        "total": funnel,
        "data": [part],
    })
}

fn instant(query: &Query, name: &str) -> Result<Option<Timestamp>> {
    let Some(text) = query.get(name) else { return Ok(None) };
    let instant = Timestamp::parse(text);
    let expected = || invalid(format!("{name}: expected an RFC 3339 instant such as 2026-11-01T09:30:00Z"));
    instant.map(Some).ok_or_else(expected)
}

async fn stats_get(grant: Grant<VerificationRead>, State(app): State<App>, query: Query) -> Answer {
    let asked = mode_in(&query)?;
    super::mode_fits(grant.mode(), asked)?;
    let by = match query.get("by") {
        None => FunnelBy::Country,
        Some(text) => {
            FunnelBy::parse(text).ok_or_else(|| invalid("by: expected country, channel, template or hour"))?
        }
    };
    let ask = VerificationStatsAsk {
        mode: grant.mode().or(asked).unwrap_or(Mode::Live),
        from: instant(&query, "from")?,
        to: instant(&query, "to")?,
        by,
    };
    Ok(reply::ok(&wire::VerificationStats::from(&app.verification_stats(&grant, ask).await?)))
}
