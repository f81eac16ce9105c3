//! One HTTP/1.1 connection: a request out, the head of a response back.
//!
//! What "sent" means here: hyper hands a request back untouched when its connection ended before the request was
//! taken from the queue to be written ([`TrySendError::take_message`]). Only then is it known that nothing left. A
//! reused connection that the other side closes while our request is on its way looks the same from here as one
//! whose answer was lost, so it counts as "may have been sent", even if no byte of an answer came.
//!
//! [`TrySendError::take_message`]: hyper::client::conn::TrySendError::take_message

use std::net::SocketAddr;

use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::rt::{Read, Write};
use hyper::{Request, Response};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::body::RequestBody;
use crate::failure::{Failure, class};

/// Budget for the head of a response, bytes; also the largest piece of a body held in memory. hyper caps the number
/// of headers at 100 by itself.
const MAX_HEAD: usize = 32 * 1024;

/// A live connection. Dropping it closes the socket, whatever the other side is doing.
pub(crate) struct Conn {
    sender: SendRequest<RequestBody>,
    driver: Driver,
    pub(crate) peer: SocketAddr,
    pub(crate) opened: Instant,
}

/// The task that reads and writes the socket. Aborted on drop, so that no stalled peer can keep a socket open after
/// the request that it stalled is gone.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Why there is no response.
pub(crate) enum NoResponse {
    /// Nothing left; here is the request back.
    Unsent(Box<Request<RequestBody>>),
    /// Bytes of the request may have reached the other side.
    MaybeSent(Failure),
}

impl Conn {
    /// Starts HTTP/1.1 on a connected (and, for https, encrypted) stream.
    pub(crate) async fn start<T>(io: T, peer: SocketAddr) -> Result<Self, Failure>
    where
        T: Read + Write + Send + Unpin + 'static,
    {
        let (sender, connection) =
            Builder::new().max_buf_size(MAX_HEAD).max_header_size(MAX_HEAD).handshake(io).await.map_err(
                |error| Failure::new(class::CONNECT_FAILED, format_args!("cannot start http: {error}")),
            )?;
        let driver = Driver(tokio::spawn(async move {
            // Its error reaches the request that was in flight; an idle connection that ends is no news.
            let _ended = connection.await;
        }));
        Ok(Self { sender, driver, peer, opened: Instant::now() })
    }

    /// Sends `request` and waits for the head of the response.
    pub(crate) async fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, NoResponse> {
        if self.sender.ready().await.is_err() {
            return Err(NoResponse::Unsent(Box::new(request)));
        }
        self.sender.try_send_request(request).await.map_err(|mut failed| match failed.take_message() {
            Some(request) => NoResponse::Unsent(Box::new(request)),
            None => NoResponse::MaybeSent(Failure::from_hyper(failed.error())),
        })
    }

    /// Whether the connection is known to be over.
    pub(crate) fn is_closed(&self) -> bool {
        self.sender.is_closed() || self.driver.0.is_finished()
    }
}
