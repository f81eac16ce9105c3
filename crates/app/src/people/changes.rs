//! What people change of their own accounts: the password and the address.
//!
//! Threat note. Defends against: a browser that was left open (the present password or a fresh proof is asked for), an
//! address that is not the person's (it counts only once a link that was sent there is used), a thief who changes the
//! address to keep the account (the old address gets a link that takes it back for seven days, and it ends all sessions),
//! finding out who has an account by asking for their address (that shows to whoever reads its mails, and to nobody
//! else). Does not defend against: whoever reads both mailboxes.

use std::time::Duration;

use gatepost_core::access::{Actor, Person};
use gatepost_core::audit::{Action, Audit};
use gatepost_core::{Code, EmailAddress, Error, FieldError, Result, Secret, UserId};
use gatepost_store::{NewMail, TicketKind, TicketRow, UserRow, WorkspaceScope};
use gatepost_vault::WorkspaceKeys;

use super::Caller;
use super::passwords::password_admit;
use super::sessions::session_alone;
use super::tickets::{TicketNew, ticket_digest, ticket_state_open};
use super::users::{UserColumn, email_index};
use crate::App;
use crate::mail::{Mail, MailKind, OwnLink};
use crate::notices::Notice;

/// How long the link to a new address works.
const VERIFY_LIVES: Duration = Duration::from_hours(24);
/// How long a change of address can be taken back.
const UNDO_LIVES: Duration = Duration::from_hours(7 * 24);

/// Guesses at the present password of an account in [`GUESSES_COUNT_FOR`].
const GUESSES: i64 = 10;
const GUESSES_COUNT_FOR: Duration = Duration::from_hours(1);

fn email_invalid(detail: impl Into<String>) -> Error {
    Error::fields(vec![FieldError::new("/email", "invalid_value", detail)])
}

