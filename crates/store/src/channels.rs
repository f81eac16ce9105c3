//! Channels, and the routes by which Meta's callbacks find them.

use gatepost_core::channel::{ChannelKind, ChannelState, Mode};
use gatepost_core::job::JobKind;
use gatepost_core::{ChannelId, Code, Error, MetaAppId, Result, Timestamp, WorkspaceId};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::messages::mode;
use crate::meta_apps::MetaAppRow;
use crate::scope::WorkspaceScope;
use crate::store::{SystemTx, WorkspaceTx, wake_after_commit};
use crate::{params, statements};

#[derive(Debug, Clone)]
pub struct ChannelRow {
    pub id: ChannelId,
    pub mode: Mode,
    pub kind: ChannelKind,
    pub name: String,
    pub state: ChannelState,
    /// The workspace that owns the Meta app: this one, or the platform.
    pub app_owner: WorkspaceId,
    pub meta_app: MetaAppId,
    pub phone_number_id: String,
    pub waba_id: String,
    pub token: Vec<u8>,
    pub token_last4: String,
    /// The business's own number, sealed.
    pub display: Option<Vec<u8>>,
    pub verified_name: Option<String>,
    /// Messages a second that are sent at most.
    pub throughput: i64,
    pub created_at: Timestamp,
    /// Who found the state, as a number of the application's; `None` where it was never anything but in order.
    pub found_by: Option<i64>,
    /// What is wrong or soon will be, one sentence.
    pub attention: Option<String>,
    /// What to do about it, where the state alone does not say.
    pub next_action: Option<String>,
    /// Meta's words: `GREEN`, `YELLOW`, `RED`, `UNKNOWN`.
    pub quality_rating: Option<String>,
    /// `STANDARD`, `HIGH`, `NOT_APPLICABLE`.
    pub throughput_level: Option<String>,
    /// `TIER_250`, `TIER_2K` …
    pub messaging_limit: Option<String>,
    /// `APPROVED`, `PENDING_REVIEW`, `DECLINED` …
    pub name_status: Option<String>,
    /// `CONNECTED`, `PENDING`, `BANNED` …
    pub number_status: Option<String>,
    /// `None`: it does not expire, or nobody has looked yet.
    pub token_expires_at: Option<Timestamp>,
    /// When Meta was last asked.
    pub checked_at: Option<Timestamp>,
}

statements! {
    INSERT = same("INSERT INTO channel (workspace_id, id, mode, kind, name, state, app_owner, meta_app_id, phone_number_id, waba_id, token, token_last4, display, verified_name, throughput, created_at, found_by, attention, next_action, quality_rating, throughput_level, messaging_limit, name_status, number_status, token_expires_at, checked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26)");
    GET = same("SELECT id, mode, kind, name, state, app_owner, meta_app_id, phone_number_id, waba_id, token, token_last4, display, verified_name, throughput, created_at, found_by, attention, next_action, quality_rating, throughput_level, messaging_limit, name_status, number_status, token_expires_at, checked_at FROM channel WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL");
    LOCK = per("SELECT id, mode, kind, name, state, app_owner, meta_app_id, phone_number_id, waba_id, token, token_last4, display, verified_name, throughput, created_at, found_by, attention, next_action, quality_rating, throughput_level, messaging_limit, name_status, number_status, token_expires_at, checked_at FROM channel WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL", "SELECT id, mode, kind, name, state, app_owner, meta_app_id, phone_number_id, waba_id, token, token_last4, display, verified_name, throughput, created_at, found_by, attention, next_action, quality_rating, throughput_level, messaging_limit, name_status, number_status, token_expires_at, checked_at FROM channel WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE");
    LIST = same("SELECT id, mode, kind, name, state, app_owner, meta_app_id, phone_number_id, waba_id, token, token_last4, display, verified_name, throughput, created_at, found_by, attention, next_action, quality_rating, throughput_level, messaging_limit, name_status, number_status, token_expires_at, checked_at FROM channel WHERE workspace_id = $1 AND deleted_at IS NULL ORDER BY id DESC");
    UPDATE = same("UPDATE channel SET name = $3, state = $4, token = $5, token_last4 = $6, throughput = $7, verified_name = $8, display = $9, found_by = $10, attention = $11, next_action = $12, quality_rating = $13, throughput_level = $14, messaging_limit = $15, name_status = $16, number_status = $17, token_expires_at = $18, checked_at = $19 WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL");
    DELETE = same("UPDATE channel SET deleted_at = $3, state = $4 WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL");
    ROUTE_INSERT = same("INSERT INTO callback_route (meta_app_id, identity, channel_id, workspace_id) VALUES ($1, $2, $3, $4)");
    ROUTE_TAKEN = same("SELECT 1 FROM callback_route WHERE meta_app_id = $1 AND identity = $2 LIMIT 1");
    WITHOUT_JOB = same("SELECT i.id, i.workspace_id FROM channel_index i WHERE EXISTS (SELECT 1 FROM callback_route r WHERE r.channel_id = i.id) AND NOT EXISTS (SELECT 1 FROM job j WHERE j.kind = $1 AND j.lane = i.id) ORDER BY i.id");
    HASTEN_OF_APP = same("UPDATE job SET run_at = $3 WHERE kind = $1 AND run_at > $3 AND lease_until <= $3 AND lane IN (SELECT channel_id FROM callback_route WHERE meta_app_id = $2)");
    SCOPE = same("SELECT workspace_id FROM channel_index WHERE id = $1");
    INDEX_INSERT = same("INSERT INTO channel_index (id, workspace_id) VALUES ($1, $2)");
    ROUTE_DELETE = same("DELETE FROM callback_route WHERE meta_app_id = $1 AND channel_id = $2 AND workspace_id = $3");
}

