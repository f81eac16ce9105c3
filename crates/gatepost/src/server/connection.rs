//! Connections that a request can cut.
//!
//! Threat note. Defends against: a client that takes nothing of an answer without end and so keeps what waits for it in
//! memory. Whoever writes such an answer cuts the connection; reading and writing fail from then on, and the server lets
//! go of it at once, whatever its own buffers still hold.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::Extension;
use axum::middleware::AddExtension;
use axum_server::accept::Accept;
use futures_util::future::BoxFuture;
use futures_util::task::AtomicWaker;
use gatepost_http::Cut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower::Layer as _;

#[derive(Default)]
struct State {
    cut: AtomicBool,
    /// The task that serves the connection: it reads and writes both.
    waker: AtomicWaker,
}

/// A connection that fails once it was cut.
pub struct Cuttable<S> {
    inner: S,
    state: Arc<State>,
}

impl<S> Cuttable<S> {
    fn new(inner: S) -> (Self, Cut) {
        let state = Arc::new(State::default());
        let held = Arc::clone(&state);
        let cut = Cut::new(move || {
            held.cut.store(true, Ordering::SeqCst);
            held.waker.wake();
        });
        (Self { inner, state }, cut)
    }

    /// Registers before it looks, so that a cut in between wakes.
    fn check(&self, cx: &Context<'_>) -> io::Result<()> {
        self.state.waker.register(cx.waker());
        if self.state.cut.load(Ordering::SeqCst) {
            Err(io::ErrorKind::ConnectionAborted.into())
        } else {
            Ok(())
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Cuttable<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.get_mut().inner).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Cuttable<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        Pin::new(&mut self.get_mut().inner).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        Pin::new(&mut self.get_mut().inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // What was cut is dropped, which closes it; over TLS its farewell would wait for room too.
        if self.state.cut.load(Ordering::SeqCst) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

/// Accepts as `A` does, and lets each request cut the connection it came by.
#[derive(Clone)]
pub struct CuttingAcceptor<A>(pub A);

impl<A, I, S> Accept<I, S> for CuttingAcceptor<A>
where
    A: Accept<I, S>,
    A::Future: Send + 'static,
    A::Stream: Send,
    A::Service: Send,
{
    type Stream = Cuttable<A::Stream>;
    type Service = AddExtension<A::Service, Cut>;
    type Future = BoxFuture<'static, io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let accepting = self.0.accept(stream, service);
        Box::pin(async move {
            let (stream, service) = accepting.await?;
            let (stream, cut) = Cuttable::new(stream);
            Ok((stream, Extension(cut).layer(service)))
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use axum_server::accept::DefaultAcceptor;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tower::{ServiceExt as _, service_fn};

    /// The extension reaches the service, and a cut wakes whoever waits to read or to write.
    #[tokio::test]
    async fn a_cut_ends_reading_and_writing_at_once() {
        for writing in [false, true] {
            let (ours, _theirs) = tokio::io::duplex(64);
            let echo = service_fn(async |request: axum::extract::Request| {
                Ok::<_, std::convert::Infallible>(request.extensions().get::<Cut>().cloned())
            });
            let (mut stream, service) =
                CuttingAcceptor(DefaultAcceptor::new()).accept(ours, echo).await.unwrap();
            let request = axum::extract::Request::new(axum::body::Body::empty());
            let cut = service.oneshot(request).await.unwrap().unwrap();
            let waiting = tokio::spawn(async move {
                if writing { stream.write_all(&[0; 1_000]).await } else { stream.read_u8().await.map(drop) }
            });
            tokio::task::yield_now().await;
            assert!(!waiting.is_finished());
            cut.now();
            let ended = waiting.await.unwrap().unwrap_err();
            assert_eq!(ended.kind(), io::ErrorKind::ConnectionAborted);
        }
    }
}
