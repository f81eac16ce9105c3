//! What operators do: their visits of workspaces, what they set for a workspace as a whole, what they look through, and
//! who they are.

pub(crate) mod logs;
pub(crate) mod roles;
pub(crate) mod standing;
pub(crate) mod visits;

pub use logs::{LogAsk, LogBody, LogRow, LogSource};
pub use standing::{StandingRow, WorkspaceCounts};
pub use visits::VisitRow;
