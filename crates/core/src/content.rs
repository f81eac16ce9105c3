//! What an outbound message says, in Meta's own shapes so that knowledge transfers.
//!
//! Limits are those of Meta's "Send messages" page: text body 4,096 characters, template name 512 of `[a-z0-9_]`.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::FieldError;

/// Longest text body, in characters.
pub const TEXT_BODY_MAX: usize = 4096;
/// Longest template name.
pub const TEMPLATE_NAME_MAX: usize = 512;
/// Most components bytes of one template message; Meta names no number, its own bodies stay far below.
pub const TEMPLATE_COMPONENTS_MAX: usize = 64 * 1024;

/// The text of a message: 1 to 4,096 characters, no NUL.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Body(String);

impl Body {
    pub fn parse(text: String) -> Result<Self, String> {
        let count = text.chars().count();
        if text.trim().is_empty() || count > TEXT_BODY_MAX {
            return Err(format!(
                "expected 1 to {TEXT_BODY_MAX} characters that are not all blank, got {count}"
            ));
        }
        if text.contains('\0') {
            return Err("the character U+0000 is not allowed".to_owned());
        }
        Ok(Self(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a message template: 1 to 512 of `a-z`, `0-9` and `_`.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct TemplateName(String);

impl TemplateName {
    pub fn parse(text: String) -> Result<Self, String> {
        let fits = (1..=TEMPLATE_NAME_MAX).contains(&text.len());
        if fits && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
            Ok(Self(text))
        } else {
            Err(format!("expected 1 to {TEMPLATE_NAME_MAX} of a-z, 0-9 and _"))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A template's language as Meta names it: `en`, `en_US`, `zh_CN`, `fil`.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct LanguageCode(String);

impl LanguageCode {
    pub fn parse(text: String) -> Result<Self, String> {
        let mut parts = text.split('_');
        let language = parts.next().unwrap_or_default();
        let good = (2..=3).contains(&language.len())
            && language.bytes().all(|b| b.is_ascii_lowercase())
            && parts.clone().count() <= 1
            && parts.all(|p| (2..=4).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()));
        if good { Ok(Self(text)) } else { Err("expected a language code such as en or en_US".to_owned()) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The content of an outbound message.
#[derive(Clone)]
pub enum Content {
    Text {
        body: Body,
        preview_url: bool,
    },
    Template {
        name: TemplateName,
        language: LanguageCode,
        /// Meta's `components` array, passed on as it came.
        components: Option<Box<RawValue>>,
    },
}

impl Content {
    /// The `type` of the message as Meta names it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Template { .. } => "template",
        }
    }
}

/// Checks that template components are a JSON array of bounded size.
pub fn check_components(raw: &RawValue, pointer: &str) -> Result<(), FieldError> {
    let text = raw.get();
    if !text.starts_with('[') {
        return Err(FieldError::new(
            pointer,
            "invalid_type",
            "expected an array of components in Meta's form",
        ));
    }
    if text.len() > TEMPLATE_COMPONENTS_MAX {
        return Err(FieldError::new(
            pointer,
            "too_long",
            format!("expected at most {TEMPLATE_COMPONENTS_MAX} bytes"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_metas() {
        assert!(Body::parse("x".repeat(4096)).is_ok());
        assert!(Body::parse("ü".repeat(4096)).is_ok(), "characters, not bytes");
        assert!(Body::parse("x".repeat(4097)).is_err());
        assert!(Body::parse(" \n".into()).is_err());
        assert!(Body::parse("a\0b".into()).is_err());
        assert!(TemplateName::parse("order_ready_2".into()).is_ok());
        assert!(TemplateName::parse("Order".into()).is_err());
        for good in ["en", "en_US", "zh_Hant", "fil", "es_419"] {
            assert!(LanguageCode::parse(good.into()).is_ok(), "{good}");
        }
        for bad in ["", "EN", "en-US", "en_", "en_US_x", "e"] {
            assert!(LanguageCode::parse(bad.into()).is_err(), "{bad}");
        }
    }
}
