//! `/v1/channels/{channel_id}/…`: a channel's number at Meta.

use axum::extract::State;
use gatepost_app::App;
use gatepost_core::access::permission::{ChannelManage, ChannelRead};
use gatepost_core::{ChannelId, Code};
use serde_json::{Value, json};

use crate::access::{Grant, delete, get, patch, post, put};
use crate::body::Json;
use crate::path::Id;
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

/// What every call to Meta may come to.
const META: [Code; 4] =
    [Code::ChannelNotReady, Code::MetaRefused, Code::MetaLimitReached, Code::MetaUnreachable];

pub fn routes() -> Vec<Route<App>> {
    let mut routes = registration();
    routes.extend(settings());
    routes.extend(subscription());
    routes
}

fn registration() -> Vec<Route<App>> {
    let channel = super::channels::example;
    vec![
        post("/v1/channels/{channel_id}/check", channel_check)
            .id("channelCheck")
            .summary("Look at a channel at Meta now")
            .description("Asks Meta about the number and the access token, writes down what changed, and answers what was found. Gatepost does the same daily by itself.")
            .tag("Numbers")
            .answer::<wire::ChannelCheck<'static>>(200, "What was found.", json!({
                "channel": channel(),
                "findings": [{
                    "blocks": false,
                    "detail": "the access token expires at 2026-11-07T09:30:00Z",
                    "action": "give the channel a new access token",
                    "provider_code": null,
                }],
            }))
            .fails(&META),
        post("/v1/channels/{channel_id}/deregister", deregister)
            .id("numberDeregister")
            .summary("End a number's use with the Cloud API")
            .description("The channel sends and hears nothing until the number is registered again. Asked of Meta once.")
            .tag("Numbers")
            .answer::<wire::Channel<'static>>(200, "The number is not registered any more.", {
                let mut channel = channel();
                channel["state"] = json!("unregistered");
                channel["detail"] = json!("the number is not registered for the Cloud API");
                channel["next_action"] = json!("register the number with its PIN");
                channel
            })
            .fails(&META),
        post("/v1/channels/{channel_id}/register", register)
            .id("numberRegister")
            .summary("Register a number for the Cloud API")
            .description("Asked of Meta once and never repeated by Gatepost: a wrong PIN counts against the number, and after a few Meta locks it. Registering and deregistering together are allowed ten times in 72 hours.")
            .tag("Numbers")
            .body::<wire::NumberRegister>(json!({ "pin": "012345" }))
            .answer::<wire::Channel<'static>>(200, "The number is registered.", channel())
            .fails(&META),
        post("/v1/channels/{channel_id}/verification-code", code_request)
            .id("numberCodeRequest")
            .summary("Have Meta bring a verification code to the number")
            .tag("Numbers")
            .body::<wire::CodeRequest>(json!({ "method": "sms", "language": "en_US" }))
            .answers_nothing("The code is on its way.")
            .fails(&META),
        post("/v1/channels/{channel_id}/verify", code_verify)
            .id("numberVerify")
            .summary("Give Meta the verification code")
            .tag("Numbers")
            .body::<wire::CodeVerify>(json!({ "code": "424-242" }))
            .answers_nothing("The number is verified.")
            .fails(&META),
        put("/v1/channels/{channel_id}/pin", pin_set)
            .id("numberPinSet")
            .summary("Set the number's two-step PIN")
            .tag("Numbers")
            .body::<wire::NumberPin>(json!({ "pin": "012345" }))
            .answers_nothing("The number has this PIN now.")
            .fails(&META),
    ]
}

fn settings() -> Vec<Route<App>> {
    vec![
        get("/v1/channels/{channel_id}/settings", settings_get)
            .id("numberSettingsGet")
            .summary("Read a number's settings at Meta")
            .tag("Numbers")
            .answer::<wire::NumberSettings<'static>>(
                200,
                "Meta's object, as it is.",
                json!({
                    "settings": { "calling": { "status": "DISABLED" } },
                }),
            )
            .fails(&META),
        patch("/v1/channels/{channel_id}/settings", settings_change)
            .id("numberSettingsUpdate")
            .summary("Change one of a number's settings at Meta")
            .tag("Numbers")
            .body::<wire::SettingsChange>(json!({ "calling": { "status": "ENABLED" } }))
            .answers_nothing("The setting is changed.")
            .fails(&META),
        get("/v1/channels/{channel_id}/profile", profile_get)
            .id("profileGet")
            .summary("Read the business profile that people see")
            .tag("Numbers")
            .answer::<wire::Profile<'static>>(200, "The profile.", profile())
            .fails(&META),
        patch("/v1/channels/{channel_id}/profile", profile_change)
            .id("profileUpdate")
            .summary("Change the business profile")
            .description("Everything that Meta would refuse is told at once, before Meta is asked.")
            .tag("Numbers")
            .body::<wire::ProfileUpdate>(json!({ "about": "Open Monday to Friday" }))
            .answers_nothing("The profile is changed.")
            .fails(&META),
    ]
}

