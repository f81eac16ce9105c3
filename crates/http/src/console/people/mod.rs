//! Setting up, signing in and out, proving again who one is, and the sessions that are open elsewhere.

pub mod home;
mod reauth;
mod sessions;
mod setup;
mod sign_in;

pub use setup::SETUP_PATH;

use axum::response::Response;
use gatepost_app::{App, SessionBegun};
use gatepost_core::access::SessionKind;
use http::header::SET_COOKIE;

use crate::route::Route;
use crate::session;

pub fn routes() -> Vec<Route<App>> {
    let mut routes = setup::routes();
    routes.extend(sign_in::routes());
    routes.extend(reauth::routes());
    routes.extend(sessions::routes());
    routes
}

/// Puts the cookies of a session that has begun.
fn enter(mut response: Response, kind: SessionKind, begun: &SessionBegun) -> Response {
    let cookies = [session::set_session(kind, &begun.token), session::set_device(&begun.device)];
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}
