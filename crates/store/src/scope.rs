//! The right to touch one workspace's rows.

use gatepost_core::WorkspaceId;
use gatepost_core::access::Grant;
use uuid::Uuid;

/// The right to touch the rows of one workspace. Comes from a [`Grant`], from a claimed job, or from the store's own
/// routing of a signed callback; nothing outside this crate can make one of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WorkspaceScope(WorkspaceId);

impl WorkspaceScope {
    pub(crate) const fn of(workspace: WorkspaceId) -> Self {
        Self(workspace)
    }

    /// The platform's own rows (nil workspace): the operator's Meta apps, callback parts that belong to nobody.
    pub const fn platform() -> Self {
        Self(WorkspaceId::from_uuid(Uuid::nil()))
    }

    pub const fn workspace(self) -> WorkspaceId {
        self.0
    }
}

impl<P> From<&Grant<P>> for WorkspaceScope {
    fn from(grant: &Grant<P>) -> Self {
        Self(grant.workspace())
    }
}
