//! `/hooks/meta/{app_id}`: what Meta calls.
//!
//! Defends against: a callback that Meta did not send (the signature is verified over the raw bytes before anything
//! is parsed), and a stranger who registers our address as its own callback (the verify token).
//! Does not defend against: whoever holds the app secret.

use axum::extract::{Extension, State};
use axum::response::IntoResponse;
use gatepost_app::App;
use gatepost_core::audit::Refused;
use gatepost_core::{Code, MetaAppId};
use http::StatusCode;

use crate::access::{Meta, Public, Signed, get, post};
use crate::observe::Notes;
use crate::path::Id;
use crate::query::{Query, QueryParameter, invalid};
use crate::reply::Answer;
use crate::route::Route;

const HANDSHAKE: [QueryParameter; 3] = [
    QueryParameter::text("hub.mode", "subscribe", "subscribe").required(),
    QueryParameter::text("hub.challenge", "What to answer.", "1158201444").required(),
    QueryParameter::text("hub.verify_token", "The verify token of this Meta app.", "vt_7Qm2sVxkTzYhPqLr")
        .required(),
];

/// Longest challenge that is echoed, in bytes; Meta's are digits.
const CHALLENGE_MAX: usize = 256;

pub fn routes() -> Vec<Route<App>> {
    vec![
        get("/hooks/meta/{app_id}", callback_handshake)
            .id("metaCallbackHandshake")
            .summary("Answer Meta's handshake")
            .description("Meta asks once, when the callback URL is saved in its app dashboard.")
            .tag("Callbacks")
            .query(&HANDSHAKE)
            .open_query()
            .answers("text/plain", "The challenge.", "1158201444")
            .fails(&[Code::VerifyTokenInvalid, Code::InvalidParameter]),
        post("/hooks/meta/{app_id}", callback_accept)
            .id("metaCallbackAccept")
            .summary("Take a callback from Meta")
            .description("The body is stored, sealed, before this answers. At most 3 MiB.")
            .tag("Callbacks")
            .open_query()
            .answers("text/plain", "The callback was taken.", ""),
    ]
}

async fn callback_handshake(
    _: Public,
    State(app): State<App>,
    Extension(notes): Extension<Notes>,
    Id(id): Id<MetaAppId>,
    query: Query,
) -> Answer {
    notes.set_party(Refused::MetaApp(id));
    let parameter = |name| query.get(name).ok_or_else(|| invalid(format!("{name} is missing")));
    if parameter("hub.mode")? != "subscribe" {
        return Err(invalid("hub.mode: expected subscribe").into());
    }
    let challenge = parameter("hub.challenge")?;
    if challenge.len() > CHALLENGE_MAX || !challenge.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(invalid(format!(
            "hub.challenge: expected at most {CHALLENGE_MAX} visible ASCII characters"
        ))
        .into());
    }
    // Plain text with nosniff: what is echoed cannot become a page.
    Ok(app.callback_handshake(id, parameter("hub.verify_token")?, challenge).await?.into_response())
}

async fn callback_accept(signed: Signed<Meta, App>) -> Answer {
    let Signed { state, callback, .. } = signed;
    state.app().callback_accept(callback).await?;
    Ok(StatusCode::OK.into_response())
}
