//! `/v1/events`

use axum::extract::State;
use gatepost_app::{App, EventQuery};
use gatepost_core::EventId;
use gatepost_core::access::permission::EventRead;
use gatepost_core::event::{EventFilter, EventType};

use crate::access::{Grant, get};
use crate::path::Id;
use crate::query::{Paging, Query, QueryParameter, invalid};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

const PARAMETERS: [QueryParameter; 3] = [
    QueryParameter::integer("limit", "How many to answer, 1 to 100; 25 where it is not said.", "25"),
    QueryParameter::text(
        "after",
        "The next_cursor of the page before, or the id of the last event you know. Events are never skipped.",
        "",
    ),
    QueryParameter::text("types", "Only these: exact types or families, with commas between.", "message.*"),
];

/// Most types in one query.
const TYPES_MAX: usize = 50;

pub fn routes() -> Vec<Route<App>> {
    let example = || wire::event_example(EventType::MessageDelivered);
    vec![
        get("/v1/events", event_list)
            .id("eventList")
            .summary("List events, the oldest first")
            .description("The log that webhooks are made from: whoever missed one finds it here. Each entry is the body of the webhook, byte for byte.")
            .tag("Events")
            .query(&PARAMETERS)
            .answer_list::<wire::Event>("A page of events.", &example()),
        get("/v1/events/{event_id}", event_get)
            .id("eventGet")
            .summary("Read an event")
            .tag("Events")
            .answer::<wire::Event>(200, "The event: the body of its webhook, byte for byte.", example()),
    ]
}

async fn event_list(grant: Grant<EventRead>, State(app): State<App>, query: Query) -> Answer {
    let Paging { limit, after } = Paging::of(&query)?;
    let types = match query.get("types") {
        None => EventFilter::default(),
        Some(text) => {
            let names: Vec<String> =
                text.split(',').take(TYPES_MAX).map(|name| name.trim().to_owned()).collect();
            EventFilter::parse(names).map_err(|detail| invalid(format!("types: {detail}")))?
        }
    };
    let page = app.event_list(&grant, EventQuery { after, limit, types }).await?;
    let payloads: Vec<&[u8]> = page.items.iter().map(|event| event.payload.as_slice()).collect();
    let mut body = b"{\"data\":[".to_vec();
    body.extend_from_slice(&payloads.join(&b","[..]));
    body.extend_from_slice(b"],\"next_cursor\":");
    body.extend_from_slice(&reply::to_json(&page.next));
    body.push(b'}');
    Ok(reply::raw_ok(body))
}

async fn event_get(grant: Grant<EventRead>, State(app): State<App>, Id(id): Id<EventId>) -> Answer {
    let event = app.event_get(&grant, id).await?;
    Ok(reply::raw_ok(event.payload))
}
