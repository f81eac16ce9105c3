//! People who signed in: sessions, and the seats that they give in workspaces.
//!
//! Defends against: a session that outlives its time, its person or its seat (all three are looked at whenever it is
//! used), a seat in one workspace opening another (it is asked for by name and found or not), a session that was left
//! open being used for what cannot be taken back (those permissions want a fresh proof).
//! Does not defend against: a cookie stolen from a browser and used before anybody ends the session.

use std::sync::Arc;
use std::time::Duration;

use super::operator::OperatorRole;
use super::permissions::Role;
use super::principal::{Actor, Credential, Principal, TokenDigest};
use crate::channel::Mode;
use crate::error::{Code, Error};
use crate::guard::Entitlements;
use crate::id::{IdentityProviderId, SessionId, UserId, WorkspaceId};
use crate::time::Timestamp;

/// How long a proof counts as fresh.
pub const FRESH_FOR: Duration = Duration::from_mins(5);

/// How long sessions live; the operator's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTimes {
    /// Without a request.
    pub idle: Duration,
    /// Altogether.
    pub absolute: Duration,
}

impl Default for SessionTimes {
    fn default() -> Self {
        Self { idle: Duration::from_hours(1), absolute: Duration::from_hours(24) }
    }
}

/// Where a session was opened, and where alone it is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionKind {
    /// In the console.
    Console,
    /// On the operators' own listener.
    Operator,
}

impl SessionKind {
    /// The number stored in the database; never reused.
    pub const fn number(self) -> i64 {
        match self {
            Self::Console => 1,
            Self::Operator => 2,
        }
    }

    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Console),
            2 => Some(Self::Operator),
            _ => None,
        }
    }
}

/// A session as the database knows it, with what is known of its person.
#[derive(Clone)]
pub struct StoredSession {
    pub id: SessionId,
    pub user: UserId,
    pub kind: SessionKind,
    /// Of the cookie's token.
    pub digest: TokenDigest,
    /// Of the token before the last renewal, and until when it still opens: requests were under way with it.
    pub previous: Option<(TokenDigest, Timestamp)>,
    pub created_at: Timestamp,
    /// When the present token was given.
    pub renewed_at: Timestamp,
    pub seen_at: Timestamp,
    /// When its person last proved who they are, with all that their account asks for.
    pub proved_at: Timestamp,
    /// Whether a second factor (or a passkey, which is two) was among the proofs.
    pub second_factor: bool,
    /// The identity provider of a workspace through which it was opened.
    pub provider: Option<IdentityProviderId>,
    /// The workspace of that provider: the session is good there and nowhere else, because whoever manages the provider
    /// can sign in as anybody who is linked with it.
    pub confined_to: Option<WorkspaceId>,
    /// What the person is to the whole installation.
    pub operator: Option<OperatorRole>,
    /// Whether the person may sign in at all.
    pub disabled: bool,
}

impl StoredSession {
    /// Whether the session is good at this time, whoever holds it.
    pub fn stands(&self, times: SessionTimes, now: Timestamp) -> bool {
        !self.disabled && now < self.ends_at(times)
    }

    /// When it ends by itself, unless it is used again before.
    pub fn ends_at(&self, times: SessionTimes) -> Timestamp {
        self.seen_at.plus(times.idle).min(self.created_at.plus(times.absolute))
    }
}

/// A seat as the database knows it, with the rules of its workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredSeat {
    pub workspace: WorkspaceId,
    pub user: UserId,
    pub role: Role,
    /// The workspace wants a second factor of its members.
    pub second_factor_required: bool,
    /// The workspace lets its members in through this identity provider only.
    pub only_through: Option<IdentityProviderId>,
    /// What the workspace may use.
    pub entitlements: Entitlements,
}

