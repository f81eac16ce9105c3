//! Visits: an operator's right to look into one workspace for a while.
//!
//! Threat note. Defends against: staff who look at customers' data without a word (a visit has a reason, an end, and is
//! in the workspace's own audit log; each request inside is, too), a visit that changes anything (it holds reads alone),
//! one that shows more than it was opened for (messages, events and members need a visit with content), one that
//! outlives its end or its operator (it is looked up for each request).
//! Does not defend against: whoever holds the machine itself; they could read the database's files and the master key.

use std::sync::Arc;
use std::time::Duration;

use super::operator::{OperatorGrant, OperatorIdentity, operator_permission};
use super::permissions::{PermissionId, PermissionSet};
use super::principal::Principal;
use crate::error::{Code, Error};
use crate::id::{OperatorVisitId, UserId, WorkspaceId};
use crate::text;
use crate::time::Timestamp;

/// How long a visit lasts where nothing else is said.
pub const VISIT_LASTS: Duration = Duration::from_hours(1);
/// And at most.
pub const VISIT_LASTS_MAX: Duration = Duration::from_hours(8);
/// And at least.
pub const VISIT_LASTS_MIN: Duration = Duration::from_mins(1);

const REASON_MIN: usize = 10;
const REASON_MAX: usize = 500;

/// Why an operator does what a workspace's owners will read of: 10 to 500 characters, one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorReason(String);

impl OperatorReason {
    /// Errors: a sentence that says what is taken.
    pub fn parse(written: &str) -> Result<Self, String> {
        let expected = || format!("expected {REASON_MIN} to {REASON_MAX} characters that say why");
        if written.trim().chars().count() > REASON_MAX {
            return Err(expected());
        }
        let clean = text::name(written, REASON_MAX)?;
        if clean.chars().count() < REASON_MIN {
            return Err(expected());
        }
        Ok(Self(clean))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<OperatorReason> for String {
    fn from(reason: OperatorReason) -> Self {
        reason.0
    }
}

/// What every visit may read: how a workspace is set up, and what was done there. Secrets are shown to nobody.
const SET_UP: [PermissionId; 12] = [
    PermissionId::WorkspaceRead,
    PermissionId::ChannelRead,
    PermissionId::TemplateRead,
    PermissionId::EndpointRead,
    PermissionId::VerificationPageRead,
    PermissionId::KeyRead,
    PermissionId::AllowlistRead,
    PermissionId::OriginRead,
    PermissionId::IdentityProviderRead,
    PermissionId::AuditRead,
    PermissionId::GuardRead,
    PermissionId::OperatorVisitRead,
];

/// What a visit may read beside that when it was opened with content: what people wrote, their numbers, what was
/// given along with codes, who the members
/// are, and what receivers answered.
const CONTENT: [PermissionId; 7] = [
    PermissionId::MessageRead,
    PermissionId::VerificationRead,
    PermissionId::ReviewRead,
    PermissionId::EventRead,
    PermissionId::MemberRead,
    PermissionId::NoticeRead,
    PermissionId::DeliveryAnswerRead,
];

impl PermissionSet {
    /// What a visit holds.
    pub fn of_visit(content: bool) -> Self {
        let beside: &[PermissionId] = if content { &CONTENT } else { &[] };
        Self::of(SET_UP.iter().chain(beside).copied())
    }
}

/// A visit as the database knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredVisit {
    pub id: OperatorVisitId,
    pub workspace: WorkspaceId,
    pub operator: UserId,
    /// Whether contents may be read.
    pub content: bool,
    pub opened_at: Timestamp,
    pub expires_at: Timestamp,
    /// When it was ended by hand.
    pub ended_at: Option<Timestamp>,
}

impl StoredVisit {
    pub fn stands(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && now < self.expires_at
    }
}

impl OperatorGrant<operator_permission::WorkspaceEnter> {
    /// The operator inside the workspace of their own visit, with what it lets them read.
    ///
    /// Errors: `permission_missing` for a visit of somebody else, or one that is over.
    pub fn visit(&self, visit: &StoredVisit, now: Timestamp) -> Result<Arc<Principal>, Error> {
        let own = matches!(self.identity(), OperatorIdentity::Person(user, _) if user == visit.operator);
        if own && visit.stands(now) {
            Ok(self.enter(visit.workspace, PermissionSet::of_visit(visit.content)))
        } else {
            Err(no_visit())
        }
    }
}

/// What an operator hears who has no visit of the workspace open.
pub fn no_visit() -> Error {
    Error::new(Code::PermissionMissing, "you have no visit of this workspace open: open one, with a reason")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::operator::OperatorRole;
    use super::super::permissions::{Role, Scope};
    use super::super::session::tests_support::operator_session;
    use super::super::{Person, SessionTimes};
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_visit_reads_and_does_nothing_else() {
        for content in [false, true] {
            let holds = PermissionSet::of_visit(content);
            for permission in PermissionId::ALL {
                let name = permission.as_str();
                let reads = name.ends_with("read");
                assert!(!holds.holds(*permission) || reads, "{name}");
                assert!(!holds.holds(*permission) || !permission.needs_fresh_proof(), "{name}");
                let contents = CONTENT.contains(permission);
                assert_eq!(holds.holds(*permission), reads && (content || !contents), "{name}");
            }
        }
        assert!(PermissionSet::of_role(Role::Owner).covers(PermissionSet::of_visit(true)));
        assert!(!PermissionSet::of_visit(false).covers(PermissionSet::of_scopes(&[Scope::Read])));
    }

    #[test]
    fn only_ones_own_and_only_in_its_time() {
        let at = Timestamp::from_seconds;
        let (session, digest) = operator_session(at(1_000), OperatorRole::Support);
        let person = Person::verify(&session, &digest, SessionTimes::default(), at(1_000)).unwrap();
        let grant = person.operator_grant::<operator_permission::WorkspaceEnter>(at(1_000)).unwrap();
        let visit = StoredVisit {
            id: OperatorVisitId::from_uuid(Uuid::from_u128(1)),
            workspace: WorkspaceId::from_uuid(Uuid::from_u128(2)),
            operator: session.user,
            content: false,
            opened_at: at(1_000),
            expires_at: at(2_000),
            ended_at: None,
        };
        let inside = grant.visit(&visit, at(1_999)).unwrap();
        assert!(inside.holds(PermissionId::ChannelRead) && !inside.holds(PermissionId::MessageRead));
        assert_eq!(inside.workspace(), visit.workspace);
        for other in [
            StoredVisit { expires_at: at(1_999), ..visit.clone() },
            StoredVisit { ended_at: Some(at(1_500)), ..visit.clone() },
            StoredVisit { operator: UserId::from_uuid(Uuid::from_u128(9)), ..visit },
        ] {
            assert_eq!(grant.visit(&other, at(1_999)).unwrap_err().code(), Code::PermissionMissing);
        }
    }

    #[test]
    fn a_reason_says_something() {
        assert_eq!(
            OperatorReason::parse("  ticket 4711: stuck sends ").unwrap().as_str(),
            "ticket 4711: stuck sends"
        );
        for bad in ["", "because", "         x", "two\nlines of text", "a\u{202e}bcdefghijk"] {
            assert!(OperatorReason::parse(bad).is_err(), "{bad:?}");
        }
        assert!(OperatorReason::parse(&"x".repeat(500)).is_ok());
        assert!(OperatorReason::parse(&"x".repeat(501)).is_err());
    }
}
