//! Making, changing and deleting templates.

use gatepost_channels::cloud::{CallError, TemplateEdit};
use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::{Action, Audit};
use gatepost_core::content::{LanguageCode, TemplateName};
use gatepost_core::template::{Components, ParameterFormat, TemplateCategory, TemplateStatus};
use gatepost_core::{ChannelId, Code, Error, FieldError, Result, TemplateId};
use gatepost_store::{ChannelRow, TemplateRow, WorkspaceScope};
use gatepost_vault::WorkspaceKeys;
use serde_json::value::RawValue;

use super::{
    TemplateView, account_of, change_failed, check, format_of, new_row, open_components, seal_components,
    take_over, view,
};
use crate::App;
use crate::idempotency::{Idempotent, Outcome};

/// A template as its author wrote it, checked. No `Debug`: it is what will be said.
#[derive(Clone)]
pub struct TemplateDraft {
    pub name: TemplateName,
    pub language: LanguageCode,
    pub category: TemplateCategory,
    pub parameter_format: ParameterFormat,
    pub components: Components,
}

pub struct TemplateCreate {
    /// A channel of the account; `None`: the only one this caller could mean.
    pub channel: Option<ChannelId>,
    pub draft: TemplateDraft,
    /// Whether it goes to Meta at once.
    pub submit: bool,
}

/// What changes; `None` stays. The components are checked with what the template is then.
#[derive(Default)]
pub struct TemplateChange {
    pub category: Option<TemplateCategory>,
    pub parameter_format: Option<ParameterFormat>,
    pub components: Option<Box<RawValue>>,
}

impl App {
    /// Makes a draft, and submits it where that is asked for. What Meta refuses then leaves nothing behind.
    pub async fn template_create(
        &self,
        grant: &Grant<permission::TemplateManage>,
        create: TemplateCreate,
        idempotent: Option<Idempotent<TemplateView>>,
    ) -> Result<Outcome<TemplateView>> {
        let scope = WorkspaceScope::from(grant);
        let keys = self.0.sealing.keys(scope).await?;
        self.once(scope, &keys, idempotent, self.template_make(grant, scope, &keys, create)).await
    }

    async fn template_make(
        &self,
        grant: &Grant<permission::TemplateManage>,
        scope: WorkspaceScope,
        keys: &WorkspaceKeys,
        create: TemplateCreate,
    ) -> Result<TemplateView> {
        let channel = self.template_channel(grant, create.channel).await?;
        let now = self.now();
        let id = TemplateId::new(now, self.entropy());
        let row = new_row(keys, &channel, id, &create.draft, now)?;
        // The draft is there before Meta hears of it: a callback about it must find its row.
        self.template_keep(grant, scope, &channel, row.clone()).await?;
        if !create.submit {
            return view(keys, row);
        }
        match self.template_hand_in(grant, scope, keys, &channel, &row).await {
            Ok(row) => view(keys, row),
            Err(not_taken) => {
                if !not_taken.unknown {
                    self.template_drop(grant, scope, &row).await?;
                }
                Err(not_taken.error)
            }
        }
    }

    async fn template_keep(
        &self,
        grant: &Grant<permission::TemplateManage>,
        scope: WorkspaceScope,
        channel: &ChannelRow,
        row: TemplateRow,
    ) -> Result<()> {
        let account = account_of(channel);
        let audit = self
            .audit(grant, Action::TemplateCreated, ("template", row.id.to_string()), vec![])
            .made("waba_id", &row.waba_id)
            .made("name", &row.name)
            .made("language", &row.language)
            .made("category", &row.category);
        let taken = self
            .0
            .store
            .write(scope, async move |tx| {
                if tx.template_insert(&row).await? {
                    return tx.commit(audit.clone(), None);
                }
                let other = tx.template_find_by_name(&account, &row.name, &row.language).await?;
                tx.commit(Audit::None("refused"), other)
            })
            .await?;
        match taken {
            None => Ok(()),
            Some(other) => Err(Error::new(
                Code::TemplateExists,
                format!("the account has a template with this name and language: {other}"),
            )),
        }
    }

    /// Removes a draft that Meta refused.
    async fn template_drop(
        &self,
        grant: &Grant<permission::TemplateManage>,
        scope: WorkspaceScope,
        row: &TemplateRow,
    ) -> Result<()> {
        let id = row.id;
        let why = vec![("reason", "refused by Meta".to_owned())];
        let audit = self
            .audit(grant, Action::TemplateDeleted, ("template", id.to_string()), why)
            .was("name", &row.name)
            .was("language", &row.language);
        self.0
            .store
            .write(scope, async move |tx| {
                tx.template_delete(id).await?;
                tx.commit(audit.clone(), ())
            })
            .await
    }

