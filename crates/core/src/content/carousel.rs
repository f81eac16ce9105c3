//! Cards beside each other in an interactive message (Meta, "Interactive media carousel messages" and "Interactive
//! product carousel messages").

use super::interactive::{HEADER_IMAGE, HEADER_VIDEO};
use super::interactive_action::CARD_ACTION;
use super::rule::{Kinds, Rule, Shape, Unique, count, optional, required};
use crate::json::{Object, Value};

pub static CAROUSEL_ACTION: Shape = Shape::new(
    "InteractiveCarouselAction",
    "Two to ten cards that all offer the same.",
    &[required("cards", Rule::List { min: 2, max: 10, item: &Rule::Object(&CARD) })],
)
.also(&[alike, unique_ids]);

/// A card of pictures has a header; a card of a product gets its picture from the catalogue.
static CARD: Shape = Shape::new(
    "InteractiveCard",
    "A card: a picture or video, a few words, and what can be tapped; or a product.",
    &[
        required("card_index", Rule::Whole { min: 0, max: 9 }),
        optional("type", Rule::OneOf(&["cta_url", "quick_reply", "product"])),
        optional("header", Rule::Kinds(&CARD_HEADER)),
        optional("body", Rule::Object(&CARD_BODY)),
        required("action", Rule::Object(&CARD_ACTION)),
    ],
)
.also(&[header_unless_product]);

static CARD_HEADER: Kinds = Kinds {
    name: "InteractiveCardHeader",
    about: "The picture or video of a card.",
    any_case: false,
    kinds: &[("image", &HEADER_IMAGE), ("video", &HEADER_VIDEO)],
};

static CARD_BODY: Shape =
    Shape::new("InteractiveCardBody", "The words of a card.", &[required("text", Rule::Words(160))]);

fn is_product(card: Value<'_>) -> bool {
    card.member("action", |action| action.member("product_retailer_id", |_| ())).flatten().is_some()
}

fn header_unless_product(object: &Object<'_>) {
    let card = object.value();
    let header = card.member("header", |_| ()).is_some();
    match (is_product(card), header) {
        (false, false) => {
            object.wrong::<()>("header", "missing", "the card needs a picture or a video");
        }
        (true, true) => {
            object.wrong::<()>("header", "invalid_value", "a product brings its own picture");
        }
        _ => {}
    }
}

/// What must be the same on every card.
#[derive(PartialEq)]
struct Look {
    header: Option<String>,
    product: bool,
    url: bool,
    buttons: Option<usize>,
}

impl Look {
    fn of(card: Value<'_>) -> Self {
        let action = |name: &str| card.member("action", |a| a.member(name, |_| ())).flatten().is_some();
        Self {
            header: card
                .member("header", |h| h.member("type", |t| t.as_text().map(str::to_owned)))
                .flatten()
                .flatten(),
            product: is_product(card),
            url: action("parameters"),
            buttons: card.member("action", |a| a.member("buttons", count)).flatten().flatten(),
        }
    }
}

fn alike(object: &Object<'_>) {
    object.value().member("cards", |cards| {
        let mut first: Option<Look> = None;
        let mut places = Vec::new();
        cards.each(|card| {
            let look = Look::of(card);
            match &first {
                None => first = Some(look),
                Some(first) if *first == look => {}
                Some(_) => {
                    let detail =
                        "all cards need the same kind of header and the same number and kind of buttons";
                    card.wrong::<()>("invalid_value", detail);
                }
            }
            card.member("card_index", |index| {
                let wrong = index.wrong_so_far();
                if let Some(place) = index.whole(0..=9)
                    && wrong == index.wrong_so_far()
                {
                    if places.contains(&place) {
                        index.wrong::<()>("invalid_value", "there twice; each card has a place of its own");
                    }
                    places.push(place);
                }
            });
        });
    });
}

fn unique_ids(object: &Object<'_>) {
    let mut ids = Unique::default();
    object.value().member("cards", |cards| {
        cards.each(|card| {
            card.member("action", |action| {
                action.member("buttons", |buttons| {
                    buttons.each(|button| {
                        button.member("quick_reply", |reply| reply.member("id", |id| ids.see(id)));
                    });
                });
            });
        });
    });
}
