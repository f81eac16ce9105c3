//! What is measured by looking: how much waits, for how long, and how endpoints fare.
//!
//! Looked at when somebody asks for the metrics, so an installation that nobody watches does nothing for it. Each look is
//! bounded: workspaces are walked some at a time, and totals over all of them are told when a walk is complete.

use std::time::Duration;

use gatepost_core::job::JobKind;
use gatepost_core::{Result, Timestamp, WorkspaceId};
use gatepost_store::EndpointHealths;
use tokio::sync::Mutex;

use crate::App;

/// Whoever asks more often gets what was found before.
const FRESH: Duration = Duration::from_secs(5);
/// Workspaces of one transaction, and transactions of one look.
const WORKSPACES: i64 = 200;
const STEPS: usize = 5;

#[derive(Default)]
pub(crate) struct Gauges(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    at: Option<Timestamp>,
    /// The walk that is under way: the last workspace, and what was found so far.
    last: Option<WorkspaceId>,
    so_far: EndpointHealths,
}

impl App {
    /// Brings the gauges up to date, unless they are, or somebody is about it. A failure leaves them as they were.
    pub async fn gauges_refresh(&self) {
        let Ok(mut seen) = self.0.gauges.0.try_lock() else { return };
        let now = self.now();
        if seen.at.is_some_and(|at| now.since(at) < FRESH) {
            return;
        }
        seen.at = Some(now);
        if let Err(error) = self.gauges_look(&mut seen, now).await {
            tracing::warn!(%error, "the gauges of the metrics could not be brought up to date");
        }
    }

    async fn gauges_look(&self, seen: &mut Seen, now: Timestamp) -> Result<()> {
        let counts = self.0.store.read_system(async |tx| tx.job_counts().await).await?;
        for kind in JobKind::ALL {
            let found = counts.iter().find(|(known, ..)| *known == kind);
            let jobs = found.map_or(0, |(_, jobs, _)| *jobs);
            let late = found.map_or(Duration::ZERO, |(_, _, first)| now.since(*first));
            metrics::gauge!("gatepost_jobs", "kind" => kind.as_str()).set(whole(jobs));
            metrics::gauge!("gatepost_jobs_late_seconds", "kind" => kind.as_str()).set(late.as_secs_f64());
        }
        for _ in 0..STEPS {
            let after = seen.last;
            let (found, last) = self
                .0
                .store
                .read_system(async move |tx| tx.endpoint_healths(after, WORKSPACES).await)
                .await?;
            seen.so_far = seen.so_far.and(found);
            seen.last = last;
            if last.is_none() {
                endpoints_tell(std::mem::take(&mut seen.so_far), now);
                break;
            }
        }
        Ok(())
    }
}

fn endpoints_tell(found: EndpointHealths, now: Timestamp) {
    let EndpointHealths { healthy, failing, disabled, first_due } = found;
    for (health, count) in [("healthy", healthy), ("failing", failing), ("disabled", disabled)] {
        metrics::gauge!("gatepost_webhook_endpoints", "health" => health).set(whole(count));
    }
    let lag = first_due.map_or(Duration::ZERO, |first| now.since(first));
    metrics::gauge!("gatepost_webhook_lag_seconds").set(lag.as_secs_f64());
}

/// A count as gauges hold it; exact far beyond anything that is counted here.
fn whole(count: i64) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}
