//! What an outbound message says, in Meta's own shapes so that knowledge transfers.
//!
//! A message has a kind and one object of Meta's under that name (Meta, "Send messages"). The object is checked once,
//! at the edge, with all errors at once, and from then on passed on exactly as it was given.

mod text;

use std::fmt;

use serde_json::value::RawValue;

use crate::error::FieldError;

pub use text::{Body, LanguageCode, TemplateName};

/// Longest text body, in characters.
pub const TEXT_BODY_MAX: usize = 4096;
/// Longest template name.
pub const TEMPLATE_NAME_MAX: usize = 512;
/// Largest object of one message; Meta names no number, its own bodies stay far below.
pub const OBJECT_BYTES_MAX: usize = 64 * 1024;

/// The kind of an outbound message: Meta's `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ContentKind {
    Text,
    Image,
    Audio,
    Video,
    Document,
    Sticker,
    Location,
    Contacts,
    Reaction,
    Interactive,
    Template,
}

impl ContentKind {
    pub const ALL: [Self; 11] = [
        Self::Text,
        Self::Image,
        Self::Audio,
        Self::Video,
        Self::Document,
        Self::Sticker,
        Self::Location,
        Self::Contacts,
        Self::Reaction,
        Self::Interactive,
        Self::Template,
    ];

    /// Meta's word, which is also the name of the object.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Document => "document",
            Self::Sticker => "sticker",
            Self::Location => "location",
            Self::Contacts => "contacts",
            Self::Reaction => "reaction",
            Self::Interactive => "interactive",
            Self::Template => "template",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for ContentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The content of an outbound message: valid ever after. No `Debug`: it is what was said.
#[derive(Clone)]
pub struct Content {
    kind: ContentKind,
    object: Box<RawValue>,
}

impl Content {
    /// A text message.
    pub fn text(body: &Body, preview_url: bool) -> Result<Self, serde_json::Error> {
        #[derive(serde::Serialize)]
        struct Text<'a> {
            preview_url: bool,
            body: &'a str,
        }
        let object = serde_json::value::to_raw_value(&Text { preview_url, body: body.as_str() })?;
        Ok(Self { kind: ContentKind::Text, object })
    }

    /// Checks Meta's object of a kind.
    ///
    /// # Errors
    /// Everything that is wrong with it; the pointers start at the object (`""` is the object itself).
    pub fn read(kind: ContentKind, object: Box<RawValue>) -> Result<Self, Vec<FieldError>> {
        if object.get().len() > OBJECT_BYTES_MAX {
            let most = format!("expected at most {OBJECT_BYTES_MAX} bytes");
            return Err(vec![FieldError::new("", "too_long", most)]);
        }
        Ok(Self { kind, object })
    }

    /// What was valid when it was stored.
    pub const fn stored(kind: ContentKind, object: Box<RawValue>) -> Self {
        Self { kind, object }
    }

    pub const fn kind(&self) -> ContentKind {
        self.kind
    }

    /// Meta's object exactly as it was given.
    pub fn object(&self) -> &RawValue {
        &self.object
    }

    /// What a person would read of it, where there is something to read: the body of a text.
    pub fn words(&self) -> Option<String> {
        #[derive(serde::Deserialize)]
        struct Text {
            body: String,
        }
        match self.kind {
            ContentKind::Text => serde_json::from_str::<Text>(self.object.get()).ok().map(|text| text.body),
            _ => None,
        }
    }
}
