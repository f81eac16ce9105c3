//! Setting the installation up: its first operator, who is the owner of its first workspace.
//!
//! Threat note. Defends against: a default credential (there is none: a token that is made at the start and shown to
//! whoever started the server opens the way, once, for an hour), a stranger who is faster (without the token nothing is
//! done, not even a hash), two who use one token at once (one takes it; all others go with it), setting up a second time
//! (where an operator exists no token is made and none is taken). The operator's rights begin with a second factor: they
//! hold in sessions that have one (see [`gatepost_core::access::Person::operator_grant`]).
//! Does not defend against: whoever reads what the server says when it starts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gatepost_core::access::{Actor, OperatorGrant, OperatorRole, Role, SessionKind, operator_permission};
use gatepost_core::audit::{Action, Audit, AuditEntry};
use gatepost_core::{Code, EmailAddress, Error, FieldError, Result, Secret, Timestamp, WorkspaceId, text};
use gatepost_store::{SystemTx, TicketKind, TicketRow, WorkspaceRow};

use super::passwords::password_admit;
use super::sessions::Proofs;
use super::tickets::{TicketNew, ticket_digest};
use super::users::UserCreate;
use super::{Caller, SessionBegun};
use crate::App;
use crate::workspaces::with_acceptance;

const LIVES: Duration = Duration::from_hours(1);
/// Longest name of a person or a workspace, in characters.
const NAME_MAX: usize = 100;

/// Whether somebody is an operator already. Once that is so it stays so while this process runs.
#[derive(Default)]
pub(crate) struct SetUp(AtomicBool);

/// A token that sets the installation up.
pub struct SetupToken {
    pub token: Secret<String>,
    pub expires_at: Timestamp,
}

/// What whoever sets up says.
pub struct SetupAsk {
    pub token: Secret<String>,
    pub workspace: String,
    pub name: String,
    pub email: String,
    pub password: Secret<String>,
    /// The version of the rules for acceptable use that is accepted, where there are any.
    pub acceptable_use: Option<String>,
}

/// The installation is set up, and who did it is signed in.
pub struct SetupDone {
    pub session: SessionBegun,
    pub workspace: WorkspaceId,
}

/// What was said, found right.
struct Checked {
    workspace: String,
    name: String,
    email: EmailAddress,
}

fn check(ask: &SetupAsk) -> Result<Checked> {
    let mut wrong = Vec::new();
    let mut name = |pointer: &str, written: &str| {
        text::name(written, NAME_MAX)
            .map_err(|detail| wrong.push(FieldError::new(pointer, "invalid_value", detail)))
            .ok()
    };
    let (workspace, name) = (name("/workspace", &ask.workspace), name("/name", &ask.name));
    let email = EmailAddress::parse(&ask.email)
        .map_err(|fault| wrong.push(FieldError::new("/email", "invalid_value", format!("this {fault}"))))
        .ok();
    let context = [ask.workspace.as_str(), ask.name.as_str(), ask.email.as_str()];
    // An operator without a second factor has no operator's rights, but is an owner all the same.
    let password = password_admit(&ask.password, false, &context)
        .map_err(|fault| wrong.extend_from_slice(fault.field_errors()))
        .ok();
    match (workspace, name, email, password) {
        (Some(workspace), Some(name), Some(email), Some(())) => Ok(Checked { workspace, name, email }),
        _ => Err(Error::fields(wrong)),
    }
}

fn link_invalid() -> Error {
    Error::new(Code::LinkInvalid, "this set-up token was used, is too old or was never good")
}

impl App {
    /// Where people open the console, without a slash at the end: this machine by its name, for passkeys need one.
    pub fn console_url(&self) -> String {
        let url = self.0.config.public_url.trim_end_matches('/');
        url.replacen("://127.0.0.1", "://localhost", 1).replacen("://[::1]", "://localhost", 1)
    }

    /// Where a person sets the installation up.
    pub fn setup_url(&self) -> String {
        format!("{}/setup", self.console_url())
    }

    /// Whether somebody may sign in as operator, so that nothing is to be set up.
    pub async fn is_set_up(&self) -> Result<bool> {
        let known = &self.0.people.set_up.0;
        if known.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let found = self.0.store.read_system(async |tx| tx.any_operator().await).await?;
        if found {
            known.store(true, Ordering::Relaxed);
        }
        Ok(found)
    }

    /// A token for whoever starts the server; `None` where there is nothing to set up. Those of other nodes, and of earlier
    /// starts, are good for as long as they live.
    pub async fn setup_token_at_start(&self) -> Result<Option<SetupToken>> {
        if self.is_set_up().await? {
            return Ok(None);
        }
        let (made, row) = self.setup_ticket().await?;
        self.0
            .store
            .write_system(async move |tx| {
                tx.ticket_put(&row).await?;
                tx.commit(Audit::None("whoever starts the server is told the token; its use is audited"), ())
            })
            .await?;
        Ok(Some(made))
    }

