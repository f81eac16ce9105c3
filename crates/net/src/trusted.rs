//! `TrustedClient`: the way out to destinations that the operator's configuration names.
//!
//! Threat: less than for [`crate::SafeClient`], since nobody outside chooses where it goes. There is no address
//! policy (the simulated Meta listens on loopback). Everything else is the same: certificates are checked, nothing
//! is redirected or proxied, and times and sizes are bounded. The bearer token goes to the configured host only,
//! because a redirect is an answer, not a next request.
//!
//! **What an error says.** Meta has no idempotency keys, so whether a message may be sent again hangs on whether the
//! first request can have arrived:
//!
//! * [`SendError::NotSent`]: nothing of the request left this machine. The name was not resolved, the connection or
//!   the TLS handshake failed, or hyper handed the request back untouched because the connection was over. Sending
//!   again cannot double anything.
//! * [`SendError::Ambiguous`]: some of it may have left. Everything else: a time-out while writing or waiting, a cut
//!   before the end of the response, a response that cannot be read. A reused connection that closes without a byte
//!   of an answer is ambiguous too: the other side may have read the request before it closed.
//!
//! A request is never sent twice by this client.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::HeaderMap;
use tokio::time::{Instant, timeout_at};

use crate::body::{self, BodyEnd, BodyStream, Piece, RequestBody};
use crate::client::{ClientError, Core, Exchange, Progress, Trouble};
use crate::failure::{Failure, Stage, class};
use crate::multipart::Multipart;
use crate::pool::PoolLimits;
use crate::resolver::Resolver;
use crate::target::Target;
use crate::tls::TlsRoots;

/// What one call may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustedBudgets {
    /// DNS, TCP and TLS together, inside the deadline of the request.
    pub connect: Duration,
    /// Largest response body, bytes.
    pub body_bytes: usize,
    /// Idle connections kept for one origin.
    pub idle_per_origin: usize,
    /// How long a connection is kept without use.
    pub idle_for: Duration,
    /// How long a connection is used at all.
    pub max_age: Duration,
}

impl Default for TrustedBudgets {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            body_bytes: 1024 * 1024,
            idle_per_origin: 128,
            idle_for: Duration::from_secs(20),
            max_age: Duration::from_mins(5),
        }
    }
}

/// The client for configured destinations. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct TrustedClient {
    pub(crate) core: Arc<Core>,
    pub(crate) budgets: TrustedBudgets,
}

/// The methods that places outside are called with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates or acts.
    Post,
    /// Replaces.
    Put,
    /// Deletes.
    Delete,
}

impl Method {
    pub(crate) const fn hyper(self) -> hyper::Method {
        match self {
            Self::Get => hyper::Method::GET,
            Self::Post => hyper::Method::POST,
            Self::Put => hyper::Method::PUT,
            Self::Delete => hyper::Method::DELETE,
        }
    }
}

/// One call. Not `Debug`: it holds a token and a person's message.
pub struct TrustedRequest<'a> {
    /// The method.
    pub method: Method,
    /// Absolute URL, http or https.
    pub url: &'a str,
    /// `Authorization: Bearer …`.
    pub bearer: Option<&'a str>,
    /// Further headers; `content-type` comes with the body.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: TrustedBody,
    /// The deadline over everything, from now.
    pub timeout: Duration,
}

/// What is sent.
#[derive(Default)]
pub enum TrustedBody {
    /// Nothing.
    #[default]
    Empty,
    /// A serialised JSON document, `application/json`.
    Json(Bytes),
    /// A form with files, `multipart/form-data`.
    Multipart(Multipart),
    /// Any other content: its type and bytes.
    Other(&'static str, Bytes),
    /// Any other content, read as it is sent: its type and where it comes from.
    Stream(String, BodyStream),
}

/// A complete response, whatever its status: 3xx, 4xx and 5xx are answers too.
#[derive(Debug, Clone)]
pub struct TrustedResponse {
    /// Status code.
    pub status: u16,
    headers: HeaderMap,
    /// The body, complete, not decompressed.
    pub body: Bytes,
    /// The peer that answered.
    pub remote: SocketAddr,
    /// From the call to the last byte.
    pub latency: Duration,
}

impl TrustedResponse {
    /// The first value of a header, if it is text. Names are case-insensitive.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Why there is no complete response; see the module's text for what each promises.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Nothing of the request left: it may be sent again.
    #[error("not sent: {0}")]
    NotSent(Failure),
    /// The request may have arrived, and may have had its effect.
    #[error("outcome unknown: {failure}")]
    Ambiguous {
        /// The status, where the head of the response still came.
        status: Option<u16>,
        /// What happened.
        failure: Failure,
    },
}

impl SendError {
    /// Class and sentence, whichever of the two it is.
    pub const fn failure(&self) -> &Failure {
        match self {
            Self::NotSent(failure) | Self::Ambiguous { failure, .. } => failure,
        }
    }

