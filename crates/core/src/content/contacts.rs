//! Contact cards (Meta, "Contacts messages"): up to 257 in one message.

use super::forms::{DATE, META_ID};
use super::rule::{Rule, Shape, has, optional, required};
use crate::json::Object;

/// Meta's number.
const CONTACTS_MAX: usize = 257;
/// Most entries of one kind on a card; Meta names no number.
const ENTRIES_MAX: usize = 100;

/// Meta gives no limits for the texts of a card.
const LINE: Rule = Rule::Text { min: 0, max: 1000 };

/// Meta's pages know HOME and WORK, and CELL and others for phones: a free word.
const LABEL: Rule = Rule::Text { min: 0, max: 50 };

const fn entries(item: &'static Rule) -> Rule {
    Rule::List { min: 0, max: ENTRIES_MAX, item }
}

pub static CONTACTS: Rule = Rule::List { min: 1, max: CONTACTS_MAX, item: &Rule::Object(&CONTACT) };

pub static CONTACT: Shape = Shape::new(
    "ContactCard",
    "One contact card.",
    &[
        required("name", Rule::Object(&NAME)),
        optional("phones", entries(&Rule::Object(&PHONE))),
        optional("emails", entries(&Rule::Object(&EMAIL))),
        optional("addresses", entries(&Rule::Object(&ADDRESS))),
        optional("org", Rule::Object(&ORGANISATION)),
        optional("urls", entries(&Rule::Object(&SITE))),
        optional("birthday", DATE),
    ],
);

const NAME_PARTS: [&str; 5] = ["first_name", "last_name", "middle_name", "suffix", "prefix"];

static NAME: Shape = Shape::new(
    "ContactCardName",
    "A name: `formatted_name` and at least one of the other parts.",
    &[
        required("formatted_name", Rule::Words(1000)),
        optional("first_name", LINE),
        optional("last_name", LINE),
        optional("middle_name", LINE),
        optional("suffix", LINE),
        optional("prefix", LINE),
    ],
)
.also(&[another_part]);

fn another_part(object: &Object<'_>) {
    if !NAME_PARTS.iter().any(|part| has(object, part)) {
        let detail = format!("formatted_name needs one of {} beside it", NAME_PARTS.join(", "));
        object.wrong_itself::<()>("missing", detail);
    }
}

static PHONE: Shape = Shape::new(
    "ContactCardPhone",
    "A phone number; with `wa_id` the card offers to write to it on WhatsApp.",
    &[optional("phone", LINE), optional("type", LABEL), optional("wa_id", META_ID)],
);

static EMAIL: Shape =
    Shape::new("ContactCardEmail", "An email address.", &[optional("email", LINE), optional("type", LABEL)]);

static ADDRESS: Shape = Shape::new(
    "ContactCardAddress",
    "A postal address.",
    &[
        optional("street", LINE),
        optional("city", LINE),
        optional("state", LINE),
        optional("zip", LINE),
        optional("country", LINE),
        optional("country_code", LINE),
        optional("type", LABEL),
    ],
);

static ORGANISATION: Shape = Shape::new(
    "ContactCardOrg",
    "Where somebody works.",
    &[optional("company", LINE), optional("department", LINE), optional("title", LINE)],
);

static SITE: Shape = Shape::new(
    "ContactCardUrl",
    "A web address.",
    &[optional("url", Rule::Text { min: 0, max: 2048 }), optional("type", LABEL)],
);