    /// Another token, by the operator's hand; older ones are void.
    ///
    /// Errors: `conflict` where the installation is set up.
    pub async fn setup_token_make(
        &self,
        grant: &OperatorGrant<operator_permission::UserManage>,
    ) -> Result<SetupToken> {
        if self.is_set_up().await? {
            return Err(Error::new(Code::Conflict, "this installation is set up: it has an operator"));
        }
        let (made, row) = self.setup_ticket().await?;
        let target = ("installation", "setup".to_owned());
        let audit = self.audit_operator(grant, Action::SetupTokenMade, target);
        self.0
            .store
            .write_system(async move |tx| {
                tx.tickets_drop_all(TicketKind::Setup).await?;
                tx.ticket_put(&row).await?;
                tx.commit(audit.clone(), ())
            })
            .await?;
        Ok(made)
    }

    async fn setup_ticket(&self) -> Result<(SetupToken, TicketRow)> {
        let new = TicketNew {
            kind: TicketKind::Setup,
            user: None,
            workspace: None,
            subject: None,
            state: None,
            lives: LIVES,
        };
        let (token, row) = self.ticket(new).await?;
        Ok((SetupToken { token, expires_at: row.expires_at }, row))
    }

    /// Sets the installation up, and signs in who did it.
    ///
    /// Errors: `not_found` where that was done, `link_invalid` for a token that is none, `invalid_field`,
    /// `acceptable_use_required`.
    pub async fn setup_complete(&self, caller: &Caller, ask: SetupAsk) -> Result<SetupDone> {
        if self.is_set_up().await? {
            return Err(Error::of(Code::NotFound));
        }
        // Before anything is worked on: a hash is dear.
        let (digest, now) = (ticket_digest(ask.token.expose().trim()), self.now());
        let found =
            self.0.store.read_system(async move |tx| tx.ticket_peek(&digest, TicketKind::Setup, now).await);
        found.await?.ok_or_else(link_invalid)?;
        let Checked { workspace, name, email } = check(&ask)?;
        let accepted = self.acceptable_use_accepted(ask.acceptable_use.as_deref())?;
        let create = UserCreate {
            email,
            name,
            password: Some(ask.password),
            operator: Some(OperatorRole::Administrator),
        };
        let user = self.user_row(create).await?;
        let id = WorkspaceId::new(now, self.entropy());
        let row = WorkspaceRow { id, name: workspace, created_at: now, deleted_at: None, destroyed_at: None };
        let keys = self.0.sealing.new_keys(row.id.uuid())?;
        let entry = |action, target| self.audit_person(caller, Actor::User(user.id), None, action, target);
        let made = entry(Action::WorkspaceCreated, ("workspace", row.id.to_string())).made("name", &row.name);
        let made = with_acceptance(made, accepted.as_deref());
        let joined =
            entry(Action::MemberJoined, ("user", user.id.to_string())).made("role", Role::Owner.as_str());
        let done = entry(Action::SetupCompleted, ("installation", "setup".to_owned()))
            .made("operator", user.id.to_string())
            .made("workspace", row.id.to_string());
        let (id, workspace) = (user.id, row.id);
        self.0
            .store
            .write_system(async move |tx| {
                setup_take(tx, &digest, now).await?;
                tx.workspace_insert(&row, &keys, accepted.as_deref()).await?;
                tx.user_insert(&user).await?;
                tx.member_add(row.id, user.id, Role::Owner, now).await?;
                audit_both(tx, row.id, &joined, &made).await?;
                tx.commit(done.clone(), ())
            })
            .await?;
        self.0.people.set_up.0.store(true, Ordering::Relaxed);
        let proofs = Proofs { how: "setup", second_factor: false, provider: None };
        let session = self.session_begin(caller, id, SessionKind::Console, proofs).await?;
        Ok(SetupDone { session, workspace })
    }
}

/// Takes the token and voids all others: who comes after finds none, and with them goes what another node may have begun.
async fn setup_take(tx: &SystemTx<'_>, digest: &[u8; 32], now: Timestamp) -> Result<()> {
    let taken = tx.ticket_take(digest, TicketKind::Setup, now).await?;
    taken.ok_or_else(link_invalid)?;
    tx.tickets_drop_all(TicketKind::Setup).await?;
    if tx.any_operator().await? { Err(link_invalid()) } else { Ok(()) }
}

/// One entry in the log of the workspace, the other in the platform's.
async fn audit_both(
    tx: &SystemTx<'_>,
    workspace: WorkspaceId,
    theirs: &AuditEntry,
    platforms: &AuditEntry,
) -> Result<()> {
    tx.audit_add(workspace, std::slice::from_ref(theirs)).await?;
    let platform = gatepost_store::WorkspaceScope::platform().workspace();
    tx.audit_add(platform, std::slice::from_ref(platforms)).await
}
