//! Operators: whoever runs this installation.
//!
//! There are two ways to be one: a process of the same system user, through the socket in the data directory (mode
//! 0600) or by holding that directory itself, where the kernel says who the peer is; and a person with an operator's
//! role who signed in on the operators' own listener, with a second factor.

use std::marker::PhantomData;
use std::sync::Arc;

use super::permissions::PermissionSet;
use super::principal::{Actor, Credential, Principal};
use super::session::{Person, SessionKind};
use crate::address::ClientAddr;
use crate::error::{Code, Error};
use crate::id::{RequestId, SessionId, UserId, WorkspaceId};
use crate::time::Timestamp;

/// What an operator is, apart from whoever holds the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperatorRole {
    /// Runs the installation: holds every operator permission.
    Administrator,
    /// Helps customers: sees workspaces and states, and looks inside one when they open a visit for it.
    Support,
}

impl OperatorRole {
    pub const ALL: [Self; 2] = [Self::Administrator, Self::Support];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Support => "support",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// The number stored in the database; never reused.
    pub const fn number(self) -> i64 {
        match self {
            Self::Administrator => 1,
            Self::Support => 2,
        }
    }

    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.number() == number)
    }
}

/// Who an operator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperatorIdentity {
    /// The system user at the local socket, as the kernel says.
    Local(u32),
    /// A person in a session of the operators' listener.
    Person(UserId, SessionId),
}

impl OperatorIdentity {
    pub const fn actor(self) -> Actor {
        match self {
            Self::Local(_) => Actor::LocalOperator,
            Self::Person(user, _) => Actor::Operator(user),
        }
    }

    pub const fn credential(self) -> Credential {
        match self {
            Self::Local(uid) => Credential::SystemUser(uid),
            Self::Person(_, session) => Credential::Session(session),
        }
    }
}

/// An operator's permission as a type.
pub trait OperatorPermission: Send + Sync + 'static {
    const ID: OperatorPermissionId;
}

