//! `/v1/templates`

use axum::extract::State;
use gatepost_app::{App, TemplateQuery};
use gatepost_core::access::permission::{MessageSend, TemplateManage, TemplateRead};
use gatepost_core::guard::Feature;
use gatepost_core::{Code, Result, TemplateId};
use http::StatusCode;
use serde_json::{Value, json};

use super::split;
use crate::access::{Grant, delete, get, patch, post};
use crate::body::{Create, Json};
use crate::path::Id;
use crate::query::{LIST, Paging, Query, QueryParameter, invalid};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

const CHANNEL: QueryParameter = QueryParameter::text(
    "channel_id",
    "Only templates of this channel's account.",
    "chn_01kagq5rh8e5htqh9sk95d3x4w",
);
const STATUS: QueryParameter =
    QueryParameter::text("status", "Only templates in this state: DRAFT, PENDING, APPROVED …", "APPROVED");
const CATEGORY: QueryParameter = QueryParameter::text(
    "category",
    "Only templates of this category: AUTHENTICATION, MARKETING, UTILITY …",
    "UTILITY",
);
const NAME: QueryParameter =
    QueryParameter::text("name", "Only templates of this name, in every language.", "order_ready");

/// What every call to Meta may end in.
const META: [Code; 4] =
    [Code::MetaRefused, Code::MetaUnreachable, Code::MetaLimitReached, Code::ChannelNotReady];

pub fn routes() -> Vec<Route<App>> {
    let mut routes = kept();
    routes.extend(tried());
    routes
}

/// Making, reading and changing.
fn kept() -> Vec<Route<App>> {
    vec![
        post("/v1/templates", template_create)
            .id("templateCreate").feature(Feature::Templates)
            .summary("Draft a message template")
            .description("Checks the template against Meta's rules and keeps it as a draft. With `submit` it goes to Meta for review at once; what Meta refuses then is not kept.")
            .tag("Templates")
            .creates::<wire::TemplateCreate>(json!({
                "name": "order_ready",
                "language": "en_US",
                "category": "UTILITY",
                "components": components(),
            }))
            .answer::<wire::Template<'static>>(201, "The template was made.", draft())
            .fails(&[Code::ChannelRequired, Code::NotFound, Code::TemplateExists])
            .fails(&META),
        get("/v1/templates", template_list)
            .id("templateList")
            .summary("List message templates, the newest first")
            .tag("Templates")
            .query(&LIST)
            .query(&[CHANNEL, STATUS, CATEGORY, NAME])
            .answer_list::<wire::Template<'static>>("A page of templates.", &approved())
            .fails(&[Code::NotFound]),
        get("/v1/templates/{template_id}", template_get)
            .id("templateGet")
            .summary("Read a message template")
            .tag("Templates")
            .answer::<wire::Template<'static>>(200, "The template as it stands.", approved()),
        patch("/v1/templates/{template_id}", template_update)
            .id("templateUpdate").feature(Feature::Templates)
            .summary("Change a message template")
            .description("A draft is changed here. A submitted template is changed at Meta, which reviews it again; Meta lets approved, rejected and paused ones be changed.")
            .tag("Templates")
            .body::<wire::TemplateUpdate>(json!({ "components": components() }))
            .answer::<wire::Template<'static>>(200, "The template as it is now.", draft())
            .fails(&[Code::TemplateNotEditable])
            .fails(&META),
        delete("/v1/templates/{template_id}", template_delete)
            .id("templateDelete").feature(Feature::Templates)
            .summary("Delete a message template")
            .description("Deletes this language of it at Meta, then here. Meta lets nobody use the name of an approved template again for 30 days.")
            .tag("Templates")
            .answers_nothing("The template is gone.")
            .fails(&META),
    ]
}

/// What happens between us, Meta and a reader.
fn tried() -> Vec<Route<App>> {
    vec![
        post("/v1/templates/sync", template_sync)
            .id("templateSync")
            .summary("Read an account's templates from Meta")
            .description("Adds templates that were made elsewhere, takes over what has changed, and marks `DELETED` what is gone at Meta. Drafts stay as they are.")
            .tag("Templates")
            .body::<wire::TemplateSync>(json!({}))
            .answer::<wire::TemplateSynced<'static>>(200, "What was found.", json!({
                "waba_id": "102290129340398",
                "total": 12,
                "added": 2,
                "changed": 1,
                "deleted": 0,
            }))
            .fails(&[Code::ChannelRequired, Code::NotFound])
            .fails(&META),
        post("/v1/templates/{template_id}/submit", template_submit)
            .id("templateSubmit").feature(Feature::Templates)
            .summary("Submit a draft to Meta for review")
            .description("What Meta decides is told by webhook (`template.updated`) and shown in the template's status.")
            .tag("Templates")
            .answer::<wire::Template<'static>>(200, "The template as Meta took it.", approved())
            .fails(&[Code::TemplateSubmitted])
            .fails(&META),
        post("/v1/templates/{template_id}/preview", template_preview)
            .id("templatePreview")
            .summary("See a message template filled")
            .description("Fills the template with parameters and says which are missing. Nothing is sent.")
            .tag("Templates")
            .body::<wire::TemplatePreviewAsk>(json!({ "parameters": { "body": ["Ada", "17"] } }))
            .answer::<wire::TemplatePreview<'static>>(200, "What its reader would see.", preview()),
        post("/v1/templates/{template_id}/test-send", template_test_send)
            .id("templateTestSend")
            .summary("Send a message template to somebody to see it arrive")
            .description("A message like any other, through a channel of the template's account; the parameters have the form of the preview.")
            .tag("Templates")
            .creates::<wire::TemplateTestSend>(json!({
                "to": "+12025550101",
                "purpose": "internal_team",
                "parameters": { "body": ["Ada", "17"] },
            }))
            .answer::<wire::Message<'static>>(202, "The message was accepted and is durable.", message())
            .fails(&[
                Code::TemplateNotSubmitted,
                Code::RecipientInvalid,
                Code::MessagePurposeRequired,
                Code::MessagePurposeNotAllowed,
                Code::ChannelNotReady,
            ]),
    ]
}

