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

/// A running `listen`: what it says on either side, line by line.
struct Listening {
    child: std::process::Child,
    out: mpsc::Receiver<String>,
    err: mpsc::Receiver<String>,
}

impl Listening {
    fn start(machine: &Machine, arguments: &[&str]) -> Self {
        let mut child = machine
            .command(arguments)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let out = lines(child.stdout.take().unwrap());
        let err = lines(child.stderr.take().unwrap());
        Self { child, out, err }
    }

    /// Waits until it says that.
    #[track_caller]
    fn told(&self, words: &str) {
        while !self.err.recv_timeout(PATIENCE).unwrap().contains(words) {}
    }

    /// The next line that is an event, or what became of one.
    #[track_caller]
    fn next(&self) -> Value {
        serde_json::from_str(&self.out.recv_timeout(PATIENCE).unwrap()).unwrap()
    }

    fn end(mut self) -> i32 {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

fn lines(from: impl std::io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (tell, heard) = mpsc::channel();
    std::thread::spawn(move || {
        for line in std::io::BufRead::lines(std::io::BufReader::new(from)).map_while(Result::ok) {
            let _ = tell.send(line);
        }
    });
    heard
}

fn send(http: &Http, url: &str, key: &str) -> String {
    let message = json!({ "to": "+12025550142", "purpose": "support", "text": "x" });
    let answer = http.post(&format!("{url}/v1/messages"), Some(key), &message).unwrap();
    body(&answer)["id"].as_str().unwrap().to_owned()
}

/// A server that stops sends `listen` away at once; it comes back by itself and has missed nothing. A revoked key ends it.
#[test]
fn a_broken_connection_is_made_again_and_nothing_is_missed() {
    let machine = Machine::new();
    let server = machine.serve();
    let key = machine.set_up();
    let http = Http::new();
    let url = server.url().to_owned();
    let address = url.strip_prefix("http://").unwrap().to_owned();
    let arguments = ["listen", "--json", "--types", "message.sent", "--url", &url, "--key", &key];
    let listening = Listening::start(&machine, &arguments);
    listening.told("Listening to");
    let first = send(&http, &url, &key);
    assert_eq!(listening.next()["data"]["message"]["id"], json!(first));

    let started = std::time::Instant::now();
    assert!(server.stop().success());
    assert!(started.elapsed() < std::time::Duration::from_secs(5), "nobody waited for the listener");
    listening.told("the server closed the stream");
    // On the same port; what is sent before the listener is back is told all the same.
    let server = Server::start(&mut machine.command(&["serve", "--listen", &address, "--json"]));
    let sent: Vec<String> = (0..5).map(|_| send(&http, &url, &key)).collect();
    let told: Vec<String> =
        sent.iter().map(|_| listening.next()["data"]["message"]["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(
        told.iter().collect::<std::collections::BTreeSet<_>>(),
        sent.iter().collect::<std::collections::BTreeSet<_>>()
    );
    listening.told("Connected again");

    let keys = machine.run(&["key", "list", "--json"]).ok();
    let id = keys.out.split('"').find(|part| part.starts_with("key_")).unwrap().to_owned();
    machine.run(&["key", "revoke", &id]).ok();
    listening.told("the API key was revoked");
    let mut listening = listening;
    let code = listening.child.wait().unwrap().code();
    assert_eq!(code, Some(3), "a refusal ends it");
    drop(server);
}

/// A receiver that answers badly, or not at all, is told of with its words, and `listen` goes on.
#[test]
fn a_forward_that_fails_is_told_of_and_ends_nothing() {
    let machine = Machine::new();
    let server = machine.serve();
    let key = machine.set_up();
    let http = Http::new();
    let listener = http.runtime().block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let hook = format!("http://{}/hooks", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/hooks", post(async || (StatusCode::UNPROCESSABLE_ENTITY, "no such order\u{1b}[31m")));
    let serving = http.runtime().spawn(async move { axum::serve(listener, router).await });
    let channel = machine.run(&["channel", "list", "--json"]).ok();
    let channel = channel.out.split('"').find(|part| part.starts_with("chn_")).unwrap().to_owned();
    let arguments = ["listen", "--json", "--forward-to", &hook, "--channel", &channel, "--key", &key];
    let listening = Listening::start(&machine, &arguments);
    listening.told("Listening to");
    send(&http, server.url(), &key);
    let event = listening.next();
    let told = listening.next();
    assert_eq!((&told["forwarded"], &told["status"]), (&event["id"], &json!(422)));
    assert_eq!(told["answer"], json!("no such order\u{1b}[31m"));
    assert!(event["channel_id"] == json!(channel));
    serving.abort();
    let gone = loop {
        // Another of the first message's events, or one of the next: until the receiver is gone.
        send(&http, server.url(), &key);
        let told = listening.next();
        if told["error"].is_string() {
            break told;
        }
    };
    assert!(gone["forwarded"].is_string(), "{gone}");
    send(&http, server.url(), &key);
    assert!(listening.next().is_object(), "it goes on");
    assert_eq!(listening.end(), 0);

    let since = machine.run(&["listen", "--since", "1h", "--once", "--json", "--key", &key]).ok();
    assert!(since.out.contains(event["id"].as_str().unwrap()));
    let later =
        machine.run(&["listen", "--since", "2999-01-01T00:00:00Z", "--once", "--json", "--key", &key]).ok();
    assert_eq!(later.out, "");
    assert_eq!(machine.run(&["listen", "--once", "--key", &key]).code, Some(2));
    let unknown = ["listen", "--types", "message.reed", "--key", &key];
    assert_eq!(machine.run(&unknown).code, Some(3), "a refusal at the beginning ends it");
}
