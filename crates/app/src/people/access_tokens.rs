//! Access tokens: what a session or an API key is exchanged for, for machines and mobile apps.
//!
//! An access token is a signed text that lives for minutes ([`gatepost_vault::access_token`]); beside it there is a refresh
//! token, good once, for the next pair. All tokens of one exchange are a family, whose refresh tokens are tickets: as long
//! as one of them is good the family stands, and where it was ended nothing of it opens any more.
//!
//! Threat note. Defends against: a token that outlives its session, its seat, its key or its family on any node (each use
//! asks for all of them; what was cached is void with the credential epoch), a stolen refresh token (the second use of
//! one, whoever is first, ends the family, and the log tells of it), a token that can do more than what it was exchanged
//! for (it is that, narrowed to one workspace and mode), one that makes keys or members (whatever wants a fresh proof is
//! refused), an exchange by a token of another (only a session or the key itself is exchanged).
//! Does not defend against: a stolen access token, until it expires or its family is ended.

use std::sync::Arc;
use std::time::Duration;

use gatepost_core::access::{Actor, Credential, KeyRefused, Person, Principal};
use gatepost_core::audit::{Action, Audit, AuditEntry};
use gatepost_core::channel::Mode;
use gatepost_core::{
    ApiKeyId, ClientAddr, Code, Error, Result, Secret, SessionId, Timestamp, TokenFamilyId, UserId,
    WorkspaceId,
};
use gatepost_store::{SystemTx, TicketKind, TicketRow, WorkspaceScope};
use gatepost_vault::{
    AccessClaims, AccessTokenFault, AccessTokenKey, TokenSubject, refresh_digest, refresh_token,
};
use serde::{Deserialize, Serialize};

use super::Caller;
use super::tickets::{ticket_state_open, ticket_state_seal};
use crate::App;

/// Families that are held at once.
const CACHED: u64 = 20_000;

/// How long tokens live; the operator's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenTimes {
    pub access: Duration,
    /// How long a refresh token waits to be used; never longer than its session.
    pub refresh: Duration,
}

impl Default for TokenTimes {
    fn default() -> Self {
        Self { access: Duration::from_mins(15), refresh: Duration::from_hours(24) }
    }
}

/// What this node holds of access tokens.
pub(crate) struct AccessTokens {
    key: tokio::sync::OnceCell<AccessTokenKey>,
    /// The epoch in which a family was found to stand.
    families: moka::sync::Cache<TokenFamilyId, i64>,
}

impl Default for AccessTokens {
    fn default() -> Self {
        Self { key: tokio::sync::OnceCell::new(), families: moka::sync::Cache::new(CACHED) }
    }
}

/// A pair of tokens, shown this once.
pub struct TokensIssued {
    pub access: Secret<String>,
    pub expires_in: Duration,
    pub refresh: Secret<String>,
    pub refresh_expires_at: Timestamp,
    pub workspace: WorkspaceId,
    pub mode: Mode,
}

/// What is kept, sealed, with a refresh token.
#[derive(Serialize, Deserialize)]
struct Kept {
    session: Option<SessionId>,
    key: Option<ApiKeyId>,
    live: bool,
}

/// What was exchanged.
#[derive(Clone, Copy)]
struct Exchange {
    subject: TokenSubject,
    user: Option<UserId>,
    workspace: WorkspaceId,
    mode: Mode,
    family: TokenFamilyId,
}

impl Exchange {
    const fn actor(&self) -> Actor {
        match (self.subject, self.user) {
            (TokenSubject::ApiKey(key), _) => Actor::ApiKey(key),
            (TokenSubject::Session(_), Some(user)) => Actor::User(user),
            (TokenSubject::Session(_), None) => Actor::Nobody,
        }
    }

    const fn credential(&self) -> Credential {
        match self.subject {
            TokenSubject::ApiKey(key) => Credential::ApiKey(key),
            TokenSubject::Session(session) => Credential::Session(session),
        }
    }

    fn kept(&self) -> Kept {
        let live = self.mode == Mode::Live;
        match self.subject {
            TokenSubject::Session(session) => Kept { session: Some(session), key: None, live },
            TokenSubject::ApiKey(key) => Kept { session: None, key: Some(key), live },
        }
    }

