//! Interactive messages: their kinds, and the header, body and footer around the action (Meta, "Interactive
//! messages").

use super::carousel::CAROUSEL_ACTION;
use super::interactive_action::{
    ADDRESS, BUTTONS, CALL_PERMISSION, CATALOGUE, CTA_URL, FLOW, LIST, LOCATION_REQUEST, ORDER_DETAILS,
    ORDER_STATUS, PRODUCT, PRODUCT_LIST, REQUEST_CONTACT_INFO, VOICE_CALL,
};
use super::media::{FILE, MEDIA};
use super::rule::{Field, Kinds, Rule, Shape, optional, required};

pub static INTERACTIVE: Kinds = Kinds {
    name: "Interactive",
    about: "A message with something to tap, told apart by `type`.",
    any_case: false,
    kinds: &[
        ("button", &BUTTON_MESSAGE),
        ("list", &LIST_MESSAGE),
        ("cta_url", &CTA_URL_MESSAGE),
        ("flow", &FLOW_MESSAGE),
        ("product", &PRODUCT_MESSAGE),
        ("product_list", &PRODUCT_LIST_MESSAGE),
        ("catalog_message", &CATALOGUE_MESSAGE),
        ("location_request_message", &LOCATION_REQUEST_MESSAGE),
        ("address_message", &ADDRESS_MESSAGE),
        ("call_permission_request", &CALL_PERMISSION_MESSAGE),
        ("voice_call", &VOICE_CALL_MESSAGE),
        ("request_contact_info", &REQUEST_CONTACT_INFO_MESSAGE),
        ("order_details", &ORDER_DETAILS_MESSAGE),
        ("order_status", &ORDER_STATUS_MESSAGE),
        ("carousel", &CAROUSEL_MESSAGE),
    ],
};

static BODY_TEXT: Shape = Shape::new(
    "InteractiveBody",
    "The words.",
    &[required("text", Rule::Words(super::INTERACTIVE_BODY_MAX))],
);

/// Meta's page on lists says 4,096, older ones 1,024: what Meta may take is let through.
static LONG_BODY_TEXT: Shape =
    Shape::new("InteractiveLongBody", "The words.", &[required("text", Rule::Words(super::TEXT_BODY_MAX))]);

static FOOTER_TEXT: Shape =
    Shape::new("InteractiveFooter", "The small words below.", &[required("text", Rule::Words(60))]);

const BODY: Field = required("body", Rule::Object(&BODY_TEXT));
const FOOTER: Field = optional("footer", Rule::Object(&FOOTER_TEXT));
const HEADER: Field = optional("header", Rule::Kinds(&ANY_HEADER));

static ANY_HEADER: Kinds = Kinds {
    name: "InteractiveHeader",
    about: "What stands above the words.",
    any_case: false,
    kinds: &[
        ("text", &HEADER_TEXT),
        ("image", &HEADER_IMAGE),
        ("video", &HEADER_VIDEO),
        ("document", &HEADER_DOCUMENT),
    ],
};

static TEXT_HEADER: Kinds = Kinds {
    name: "InteractiveTextHeader",
    about: "What stands above the words; only words can.",
    any_case: false,
    kinds: &[("text", &HEADER_TEXT)],
};

static HEADER_TEXT: Shape = Shape::new("HeaderText", "Words.", &[required("text", Rule::Words(60))]);
pub static HEADER_IMAGE: Shape =
    Shape::new("HeaderImage", "A picture.", &[required("image", Rule::Object(&MEDIA))]);
pub static HEADER_VIDEO: Shape =
    Shape::new("HeaderVideo", "A video.", &[required("video", Rule::Object(&MEDIA))]);
static HEADER_DOCUMENT: Shape =
    Shape::new("HeaderFile", "A file.", &[required("document", Rule::Object(&FILE))]);

const fn action(shape: &'static Shape) -> Field {
    required("action", Rule::Object(shape))
}

static BUTTON_MESSAGE: Shape = Shape::new(
    "InteractiveButtons",
    "One to three answers to choose from.",
    &[HEADER, BODY, FOOTER, action(&BUTTONS)],
);

static LIST_MESSAGE: Shape = Shape::new(
    "InteractiveList",
    "A menu of up to ten rows in all.",
    &[
        optional("header", Rule::Kinds(&TEXT_HEADER)),
        required("body", Rule::Object(&LONG_BODY_TEXT)),
        FOOTER,
        action(&LIST),
    ],
);

static CTA_URL_MESSAGE: Shape = Shape::new(
    "InteractiveUrl",
    "A button that opens a web page.",
    &[HEADER, BODY, FOOTER, action(&CTA_URL)],
);

static FLOW_MESSAGE: Shape =
    Shape::new("InteractiveFlow", "A button that opens a flow.", &[HEADER, BODY, FOOTER, action(&FLOW)]);

static PRODUCT_MESSAGE: Shape = Shape::new(
    "InteractiveProduct",
    "One product of a catalogue.",
    &[optional("body", Rule::Object(&BODY_TEXT)), FOOTER, action(&PRODUCT)],
);

static PRODUCT_LIST_MESSAGE: Shape = Shape::new(
    "InteractiveProductList",
    "Up to thirty products of a catalogue.",
    &[required("header", Rule::Kinds(&TEXT_HEADER)), BODY, FOOTER, action(&PRODUCT_LIST)],
);

static CATALOGUE_MESSAGE: Shape = Shape::new(
    "InteractiveCatalog",
    "A button that opens the catalogue.",
    &[BODY, FOOTER, action(&CATALOGUE)],
);

static LOCATION_REQUEST_MESSAGE: Shape = Shape::new(
    "InteractiveLocationRequest",
    "A button that sends a location.",
    &[BODY, action(&LOCATION_REQUEST)],
);

static ADDRESS_MESSAGE: Shape = Shape::new(
    "InteractiveAddress",
    "A form for a delivery address.",
    &[HEADER, BODY, FOOTER, action(&ADDRESS)],
);

static CALL_PERMISSION_MESSAGE: Shape = Shape::new(
    "InteractiveCallPermission",
    "Asks whether the business may call.",
    &[optional("body", Rule::Object(&BODY_TEXT)), action(&CALL_PERMISSION)],
);

static VOICE_CALL_MESSAGE: Shape = Shape::new(
    "InteractiveVoiceCall",
    "A button that calls the business.",
    &[HEADER, BODY, FOOTER, action(&VOICE_CALL)],
);

static REQUEST_CONTACT_INFO_MESSAGE: Shape = Shape::new(
    "InteractiveContactInfoRequest",
    "A button that shares the person's phone number.",
    &[BODY, action(&REQUEST_CONTACT_INFO)],
);

static ORDER_DETAILS_MESSAGE: Shape = Shape::new(
    "InteractiveOrderDetails",
    "An order to review and pay.",
    &[HEADER, BODY, FOOTER, action(&ORDER_DETAILS)],
);

static ORDER_STATUS_MESSAGE: Shape =
    Shape::new("InteractiveOrderStatus", "News of an order.", &[HEADER, BODY, FOOTER, action(&ORDER_STATUS)]);

static CAROUSEL_MESSAGE: Shape = Shape::new(
    "InteractiveCarousel",
    "Two to ten cards beside each other.",
    &[BODY, required("action", Rule::Object(&CAROUSEL_ACTION))],
);
