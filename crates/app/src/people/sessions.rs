//! Sessions: opaque tokens in cookies, their digests in the store.
//!
//! Threat note. Defends against: a token read from the database (there are digests only), a session that outlives its
//! end, its person's or their seat's on any node (caches are void with the credential epoch, and not used without a
//! live lease), a token that leaked long ago (it is replaced every quarter of an hour), fixation (a token is made here
//! and given out after the last proof only). Does not defend against: a stolen cookie until it is renewed or ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_core::access::{
    Actor, Credential, Person, Principal, SessionKind, StoredSeat, StoredSession, TokenDigest,
};
use gatepost_core::audit::{Action, Audit};
use gatepost_core::channel::Mode;
use gatepost_core::{
    ClientAddr, Code, Error, IdentityProviderId, Result, Secret, SessionId, Timestamp, UserId, WorkspaceId,
};
use gatepost_store::{SessionRow, SystemTx, WorkspaceScope};
use gatepost_vault::{Aad, SealedBytes, WorkspaceKeys, constant_time_eq, random_token, sha256};
use serde::{Deserialize, Serialize};

use super::Caller;
use super::access_tokens::AccessTokens;
use super::passwords::Hashing;
use super::setup::SetUp;
use super::throttle::account_subjects;
use crate::App;
use crate::notices::Notice;
use crate::sealing::failed;

/// Sessions and seats held at once.
const CACHED: u64 = 20_000;
/// A token lives so long before it is replaced.
const RENEW_AFTER: Duration = Duration::from_mins(15);
/// After that the old one opens for so long: requests were under way with it.
const RENEW_GRACE: Duration = Duration::from_secs(30);
/// What was read of a session is believed for so long: another node may have renewed it, or seen it used.
const BELIEVED: Duration = Duration::from_secs(20);
/// What a browser says of itself is cut to so many characters.
const AGENT_LENGTH: usize = 200;

/// What this node holds of people.
pub(crate) struct Sessions {
    known: moka::sync::Cache<[u8; 32], Arc<Known>>,
    seats: moka::sync::Cache<(WorkspaceId, UserId), (i64, StoredSeat)>,
    /// Sessions of owners of which the log says already that they went around the only way in.
    pub(super) bypasses: moka::sync::Cache<(WorkspaceId, SessionId), ()>,
    pub(super) hashing: Hashing,
    pub(super) set_up: SetUp,
    pub(super) tokens: AccessTokens,
    /// Those that access tokens were exchanged for.
    exchanged: moka::sync::Cache<SessionId, Arc<Known>>,
}

/// Ends whatever a person's credentials opened but the session that asks, which goes on under another token: a copy of
/// the present one opens nothing any more, nor does anything that was exchanged for it. How many other sessions ended,
/// and the epoch to wait for.
///
/// Errors: `session_ended`.
pub(super) async fn session_alone(
    tx: &SystemTx<'_>,
    person: &Person,
    token: &TokenDigest,
    now: Timestamp,
) -> Result<(u64, i64)> {
    let ended = tx.session_alone(person.user(), person.session(), token, now).await?;
    let ended = ended.ok_or_else(|| Error::of(Code::SessionEnded))?;
    Ok((ended, tx.credential_epoch_raise().await?))
}

/// A session as it was read.
pub(super) struct Known {
    /// The epoch it was read in.
    epoch: i64,
    read_at: Timestamp,
    stored: StoredSession,
    seen_at: AtomicI64,
    written_at: AtomicI64,
}

impl Known {
    fn new(stored: StoredSession, held: Option<&Self>, epoch: i64, read_at: Timestamp) -> Self {
        let written = stored.seen_at.micros();
        let seen = held.map_or(written, |held| held.seen_at.load(Ordering::Relaxed).max(written));
        Self { epoch, read_at, stored, seen_at: AtomicI64::new(seen), written_at: AtomicI64::new(written) }
    }

