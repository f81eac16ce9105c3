//! What both clients share: connect or reuse, encrypt, send.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use crate::body::RequestBody;
use crate::config::Scheme;
use crate::connect::{self, Unconnected};
use crate::exchange::{Conn, NoResponse};
use crate::failure::{Failure, Stage, class};
use crate::policy::UrlPolicy;
use crate::pool::{Pool, PoolLimits};
use crate::resolver::Resolver;
use crate::target::Target;
use crate::tls::{self, TlsRoots};
use crate::verdict::Rule;

/// A client could not be built.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no certificate authority to trust.
    #[error("no certificate authorities were given")]
    NoRoots,
    /// A certificate authority that was given cannot be used.
    #[error("a certificate authority cannot be read: {0}")]
    Root(#[source] rustls::Error),
    /// The TLS library refused its configuration.
    #[error("tls cannot be set up: {0}")]
    Tls(#[source] rustls::Error),
    /// The user agent is not a valid header value.
    #[error("the user agent is not a valid header value")]
    UserAgent,
}

/// Headers that the client writes itself; a caller's copy could split or misdirect a request.
const OWN_HEADERS: [HeaderName; 8] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::EXPECT,
];

/// The parts that both clients are made of.
pub(crate) struct Core {
    resolver: Resolver,
    tls: TlsConnector,
    pool: Arc<Pool>,
    user_agent: HeaderValue,
}

/// What is known so far; outlives a request that is cut off by its deadline.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) stage: Stage,
    pub(crate) peer: Option<SocketAddr>,
}

/// Why a request has no response.
#[derive(Debug)]
pub(crate) enum Trouble {
    Blocked(Rule),
    /// Nothing of the request left.
    NotSent(Failure),
    /// Something of it may have.
    MaybeSent(Failure),
}

impl From<Unconnected> for Trouble {
    fn from(unconnected: Unconnected) -> Self {
        match unconnected {
            Unconnected::Blocked(rule) => Self::Blocked(rule),
            Unconnected::Failed(failure) => Self::NotSent(failure),
        }
    }
}

/// A response whose body is still to be read, on the connection that it came by.
pub(crate) struct Exchange {
    pub(crate) response: Response<Incoming>,
    conn: Conn,
}

impl Exchange {
    pub(crate) const fn peer(&self) -> SocketAddr {
        self.conn.peer
    }
}

impl Core {
    pub(crate) fn new(resolver: Resolver, roots: TlsRoots, limits: PoolLimits) -> Result<Self, ClientError> {
        Ok(Self {
            resolver,
            tls: TlsConnector::from(tls::client_config(roots, &[b"http/1.1"])?),
            pool: Pool::new(limits),
            user_agent: HeaderValue::from_static(crate::USER_AGENT),
        })
    }

    pub(crate) fn set_user_agent(&mut self, user_agent: &str) -> Result<(), ClientError> {
        self.user_agent = HeaderValue::from_str(user_agent).map_err(|_| ClientError::UserAgent)?;
        Ok(())
    }

    /// A request for `target`, complete but for headers that depend on the kind of client.
    pub(crate) fn request(
        &self,
        method: Method,
        target: &Target,
        headers: &[(&str, &str)],
        body: RequestBody,
    ) -> Result<Request<RequestBody>, Failure> {
        let mut map = HeaderMap::with_capacity(headers.len() + 4);
        map.insert(header::HOST, target.host_header());
        map.insert(header::USER_AGENT, self.user_agent.clone());
        map.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        for (name, value) in headers {
            let invalid =
                || Failure::new(class::REQUEST_INVALID, format_args!("header {name} cannot be sent"));
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
            if OWN_HEADERS.contains(&name) {
                return Err(invalid());
            }
            map.insert(name, HeaderValue::from_str(value).map_err(|_| invalid())?);
        }
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = target.uri();
        *request.headers_mut() = map;
        Ok(request)
    }

    /// Sends on an idle connection or a new one, and waits for the head of the response. A request goes out at most
    /// once: it moves to another connection only when hyper gave it back unsent.
    ///
    /// A new connection must stand by `connect_by`, the head be here by `deadline`; what was running when time ran
    /// out is dropped, and its socket with it.
    pub(crate) async fn send(
        &self,
        target: &Target,
        policy: Option<&UrlPolicy>,
        request: Request<RequestBody>,
        connect_by: Instant,
        deadline: Instant,
        progress: &mut Progress,
    ) -> Result<Exchange, Trouble> {
        match timeout_at(deadline, self.send_unbounded(target, policy, request, connect_by, progress)).await {
            Ok(outcome) => outcome,
            Err(_) if progress.stage.may_have_sent() => Err(Trouble::MaybeSent(progress.stage.timed_out())),
            Err(_) => Err(Trouble::NotSent(progress.stage.timed_out())),
        }
    }

    async fn send_unbounded(
        &self,
        target: &Target,
        policy: Option<&UrlPolicy>,
        mut request: Request<RequestBody>,
        connect_by: Instant,
        progress: &mut Progress,
    ) -> Result<Exchange, Trouble> {
        while let Some(mut conn) = self.pool.take(target.origin()) {
            progress.peer = Some(conn.peer);
            progress.stage = Stage::Response;
            match conn.send(request).await {
                Ok(response) => return Ok(Exchange { response, conn }),
                Err(NoResponse::MaybeSent(failure)) => return Err(Trouble::MaybeSent(failure)),
                Err(NoResponse::Unsent(unsent)) => request = *unsent,
            }
        }
        progress.peer = None;
        let mut conn = match timeout_at(connect_by, self.connect(target, policy, progress)).await {
            Ok(connected) => connected?,
            Err(_) => return Err(Trouble::NotSent(progress.stage.timed_out())),
        };
        progress.stage = Stage::Response;
        match conn.send(request).await {
            Ok(response) => Ok(Exchange { response, conn }),
            Err(NoResponse::MaybeSent(failure)) => Err(Trouble::MaybeSent(failure)),
            Err(NoResponse::Unsent(_)) => Err(Trouble::NotSent(Failure::new(
                class::CONNECTION_LOST,
                "the connection ended before the request was sent",
            ))),
        }
    }

    async fn connect(
        &self,
        target: &Target,
        policy: Option<&UrlPolicy>,
        progress: &mut Progress,
    ) -> Result<Conn, Trouble> {
        let (stream, peer) = connect::tcp(target, policy, &self.resolver, &mut progress.stage).await?;
        progress.peer = Some(peer);
        progress.stage = Stage::Tls;
        let started = match target.scheme() {
            Scheme::Http => Conn::start(TokioIo::new(stream), peer).await,
            Scheme::Https => match self.tls.connect(target.server_name(), stream).await {
                Ok(stream) => Conn::start(TokioIo::new(stream), peer).await,
                Err(error) => Err(Failure::from_tls(&error)),
            },
        };
        started.map_err(Trouble::NotSent)
    }

    /// Gives a connection back whose response was read to its end.
    pub(crate) fn finish(&self, target: &Target, exchange: Exchange) {
        self.pool.put(target.pool_key(), exchange.conn);
    }
}
