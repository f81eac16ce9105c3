//! Looking at templates.

use gatepost_core::access::{Grant, permission};
use gatepost_core::template::{Layout, Parameters, Shown};
use gatepost_core::{ChannelId, Code, Error, Result, TemplateId};
use gatepost_store::{TemplateFilter, TemplateRow, WorkspaceScope};

use super::{TemplateView, open_components, view};
use crate::App;
use crate::pages::{Page, PageQuery};

/// Rows read at once while those that the caller does not see are stepped over.
const STEP: i64 = 200;
/// Steps of one page: an account has 6,000 templates at most, a workspace a few accounts.
const STEPS: usize = 100;

/// Which templates to list; `None` means all.
#[derive(Debug, Clone, Default)]
pub struct TemplateQuery {
    pub page: PageQuery,
    /// Those of this channel's account.
    pub channel: Option<ChannelId>,
    pub status: Option<String>,
    pub category: Option<String>,
    pub name: Option<String>,
}

impl App {
    /// Newest first.
    pub async fn template_list(
        &self,
        grant: &Grant<permission::TemplateRead>,
        query: TemplateQuery,
    ) -> Result<Page<TemplateView>> {
        let scope = WorkspaceScope::from(grant);
        let reach = self.template_reach(grant).await?;
        let channel = match query.channel {
            None => None,
            Some(id) => {
                let channels = self.template_channels(grant).await?;
                let found = channels.into_iter().find(|c| c.id == id);
                Some(found.ok_or_else(|| Error::of(Code::NotFound))?)
            }
        };
        let filter = TemplateFilter {
            mode: channel.as_ref().map(|c| c.mode).or_else(|| grant.mode()),
            waba_id: channel.map(|c| c.waba_id),
            status: query.status,
            category: query.category,
            name: query.name,
        };
        let (first, limit) = query.page.bounds()?;
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let rows = self
            .0
            .store
            .read(scope, async move |tx| {
                let mut before = first;
                let mut visible: Vec<TemplateRow> = Vec::new();
                for _ in 0..STEPS {
                    let rows = tx.template_list(&filter, before, STEP).await?;
                    let end = i64::try_from(rows.len()).is_ok_and(|count| count < STEP);
                    before = rows.last().map_or(before, |r| r.id.uuid());
                    visible.extend(rows.into_iter().filter(|row| reach.sees(row)));
                    if end || visible.len() >= wanted {
                        break;
                    }
                }
                visible.truncate(wanted);
                Ok(visible)
            })
            .await?;
        let keys = self.0.sealing.keys(scope).await?;
        query.page.page(rows, |r| r.id.uuid(), |row| view(&keys, row))
    }

    pub async fn template_get(
        &self,
        grant: &Grant<permission::TemplateRead>,
        id: TemplateId,
    ) -> Result<TemplateView> {
        let row = self.template_own(grant, id).await?;
        view(self.0.sealing.keys(WorkspaceScope::from(grant)).await?.as_ref(), row)
    }

    /// The template as a person would see it with these parameters, and what is missing. Nothing is sent.
    pub async fn template_preview(
        &self,
        grant: &Grant<permission::TemplateRead>,
        id: TemplateId,
        parameters: &Parameters,
    ) -> Result<Shown> {
        let row = self.template_own(grant, id).await?;
        let keys = self.0.sealing.keys(WorkspaceScope::from(grant)).await?;
        let components = open_components(&keys, &row)?;
        Ok(Layout::read(components.get(), &row.category).show(parameters))
    }
}