    pub(super) const fn stored(&self) -> &StoredSession {
        &self.stored
    }

    /// Takes note of a use.
    pub(super) fn seen(&self, now: Timestamp) {
        self.seen_at.fetch_max(now.micros(), Ordering::Relaxed);
    }

    pub(super) fn now_seen(&self) -> StoredSession {
        let seen = Timestamp::from_micros(self.seen_at.load(Ordering::Relaxed));
        StoredSession { seen_at: seen.max(self.stored.seen_at), ..self.stored.clone() }
    }
}

impl Sessions {
    pub fn new() -> Self {
        Self {
            known: moka::sync::Cache::new(CACHED),
            seats: moka::sync::Cache::new(CACHED),
            bypasses: moka::sync::Cache::new(CACHED),
            hashing: Hashing::default(),
            set_up: SetUp::default(),
            tokens: AccessTokens::default(),
            exchanged: moka::sync::Cache::new(CACHED),
        }
    }

    /// The sessions used since the last call, and when.
    pub fn take_seen(&self) -> Vec<(SessionId, Timestamp)> {
        let mut seen = Vec::new();
        let of_tokens = self.exchanged.iter().map(|(_, known)| known);
        for known in self.known.iter().map(|(_, known)| known).chain(of_tokens) {
            let at = known.seen_at.load(Ordering::Relaxed);
            if known.written_at.swap(at, Ordering::Relaxed) != at {
                seen.push((known.stored.id, Timestamp::from_micros(at)));
            }
        }
        seen
    }
}

/// Which proofs a session was begun with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Proofs {
    /// For the audit log: `password`, `password+totp`, `passkey` …
    pub how: &'static str,
    pub second_factor: bool,
    /// Set where it is a workspace's own provider that spoke for the person.
    pub provider: Option<Through>,
}

/// A workspace's identity provider: what it opens is good in its workspace only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Through {
    pub provider: IdentityProviderId,
    pub workspace: WorkspaceId,
}

/// A session that has just begun, with the tokens for the browser.
pub struct SessionBegun {
    pub id: SessionId,
    pub user: UserId,
    pub token: Secret<String>,
    /// Recognises this browser at the next sign-in.
    pub device: Secret<String>,
    /// Whether the person signed in before, and never from this browser.
    pub new_device: bool,
}

/// What is known of the browser of a session.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Device {
    pub agent: Option<String>,
    pub address: Option<String>,
}

/// A session as its person sees it.
#[derive(Debug, Clone)]
pub struct SessionView {
    pub id: SessionId,
    /// Whether it is the one that asks.
    pub current: bool,
    pub kind: SessionKind,
    pub device: Device,
    pub created_at: Timestamp,
    pub seen_at: Timestamp,
    pub second_factor: bool,
}

fn device_aad(id: SessionId) -> Aad {
    Aad {
        workspace: WorkspaceScope::platform().workspace().uuid(),
        table: "user_session",
        column: "device",
        row: id.uuid().into_bytes(),
    }
}

fn device_seal(keys: &WorkspaceKeys, id: SessionId, caller: &Caller) -> Result<Vec<u8>> {
    let device = Device {
        agent: caller.agent.as_ref().map(|agent| agent.chars().take(AGENT_LENGTH).collect()),
        address: caller.client.map(|client: ClientAddr| client.to_string()),
    };
    let plain = serde_json::to_vec(&device).map_err(Error::internal)?;
    keys.seal(&device_aad(id), &plain).map(SealedBytes::into_vec).map_err(failed)
}

