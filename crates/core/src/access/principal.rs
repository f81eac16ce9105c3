//! Principals, and the grants they yield.

use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use subtle::ConstantTimeEq;

use super::operator::OperatorIdentity;
use super::permissions::{Permission, PermissionId, PermissionSet, Role, Scope};
use super::session::{Person, StoredSeat};
use super::verification_page::StoredPage;
use crate::address::ClientAddr;
use crate::allowlist::Allowlist;
use crate::channel::Mode;
use crate::error::{Code, Error};
use crate::guard::{Entitlements, Needs};
use crate::id::{
    ApiKeyId, ChannelId, RequestId, SessionId, TokenFamilyId, UserId, VerificationPageId, WorkspaceId,
};
use crate::origin::Origin;
use crate::time::Timestamp;

/// SHA-256 of an API key. Compared in constant time.
#[derive(Clone, Copy)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    pub const fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for TokenDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenDigest {}

/// An API key as the database knows it.
#[derive(Clone)]
pub struct StoredKey {
    pub id: ApiKeyId,
    pub workspace: WorkspaceId,
    pub digest: TokenDigest,
    pub mode: Mode,
    pub scopes: Vec<Scope>,
    /// The channels it is bound to; `None` for every channel of the workspace.
    pub channels: Option<Vec<ChannelId>>,
    pub rules: Arc<KeyRules>,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

impl StoredKey {
    /// Whether the key is good at this time, whoever holds it: not revoked, not past its time.
    pub fn stands(&self, now: Timestamp) -> Result<(), KeyRefusal> {
        if self.revoked_at.is_some_and(|at| at <= now) {
            return Err(KeyRefusal::Revoked);
        }
        if self.expires_at.is_some_and(|at| at <= now) {
            return Err(KeyRefusal::Expired);
        }
        Ok(())
    }

    /// When it ends by itself: at its expiry, or at the end of the overlap of a rotation.
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.revoked_at.into_iter().chain(self.expires_at).min()
    }
}

/// What narrows the use of a key beyond its scopes and channels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyRules {
    /// From where keys of its workspace and mode may be used.
    pub workspace_list: Allowlist,
    /// From where this key may be used; both lists must admit the caller.
    pub own_list: Allowlist,
    /// The pages that may read its answers; none for a live key.
    pub origins: Vec<Origin>,
    /// The preset of rate limits that all keys of its workspace and mode share, by name.
    pub workspace_limit: Option<String>,
    /// The preset of its own.
    pub own_limit: Option<String>,
    /// What its workspace may use.
    pub entitlements: Entitlements,
}

impl KeyRules {
    /// Whether a key may be used from `client`: every list that is on must hold the address.
    pub fn admit(&self, client: Option<ClientAddr>) -> bool {
        self.workspace_list.admits(client) && self.own_list.admits(client)
    }
}

/// Why a presented key does not open the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyRefusal {
    /// No such key, or another secret. The two are not told apart.
    Unknown,
    /// The secret is right, but the key was revoked.
    Revoked,
    /// The secret is right, but the key's time is over.
    Expired,
}

impl From<KeyRefusal> for Error {
    fn from(refusal: KeyRefusal) -> Self {
        Self::of(match refusal {
            KeyRefusal::Unknown => Code::Unauthorized,
            KeyRefusal::Revoked => Code::ApiKeyRevoked,
            KeyRefusal::Expired => Code::ApiKeyExpired,
        })
    }
}

/// A presented key that was refused, and, inside the process only, whose it claims to be.
#[derive(Debug, Clone)]
pub struct KeyRefused {
    /// What the caller is told.
    pub error: Error,
    /// The key whose id was presented, where there is one. Never told to the caller.
    pub key: Option<(WorkspaceId, ApiKeyId)>,
}

impl KeyRefused {
    /// The refusal of a key that exists.
    pub fn known(refusal: KeyRefusal, stored: &StoredKey) -> Self {
        Self { error: refusal.into(), key: Some((stored.workspace, stored.id)) }
    }
}

impl From<Error> for KeyRefused {
    fn from(error: Error) -> Self {
        Self { error, key: None }
    }
}

impl From<KeyRefused> for Error {
    fn from(refused: KeyRefused) -> Self {
        refused.error
    }
}

