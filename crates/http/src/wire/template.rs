//! Message templates.

use gatepost_app::{TemplateChange, TemplateDraft, TemplateView};
use gatepost_core::content::{LanguageCode, TemplateName};
use gatepost_core::template::{Components, ParameterFormat, TemplateCategory};
use gatepost_core::{ChannelId, TemplateId, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::parse;
use crate::json::{Body, Object, Value};
use crate::reply::{Made, to_json};

/// A template to make, as it was understood.
pub struct TemplateCreate {
    pub channel: Option<ChannelId>,
    pub draft: TemplateDraft,
    pub submit: bool,
}

fn category(value: Value<'_>) -> Option<TemplateCategory> {
    value.parse(TemplateCategory::parse)
}

fn format(value: Value<'_>) -> Option<ParameterFormat> {
    value.parse(ParameterFormat::parse)
}

impl Body for TemplateCreate {
    type Shape = CreateShape;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let channel = object.optional("channel_id", parse::id);
        let name = object.required("name", |v| v.parse(|written| TemplateName::parse(written.to_owned())));
        let language =
            object.required("language", |v| v.parse(|written| LanguageCode::parse(written.to_owned())));
        let category = object.required("category", category);
        let parameter_format = object.optional("parameter_format", format);
        // Where category or format are wrong, the components are judged all the same.
        let assumed = parameter_format.flatten().unwrap_or_default();
        let components = object.required("components", |v| Components::read(v, category, assumed));
        let submit = object.optional("submit", parse::boolean);
        Some(Self {
            channel: channel?,
            draft: TemplateDraft {
                name: name?,
                language: language?,
                category: category?,
                parameter_format: parameter_format?.unwrap_or_default(),
                components: components?,
            },
            submit: submit?.unwrap_or(false),
        })
    }
}

/// A message template to make.
#[derive(ToSchema)]
#[schema(as = TemplateCreate)]
#[expect(dead_code, reason = "the schema of what TemplateCreate reads")]
pub struct CreateShape {
    /// A channel of the account that the template is for; may be left out where only one can be meant.
    #[schema(example = "chn_01kagq5rh8e5htqh9sk95d3x4w")]
    channel_id: Option<String>,
    /// 1 to 512 of a-z, 0-9 and _.
    #[schema(example = "order_ready")]
    name: String,
    /// As Meta names it.
    #[schema(example = "en_US")]
    language: String,
    /// `AUTHENTICATION`, `MARKETING` or `UTILITY`.
    #[schema(example = "UTILITY")]
    category: String,
    /// `POSITIONAL` (`{{1}}`, where it is not said) or `NAMED` (`{{first_name}}`).
    parameter_format: Option<String>,
    /// Meta's components array, checked against Meta's rules.
    #[schema(value_type = Vec<Object>)]
    components: (),
    /// Whether it goes to Meta for review at once; false where it is not said.
    submit: Option<bool>,
}

/// What to change of a template.
#[derive(ToSchema)]
pub struct TemplateUpdate {
    /// `AUTHENTICATION`, `MARKETING` or `UTILITY`.
    #[schema(value_type = Option<String>, example = "UTILITY")]
    pub category: Option<TemplateCategory>,
    /// Of a draft only.
    #[schema(value_type = Option<String>, example = "POSITIONAL")]
    pub parameter_format: Option<ParameterFormat>,
    /// All components, in Meta's form.
    #[schema(value_type = Option<Vec<Object>>)]
    pub components: Option<Box<RawValue>>,
}

impl Body for TemplateUpdate {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let category = object.optional("category", category);
        let parameter_format = object.optional("parameter_format", format);
        // Their rules hang on the template's category, which its row knows.
        let components =
            object.optional("components", |v| v.list(usize::MAX, |_| Some(())).and_then(|_| v.raw()));
        let update =
            Self { category: category?, parameter_format: parameter_format?, components: components? };
        if update.category.is_none() && update.parameter_format.is_none() && update.components.is_none() {
            return object.wrong_itself("missing", "give at least one field to change");
        }
        Some(update)
    }
}

