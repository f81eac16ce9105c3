//! Checking the components of a draft against Meta's rules, all that is wrong at once.
//!
//! Sources: Meta, "Template components", "Authentication templates", "Template management", and the error codes 2388040,
//! 2388047, 2388072, 2388073, 2388293 and 2388299, which Meta would answer instead.

mod buttons;
mod parts;

use serde_json::value::RawValue;

use super::{ParameterFormat, TemplateCategory};
use crate::json::{Object, Value};

/// Most components: one of each kind.
const COMPONENTS_MAX: usize = 8;
/// Cards of a carousel.
const CARDS: std::ops::RangeInclusive<usize> = 2..=10;
/// Longest body of a card, in characters.
const CARD_BODY_MAX: usize = 160;

/// The components of a template, checked; Meta's array exactly as it was given. No `Debug`: it is what is said.
#[derive(Clone)]
pub struct Components(Box<RawValue>);

/// What the checks of one draft share.
#[derive(Clone, Copy)]
struct Rules {
    /// `None` where it was wrong itself: then only what holds for all is checked.
    category: Option<TemplateCategory>,
    format: ParameterFormat,
}

impl Rules {
    fn is_code(self) -> bool {
        self.category == Some(TemplateCategory::Authentication)
    }
}

/// What a component turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Header,
    Body,
    Footer,
    Buttons,
    LimitedTimeOffer,
    Carousel,
    CallPermissionRequest,
}

impl Kind {
    const ALL: [Self; 7] = [
        Self::Header,
        Self::Body,
        Self::Footer,
        Self::Buttons,
        Self::LimitedTimeOffer,
        Self::Carousel,
        Self::CallPermissionRequest,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Header => "HEADER",
            Self::Body => "BODY",
            Self::Footer => "FOOTER",
            Self::Buttons => "BUTTONS",
            Self::LimitedTimeOffer => "LIMITED_TIME_OFFER",
            Self::Carousel => "CAROUSEL",
            Self::CallPermissionRequest => "CALL_PERMISSION_REQUEST",
        }
    }

    /// Meta takes both cases.
    fn parse(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|kind| kind.as_str()).collect();
            format!("expected one of {}", known.join(", "))
        })
    }
}

impl Components {
    /// Reads Meta's components array for a template of `category`; `None` where something is wrong, which is noted.
    pub fn read(
        value: Value<'_>,
        category: Option<TemplateCategory>,
        format: ParameterFormat,
    ) -> Option<Self> {
        let before = value.wrong_so_far();
        let rules = Rules { category, format };
        let kinds = value.list(COMPONENTS_MAX, |component| component.object(|object| read(object, rules)))?;
        for (at, kind) in kinds.iter().enumerate() {
            if kinds[..at].contains(kind) {
                value.wrong::<()>("invalid_value", format!("there are two components {}", kind.as_str()));
            }
        }
        whole(value, &kinds, rules);
        (value.wrong_so_far() == before).then_some(())?;
        Some(Self(value.raw()?))
    }

    /// The components of a template of which Meta tells none: `[]`.
    pub fn none() -> Self {
        // An empty list always writes itself.
        Self(serde_json::value::to_raw_value::<[(); 0]>(&[]).unwrap_or_default())
    }

    /// Meta's array exactly as it was given.
    pub fn raw(&self) -> &RawValue {
        &self.0
    }
}

fn read(object: &mut Object<'_>, rules: Rules) -> Option<Kind> {
    let kind = object.required("type", |v| v.parse(Kind::parse));
    let Some(kind) = kind else {
        // Which fields it may have hangs on what it is.
        object.pass_others();
        return None;
    };
    match kind {
        Kind::Header => parts::header(object, rules),
        Kind::Body if rules.is_code() => parts::code_body(object),
        Kind::Body => parts::body(object, rules, super::BODY_MAX),
        Kind::Footer if rules.is_code() => parts::code_footer(object),
        Kind::Footer => parts::footer(object),
        Kind::Buttons => buttons::buttons(object, rules),
        Kind::LimitedTimeOffer => parts::limited_time_offer(object),
        Kind::Carousel => carousel(object, rules),
        Kind::CallPermissionRequest => Some(()),
    };
    Some(kind)
}