    /// Of the ticket and what was sealed in it.
    fn of(row: &TicketRow, kept: &Kept) -> Option<Self> {
        let subject = match (kept.session, kept.key) {
            (Some(session), None) => TokenSubject::Session(session),
            (None, Some(key)) => TokenSubject::ApiKey(key),
            _ => return None,
        };
        Some(Self {
            subject,
            user: row.user,
            workspace: row.workspace?,
            mode: if kept.live { Mode::Live } else { Mode::Test },
            family: TokenFamilyId::from_uuid(row.subject?),
        })
    }
}

fn invalid() -> Error {
    Error::of(Code::RefreshTokenInvalid)
}

fn ended() -> Error {
    Error::of(Code::AccessTokenEnded)
}

impl App {
    /// Exchanges a session for tokens of one workspace and mode.
    ///
    /// Errors: as [`App::principal_of_person`].
    pub async fn tokens_of_session(
        &self,
        person: &Person,
        caller: &Caller,
        workspace: WorkspaceId,
        mode: Mode,
    ) -> Result<TokensIssued> {
        self.principal_of_person(person, workspace).await?;
        let exchange = Exchange {
            subject: TokenSubject::Session(person.session()),
            user: Some(person.user()),
            workspace,
            mode,
            family: TokenFamilyId::new(self.now(), self.entropy()),
        };
        self.tokens_begin(caller, exchange).await
    }

    /// Exchanges an API key for tokens of its workspace and mode.
    ///
    /// Errors: `permission_missing` for whatever is no API key itself.
    pub async fn tokens_of_key(&self, key: &Principal, caller: &Caller) -> Result<TokensIssued> {
        let (Actor::ApiKey(id), Some(mode), None) = (key.actor(), key.mode(), key.exchange()) else {
            let detail =
                "only a session or an API key is exchanged; renew an access token with its refresh token";
            return Err(Error::new(Code::PermissionMissing, detail));
        };
        let exchange = Exchange {
            subject: TokenSubject::ApiKey(id),
            user: None,
            workspace: key.workspace(),
            mode,
            family: TokenFamilyId::new(self.now(), self.entropy()),
        };
        self.tokens_begin(caller, exchange).await
    }

    async fn tokens_begin(&self, caller: &Caller, exchange: Exchange) -> Result<TokensIssued> {
        let (issued, row) = self.tokens_prepare(exchange).await?;
        let audit = self.audit_exchange(caller, &exchange, Action::AccessTokenIssued);
        let workspace = exchange.workspace;
        self.0
            .store
            .write_system(async move |tx| {
                tx.ticket_put(&row).await?;
                tx.audit_add(workspace, std::slice::from_ref(&audit)).await?;
                tx.commit(IN_THEIR_LOG, ())
            })
            .await?;
        Ok(issued)
    }

    /// A pair of tokens, and the row of the refresh token.
    async fn tokens_prepare(&self, exchange: Exchange) -> Result<(TokensIssued, TicketRow)> {
        let (now, times) = (self.now(), self.0.config.tokens);
        let mut refresh_expires_at = now.plus(times.refresh);
        let mut expires_at = now.plus(times.access);
        if let TokenSubject::Session(session) = exchange.subject {
            let known = self.known_session_of(session).await?;
            let end = known.stored().created_at.plus(self.0.config.sessions.absolute);
            (refresh_expires_at, expires_at) = (refresh_expires_at.min(end), expires_at.min(end));
        }
        let claims = AccessClaims {
            subject: exchange.subject,
            workspace: Some(exchange.workspace),
            mode: Some(exchange.mode),
            family: exchange.family,
            issued: now,
            expires: expires_at,
        };
        let access = self.access_token_key().await?.sign(&claims);
        let (refresh, digest) = refresh_token(self.entropy());
        let digest = *digest.as_bytes();
        let kept = serde_json::to_vec(&exchange.kept()).map_err(Error::internal)?;
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let row = TicketRow {
            digest,
            kind: TicketKind::Refresh,
            user: exchange.user,
            workspace: Some(exchange.workspace),
            subject: Some(exchange.family.uuid()),
            state: Some(ticket_state_seal(&keys, &digest, &kept)?),
            attempts: 0,
            created_at: now,
            expires_at: refresh_expires_at,
        };
        let Exchange { workspace, mode, .. } = exchange;
        let expires_in = expires_at.since(now);
        Ok((TokensIssued { access, expires_in, refresh, refresh_expires_at, workspace, mode }, row))
    }

