//! Verification pages, and what their visitors bring back.

use std::collections::BTreeMap;

use gatepost_app::{VerificationPageView, VerificationResult};
use gatepost_core::channel::Mode;
use gatepost_core::content::TemplateName;
use gatepost_core::verification::{
    ANCESTORS_MAX, Colour, LOCALES_MAX, PageSettings, PageTexts, PageWord, RETURN_URLS_MAX, ReturnUrl,
    page_locale,
};
use gatepost_core::{ChannelId, Origin, Timestamp, VerificationPageId, text};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Verification, parse};
use crate::json::{Body, Object, Value};
use crate::reply::{Made, to_json};

/// Longest name of an app, in characters.
const APP_NAME_MAX: usize = 60;
/// Longest token, in bytes; ours are shorter.
const TOKEN_MAX: usize = 128;

/// A page to make, as it was understood.
pub struct VerificationPageCreate {
    pub mode: Option<Mode>,
    pub channel: Option<ChannelId>,
    pub name: String,
    pub settings: PageSettings,
}

fn colour(value: Value<'_>) -> Option<Colour> {
    value.parse(Colour::parse)
}

fn texts(value: Value<'_>) -> Option<BTreeMap<String, PageTexts>> {
    let languages = value.entries(LOCALES_MAX, |locale, words| {
        let locale = page_locale(locale).map_or_else(|detail| words.wrong("invalid_value", detail), Some);
        let pairs = words
            .entries(PageWord::ALL.len(), |name, said| Some((name.to_owned(), said.text()?.to_owned())))?;
        let texts = PageTexts::new(pairs).map_or_else(|detail| words.wrong("invalid_value", detail), Some);
        Some((locale?, texts?))
    })?;
    Some(languages.into_iter().collect())
}

impl Body for VerificationPageCreate {
    type Shape = Shape;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let mode = object.optional("mode", parse::mode);
        let channel = object.optional("channel_id", parse::id);
        let name = object.required("name", parse::name);
        let app_name = object.required("app_name", |v| v.parse(|name| text::name(name, APP_NAME_MAX)));
        let accent = object.optional("accent", colour);
        let accent_dark = object.optional("accent_dark", colour);
        let return_urls = object.required("return_urls", |v| {
            let urls = v.list(RETURN_URLS_MAX, |v| v.parse(ReturnUrl::parse))?;
            if urls.is_empty() { v.wrong("out_of_range", "expected at least one URL") } else { Some(urls) }
        });
        let frame_ancestors =
            object.optional("frame_ancestors", |v| v.list(ANCESTORS_MAX, |v| v.parse(Origin::parse)));
        let texts = object.optional("texts", texts);
        let template = object.optional("template", |v| v.parse(|name| TemplateName::parse(name.to_owned())));
        Some(Self {
            mode: mode?,
            channel: channel?,
            name: name?,
            settings: PageSettings {
                app_name: app_name?,
                accent: accent?,
                accent_dark: accent_dark?,
                return_urls: return_urls?,
                frame_ancestors: frame_ancestors?.unwrap_or_default(),
                texts: texts?.unwrap_or_default(),
                template: template?.map(|name| name.as_str().to_owned()),
            },
        })
    }
}

/// A verification page to make. It cannot be changed: make another and delete this one.
#[derive(ToSchema)]
#[schema(as = VerificationPageCreate)]
#[expect(dead_code, reason = "the schema of what VerificationPageCreate reads")]
pub struct Shape {
    /// `test` or `live`: that of the API key, and need not be said. At the operator's socket it must be.
    mode: Option<String>,
    /// The channel that sends the codes; may be left out where only one can be meant.
    #[schema(example = "chn_01kagq5rh8e5htqh9sk95d3x4w")]
    channel_id: Option<String>,
    /// For yourself.
    #[schema(example = "Shop sign-in")]
    name: String,
    /// What visitors know your site by.
    #[schema(example = "Example Shop")]
    app_name: String,
    /// The colour of the button, `#rrggbb`; its words are black or white, whichever is read better on it.
    #[schema(example = "#1a7f5a")]
    accent: Option<String>,
    /// The same where the visitor's system is dark.
    #[schema(example = "#4fd1a0")]
    accent_dark: Option<String>,
    /// Where visitors may go back to, 1 to 10 https URLs. A visitor's own must be one of them, letter by letter.
    #[schema(example = json!(["https://shop.example/signed-in"]))]
    return_urls: Vec<String>,
    /// The origins whose pages may show it in a frame, at most 10; nobody's where it is left out.
    #[schema(example = json!(["https://shop.example"]))]
    frame_ancestors: Option<Vec<String>>,
    /// Words in other languages, or other words: by language, then by name (`title`, `lead`, `phone`, `phone_hint`,
    /// `send`, `sent`, `code`, `check`, `resend`, `change`, `phone_wrong`, `code_wrong`, `over`, `later`, `failed`).
    #[schema(value_type = Option<BTreeMap<String, BTreeMap<String, String>>>, example = json!({ "de": { "title": "Bestätigen Sie Ihre Nummer" } }))]
    texts: Option<BTreeMap<String, BTreeMap<String, String>>>,
    /// The template that codes are sent in; left out: the one that fits the visitor's language best.
    #[schema(example = "sign_in_code")]
    template: Option<String>,
}

