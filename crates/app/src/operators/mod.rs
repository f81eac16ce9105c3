//! What operators do beyond a single workspace's rows: visits, how workspaces stand, logs across them, and who operators
//! are.
//!
//! Threat note. Defends against: staff who see more than they need (logs hold ids, states, codes and masked numbers; the
//! rest takes a visit, whose owners know of it), reading that leaves no trace (a log page is in the platform's audit log
//! and a request inside a workspace in that workspace's, before anything is shown), an installation without an
//! administrator, an operator who is none any more and still signed in or visiting.
//! Does not defend against: two operators who agree to misuse what each may do.

mod logs;
mod plans;
mod roles;
mod standing;
mod visits;

pub(crate) use logs::masked;
pub use logs::{LogEntry, LogKind, LogQuery, LogSubject};
pub use plans::PlanView;
pub use roles::OperatorView;
pub use standing::{StandingView, WorkspaceDetail};
pub use visits::{OperatorVisitOpen, OperatorVisitView};
