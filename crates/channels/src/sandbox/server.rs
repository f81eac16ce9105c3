//! The listener, and the first look at a request.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use gatepost_core::Clock;
use gatepost_net::TrustedClient;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::call::{Call, token_of};
use super::config::SandboxConfig;
use super::form::decoded;
use super::handle::SandboxHandle;
use super::line::{Line, Lines};
use super::reply::GraphError;
use super::routes::{self, Verdict};
use super::timer::{self, Schedule};
use super::world::World;

/// Largest request body, bytes.
const BODY_MAX: usize = 1024 * 1024;
/// Largest body that brings a file: the largest document, and the form around it.
const FILE_BODY_MAX: usize = 101 * 1024 * 1024;

/// A simulated Meta; see the module's text.
#[derive(Debug)]
pub struct Sandbox;

/// Why a simulated Meta did not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error("{0} is not a loopback address, and nothing said that it may be another")]
    NotLoopback(SocketAddr),
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
    #[error("app {0} has an empty secret")]
    AppSecretMissing(String),
}

impl Sandbox {
    /// Starts listening. It runs until the handle is dropped or [`SandboxHandle::shutdown`] is called.
    ///
    /// Callbacks go out by `http`, and `clock` gives the timestamps in them.
    pub async fn start(
        config: SandboxConfig,
        http: TrustedClient,
        clock: Arc<dyn Clock>,
    ) -> Result<SandboxHandle, SandboxError> {
        let listen = config.listen;
        if !listen.ip().is_loopback() && !config.allow_non_loopback {
            return Err(SandboxError::NotLoopback(listen));
        }
        let listener = TcpListener::bind(listen).await.map_err(|e| SandboxError::Listen(listen, e))?;
        let addr = listener.local_addr().map_err(|e| SandboxError::Listen(listen, e))?;
        let (apps, numbers) = (config.apps.clone(), config.numbers.clone());
        let (schedule, incoming) = Schedule::new();
        let world = Arc::new(World::new(config, addr, clock, schedule));
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let handle = SandboxHandle::new(addr, Arc::clone(&world), http.clone(), stop.clone(), tasks.clone());
        for app in apps {
            handle.add_app(app)?;
        }
        for number in numbers {
            handle.add_number(number);
        }
        tasks.spawn(timer::run(Arc::clone(&world), incoming, stop.clone()));
        let service =
            router(Gate { world, http, stop: stop.clone() }).into_make_service_with_connect_info::<Line>();
        tasks.spawn(async move {
            let serving =
                axum::serve(Lines(listener), service).with_graceful_shutdown(stop.cancelled_owned());
            if let Err(error) = serving.await {
                tracing::error!(%error, "the simulated Meta stopped listening");
            }
        });
        Ok(handle)
    }
}

/// What every call meets.
#[derive(Clone)]
pub(super) struct Gate {
    pub world: Arc<World>,
    pub http: TrustedClient,
    pub stop: CancellationToken,
}

/// One way in for all paths: Graph's own begin with any object's id, with or without a version, which a router by
/// patterns cannot tell apart; [`super::routes`] does.
fn router(gate: Gate) -> Router {
    Router::new().fallback(serve).with_state(gate)
}

async fn serve(State(gate): State<Gate>, ConnectInfo(line): ConnectInfo<Line>, request: Request) -> Response {
    let world = &gate.world;
    let refuse = |error: GraphError| error.into_response(world.ids.number());
    let (parts, body) = request.into_parts();
    let path = match path_of(parts.uri.path()) {
        Ok(path) => path,
        Err(error) => return refuse(error),
    };
    let token = token_of(&parts.headers);
    let limit = if routes::brings_file(world, &path, token) { FILE_BODY_MAX } else { BODY_MAX };
    let Ok(body) = axum::body::to_bytes(body, limit).await else {
        return refuse(GraphError::parameter("The body is too large."));
    };
    match routes::dispatch(&gate, Call::new(parts, path, body)).await {
        Verdict::Answer(answer) => answer,
        verdict => {
            if matches!(verdict, Verdict::Hang) {
                gate.stop.cancelled().await;
            }
            line.cut();
            StatusCode::NO_CONTENT.into_response()
        }
    }
}

/// The segments behind the version, which may be missing. Any version will do: the contract here is the same in all.
fn path_of(path: &str) -> Result<Vec<String>, GraphError> {
    let mut segments = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| decoded(segment, false))
        .peekable();
    let version = segments.next_if(|first| {
        first.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    });
    if let Some(version) = version {
        let number = version.get(1..).unwrap_or_default();
        let (major, minor) = number.split_once('.').unwrap_or((number, "0"));
        let formed = [major, minor]
            .iter()
            .all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()));
        if !formed {
            return Err(GraphError::bad(2635, "Unknown API version", "Versions have the form v25.0."));
        }
    }
    Ok(segments.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_may_be_any_or_missing() {
        for path in ["/v25.0/501/messages", "/v99.9/501/messages", "/v3/501/messages", "//501/messages/"] {
            assert_eq!(path_of(path), Ok(vec!["501".to_owned(), "messages".to_owned()]), "{path}");
        }
        assert_eq!(path_of("/v25.0/upload%3AMTIz"), Ok(vec!["upload:MTIz".to_owned()]));
        assert_eq!(path_of("/visits"), Ok(vec!["visits".to_owned()]));
        for path in ["/v25.0.1/501", "/v2x/501", "/v1234/501"] {
            assert!(path_of(path).is_err_and(|error| error.code == 2635), "{path}");
        }
    }
}
