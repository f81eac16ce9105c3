//! `gatepost demo`: the first thing that anybody sees.

use serde_json::{Value, json};

use crate::support::{Ended, Http, Machine, Server, run};

fn demo(machine: &Machine) -> std::process::Command {
    let mut command = machine.command(&["demo", "--once", "--json"]);
    command.env("TMPDIR", machine.home());
    command
}

#[track_caller]
fn check(ended: &Ended) {
    let last = ended.json();
    let counts = |name: &str| last[name].as_u64().unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(last["ok"], true, "{last}");
    assert_eq!(counts("kinds"), 11, "every kind goes out: {last}");
    assert!(counts("replies") >= 15 && counts("reply_kinds") >= 11, "{last}");
    // A number that is not on WhatsApp fails, and of a reaction Meta tells no more than that it was sent.
    assert_eq!((counts("failed"), counts("delivered")), (1, counts("messages") - 2), "{last}");
    assert_eq!(counts("read"), counts("delivered"), "{last}");
    assert!(counts("webhooks") >= 3 * counts("read") + counts("failed") + counts("replies"), "{last}");
    assert_eq!(counts("signatures_verified"), counts("webhooks"), "{last}");
}

#[test]
fn the_last_line_counts_everything_and_nothing_is_left_behind() {
    let machine = Machine::new();
    let ended = run(&mut demo(&machine));
    check(&ended);
    let line = ended.out.lines().last().unwrap();
    let names: Vec<&str> =
        line.trim_matches(['{', '}']).split(',').map(|field| field.split('"').nth(1).unwrap()).collect();
    assert_eq!(
        names,
        [
            "ok",
            "messages",
            "kinds",
            "delivered",
            "read",
            "failed",
            "replies",
            "reply_kinds",
            "webhooks",
            "signatures_verified",
            "seconds"
        ]
    );
    // What is counted is what was told, line by line.
    let lines: Vec<Value> = ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told = |event: &str| lines.iter().filter(|line| line["event"] == event).count() as u64;
    assert_eq!(told("webhook"), ended.json()["webhooks"].as_u64().unwrap());
    assert_eq!(told("accepted"), ended.json()["messages"].as_u64().unwrap());
    let left: Vec<_> = std::fs::read_dir(machine.home()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn it_needs_no_configuration_and_minds_none() {
    let machine = Machine::new();
    std::fs::write(machine.home().join("gatepost.toml"), "nonsense = 1").unwrap();
    let mut first = demo(&machine);
    first.env("GATEPOST_MASTER_KEY", "changeme").env("GATEPOST_DATABASE_URL", "postgresql://nowhere/x");
    // Two at once: neither has a port or a directory that the other wants.
    let second = std::thread::spawn(|| run(&mut demo(&Machine::new())));
    check(&run(&mut first));
    check(&second.join().unwrap());
}

#[test]
fn a_person_is_told_what_happens_and_what_comes_next() {
    let machine = Machine::new();
    let mut command = machine.command(&["demo", "--once"]);
    let said = run(command.env("TMPDIR", machine.home())).ok().out;
    for words in
        ["delivered", "read", "←", "→", "gatepost serve", "gatepost channel add cloud", "signatures verified"]
    {
        assert!(said.contains(words), "{words} is missing:\n{said}");
    }
    assert!(!said.contains('\x1b'), "no colours without a terminal");
    assert!(!said.contains("+12025550111"), "numbers are masked");
}

#[test]
fn it_stays_up_until_it_is_told_to_go_and_takes_its_data_along() {
    let machine = Machine::new();
    let mut command = machine.command(&["demo", "--json"]);
    let mut demo = Server::start(command.env("TMPDIR", machine.home()));
    let mut ready = Value::Null;
    loop {
        let line = demo.next_line();
        if line["event"] == "ready" {
            ready = line;
        } else if line["ok"] == true {
            break;
        }
    }
    let http = Http::new();
    let message = json!({ "to": "+12025550123", "purpose": "support", "text": "x" });
    let url = format!("{}/v1/messages", ready["url"].as_str().unwrap());
    assert_eq!(http.post(&url, ready["key"].as_str(), &message).unwrap().status, 202, "{ready}");
    let data = std::path::PathBuf::from(ready["data_dir"].as_str().unwrap());
    assert!(data.join("gatepost.db").exists(), "{ready}");
    demo.signal(rustix::process::Signal::INT);
    assert!(demo.wait().success());
    assert!(!data.exists(), "its data is still there");
}
