//! The demo's webhook receiver: a customer's server that shares no code with the sender. It believes nothing that the
//! `standardwebhooks` crate does not verify.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::failure::{Failure, Result};

/// One POST that came in.
pub struct Heard {
    /// The event; `None` where the signature is not verified or the body no JSON.
    pub event: Option<Value>,
    pub verified: bool,
}

/// A receiver on a free port of loopback.
pub struct Receiver {
    pub address: SocketAddr,
    pub heard: mpsc::UnboundedReceiver<Heard>,
    state: Door,
}

#[derive(Clone)]
struct Door {
    secret: Arc<OnceLock<Webhook>>,
    tell: mpsc::UnboundedSender<Heard>,
}

impl Receiver {
    pub async fn start() -> Result<Self> {
        let listener =
            TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.map_err(Failure::failed)?;
        let address = listener.local_addr().map_err(Failure::failed)?;
        let (tell, heard) = mpsc::unbounded_channel();
        let state = Door { secret: Arc::default(), tell };
        let router = Router::new().route("/hooks", post(receive)).with_state(state.clone());
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the demo's receiver stopped");
            }
        });
        Ok(Self { address, heard, state })
    }

    pub fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    /// The signing secret that the gateway showed when the endpoint was added.
    pub fn set_secret(&self, secret: &str) -> Result<()> {
        let verifier = Webhook::new(secret)
            .map_err(|_| Failure::failed("the standardwebhooks crate does not take the endpoint's secret"))?;
        self.state.secret.set(verifier).map_err(|_| Failure::failed("the receiver has a secret already"))
    }
}

async fn receive(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let verified = door.secret.get().is_some_and(|verifier| verifier.verify(&body, &headers).is_ok());
    let event = if verified { serde_json::from_slice(&body).ok() } else { None };
    // Nobody listens any more once the demo has ended.
    let _ = door.tell.send(Heard { event, verified });
    if verified { StatusCode::NO_CONTENT } else { StatusCode::UNAUTHORIZED }
}
