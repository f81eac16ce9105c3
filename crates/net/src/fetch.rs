//! Answers of [`SafeClient`] that are read whole: for places that a customer named and whose answer is used, such as an
//! identity provider's.
//!
//! Threat: the same as for deliveries, with two differences. The answer goes into a parser, so it must be complete, or it
//! is none: too long, too slow, cut and redirected answers are failures here. And the request may carry a credential (a
//! client's secret, an access token), so what is called is exactly the URL that was given; nothing is repeated, and
//! nothing of the answer names a next request.

use std::time::Duration;

use bytes::Bytes;
use hyper::header::HeaderMap;
use tokio::time::{Instant, timeout_at};

use crate::body::{self, BodyEnd, RequestBody};
use crate::client::{Progress, Trouble};
use crate::failure::{Failure, Stage, class};
use crate::safe::SafeClient;
use crate::target::Target;
use crate::trusted::Method;
use crate::verdict::{Rule, Verdict};

/// One call whose answer is wanted. Not `Debug`: headers and body may hold credentials.
pub struct SafeFetch<'a> {
    /// The method.
    pub method: Method,
    /// The URL as stored.
    pub url: &'a str,
    /// Names and values; `content-type` comes from here too. What the client writes itself is refused, as in
    /// [`crate::SafeRequest::headers`].
    pub headers: &'a [(&'a str, &'a str)],
    /// The body; empty for none.
    pub body: Bytes,
    /// Largest body of the answer, bytes.
    pub max_bytes: usize,
    /// The deadline over everything, from now.
    pub timeout: Duration,
}

/// A complete answer, whatever its status but a redirect. Not `Debug`: it may hold a token.
pub struct Fetched {
    /// Status code, 200 to 299 or 400 to 599.
    pub status: u16,
    headers: HeaderMap,
    /// The body, complete, not decompressed.
    pub body: Bytes,
}

impl Fetched {
    /// The first value of a header, if it is text. Names are case-insensitive.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl SafeClient {
    /// Judges the URL, calls it once, and reads the answer to its end.
    ///
    /// # Errors
    /// `url_blocked` where the policy refuses the URL, an address behind its name or the connected peer;
    /// `redirect_refused` for any 3xx; otherwise what went wrong on the way, one of the names in [`class`].
    pub async fn fetch(&self, fetch: SafeFetch<'_>) -> Result<Fetched, Failure> {
        let deadline = Instant::now() + fetch.timeout;
        let target = Target::parse(fetch.url).map_err(blocked)?;
        self.policy.judge_target(&target).map_err(blocked)?;
        let body = if fetch.body.is_empty() { RequestBody::default() } else { RequestBody::one(fetch.body) };
        let request = self.core.request(fetch.method.hyper(), &target, fetch.headers, body)?;
        let connect_by = (Instant::now() + self.budgets.connect).min(deadline);
        let mut progress = Progress::default();
        let sent =
            self.core.send(&target, Some(&self.policy), request, connect_by, deadline, &mut progress).await;
        let mut exchange = sent.map_err(|trouble| match trouble {
            Trouble::Blocked(rule) => blocked(rule),
            Trouble::NotSent(failure) | Trouble::MaybeSent(failure) => failure,
        })?;
        let status = exchange.response.status();
        if status.is_redirection() {
            return Err(Failure::new(class::REDIRECT_REFUSED, "the answer points elsewhere"));
        }
        if status.is_informational() {
            return Err(Failure::new(class::RESPONSE_INVALID, "the answer was a protocol switch"));
        }
        let mut collected = Vec::new();
        let keep = |data: &[u8]| collected.extend_from_slice(data);
        let reading = body::read(exchange.response.body_mut(), fetch.max_bytes, keep);
        match timeout_at(deadline, reading).await {
            Ok(BodyEnd::Complete) => {}
            Ok(BodyEnd::OverBudget) => {
                return Err(Failure::new(class::RESPONSE_TOO_LARGE, "the body of the answer is too large"));
            }
            Ok(BodyEnd::Cut(error)) => return Err(Failure::from_hyper(&error)),
            Err(_) => return Err(Stage::Body.timed_out()),
        }
        let headers = std::mem::take(exchange.response.headers_mut());
        self.core.finish(&target, exchange);
        Ok(Fetched { status: status.as_u16(), headers, body: collected.into() })
    }
}

fn blocked(rule: Rule) -> Failure {
    Failure::new(class::URL_BLOCKED, Verdict::deny(rule).detail)
}
