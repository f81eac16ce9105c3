//! Setting the installation up.

use gatepost_app::SetupToken as Made;
use gatepost_core::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// A token to set the installation up with.
#[derive(Serialize, ToSchema)]
pub struct SetupToken<'a> {
    token: &'a str,
    /// Where it is asked for.
    url: String,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

impl<'a> SetupToken<'a> {
    pub fn of(made: &'a Made, url: String) -> Self {
        Self { token: made.token.expose(), url, expires_at: made.expires_at }
    }
}
