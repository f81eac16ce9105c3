//! Sessions, and the browsers that a person signed in with before.

use gatepost_core::access::{OperatorRole, SessionKind, StoredSession, TokenDigest};
use gatepost_core::{IdentityProviderId, Result, SessionId, Timestamp, UserId, WorkspaceId};
use uuid::Uuid;

use super::tickets::TicketKind;
use crate::engine::{self, Row};
use crate::store::{SystemTx, WorkspaceTx};
use crate::{params, statements};

/// A session with what people see of it.
#[derive(Clone)]
pub struct SessionRow {
    pub session: StoredSession,
    /// Browser and address, sealed.
    pub device: Vec<u8>,
}

statements! {
    INSERT = same("INSERT INTO user_session (id, user_id, kind, digest, created_at, renewed_at, seen_at, proved_at, second_factor, provider_id, provider_workspace, device) VALUES ($1, $2, $3, $4, $5, $5, $5, $5, $6, $7, $8, $9)");
    FIND = same("SELECT s.id, s.user_id, s.kind, s.digest, s.previous_digest, s.previous_until, s.created_at, s.renewed_at, s.seen_at, s.proved_at, s.second_factor, s.provider_id, u.operator_role, u.disabled_at, s.device, s.provider_workspace FROM user_session s JOIN user_account u ON u.id = s.user_id WHERE s.digest = $1 OR s.previous_digest = $1");
    GET = same("SELECT s.id, s.user_id, s.kind, s.digest, s.previous_digest, s.previous_until, s.created_at, s.renewed_at, s.seen_at, s.proved_at, s.second_factor, s.provider_id, u.operator_role, u.disabled_at, s.device, s.provider_workspace FROM user_session s JOIN user_account u ON u.id = s.user_id WHERE s.id = $1");
    LIST = same("SELECT s.id, s.user_id, s.kind, s.digest, s.previous_digest, s.previous_until, s.created_at, s.renewed_at, s.seen_at, s.proved_at, s.second_factor, s.provider_id, u.operator_role, u.disabled_at, s.device, s.provider_workspace FROM user_session s JOIN user_account u ON u.id = s.user_id WHERE s.user_id = $1 ORDER BY s.id DESC");
    SEEN = same("UPDATE user_session SET seen_at = $2 WHERE id = $1 AND seen_at < $2");
    /// Only the present token is renewed: of two requests at once one wins.
    RENEW = same("UPDATE user_session SET previous_digest = digest, previous_until = $4, digest = $3, renewed_at = $5, seen_at = $5 WHERE id = $1 AND digest = $2");
    /// The present token and the one before it open nothing from then on.
    REPLACE = same("UPDATE user_session SET digest = $3, previous_digest = NULL, previous_until = NULL, renewed_at = $4, seen_at = $4 WHERE id = $1 AND user_id = $2");
    PROVED = same("UPDATE user_session SET proved_at = $2, second_factor = $3 WHERE id = $1");
    DELETE = same("DELETE FROM user_session WHERE id = $1 AND user_id = $2");
    DELETE_OF = same("DELETE FROM user_session WHERE user_id = $1 AND id <> $2");
    /// Those that were opened through a provider which is gone, or is another one now.
    DELETE_THROUGH = same("DELETE FROM user_session WHERE provider_id = $1");
    DELETE_OLD = same("DELETE FROM user_session WHERE created_at < $1 OR seen_at < $2");
    DEVICE_SEEN = same("INSERT INTO known_device (user_id, digest, created_at, seen_at) VALUES ($1, $2, $3, $3) ON CONFLICT (user_id, digest) DO UPDATE SET seen_at = excluded.seen_at");
    DEVICE_KNOWN = same("SELECT COUNT(*) FROM known_device WHERE user_id = $1 AND digest = $2");
    DEVICES = same("SELECT COUNT(*) FROM known_device WHERE user_id = $1");
}

fn digest(row: &Row<'_>, index: usize, bytes: Vec<u8>) -> engine::Result<TokenDigest> {
    bytes.try_into().map(TokenDigest::new).map_err(|_| row.corrupt(index))
}

fn session(row: &Row<'_>) -> engine::Result<SessionRow> {
    let previous = match (row.get::<Option<Vec<u8>>>(4)?, row.get::<Option<i64>>(5)?) {
        (Some(bytes), Some(until)) => Some((digest(row, 4, bytes)?, Timestamp::from_micros(until))),
        _ => None,
    };
    let operator = match row.get::<Option<i64>>(12)? {
        Some(number) => Some(OperatorRole::from_number(number).ok_or_else(|| row.corrupt(12))?),
        None => None,
    };
    let session = StoredSession {
        id: SessionId::from_uuid(row.get(0)?),
        user: UserId::from_uuid(row.get(1)?),
        kind: SessionKind::from_number(row.get(2)?).ok_or_else(|| row.corrupt(2))?,
        digest: digest(row, 3, row.get(3)?)?,
        previous,
        created_at: Timestamp::from_micros(row.get(6)?),
        renewed_at: Timestamp::from_micros(row.get(7)?),
        seen_at: Timestamp::from_micros(row.get(8)?),
        proved_at: Timestamp::from_micros(row.get(9)?),
        second_factor: row.get(10)?,
        provider: row.get::<Option<Uuid>>(11)?.map(IdentityProviderId::from_uuid),
        operator,
        disabled: row.get::<Option<i64>>(13)?.is_some(),
        confined_to: row.get::<Option<Uuid>>(15)?.map(WorkspaceId::from_uuid),
    };
    Ok(SessionRow { session, device: row.get(14)? })
}

