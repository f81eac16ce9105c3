//! `gatepost listen`

use std::sync::mpsc;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::support::{Http, Machine, Server, json as body};

#[test]
fn events_are_printed_and_forwarded_with_good_signatures() {
    let machine = Machine::new();
    let server = machine.serve();
    let key = machine.set_up();
    let http = Http::new();
    let messages = format!("{}/v1/messages", server.url());
    let send = |to: &str| {
        let message = json!({ "to": to, "purpose": "support", "text": "x" });
        let answer = http.post(&messages, Some(&key), &message).unwrap();
        body(&answer)["id"].as_str().unwrap().to_owned()
    };
    let before = send("+12025550140");
    crate::support::eventually("the first message", || {
        let answer = http.get(&format!("{messages}/{before}"), Some(&key)).unwrap();
        body(&answer)["state"] == "read"
    });

    let (tell, heard) = mpsc::channel();
    let listener = http.runtime().block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}/hooks", listener.local_addr().unwrap());
    let router = Router::new().route(
        "/hooks",
        post(move |headers: HeaderMap, body: Bytes| {
            tell.send((headers, body)).unwrap();
            async { StatusCode::NO_CONTENT }
        }),
    );
    http.runtime().spawn(async move { axum::serve(listener, router).await });

    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let mut command = machine.command(&["listen", "--json", "--forward-to", &url, "--secret", secret]);
    command.env("GATEPOST_API_KEY", &key);
    // It begins with what happens next, so things must happen until it says something.
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (more, client) = (std::sync::Arc::clone(&stop), http.client());
    let (url, bearer) = (messages.clone(), key.clone());
    http.runtime().spawn(async move {
        while !more.load(std::sync::atomic::Ordering::SeqCst) {
            let message = json!({ "to": "+12025550141", "purpose": "support", "text": "x" });
            let _ = crate::support::send(
                &client,
                gatepost_net::Method::Post,
                &url,
                Some(&bearer),
                Some(&message),
            )
            .await;
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    });
    let listening = Server::start(&mut command);
    stop.store(true, std::sync::atomic::Ordering::SeqCst);
    let event = &listening.started;
    assert!(event["type"].as_str().unwrap().starts_with("message."), "{event}");
    assert_ne!(event["data"]["message"]["id"], json!(before), "what was there before is not told");

    let (headers, body) = heard.recv_timeout(std::time::Duration::from_secs(10)).unwrap();
    Webhook::new(secret).unwrap().verify(&body, &headers).unwrap();
    let posted: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(&posted, event);
    assert_eq!(headers["x-gatepost-event"], event["type"].as_str().unwrap());
    assert!(headers["x-gatepost-signature"].to_str().unwrap().starts_with("sha256="));
    assert!(listening.stop().success());

    let all = machine.run(&["listen", "--from-start", "--once", "--json", "--key", &key]).ok();
    assert!(all.out.contains(&before), "from the start means everything");
    let refused = machine.run(&["listen", "--once", "--from-start", "--key", "gp_test_wrong"]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
}
