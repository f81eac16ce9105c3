//! Parsers that several bodies share.

use gatepost_core::access::OperatorReason;
use gatepost_core::channel::Mode;
use gatepost_core::{EmailAddress, InvalidId, Secret, Timestamp, text};

use crate::json::Value;

/// Longest name of anything, in characters.
pub const NAME_MAX: usize = 100;
/// Longest secret that a caller brings along, in bytes.
const SECRET_MAX: usize = 1024;

pub fn name(value: Value<'_>) -> Option<String> {
    value.parse(|written| text::name(written, NAME_MAX))
}

pub fn mode(value: Value<'_>) -> Option<Mode> {
    value.parse(|written| {
        [Mode::Test, Mode::Live]
            .into_iter()
            .find(|mode| mode.as_str() == written)
            .ok_or("expected test or live")
    })
}

pub fn instant(value: Value<'_>) -> Option<Timestamp> {
    value.parse(|written| {
        Timestamp::parse(written).ok_or("expected an RFC 3339 instant such as 2026-11-01T09:30:00Z")
    })
}

/// A provider's secret: visible ASCII, never echoed.
pub fn secret(value: Value<'_>) -> Option<Secret<String>> {
    value.parse(|written| {
        let fits = (8..=SECRET_MAX).contains(&written.len()) && written.bytes().all(|b| b.is_ascii_graphic());
        if fits {
            Ok(Secret::new(written.to_owned()))
        } else {
            Err(format!("expected 8 to {SECRET_MAX} visible ASCII characters"))
        }
    })
}

/// An id of Meta's: digits alone.
pub fn meta_id(value: Value<'_>) -> Option<String> {
    value.parse(|written| {
        if (1..=32).contains(&written.len()) && written.bytes().all(|b| b.is_ascii_digit()) {
            Ok(written.to_owned())
        } else {
            Err("expected an id of Meta's: 1 to 32 digits, as a text")
        }
    })
}

/// An id of ours.
pub fn id<I: std::str::FromStr<Err = InvalidId>>(value: Value<'_>) -> Option<I> {
    value.parse(str::parse)
}

pub fn boolean(value: Value<'_>) -> Option<bool> {
    value.boolean()
}

/// An e-mail address of a person.
pub fn email(value: Value<'_>) -> Option<String> {
    value.parse(|written| EmailAddress::parse(written).map(|email| email.to_string()))
}

/// Why somebody does what others will read of.
pub fn reason(value: Value<'_>) -> Option<OperatorReason> {
    value.parse(OperatorReason::parse)
}
