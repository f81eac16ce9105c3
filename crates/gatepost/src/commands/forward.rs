//! Passing events on to a local URL, as a delivery to an endpoint would come.

use std::time::Duration;

use bytes::Bytes;
use gatepost_app::SystemClock;
use gatepost_core::Clock as _;
use gatepost_net::{Method, TrustedBody, TrustedClient, TrustedRequest, TrustedResponse};
use gatepost_vault::{SigningKey, SystemEntropy, WebhookSecret, delivery_headers};
use serde_json::json;

use crate::failure::{Failure, Result};
use crate::installation::{resolver, trusted_client};
use crate::output::{Output, Tint};

/// As long as a delivery waits.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How much of a bad answer is shown, characters.
const SHOWN: usize = 300;

/// Where events are forwarded to.
pub struct Forward {
    url: String,
    key: SigningKey,
    http: TrustedClient,
}

impl Forward {
    /// Says what the receiver has to know to verify what comes.
    pub fn new(url: &str, secret: Option<&str>, output: Output) -> Result<Self> {
        let secret = match secret {
            Some(text) => {
                WebhookSecret::parse(text).map_err(|error| Failure::usage(format!("--secret: {error}")))?
            }
            None => WebhookSecret::generate(&SystemEntropy),
        };
        let key = secret.signing_key().map_err(Failure::failed)?;
        output.note(format_args!("Forwarding to {url}, signed with {}", secret.expose()));
        Ok(Self { url: url.to_owned(), key, http: trusted_client(resolver()?)? })
    }

    /// Posts an event once, and says what became of it.
    pub async fn pass_on(&self, id: &str, event_type: &str, body: &str, output: Output) {
        match self.post(id, event_type, body).await {
            Ok(answer) => {
                let words = said(&answer);
                let mut told = json!({ "forwarded": id, "status": answer.status });
                let mut line = format!("          forwarded: {}", answer.status);
                let tint = if answer.is_success() { Tint::Dim } else { Tint::Yellow };
                if !answer.is_success() && !words.is_empty() {
                    told["answer"] = json!(words);
                    line = format!("{line} {words:?}");
                }
                output.data(&told);
                output.say(output.tint(tint, line));
            }
            Err(why) => {
                output.data(&json!({ "forwarded": id, "error": why }));
                output.say(output.tint(Tint::Red, format_args!("          not forwarded: {why}")));
            }
        }
    }

    async fn post(&self, id: &str, event_type: &str, body: &str) -> Result<TrustedResponse, String> {
        let seconds = SystemClock.now().seconds();
        let keys = std::slice::from_ref(&self.key);
        let signed = delivery_headers(id, event_type, seconds, body.as_bytes(), keys);
        let signed = signed.map_err(|error| error.to_string())?;
        let headers = signed.each_ref().map(|(name, value)| (*name, value.as_str()));
        let request = TrustedRequest {
            method: Method::Post,
            url: &self.url,
            bearer: None,
            headers: &headers,
            body: TrustedBody::Json(Bytes::from(body.to_owned())),
            timeout: TIMEOUT,
        };
        self.http.send(request).await.map_err(|error| error.failure().detail.clone())
    }
}

/// The beginning of an answer's body.
fn said(answer: &TrustedResponse) -> String {
    String::from_utf8_lossy(&answer.body).trim().chars().take(SHOWN).collect()
}
