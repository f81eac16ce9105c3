//! A simulated Meta, a receiver of its callbacks and a client, over real sockets.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::HashMap;
use std::future::IntoFuture;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use gatepost_core::content::{Body, Content};
use gatepost_core::message::OutboundMessage;
use gatepost_core::{Clock, MessageId, Phone, Purpose, Secret, Timestamp};
use gatepost_net::{Resolver, TlsRoots, TrustedBudgets, TrustedClient};
use gatepost_vault::verify_hub_signature;
use uuid::Uuid;

use crate::cloud::{CloudApp, CloudChannel, CloudClient};
use crate::graph::{Item, Part, split};
use crate::sandbox::{
    CallbackPace, Sandbox, SandboxApp, SandboxConfig, SandboxHandle, SandboxLimits, SandboxNumber,
    SandboxTimings,
};

pub(crate) const APP: &str = "900";
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const VERIFY: &str = "hush & tell";
pub(crate) const NUMBER: &str = "501";
pub(crate) const OTHER_NUMBER: &str = "502";
pub(crate) const WABA: &str = "1001";
pub(crate) const TOKEN: &str = "EAAG-test-token-1";
pub(crate) const OTHER_TOKEN: &str = "EAAG-test-token-2";

/// Starts at a known second and runs on with real time.
pub(crate) struct TestClock(pub Instant);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_793_525_400).plus(self.0.elapsed())
    }
}

#[derive(Default)]
pub(crate) struct Received {
    pub posts: Mutex<Vec<(bool, Bytes)>>,
    /// So many posts are answered with 503 first.
    pub refuse: AtomicUsize,
}

pub(crate) struct Rig {
    pub meta: SandboxHandle,
    pub received: Arc<Received>,
    pub callback_url: String,
    pub http: TrustedClient,
    pub cloud: CloudClient,
}

pub(crate) fn http() -> TrustedClient {
    let names: [(String, Vec<IpAddr>); 0] = [];
    TrustedClient::new(Resolver::fixed(names), TrustedBudgets::default(), TlsRoots::Bundled).unwrap()
}

/// Quick, without limits; tests change what they are about.
pub(crate) fn config() -> SandboxConfig {
    let number = |id: &str, token: &str, last: u32| SandboxNumber {
        phone_number_id: id.to_owned(),
        waba_id: WABA.to_owned(),
        app_id: APP.to_owned(),
        token: Secret::new(token.to_owned()),
        display_phone_number: format!("+1 202-555-019{last}"),
        verified_name: "Gatepost Test".to_owned(),
    };
    SandboxConfig {
        apps: vec![SandboxApp {
            app_id: APP.to_owned(),
            app_secret: Secret::new(SECRET.to_owned()),
            callback_url: None,
            verify_token: VERIFY.to_owned(),
            require_proof: false,
        }],
        numbers: vec![number(NUMBER, TOKEN, 0), number(OTHER_NUMBER, OTHER_TOKEN, 1)],
        timings: SandboxTimings {
            sent: Duration::ZERO,
            delivered: Duration::from_millis(10),
            read: Duration::from_millis(20),
            slow_delivered: Duration::from_secs(30),
            reply: Duration::from_millis(10),
        },
        callbacks: CallbackPace { first_pause: Duration::from_millis(10), ..CallbackPace::default() },
        limits: SandboxLimits::NONE,
        ..SandboxConfig::default()
    }
}

/// A receiver of callbacks, and its address.
pub(crate) async fn hearer() -> (Arc<Received>, String) {
    let received = Arc::new(Received::default());
    let router = Router::new().route("/hook", get(handshake).post(hear)).with_state(Arc::clone(&received));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, router).into_future());
    (received, url)
}

impl Rig {
    pub(crate) async fn start(config: SandboxConfig) -> Self {
        let (received, callback_url) = hearer().await;
        let http = http();
        let clock = Arc::new(TestClock(Instant::now()));
        let meta = Sandbox::start(config, http.clone(), clock).await.unwrap();
        assert!(meta.set_callback(APP, Some(&callback_url), VERIFY));
        let cloud = CloudClient::new(http.clone());
        Self { meta, received, callback_url, http, cloud }
    }

    pub(crate) fn channel(&self) -> CloudChannel {
        CloudChannel {
            base_url: self.meta.base_url(),
            graph_version: "v25.0".to_owned(),
            phone_number_id: NUMBER.to_owned(),
            waba_id: WABA.to_owned(),
            token: Secret::new(TOKEN.to_owned()),
            app: None,
        }
    }

    pub(crate) fn channel_with_app(&self) -> CloudChannel {
        let app = CloudApp { app_id: APP.to_owned(), app_secret: Secret::new(SECRET.to_owned()) };
        CloudChannel { app: Some(app), ..self.channel() }
    }

    /// All items heard so far. Every body must have been signed.
    pub(crate) fn items(&self) -> Vec<Item> {
        let posts = self.received.posts.lock().unwrap();
        posts
            .iter()
            .flat_map(|(signed, body)| {
                assert!(signed, "a callback with a wrong signature");
                split(body).unwrap().iter().flat_map(Part::items).collect::<Vec<_>>()
            })
            .collect()
    }

    /// Waits until what was heard is enough.
    pub(crate) async fn until(&self, enough: impl Fn(&[Item]) -> bool) -> Vec<Item> {
        for _ in 0..2_000 {
            let items = self.items();
            if enough(&items) {
                return items;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("not heard in time: {:?}", self.items());
    }
}

pub(crate) fn text(to: &str, number: u128) -> OutboundMessage {
    OutboundMessage {
        id: MessageId::from_uuid(Uuid::from_u128(number)),
        to: Phone::parse(to).unwrap().into(),
        purpose: Purpose::Transactional,
        content: Content::text(&Body::parse("Grüße 👋".to_owned()).unwrap(), false).unwrap(),
        reply_to: None,
    }
}

/// Statuses of one of our messages, in the order heard.
pub(crate) fn statuses(items: &[Item], id: MessageId) -> Vec<String> {
    items
        .iter()
        .filter_map(|item| match item {
            Item::Status(s) if s.opaque.as_deref() == Some(&id.to_string()) => {
                Some(s.status.as_str().to_owned())
            }
            _ => None,
        })
        .collect()
}

async fn handshake(Query(query): Query<HashMap<String, String>>) -> (StatusCode, String) {
    let get = |name: &str| query.get(name).cloned().unwrap_or_default();
    if get("hub.mode") == "subscribe" && get("hub.verify_token") == VERIFY {
        (StatusCode::OK, get("hub.challenge"))
    } else {
        (StatusCode::FORBIDDEN, String::new())
    }
}

async fn hear(State(received): State<Arc<Received>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let refused =
        received.refuse.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
    if refused {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let signed = headers
        .get("x-hub-signature-256")
        .and_then(|v| v.to_str().ok())
        .is_some_and(|signature| verify_hub_signature(SECRET, &body, signature));
    received.posts.lock().unwrap().push((signed, body));
    StatusCode::OK
}
