//! Image, audio, video, document and sticker messages, and the media inside other messages (Meta, "Media").

use super::forms::{FILENAME, LINK, MEDIA_ID};
use super::rule::{Rule, Shape, exactly_one, optional};
use crate::json::Object;

/// Longest caption.
const CAPTION: Rule = Rule::Text { min: 0, max: super::CAPTION_MAX };

fn source(object: &Object<'_>) {
    exactly_one(object, "id", "link");
}

pub static IMAGE: Shape = Shape::new(
    "Image",
    "A picture (JPEG or PNG, at most 5 MB): `id` of uploaded media, or `link`.",
    &[optional("id", MEDIA_ID), optional("link", LINK), optional("caption", CAPTION)],
)
.also(&[source]);

pub static AUDIO: Shape = Shape::new(
    "Audio",
    "A sound (AAC, AMR, MP3, M4A or OGG with Opus, at most 16 MB); `voice` makes it a voice message.",
    &[optional("id", MEDIA_ID), optional("link", LINK), optional("voice", Rule::Boolean)],
)
.also(&[source]);

pub static VIDEO: Shape = Shape::new(
    "Video",
    "A video (MP4 or 3GP, at most 16 MB).",
    &[optional("id", MEDIA_ID), optional("link", LINK), optional("caption", CAPTION)],
)
.also(&[source]);

pub static DOCUMENT: Shape = Shape::new(
    "Document",
    "A file of any kind, at most 100 MB; `filename` decides the icon that is shown.",
    &[
        optional("id", MEDIA_ID),
        optional("link", LINK),
        optional("caption", CAPTION),
        optional("filename", FILENAME),
    ],
)
.also(&[source]);

pub static STICKER: Shape = Shape::new(
    "Sticker",
    "A WebP picture, at most 100 KB, or 500 KB when it moves.",
    &[optional("id", MEDIA_ID), optional("link", LINK)],
)
.also(&[source]);

/// Media in the header of another message: no caption, since the message has a body.
pub static MEDIA: Shape = Shape::new(
    "HeaderMedia",
    "A picture or a video at the head of a message: `id` of uploaded media, or `link`.",
    &[optional("id", MEDIA_ID), optional("link", LINK)],
)
.also(&[source]);

pub static FILE: Shape = Shape::new(
    "HeaderDocument",
    "A file at the head of a message: `id` of uploaded media, or `link`.",
    &[optional("id", MEDIA_ID), optional("link", LINK), optional("filename", FILENAME)],
)
.also(&[source]);
