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
use gatepost_core::{Code, Error};
use tokio::net::UnixListener;

use crate::access::AtSocket;
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

/// Lets in the system user that runs this process, and nobody else.
pub async fn admit<A: Doors>(
    State(state): State<ApiState<A>>,
    mut request: Request,
    next: Next,
) -> Response {
    let uid = request.extensions().get::<ConnectInfo<SocketPeer>>().and_then(|ConnectInfo(peer)| peer.uid);
    let verified = match uid {
        Some(uid) => LocalOperator::verify(uid, state.settings().operator_uid),
        None => Err(Error::new(Code::PermissionMissing, "the system did not say who is at the socket")),
    };
    match verified {
        Ok(operator) => {
            request.extensions_mut().insert(AtSocket(operator));
            next.run(request).await
        }
        Err(error) => Failure::from(error).into_response(),
    }
}