    /// Whether the request may have reached the other side.
    pub const fn may_have_arrived(&self) -> bool {
        matches!(self, Self::Ambiguous { .. })
    }
}

impl TrustedClient {
    /// Builds the client once; it is meant to live as long as the process. Sends nothing.
    pub fn new(resolver: Resolver, budgets: TrustedBudgets, roots: TlsRoots) -> Result<Self, ClientError> {
        let limits = PoolLimits {
            idle_per_origin: budgets.idle_per_origin,
            idle_total: budgets.idle_per_origin.saturating_mul(8),
            idle_for: budgets.idle_for,
            max_age: budgets.max_age,
        };
        Ok(Self { core: Arc::new(Core::new(resolver, roots, limits)?), budgets })
    }

    /// Sends one request and reads its response to the end.
    pub async fn send(&self, request: TrustedRequest<'_>) -> Result<TrustedResponse, SendError> {
        let started = Instant::now();
        let deadline = started + request.timeout;
        let (target, prepared) = self.prepare(request).map_err(SendError::NotSent)?;
        let mut progress = Progress::default();
        let connect_by = (started + self.budgets.connect).min(deadline);
        let mut exchange =
            match self.core.send(&target, None, prepared, connect_by, deadline, &mut progress).await {
                Ok(exchange) => exchange,
                Err(Trouble::MaybeSent(failure)) => {
                    return Err(SendError::Ambiguous { status: None, failure });
                }
                Err(Trouble::NotSent(failure)) => return Err(SendError::NotSent(failure)),
                Err(Trouble::Blocked(rule)) => {
                    return Err(SendError::NotSent(Failure::new(class::URL_BLOCKED, rule)));
                }
            };
        let mut collected = Vec::new();
        let keep = |data: &[u8]| collected.extend_from_slice(data);
        let reading = body::read(exchange.response.body_mut(), self.budgets.body_bytes, keep);
        let failure = match timeout_at(deadline, reading).await {
            Ok(BodyEnd::Complete) => {
                return Ok(self.complete(&target, exchange, collected, started));
            }
            Ok(BodyEnd::OverBudget) => {
                Failure::new(class::RESPONSE_TOO_LARGE, "the body of the response is too large")
            }
            Ok(BodyEnd::Cut(error)) => Failure::from_hyper(&error),
            Err(_) => Stage::Body.timed_out(),
        };
        Err(SendError::Ambiguous { status: Some(exchange.response.status().as_u16()), failure })
    }

    fn complete(
        &self,
        target: &Target,
        mut exchange: Exchange,
        body: Vec<u8>,
        started: Instant,
    ) -> TrustedResponse {
        let response = TrustedResponse {
            status: exchange.response.status().as_u16(),
            headers: std::mem::take(exchange.response.headers_mut()),
            body: body.into(),
            remote: exchange.peer(),
            latency: started.elapsed(),
        };
        self.core.finish(target, exchange);
        response
    }

    pub(crate) fn prepare(
        &self,
        request: TrustedRequest<'_>,
    ) -> Result<(Target, hyper::Request<RequestBody>), Failure> {
        let target = Target::parse(request.url).map_err(|rule| {
            Failure::new(class::REQUEST_INVALID, format_args!("the URL is refused: {rule}"))
        })?;
        let (content_type, body) = match request.body {
            TrustedBody::Empty => (None, RequestBody::default()),
            TrustedBody::Json(bytes) => (Some("application/json".to_owned()), RequestBody::one(bytes)),
            TrustedBody::Other(kind, bytes) => (Some(kind.to_owned()), RequestBody::one(bytes)),
            TrustedBody::Stream(kind, stream) => {
                (Some(kind), RequestBody::pieces(vec![Piece::Stream(stream)]))
            }
            TrustedBody::Multipart(form) => {
                let (kind, pieces) = form.finish();
                (Some(kind), RequestBody::pieces(pieces))
            }
        };
        let mut prepared = self.core.request(request.method.hyper(), &target, request.headers, body)?;
        let headers = prepared.headers_mut();
        if let Some(kind) = content_type {
            let kind = kind.parse().map_err(|_| invalid("content type"))?;
            headers.insert(hyper::header::CONTENT_TYPE, kind);
        }
        if let Some(token) = request.bearer {
            let mut value: hyper::header::HeaderValue =
                format!("Bearer {token}").parse().map_err(|_| invalid("bearer token"))?;
            value.set_sensitive(true);
            headers.insert(hyper::header::AUTHORIZATION, value);
        }
        Ok((target, prepared))
    }
}

fn invalid(what: &str) -> Failure {
    Failure::new(class::REQUEST_INVALID, format_args!("the {what} cannot stand in a header"))
}

impl std::fmt::Debug for TrustedClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrustedClient").field("budgets", &self.budgets).finish_non_exhaustive()
    }
}