impl App {
    /// Whether a password may be chosen for an account.
    ///
    /// Errors: `password_refused`, with why.
    pub(crate) async fn password_allowed(
        &self,
        keys: &WorkspaceKeys,
        user: &UserRow,
        password: &Secret<String>,
    ) -> Result<()> {
        let email = UserColumn::Email.open_text(keys, user.id, &user.email)?;
        let name = UserColumn::Name.open_text(keys, user.id, &user.name)?;
        let id = user.id;
        let read = async move |tx: &gatepost_store::SystemTx<'_>| {
            Ok((tx.seats_of(id).await?, tx.factors(id).await?))
        };
        let (seats, factors) = self.0.store.read_system(read).await?;
        let mut context = vec![email.as_str(), name.as_str()];
        context.extend(seats.iter().map(|seat| seat.workspace_name.as_str()));
        let second_factor = factors.is_some_and(|factors| factors.totp || factors.passkeys > 0);
        password_admit(password, second_factor, &context)
    }

    async fn account_of(&self, person: &Person) -> Result<UserRow> {
        let id = person.user();
        let row = self.0.store.read_system(async move |tx| tx.user_get(id).await).await?;
        row.ok_or_else(|| Error::of(Code::SessionEnded))
    }

    /// Whoever is signed in changes their password: with the present one, or soon after a proof. All other sessions end,
    /// and all access tokens; the session's new token.
    ///
    /// Errors: `sign_in_failed` for a wrong present password, `reauth_required` without one, `password_refused`.
    pub async fn password_change(
        &self,
        person: &Person,
        caller: &Caller,
        present: Option<&Secret<String>>,
        new: &Secret<String>,
    ) -> Result<Secret<String>> {
        person.unconfined()?;
        let now = self.now();
        let user = self.account_of(person).await?;
        match (present, &user.password) {
            (Some(present), Some(sealed)) => self.present_password(&user, sealed, present).await?,
            _ => person.fresh(now)?,
        }
        let sealed = self.password_sealed(&user, new).await?;
        let told = self.tell(&user, Notice::password_changed(&caller.trigger(now))).await?;
        let (id, by) = (user.id, person.clone());
        let (token, digest) = self.session_token();
        let target = ("user", id.to_string());
        let mut audit = self.audit_person(
            caller,
            person.actor(),
            Some(person.credential()),
            Action::PasswordChanged,
            target,
        );
        audit.details.push(("how", "own".to_owned()));
        let epoch = self
            .0
            .store
            .write_system(async move |tx| {
                tx.user_password_set(id, Some(&sealed)).await?;
                tx.tickets_drop(id, TicketKind::PasswordReset).await?;
                tx.tickets_drop(id, TicketKind::SignIn).await?;
                told.write(tx).await?;
                let (_, epoch) = session_alone(tx, &by, &digest, now).await?;
                tx.commit(audit.clone(), epoch)
            })
            .await?;
        self.await_epoch(epoch).await?;
        Ok(token)
    }

    /// Whether `present` is the password of the account. A session that was left open is no place to guess at it.
    ///
    /// Errors: `sign_in_failed`, also for the right one after too many wrong ones.
    async fn present_password(&self, user: &UserRow, sealed: &[u8], present: &Secret<String>) -> Result<()> {
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let stored = UserColumn::Password.open_text(&keys, user.id, sealed)?;
        let subject = keys.blind_index("password.present", user.id.uuid().as_bytes());
        let now = self.now();
        let since = now.minus(GUESSES_COUNT_FOR);
        // Counted before the password is looked at, so that many at once are many.
        let so_far = self
            .0
            .store
            .write_system(async move |tx| {
                let so_far = tx.failures(&subject, since).await?.map_or(0, |(count, _)| count);
                tx.failure_add(&subject, now, since).await?;
                tx.commit(Audit::None("a count"), so_far)
            })
            .await?;
        if so_far >= GUESSES || !self.password_verify(present, stored).await? {
            return Err(Error::of(Code::SignInFailed));
        }
        self.0
            .store
            .write_system(async move |tx| {
                tx.failures_forgive(&subject).await?;
                tx.commit(Audit::None("a count"), ())
            })
            .await
    }

    /// Asks for another address: a link goes there, and nothing changes before it is used. Whether the address has an
    /// account already is not told.
    ///
    /// Errors: `reauth_required`, `mail_off`, `invalid_field`.
    pub async fn email_change(&self, person: &Person, caller: &Caller, email: &str) -> Result<()> {
        let now = self.now();
        person.fresh(now)?;
        if !self.mail_on() {
            return Err(Error::of(Code::MailOff));
        }
        let email = EmailAddress::parse(email).map_err(|why| email_invalid(why.to_string()))?;
        let user = person.user();
        let (token, ticket) = self
            .ticket(TicketNew {
                kind: TicketKind::EmailChange,
                user: Some(user),
                workspace: None,
                subject: None,
                state: Some(email.as_str().as_bytes().to_vec()),
                lives: VERIFY_LIVES,
            })
            .await?;
        let link = OwnLink::new(&self.0.config.public_url, &format!("/confirm/{}", token.expose()));
        let kind = MailKind::AddressVerify { link, until: ticket.expires_at, trigger: caller.trigger(now) };
        let mail = self.mail_prepare(Mail { to: email, kind, person: Some(user) }).await?;
        let target = ("user", user.to_string());
        let (actor, credential) = (person.actor(), Some(person.credential()));
        let audit = self.audit_person(caller, actor, credential, Action::EmailChangeAsked, target);
        self.0
            .store
            .write_system(async move |tx| {
                // The last one asked for counts.
                tx.tickets_drop(user, TicketKind::EmailChange).await?;
                tx.ticket_put(&ticket).await?;
                if let Some(mail) = &mail {
                    tx.mail_queue(mail).await?;
                }
                tx.commit(audit.clone(), ())
            })
            .await
    }

    /// The address that a link confirms or brings back, for the page that asks whether to.
    ///
    /// Errors: `link_invalid`.
    pub async fn email_change_look(&self, token: &str) -> Result<String> {
        self.address_of(token, TicketKind::EmailChange).await.map(|(_, email)| email.to_string())
    }

    /// The same of a link that takes a change back.
    ///
    /// Errors: `link_invalid`.
    pub async fn email_undo_look(&self, token: &str) -> Result<String> {
        self.address_of(token, TicketKind::EmailUndo).await.map(|(_, email)| email.to_string())
    }

    /// The account and the address that a ticket is about.
    async fn address_of(&self, token: &str, kind: TicketKind) -> Result<(UserRow, EmailAddress)> {
        let invalid = || Error::of(Code::LinkInvalid);
        let (digest, now) = (ticket_digest(token), self.now());
        let found = self
            .0
            .store
            .read_system(async move |tx| {
                let Some(ticket) = tx.ticket_peek(&digest, kind, now).await? else { return Ok(None) };
                let Some(user) = ticket.user else { return Ok(None) };
                Ok(tx.user_get(user).await?.map(|user| (ticket, user)))
            })
            .await?;
        let (ticket, user): (TicketRow, UserRow) =
            found.filter(|(_, user)| user.disabled_at.is_none()).ok_or_else(invalid)?;
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let state = ticket_state_open(&keys, &ticket)?.ok_or_else(invalid)?;
        let email = std::str::from_utf8(state.expose()).ok().and_then(|text| EmailAddress::parse(text).ok());
        Ok((user, email.ok_or_else(invalid)?))
    }

    /// Makes the address the account's to which the link was sent. The old one is told, with a link to take it back.
    ///
    /// Errors: `link_invalid`; `conflict` where the address has an account meanwhile.
    pub async fn email_confirm(&self, caller: &Caller, token: &str) -> Result<()> {
        let (user, email) = self.address_of(token, TicketKind::EmailChange).await?;
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let (now, id) = (self.now(), user.id);
        let old = UserColumn::Email.open_text(&keys, id, &user.email)?;
        let (undo, back) = self
            .ticket(TicketNew {
                kind: TicketKind::EmailUndo,
                user: Some(id),
                workspace: None,
                subject: None,
                state: Some(old.as_bytes().to_vec()),
                lives: UNDO_LIVES,
            })
            .await?;
        let farewell = match EmailAddress::parse(&old) {
            Ok(to) => self.farewell(id, to, &undo, &back, caller).await?,
            Err(_) => None,
        };
        let notice = self.user_notice(&keys, id, &Notice::address_changed(&caller.trigger(now)))?;
        let sealed = UserColumn::Email.seal(&keys, id, email.as_str().as_bytes())?;
        let index = email_index(&keys, &email);
        let target = ("user", id.to_string());
        let audit = self.audit_person(caller, Actor::User(id), None, Action::EmailChanged, target);
        let digest = ticket_digest(token);
        self.0
            .store
            .write_system(async move |tx| {
                if tx.ticket_take(&digest, TicketKind::EmailChange, now).await?.is_none() {
                    return Err(Error::of(Code::LinkInvalid));
                }
                if tx.user_find(&index).await?.is_some_and(|other| other.id != id) {
                    return Err(Error::new(
                        Code::Conflict,
                        "this address cannot be used: it has an account already",
                    ));
                }
                tx.user_email_set(id, &sealed, &index).await?;
                // A link that went to the old address sets no password any more.
                tx.tickets_drop(id, TicketKind::PasswordReset).await?;
                tx.ticket_put(&back).await?;
                tx.user_notice_add(&notice).await?;
                if let Some(mail) = &farewell {
                    tx.mail_queue(mail).await?;
                }
                tx.commit(audit.clone(), ())
            })
            .await
    }

    /// The mail to the old address.
    async fn farewell(
        &self,
        user: UserId,
        to: EmailAddress,
        token: &Secret<String>,
        ticket: &TicketRow,
        caller: &Caller,
    ) -> Result<Option<NewMail>> {
        let undo = OwnLink::new(&self.0.config.public_url, &format!("/undo/{}", token.expose()));
        let trigger = caller.trigger(self.now());
        let kind = MailKind::AddressChanged { undo, until: ticket.expires_at, trigger };
        self.mail_prepare(Mail { to, kind, person: Some(user) }).await
    }

    /// Takes a change of address back. Whoever made it may know the password: all sessions end, and links are void.
    ///
    /// Errors: `link_invalid`; `conflict` where the old address has another account meanwhile.
    pub async fn email_undo(&self, caller: &Caller, token: &str) -> Result<()> {
        let (user, email) = self.address_of(token, TicketKind::EmailUndo).await?;
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let (now, id) = (self.now(), user.id);
        let sealed = UserColumn::Email.seal(&keys, id, email.as_str().as_bytes())?;
        let index = email_index(&keys, &email);
        let notice = self.user_notice(&keys, id, &Notice::address_changed(&caller.trigger(now)))?;
        let target = ("user", id.to_string());
        let audit = self.audit_person(caller, Actor::User(id), None, Action::EmailChanged, target);
        let digest = ticket_digest(token);
        let epoch = self
            .0
            .store
            .write_system(async move |tx| {
                if tx.ticket_take(&digest, TicketKind::EmailUndo, now).await?.is_none() {
                    return Err(Error::of(Code::LinkInvalid));
                }
                if tx.user_find(&index).await?.is_some_and(|other| other.id != id) {
                    return Err(Error::new(Code::Conflict, "the address has another account meanwhile"));
                }
                tx.user_email_set(id, &sealed, &index).await?;
                for kind in [
                    TicketKind::EmailUndo,
                    TicketKind::EmailChange,
                    TicketKind::PasswordReset,
                    TicketKind::SignIn,
                ] {
                    tx.tickets_drop(id, kind).await?;
                }
                tx.sessions_delete_of(id, None).await?;
                tx.user_notice_add(&notice).await?;
                let epoch = tx.credential_epoch_raise().await?;
                tx.commit(audit.clone(), epoch)
            })
            .await?;
        self.await_epoch(epoch).await
    }
}
