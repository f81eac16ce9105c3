//! Responses of [`TrustedClient`] that are handed on piece by piece, so that a file of any size needs little memory.
//!
//! Threat: what a configured destination names in an answer (the address of a file) is an outside value all the same.
//! With [`Reach::Public`] the address policy of a fresh installation is asked about it: the URL, every answer of the
//! resolver and the connected peer, so that a name that leads inside is refused. Who may be named at all is for the
//! caller to say first. Sizes and times are bounded whatever the other side does; redirects are answers here too.

use std::time::Duration;

use bytes::Bytes;
use hyper::header::HeaderMap;
use tokio::time::{Instant, timeout_at};

use crate::body;
use crate::client::{Exchange, Progress, Trouble};
use crate::failure::{Failure, Stage, class};
use crate::policy::UrlPolicy;
use crate::target::Target;
use crate::trusted::{SendError, TrustedClient, TrustedRequest};

/// Where a download may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// To an origin that the operator's configuration names, wherever it is.
    Configured,
    /// To public addresses only, without the operator's exceptions.
    Public,
}

/// What a download may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DownloadBudgets {
    /// Largest body, bytes.
    pub bytes: u64,
    /// Longest wait for the next piece of the body.
    pub idle: Duration,
    /// From the call to the last byte.
    pub total: Duration,
}

/// A response whose body is still to be read. Dropping it closes the connection.
pub struct Download {
    client: TrustedClient,
    target: Target,
    /// `None` once the body came to its end or failed.
    exchange: Option<Exchange>,
    status: u16,
    headers: HeaderMap,
    budgets: DownloadBudgets,
    deadline: Instant,
    left: u64,
}

impl Download {
    /// Status code.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The first value of a header, if it is text. Names are case-insensitive.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What `Content-Length` says.
    pub fn length(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }

    /// The next piece of the body; `None` once it is complete.
    ///
    /// # Errors
    /// The body is over its budget, stood still, took too long, or was cut; nothing more comes after that.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let Some(exchange) = &mut self.exchange else { return Ok(None) };
        let until = (Instant::now() + self.budgets.idle).min(self.deadline);
        let failure = match timeout_at(until, body::next(exchange.response.body_mut())).await {
            Ok(None) => {
                if let Some(exchange) = self.exchange.take() {
                    self.client.core.finish(&self.target, exchange);
                }
                return Ok(None);
            }
            Ok(Some(Ok(data))) => match self.left.checked_sub(data.len() as u64) {
                Some(left) => {
                    self.left = left;
                    return Ok(Some(data));
                }
                None => Failure::new(class::RESPONSE_TOO_LARGE, "the body of the response is too large"),
            },
            Ok(Some(Err(error))) => Failure::from_hyper(&error),
            Err(_) => Stage::Body.timed_out(),
        };
        self.exchange = None;
        Err(failure)
    }
}

impl TrustedClient {
    /// Sends one request and answers with the head of its response, whatever its status. The request's own timeout
    /// covers the way to the head.
    pub async fn download(
        &self,
        request: TrustedRequest<'_>,
        reach: Reach,
        budgets: DownloadBudgets,
    ) -> Result<Download, SendError> {
        let started = Instant::now();
        let deadline = started + budgets.total;
        let head_by = (started + request.timeout).min(deadline);
        let (target, prepared) = self.prepare(request).map_err(SendError::NotSent)?;
        let blocked = |rule| SendError::NotSent(Failure::new(class::URL_BLOCKED, rule));
        let policy = UrlPolicy::default();
        let policy = (reach == Reach::Public).then_some(&policy);
        if let Some(policy) = policy {
            policy.judge_target(&target).map_err(blocked)?;
        }
        let connect_by = (started + self.budgets.connect).min(head_by);
        let mut progress = Progress::default();
        let sent = self.core.send(&target, policy, prepared, connect_by, head_by, &mut progress).await;
        let mut exchange = sent.map_err(|trouble| match trouble {
            Trouble::MaybeSent(failure) => SendError::Ambiguous { status: None, failure },
            Trouble::NotSent(failure) => SendError::NotSent(failure),
            Trouble::Blocked(rule) => blocked(rule),
        })?;
        Ok(Download {
            client: self.clone(),
            target,
            status: exchange.response.status().as_u16(),
            headers: std::mem::take(exchange.response.headers_mut()),
            exchange: Some(exchange),
            budgets,
            deadline,
            left: budgets.bytes,
        })
    }
}
