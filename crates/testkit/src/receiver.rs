//! A customer's webhook receiver.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;

/// One delivery as it arrived.
#[derive(Debug, Clone)]
pub struct Received {
    pub headers: HeaderMap,
    pub body: Bytes,
    /// What was answered.
    pub status: u16,
}

impl Received {
    /// The event.
    ///
    /// # Panics
    /// When the body is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub fn event_type(&self) -> String {
        self.json()["type"].as_str().unwrap_or_default().to_owned()
    }

    /// Verifies with the reference library, as a careful customer does.
    pub fn verify(&self, secret: &str) -> bool {
        standardwebhooks::Webhook::new(secret).is_ok_and(|w| w.verify(&self.body, &self.headers).is_ok())
    }

    /// The same in the time of a world whose clock was set forward: the reference library knows the real time only, so
    /// its tolerance is checked here, and the signature by it.
    pub fn verify_at(&self, secret: &str, world: &crate::World) -> bool {
        let Ok(hook) = standardwebhooks::Webhook::new(secret) else { return false };
        let header = |name: &str| self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let sent: i64 = header("webhook-timestamp").parse().unwrap_or(0);
        let now = gatepost_core::Clock::now(world.clock.as_ref()).seconds();
        // Signed anew with what the receiver holds, and compared with what came.
        let Ok(expected) = hook.sign(header("webhook-id"), sent, &self.body) else { return false };
        (now - sent).abs() <= 300 && header("webhook-signature").split(' ').any(|s| s == expected)
    }
}

#[derive(Default)]
struct Inbox {
    received: Vec<Received>,
    answers: Vec<StatusCode>,
    /// Where the next answers are not named.
    always: Option<StatusCode>,
    words: String,
    stalled: bool,
}

/// Listens on loopback, keeps what it gets, answers 200 unless told otherwise.
#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    pub port: u16,
    inbox: Arc<Mutex<Inbox>>,
}

impl Receiver {
    /// # Panics
    /// When there is no port to be had.
    pub async fn start() -> Self {
        let inbox = Arc::new(Mutex::new(Inbox::default()));
        let router = Router::new().fallback(take).with_state(Arc::clone(&inbox));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url: format!("http://127.0.0.1:{port}/hook"), port, inbox }
    }

    /// The next answers, first to last; then 200 again.
    pub fn answer_with(&self, statuses: &[u16]) {
        let statuses = statuses.iter().rev().map(|s| StatusCode::from_u16(*s).expect("a status"));
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).answers = statuses.collect();
    }

    /// From now on answers this status where the next answers are not named.
    pub fn answer_always(&self, status: u16) {
        let status = StatusCode::from_u16(status).expect("a status");
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).always = Some(status);
    }

    /// From now on every answer has this body.
    pub fn say(&self, words: &str) {
        words.clone_into(&mut self.inbox.lock().unwrap_or_else(PoisonError::into_inner).words);
    }

    /// From now on takes requests and answers none (they are not counted as received).
    pub fn stall(&self) {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).stalled = true;
    }

    pub fn received(&self) -> Vec<Received> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).received.clone()
    }

    pub fn of_type(&self, event_type: &str) -> Vec<Received> {
        self.received().into_iter().filter(|r| r.event_type() == event_type).collect()
    }
}

async fn take(
    State(inbox): State<Arc<Mutex<Inbox>>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    if inbox.lock().unwrap_or_else(PoisonError::into_inner).stalled {
        return std::future::pending().await;
    }
    let mut inbox = inbox.lock().unwrap_or_else(PoisonError::into_inner);
    let status = inbox.answers.pop().or(inbox.always).unwrap_or(StatusCode::OK);
    inbox.received.push(Received { headers, body, status: status.as_u16() });
    (status, inbox.words.clone())
}
