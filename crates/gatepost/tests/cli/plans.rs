//! Plans and subscriptions on the command line, beside a running server.

use serde_json::json;

use crate::support::{Http, Machine, json as body};

#[test]
fn plans_and_subscriptions_are_the_operators() {
    let machine = Machine::new();
    let file = machine.home().join("growth.json");
    let plan = json!({"limits": {"workspace_day": 5}, "features": ["media"], "grace_days": 3});
    std::fs::write(&file, plan.to_string()).unwrap();
    let file = file.to_str().unwrap().to_owned();
    // Before a server runs, too.
    machine.run(&["plan", "set", "early", "--file", &file]).ok();
    let server = machine.serve();
    let http = Http::new();
    let key = machine.set_up();
    let asked = |path: &str| {
        let answer = http.get(&format!("{}{path}", server.url()), Some(&key)).unwrap();
        (answer.status, body(&answer)["code"].as_str().unwrap_or_default().to_owned())
    };
    let made = machine.run(&["plan", "set", "growth", "--file", &file, "--json"]).ok().json();
    assert_eq!((&made["limits"]["workspace_day"], &made["workspaces"]), (&json!(5), &json!(0)));
    let listed = machine.run(&["plan", "list"]).ok().out;
    assert!(listed.contains("growth") && listed.contains("early") && listed.contains("media"), "{listed}");
    assert!(machine.run(&["plan", "show", "growth"]).ok().out.contains("messages a day: 5"));

    assert_eq!(asked("/v1/messages").0, 200);
    machine.run(&["workspace", "plan", "growth"]).ok();
    let usage = http.get(&format!("{}/v1/usage", server.url()), Some(&key)).unwrap();
    assert_eq!(body(&usage)["plan"], "growth");
    assert_eq!(body(&usage)["workspace"]["day"]["limit"], 5);
    let refused = machine.run(&["plan", "delete", "growth"]);
    assert!(refused.code != Some(0) && refused.err.contains("a workspace has this plan"), "{}", refused.err);
    machine.run(&["plan", "delete", "early"]).ok();

    let workspaces = machine.run(&["workspace", "list", "--json"]).ok().json();
    let id = workspaces["data"][0]["id"].as_str().unwrap().to_owned();
    let said = machine.run(&["workspace", "subscription", &id, "suspended"]).ok().out;
    assert!(said.contains("subscription suspended"), "{said}");
    assert_eq!(asked("/v1/messages"), (402, "subscription_suspended".to_owned()));
    assert_eq!(asked("/v1/usage").0, 200);
    machine.run(&["workspace", "subscription", &id, "trialing", "--until", "2099-01-01T00:00:00Z"]).ok();
    assert_eq!(asked("/v1/messages").0, 200);
    let wrong = machine.run(&["workspace", "subscription", &id, "golden"]);
    assert!(wrong.err.contains("expected trialing"), "{}", wrong.err);
    assert_eq!(machine.run(&["plan", "set", "Growth!", "--file", &file]).code, Some(2), "no name of a plan");
    let missing = machine.run(&["plan", "set", "growth", "--file", "/nowhere/at/all"]);
    assert!(missing.err.contains("/nowhere/at/all"), "{}", missing.err);
}

/// Without its plan an installation with a default one would have no limits at all.
#[test]
fn a_server_does_not_start_without_its_default_plan() {
    let machine = Machine::new();
    let file = machine.home().join("gatepost.toml");
    std::fs::write(&file, "[guard]\ndefault_plan = \"free\"\n").unwrap();
    let file = file.to_str().unwrap().to_owned();
    let refused = machine.run(&["serve", "--config", &file]);
    assert!(refused.code != Some(0) && refused.err.contains("there is no plan free"), "{}", refused.err);
    assert!(refused.err.contains("gatepost plan set free"), "{}", refused.err);
    machine.run_with_input(&["plan", "set", "free", "--file", "-", "--config", &file], b"{}").ok();
    let server = crate::support::Server::start(&mut machine.command(&["serve", "--json", "--config", &file]));
    server.stop();
}
