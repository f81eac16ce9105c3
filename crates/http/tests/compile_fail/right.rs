//! Compiles: every access in front.
use gatepost_http::access::{Grant, Operator, Public, get, operator_permission, permission, post};
use gatepost_http::{Doors, Route};

async fn public(_: Public) {}
async fn granted(_: Grant<permission::MessageSend>, _: String) {}
async fn operated(_: Operator<operator_permission::StatusRead>) {}

pub fn routes<A: Doors>() -> [Route<A>; 3] {
    [get("/a", public), post("/b", granted), get("/c", operated)]
}
