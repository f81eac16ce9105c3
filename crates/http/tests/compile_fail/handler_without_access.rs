//! A handler that does not say who may call it.
use gatepost_http::access::post;
use gatepost_http::{Doors, Route};

async fn anybody(_: String) {}

pub fn route<A: Doors>() -> Route<A> {
    post("/a", anybody)
}