fn channel(row: &Row<'_>) -> engine::Result<ChannelRow> {
    Ok(ChannelRow {
        id: ChannelId::from_uuid(row.get(0)?),
        mode: mode(row, 1)?,
        kind: ChannelKind::parse(&row.get::<String>(2)?).ok_or_else(|| row.corrupt(2))?,
        name: row.get(3)?,
        state: ChannelState::from_number(row.get(4)?).ok_or_else(|| row.corrupt(4))?,
        app_owner: WorkspaceId::from_uuid(row.get(5)?),
        meta_app: MetaAppId::from_uuid(row.get(6)?),
        phone_number_id: row.get(7)?,
        waba_id: row.get(8)?,
        token: row.get(9)?,
        token_last4: row.get(10)?,
        display: row.get(11)?,
        verified_name: row.get(12)?,
        throughput: row.get(13)?,
        created_at: Timestamp::from_micros(row.get(14)?),
        found_by: row.get(15)?,
        attention: row.get(16)?,
        next_action: row.get(17)?,
        quality_rating: row.get(18)?,
        throughput_level: row.get(19)?,
        messaging_limit: row.get(20)?,
        name_status: row.get(21)?,
        number_status: row.get(22)?,
        token_expires_at: row.get::<Option<i64>>(23)?.map(Timestamp::from_micros),
        checked_at: row.get::<Option<i64>>(24)?.map(Timestamp::from_micros),
    })
}

