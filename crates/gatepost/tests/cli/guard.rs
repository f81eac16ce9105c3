//! The guard by hand: what texts mean, what it would say, what is paused, what waits.

use serde_json::json;

use crate::support::Machine;

#[test]
fn each_line_gets_its_verdict_in_order() {
    let lines = concat!(
        "{\"text\": \"STOP\"}\n",
        "{\"id\": 7, \"text\": \"see you at the bus stop\", \"more\": [1]}\n",
        "\n",
        "{\"id\": \"a\", \"text\": \"START\"}\r\n",
        "{\"text\": \"How do I unsubscribe?\"}",
    );
    let ended = Machine::new().run_with_input(&["guard", "classify"], lines.as_bytes()).ok();
    let judged: Vec<&str> = ended.out.lines().collect();
    assert_eq!(
        judged,
        [
            r#"{"label":"opt_out","language":"en","rule":"en.keyword.stop"}"#,
            r#"{"id":7,"label":"neither"}"#,
            r#"{"id":"a","label":"opt_in","language":"en","rule":"en.start.start"}"#,
            r#"{"label":"review","language":"en","rule":"en.unsubscribe"}"#,
        ]
    );
}

#[test]
fn a_line_that_cannot_be_read_costs_the_others_nothing() {
    let lines = b"not json\n{\"text\": 1}\n{\"text\": \"\xff\"}\n{\"text\": \"stop\"}\n";
    let ended = Machine::new().run_with_input(&["guard", "classify"], lines);
    assert_eq!(ended.code, Some(2), "{}", ended.err);
    let judged: Vec<&str> = ended.out.lines().collect();
    assert_eq!(judged.len(), 4, "{judged:?}");
    assert!(judged[..3].iter().all(|line| line.starts_with(r#"{"error":"#)), "{judged:?}");
    assert!(judged[3].contains("opt_out"), "{judged:?}");
}

#[test]
fn a_message_is_explained_and_parts_of_a_workspace_are_paused() {
    let machine = Machine::new();
    let _server = machine.serve();
    let key = machine.set_up();
    let explain = |purpose: &str| {
        let arguments = [
            "guard",
            "explain",
            "--key",
            &key,
            "--to",
            "+12025550123",
            "--purpose",
            purpose,
            "--text",
            "Hello.",
            "--json",
        ];
        machine.run(&arguments)
    };
    let told = explain("support").ok().json();
    assert_eq!((&told["action"], &told["risk_score"]), (&json!("allow"), &json!(0)));
    let refused = explain("political");
    assert_eq!(refused.code, Some(3), "{}", refused.err);
    assert_eq!(refused.json()["code"], "message_purpose_not_allowed");

    let why = "Abuse report 4711: unsolicited offers";
    let set = ["pause", "set", "--purpose", "operational", "--reason", why, "--json"];
    let pause = machine.run(&set).ok().json();
    assert_eq!((&pause["scope"], &pause["paused_by"]), (&json!("purpose"), &json!("operator")));
    assert_eq!(machine.run(&set).code, Some(3), "it is paused already");
    assert_eq!(explain("operational").json()["code"], "sending_paused");
    explain("support").ok();
    machine.run(&["pause", "set", "--reason", why]).ok();
    assert_eq!(explain("support").json()["code"], "sending_paused");
    let listed = machine.run(&["pause", "list"]).ok();
    assert!(
        listed.out.contains("the whole workspace") && listed.out.contains("purpose operational"),
        "{}",
        listed.out
    );
    machine.run(&["pause", "lift"]).ok();
    let again = machine.run(&["pause", "lift"]);
    assert!(again.code == Some(3) && again.err.contains("not paused"), "{}", again.err);
    machine.run(&["pause", "lift", pause["id"].as_str().unwrap()]).ok();
    explain("operational").ok();

    let none = machine.run(&["review", "list"]).ok();
    assert!(none.out.contains("Nothing waits"), "{}", none.out);
    let nobodys = ["review", "approve", "rvw_01kagq5rh8e5htqh9sk95d3x4w", "--reason", "Looked at it again"];
    assert_eq!(machine.run(&nobodys).code, Some(3));
}
