//! `gatepost template`, beside a running server and without one.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::Machine;

fn order() -> Value {
    json!({
        "name": "order_ready", "language": "en_US", "category": "UTILITY",
        "components": [{
            "type": "BODY", "text": "Hello {{1}}, your order {{2}} is ready for you.",
            "example": { "body_text": [["Ada", "17"]] },
        }],
    })
}

#[test]
fn templates_are_drafted_submitted_and_tried() {
    let machine = Machine::new();
    let server = machine.serve();
    machine.set_up();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("order_ready.json");
    std::fs::write(&path, order().to_string()).unwrap();
    let file = path.to_str().unwrap();

    let made = machine.run(&["template", "create", "--file", file, "--json"]).ok().json();
    let id = made["id"].as_str().unwrap();
    assert_eq!(made["status"], "DRAFT");
    let again = machine.run(&["template", "create", "--file", file]);
    assert_eq!(again.code, Some(3), "{again:?}");
    assert!(again.err.contains(id), "it names the one that is there: {again:?}");
    let shown = machine.run(&["template", "preview", id, "--body", "Ada", "--json"]).ok().json();
    assert_eq!(shown["missing"], json!(["/body/1"]));
    let words = machine.run(&["template", "preview", id, "--body", "Ada"]).ok().out;
    assert!(words.contains("Hello Ada") && words.contains("still missing: /body/1"), "{words}");

    let submitted = machine.run(&["template", "submit", id, "--json"]).ok().json();
    assert!(submitted["provider_id"].is_string(), "{submitted}");
    let approved = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        machine.run(&["template", "show", id, "--json"]).ok().json()["status"] == "APPROVED"
    });
    assert!(approved, "the simulated Meta reviews in a moment");
    let values = ["--body", "Ada", "--body", "17"];
    let mut send = vec!["template", "test-send", id, "--to", "+12025550101", "--json"];
    send.extend(values);
    assert_eq!(machine.run(&send).ok().json()["type"], "template");

    let synced = machine.run(&["template", "sync", "--json"]).ok().json();
    assert!(synced["total"].as_u64().unwrap() >= 1, "{synced}");
    let listed = machine.run(&["template", "list", "--status", "APPROVED", "--json"]).ok().json();
    assert!(listed["data"].as_array().unwrap().iter().any(|t| t["id"] == id), "{listed}");
    machine.run(&["template", "delete", id]).ok();
    assert_eq!(machine.run(&["template", "show", id]).code, Some(3));

    std::fs::write(&path, "[]").unwrap();
    assert_eq!(machine.run(&["template", "create", "--file", file]).code, Some(2), "no object");
    assert_eq!(machine.run(&["template", "list", "--status", "a&b"]).code, Some(2));
    assert!(server.stop().success());
    // What is known here is known without a server too.
    let listed = machine.run(&["template", "list", "--json"]).ok().json();
    assert!(listed["data"].as_array().unwrap().iter().all(|t| t["id"] != id), "{listed}");
}
