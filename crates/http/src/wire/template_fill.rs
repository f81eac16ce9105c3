//! Filling templates: to look at them, and to send them to somebody for a test.

use std::collections::BTreeMap;

use gatepost_core::template::{BUTTONS_MAX, Media, Parameters, Shown, ShownButton, ShownHeader, Values};
use gatepost_core::{Code, Purpose, Recipient};
use serde::Serialize;
use utoipa::ToSchema;

use super::message::purpose;
use crate::json::{Body, Object, Value};

/// Most values of one text.
const VALUES_MAX: usize = 100;
/// Longest value, in characters.
const VALUE_MAX: usize = 2000;

/// What fills a template to look at it.
#[derive(ToSchema)]
pub struct TemplatePreviewAsk {
    #[schema(value_type = Option<ParametersShape>)]
    pub parameters: Parameters,
}

impl Body for TemplatePreviewAsk {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        Some(Self { parameters: object.optional("parameters", parameters)?.unwrap_or_default() })
    }
}

/// Whom a template is sent to for a test, and with what.
#[derive(ToSchema)]
pub struct TemplateTestSend {
    /// An international phone number, or a business-scoped user id.
    #[schema(value_type = String, example = "+12025550101")]
    pub to: Recipient,
    /// Why it is sent: `authentication`, `transactional`, `operational`, `support` or `internal_team`.
    #[schema(value_type = String, example = "internal_team")]
    pub purpose: Purpose,
    #[schema(value_type = Option<ParametersShape>)]
    pub parameters: Parameters,
}

impl Body for TemplateTestSend {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let to = object.required("to", |v| v.parse_or(Code::RecipientInvalid.as_str(), Recipient::parse));
        let purpose = object.required_or(
            "purpose",
            Code::MessagePurposeRequired.as_str(),
            Code::MessagePurposeRequired.remedy(),
            purpose,
        );
        let parameters = object.optional("parameters", parameters);
        Some(Self { to: to?, purpose: purpose?, parameters: parameters?.unwrap_or_default() })
    }
}

fn parameters(value: Value<'_>) -> Option<Parameters> {
    value.object(|object| {
        let header = object.optional("header", values);
        let header_media = object.optional("header_media", media);
        let body = object.optional("body", values);
        let buttons = object.optional("buttons", buttons);
        Some(Parameters {
            header: header?.unwrap_or_default(),
            header_media: header_media?,
            body: body?.unwrap_or_default(),
            buttons: buttons?.unwrap_or_default(),
        })
    })
}

fn one(value: Value<'_>) -> Option<String> {
    value.parse(|written| {
        let count = written.chars().count();
        if (1..=VALUE_MAX).contains(&count) {
            Ok(written.to_owned())
        } else {
            Err(format!("expected 1 to {VALUE_MAX} characters, got {count}"))
        }
    })
}

/// Texts by name. The names are the caller's, so there is no list of fields to ask for.
fn by_name(value: Value<'_>) -> Option<BTreeMap<String, String>> {
    value.any_object()?;
    let Ok(map) = serde_json::from_str::<BTreeMap<String, String>>(value.raw()?.get()) else {
        return value.wrong("invalid_type", "expected an object of texts");
    };
    for name in map.keys() {
        value.member(name, one);
    }
    Some(map)
}

/// An array for `{{1}}`, `{{2}}` …, an object for `{{first_name}}`.
fn values(value: Value<'_>) -> Option<Values> {
    if value.count().is_some() {
        value.list(VALUES_MAX, one).map(Values::Positional)
    } else {
        by_name(value).map(Values::Named)
    }
}

fn media(value: Value<'_>) -> Option<Media> {
    value.object(|object| {
        let id = object.optional("id", one);
        let link = object.optional("link", |v| {
            v.parse(|written| {
                let good = written.len() <= VALUE_MAX
                    && (written.starts_with("https://") || written.starts_with("http://"));
                if good { Ok(written.to_owned()) } else { Err("expected a URL that begins with https://") }
            })
        });
        match (id?, link?) {
            (Some(id), None) => Some(Media::Id(id)),
            (None, Some(link)) => Some(Media::Link(link)),
            _ => object.wrong_itself("invalid_value", "give id or link, and not both"),
        }
    })
}

