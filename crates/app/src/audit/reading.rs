//! Reading the audit log, newest first.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gatepost_core::access::{Grant, OperatorGrant, PermissionId, operator_permission, permission};
use gatepost_core::audit::{AuditRecord, Hash};
use gatepost_core::channel::Mode;
use gatepost_core::{Code, Error, Result, Timestamp};
use gatepost_store::{AuditFilter, AuditRow, WorkspaceScope};

use super::actors::People;
use crate::App;
use crate::pages::{LIMIT_MAX, Page, PageQuery};

/// Entries that one page looks at, so that a filter which fits nothing costs as much as any other.
const LOOKED_AT: i64 = 20_000;
/// Clocks of nodes differ; an entry is not looked for beyond this from where its time says that it is.
const SKEW: Duration = Duration::from_mins(10);

/// Which entries; `None` means all.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// An action (`api_key.created`) or the noun of several (`api_key`).
    pub action: Option<String>,
    pub actor: Option<String>,
    pub target: Option<String>,
    /// `done`, `refused`, or the code of a refusal.
    pub outcome: Option<String>,
    pub since: Option<Timestamp>,
    /// Before this.
    pub until: Option<Timestamp>,
}

/// An entry.
pub struct AuditView {
    pub record: AuditRecord,
    pub hash: Option<Hash>,
    /// As the actor is called now; `None` for somebody who did not prove who they are, who is gone, or whom the caller
    /// may not see.
    pub actor_name: Option<String>,
}

impl From<AuditRow> for AuditView {
    fn from(row: AuditRow) -> Self {
        Self { record: row.record, hash: row.hash, actor_name: None }
    }
}

fn position(cursor: &str) -> Result<i64> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| bytes.try_into().ok());
    bytes
        .map(i64::from_be_bytes)
        .ok_or_else(|| Error::new(Code::InvalidParameter, "after is not a cursor of this list"))
}

impl App {
    /// The workspace's log. A test key sees what was done in test mode, a live key all but that.
    pub async fn audit_list(
        &self,
        grant: &Grant<permission::AuditRead>,
        query: AuditQuery,
        page: PageQuery,
    ) -> Result<Page<AuditView>> {
        Self::audit_whole(grant)?;
        let scope = WorkspaceScope::from(grant);
        let mut entries = self.audit_entries(scope, grant.mode(), query, page).await?;
        let people = if grant.holds(PermissionId::MemberRead) { People::Addresses } else { People::Hidden };
        self.audit_actors(scope, people, &mut entries.items).await?;
        Ok(entries)
    }

    /// The platform's own log.
    pub async fn audit_list_platform(
        &self,
        _grant: &OperatorGrant<operator_permission::AuditRead>,
        query: AuditQuery,
        page: PageQuery,
    ) -> Result<Page<AuditView>> {
        let scope = WorkspaceScope::platform();
        let mut entries = self.audit_entries(scope, None, query, page).await?;
        self.audit_actors(scope, People::Names, &mut entries.items).await?;
        Ok(entries)
    }

    async fn audit_entries(
        &self,
        scope: WorkspaceScope,
        mode: Option<Mode>,
        query: AuditQuery,
        page: PageQuery,
    ) -> Result<Page<AuditView>> {
        let limit = page.limit.clamp(1, LIMIT_MAX);
        let after = page.after.as_deref().map(position).transpose()?;
        let filter = AuditFilter {
            action: query.action,
            actor: query.actor,
            target: query.target,
            outcome: query.outcome,
            mode: mode.map(|mode| mode.as_str().to_owned()),
            since: query.since,
            until: query.until,
        };
        let read = i64::try_from(limit + 1).unwrap_or(i64::MAX);
        let (mut rows, from, over) = self
            .0
            .store
            .read(scope, async move |tx| {
                let end = tx.audit_head().await?.map_or(0, |head| head.seq);
                let mut before = after.unwrap_or(i64::MAX).min(end + 1);
                if let Some(until) = filter.until {
                    before = before.min(first_at(tx, until.plus(SKEW), before).await?);
                }
                let from = (before - LOOKED_AT).max(1);
                let rows = tx.audit_page(&filter, from, before, read).await?;
                // Whether everything that follows is too old.
                let over = match filter.since {
                    Some(since) => tx.audit_time(from).await?.is_none_or(|at| at.plus(SKEW) < since),
                    None => false,
                };
                Ok((rows, from, over))
            })
            .await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = match rows.last() {
            Some(last) if more => Some(last.record.seq),
            _ => (from > 1 && !over).then_some(from),
        };
        Ok(Page {
            items: rows.into_iter().map(AuditView::from).collect(),
            next: next.map(|seq| BASE64_URL_SAFE_NO_PAD.encode(seq.to_be_bytes())),
        })
    }
}

/// The first place below `end` whose entry is not older than `at`, or `end`: times rise with places, nearly.
async fn first_at(tx: &gatepost_store::WorkspaceTx<'_>, at: Timestamp, end: i64) -> Result<i64> {
    let (mut low, mut high) = (1, end);
    while low < high {
        let middle = low + (high - low) / 2;
        if tx.audit_time(middle).await?.is_some_and(|found| found < at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}
