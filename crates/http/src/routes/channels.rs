//! `/v1/channels`

use axum::extract::State;
use gatepost_app::{App, ChannelCreate};
use gatepost_core::access::permission::{ChannelManage, ChannelRead};
use gatepost_core::{ChannelId, Code};
use http::StatusCode;
use serde_json::{Value, json};

use super::{mode_of, split};
use crate::access::{Grant, delete, get, patch, post};
use crate::body::{Create, Json};
use crate::path::Id;
use crate::query::{LIST, Paging, Query};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

pub fn routes() -> Vec<Route<App>> {
    vec![
        post("/v1/channels", channel_create)
            .id("channelCreate")
            .summary("Add a channel")
            .description("A `test` channel needs a name only and talks to the built-in simulated Meta. A `cloud` channel is checked with Meta before it is added.")
            .tag("Channels")
            .creates::<wire::ChannelCreate>(json!({ "name": "Front desk", "type": "test" }))
            .answer::<wire::Channel<'static>>(201, "The channel was added.", example())
            .fails(&[
                Code::TestModeOnly,
                Code::LiveModeOnly,
                Code::NotFound,
                Code::Conflict,
                Code::ChannelNotReady,
                Code::MetaRefused,
                Code::MetaLimitReached,
                Code::MetaUnreachable,
            ]),
        get("/v1/channels", channel_list)
            .id("channelList")
            .summary("List channels")
            .tag("Channels")
            .query(&LIST)
            .answer_list::<wire::Channel<'static>>("A page of channels.", &example()),
        get("/v1/channels/{channel_id}", channel_get)
            .id("channelGet")
            .summary("Read a channel")
            .tag("Channels")
            .answer::<wire::Channel<'static>>(200, "The channel.", example()),
        patch("/v1/channels/{channel_id}", channel_update)
            .id("channelUpdate")
            .summary("Change a channel")
            .tag("Channels")
            .body::<wire::ChannelUpdate>(json!({ "name": "Front desk", "throughput": 80 }))
            .answer::<wire::Channel<'static>>(200, "The channel as it is now.", example())
            .fails(&[
                Code::Conflict,
                Code::ChannelNotReady,
                Code::MetaRefused,
                Code::MetaLimitReached,
                Code::MetaUnreachable,
            ]),
        delete("/v1/channels/{channel_id}", channel_delete)
            .id("channelDelete")
            .summary("Remove a channel")
            .tag("Channels")
            .answers_nothing("The channel is gone.")
            .fails(&[Code::Conflict]),
    ]
}

pub(super) fn example() -> Value {
    json!({
        "id": "chn_01kagq5rh8e5htqh9sk95d3x4w",
        "mode": "test",
        "type": "cloud",
        "name": "Front desk",
        "state": "active",
        "detail": null,
        "next_action": null,
        "phone_number_id": "106540352242922",
        "waba_id": "102290129340398",
        "display_phone_number": "+1 202 555 0100",
        "verified_name": "Example Ltd",
        "access_token_last4": "x9Qz",
        "meta_app_id": "app_01kagq5rh8e5htqh9sk95d3x4w",
        "throughput": 80,
        "quality_rating": "GREEN",
        "throughput_level": "STANDARD",
        "messaging_limit": "TIER_2K",
        "name_status": "APPROVED",
        "number_status": "CONNECTED",
        "token_expires_at": null,
        "checked_at": "2026-11-01T09:30:00Z",
        "created_at": "2026-11-01T09:30:00Z",
    })
}

async fn channel_create(
    grant: Grant<ChannelManage>,
    State(app): State<App>,
    create: Create<wire::ChannelCreate>,
) -> Answer {
    let (wire::ChannelCreate { mode, name, source }, idempotent) = split(create);
    let mode = mode_of(&grant, mode)?;
    let outcome = app.channel_create(&grant, ChannelCreate { mode, name, source }, idempotent).await?;
    Ok(reply::made(StatusCode::CREATED, outcome))
}

async fn channel_list(grant: Grant<ChannelRead>, State(app): State<App>, query: Query) -> Answer {
    let page = app.channel_list(&grant, Paging::of(&query)?.into()).await?;
    Ok(reply::page::<_, wire::Channel<'_>>(&page))
}

async fn channel_get(grant: Grant<ChannelRead>, State(app): State<App>, Id(id): Id<ChannelId>) -> Answer {
    let view = app.channel_get(&grant, id).await?;
    Ok(reply::ok(&wire::Channel::from(&view)))
}

async fn channel_update(
    grant: Grant<ChannelManage>,
    State(app): State<App>,
    Id(id): Id<ChannelId>,
    Json(body): Json<wire::ChannelUpdate>,
) -> Answer {
    let view = app.channel_update(&grant, id, body.into()).await?;
    Ok(reply::ok(&wire::Channel::from(&view)))
}

async fn channel_delete(
    grant: Grant<ChannelManage>,
    State(app): State<App>,
    Id(id): Id<ChannelId>,
) -> Answer {
    app.channel_delete(&grant, id).await?;
    Ok(reply::nothing())
}
