//! `gatepost trigger`

use serde_json::json;

use crate::support::Machine;

#[test]
fn events_happen_on_demand() {
    let machine = Machine::new();
    let listed = machine.run(&["trigger"]).ok();
    assert!(listed.out.contains("message.received") && listed.out.contains("A person wrote to a channel."));

    // Without a server the operator's own process does it; with one, the server does.
    let key = machine.set_up();
    let alone = machine.run(&["trigger", "message.received", "--json"]).ok().json();
    assert_eq!((&alone["type"], &alone["mode"]), (&json!("message.received"), &json!("test")));
    let server = machine.serve();
    let beside = machine.run(&["trigger", "template.updated", "--json"]).ok().json();
    let log = machine.run(&["listen", "--from-start", "--once", "--json", "--key", &key]).ok();
    for made in [&alone, &beside] {
        assert!(log.out.contains(made["id"].as_str().unwrap()), "{made} is in the log");
    }

    // A key for sending makes nothing up; one that sets up webhooks does.
    let refused = machine.run(&["trigger", "message.sent", "--key", &key]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    let made = machine.run(&["key", "create", "--scope", "webhooks", "--json"]).ok().json();
    let key = made["secret"].as_str().unwrap();
    machine.run(&["trigger", "message.sent", "--key", key]).ok();

    let misspelt = machine.run(&["trigger", "message.reed"]);
    assert_eq!(misspelt.code, Some(3), "{misspelt:?}");
    assert!(misspelt.err.contains("message.read"), "{}", misspelt.err);
    drop(server);
}
