//! Help, documents, and the everyday commands with and without a server.

use serde_json::{Value, json};

use crate::support::{Http, Machine, json as body};

#[test]
fn help_leads_on() {
    let machine = Machine::new();
    let help = machine.run(&["--help"]).ok().out;
    for command in [
        "serve",
        "demo",
        "sandbox",
        "workspace",
        "channel",
        "template",
        "endpoint",
        "deliveries",
        "events",
        "key",
        "send",
        "listen",
        "vault",
        "migrate",
        "doctor",
        "openapi",
        "permissions",
        "url",
    ] {
        assert!(
            help.lines()
                .any(|line| line.trim_start().starts_with(&format!("{command} ")) || line.trim() == command),
            "{command} is missing:\n{help}"
        );
        assert!(!machine.run(&[command, "--help"]).ok().out.is_empty());
    }
    for words in ["Exit codes:", "First steps:", "gatepost demo", "not affiliated with"] {
        assert!(help.contains(words), "{words} is missing:\n{help}");
    }
}

#[test]
fn documents_are_those_of_the_program() {
    let machine = Machine::new();
    let document: Value = serde_json::from_str(&machine.run(&["openapi"]).ok().out).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    assert!(machine.run(&["permissions"]).ok().out.contains("POST   /v1/messages"));
    assert!(machine.run(&["configuration"]).ok().out.contains("### `server.listen`"));
    assert!(!machine.data().exists(), "documents need no data");
}

#[test]
fn one_and_the_same_with_and_without_a_server() {
    let machine = Machine::new();
    assert_eq!(machine.run(&["channel", "list"]).code, Some(3), "there is no workspace");
    let offline = machine.run(&["workspace", "create", "First", "--json"]).ok().json();
    let server = machine.serve();
    let online = machine.run(&["workspace", "create", "Second", "--json"]).ok().json();
    let shape = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(shape(&offline), shape(&online));

    let both = machine.run(&["channel", "list"]);
    assert_eq!(both.code, Some(2), "two could be meant: {both:?}");
    let id = offline["id"].as_str().unwrap();
    for workspace in ["First", id] {
        machine.run(&["channel", "add", "test", "--workspace", workspace]).ok();
    }
    assert_eq!(machine.run(&["channel", "list", "--workspace", "Third"]).code, Some(3));
    let listed = |name: &str| {
        let answer = machine.run(&["channel", "list", "--workspace", name, "--json"]).ok().json();
        answer["data"].as_array().unwrap().len()
    };
    assert_eq!((listed("First"), listed("Second")), (2, 0));
    assert!(server.stop().success());
    assert_eq!((listed("First"), listed("Second")), (2, 0));
}

#[test]
fn failures_are_json_too() {
    let machine = Machine::new();
    let ended = machine.run(&["channel", "list", "--json"]);
    let error: Value = serde_json::from_str(ended.err.lines().last().unwrap()).unwrap();
    assert_eq!(error["error"]["exit"], 3, "{error}");
    assert!(error["error"]["hint"].as_str().unwrap().contains("workspace create"), "{error}");
}

#[test]
fn channels_and_endpoints_come_and_go() {
    let machine = Machine::new();
    let server = machine.serve();
    machine.set_up();
    let channel = machine.run(&["channel", "add", "test", "--name", "Second", "--json"]).ok().json();
    let id = channel["id"].as_str().unwrap();
    assert_eq!(machine.run(&["channel", "show", id, "--json"]).ok().json()["name"], "Second");
    machine.run(&["channel", "remove", id]).ok();
    assert_eq!(machine.run(&["channel", "show", id]).code, Some(3));

    let local = machine.run(&["endpoint", "add", "http://localhost:3000/hooks"]);
    assert_eq!(local.code, Some(3), "{local:?}");
    assert!(local.err.contains("gatepost listen") && local.err.contains("egress"), "{local:?}");
    let made =
        machine.run(&["endpoint", "add", "https://hooks.example.com/x", "--event", "message.*", "--json"]);
    let made = made.ok().json();
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_") && made["mode"] == "test", "{made}");
    let id = made["id"].as_str().unwrap();
    let rotated = machine.run(&["endpoint", "rotate-secret", id, "--json"]).ok().json();
    assert_ne!(rotated["secret"], made["secret"]);
    assert_eq!(machine.run(&["endpoint", "list", "--json"]).ok().json()["data"][0]["id"], made["id"]);
    machine.run(&["endpoint", "remove", id]).ok();
    assert_eq!(machine.run(&["endpoint", "list", "--json"]).ok().json()["data"], json!([]));
    assert!(server.stop().success());
}

