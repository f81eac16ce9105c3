//! Serving the routers: TCP with or without TLS, and the operator's Unix socket.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use gatepost_http::{Proxies, SocketPeer};
use hyper_util::rt::TokioTimer;
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;

use super::connection::CuttingAcceptor;
use super::proxied::ProxiedAcceptor;
use crate::failure::{Failure, Result};

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// What waits in memory for a client that reads slowly, and the largest head of a request, bytes.
const BUFFER_MAX: usize = 64 * 1024;
/// Dead HTTP/2 peers are noticed after this time.
const PING_EVERY: Duration = Duration::from_secs(30);
/// A Unix socket's path must fit into `sockaddr_un` (unix(7)), which ends with a NUL.
const SOCKET_PATH_MAX: usize = 107;

/// Answers on a TCP listener until the handle is told to stop. With `proxies`, connections of theirs begin with a PROXY
/// header.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<RustlsConfig>,
    proxies: Option<Arc<Proxies>>,
    handle: Handle<SocketAddr>,
) -> std::io::Result<()> {
    let acceptor = ProxiedAcceptor::new(NoDelayAcceptor::new(), proxies);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    match tls {
        None => {
            let acceptor = CuttingAcceptor(acceptor);
            let mut server = axum_server::from_tcp(listener)?.acceptor(acceptor).handle(handle);
            limits(server.http_builder());
            server.serve(service).await
        }
        Some(config) => {
            // The PROXY header comes before the handshake.
            let acceptor =
                RustlsAcceptor::new(config).handshake_timeout(HANDSHAKE_TIMEOUT).acceptor(acceptor);
            let mut server =
                axum_server::from_tcp(listener)?.acceptor(CuttingAcceptor(acceptor)).handle(handle);
            limits(server.http_builder());
            server.serve(service).await
        }
    }
}

fn limits(builder: &mut hyper_util::server::conn::auto::Builder<hyper_util::rt::TokioExecutor>) {
    let mut http1 = builder.http1();
    http1.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(BUFFER_MAX);
    let mut http2 = builder.http2();
    http2.timer(TokioTimer::new()).keep_alive_interval(PING_EVERY);
    http2.max_concurrent_streams(256).max_send_buf_size(BUFFER_MAX);
}

/// Listens on the operator's socket. What an earlier process left there is removed: the directory's lock says that it
/// is gone.
pub fn operator_listener(path: &Path) -> Result<UnixListener> {
    if path.as_os_str().len() > SOCKET_PATH_MAX {
        return Err(Failure::failed(format!(
            "the path of the operator's socket is too long for the system ({} bytes, {SOCKET_PATH_MAX} at most): {}",
            path.as_os_str().len(),
            path.display()
        ))
        .hint("use a data directory with a shorter path"));
    }
    let fail = |error: std::io::Error| {
        Failure::failed(format!("cannot listen on the operator's socket {}: {error}", path.display()))
    };
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fail(error)),
        _ => {}
    }
    let listener = UnixListener::bind(path).map_err(fail)?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(path, mode).map_err(fail)?;
    Ok(listener)
}

/// Answers on the operator's socket until `stop`.
pub async fn serve_operator(
    listener: UnixListener,
    router: Router,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketPeer>();
    axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned()).await
}
