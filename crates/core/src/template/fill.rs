//! Filling a template: to look at it, and to send it.

use serde_json::{Value, json};

use super::ParameterFormat;
use super::layout::{Button, Header, Layout};
use super::parameters::{Media, Parameters, Values};
use super::text::{Piece, pieces, variables};
use crate::error::FieldError;

/// A template as its reader would see it.
#[derive(Clone)]
pub struct Shown {
    pub header: Option<ShownHeader>,
    pub body: Option<String>,
    pub footer: Option<String>,
    pub buttons: Vec<ShownButton>,
    /// What is not filled yet, as JSON pointers into the parameters: `/body/0` is `{{1}}` of the body.
    pub missing: Vec<String>,
    /// What fills nothing, likewise; Meta refuses a message with a parameter too many.
    pub unused: Vec<String>,
}

#[derive(Clone)]
pub struct ShownHeader {
    /// `TEXT`, `IMAGE`, `VIDEO`, `GIF`, `DOCUMENT`, `LOCATION` …
    pub format: String,
    pub text: Option<String>,
    /// The id or the link of a picture, a video or a document.
    pub media: Option<String>,
}

#[derive(Clone)]
pub struct ShownButton {
    /// Meta's word: `QUICK_REPLY`, `URL`, `PHONE_NUMBER`, `COPY_CODE`, `OTP` …
    pub kind: String,
    pub text: String,
    pub url: Option<String>,
    pub phone_number: Option<String>,
    /// What is copied.
    pub code: Option<String>,
}

/// What the value of a button is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slot {
    /// It takes none.
    None,
    /// The end of its URL.
    Url,
    /// The code of the body, again.
    Code,
    /// The code that it copies.
    Coupon,
    /// What a quick reply says to the receiver of callbacks; may be left out.
    Payload,
}

impl Layout {
    fn slot(&self, button: &Button) -> Slot {
        let variable = button.url.as_deref().is_some_and(|url| !variables(url).is_empty());
        match button.kind.as_str() {
            "OTP" => Slot::Code,
            "URL" if self.is_code => Slot::Code,
            "URL" if variable => Slot::Url,
            "COPY_CODE" => Slot::Coupon,
            "QUICK_REPLY" => Slot::Payload,
            _ => Slot::None,
        }
    }

    /// The template with its variables filled, as far as there are values.
    pub fn show(&self, parameters: &Parameters) -> Shown {
        let mut tally = Tally::default();
        let header = self.header.as_ref().map(|header| match header {
            Header::Text(text) => ShownHeader {
                format: "TEXT".to_owned(),
                text: Some(tally.fill(text, &parameters.header, "/header")),
                media: None,
            },
            Header::Media(format) => {
                let media = parameters.header_media.as_ref().map(|media| match media {
                    Media::Id(text) | Media::Link(text) => text.clone(),
                });
                if media.is_none() {
                    tally.missing.push("/header_media".to_owned());
                }
                ShownHeader { format: format.clone(), text: None, media }
            }
            Header::Other(format) => ShownHeader { format: format.clone(), text: None, media: None },
        });
        if !matches!(self.header, Some(Header::Text(_))) {
            tally.fill("", &parameters.header, "/header");
        }
        if parameters.header_media.is_some() && !matches!(self.header, Some(Header::Media(_))) {
            tally.unused.push("/header_media".to_owned());
        }
        let body = self.body.as_ref().map(|body| tally.fill(body, &parameters.body, "/body"));
        if body.is_none() {
            tally.fill("", &parameters.body, "/body");
        }
        let buttons = self.buttons.iter().enumerate();
        let buttons =
            buttons.map(|(at, button)| self.show_button(at, button, parameters, &mut tally)).collect();
        for at in parameters.buttons.keys() {
            let takes =
                self.buttons.get(*at).is_some_and(|b| !matches!(self.slot(b), Slot::None | Slot::Code));
            if !takes {
                tally.unused.push(format!("/buttons/{at}"));
            }
        }
        Shown {
            header,
            body,
            footer: self.footer.clone(),
            buttons,
            missing: tally.missing,
            unused: tally.unused,
        }
    }

    fn show_button(
        &self,
        at: usize,
        button: &Button,
        parameters: &Parameters,
        tally: &mut Tally,
    ) -> ShownButton {
        let slot = self.slot(button);
        let value = match slot {
            Slot::Code => parameters.body.get("1"),
            _ => parameters.buttons.get(&at).map(String::as_str),
        };
        if value.is_none() && matches!(slot, Slot::Url | Slot::Coupon) {
            tally.missing.push(format!("/buttons/{at}"));
        }
        let url = button.url.as_ref().map(|url| match value {
            Some(value) => substitute(url, |_| Some(value)),
            None => url.clone(),
        });
        let code = matches!(slot, Slot::Code | Slot::Coupon).then(|| value.map(str::to_owned)).flatten();
        ShownButton {
            kind: button.kind.clone(),
            text: button.text.clone(),
            url,
            phone_number: button.phone_number.clone(),
            code,
        }
    }

