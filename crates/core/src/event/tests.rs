//! The catalogue is whole, and what it says of itself is true.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::check::misfits;
use super::schema::{self, EVENT};
use super::*;

#[test]
fn names_and_numbers_are_told_apart() {
    let numbers: BTreeSet<i64> = EventType::ALL.iter().map(|event| event.number()).collect();
    let names: BTreeSet<&str> = EventType::ALL.iter().map(|event| event.as_str()).collect();
    assert_eq!((numbers.len(), names.len()), (EventType::ALL.len(), EventType::ALL.len()));
    for event in EventType::ALL {
        assert_eq!(EventType::from_number(event.number()), Some(event));
        assert_eq!(EventType::parse(event.as_str()), Some(event));
        assert!(event.meaning().ends_with('.') && event.told().ends_with('.'), "{event}");
    }
}

/// The examples are made of the structs that the application writes, so what fits here fits there.
#[test]
fn every_event_as_it_is_written_fits_its_schema() {
    let definitions = schema::definitions();
    for event in EventType::ALL {
        assert_eq!(Cast::documented().data(event).subject(), event.subject(), "{event}");
        for (name, example) in event.examples() {
            for schema in [event.schema_name(), EVENT] {
                let faults = misfits(&definitions, schema, &example);
                assert!(faults.is_empty(), "{event} ({name}), {schema}: {faults:?}\n{example:#}");
            }
            assert!(
                !example.to_string().contains("null}") || !example["data"].is_null(),
                "{event}: {example}"
            );
        }
    }
}

/// Every member of every struct, those that examples leave out too.
#[test]
fn every_member_that_can_be_written_is_in_the_schema() {
    let cast = Cast::documented();
    let raw = serde_json::value::RawValue::NULL;
    let party = Party { phone: None, bsuid: Some("US.1".to_owned()), name: Some("Ada".to_owned()) };
    let error = MessageError {
        code: "c".to_owned(),
        provider_code: Some(1),
        class: "failed".to_owned(),
        detail: "d".to_owned(),
        action: "a".to_owned(),
    };
    let EventData::Message(file) = cast.variants(EventType::MessageReceived).pop().unwrap().1 else {
        unreachable!("messages are messages")
    };
    let media = MediaNews { caption: Some("c".to_owned()), voice: Some(true), ..file.media.unwrap().clone() };
    let full = MessageNews {
        id: None,
        direction: "inbound",
        kind: Some("audio"),
        purpose: Some(crate::Purpose::Support),
        state: crate::message::MessageState::Received,
        contact: party,
        provider_id: None,
        occurred_at: cast.at,
        text: Some("t"),
        media: Some(&media),
        reply_to: Some(cast.earlier),
        reply_to_provider_id: Some("wamid"),
        error: Some(error),
        provider: None,
    };
    let event = EventType::MessageReceived;
    let written = serde_json::to_value(cast.payload(event, EventData::Message(Box::new(full)))).unwrap();
    let definitions = schema::definitions();
    assert_eq!(misfits(&definitions, event.schema_name(), &written), [""; 0]);
    // What the schema calls an object is one: Meta never sends anything else there.
    let data = EventData::Notification(Notification { field: "f", value: raw });
    let odd = serde_json::to_value(cast.payload(EventType::ChannelNotification, data)).unwrap();
    assert_eq!(misfits(&definitions, EVENT, &odd).len(), 1);
}

/// What is wrong, and how to make it so.
type Spoil = (&'static str, fn(&mut Value));

/// The check itself: it must see what is wrong.
#[test]
fn what_does_not_fit_is_seen() {
    let definitions = schema::definitions();
    let event = EventType::MessageReceived;
    let spoil: [Spoil; 9] = [
        ("a member more", |e| e["data"]["message"]["more"] = json!(1)),
        ("an envelope with more", |e| e["more"] = json!(1)),
        ("a member less", |e| drop(e["data"]["message"].as_object_mut().unwrap().remove("contact"))),
        ("null for an id", |e| e["id"] = Value::Null),
        ("another kind of id", |e| e["id"] = e["workspace_id"].clone()),
        ("no instant", |e| e["created_at"] = json!("yesterday")),
        ("a number for a text", |e| e["data"]["message"]["text"] = json!(1)),
        ("another type", |e| e["type"] = json!("message.sent")),
        ("another subject", |e| e["data"] = json!({ "contact": {} })),
    ];
    for (what, spoil) in spoil {
        let mut example = event.example();
        assert_eq!(misfits(&definitions, event.schema_name(), &example), [""; 0]);
        spoil(&mut example);
        assert!(!misfits(&definitions, event.schema_name(), &example).is_empty(), "{what} was not seen");
    }
    let mut over = event.example();
    over["data"] = Value::Null;
    assert_eq!(misfits(&definitions, EVENT, &over), [""; 0], "the content's time may be over");
    assert!(!misfits(&definitions, event.schema_name(), &over).is_empty(), "but not in a webhook");
}

/// Every reference leads somewhere, and nothing is described that no event holds.
#[test]
fn schemas_are_whole() {
    let definitions = schema::definitions();
    let text: String = definitions.iter().map(|(_, schema)| schema.to_string()).collect();
    let referred: BTreeSet<&str> =
        text.split("#/components/schemas/").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    for name in &referred {
        assert!(definitions.get(name).is_some(), "{name} leads nowhere");
    }
    for (name, schema) in definitions.iter() {
        let of_event = name == EVENT || EventType::ALL.iter().any(|event| event.schema_name() == name);
        assert!(of_event || referred.contains(&name), "{name} belongs to no event");
        assert!(!schema["description"].as_str().unwrap_or_default().is_empty(), "{name} says nothing");
        for (member, schema) in schema["properties"].as_object().unwrap() {
            assert!(!schema["description"].as_str().unwrap_or_default().is_empty(), "{name}/{member}");
        }
    }
}

/// Receivers were written against these: a change here is a change for every one of them.
#[test]
fn shapes_do_not_change_unnoticed() {
    for event in EventType::ALL {
        for (name, example) in event.written_examples() {
            insta::assert_snapshot!(format!("{event} {name}").replace(['.', ' '], "_"), example);
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "asks whoever runs the tests, not the configuration")]
fn the_page_is_checked_in() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/event-catalogue.md");
    let now = events_page();
    if std::env::var_os("GATEPOST_UPDATE").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == now,
        "docs/event-catalogue.md is stale: GATEPOST_UPDATE=1 cargo test -p gatepost-core event"
    );
}
