//! `SafeClient`: the only way out to a URL that a customer chose.
//!
//! Threat: the URL (server-side request forgery, see [`crate::UrlPolicy`]) and whoever answers there: a receiver
//! that stalls, drips, sends without end, redirects inside, compresses a bomb, or shows a certificate of its own
//! making. Against the first stands the policy, at every attempt, before a socket opens and once more when it is
//! open; against the second stand budgets: one deadline over DNS, connecting, TLS, the head and the body, 32 kB and
//! 100 headers of head, 64 kB of body, after which the connection is closed.
//!
//! Not followed, whatever a response asks for: redirects, `Refresh`, `Alt-Svc`, `Link`. Not read: proxy settings of
//! the environment. Not done: decompression, cookies, HTTP/2. None of these exists here, so none can be switched on
//! by a feature that some other crate enables.
//!
//! Not defended against: a receiver that learns the operator's egress address, and one that counts our requests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use hyper::header::RETRY_AFTER;
use tokio::time::{Instant, timeout_at};

use crate::body::{self, BodyEnd, RequestBody};
use crate::client::{ClientError, Core, Exchange, Progress, Trouble};
use crate::failure::{Failure, class};
use crate::policy::UrlPolicy;
use crate::pool::PoolLimits;
use crate::resolver::Resolver;
use crate::target::Target;
use crate::tls::TlsRoots;
use crate::verdict::Verdict;

/// Longest `Retry-After` that is passed on, bytes; a date takes 29.
const MAX_RETRY_AFTER: usize = 64;

/// What one attempt may cost. Times are upper bounds inside the deadline of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budgets {
    /// DNS, TCP and TLS together.
    pub connect: Duration,
    /// Reading the body once the head is there.
    pub body: Duration,
    /// Bytes of the body that are read before the connection is dropped.
    pub body_bytes: usize,
    /// Bytes of the body that are kept for the attempt's row.
    pub snippet_bytes: usize,
    /// Idle connections kept for one origin.
    pub idle_per_origin: usize,
    /// Idle connections kept in all.
    pub idle_total: usize,
    /// How long a connection is kept without use.
    pub idle_for: Duration,
    /// How long a connection is used at all, so that a changed DNS record is followed.
    pub max_age: Duration,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            body: Duration::from_secs(5),
            body_bytes: 64 * 1024,
            snippet_bytes: 1024,
            // As many as one endpoint has attempts under way: with fewer, a burst opens connections only to close them.
            idle_per_origin: 64,
            idle_total: 1_024,
            idle_for: Duration::from_secs(4),
            max_age: Duration::from_mins(5),
        }
    }
}

impl Budgets {
    pub(crate) const fn pool(&self) -> PoolLimits {
        PoolLimits {
            idle_per_origin: self.idle_per_origin,
            idle_total: self.idle_total,
            idle_for: self.idle_for,
            max_age: self.max_age,
        }
    }
}

/// The client for customers' URLs. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct SafeClient {
    pub(crate) policy: Arc<UrlPolicy>,
    pub(crate) core: Arc<Core>,
    pub(crate) budgets: Budgets,
}

/// One POST to a customer's URL. Not `Debug`: URLs, signatures and bodies do not belong in logs.
pub struct SafeRequest<'a> {
    /// The URL as stored.
    pub url: &'a str,
    /// Names and values; `content-type` and signatures come from here. `Host`, `Content-Length`, `Connection` and
    /// the like are the client's own and refused. `user-agent` replaces the client's.
    pub headers: &'a [(&'a str, &'a str)],
    /// The exact bytes that were signed.
    pub body: Bytes,
    /// The deadline over everything, from now.
    pub timeout: Duration,
}

/// Whether the policy let an attempt go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// A connection was tried.
    Allowed,
    /// Nothing was sent, and no connection used; the name of the rule.
    Blocked(&'static str),
}

/// What became of one attempt, ready to be recorded. Whatever the far side does ends here, never in an `Err`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The policy's decision.
    pub decision: Decision,
    /// The peer that the request went to.
    pub connected_to: Option<SocketAddr>,
    /// Status code of the response; set as soon as the head has come, even if the body then failed.
    pub status: Option<u16>,
    /// From the call to the end of it.
    pub latency: Duration,
    /// The `Retry-After` header as sent: seconds or an HTTP date (RFC 9110 section 10.2.3). At most 64 bytes.
    pub retry_after: Option<String>,
    /// The first kilobyte of the body as text: invalid UTF-8 and control characters are replaced, so that it can be
    /// stored and shown. It is the receiver's text: redact before showing it to anybody.
    pub response_snippet: String,
    /// Whether the body was read to its end within the budgets.
    pub body_complete: bool,
    /// What went wrong below or beside the status code; a 4xx or 5xx alone is none.
    pub error: Option<AttemptError>,
}

/// The same shape as everywhere in this crate: a stable class and a sentence.
pub type AttemptError = Failure;

impl Attempt {
    /// The receiver took it: 2xx, and nothing went wrong. A body that is too long or too slow does not undo a 2xx,
    /// since the receiver has the event by then; sending it again would only double it.
    pub fn is_success(&self) -> bool {
        self.error.is_none() && self.status.is_some_and(|status| (200..300).contains(&status))
    }

    fn new() -> Self {
        Self {
            decision: Decision::Allowed,
            connected_to: None,
            status: None,
            latency: Duration::ZERO,
            retry_after: None,
            response_snippet: String::new(),
            body_complete: false,
            error: None,
        }
    }

