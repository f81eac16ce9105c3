//! `/operator/v1/setup-token`: another token to set the installation up with.

use axum::extract::State;
use gatepost_app::App;
use gatepost_core::Code;
use gatepost_core::access::operator_permission::UserManage;
use serde_json::json;

use crate::access::{Operator, post};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

pub fn routes() -> Vec<Route<App>> {
    vec![
        post("/operator/v1/setup-token", setup_token_make)
            .id("setupTokenCreate")
            .summary("Make a token to set the installation up with")
            .description("Good once and for an hour, while nobody is the installation's operator; older ones are void.")
            .tag("Installation")
            .answer::<wire::SetupToken<'static>>(200, "The token, shown this once.", json!({
                "token": "3fKq9aTz3fKq9aTz3fKq9aTz3fKq9aTz3fKq9aTz3fK",
                "url": "http://localhost:8080/setup",
                "expires_at": "2026-11-01T10:30:00Z",
            }))
            .fails(&[Code::Conflict]),
    ]
}

async fn setup_token_make(operator: Operator<UserManage>, State(app): State<App>) -> Answer {
    let made = app.setup_token_make(&operator).await?;
    Ok(reply::ok(&wire::SetupToken::of(&made, app.setup_url())))
}