fn components() -> Value {
    json!([
        {
            "type": "BODY",
            "text": "Hello {{1}}, your order {{2}} is ready for you.",
            "example": { "body_text": [["Ada", "17"]] },
        },
        { "type": "FOOTER", "text": "Example Ltd" },
    ])
}

fn draft() -> Value {
    json!({
        "id": "tpl_01kagq5rh8e5htqh9sk95d3x4w",
        "mode": "test",
        "waba_id": "102290129340398",
        "provider_id": null,
        "name": "order_ready",
        "language": "en_US",
        "category": "UTILITY",
        "parameter_format": "POSITIONAL",
        "status": "DRAFT",
        "quality": null,
        "reason": null,
        "components": components(),
        "created_at": "2026-11-01T09:30:00Z",
        "updated_at": "2026-11-01T09:30:00Z",
        "synced_at": null,
    })
}

fn approved() -> Value {
    let mut template = draft();
    template["provider_id"] = json!("1689556908129832");
    template["status"] = json!("APPROVED");
    template["quality"] = json!("GREEN");
    template["synced_at"] = json!("2026-11-01T10:00:00Z");
    template
}

fn preview() -> Value {
    json!({
        "header": null,
        "body": "Hello Ada, your order 17 is ready for you.",
        "footer": "Example Ltd",
        "buttons": [],
        "missing": [],
        "unused": [],
    })
}

fn message() -> Value {
    let mut message = super::messages::example();
    message["type"] = json!("template");
    message["purpose"] = json!("internal_team");
    message["text"] = Value::Null;
    message
}

async fn template_create(
    grant: Grant<TemplateManage>,
    State(app): State<App>,
    create: Create<wire::TemplateCreate>,
) -> Answer {
    let (wire::TemplateCreate { channel, draft, submit }, idempotent) = split(create);
    let command = gatepost_app::TemplateCreate { channel, draft, submit };
    let outcome = app.template_create(&grant, command, idempotent).await?;
    Ok(reply::made(StatusCode::CREATED, outcome))
}

/// A word of Meta's, or a template's name.
fn word(query: &Query, name: &str) -> Result<Option<String>> {
    let Some(text) = query.get(name) else { return Ok(None) };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if (1..=512).contains(&text.len()) && text.bytes().all(plain) {
        Ok(Some(text.to_owned()))
    } else {
        Err(invalid(format!("{name}: expected 1 to 512 letters, digits and _")))
    }
}

async fn template_list(grant: Grant<TemplateRead>, State(app): State<App>, query: Query) -> Answer {
    let channel = query
        .get("channel_id")
        .map(|text| text.parse().map_err(|_| invalid("channel_id: expected the id of a channel")));
    let query = TemplateQuery {
        page: Paging::of(&query)?.into(),
        channel: channel.transpose()?,
        status: word(&query, "status")?,
        category: word(&query, "category")?,
        name: word(&query, "name")?,
    };
    let page = app.template_list(&grant, query).await?;
    Ok(reply::page::<_, wire::Template<'_>>(&page))
}

async fn template_get(grant: Grant<TemplateRead>, State(app): State<App>, Id(id): Id<TemplateId>) -> Answer {
    let view = app.template_get(&grant, id).await?;
    Ok(reply::ok(&wire::Template::from(&view)))
}

async fn template_update(
    grant: Grant<TemplateManage>,
    State(app): State<App>,
    Id(id): Id<TemplateId>,
    Json(body): Json<wire::TemplateUpdate>,
) -> Answer {
    let view = app.template_update(&grant, id, body.into()).await?;
    Ok(reply::ok(&wire::Template::from(&view)))
}

async fn template_delete(
    grant: Grant<TemplateManage>,
    State(app): State<App>,
    Id(id): Id<TemplateId>,
) -> Answer {
    app.template_delete(&grant, id).await?;
    Ok(reply::nothing())
}

async fn template_sync(
    grant: Grant<TemplateManage>,
    State(app): State<App>,
    Json(body): Json<wire::TemplateSync>,
) -> Answer {
    let synced = app.template_sync(&grant, body.channel_id).await?;
    Ok(reply::ok(&wire::TemplateSynced::from(&synced)))
}

async fn template_submit(
    grant: Grant<TemplateManage>,
    State(app): State<App>,
    Id(id): Id<TemplateId>,
) -> Answer {
    let view = app.template_submit(&grant, id).await?;
    Ok(reply::ok(&wire::Template::from(&view)))
}

async fn template_preview(
    grant: Grant<TemplateRead>,
    State(app): State<App>,
    Id(id): Id<TemplateId>,
    Json(body): Json<wire::TemplatePreviewAsk>,
) -> Answer {
    let shown = app.template_preview(&grant, id, &body.parameters).await?;
    Ok(reply::ok(&wire::TemplatePreview::from(&shown)))
}

async fn template_test_send(
    grant: Grant<MessageSend>,
    State(app): State<App>,
    Id(id): Id<TemplateId>,
    create: Create<wire::TemplateTestSend>,
) -> Answer {
    let (wire::TemplateTestSend { to, purpose, parameters }, idempotent) = split(create);
    let command = gatepost_app::TemplateTestSend { to, purpose, parameters };
    let outcome = app.template_test_send(&grant, id, command, idempotent).await?;
    Ok(reply::made(StatusCode::ACCEPTED, outcome))
}