impl App {
    /// Begins a session. Called when every proof that the account asks for was given, and nowhere else.
    ///
    /// Errors: on the operators' listener `sign_in_failed` for whoever is no operator, and `second_factor_required`.
    pub(crate) async fn session_begin(
        &self,
        caller: &Caller,
        user: UserId,
        kind: SessionKind,
        proofs: Proofs,
    ) -> Result<SessionBegun> {
        if kind == SessionKind::Operator {
            self.operator_may_begin(user, &proofs).await?;
        }
        let now = self.now();
        let id = SessionId::new(now, self.entropy());
        let (token, digest) = self.session_token();
        let device = match &caller.device {
            Some(known) => Secret::new(known.clone()),
            None => random_token("gpd_", self.entropy()),
        };
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let session = StoredSession {
            id,
            user,
            kind,
            digest,
            previous: None,
            created_at: now,
            renewed_at: now,
            seen_at: now,
            proved_at: now,
            second_factor: proofs.second_factor,
            provider: proofs.provider.map(|through| through.provider),
            confined_to: proofs.provider.map(|through| through.workspace),
            operator: None,
            disabled: false,
        };
        let row = SessionRow { session, device: device_seal(&keys, id, caller)? };
        let recognised = sha256(device.expose().as_bytes());
        let presented = caller.device.as_ref().map(|device| sha256(device.as_bytes()));
        let mut audit = self.audit_person(
            caller,
            Actor::User(user),
            Some(Credential::Session(id)),
            Action::SessionBegun,
            ("session", id.to_string()),
        );
        audit.details.push(("proofs", proofs.how.to_owned()));
        let account = self.0.store.read_system(async move |tx| tx.user_get(user).await).await?;
        let account = account.ok_or_else(|| Error::of(Code::SessionEnded))?;
        let told = self.tell(&account, Notice::new_device(&caller.trigger(now))).await?;
        let new_device = self
            .0
            .store
            .write_system(async move |tx| {
                // Looked at once more: somebody may have disabled the account between the steps.
                let account = tx.user_get(user).await?.filter(|account| account.disabled_at.is_none());
                let account = account.ok_or_else(|| Error::of(Code::SignInFailed))?;
                for subject in account_subjects(&keys, &account.email_index, presented.as_ref()) {
                    tx.failures_forgive(&subject).await?;
                }
                tx.session_insert(&row).await?;
                let new = tx.device_is_new(user, &recognised, now).await?;
                if new {
                    told.write(tx).await?;
                }
                tx.commit(audit.clone(), new)
            })
            .await?;
        Ok(SessionBegun { id, user, token, device, new_device })
    }

    /// Whoever is no operator hears what a wrong password would bring; an operator with one proof alone is told to add
    /// another, in the console.
    async fn operator_may_begin(&self, user: UserId, proofs: &Proofs) -> Result<()> {
        let account = self.0.store.read_system(async move |tx| tx.user_get(user).await).await?;
        if account.and_then(|account| account.operator).is_none() {
            return Err(Error::of(Code::SignInFailed));
        }
        if !proofs.second_factor {
            return Err(Error::new(
                Code::SecondFactorRequired,
                "operators sign in with a second factor: add a passkey or an authenticator app in the console first",
            ));
        }
        Ok(())
    }

    /// Who presents the token of a session of this kind.
    ///
    /// Errors: `session_ended` for anything that does not open one.
    pub async fn person_of_session(&self, token: &str, kind: SessionKind) -> Result<Arc<Person>> {
        let known = self.known_session(token).await?;
        let (now, digest) = (self.now(), TokenDigest::new(sha256(token.as_bytes())));
        let person = Person::verify(&known.now_seen(), &digest, self.0.config.sessions, now)?;
        if person.kind() != kind {
            return Err(Error::of(Code::SessionEnded));
        }
        known.seen(now);
        Ok(Arc::new(person))
    }