    fn blocked(&mut self, verdict: Verdict) {
        self.decision = Decision::Blocked(verdict.rule);
        self.connected_to = None;
        self.error = Some(Failure::new(class::URL_BLOCKED, verdict.detail));
    }
}

impl SafeClient {
    /// Builds the client once; it is meant to live as long as the process. Sends nothing.
    pub fn new(
        policy: Arc<UrlPolicy>,
        resolver: Resolver,
        budgets: Budgets,
        roots: TlsRoots,
    ) -> Result<Self, ClientError> {
        let core = Arc::new(Core::new(resolver, roots, budgets.pool())?);
        Ok(Self { policy, core, budgets })
    }

    /// Replaces the `User-Agent`, `Gatepost/<version>` by default. For use before the client is cloned.
    pub fn with_user_agent(mut self, user_agent: &str) -> Result<Self, ClientError> {
        Arc::get_mut(&mut self.core).ok_or(ClientError::UserAgent)?.set_user_agent(user_agent)?;
        Ok(self)
    }

    /// The policy that every attempt is judged by; also for judging a URL when it is first given.
    pub fn policy(&self) -> &UrlPolicy {
        &self.policy
    }

    /// Judges the URL and posts to it. One attempt is at most one request: nothing is repeated here that may have
    /// been sent.
    pub async fn post(&self, request: SafeRequest<'_>) -> Attempt {
        match Target::parse(request.url) {
            Ok(target) => self.post_target(&target, request.headers, request.body, request.timeout).await,
            Err(rule) => {
                let mut attempt = Attempt::new();
                attempt.blocked(Verdict::deny(rule));
                attempt
            }
        }
    }

    /// [`Self::post`] for a lane that has its URL parsed already. The target is judged again all the same.
    pub async fn post_target(
        &self,
        target: &Target,
        headers: &[(&str, &str)],
        body: Bytes,
        timeout: Duration,
    ) -> Attempt {
        let started = Instant::now();
        let mut attempt = Attempt::new();
        let mut progress = Progress::default();
        match self.policy.judge_target(target) {
            Err(rule) => attempt.blocked(Verdict::deny(rule)),
            Ok(_) => match self.core.request(Method::POST, target, headers, RequestBody::one(body)) {
                Err(failure) => attempt.error = Some(failure),
                Ok(request) => {
                    let deadline = started + timeout;
                    let sent = self.core.send(
                        target,
                        Some(&self.policy),
                        request,
                        (started + self.budgets.connect).min(deadline),
                        deadline,
                        &mut progress,
                    );
                    let outcome = sent.await;
                    attempt.connected_to = progress.peer;
                    self.record(target, outcome, deadline, &mut attempt).await;
                }
            },
        }
        attempt.latency = started.elapsed();
        attempt
    }

    async fn record(
        &self,
        target: &Target,
        outcome: Result<Exchange, Trouble>,
        deadline: Instant,
        attempt: &mut Attempt,
    ) {
        let mut exchange = match outcome {
            Ok(exchange) => exchange,
            Err(Trouble::Blocked(rule)) => return attempt.blocked(Verdict::deny(rule)),
            Err(Trouble::NotSent(failure) | Trouble::MaybeSent(failure)) => {
                attempt.error = Some(failure);
                return;
            }
        };
        let status = exchange.response.status();
        attempt.status = Some(status.as_u16());
        attempt.retry_after = exchange
            .response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .filter(|value| value.len() <= MAX_RETRY_AFTER)
            .map(str::to_owned);
        if status.is_redirection() {
            attempt.error = Some(Failure::new(
                class::REDIRECT_REFUSED,
                "the receiver redirects; give the final URL, redirects are never followed",
            ));
            return;
        }
        if status.is_informational() {
            attempt.error =
                Some(Failure::new(class::RESPONSE_INVALID, "the receiver answered with a protocol switch"));
            return;
        }

        let mut kept = Vec::new();
        let room = self.budgets.snippet_bytes;
        let keep = |data: &[u8]| kept.extend_from_slice(&data[..data.len().min(room - kept.len())]);
        let reading = body::read(exchange.response.body_mut(), self.budgets.body_bytes, keep);
        let end = timeout_at((Instant::now() + self.budgets.body).min(deadline), reading).await;
        attempt.response_snippet = printable(&kept, self.budgets.snippet_bytes);
        // A 2xx stands once its head is here; for any other status the attempt has failed anyway, and the status is
        // the better reason. So a bad body is noted, and its connection dropped, but it is not an error.
        if let Ok(BodyEnd::Complete) = end {
            attempt.body_complete = true;
            self.core.finish(target, exchange);
        }
    }
}

impl std::fmt::Debug for SafeClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SafeClient").field("budgets", &self.budgets).finish_non_exhaustive()
    }
}

/// Text of at most `limit` bytes that any store and terminal can hold.
fn printable(bytes: &[u8], limit: usize) -> String {
    let mut text = String::with_capacity(bytes.len());
    for c in String::from_utf8_lossy(bytes).chars() {
        let c = if c.is_control() && !matches!(c, '\n' | '\t') { char::REPLACEMENT_CHARACTER } else { c };
        if text.len() + c.len_utf8() > limit {
            break;
        }
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snippets_can_be_stored_and_shown() {
        assert_eq!(printable(b"ok\r\n\0\x1b[31m\xff", 1024), "ok\u{fffd}\n\u{fffd}\u{fffd}[31m\u{fffd}");
        assert_eq!(printable("ää".as_bytes(), 3), "ä");
        assert!(printable(&[0; 1024], 1024).len() <= 1024);
    }
}
