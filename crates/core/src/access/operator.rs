//! The operator: whoever runs this installation.
//!
//! Until people can sign in there is one way to be the operator: a process of the same system user, through the
//! socket in the data directory (mode 0600) or by holding that directory itself. The kernel says who the peer is.

use std::marker::PhantomData;
use std::sync::Arc;

use super::principal::{Credential, Principal};
use crate::error::{Code, Error};
use crate::id::{RequestId, WorkspaceId};

/// An operator's permission as a type.
pub trait OperatorPermission: Send + Sync + 'static {
    const ID: OperatorPermissionId;
}

macro_rules! operator_permissions {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// An operator's permission as a value.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum OperatorPermissionId {$($(#[$doc])* $name,)*}

        impl OperatorPermissionId {
            pub const ALL: &'static [OperatorPermissionId] = &[$(OperatorPermissionId::$name,)*];

            pub const fn as_str(self) -> &'static str {
                match self {$(OperatorPermissionId::$name => $text,)*}
            }
        }

        /// The operator's permissions as types.
        pub mod operator_permission {
            use super::{OperatorPermission, OperatorPermissionId};
            $(
                $(#[$doc])*
                #[derive(Debug, Clone, Copy)]
                pub enum $name {}
                impl OperatorPermission for $name {
                    const ID: OperatorPermissionId = OperatorPermissionId::$name;
                }
            )*
        }
    };
}

operator_permissions! {
    /// See which workspaces there are.
    WorkspaceRead = "operator.workspace.read";
    /// Make workspaces.
    WorkspaceManage = "operator.workspace.manage";
    /// Act inside a workspace.
    WorkspaceEnter = "operator.workspace.enter";
    /// See and rotate master keys.
    VaultManage = "operator.vault.manage";
    /// Read and export the platform's own audit log, and see the checkpoints of every log.
    AuditRead = "operator.audit.read";
    /// See the state of this installation.
    StatusRead = "operator.status.read";
}

/// The operator at the local socket. Holds every operator permission.
#[derive(Debug, Clone, Copy)]
pub struct LocalOperator {
    /// The system user, as the kernel says.
    uid: u32,
}

impl LocalOperator {
    /// Verifies the system user that the kernel names for the peer against our own. Root passes: it could read the
    /// directory anyway.
    pub fn verify(peer_uid: u32, own_uid: u32) -> Result<Self, Error> {
        if peer_uid == own_uid || peer_uid == 0 {
            Ok(Self { uid: peer_uid })
        } else {
            Err(Error::new(
                Code::PermissionMissing,
                "only the system user that runs Gatepost may use this socket",
            ))
        }
    }

    pub const fn grant<P: OperatorPermission>(self) -> OperatorGrant<P> {
        OperatorGrant { uid: self.uid, request: None, permission: PhantomData }
    }
}

/// Proof that the operator holds `P`. Only [`LocalOperator::grant`] makes one.
#[derive(Debug, Clone, Copy)]
pub struct OperatorGrant<P> {
    uid: u32,
    request: Option<RequestId>,
    permission: PhantomData<fn() -> P>,
}

impl<P> OperatorGrant<P> {
    /// The same grant, with the request it is used in: audit entries name it.
    #[must_use]
    pub const fn in_request(mut self, request: RequestId) -> Self {
        self.request = Some(request);
        self
    }

    pub const fn request(&self) -> Option<RequestId> {
        self.request
    }

    pub const fn credential(&self) -> Credential {
        Credential::SystemUser(self.uid)
    }
}

impl OperatorGrant<operator_permission::WorkspaceEnter> {
    /// The operator as a principal inside `workspace`; what it does there is audited under the operator's name.
    pub fn enter(&self, workspace: WorkspaceId) -> Arc<Principal> {
        Arc::new(Principal::of_local_operator(workspace, self.uid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_user_or_root() {
        assert!(LocalOperator::verify(1000, 1000).is_ok());
        assert!(LocalOperator::verify(0, 1000).is_ok());
        assert!(LocalOperator::verify(1001, 1000).is_err());
    }
}