/// Who acts, for the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    ApiKey(ApiKeyId),
    /// A person who signed in.
    User(UserId),
    /// A person who signed in as an operator of this installation.
    Operator(UserId),
    /// A visitor of a verification page.
    VerificationPage(VerificationPageId),
    /// Somebody who did not prove who they are.
    Nobody,
    /// Whoever runs this installation, through its local socket.
    LocalOperator,
    /// Gatepost itself; the text names the part.
    System(&'static str),
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ApiKey(id) => write!(f, "{id}"),
            Self::User(id) => write!(f, "{id}"),
            Self::Operator(id) => write!(f, "operator:{id}"),
            Self::VerificationPage(id) => write!(f, "{id}"),
            Self::Nobody => f.write_str("nobody"),
            Self::LocalOperator => f.write_str("operator:local"),
            Self::System(part) => write!(f, "system:{part}"),
        }
    }
}

impl Serialize for Actor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What an actor proved itself with, for the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Credential {
    ApiKey(ApiKeyId),
    Session(SessionId),
    /// The public address of a verification page.
    VerificationPage(VerificationPageId),
    /// The kernel's word for the peer of the local socket.
    SystemUser(u32),
}

impl std::fmt::Display for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ApiKey(id) => write!(f, "{id}"),
            Self::Session(id) => write!(f, "{id}"),
            Self::VerificationPage(id) => write!(f, "{id}"),
            Self::SystemUser(uid) => write!(f, "uid:{uid}"),
        }
    }
}

/// Somebody who proved who they are, in one workspace.
#[derive(Debug, Clone)]
pub struct Principal {
    workspace: WorkspaceId,
    actor: Actor,
    credential: Credential,
    holds: PermissionSet,
    /// The role of a member; `None` for keys and operators.
    role: Option<Role>,
    /// Whether what needs a fresh proof may be done. Keys are no people and owe none.
    fresh: bool,
    /// `None`: both modes (people).
    mode: Option<Mode>,
    channels: Option<Arc<[ChannelId]>>,
    rules: Arc<KeyRules>,
    /// Where it came with an access token: the exchange that the token is of.
    exchange: Option<TokenFamilyId>,
}

impl Principal {
    /// Verifies a presented secret against a stored key. The secret is compared first, so that nothing about a key is
    /// told to whoever does not hold it.
    pub fn verify_key(
        stored: &StoredKey,
        presented: &TokenDigest,
        now: Timestamp,
    ) -> Result<Self, KeyRefusal> {
        if stored.digest != *presented {
            return Err(KeyRefusal::Unknown);
        }
        Self::of_key(stored, now)
    }

    /// The same through an access token that the key was exchanged for, and that was verified.
    pub fn of_exchanged_key(
        stored: &StoredKey,
        exchange: TokenFamilyId,
        now: Timestamp,
    ) -> Result<Self, KeyRefusal> {
        Self::of_key(stored, now).map(|key| key.through_token(exchange))
    }

    /// The same principal through an access token: nothing that wants a fresh proof, and no more than before.
    #[must_use]
    pub fn through_token(&self, exchange: TokenFamilyId) -> Self {
        Self { fresh: false, exchange: Some(exchange), ..self.clone() }
    }

    fn of_key(stored: &StoredKey, now: Timestamp) -> Result<Self, KeyRefusal> {
        stored.stands(now)?;
        Ok(Self {
            workspace: stored.workspace,
            actor: Actor::ApiKey(stored.id),
            credential: Credential::ApiKey(stored.id),
            holds: PermissionSet::of_scopes(&stored.scopes),
            role: None,
            fresh: true,
            mode: Some(stored.mode),
            channels: stored.channels.as_ref().map(|ids| ids.as_slice().into()),
            rules: Arc::clone(&stored.rules),
            exchange: None,
        })
    }

    /// An operator inside one workspace; made from an operator's grant to enter (see `operator.rs`).
    pub(super) fn of_operator(workspace: WorkspaceId, by: OperatorIdentity, holds: PermissionSet) -> Self {
        Self {
            workspace,
            actor: by.actor(),
            credential: by.credential(),
            holds,
            role: None,
            fresh: true,
            mode: None,
            channels: None,
            rules: Arc::default(),
            exchange: None,
        }
    }

    /// A member; made from a session and a seat (see `session.rs`).
    pub(super) fn of_member(seat: &StoredSeat, person: &Person, mode: Option<Mode>, fresh: bool) -> Self {
        Self {
            workspace: seat.workspace,
            actor: person.actor(),
            credential: person.credential(),
            holds: PermissionSet::of_role(seat.role),
            role: Some(seat.role),
            fresh,
            mode,
            channels: None,
            rules: Arc::new(KeyRules { entitlements: seat.entitlements, ..KeyRules::default() }),
            exchange: None,
        }
    }

