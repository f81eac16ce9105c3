//! Content against generated input: what is good survives, and nothing breaks the reader.

use std::fmt::Write;

use proptest::prelude::*;
use serde_json::Value;

use crate::content::examples::EXAMPLES;
use crate::content::{Content, ContentKind};

/// The same JSON with other blanks between its tokens and other spellings of its letters.
fn respelt(object: &str, choices: &[u8]) -> String {
    let mut choices = choices.iter().copied().cycle();
    let mut out = String::new();
    let (mut in_text, mut escaped) = (false, false);
    for c in object.chars() {
        let choice = choices.next().unwrap_or_default();
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => in_text = !in_text,
            'a'..='z' if in_text && choice % 7 == 0 => {
                write!(out, "\\u{:04x}", u32::from(c)).unwrap();
                continue;
            }
            _ => {}
        }
        out.push(c);
        if !in_text && matches!(c, '{' | '}' | '[' | ']' | ',' | ':') {
            out.push_str(["", " ", "\n\t", "  "][usize::from(choice % 4)]);
        }
    }
    out.trim_end().to_owned()
}

fn jsonish() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,24}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        let name = proptest::sample::select(vec![
            "type",
            "id",
            "link",
            "text",
            "body",
            "action",
            "parameters",
            "cards",
            "name",
            "sections",
        ]);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            proptest::collection::vec((name, inner), 0..6)
                .prop_map(|members| members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

/// Every pointer into a value.
fn pointers(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, v)| pointers(v, &format!("{at}/{i}"), out));
        }
        Value::Object(members) => members.iter().for_each(|(k, v)| pointers(v, &format!("{at}/{k}"), out)),
        _ => {}
    }
}

proptest! {
    /// What is good is passed on byte for byte, however it is spelt.
    #[test]
    fn good_objects_survive(at in 0..EXAMPLES.len(), choices in proptest::collection::vec(any::<u8>(), 1..64)) {
        let example = &EXAMPLES[at];
        let spelt = respelt(example.object, &choices);
        match Content::parse(example.kind, &spelt) {
            Ok(content) => prop_assert_eq!(content.object().get(), spelt),
            Err(errors) => prop_assert!(false, "{}: {:?}", spelt, errors),
        }
    }

    /// Whatever stands in place of a part of a good object: it is judged, with pointers that lead somewhere.
    #[test]
    fn damage_is_judged(at in 0..EXAMPLES.len(), place in any::<prop::sample::Index>(), with in jsonish()) {
        let example = &EXAMPLES[at];
        let mut object: Value = serde_json::from_str(example.object).unwrap();
        let mut places = Vec::new();
        pointers(&object, "", &mut places);
        *object.pointer_mut(&places[place.index(places.len())]).unwrap() = with;
        if let Err(errors) = Content::parse(example.kind, &object.to_string()) {
            prop_assert!(!errors.is_empty());
            for error in errors {
                let (parent, _) = error.pointer.rsplit_once('/').unwrap_or_default();
                prop_assert!(object.pointer(parent).is_some(), "{} in {}", error.pointer, object);
            }
        }
    }

    #[test]
    fn any_text_is_judged(kind in proptest::sample::select(ContentKind::ALL.to_vec()), text in "\\PC{0,80}") {
        if let Err(errors) = Content::parse(kind, &text) {
            prop_assert!(!errors.is_empty());
        }
    }
}
