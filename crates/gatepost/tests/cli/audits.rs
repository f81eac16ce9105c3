//! `gatepost audit`

use crate::support::Machine;

#[test]
fn the_log_is_read_exported_and_checked() {
    let machine = Machine::new();
    machine.set_up();
    let listed = machine.run(&["audit", "list", "--action", "api_key", "--since", "1h"]).ok().out;
    assert!(listed.contains("api_key.created") && listed.contains("Operator"), "{listed}");
    assert!(!listed.contains("channel.created"), "{listed}");
    let none = machine.run(&["audit", "list", "--until", "1h", "--json"]).ok().json();
    assert_eq!(none["data"].as_array().map(Vec::len), Some(0), "{none}");
    let first = machine.run(&["audit", "list", "--limit", "1"]).ok().out;
    assert!(first.contains("Older ones: --until 20"), "{first}");
    let platform = machine.run(&["audit", "list", "--platform"]).ok().out;
    assert!(platform.contains("workspace.created"), "{platform}");

    // Without a server nothing signs checkpoints, but the key of the chain is there.
    let key = machine.run(&["audit", "checkpoints", "--json"]).ok().json()["public_key"].clone();
    let key = key.as_str().unwrap();
    assert!(machine.run(&["audit", "verify"]).ok().out.contains("the platform"));
    let file = machine.home().join("log.jsonl");
    let file = file.to_str().unwrap();
    let written = machine.run(&["audit", "export", "--out", file]).ok().out;
    assert!(written.contains("gatepost audit verify --file"), "{written}");
    let again = machine.run(&["audit", "export", "--out", file]);
    assert_eq!(again.code, Some(1));
    assert!(again.err.contains("never overwrites"), "{again:?}");
    let verify = ["audit", "verify", "--file", file, "--public-key", key, "--json"];
    assert_eq!(machine.run(&verify).ok().json()["ok"], true);

    let text = std::fs::read_to_string(file).unwrap();
    std::fs::write(file, text.replacen("api_key.created", "api_key.revoked", 1)).unwrap();
    let forged = machine.run(&verify);
    assert_eq!(forged.code, Some(3), "{forged:?}");
    let told = forged.out.lines().find(|line| line.contains("first_bad_entry"));
    assert!(told.is_some_and(|line| line.contains(r#""ok":false"#)), "{forged:?}");

    let csv = machine.run(&["audit", "export", "--format", "csv"]).ok().out;
    assert!(csv.starts_with(r#""workspace_id","seq","id","at""#), "{csv}");
    assert!(machine.run(&["audit", "actions"]).ok().out.contains("endpoint.created"));
}

#[test]
fn filters_that_mean_nothing_are_refused() {
    let machine = Machine::new();
    machine.set_up();
    let refused = |arguments: &[&str]| machine.run(&[&["audit"][..], arguments].concat()).code;
    assert_eq!(refused(&["list", "--since", "yesterday"]), Some(2));
    assert_eq!(refused(&["list", "--limit", "101"]), Some(2));
    assert_eq!(refused(&["list", "--action", "nonsense"]), Some(3));
    assert_eq!(refused(&["export", "--format", "xml"]), Some(2));
    assert_eq!(refused(&["list", "--platform", "--workspace", "Test company"]), Some(2));
    assert_eq!(refused(&["verify", "--public-key", "abc"]), Some(2));
}
