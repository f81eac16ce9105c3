//! The kinds of messages and their limits (Meta, "Send messages"), all but templates and interactive ones.

use serde_json::{Map, Value};

use super::check::Node;
use super::interactive;
use super::reply::GraphError;
use super::request::{Kind, is_wamid};
use super::world::{Number, World, locked};

/// Longest text body, characters.
const TEXT_MAX: usize = 4096;
/// Longest caption, characters.
const CAPTION_MAX: usize = 1024;
/// Longest emoji in bytes: families of people are long.
const EMOJI_MAX: usize = 64;

type Checked = Result<(), GraphError>;

/// Judges the object that a message of this kind carries under its kind's name.
pub(super) fn check(
    kind: &str,
    params: &Map<String, Value>,
    world: &World,
    number: &Number,
) -> Result<Kind, GraphError> {
    match kind {
        "text" | "location" | "reaction" | "contacts" | "interactive" | "image" | "audio" | "video"
        | "document" | "sticker" => {}
        other => {
            return Err(GraphError::bad(
                131_051,
                "Unsupported message type",
                format!("Message type {other:?} is not one that the Cloud API carries."),
            ));
        }
    }
    let object = Node::need_top(params, kind)?;
    match kind {
        "text" => text(&object)?,
        "location" => location(&object)?,
        "contacts" => contacts(&object)?,
        "interactive" => interactive::check(&object, world, number)?,
        "reaction" => {
            reaction(&object)?;
            return Ok(Kind::Reaction);
        }
        kind => {
            media(&object, kind, world, number)?;
            if object.get("voice")?.is_some() {
                return Ok(Kind::Voice);
            }
        }
    }
    Ok(Kind::Other)
}

fn text(text: &Node<'_, '_>) -> Checked {
    if let Some(preview) = text.get("preview_url")? {
        preview.boolean()?;
    }
    text.need("body")?.text(TEXT_MAX)?;
    Ok(())
}

/// `{id}` or `{link}`, and what the kind has besides.
pub(super) fn media(node: &Node<'_, '_>, kind: &str, world: &World, number: &Number) -> Checked {
    match (node.get("id")?, node.get("link")?) {
        (Some(id), _) => {
            let text = id.str()?;
            let known = locked(&world.media).get(text).filter(|m| m.waba_id == number.waba_id);
            let Some(media) = known else {
                return Err(id.wrong("is not the id of media of this account."));
            };
            // A still sticker may go out as a picture nowhere, and a picture as a sticker neither.
            if media.kind().is_some_and(|is| is != kind && kind != "document") {
                return Err(GraphError::bad(
                    131_053,
                    "Media upload error",
                    format!("{id} has the type {} and cannot be sent as {kind}.", media.mime_type),
                ));
            }
        }
        (None, Some(link)) => {
            link.link()?;
        }
        (None, None) => return Err(GraphError::missing(&format!("{node}['id'] or {node}['link']"))),
    }
    if let Some(caption) = node.get("caption")? {
        if !matches!(kind, "image" | "video" | "document") {
            return Err(GraphError::parameter(format!("Unexpected key \"caption\" on param \"{node}\".")));
        }
        if caption.str()?.chars().count() > CAPTION_MAX {
            return Err(caption.wrong(&format!("must be at most {CAPTION_MAX} characters long.")));
        }
    }
    if let Some(name) = node.get("filename")? {
        if kind != "document" {
            return Err(GraphError::parameter(format!("Unexpected key \"filename\" on param \"{node}\".")));
        }
        name.str()?;
    }
    if let Some(voice) = node.get("voice")? {
        voice.boolean()?;
        if kind != "audio" {
            return Err(GraphError::parameter(format!("Unexpected key \"voice\" on param \"{node}\".")));
        }
    }
    Ok(())
}

pub(super) fn location(node: &Node<'_, '_>) -> Checked {
    for (name, limit) in [("latitude", 90.0), ("longitude", 180.0)] {
        let place = node.need(name)?;
        if place.number()?.abs() > limit {
            return Err(GraphError::value(format!("{place} must be between -{limit} and {limit}.")));
        }
    }
    for name in ["name", "address"] {
        if let Some(text) = node.get(name)? {
            text.str()?;
        }
    }
    Ok(())
}

fn reaction(node: &Node<'_, '_>) -> Checked {
    let message = node.need("message_id")?;
    if !is_wamid(message.str()?) {
        return Err(GraphError::value(format!("{message} is not the id of a message.")));
    }
    // An empty one takes the reaction back.
    let emoji = node.need("emoji")?;
    let text = emoji.str()?;
    let keycap = |c: char| matches!(c, '0'..='9' | '#' | '*');
    let other = |c: char| c.is_ascii() && !keycap(c) || c.is_alphabetic() || c.is_whitespace();
    if text.len() > EMOJI_MAX || text.chars().any(other) || text.chars().next_back().is_some_and(keycap) {
        return Err(GraphError::value(format!("{emoji} must be an emoji.")));
    }
    Ok(())
}

fn contacts(node: &Node<'_, '_>) -> Checked {
    let contacts = node.items()?;
    if contacts.is_empty() {
        return Err(GraphError::missing("contacts"));
    }
    for contact in &contacts {
        let name = contact.need("name")?;
        name.need("formatted_name")?.text(TEXT_MAX)?;
        for part in ["first_name", "last_name", "middle_name", "suffix", "prefix"] {
            if let Some(part) = name.get(part)? {
                part.str()?;
            }
        }
        for list in ["phones", "emails", "addresses", "urls"] {
            if let Some(list) = contact.get(list)? {
                for entry in &list.items()? {
                    entry.object()?;
                }
            }
        }
        if let Some(birthday) = contact.get("birthday")? {
            birthday_check(&birthday)?;
        }
        if let Some(org) = contact.get("org")? {
            org.object()?;
        }
    }
    Ok(())
}

/// `YYYY-MM-DD`.
fn birthday_check(node: &Node<'_, '_>) -> Checked {
    let text = node.str()?.as_bytes();
    let formed = text.len() == 10
        && text.iter().enumerate().all(|(at, b)| match at {
            4 | 7 => *b == b'-',
            _ => b.is_ascii_digit(),
        });
    if formed { Ok(()) } else { Err(GraphError::value(format!("{node} must have the form YYYY-MM-DD."))) }
}
