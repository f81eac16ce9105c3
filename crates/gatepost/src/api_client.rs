//! The public API as a customer's program calls it; `send`, `listen` and the demo do.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use gatepost_core::Secret;
use gatepost_core::media::BYTES_MAX;
use gatepost_net::{
    BodyStream, Download, DownloadBudgets, Method, Reach, SendError, TrustedBody, TrustedClient,
    TrustedRequest, TrustedResponse,
};
use serde_json::Value;

use crate::answer;
use crate::event_source::EventSource;
use crate::failure::{Failure, Result};
use crate::installation::data_dir::Places;
use crate::installation::{resolver, trusted_client};

const TIMEOUT: Duration = Duration::from_secs(35);
/// What a file may cost in either direction; the server gives up a little earlier and says why.
const FILE: DownloadBudgets =
    DownloadBudgets { bytes: BYTES_MAX, idle: Duration::from_mins(1), total: Duration::from_mins(7) };
/// What a stream of events may cost: it has no end, but a heartbeat every 15 seconds.
const STREAM: DownloadBudgets = DownloadBudgets {
    bytes: u64::MAX,
    idle: Duration::from_secs(50),
    total: Duration::from_hours(10 * 365 * 24),
};
/// Largest refusal that is read, bytes.
const PROBLEM_MAX: usize = 64 * 1024;

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

    /// The bytes of a good answer, for whoever passes parts of it on as they are.
    pub async fn get_bytes(&self, path: &str) -> Result<Bytes> {
        let answer = self.send(Method::Get, path, TrustedBody::Empty, None, TIMEOUT).await?;
        answer::read(answer.status, &answer.body)?;
        Ok(answer.body)
    }

    pub async fn post(&self, path: &str, body: &Value, idempotency_key: Option<&str>) -> Result<Value> {
        self.call(Method::Post, path, Some(body), idempotency_key).await
    }

    pub async fn delete(&self, path: &str) -> Result<Value> {
        self.call(Method::Delete, path, None, None).await
    }

    /// Sends a file as the body.
    pub async fn upload(
        &self,
        path: &str,
        media_type: &str,
        file: BodyStream,
        idempotency_key: Option<&str>,
    ) -> Result<Value> {
        let body = TrustedBody::Stream(media_type.to_owned(), file);
        self.exchange(Method::Post, path, body, idempotency_key, FILE.total).await
    }

    /// Begins to fetch a file.
    pub async fn download(&self, path: &str) -> Result<Download> {
        self.begin(path, &[], FILE.total, FILE).await
    }

    /// Opens a stream of events, after the last place that was heard of.
    pub async fn listen(&self, path: &str, last: Option<&str>) -> Result<EventSource> {
        let mut headers = vec![("accept", "text/event-stream")];
        headers.extend(last.map(|id| ("last-event-id", id)));
        let answer = self.begin(path, &headers, TIMEOUT, STREAM).await?;
        match answer.header("content-type").and_then(|kind| kind.split(';').next()) {
            Some("text/event-stream") => Ok(EventSource::new(answer)),
            _ => Err(Failure::failed("the answer is no stream of events: is this a Gatepost's address?")),
        }
    }

    /// Begins to read an answer that is no JSON.
    async fn begin(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        timeout: Duration,
        budgets: DownloadBudgets,
    ) -> Result<Download> {
        let url = format!("{}{path}", self.base);
        let request = TrustedRequest {
            method: Method::Get,
            url: &url,
            bearer: Some(self.key.expose()),
            headers,
            body: TrustedBody::Empty,
            timeout,
        };
        let download = self.http.download(request, Reach::Configured, budgets).await;
        let mut download = download.map_err(|error| self.unreachable(&error))?;
        if download.status() == 200 {
            return Ok(download);
        }
        let mut body = Vec::new();
        while body.len() < PROBLEM_MAX
            && let Ok(Some(piece)) = download.next().await
        {
            body.extend_from_slice(&piece);
        }
        match answer::read(download.status(), &body) {
            Err(refused) => Err(refused),
            Ok(_) => Err(Failure::failed("the answer is no file: is this a Gatepost's address?")),
        }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        idempotency_key: Option<&str>,
    ) -> Result<Value> {
        let body = body.map_or(TrustedBody::Empty, |body| TrustedBody::Json(Bytes::from(body.to_string())));
        self.exchange(method, path, body, idempotency_key, TIMEOUT).await
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: TrustedBody,
        idempotency_key: Option<&str>,
        timeout: Duration,
    ) -> Result<Value> {
        let answer = self.send(method, path, body, idempotency_key, timeout).await?;
        answer::read(answer.status, &answer.body)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: TrustedBody,
        idempotency_key: Option<&str>,
        timeout: Duration,
    ) -> Result<TrustedResponse> {
        let headers: Vec<(&str, &str)> =
            idempotency_key.map(|key| ("idempotency-key", key)).into_iter().collect();
        self.http
            .send(TrustedRequest {
                method,
                url: &format!("{}{path}", self.base),
                bearer: Some(self.key.expose()),
                headers: &headers,
                body,
                timeout,
            })
            .await
            .map_err(|error| self.unreachable(&error))
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