    /// The next pair for a refresh token. A second use of one ends all that came from the same exchange.
    ///
    /// Errors: `refresh_token_invalid`, whatever is wrong with it or with what was exchanged.
    pub async fn tokens_refresh(&self, caller: &Caller, presented: &str) -> Result<TokensIssued> {
        let (row, exchange) = self.refresh_find(presented).await?.ok_or_else(invalid)?;
        if row.attempts == 0
            && let Err(refused) = self.principal_of_exchange(exchange, caller.client).await
        {
            let over = matches!(refused.error.code().status(), 401 | 403 | 404);
            return Err(if over { invalid().with_context(refused.error) } else { refused.error });
        }
        let (issued, next) = self.tokens_prepare(exchange).await?;
        let audit = self
            .audit_exchange(caller, &exchange, Action::RefreshTokenRefused)
            .refused(Code::RefreshTokenInvalid);
        let (digest, workspace, family) = (row.digest, exchange.workspace, exchange.family);
        let void = self
            .0
            .store
            .write_system(async move |tx| {
                if tx.ticket_attempt(&digest, TicketKind::Refresh, 1).await? {
                    tx.ticket_put(&next).await?;
                    return tx
                        .commit(Audit::None("the next token of a family whose beginning is audited"), None);
                }
                let epoch = family_end(tx, family, workspace, &audit).await?;
                tx.commit(IN_THEIR_LOG, Some(epoch))
            })
            .await?;
        match void {
            None => Ok(issued),
            Some(epoch) => {
                self.await_epoch(epoch).await?;
                Err(invalid())
            }
        }
    }

    /// Ends the family of an access or refresh token. What is none of ours ends nothing, and is not told apart.
    pub async fn tokens_revoke(&self, caller: &Caller, presented: &str) -> Result<()> {
        let of_refresh = self.refresh_find(presented).await?.map(|(_, exchange)| exchange);
        let found = match of_refresh {
            Some(exchange) => Some(exchange),
            None => self.exchange_of_access(presented).await?,
        };
        let Some(exchange) = found else { return Ok(()) };
        let audit = self.audit_exchange(caller, &exchange, Action::AccessTokenRevoked);
        let (workspace, family) = (exchange.workspace, exchange.family);
        let epoch = self
            .0
            .store
            .write_system(async move |tx| {
                let epoch = family_end(tx, family, workspace, &audit).await?;
                tx.commit(IN_THEIR_LOG, epoch)
            })
            .await?;
        self.await_epoch(epoch).await
    }

    /// What an access token that is ours, and whose family stands, was exchanged for.
    async fn exchange_of_access(&self, presented: &str) -> Result<Option<Exchange>> {
        let Ok(claims) = self.access_token_key().await?.verify(presented, self.now()) else {
            return Ok(None);
        };
        let (Some(workspace), Some(mode)) = (claims.workspace, claims.mode) else { return Ok(None) };
        let user = match claims.subject {
            TokenSubject::Session(session) => {
                let known = self.known_session_of(session).await;
                known.ok().map(|known| known.stored().user)
            }
            TokenSubject::ApiKey(_) => None,
        };
        let AccessClaims { subject, family, .. } = claims;
        Ok(self.family_stands(family).await?.then_some(Exchange { subject, user, workspace, mode, family }))
    }

    async fn refresh_find(&self, presented: &str) -> Result<Option<(TicketRow, Exchange)>> {
        let Some(digest) = refresh_digest(presented) else { return Ok(None) };
        let (digest, now) = (*digest.as_bytes(), self.now());
        let kind = TicketKind::Refresh;
        let row = self.0.store.read_system(async move |tx| tx.ticket_peek(&digest, kind, now).await).await?;
        let Some(row) = row else { return Ok(None) };
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let Some(kept) = ticket_state_open(&keys, &row)? else { return Ok(None) };
        let kept: Kept = serde_json::from_slice(kept.expose()).map_err(Error::internal)?;
        Ok(Exchange::of(&row, &kept).map(|exchange| (row, exchange)))
    }

