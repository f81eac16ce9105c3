//! What fills a variable, a header or a button of a template.

use super::forms::{CURRENCY, LINK, META_ID};
use super::media::{FILE, MEDIA};
use super::rule::{Accepts, Field, Kinds, Own, Rule, Shape, no_longer_than, optional, required};
use super::simple::LOCATION;
use crate::json::Value;

/// Most characters of one variable. Meta takes this many where the body stands alone, fewer beside other parts.
pub const VARIABLE_MAX: usize = 32_768;
/// Most blanks after each other in a variable.
const BLANKS_MAX: usize = 4;
/// What fills a variable (Meta's code 132018).
const VARIABLE: Rule = Rule::Own(&Own {
    about: "1 to 32768 characters, without line breaks, tabs or more than four blanks after each other.",
    accepts: Accepts::Text,
    example: "Ada",
    check: variable,
});
/// Largest amount in thousandths: far above any price, and exact in every reader's numbers.
const AMOUNT_MAX: i64 = 1_000_000_000_000_000;

/// Templates of the NAMED format name their variables.
const NAME: Field = optional("parameter_name", Rule::Words(512));

pub static PARAMETER: Kinds = Kinds {
    name: "TemplateParameter",
    about: "A value for a variable, a header or a button.",
    any_case: true,
    kinds: &[
        ("text", &TEXT),
        ("currency", &CURRENCY_PARAMETER),
        ("date_time", &DATE_TIME),
        ("image", &IMAGE),
        ("video", &VIDEO),
        ("document", &DOCUMENT),
        ("location", &PLACE),
        ("product", &PRODUCT),
        ("payload", &PAYLOAD),
        ("action", &ACTION),
        ("coupon_code", &COUPON),
        ("ttl_minutes", &TTL),
        ("limited_time_offer", &OFFER),
        ("order_status", &ORDER),
        ("tap_target_configuration", &TAP_TARGET),
    ],
};

static TEXT: Shape = Shape::new("TemplateText", "Words.", &[required("text", VARIABLE), NAME]);

static CURRENCY_PARAMETER: Shape = Shape::new(
    "TemplateCurrency",
    "An amount of money.",
    &[required("currency", Rule::Object(&MONEY)), NAME],
);

static MONEY: Shape = Shape::new(
    "TemplateMoney",
    "The amount in thousandths, and the words to show where it cannot be formatted.",
    &[
        required("fallback_value", Rule::Text { min: 1, max: 1024 }),
        required("code", CURRENCY),
        required("amount_1000", Rule::Whole { min: -AMOUNT_MAX, max: AMOUNT_MAX }),
    ],
);

static DATE_TIME: Shape =
    Shape::new("TemplateDateTime", "A time.", &[required("date_time", Rule::Object(&MOMENT)), NAME]);

/// Meta shows `fallback_value` alone and lets the parts of older forms pass.
static MOMENT: Shape = Shape::new(
    "TemplateMoment",
    "The time as it is to be shown.",
    &[required("fallback_value", Rule::Text { min: 1, max: 1024 })],
)
.open();

static IMAGE: Shape =
    Shape::new("TemplateImage", "A picture.", &[required("image", Rule::Object(&MEDIA)), NAME]);

static VIDEO: Shape =
    Shape::new("TemplateVideo", "A video.", &[required("video", Rule::Object(&MEDIA)), NAME]);

static DOCUMENT: Shape =
    Shape::new("TemplateDocument", "A file.", &[required("document", Rule::Object(&FILE)), NAME]);

static PLACE: Shape =
    Shape::new("TemplateLocation", "A place.", &[required("location", Rule::Object(&LOCATION)), NAME]);

static PRODUCT: Shape = Shape::new(
    "TemplateProduct",
    "A product of a catalogue.",
    &[required("product", Rule::Object(&PRODUCT_IDS))],
);

static PRODUCT_IDS: Shape = Shape::new(
    "TemplateProductIds",
    "The product and its catalogue.",
    &[required("product_retailer_id", META_ID), optional("catalog_id", META_ID)],
);

/// Meta gives no limit.
static PAYLOAD: Shape = Shape::new(
    "TemplatePayload",
    "What comes back when the button is tapped.",
    &[required("payload", Rule::Text { min: 1, max: 1024 })],
);

static ACTION: Shape = Shape::new(
    "TemplateAction",
    "Meta's action of a flow, catalogue or order button; it passes unchanged.",
    &[required("action", Rule::Open)],
);

/// Meta's pages name 15 and 20 characters.
static COUPON: Shape = Shape::new(
    "TemplateCouponCode",
    "The code that the button copies.",
    &[required("coupon_code", Rule::Words(20))],
);

static TTL: Shape = Shape::new(
    "TemplateTtl",
    "How long the call button works.",
    &[required("ttl_minutes", Rule::Whole { min: 1, max: 43_200 })],
);

static OFFER: Shape = Shape::new(
    "TemplateOffer",
    "A limited-time offer.",
    &[required("limited_time_offer", Rule::Object(&OFFER_END))],
);

static OFFER_END: Shape = Shape::new(
    "TemplateOfferEnd",
    "When the offer ends: milliseconds since 1970.",
    &[required("expiration_time_ms", Rule::Whole { min: 0, max: AMOUNT_MAX })],
);

static ORDER: Shape = Shape::new(
    "TemplateOrder",
    "Meta's news of an order; it passes unchanged.",
    &[required("order_status", Rule::Open)],
);

static TAP_TARGET: Shape = Shape::new(
    "TemplateTapTargets",
    "Where a tap leads.",
    &[required("tap_target_configuration", Rule::List { min: 1, max: 10, item: &Rule::Object(&TARGET) })],
);

static TARGET: Shape = Shape::new(
    "TemplateTarget",
    "A web page and its name.",
    &[required("url", LINK), required("title", Rule::Words(60))],
);

fn variable(value: Value<'_>) {
    let Some(text) = value.text() else { return };
    let wrong = if text.is_empty() {
        "expected at least one character"
    } else if text.contains(['\n', '\r', '\t']) {
        "line breaks and tabs are not allowed in a variable"
    } else if text.contains(&" ".repeat(BLANKS_MAX + 1)) {
        "more than four blanks after each other are not allowed in a variable"
    } else {
        return no_longer_than(value, text, VARIABLE_MAX);
    };
    value.wrong::<()>("invalid_value", wrong);
}
