//! The words and names inside content.

use serde::Serialize;

use super::{TEMPLATE_NAME_MAX, TEXT_BODY_MAX};

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
