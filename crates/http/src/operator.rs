//! The operator's socket: a Unix socket in the data directory, mode 0600.
//!
//! Defends against: another system user on the same machine (the kernel names the peer; the file mode is the first
//! lock, this is the second), and a request on the public address that claims to be the operator's (the proof is a
//! private type that only this layer puts there).
//! Does not defend against: root, which could read the directory anyway.

use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::serve::IncomingStream;
use gatepost_core::access::LocalOperator;
use gatepost_core::audit::Refused;
use gatepost_core::{Code, Error};
use http::header::LOCATION;
use http::{HeaderMap, HeaderValue};
use tokio::net::UnixListener;

use crate::access::AtSocket;
use crate::observe::Notes;
use crate::problem::Failure;
use crate::state::{ApiState, Doors};

/// The system user at the other end of a Unix socket, as the kernel says; `None` where it does not.
///
/// Serve the operator's router with `into_make_service_with_connect_info::<SocketPeer>()`.
#[derive(Debug, Clone, Copy)]
pub struct SocketPeer {
    pub uid: Option<u32>,
}

impl Connected<IncomingStream<'_, UnixListener>> for SocketPeer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        Self { uid: stream.io().peer_cred().ok().map(|peer| peer.uid()) }
    }
}

/// The path at the socket of what has `path` on the public address.
pub fn inside_workspace(path: &str, workspace: &str) -> String {
    let rest = path.strip_prefix("/v1").unwrap_or(path);
    format!("/operator/v1/workspaces/{workspace}{rest}")
}

fn workspace_of(path: &str) -> Option<&str> {
    path.strip_prefix("/operator/v1/workspaces/")?.split_once('/').map(|(workspace, _)| workspace)
}

/// What was made is read at the socket too.
fn relocate(headers: &mut HeaderMap, workspace: &str) {
    let path = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let Some(path) = path.filter(|path| path.starts_with("/v1/")) else { return };
    if let Ok(value) = HeaderValue::try_from(inside_workspace(path, workspace)) {
        headers.insert(LOCATION, value);
    }
}

/// Lets in the system user that runs this process, and nobody else.
pub async fn admit<A: Doors>(State(state): State<ApiState<A>>, mut request: Request, next: Next) -> Response {
    let uid = request.extensions().get::<ConnectInfo<SocketPeer>>().and_then(|ConnectInfo(peer)| peer.uid);
    let verified = match uid {
        Some(uid) => LocalOperator::verify(uid, state.settings().operator_uid),
        None => Err(Error::new(Code::PermissionMissing, "the system did not say who is at the socket")),
    };
    match verified {
        Ok(operator) => {
            request.extensions_mut().insert(AtSocket(operator));
            let workspace = workspace_of(request.uri().path()).map(str::to_owned);
            let mut response = next.run(request).await;
            if let Some(workspace) = workspace {
                relocate(response.headers_mut(), &workspace);
            }
            response
        }
        Err(error) => {
            if let Some(notes) = request.extensions().get::<Notes>() {
                notes.set_party(Refused::SystemUser(uid));
            }
            Failure::from(error).into_response()
        }
    }
}
