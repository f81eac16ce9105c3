//! What waits for somebody's decision.

use gatepost_core::channel::Mode;
use gatepost_core::{ChannelId, MessageId, Result, ReviewId, Timestamp};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::messages::mode;
use crate::store::WorkspaceTx;
use crate::{params, statements};

/// What is decided about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewKind {
    /// A message that is held: may it go?
    Message,
    /// A person's words: were they an opt-out?
    OptOut,
}

impl ReviewKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::OptOut => "opt_out",
        }
    }

    const fn number(self) -> i64 {
        match self {
            Self::Message => 1,
            Self::OptOut => 2,
        }
    }
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewState {
    Open,
    Approved,
    Rejected,
    Expired,
}

impl ReviewState {
    pub const ALL: [Self; 4] = [Self::Open, Self::Approved, Self::Rejected, Self::Expired];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    const fn number(self) -> i64 {
        match self {
            Self::Open => 1,
            Self::Approved => 2,
            Self::Rejected => 3,
            Self::Expired => 4,
        }
    }
}

/// Something that waits, or waited, for a decision.
#[derive(Debug, Clone)]
pub struct ReviewRow {
    pub id: ReviewId,
    pub kind: ReviewKind,
    pub message: MessageId,
    pub channel: ChannelId,
    pub mode: Mode,
    /// JSON: score and rules.
    pub found: String,
    pub state: ReviewState,
    pub opened_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub decided_at: Option<Timestamp>,
    pub decided_by: Option<String>,
    pub reason: Option<String>,
}

statements! {
    INSERT = same("INSERT INTO review (workspace_id, id, kind, message_id, channel_id, mode, found, state, opened_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9)");
    GET = same("SELECT id, kind, message_id, channel_id, mode, found, state, opened_at, expires_at, decided_at, decided_by, reason FROM review WHERE workspace_id = $1 AND id = $2");
    LIST = same("SELECT id, kind, message_id, channel_id, mode, found, state, opened_at, expires_at, decided_at, decided_by, reason FROM review WHERE workspace_id = $1 AND state = $2 AND id < $3 ORDER BY id DESC LIMIT $4");
    PERSON = same("UPDATE review SET person = $3 WHERE workspace_id = $1 AND id = $2");
    OPEN_OF = same("SELECT COUNT(*) FROM review WHERE workspace_id = $1 AND person = $2 AND state = 1 AND person IS NOT NULL");
    /// An open one is decided once.
    DECIDE = same("UPDATE review SET state = $3, decided_at = $4, decided_by = $5, reason = $6 WHERE workspace_id = $1 AND id = $2 AND state = 1");
    EXPIRE = same("UPDATE review SET state = 4, decided_at = $3 WHERE workspace_id = $1 AND message_id = $2 AND kind = 1 AND state = 1");
}

fn review(row: &Row<'_>) -> engine::Result<ReviewRow> {
    let (kind, state): (i64, i64) = (row.get(1)?, row.get(6)?);
    let kind = [ReviewKind::Message, ReviewKind::OptOut].into_iter().find(|k| k.number() == kind);
    let moment = |index| Ok(row.get::<Option<i64>>(index)?.map(Timestamp::from_micros));
    Ok(ReviewRow {
        id: ReviewId::from_uuid(row.get(0)?),
        kind: kind.ok_or_else(|| row.corrupt(1))?,
        message: MessageId::from_uuid(row.get(2)?),
        channel: ChannelId::from_uuid(row.get(3)?),
        mode: mode(row, 4)?,
        found: row.get(5)?,
        state: ReviewState::ALL.into_iter().find(|s| s.number() == state).ok_or_else(|| row.corrupt(6))?,
        opened_at: Timestamp::from_micros(row.get(7)?),
        expires_at: moment(8)?,
        decided_at: moment(9)?,
        decided_by: row.get(10)?,
        reason: row.get(11)?,
    })
}

impl WorkspaceTx<'_> {
    pub async fn review_open(&self, row: &ReviewRow) -> Result<()> {
        let values = params![
            self.workspace,
            row.id.uuid(),
            row.kind.number(),
            row.message.uuid(),
            row.channel.uuid(),
            row.mode.number(),
            row.found.as_str(),
            row.opened_at.micros(),
            row.expires_at.map(Timestamp::micros)
        ];
        Ok(self.tx.execute_one(&INSERT, values).await?)
    }

    /// Names whose words wait, by blind index.
    pub async fn review_person_set(&self, id: ReviewId, person: &[u8]) -> Result<()> {
        Ok(self.tx.execute_one(&PERSON, params![self.workspace, id.uuid(), person]).await?)
    }

    /// Whether words of this person wait for a decision already.
    pub async fn review_is_open_of(&self, person: &[u8]) -> Result<bool> {
        let count = |row: &Row<'_>| row.get::<i64>(0);
        Ok(self.tx.query_one(&OPEN_OF, params![self.workspace, person], count).await? > 0)
    }

    pub async fn review_get(&self, id: ReviewId) -> Result<Option<ReviewRow>> {
        Ok(self.tx.query_opt(&GET, params![self.workspace, id.uuid()], review).await?)
    }

    /// Of one state, newest first, older than `before`.
    pub async fn review_list(&self, state: ReviewState, before: Uuid, limit: i64) -> Result<Vec<ReviewRow>> {
        Ok(self.tx.query(&LIST, params![self.workspace, state.number(), before, limit], review).await?)
    }

    /// Nobody decided about a message in time.
    pub async fn review_expire(&self, message: MessageId, now: Timestamp) -> Result<()> {
        self.tx.execute(&EXPIRE, params![self.workspace, message.uuid(), now.micros()]).await?;
        Ok(())
    }

    /// True when it was open until now.
    pub async fn review_decide(
        &self,
        id: ReviewId,
        state: ReviewState,
        by: &str,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let values = params![self.workspace, id.uuid(), state.number(), now.micros(), by, reason];
        Ok(self.tx.execute(&DECIDE, values).await? == 1)
    }
}
