//! Message templates: drafting, submitting, following and trying them.
//!
//! A template belongs to a WhatsApp Business account, and is named through a channel of it: all channels of an account
//! see the same templates. A caller that is bound to channels sees those of their accounts and no others.

pub(crate) mod callbacks;
mod drafting;
mod reading;
mod submitting;
mod syncing;
mod test_send;

use gatepost_channels::cloud::{CallError, MetaTemplate};
use gatepost_core::access::Grant;
use gatepost_core::channel::{ChannelState, Mode};
use gatepost_core::content::{LanguageCode, TemplateName};
use gatepost_core::template::{Components, ParameterFormat, TemplateCategory, TemplateStatus};
use gatepost_core::{ChannelId, Code, Error, Result, TemplateId, Timestamp, WorkspaceId};
use gatepost_store::{ChannelRow, TemplateAccount, TemplateRow, WorkspaceScope};
use gatepost_vault::{Aad, WorkspaceKeys};
use serde_json::value::RawValue;

use crate::App;
use crate::channels::call_failed;
use crate::messages::{choose_channel, open_json, seal_json};

pub use drafting::{TemplateChange, TemplateCreate, TemplateDraft};
pub use reading::TemplateQuery;
pub use syncing::TemplateSynced;
pub use test_send::TemplateTestSend;

/// A template as its workspace sees it. No `Debug`: it holds what is said.
#[derive(Clone)]
pub struct TemplateView {
    pub id: TemplateId,
    pub mode: Mode,
    pub waba_id: String,
    /// Meta's id; `None` while it is a draft.
    pub provider_id: Option<String>,
    pub name: String,
    pub language: String,
    pub category: String,
    pub parameter_format: String,
    pub status: TemplateStatus,
    pub quality: Option<String>,
    pub reason: Option<String>,
    /// Meta's components array.
    pub components: Box<RawValue>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub synced_at: Option<Timestamp>,
}

/// The place of a template's sealed components.
fn place(workspace: WorkspaceId, template: TemplateId) -> Aad {
    Aad {
        workspace: workspace.uuid(),
        table: "template",
        column: "components",
        row: template.uuid().into_bytes(),
    }
}

fn seal_components(keys: &WorkspaceKeys, id: TemplateId, components: &RawValue) -> Result<Vec<u8>> {
    seal_json(keys, &place(WorkspaceId::from_uuid(keys.workspace()), id), &components)
}

pub(crate) fn open_components(keys: &WorkspaceKeys, row: &TemplateRow) -> Result<Box<RawValue>> {
    open_json(keys, &place(WorkspaceId::from_uuid(keys.workspace()), row.id), &row.components)
}

fn view(keys: &WorkspaceKeys, row: TemplateRow) -> Result<TemplateView> {
    let components = open_components(keys, &row)?;
    Ok(TemplateView {
        id: row.id,
        mode: row.mode,
        waba_id: row.waba_id,
        provider_id: row.provider_id,
        name: row.name,
        language: row.language,
        category: row.category,
        parameter_format: row.parameter_format,
        status: row.status,
        quality: row.quality,
        reason: row.reason,
        components,
        created_at: row.created_at,
        updated_at: row.updated_at,
        synced_at: row.synced_at,
    })
}

/// Checks components against Meta's rules.
///
/// # Errors
/// Everything that is wrong, under `/components`.
fn check(
    components: &RawValue,
    category: Option<TemplateCategory>,
    format: ParameterFormat,
) -> Result<Components> {
    let document = format!("{{\"components\":{}}}", components.get());
    gatepost_core::json::decode(document.as_bytes(), |value| {
        value.object(|object| {
            object.required("components", |components| Components::read(components, category, format))
        })
    })
}

/// The format of a row; what is not known counts as Meta's default.
pub(crate) fn format_of(row: &TemplateRow) -> ParameterFormat {
    ParameterFormat::parse(&row.parameter_format).unwrap_or_default()
}

/// Whether Meta may have done what was asked for although no good answer came.
const fn may_have_acted(error: &CallError) -> bool {
    match error {
        CallError::Refused(refusal) => refusal.http >= 500,
        CallError::Unreachable(_) | CallError::Unreadable => true,
        CallError::Setting(_) | CallError::Limited(_) => false,
    }
}

/// A call that changes a template and failed, in words; `what` says what may have happened where nobody knows.
fn change_failed(error: CallError, what: &str) -> Error {
    if !may_have_acted(&error) {
        return call_failed(error);
    }
    let detail = format!("no good answer came from Meta: {what}; synchronise the templates to see");
    // Meta's own words may quote the template; what is shown for the log does not hold them.
    Error::new(Code::MetaUnreachable, detail).with_context(format!("{error:?}"))
}

