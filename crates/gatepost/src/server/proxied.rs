//! Connections that a TCP proxy passes on: who called it stands in front, as a PROXY header.
//!
//! Threat note. Defends against: a header from anybody but a named proxy (it is not looked for, and is bad HTTP then), a
//! named proxy that sends none (refused: to guess would be to believe the caller), and a connection that sends a part of
//! one and waits. Does not defend against: a named proxy that lies.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::middleware::AddExtension;
use axum_server::accept::Accept;
use gatepost_core::proxy_header::{self, FIXED};
use gatepost_http::{ProxiedFrom, Proxies};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::TcpStream;
use tower::Layer as _;

/// How long a proxy may take to say whom it passes on.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// Reads the header of a named proxy before `inner` sees the connection.
#[derive(Clone)]
pub struct ProxiedAcceptor<A> {
    inner: A,
    /// `None`: no proxy here writes headers.
    proxies: Option<Arc<Proxies>>,
}

impl<A> ProxiedAcceptor<A> {
    pub const fn new(inner: A, proxies: Option<Arc<Proxies>>) -> Self {
        Self { inner, proxies }
    }
}

type Accepting<I, S> = Pin<Box<dyn Future<Output = io::Result<(I, S)>> + Send>>;

impl<A, S> Accept<TcpStream, S> for ProxiedAcceptor<A>
where
    A: Accept<TcpStream, AddExtension<S, ProxiedFrom>> + Clone + Send + Sync + 'static,
    A::Future: Send,
    S: Send + 'static,
{
    type Stream = A::Stream;
    type Service = A::Service;
    type Future = Accepting<A::Stream, A::Service>;

    fn accept(&self, mut stream: TcpStream, service: S) -> Self::Future {
        let Self { inner, proxies } = self.clone();
        Box::pin(async move {
            let source = match &proxies {
                Some(proxies) if proxies.hold(stream.peer_addr()?.ip()) => {
                    let read = tokio::time::timeout(HEADER_TIMEOUT, read_source(&mut stream)).await;
                    read.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).inspect_err(|error| {
                        tracing::debug!(%error, "a proxy's connection was refused: no PROXY header that can be used");
                    })?
                }
                _ => None,
            };
            inner.accept(stream, Extension(ProxiedFrom(source)).layer(service)).await
        })
    }
}

/// Reads exactly the header: what follows belongs to the caller.
async fn read_source(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<SocketAddr>> {
    let bad = |why: proxy_header::BadHeader| io::Error::new(io::ErrorKind::InvalidData, why.to_string());
    let mut fixed = [0; FIXED];
    stream.read_exact(&mut fixed).await?;
    let head = proxy_header::head(&fixed).map_err(bad)?;
    let mut rest = vec![0; head.rest];
    stream.read_exact(&mut rest).await?;
    proxy_header::source(head, &rest).map_err(bad)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests call over loopback")]
    use std::net::TcpListener;

    use axum::Router;
    use axum::routing::get;
    use axum_server::Handle;
    use gatepost_core::Network;
    use tokio::io::AsyncWriteExt as _;

    use super::*;
    use crate::server::http;

    const HEADER: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\x0a\0\0\x01\x1f\x90\0\x50";
    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

    /// What a server that knows proxies at `network` answers to these bytes; nothing where it hangs up.
    async fn answer(network: &str, bytes: &[u8]) -> String {
        let show = async |from: Extension<ProxiedFrom>| format!("from {:?}", from.0.0);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let proxies = Proxies { networks: vec![Network::parse(network).unwrap()], ..Proxies::default() };
        let router = Router::new().route("/", get(show));
        let handle = Handle::new();
        let serving = http::serve(listener, router, None, Some(Arc::new(proxies)), handle.clone());
        let serving = tokio::spawn(serving);
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut text = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut text)).await.unwrap();
        handle.shutdown();
        serving.await.unwrap().unwrap();
        String::from_utf8_lossy(&text).into_owned()
    }

    #[tokio::test]
    async fn the_word_of_a_named_proxy_and_of_nobody_else() {
        let with_header = [HEADER, REQUEST].concat();
        let told = answer("127.0.0.0/8", &with_header).await;
        assert!(told.contains("from Some(192.0.2.7:8080)"), "{told}");
        let stranger = answer("192.0.2.0/24", &with_header).await;
        assert!(!stranger.contains("from") && !stranger.contains(" 200 "), "{stranger}");
        let plain = answer("192.0.2.0/24", REQUEST).await;
        assert!(plain.contains("from None"), "{plain}");
        let silent = answer("127.0.0.0/8", REQUEST).await;
        assert_eq!(silent, "", "a named proxy that sends no header");
        // The rest never comes: the connection ends by itself.
        let half = answer("127.0.0.0/8", &HEADER[..20]).await;
        assert_eq!(half, "");
    }
}
