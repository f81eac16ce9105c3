//! `/v1/meta-apps`

use axum::extract::State;
use gatepost_app::App;
use gatepost_core::access::permission::{ChannelManage, ChannelRead};
use gatepost_core::{Code, MetaAppId};
use http::StatusCode;
use serde_json::{Value, json};

use super::split;
use crate::access::{Grant, delete, get, patch, post};
use crate::body::{Create, Json};
use crate::path::Id;
use crate::query::{LIST, Paging, Query};
use crate::reply::{self, Answer, Made as _};
use crate::route::Route;
use crate::wire;

pub fn routes() -> Vec<Route<App>> {
    vec![
        post("/v1/meta-apps", meta_app_create)
            .id("metaAppCreate")
            .summary("Add a Meta app")
            .description("The answer holds the callback URL and the verify token to paste at Meta; the token is shown this once.")
            .tag("Meta apps")
            .creates::<wire::MetaAppCreate>(json!({
                "name": "Our Meta app",
                "app_id": "1234567890123456",
                "app_secret": "0123456789abcdef0123456789abcdef",
            }))
            .answer::<wire::MetaAppWithToken<'static>>(201, "The Meta app was added.", with_token())
            .fails(&[Code::Conflict]),
        get("/v1/meta-apps", meta_app_list)
            .id("metaAppList")
            .summary("List Meta apps")
            .tag("Meta apps")
            .query(&LIST)
            .answer_list::<wire::MetaApp<'static>>("A page of Meta apps.", &example()),
        get("/v1/meta-apps/{app_id}", meta_app_get)
            .id("metaAppGet")
            .summary("Read a Meta app")
            .tag("Meta apps")
            .answer::<wire::MetaApp<'static>>(200, "The Meta app, without its secrets.", example()),
        patch("/v1/meta-apps/{app_id}", meta_app_update)
            .id("metaAppUpdate")
            .summary("Change a Meta app")
            .description("When this answers, callbacks are verified by the new secret on every node. Apps of the operator's are the operator's to change.")
            .tag("Meta apps")
            .body::<wire::MetaAppUpdate>(json!({ "name": "Our Meta app" }))
            .answer::<wire::MetaAppWithToken<'static>>(200, "The Meta app as it is now.", with_token()),
        delete("/v1/meta-apps/{app_id}", meta_app_delete)
            .id("metaAppDelete")
            .summary("Remove a Meta app that no channel uses")
            .tag("Meta apps")
            .answers_nothing("The Meta app is gone, its secret with it.")
            .fails(&[Code::Conflict]),
    ]
}

pub(super) fn with_token() -> Value {
    let mut app = example();
    app["verify_token"] = json!("gpv_7Qm2sVxkTzYhPqLr");
    app
}

pub(super) fn example() -> Value {
    json!({
        "id": "app_01kagq5rh8e5htqh9sk95d3x4w",
        "name": "Our Meta app",
        "app_id": "1234567890123456",
        "callback_url": "https://gatepost.example.com/hooks/meta/app_01kagq5rh8e5htqh9sk95d3x4w",
        "shared": false,
        "graph_version": "v25.0",
        "base_url": null,
        "created_at": "2026-11-01T09:30:00Z",
    })
}

async fn meta_app_create(
    grant: Grant<ChannelManage>,
    State(app): State<App>,
    create: Create<wire::MetaAppCreate>,
) -> Answer {
    let (create, idempotent) = split(create);
    let outcome = app.meta_app_create(&grant, create.into(), idempotent).await?;
    Ok(reply::made(StatusCode::CREATED, outcome))
}

async fn meta_app_list(grant: Grant<ChannelRead>, State(app): State<App>, query: Query) -> Answer {
    let page = app.meta_app_list(&grant, Paging::of(&query)?.into()).await?;
    Ok(reply::page::<_, wire::MetaApp<'_>>(&page))
}

async fn meta_app_get(grant: Grant<ChannelRead>, State(app): State<App>, Id(id): Id<MetaAppId>) -> Answer {
    let view = app.meta_app_get(&grant, id).await?;
    Ok(reply::ok(&wire::MetaApp::from(&view)))
}

async fn meta_app_update(
    grant: Grant<ChannelManage>,
    State(app): State<App>,
    Id(id): Id<MetaAppId>,
    Json(body): Json<wire::MetaAppUpdate>,
) -> Answer {
    let view = app.meta_app_update(&grant, id, body.into()).await?;
    Ok(reply::raw_ok(view.body(true)))
}

async fn meta_app_delete(
    grant: Grant<ChannelManage>,
    State(app): State<App>,
    Id(id): Id<MetaAppId>,
) -> Answer {
    app.meta_app_delete(&grant, id).await?;
    Ok(reply::nothing())
}
