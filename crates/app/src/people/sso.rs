//! Signing in through an identity provider: from the provider's word to a session, and what that word may do.
//!
//! Threat note. [`crate::sso`] says who somebody is at a provider; here that becomes somebody of ours.
//!
//! - A person is found by issuer and subject. An address never finds one: who comes with a known address and an unknown
//!   account at the provider is refused, whoever verified the address.
//! - A first link needs the person: their invitation's link with the same address, verified; or their own fresh
//!   session. A workspace may take people of its domains in uninvited, into accounts that did not exist.
//! - A workspace's provider opens its workspace and nothing else, only for its members.
//! - An attempt is a ticket: whoever takes it deletes it, so a callback works once, on whichever node.
//!
//! Whatever is wrong has one public answer; log and audit have the reason.

use gatepost_core::access::{Actor, Credential, Person, SessionKind};
use gatepost_core::audit::{Action, Audit};
use gatepost_core::{
    Code, EmailAddress, Error, IdentityProviderId, Result, Secret, SessionId, UserId, WorkspaceId,
};
use gatepost_store::{IdentityProviderRow, IdentityRow, TicketKind, TicketRow, WorkspaceScope};
use gatepost_vault::random_token;
use serde::{Deserialize, Serialize};

use super::Caller;
use super::identities::identity_lookup;
use super::members::MEMBERS_MAX;
use super::sessions::{Proofs, Through};
use super::sign_in::SignIn;
use super::tickets::{ticket_digest, ticket_state_open, ticket_state_seal};
use super::users::{UserColumn, UserCreate};
use crate::App;
use crate::sso::{Attempt, Callback, Provider, SsoFault, SsoIdentity};

