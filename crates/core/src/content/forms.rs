//! Texts and numbers with a form of their own.

use url::Url;

use super::emoji::is_one_emoji;
use super::rule::{Accepts, Own, Rule, no_longer_than};
use super::text::{LanguageCode, TemplateName};
use crate::MessageId;
use crate::json::Value;

/// Longest link that we pass on, in bytes.
pub const LINK_MAX: usize = 2048;
/// Longest id of Meta's that we pass on, in bytes.
const ID_MAX: usize = 256;
/// Longest name of a file, in characters.
const FILENAME_MAX: usize = 240;

/// A web address that Meta, not this server, will fetch or show.
pub const LINK: Rule = Rule::Own(&Own {
    about: "An absolute http or https address of at most 2048 bytes. Meta fetches it, not this server.",
    accepts: Accepts::Text,
    example: "https://example.com/parcel.jpg",
    check: link,
});

/// The id of something at Meta: flow, catalogue, product.
pub const META_ID: Rule = Rule::Own(&Own {
    about: "Meta's id: 1 to 256 bytes without blanks.",
    accepts: Accepts::Text,
    example: "1037543291543636",
    check: meta_id,
});

/// The id of an uploaded file.
pub const MEDIA_ID: Rule = Rule::Own(&Own {
    about: "A file that was uploaded before: our id of it (`med_…`), or Meta's.",
    accepts: Accepts::Text,
    example: "1037543291543636",
    check: meta_id,
});

/// A file's name as the recipient sees it.
pub const FILENAME: Rule = Rule::Own(&Own {
    about: "1 to 240 characters, without / and \\.",
    accepts: Accepts::Text,
    example: "invoice.pdf",
    check: filename,
});

pub const DATE: Rule = Rule::Own(&Own {
    about: "A day, as YYYY-MM-DD.",
    accepts: Accepts::Text,
    example: "1999-12-31",
    check: date,
});

pub const LATITUDE: Rule = Rule::Own(&Own {
    about: "Degrees from -90 to 90, as a number or a text.",
    accepts: Accepts::NumberOrText,
    example: "37.483307",
    check: |value| degrees(value, 90.0),
});

pub const LONGITUDE: Rule = Rule::Own(&Own {
    about: "Degrees from -180 to 180, as a number or a text.",
    accepts: Accepts::NumberOrText,
    example: "-122.148981",
    check: |value| degrees(value, 180.0),
});

pub const EMOJI: Rule = Rule::Own(&Own {
    about: "One emoji, or an empty text to take the reaction back.",
    accepts: Accepts::Text,
    example: "👍",
    check: emoji,
});

/// A message: ours, or Meta's id of one.
pub const MESSAGE: Rule = Rule::Own(&Own {
    about: "The id of a message of the same channel (msg_…), or Meta's id of one (wamid.…).",
    accepts: Accepts::Text,
    example: "msg_01kagq5rh8e5htqh9sk95d3x4w",
    check: message,
});

pub const TEMPLATE_NAME: Rule = Rule::Own(&Own {
    about: "1 to 512 of a-z, 0-9 and _.",
    accepts: Accepts::Text,
    example: "order_ready",
    check: |value| drop(value.parse(|text| TemplateName::parse(text.to_owned()))),
});

pub const LANGUAGE: Rule = Rule::Own(&Own {
    about: "A language as Meta names it.",
    accepts: Accepts::Text,
    example: "en_US",
    check: |value| drop(value.parse(|text| LanguageCode::parse(text.to_owned()))),
});

/// The place of a button: Meta's pages write it as a number and as a text.
pub const BUTTON_INDEX: Rule = Rule::Own(&Own {
    about: "0 to 9, as a number or a text.",
    accepts: Accepts::NumberOrText,
    example: "0",
    check: button_index,
});

