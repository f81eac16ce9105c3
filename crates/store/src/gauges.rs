//! How much waits and how endpoints fare: what an operator looks at all the time, so each look is bounded. Nothing here
//! reads more than a fixed number of entries of an index, however large the tables are.

use gatepost_core::job::JobKind;
use gatepost_core::{Result, Timestamp, WorkspaceId};
use uuid::Uuid;

use crate::engine::Row;
use crate::scope::WorkspaceScope;
use crate::store::{SystemTx, WorkspaceTx};
use crate::{params, statements};

/// Up to here jobs of a kind are counted; a queue that is longer is as long as this for whoever asks.
pub const JOBS_COUNTED_MAX: i64 = 100_000;

statements! {
    COUNT = same("SELECT COUNT(*) FROM (SELECT 1 AS job FROM job WHERE kind = $1 LIMIT $2) AS counted");
    /// From lane to lane by the index, and in each to the first of every priority.
    FIRST = same("WITH RECURSIVE lanes(lane) AS (SELECT (SELECT lane FROM job WHERE kind = $1 ORDER BY lane LIMIT 1) UNION ALL SELECT (SELECT j.lane FROM job j WHERE j.kind = $1 AND j.lane > lanes.lane ORDER BY j.lane LIMIT 1) FROM lanes WHERE lanes.lane IS NOT NULL) SELECT MIN(p0), MIN(p1), MIN(p2) FROM (SELECT (SELECT run_at FROM job WHERE kind = $1 AND lane = lanes.lane AND priority = 0 ORDER BY run_at LIMIT 1) AS p0, (SELECT run_at FROM job WHERE kind = $1 AND lane = lanes.lane AND priority = 1 ORDER BY run_at LIMIT 1) AS p1, (SELECT run_at FROM job WHERE kind = $1 AND lane = lanes.lane AND priority = 2 ORDER BY run_at LIMIT 1) AS p2 FROM lanes WHERE lane IS NOT NULL) AS firsts");
    SCOPES = same("SELECT id FROM workspace WHERE id > $1 ORDER BY id LIMIT $2");
    /// An endpoint is well when it is enabled and nothing has failed since its last success. Live deliveries have the
    /// priority 0; replays take their time.
    ENDPOINTS = same("SELECT CAST(CASE WHEN e.enabled = 0 THEN 2 WHEN e.failing_since IS NOT NULL THEN 1 ELSE 0 END AS BIGINT) AS health, COUNT(*), MIN((SELECT j.run_at FROM job j WHERE j.kind = $2 AND j.lane = e.id AND j.priority = 0 ORDER BY j.run_at LIMIT 1)) FROM endpoint e WHERE e.workspace_id = $1 AND e.deleted_at IS NULL GROUP BY health ORDER BY health");
}

/// How the endpoints of some workspaces fare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EndpointHealths {
    /// Enabled, and the last attempt succeeded.
    pub healthy: i64,
    /// Enabled, and failing.
    pub failing: i64,
    pub disabled: i64,
    /// When the first delivery is or was due that waits for an endpoint that is well.
    pub first_due: Option<Timestamp>,
}

impl EndpointHealths {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            healthy: self.healthy + other.healthy,
            failing: self.failing + other.failing,
            disabled: self.disabled + other.disabled,
            first_due: self.first_due.into_iter().chain(other.first_due).min(),
        }
    }
}

impl SystemTx<'_> {
    /// Per kind that has any: how many jobs there are, [`JOBS_COUNTED_MAX`] at most, and when the first is due.
    pub async fn job_counts(&self) -> Result<Vec<(JobKind, i64, Timestamp)>> {
        let mut found = Vec::with_capacity(JobKind::ALL.len());
        for kind in JobKind::ALL {
            let counted = params![kind.number(), JOBS_COUNTED_MAX];
            let count: i64 = self.tx.query_one(&COUNT, counted, |row: &Row<'_>| row.get(0)).await?;
            if count == 0 {
                continue;
            }
            let first = self
                .tx
                .query_one(&FIRST, params![kind.number()], |row: &Row<'_>| {
                    Ok([row.get::<Option<i64>>(0)?, row.get(1)?, row.get(2)?])
                })
                .await?;
            let first = first.into_iter().flatten().min().unwrap_or_default();
            found.push((kind, count, Timestamp::from_micros(first)));
        }
        Ok(found)
    }

    /// How the endpoints of the next `limit` workspaces fare, and the last of these; `None` when there were no more.
    pub async fn endpoint_healths(
        &self,
        after: Option<WorkspaceId>,
        limit: i64,
    ) -> Result<(EndpointHealths, Option<WorkspaceId>)> {
        let after = after.map_or(Uuid::nil(), WorkspaceId::uuid);
        let next: Vec<Uuid> =
            self.tx.query(&SCOPES, params![after, limit], |row: &Row<'_>| row.get(0)).await?;
        let mut all = EndpointHealths::default();
        for workspace in next.iter().copied().map(WorkspaceId::from_uuid) {
            all = all.and(self.enter(WorkspaceScope::of(workspace)).endpoint_healths().await?);
        }
        Ok((all, next.last().copied().map(WorkspaceId::from_uuid)))
    }
}

impl WorkspaceTx<'_> {
    async fn endpoint_healths(&self) -> Result<EndpointHealths> {
        let values = params![self.workspace, JobKind::DeliveryAttempt.number()];
        let rows: Vec<(i64, i64, Option<i64>)> = self
            .tx
            .query(&ENDPOINTS, values, |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .await?;
        let mut healths = EndpointHealths::default();
        for (health, count, first_due) in rows {
            match health {
                0 => {
                    healths.healthy = count;
                    healths.first_due = first_due.map(Timestamp::from_micros);
                }
                1 => healths.failing = count,
                _ => healths.disabled = count,
            }
        }
        Ok(healths)
    }
}