fn subscription() -> Vec<Route<App>> {
    vec![
        get("/v1/channels/{channel_id}/subscription", subscription_get)
            .id("subscriptionGet")
            .summary("See whom Meta tells of a channel")
            .tag("Numbers")
            .answer::<wire::Subscription<'static>>(200, "Subscribed apps and callback addresses.", json!({
                "apps": [{
                    "id": "1234567890123456",
                    "name": "Our Meta app",
                    "link": "https://www.facebook.com/games/?app_id=1234567890123456",
                    "override_callback_uri": null,
                }],
                "webhooks": {
                    "number": null,
                    "account": null,
                    "app": "https://gatepost.example.com/hooks/meta/app_01kagq5rh8e5htqh9sk95d3x4w",
                },
            }))
            .fails(&META),
        put("/v1/channels/{channel_id}/subscription", subscription_set)
            .id("subscriptionSet")
            .summary("Subscribe the Meta app, or send callbacks elsewhere")
            .description("Without an address: the channel's Meta app is subscribed to the account (level account), and an override of that level is over. With one, Meta sends messages and statuses there, and Gatepost hears nothing of them; news of templates and accounts always go to the app's own address.")
            .tag("Numbers")
            .body::<wire::SubscriptionSet>(json!({ "level": "account" }))
            .answers_nothing("It is so.")
            .fails(&META),
        delete("/v1/channels/{channel_id}/subscription", subscription_end)
            .id("subscriptionEnd")
            .summary("End the Meta app's subscription to the account")
            .description("No channel of this account hears anything from then on, statuses included.")
            .tag("Numbers")
            .answers_nothing("The app is not subscribed any more.")
            .fails(&META),
    ]
}

fn profile() -> Value {
    json!({
        "about": "Open Monday to Friday",
        "address": "1 Example Street",
        "description": "Gates and posts",
        "email": "info@example.com",
        "websites": ["https://example.com"],
        "vertical": "RETAIL",
        "profile_picture_url": null,
    })
}

async fn channel_check(grant: Grant<ChannelManage>, State(app): State<App>, Id(id): Id<ChannelId>) -> Answer {
    let look = app.channel_check(&grant, id).await?;
    Ok(reply::ok(&wire::ChannelCheck::from(&look)))
}

async fn register(
    grant: Grant<ChannelManage>,
    State(app): State<App>,
    Id(id): Id<ChannelId>,
    Json(body): Json<wire::NumberRegister>,
) -> Answer {
    let view = app.number_register(&grant, id, &body.pin, body.region.as_deref()).await?;
    Ok(reply::ok(&wire::Channel::from(&view)))
}

async fn deregister(grant: Grant<ChannelManage>, State(app): State<App>, Id(id): Id<ChannelId>) -> Answer {
    let view = app.number_deregister(&grant, id).await?;
    Ok(reply::ok(&wire::Channel::from(&view)))
}

async fn code_request(
    grant: Grant<ChannelManage>,
    State(app): State<App>,
    Id(id): Id<ChannelId>,
    Json(body): Json<wire::CodeRequest>,
) -> Answer {
    app.number_request_code(&grant, id, body.method, &body.language).await?;
    Ok(reply::nothing())
}

async fn code_verify(
    grant: Grant<ChannelManage>,
    State(app): State<App>,
    Id(id): Id<ChannelId>,
    Json(wire::CodeVerify(code)): Json<wire::CodeVerify>,
) -> Answer {
    app.number_verify(&grant, id, &code).await?;
    Ok(reply::nothing())
}

async fn pin_set(
    grant: Grant<ChannelManage>,
    State(app): State<App>,
    Id(id): Id<ChannelId>,
    Json(wire::NumberPin(pin)): Json<wire::NumberPin>,
) -> Answer {
    app.number_pin_set(&grant, id, &pin).await?;
    Ok(reply::nothing())
}

async fn settings_get(grant: Grant<ChannelRead>, State(app): State<App>, Id(id): Id<ChannelId>) -> Answer {
    let settings = app.number_settings(&grant, id).await?;
    Ok(reply::ok(&wire::NumberSettings { settings: &settings }))
}

async fn settings_change(
    grant: Grant<ChannelManage>,
    State(app): State<App>,
    Id(id): Id<ChannelId>,
    Json(body): Json<wire::SettingsChange>,
) -> Answer {
    app.number_setting_set(&grant, id, body.setting, &body.value).await?;
    Ok(reply::nothing())
}

async fn profile_get(grant: Grant<ChannelRead>, State(app): State<App>, Id(id): Id<ChannelId>) -> Answer {
    let profile = app.profile_get(&grant, id).await?;
    Ok(reply::ok(&wire::Profile::from(&profile)))
}

async fn profile_change(
    grant: Grant<ChannelManage>,
    State(app): State<App>,
    Id(id): Id<ChannelId>,
    Json(body): Json<wire::ProfileUpdate>,
) -> Answer {
    app.profile_set(&grant, id, body.into()).await?;
    Ok(reply::nothing())
}

async fn subscription_get(
    grant: Grant<ChannelRead>,
    State(app): State<App>,
    Id(id): Id<ChannelId>,
) -> Answer {
    let view = app.subscription_get(&grant, id).await?;
    Ok(reply::ok(&wire::Subscription::from(&view)))
}

async fn subscription_set(
    grant: Grant<ChannelManage>,
    State(app): State<App>,
    Id(id): Id<ChannelId>,
    Json(body): Json<wire::SubscriptionSet>,
) -> Answer {
    app.subscription_set(&grant, id, body.level, body.at).await?;
    Ok(reply::nothing())
}

async fn subscription_end(
    grant: Grant<ChannelManage>,
    State(app): State<App>,
    Id(id): Id<ChannelId>,
) -> Answer {
    app.subscription_end(&grant, id).await?;
    Ok(reply::nothing())
}
