//! Words that mean an opt-out or an opt-in in one workspace.

use gatepost_core::{KeywordId, Result, Timestamp};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::store::WorkspaceTx;
use crate::{params, statements};

/// A workspace's own keyword.
#[derive(Debug, Clone)]
pub struct KeywordRow {
    pub id: KeywordId,
    /// 1 opt-out, 2 opt-in, 3 neither.
    pub label: i64,
    pub words: String,
    /// As it is compared.
    pub compared: String,
    pub created_at: Timestamp,
}

statements! {
    VERSION = same("SELECT value FROM workspace_counter WHERE workspace_id = $1 AND name = 'guard_keywords'");
    RAISE = same("INSERT INTO workspace_counter (workspace_id, name, value) VALUES ($1, 'guard_keywords', 1) ON CONFLICT (workspace_id, name) DO UPDATE SET value = workspace_counter.value + 1");
    INSERT = same("INSERT INTO guard_keyword (workspace_id, id, label, words, compared, created_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (workspace_id, compared) DO UPDATE SET label = excluded.label, words = excluded.words");
    GET = same("SELECT id, label, words, compared, created_at FROM guard_keyword WHERE workspace_id = $1 AND id = $2");
    LIST = same("SELECT id, label, words, compared, created_at FROM guard_keyword WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    COUNT = same("SELECT COUNT(*) FROM guard_keyword WHERE workspace_id = $1");
    DELETE = same("DELETE FROM guard_keyword WHERE workspace_id = $1 AND id = $2");
}

fn keyword(row: &Row<'_>) -> engine::Result<KeywordRow> {
    Ok(KeywordRow {
        id: KeywordId::from_uuid(row.get(0)?),
        label: row.get(1)?,
        words: row.get(2)?,
        compared: row.get(3)?,
        created_at: Timestamp::from_micros(row.get(4)?),
    })
}

impl WorkspaceTx<'_> {
    /// Rises with every change of the keywords; 0 where there never were any.
    pub async fn keyword_version(&self) -> Result<i64> {
        let read = |row: &Row<'_>| row.get::<i64>(0);
        Ok(self.tx.query_opt(&VERSION, params![self.workspace], read).await?.unwrap_or(0))
    }

    /// Adds keywords; one that is known by its compared form gets the new label.
    pub async fn keywords_add(&self, keywords: &[KeywordRow]) -> Result<()> {
        self.tx.execute_one(&RAISE, params![self.workspace]).await?;
        let rows: Vec<_> = keywords
            .iter()
            .map(|row| {
                params![
                    self.workspace,
                    row.id.uuid(),
                    row.label,
                    row.words.as_str(),
                    row.compared.as_str(),
                    row.created_at.micros()
                ]
                .to_vec()
            })
            .collect();
        self.tx.execute_many(&INSERT, &rows).await?;
        Ok(())
    }

    pub async fn keyword_get(&self, id: KeywordId) -> Result<Option<KeywordRow>> {
        Ok(self.tx.query_opt(&GET, params![self.workspace, id.uuid()], keyword).await?)
    }

    /// Newest first, older than `before`.
    pub async fn keyword_list(&self, before: Uuid, limit: i64) -> Result<Vec<KeywordRow>> {
        Ok(self.tx.query(&LIST, params![self.workspace, before, limit], keyword).await?)
    }

    pub async fn keyword_count(&self) -> Result<i64> {
        Ok(self.tx.query_one(&COUNT, params![self.workspace], |row: &Row<'_>| row.get(0)).await?)
    }

    /// True when there was one.
    pub async fn keyword_delete(&self, id: KeywordId) -> Result<bool> {
        self.tx.execute_one(&RAISE, params![self.workspace]).await?;
        Ok(self.tx.execute(&DELETE, params![self.workspace, id.uuid()]).await? == 1)
    }
}
