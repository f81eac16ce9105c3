//! The fuzz bodies of this crate's parsers: plain functions over any bytes, so that any fuzzer can drive them, and
//! proptest does with every test run. Each says what must hold of whatever comes; none may panic otherwise.

use crate::content::{Content, ContentKind};
use crate::{Bsuid, Phone, Recipient, json};

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

/// The strict reader takes nothing that serde_json does not, refuses for another reason than syntax where serde_json does
/// take it, and points at where it stands.
pub fn json(bytes: &[u8]) {
    let theirs = serde_json::from_slice::<serde_json::Value>(bytes);
    let Err(error) = json::decode(bytes, |_| Some(())) else {
        assert!(theirs.is_ok(), "what no other reader takes");
        return;
    };
    let [fault] = error.field_errors() else { unreachable!("one reason, and at once") };
    assert!(fault.pointer.is_empty() || fault.pointer.starts_with('/'), "{} is no pointer", fault.pointer);
    let byte_order_mark = bytes.starts_with(b"\xef\xbb\xbf");
    assert!(fault.code != "syntax" || theirs.is_err() || byte_order_mark, "{}", fault.detail);
}

/// The first line names a kind; what follows is its object. What is taken is kept byte for byte and reads the same for
/// ever; what is refused is refused with reasons that say where.
pub fn content(bytes: &[u8]) {
    let Some((kind, object)) = text(bytes).split_once('\n') else { return };
    let Some(kind) = ContentKind::parse(kind) else { return };
    match Content::parse(kind, object) {
        Ok(content) => {
            assert_eq!(content.kind(), kind, "the kind");
            assert_eq!(content.object().get(), object.trim(), "the object was changed");
            // It is read again from the database, without a check.
            let stored = Content::stored(kind, content.object().to_owned());
            assert_eq!(stored.words(), content.words(), "the words");
            assert!(Content::parse(kind, stored.object().get()).is_ok(), "refused the second time");
            assert_eq!(kind == ContentKind::Reaction, content.reacts_to().is_some(), "what it is on");
        }
        Err(errors) => {
            assert!(!errors.is_empty(), "refused without a reason");
            for error in errors {
                assert!(!error.detail.is_empty() && !error.code.is_empty(), "a reason without words");
                assert!(
                    error.pointer.is_empty() || error.pointer.starts_with('/'),
                    "{} is no pointer",
                    error.pointer
                );
            }
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
        fn jsons(bytes: Vec<u8>, like in "[\\[{]?(\"[a-z\\\\]{0,3}\":?,?|[0-9eE.-]{1,5},?|null|[\\[\\]{}]|\\PC){0,8}[\\]}]?") {
            super::json(&bytes);
            super::json(like.as_bytes());
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
