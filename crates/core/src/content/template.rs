//! Template messages: the name, the language, and what fills the variables and buttons (Meta, "Template messages").

use super::forms::{BUTTON_INDEX, LANGUAGE, TEMPLATE_NAME};
use super::rule::{Kinds, Rule, Shape, optional, required};
use super::template_parameter::PARAMETER;
use crate::json::{Object, Value};

/// A header, a body, ten buttons and the few special ones stay below.
const COMPONENTS_MAX: usize = 20;
/// Meta names no number of variables; a body of 1,024 characters holds fewer.
const PARAMETERS_MAX: usize = 256;

pub static TEMPLATE: Shape = Shape::new(
    "Template",
    "An approved template, in Meta's form.",
    &[
        required("name", TEMPLATE_NAME),
        required("language", Rule::Object(&TEMPLATE_LANGUAGE)),
        optional("components", Rule::List { min: 0, max: COMPONENTS_MAX, item: &Rule::Kinds(&COMPONENT) }),
    ],
);

static TEMPLATE_LANGUAGE: Shape = Shape::new(
    "TemplateLanguage",
    "The language of the template.",
    &[required("code", LANGUAGE), optional("policy", Rule::OneOf(&["deterministic"]))],
);

/// Meta's own examples write these words in lower and in upper case.
static COMPONENT: Kinds = Kinds {
    name: "TemplateComponent",
    about: "What fills one part of a template.",
    any_case: true,
    kinds: &[
        ("header", &HEADER),
        ("body", &BODY),
        ("button", &BUTTON),
        ("carousel", &CAROUSEL),
        ("limited_time_offer", &LIMITED_TIME_OFFER),
        ("order_status", &ORDER_STATUS),
        ("tap_target_configuration", &TAP_TARGET),
    ],
};

/// The cards of a carousel hold no carousel.
static CARD_COMPONENT: Kinds = Kinds {
    name: "TemplateCardComponent",
    about: "What fills one part of a card.",
    any_case: true,
    kinds: &[("header", &HEADER), ("body", &BODY), ("button", &BUTTON)],
};

const ANY: Rule = Rule::Kinds(&PARAMETER);

static HEADER: Shape = Shape::new(
    "TemplateHeader",
    "The header's variable, or its picture, video, document, location or product.",
    &[optional("parameters", Rule::List { min: 0, max: 1, item: &ANY })],
)
.also(&[|object| {
    takes(
        object,
        "a header",
        &["text", "image", "video", "document", "location", "product", "currency", "date_time"],
    );
}]);

static BODY: Shape = Shape::new(
    "TemplateBody",
    "The body's variables in their order, or by `parameter_name` where the template names them.",
    &[optional("parameters", Rule::List { min: 0, max: PARAMETERS_MAX, item: &ANY })],
)
.also(&[|object| takes(object, "a body", &["text", "currency", "date_time"])]);

/// What each kind of button takes.
const BUTTONS: [(&str, &[&str]); 12] = [
    ("quick_reply", &["payload", "text"]),
    ("url", &["text", "payload"]),
    ("copy_code", &["coupon_code", "text"]),
    ("flow", &["action"]),
    ("catalog", &["action"]),
    ("mpm", &["action"]),
    ("spm", &["action", "product"]),
    ("order_details", &["action"]),
    ("order_status", &["action", "order_status"]),
    ("voice_call", &["ttl_minutes", "payload"]),
    ("phone_number", &["text", "payload"]),
    ("request_contact_info", &[]),
];

const BUTTON_NAMES: [&str; BUTTONS.len()] = {
    let mut names = [""; BUTTONS.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = BUTTONS[at].0;
        at += 1;
    }
    names
};

static BUTTON: Shape = Shape::new(
    "TemplateButton",
    "What fills one button: the end of its address, what comes back, the code to copy, or Meta's action.",
    &[
        required("sub_type", Rule::OneOfAnyCase(&BUTTON_NAMES)),
        required("index", BUTTON_INDEX),
        optional("parameters", Rule::List { min: 0, max: 10, item: &ANY }),
    ],
)
.also(&[|object| {
    let sub_type = object.value().member("sub_type", |v| v.as_text().map(str::to_ascii_lowercase)).flatten();
    if let Some((name, kinds)) = BUTTONS.iter().find(|(name, _)| sub_type.as_deref() == Some(*name)) {
        takes(object, name, kinds);
    }
}]);

/// Notes parameters of other kinds than this part takes. Unknown kinds are noted by their own rule.
fn takes(object: &Object<'_>, what: &str, kinds: &[&str]) {
    let all = PARAMETER.kinds;
    object.value().member("parameters", |parameters| {
        parameters.each(|parameter| {
            parameter.member("type", |kind: Value<'_>| {
                let Some(word) = kind.as_text() else { return };
                let is = |known: &str| known.eq_ignore_ascii_case(word);
                if all.iter().any(|(known, _)| is(known)) && !kinds.iter().any(|known| is(known)) {
                    let takes = if kinds.is_empty() { "no parameter".to_owned() } else { kinds.join(", ") };
                    kind.wrong::<()>("invalid_value", format!("{what} takes {takes}"));
                }
            });
        });
    });
}

static CAROUSEL: Shape = Shape::new(
    "TemplateCarousel",
    "What fills the cards of a carousel.",
    &[required("cards", Rule::List { min: 1, max: 10, item: &Rule::Object(&CARD) })],
);

static CARD: Shape = Shape::new(
    "TemplateCard",
    "What fills one card.",
    &[
        required("card_index", Rule::Whole { min: 0, max: 9 }),
        optional(
            "components",
            Rule::List { min: 0, max: COMPONENTS_MAX, item: &Rule::Kinds(&CARD_COMPONENT) },
        ),
    ],
);

static LIMITED_TIME_OFFER: Shape = Shape::new(
    "TemplateLimitedTimeOffer",
    "When the offer ends.",
    &[required("parameters", Rule::List { min: 1, max: 1, item: &ANY })],
)
.also(&[|object| takes(object, "a limited-time offer", &["limited_time_offer"])]);

static ORDER_STATUS: Shape = Shape::new(
    "TemplateOrderStatus",
    "News of an order.",
    &[required("parameters", Rule::List { min: 1, max: 1, item: &ANY })],
)
.also(&[|object| takes(object, "an order status", &["order_status"])]);

static TAP_TARGET: Shape = Shape::new(
    "TemplateTapTarget",
    "Where a tap on the whole message leads.",
    &[required("parameters", Rule::List { min: 1, max: 1, item: &ANY })],
)
.also(&[|object| takes(object, "a tap target", &["tap_target_configuration"])]);