/// A verification page.
#[derive(Serialize, ToSchema)]
pub struct VerificationPage<'a> {
    #[schema(value_type = String, example = "vpg_01kagq5rh8e5htqh9sk95d3x4w")]
    id: VerificationPageId,
    /// `test` or `live`.
    #[schema(value_type = String, example = "live")]
    mode: &'static str,
    #[schema(value_type = String, example = "chn_01kagq5rh8e5htqh9sk95d3x4w")]
    channel_id: ChannelId,
    name: &'a str,
    app_name: &'a str,
    #[schema(value_type = Option<String>, example = "#1a7f5a")]
    accent: Option<Colour>,
    #[schema(value_type = Option<String>)]
    accent_dark: Option<Colour>,
    #[schema(value_type = Vec<String>)]
    return_urls: &'a [ReturnUrl],
    #[schema(value_type = Vec<String>)]
    frame_ancestors: &'a [Origin],
    #[schema(value_type = BTreeMap<String, BTreeMap<String, String>>)]
    texts: BTreeMap<&'a str, &'a BTreeMap<String, String>>,
    template: Option<&'a str>,
    /// Where visitors open it; add `return_url`, `state` and `locale` as you need.
    #[schema(example = "https://gatepost.example/verify/vp_8Jx…")]
    url: &'a str,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl<'a> From<&'a VerificationPageView> for VerificationPage<'a> {
    fn from(view: &'a VerificationPageView) -> Self {
        let settings = &view.settings;
        Self {
            id: view.id,
            mode: view.mode.as_str(),
            channel_id: view.channel_id,
            name: &view.name,
            app_name: &settings.app_name,
            accent: settings.accent,
            accent_dark: settings.accent_dark,
            return_urls: &settings.return_urls,
            frame_ancestors: &settings.frame_ancestors,
            texts: settings.texts.iter().map(|(language, texts)| (language.as_str(), texts.all())).collect(),
            template: settings.template.as_deref(),
            url: &view.url,
            created_at: view.created_at,
        }
    }
}

impl Made for VerificationPageView {
    fn location(&self) -> String {
        format!("/v1/verification-pages/{}", self.id)
    }

    fn body(&self, _fresh: bool) -> Vec<u8> {
        to_json(&VerificationPage::from(self))
    }
}

/// What a visitor brought back. No `Debug`.
pub struct VerificationResultTake {
    pub token: String,
}

impl Body for VerificationResultTake {
    type Shape = ResultShape;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let token = object.required("token", |v| {
            v.parse(|token| {
                let fits =
                    (1..=TOKEN_MAX).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic());
                if fits {
                    Ok(token.to_owned())
                } else {
                    Err("expected the parameter result of the return URL")
                }
            })
        });
        Some(Self { token: token? })
    }
}

/// What a visitor brought back.
#[derive(ToSchema)]
#[schema(as = VerificationResultTake)]
#[expect(dead_code, reason = "the schema of what VerificationResultTake reads")]
pub struct ResultShape {
    /// The parameter `result` of the return URL.
    token: String,
}

/// What it says: the visitor has this number.
#[derive(Serialize, ToSchema)]
#[schema(as = VerificationResult)]
pub struct PageResult<'a> {
    verification: Verification<'a>,
    /// The page it was at.
    #[schema(value_type = String, example = "vpg_01kagq5rh8e5htqh9sk95d3x4w")]
    page_id: VerificationPageId,
    /// What you gave along. Compare it with what this visitor's session holds: else somebody else's result signs them in.
    state: Option<&'a str>,
}

impl<'a> From<&'a VerificationResult> for PageResult<'a> {
    fn from(result: &'a VerificationResult) -> Self {
        Self {
            verification: Verification::from(&result.verification),
            page_id: result.page,
            state: result.state.as_deref(),
        }
    }
}
