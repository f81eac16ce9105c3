//! Files at Meta: which channel's they are and until when. What is said of them (Meta's id, type, name, digest) is sealed
//! by the caller; the files themselves are never here.

use gatepost_core::channel::Mode;
use gatepost_core::message::Direction;
use gatepost_core::{ChannelId, MediaId, Result, Timestamp};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::messages::mode;
use crate::store::WorkspaceTx;
use crate::{params, statements};

/// A file as it lies in the table.
#[derive(Debug, Clone)]
pub struct MediaRow {
    pub id: MediaId,
    pub channel: ChannelId,
    pub mode: Mode,
    /// Outbound: uploaded for sending; inbound: sent by a person.
    pub direction: Direction,
    /// Sealed.
    pub details: Vec<u8>,
    pub created_at: Timestamp,
    /// Until when Meta keeps it.
    pub expires_at: Timestamp,
}

statements! {
    INSERT = same("INSERT INTO media (workspace_id, id, channel_id, mode, direction, details, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    GET = same("SELECT id, channel_id, mode, direction, details, created_at, expires_at FROM media WHERE workspace_id = $1 AND id = $2");
    DELETE = same("DELETE FROM media WHERE workspace_id = $1 AND id = $2");
    RETAIN = same("DELETE FROM media WHERE workspace_id = $1 AND id IN (SELECT id FROM media WHERE workspace_id = $1 AND expires_at < $2 ORDER BY expires_at LIMIT $3)");
}

fn media(row: &Row<'_>) -> engine::Result<MediaRow> {
    Ok(MediaRow {
        id: MediaId::from_uuid(row.get::<Uuid>(0)?),
        channel: ChannelId::from_uuid(row.get(1)?),
        mode: mode(row, 2)?,
        direction: Direction::from_number(row.get(3)?).ok_or_else(|| row.corrupt(3))?,
        details: row.get(4)?,
        created_at: Timestamp::from_micros(row.get(5)?),
        expires_at: Timestamp::from_micros(row.get(6)?),
    })
}

impl WorkspaceTx<'_> {
    pub async fn media_insert(&self, media: &[&MediaRow]) -> Result<()> {
        let rows: Vec<_> = media
            .iter()
            .map(|m| {
                params![
                    self.workspace,
                    m.id.uuid(),
                    m.channel.uuid(),
                    m.mode.number(),
                    m.direction.number(),
                    &m.details,
                    m.created_at.micros(),
                    m.expires_at.micros()
                ]
                .to_vec()
            })
            .collect();
        self.tx.execute_many(&INSERT, &rows).await?;
        Ok(())
    }

    pub async fn media_get(&self, ids: &[MediaId]) -> Result<Vec<Option<MediaRow>>> {
        let rows: Vec<_> = ids.iter().map(|id| params![self.workspace, id.uuid()].to_vec()).collect();
        Ok(self.tx.query_many(&GET, &rows, media).await?)
    }

    /// Forgets a file; false where somebody else was faster.
    pub async fn media_delete(&self, id: MediaId) -> Result<bool> {
        Ok(self.tx.execute(&DELETE, params![self.workspace, id.uuid()]).await? == 1)
    }

    /// Forgets files that Meta has not kept since before `before`.
    pub async fn retain_media(&self, before: Timestamp, limit: i64) -> Result<u64> {
        Ok(self.tx.execute(&RETAIN, params![self.workspace, before.micros(), limit]).await?)
    }
}
