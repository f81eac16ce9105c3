//! Message templates. Components are sealed by the caller; this module sees bytes.

use gatepost_core::channel::Mode;
use gatepost_core::template::TemplateStatus;
use gatepost_core::{Result, TemplateId, Timestamp};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::messages::mode;
use crate::store::WorkspaceTx;
use crate::{params, statements};

/// A template as it lies in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateRow {
    pub id: TemplateId,
    pub mode: Mode,
    pub waba_id: String,
    /// Meta's id; `None` while it is a draft.
    pub provider_id: Option<String>,
    pub name: String,
    /// As REST writes it: `en_US`.
    pub language: String,
    /// Meta's word.
    pub category: String,
    /// `POSITIONAL` or `NAMED`.
    pub parameter_format: String,
    pub status: TemplateStatus,
    /// Meta's time of the newest callback about the status; `None`: none came yet.
    pub status_at: Option<Timestamp>,
    pub category_at: Option<Timestamp>,
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
    pub quality: Option<String>,
    pub quality_at: Option<Timestamp>,
    /// Meta's reason for the status, where it gives one.
    pub reason: Option<String>,
    /// Meta's components array, sealed.
    pub components: Vec<u8>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// When it was last read from Meta; `None` for what never was, or what has changed there since.
    pub synced_at: Option<Timestamp>,
}

/// Which account's templates: a WABA means one thing on WhatsApp and another on the simulated Meta.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TemplateAccount {
    pub mode: Mode,
    pub waba_id: String,
}

/// Which templates a list holds; `None` means all.
#[derive(Debug, Clone, Default)]
pub struct TemplateFilter {
    pub mode: Option<Mode>,
    pub waba_id: Option<String>,
    pub status: Option<String>,
    pub category: Option<String>,
    pub name: Option<String>,
}

statements! {
    INSERT = same("INSERT INTO template (workspace_id, id, mode, waba_id, provider_id, name, language, category, parameter_format, status, status_at, category_at, quality, quality_at, reason, components, created_at, updated_at, synced_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) ON CONFLICT DO NOTHING");
    GET = per(
        "SELECT id, mode, waba_id, provider_id, name, language, category, parameter_format, status, status_at, category_at, quality, quality_at, reason, components, created_at, updated_at, synced_at FROM template WHERE workspace_id = $1 AND id = $2",
        "SELECT id, mode, waba_id, provider_id, name, language, category, parameter_format, status, status_at, category_at, quality, quality_at, reason, components, created_at, updated_at, synced_at FROM template WHERE workspace_id = $1 AND id = $2 FOR UPDATE"
    );
    READ = same("SELECT id, mode, waba_id, provider_id, name, language, category, parameter_format, status, status_at, category_at, quality, quality_at, reason, components, created_at, updated_at, synced_at FROM template WHERE workspace_id = $1 AND id = $2");
    LIST = same("SELECT id, mode, waba_id, provider_id, name, language, category, parameter_format, status, status_at, category_at, quality, quality_at, reason, components, created_at, updated_at, synced_at FROM template WHERE workspace_id = $1 AND id < $2 AND mode = COALESCE($4, mode) AND waba_id = COALESCE($5, waba_id) AND status = COALESCE($6, status) AND category = COALESCE($7, category) AND name = COALESCE($8, name) ORDER BY id DESC LIMIT $3");
    ACCOUNT = same("SELECT id, mode, waba_id, provider_id, name, language, category, parameter_format, status, status_at, category_at, quality, quality_at, reason, components, created_at, updated_at, synced_at FROM template WHERE workspace_id = $1 AND mode = $2 AND waba_id = $3 ORDER BY id");
    FIND_PROVIDER = same("SELECT id FROM template WHERE workspace_id = $1 AND mode = $2 AND waba_id = $3 AND provider_id = $4");
    FIND_NAME = same("SELECT id FROM template WHERE workspace_id = $1 AND mode = $2 AND waba_id = $3 AND name = $4 AND language = $5");
    UPDATE = same("UPDATE template SET provider_id = $3, category = $4, parameter_format = $5, status = $6, status_at = $7, category_at = $8, quality = $9, quality_at = $10, reason = $11, components = $12, updated_at = $13, synced_at = $14 WHERE workspace_id = $1 AND id = $2");
    DELETE = same("DELETE FROM template WHERE workspace_id = $1 AND id = $2");
    DELETE_GONE = same("DELETE FROM template WHERE workspace_id = $1 AND mode = $2 AND waba_id = $3 AND name = $4 AND language = $5 AND status = $6");
}

fn at(row: &Row<'_>, index: usize) -> engine::Result<Option<Timestamp>> {
    Ok(row.get::<Option<i64>>(index)?.map(Timestamp::from_micros))
}

