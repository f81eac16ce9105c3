//! The fuzz bodies of this crate's parsers: plain functions over any bytes, so that any fuzzer can drive them, and
//! proptest does with every test run. Each says what must hold of whatever comes; none may panic otherwise.

use serde_json::value::RawValue;

use crate::content::{Content, ContentKind};
use crate::{Bsuid, Phone, Recipient};

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// What parses as a phone number is E.164, reads the same again in both of its forms, and hides itself.
pub fn phone(bytes: &[u8]) {
    let Ok(phone) = Phone::parse(text(bytes)) else { return };
    let digits = phone.digits();
    assert!((7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()), "E.164");
    assert!(!digits.starts_with('0') && phone.as_e164().strip_prefix('+') == Some(digits), "E.164");
    for form in [phone.as_e164(), digits] {
        assert_eq!(Phone::parse(form).as_ref(), Ok(&phone), "another reading of {form}");
    }
    let shown = format!("{phone:?}");
    assert!(shown.bytes().filter(u8::is_ascii_digit).count() <= 4, "{shown} shows too much");
}

/// A recipient is a phone number or a BSUID and never both, and reads the same again.
pub fn recipient(bytes: &[u8]) {
    let Ok(recipient) = Recipient::parse(text(bytes)) else { return };
    let written = match (recipient.phone(), recipient.bsuid()) {
        (Some(phone), None) => phone.as_e164(),
        (None, Some(bsuid)) => bsuid.as_str(),
        _ => unreachable!("a recipient is one of the two"),
    };
    assert_eq!(Recipient::parse(written).as_ref(), Ok(&recipient), "another reading of {written}");
    assert_eq!(Bsuid::parse(written).is_ok(), recipient.bsuid().is_some(), "{written} reads as both");
    assert!(!format!("{recipient:?}").contains(written), "{written} is shown");
}

/// The first line names a kind; what follows is its object. What is taken is kept byte for byte; what is refused is
/// refused with a reason.
pub fn content(bytes: &[u8]) {
    let Some((kind, object)) = text(bytes).split_once('\n') else { return };
    let Some(kind) = ContentKind::parse(kind) else { return };
    let Ok(object) = serde_json::from_str::<Box<RawValue>>(object) else { return };
    let given = object.get().to_owned();
    match Content::read(kind, object) {
        Ok(content) => {
            assert_eq!(content.kind(), kind, "the kind");
            assert_eq!(content.object().get(), given, "the object was changed");
            // Whatever is valid once is valid for ever: it is read again from the database.
            let words = Content::stored(kind, content.object().to_owned()).words();
            assert_eq!(words, content.words(), "the words");
        }
        Err(errors) => {
            assert!(!errors.is_empty(), "refused without a reason");
            assert!(errors.iter().all(|error| !error.detail.is_empty()), "a reason without words");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn phones(bytes: Vec<u8>, like in "[+0-9 ().-]{0,24}") {
            phone(&bytes);
            phone(like.as_bytes());
        }

        #[test]
        fn recipients(bytes: Vec<u8>, like in "[A-Z+ ]{0,3}[.]?(ENT[.])?[0-9A-Za-z]{0,40}") {
            recipient(&bytes);
            recipient(like.as_bytes());
        }

        #[test]
        fn contents(
            bytes: Vec<u8>,
            kind in prop::sample::select(ContentKind::ALL.to_vec()),
            name in prop::sample::select(vec!["body", "id", "link", "caption", "name", "type", "action", "emoji"]),
            value in "\\PC{0,40}",
            number: f64,
        ) {
            content(&bytes);
            let object = serde_json::json!({name: value, "latitude": number, "n": {name: [value, number]}});
            content(format!("{kind}\n{object}").as_bytes());
            content(format!("{kind}\n{value}").as_bytes());
        }
    }
}
