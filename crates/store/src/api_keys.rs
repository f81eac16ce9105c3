//! API keys. The index (a platform table) leads from a key's id to its workspace; everything else is the workspace's.

use std::sync::Arc;

use gatepost_core::access::{KeyRules, Scope, StoredKey, TokenDigest};
use gatepost_core::allowlist::Allowlist;
use gatepost_core::channel::Mode;
use gatepost_core::{ApiKeyId, ChannelId, Result, Timestamp, WorkspaceId};
use uuid::Uuid;

use crate::access_rules::{AccessRuleRow, to_column, written};
use crate::engine::{self, Row};
use crate::messages::mode;
use crate::scope::WorkspaceScope;
use crate::store::{SystemTx, WorkspaceTx};
use crate::{params, statements};

#[derive(Clone)]
pub struct ApiKeyRow {
    pub id: ApiKeyId,
    pub name: String,
    pub mode: Mode,
    pub scopes: Vec<Scope>,
    pub digest: TokenDigest,
    /// The first characters of the key, for people.
    pub display: String,
    pub last4: String,
    /// The channels it is bound to; `None` for all.
    pub channels: Option<Vec<ChannelId>>,
    /// From where it may be used.
    pub allowlist: Allowlist,
    /// The name of its own preset of rate limits.
    pub limit_preset: Option<String>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
}

