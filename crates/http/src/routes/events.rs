//! `/v1/events`

use axum::extract::{Extension, State};
use gatepost_app::{App, EventBegin, EventQuery, EventSelection, StreamQuery};
use gatepost_core::access::permission::EventRead;
use gatepost_core::event::{EventFilter, EventType};
use gatepost_core::guard::Feature;
use gatepost_core::{ChannelId, Code, Error, EventId, Timestamp};
use http::header::LINK;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

use crate::access::{Grant, get};
use crate::credential::single;
use crate::cut::Cut;
use crate::event_stream;
use crate::path::Id;
use crate::query::{Paging, Query, QueryParameter, invalid};
use crate::reply::{self, Answer};
use crate::route::{HeaderDoc, Route};
use crate::wire;

const AFTER: &str = "The next_cursor of the page before, or the id of the last event you know; `start` for everything that is kept, `now` for what happens from now on. Events are never skipped: an id or cursor that is not in the log is refused.";
const TYPES: QueryParameter =
    QueryParameter::text("types", "Only these: exact types or families, with commas between.", "message.*");
const CHANNEL: QueryParameter = QueryParameter::text(
    "channel_id",
    "Only what happened on this channel.",
    "chn_01kagq5rh8e5htqh9sk95d3x4w",
);
const SINCE: QueryParameter =
    QueryParameter::text("since", "Only events made then or later (RFC 3339).", "2026-11-01T09:30:00Z");

const PARAMETERS: [QueryParameter; 6] = [
    QueryParameter::integer("limit", "How many to answer, 1 to 100; 25 where it is not said.", "25"),
    QueryParameter::text("after", AFTER, ""),
    TYPES,
    CHANNEL,
    SINCE,
    QueryParameter::text("until", "Only events made before that (RFC 3339).", "2026-11-02T09:30:00Z"),
];

const STREAM_PARAMETERS: [QueryParameter; 4] = [
    QueryParameter::text(
        "after",
        "Where to begin: an event's id, a cursor of `GET /v1/events`, `start` or `now`. Where nothing is said, `since` or else `now`. Last-Event-ID, which clients send when they reconnect, goes before it.",
        "now",
    ),
    TYPES,
    CHANNEL,
    SINCE,
];

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const LAST_EVENT_ID_DOC: HeaderDoc = HeaderDoc {
    name: "Last-Event-ID",
    description: "The last `id` that was received. What follows it is sent, without a gap and nothing twice.",
    example: "evt_01kagq5rh8e5htqh9sk95d3x4w",
};

const ABOUT_STREAM: &str = "Server-Sent Events. Each event has the event's id as `id`, its type as `event` and, on one `data` line, the body of its webhook byte for byte. The first frame holds a `retry` hint and, as an `id` without data, the place to go on from; comments keep the line alive. Reconnect with Last-Event-ID and nothing is missed. The stream is closed, with a comment `closed` and the reason, when its key is revoked or expires and when the server stops; a reader that does not take what is sent is cut.";

/// Most types in one query.
const TYPES_MAX: usize = 50;
/// Longest `Last-Event-ID`, bytes; an id or a cursor is far shorter.
const PLACE_MAX: usize = 100;

pub fn routes() -> Vec<Route<App>> {
    let example = || EventType::MessageDelivered.example();
    let list = json!({ "data": [example()], "next_cursor": "AAAAAAAAACo", "has_more": false });
    let frames = format!(
        "retry: 2000\nid: AAAAAAAAACo\n\nid: {}\nevent: message.delivered\ndata: {}\n\n: heartbeat\n\n",
        example()["id"].as_str().unwrap_or_default(),
        example()
    );
    vec![
        get("/v1/events", event_list)
            .id("eventList").open_when_suspended()
            .summary("List events, the oldest first")
            .description("The log that webhooks are made from: whoever missed one finds it here. Each entry is the body of the webhook, byte for byte; `data` is null where the content's time is over. Ask again with next_cursor as `after`; `Link` holds the same as an address.")
            .tag("Events")
            .query(&PARAMETERS)
            .answer::<wire::EventList>(200, "A page of events.", list)
            .fails(&[Code::EventExpired]),
        get("/v1/events/stream", event_stream)
            .id("eventStream").feature(Feature::EventStreams)
            .summary("Hear of events as they happen")
            .description(ABOUT_STREAM)
            .tag("Events")
            .query(&STREAM_PARAMETERS)
            .takes_header(LAST_EVENT_ID_DOC)
            .answers_stream("Events, as long as the connection holds.", &frames)
            .fails(&[Code::EventExpired, Code::StreamLimitReached]),
        get("/v1/events/{event_id}", event_get)
            .id("eventGet").open_when_suspended()
            .summary("Read an event")
            .tag("Events")
            .answer::<wire::Event>(200, "The event: the body of its webhook, byte for byte.", example()),
    ]
}

