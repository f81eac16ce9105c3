//! A route comes from `get`, `post`, `patch` and `delete` alone.
use gatepost_http::access::{Entrance, Rule};
use gatepost_http::Doors;

pub fn forge<A: Doors>(other: Entrance<A>) -> Entrance<A> {
    Entrance { rule: Rule::Public, ..other }
}