impl WorkspaceTx<'_> {
    /// Adds a channel and its routes. `phone` and `waba` are the digests by which callbacks of its app find it. False
    /// when the app already serves a channel with this phone number.
    pub async fn channel_insert(&self, c: &ChannelRow, phone: &[u8], waba: &[u8]) -> Result<bool> {
        let taken = self
            .tx
            .query_opt(&ROUTE_TAKEN, params![c.meta_app.uuid(), phone], |row: &Row<'_>| row.get::<i64>(0))
            .await?;
        if taken.is_some() {
            return Ok(false);
        }
        if !self.meta_app_hold(c.meta_app, c.app_owner).await? {
            return Err(Error::new(Code::Conflict, "the Meta app was removed meanwhile"));
        }
        let values = params![
            self.workspace,
            c.id.uuid(),
            c.mode.number(),
            c.kind.as_str(),
            &c.name,
            c.state.number(),
            c.app_owner.uuid(),
            c.meta_app.uuid(),
            &c.phone_number_id,
            &c.waba_id,
            &c.token,
            &c.token_last4,
            c.display.as_deref(),
            c.verified_name.as_deref(),
            c.throughput,
            c.created_at.micros(),
            c.found_by,
            c.attention.as_deref(),
            c.next_action.as_deref(),
            c.quality_rating.as_deref(),
            c.throughput_level.as_deref(),
            c.messaging_limit.as_deref(),
            c.name_status.as_deref(),
            c.number_status.as_deref(),
            c.token_expires_at.map(Timestamp::micros),
            c.checked_at.map(Timestamp::micros)
        ];
        self.tx.execute_one(&INSERT, values).await?;
        self.tx.execute_one(&INDEX_INSERT, params![c.id.uuid(), self.workspace]).await?;
        for identity in [phone, waba] {
            let values = params![c.meta_app.uuid(), identity, c.id.uuid(), self.workspace];
            self.tx.execute_one(&ROUTE_INSERT, values).await?;
        }
        Ok(true)
    }

    pub async fn channel_get(&self, id: ChannelId) -> Result<Option<ChannelRow>> {
        Ok(self.tx.query_opt(&GET, params![self.workspace, id.uuid()], channel).await?)
    }

    /// The channel as it is now, held against others' changes until the transaction ends.
    pub async fn channel_lock(&self, id: ChannelId) -> Result<Option<ChannelRow>> {
        Ok(self.tx.query_opt(&LOCK, params![self.workspace, id.uuid()], channel).await?)
    }

    /// All of the workspace's channels, newest first. Their number is small by plan.
    pub async fn channel_list(&self) -> Result<Vec<ChannelRow>> {
        Ok(self.tx.query(&LIST, params![self.workspace], channel).await?)
    }

    /// Writes down everything of a channel that can change.
    pub async fn channel_update(&self, c: &ChannelRow) -> Result<()> {
        let values = params![
            self.workspace,
            c.id.uuid(),
            &c.name,
            c.state.number(),
            &c.token,
            &c.token_last4,
            c.throughput,
            c.verified_name.as_deref(),
            c.display.as_deref(),
            c.found_by,
            c.attention.as_deref(),
            c.next_action.as_deref(),
            c.quality_rating.as_deref(),
            c.throughput_level.as_deref(),
            c.messaging_limit.as_deref(),
            c.name_status.as_deref(),
            c.number_status.as_deref(),
            c.token_expires_at.map(Timestamp::micros),
            c.checked_at.map(Timestamp::micros)
        ];
        Ok(self.tx.execute_one(&UPDATE, values).await?)
    }

    /// Jobs of this kind of all channels of an app are due now, whichever workspace they belong to.
    pub async fn channel_jobs_hasten(&self, kind: JobKind, app: MetaAppId, now: Timestamp) -> Result<u64> {
        let values = params![kind.number(), app.uuid(), now.micros()];
        Ok(self.tx.execute(&HASTEN_OF_APP, values).await?)
    }

    /// Messages that waited for the channel are looked at once this transaction has committed.
    pub fn channel_wake(&self, id: ChannelId) {
        wake_after_commit(self.tx, self.wakes, JobKind::MessageSend, id.uuid());
    }

    /// The channel is gone for its users, its number free for another; its messages stay.
    pub async fn channel_delete(&self, c: &ChannelRow, now: Timestamp) -> Result<()> {
        let values = params![self.workspace, c.id.uuid(), now.micros(), ChannelState::Disabled.number()];
        self.tx.execute_one(&DELETE, values).await?;
        let values = params![c.meta_app.uuid(), c.id.uuid(), self.workspace];
        self.tx.execute(&ROUTE_DELETE, values).await?;
        Ok(())
    }
}

impl SystemTx<'_> {
    /// The channels for which no job of this kind waits: there is something that every channel needs done now and then.
    pub async fn channels_without_job(&self, kind: JobKind) -> Result<Vec<(WorkspaceScope, ChannelId)>> {
        let found: Vec<(Uuid, Uuid)> = self
            .tx
            .query(&WITHOUT_JOB, params![kind.number()], |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?)))
            .await?;
        Ok(found
            .into_iter()
            .map(|(id, workspace)| {
                (WorkspaceScope::of(WorkspaceId::from_uuid(workspace)), ChannelId::from_uuid(id))
            })
            .collect())
    }

    /// The workspace of a channel that has work waiting: what a lane's key names.
    pub async fn channel_scope(&self, id: ChannelId) -> Result<Option<WorkspaceScope>> {
        let found: Option<Uuid> =
            self.tx.query_opt(&SCOPE, params![id.uuid()], |row: &Row<'_>| row.get(0)).await?;
        Ok(found.map(|workspace| WorkspaceScope::of(WorkspaceId::from_uuid(workspace))))
    }

    /// A channel and its Meta app, before the workspace is known: what a lane begins with.
    pub async fn channel_find(
        &self,
        id: ChannelId,
    ) -> Result<Option<(WorkspaceScope, ChannelRow, Option<MetaAppRow>)>> {
        let Some(scope) = self.channel_scope(id).await? else { return Ok(None) };
        let Some(row) = self.enter(scope).channel_get(id).await? else { return Ok(None) };
        let app = self.enter(WorkspaceScope::of(row.app_owner)).meta_app_get(row.meta_app).await?;
        Ok(Some((scope, row, app)))
    }
}
