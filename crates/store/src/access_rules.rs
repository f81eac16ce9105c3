//! From where, by which pages and how fast the keys of a workspace and mode may be used.

use gatepost_core::allowlist::Allowlist;
use gatepost_core::channel::Mode;
use gatepost_core::{ApiKeyId, Error, Origin, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::store::WorkspaceTx;
use crate::{params, statements};

/// What holds for all keys of a workspace and mode.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessRuleRow {
    pub allowlist: Allowlist,
    /// For test keys; a live one has none.
    pub origins: Vec<Origin>,
    /// The name of a preset; `None` for what the installation says.
    pub limit_preset: Option<String>,
}

statements! {
    GET = same("SELECT allowlist, origins, limit_preset FROM access_rule WHERE workspace_id = $1 AND mode = $2");
    SET = same("INSERT INTO access_rule (workspace_id, mode, allowlist, origins, limit_preset) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (workspace_id, mode) DO UPDATE SET allowlist = excluded.allowlist, origins = excluded.origins, limit_preset = excluded.limit_preset");
    KEY_LIMITS = same("SELECT id, limit_preset FROM api_key WHERE workspace_id = $1 AND mode = $2 AND limit_preset IS NOT NULL AND revoked_at IS NULL ORDER BY id");
    KEY_LIST_SET = same("UPDATE api_key SET allowlist = $3 WHERE workspace_id = $1 AND id = $2");
    KEY_LIMIT_SET = same("UPDATE api_key SET limit_preset = $3 WHERE workspace_id = $1 AND id = $2");
}

/// JSON in a column; missing means nothing was ever said.
pub(crate) fn written<T: DeserializeOwned + Default>(row: &Row<'_>, index: usize) -> engine::Result<T> {
    match row.get::<Option<String>>(index)? {
        Some(text) => serde_json::from_str(&text).map_err(|_| row.corrupt(index)),
        None => Ok(T::default()),
    }
}

/// The column's text; `None` for what is as if nothing had been said.
pub(crate) fn to_column<T: Serialize + Default + PartialEq>(value: &T) -> Result<Option<String>> {
    if *value == T::default() {
        return Ok(None);
    }
    serde_json::to_string(value).map(Some).map_err(Error::internal)
}

impl WorkspaceTx<'_> {
    pub async fn access_rule(&self, mode: Mode) -> Result<AccessRuleRow> {
        let read = |row: &Row<'_>| {
            Ok(AccessRuleRow {
                allowlist: written(row, 0)?,
                origins: written(row, 1)?,
                limit_preset: row.get(2)?,
            })
        };
        let found = self.tx.query_opt(&GET, params![self.workspace, mode.number()], read).await?;
        Ok(found.unwrap_or_default())
    }

    pub async fn access_rule_set(&self, mode: Mode, rule: &AccessRuleRow) -> Result<()> {
        let (allowlist, origins) = (to_column(&rule.allowlist)?, to_column(&rule.origins)?);
        let values = params![
            self.workspace,
            mode.number(),
            allowlist.as_deref(),
            origins.as_deref(),
            rule.limit_preset.as_deref()
        ];
        Ok(self.tx.execute_one(&SET, values).await?)
    }

    /// The keys of that mode with a preset of their own, revoked ones left out.
    pub async fn api_key_limits(&self, mode: Mode) -> Result<Vec<(ApiKeyId, String)>> {
        let read = |row: &Row<'_>| Ok((ApiKeyId::from_uuid(row.get::<Uuid>(0)?), row.get(1)?));
        Ok(self.tx.query(&KEY_LIMITS, params![self.workspace, mode.number()], read).await?)
    }

    pub async fn api_key_allowlist_set(&self, id: ApiKeyId, list: &Allowlist) -> Result<()> {
        let list = to_column(list)?;
        Ok(self.tx.execute_one(&KEY_LIST_SET, params![self.workspace, id.uuid(), list.as_deref()]).await?)
    }

    pub async fn api_key_limit_set(&self, id: ApiKeyId, preset: Option<&str>) -> Result<()> {
        Ok(self.tx.execute_one(&KEY_LIMIT_SET, params![self.workspace, id.uuid(), preset]).await?)
    }
}
