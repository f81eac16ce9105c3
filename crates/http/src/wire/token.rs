//! Access tokens.

use gatepost_app::TokensIssued;
use gatepost_core::channel::Mode;
use gatepost_core::{Secret, Timestamp, WorkspaceId};
use serde::Serialize;
use utoipa::ToSchema;

use super::parse;
use crate::json::{Body, Object, Value};

/// Longer than any token of ours, in bytes.
const TOKEN_MAX: usize = 512;

/// What an access token is to be good for.
#[derive(Default, ToSchema)]
pub struct TokenIssue {
    /// Needed for a session; that of the key otherwise, and need not be said.
    #[schema(value_type = Option<String>)]
    pub workspace_id: Option<WorkspaceId>,
    /// `test` or `live`. Needed for a session; that of the key otherwise, and need not be said.
    #[schema(value_type = Option<String>, example = "test")]
    pub mode: Option<Mode>,
}

impl Body for TokenIssue {
    type Shape = Self;
    const MAY_BE_EMPTY: bool = true;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let workspace_id = object.optional("workspace_id", parse::id);
        let mode = object.optional("mode", parse::mode);
        Some(Self { workspace_id: workspace_id?, mode: mode? })
    }
}

/// A refresh token to use.
#[derive(ToSchema)]
pub struct TokenRefresh {
    #[schema(value_type = String)]
    pub refresh_token: Secret<String>,
}

impl Body for TokenRefresh {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        Some(Self { refresh_token: object.required("refresh_token", token)? })
    }
}

/// A token to end.
#[derive(ToSchema)]
pub struct TokenRevoke {
    /// An access token or a refresh token.
    #[schema(value_type = String)]
    pub token: Secret<String>,
}

impl Body for TokenRevoke {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        Some(Self { token: object.required("token", token)? })
    }
}

/// Any text that could be one: whether it is, is for whoever looks it up to say.
fn token(value: Value<'_>) -> Option<Secret<String>> {
    value.parse(|written| {
        if (1..=TOKEN_MAX).contains(&written.len()) && written.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Secret::new(written.to_owned()))
        } else {
            Err("expected a token, as it was given")
        }
    })
}

/// An access token, and the one that gets the next.
#[derive(Serialize, ToSchema)]
pub struct Tokens<'a> {
    access_token: &'a str,
    /// How to present it: `Authorization: Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds.
    #[schema(example = 900)]
    expires_in: u64,
    refresh_token: &'a str,
    #[schema(value_type = String, format = DateTime)]
    refresh_expires_at: Timestamp,
    #[schema(value_type = String, example = "ws_01kagq5rh8e5htqh9sk95d3x4w")]
    workspace_id: WorkspaceId,
    /// `test` or `live`.
    #[schema(value_type = String, example = "test")]
    mode: &'static str,
}

impl<'a> From<&'a TokensIssued> for Tokens<'a> {
    fn from(issued: &'a TokensIssued) -> Self {
        Self {
            access_token: issued.access.expose(),
            token_type: "Bearer",
            expires_in: issued.expires_in.as_secs(),
            refresh_token: issued.refresh.expose(),
            refresh_expires_at: issued.refresh_expires_at,
            workspace_id: issued.workspace,
            mode: issued.mode.as_str(),
        }
    }
}
