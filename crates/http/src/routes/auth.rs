//! `/v1/auth/token`: access tokens for machines and mobile apps.

use axum::extract::State;
use axum::response::Response;
use gatepost_app::{App, TokensIssued};
use gatepost_core::{Code, Error, FieldError};
use serde_json::{Value, json};

use crate::access::{Holder, Public, post};
use crate::body::Json;
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::session::From;
use crate::wire;

const ABOUT: &str = "For machines and mobile apps that shall not hold a key or a session itself. Present an API key, or the cookie of a session with the header X-CSRF-Token of one of its pages. The access token is a bearer of the other routes for its one workspace and mode; it does nothing that asks people for a fresh proof (reauth_required), and ends with what it was exchanged for, on every node, at once.";

pub fn routes() -> Vec<Route<App>> {
    vec![
        post("/v1/auth/token", token_issue)
            .id("tokenIssue")
            .summary("Exchange a session or an API key for an access token")
            .description(ABOUT)
            .tag("Access tokens")
            .takes_session()
            .optional_body::<wire::TokenIssue>(json!({ "mode": "test" }))
            .answer::<wire::Tokens<'static>>(200, "The tokens, shown this once.", example())
            .fails(&[
                Code::AccessTokenExpired,
                Code::AccessTokenEnded,
                Code::PermissionMissing,
                Code::TestModeOnly,
                Code::LiveModeOnly,
                Code::NotFound,
                Code::SecondFactorRequired,
                Code::SsoRequired,
            ]),
        post("/v1/auth/token/refresh", token_refresh)
            .id("tokenRefresh")
            .summary("Get the next access token")
            .description("A refresh token is good once: the answer brings the next one. Where one is presented a second time somebody else may hold it, so all tokens of its exchange are void.")
            .tag("Access tokens")
            .body::<wire::TokenRefresh>(json!({ "refresh_token": "gp_rt_3fKq" }))
            .answer::<wire::Tokens<'static>>(200, "The tokens, shown this once.", example())
            .fails(&[Code::RefreshTokenInvalid, Code::RateLimited]),
        post("/v1/auth/token/revoke", token_revoke)
            .id("tokenRevoke")
            .summary("End an access token and all that came with it")
            .description("Takes an access token or a refresh token, and ends the whole exchange. Answers alike for what is none of ours (RFC 7009).")
            .tag("Access tokens")
            .body::<wire::TokenRevoke>(json!({ "token": "gp_rt_3fKq" }))
            .answers_nothing("Whatever it was, it opens nothing any more.")
            .fails(&[Code::RateLimited]),
    ]
}

fn example() -> Value {
    json!({
        "access_token": "gp_at_3fKq",
        "token_type": "Bearer",
        "expires_in": 900,
        "refresh_token": "gp_rt_3fKq",
        "refresh_expires_at": "2026-11-02T09:30:00Z",
        "workspace_id": "ws_01kagq5rh8e5htqh9sk95d3x4w",
        "mode": "test",
    })
}

fn answer(issued: &TokensIssued) -> Response {
    reply::ok(&wire::Tokens::from(issued))
}

async fn token_issue(
    holder: Holder,
    State(app): State<App>,
    From(caller): From,
    body: Option<Json<wire::TokenIssue>>,
) -> Answer {
    let ask = body.map(|Json(ask)| ask).unwrap_or_default();
    match holder {
        Holder::Key(key) => {
            let other = ask.workspace_id.is_some_and(|workspace| workspace != key.workspace());
            if other {
                return Err(Error::of(Code::NotFound).into());
            }
            super::mode_fits(key.mode(), ask.mode)?;
            Ok(answer(&app.tokens_of_key(&key, &caller).await?))
        }
        Holder::Person(person) => {
            let missing =
                |pointer: &str, detail: &str| FieldError::new(pointer, "missing", detail.to_owned());
            match (ask.workspace_id, ask.mode) {
                (Some(workspace), Some(mode)) => {
                    Ok(answer(&app.tokens_of_session(&person, &caller, workspace, mode).await?))
                }
                (workspace, mode) => {
                    let mut wrong = Vec::new();
                    if workspace.is_none() {
                        wrong.push(missing("/workspace_id", "expected the workspace that the token is for"));
                    }
                    if mode.is_none() {
                        wrong.push(missing("/mode", "expected test or live"));
                    }
                    Err(Error::fields(wrong).into())
                }
            }
        }
    }
}

async fn token_refresh(
    _: Public,
    State(app): State<App>,
    From(caller): From,
    Json(body): Json<wire::TokenRefresh>,
) -> Answer {
    match app.tokens_refresh(&caller, body.refresh_token.expose()).await {
        Ok(issued) => Ok(answer(&issued)),
        // Guessing is hopeless, and slowed like that at keys.
        Err(error) if error.code() == Code::RefreshTokenInvalid => {
            Err(app.limit_refused(caller.client).await.error().unwrap_or(error).into())
        }
        Err(error) => Err(error.into()),
    }
}

async fn token_revoke(
    _: Public,
    State(app): State<App>,
    From(caller): From,
    Json(body): Json<wire::TokenRevoke>,
) -> Answer {
    if let Some(limited) = app.limit_refused(caller.client).await.error() {
        return Err(limited.into());
    }
    app.tokens_revoke(&caller, body.token.expose()).await?;
    Ok(reply::nothing())
}
