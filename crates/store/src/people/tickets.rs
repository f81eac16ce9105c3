//! What somebody was handed and may use once, and counts of failed proofs.

use gatepost_core::{Result, Timestamp, UserId, WorkspaceId};
use uuid::Uuid;

use crate::engine::{self, Row, Tx};
use crate::store::SystemTx;
use crate::{params, statements};

/// What a ticket is for. Numbers are stored and never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketKind {
    /// Sets the installation up: makes the first owner and operator.
    Setup,
    /// A sign-in between its steps; the state says which proofs were given.
    SignIn,
    /// An invitation to a workspace; the subject is the invitation.
    Invitation,
    /// Sets a new password.
    PasswordReset,
    /// Makes an address that its owner was written at the account's.
    EmailChange,
    /// Takes back a change of address.
    EmailUndo,
    /// A registration of a passkey under way.
    PasskeyRegistration,
    /// A sign-in with a passkey under way.
    PasskeySignIn,
    /// A visit to an identity provider under way.
    Sso,
    /// Renews an access token; the subject is the family.
    Refresh,
    /// Says that a visitor of a verification page proved their number; the subject is the verification.
    VerificationResult,
}

impl TicketKind {
    const fn number(self) -> i64 {
        match self {
            Self::Setup => 1,
            Self::SignIn => 2,
            Self::Invitation => 3,
            Self::PasswordReset => 4,
            Self::EmailChange => 5,
            Self::EmailUndo => 6,
            Self::PasskeyRegistration => 7,
            Self::PasskeySignIn => 8,
            Self::Sso => 9,
            Self::Refresh => 10,
            Self::VerificationResult => 11,
        }
    }
}

