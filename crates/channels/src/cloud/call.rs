//! Calls that manage things at Meta: one place asks, reads the answer and tells refusals from failures.
//!
//! Unlike a send these are asked by somebody who waits, so nothing is tried again here and the answer goes back as it
//! is.

use bytes::Bytes;
use gatepost_net::{Method, TrustedBody, TrustedResponse};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{BadSetting, CloudChannel, CloudClient, Refusal};
use crate::graph::error::MetaError;
use gatepost_core::Secret;

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
        self.ask(Method::Get, &url, channel.token.expose(), TrustedBody::Empty).await
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
        self.ask(Method::Post, &url, channel.token.expose(), body).await
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
        self.ask(Method::Delete, &url, channel.token.expose(), TrustedBody::Empty).await
    }

    /// One call and its answer, read.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        url: &Secret<String>,
        bearer: &str,
        body: TrustedBody,
    ) -> Result<T, CallError> {
        let answer = self
            .call(method, url, bearer, body)
            .await
            .map_err(|e| CallError::Unreachable(e.failure().detail.clone()))?;
        parse(&answer)
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
