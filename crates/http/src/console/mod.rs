//! The console: pages rendered here, that work without scripts.
//!
//! - [`page`] and [`layout`]: documents and answers; [`parts`]: what they are made of, with an example of a whole page.
//! - [`view`]: what a handler of a page knows of its request; [`seat`]: who looks at it.
//! - [`gate`]: what stands before every page; [`people`]: setting up, signing in, and what is open elsewhere.
//! - [`form`](mod@form) and [`csrf`]: what people send, and the guard in front of it.
//! - [`back`]: the page that somebody was on the way to.
//! - [`error`]: refusals as pages; [`notice`]: what was done; [`nav`]: the sidebar; [`assets`]: styles, icons, fonts.
//!
//! Pages are routes like all others: [`page`](crate::access::page) and [`form`](crate::access::form) register them with
//! who may call them. They are in the router of the public address, in the inventory and in the permission matrix, and
//! not in the OpenAPI document. Their refusals are pages too.
#![expect(
    clippy::needless_pass_by_value,
    reason = "markup is made in the call that takes it; a reference would be noise at every call"
)]

mod acceptable_use;
pub mod assets;
mod back;
pub mod cookies;
pub mod credentials;
pub mod csrf;
pub mod error;
pub mod factors;
pub mod form;
pub mod gate;
pub mod layout;
pub mod lost;
pub mod members;
pub mod nav;
pub mod notice;
pub mod notices;
pub mod operator_visits;
pub mod operators;
pub mod page;
pub mod parts;
pub(crate) mod people;
pub mod seat;
pub mod sso;
pub mod theme;
pub mod verify;
pub mod view;
mod workspace;
mod workspaces;

#[cfg(test)]
mod gallery;

use std::fmt::Write as _;

use gatepost_app::App;

use crate::route::Route;
use crate::state::Doors;

/// The pages of people and workspaces.
pub(crate) fn pages() -> Vec<Route<App>> {
    let mut routes = workspaces::routes();
    routes.extend(workspace::routes());
    routes.extend(members::routes());
    routes.extend(factors::routes());
    routes.extend(lost::routes());
    routes.extend(credentials::routes());
    routes.extend(notices::routes());
    routes.extend(sso::routes());
    routes.extend(verify::routes());
    routes
}

/// What belongs to no workspace and to nobody.
pub fn routes<A: Doors>() -> Vec<Route<A>> {
    let mut routes = assets::routes();
    routes.extend(theme::routes());
    routes
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
