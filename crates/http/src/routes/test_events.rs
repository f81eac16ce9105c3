//! `/v1/test/events`

use axum::extract::State;
use gatepost_app::{App, EventTriggered};
use gatepost_core::Code;
use gatepost_core::access::permission::EventTrigger;
use gatepost_core::event::EventType;
use http::StatusCode;
use serde_json::json;

use super::split;
use crate::access::{Grant, post};
use crate::body::Create;
use crate::reply::{self, Answer, Made};
use crate::route::Route;
use crate::wire;

pub fn routes() -> Vec<Route<App>> {
    vec![
        post("/v1/test/events", event_trigger)
            .id("testEventTrigger")
            .summary("Make up an event")
            .description("Appends an event with example data to the log of the test mode; it goes to test endpoints and streams like any other. No message, contact or channel is written or changed, and the other ids in it are nobody's. Takes a test key.")
            .tag("Events")
            .creates::<wire::EventTrigger>(json!({ "type": "message.received" }))
            .answer::<wire::Event>(
                201,
                "The event: the body of its webhook, byte for byte.",
                EventType::MessageReceived.example(),
            )
            .fails(&[Code::LiveModeOnly, Code::NotFound]),
    ]
}

impl Made for EventTriggered {
    fn location(&self) -> String {
        format!("/v1/events/{}", self.id)
    }

    fn body(&self, _fresh: bool) -> Vec<u8> {
        self.payload.clone()
    }
}

async fn event_trigger(
    grant: Grant<EventTrigger>,
    State(app): State<App>,
    create: Create<wire::EventTrigger>,
) -> Answer {
    let (body, idempotent) = split(create);
    Ok(reply::made(StatusCode::CREATED, app.event_trigger(&grant, body.into(), idempotent).await?))
}
