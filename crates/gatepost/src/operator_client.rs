//! The operator's requests: through the socket of the server that owns the data directory, and where none runs, to the
//! same router in this process. Above this seam commands know no difference.
//!
//! Threat note. Defends against: a command line that works beside a running server on its files (a revocation would
//! not bind the server's caches): the directory's lock decides which way is taken.

use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use gatepost_channels::sandbox::SandboxConfig;
use gatepost_http::{SocketPeer, operator_router};
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;
use tower::ServiceExt as _;

use crate::answer;
use crate::config::Settings;
use crate::failure::{Failure, Result};
use crate::installation::data_dir::{DataDir, Places, in_use};
use crate::installation::{Installation, Running, Surroundings, start_sandbox};
use crate::output::Output;
use crate::server::operator_settings;

/// How long to wait for a server that is just starting or stopping.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The way to the operator's routes.
pub enum Operator {
    Socket(PathBuf),
    InProcess { router: Router, running: Box<Running> },
}

impl Operator {
    /// Finds the way for an installation.
    pub async fn connect(settings: Settings, output: Output) -> Result<Self> {
        let path = settings.data_dir.clone();
        let socket = Places::new(&path).socket();
        for _ in 0..PATIENCE.as_millis() / LOOK_EVERY.as_millis() {
            if UnixStream::connect(&socket).await.is_ok() {
                return Ok(Self::Socket(socket));
            }
            if let Some(dir) = DataDir::try_own(&path)? {
                return Self::in_process(dir, settings, output).await;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Err(in_use(&path))
    }

    async fn in_process(dir: DataDir, settings: Settings, output: Output) -> Result<Self> {
        let installation = Installation::open(dir, settings).await?;
        installation.tell_of_new_key(output);
        // Test channels need a simulated Meta to be made; nothing is sent here, so nobody needs to call back.
        let sandbox = start_sandbox(SandboxConfig::default(), installation.trusted()).await?;
        let running = installation.start(Surroundings::default()).await?;
        running.app.sandbox_attach(sandbox, "http://127.0.0.1:9").await?;
        let router = operator_router(running.app.clone(), operator_settings(&running));
        Ok(Self::InProcess { router, running: Box::new(running) })
    }

    /// Whether a server runs.
    pub const fn is_server(&self) -> bool {
        matches!(self, Self::Socket(_))
    }

    /// Asks, and reads the answer.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let bytes = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let mut request = Request::builder().method(method).uri(path).header("host", "operator");
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let (status, body) = match self {
            Self::Socket(socket) => {
                let request = request.body(Full::new(bytes)).map_err(Failure::failed)?;
                over_socket(socket, request).await?
            }
            Self::InProcess { router, .. } => {
                let mut request = request.body(Body::from(bytes)).map_err(Failure::failed)?;
                let uid = Some(rustix::process::getuid().as_raw());
                request.extensions_mut().insert(ConnectInfo(SocketPeer { uid }));
                let response = match router.clone().oneshot(request).await {
                    Ok(response) => response,
                    Err(never) => match never {},
                };
                let status = response.status().as_u16();
                let body = response.into_body().collect().await.map_err(Failure::failed)?;
                (status, body.to_bytes())
            }
        };
        answer::read(status, &body)
    }

    pub async fn get(&self, path: &str) -> Result<Value> {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::POST, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::PUT, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Result<Value> {
        self.call(Method::DELETE, path, None).await
    }

    /// Every entry of a list, page after page.
    pub async fn list(&self, path: &str) -> Result<Vec<Value>> {
        self.list_where(path, "").await
    }

    /// Every entry of a list that fits `query`, further parameters in their written form.
    pub async fn list_where(&self, path: &str, query: &str) -> Result<Vec<Value>> {
        let more = if query.is_empty() { String::new() } else { format!("&{query}") };
        let mut entries = Vec::new();
        let mut after = String::new();
        loop {
            let mut page = self.get(&format!("{path}?limit=100{more}{after}")).await?;
            if let Some(data) = page["data"].as_array_mut() {
                entries.append(data);
            }
            match page["next_cursor"].as_str() {
                Some(cursor) => after = format!("&after={cursor}"),
                None => return Ok(entries),
            }
        }
    }

    /// Every workspace of the installation.
    pub async fn workspaces(&self) -> Result<Vec<Workspace>> {
        let known = self.get("/operator/v1/workspaces").await?;
        let known = known["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(known.iter().map(Workspace::read).collect())
    }

    /// The workspace that is meant: by id, by name, or the only one there is.
    pub async fn workspace(&self, wanted: Option<&str>) -> Result<Workspace> {
        let known = self.get("/operator/v1/workspaces").await?;
        let known = known["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        let found: Vec<&Value> = match wanted {
            Some(wanted) => known.iter().filter(|w| w["id"] == wanted || w["name"] == wanted).collect(),
            None => known.iter().collect(),
        };
        match (found.as_slice(), wanted) {
            ([one], _) => Ok(Workspace::read(one)),
            ([], None) => Err(Failure::refused("there is no workspace yet")
                .hint("make one: gatepost workspace create \"My company\"")),
            ([], Some(wanted)) => Err(Failure::refused(format!("there is no workspace {wanted:?}"))
                .hint("see which there are: gatepost workspace list")),
            (many, _) => Err(Failure::new(
                crate::failure::Exit::Usage,
                format!("{} workspaces could be meant", many.len()),
            )
            .hint("say which: --workspace ws_… (gatepost workspace list shows the ids)")),
        }
    }

    /// Passes a file on as it comes. Errors: also where it ends early.
    pub async fn download(&self, path: &str, out: &mut dyn std::io::Write) -> Result<()> {
        let request = Request::builder().uri(path).header("host", "operator");
        match self {
            Self::Socket(socket) => {
                let request = request.body(Full::new(Bytes::new())).map_err(Failure::failed)?;
                let (response, driver) = send(socket, request).await?;
                let passed = pass_on(response, out).await;
                driver.abort();
                passed
            }
            Self::InProcess { router, .. } => {
                let mut request = request.body(Body::empty()).map_err(Failure::failed)?;
                let uid = Some(rustix::process::getuid().as_raw());
                request.extensions_mut().insert(ConnectInfo(SocketPeer { uid }));
                match router.clone().oneshot(request).await {
                    Ok(response) => pass_on(response, out).await,
                    Err(never) => match never {},
                }
            }
        }
    }

    /// Ends what was begun for this command.
    pub async fn close(self) {
        if let Self::InProcess { running, .. } = self {
            running.app.shutdown().await;
        }
    }
}

/// A workspace as commands name it.
pub struct Workspace {
    pub id: String,
    pub name: String,
}

impl Workspace {
    fn read(value: &Value) -> Self {
        Self { id: answer::text(value, "id").to_owned(), name: answer::text(value, "name").to_owned() }
    }

    /// The operator's path of something inside.
    pub fn path(&self, rest: &str) -> String {
        format!("/operator/v1/workspaces/{}/{rest}", self.id)
    }
}

/// Writes a body as it comes; a refusal is read whole.
async fn pass_on<B>(response: http::Response<B>, out: &mut dyn std::io::Write) -> Result<()>
where
    B: hyper::body::Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let (head, mut body) = response.into_parts();
    if !head.status.is_success() {
        let body = body.collect().await.map_err(Failure::failed)?.to_bytes();
        return answer::read(head.status.as_u16(), &body).map(drop);
    }
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Failure::failed(format!("the answer ended early: {error}")))?;
        if let Ok(piece) = frame.into_data() {
            out.write_all(&piece).map_err(Failure::failed)?;
        }
    }
    out.flush().map_err(Failure::failed)
}

async fn over_socket(socket: &Path, request: Request<Full<Bytes>>) -> Result<(u16, Bytes)> {
    let (response, driver) = send(socket, request).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.map_err(|e| lost(socket, &e))?.to_bytes();
    driver.abort();
    Ok((status, body))
}

fn lost(socket: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::failed(format!("the server did not answer on its socket {}: {error}", socket.display()))
}

/// Sends a request over the socket; the task keeps the connection going until the answer is read.
async fn send(
    socket: &Path,
    request: Request<Full<Bytes>>,
) -> Result<(http::Response<hyper::body::Incoming>, tokio::task::JoinHandle<hyper::Result<()>>)> {
    let lost = |error: &dyn std::fmt::Display| lost(socket, error);
    let stream = UnixStream::connect(socket).await.map_err(|e| lost(&e))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| lost(&e))?;
    let driver = tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(|e| lost(&e))?;
    Ok((response, driver))
}