    /// Meta's `template` object of a message that sends this template.
    ///
    /// # Errors
    /// What is missing and what is too much, the pointers starting at the parameters; and a template that has
    /// components which parameters do not fill.
    pub fn message(
        &self,
        name: &str,
        language: &str,
        format: ParameterFormat,
        parameters: &Parameters,
    ) -> Result<Value, Vec<FieldError>> {
        let shown = self.show(parameters);
        let needed = shown.missing.into_iter();
        let mut wrong: Vec<FieldError> = needed
            .map(|pointer| FieldError::new(pointer, "missing", "the template needs a value here"))
            .collect();
        wrong.extend(shown.unused.into_iter().map(|pointer| {
            FieldError::new(pointer, "unknown_field", "the template has no variable that this would fill")
        }));
        let location = matches!(&self.header, Some(Header::Other(_)));
        let buttons = self.buttons.iter().any(|button| matches!(button.kind.as_str(), "MPM" | "SPM"));
        if location || buttons || !self.beyond.is_empty() {
            wrong.push(FieldError::new(
                "",
                "invalid_value",
                "this template has components that only Meta's own form fills: send it with POST /v1/messages",
            ));
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let mut components = Vec::new();
        match (&self.header, &parameters.header_media) {
            (Some(Header::Text(text)), _) => {
                push(&mut components, "header", &texts(text, &parameters.header, format));
            }
            (Some(Header::Media(kind)), Some(media)) => {
                let kind = if kind == "GIF" { "video".to_owned() } else { kind.to_lowercase() };
                let object = match media {
                    Media::Id(id) => json!({ "id": id }),
                    Media::Link(link) => json!({ "link": link }),
                };
                let mut parameter = json!({ "type": kind });
                parameter[kind.as_str()] = object;
                push(&mut components, "header", &[parameter]);
            }
            _ => {}
        }
        if let Some(body) = &self.body {
            push(&mut components, "body", &texts(body, &parameters.body, format));
        }
        for (at, button) in self.buttons.iter().enumerate() {
            components.extend(self.button_component(at, button, parameters));
        }
        Ok(json!({ "name": name, "language": { "code": language }, "components": components }))
    }

    fn button_component(&self, at: usize, button: &Button, parameters: &Parameters) -> Option<Value> {
        let slot = self.slot(button);
        let value = match slot {
            Slot::Code => parameters.body.get("1"),
            _ => parameters.buttons.get(&at).map(String::as_str),
        }?;
        let (sub_type, parameter) = match slot {
            Slot::None => return None,
            Slot::Url | Slot::Code => ("url", json!({ "type": "text", "text": value })),
            Slot::Coupon => ("copy_code", json!({ "type": "coupon_code", "coupon_code": value })),
            Slot::Payload => ("quick_reply", json!({ "type": "payload", "payload": value })),
        };
        Some(json!({
            "type": "button", "sub_type": sub_type, "index": at.to_string(), "parameters": [parameter],
        }))
    }
}

fn push(components: &mut Vec<Value>, kind: &str, parameters: &[Value]) {
    if !parameters.is_empty() {
        components.push(json!({ "type": kind, "parameters": parameters }));
    }
}

/// The parameters of a text, in the order that Meta counts them: by number, or as they stand.
fn texts(text: &str, values: &Values, format: ParameterFormat) -> Vec<Value> {
    let mut names = variables(text);
    if format == ParameterFormat::Positional {
        names.sort_by_key(|name| name.parse::<usize>().unwrap_or(usize::MAX));
    }
    let parameter = |name: &str| {
        let mut parameter = json!({ "type": "text", "text": values.get(name)? });
        if format == ParameterFormat::Named {
            parameter["parameter_name"] = json!(name);
        }
        Some(parameter)
    };
    names.into_iter().filter_map(parameter).collect()
}

/// What was missing and what was too much.
#[derive(Default)]
struct Tally {
    missing: Vec<String>,
    unused: Vec<String>,
}

impl Tally {
    /// Fills a text; a variable without a value stays as it is written.
    fn fill(&mut self, text: &str, values: &Values, at: &str) -> String {
        let names = variables(text);
        for name in &names {
            if values.get(name).is_none() {
                let step = match name.parse::<usize>() {
                    Ok(number) => number.saturating_sub(1).to_string(),
                    Err(_) => (*name).to_owned(),
                };
                self.missing.push(format!("{at}/{step}"));
            }
        }
        for (step, variable) in values.keys() {
            if !names.contains(&variable.as_str()) {
                self.unused.push(format!("{at}/{step}"));
            }
        }
        substitute(text, |name| values.get(name))
    }
}

fn substitute<'v>(text: &str, value: impl Fn(&str) -> Option<&'v str>) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Words(words) => out.push_str(words),
            Piece::Variable(name) => match value(name) {
                Some(value) => out.push_str(value),
                None => {
                    out.push_str("{{");
                    out.push_str(name);
                    out.push_str("}}");
                }
            },
        }
    }
    out
}
