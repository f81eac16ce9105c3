//! The right to touch a workspace's rows comes from a grant or a claimed job alone.
use gatepost_store::WorkspaceScope;

pub fn forge<T>(workspace: T) -> WorkspaceScope {
    WorkspaceScope(workspace)
}
