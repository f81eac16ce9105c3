//! Refusals and failures as pages: what happened, what it means, what to do, and the request's id.

use axum::response::Response;
use gatepost_core::{Code, Error, RequestId, WorkspaceId};
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, Method, Uri};
use maud::{Markup, html};

use super::cookies::Theme;
use super::factors::SECURITY_PATH;
use super::layout::{REAUTH_PATH, SIGN_IN_PATH};
use super::parts::{self, Icon};
use super::{back, form, layout, page};
use crate::problem;

/// What of a request its refusal needs to know.
pub struct Asked {
    theme: Theme,
    /// The page that a person wants back to, once they proved who they are: this one, or the one whose form this was.
    back: Option<String>,
}

impl Asked {
    pub fn of(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        Self { theme: Theme::of(headers), back: back::openable(method, uri, headers) }
    }

    /// Where the provider is found that is the only way into the workspace of the page.
    fn way_in(&self) -> Option<String> {
        let back = self.back.as_ref()?;
        let workspace = back.strip_prefix("/w/")?.split(['/', '?']).next()?;
        let workspace: WorkspaceId = workspace.parse().ok()?;
        Some(back::with(&format!("/w/{workspace}/enter"), back))
    }

    /// The way to prove who one is, and back.
    fn elsewhere(&self, path: &str) -> Response {
        page::see(back::with(path, self.back.as_deref().unwrap_or_default()))
    }
}

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
        Code::CsrfRefused => (
            "This form was not taken",
            "Nothing was changed. Open the page again and repeat it; the address must be the one that you signed in at.",
        ),
        Code::SecondFactorRequired => (
            "This workspace asks for a second factor",
            "Add a passkey or an authenticator app to your account, then sign in with it.",
        ),
        Code::SsoRequired => (
            "This workspace is entered through its identity provider",
            "Sign in through the provider that the workspace names.",
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

/// The document of a refusal. `onward`: the one thing to do next, as words and a path; else there is a way to the start.
pub fn markup(error: &Error, id: RequestId, theme: Theme, onward: Option<(&str, &str)>) -> Markup {
    let own = (error.code() == Code::SecondFactorRequired).then_some(("Add a second factor", SECURITY_PATH));
    let (next, path) = onward.or(own).unwrap_or(("Go to the start", "/"));
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
                @if let Some(detail) = detail { p dir="auto" { (form::sentence(detail)) } }
                p { (remedy) }
                (parts::actions(html! {
                    a class="button primary" href=(path) { (next) }
                    @if path != "/" {
                        a class="button secondary" href="/" { "Go to the start" }
                    }
                }))
                p class="muted" { "Request " (parts::copyable(&id.to_string(), "the request's id")) }
            }
        },
    )
}

/// The answer to a refusal of a visitor of another site: there is nothing of ours that they could go on to.
pub fn to_visitor(error: &Error, id: RequestId) -> Response {
    let (title, remedy) = match error.code() {
        Code::SubscriptionSuspended | Code::PermissionMissing => words(&Error::of(Code::NotFound)),
        _ => words(error),
    };
    let status = match error.code() {
        Code::SubscriptionSuspended => problem::status_of(Code::NotFound),
        code => problem::status_of(code),
    };
    let document = layout::plain(
        Theme::System,
        title,
        html! {
            div class="failure" {
                span class="picture" { (Icon::CircleAlert) }
                p class="muted" { (status.as_u16()) }
                h1 { (title) }
                p { (remedy) }
                p class="muted" { "Request " (parts::code(&id.to_string())) }
            }
        },
    );
    let mut response = page::with_status(status, document);
    if let Some(seconds) = problem::retry_seconds(error) {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The answer to a refusal: its page, with the headers that belong to its code; or, where a person has only to prove who
/// they are, the way there.
pub fn answer(error: &Error, id: RequestId, asked: &Asked) -> Response {
    match error.code() {
        Code::SessionEnded | Code::Unauthorized => return asked.elsewhere(SIGN_IN_PATH),
        Code::ReauthRequired => return asked.elsewhere(REAUTH_PATH),
        _ => {}
    }
    let provider = asked.way_in().filter(|_| error.code() == Code::SsoRequired);
    let onward = provider.as_deref().map(|path| ("Sign in through the provider", path));
    let document = markup(error, id, asked.theme, onward);
    let mut response = page::with_status(problem::status_of(error.code()), document);
    if let Some(seconds) = problem::retry_seconds(error) {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