    /// Who presents an access token.
    ///
    /// Errors: `unauthorized` for what is none of ours, `access_token_expired`, `access_token_ended`, those of the key or
    /// the seat that it was exchanged for.
    pub(crate) async fn principal_of_token(
        &self,
        presented: &str,
        client: Option<ClientAddr>,
    ) -> Result<Arc<Principal>, KeyRefused> {
        let claims = match self.access_token_key().await?.verify(presented, self.now()) {
            Ok(claims) => claims,
            Err(AccessTokenFault::NotOurs) => return Err(Error::of(Code::Unauthorized).into()),
            Err(AccessTokenFault::Expired) => return Err(Error::of(Code::AccessTokenExpired).into()),
        };
        let (Some(workspace), Some(mode)) = (claims.workspace, claims.mode) else {
            return Err(Error::of(Code::Unauthorized).into());
        };
        let AccessClaims { subject, family, .. } = claims;
        self.principal_of_exchange(Exchange { subject, user: None, workspace, mode, family }, client).await
    }

    /// What was exchanged, as it stands now.
    async fn principal_of_exchange(
        &self,
        exchange: Exchange,
        client: Option<ClientAddr>,
    ) -> Result<Arc<Principal>, KeyRefused> {
        if !self.family_stands(exchange.family).await? {
            return Err(ended().into());
        }
        match exchange.subject {
            TokenSubject::Session(session) => {
                let person = self.person_of_exchange(session).await?;
                let member = self.member_of(&person, exchange.workspace, Some(exchange.mode)).await;
                let member = member.map_err(|error| match error.code() {
                    Code::NotFound => ended(),
                    _ => error,
                })?;
                Ok(Arc::new(member.through_token(exchange.family)))
            }
            TokenSubject::ApiKey(key) => self.principal_of_exchanged_key(key, exchange.family, client).await,
        }
    }

    async fn person_of_exchange(&self, session: SessionId) -> Result<Person> {
        let known = self.known_session_of(session).await.map_err(|error| match error.code() {
            Code::SessionEnded => ended(),
            _ => error,
        })?;
        let now = self.now();
        let person = Person::still(&known.now_seen(), self.0.config.sessions, now).map_err(|_| ended())?;
        known.seen(now);
        Ok(person)
    }

    /// Whether a family was not ended.
    pub(crate) async fn family_stands(&self, family: TokenFamilyId) -> Result<bool> {
        let (inner, now) = (&self.0, self.now());
        // Read before the rows: an epoch that moves meanwhile voids what we are about to find.
        let epoch = inner.credentials.epoch();
        let cached = &inner.people.tokens.families;
        if inner.credentials.is_live(now) && cached.get(&family) == Some(epoch) {
            return Ok(true);
        }
        let kind = TicketKind::Refresh;
        let stands =
            inner.store.read_system(async move |tx| tx.ticket_stands(family.uuid(), kind, now).await).await?;
        if stands {
            cached.insert(family, epoch);
        }
        Ok(stands)
    }

    async fn access_token_key(&self) -> Result<&AccessTokenKey> {
        let made = async { self.0.sealing.access_token_key().await };
        self.0.people.tokens.key.get_or_try_init(|| made).await
    }

    fn audit_exchange(&self, caller: &Caller, exchange: &Exchange, action: Action) -> AuditEntry {
        let target = ("token_family", exchange.family.to_string());
        let entry = self.audit_person(caller, exchange.actor(), Some(exchange.credential()), action, target);
        AuditEntry { mode: Some(exchange.mode), ..entry }
    }
}

const IN_THEIR_LOG: Audit = Audit::None("the entry is in the workspace's own log");

/// Voids all tokens of a family; the epoch to wait for.
async fn family_end(
    tx: &SystemTx<'_>,
    family: TokenFamilyId,
    workspace: WorkspaceId,
    audit: &AuditEntry,
) -> Result<i64> {
    tx.tickets_drop_subject(family.uuid(), TicketKind::Refresh).await?;
    tx.audit_add(workspace, std::slice::from_ref(audit)).await?;
    tx.credential_epoch_raise().await
}
