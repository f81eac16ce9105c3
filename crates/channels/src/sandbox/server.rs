//! The listener, the routes and who may use them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use gatepost_core::Clock;
use gatepost_net::TrustedClient;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::config::SandboxConfig;
use super::control;
use super::handle::SandboxHandle;
use super::line::{Line, Lines};
use super::messages::{self, Verdict};
use super::objects;
use super::reply::GraphError;
use super::timer::{self, Schedule};
use super::world::{Number, World};

/// Largest request body, bytes.
const BODY_MAX: usize = 1024 * 1024;

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
        let world = Arc::new(World::new(config, clock, schedule));
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let handle = SandboxHandle::new(addr, Arc::clone(&world), http, stop.clone(), tasks.clone());
        for app in apps {
            handle.add_app(app)?;
        }
        for number in numbers {
            handle.add_number(number);
        }
        tasks.spawn(timer::run(Arc::clone(&world), incoming, stop.clone()));
        let service =
            router(Gate { world, stop: stop.clone() }).into_make_service_with_connect_info::<Line>();
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

/// What every handler has.
#[derive(Clone)]
pub(super) struct Gate {
    pub world: Arc<World>,
    pub stop: CancellationToken,
}

fn router(gate: Gate) -> Router {
    Router::new()
        .route("/{version}/{object}", get(object_get))
        .route("/{version}/{object}/messages", post(message_send))
        .route("/{version}/{object}/subscribed_apps", get(subscribed_get).post(subscribed_add))
        .route("/_sandbox/inbound", post(control::inbound))
        .route("/_sandbox/faults", post(control::faults))
        .route("/_sandbox/sends", get(control::sends))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(gate)
}

pub(super) type Parameters = Query<HashMap<String, String>>;

async fn message_send(
    State(gate): State<Gate>,
    ConnectInfo(line): ConnectInfo<Line>,
    Path((version, object)): Path<(String, String)>,
    Query(query): Parameters,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let world = &gate.world;
    let authorised = version_check(&version).and_then(|()| authorise(world, &headers, &query, &object));
    let number = match authorised {
        Ok(number) => number,
        Err(error) => return error.into_response(world.ids.number()),
    };
    let Ok(body) = body else {
        return GraphError::parameter("The body is too large.").into_response(world.ids.number());
    };
    match messages::message_send(world, &number, &body) {
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

async fn object_get(
    State(Gate { world, .. }): State<Gate>,
    Path((version, object)): Path<(String, String)>,
    Query(query): Parameters,
    headers: HeaderMap,
) -> Response {
    let parameter = |name: &str| query.get(name).map(String::as_str);
    let answer = version_check(&version).and_then(|()| {
        if object == "debug_token" {
            objects::token_debug(&world, token(&headers, &query), parameter("input_token"))
        } else {
            let number = authorise(&world, &headers, &query, &object)?;
            objects::number_get(&number, parameter("fields"))
        }
    });
    answer.unwrap_or_else(|error| error.into_response(world.ids.number()))
}

async fn subscribed_get(
    State(Gate { world, .. }): State<Gate>,
    Path((version, waba)): Path<(String, String)>,
    Query(query): Parameters,
    headers: HeaderMap,
) -> Response {
    version_check(&version)
        .and_then(|()| token(&headers, &query).ok_or_else(GraphError::no_token))
        .and_then(|token| objects::subscribed_get(&world, token, &waba))
        .unwrap_or_else(|error| error.into_response(world.ids.number()))
}

async fn subscribed_add(
    State(Gate { world, .. }): State<Gate>,
    Path((version, waba)): Path<(String, String)>,
    Query(query): Parameters,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    version_check(&version)
        .and_then(|()| token(&headers, &query).ok_or_else(GraphError::no_token))
        .and_then(|token| {
            let body = body.map_err(|_| GraphError::parameter("The body is too large."))?;
            objects::subscribed_add(&world, token, &waba, &body)
        })
        .unwrap_or_else(|error| error.into_response(world.ids.number()))
}

async fn unknown(State(Gate { world, .. }): State<Gate>) -> Response {
    GraphError::new(
        StatusCode::BAD_REQUEST,
        2500,
        "Unknown path components",
        "This simulated Meta knows messages, subscribed_apps, debug_token and phone numbers.",
    )
    .into_response(world.ids.number())
}

/// Any `vNN.0` will do: the contract here is the same in all.
fn version_check(version: &str) -> Result<(), GraphError> {
    let major = version.strip_prefix('v').and_then(|v| v.strip_suffix(".0")).unwrap_or_default();
    if (1..=3).contains(&major.len()) && major.bytes().all(|b| b.is_ascii_digit()) {
        Ok(())
    } else {
        Err(GraphError::new(
            StatusCode::BAD_REQUEST,
            2635,
            "Unknown API version",
            "Versions have the form v25.0.",
        ))
    }
}

/// The token of a request: the header, or the parameter `access_token`.
pub(super) fn token<'a>(headers: &'a HeaderMap, query: &'a HashMap<String, String>) -> Option<&'a str> {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .or_else(|| query.get("access_token").map(String::as_str))
}

/// The number, if the token may use it and the proof, where there is or must be one, is right.
fn authorise(
    world: &World,
    headers: &HeaderMap,
    query: &HashMap<String, String>,
    phone_number_id: &str,
) -> Result<Arc<Number>, GraphError> {
    let token = token(headers, query).ok_or_else(GraphError::no_token)?;
    let number = match world.number(phone_number_id) {
        Some(number) if number.has_token(token) => number,
        _ if world.numbers_of(token).is_empty() => return Err(GraphError::token()),
        _ => return Err(GraphError::object(phone_number_id)),
    };
    let proof = query.get("appsecret_proof");
    match world.app(&number.app_id) {
        Some(app) if proof.is_some_and(|proof| *proof != app.signer.proof(token)) => {
            Err(GraphError::parameter("Invalid appsecret_proof provided in the API argument"))
        }
        Some(app) if app.require_proof && proof.is_none() => {
            Err(GraphError::parameter("API calls from the server require an appsecret_proof argument"))
        }
        _ => Ok(number),
    }
}
