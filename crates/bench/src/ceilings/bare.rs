//! The least that could be called a durable accept: an axum handler that hands a body to a group commit and answers
//! after it. No key, no parsing, no sealing, one row.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use super::{bare_postgres, bare_sqlite};
use crate::error::Result;
use crate::installation::Place;
use crate::load::{Load, Report, What};

/// Bodies that may wait for the writer, and the most in one commit.
pub const QUEUE: usize = 4096;
pub const BATCH: usize = 512;

/// A body that waits to be safe. Dropped unanswered, it is not.
pub struct Waiting {
    pub body: Bytes,
    pub safe: oneshot::Sender<()>,
}

/// The handler.
async fn accept(State(writer): State<mpsc::Sender<Waiting>>, body: Bytes) -> StatusCode {
    let (safe, answer) = oneshot::channel();
    if writer.send(Waiting { body, safe }).await.is_err() || answer.await.is_err() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    StatusCode::ACCEPTED
}

/// Runs one load against a router and ends it.
async fn serve(
    load: &mut Load,
    router: Router,
    connections: usize,
    millis: u64,
    what: What,
) -> Result<Report> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let serving = tokio::spawn(async move {
        // It ends when it is aborted.
        let _ = axum::serve(listener, router).await;
    });
    let report = load.requests(address, connections, millis, what).await;
    serving.abort();
    report
}

/// axum answering a constant.
pub async fn constant(load: &mut Load, connections: usize, millis: u64) -> Result<Report> {
    let router = Router::new().route("/", get(|| async { "ok" }));
    serve(load, router, connections, millis, What::Get { path: "/".to_owned() }).await
}

/// The bare durable accept on one engine.
pub async fn bare_accept(load: &mut Load, place: &Place, connections: usize, millis: u64) -> Result<Report> {
    let (writer, inbox) = mpsc::channel(QUEUE);
    let router = Router::new().route("/", post(accept)).with_state(writer);
    let what = What::Post { path: "/".to_owned() };
    match place {
        Place::Sqlite(directory) => {
            let writing = bare_sqlite::start(directory, inbox)?;
            let report = serve(load, router, connections, millis, what).await;
            writing.end().await?;
            report
        }
        Place::Postgres => {
            let writing = bare_postgres::start(inbox).await?;
            let report = serve(load, router, connections, millis, what).await;
            writing.abort();
            report
        }
    }
}
