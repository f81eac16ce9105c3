//! Calls that manage things at Meta: one place asks, reads the answer and tells refusals from failures.
//!
//! Unlike a send these are asked by somebody who waits, so nothing is tried again here and the answer goes back as it
//! is.

use std::time::Duration;

use bytes::Bytes;
use gatepost_net::{Method, TrustedBody, TrustedResponse};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::management::Account;
use super::{BadSetting, CloudChannel, CloudClient, Refusal};
use crate::graph::error::MetaError;
use gatepost_core::Secret;
use tokio::time::Instant;

/// Refusals that say that the app asked too often: of the app, of a user, of the account ("Rate limits").
const CALL_LIMITS: [i64; 4] = [4, 17, 613, 80_007];
/// How long to leave Meta alone after one that names no time.
const LIMIT_PAUSE: Duration = Duration::from_mins(1);

/// Why a call to Meta brought nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// Meta answered with an error.
    #[error("meta refused: {}", .0.title)]
    Refused(Box<Refusal>),
    #[error("meta could not be reached: {0}")]
    Unreachable(String),
    #[error("meta's answer could not be read")]
    Unreadable,
    /// Not asked: the app's limit of management calls for this account is used up.
    #[error("meta's limit of management calls is used up for {} s", .0.as_secs())]
    Limited(Duration),
    /// The channel's own settings cannot make a request.
    #[error("{0}")]
    Setting(&'static str),
}

impl From<BadSetting> for CallError {
    fn from(bad: BadSetting) -> Self {
        Self::Setting(bad.0)
    }
}

/// What Meta answers to most changes: `{"success":true}`.
#[derive(Deserialize)]
pub(crate) struct Done {
    success: bool,
}

impl Done {
    /// A change that Meta answered without an error and without success did not happen for all we know.
    pub fn ok(self) -> Result<(), CallError> {
        if self.success { Ok(()) } else { Err(CallError::Unreadable) }
    }
}

impl CloudClient {
    /// `GET /{object}{tail}?query` as the channel.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        channel: &CloudChannel,
        object: &str,
        tail: &str,
        query: &[(&str, &str)],
    ) -> Result<T, CallError> {
        let url = channel.url(object, tail, query)?;
        self.manage(channel, Method::Get, &url, channel.token.expose(), TrustedBody::Empty).await
    }

    /// `POST /{object}{tail}` with a JSON body as the channel.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        channel: &CloudChannel,
        object: &str,
        tail: &str,
        body: &impl Serialize,
    ) -> Result<T, CallError> {
        let url = channel.url(object, tail, &[])?;
        let body =
            serde_json::to_vec(body).map_err(|_| CallError::Setting("the request cannot be written"))?;
        let body = TrustedBody::Json(Bytes::from(body));
        self.manage(channel, Method::Post, &url, channel.token.expose(), body).await
    }

    /// `DELETE /{object}{tail}?query` as the channel.
    pub(crate) async fn delete<T: DeserializeOwned>(
        &self,
        channel: &CloudChannel,
        object: &str,
        tail: &str,
        query: &[(&str, &str)],
    ) -> Result<T, CallError> {
        let url = channel.url(object, tail, query)?;
        self.manage(channel, Method::Delete, &url, channel.token.expose(), TrustedBody::Empty).await
    }

    /// One call that counts against Meta's limit of management calls; over the limit it is not made.
    pub(crate) async fn manage<T: DeserializeOwned>(
        &self,
        channel: &CloudChannel,
        method: Method,
        url: &Secret<String>,
        bearer: &str,
        body: TrustedBody,
    ) -> Result<T, CallError> {
        let account = Account::of(channel);
        self.limiter.take(&account, Instant::now()).map_err(CallError::Limited)?;
        let answer = self.exchange(method, url, bearer, body).await?;
        self.limiter.heed(&account, &answer, Instant::now());
        let read = parse(&answer);
        if let Err(CallError::Refused(refusal)) = &read
            && refusal.code.is_some_and(|code| CALL_LIMITS.contains(&code))
        {
            self.limiter.close(&account, Instant::now() + refusal.retry_after.unwrap_or(LIMIT_PAUSE));
        }
        read
    }

    /// One call and its answer, read. Counts against no limit of ours.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        url: &Secret<String>,
        bearer: &str,
        body: TrustedBody,
    ) -> Result<T, CallError> {
        parse(&self.exchange(method, url, bearer, body).await?)
    }

    async fn exchange(
        &self,
        method: Method,
        url: &Secret<String>,
        bearer: &str,
        body: TrustedBody,
    ) -> Result<TrustedResponse, CallError> {
        let answer = self.call(method, url, bearer, body).await;
        answer.map_err(|e| CallError::Unreachable(e.failure().detail.clone()))
    }
}

fn parse<T: DeserializeOwned>(answer: &TrustedResponse) -> Result<T, CallError> {
    // Meta answers some errors with 200, so the envelope is looked for first.
    if let Some(error) = MetaError::from_answer(&answer.body) {
        return Err(CallError::Refused(Box::new(Refusal::new(answer, Some(error)))));
    }
    if !answer.is_success() {
        return Err(CallError::Refused(Box::new(Refusal::new(answer, None))));
    }
    serde_json::from_slice(&answer.body).map_err(|_| CallError::Unreadable)
}
