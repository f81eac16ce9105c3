//! `/v1/meta-apps`

use axum::extract::State;
use gatepost_app::{App, MetaAppCreate};
use gatepost_core::access::permission::{ChannelManage, ChannelRead};
use gatepost_core::{Code, MetaAppId};
use http::StatusCode;
use serde_json::{Value, json};

use super::split;
use crate::access::{Grant, get, post};
use crate::body::Create;
use crate::path::Id;
use crate::query::{LIST, Paging, Query};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

pub fn routes() -> Vec<Route<App>> {
    let mut created = example();
    created["verify_token"] = json!("vt_7Qm2sVxkTzYhPqLr");
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
            .answer::<wire::MetaAppWithToken<'static>>(201, "The Meta app was added.", created)
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
    ]
}

fn example() -> Value {
    json!({
        "id": "app_01kagq5rh8e5htqh9sk95d3x4w",
        "name": "Our Meta app",
        "app_id": "1234567890123456",
        "callback_url": "https://gatepost.example.com/hooks/meta/app_01kagq5rh8e5htqh9sk95d3x4w",
        "created_at": "2026-11-01T09:30:00Z",
    })
}

async fn meta_app_create(
    grant: Grant<ChannelManage>,
    State(app): State<App>,
    create: Create<wire::MetaAppCreate>,
) -> Answer {
    let (wire::MetaAppCreate { name, app_id, app_secret }, idempotent) = split(create);
    let command = MetaAppCreate { name, app_id, app_secret };
    let outcome = app.meta_app_create(&grant, command, idempotent).await?;
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
