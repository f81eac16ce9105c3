//! `gatepost endpoint`, and `gatepost deliveries` as the operator

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::json;

use crate::support::{Http, Machine, eventually};

/// Where the receiver listens, what it answers, and what keeps it alive.
struct Receiver {
    url: String,
    status: Arc<AtomicU16>,
    _http: Http,
}

/// A receiver on this machine, and the operator's exception for it.
fn receiver(machine: &Machine) -> Receiver {
    let http = Http::new();
    let listener = http.runtime().block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    let status = Arc::new(AtomicU16::new(204));
    let answer = Arc::clone(&status);
    let router = Router::new().route(
        "/hooks",
        post(move || {
            let status = StatusCode::from_u16(answer.load(Ordering::SeqCst)).unwrap();
            async move { (status, "what the receiver says") }
        }),
    );
    http.runtime().spawn(async move { axum::serve(listener, router).await });
    let file =
        format!("[egress]\nexceptions = [{{ host = \"127.0.0.1\", port = {port}, scheme = \"http\" }}]\n");
    std::fs::write(machine.home().join("gatepost.toml"), file).unwrap();
    Receiver { url: format!("http://127.0.0.1:{port}/hooks"), status, _http: http }
}

#[test]
fn an_endpoint_is_set_up_changed_and_taken_away() {
    let machine = Machine::new();
    let _server = machine.serve();
    machine.set_up();
    let added = machine.run(&["endpoint", "add", "https://hooks.example.com/in"]).ok();
    assert!(added.out.contains("whsec_") && added.out.contains("gatepost endpoint test whk_"), "{added:?}");
    let settings =
        ["--event", "message.*", "--ordered", "--ed25519", "--metadata", "team=a", "--retry", "5,300"];
    let url = ["endpoint", "add", "https://hooks.example.com/two", "--json", "--header", "X-Team: blue"];
    let made = machine.run(&[&url[..], &settings].concat()).ok().json();
    let id = made["id"].as_str().unwrap();
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));

    let shown = machine.run(&["endpoint", "show", id]).ok().out;
    for words in
        ["https://hooks.example.com/two", "message.*", "ordered", "5,300", "x-team", "team = a", "whpk_"]
    {
        assert!(shown.contains(words), "{words} is missing: {shown}");
    }
    assert!(!shown.contains("blue") && !shown.contains("whsec_"), "{shown}");

    let update = ["endpoint", "update", id, "--parallel", "--no-ed25519", "--all-events", "--no-headers"];
    machine.run(&[&update[..], &["--retry", "default", "--no-metadata"]].concat()).ok();
    let shown = machine.run(&["endpoint", "show", id, "--json"]).ok().json();
    let plain =
        ["order", "ed25519", "events", "header_names", "metadata", "retry_schedule"].map(|n| &shown[n]);
    assert_eq!(plain, [&json!("parallel"), &json!(false), &json!([]), &json!([]), &json!({}), &json!(null)]);
    assert_eq!(shown["url"], "https://hooks.example.com/two", "what is not named stays");

    let off = machine.run(&["endpoint", "disable", id]).ok().out;
    assert!(off.contains(&format!("gatepost endpoint enable {id}")), "{off}");
    let listed = |arguments: &[&str]| machine.run(&[&["endpoint", "list"][..], arguments].concat()).ok().out;
    let disabled = listed(&["--all-workspaces", "--state", "failing,disabled"]);
    assert!(disabled.contains(id) && disabled.contains("Test company"), "{disabled}");
    assert!(!listed(&["--state", "healthy"]).contains(id));
    assert_eq!(listed(&["--state", "failing"]).trim(), "No such endpoint.");
    machine.run(&["endpoint", "enable", id]).ok();
    assert!(listed(&["--state", "healthy"]).contains(id));
    machine.run(&["endpoint", "remove", id]).ok();
    assert_eq!(machine.run(&["endpoint", "show", id]).code, Some(3));
}

#[test]
fn a_secret_is_replaced_with_the_overlap_that_was_asked_for() {
    let machine = Machine::new();
    let _server = machine.serve();
    machine.set_up();
    let made = machine.run(&["endpoint", "add", "https://hooks.example.com/in", "--json"]).ok().json();
    let (id, first) = (made["id"].as_str().unwrap(), &made["secret"]);
    let rotate =
        |more: &[&str]| machine.run(&[&["endpoint", "rotate-secret", id, "--json"][..], more].concat());
    let usual = rotate(&[]).ok().json();
    assert!(usual["previous_secret_until"].is_string() && usual["secret"] != *first, "{usual}");
    let spoken = machine.run(&["endpoint", "rotate-secret", id, "--overlap", "7d"]).ok().out;
    assert!(spoken.contains("the old one signs too until 20"), "{spoken}");
    assert!(rotate(&["--overlap", "0"]).ok().json()["previous_secret_until"].is_null());
    assert_eq!(rotate(&["--overlap", "8d"]).code, Some(3), "a week is the longest");
    assert_eq!(rotate(&["--overlap", "soon"]).code, Some(2));
}

