//! Something else is read before anybody asked who is there.
use gatepost_http::access::{Grant, permission, post};
use gatepost_http::{ApiState, Doors, Route};

async fn late<A: Doors>(_: Everything, _: Grant<permission::MessageSend>) {}

struct Everything;

pub fn route<A: Doors>() -> Route<A> {
    let _: Option<ApiState<A>> = None;
    post("/a", late::<A>)
}
