//! `/v1/verification-pages`

use axum::extract::State;
use gatepost_app::{App, VerificationPageCreate};
use gatepost_core::access::permission::{VerificationCheck, VerificationPageManage, VerificationPageRead};
use gatepost_core::{Code, VerificationPageId};
use http::StatusCode;
use serde_json::{Value, json};

use super::{mode_of, split};
use crate::access::{Grant, delete, get, post};
use crate::body::{Create, Json};
use crate::path::Id;
use crate::query::{LIST, Paging, Query};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

pub fn routes() -> Vec<Route<App>> {
    vec![
        post("/v1/verification-pages", page_create)
            .id("verificationPageCreate")
            .summary("Make a page at which visitors of a site prove their number")
            .description("For sites without a form of their own. Send a visitor to its url with return_url and a state of your own; they come back with verification_id, result and that state. Exchange result at POST /v1/verification-pages/results.")
            .tag("Verifications")
            .creates::<wire::VerificationPageCreate>(json!({
                "name": "Shop sign-in",
                "app_name": "Example Shop",
                "accent": "#1a7f5a",
                "return_urls": ["https://shop.example/signed-in"],
                "frame_ancestors": ["https://shop.example"],
            }))
            .answer::<wire::VerificationPage<'static>>(201, "The page.", example())
            .fails(&[Code::TestModeOnly, Code::LiveModeOnly, Code::ChannelRequired, Code::VerificationPageLimitReached]),
        get("/v1/verification-pages", page_list)
            .id("verificationPageList")
            .summary("List verification pages, the newest first")
            .tag("Verifications")
            .query(&LIST)
            .answer_list::<wire::VerificationPage<'static>>("A page of verification pages.", &example()),
        get("/v1/verification-pages/{page_id}", page_get)
            .id("verificationPageGet")
            .summary("Read a verification page")
            .tag("Verifications")
            .answer::<wire::VerificationPage<'static>>(200, "The page.", example()),
        delete("/v1/verification-pages/{page_id}", page_delete)
            .id("verificationPageDelete")
            .summary("Remove a verification page")
            .description("Its address leads nowhere from the next request on.")
            .tag("Verifications")
            .answers_nothing("It is removed."),
        post("/v1/verification-pages/results", result_take)
            .id("verificationResultTake")
            .summary("Exchange what a visitor brought back from a verification page")
            .description("Good once, for ten minutes, and for keys of the page's workspace and mode only.")
            .tag("Verifications")
            .body::<wire::VerificationResultTake>(json!({ "token": "nYpT0fWcT3mWQk0sN8aV2u5y7xZ1bC4dE6fG9hJ2kL8" }))
            .answer::<wire::PageResult<'static>>(200, "The visitor has this number.", result_example())
            .fails(&[Code::ResultTokenInvalid]),
    ]
}

fn example() -> Value {
    json!({
        "id": "vpg_01kagq5rh8e5htqh9sk95d3x4w",
        "mode": "live",
        "channel_id": "chn_01kagq5rh8e5htqh9sk95d3x4w",
        "name": "Shop sign-in",
        "app_name": "Example Shop",
        "accent": "#1a7f5a",
        "accent_dark": null,
        "return_urls": ["https://shop.example/signed-in"],
        "frame_ancestors": ["https://shop.example"],
        "texts": {},
        "template": null,
        "url": "https://gatepost.example/verify/vp_nYpT0fWcT3mWQk0sN8aV2u5y7xZ1bC4dE6fG9hJ2kL8",
        "created_at": "2026-11-01T09:30:00Z",
    })
}

fn result_example() -> Value {
    json!({
        "verification": super::verifications::approved(),
        "page_id": "vpg_01kagq5rh8e5htqh9sk95d3x4w",
        "state": "s_81",
    })
}

async fn page_create(
    grant: Grant<VerificationPageManage>,
    State(app): State<App>,
    create: Create<wire::VerificationPageCreate>,
) -> Answer {
    let (asked, idempotent) = split(create);
    let command = VerificationPageCreate {
        mode: mode_of(&grant, asked.mode)?,
        channel: asked.channel,
        name: asked.name,
        settings: asked.settings,
    };
    let outcome = app.verification_page_create(&grant, command, idempotent).await?;
    Ok(reply::made(StatusCode::CREATED, outcome))
}

async fn page_list(grant: Grant<VerificationPageRead>, State(app): State<App>, query: Query) -> Answer {
    let page = app.verification_page_list(&grant, Paging::of(&query)?.into()).await?;
    Ok(reply::page::<_, wire::VerificationPage<'_>>(&page))
}

async fn page_get(
    grant: Grant<VerificationPageRead>,
    State(app): State<App>,
    Id(id): Id<VerificationPageId>,
) -> Answer {
    Ok(reply::ok(&wire::VerificationPage::from(&app.verification_page_get(&grant, id).await?)))
}

async fn page_delete(
    grant: Grant<VerificationPageManage>,
    State(app): State<App>,
    Id(id): Id<VerificationPageId>,
) -> Answer {
    app.verification_page_delete(&grant, id).await?;
    Ok(reply::nothing())
}

async fn result_take(
    grant: Grant<VerificationCheck>,
    State(app): State<App>,
    Json(body): Json<wire::VerificationResultTake>,
) -> Answer {
    let result = app.verification_result_take(&grant, &body.token).await?;
    Ok(reply::ok(&wire::PageResult::from(&result)))
}
