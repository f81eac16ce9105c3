//! The server itself: health, documents, a welcome.

use axum::extract::State;
use axum::response::IntoResponse;
use gatepost_app::App;
use gatepost_core::{Code, Error};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::access::{Public, get};
use crate::console::layout::WORKSPACES_PATH;
use crate::console::page::{self, asks_for_page};
use crate::path::Text;
use crate::problem;
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::state::ApiState;

/// Whether the server is well.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `ok`
    #[schema(value_type = String, example = "ok")]
    status: &'static str,
}

const WELCOME: &str = "\
This is Gatepost, a self-hosted WhatsApp gateway.

Next, on the machine that runs this:

    gatepost workspace create \"My company\"
    gatepost channel add test
    gatepost key create --scope send --scope read

Then, from anywhere that reaches it ($URL is this address, $KEY is what the last command showed):

    curl \"$URL/v1/messages\" -H \"Authorization: Bearer $KEY\" -H \"Content-Type: application/json\" \\
         -d '{\"to\": \"+12025550101\", \"purpose\": \"transactional\", \"text\": \"hello\"}'

/openapi.json      the API
/problems/{code}   what a refusal means and what to do
/healthz, /readyz  is it alive, can it serve

Gatepost is independent: not affiliated with, endorsed by or connected to WhatsApp, Meta or 3CX.
";

pub fn routes() -> Vec<Route<App>> {
    vec![
        get("/", welcome)
            .id("welcome")
            .summary("Say what this is and what comes next")
            .tag("Service")
            .answers(
                "text/plain",
                "A welcome in words.",
                "This is Gatepost, a self-hosted WhatsApp gateway.",
            ),
        get("/openapi.json", document)
            .id("documentGet")
            .summary("Read this document")
            .tag("Service")
            .answers("application/json", "The OpenAPI document of this server.", "{}"),
        get("/healthz", health)
            .id("healthGet")
            .summary("Is the process alive?")
            .tag("Service")
            .answer::<Health>(200, "It is.", json!({ "status": "ok" })),
        get("/readyz", ready)
            .id("readinessGet")
            .summary("Can it serve requests?")
            .tag("Service")
            .answer::<Health>(200, "It can: the store answers.", json!({ "status": "ok" })),
        get("/problems/{code}", problem_page)
            .id("problemGet")
            .summary("Read what a code means")
            .tag("Service")
            .answers(
                "text/plain",
                "The code's title, status and remedy.",
                "No valid credential was presented",
            ),
    ]
}

/// Words for programs and terminals; people with a browser are led to the console.
async fn welcome(_: Public, headers: HeaderMap) -> Answer {
    if asks_for_page(&headers) {
        return Ok(page::see(WORKSPACES_PATH));
    }
    Ok(WELCOME.into_response())
}

async fn document(_: Public, State(state): State<ApiState<App>>) -> Answer {
    Ok(([(CONTENT_TYPE, "application/json")], state.document()).into_response())
}

async fn health(_: Public) -> Answer {
    Ok(reply::ok(&Health { status: "ok" }))
}

async fn ready(_: Public, State(app): State<App>) -> Answer {
    app.ready().await.map_err(|error| match error.code() {
        Code::Unavailable => error,
        _ => Error::of(Code::Unavailable).with_context(error),
    })?;
    Ok(reply::ok(&Health { status: "ok" }))
}

async fn problem_page(_: Public, code: Text) -> Answer {
    let code = Code::parse(code.as_str()).ok_or_else(|| Error::of(Code::NotFound))?;
    Ok(problem::page(code).into_response())
}