#[test]
fn a_message_is_sent_and_followed() {
    let machine = Machine::new();
    let _server = machine.serve();
    let key = machine.set_up();
    let send = |to: &str, more: &[&str]| {
        let mut arguments = vec!["send", "--to", to, "--purpose", "transactional", "--json"];
        arguments.extend(more);
        let mut command = machine.command(&arguments);
        crate::support::run(command.env("GATEPOST_API_KEY", &key))
    };
    let text = send("+12025550123", &["--text", "Hello", "--wait"]).ok().json();
    assert!(matches!(text["state"].as_str().unwrap(), "delivered" | "read"), "{text}");
    let template = send("+12025550123", &["--template", "order_ready", "--language", "en_US"]).ok().json();
    assert_eq!(template["type"], "template");
    let file = machine.home().join("message.json");
    let sticker = json!({"to": "+12025550123", "purpose": "support", "sticker": {"id": "17"}});
    std::fs::write(&file, sticker.to_string()).unwrap();
    let file = file.to_str().unwrap();
    let sticker = send("+12025550124", &["--message", file]).ok().json();
    assert_eq!((&sticker["type"], &sticker["contact"]["phone"]), (&json!("sticker"), &json!("+12025550124")));
    assert_eq!((&sticker["content"], &sticker["purpose"]), (&json!({"id": "17"}), &json!("transactional")));
    let alone = machine.run_with_input(
        &["send", "--message", "-", "--json", "--key", &key],
        br#"{"to":"+12025550125","purpose":"support","location":{"latitude":1,"longitude":2}}"#,
    );
    assert_eq!(alone.ok().json()["type"], "location");
    for (input, words) in [(&b"[]"[..], "no JSON object"), (b"{", "not JSON")] {
        let ended = machine.run_with_input(&["send", "--message", "-", "--key", &key], input);
        assert!(ended.code == Some(2) && ended.err.contains(words), "{ended:?}");
    }
    let again = || send("+12025550123", &["--text", "Once", "--idempotency-key", "order-1"]).ok().json();
    assert_eq!(again()["id"], again()["id"]);
    let failed = send("+12025550102", &["--text", "Hello", "--wait"]);
    assert_eq!((failed.code, failed.json()["state"].as_str()), (Some(3), Some("failed")), "{failed:?}");
    assert_eq!(send("nobody", &["--text", "Hello"]).code, Some(3));
    let without = machine.run(&["send", "--to", "+12025550123", "--purpose", "support", "--text", "x"]);
    assert_eq!(without.code, Some(2));
    assert!(without.err.contains("gatepost key create"), "{without:?}");
}

#[test]
fn the_doctor_finds_what_is_wrong_and_says_what_to_do() {
    use std::os::unix::fs::PermissionsExt as _;
    let machine = Machine::new();
    assert_eq!(machine.run(&["doctor"]).code, Some(0), "a fresh machine is well");
    machine.run(&["workspace", "create", "First"]).ok();
    let file = machine.data().join("master.key");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let ended = machine.run(&["doctor", "--json"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let lines: Vec<Value> = ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let key = lines.iter().find(|line| line["check"] == "master key").unwrap();
    assert!(lines.iter().all(|line| line["check"] != "vault"), "{lines:?}");
    assert!(key["state"] == "bad" && key["says"].as_str().unwrap().contains("chmod 600"), "{key}");

    let other = Machine::new();
    other.run(&["workspace", "create", "Other"]).ok();
    std::fs::remove_file(&file).unwrap();
    std::fs::copy(other.data().join("master.key"), &file).unwrap();
    let wrong = machine.run(&["doctor"]);
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    assert!(wrong.out.contains("not the master key of this store"), "{wrong:?}");
    assert!(other.run(&["doctor"]).ok().out.contains("the master key opens the store"));
}

#[test]
fn sqlite_is_up_to_date_without_asking() {
    let machine = Machine::new();
    assert_eq!(machine.run(&["migrate", "--status"]).code, Some(1), "a new database lacks everything");
    machine.run(&["migrate"]).ok();
    machine.run(&["migrate", "--status"]).ok();
}

#[test]
fn the_welcome_and_the_metrics_answer() {
    let machine = Machine::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut command = machine.command(&["serve", "--listen", "127.0.0.1:0", "--json"]);
    let server = crate::support::Server::start(command.env("GATEPOST_METRICS_LISTEN", &free));
    let http = Http::new();
    let welcome = http.get(server.url(), None).unwrap();
    assert!(String::from_utf8_lossy(&welcome.body).contains("gatepost workspace create"));
    assert_eq!(http.get(&format!("{}/readyz", server.url()), None).unwrap().status, 200);
    let metrics = http.get(server.started["metrics_url"].as_str().unwrap(), None).unwrap();
    let text = String::from_utf8_lossy(&metrics.body).into_owned();
    assert!(
        text.contains("gatepost_http_requests_total{")
            && text.contains("gatepost_store_commit_seconds_bucket{")
    );
    let elsewhere = http.get(&format!("{}/metrics", server.url()), None).unwrap();
    assert_eq!((elsewhere.status, body(&elsewhere)["code"].as_str()), (404, Some("not_found")));
    let operator = http.get(&format!("{}/operator/v1/workspaces", server.url()), None).unwrap();
    assert_eq!(operator.status, 404, "the operator's routes answer on the socket alone");
}