#[test]
fn what_cannot_be_is_refused_with_the_way_on() {
    let machine = Machine::new();
    let server = machine.serve();
    machine.set_up();
    let id = machine.run(&["endpoint", "add", "https://hooks.example.com/", "--json"]).ok().json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let update = |more: &[&str]| machine.run(&[&["endpoint", "update", &id][..], more].concat());
    for (ended, code, words) in [
        (
            machine.run(&["endpoint", "add", "http://127.0.0.1:3000/"]),
            3,
            &["gatepost listen", "[egress]"][..],
        ),
        (
            machine.run(&["endpoint", "add", "https://a.example/", "--event", "message.reed"]),
            3,
            &["message.read"],
        ),
        (machine.run(&["endpoint", "add", "https://a.example/", "--metadata", "ab"]), 2, &["NAME=TEXT"]),
        (update(&[]), 2, &["nothing to change", "endpoint update --help"]),
        (update(&["--header", "Host: a"]), 3, &["host"]),
        (update(&["--retry", "0"]), 3, &["/retry_schedule/0"]),
        (update(&["--ordered", "--parallel"]), 2, &["--parallel"]),
    ] {
        assert_eq!(ended.code, Some(code), "{words:?}: {ended:?}");
        for word in words {
            assert!(ended.err.contains(word), "{word:?} is missing: {}", ended.err);
        }
    }
    assert!(server.stop().success());
    let nobody = machine.run(&["endpoint", "test", &id]);
    assert_eq!(nobody.code, Some(3), "{nobody:?}");
    assert!(
        nobody.err.contains("no server is running") && nobody.err.contains("gatepost serve"),
        "{nobody:?}"
    );
}

/// A test says how it went; what failed is found, explained and sent again by the operator, who needs no key for it.
#[test]
fn a_receiver_is_tested_and_helped_up_again() {
    let machine = Machine::new();
    let receiver = receiver(&machine);
    let _server = machine.serve();
    machine.set_up();
    let id = machine.run(&["endpoint", "add", &receiver.url, "--retry", "86400", "--json"]).ok().json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    machine.run(&["endpoint", "add", "https://hooks.example.com/", "--event", "template.updated"]).ok();

    let good = machine.run(&["endpoint", "test", &id]).ok().out;
    assert!(good.contains("204") && good.contains("It answers."), "{good}");
    let told = machine.run(&["endpoint", "test", &id, "--json"]).ok().json();
    assert_eq!(
        (&told["attempt"]["status"], &told["delivery"]["state"]),
        (&json!(204), &json!("sent")),
        "{told}"
    );
    receiver.status.store(500, Ordering::SeqCst);
    let bad = machine.run(&["endpoint", "test", &id]);
    assert_eq!(bad.code, Some(1), "{bad:?}");
    assert!(bad.out.contains("500") && bad.err.contains("its own log says why"), "{bad:?}");

    let event = machine.run(&["trigger", "message.sent", "--json"]).ok().json();
    let filter = ["--event", event["id"].as_str().unwrap()];
    let list = || machine.run(&[&["deliveries", "--json"][..], &filter].concat()).ok().json();
    eventually("the delivery to fail", || list()["data"][0]["state"] == "failed");
    let delivery = list()["data"][0]["id"].as_str().unwrap().to_owned();
    let table = machine
        .run(&[&["deliveries", "--state", "failed,dead", "--types", "message.*"][..], &filter].concat());
    assert!(table.ok().out.contains(&id), "of several endpoints each line names its own");
    let shown = machine.run(&["deliveries", "show", &delivery]).ok().out;
    assert!(shown.contains("500") && shown.contains("what the receiver says"), "{shown}");

    receiver.status.store(200, Ordering::SeqCst);
    machine.run(&["deliveries", "retry", &delivery]).ok();
    eventually("the delivery to arrive", || list()["data"][0]["state"] == "sent");
    let replay = ["deliveries", "replay", "--endpoint", &id, "--since", "1h", "--only", "all", "--follow"];
    let replayed = machine.run(&replay).ok().out;
    assert!(replayed.contains("Done: "), "{replayed}");
    let unnamed = machine.run(&["deliveries", "replay", "--since", "1h"]);
    assert_eq!(unnamed.code, Some(2), "two could be meant");
    assert!(unnamed.err.contains(&id), "{unnamed:?}");
}