    /// Changes a draft here, and a submitted template at Meta, which reviews it again.
    pub async fn template_update(
        &self,
        grant: &Grant<permission::TemplateManage>,
        id: TemplateId,
        change: TemplateChange,
    ) -> Result<TemplateView> {
        let scope = WorkspaceScope::from(grant);
        let keys = self.0.sealing.keys(scope).await?;
        let seen = self.template_own(grant, id).await?;
        if !seen.status.is_editable() {
            let detail = format!("a template that is {} cannot be changed", seen.status);
            return Err(Error::new(Code::TemplateNotEditable, detail));
        }
        let draft = seen.provider_id.is_none();
        if !draft && change.parameter_format.is_some_and(|format| format != format_of(&seen)) {
            let detail = "the format of a submitted template cannot be changed";
            return Err(Error::fields(vec![FieldError::new("/parameter_format", "invalid_value", detail)]));
        }
        let format = change.parameter_format.unwrap_or_else(|| format_of(&seen));
        let category = change.category.or_else(|| TemplateCategory::parse(&seen.category).ok());
        let given = match &change.components {
            Some(components) => Some(check(components, category, format)?),
            // What stays must fit what changes.
            None if draft => Some(check(&open_components(&keys, &seen)?, category, format)?),
            None => None,
        };
        let mut row = seen.clone();
        if let Some(components) = &given {
            row.components = seal_components(&keys, id, components.raw())?;
        }
        format.as_str().clone_into(&mut row.parameter_format);
        if let Some(provider_id) = &seen.provider_id {
            let channel = self.template_channel_needed(grant, &seen).await?;
            let cloud = self.cloud_channel_of(scope, &channel).await?;
            let edit =
                TemplateEdit { category: change.category, components: given.as_ref().map(Components::raw) };
            self.audit_possible(scope).await?;
            let edited = self.0.cloud.template_edit(&cloud, provider_id, &edit).await;
            edited.map_err(|error| change_failed(error, "the change may have been made"))?;
            row.synced_at = None;
            // What became of it is for Meta to say: another status, perhaps another category.
            match self.0.cloud.template_get(&cloud, provider_id).await {
                Ok(told) => {
                    take_over(&mut row, &seen, &told, self.now());
                    if let Some(components) = &told.components {
                        row.components = seal_components(&keys, id, components)?;
                    }
                }
                Err(error) => {
                    tracing::warn!(?error, template = %id, "an edited template could not be read back");
                }
            }
        } else if let Some(category) = change.category {
            category.as_str().clone_into(&mut row.category);
        }
        let details = vec![
            ("at_meta", (!draft).to_string()),
            ("components_changed", change.components.is_some().to_string()),
        ];
        let audit = self
            .audit(grant, Action::TemplateUpdated, ("template", id.to_string()), details)
            .changed("category", &seen.category, &row.category)
            .changed("parameter_format", &seen.parameter_format, &row.parameter_format)
            .changed("status", seen.status.as_str(), row.status.as_str());
        let kept = self.template_write_back(scope, seen, row, audit.into()).await?;
        view(&keys, kept.ok_or_else(|| Error::of(Code::NotFound))?)
    }

    /// Writes a changed row, save what callbacks have told since `seen` was read. `None` when it is gone.
    pub(super) async fn template_write_back(
        &self,
        scope: WorkspaceScope,
        seen: TemplateRow,
        row: TemplateRow,
        audit: Audit,
    ) -> Result<Option<TemplateRow>> {
        let now = self.now();
        self.0
            .store
            .write(scope, async move |tx| {
                let Some(current) = tx.template_take(row.id).await? else {
                    return tx.commit(audit.clone(), None);
                };
                let mut row = row.clone();
                row.updated_at = now;
                keep_news(&mut row, &seen, &current);
                tx.template_update(&row).await?;
                tx.commit(audit.clone(), Some(row))
            })
            .await
    }

    /// Deletes a template at Meta, then here; a draft only here.
    pub async fn template_delete(
        &self,
        grant: &Grant<permission::TemplateManage>,
        id: TemplateId,
    ) -> Result<()> {
        let scope = WorkspaceScope::from(grant);
        let row = self.template_own(grant, id).await?;
        let mut at_meta = false;
        if let (Some(provider_id), false) = (&row.provider_id, row.status == TemplateStatus::Deleted) {
            // Without a channel of its account the row is a memory, and nobody can ask Meta.
            if let Some(channel) = self.template_channel_of(grant, &row).await? {
                let cloud = self.cloud_channel_of(scope, &channel).await?;
                self.audit_possible(scope).await?;
                let deleted =
                    self.0.cloud.template_delete(&cloud, &row.waba_id, &row.name, Some(provider_id)).await;
                if let Err(error) = deleted {
                    // Deleted there already, or refused? Meta tells by whether the template can be read.
                    let read = self.0.cloud.template_get(&cloud, provider_id).await;
                    if !(is_unknown_object(&error) && read.is_err_and(|e| is_unknown_object(&e))) {
                        return Err(change_failed(error, "the template may have been deleted"));
                    }
                }
                at_meta = true;
            }
        }
        let details = vec![("at_meta", at_meta.to_string())];
        let audit = self
            .audit(grant, Action::TemplateDeleted, ("template", id.to_string()), details)
            .was("name", &row.name)
            .was("language", &row.language)
            .was("status", row.status.as_str());
        self.0
            .store
            .write(scope, async move |tx| {
                tx.template_delete(id).await?;
                tx.commit(audit.clone(), ())
            })
            .await
    }
}

/// Meta's 100: an object or parameter that it does not know.
fn is_unknown_object(error: &CallError) -> bool {
    matches!(error, CallError::Refused(refusal) if refusal.code == Some(100))
}

/// What callbacks have told since `seen` was read is newer than what `row` was made of.
pub(super) fn keep_news(row: &mut TemplateRow, seen: &TemplateRow, current: &TemplateRow) {
    if current.status_at != seen.status_at {
        row.status = current.status.clone();
        row.reason.clone_from(&current.reason);
    }
    if current.category_at != seen.category_at {
        row.category.clone_from(&current.category);
    }
    if current.quality_at != seen.quality_at {
        row.quality.clone_from(&current.quality);
    }
    (row.status_at, row.category_at, row.quality_at) =
        (current.status_at, current.category_at, current.quality_at);
    if row.provider_id.is_none() {
        row.provider_id.clone_from(&current.provider_id);
    }
}