fn template(row: &Row<'_>) -> engine::Result<TemplateRow> {
    Ok(TemplateRow {
        id: TemplateId::from_uuid(row.get(0)?),
        mode: mode(row, 1)?,
        waba_id: row.get(2)?,
        provider_id: row.get(3)?,
        name: row.get(4)?,
        language: row.get(5)?,
        category: row.get(6)?,
        parameter_format: row.get(7)?,
        status: TemplateStatus::from(row.get::<String>(8)?),
        status_at: at(row, 9)?,
        category_at: at(row, 10)?,
        quality: row.get(11)?,
        quality_at: at(row, 12)?,
        reason: row.get(13)?,
        components: row.get(14)?,
        created_at: Timestamp::from_micros(row.get(15)?),
        updated_at: Timestamp::from_micros(row.get(16)?),
        synced_at: at(row, 17)?,
    })
}

impl WorkspaceTx<'_> {
    /// Adds a template. One of the same name and language that is gone at Meta makes room. False when a template with
    /// this name and language, or with this id of Meta's, is there.
    pub async fn template_insert(&self, t: &TemplateRow) -> Result<bool> {
        let gone = TemplateStatus::Deleted;
        let values =
            params![self.workspace, t.mode.number(), &t.waba_id, &t.name, &t.language, gone.as_str()];
        self.tx.execute(&DELETE_GONE, values).await?;
        let values = params![
            self.workspace,
            t.id.uuid(),
            t.mode.number(),
            &t.waba_id,
            t.provider_id.as_deref(),
            &t.name,
            &t.language,
            &t.category,
            &t.parameter_format,
            t.status.as_str(),
            t.status_at.map(Timestamp::micros),
            t.category_at.map(Timestamp::micros),
            t.quality.as_deref(),
            t.quality_at.map(Timestamp::micros),
            t.reason.as_deref(),
            &t.components,
            t.created_at.micros(),
            t.updated_at.micros(),
            t.synced_at.map(Timestamp::micros)
        ];
        Ok(self.tx.execute(&INSERT, values).await? == 1)
    }

    /// A template, held until the commit so that what is written back was not changed meanwhile.
    pub async fn template_take(&self, id: TemplateId) -> Result<Option<TemplateRow>> {
        Ok(self.tx.query_opt(&GET, params![self.workspace, id.uuid()], template).await?)
    }

    pub async fn template_get(&self, id: TemplateId) -> Result<Option<TemplateRow>> {
        Ok(self.tx.query_opt(&READ, params![self.workspace, id.uuid()], template).await?)
    }

    /// Older than `before`, newest first.
    pub async fn template_list(
        &self,
        filter: &TemplateFilter,
        before: Uuid,
        limit: i64,
    ) -> Result<Vec<TemplateRow>> {
        let values = params![
            self.workspace,
            before,
            limit,
            filter.mode.map(Mode::number),
            filter.waba_id.as_deref(),
            filter.status.as_deref(),
            filter.category.as_deref(),
            filter.name.as_deref()
        ];
        Ok(self.tx.query(&LIST, values, template).await?)
    }

    /// All templates of an account; Meta allows 6,000.
    pub async fn template_list_of(&self, account: &TemplateAccount) -> Result<Vec<TemplateRow>> {
        let values = params![self.workspace, account.mode.number(), &account.waba_id];
        Ok(self.tx.query(&ACCOUNT, values, template).await?)
    }

    /// A template by Meta's id.
    pub async fn template_find_by_provider(
        &self,
        account: &TemplateAccount,
        provider_id: &str,
    ) -> Result<Option<TemplateId>> {
        let values = params![self.workspace, account.mode.number(), &account.waba_id, provider_id];
        let found = self.tx.query_opt(&FIND_PROVIDER, values, |row: &Row<'_>| row.get(0)).await?;
        Ok(found.map(TemplateId::from_uuid))
    }

    /// A template by its name and language, which an account has once.
    pub async fn template_find_by_name(
        &self,
        account: &TemplateAccount,
        name: &str,
        language: &str,
    ) -> Result<Option<TemplateId>> {
        let values = params![self.workspace, account.mode.number(), &account.waba_id, name, language];
        let found = self.tx.query_opt(&FIND_NAME, values, |row: &Row<'_>| row.get(0)).await?;
        Ok(found.map(TemplateId::from_uuid))
    }

    /// Writes back everything that can change: neither account, name nor language can.
    pub async fn template_update(&self, t: &TemplateRow) -> Result<()> {
        let values = params![
            self.workspace,
            t.id.uuid(),
            t.provider_id.as_deref(),
            &t.category,
            &t.parameter_format,
            t.status.as_str(),
            t.status_at.map(Timestamp::micros),
            t.category_at.map(Timestamp::micros),
            t.quality.as_deref(),
            t.quality_at.map(Timestamp::micros),
            t.reason.as_deref(),
            &t.components,
            t.updated_at.micros(),
            t.synced_at.map(Timestamp::micros)
        ];
        Ok(self.tx.execute_one(&UPDATE, values).await?)
    }

    /// Removes a template here; false when it was gone already.
    pub async fn template_delete(&self, id: TemplateId) -> Result<bool> {
        Ok(self.tx.execute(&DELETE, params![self.workspace, id.uuid()]).await? == 1)
    }
}
