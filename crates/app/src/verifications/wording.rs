//! What a code is sent in: a template of the channel's account, or a text.

use std::time::Duration;

use gatepost_core::content::{Body, Content, ContentKind, LanguageCode, TemplateName};
use gatepost_core::template::{Layout, Parameters, TemplateCategory, TemplateStatus, Values};
use gatepost_core::verification::{
    CodeText, TemplateOffer, VerificationCode, VerificationDefaults, offers_order, ttl_with,
};
use gatepost_core::{Code, Error, FieldError, Result};
use gatepost_store::{ChannelRow, TemplateFilter, TemplateRow, WorkspaceTx};
use gatepost_vault::WorkspaceKeys;
use uuid::Uuid;

use crate::templates::{format_of, open_components};

/// Approved templates that are looked at; an account has few for codes.
const OFFERS_MAX: i64 = 100;

/// How the sender of a code wants it said.
#[derive(Clone, Default)]
pub(crate) struct Wish {
    pub template: Option<TemplateName>,
    pub text: Option<CodeText>,
    pub locale: Option<LanguageCode>,
    pub app_name: Option<String>,
    pub ttl: Option<Duration>,
}

/// What is sent. No `Debug`: the code is in it.
pub(crate) struct Wording {
    pub content: Content,
    pub template: Option<String>,
    /// How long the code is good for.
    pub ttl: Duration,
}

/// The templates that a channel's codes could be sent in, the newest first.
pub(crate) async fn offers(tx: &WorkspaceTx<'_>, channel: &ChannelRow) -> Result<Vec<TemplateRow>> {
    let filter = TemplateFilter {
        mode: Some(channel.mode),
        waba_id: Some(channel.waba_id.clone()),
        status: Some(TemplateStatus::Approved.as_str().to_owned()),
        category: Some(TemplateCategory::Authentication.as_str().to_owned()),
        name: None,
    };
    tx.template_list(&filter, Uuid::max(), OFFERS_MAX).await
}

/// Words a code, the way the sender wants it or, where nothing is said, the way that fits best.
///
/// # Errors
/// `verification_template_required` where no template can be meant, field errors where template and time do not fit.
pub(crate) fn word(
    keys: &WorkspaceKeys,
    offers: &[TemplateRow],
    wish: &Wish,
    defaults: &VerificationDefaults,
    code: &VerificationCode,
) -> Result<Wording> {
    if wish.text.is_some() {
        return text(wish, defaults, code);
    }
    let named = wish.template.as_ref().map(TemplateName::as_str);
    let rows: Vec<&TemplateRow> =
        offers.iter().filter(|row| named.is_none_or(|name| name == row.name)).collect();
    if rows.is_empty() {
        return match named {
            None => text(wish, defaults, code),
            Some(name) => {
                let detail = format!("the channel's account has no approved AUTHENTICATION template {name}");
                Err(Error::new(Code::VerificationTemplateRequired, detail.clone())
                    .with_fields(vec![FieldError::new("/template", "not_found", detail)]))
            }
        };
    }
    let known: Vec<TemplateOffer<'_>> =
        rows.iter().map(|row| TemplateOffer { name: &row.name, language: &row.language }).collect();
    let locale = wish.locale.as_ref().map(LanguageCode::as_str);
    let mut promised = None;
    for at in offers_order(&known, locale, defaults.template.as_deref()) {
        let row = rows[at];
        let layout = Layout::read(open_components(keys, row)?.get(), &row.category);
        let minutes = layout.code_minutes();
        let Some(ttl) = ttl_with(wish.ttl, defaults.ttl, minutes) else {
            promised = promised.or(minutes);
            continue;
        };
        let parameters =
            Parameters { body: Values::Positional(vec![code.digits().to_owned()]), ..Parameters::default() };
        // What needs more than a code cannot be meant.
        let Ok(object) = layout.message(&row.name, &row.language, format_of(row), &parameters) else {
            continue;
        };
        let object = serde_json::value::to_raw_value(&object).map_err(Error::internal)?;
        // Faults could quote the code.
        let content = Content::parse(ContentKind::Template, object.get())
            .map_err(|_| Error::internal("a template filled with a code is not well-formed"))?;
        return Ok(Wording { content, template: Some(row.name.clone()), ttl });
    }
    match promised {
        Some(minutes) => {
            let detail = format!(
                "the template tells people that the code is good for {minutes} minutes: give a ttl of at least as long, at most 600 seconds, or use a template that says less"
            );
            Err(Error::fields(vec![FieldError::new("/ttl", "invalid_value", detail)]))
        }
        None => Err(Error::of(Code::VerificationTemplateRequired)),
    }
}

fn text(wish: &Wish, defaults: &VerificationDefaults, code: &VerificationCode) -> Result<Wording> {
    let text = wish.text.as_ref().unwrap_or(&defaults.text);
    let app = wish.app_name.as_ref().or(defaults.app_name.as_ref());
    if text.names_app() && app.is_none() {
        let detail = "the text names the app: say what people know it by";
        return Err(Error::fields(vec![FieldError::new("/app_name", "missing", detail)]));
    }
    let ttl = wish.ttl.unwrap_or(defaults.ttl);
    let filled = text.fill(code, ttl, app.map(String::as_str).unwrap_or_default());
    let body = Body::parse(filled.expose().clone()).map_err(Error::internal)?;
    let content = Content::text(&body, false).map_err(Error::internal)?;
    Ok(Wording { content, template: None, ttl })
}