impl WorkspaceTx<'_> {
    /// Ends all sessions that were opened through a provider; how many.
    pub async fn sessions_delete_through(&self, provider: IdentityProviderId) -> Result<u64> {
        Ok(self.tx.execute(&DELETE_THROUGH, params![provider.uuid()]).await?)
    }
}

impl SystemTx<'_> {
    /// A new session; its times are all `created_at`.
    pub async fn session_insert(&self, row: &SessionRow) -> Result<()> {
        let s = &row.session;
        let values = params![
            s.id.uuid(),
            s.user.uuid(),
            s.kind.number(),
            s.digest.as_bytes().as_slice(),
            s.created_at.micros(),
            s.second_factor,
            s.provider.map(IdentityProviderId::uuid),
            s.confined_to.map(WorkspaceId::uuid),
            &row.device
        ];
        Ok(self.tx.execute_one(&INSERT, values).await?)
    }

    /// The session that a token opens or opened before its last renewal.
    pub async fn session_find(&self, digest: &TokenDigest) -> Result<Option<SessionRow>> {
        Ok(self.tx.query_opt(&FIND, params![digest.as_bytes().as_slice()], session).await?)
    }

    pub async fn session_get(&self, id: SessionId) -> Result<Option<SessionRow>> {
        Ok(self.tx.query_opt(&GET, params![id.uuid()], session).await?)
    }

    /// All sessions of a person, newest first.
    pub async fn session_list(&self, user: UserId) -> Result<Vec<SessionRow>> {
        Ok(self.tx.query(&LIST, params![user.uuid()], session).await?)
    }

    /// Notes when sessions were last used.
    pub async fn sessions_seen(&self, seen: &[(SessionId, Timestamp)]) -> Result<()> {
        for (id, at) in seen {
            self.tx.execute(&SEEN, params![id.uuid(), at.micros()]).await?;
        }
        Ok(())
    }

    /// Gives a session another token; false where another request did so just now, or it is over.
    pub async fn session_renew(
        &self,
        id: SessionId,
        old: &TokenDigest,
        new: &TokenDigest,
        old_until: Timestamp,
        now: Timestamp,
    ) -> Result<bool> {
        let values = params![
            id.uuid(),
            old.as_bytes().as_slice(),
            new.as_bytes().as_slice(),
            old_until.micros(),
            now.micros()
        ];
        Ok(self.tx.execute(&RENEW, values).await? == 1)
    }

    /// Takes note of a fresh proof.
    pub async fn session_proved(&self, id: SessionId, at: Timestamp, second_factor: bool) -> Result<()> {
        Ok(self.tx.execute_one(&PROVED, params![id.uuid(), at.micros(), second_factor]).await?)
    }

    /// Ends one session of a person; false where there is none.
    pub async fn session_delete(&self, user: UserId, id: SessionId) -> Result<bool> {
        Ok(self.tx.execute(&DELETE, params![id.uuid(), user.uuid()]).await? == 1)
    }

    /// Ends all sessions of a person, but for one that is spared; how many.
    pub async fn sessions_delete_of(&self, user: UserId, spared: Option<SessionId>) -> Result<u64> {
        let spared = spared.map_or(Uuid::nil(), SessionId::uuid);
        Ok(self.tx.execute(&DELETE_OF, params![user.uuid(), spared]).await?)
    }

    /// Leaves a person nothing but one session, under another token: all other sessions end, and so does whatever any of
    /// them was exchanged for. How many sessions ended; `None` where the one that was to stay is over.
    pub async fn session_alone(
        &self,
        user: UserId,
        session: SessionId,
        token: &TokenDigest,
        now: Timestamp,
    ) -> Result<Option<u64>> {
        let values = params![session.uuid(), user.uuid(), token.as_bytes().as_slice(), now.micros()];
        if self.tx.execute(&REPLACE, values).await? != 1 {
            return Ok(None);
        }
        self.tickets_drop(user, TicketKind::Refresh).await?;
        self.sessions_delete_of(user, Some(session)).await.map(Some)
    }

    /// Forgets sessions that are over by their times.
    pub async fn sessions_expire(&self, created_before: Timestamp, seen_before: Timestamp) -> Result<u64> {
        Ok(self.tx.execute(&DELETE_OLD, params![created_before.micros(), seen_before.micros()]).await?)
    }

    /// Whether a person signed in with this browser before.
    pub async fn device_is_known(&self, user: UserId, digest: &[u8]) -> Result<bool> {
        let count = |row: &Row<'_>| row.get::<i64>(0);
        let known = self.tx.query_opt(&DEVICE_KNOWN, params![user.uuid(), digest], count).await?;
        Ok(known.unwrap_or(0) > 0)
    }

    /// Takes note that a person signed in with a browser. True where they never did before, though with another.
    pub async fn device_is_new(&self, user: UserId, digest: &[u8], now: Timestamp) -> Result<bool> {
        let count = |row: &Row<'_>| row.get::<i64>(0);
        let known = self.tx.query_opt(&DEVICE_KNOWN, params![user.uuid(), digest], count).await?;
        let any = self.tx.query_opt(&DEVICES, params![user.uuid()], count).await?;
        self.tx.execute(&DEVICE_SEEN, params![user.uuid(), digest, now.micros()]).await?;
        Ok(known.unwrap_or(0) == 0 && any.unwrap_or(0) > 0)
    }
}
