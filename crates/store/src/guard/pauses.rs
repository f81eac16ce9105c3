//! What is paused.

use gatepost_core::guard::{PauseScope, PausedBy};
use gatepost_core::{ChannelId, PauseId, Purpose, Result, Timestamp};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::store::WorkspaceTx;
use crate::{params, statements};

/// Something that is paused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PauseRow {
    pub id: PauseId,
    pub scope: PauseScope,
    pub by: PausedBy,
    pub actor: String,
    pub why: String,
    pub since: Timestamp,
}

statements! {
    INSERT = same("INSERT INTO pause (workspace_id, id, scope, channel_id, purpose, set_by, actor, why, since) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    LIST = same("SELECT id, scope, channel_id, purpose, set_by, actor, why, since FROM pause WHERE workspace_id = $1 ORDER BY id");
    DELETE = same("DELETE FROM pause WHERE workspace_id = $1 AND id = $2");
}

fn pause(row: &Row<'_>) -> engine::Result<PauseRow> {
    let scope = match row.get::<i64>(1)? {
        1 => PauseScope::Workspace,
        2 => PauseScope::Channel(ChannelId::from_uuid(row.get::<Uuid>(2)?)),
        3 => PauseScope::Purpose(Purpose::from_number(row.get(3)?).ok_or_else(|| row.corrupt(3))?),
        _ => return Err(row.corrupt(1)),
    };
    Ok(PauseRow {
        id: PauseId::from_uuid(row.get(0)?),
        scope,
        by: PausedBy::from_number(row.get(4)?).ok_or_else(|| row.corrupt(4))?,
        actor: row.get(5)?,
        why: row.get(6)?,
        since: Timestamp::from_micros(row.get(7)?),
    })
}

impl WorkspaceTx<'_> {
    /// Everything that is paused; few, since whoever pauses looks first.
    pub async fn pause_list(&self) -> Result<Vec<PauseRow>> {
        Ok(self.tx.query(&LIST, params![self.workspace], pause).await?)
    }

    pub async fn pause_add(&self, row: &PauseRow) -> Result<()> {
        let (scope, channel, purpose) = match row.scope {
            PauseScope::Workspace => (1, None, None),
            PauseScope::Channel(channel) => (2, Some(channel.uuid()), None),
            PauseScope::Purpose(purpose) => (3, None, Some(purpose.number())),
        };
        let values = params![
            self.workspace,
            row.id.uuid(),
            scope,
            channel,
            purpose,
            row.by.number(),
            row.actor.as_str(),
            row.why.as_str(),
            row.since.micros()
        ];
        Ok(self.tx.execute_one(&INSERT, values).await?)
    }

    /// True when there was one.
    pub async fn pause_lift(&self, id: PauseId) -> Result<bool> {
        Ok(self.tx.execute(&DELETE, params![self.workspace, id.uuid()]).await? == 1)
    }
}
