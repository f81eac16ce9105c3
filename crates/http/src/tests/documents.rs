//! What is told about the routes is true, complete and checked in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use gatepost_core::content::examples::EXAMPLES;
use gatepost_core::event::EventType;
use serde_json::Value;
use utoipa::{PartialSchema, ToSchema};

use crate::access::Rule;
use crate::api::Surface;
use crate::{openapi, routes, wire};

/// Compares a checked-in file with what the routes say now, or writes it where `GATEPOST_UPDATE` is set.
#[expect(clippy::disallowed_methods, reason = "asks whoever runs the tests, not the configuration")]
fn checked_in(file: &str, now: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    if std::env::var_os("GATEPOST_UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, now).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == now,
        "{file} is stale; write it anew with: GATEPOST_UPDATE=1 cargo test -p gatepost-http"
    );
}

#[test]
fn the_openapi_document_is_checked_in() {
    checked_in("openapi.json", &crate::openapi_json());
}

#[test]
fn the_permission_matrix_is_checked_in() {
    checked_in("docs/permissions.txt", &crate::permission_matrix());
}

fn document(surface: Surface) -> Value {
    let text = match surface {
        Surface::Public | Surface::Console => crate::openapi_json(),
        Surface::Operator => openapi::document(&routes::at_socket()),
        Surface::Operators => openapi::document(&routes::for_operators()),
    };
    serde_json::from_str(&text).unwrap()
}

const SURFACES: [Surface; 3] = [Surface::Public, Surface::Operator, Surface::Operators];

fn operations(document: &Value) -> Vec<(String, String, Value)> {
    document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            item.as_object()
                .unwrap()
                .iter()
                .map(|(method, op)| (path.clone(), method.to_uppercase(), op.clone()))
        })
        .collect()
}

#[test]
fn the_documents_hold_every_route_and_no_other() {
    for surface in SURFACES {
        let described: BTreeSet<(String, String)> =
            operations(&document(surface)).into_iter().map(|(path, method, _)| (path, method)).collect();
        let routed: BTreeSet<(String, String)> = crate::inventory()
            .into_iter()
            .filter(|route| route.surface == surface && !route.page)
            .map(|route| (route.path, route.method.to_string()))
            .collect();
        assert_eq!(described, routed);
    }
}

#[test]
fn every_operation_says_what_it_must() {
    for surface in SURFACES {
        check_operations(&document(surface));
    }
}

fn check_operations(document: &Value) {
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(document) {
        let at = format!("{method} {path}");
        let id = operation["operationId"].as_str().unwrap_or_default();
        assert!(!id.is_empty() && ids.insert(id.to_owned()), "{at}: {id:?} is missing or there twice");
        assert!(operation["summary"].as_str().is_some_and(|words| !words.is_empty()), "{at}: no summary");
        assert!(!operation["tags"][0].as_str().unwrap_or_default().is_empty(), "{at}: no tag");
        let answers = operation["responses"].as_object().unwrap();
        assert!(answers.keys().any(|status| status.starts_with('2')), "{at}: no success");
        assert!(answers.keys().any(|status| status.starts_with('4')), "{at}: no refusal");
    }
}

/// The schema a reference leads to, or the schema itself.
fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => {
            let name = reference.rsplit('/').next().unwrap();
            let found = &document["components"]["schemas"][name];
            assert!(found.is_object(), "{reference} leads nowhere");
            found
        }
        None => schema,
    }
}