/// Somebody who signed in. Only a session makes one.
#[derive(Debug, Clone)]
pub struct Person {
    user: UserId,
    session: SessionId,
    kind: SessionKind,
    proved_at: Timestamp,
    second_factor: bool,
    provider: Option<IdentityProviderId>,
    confined_to: Option<WorkspaceId>,
    operator: Option<OperatorRole>,
}

impl Person {
    /// Verifies a presented token against a stored session. One answer for everything that is wrong.
    ///
    /// Errors: `session_ended`.
    pub fn verify(
        stored: &StoredSession,
        presented: &TokenDigest,
        times: SessionTimes,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let current = stored.digest == *presented;
        let previous = stored.previous.as_ref().is_some_and(|(old, until)| old == presented && now < *until);
        if (current | previous) && stored.stands(times, now) {
            Ok(Self::of(stored))
        } else {
            Err(Error::of(Code::SessionEnded))
        }
    }

    /// Somebody who presented the session's token before and holds on to what it opened, such as a stream: whether the
    /// session, read anew, still stands.
    ///
    /// Errors: `session_ended`.
    pub fn still(stored: &StoredSession, times: SessionTimes, now: Timestamp) -> Result<Self, Error> {
        if stored.stands(times, now) { Ok(Self::of(stored)) } else { Err(Error::of(Code::SessionEnded)) }
    }

    pub(super) const fn of(stored: &StoredSession) -> Self {
        Self {
            user: stored.user,
            session: stored.id,
            kind: stored.kind,
            proved_at: stored.proved_at,
            second_factor: stored.second_factor,
            provider: stored.provider,
            confined_to: stored.confined_to,
            operator: stored.operator,
        }
    }

    pub const fn user(&self) -> UserId {
        self.user
    }

    pub const fn session(&self) -> SessionId {
        self.session
    }

    pub const fn kind(&self) -> SessionKind {
        self.kind
    }

    pub const fn second_factor(&self) -> bool {
        self.second_factor
    }

    pub const fn provider(&self) -> Option<IdentityProviderId> {
        self.provider
    }

    /// The one workspace that the session is good for; `None` where it is good for everything that its person may do.
    pub const fn confined_to(&self) -> Option<WorkspaceId> {
        self.confined_to
    }

    /// For what concerns the person's own account: a workspace's identity provider does not speak for that.
    ///
    /// Errors: `session_confined`.
    pub fn unconfined(&self) -> Result<(), Error> {
        if self.confined_to.is_none() { Ok(()) } else { Err(Error::of(Code::SessionConfined)) }
    }

    pub const fn operator(&self) -> Option<OperatorRole> {
        self.operator
    }

    pub const fn actor(&self) -> Actor {
        Actor::User(self.user)
    }

    pub const fn credential(&self) -> Credential {
        Credential::Session(self.session)
    }

    /// Whether the proof is not older than [`FRESH_FOR`].
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now < self.proved_at.plus(FRESH_FOR)
    }

    /// For what a person does to their own account and cannot take back.
    ///
    /// Errors: `reauth_required`, `session_confined`.
    pub fn fresh(&self, now: Timestamp) -> Result<(), Error> {
        self.unconfined()?;
        if self.is_fresh(now) { Ok(()) } else { Err(Error::of(Code::ReauthRequired)) }
    }

    /// The person as a member of the seat's workspace, in both modes or one.
    ///
    /// Errors: `not_found` for somebody else's seat, `session_confined` in another workspace than that of the provider
    /// through which the session was opened, `second_factor_required` and `sso_required` where the workspace asks for
    /// more than this session brings.
    pub fn sit(
        &self,
        seat: &StoredSeat,
        mode: Option<Mode>,
        now: Timestamp,
    ) -> Result<Arc<Principal>, Error> {
        if seat.user != self.user || self.kind != SessionKind::Console {
            return Err(Error::of(Code::NotFound));
        }
        if self.confined_to.is_some_and(|workspace| workspace != seat.workspace) {
            return Err(Error::of(Code::SessionConfined));
        }
        if self.goes_around(seat)
            && !(seat.role == Role::Owner && self.second_factor && self.provider.is_none())
        {
            return Err(Error::of(Code::SsoRequired));
        }
        if seat.second_factor_required && !self.second_factor {
            return Err(Error::of(Code::SecondFactorRequired));
        }
        Ok(Arc::new(Principal::of_member(seat, self, mode, self.is_fresh(now))))
    }

    /// Whether the workspace has one way in and this session came by another. Only an owner with all factors of their
    /// own may: somebody must be able to mend a provider that does not answer any more.
    pub fn goes_around(&self, seat: &StoredSeat) -> bool {
        seat.only_through.is_some_and(|provider| self.provider != Some(provider))
    }
}

