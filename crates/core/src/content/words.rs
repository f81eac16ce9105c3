//! What a person would read of a message.

use std::borrow::Cow;

use serde::Deserialize;

use super::{Content, ContentKind};

/// Texts may hold escapes, so they borrow only where they can.
#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    body: Option<Cow<'a, str>>,
    caption: Option<Cow<'a, str>>,
    emoji: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Interactive<'a> {
    #[serde(borrow)]
    body: Option<Body<'a>>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Card<'a> {
    #[serde(borrow)]
    name: CardName<'a>,
}

#[derive(Deserialize)]
struct CardName<'a> {
    #[serde(borrow)]
    formatted_name: Cow<'a, str>,
}

/// The words, where there are some. A template's are at Meta.
pub(super) fn of(content: &Content) -> Option<String> {
    let object = content.object().get();
    let said = || serde_json::from_str::<Said<'_>>(object).ok();
    let words = match content.kind() {
        ContentKind::Text => said()?.body,
        ContentKind::Image | ContentKind::Video | ContentKind::Document => said()?.caption,
        ContentKind::Reaction => said()?.emoji,
        ContentKind::Location => said()?.name,
        ContentKind::Interactive => {
            serde_json::from_str::<Interactive<'_>>(object).ok()?.body.map(|body| body.text)
        }
        ContentKind::Contacts => {
            let cards: Vec<Card<'_>> = serde_json::from_str(object).ok()?;
            let names: Vec<Cow<'_, str>> = cards.into_iter().map(|card| card.name.formatted_name).collect();
            Some(Cow::Owned(names.join(", ")))
        }
        ContentKind::Audio | ContentKind::Sticker | ContentKind::Template => None,
    };
    words.map(Cow::into_owned)
}
