//! A workspace's own words for opting out and in.

use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::{Action, Audit};
use gatepost_core::optout::{Label, OwnKeyword};
use gatepost_core::{Code, Error, FieldError, KeywordId, Result, Timestamp};
use gatepost_store::{KeywordRow, WorkspaceScope};

use crate::App;
use crate::choices::{KEYWORDS_MAX, label_number, label_of};
use crate::pages::{Page, PageQuery};

/// Keywords that one request may add.
pub const KEYWORDS_AT_ONCE: usize = 1_000;

/// An own keyword as its workspace sees it.
#[derive(Clone)]
pub struct KeywordView {
    pub id: KeywordId,
    pub label: Label,
    pub words: String,
    pub created_at: Timestamp,
}

fn view(row: KeywordRow) -> Result<KeywordView> {
    let label = label_of(row.label).ok_or_else(|| Error::internal("a keyword without a label"))?;
    Ok(KeywordView { id: row.id, label, words: row.words, created_at: row.created_at })
}

impl App {
    /// Adds keywords, all or none of them; one that is known gets the new label. They bind the next message on every
    /// node. Returns how many the workspace has then.
    ///
    /// Errors: `invalid_field` naming what is no keyword; `conflict` where they would be too many.
    pub async fn keywords_add(
        &self,
        grant: &Grant<permission::GuardManage>,
        label: Label,
        texts: Vec<String>,
    ) -> Result<i64> {
        let scope = WorkspaceScope::from(grant);
        let now = self.now();
        let (mut rows, mut faults) = (Vec::with_capacity(texts.len()), Vec::new());
        for (index, text) in texts.into_iter().enumerate() {
            match OwnKeyword::parse(&text, label) {
                Ok(keyword) => rows.push(KeywordRow {
                    id: KeywordId::new(now, self.entropy()),
                    label: label_number(label),
                    words: text.trim().to_owned(),
                    compared: keyword.key().to_owned(),
                    created_at: now,
                }),
                Err(error) => {
                    let pointer = format!("/keywords/{index}");
                    faults.push(FieldError::new(pointer, error.code(), error.to_string()));
                }
            }
        }
        if !faults.is_empty() {
            return Err(Error::fields(faults));
        }
        rows.sort_by(|one, other| one.compared.cmp(&other.compared));
        rows.dedup_by(|one, other| one.compared == other.compared);
        let target = ("workspace", scope.workspace().to_string());
        let details = vec![("label", label.as_str().to_owned()), ("keywords_added", rows.len().to_string())];
        let audit = self.audit(grant, Action::GuardSettingsChanged, target, details);
        self.0
            .store
            .write(scope, async move |tx| {
                tx.keywords_add(&rows).await?;
                let total = tx.keyword_count().await?;
                if total > KEYWORDS_MAX {
                    let detail = format!("a workspace has at most {KEYWORDS_MAX} keywords");
                    return Err(Error::new(Code::Conflict, detail));
                }
                tx.commit(audit.clone(), total)
            })
            .await
    }

    /// Newest first.
    pub async fn keyword_list(
        &self,
        grant: &Grant<permission::GuardRead>,
        query: PageQuery,
    ) -> Result<Page<KeywordView>> {
        let scope = WorkspaceScope::from(grant);
        let (before, limit) = query.bounds()?;
        let read = async move |tx: &gatepost_store::WorkspaceTx<'_>| tx.keyword_list(before, limit).await;
        let rows = self.0.store.read(scope, read).await?;
        query.page(rows, |row| row.id.uuid(), view)
    }

    pub async fn keyword_delete(&self, grant: &Grant<permission::GuardManage>, id: KeywordId) -> Result<()> {
        let scope = WorkspaceScope::from(grant);
        let target = ("workspace", scope.workspace().to_string());
        let details = vec![("keyword_removed", id.to_string())];
        let audit = self.audit(grant, Action::GuardSettingsChanged, target, details);
        self.0
            .store
            .write(scope, async move |tx| {
                if tx.keyword_get(id).await?.is_none() {
                    return Err(Error::of(Code::NotFound));
                }
                if tx.keyword_delete(id).await? {
                    tx.commit(audit.clone(), ())
                } else {
                    tx.commit(Audit::None("somebody else was faster"), ())
                }
            })
            .await
    }
}