    /// A verification page; made from what a visitor presented (see `verification_page.rs`).
    pub(super) fn of_page(page: &StoredPage, holds: PermissionSet, rules: Arc<KeyRules>) -> Self {
        Self {
            workspace: page.workspace,
            actor: Actor::VerificationPage(page.id),
            credential: Credential::VerificationPage(page.id),
            holds,
            role: None,
            fresh: false,
            mode: Some(page.mode),
            channels: Some([page.channel].as_slice().into()),
            rules,
            exchange: None,
        }
    }

    /// Whether it may call from `client`. One answer for both lists: which of them it was is the owner's affair. The address
    /// is told, because behind proxies it is the first thing to look at.
    ///
    /// Errors: `ip_not_allowed`.
    pub fn admit(&self, client: Option<ClientAddr>) -> Result<(), Error> {
        if self.rules.admit(client) {
            return Ok(());
        }
        let seen = match client {
            Some(client) => format!("the address {client} is not on the allowlist"),
            None => "the caller's address is not known, and an allowlist is on".to_owned(),
        };
        Err(Error::new(Code::IpNotAllowed, seen))
    }

    /// Whether its workspace may use what a route needs.
    ///
    /// Errors: `subscription_suspended`, `plan_feature_unavailable`.
    pub fn entitled(&self, needs: Needs, now: Timestamp) -> Result<(), Error> {
        self.rules.entitlements.admit(needs, now)
    }

    /// What narrows its use.
    pub fn rules(&self) -> &KeyRules {
        &self.rules
    }

    /// Proof that this principal holds `P`, or the refusal that names it.
    pub fn grant<P: Permission>(self: &Arc<Self>) -> Result<Grant<P>, Error> {
        if !self.holds.holds(P::ID) {
            return Err(Error::new(Code::PermissionMissing, needed(P::ID, self.role)));
        }
        if P::ID.needs_fresh_proof() && !self.fresh {
            return Err(Error::of(Code::ReauthRequired));
        }
        Ok(Grant { principal: Arc::clone(self), request: None, client: None, permission: PhantomData })
    }

    /// The role of a member; `None` for keys and operators.
    pub const fn role(&self) -> Option<Role> {
        self.role
    }

    pub const fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    pub const fn actor(&self) -> Actor {
        self.actor
    }

    pub const fn credential(&self) -> Credential {
        self.credential
    }

    /// The exchange of the access token that it came with; `None` for whoever came without one.
    pub const fn exchange(&self) -> Option<TokenFamilyId> {
        self.exchange
    }

    /// The one mode it sees; `None` for both.
    pub const fn mode(&self) -> Option<Mode> {
        self.mode
    }

    pub const fn holds(&self, permission: PermissionId) -> bool {
        self.holds.holds(permission)
    }
}

/// What a refusal says: the permission, and which keys or members hold it, so that whoever reads it knows what to ask for.
fn needed(permission: PermissionId, role: Option<Role>) -> String {
    let held = match role {
        None => holders(permission.scopes().iter().map(|scope| scope.as_str()), "key", "scope"),
        Some(_) => holders(permission.roles().iter().map(|role| role.as_str()), "member", "role"),
    };
    format!("the permission {} is needed; {held}", permission.as_str())
}

fn holders(names: impl Iterator<Item = &'static str>, who: &str, by: &str) -> String {
    match names.collect::<Vec<_>>().as_slice() {
        [] => format!("no {who} holds it"),
        [one] => format!("{who}s with the {by} {one} hold it"),
        [first @ .., last] => {
            format!("{who}s with one of the {by}s {} or {last} hold it", first.join(", "))
        }
    }
}

/// Proof that a principal holds permission `P` in its workspace. Only [`Principal::grant`] makes one.
#[derive(Debug, Clone)]
pub struct Grant<P> {
    principal: Arc<Principal>,
    request: Option<RequestId>,
    client: Option<ClientAddr>,
    permission: PhantomData<fn() -> P>,
}

impl<P> Grant<P> {
    /// The same grant, with the request it is used in: audit entries name it.
    #[must_use]
    pub fn in_request(mut self, request: RequestId) -> Self {
        self.request = Some(request);
        self
    }

    pub const fn request(&self) -> Option<RequestId> {
        self.request
    }

    /// The same grant, with the address it is used from: audit entries name it.
    #[must_use]
    pub fn called_from(mut self, client: Option<ClientAddr>) -> Self {
        self.client = client;
        self
    }

    /// Where the caller is; `None` at the operator's socket, and where nobody calls.
    pub const fn client(&self) -> Option<ClientAddr> {
        self.client
    }