macro_rules! operator_permissions {
    ($($(#[$doc:meta])* $name:ident = $text:literal, roles [$($role:ident),*] $(, $fresh:ident)?;)*) => {
        /// An operator's permission as a value.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum OperatorPermissionId {$($(#[$doc])* $name,)*}

        impl OperatorPermissionId {
            pub const ALL: &'static [OperatorPermissionId] = &[$(OperatorPermissionId::$name,)*];

            pub const fn as_str(self) -> &'static str {
                match self {$(OperatorPermissionId::$name => $text,)*}
            }

            /// The operator roles that hold it; the local operator holds all.
            pub const fn roles(self) -> &'static [OperatorRole] {
                match self {$(OperatorPermissionId::$name => &[$(OperatorRole::$role,)*],)*}
            }

            /// Whether a person must have proved who they are a short while ago: what is marked `fresh` changes what
            /// others may do, or opens what is theirs.
            pub const fn needs_fresh_proof(self) -> bool {
                match self {$(OperatorPermissionId::$name => operator_permissions!(@fresh $($fresh)?),)*}
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
    (@fresh fresh) => { true };
    (@fresh) => { false };
}

operator_permissions! {
    /// See which workspaces there are, and how they stand.
    WorkspaceRead = "operator.workspace.read", roles [Administrator, Support];
    /// Make workspaces, and give them a plan.
    WorkspaceManage = "operator.workspace.manage", roles [Administrator], fresh;
    /// Pause and resume a workspace's sending, put it under review.
    SendingManage = "operator.sending.manage", roles [Administrator, Support], fresh;
    /// Act inside a workspace: at the socket as its owner would, elsewhere within a visit.
    WorkspaceEnter = "operator.workspace.enter", roles [Administrator, Support];
    /// Open a visit of a workspace.
    VisitOpen = "operator.visit.open", roles [Administrator, Support], fresh;
    /// See what was sent, received and delivered, and who was refused, across workspaces: ids, states and codes.
    LogRead = "operator.log.read", roles [Administrator, Support];
    /// See and rotate master keys.
    VaultManage = "operator.vault.manage", roles [Administrator], fresh;
    /// Read and export the platform's own audit log, and see the checkpoints of every log.
    AuditRead = "operator.audit.read", roles [Administrator];
    /// See the state of this installation.
    StatusRead = "operator.status.read", roles [Administrator, Support];
    /// Send a test mail.
    MailTest = "operator.mail.test", roles [Administrator], fresh;
    /// See who is an operator.
    OperatorRead = "operator.people.read", roles [Administrator, Support];
    /// See, add, disable and recover people, and say who is an operator.
    UserManage = "operator.user.manage", roles [Administrator], fresh;
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
        OperatorGrant {
            by: OperatorIdentity::Local(self.uid),
            request: None,
            client: None,
            permission: PhantomData,
        }
    }
}

impl Person {
    /// Proof that this person is an operator who holds `P`.
    ///
    /// Errors: `not_found` outside the operators' listener and for whoever is no operator, `second_factor_required`,
    /// `permission_missing`, `reauth_required`.
    pub fn operator_grant<P: OperatorPermission>(&self, now: Timestamp) -> Result<OperatorGrant<P>, Error> {
        let Some(role) = self.operator().filter(|_| self.kind() == SessionKind::Operator) else {
            return Err(Error::of(Code::NotFound));
        };
        if !self.second_factor() {
            return Err(Error::of(Code::SecondFactorRequired));
        }
        if !P::ID.roles().contains(&role) {
            let detail = format!(
                "the permission {} is needed; operators who are administrators hold it",
                P::ID.as_str()
            );
            return Err(Error::new(Code::PermissionMissing, detail));
        }
        if P::ID.needs_fresh_proof() {
            self.fresh(now)?;
        }
        let by = OperatorIdentity::Person(self.user(), self.session());
        Ok(OperatorGrant { by, request: None, client: None, permission: PhantomData })
    }
}

/// Proof that an operator holds `P`. Only [`LocalOperator::grant`] and [`Person::operator_grant`] make one.
#[derive(Debug, Clone, Copy)]
pub struct OperatorGrant<P> {
    by: OperatorIdentity,
    request: Option<RequestId>,
    client: Option<ClientAddr>,
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

    /// The same grant, with the address it is used from: audit entries name it.
    #[must_use]
    pub const fn called_from(mut self, client: Option<ClientAddr>) -> Self {
        self.client = client;
        self
    }

    /// Where the caller is; `None` at the socket.
    pub const fn client(&self) -> Option<ClientAddr> {
        self.client
    }

    pub const fn identity(&self) -> OperatorIdentity {
        self.by
    }

    pub const fn actor(&self) -> Actor {
        self.by.actor()
    }

    pub const fn credential(&self) -> Credential {
        self.by.credential()
    }
}

impl OperatorGrant<operator_permission::WorkspaceEnter> {
    /// The operator as a principal inside `workspace`, with these permissions; what it does there is audited under the
    /// operator's name. Whether they may go in at all is for the caller to see.
    pub fn enter(&self, workspace: WorkspaceId, holds: PermissionSet) -> Arc<Principal> {
        Arc::new(Principal::of_operator(workspace, self.by, holds))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::session::tests_support::operator_session;
    use super::super::{SessionTimes, StoredSession};
    use super::operator_permission::{LogRead, UserManage, WorkspaceManage};
    use super::*;

    #[test]
    fn an_operator_signs_in_on_their_own_listener_with_a_second_factor() {
        let at = Timestamp::from_seconds;
        let (admin, digest) = operator_session(at(1_000), OperatorRole::Administrator);
        let person = |session: &StoredSession| {
            Person::verify(session, &digest, SessionTimes::default(), at(1_000)).unwrap()
        };
        let code = |session: StoredSession| {
            person(&session).operator_grant::<WorkspaceManage>(at(1_000)).err().map(|e| e.code())
        };
        assert_eq!(code(admin.clone()), None);
        assert_eq!(code(StoredSession { kind: SessionKind::Console, ..admin.clone() }), Some(Code::NotFound));
        assert_eq!(code(StoredSession { operator: None, ..admin.clone() }), Some(Code::NotFound));
        assert_eq!(
            code(StoredSession { second_factor: false, ..admin.clone() }),
            Some(Code::SecondFactorRequired)
        );
        let (support, _) = operator_session(at(1_000), OperatorRole::Support);
        assert_eq!(code(support.clone()), Some(Code::PermissionMissing));
        assert!(person(&support).operator_grant::<LogRead>(at(1_000)).is_ok());
        // Five minutes later only what needs no fresh proof.
        let person = person(&admin);
        assert!(person.operator_grant::<LogRead>(at(1_300)).is_ok());
        let stale = person.operator_grant::<UserManage>(at(1_300)).unwrap_err();
        assert_eq!(stale.code(), Code::ReauthRequired);
    }

    #[test]
    fn only_the_same_user_or_root() {
        assert!(LocalOperator::verify(1000, 1000).is_ok());
        assert!(LocalOperator::verify(0, 1000).is_ok());
        assert!(LocalOperator::verify(1001, 1000).is_err());
    }
}