pub const CURRENCY: Rule = Rule::Own(&Own {
    about: "A currency code of ISO 4217: three capital letters.",
    accepts: Accepts::Text,
    example: "EUR",
    check: currency,
});

fn wrong(value: Value<'_>, detail: &str) {
    value.wrong::<()>("invalid_value", detail);
}

fn link(value: Value<'_>) {
    let Some(text) = value.text() else { return };
    if text.len() > LINK_MAX {
        value.wrong::<()>("too_long", format!("expected at most {LINK_MAX} bytes, got {}", text.len()));
        return;
    }
    // The parser forgives blanks and control characters; whoever fetches the link may not.
    let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    let good = Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let spelt_out = ["http://", "https://"]
        .iter()
        .any(|head| text.get(..head.len()).is_some_and(|start| start.eq_ignore_ascii_case(head)));
    if !(plain && good && spelt_out) {
        wrong(value, "expected an absolute address such as https://example.com/parcel.jpg");
    }
}

fn meta_id(value: Value<'_>) {
    let Some(text) = value.text() else { return };
    let good =
        (1..=ID_MAX).contains(&text.len()) && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    if !good {
        wrong(value, "expected an id of Meta's: 1 to 256 bytes without blanks");
    }
}

fn filename(value: Value<'_>) {
    let Some(text) = value.text() else { return };
    if text.trim().is_empty() || text.chars().any(|c| matches!(c, '/' | '\\') || c.is_control()) {
        wrong(value, "expected a file name without / and \\");
    } else {
        no_longer_than(value, text, FILENAME_MAX);
    }
}

fn date(value: Value<'_>) {
    let Some(text) = value.text() else { return };
    let digits =
        |at: std::ops::Range<usize>| text.get(at).is_some_and(|t| t.bytes().all(|b| b.is_ascii_digit()));
    let form = text.len() == 10 && digits(0..4) && digits(5..7) && digits(8..10);
    if !form || text.parse::<jiff::civil::Date>().is_err() {
        wrong(value, "expected a day such as 1999-12-31");
    }
}

fn degrees(value: Value<'_>, most: f64) {
    let Some(text) = value.as_text() else {
        value.number(-most..=most);
        return;
    };
    let form = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.'));
    if !(form && text.parse::<f64>().is_ok_and(|number| (-most..=most).contains(&number))) {
        value.wrong::<()>("out_of_range", format!("expected a number from -{most} to {most}"));
    }
}

fn emoji(value: Value<'_>) {
    let Some(text) = value.text() else { return };
    if !(text.is_empty() || is_one_emoji(text)) {
        wrong(value, "expected one emoji, or an empty text to take the reaction back");
    }
}

fn message(value: Value<'_>) {
    let Some(text) = value.text() else { return };
    if Reference::parse(text).is_none() {
        wrong(value, "expected the id of a message (msg_…), or Meta's id of one (wamid.…)");
    }
}

fn button_index(value: Value<'_>) {
    match value.as_text() {
        None => drop(value.whole(0..=9)),
        Some(text) if text.len() == 1 && text.bytes().all(|b| b.is_ascii_digit()) => {}
        Some(_) => drop(value.wrong::<()>("out_of_range", "expected a whole number from 0 to 9")),
    }
}

fn currency(value: Value<'_>) {
    let Some(text) = value.text() else { return };
    if text.len() != 3 || !text.bytes().all(|b| b.is_ascii_uppercase()) {
        wrong(value, "expected a currency code such as EUR");
    }
}

/// A message that another refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// One of ours, in either direction.
    Ours(MessageId),
    /// Meta's id (wamid).
    Metas(String),
}

impl Reference {
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(id) = text.parse() {
            return Some(Self::Ours(id));
        }
        let rest = text.strip_prefix("wamid.")?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'-' | b'_' | b'.');
        let good = (1..=ID_MAX).contains(&rest.len()) && rest.bytes().all(plain);
        good.then(|| Self::Metas(text.to_owned()))
    }
}
