//! `/v1/messages`

use axum::extract::State;
use gatepost_app::App;
use gatepost_core::access::permission::{MessageRead, MessageSend};
use gatepost_core::content::examples::EXAMPLES;
use gatepost_core::{Code, MessageId, Result};
use http::StatusCode;
use serde_json::{Value, json};

use super::split;
use crate::access::{Grant, get, post};
use crate::body::{Create, Json};
use crate::channel_header::ChannelHeader;
use crate::path::Id;
use crate::query::{LIST, Paging, Query, QueryParameter, invalid};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

pub fn routes() -> Vec<Route<App>> {
    vec![
        post("/v1/messages", message_send)
            .id("messageSend")
            .summary("Send a message")
            .description("Accepts a message for sending: it is stored before this answers. What becomes of it is told by webhook, by GET /v1/events and by GET /v1/messages/{message_id}.")
            .tag("Messages")
            .takes_channel_header()
            .query(&[DRY_RUN])
            .creates::<wire::MessageSend>(json!({
                "to": "+12025550101",
                "purpose": "transactional",
                "text": "Your parcel is here.",
            }))
            .body_examples(examples())
            .answer::<wire::Message<'static>>(202, "The message was accepted and is durable.", example())
            .also_answers::<wire::MessageExplained<'static>>(
                200,
                "With dry_run=true: what the guard would say. Nothing was sent, stored or counted.",
                explained(),
            )
            .fails(&[
                Code::NotFound,
                Code::RecipientInvalid,
                Code::MessagePurposeRequired,
                Code::MessagePurposeNotAllowed,
                Code::RecipientSuppressed,
                Code::ConsentRequired,
                Code::ConversationWindowClosed,
                Code::FrequencyCapped,
                Code::RiskBlocked,
                Code::QuotaExceeded,
                Code::SendingPaused,
                Code::SubscriptionSuspended,
                Code::ChannelNotReady,
                Code::ChannelNotAllowed,
            ]),
        get("/v1/messages", message_list)
            .id("messageList")
            .summary("List messages, the newest first")
            .tag("Messages")
            .query(&LIST)
            .answer_list::<wire::Message<'static>>("A page of messages.", &example()),
        get("/v1/messages/{message_id}", message_get)
            .id("messageGet")
            .summary("Read a message")
            .tag("Messages")
            .answer::<wire::Message<'static>>(200, "The message as it stands.", example()),
        post("/v1/messages/{message_id}/read", message_read)
            .id("messageRead")
            .summary("Mark a message as read")
            .description("Shows the person that their message, and those before it, were read, and with `typing` that an answer is being written. Doing it twice is the same as once.")
            .tag("Messages")
            .optional_body::<wire::MessageRead>(json!({ "typing": true }))
            .answers_nothing("Meta was told.")
            .fails(&[
                Code::MessageNotInbound,
                Code::ChannelNotReady,
                Code::MetaRefused,
                Code::MetaUnreachable,
            ]),
    ]
}

const DRY_RUN: QueryParameter = QueryParameter::text(
    "dry_run",
    "true: nothing is sent, stored or counted, and the answer is what the guard would say (200). An Idempotency-Key is not used up.",
    "",
);

fn explained() -> Value {
    json!({
        "action": "block",
        "channel_id": "chn_01kagq5rh8e5htqh9sk95d3x4w",
        "code": "frequency_capped",
        "detail": "at most 3 messages in 24 hours go to one person",
        "risk_score": 0,
        "rules": [],
    })
}

/// Whether the query asks what would be.
fn dry_run(query: &Query) -> Result<bool> {
    match query.get("dry_run") {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(invalid("dry_run: expected true or false")),
    }
}

/// A message of every kind.
fn examples() -> Vec<(&'static str, Value)> {
    EXAMPLES
        .iter()
        .map(|example| {
            let object: Value = serde_json::from_str(example.object).unwrap_or_default();
            let mut message = json!({ "to": "+12025550101", "purpose": "transactional" });
            message[example.kind.as_str()] = object;
            (example.name, message)
        })
        .collect()
}

pub(super) fn example() -> Value {
    json!({
        "id": "msg_01kagq5rh8e5htqh9sk95d3x4w",
        "mode": "test",
        "channel_id": "chn_01kagq5rh8e5htqh9sk95d3x4w",
        "direction": "outbound",
        "state": "queued",
        "type": "text",
        "purpose": "transactional",
        "contact": { "phone": "+12025550101", "bsuid": null },
        "provider_id": null,
        "reply_to": null,
        "text": "Your parcel is here.",
        "content": { "preview_url": false, "body": "Your parcel is here." },
        "error": null,
        "timeline": [{ "state": "queued", "at": "2026-11-01T09:30:00.25Z" }],
        "created_at": "2026-11-01T09:30:00.25Z",
        "sending_at": null,
        "sent_at": null,
        "delivered_at": null,
        "read_at": null,
        "failed_at": null,
    })
}

async fn message_send(
    grant: Grant<MessageSend>,
    State(app): State<App>,
    header: ChannelHeader,
    query: Query,
    create: Create<wire::MessageSend>,
) -> Answer {
    let dry_run = dry_run(&query)?;
    let (body, idempotent) = split(create);
    let wire::MessageSend { channel, to, purpose, content, reply_to, on_unknown, ttl } = body;
    let channel = header.join(channel)?;
    let command = gatepost_app::MessageSend { channel, to, purpose, content, reply_to, on_unknown, ttl };
    if dry_run {
        let explained = app.message_explain(&grant, command).await?;
        return Ok(reply::ok(&wire::MessageExplained::from(&explained)));
    }
    let outcome = app.message_send(&grant, command, idempotent).await?;
    Ok(reply::made(StatusCode::ACCEPTED, outcome))
}

async fn message_list(grant: Grant<MessageRead>, State(app): State<App>, query: Query) -> Answer {
    let page = app.message_list(&grant, Paging::of(&query)?.into()).await?;
    Ok(reply::page::<_, wire::Message<'_>>(&page))
}

async fn message_get(grant: Grant<MessageRead>, State(app): State<App>, Id(id): Id<MessageId>) -> Answer {
    let view = app.message_get(&grant, id).await?;
    Ok(reply::ok(&wire::Message::from(&view)))
}

async fn message_read(
    grant: Grant<MessageSend>,
    State(app): State<App>,
    Id(id): Id<MessageId>,
    body: Option<Json<wire::MessageRead>>,
) -> Answer {
    let typing = body.is_some_and(|Json(read)| read.typing);
    app.message_read(&grant, id, typing).await?;
    Ok(reply::nothing())
}
