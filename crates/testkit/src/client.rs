//! A caller of the API.

use serde_json::Value;

/// A caller with one key (or none).
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    key: Option<String>,
}

/// What the server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    /// The body, as far as it is UTF-8.
    pub text: String,
    pub bytes: bytes::Bytes,
}

impl Answer {
    /// The body as JSON; null when it is not.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// The problem's code, or the error's name where LoginWA's clients are answered; or nothing.
    pub fn code(&self) -> String {
        let body = self.json();
        body["code"].as_str().or(body["error"].as_str()).unwrap_or_default().to_owned()
    }

    /// # Panics
    /// When the status is another.
    #[expect(clippy::return_self_not_must_use, reason = "an assertion is of use without its value")]
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }
}

impl Client {
    #[expect(clippy::disallowed_methods, reason = "tests call over loopback")]
    /// A caller of the server at `base`.
    ///
    /// # Panics
    /// Never in practice: a client without TLS needs nothing.
    pub fn new(base: &str, key: Option<String>) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client without TLS needs nothing");
        Self { http, base: base.to_owned(), key }
    }

    /// A caller that sees redirects as they are.
    #[expect(clippy::disallowed_methods, reason = "tests call over loopback")]
    pub(crate) fn without_redirects(base: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
        Self { http: http.expect("a client without TLS needs nothing"), base: base.to_owned(), key: None }
    }

    /// The same connection pool with another key.
    #[must_use]
    pub fn with_key(&self, key: Option<&str>) -> Self {
        Self { http: self.http.clone(), base: self.base.clone(), key: key.map(str::to_owned) }
    }

    /// The key in use.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, &[], Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.call("PATCH", path, &[], Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, &[], None).await
    }

    /// # Panics
    /// When no answer comes at all.
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let bytes = body.map(|b| b.to_string().into_bytes());
        self.raw(method, path, headers, bytes).await
    }

    /// `None` when no whole answer came: nobody listens, or the connection was cut.
    pub async fn try_call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Option<Answer> {
        self.attempt(method, path, headers, body.map(|b| b.to_string().into_bytes())).await.ok()
    }

    /// [`Client::raw`], and `None` when no whole answer came.
    pub async fn try_raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Option<Answer> {
        self.attempt(method, path, headers, body).await.ok()
    }

    /// # Panics
    /// When no answer comes at all.
    pub async fn raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Answer {
        self.attempt(method, path, headers, body).await.expect("an answer")
    }

    async fn attempt(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> reqwest::Result<Answer> {
        Self::whole(self.begin(method, path, headers, body).await?).await
    }

    /// The head of the answer.
    pub(crate) async fn begin(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> reqwest::Result<reqwest::Response> {
        let method: reqwest::Method = method.parse().expect("a method");
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        if let Some(body) = body {
            if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                request = request.header("content-type", "application/json");
            }
            request = request.body(body);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await
    }

    pub(crate) async fn whole(answer: reqwest::Response) -> reqwest::Result<Answer> {
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        // A stream has no end: its head is the answer.
        let endless = headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let bytes = if endless { bytes::Bytes::new() } else { answer.bytes().await? };
        Ok(Answer { status, headers, text: String::from_utf8_lossy(&bytes).into_owned(), bytes })
    }
}