/// Rules over all components together.
fn whole(value: Value<'_>, kinds: &[Kind], rules: Rules) {
    let has = |kind: Kind| kinds.contains(&kind);
    if !has(Kind::Body) {
        value.wrong::<()>("missing", "a template needs a component BODY");
    }
    match rules.category {
        Some(TemplateCategory::Authentication) => {
            if !has(Kind::Buttons) {
                value.wrong::<()>(
                    "missing",
                    "an AUTHENTICATION template needs a component BUTTONS with one OTP button",
                );
            }
            for kind in kinds.iter().filter(|k| !matches!(k, Kind::Body | Kind::Footer | Kind::Buttons)) {
                let detail = format!("an AUTHENTICATION template has no {}", kind.as_str());
                value.wrong::<()>("invalid_value", detail);
            }
        }
        Some(TemplateCategory::Utility) if has(Kind::LimitedTimeOffer) => {
            value.wrong::<()>("invalid_value", "a LIMITED_TIME_OFFER belongs to a MARKETING template");
        }
        _ => {}
    }
    if has(Kind::LimitedTimeOffer) && has(Kind::Footer) {
        value.wrong::<()>("invalid_value", "a template with a LIMITED_TIME_OFFER has no FOOTER");
    }
    if has(Kind::Carousel) {
        for kind in kinds.iter().filter(|k| matches!(k, Kind::Header | Kind::Footer | Kind::Buttons)) {
            let detail = format!("a template with a CAROUSEL has its {} in the cards", kind.as_str());
            value.wrong::<()>("invalid_value", detail);
        }
    }
}

/// A carousel: 2 to 10 cards, each with a header, a body of at most 160 characters, and buttons; all of one make.
fn carousel(object: &mut Object<'_>, rules: Rules) -> Option<()> {
    object.required("cards", |cards| {
        let makes = cards.list(*CARDS.end(), |card| card.object(|card| card_of(card, rules)))?;
        if makes.len() < *CARDS.start() {
            return cards.wrong("too_few", format!("expected {} to {} cards", CARDS.start(), CARDS.end()));
        }
        if makes.iter().any(|make| *make != makes[0]) {
            return cards
                .wrong("invalid_value", "all cards have the same components, header format and buttons");
        }
        Some(())
    })
}

/// What cards have in common: their components, the format of the header, the kinds of the buttons.
fn card_of(card: &mut Object<'_>, rules: Rules) -> Option<Vec<String>> {
    card.required("components", |components| {
        let mut make = Vec::new();
        let kinds = components.list(COMPONENTS_MAX, |component| {
            component.member("format", |v| make.extend(v.as_text().map(str::to_ascii_uppercase)));
            component.member("buttons", |buttons| {
                buttons.each(|button| {
                    button.member("type", |v| make.extend(v.as_text().map(str::to_ascii_uppercase)));
                });
            });
            component.object(|object| {
                let kind = object.required("type", |v| {
                    v.parse(|text| match Kind::parse(text) {
                        Ok(kind @ (Kind::Header | Kind::Body | Kind::Buttons)) => Ok(kind),
                        _ => Err("a card has HEADER, BODY and BUTTONS"),
                    })
                });
                match kind {
                    Some(Kind::Header) => parts::card_header(object),
                    Some(Kind::Body) => parts::body(object, rules, CARD_BODY_MAX),
                    Some(_) => buttons::card_buttons(object, rules),
                    None => {
                        object.pass_others();
                        None
                    }
                };
                kind
            })
        })?;
        if !kinds.contains(&Kind::Header) {
            components.wrong::<()>("missing", "a card needs a component HEADER");
        }
        make.extend(kinds.iter().map(|kind| kind.as_str().to_owned()));
        Some(make)
    })
}
