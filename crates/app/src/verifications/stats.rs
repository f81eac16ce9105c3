//! What became of verifications, in numbers.

use std::collections::BTreeMap;
use std::time::Duration;

use gatepost_core::access::{Grant, permission};
use gatepost_core::channel::Mode;
use gatepost_core::verification::{Funnel, FunnelBy, Stage, VerificationState};
use gatepost_core::{ChannelId, Code, Error, Result, Timestamp};
use gatepost_store::{VerificationCount, VerificationRow, WorkspaceScope, WorkspaceTx};

use super::news::Step;
use crate::App;

/// For how long numbers are kept: a year, and a month to compare with.
pub(crate) const KEPT: Duration = Duration::from_hours(400 * 24);
/// The longest span that is answered, by the hour and else.
const HOURS_MAX: i64 = 31 * 24;
const SPAN_MAX: i64 = 400 * 24;
/// The span where none is asked for.
const USUAL: Duration = Duration::from_hours(7 * 24);
const HOUR: i64 = 3_600;

/// Where a verification's steps are counted.
fn place(row: &VerificationRow) -> VerificationCount<'_> {
    VerificationCount {
        mode: row.mode,
        flow: row.flow,
        channel: row.channel,
        country: row.country.as_deref(),
        template: row.template.as_deref(),
        begun: row.created_at,
    }
}

/// Counts a step, in the transaction that takes it.
pub(super) async fn count(tx: &WorkspaceTx<'_>, row: &VerificationRow, step: Step) -> Result<()> {
    let stage = match (step, row.standing.state) {
        (Step::Created, _) => Stage::Created,
        (Step::Sent, _) => Stage::Sent,
        (Step::Delivered, _) => Stage::Delivered,
        (Step::Ended, VerificationState::Approved) => Stage::Approved,
        (Step::Ended, VerificationState::Expired) => Stage::Expired,
        (Step::Ended, VerificationState::Blocked) => Stage::Blocked,
        (Step::Ended, VerificationState::Failed) => Stage::Failed,
        (Step::Ended, VerificationState::Cancelled) => Stage::Cancelled,
        (Step::Ended, VerificationState::Pending) => return Ok(()),
    };
    // Meta may tell of the second alone.
    if stage == Stage::Delivered {
        tx.verification_step_count(row.id, &place(row), Stage::Sent).await?;
    }
    tx.verification_step_count(row.id, &place(row), stage).await
}

/// Moves what was counted of a verification that is sent again by another template than before.
pub(super) async fn moved(tx: &WorkspaceTx<'_>, row: &VerificationRow, before: Option<&str>) -> Result<()> {
    if row.template.as_deref() == before {
        return Ok(());
    }
    let steps = tx.verification_counted(row.id).await?;
    tx.verification_count(&VerificationCount { template: before, ..place(row) }, &steps.less()).await?;
    tx.verification_count(&place(row), &steps).await
}

/// What numbers are asked for.
#[derive(Debug, Clone, Copy)]
pub struct VerificationStatsAsk {
    pub mode: Mode,
    /// `None`: a week before `to`.
    pub from: Option<Timestamp>,
    /// `None`: now.
    pub to: Option<Timestamp>,
    pub by: FunnelBy,
}

/// What became of the verifications that were begun in a span.
#[derive(Debug, Clone)]
pub struct VerificationStats {
    pub mode: Mode,
    /// Whole hours.
    pub from: Timestamp,
    pub to: Timestamp,
    pub by: FunnelBy,
    pub total: Funnel,
    /// Hours in their order, others with the most first. Empty text: nothing is known.
    pub parts: Vec<(String, Funnel)>,
}

