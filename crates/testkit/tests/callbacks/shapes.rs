//! Every shape that Meta documents, and what becomes of it: the events, word for word.
//!
//! The bodies are the seeds of the fuzz target `callback`, written after the fields that Meta's pages describe
//! ("Webhooks: messages", "Webhooks: fields"). A new one is a file more.

use std::collections::BTreeMap;
use std::path::Path;

use gatepost_testkit::Engines;
use serde_json::{Value, json};

use crate::support::{all_read, events, live};

/// The bodies by name; what means nothing to anybody has another test.
fn corpus() -> BTreeMap<String, Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/callback");
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    files
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap()))
        .filter(|(name, _)| !name.starts_with("odd_"))
        .collect()
}

/// Ids of ours by their prefix only, and instants of ours not at all.
fn stable(value: &mut Value) {
    match value {
        Value::String(text) => {
            for prefix in ["evt_", "msg_", "chn_", "con_", "med_", "ws_", "tpl_", "sup_"] {
                let id = text.find(prefix).map(|at| at + prefix.len());
                if let Some(at) = id
                    && text.get(at..at + 26).is_some_and(|id| id.bytes().all(|b| b.is_ascii_alphanumeric()))
                {
                    text.replace_range(at..at + 26, "…");
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(stable),
        Value::Object(fields) => fields.iter_mut().for_each(|(name, value)| {
            let ours = name == "occurred_at" && value != "2026-11-01T09:30:00Z";
            if ours { *value = json!("[now]") } else { stable(value) }
        }),
        _ => {}
    }
}

fn shown(event: &Value) -> Value {
    let mut shown = json!({
        "type": event["type"], "channel_id": event["channel_id"], "mode": event["mode"], "data": event["data"],
    });
    stable(&mut shown);
    shown
}

/// What was told is in the log unchanged, whether somebody understands it or not.
fn check(name: &str, body: &[u8], told: &[Value]) {
    assert!(!told.is_empty(), "{name} is lost");
    let body: Value = serde_json::from_slice(body).unwrap();
    let change = &body["entry"][0]["changes"][0];
    let news = |list: &str| change["value"][list].as_array().cloned().unwrap_or_default();
    if change["field"] == "messages" {
        let raw: Vec<&Value> = told
            .iter()
            .flat_map(|e| [&e["data"]["message"]["provider"], &e["data"]["notification"]["value"]])
            .collect();
        for one in ["messages", "statuses", "errors"].iter().flat_map(|list| news(list)) {
            assert_eq!(raw.iter().filter(|raw| ***raw == one).count(), 1, "{name}: {one}");
        }
    } else if let Some(notice) = told.iter().find(|e| e["type"] == "channel.notification") {
        // A field that is understood may become something better; one that is not passes through.
        assert_eq!(notice["data"]["notification"]["field"], change["field"], "{name}");
        assert_eq!(notice["data"]["notification"]["value"], *change, "{name}");
    } else {
        assert_ne!(name, "field_of_2031", "nobody can know this one");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_documented_shape_becomes_an_event() {
    let corpus = corpus();
    assert!(corpus.len() > 70, "{} bodies", corpus.len());
    for engine in Engines::available() {
        let (world, _meta, _, live) = live(engine).await;
        let mut groups: BTreeMap<&str, BTreeMap<&str, Vec<Value>>> = BTreeMap::new();
        let mut seen = 0;
        for (name, body) in &corpus {
            live.app.call(&world, body.clone()).await.expect(200);
            all_read(&world).await;
            let log = events(&live.admin).await;
            let told = &log[seen..];
            seen = log.len();
            check(name, body, told);
            let group = name.split('_').next().unwrap();
            groups.entry(group).or_default().insert(name, told.iter().map(shown).collect());
        }
        // The same on both engines: both are held against the same files.
        for (group, told) in groups {
            insta::assert_json_snapshot!(group, told);
        }
        // All of it again: nothing is new.
        for body in corpus.values() {
            live.app.call(&world, body.clone()).await.expect(200);
        }
        all_read(&world).await;
        assert_eq!(events(&live.admin).await.len(), seen, "{engine:?}");
        world.stop().await;
    }
}