    pub fn workspace(&self) -> WorkspaceId {
        self.principal.workspace
    }

    pub fn actor(&self) -> Actor {
        self.principal.actor
    }

    pub fn credential(&self) -> Credential {
        self.principal.credential
    }

    /// The exchange of the access token that the caller came with; `None` for whoever came without one.
    pub fn exchange(&self) -> Option<TokenFamilyId> {
        self.principal.exchange
    }

    /// The role of a member; `None` for keys and operators.
    pub fn role(&self) -> Option<Role> {
        self.principal.role
    }

    /// The one mode this caller sees; `None` for both.
    pub fn mode(&self) -> Option<Mode> {
        self.principal.mode
    }

    /// True when things of `mode` exist for this caller.
    pub fn sees(&self, mode: Mode) -> bool {
        self.principal.mode.is_none_or(|own| own == mode)
    }

    /// The channels this caller is bound to; `None` for all of the workspace.
    pub fn channels(&self) -> Option<&[ChannelId]> {
        self.principal.channels.as_deref()
    }

    /// Whether the caller holds another permission too, where an answer shows more to whoever does.
    pub fn holds(&self, permission: PermissionId) -> bool {
        self.principal.holds(permission)
    }

    pub fn reaches(&self, channel: ChannelId) -> bool {
        self.principal.channels.as_deref().is_none_or(|bound| bound.contains(&channel))
    }

    /// True when the caller holds at least what `scopes` give: nobody hands out more than they have.
    pub fn covers(&self, scopes: &[Scope]) -> bool {
        self.principal.holds.covers(PermissionSet::of_scopes(scopes))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::permission::{KeyManage, MessageSend};
    use super::*;
    use uuid::Uuid;

    fn stored() -> StoredKey {
        StoredKey {
            id: ApiKeyId::from_uuid(Uuid::max()),
            workspace: WorkspaceId::from_uuid(Uuid::max()),
            digest: TokenDigest::new([7; 32]),
            mode: Mode::Live,
            scopes: vec![Scope::Send],
            channels: None,
            rules: Arc::default(),
            expires_at: Some(Timestamp::from_seconds(100)),
            revoked_at: None,
        }
    }

    #[test]
    fn a_key_opens_only_with_its_secret_and_in_its_time() {
        let (key, right, wrong) = (stored(), TokenDigest::new([7; 32]), TokenDigest::new([8; 32]));
        let at = Timestamp::from_seconds;
        assert!(Principal::verify_key(&key, &right, at(99)).is_ok());
        assert_eq!(Principal::verify_key(&key, &right, at(100)).unwrap_err(), KeyRefusal::Expired);
        assert_eq!(Principal::verify_key(&key, &wrong, at(99)).unwrap_err(), KeyRefusal::Unknown);
        assert_eq!(key.ends_at(), Some(at(100)));
        let revoked = StoredKey { revoked_at: Some(at(50)), ..key };
        assert_eq!((revoked.ends_at(), revoked.stands(at(49))), (Some(at(50)), Ok(())));
        assert_eq!(Principal::verify_key(&revoked, &right, at(60)).unwrap_err(), KeyRefusal::Revoked);
        assert_eq!(
            Principal::verify_key(&revoked, &wrong, at(60)).unwrap_err(),
            KeyRefusal::Unknown,
            "no oracle"
        );
    }

    #[test]
    fn a_grant_needs_the_permission() {
        let principal = Arc::new(
            Principal::verify_key(&stored(), &TokenDigest::new([7; 32]), Timestamp::UNIX_EPOCH).unwrap(),
        );
        assert!(principal.grant::<MessageSend>().is_ok());
        let refused = principal.grant::<KeyManage>().unwrap_err();
        assert_eq!(refused.code(), Code::PermissionMissing);
        assert_eq!(
            refused.detail(),
            "the permission key.manage is needed; keys with the scope admin hold it"
        );
        let grant = principal.grant::<MessageSend>().unwrap();
        assert!(!grant.covers(&[Scope::Admin]) && grant.covers(&[Scope::Send]));
    }

    #[test]
    fn a_refusal_says_which_keys_hold_the_permission() {
        for permission in PermissionId::ALL {
            let said = needed(*permission, None);
            assert!(said.contains(permission.as_str()), "{said}");
            for scope in permission.scopes() {
                assert!(said.contains(scope.as_str()), "{said}");
            }
            let said = needed(*permission, Some(Role::Analyst));
            assert!(permission.roles().iter().all(|role| said.contains(role.as_str())), "{said}");
        }
    }
}
