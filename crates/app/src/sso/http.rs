//! The calls to a provider: short, bounded, and nowhere but through `SafeClient`.

use std::time::Duration;

use bytes::Bytes;
use gatepost_net::{Failure, Fetched, Method, SafeClient, SafeFetch};
use serde::de::DeserializeOwned;

/// Largest answer, bytes. Microsoft's key set has some 20 kB; a token with many groups in it, 50 kB.
const MAX_ANSWER: usize = 256 * 1024;

/// The way to providers.
pub(super) struct Caller {
    safe: SafeClient,
    timeout: Duration,
}

impl Caller {
    pub fn new(safe: SafeClient, timeout: Duration) -> Self {
        Self { safe, timeout }
    }

    /// Whether the address policy lets a URL be called, as far as its text says; with the rule that forbids it.
    pub fn judge(&self, url: &str) -> Result<(), &'static str> {
        let verdict = self.safe.policy().check_url(url);
        if verdict.allow { Ok(()) } else { Err(verdict.rule) }
    }

    pub async fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Fetched, Failure> {
        self.call(Method::Get, url, headers, Bytes::new()).await
    }

    /// Sends a form.
    pub async fn post(&self, url: &str, headers: &[(&str, &str)], form: String) -> Result<Fetched, Failure> {
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/x-www-form-urlencoded"));
        self.call(Method::Post, url, &headers, Bytes::from(form)).await
    }

    async fn call(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Fetched, Failure> {
        let (max_bytes, timeout) = (MAX_ANSWER, self.timeout);
        self.safe.fetch(SafeFetch { method, url, headers, body, max_bytes, timeout }).await
    }
}

/// The JSON document of a good answer; `None` for any other status, type or text.
pub(super) fn document<T: DeserializeOwned>(answer: &Fetched) -> Option<T> {
    let kind = answer.header("content-type")?.split(';').next()?.trim().to_ascii_lowercase();
    let json = kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"));
    (answer.status == 200 && json).then(|| serde_json::from_slice(&answer.body).ok()).flatten()
}
