//! An access that may be missing is none.
use gatepost_http::access::{Grant, get, permission};
use gatepost_http::{Doors, Failure, Route};

async fn perhaps(_: Result<Grant<permission::MessageSend>, Failure>) {}

pub fn route<A: Doors>() -> Route<A> {
    get("/a", perhaps)
}
