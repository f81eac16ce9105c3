//! The client of Meta's Cloud API.
//!
//! Stateless: who sends, with which token, to which version and host comes with every call, so one client serves all
//! channels of all workspaces and a test channel differs from a live one by its base URL alone.
//!
//! Threat note. Defends against: a token reaching another host than the configured one (no redirects, no proxies, ids
//! that could change the path are refused), an answer that cannot be read being taken for success or for failure, and
//! answers of any size or shape. Does not defend against: a base URL that the operator set to the wrong host.

mod call;
mod check;
mod management;
mod media;
mod numbers;
mod outcome;
mod profile;
mod read;
mod subscriptions;
mod templates;

use std::time::Duration;

use bytes::Bytes;
use gatepost_core::Secret;
use gatepost_core::message::OutboundMessage;
use gatepost_net::{Method, SendError, TrustedBody, TrustedClient, TrustedRequest, TrustedResponse};
use gatepost_vault::AppSecret;

use crate::graph::send::SendRequest;

pub use call::CallError;
pub use check::{ChannelCheck, Finding, TOKEN_WARNING, TokenCheck};
pub use management::{MANAGEMENT_CALLS_PER_HOUR, MANAGEMENT_CALLS_PER_HOUR_MAX};
pub use media::{MediaDownload, MediaError, MediaUpload, UPLOAD_TIMEOUT};
pub use numbers::{CodeMethod, NumberDetails, NumberSetting, Pin, WebhookConfiguration};
pub use outcome::{Refusal, SendOutcome};
pub use profile::{BusinessProfile, ProfileChange};
pub use subscriptions::{CallbackOverride, SubscribedApp};
pub use templates::{MetaTemplate, NewTemplate, TemplateEdit, TemplateMade, TemplatePage};

/// How long a call may take in all. Meta answers a send within a second or two.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// A sender on Meta's Cloud API and how to reach it.
#[derive(Clone)]
pub struct CloudChannel {
    /// `https://graph.facebook.com`, or where a simulated Meta listens; with or without a slash at its end.
    pub base_url: String,
    /// `v25.0`.
    pub graph_version: String,
    pub phone_number_id: String,
    /// The account that management calls count against.
    pub waba_id: String,
    pub token: Secret<String>,
    /// The Meta app the token belongs to. With it every call carries `appsecret_proof` ("Securing Graph API Calls"),
    /// which makes a stolen token useless to others, and the token can be examined.
    pub app: Option<CloudApp>,
}

/// A Meta app.
#[derive(Clone)]
pub struct CloudApp {
    pub app_id: String,
    pub app_secret: Secret<String>,
}

/// The client. Cheap to clone.
#[derive(Clone)]
pub struct CloudClient {
    http: TrustedClient,
    timeout: Duration,
    limiter: management::Limiter,
}

/// The channel's own settings cannot make a request. Carries what is wrong, never the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct BadSetting(&'static str);

impl CloudClient {
    pub fn new(http: TrustedClient) -> Self {
        let limiter = management::Limiter::new(MANAGEMENT_CALLS_PER_HOUR);
        Self { http, timeout: CALL_TIMEOUT, limiter }
    }

    /// The same client with another limit on management calls of one Meta app and account: 1 to
    /// [`MANAGEMENT_CALLS_PER_HOUR_MAX`] an hour.
    #[must_use]
    pub fn with_management_limit(mut self, per_hour: u32) -> Self {
        self.limiter = management::Limiter::new(per_hour);
        self
    }

    /// The same client with another limit on the time of a call.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sends one message, once. Tries nothing again: when to do that is for the caller and [`crate::errors`].
    pub async fn send(&self, channel: &CloudChannel, message: &OutboundMessage) -> SendOutcome {
        let url = match channel.url(&channel.phone_number_id, "/messages", &[]) {
            Ok(url) => url,
            Err(bad) => return SendOutcome::from_setting(bad),
        };
        let Ok(body) = serde_json::to_vec(&SendRequest::new(message)) else {
            return SendOutcome::from_setting(BadSetting("the message cannot be written as JSON"));
        };
        let body = TrustedBody::Json(Bytes::from(body));
        SendOutcome::from_answer(self.call(Method::Post, &url, channel.token.expose(), body).await)
    }

    async fn call(
        &self,
        method: Method,
        url: &Secret<String>,
        bearer: &str,
        body: TrustedBody,
    ) -> Result<TrustedResponse, SendError> {
        let request = TrustedRequest {
            method,
            url: url.expose(),
            bearer: Some(bearer),
            headers: &[("accept", "application/json")],
            body,
            timeout: self.timeout,
        };
        self.http.send(request).await
    }
}

impl CloudChannel {
    /// The address of an object, with a proof of the token where the app is known. Secret, because a query may hold a
    /// token under examination.
    fn url(&self, object: &str, tail: &str, query: &[(&str, &str)]) -> Result<Secret<String>, BadSetting> {
        if !is_id(object) {
            return Err(BadSetting("an id holds other characters than letters, digits, '.', '-' and '_'"));
        }
        let version = self.graph_version.strip_prefix('v').unwrap_or_default();
        if version.is_empty() || !version.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return Err(BadSetting("the Graph API version has not the form v25.0"));
        }
        let mut url = format!("{}/v{version}/{object}{tail}", self.base_url.trim_end_matches('/'));
        let mut separator = '?';
        let mut add = |name: &str, value: &str| {
            url.push(separator);
            separator = '&';
            url.push_str(name);
            url.push('=');
            push_encoded(&mut url, value);
        };
        for (name, value) in query {
            add(name, value);
        }
        if let Some(app) = &self.app {
            let secret =
                AppSecret::new(app.app_secret.expose()).map_err(|_| BadSetting("the app secret is empty"))?;
            add("appsecret_proof", &secret.proof(self.token.expose()));
        }
        Ok(Secret::new(url))
    }
}

fn is_id(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    !text.is_empty() && text != "." && text != ".." && text.bytes().all(plain)
}

/// Percent-encodes all but the unreserved characters (RFC 3986, section 2.3) and the comma of field lists.
pub(crate) fn push_encoded(out: &mut String, value: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b',') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod manage_tests;
#[cfg(test)]
mod tests;
