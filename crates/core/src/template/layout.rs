//! What a template looks like, read tolerantly out of Meta's components: ours were checked when they were drafted, and
//! Meta's own may hold whatever Meta has thought of since.

use serde_json::Value;

/// A template's parts as people see them.
#[derive(Clone)]
pub struct Layout {
    pub(super) header: Option<Header>,
    pub(super) body: Option<String>,
    pub(super) footer: Option<String>,
    pub(super) buttons: Vec<Button>,
    /// Whether the code of the body goes into the button too.
    pub(super) is_code: bool,
    /// For how many minutes the template says that its code is good.
    pub(super) minutes: Option<u64>,
    /// Kinds of components that the parameters of this crate do not fill: `CAROUSEL`, `LIMITED_TIME_OFFER` …
    pub(super) beyond: Vec<String>,
}

#[derive(Clone)]
pub(super) enum Header {
    Text(String),
    /// `IMAGE`, `VIDEO`, `GIF` or `DOCUMENT`.
    Media(String),
    /// `LOCATION` and whatever else there is.
    Other(String),
}

#[derive(Clone)]
pub(super) struct Button {
    /// Meta's word: `QUICK_REPLY`, `URL` …
    pub kind: String,
    pub text: String,
    pub url: Option<String>,
    pub phone_number: Option<String>,
}

impl Layout {
    /// Reads Meta's components array. What is not understood is left out, or named as beyond what can be filled.
    pub fn read(components: &str, category: &str) -> Self {
        let components: Value = serde_json::from_str(components).unwrap_or_default();
        let is_code = category == super::TemplateCategory::Authentication.as_str();
        let mut layout = Self {
            header: None,
            body: None,
            footer: None,
            buttons: Vec::new(),
            is_code,
            minutes: None,
            beyond: Vec::new(),
        };
        for component in components.as_array().into_iter().flatten() {
            let kind = text(component, "type").unwrap_or_default().to_ascii_uppercase();
            match kind.as_str() {
                "HEADER" => layout.header = header(component),
                "BODY" => layout.body = Some(body(component)),
                "FOOTER" => {
                    layout.footer = footer(component);
                    layout.minutes = component["code_expiration_minutes"].as_u64();
                }
                "BUTTONS" => {
                    let buttons = component["buttons"].as_array().into_iter().flatten();
                    layout.buttons = buttons.map(button).collect();
                }
                _ => layout.beyond.push(kind),
            }
        }
        layout
    }

    /// For how many minutes the template says that its code is good: in its footer, or, as Meta tells of approved ones,
    /// in the address of its button.
    pub fn code_minutes(&self) -> Option<u64> {
        let of_button = || {
            let urls = self.buttons.iter().filter_map(|button| button.url.as_deref());
            let mut pairs = urls.flat_map(|url| url.split(['?', '&']));
            pairs.find_map(|pair| pair.strip_prefix("code_expiration_minutes=")?.parse().ok())
        };
        self.minutes.or_else(of_button)
    }
}

fn text(value: &Value, name: &str) -> Option<String> {
    value[name].as_str().map(str::to_owned)
}

fn header(component: &Value) -> Option<Header> {
    let format = text(component, "format").unwrap_or_default().to_ascii_uppercase();
    Some(match format.as_str() {
        "TEXT" | "" => Header::Text(text(component, "text")?),
        "IMAGE" | "VIDEO" | "GIF" | "DOCUMENT" => Header::Media(format),
        _ => Header::Other(format),
    })
}

/// The text of a body; of a one-time code that was not submitted yet, Meta's English words.
fn body(component: &Value) -> String {
    text(component, "text").unwrap_or_else(|| {
        let mut words = "*{{1}}* is your verification code.".to_owned();
        if component["add_security_recommendation"] == true {
            words.push_str(" For your security, do not share this code.");
        }
        words
    })
}

fn footer(component: &Value) -> Option<String> {
    text(component, "text").or_else(|| {
        let minutes = component["code_expiration_minutes"].as_u64()?;
        let unit = if minutes == 1 { "minute" } else { "minutes" };
        Some(format!("This code expires in {minutes} {unit}."))
    })
}

fn button(button: &Value) -> Button {
    let kind = text(button, "type").unwrap_or_default().to_ascii_uppercase();
    // Where no words are given Meta puts its own.
    let usual = match (kind.as_str(), button["otp_type"].as_str()) {
        ("OTP", Some("ONE_TAP" | "ZERO_TAP")) => "Autofill",
        ("OTP", _) => "Copy code",
        ("COPY_CODE", _) => "Copy offer code",
        ("CATALOG", _) => "View catalog",
        ("MPM", _) => "View items",
        _ => "",
    };
    Button {
        text: text(button, "text").unwrap_or_else(|| usual.to_owned()),
        url: text(button, "url"),
        phone_number: text(button, "phone_number"),
        kind,
    }
}
