//! The state of this installation, for its operator.

use gatepost_core::access::{OperatorGrant, operator_permission};
use gatepost_core::job::JobKind;
use gatepost_core::{NodeId, Result, Timestamp};

use crate::App;

#[derive(Debug, Clone)]
pub struct Status {
    pub version: &'static str,
    pub node: NodeId,
    pub started_at: Timestamp,
    pub now: Timestamp,
    pub nodes: Vec<NodeStatus>,
    pub work: Vec<LaneStatus>,
    /// Exceptions to the egress policy, as configured.
    pub egress_exceptions: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct NodeStatus {
    pub id: NodeId,
    pub started_at: Timestamp,
    pub live: bool,
}

/// Work of one kind that waits or is under way.
#[derive(Debug, Clone)]
pub struct LaneStatus {
    pub kind: JobKind,
    /// Counted up to [`gatepost_store::JOBS_COUNTED_MAX`].
    pub jobs: i64,
    /// When the first of them is or was due.
    pub first_due: Timestamp,
}

impl App {
    pub async fn status(&self, _grant: &OperatorGrant<operator_permission::StatusRead>) -> Result<Status> {
        let now = self.now();
        let (nodes, counts) =
            self.0.store.read_system(async |tx| Ok((tx.node_list().await?, tx.job_counts().await?))).await?;
        Ok(Status {
            version: env!("CARGO_PKG_VERSION"),
            node: self.node(),
            started_at: self.0.started_at,
            now,
            nodes: nodes
                .into_iter()
                .map(|n| NodeStatus { id: n.id, started_at: n.started_at, live: n.lease_until > now })
                .collect(),
            work: counts
                .into_iter()
                .map(|(kind, jobs, first_due)| LaneStatus { kind, jobs, first_due })
                .collect(),
            egress_exceptions: self
                .0
                .safe
                .policy()
                .config()
                .exceptions
                .iter()
                .map(ToString::to_string)
                .collect(),
        })
    }
}