impl From<TemplateUpdate> for TemplateChange {
    fn from(update: TemplateUpdate) -> Self {
        let TemplateUpdate { category, parameter_format, components } = update;
        Self { category, parameter_format, components }
    }
}

/// Which account's templates to read from Meta.
#[derive(ToSchema)]
pub struct TemplateSync {
    /// A channel of the account; may be left out where only one can be meant.
    #[schema(value_type = Option<String>, example = "chn_01kagq5rh8e5htqh9sk95d3x4w")]
    pub channel_id: Option<ChannelId>,
}

impl Body for TemplateSync {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        Some(Self { channel_id: object.optional("channel_id", parse::id)? })
    }
}

/// What a synchronisation found.
#[derive(Serialize, ToSchema)]
pub struct TemplateSynced<'a> {
    /// Meta's id of the account.
    waba_id: &'a str,
    /// How many templates Meta has.
    total: usize,
    /// How many of them are new here.
    added: usize,
    /// How many were known here and have changed.
    changed: usize,
    /// How many were known here and are gone at Meta; they are `DELETED` now.
    deleted: usize,
}

impl<'a> From<&'a gatepost_app::TemplateSynced> for TemplateSynced<'a> {
    fn from(synced: &'a gatepost_app::TemplateSynced) -> Self {
        Self {
            waba_id: &synced.waba_id,
            total: synced.total,
            added: synced.added,
            changed: synced.changed,
            deleted: synced.deleted,
        }
    }
}

/// A message template.
#[derive(Serialize, ToSchema)]
#[schema(as = MessageTemplate)]
pub struct Template<'a> {
    #[schema(value_type = String, example = "tpl_01kagq5rh8e5htqh9sk95d3x4w")]
    id: TemplateId,
    /// `test` or `live`.
    #[schema(value_type = String, example = "test")]
    mode: &'static str,
    /// Meta's id of the account it belongs to; every channel of the account can send it.
    waba_id: &'a str,
    /// Meta's id; null while it is a draft.
    provider_id: Option<&'a str>,
    name: &'a str,
    language: &'a str,
    /// Meta may decide for another category than was asked for.
    #[schema(example = "UTILITY")]
    category: &'a str,
    /// `POSITIONAL` or `NAMED`.
    #[schema(example = "POSITIONAL")]
    parameter_format: &'a str,
    /// `DRAFT`, or Meta's word: `PENDING`, `APPROVED`, `REJECTED`, `PAUSED`, `DISABLED`, `DELETED` …; more may come.
    #[schema(example = "APPROVED")]
    status: &'a str,
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`; null before Meta has told.
    quality: Option<&'a str>,
    /// Meta's reason for the status, where it gives one.
    reason: Option<&'a str>,
    /// Meta's components array.
    #[schema(value_type = Vec<Object>)]
    components: &'a RawValue,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// When it was last read from Meta; null for what never was, or has changed there since.
    #[schema(value_type = Option<String>, format = DateTime)]
    synced_at: Option<Timestamp>,
}

impl<'a> From<&'a TemplateView> for Template<'a> {
    fn from(view: &'a TemplateView) -> Self {
        Self {
            id: view.id,
            mode: view.mode.as_str(),
            waba_id: &view.waba_id,
            provider_id: view.provider_id.as_deref(),
            name: &view.name,
            language: &view.language,
            category: &view.category,
            parameter_format: &view.parameter_format,
            status: view.status.as_str(),
            quality: view.quality.as_deref(),
            reason: view.reason.as_deref(),
            components: &view.components,
            created_at: view.created_at,
            updated_at: view.updated_at,
            synced_at: view.synced_at,
        }
    }
}

impl Made for TemplateView {
    fn location(&self) -> String {
        format!("/v1/templates/{}", self.id)
    }

    fn body(&self, _fresh: bool) -> Vec<u8> {
        to_json(&Template::from(self))
    }
}
