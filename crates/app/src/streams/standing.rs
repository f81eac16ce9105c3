//! Whether whoever opened a stream may still listen.
//!
//! Threat note. Defends against: a stream that outlives its key, its person's session, seat or role
//! (whoever has another one listens anew, as what they are now), or the exchange that
//! its access token is of (that the token itself expires ends no stream: what it was exchanged for counts). A revocation
//! raises the credential epoch, as does a change of an allowlist, of a seat or of a workspace's rules, which every node
//! hears of within a heartbeat (and so does one of a plan or a subscription); whoever holds a stream then reads the key, or session and seat, anew before anything more
//! is sent, and also when this node's lease is not live, when what it knows may be old. The end of a rotated or expiring
//! key and of a session that is not used is known beforehand, and waited for.

use gatepost_core::access::{Actor, Credential, Grant, KeyRefusal, Person, Principal, Role, permission};
use gatepost_core::guard::{Feature, Needs};
use gatepost_core::{
    ApiKeyId, ClientAddr, Code, Error, Result, SessionId, Timestamp, TokenFamilyId, WorkspaceId,
};

use crate::App;

/// What a stream needs of the workspace's plan and subscription, as its route does.
const NEEDS: Needs = Needs { whatever_subscription: false, feature: Some(Feature::EventStreams) };

/// Whose end is a stream's end.
#[derive(Clone, Copy)]
enum Holder {
    Key(ApiKeyId),
    /// A member in a session, with the role that they had.
    Member(SessionId, WorkspaceId, Option<Role>),
    /// Whoever holds nothing that could end.
    Other,
}

/// What is known of the credential behind a stream.
pub(super) struct Standing {
    holder: Holder,
    /// Of the access token that it was opened with.
    exchange: Option<TokenFamilyId>,
    /// From where it listens.
    client: Option<ClientAddr>,
    epoch: i64,
    pub ends_at: Option<Timestamp>,
}

impl App {
    /// Reads what opened a stream. The grant may come from a cache; this does not.
    pub(super) async fn standing_of(&self, grant: &Grant<permission::EventRead>) -> Result<Standing> {
        let holder = match (grant.actor(), grant.credential()) {
            (Actor::ApiKey(id), _) => Holder::Key(id),
            (Actor::User(_), Credential::Session(session)) => {
                Holder::Member(session, grant.workspace(), grant.role())
            }
            _ => Holder::Other,
        };
        let (client, exchange) = (grant.client(), grant.exchange());
        let mut standing = Standing { holder, exchange, client, epoch: i64::MIN, ends_at: None };
        self.stands(&mut standing).await?;
        Ok(standing)
    }

    /// Errors: `api_key_revoked`, `api_key_expired`, `ip_not_allowed`; `access_token_ended`, `session_ended`, and what a member is refused who
    /// no longer has the seat, its role or what the workspace asks for; and those of a store that does not answer.
    pub(super) async fn stands(&self, standing: &mut Standing) -> Result<()> {
        let (credentials, now) = (&self.0.credentials, self.now());
        // Read before the key: an epoch that moves meanwhile makes us read again.
        let epoch = credentials.epoch();
        let fresh = standing.epoch == epoch && credentials.is_live(now);
        if fresh && standing.ends_at.is_none_or(|end| now < end) {
            return Ok(());
        }
        if let Some(family) = standing.exchange
            && !self.family_stands(family).await?
        {
            return Err(Error::of(Code::AccessTokenEnded));
        }
        let ends_at = match standing.holder {
            Holder::Key(id) => self.key_stands(id, standing.client, now).await?,
            Holder::Member(session, workspace, role) => {
                Some(self.member_stands(session, workspace, role, now).await?)
            }
            Holder::Other => return Ok(()),
        };
        standing.epoch = epoch;
        standing.ends_at = ends_at;
        Ok(())
    }

    async fn key_stands(
        &self,
        id: ApiKeyId,
        client: Option<ClientAddr>,
        now: Timestamp,
    ) -> Result<Option<Timestamp>> {
        let plan = self.default_plan();
        let found =
            self.0.store.read_system(async move |tx| tx.api_key_find(id, plan.as_deref()).await).await?;
        let stored = found.ok_or(KeyRefusal::Revoked).map_err(Error::from)?;
        stored.stands(now)?;
        if !stored.rules.admit(client) {
            return Err(Error::of(Code::IpNotAllowed));
        }
        stored.rules.entitlements.admit(NEEDS, now)?;
        let subscription = stored.rules.entitlements.subscription;
        Ok(stored.ends_at().into_iter().chain(subscription.ends_at()).min())
    }

    async fn member_stands(
        &self,
        session: SessionId,
        workspace: WorkspaceId,
        role: Option<Role>,
        now: Timestamp,
    ) -> Result<Timestamp> {
        let plan = self.default_plan();
        let (session, seat) = self
            .0
            .store
            .read_system(async move |tx| {
                let Some(row) = tx.session_get(session).await? else { return Ok((None, None)) };
                let seat = tx.seat(workspace, row.session.user, plan.as_deref()).await?;
                Ok((Some(row.session), seat))
            })
            .await?;
        let mut session = session.ok_or_else(|| Error::of(Code::SessionEnded))?;
        // Uses of its access tokens are written down after a while only.
        session.seen_at = session.seen_at.max(self.session_seen_at(session.id).unwrap_or(session.seen_at));
        let times = self.0.config.sessions;
        let person = Person::still(&session, times, now)?;
        let seat = seat.ok_or_else(|| Error::of(Code::NotFound))?;
        if role.is_some_and(|role| role != seat.role) {
            return Err(Error::new(Code::PermissionMissing, "the member has another role now"));
        }
        let principal = person.sit(&seat, None, now)?;
        Principal::grant::<permission::EventRead>(&principal)?;
        principal.entitled(NEEDS, now)?;
        let ends_at = session.ends_at(times);
        Ok(seat.entitlements.subscription.ends_at().map_or(ends_at, |end| end.min(ends_at)))
    }
}
