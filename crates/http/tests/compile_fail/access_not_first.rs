//! Something else is read before anybody asked who is there.
use gatepost_core::MessageId;
use gatepost_http::access::{Grant, get, permission};
use gatepost_http::{Doors, Id, Route};

async fn late(_: Id<MessageId>, _: Grant<permission::MessageRead>) {}

pub fn route<A: Doors>() -> Route<A> {
    get("/{message_id}", late)
}