    async fn known_session(&self, token: &str) -> Result<Arc<Known>> {
        let (inner, now) = (&self.0, self.now());
        let digest = sha256(token.as_bytes());
        // Read before the entry: an epoch that moves meanwhile voids what we are about to find.
        let epoch = inner.credentials.epoch();
        let held = inner.people.known.get(&digest);
        if inner.credentials.is_live(now)
            && let Some(known) = &held
            && known.epoch == epoch
            && now < known.read_at.plus(BELIEVED)
        {
            return Ok(Arc::clone(known));
        }
        let wanted = TokenDigest::new(digest);
        let found = inner.store.read_system(async move |tx| tx.session_find(&wanted).await).await?;
        let stored = found.ok_or_else(|| Error::of(Code::SessionEnded))?.session;
        let known = Arc::new(Known::new(stored, held.as_deref(), epoch, now));
        inner.people.known.insert(digest, Arc::clone(&known));
        Ok(known)
    }

    /// A session that something was exchanged for, by its id.
    ///
    /// Errors: `session_ended`.
    pub(super) async fn known_session_of(&self, id: SessionId) -> Result<Arc<Known>> {
        let (inner, now) = (&self.0, self.now());
        // Read before the entry: an epoch that moves meanwhile voids what we are about to find.
        let epoch = inner.credentials.epoch();
        let held = inner.people.exchanged.get(&id);
        if inner.credentials.is_live(now)
            && let Some(known) = &held
            && known.epoch == epoch
            && now < known.read_at.plus(BELIEVED)
        {
            return Ok(Arc::clone(known));
        }
        let found = inner.store.read_system(async move |tx| tx.session_get(id).await).await?;
        let stored = found.ok_or_else(|| Error::of(Code::SessionEnded))?.session;
        let known = Arc::new(Known::new(stored, held.as_deref(), epoch, now));
        inner.people.exchanged.insert(id, Arc::clone(&known));
        Ok(known)
    }

    /// A new token for a session, and what is kept of it.
    pub(super) fn session_token(&self) -> (Secret<String>, TokenDigest) {
        let token = random_token("gps_", self.entropy());
        let digest = TokenDigest::new(sha256(token.expose().as_bytes()));
        (token, digest)
    }

    /// Another token for a session whose present one has served its time; `None` where it has not, or another request
    /// has just got one.
    pub async fn session_renew(&self, token: &str) -> Result<Option<Secret<String>>> {
        let known = self.known_session(token).await?;
        let now = self.now();
        let old = TokenDigest::new(sha256(token.as_bytes()));
        if now < known.stored.renewed_at.plus(RENEW_AFTER) || known.stored.digest != old {
            return Ok(None);
        }
        self.session_renew_now(known.stored.id, old).await
    }

    /// The same at once: what a session may do has changed.
    pub(crate) async fn session_renew_now(
        &self,
        id: SessionId,
        old: TokenDigest,
    ) -> Result<Option<Secret<String>>> {
        let now = self.now();
        let (fresh, new) = self.session_token();
        let renewed = self
            .0
            .store
            .write_system(async move |tx| {
                let renewed = tx.session_renew(id, &old, &new, now.plus(RENEW_GRACE), now).await?;
                tx.commit(Audit::None("another token of the same session"), renewed)
            })
            .await?;
        self.0.people.known.invalidate(old.as_bytes());
        Ok(renewed.then_some(fresh))
    }

    /// A person as a member of a workspace.
    ///
    /// Errors: `not_found` where they have no seat, `session_confined`, `second_factor_required`, `sso_required`.
    pub async fn principal_of_person(
        &self,
        person: &Person,
        workspace: WorkspaceId,
    ) -> Result<Arc<Principal>> {
        self.member_of(person, workspace, None).await
    }

    /// The same in one mode, or both.
    pub(super) async fn member_of(
        &self,
        person: &Person,
        workspace: WorkspaceId,
        mode: Option<Mode>,
    ) -> Result<Arc<Principal>> {
        let seat = self.seat_of(person.user(), workspace).await?.ok_or_else(|| Error::of(Code::NotFound))?;
        let principal = person.sit(&seat, mode, self.now())?;
        if person.goes_around(&seat) {
            self.bypass_note(person, workspace).await?;
        }
        Ok(principal)
    }