fn instant(query: &Query, name: &str) -> Result<Option<Timestamp>, Error> {
    query
        .get(name)
        .map(|text| {
            Timestamp::parse(text).ok_or_else(|| {
                invalid(format!("{name}: expected an RFC 3339 instant such as 2026-11-01T09:30:00Z"))
            })
        })
        .transpose()
}

fn selection(query: &Query) -> Result<EventSelection, Error> {
    let types = match query.get("types") {
        None => EventFilter::default(),
        Some(text) => {
            let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
            if names.len() > TYPES_MAX {
                return Err(invalid(format!("types: expected {TYPES_MAX} at most")));
            }
            EventFilter::parse(names).map_err(|detail| invalid(format!("types: {detail}")))?
        }
    };
    let channel = match query.get("channel_id") {
        None => None,
        Some(text) => {
            Some(text.parse::<ChannelId>().map_err(|error| invalid(format!("channel_id: {error}")))?)
        }
    };
    let (since, until) = (instant(query, "since")?, instant(query, "until")?);
    if let (Some(since), Some(until)) = (since, until)
        && since >= until
    {
        return Err(invalid("until: expected an instant after since"));
    }
    Ok(EventSelection { types, channel, since, until })
}

async fn event_list(grant: Grant<EventRead>, State(app): State<App>, query: Query) -> Answer {
    let Paging { limit, after } = Paging::of(&query)?;
    let begin = after.as_deref().map_or(EventBegin::Start, EventBegin::parse);
    let page = app.event_list(&grant, EventQuery { begin, limit, select: selection(&query)? }).await?;
    let payloads: Vec<&[u8]> = page.items.iter().map(|event| event.payload.as_slice()).collect();
    let mut body = b"{\"data\":[".to_vec();
    body.extend_from_slice(&payloads.join(&b","[..]));
    body.extend_from_slice(b"],\"next_cursor\":");
    body.extend_from_slice(&reply::to_json(&page.next));
    body.extend_from_slice(b",\"has_more\":");
    body.extend_from_slice(&reply::to_json(&page.more));
    body.push(b'}');
    let mut response = reply::raw_ok(body);
    if let Some(link) = page.next.and_then(|next| next_link(&query, &next)) {
        response.headers_mut().insert(LINK, link);
    }
    Ok(response)
}

/// The address of what follows (RFC 8288), with the filters of this page.
fn next_link(query: &Query, next: &str) -> Option<HeaderValue> {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    for name in ["limit", "types", "channel_id", "since", "until"] {
        if let Some(value) = query.get(name) {
            text.append_pair(name, value);
        }
    }
    text.append_pair("after", next);
    HeaderValue::try_from(format!("</v1/events?{}>; rel=\"next\"", text.finish())).ok()
}

/// Where a stream begins: after what the client had when it was cut off, or else where it asks to.
fn stream_begin(query: &Query, headers: &HeaderMap) -> Result<EventBegin, Error> {
    let last = single(headers, &LAST_EVENT_ID, Code::InvalidParameter)?;
    let last = last.map(|value| std::str::from_utf8(value).unwrap_or("?").trim());
    let named = match last.filter(|last| !last.is_empty()) {
        Some(last) => Some(("Last-Event-ID", last)),
        None => query.get("after").map(|after| ("after", after)),
    };
    match named {
        Some((name, text)) if text.is_empty() || text.len() > PLACE_MAX || !text.is_ascii() => {
            Err(invalid(format!("{name}: expected an event's id or a cursor")))
        }
        Some((_, text)) => Ok(EventBegin::parse(text)),
        None if query.get("since").is_some() => Ok(EventBegin::Start),
        None => Ok(EventBegin::Now),
    }
}

async fn event_stream(
    grant: Grant<EventRead>,
    State(app): State<App>,
    query: Query,
    headers: HeaderMap,
    cut: Option<Extension<Cut>>,
) -> Answer {
    let begin = stream_begin(&query, &headers)?;
    let stream = app.event_stream(&grant, StreamQuery { begin, select: selection(&query)? }).await?;
    let cut = cut.map(|Extension(cut)| cut);
    Ok(event_stream::answer(stream, &app.config().streams, grant.request(), cut))
}

async fn event_get(grant: Grant<EventRead>, State(app): State<App>, Id(id): Id<EventId>) -> Answer {
    let event = app.event_get(&grant, id).await?;
    Ok(reply::raw_ok(event.payload))
}
