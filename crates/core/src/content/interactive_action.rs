//! What can be tapped in an interactive message.

use super::forms::{LINK, META_ID};
use super::rule::{Kinds, Rule, Shape, Unique, count, exactly_one, has, optional, required};
use crate::json::Object;

/// Most rows of a list, over all its sections.
pub const LIST_ROWS_MAX: usize = 10;
/// Most products of a list, over all its sections.
pub const PRODUCTS_MAX: usize = 30;

/// The words on a button.
pub const LABEL: Rule = Rule::Words(20);

/// Reply buttons: `{"buttons": [{"type": "reply", "reply": {id, title}}]}`.
pub static BUTTONS: Shape = Shape::new(
    "InteractiveButtonsAction",
    "One to three buttons with unique ids.",
    &[required("buttons", Rule::List { min: 1, max: 3, item: &Rule::Kinds(&REPLY_BUTTON) })],
)
.also(&[|object| {
    let mut ids = Unique::default();
    object.value().member("buttons", |buttons| {
        buttons.each(|button| {
            button.member("reply", |reply| reply.member("id", |id| ids.see(id)));
        });
    });
}]);

static REPLY_BUTTON: Kinds =
    Kinds { name: "InteractiveButtonItem", about: "A button.", any_case: false, kinds: &[("reply", &REPLY)] };

static REPLY: Shape =
    Shape::new("InteractiveReplyButton", "An answer.", &[required("reply", Rule::Object(&REPLY_TEXT))]);

static REPLY_TEXT: Shape = Shape::new(
    "InteractiveReply",
    "What comes back when it is tapped, and what the button says.",
    &[required("id", Rule::Words(256)), required("title", LABEL)],
);

pub static LIST: Shape = Shape::new(
    "InteractiveListAction",
    "The words on the button that opens the menu, and its sections.",
    &[
        required("button", LABEL),
        required("sections", Rule::List { min: 1, max: 10, item: &Rule::Object(&SECTION) }),
    ],
)
.also(&[|object| sections(object, "rows", LIST_ROWS_MAX), unique_rows]);

static SECTION: Shape = Shape::new(
    "InteractiveListSection",
    "Rows under a title, which may be left out where there is only one section.",
    &[
        optional("title", Rule::Words(24)),
        required("rows", Rule::List { min: 1, max: LIST_ROWS_MAX, item: &Rule::Object(&ROW) }),
    ],
);

static ROW: Shape = Shape::new(
    "InteractiveListRow",
    "A row; its id is unique in the message and comes back when it is chosen.",
    &[
        required("id", Rule::Words(200)),
        required("title", Rule::Words(24)),
        optional("description", Rule::Text { min: 0, max: 72 }),
    ],
);

/// Several sections need titles, and their items are counted together.
fn sections(object: &Object<'_>, items: &str, max: usize) {
    object.value().member("sections", |sections| {
        let several = sections.count().is_some_and(|len| len > 1);
        let mut total = 0;
        sections.each(|section| {
            total += section.member(items, count).flatten().unwrap_or_default();
            if several && section.member("title", |_| ()).is_none() {
                section.wrong::<()>("missing", "each of several sections needs a title");
            }
        });
        if several && total > max {
            sections.wrong::<()>("too_many", format!("expected at most {max} {items} in all, got {total}"));
        }
    });
}

fn unique_rows(object: &Object<'_>) {
    let mut ids = Unique::default();
    object.value().member("sections", |sections| {
        sections.each(|section| {
            section.member("rows", |rows| {
                rows.each(|row| {
                    row.member("id", |id| ids.see(id));
                });
            });
        });
    });
}

pub static CTA_URL: Shape = Shape::new(
    "InteractiveUrlAction",
    "The button and where it leads.",
    &[required("name", Rule::OneOf(&["cta_url"])), required("parameters", Rule::Object(&URL_BUTTON))],
);

pub static URL_BUTTON: Shape = Shape::new(
    "InteractiveUrlParameters",
    "What the button says, and the page it opens.",
    &[required("display_text", LABEL), required("url", LINK)],
);

pub static FLOW: Shape = Shape::new(
    "InteractiveFlowAction",
    "The flow to open.",
    &[required("name", Rule::OneOf(&["flow"])), required("parameters", Rule::Object(&FLOW_PARAMETERS))],
);

/// `flow_cta`: Meta's pages name 20 and 30 characters.
static FLOW_PARAMETERS: Shape = Shape::new(
    "InteractiveFlowParameters",
    "The flow by `flow_id` or `flow_name`, and how it opens.",
    &[
        required("flow_message_version", Rule::OneOf(&["3"])),
        optional("flow_id", META_ID),
        optional("flow_name", Rule::Words(200)),
        required("flow_cta", Rule::Words(30)),
        optional("mode", Rule::OneOf(&["draft", "published"])),
        optional("flow_token", Rule::Text { min: 1, max: 4096 }),
        optional("flow_action", Rule::OneOf(&["navigate", "data_exchange"])),
        optional("flow_action_payload", Rule::Open),
    ],
)
.also(&[|object| exactly_one(object, "flow_id", "flow_name")]);

pub static PRODUCT: Shape = Shape::new(
    "InteractiveProductAction",
    "The product and its catalogue.",
    &[required("catalog_id", META_ID), required("product_retailer_id", META_ID)],
);