#[derive(Debug, Clone)]
pub struct TicketRow {
    /// SHA-256 of the token.
    pub digest: [u8; 32],
    pub kind: TicketKind,
    pub user: Option<UserId>,
    pub workspace: Option<WorkspaceId>,
    pub subject: Option<Uuid>,
    /// Sealed.
    pub state: Option<Vec<u8>>,
    /// How often something was tried with it in vain.
    pub attempts: i64,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// How often proofs of a subject failed since counting began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailureCount {
    pub failures: i64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

statements! {
    PUT = same("INSERT INTO ticket (digest, kind, user_id, workspace_id, subject, state, attempts, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    PEEK = same("SELECT user_id, workspace_id, subject, state, attempts, created_at, expires_at FROM ticket WHERE digest = $1 AND kind = $2 AND expires_at > $3");
    /// Of many who take it at once, one deletes the row.
    TAKE = same("DELETE FROM ticket WHERE digest = $1 AND kind = $2 AND expires_at > $3 RETURNING user_id, workspace_id, subject, state, attempts, created_at, expires_at");
    ATTEMPT = same("UPDATE ticket SET attempts = attempts + 1 WHERE digest = $1 AND kind = $2 AND attempts < $3");
    STATE = same("UPDATE ticket SET state = $3 WHERE digest = $1 AND kind = $2");
    DROP_OF = same("DELETE FROM ticket WHERE user_id = $1 AND kind = $2");
    DROP_SUBJECT = same("DELETE FROM ticket WHERE subject = $1 AND kind = $2");
    DROP_KIND = same("DELETE FROM ticket WHERE kind = $1");
    EXPIRE = same("DELETE FROM ticket WHERE expires_at <= $1");
    STANDS = same("SELECT COUNT(*) FROM ticket WHERE subject = $1 AND kind = $2 AND expires_at > $3");
    FAIL = same("INSERT INTO sign_in_failure (subject, failures, first_at, last_at) VALUES ($1, 1, $2, $2) ON CONFLICT (subject) DO UPDATE SET failures = CASE WHEN sign_in_failure.first_at <= $3 THEN 1 ELSE sign_in_failure.failures + 1 END, first_at = CASE WHEN sign_in_failure.first_at <= $3 THEN $2 ELSE sign_in_failure.first_at END, last_at = $2");
    FAILURES = same("SELECT failures, last_at FROM sign_in_failure WHERE subject = $1 AND first_at > $2");
    COUNT = same("SELECT failures, first_at, last_at FROM sign_in_failure WHERE subject = $1");
    COUNT_FIRST = same("INSERT INTO sign_in_failure (subject, failures, first_at, last_at) VALUES ($1, $2, $3, $4) ON CONFLICT (subject) DO NOTHING");
    COUNT_NEXT = same("UPDATE sign_in_failure SET failures = $4, first_at = $5, last_at = $6 WHERE subject = $1 AND failures = $2 AND last_at = $3");
    TAKE_BACK = same("UPDATE sign_in_failure SET failures = failures - 1 WHERE subject = $1 AND failures > 0");
    FORGIVE = same("DELETE FROM sign_in_failure WHERE subject = $1");
    FORGET = same("DELETE FROM sign_in_failure WHERE last_at <= $1");
}

/// Also for transactions of a workspace, about what is theirs.
pub(super) async fn put(tx: &Tx<'_>, ticket: &TicketRow) -> Result<()> {
    let values = params![
        ticket.digest.as_slice(),
        ticket.kind.number(),
        ticket.user.map(UserId::uuid),
        ticket.workspace.map(WorkspaceId::uuid),
        ticket.subject,
        ticket.state.as_deref(),
        ticket.attempts,
        ticket.created_at.micros(),
        ticket.expires_at.micros()
    ];
    Ok(tx.execute_one(&PUT, values).await?)
}

pub(super) async fn drop_subject(tx: &Tx<'_>, subject: Uuid, kind: TicketKind) -> Result<u64> {
    Ok(tx.execute(&DROP_SUBJECT, params![subject, kind.number()]).await?)
}

impl SystemTx<'_> {
    pub async fn ticket_put(&self, ticket: &TicketRow) -> Result<()> {
        put(self.tx, ticket).await
    }

    /// A ticket that is still good, left where it is.
    pub async fn ticket_peek(
        &self,
        digest: &[u8; 32],
        kind: TicketKind,
        now: Timestamp,
    ) -> Result<Option<TicketRow>> {
        let values = params![digest.as_slice(), kind.number(), now.micros()];
        Ok(self.tx.query_opt(&PEEK, values, |row| ticket(row, digest, kind)).await?)
    }

    /// Takes a ticket that is still good: whoever comes after finds none.
    pub async fn ticket_take(
        &self,
        digest: &[u8; 32],
        kind: TicketKind,
        now: Timestamp,
    ) -> Result<Option<TicketRow>> {
        let values = params![digest.as_slice(), kind.number(), now.micros()];
        Ok(self.tx.query_opt(&TAKE, values, |row| ticket(row, digest, kind)).await?)
    }

    /// Counts a try; false where there were `most` already, or there is no such ticket.
    pub async fn ticket_attempt(&self, digest: &[u8; 32], kind: TicketKind, most: i64) -> Result<bool> {
        Ok(self.tx.execute(&ATTEMPT, params![digest.as_slice(), kind.number(), most]).await? == 1)
    }

    pub async fn ticket_state_set(&self, digest: &[u8; 32], kind: TicketKind, state: &[u8]) -> Result<bool> {
        Ok(self.tx.execute(&STATE, params![digest.as_slice(), kind.number(), state]).await? == 1)
    }

    /// Voids all tickets of a kind that a person holds.
    pub async fn tickets_drop(&self, user: UserId, kind: TicketKind) -> Result<u64> {
        Ok(self.tx.execute(&DROP_OF, params![user.uuid(), kind.number()]).await?)
    }

    /// Voids all tickets of a kind that are about something.
    pub async fn tickets_drop_subject(&self, subject: Uuid, kind: TicketKind) -> Result<u64> {
        drop_subject(self.tx, subject, kind).await
    }

    /// Whether any ticket of a kind that is about something is still good.
    pub async fn ticket_stands(&self, subject: Uuid, kind: TicketKind, now: Timestamp) -> Result<bool> {
        let values = params![subject, kind.number(), now.micros()];
        let count: Option<i64> = self.tx.query_opt(&STANDS, values, |row: &Row<'_>| row.get(0)).await?;
        Ok(count.unwrap_or(0) > 0)
    }

    /// Voids all tickets of a kind.
    pub async fn tickets_drop_all(&self, kind: TicketKind) -> Result<u64> {
        Ok(self.tx.execute(&DROP_KIND, params![kind.number()]).await?)
    }

    /// Forgets tickets that are not good any more.
    pub async fn tickets_expire(&self, now: Timestamp) -> Result<u64> {
        Ok(self.tx.execute(&EXPIRE, params![now.micros()]).await?)
    }

    /// Counts a failed proof. Counting begins anew when the first one is not later than `since`.
    pub async fn failure_add(&self, subject: &[u8; 16], now: Timestamp, since: Timestamp) -> Result<()> {
        let values = params![subject.as_slice(), now.micros(), since.micros()];
        self.tx.execute(&FAIL, values).await?;
        Ok(())
    }

    /// How many proofs failed since then, and when the last did.
    pub async fn failures(&self, subject: &[u8; 16], since: Timestamp) -> Result<Option<(i64, Timestamp)>> {
        let read = |row: &Row<'_>| Ok((row.get(0)?, Timestamp::from_micros(row.get(1)?)));
        Ok(self.tx.query_opt(&FAILURES, params![subject.as_slice(), since.micros()], read).await?)
    }

    /// The count of a subject, however old.
    pub async fn failure_count(&self, subject: &[u8; 16]) -> Result<Option<FailureCount>> {
        let read = |row: &Row<'_>| {
            Ok(FailureCount {
                failures: row.get(0)?,
                first_at: Timestamp::from_micros(row.get(1)?),
                last_at: Timestamp::from_micros(row.get(2)?),
            })
        };
        Ok(self.tx.query_opt(&COUNT, params![subject.as_slice()], read).await?)
    }

    /// Puts `next` in the place of the count that was read; false where it is not that any more.
    pub async fn failure_replace(
        &self,
        subject: &[u8; 16],
        known: Option<FailureCount>,
        next: FailureCount,
    ) -> Result<bool> {
        let (first_at, last_at) = (next.first_at.micros(), next.last_at.micros());
        let rows = match known {
            None => {
                let values = params![subject.as_slice(), next.failures, first_at, last_at];
                self.tx.execute(&COUNT_FIRST, values).await?
            }
            Some(known) => {
                let (failures, at) = (known.failures, known.last_at.micros());
                let values = params![subject.as_slice(), failures, at, next.failures, first_at, last_at];
                self.tx.execute(&COUNT_NEXT, values).await?
            }
        };
        Ok(rows == 1)
    }

    /// Takes one failure back: it was none.
    pub async fn failure_take_back(&self, subject: &[u8; 16]) -> Result<()> {
        self.tx.execute(&TAKE_BACK, params![subject.as_slice()]).await?;
        Ok(())
    }

    pub async fn failures_forgive(&self, subject: &[u8; 16]) -> Result<()> {
        self.tx.execute(&FORGIVE, params![subject.as_slice()]).await?;
        Ok(())
    }

    /// Forgets counts whose last failure is not later than `before`.
    pub async fn failures_forget(&self, before: Timestamp) -> Result<u64> {
        Ok(self.tx.execute(&FORGET, params![before.micros()]).await?)
    }
}

fn ticket(row: &Row<'_>, digest: &[u8; 32], kind: TicketKind) -> engine::Result<TicketRow> {
    Ok(TicketRow {
        digest: *digest,
        kind,
        user: row.get::<Option<Uuid>>(0)?.map(UserId::from_uuid),
        workspace: row.get::<Option<Uuid>>(1)?.map(WorkspaceId::from_uuid),
        subject: row.get(2)?,
        state: row.get(3)?,
        attempts: row.get(4)?,
        created_at: Timestamp::from_micros(row.get(5)?),
        expires_at: Timestamp::from_micros(row.get(6)?),
    })
}
