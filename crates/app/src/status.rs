//! The state of this installation, for its operator.

use std::time::Duration;

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
    pub mail: MailStatus,
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

/// How e-mail fares.
#[derive(Debug, Clone)]
pub struct MailStatus {
    /// `mail.example.com:465`; `None` where this node is told of no mail server.
    pub server: Option<String>,
    /// The address that mails come from.
    pub from: Option<String>,
    /// Mails that wait or are being handed over.
    pub waiting: i64,
    /// Mails of the last week that did not go out: refused, or given up.
    pub failed: i64,
    /// When the mail server last took one, as far as that is remembered.
    pub last_sent: Option<Timestamp>,
}

/// Mails that failed are counted for so long.
const FAILED_FOR: Duration = Duration::from_hours(7 * 24);

impl App {
    pub async fn status(&self, _grant: &OperatorGrant<operator_permission::StatusRead>) -> Result<Status> {
        let now = self.now();
        let since = now.minus(FAILED_FOR);
        let read = self.0.store.read_system(async move |tx| {
            Ok((tx.node_list().await?, tx.job_counts().await?, tx.mail_counts(since).await?))
        });
        let (nodes, counts, mails) = read.await?;
        let place = self.0.mail.as_ref().map(gatepost_net::Mailer::place);
        let (server, from) = place.map(|(server, from)| (server, from.to_string())).unzip();
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
            mail: MailStatus {
                server,
                from,
                waiting: mails.waiting,
                failed: mails.failed,
                last_sent: mails.last_sent,
            },
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