/// Writes what Meta tells of a template into its row. News that came by callback since `seen` was read are newer than
/// Meta's answer and stay.
fn take_over(row: &mut TemplateRow, seen: &TemplateRow, told: &MetaTemplate, now: Timestamp) {
    row.provider_id = Some(told.id.clone());
    if let Some(format) = &told.parameter_format {
        row.parameter_format.clone_from(format);
    }
    if row.status_at == seen.status_at {
        if let Some(status) = &told.status {
            row.status = TemplateStatus::from(status.clone());
        }
        row.reason = told.rejected_reason().map(str::to_owned);
    }
    if let (Some(category), true) = (&told.category, row.category_at == seen.category_at) {
        row.category.clone_from(category);
    }
    if let (Some(quality), true) = (told.quality(), row.quality_at == seen.quality_at) {
        row.quality = Some(quality.to_owned());
    }
    row.synced_at = Some(now);
}

/// The accounts whose templates a caller sees.
struct Reach {
    mode: Option<Mode>,
    /// `None`: every account of the workspace.
    accounts: Option<Vec<TemplateAccount>>,
}

impl Reach {
    fn sees(&self, row: &TemplateRow) -> bool {
        let of_account = |a: &TemplateAccount| a.mode == row.mode && a.waba_id == row.waba_id;
        self.mode.is_none_or(|mode| mode == row.mode)
            && self.accounts.as_ref().is_none_or(|accounts| accounts.iter().any(of_account))
    }
}

fn account_of(channel: &ChannelRow) -> TemplateAccount {
    TemplateAccount { mode: channel.mode, waba_id: channel.waba_id.clone() }
}

impl App {
    async fn template_channels<P>(&self, grant: &Grant<P>) -> Result<Vec<ChannelRow>> {
        let bound = grant.channels().map(<[ChannelId]>::to_vec);
        self.channels_reachable(WorkspaceScope::from(grant), grant.mode(), bound).await
    }

    async fn template_reach<P>(&self, grant: &Grant<P>) -> Result<Reach> {
        let accounts = match grant.channels() {
            None => None,
            Some(_) => Some(self.template_channels(grant).await?.iter().map(account_of).collect()),
        };
        Ok(Reach { mode: grant.mode(), accounts })
    }

    /// A template that the caller sees.
    async fn template_own<P>(&self, grant: &Grant<P>, id: TemplateId) -> Result<TemplateRow> {
        let scope = WorkspaceScope::from(grant);
        let row = self.0.store.read(scope, async move |tx| tx.template_get(id).await).await?;
        let reach = self.template_reach(grant).await?;
        row.filter(|row| reach.sees(row)).ok_or_else(|| Error::of(Code::NotFound))
    }

    /// The channel that a request names, or the only one that the caller could mean.
    async fn template_channel<P>(&self, grant: &Grant<P>, named: Option<ChannelId>) -> Result<ChannelRow> {
        choose_channel(self.template_channels(grant).await?, named)
    }

    /// A channel of a template's account, for calls to Meta: one that works, where there is one.
    async fn template_channel_of<P>(
        &self,
        grant: &Grant<P>,
        row: &TemplateRow,
    ) -> Result<Option<ChannelRow>> {
        let channels = self.template_channels(grant).await?;
        let mut of_account = channels.into_iter().filter(|c| c.mode == row.mode && c.waba_id == row.waba_id);
        let first = of_account.next();
        Ok(match first {
            Some(first) if first.state != ChannelState::Active => {
                Some(of_account.find(|c| c.state == ChannelState::Active).unwrap_or(first))
            }
            first => first,
        })
    }

    async fn template_channel_needed<P>(&self, grant: &Grant<P>, row: &TemplateRow) -> Result<ChannelRow> {
        self.template_channel_of(grant, row).await?.ok_or_else(|| {
            Error::new(
                Code::ChannelNotReady,
                format!("no channel of the account {} is left to reach Meta through: add one", row.waba_id),
            )
        })
    }
}

/// What a draft is made of, checked.
fn new_row(
    keys: &WorkspaceKeys,
    channel: &ChannelRow,
    id: TemplateId,
    draft: &TemplateDraft,
    now: Timestamp,
) -> Result<TemplateRow> {
    let (name, language): (&TemplateName, &LanguageCode) = (&draft.name, &draft.language);
    Ok(TemplateRow {
        id,
        mode: channel.mode,
        waba_id: channel.waba_id.clone(),
        provider_id: None,
        name: name.as_str().to_owned(),
        language: language.as_str().to_owned(),
        category: draft.category.as_str().to_owned(),
        parameter_format: draft.parameter_format.as_str().to_owned(),
        status: TemplateStatus::Draft,
        status_at: None,
        category_at: None,
        quality: None,
        quality_at: None,
        reason: None,
        components: seal_components(keys, id, draft.components.raw())?,
        created_at: now,
        updated_at: now,
        synced_at: None,
    })
}