/// What somebody wants of a provider.
pub enum SsoWish<'a> {
    /// To sign in; with the token of an invitation, to accept it.
    SignIn { invitation: Option<&'a str> },
    /// To link an account there with their own.
    Link(&'a Person),
    /// To prove once more who they are.
    Prove(&'a Person),
}

/// A visit to a provider that has begun.
pub struct SsoStarted {
    /// Where the browser goes.
    pub url: String,
    /// The cookie that the browser must bring back.
    pub browser: Secret<String>,
}

/// What came of a visit.
pub enum SsoDone {
    /// Signed in, or half of it; into this workspace, where the provider is one's own.
    SignedIn { step: SignIn, workspace: Option<WorkspaceId> },
    /// The account is linked.
    Linked,
    /// Proved; with another token for the session.
    Proved { token: Option<Secret<String>>, workspace: Option<WorkspaceId> },
}

/// A visit that has ended.
pub struct SsoFinished {
    pub done: SsoDone,
    /// What [`App::sso_start`] was given for it.
    pub back: String,
}

/// What is kept of a visit beside the attempt.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Purpose {
    SignIn { invitation: Option<[u8; 32]> },
    Link { user: UserId, session: SessionId },
    Prove { user: UserId, session: SessionId },
}

#[derive(Serialize, Deserialize)]
struct Kept {
    purpose: Purpose,
    attempt: Vec<u8>,
    #[serde(default)]
    back: String,
}

/// A provider that was found by its place in our addresses.
pub(super) struct Named {
    pub key: String,
    pub name: String,
    pub provider: Provider,
    /// Whose it is; `None` for the operator's.
    own: Option<(WorkspaceScope, IdentityProviderRow)>,
}

impl Named {
    pub fn workspace(&self) -> Option<WorkspaceId> {
        self.own.as_ref().map(|(scope, _)| scope.workspace())
    }

    fn through(&self) -> Option<Through> {
        self.own.as_ref().map(|(scope, row)| Through { provider: row.id, workspace: scope.workspace() })
    }

    fn trusts_second_factor(&self) -> bool {
        self.own.as_ref().is_some_and(|(_, row)| row.trusts_second_factor)
    }

    /// The address, where the provider verified it and lets it in.
    fn admitted(&self, identity: &SsoIdentity) -> Result<Option<EmailAddress>> {
        let verified = identity.email.as_ref().filter(|email| email.verified);
        let address = verified.and_then(|email| EmailAddress::parse(&email.address).ok());
        let domains = self.own.as_ref().map_or("", |(_, row)| row.domains.as_str());
        let within =
            |address: &EmailAddress| domains.split_whitespace().any(|domain| domain == address.domain());
        if domains.is_empty() || address.as_ref().is_some_and(within) {
            Ok(address)
        } else {
            Err(refused("no verified address of the provider's domains"))
        }
    }
}

fn refused(context: &str) -> Error {
    Error::of(Code::SsoFailed).with_context(context)
}

impl From<SsoFault> for Error {
    fn from(fault: SsoFault) -> Self {
        Self::of(Code::SsoFailed).with_context(fault)
    }
}

impl App {
    pub(super) async fn sso_named(&self, key: &str) -> Result<Named> {
        if let Some(known) = self.0.config.sso.providers.iter().find(|known| known.key == key) {
            let (name, provider) = (known.name.clone(), known.provider.clone());
            return Ok(Named { key: key.to_owned(), name, provider, own: None });
        }
        let id: IdentityProviderId = key.parse().map_err(|_| Error::of(Code::NotFound))?;
        let found = self.0.store.read_system(async move |tx| tx.identity_provider_find(id).await).await?;
        let (scope, row) = found.filter(|(_, row)| row.enabled).ok_or_else(|| Error::of(Code::NotFound))?;
        let provider = self.provider_of(scope, &row).await?;
        // In its one spelling: the key is part of what an attempt is bound to.
        Ok(Named { key: id.to_string(), name: row.name.clone(), provider, own: Some((scope, row)) })
    }

    /// Begins a visit to a provider. `browser` is the cookie of an earlier one, which may be kept; `back` is the page that
    /// the person was on the way to, given out again when they return, and empty where there is none.
    ///
    /// Errors: `not_found`, `sso_failed`; for a link `reauth_required` and `session_confined`.
    pub async fn sso_start(
        &self,
        key: &str,
        browser: Option<&str>,
        wish: SsoWish<'_>,
        back: &str,
    ) -> Result<SsoStarted> {
        let named = self.sso_named(key).await?;
        let purpose = self.sso_purpose(&named, &wish).await?;
        let browser = match browser {
            Some(known) if known.len() == 43 => Secret::new(known.to_owned()),
            _ => random_token("", self.entropy()),
        };
        let afresh = matches!(purpose, Purpose::Prove { .. });
        let callback = self.sso_callback_url(&named.key);
        let begun = self.0.sso.start(&named.key, &named.provider, browser.expose(), &callback, afresh).await;
        let started = match begun {
            Ok(started) => started,
            Err(fault) => return Err(self.sso_refused(&Caller::default(), &named, fault.into()).await),
        };
        let user = match purpose {
            Purpose::SignIn { .. } => None,
            Purpose::Link { user, .. } | Purpose::Prove { user, .. } => Some(user),
        };
        let digest = started.attempt.state_digest();
        let attempt = started.attempt.to_bytes().expose().clone();
        let kept = Kept { purpose, attempt, back: back.to_owned() };
        let kept = serde_json::to_vec(&kept).map_err(Error::internal)?;
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let ticket = TicketRow {
            digest,
            kind: TicketKind::Sso,
            user,
            workspace: None,
            subject: None,
            state: Some(ticket_state_seal(&keys, &digest, &kept)?),
            attempts: 0,
            created_at: self.now(),
            expires_at: started.attempt.expires_at(),
        };
        self.0
            .store
            .write_system(async move |tx| {
                tx.ticket_put(&ticket).await?;
                tx.commit(Audit::None("a visit to an identity provider; what comes of it is audited"), ())
            })
            .await?;
        Ok(SsoStarted { url: started.url, browser })
    }

    async fn sso_purpose(&self, named: &Named, wish: &SsoWish<'_>) -> Result<Purpose> {
        let (user, session) = match wish {
            SsoWish::SignIn { invitation } => {
                let invitation = invitation.map(ticket_digest);
                return Ok(Purpose::SignIn { invitation });
            }
            SsoWish::Link(person) | SsoWish::Prove(person) => (person.user(), person.session()),
        };
        if let Some(workspace) = named.workspace() {
            let seat = self.0.store.read_system(async move |tx| tx.seat(workspace, user, None).await).await?;
            if seat.is_none() {
                return Err(Error::of(Code::NotFound));
            }
        }
        if let SsoWish::Link(person) = wish {
            person.fresh(self.now())?;
            return Ok(Purpose::Link { user, session });
        }
        if let SsoWish::Prove(person) = wish {
            match named.through() {
                Some(through) if person.provider() == Some(through.provider) => {}
                Some(_) => return Err(refused("another provider than the one that opened the session")),
                // The operator's provider is all that this account asks for; one with a second factor proves more.
                None => {
                    person.unconfined()?;
                    let asks = self
                        .0
                        .store
                        .read_system(async move |tx| tx.second_factor_enrolled(user).await)
                        .await?;
                    if asks {
                        return Err(refused("the account has factors of its own"));
                    }
                }
            }
        }
        Ok(Purpose::Prove { user, session })
    }

    /// Ends a visit: the callback at the address of the provider `key`, from a browser with this cookie.
    ///
    /// Errors: `sso_failed` for whatever is wrong; `identity_linked` where the account is another person's.
    pub async fn sso_finish(
        &self,
        caller: &Caller,
        key: &str,
        browser: &str,
        callback: &Callback,
    ) -> Result<SsoFinished> {
        let (digest, now) = (Attempt::digest_of(&callback.state), self.now());
        let taken = self
            .0
            .store
            .write_system(async move |tx| {
                let taken = tx.ticket_take(&digest, TicketKind::Sso, now).await?;
                tx.commit(Audit::None("a visit to an identity provider ends once"), taken)
            })
            .await?;
        let taken = taken.ok_or_else(|| refused("no visit under way has this state"))?;
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let kept =
            ticket_state_open(&keys, &taken)?.ok_or_else(|| Error::internal("a visit without its state"))?;
        let kept: Kept = serde_json::from_slice(kept.expose()).map_err(Error::internal)?;
        let attempt = Attempt::from_bytes(&kept.attempt)
            .ok_or_else(|| Error::internal("a visit without its attempt"))?;
        let named = match self.sso_named(key).await {
            Err(error) if error.code() == Code::NotFound => {
                return Err(refused("the provider is gone or switched off"));
            }
            named => named?,
        };
        let finished = self.0.sso.finish(&named.key, &named.provider, attempt, browser, callback).await;
        let done = match finished {
            Ok(identity) => self.sso_identified(caller, &named, &identity, kept.purpose).await,
            Err(fault) => Err(fault.into()),
        };
        match done {
            Err(error) if error.code() == Code::SsoFailed => {
                Err(self.sso_refused(caller, &named, error).await)
            }
            done => done.map(|done| SsoFinished { done, back: kept.back }),
        }
    }

    async fn sso_identified(
        &self,
        caller: &Caller,
        named: &Named,
        identity: &SsoIdentity,
        purpose: Purpose,
    ) -> Result<SsoDone> {
        let address = named.admitted(identity)?;
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let lookup = identity_lookup(&keys, identity);
        let known = self.0.store.read_system(async move |tx| tx.identity_find(&lookup).await).await?;
        match (purpose, known) {
            (Purpose::SignIn { .. }, Some(known)) => self.sso_sign_in(caller, named, &known).await,
            (Purpose::SignIn { invitation }, None) => {
                self.sso_join(caller, named, identity, address, invitation).await
            }
            (Purpose::Link { user, session }, known) => {
                self.sso_link(caller, named, identity, address, known, (user, session)).await
            }
            (Purpose::Prove { user, session }, Some(known)) if known.user == user => {
                self.sso_prove(caller, named, &known, session).await
            }
            (Purpose::Prove { .. }, _) => {
                Err(refused("another person than the one who is to prove themselves"))
            }
        }
    }

    /// Somebody who is known.
    async fn sso_sign_in(&self, caller: &Caller, named: &Named, known: &IdentityRow) -> Result<SsoDone> {
        let (user, identity, now) = (known.user, known.id, self.now());
        let (through, workspace) = (named.through(), named.workspace());
        let (account, seated, enrolled) = self
            .0
            .store
            .read_system(async move |tx| {
                let seated = match workspace {
                    Some(workspace) => tx.seat(workspace, user, None).await?.is_some(),
                    None => true,
                };
                Ok((tx.user_get(user).await?, seated, tx.second_factor_enrolled(user).await?))
            })
            .await?;
        if account.is_none_or(|account| account.disabled_at.is_some()) {
            return Err(refused("the account is disabled"));
        }
        if !seated {
            return Err(refused("no member of the provider's workspace"));
        }
        self.0
            .store
            .write_system(async move |tx| {
                tx.identity_used(identity, now).await?;
                if let Some(Through { provider, workspace }) = through {
                    tx.identity_provider_used(workspace, provider, now).await?;
                }
                tx.commit(Audit::None("when they were last used; the session itself is audited"), ())
            })
            .await?;
        let trusted = named.trusts_second_factor();
        // The provider's word for a second factor is what it is: the account's own was not asked for.
        let how = if trusted { "sso+provider_factor" } else { "sso" };
        let proofs = Proofs { how, second_factor: trusted, provider: through };
        let step = if enrolled && !trusted {
            SignIn::SecondFactor { ticket: self.sso_step_ticket(user, through).await? }
        } else {
            SignIn::Done(self.session_begin(caller, user, SessionKind::Console, proofs).await?)
        };
        Ok(SsoDone::SignedIn { step, workspace })
    }

    /// Somebody who is not known: they have an invitation, or the provider's workspace takes them in. Only into a new
    /// account.
    async fn sso_join(
        &self,
        caller: &Caller,
        named: &Named,
        identity: &SsoIdentity,
        address: Option<EmailAddress>,
        invitation: Option<[u8; 32]>,
    ) -> Result<SsoDone> {
        let own = named.own.as_ref().filter(|(_, row)| !row.domains.is_empty());
        let joins = own.and_then(|(scope, row)| Some((scope.workspace(), row.join_role?)));
        let Some(address) = address.filter(|_| invitation.is_some() || joins.is_some()) else {
            return Err(refused("nobody here is linked with this account"));
        };
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let name = identity.name.clone().unwrap_or_else(|| address.as_str().to_owned());
        let create = UserCreate { email: address, name, password: None, operator: None };
        let user = self.user_row(create).await?;
        let row = self.identity_row(&keys, identity, user.id)?;
        let known = row.clone();
        let (id, now, only) = (user.id, self.now(), named.workspace());
        let person = |action, target| self.audit_person(caller, Actor::User(id), None, action, target);
        let created = person(Action::UserCreated, ("user", id.to_string()));
        let mut joined = person(Action::MemberJoined, ("user", id.to_string()));
        joined.details.push(("identity_provider", named.key.clone()));
        self.0
            .store
            .write_system(async move |tx| {
                if tx.user_find(&user.email_index).await?.is_some() {
                    return Err(refused("the address has an account, which is not linked"));
                }
                tx.user_insert(&user).await?;
                tx.identity_insert(&row).await?;
                let mut joined = joined.clone();
                let workspace = match (invitation, joins) {
                    (Some(digest), _) => {
                        let accepted = tx.invitation_accept(&digest, id, MEMBERS_MAX, now).await?;
                        let (workspace, invitation) =
                            accepted.ok_or_else(|| refused("the invitation is over"))?;
                        if invitation.email_index != user.email_index {
                            return Err(refused("the invitation is for another address"));
                        }
                        if only.is_some_and(|only| only != workspace) {
                            return Err(refused("the invitation is of another workspace"));
                        }
                        joined = joined.made("role", invitation.role.as_str());
                        joined.details.push(("invitation", invitation.id.to_string()));
                        workspace
                    }
                    (None, Some((workspace, role))) => {
                        tx.member_join(workspace, id, role, MEMBERS_MAX, now).await?;
                        joined = joined.made("role", role.as_str());
                        workspace
                    }
                    (None, None) => return Err(refused("nobody here is linked with this account")),
                };
                tx.audit_add(workspace, std::slice::from_ref(&joined)).await?;
                tx.commit(created.clone(), ())
            })
            .await
            .map_err(|error| match error.code() {
                Code::Conflict => refused("somebody else was faster"),
                _ => error,
            })?;
        self.sso_sign_in(caller, named, &known).await
    }

    /// Somebody who is signed in links an account with their own.
    async fn sso_link(
        &self,
        caller: &Caller,
        named: &Named,
        identity: &SsoIdentity,
        address: Option<EmailAddress>,
        known: Option<IdentityRow>,
        (user, session): (UserId, SessionId),
    ) -> Result<SsoDone> {
        match known {
            Some(known) if known.user == user => return Ok(SsoDone::Linked),
            Some(_) => return Err(Error::of(Code::IdentityLinked)),
            None => {}
        }
        let (now, times) = (self.now(), self.0.config.sessions);
        let workspace = named.workspace();
        let (row, account, seated) = self
            .0
            .store
            .read_system(async move |tx| {
                let seated = match workspace {
                    Some(workspace) => tx.seat(workspace, user, None).await?.is_some(),
                    None => true,
                };
                Ok((tx.session_get(session).await?, tx.user_get(user).await?, seated))
            })
            .await?;
        let stands = row.is_some_and(|row| {
            row.session.user == user && row.session.confined_to.is_none() && row.session.stands(times, now)
        });
        let account = account.filter(|_| stands && seated);
        let account = account.ok_or_else(|| refused("the session that began this is over"))?;
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        // Verified by the provider, or the very address that we verified ourselves.
        let own = UserColumn::Email.open_text(&keys, user, &account.email)?;
        let own = EmailAddress::parse(&own).ok().map(|own| own.canonical());
        let said = identity.email.as_ref().and_then(|email| EmailAddress::parse(&email.address).ok());
        if address.is_none() && (own.is_none() || said.map(|said| said.canonical()) != own) {
            return Err(refused("a first link needs a verified address"));
        }
        let row = self.identity_row(&keys, identity, user)?;
        let target = ("identity", row.id.to_string());
        let credential = Some(Credential::Session(session));
        let mut audit =
            self.audit_person(caller, Actor::User(user), credential, Action::IdentityLinked, target);
        audit.details.push(("issuer", identity.issuer.clone()));
        let linked = self
            .0
            .store
            .write_system(async move |tx| {
                tx.identity_insert(&row).await?;
                tx.commit(audit.clone(), ())
            })
            .await;
        linked.map_err(|error| match error.code() {
            Code::Conflict => Error::of(Code::IdentityLinked),
            _ => error,
        })?;
        Ok(SsoDone::Linked)
    }

    /// The person of a session proved once more who they are.
    async fn sso_prove(
        &self,
        caller: &Caller,
        named: &Named,
        known: &IdentityRow,
        session: SessionId,
    ) -> Result<SsoDone> {
        let (now, times, user, identity) = (self.now(), self.0.config.sessions, known.user, known.id);
        let row = self.0.store.read_system(async move |tx| tx.session_get(session).await).await?;
        let row = row.filter(|row| row.session.user == user && row.session.stands(times, now));
        let stored = row.ok_or_else(|| refused("the session that began this is over"))?.session;
        let second_factor = stored.second_factor;
        let (target, credential) = (("session", session.to_string()), Some(Credential::Session(session)));
        let mut audit =
            self.audit_person(caller, Actor::User(user), credential, Action::SessionProved, target);
        audit.details.push(("proofs", "sso".to_owned()));
        audit.details.push(("identity_provider", named.key.clone()));
        self.0
            .store
            .write_system(async move |tx| {
                tx.identity_used(identity, now).await?;
                tx.session_proved(session, now, second_factor).await?;
                tx.commit(audit.clone(), ())
            })
            .await?;
        // What the session may do has changed, so it gets another token, which no node has read yet.
        let token = self.session_renew_now(session, stored.digest).await?;
        Ok(SsoDone::Proved { token, workspace: named.workspace() })
    }

    /// Tells log and audit why; the answer stays the same for everybody.
    async fn sso_refused(&self, caller: &Caller, named: &Named, error: Error) -> Error {
        let reason = error.context().unwrap_or_default().to_owned();
        tracing::warn!(provider = named.key, reason, "a sign-in through an identity provider was refused");
        let Some(workspace) = named.workspace() else { return error };
        let target = ("identity_provider", named.key.clone());
        let mut entry =
            self.audit_person(caller, Actor::Nobody, None, Action::IdentityProviderRefused, target);
        entry.details.push(("reason", reason));
        let entry = entry.refused(error.code());
        let written = self
            .0
            .store
            .write_system(async move |tx| {
                tx.audit_add(workspace, std::slice::from_ref(&entry)).await?;
                tx.commit(Audit::None("the entry is in the workspace's own log"), ())
            })
            .await;
        match written {
            Ok(()) => error,
            Err(failed) => failed,
        }
    }

    /// An owner enters around the only way in: said once for each session, before anything is done in it.
    pub(super) async fn bypass_note(&self, person: &Person, workspace: WorkspaceId) -> Result<()> {
        let noted = (workspace, person.session());
        if self.0.people.bypasses.contains_key(&noted) {
            return Ok(());
        }
        let target = ("workspace", workspace.to_string());
        let credential = Some(person.credential());
        let action = Action::IdentityProviderBypassed;
        let entry = self.audit_person(&Caller::default(), person.actor(), credential, action, target);
        self.0
            .store
            .write_system(async move |tx| {
                tx.audit_add(workspace, std::slice::from_ref(&entry)).await?;
                tx.commit(Audit::None("the entry is in the workspace's own log"), ())
            })
            .await?;
        self.0.people.bypasses.insert(noted, ());
        Ok(())
    }
}