statements! {
    INSERT = same("INSERT INTO api_key (workspace_id, id, name, mode, scopes, digest, display, last4, bound, created_at, expires_at, allowlist, limit_preset) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)");
    INDEX_INSERT = same("INSERT INTO api_key_index (id, workspace_id) VALUES ($1, $2)");
    BIND = same("INSERT INTO api_key_channel (workspace_id, api_key_id, channel_id) VALUES ($1, $2, $3)");
    GET = same("SELECT id, name, mode, scopes, digest, display, last4, bound, created_at, expires_at, revoked_at, last_used_at, allowlist, limit_preset FROM api_key WHERE workspace_id = $1 AND id = $2");
    LIST = same("SELECT id, name, mode, scopes, digest, display, last4, bound, created_at, expires_at, revoked_at, last_used_at, allowlist, limit_preset FROM api_key WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    BOUND = same("SELECT channel_id FROM api_key_channel WHERE workspace_id = $1 AND api_key_id = $2 ORDER BY channel_id");
    REVOKE = same("UPDATE api_key SET revoked_at = $3 WHERE workspace_id = $1 AND id = $2 AND (revoked_at IS NULL OR revoked_at > $3)");
    USED = same("UPDATE api_key SET last_used_at = $3 WHERE workspace_id = $1 AND id = $2 AND (last_used_at IS NULL OR last_used_at < $3)");
    /// A key of a deleted workspace is nobody's.
    OWNER = same("SELECT i.workspace_id FROM api_key_index i JOIN workspace w ON w.id = i.workspace_id WHERE i.id = $1 AND w.deleted_at IS NULL");
}

/// A key, and whether it is bound to channels, which lie in a table of their own.
fn api_key(row: &Row<'_>) -> engine::Result<(ApiKeyRow, bool)> {
    let digest: [u8; 32] = row.get::<Vec<u8>>(4)?.try_into().map_err(|_| row.corrupt(4))?;
    let at = |index| row.get::<Option<i64>>(index).map(|at| at.map(Timestamp::from_micros));
    let key = ApiKeyRow {
        id: ApiKeyId::from_uuid(row.get(0)?),
        name: row.get(1)?,
        mode: mode(row, 2)?,
        scopes: Scope::from_bits(row.get(3)?),
        digest: TokenDigest::new(digest),
        display: row.get(5)?,
        last4: row.get(6)?,
        channels: None,
        allowlist: written(row, 12)?,
        limit_preset: row.get(13)?,
        created_at: Timestamp::from_micros(row.get(8)?),
        expires_at: at(9)?,
        revoked_at: at(10)?,
        last_used_at: at(11)?,
    };
    Ok((key, row.get(7)?))
}

impl WorkspaceTx<'_> {
    pub async fn api_key_insert(&self, key: &ApiKeyRow) -> Result<()> {
        let allowlist = to_column(&key.allowlist)?;
        let values = params![
            self.workspace,
            key.id.uuid(),
            &key.name,
            key.mode.number(),
            Scope::to_bits(&key.scopes),
            key.digest.as_bytes().as_slice(),
            &key.display,
            &key.last4,
            key.channels.is_some(),
            key.created_at.micros(),
            key.expires_at.map(Timestamp::micros),
            allowlist.as_deref(),
            key.limit_preset.as_deref()
        ];
        self.tx.execute_one(&INSERT, values).await?;
        self.tx.execute_one(&INDEX_INSERT, params![key.id.uuid(), self.workspace]).await?;
        for channel in key.channels.iter().flatten() {
            self.tx.execute_one(&BIND, params![self.workspace, key.id.uuid(), channel.uuid()]).await?;
        }
        Ok(())
    }

    async fn with_channels(&self, (mut key, bound): (ApiKeyRow, bool)) -> Result<ApiKeyRow> {
        if bound {
            let values = params![self.workspace, key.id.uuid()];
            let found: Vec<Uuid> = self.tx.query(&BOUND, values, |row: &Row<'_>| row.get(0)).await?;
            key.channels = Some(found.into_iter().map(ChannelId::from_uuid).collect());
        }
        Ok(key)
    }

    pub async fn api_key_get(&self, id: ApiKeyId) -> Result<Option<ApiKeyRow>> {
        match self.tx.query_opt(&GET, params![self.workspace, id.uuid()], api_key).await? {
            Some(found) => self.with_channels(found).await.map(Some),
            None => Ok(None),
        }
    }

    /// Newest first, those older than `before`.
    pub async fn api_key_list(&self, before: Uuid, limit: i64) -> Result<Vec<ApiKeyRow>> {
        let mut keys = Vec::new();
        for found in self.tx.query(&LIST, params![self.workspace, before, limit], api_key).await? {
            keys.push(self.with_channels(found).await?);
        }
        Ok(keys)
    }

    /// Ends a key's time at `at`; a later end that was set before is brought forward, never pushed back.
    pub async fn api_key_revoke(&self, id: ApiKeyId, at: Timestamp) -> Result<()> {
        self.tx.execute(&REVOKE, params![self.workspace, id.uuid(), at.micros()]).await?;
        Ok(())
    }
}

impl SystemTx<'_> {
    /// A key as it is stored, before its workspace is known: what a presented key names. `default_plan` is that of
    /// workspaces without one.
    pub async fn api_key_find(&self, id: ApiKeyId, default_plan: Option<&str>) -> Result<Option<StoredKey>> {
        let owner: Option<Uuid> =
            self.tx.query_opt(&OWNER, params![id.uuid()], |row: &Row<'_>| row.get(0)).await?;
        let Some(owner) = owner else { return Ok(None) };
        let workspace = WorkspaceId::from_uuid(owner);
        let tx = self.enter(WorkspaceScope::of(workspace));
        let Some(key) = tx.api_key_get(id).await? else { return Ok(None) };
        let AccessRuleRow { allowlist, origins, limit_preset } = tx.access_rule(key.mode).await?;
        let entitled = tx.entitled(default_plan).await?;
        let entitlements = entitled.entitlements();
        let rules = KeyRules {
            workspace_list: allowlist,
            own_list: key.allowlist,
            origins: if key.mode == Mode::Test { origins } else { Vec::new() },
            workspace_limit: limit_preset.or(entitled.plan.and_then(|plan| plan.requests)),
            own_limit: key.limit_preset,
            entitlements,
        };
        Ok(Some(StoredKey {
            id: key.id,
            workspace,
            digest: key.digest,
            mode: key.mode,
            scopes: key.scopes,
            channels: key.channels,
            rules: Arc::new(rules),
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
        }))
    }

    /// Notes when keys were last used.
    pub async fn api_keys_used(&self, uses: &[(WorkspaceId, ApiKeyId, Timestamp)]) -> Result<()> {
        for (workspace, id, at) in uses {
            let tx = self.enter(WorkspaceScope::of(*workspace));
            tx.tx.execute(&USED, params![workspace.uuid(), id.uuid(), at.micros()]).await?;
        }
        Ok(())
    }
}