/// Checks that `value` fits `schema`, with no property that the schema does not name: a small part of JSON Schema,
/// as much as our documents use.
fn fits(document: &Value, schema: &Value, value: &Value, at: &str) {
    let schema = resolve(document, schema);
    for any in ["oneOf", "anyOf"] {
        if let Some(options) = schema[any].as_array() {
            let fit = options.iter().find(|option| {
                let option = resolve(document, option);
                option.get("oneOf").is_some()
                    || kinds(option).iter().any(|kind| is_kind(value, kind)) && has_tag(option, value)
            });
            let Some(option) = fit else { panic!("{at}: {value} fits none of {schema}") };
            return fits(document, option, value, at);
        }
    }
    if let Some(all) = schema["allOf"].as_array() {
        let merged: BTreeSet<&String> = all
            .iter()
            .filter_map(|part| resolve(document, part)["properties"].as_object())
            .flat_map(|properties| properties.keys())
            .collect();
        for name in value.as_object().unwrap().keys() {
            assert!(merged.contains(name), "{at}/{name} is not in the schema");
        }
        return;
    }
    let kinds = kinds(schema);
    assert!(
        kinds.is_empty() || kinds.iter().any(|kind| is_kind(value, kind)),
        "{at}: {value} is not {kinds:?}"
    );
    if let (Some(properties), Some(members)) = (schema["properties"].as_object(), value.as_object()) {
        for (name, member) in members {
            let Some(property) = properties.get(name) else { panic!("{at}/{name} is not in the schema") };
            fits(document, property, member, &format!("{at}/{name}"));
        }
        for name in schema["required"].as_array().into_iter().flatten() {
            assert!(members.contains_key(name.as_str().unwrap()), "{at} lacks {name}");
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        if let Some(items) = schema.get("items") {
            fits(document, items, item, &format!("{at}/{index}"));
        }
    }
}

/// Whether a value's `type` is the one of this option, where options are told apart by it.
fn has_tag(option: &Value, value: &Value) -> bool {
    match (option["properties"]["type"]["enum"].as_array(), value.get("type")) {
        (Some(words), Some(word)) => words.contains(word),
        _ => true,
    }
}

fn kinds(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is_kind(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("unknown type {other}"),
    }
}

#[test]
fn examples_fit_their_schemas() {
    let mut checked = 0;
    for surface in SURFACES {
        checked += check_examples(&document(surface));
    }
    assert!(checked > 300, "{checked}");
}

fn check_examples(document: &Value) -> usize {
    let mut checked = 0;
    let mut check = |holder: &Value, at: &str| {
        for media in holder["content"].as_object().into_iter().flat_map(|content| content.values()) {
            let singles = media.get("example").into_iter();
            let named = media["examples"].as_object().into_iter().flatten().map(|(_, named)| &named["value"]);
            for example in singles.chain(named) {
                fits(document, &media["schema"], example, at);
                checked += 1;
            }
        }
    };
    for (name, item) in document["webhooks"].as_object().into_iter().flatten() {
        check(&item["post"]["requestBody"], name);
    }
    for (path, method, operation) in operations(document) {
        check(&operation["requestBody"], &format!("{method} {path}"));
        for (status, answer) in operation["responses"].as_object().unwrap() {
            check(answer, &format!("{method} {path} {status}"));
        }
    }
    checked
}

/// Two schemas under one name would describe each other's things.
#[test]
fn schemas_have_names_of_their_own() {
    let mut known: BTreeMap<String, Value> = BTreeMap::new();
    for api in [routes::public(), routes::at_socket()] {
        for route in &api.routes {
            let bodies = route.doc.body.iter().flat_map(|body| &body.schema.all);
            let answers = route.doc.answer.iter().filter_map(|answer| match &answer.content {
                crate::route::Content::Json(schema, _) => Some(&schema.all),
                _ => None,
            });
            for (name, schema) in bodies.chain(answers.flatten()) {
                let schema = serde_json::to_value(schema).unwrap();
                let first = known.entry(name.clone()).or_insert_with(|| schema.clone());
                assert_eq!(*first, schema, "two schemas are named {name}");
            }
        }
    }
    assert!(known.len() > 100, "{}", known.len());
}

/// The examples of a message are messages, one of every kind and sub-kind.
#[test]
fn examples_of_messages_are_taken() {
    let document = document(Surface::Public);
    let media = &document["paths"]["/v1/messages"]["post"]["requestBody"]["content"]["application/json"];
    let examples = media["examples"].as_object().unwrap();
    assert!(examples.len() > EXAMPLES.len(), "and the shorthand");
    for (name, example) in examples {
        let body = example["value"].to_string();
        let read = crate::json::decode::<wire::MessageSend>(body.as_bytes());
        assert!(read.is_ok(), "{name}: {:?}", read.err());
    }
}

#[test]
fn every_event_is_a_webhook_of_the_document() {
    let document = document(Surface::Public);
    let described: BTreeSet<&str> =
        document["webhooks"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(described, EventType::ALL.iter().map(|event| event.as_str()).collect());
}

/// The schema of a body names the fields that its reader takes, and calls those required that it misses.
fn schema_is_read<T: crate::json::Body>() {
    let schema = serde_json::to_value(<T::Shape as PartialSchema>::schema()).unwrap();
    let described: BTreeSet<&str> =
        schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    let (asked, missed) = crate::json::fields_of::<T>();
    assert_eq!(described, asked.into_iter().collect(), "{}", T::Shape::name());
    for required in schema["required"].as_array().into_iter().flatten() {
        let pointer = format!("/{}", required.as_str().unwrap());
        assert!(missed.contains(&pointer), "{} does not need {pointer}", T::Shape::name());
    }
}

#[test]
fn schemas_are_what_readers_read() {
    schema_is_read::<wire::ChannelCreate>();
    schema_is_read::<wire::ChannelUpdate>();
    schema_is_read::<wire::EndpointCreate>();
    schema_is_read::<wire::EndpointSecretRotate>();
    schema_is_read::<wire::EndpointUpdate>();
    schema_is_read::<wire::EventResend>();
    schema_is_read::<wire::EventTrigger>();
    schema_is_read::<wire::KeyCreate>();
    schema_is_read::<wire::KeyRotate>();
    schema_is_read::<wire::MessageRead>();
    schema_is_read::<wire::MessageSend>();
    schema_is_read::<wire::MetaAppCreate>();
    schema_is_read::<wire::PauseSet>();
    schema_is_read::<wire::PlanPut>();
    schema_is_read::<wire::ReplayCreate>();
    schema_is_read::<wire::SubscriptionStateSet>();
    schema_is_read::<wire::TemplateCreate>();
    schema_is_read::<wire::TemplatePreviewAsk>();
    schema_is_read::<wire::TemplateSync>();
    schema_is_read::<wire::TemplateTestSend>();
    schema_is_read::<wire::TemplateUpdate>();
    schema_is_read::<wire::WorkspaceCreate>();
}

#[test]
fn documents_name_every_id_and_nothing_secret() {
    for route in crate::inventory() {
        for name in crate::path::params(&route.path) {
            let known = crate::path::prefix_of(name).is_some()
                || ["code", "file_name", "otp_entry", "otp_session", "plan", "provider", "public_token"]
                    .contains(&name);
            assert!(known, "{}: {name} is no id that the documents know", route.path);
        }
        let operator = matches!(route.rule, Rule::Operator(_));
        assert!(
            !operator || matches!(route.surface, Surface::Operator | Surface::Operators),
            "{}",
            route.path
        );
    }
    assert!(crate::openapi_json().contains("not affiliated with, endorsed by"));
}