    /// A person's seat in a workspace.
    async fn seat_of(&self, user: UserId, workspace: WorkspaceId) -> Result<Option<StoredSeat>> {
        let (inner, now) = (&self.0, self.now());
        let epoch = inner.credentials.epoch();
        let cached =
            inner.credentials.is_live(now).then(|| inner.people.seats.get(&(workspace, user))).flatten();
        if let Some((read_in, seat)) = cached
            && read_in == epoch
        {
            return Ok(Some(seat));
        }
        let plan = self.default_plan();
        let found =
            inner.store.read_system(async move |tx| tx.seat(workspace, user, plan.as_deref()).await).await?;
        if let Some(seat) = found {
            inner.people.seats.insert((workspace, user), (epoch, seat));
        }
        Ok(found)
    }

    /// When a session that something was exchanged for was last seen by this node.
    pub(crate) fn session_seen_at(&self, id: SessionId) -> Option<Timestamp> {
        self.0.people.exchanged.get(&id).map(|known| known.now_seen().seen_at)
    }

    /// The person's sessions, newest first.
    pub async fn session_list(&self, person: &Person) -> Result<Vec<SessionView>> {
        let user = person.user();
        let rows = self.0.store.read_system(async move |tx| tx.session_list(user).await).await?;
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let now = self.now();
        rows.into_iter()
            // Who speaks for the person in one workspace is not told of their other doings.
            .filter(|row| person.confined_to().is_none() || row.session.id == person.session())
            .filter(|row| row.session.stands(self.0.config.sessions, now))
            .map(|row| {
                let plain = keys.open(&device_aad(row.session.id), &row.device).map_err(failed)?;
                Ok(SessionView {
                    id: row.session.id,
                    current: row.session.id == person.session(),
                    kind: row.session.kind,
                    device: serde_json::from_slice(plain.expose()).map_err(Error::internal)?,
                    created_at: row.session.created_at,
                    seen_at: row.session.seen_at,
                    second_factor: row.session.second_factor,
                })
            })
            .collect()
    }

    /// Ends one of the person's sessions, the present one or another. When this returns no node knows it.
    ///
    /// Errors: `not_found`, `session_confined`.
    pub async fn session_end(&self, person: &Person, caller: &Caller, id: SessionId) -> Result<()> {
        if id != person.session() {
            person.unconfined()?;
        }
        let user = person.user();
        let audit = self.audit_person(
            caller,
            person.actor(),
            Some(person.credential()),
            Action::SessionEnded,
            ("session", id.to_string()),
        );
        let epoch = self
            .0
            .store
            .write_system(async move |tx| {
                if !tx.session_delete(user, id).await? {
                    return Err(Error::of(Code::NotFound));
                }
                let epoch = tx.credential_epoch_raise().await?;
                tx.commit(audit.clone(), epoch)
            })
            .await?;
        self.await_epoch(epoch).await
    }

    /// What a form must bring to be believed to come from a page that was shown to the holder of `token` (a session's, or
    /// the visitor's own before there is one).
    pub async fn csrf_token(&self, token: &str) -> Result<String> {
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let mac = keys.blind_index("console.csrf", token.as_bytes());
        Ok(URL_SAFE_NO_PAD.encode(mac))
    }

    pub async fn csrf_verify(&self, token: &str, presented: &str) -> Result<bool> {
        Ok(constant_time_eq(self.csrf_token(token).await?.as_bytes(), presented.as_bytes()))
    }

    /// Writes down when sessions were last used.
    pub(crate) async fn flush_seen(&self) -> Result<()> {
        let seen = self.0.people.take_seen();
        if seen.is_empty() {
            return Ok(());
        }
        self.0
            .store
            .write_system(async move |tx| {
                tx.sessions_seen(&seen).await?;
                tx.commit(Audit::None("when sessions were last used"), ())
            })
            .await
    }
}
