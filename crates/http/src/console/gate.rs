//! What stands before every page: nothing to see before the installation is set up, not too fast, and a session's token
//! that is replaced in time.
//!
//! Defends against: a console that shows anything before somebody is its operator (every page leads to `/setup`), pages
//! asked for without end (windows by session, and by address for whoever is not signed in; see `gatepost_app`'s limits), a
//! token that leaked long ago (another one every quarter of an hour).
//! Does not defend against: anything that has to do with who may see a page; each page's own access does.

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use gatepost_core::access::SessionKind;
use gatepost_core::{ClientAddr, Result};
use http::header::SET_COOKIE;

use super::page;
use super::people::SETUP_PATH;
use crate::client::ClientAddress;
use crate::observe::Notes;
use crate::problem::Failure;
use crate::session;
use crate::state::{ApiState, Doors};

/// Parts of pages and what belongs to nobody: neither counted nor kept back.
const OPEN: [&str; 2] = ["/assets/", "/theme"];

/// Stands in front of the guard of forms.
pub async fn keep<A: Doors>(State(state): State<ApiState<A>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let route = request.extensions().get::<MatchedPath>();
    if state.is_for_visitors(route) {
        return admit_visitor(&state, request, next).await;
    }
    let page = state.is_page(route);
    if !page || OPEN.iter().any(|open| path.starts_with(open)) {
        return next.run(request).await;
    }
    let kind = SessionKind::Console;
    let token = session::presented(request.headers(), kind).ok().map(str::to_owned);
    let setting_up = path == SETUP_PATH;
    let client = request.extensions().get::<ClientAddress>().and_then(|client| client.0);
    let notes = request.extensions().get::<Notes>().cloned();
    match admit(&state, kind, token.as_deref(), client, notes.as_ref()).await {
        Err(error) => return Failure::from(error).into_response(),
        Ok(false) if !setting_up => return page::see(SETUP_PATH),
        Ok(_) => {}
    }
    let mut response = next.run(request).await;
    if let Some(token) = token {
        renew(&state, kind, &token, &mut response).await;
    }
    response
}

/// Counts a request for a page that takes no cookie, by its address.
async fn admit_visitor<A: Doors>(state: &ApiState<A>, request: Request, next: Next) -> Response {
    let client = request.extensions().get::<ClientAddress>().and_then(|client| client.0);
    let decision = state.app().limit_page(None, client).await;
    let limited = decision.error();
    if let Some(notes) = request.extensions().get::<Notes>() {
        notes.set_windows(decision.windows);
    }
    match limited {
        Some(error) => Failure::from(error).into_response(),
        None => next.run(request).await,
    }
}

/// Counts the request; false where there is nothing yet but the page to set up.
async fn admit<A: Doors>(
    state: &ApiState<A>,
    kind: SessionKind,
    token: Option<&str>,
    client: Option<ClientAddr>,
    notes: Option<&Notes>,
) -> Result<bool> {
    let person = match token {
        Some(token) => state.app().person_of_session(token, kind).await.ok(),
        None => None,
    };
    let decision = state.app().limit_page(person.as_deref(), client).await;
    let limited = decision.error();
    if let Some(notes) = notes {
        notes.set_windows(decision.windows);
    }
    match limited {
        Some(error) => Err(error),
        None => state.app().is_set_up().await,
    }
}

/// Gives the browser the session's next token, where its time has come and the answer brings none of its own.
async fn renew<A: Doors>(state: &ApiState<A>, kind: SessionKind, token: &str, response: &mut Response) {
    let start = format!("{}=", session::cookie_name(kind));
    let set = response.headers().get_all(SET_COOKIE);
    if set.iter().any(|cookie| cookie.as_bytes().starts_with(start.as_bytes())) {
        return;
    }
    // A session that is over is told so by its page; a store that does not answer is asked again by the next one.
    if let Ok(Some(fresh)) = state.app().session_renew(token).await
        && let Some(cookie) = session::set_session(kind, &fresh)
    {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}
