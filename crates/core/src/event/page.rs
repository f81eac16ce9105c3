//! The catalogue as a page for people: `docs/event-catalogue.md`.

use std::fmt::Write as _;

use serde_json::Value;

use super::schema::{self, EVENT, referred};
use super::shape::Definitions;
use super::{API_VERSION, EventSubject, EventType};

const HEAD: &str = "\
# The event catalogue

Everything that Gatepost tells your software is an event of one of the types below: the body of a
[webhook](webhooks.md), an entry of `GET /v1/events`, a message of the [stream](events.md). The three are the same bytes.

This page is written from the program's own catalogue: `GATEPOST_UPDATE=1 cargo test -p gatepost-core event`. The same
catalogue makes the JSON Schemas in [openapi.json](../openapi.json) (`webhooks`, and `components.schemas`).

## What may change

Events gain members, parts of events gain members, and new types of events come: without notice, and within the same
`api_version`. **Pass over what you do not know.** Names do not change, members do not go away, and a member that is not
null today does not become null; should that ever be needed, it will be under another `api_version`.
Lists of values (`state`, `code`, `class` and all that are Meta's) are open: treat a value that you do not know as such.

Under `provider` and `value` stands Meta's own object, unchanged. It is there so that you never have to wait for us;
Meta changes it when it likes.

People are known by phone number, by Meta's business-scoped user id (BSUID), or by both: **either may be null**.

The order of events is that of `GET /v1/events`; webhooks may overtake each other unless the endpoint is `ordered`.
";

/// The page, in Markdown.
pub fn events_page() -> String {
    let definitions = schema::definitions();
    let mut page = HEAD.to_owned();
    let _ = writeln!(page, "\nThe present `api_version` is `{API_VERSION}`.\n\n## The types\n");
    page.push_str("| type | what it means | when it is told |\n|---|---|---|\n");
    for event in EventType::ALL {
        let anchor = event.as_str().replace('.', "");
        let (meaning, told) = (event.meaning(), event.told());
        let _ = writeln!(page, "| [`{event}`](#{anchor}) | {meaning} | {told} |");
    }
    page.push_str("\nFilters name a type, or a family such as `message.*`.\n\n## The envelope\n\n");
    members(&mut page, &definitions, EVENT);
    for subject in EventSubject::ALL {
        let _ = writeln!(page, "\n## `data.{}`\n", subject.as_str());
        let name = definitions
            .get("EventData")
            .and_then(|data| referred(&data["properties"][subject.as_str()]))
            .unwrap_or_default();
        if let Some(words) = definitions.get(name).and_then(|s| s["description"].as_str()) {
            let _ = writeln!(page, "{words}\n");
        }
        members(&mut page, &definitions, name);
        for part in parts(&definitions, name) {
            let words = definitions.get(part).and_then(|s| s["description"].as_str()).unwrap_or_default();
            let _ = writeln!(page, "\n### {part}\n\n{words}\n");
            members(&mut page, &definitions, part);
        }
        for event in EventType::ALL.into_iter().filter(|event| event.subject() == subject) {
            let _ = writeln!(page, "\n### {event}\n\n{} {}", event.meaning(), event.told());
            for (name, example) in event.written_examples() {
                if name != "default" {
                    let _ = writeln!(page, "\n{}:", name.replace('_', " "));
                }
                let _ = writeln!(page, "\n```json\n{example}\n```");
            }
        }
    }
    page
}

/// The members of an object as a table.
fn members(page: &mut String, definitions: &Definitions, name: &str) {
    let Some(schema) = definitions.get(name) else { return };
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    page.push_str("| member | type | |\n|---|---|---|\n");
    for member in definitions.members(name) {
        let schema = &schema["properties"][member];
        let there = if required.contains(member) { "" } else { ", may be absent" };
        let words = schema["description"].as_str().unwrap_or_default();
        let _ = writeln!(page, "| `{member}` | {}{there} | {words} |", kind(schema));
    }
}

/// A schema's type in words.
fn kind(schema: &Value) -> String {
    if let Some(name) = referred(schema) {
        return name.to_owned();
    }
    if let Some(options) = schema["oneOf"].as_array() {
        return options.iter().map(kind).rev().collect::<Vec<_>>().join(" or ");
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let word = |kind: &&str| match (*kind, schema["format"].as_str(), schema["pattern"].as_str()) {
        ("string", Some("date-time"), _) => "instant".to_owned(),
        ("string", _, Some(pattern)) => {
            format!("id `{}…`", pattern.trim_start_matches('^').split('[').next().unwrap_or_default())
        }
        ("array", ..) => format!("list of {}", kind_of_items(schema)),
        (kind, ..) => kind.to_owned(),
    };
    kinds.iter().map(word).collect::<Vec<_>>().join(" or ")
}

fn kind_of_items(schema: &Value) -> String {
    kind(&schema["items"])
}

/// The named parts that an object refers to, each once, in order.
fn parts<'a>(definitions: &'a Definitions, name: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    let Some(object) = definitions.get(name) else { return found };
    for member in definitions.members(name) {
        let schema = &object["properties"][member];
        let direct = referred(schema).into_iter();
        let options = schema["oneOf"].as_array().into_iter().flatten().filter_map(referred);
        for part in direct.chain(options) {
            if !found.contains(&part) {
                found.push(part);
            }
        }
    }
    found
}
