//! Verification pages. The index (a platform table) leads from the end of a page's address to its workspace; everything
//! else is the workspace's.

use gatepost_core::access::{StoredPage, TokenDigest};
use gatepost_core::channel::Mode;
use gatepost_core::{ChannelId, Result, Timestamp, VerificationPageId, WorkspaceId};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::messages::mode;
use crate::scope::WorkspaceScope;
use crate::store::{SystemTx, WorkspaceTx};
use crate::{params, statements};

#[derive(Debug, Clone)]
pub struct VerificationPageRow {
    pub id: VerificationPageId,
    pub mode: Mode,
    pub channel: ChannelId,
    pub name: String,
    /// JSON.
    pub settings: String,
    /// SHA-256 of the end of its address.
    pub digest: [u8; 32],
    /// Sealed: the end of its address.
    pub token: Vec<u8>,
    pub created_at: Timestamp,
}

statements! {
    INSERT = same("INSERT INTO verification_page (workspace_id, id, mode, channel_id, name, settings, digest, token, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    INDEX_PUT = same("INSERT INTO verification_page_index (digest, id, workspace_id) VALUES ($1, $2, $3)");
    INDEX_DROP = same("DELETE FROM verification_page_index WHERE digest = $1 AND workspace_id = $2");
    /// A page of a deleted workspace is nobody's.
    OWNER = same("SELECT i.id, i.workspace_id FROM verification_page_index i JOIN workspace w ON w.id = i.workspace_id WHERE i.digest = $1 AND w.deleted_at IS NULL");
    GET = same("SELECT id, mode, channel_id, name, settings, digest, token, created_at FROM verification_page WHERE workspace_id = $1 AND id = $2");
    LIST = same("SELECT id, mode, channel_id, name, settings, digest, token, created_at FROM verification_page WHERE workspace_id = $1 ORDER BY id DESC");
    DELETE = same("DELETE FROM verification_page WHERE workspace_id = $1 AND id = $2");
}

fn page(row: &Row<'_>) -> engine::Result<VerificationPageRow> {
    Ok(VerificationPageRow {
        id: VerificationPageId::from_uuid(row.get(0)?),
        mode: mode(row, 1)?,
        channel: ChannelId::from_uuid(row.get(2)?),
        name: row.get(3)?,
        settings: row.get(4)?,
        digest: row.get::<Vec<u8>>(5)?.try_into().map_err(|_| row.corrupt(5))?,
        token: row.get(6)?,
        created_at: Timestamp::from_micros(row.get(7)?),
    })
}

impl WorkspaceTx<'_> {
    pub async fn verification_page_insert(&self, page: &VerificationPageRow) -> Result<()> {
        let values = params![
            self.workspace,
            page.id.uuid(),
            page.mode.number(),
            page.channel.uuid(),
            &page.name,
            &page.settings,
            page.digest.as_slice(),
            page.token.as_slice(),
            page.created_at.micros()
        ];
        self.tx.execute_one(&INSERT, values).await?;
        let values = params![page.digest.as_slice(), page.id.uuid(), self.workspace];
        Ok(self.tx.execute_one(&INDEX_PUT, values).await?)
    }

    pub async fn verification_page_get(&self, id: VerificationPageId) -> Result<Option<VerificationPageRow>> {
        Ok(self.tx.query_opt(&GET, params![self.workspace, id.uuid()], page).await?)
    }

    /// All of the workspace's pages, newest first. Their number is small by rule.
    pub async fn verification_page_list(&self) -> Result<Vec<VerificationPageRow>> {
        Ok(self.tx.query(&LIST, params![self.workspace], page).await?)
    }

    /// As [`Self::verification_page_list`], for whoever adds one: nobody else adds one before this transaction ends.
    pub async fn verification_page_list_to_add(&self) -> Result<Vec<VerificationPageRow>> {
        self.counter_take("verification_page", 1).await?;
        self.verification_page_list().await
    }

    /// Removes a page; its address leads nowhere from then on.
    pub async fn verification_page_delete(&self, page: &VerificationPageRow) -> Result<()> {
        self.tx.execute_one(&INDEX_DROP, params![page.digest.as_slice(), self.workspace]).await?;
        Ok(self.tx.execute_one(&DELETE, params![self.workspace, page.id.uuid()]).await?)
    }
}

impl SystemTx<'_> {
    /// A page as it is stored, before its workspace is known: what the end of an address names. `default_plan` is that of
    /// workspaces without one.
    pub async fn verification_page_find(
        &self,
        digest: &TokenDigest,
        default_plan: Option<&str>,
    ) -> Result<Option<(StoredPage, VerificationPageRow)>> {
        let read = |row: &Row<'_>| Ok((row.get::<Uuid>(0)?, row.get::<Uuid>(1)?));
        let found = self.tx.query_opt(&OWNER, params![digest.as_bytes().as_slice()], read).await?;
        let Some((id, owner)) = found else { return Ok(None) };
        let workspace = WorkspaceId::from_uuid(owner);
        let tx = self.enter(WorkspaceScope::of(workspace));
        let Some(row) = tx.verification_page_get(VerificationPageId::from_uuid(id)).await? else {
            return Ok(None);
        };
        let entitlements = tx.entitled(default_plan).await?.entitlements();
        let stored = StoredPage {
            id: row.id,
            workspace,
            digest: TokenDigest::new(row.digest),
            mode: row.mode,
            channel: row.channel,
            entitlements,
        };
        Ok(Some((stored, row)))
    }
}
