//! Reading a send the way Meta does: what is wrong with it decides the code.

use serde_json::{Map, Value};

use super::config::SandboxConfig;
use super::reply::GraphError;

/// Longest `biz_opaque_callback_data`, characters (Meta, "Send messages").
const OPAQUE_MAX: usize = 512;
/// Longest text body, characters.
const TEXT_MAX: usize = 4096;

/// A send that Meta would take.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// As it was sent.
    pub input: String,
    /// Its digits.
    pub to: String,
    pub opaque: Option<String>,
    pub template: bool,
}

impl Request {
    pub(super) fn read(body: &[u8], config: &SandboxConfig) -> Result<Self, GraphError> {
        let Ok(Value::Object(body)) = serde_json::from_slice::<Value>(body) else {
            return Err(GraphError::parameter("The body is not a JSON object."));
        };
        if body.get("messaging_product").and_then(Value::as_str) != Some("whatsapp") {
            return Err(GraphError::parameter(
                "The parameter messaging_product is required and must be whatsapp.",
            ));
        }
        let group = body.get("recipient_type").is_some_and(|kind| kind != "individual");
        if group {
            return Err(GraphError::value("recipient_type must be individual."));
        }
        let input = match body.get("to") {
            None => return Err(GraphError::parameter("The parameter to is required.")),
            Some(Value::String(to)) => to.clone(),
            Some(_) => return Err(GraphError::parameter("Param to must be a string.")),
        };
        let to = digits(&input).ok_or_else(|| GraphError::value("to is not a phone number."))?;
        let opaque = match body.get("biz_opaque_callback_data") {
            None => None,
            Some(Value::String(opaque)) if opaque.chars().count() <= OPAQUE_MAX => Some(opaque.clone()),
            Some(_) => {
                return Err(GraphError::parameter(
                    "Param biz_opaque_callback_data must be a string of at most 512 characters.",
                ));
            }
        };
        if let Some(context) = body.get("context") {
            let id = context.get("message_id").and_then(Value::as_str);
            if !id.is_some_and(|id| id.starts_with("wamid.")) {
                return Err(GraphError::value("context.message_id is not the id of a message."));
            }
        }
        let kind = match body.get("type") {
            None => "text",
            Some(Value::String(kind)) => kind,
            Some(_) => return Err(GraphError::parameter("Param type must be a string.")),
        };
        match kind {
            "text" => check_text(&body)?,
            "template" => check_template(&body, config)?,
            other => {
                return Err(GraphError::new(
                    axum::http::StatusCode::BAD_REQUEST,
                    131_051,
                    "Unsupported message type",
                    format!("This simulated Meta carries text and template messages, not {other:?}."),
                ));
            }
        }
        let template = kind == "template";
        Ok(Self { input, to, opaque, template })
    }
}

/// The digits of a phone number as Meta reads it: `+`, `-`, brackets and blanks do not matter.
pub(super) fn digits(text: &str) -> Option<String> {
    let mut out = String::with_capacity(16);
    for c in text.chars() {
        match c {
            '0'..='9' => out.push(c),
            '+' | '-' | '(' | ')' | ' ' => {}
            _ => return None,
        }
    }
    (7..=15).contains(&out.len()).then_some(out)
}

fn check_text(body: &Map<String, Value>) -> Result<(), GraphError> {
    let text = match body.get("text") {
        None => return Err(GraphError::missing("text")),
        Some(Value::Object(text)) => text,
        Some(_) => return Err(GraphError::parameter("Param text must be a JSON object.")),
    };
    if text.get("preview_url").is_some_and(|preview| !preview.is_boolean()) {
        return Err(GraphError::parameter("Param text['preview_url'] must be a boolean."));
    }
    match text.get("body") {
        None => Err(GraphError::missing("text['body']")),
        Some(Value::String(body)) if body.is_empty() => Err(GraphError::missing("text['body']")),
        Some(Value::String(body)) if body.chars().count() > TEXT_MAX => {
            Err(GraphError::parameter("Param text['body'] must be at most 4096 characters long."))
        }
        Some(Value::String(_)) => Ok(()),
        Some(_) => Err(GraphError::parameter("Param text['body'] must be a string.")),
    }
}

fn check_template(body: &Map<String, Value>, config: &SandboxConfig) -> Result<(), GraphError> {
    let template = match body.get("template") {
        None => return Err(GraphError::missing("template")),
        Some(Value::Object(template)) => template,
        Some(_) => return Err(GraphError::parameter("Param template must be a JSON object.")),
    };
    let name = match template.get("name") {
        None => return Err(GraphError::missing("template['name']")),
        Some(Value::String(name)) => name,
        Some(_) => return Err(GraphError::parameter("Param template['name'] must be a string.")),
    };
    let language = match template.get("language").map(|language| language.get("code")) {
        None | Some(None) => return Err(GraphError::missing("template['language']['code']")),
        Some(Some(Value::String(code))) => code,
        Some(Some(_)) => {
            return Err(GraphError::parameter("Param template['language']['code'] must be a string."));
        }
    };
    if template.get("components").is_some_and(|components| !components.is_array()) {
        return Err(GraphError::parameter("Param template['components'] must be an array."));
    }
    let well_formed = !name.is_empty()
        && name.len() <= 512
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let exists = match &config.templates {
        None => well_formed,
        Some(templates) => templates.iter().any(|(n, l)| n == name && l == language),
    };
    if exists {
        Ok(())
    } else {
        Err(GraphError::new(
            axum::http::StatusCode::NOT_FOUND,
            132_001,
            "Template name does not exist in the translation",
            format!("template name ({name}) does not exist in {language}"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_as_people_write_them() {
        for text in ["+1 (202) 555-0101", "12025550101", "1-202-555-0101"] {
            assert_eq!(digits(text).as_deref(), Some("12025550101"), "{text}");
        }
        for text in ["", "+", "123456", "1234567890123456", "1202555o101", "\u{661}2025550101"] {
            assert_eq!(digits(text), None, "{text}");
        }
    }

    proptest! {
        /// Any bytes, and any damage to a good body, are read or refused with one of Meta's codes.
        #[test]
        fn any_body(at in 0usize..160, with in prop::collection::vec(any::<u8>(), 0..24), cut in 0usize..40) {
            let config = SandboxConfig::default();
            let mut body = br#"{"messaging_product":"whatsapp","to":"12025550101","type":"template","template":{"name":"a","language":{"code":"en"},"components":[]},"context":{"message_id":"wamid.A"}}"#.to_vec();
            prop_assert!(Request::read(&body, &config).is_ok());
            let at = at.min(body.len());
            let end = (at + cut).min(body.len());
            body.splice(at..end, with.iter().copied());
            for bytes in [&body[..], &with[..]] {
                if let Err(error) = Request::read(bytes, &config) {
                    prop_assert!(error.http.is_client_error() && error.code > 0);
                }
            }
        }
    }
}