pub static PRODUCT_LIST: Shape = Shape::new(
    "InteractiveProductListAction",
    "Sections of products of one catalogue.",
    &[
        required("catalog_id", META_ID),
        required("sections", Rule::List { min: 1, max: 10, item: &Rule::Object(&PRODUCT_SECTION) }),
    ],
)
.also(&[|object| sections(object, "product_items", PRODUCTS_MAX)]);

static PRODUCT_SECTION: Shape = Shape::new(
    "InteractiveProductSection",
    "Products under a title, which may be left out where there is only one section.",
    &[
        optional("title", Rule::Words(24)),
        required(
            "product_items",
            Rule::List { min: 1, max: PRODUCTS_MAX, item: &Rule::Object(&PRODUCT_ITEM) },
        ),
    ],
);

static PRODUCT_ITEM: Shape = Shape::new(
    "InteractiveProductItem",
    "A product by its id in the catalogue.",
    &[required("product_retailer_id", META_ID)],
);

pub static CATALOGUE: Shape = Shape::new(
    "InteractiveCatalogAction",
    "Opens the catalogue.",
    &[
        required("name", Rule::OneOf(&["catalog_message"])),
        optional("parameters", Rule::Object(&CATALOGUE_PARAMETERS)),
    ],
);

static CATALOGUE_PARAMETERS: Shape = Shape::new(
    "InteractiveCatalogParameters",
    "The product whose picture is shown.",
    &[optional("thumbnail_product_retailer_id", META_ID)],
);

pub static LOCATION_REQUEST: Shape = Shape::new(
    "InteractiveLocationRequestAction",
    "Asks for a location.",
    &[required("name", Rule::OneOf(&["send_location"]))],
);

/// The form differs from country to country, so Meta's parameters pass through.
pub static ADDRESS: Shape = Shape::new(
    "InteractiveAddressAction",
    "The form of a country; `parameters` are Meta's and pass unchanged.",
    &[required("name", Rule::OneOf(&["address_message"])), required("parameters", Rule::Open)],
);

pub static CALL_PERMISSION: Shape = Shape::new(
    "InteractiveCallPermissionAction",
    "Asks for leave to call.",
    &[required("name", Rule::OneOf(&["call_permission_request"]))],
);

pub static VOICE_CALL: Shape = Shape::new(
    "InteractiveVoiceCallAction",
    "Calls the business.",
    &[
        required("name", Rule::OneOf(&["voice_call"])),
        optional("parameters", Rule::Object(&VOICE_CALL_PARAMETERS)),
    ],
);

static VOICE_CALL_PARAMETERS: Shape = Shape::new(
    "InteractiveVoiceCallParameters",
    "What the button says, how long it works (30 days at most), and what calls made with it carry.",
    &[
        optional("display_text", LABEL),
        optional("ttl_minutes", Rule::Whole { min: 1, max: 43_200 }),
        optional("payload", Rule::Text { min: 1, max: 512 }),
    ],
);

pub static REQUEST_CONTACT_INFO: Shape = Shape::new(
    "InteractiveContactInfoRequestAction",
    "Asks for the phone number.",
    &[required("name", Rule::OneOf(&["request_contact_info"]))],
);

/// Payments differ from country to country, so Meta's parameters pass through.
pub static ORDER_DETAILS: Shape = Shape::new(
    "InteractiveOrderDetailsAction",
    "The order; `parameters` are Meta's and pass unchanged.",
    &[required("name", Rule::OneOf(&["review_and_pay"])), required("parameters", Rule::Open)],
);

pub static ORDER_STATUS: Shape = Shape::new(
    "InteractiveOrderStatusAction",
    "News of the order; `parameters` are Meta's and pass unchanged.",
    &[required("name", Rule::OneOf(&["review_order"])), required("parameters", Rule::Open)],
);

/// What a card of a carousel offers: exactly one of a web page, answers or a product.
pub static CARD_ACTION: Shape = Shape::new(
    "InteractiveCardAction",
    "A web page (`name` cta_url and `parameters`), one to three answers (`buttons`), or a product.",
    &[
        optional("name", Rule::OneOf(&["cta_url"])),
        optional("parameters", Rule::Object(&URL_BUTTON)),
        optional("buttons", Rule::List { min: 1, max: 3, item: &Rule::Kinds(&QUICK_REPLY_BUTTON) }),
        optional("catalog_id", META_ID),
        optional("product_retailer_id", META_ID),
    ],
)
.also(&[one_offer]);

const OFFERS: [(&str, &str); 3] =
    [("name", "parameters"), ("buttons", "buttons"), ("product_retailer_id", "catalog_id")];

fn one_offer(object: &Object<'_>) {
    let mut given = 0;
    for (one, other) in OFFERS {
        let (first, second) = (has(object, one), has(object, other));
        if first != second {
            let (there, gone) = if first { (one, other) } else { (other, one) };
            object.wrong::<()>(gone, "missing", format!("{there} needs it"));
        }
        given += usize::from(first || second);
    }
    if given != 1 {
        let code = if given == 0 { "missing" } else { "invalid_value" };
        object.wrong_itself::<()>(code, "give a web page (name, parameters), buttons, or a product");
    }
}

static QUICK_REPLY_BUTTON: Kinds = Kinds {
    name: "InteractiveCardButton",
    about: "A button of a card.",
    any_case: false,
    kinds: &[("quick_reply", &QUICK_REPLY)],
};

static QUICK_REPLY: Shape = Shape::new(
    "InteractiveQuickReplyButton",
    "An answer.",
    &[required("quick_reply", Rule::Object(&REPLY_TEXT))],
);
