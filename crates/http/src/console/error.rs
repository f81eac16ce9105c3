//! Refusals and failures as pages: what happened, what it means, what to do, and the request's id.

use axum::response::Response;
use gatepost_core::{Code, Error, RequestId};
use http::HeaderValue;
use http::header::RETRY_AFTER;
use maud::{Markup, html};

use super::cookies::Theme;
use super::parts::{self, Icon};
use super::{layout, page};
use crate::problem;

/// What a page says about a code: title, and what to do. The texts of the API speak to programs.
fn words(error: &Error) -> (&'static str, &'static str) {
    match error.code() {
        Code::NotFound => (
            "There is nothing here",
            "The address may be mistyped, or what was here is gone. Pages of a workspace that you do not belong to look the same.",
        ),
        Code::PermissionMissing => {
            ("You may not do this", "Ask an owner or an admin of the workspace if you need to.")
        }
        Code::IpNotAllowed => (
            "Your address is not on the list",
            "This workspace is open to listed addresses only. Ask an owner or an admin to add yours.",
        ),
        Code::MethodNotAllowed => ("This page cannot do that", "Go back, open the page again and repeat it."),
        Code::PayloadTooLarge | Code::HeadersTooLarge => {
            ("That was too much at once", "Go back and send less.")
        }
        Code::UnsupportedMediaType | Code::InvalidField | Code::InvalidParameter | Code::InvalidJson => (
            "This could not be read",
            "Go back, open the page again and repeat it. A link may have been copied in part.",
        ),
        Code::RequestTimeout => ("That took too long to arrive", "Go back and try again."),
        Code::RateLimited => ("Too many requests", "Wait a moment, then try again."),
        Code::HttpsRequired => {
            ("This address is served over https only", "Open the same address with https://.")
        }
        Code::Unavailable => ("Gatepost cannot answer right now", "Wait a moment, then open the page again."),
        code if code.status() >= 500 => (
            "Something went wrong on our side",
            "Try again. If it stays so, give the id below to whoever runs this Gatepost.",
        ),
        code => (code.title(), code.remedy()),
    }
}

/// The document of a refusal.
pub fn markup(error: &Error, id: RequestId, theme: Theme) -> Markup {
    let (title, remedy) = words(error);
    let status = problem::status_of(error.code());
    // The same text for every occurrence adds nothing to the title.
    let detail = Some(error.detail()).filter(|detail| *detail != error.code().title());
    let picture = if status.is_server_error() { Icon::LifeBuoy } else { Icon::CircleAlert };
    layout::plain(
        theme,
        title,
        html! {
            div class="failure" {
                span class="picture" { (picture) }
                p class="muted" { (status.as_u16()) }
                h1 { (title) }
                @if let Some(detail) = detail { p dir="auto" { (detail) } }
                p { (remedy) }
                (parts::actions(html! {
                    a class="button primary" href="/" { "Go to the start" }
                }))
                p class="muted" { "Request " (parts::copyable(&id.to_string(), "the request's id")) }
            }
        },
    )
}

/// The page of a refusal, with the headers that belong to its code.
pub fn page(error: &Error, id: RequestId, theme: Theme) -> Response {
    let mut response = page::with_status(problem::status_of(error.code()), markup(error, id, theme));
    if let Some(seconds) = problem::retry_seconds(error) {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
