//! The public API as a customer's program calls it; `send`, `listen` and the demo do.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use gatepost_core::Secret;
use gatepost_net::{Method, SendError, TrustedBody, TrustedClient, TrustedRequest};
use serde_json::Value;

use crate::answer;
use crate::failure::{Failure, Result};
use crate::installation::data_dir::Places;
use crate::installation::{resolver, trusted_client};

const TIMEOUT: Duration = Duration::from_secs(35);

/// A key at an address.
#[derive(Clone)]
pub struct Api {
    http: TrustedClient,
    base: String,
    key: Secret<String>,
}

impl Api {
    pub fn new(base: &str, key: Secret<String>) -> Result<Self> {
        Ok(Self { http: trusted_client(resolver()?)?, base: base.trim_end_matches('/').to_owned(), key })
    }

    /// The same address with another key.
    #[must_use]
    pub fn with_key(&self, key: Secret<String>) -> Self {
        Self { key, ..self.clone() }
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    pub async fn get(&self, path: &str) -> Result<Value> {
        self.call(Method::Get, path, None, None).await
    }

    pub async fn post(&self, path: &str, body: &Value, idempotency_key: Option<&str>) -> Result<Value> {
        self.call(Method::Post, path, Some(body), idempotency_key).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        idempotency_key: Option<&str>,
    ) -> Result<Value> {
        let headers: Vec<(&str, &str)> =
            idempotency_key.map(|key| ("idempotency-key", key)).into_iter().collect();
        let answer = self
            .http
            .send(TrustedRequest {
                method,
                url: &format!("{}{path}", self.base),
                bearer: Some(self.key.expose()),
                headers: &headers,
                body: body
                    .map_or(TrustedBody::Empty, |body| TrustedBody::Json(Bytes::from(body.to_string()))),
                timeout: TIMEOUT,
            })
            .await
            .map_err(|error| self.unreachable(&error))?;
        answer::read(answer.status, &answer.body)
    }

    fn unreachable(&self, error: &SendError) -> Failure {
        Failure::failed(format!("{} did not answer: {}", self.base, error.failure().detail))
            .hint("is the server running (gatepost serve)? Another address goes into --url or GATEPOST_URL")
    }
}

/// The address to talk to: the one that was named, or the one of the server in this data directory.
pub fn base_url(named: Option<&str>, data_dir: &Path) -> Result<String> {
    if let Some(url) = named {
        return Ok(url.to_owned());
    }
    match std::fs::read_to_string(Places::new(data_dir).address()) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(_) => Err(Failure::failed(format!("no server runs in {}", data_dir.display()))
            .hint("start one (gatepost serve), or say where one is: --url https://gatepost.example.com")),
    }
}