/// The span in whole hours: those that it touches.
///
/// Errors: `invalid_parameter` for one that is empty or too long.
fn span(ask: &VerificationStatsAsk, now: Timestamp) -> Result<(Timestamp, Timestamp)> {
    let refuse = |detail: String| Err(Error::new(Code::InvalidParameter, detail));
    let to = ask.to.unwrap_or(now);
    let from = ask.from.unwrap_or_else(|| to.minus(USUAL));
    if from >= to {
        return refuse("from: expected an instant before to".to_owned());
    }
    let from = from.seconds().div_euclid(HOUR);
    let to = (to.micros() - 1).div_euclid(HOUR * 1_000_000) + 1;
    let most = if ask.by == FunnelBy::Hour { HOURS_MAX } else { SPAN_MAX };
    if to - from > most {
        return refuse(format!("from: at most {} days by {}", most / 24, ask.by.as_str()));
    }
    Ok((Timestamp::from_seconds(from * HOUR), Timestamp::from_seconds(to * HOUR)))
}

impl App {
    /// What became of the verifications that were begun in a span, of the channels that the caller reaches.
    ///
    /// Errors: `invalid_parameter` for a span that is empty or too long.
    pub async fn verification_stats(
        &self,
        grant: &Grant<permission::VerificationRead>,
        ask: VerificationStatsAsk,
    ) -> Result<VerificationStats> {
        let scope = WorkspaceScope::from(grant);
        let (from, to) = span(&ask, self.now())?;
        let bound = grant.channels().map(<[ChannelId]>::to_vec);
        let (mode, by) = (ask.mode, ask.by);
        let rows =
            self.0.store.read(scope, async move |tx| tx.verification_stats(mode, from, to, by).await).await?;
        let mut parts: BTreeMap<String, Funnel> = BTreeMap::new();
        let mut total = Funnel::default();
        for (key, channel, funnel) in rows {
            if bound.as_ref().is_none_or(|bound| bound.contains(&channel)) {
                *parts.entry(key).or_default() += funnel;
                total += funnel;
            }
        }
        // What was moved away is not there.
        let mut parts: Vec<_> =
            parts.into_iter().filter(|(_, funnel)| *funnel != Funnel::default()).collect();
        if by != FunnelBy::Hour {
            parts.sort_by_key(|(_, funnel)| {
                std::cmp::Reverse(funnel.of(Stage::Created) + funnel.of(Stage::Refused))
            });
        }
        Ok(VerificationStats { mode, from, to, by, total, parts })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn of(from: Option<&str>, to: Option<&str>, by: FunnelBy) -> Result<(String, String)> {
        let read = |text: &str| Timestamp::parse(text).unwrap();
        let ask = VerificationStatsAsk { mode: Mode::Test, from: from.map(read), to: to.map(read), by };
        let (from, to) = span(&ask, read("2026-11-21T18:20:00.5Z"))?;
        Ok((from.to_string(), to.to_string()))
    }

    #[test]
    fn spans_are_the_hours_that_they_touch() {
        let span = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        assert_eq!(
            of(None, None, FunnelBy::Hour).unwrap(),
            span("2026-11-14T18:00:00Z", "2026-11-21T19:00:00Z")
        );
        assert_eq!(
            of(Some("2026-11-21T10:00:00Z"), Some("2026-11-21T11:00:00Z"), FunnelBy::Country).unwrap(),
            span("2026-11-21T10:00:00Z", "2026-11-21T11:00:00Z")
        );
        assert_eq!(
            of(Some("2026-11-21T10:59:59Z"), Some("2026-11-21T11:00:00.000001Z"), FunnelBy::Country).unwrap(),
            span("2026-11-21T10:00:00Z", "2026-11-21T12:00:00Z")
        );
    }

    #[test]
    fn spans_that_are_none_or_too_long_are_refused() {
        let day = "2026-11-21T00:00:00Z";
        for (from, to, by) in [
            (Some(day), Some(day), FunnelBy::Hour),
            (Some("2026-11-22T00:00:00Z"), None, FunnelBy::Hour),
            (Some("2026-10-01T00:00:00Z"), None, FunnelBy::Hour),
            (Some("2025-01-01T00:00:00Z"), None, FunnelBy::Country),
        ] {
            assert_eq!(of(from, to, by).unwrap_err().code(), Code::InvalidParameter, "{from:?}");
        }
        assert!(of(Some("2026-10-01T00:00:00Z"), None, FunnelBy::Country).is_ok());
    }
}
