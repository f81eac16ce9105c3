//! Forgotten passwords: a link by e-mail, or by the operator's hand.
//!
//! Threat note. Defends against: finding out who has an account (asking costs and answers the same whatever is asked, and
//! what follows happens out of sight), mail bombs (so many links an hour for one address and one caller; what is over is
//! answered like the rest), links that lie about (an hour, one use, a newer one or a new password voids it, its digest
//! alone is kept), a thief who stays (all sessions end), and a mailbox as the only factor (a second factor is asked for
//! at the sign-in that follows, as before). Does not defend against: whoever reads the mailbox of an account without a
//! second factor.

use std::time::Duration;

use gatepost_core::access::{Actor, OperatorGrant, operator_permission};
use gatepost_core::audit::{Action, Audit};
use gatepost_core::{ClientAddr, Code, EmailAddress, Error, Result, Secret, Timestamp, UserId};
use gatepost_store::{TicketKind, UserRow, WorkspaceScope};
use gatepost_vault::{WorkspaceKeys, sha256};

use super::throttle::account_subjects;
use super::tickets::{TicketNew, ticket_digest};
use super::users::{UserColumn, email_index};
use super::{Caller, RESET_LIVES};
use crate::App;
use crate::limits::neighbourhood;
use crate::mail::{OwnLink, RESET_ASKED};
use crate::notices::{Notice, Trigger};

/// What was asked for counts for so long.
const COUNTED_FOR: Duration = Duration::from_hours(1);
/// Links for one address in that time.
const FOR_ONE_ADDRESS: i64 = 3;
/// Links asked for by one caller in that time.
const BY_ONE_CALLER: i64 = 20;

/// A link that the operator hands on.
pub struct RecoveryLink {
    pub user: UserId,
    pub link: Secret<String>,
    pub expires_at: Timestamp,
}

/// Under which names asking is counted: of the address asked for, and of the caller.
fn counts(keys: &WorkspaceKeys, email: &EmailAddress, client: Option<ClientAddr>) -> Vec<([u8; 16], i64)> {
    let mut counted = vec![(keys.blind_index("reset.email", email.canonical().as_bytes()), FOR_ONE_ADDRESS)];
    counted.extend(client.map(|client| {
        (keys.blind_index("reset.client", neighbourhood(client).to_string().as_bytes()), BY_ONE_CALLER)
    }));
    counted
}

impl Caller {
    /// What a mail or a notice tells of the caller.
    pub(crate) fn trigger(&self, at: Timestamp) -> Trigger {
        Trigger { who: None, at, from: self.client.map(ClientAddr::ip), device: self.agent.clone() }
    }
}

impl App {
    /// Somebody forgot a password: a link goes to the address, if it has an account. The answer is the same if not, and
    /// where too many were asked for.
    ///
    /// Errors: `mail_off`, whatever was asked for; `invalid_field` for what is no address.
    pub async fn password_forgotten(&self, caller: &Caller, email: &str) -> Result<()> {
        if !self.mail_on() {
            return Err(Error::of(Code::MailOff));
        }
        let email = EmailAddress::parse(email).map_err(|why| {
            Error::fields(vec![gatepost_core::FieldError::new("/email", "invalid_value", why.to_string())])
        })?;
        let now = self.now();
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let counted = counts(&keys, &email, caller.client);
        let trigger = serde_json::to_vec(&caller.trigger(now)).map_err(Error::internal)?;
        let mail = self.mail_defer(RESET_ASKED, &email, &trigger, now.plus(RESET_LIVES)).await?;
        let since = now.minus(COUNTED_FOR);
        self.0
            .store
            .write_system(async move |tx| {
                let mut within = true;
                for (subject, most) in &counted {
                    let so_far = tx.failures(subject, since).await?.map_or(0, |(count, _)| count);
                    within &= so_far < *most;
                    tx.failure_add(subject, now, since).await?;
                }
                if within {
                    tx.mail_queue(&mail).await?;
                }
                tx.commit(Audit::None("nobody is known yet; what the link does is audited"), ())
            })
            .await
    }

