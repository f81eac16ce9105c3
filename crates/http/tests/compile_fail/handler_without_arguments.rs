//! A handler that takes nothing does not say who may call it either.
use gatepost_http::access::get;
use gatepost_http::{Doors, Route};

async fn anybody() {}

pub fn route<A: Doors>() -> Route<A> {
    get("/a", anybody)
}