/// By the button's place: `{"0": "…"}`.
fn buttons(value: Value<'_>) -> Option<BTreeMap<usize, String>> {
    let mut buttons = BTreeMap::new();
    for (place, text) in by_name(value)? {
        match place.parse::<usize>() {
            Ok(at) if at < BUTTONS_MAX => buttons.insert(at, text),
            _ => return value.wrong("invalid_value", "expected the places of buttons, the first one is 0"),
        };
    }
    Some(buttons)
}

/// The values of a template's variables.
#[derive(ToSchema)]
#[schema(as = TemplateParameters)]
#[expect(dead_code, reason = "the schema of what `parameters` takes")]
struct ParametersShape {
    /// Of the header's text: an array for `{{1}}`, an object for `{{first_name}}`.
    header: Option<ValuesShape>,
    /// The picture, video or document of the header.
    header_media: Option<MediaShape>,
    /// Of the body: an array for `{{1}}`, `{{2}}` …, an object for `{{first_name}}`. The code of an AUTHENTICATION
    /// template is its first value; the button takes it from here.
    body: Option<ValuesShape>,
    /// By the button's place, from 0: the end of its URL, the code that it copies, the payload of a quick reply.
    #[schema(value_type = Option<Object>)]
    buttons: Option<()>,
}

/// Values by number or by name.
#[derive(ToSchema)]
#[schema(as = TemplateValues)]
#[serde(untagged)]
#[expect(dead_code, reason = "the schema of what a text's values take")]
enum ValuesShape {
    Positional(Vec<String>),
    #[schema(value_type = Object)]
    Named(()),
}

/// One of the two.
#[derive(ToSchema)]
#[schema(as = TemplateMedia)]
#[expect(dead_code, reason = "the schema of what `header_media` takes")]
struct MediaShape {
    /// Meta's id of an uploaded file.
    id: Option<String>,
    /// Where Meta fetches it.
    link: Option<String>,
}

/// A template as its reader would see it.
#[derive(Serialize, ToSchema)]
pub struct TemplatePreview<'a> {
    header: Option<PreviewHeader<'a>>,
    body: Option<&'a str>,
    footer: Option<&'a str>,
    buttons: Vec<PreviewButton<'a>>,
    /// What is not filled yet, as JSON pointers into `parameters`: `/body/0` is `{{1}}` of the body.
    missing: &'a [String],
    /// What fills nothing, likewise; Meta refuses a message with a parameter too many.
    unused: &'a [String],
}

/// A header as its reader would see it.
#[derive(Serialize, ToSchema)]
#[schema(as = TemplatePreviewHeader)]
struct PreviewHeader<'a> {
    /// `TEXT`, `IMAGE`, `VIDEO`, `GIF`, `DOCUMENT`, `LOCATION` …
    format: &'a str,
    text: Option<&'a str>,
    /// The id or the link of a picture, a video or a document.
    media: Option<&'a str>,
}

/// A button as its reader would see it.
#[derive(Serialize, ToSchema)]
#[schema(as = TemplatePreviewButton)]
struct PreviewButton<'a> {
    /// Meta's word: `QUICK_REPLY`, `URL`, `PHONE_NUMBER`, `COPY_CODE`, `OTP` …
    #[serde(rename = "type")]
    kind: &'a str,
    text: &'a str,
    url: Option<&'a str>,
    phone_number: Option<&'a str>,
    /// What is copied.
    code: Option<&'a str>,
}

impl<'a> From<&'a Shown> for TemplatePreview<'a> {
    fn from(shown: &'a Shown) -> Self {
        Self {
            header: shown.header.as_ref().map(PreviewHeader::from),
            body: shown.body.as_deref(),
            footer: shown.footer.as_deref(),
            buttons: shown.buttons.iter().map(PreviewButton::from).collect(),
            missing: &shown.missing,
            unused: &shown.unused,
        }
    }
}

impl<'a> From<&'a ShownHeader> for PreviewHeader<'a> {
    fn from(header: &'a ShownHeader) -> Self {
        Self { format: &header.format, text: header.text.as_deref(), media: header.media.as_deref() }
    }
}

impl<'a> From<&'a ShownButton> for PreviewButton<'a> {
    fn from(button: &'a ShownButton) -> Self {
        Self {
            kind: &button.kind,
            text: &button.text,
            url: button.url.as_deref(),
            phone_number: button.phone_number.as_deref(),
            code: button.code.as_deref(),
        }
    }
}
