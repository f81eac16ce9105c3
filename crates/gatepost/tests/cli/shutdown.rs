//! Stopping a server loses nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gatepost_net::Method;
use serde_json::json;

use crate::support::{Http, Machine, eventually, json as body, send};

/// Senders at once.
const SENDERS: usize = 8;

#[test]
fn what_was_accepted_is_sent_though_the_server_was_told_to_stop() {
    let machine = Machine::new();
    let server = machine.serve();
    let key = machine.set_up();
    let http = Http::new();
    let url = format!("{}/v1/messages", server.url());
    let stopping = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let (client, url, key, stopping) =
                (http.client(), url.clone(), key.clone(), Arc::clone(&stopping));
            http.runtime().spawn(async move {
                let mut accepted = Vec::new();
                for number in 0.. {
                    let to = format!("+1202555{:04}", 1000 + sender * 500 + number % 500);
                    let message = json!({ "to": to, "purpose": "support", "text": "x" });
                    match send(&client, Method::Post, &url, Some(&key), Some(&message)).await {
                        Some(answer) if answer.status == 202 => {
                            accepted.push(body(&answer)["id"].as_str().unwrap().to_owned());
                        }
                        Some(answer) => assert!(answer.status >= 500, "{}", body(&answer)),
                        None if stopping.load(Ordering::SeqCst) => break,
                        None => panic!("no answer, and the server was not told to stop"),
                    }
                }
                accepted
            })
        })
        .collect();
    std::thread::sleep(std::time::Duration::from_millis(700));
    stopping.store(true, Ordering::SeqCst);
    assert!(server.stop().success(), "stopping is no failure");
    let accepted: Vec<String> =
        senders.into_iter().flat_map(|sender| http.runtime().block_on(sender).unwrap()).collect();
    assert!(accepted.len() > SENDERS, "there was load: {}", accepted.len());
    for left in ["operator.sock", "address"] {
        assert!(!machine.data().join(left).exists(), "{left} is left behind");
    }

    let server = machine.serve();
    let state = |id: &str| {
        let answer = http.get(&format!("{}/v1/messages/{id}", server.url()), Some(&key)).unwrap();
        assert_eq!(answer.status, 200, "{id} was accepted and is gone");
        body(&answer)["state"].as_str().unwrap().to_owned()
    };
    for id in &accepted {
        eventually("sending what was accepted", || !matches!(state(id).as_str(), "queued"));
        assert_ne!(state(id), "failed");
    }
    assert!(server.stop().success());
}

#[test]
fn a_killed_server_leaves_nothing_in_the_way() {
    let machine = Machine::new();
    let server = machine.serve();
    machine.set_up();
    server.signal(rustix::process::Signal::KILL);
    drop(server);
    assert!(machine.data().join("operator.sock").exists(), "it had no time to tidy up");
    // The command line is not fooled by the socket, and the next server takes it over.
    machine.run(&["workspace", "list"]).ok();
    let server = machine.serve();
    machine.run(&["workspace", "list"]).ok();
    assert!(server.stop().success());
}