#[cfg(test)]
pub(super) mod tests_support {
    use super::*;
    use uuid::Uuid;

    /// A session of the operators' listener with a second factor, just begun, and the digest that opens it.
    pub fn operator_session(at: Timestamp, role: OperatorRole) -> (StoredSession, TokenDigest) {
        let session = StoredSession {
            id: SessionId::from_uuid(Uuid::from_u128(1)),
            user: UserId::from_uuid(Uuid::from_u128(2)),
            kind: SessionKind::Operator,
            digest: TokenDigest::new([7; 32]),
            previous: None,
            created_at: at,
            renewed_at: at,
            seen_at: at,
            proved_at: at,
            second_factor: true,
            provider: None,
            confined_to: None,
            operator: Some(role),
            disabled: false,
        };
        (session, TokenDigest::new([7; 32]))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::permission::{KeyManage, MessageRead, MessageSend};
    use super::*;
    use uuid::Uuid;

    fn stored() -> StoredSession {
        let at = Timestamp::from_seconds(1_000);
        StoredSession {
            id: SessionId::from_uuid(Uuid::from_u128(1)),
            user: UserId::from_uuid(Uuid::from_u128(2)),
            kind: SessionKind::Console,
            digest: TokenDigest::new([7; 32]),
            previous: Some((TokenDigest::new([6; 32]), Timestamp::from_seconds(1_030))),
            created_at: at,
            renewed_at: at,
            seen_at: at,
            proved_at: at,
            second_factor: false,
            provider: None,
            confined_to: None,
            operator: None,
            disabled: false,
        }
    }

    fn seat(role: Role) -> StoredSeat {
        StoredSeat {
            workspace: WorkspaceId::from_uuid(Uuid::from_u128(3)),
            user: stored().user,
            role,
            second_factor_required: false,
            only_through: None,
            entitlements: Entitlements::default(),
        }
    }

    fn person(session: &StoredSession, seconds: i64) -> Result<Person, Error> {
        let times = SessionTimes::default();
        Person::verify(session, &TokenDigest::new([7; 32]), times, Timestamp::from_seconds(seconds))
    }

    #[test]
    fn a_session_opens_only_with_its_token_and_in_its_time() {
        let at = Timestamp::from_seconds;
        let times = SessionTimes::default();
        assert!(person(&stored(), 1_000).is_ok());
        for (digest, seconds, good) in
            [(6, 1_029, true), (6, 1_030, false), (8, 1_000, false), (7, 4_599, true), (7, 4_600, false)]
        {
            let presented = TokenDigest::new([digest; 32]);
            assert_eq!(Person::verify(&stored(), &presented, times, at(seconds)).is_ok(), good, "{digest}");
        }
        let busy = StoredSession { seen_at: at(87_399), ..stored() };
        assert!(person(&busy, 87_399).is_ok() && person(&busy, 87_400).is_err(), "24 hours altogether");
        let disabled = StoredSession { disabled: true, ..stored() };
        assert_eq!(person(&disabled, 1_000).unwrap_err().code(), Code::SessionEnded);
    }

    #[test]
    fn what_cannot_be_taken_back_wants_a_fresh_proof() {
        let at = Timestamp::from_seconds;
        let person = person(&stored(), 1_000).unwrap();
        let fresh = person.sit(&seat(Role::Owner), None, at(1_299)).unwrap();
        assert!(fresh.grant::<KeyManage>().is_ok());
        let stale = person.sit(&seat(Role::Owner), None, at(1_300)).unwrap();
        assert_eq!(stale.grant::<KeyManage>().unwrap_err().code(), Code::ReauthRequired);
        assert!(stale.grant::<MessageSend>().is_ok());
        // Who does not hold it is not told to prove anything.
        let analyst = person.sit(&seat(Role::Analyst), None, at(1_300)).unwrap();
        assert_eq!(analyst.grant::<KeyManage>().unwrap_err().code(), Code::PermissionMissing);
        assert!(analyst.grant::<MessageRead>().is_ok() && analyst.grant::<MessageSend>().is_err());
    }

    #[test]
    fn a_workspace_can_ask_for_more() {
        let now = Timestamp::from_seconds(1_000);
        let plain = person(&stored(), 1_000).unwrap();
        let strict = StoredSeat { second_factor_required: true, ..seat(Role::Agent) };
        assert_eq!(plain.sit(&strict, None, now).unwrap_err().code(), Code::SecondFactorRequired);
        let strong = person(&StoredSession { second_factor: true, ..stored() }, 1_000).unwrap();
        assert!(strong.sit(&strict, None, now).is_ok());
        let provider = IdentityProviderId::from_uuid(Uuid::from_u128(9));
        let only = StoredSeat { only_through: Some(provider), ..seat(Role::Admin) };
        assert_eq!(strong.sit(&only, None, now).unwrap_err().code(), Code::SsoRequired);
        let through = person(&StoredSession { provider: Some(provider), ..stored() }, 1_000).unwrap();
        assert!(through.sit(&only, None, now).is_ok());
        let owner = StoredSeat { role: Role::Owner, ..only };
        assert!(strong.sit(&owner, None, now).is_ok() && plain.sit(&owner, None, now).is_err());
        // Another provider's word is no factor of the owner's own.
        let other = IdentityProviderId::from_uuid(Uuid::from_u128(10));
        let through = StoredSession { provider: Some(other), second_factor: true, ..stored() };
        let refused = person(&through, 1_000).unwrap().sit(&owner, None, now);
        assert_eq!(refused.unwrap_err().code(), Code::SsoRequired);
        let other = StoredSeat { user: UserId::from_uuid(Uuid::from_u128(5)), ..seat(Role::Owner) };
        assert_eq!(plain.sit(&other, None, now).unwrap_err().code(), Code::NotFound);
        let operator = person(&StoredSession { kind: SessionKind::Operator, ..stored() }, 1_000).unwrap();
        assert_eq!(operator.sit(&seat(Role::Owner), None, now).unwrap_err().code(), Code::NotFound);
    }

    /// Whoever manages a workspace's provider can sign in as anybody who is linked with it, but only there.
    #[test]
    fn a_session_through_a_workspaces_provider_is_good_there_only() {
        let now = Timestamp::from_seconds(1_000);
        let confined = |workspace| {
            let provider = Some(IdentityProviderId::from_uuid(Uuid::from_u128(9)));
            let confined_to = Some(WorkspaceId::from_uuid(Uuid::from_u128(workspace)));
            person(&StoredSession { provider, confined_to, second_factor: true, ..stored() }, 1_000).unwrap()
        };
        assert!(confined(3).sit(&seat(Role::Owner), None, now).is_ok());
        let refused = confined(4).sit(&seat(Role::Owner), None, now);
        assert_eq!(refused.unwrap_err().code(), Code::SessionConfined);
        assert_eq!(
            confined(3).fresh(now).unwrap_err().code(),
            Code::SessionConfined,
            "not for the account itself"
        );
        assert!(person(&stored(), 1_000).unwrap().fresh(now).is_ok());
    }
}
