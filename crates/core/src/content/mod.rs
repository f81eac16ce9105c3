//! What an outbound message says, in Meta's own shapes so that knowledge transfers.
//!
//! A message has a kind and one object of Meta's under that name (Meta, "Send messages"). The object is checked once,
//! at the edge, with all errors at once, and from then on passed on exactly as it was given.
//!
//! What each kind may hold stands in tables of [`rule`]s, one file for each kind. They are Meta's limits: what Meta
//! documents as a closed shape takes no other fields, what Meta leaves open passes through, and where Meta's pages
//! name two numbers the larger one counts, since Meta itself has the last word.

mod attached;
mod carousel;
mod contacts;
mod emoji;
pub mod examples;
mod forms;
mod interactive;
mod interactive_action;
mod media;
mod pieces;
pub mod rule;
mod simple;
mod template;
mod template_parameter;
#[cfg(test)]
mod tests;
mod text;
mod words;

use std::fmt;

use serde_json::value::RawValue;

use crate::error::FieldError;
use crate::json::{self, Value};
use rule::Rule;

pub use attached::Attached;
pub use forms::Reference;
pub use text::{Body, LanguageCode, TemplateName};

/// Longest text body, in characters.
pub const TEXT_BODY_MAX: usize = 4096;
/// Longest caption of an image, video or document, in characters.
pub const CAPTION_MAX: usize = 1024;
/// Longest body of an interactive message, in characters; a list's may be as long as a text.
pub const INTERACTIVE_BODY_MAX: usize = 1024;
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

    /// Whether it is a file.
    pub const fn is_file(self) -> bool {
        matches!(self, Self::Image | Self::Audio | Self::Video | Self::Document | Self::Sticker)
    }

    /// What Meta's object of this kind may hold.
    pub const fn rule(self) -> Rule {
        match self {
            Self::Text => Rule::Object(&simple::TEXT),
            Self::Image => Rule::Object(&media::IMAGE),
            Self::Audio => Rule::Object(&media::AUDIO),
            Self::Video => Rule::Object(&media::VIDEO),
            Self::Document => Rule::Object(&media::DOCUMENT),
            Self::Sticker => Rule::Object(&media::STICKER),
            Self::Location => Rule::Object(&simple::LOCATION),
            Self::Contacts => contacts::CONTACTS,
            Self::Reaction => Rule::Object(&simple::REACTION),
            Self::Interactive => Rule::Kinds(&interactive::INTERACTIVE),
            Self::Template => Rule::Object(&template::TEMPLATE),
        }
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

    /// Checks Meta's object of a kind; what is wrong is noted where it stands.
    pub fn read(kind: ContentKind, value: Value<'_>) -> Option<Self> {
        let before = value.wrong_so_far();
        kind.rule().check(value);
        if value.wrong_so_far() > before {
            return None;
        }
        let object = value.raw()?;
        if object.get().len() > OBJECT_BYTES_MAX {
            return value.wrong("too_long", format!("expected at most {OBJECT_BYTES_MAX} bytes"));
        }
        Some(Self { kind, object })
    }

    /// Checks Meta's object of a kind, given as JSON.
    ///
    /// # Errors
    /// Everything that is wrong with it; the pointers start at the object (`""` is the object itself).
    pub fn parse(kind: ContentKind, object: &str) -> Result<Self, Vec<FieldError>> {
        json::decode(object.as_bytes(), |value| Self::read(kind, value))
            .map_err(|error| error.field_errors().to_vec())
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

    /// What a person would read of it, where there is something to read: the body of a text or of an interactive
    /// message, a caption, an emoji, the name of a place or of a contact.
    pub fn words(&self) -> Option<String> {
        words::of(self)
    }

    /// Every text that a person reads of it, and every address that its buttons lead to.
    pub fn pieces(&self) -> (Vec<String>, Vec<String>) {
        pieces::of(self)
    }

    /// Name and language of the template, where it is one.
    pub fn template(&self) -> Option<(String, String)> {
        #[derive(serde::Deserialize)]
        struct Language {
            code: String,
        }
        #[derive(serde::Deserialize)]
        struct Template {
            name: String,
            language: Language,
        }
        if self.kind != ContentKind::Template {
            return None;
        }
        let template: Template = serde_json::from_str(self.object.get()).ok()?;
        Some((template.name, template.language.code))
    }

    /// The message that a reaction is on.
    pub fn reacts_to(&self) -> Option<Reference> {
        #[derive(serde::Deserialize)]
        struct Target<'a> {
            #[serde(borrow)]
            message_id: std::borrow::Cow<'a, str>,
        }
        if self.kind != ContentKind::Reaction {
            return None;
        }
        let target: Target<'_> = serde_json::from_str(self.object.get()).ok()?;
        Reference::parse(&target.message_id)
    }

    /// The same reaction on the message with Meta's id `wamid`: Meta knows no ids of ours.
    pub fn reacting_to(&self, wamid: &str) -> Result<Self, serde_json::Error> {
        #[derive(serde::Serialize, serde::Deserialize)]
        struct Reaction<'a> {
            #[serde(borrow)]
            message_id: std::borrow::Cow<'a, str>,
            #[serde(borrow)]
            emoji: std::borrow::Cow<'a, str>,
        }
        let mut reaction: Reaction<'_> = serde_json::from_str(self.object.get())?;
        reaction.message_id = wamid.into();
        Ok(Self { kind: self.kind, object: serde_json::value::to_raw_value(&reaction)? })
    }
}
