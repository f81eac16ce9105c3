//! Text, location and reaction messages.

use super::TEXT_BODY_MAX;
use super::forms::{EMOJI, LATITUDE, LONGITUDE, MESSAGE};
use super::rule::{Rule, Shape, optional, required};

pub static TEXT: Shape = Shape::new(
    "TextObject",
    "A text message; `preview_url` shows a preview of the first link.",
    &[required("body", Rule::Words(TEXT_BODY_MAX)), optional("preview_url", Rule::Boolean)],
);

/// Meta gives no limit for the two names; ours is far above what a phone shows.
pub static LOCATION: Shape = Shape::new(
    "Location",
    "A place on the map.",
    &[
        required("latitude", LATITUDE),
        required("longitude", LONGITUDE),
        optional("name", Rule::Text { min: 0, max: 1000 }),
        optional("address", Rule::Text { min: 0, max: 1000 }),
    ],
);

pub static REACTION: Shape = Shape::new(
    "Reaction",
    "An emoji on a message of the same channel.",
    &[required("message_id", MESSAGE), required("emoji", EMOJI)],
);
