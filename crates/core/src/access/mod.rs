//! Who may do what.
//!
//! A credential that was presented is verified against what is stored and becomes a [`Principal`]; a principal that
//! holds a permission yields a [`Grant`] of it; a use case takes the grant as an argument. Nothing else makes either.
//!
//! Defends against: a forgotten check (no grant, no call), an id in a request widening what a credential may do
//! (the workspace comes from the credential alone), a test credential touching live things.
//! Does not defend against: code inside the process that stores a credential of its own and presents it.

mod operator;
mod permissions;
mod principal;
mod session;
mod verification_page;
mod visit;

pub use operator::{
    LocalOperator, OperatorGrant, OperatorIdentity, OperatorPermission, OperatorPermissionId, OperatorRole,
    operator_permission,
};
pub use permissions::{Permission, PermissionId, PermissionSet, Role, Scope, permission};
pub use principal::{
    Actor, Credential, Grant, KeyRefusal, KeyRefused, KeyRules, Principal, StoredKey, TokenDigest,
};
pub use session::{FRESH_FOR, Person, SessionKind, SessionTimes, StoredSeat, StoredSession};
pub use verification_page::StoredPage;
pub use visit::{OperatorReason, StoredVisit, VISIT_LASTS, VISIT_LASTS_MAX, VISIT_LASTS_MIN, no_visit};