    /// A link to set a new password that the operator hands on, for whoever gets no mail.
    ///
    /// Errors: `not_found` where the address has no account.
    pub async fn user_recover(
        &self,
        grant: &OperatorGrant<operator_permission::UserManage>,
        email: &str,
    ) -> Result<RecoveryLink> {
        let unknown = || Error::new(Code::NotFound, "no account has this address");
        let email = EmailAddress::parse(email).map_err(|_| unknown())?;
        let index = email_index(&*self.0.sealing.keys(WorkspaceScope::platform()).await?, &email);
        let user = self.0.store.read_system(async move |tx| tx.user_find(&index).await).await?;
        let user = user.ok_or_else(unknown)?.id;
        let (token, ticket) = self
            .ticket(TicketNew {
                kind: TicketKind::PasswordReset,
                user: Some(user),
                workspace: None,
                subject: None,
                state: None,
                lives: RESET_LIVES,
            })
            .await?;
        let expires_at = ticket.expires_at;
        let audit = self.audit_operator(grant, Action::UserRecovered, ("user", user.to_string()));
        self.0
            .store
            .write_system(async move |tx| {
                tx.tickets_drop(user, TicketKind::PasswordReset).await?;
                tx.ticket_put(&ticket).await?;
                tx.commit(audit.clone(), ())
            })
            .await?;
        let link = OwnLink::new(&self.0.config.public_url, &format!("/reset/{}", token.expose()));
        Ok(RecoveryLink { user, link: link.secret(), expires_at })
    }

    /// Whether a link to set a password is good; it stays so.
    ///
    /// Errors: `link_invalid`.
    pub async fn password_reset_look(&self, token: &str) -> Result<()> {
        let (digest, now) = (ticket_digest(token), self.now());
        let kind = TicketKind::PasswordReset;
        let found =
            self.0.store.read_system(async move |tx| tx.ticket_peek(&digest, kind, now).await).await?;
        found.map(drop).ok_or_else(|| Error::of(Code::LinkInvalid))
    }

    /// Sets a new password by a link: it works once, and ends all sessions of the person. Nobody is signed in by it.
    ///
    /// Errors: `link_invalid`; `password_refused`, after which the link is still good.
    pub async fn password_reset(
        &self,
        caller: &Caller,
        token: &str,
        password: &Secret<String>,
    ) -> Result<()> {
        let invalid = || Error::of(Code::LinkInvalid);
        let (digest, now, kind) = (ticket_digest(token), self.now(), TicketKind::PasswordReset);
        let found = self
            .0
            .store
            .read_system(async move |tx| {
                let user = tx.ticket_peek(&digest, kind, now).await?.and_then(|ticket| ticket.user);
                match user {
                    Some(user) => tx.user_get(user).await,
                    None => Ok(None),
                }
            })
            .await?;
        let user = found.filter(|user| user.disabled_at.is_none()).ok_or_else(invalid)?;
        let sealed = self.password_sealed(&user, password).await?;
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let device = caller.device.as_ref().map(|device| sha256(device.as_bytes()));
        let guessed_at = account_subjects(&keys, &user.email_index, device.as_ref());
        let told = self.tell(&user, Notice::password_changed(&caller.trigger(now))).await?;
        let target = ("user", user.id.to_string());
        let mut audit =
            self.audit_person(caller, Actor::User(user.id), None, Action::PasswordChanged, target);
        audit.details.push(("how", "link".to_owned()));
        let epoch = self
            .0
            .store
            .write_system(async move |tx| {
                // Of two who use the link at once, one takes it.
                if tx.ticket_take(&digest, kind, now).await?.is_none() {
                    return Err(Error::of(Code::LinkInvalid));
                }
                tx.tickets_drop(user.id, kind).await?;
                // Half a sign-in with the old password is none any more.
                tx.tickets_drop(user.id, TicketKind::SignIn).await?;
                tx.user_password_set(user.id, Some(&sealed)).await?;
                tx.sessions_delete_of(user.id, None).await?;
                // Whoever was kept out by guesses at the old password comes in with the new one.
                for subject in &guessed_at {
                    tx.failures_forgive(subject).await?;
                }
                told.write(tx).await?;
                let epoch = tx.credential_epoch_raise().await?;
                tx.commit(audit.clone(), epoch)
            })
            .await?;
        self.await_epoch(epoch).await
    }

    /// The sealed hash of a new password that the rules allow for this account.
    ///
    /// Errors: `password_refused`.
    pub(crate) async fn password_sealed(&self, user: &UserRow, password: &Secret<String>) -> Result<Vec<u8>> {
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        self.password_allowed(&keys, user, password).await?;
        let hash = self.password_hash(password).await?;
        UserColumn::Password.seal(&keys, user.id, hash.as_bytes())
    }
}
