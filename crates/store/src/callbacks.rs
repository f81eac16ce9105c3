//! Meta's callbacks: routes, sealed envelopes, and the items already seen.

use futures_util::future::join;
use gatepost_core::{ChannelId, EnvelopeId, MetaAppId, Result, Timestamp, WorkspaceId};
use uuid::Uuid;

use crate::engine::Row;
use crate::jobs::NewJob;
use crate::scope::WorkspaceScope;
use crate::store::{SystemTx, WorkspaceTx};
use crate::{params, statements};

/// Where a callback part of an app goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallbackRoute {
    pub scope: WorkspaceScope,
    pub channel: ChannelId,
}

/// One callback body, cut to one workspace.
#[derive(Debug, Clone)]
pub struct EnvelopeRow {
    pub id: EnvelopeId,
    pub meta_app: MetaAppId,
    /// Sealed.
    pub body: Vec<u8>,
    pub received_at: Timestamp,
}

/// Names one item of Meta's callbacks, the same for every copy of it.
///
/// The item's own time comes first, to the second: digests look random, and in a large table each new one would touch a
/// page of its own. With the time first new items meet in the newest pages, however many are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemKey([u8; 16]);

impl ItemKey {
    /// `at`: the item's own time, part of what `digest` covers; items without one meet at zero.
    pub fn new(at: Option<Timestamp>, digest: [u8; 16]) -> Self {
        let mut key = digest;
        key[..4].copy_from_slice(&Self::floor(at.unwrap_or(Timestamp::UNIX_EPOCH)));
        Self(key)
    }

    /// Where the keys of an instant begin.
    pub(crate) fn floor(at: Timestamp) -> [u8; 4] {
        // What lies outside of four bytes (1970 to 2106) meets at their ends.
        u32::try_from(at.seconds().max(0)).unwrap_or(u32::MAX).to_be_bytes()
    }
}

statements! {
    ROUTES = same("SELECT channel_id, workspace_id FROM callback_route WHERE meta_app_id = $1 AND identity = $2 ORDER BY channel_id");
    INSERT = same("INSERT INTO envelope (workspace_id, id, meta_app_id, body, received_at) VALUES ($1, $2, $3, $4, $5)");
    GET = same("SELECT id, meta_app_id, body, received_at FROM envelope WHERE workspace_id = $1 AND id = $2");
    DELETE = same("DELETE FROM envelope WHERE workspace_id = $1 AND id = $2");
    SEEN = same("INSERT INTO callback_item (workspace_id, id, seen_at) VALUES ($1, $2, $3) ON CONFLICT (workspace_id, id) DO NOTHING");
}

impl SystemTx<'_> {
    /// The channels that an identity (digest of a phone number id or WABA id) names under one app.
    pub async fn callback_routes(&self, app: MetaAppId, identity: &[u8]) -> Result<Vec<CallbackRoute>> {
        let found: Vec<(Uuid, Uuid)> = self
            .tx
            .query(&ROUTES, params![app.uuid(), identity], |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?)))
            .await?;
        Ok(found
            .into_iter()
            .map(|(channel, workspace)| CallbackRoute {
                scope: WorkspaceScope::of(WorkspaceId::from_uuid(workspace)),
                channel: ChannelId::from_uuid(channel),
            })
            .collect())
    }

    /// Leaves one workspace's part of a callback, and the job that will read it.
    pub async fn envelope_insert(
        &self,
        scope: WorkspaceScope,
        row: &EnvelopeRow,
        job: Option<&NewJob>,
    ) -> Result<()> {
        let tx = self.enter(scope);
        let values = params![
            scope.workspace().uuid(),
            row.id.uuid(),
            row.meta_app.uuid(),
            &row.body,
            row.received_at.micros()
        ];
        let Some(job) = job else { return Ok(tx.tx.execute_one(&INSERT, values).await?) };
        // Both are on the wire before either is answered.
        let (inserted, queued) = join(tx.tx.execute_one(&INSERT, values), tx.job_insert(job)).await;
        inserted?;
        queued
    }
}

impl WorkspaceTx<'_> {
    pub async fn envelopes_get(&self, ids: &[EnvelopeId]) -> Result<Vec<Option<EnvelopeRow>>> {
        let rows: Vec<_> = ids.iter().map(|id| params![self.workspace, id.uuid()].to_vec()).collect();
        Ok(self
            .tx
            .query_many(&GET, &rows, |row: &Row<'_>| {
                Ok(EnvelopeRow {
                    id: EnvelopeId::from_uuid(row.get(0)?),
                    meta_app: MetaAppId::from_uuid(row.get(1)?),
                    body: row.get(2)?,
                    received_at: Timestamp::from_micros(row.get(3)?),
                })
            })
            .await?)
    }

    pub async fn envelopes_delete(&self, ids: &[EnvelopeId]) -> Result<()> {
        let rows: Vec<_> = ids.iter().map(|id| params![self.workspace, id.uuid()].to_vec()).collect();
        self.tx.execute_many(&DELETE, &rows).await?;
        Ok(())
    }

    /// Marks items as seen; answers, item by item, whether it was new. The same item within `keys` counts once.
    pub async fn callback_items_claim(&self, keys: &[ItemKey], now: Timestamp) -> Result<Vec<bool>> {
        let rows: Vec<_> =
            keys.iter().map(|key| params![self.workspace, key.0.as_slice(), now.micros()].to_vec()).collect();
        Ok(self.tx.execute_many(&SEEN, &rows).await?.into_iter().map(|n| n == 1).collect())
    }
}
