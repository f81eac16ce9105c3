//! Submitting drafts to Meta for review.

use gatepost_channels::cloud::{NewTemplate, TemplateMade};
use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::Action;
use gatepost_core::template::{TemplateCategory, TemplateStatus};
use gatepost_core::{Code, Error, Result, TemplateId};
use gatepost_store::{ChannelRow, TemplateRow, WorkspaceScope};
use gatepost_vault::WorkspaceKeys;

use super::drafting::keep_news;
use super::{TemplateView, change_failed, format_of, may_have_acted, open_components, view};
use crate::App;

/// A draft that was not handed in.
pub(super) struct NotTaken {
    pub error: Error,
    /// Whether Meta may have it all the same.
    pub unknown: bool,
}

impl From<Error> for NotTaken {
    fn from(error: Error) -> Self {
        Self { error, unknown: false }
    }
}

impl App {
    /// Submits a draft. What Meta refuses stays a draft.
    pub async fn template_submit(
        &self,
        grant: &Grant<permission::TemplateManage>,
        id: TemplateId,
    ) -> Result<TemplateView> {
        let scope = WorkspaceScope::from(grant);
        let keys = self.0.sealing.keys(scope).await?;
        let row = self.template_own(grant, id).await?;
        if row.provider_id.is_some() {
            return Err(Error::new(
                Code::TemplateSubmitted,
                format!("the template was submitted already and is {}", row.status),
            ));
        }
        let channel = self.template_channel_needed(grant, &row).await?;
        let submitted = self.template_hand_in(grant, scope, &keys, &channel, &row).await;
        view(&keys, submitted.map_err(|not_taken| not_taken.error)?)
    }

    /// Hands a draft to Meta and writes down what Meta answers.
    pub(super) async fn template_hand_in(
        &self,
        grant: &Grant<permission::TemplateManage>,
        scope: WorkspaceScope,
        keys: &WorkspaceKeys,
        channel: &ChannelRow,
        seen: &TemplateRow,
    ) -> Result<TemplateRow, NotTaken> {
        let components = open_components(keys, seen)?;
        let category = TemplateCategory::parse(&seen.category).map_err(Error::internal)?;
        let cloud = self.cloud_channel_of(scope, channel).await?;
        let template = NewTemplate {
            name: &seen.name,
            language: &seen.language,
            category,
            parameter_format: format_of(seen),
            components: &components,
        };
        self.audit_possible(scope).await?;
        let made = self.0.cloud.template_create(&cloud, &seen.waba_id, &template).await;
        let made = made.map_err(|error| {
            let unknown = may_have_acted(&error);
            let id = seen.id;
            NotTaken {
                error: change_failed(
                    error,
                    &format!("it may have taken the template, which is here as {id}"),
                ),
                unknown,
            }
        })?;
        let taken = self.template_handed_in(grant, scope, seen.clone(), made).await;
        taken.map_err(|error| NotTaken { error, unknown: true })
    }

    async fn template_handed_in(
        &self,
        grant: &Grant<permission::TemplateManage>,
        scope: WorkspaceScope,
        seen: TemplateRow,
        made: TemplateMade,
    ) -> Result<TemplateRow> {
        let details = vec![
            ("waba_id", seen.waba_id.clone()),
            ("name", seen.name.clone()),
            ("language", seen.language.clone()),
            ("provider_id", made.id.clone()),
        ];
        let audit = self.audit(grant, Action::TemplateSubmitted, ("template", seen.id.to_string()), details);
        let now = self.now();
        self.0
            .store
            .write(scope, async move |tx| {
                let mut row = seen.clone();
                row.provider_id = Some(made.id.clone());
                row.status = made.status.clone().map_or(TemplateStatus::Pending, TemplateStatus::from);
                if let Some(category) = &made.category {
                    row.category.clone_from(category);
                }
                row.updated_at = now;
                // A draft that was deleted meanwhile stays deleted here; Meta has it, and a synchronisation shows it.
                if let Some(current) = tx.template_take(row.id).await? {
                    // Meta's review may be over, and told, before its answer is here.
                    keep_news(&mut row, &seen, &current);
                    tx.template_update(&row).await?;
                }
                let audit = audit
                    .clone()
                    .changed("status", seen.status.as_str(), row.status.as_str())
                    .changed("category", &seen.category, &row.category);
                tx.commit(audit, row)
            })
            .await
    }
}
