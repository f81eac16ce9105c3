//! `gatepost deliveries` and `gatepost events`

use serde_json::json;

use crate::support::{Http, Machine, eventually, json as body};

#[test]
fn the_log_is_read_and_sent_again() {
    let machine = Machine::new();
    let server = machine.serve();
    machine.set_up();
    let admin = machine.run(&["key", "create", "--scope", "admin", "--scope", "send", "--json"]).ok().json();
    let key = admin["secret"].as_str().unwrap().to_owned();
    let http = Http::new();
    let messages = format!("{}/v1/messages", server.url());
    let message = json!({ "to": "+12025550140", "purpose": "support", "text": "x" });
    let id = body(&http.post(&messages, Some(&key), &message).unwrap())["id"].as_str().unwrap().to_owned();
    eventually("the message to be read", || {
        body(&http.get(&format!("{messages}/{id}"), Some(&key)).unwrap())["state"] == "read"
    });
    let run = |arguments: &[&str]| machine.run(&[arguments, &["--key", &key]].concat());

    let events = run(&["events", "list", "--types", "message.*", "--json"]).ok().json();
    let first = events["data"][0]["id"].as_str().unwrap().to_owned();
    assert!(run(&["events", "list", "--after", &first]).ok().out.contains("message.read"));
    assert!(run(&["events", "show", &first]).ok().out.contains(&id));
    let nowhere = run(&["events", "resend", &first]).ok().out;
    assert!(nowhere.contains("No enabled endpoint takes this event"), "{nowhere}");
    let unknown = run(&["events", "resend", "evt_01kagq5rh8e5htqh9sk95d3x4w"]);
    assert_eq!(unknown.code, Some(3), "{}", unknown.err);

    for arguments in
        [&["deliveries"][..], &["deliveries", "list"], &["deliveries", "replay", "--since", "2h"]]
    {
        let none = run(arguments);
        assert_eq!(none.code, Some(3), "{arguments:?}");
        assert!(none.err.contains("there is no webhook endpoint"), "{}", none.err);
    }
    for wrong in [
        &["deliveries", "--state", "lost"][..],
        &["deliveries", "--since", "yesterday"],
        &["deliveries", "--event-type", "message.reed"],
        &["deliveries", "show", "msg_01kagq5rh8e5htqh9sk95d3x4w"],
        &["deliveries", "replay"],
        &["deliveries", "replay", "--since", "2h", "--only", "some"],
        &["events", "list", "--limit", "0"],
    ] {
        assert_eq!(run(wrong).code, Some(2), "{wrong:?}");
    }
    let gone = run(&["deliveries", "show", "dlv_01kagq5rh8e5htqh9sk95d3x4w", "--json"]);
    assert_eq!(gone.code, Some(3));
    assert!(gone.err.contains("no endpoint has the delivery"), "{}", gone.err);
}
