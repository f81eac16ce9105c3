//! The page that somebody was on the way to when they were asked who they are: carried through the steps of that, and gone
//! on to at the end.
//!
//! Threat note. It comes with a link or a form, so anybody may have written it. Defends against: being led to another
//! server (only paths of this one are taken, here and again where the redirect is made). Does not defend against: a link
//! that leads to a page of ours which its writer chose; pages change nothing by being opened.

use gatepost_core::WorkspaceId;
use http::header::{HOST, REFERER};
use http::{HeaderMap, Method, Uri};
use maud::{Markup, html};
use url::{Position, Url};

use super::layout::BACK;
use super::page;
use crate::query::{Query, QueryParameter};

/// The parameter of pages that take it.
pub const BACK_QUERY: [QueryParameter; 1] =
    [QueryParameter::text(BACK, "The page to go on to: a path of this server.", "/workspaces")];

/// The path that somebody asks to come back to, where it is one of this server; empty otherwise.
pub fn back_of(query: &Query) -> String {
    local(query.get(BACK).unwrap_or_default().to_owned())
}

/// `back` where it is a path of this server; empty otherwise.
pub fn local(back: String) -> String {
    if page::local(&back).is_some() { back } else { String::new() }
}

/// The page that is open in a browser which asks this: what it asks for, or the page whose form it sent.
pub fn openable(method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let open = if *method == Method::GET || *method == Method::HEAD {
        uri.path_and_query().map(|target| target.as_str().to_owned())
    } else {
        // Only our own pages are named here (see the pages' referrer policy); another server's path leads nowhere.
        let referer = headers.get(REFERER).and_then(|value| Url::parse(value.to_str().ok()?).ok());
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        referer
            .filter(|url| Some(&url[Position::BeforeHost..Position::AfterPort]) == host)
            .map(|url| url[Position::BeforePath..Position::AfterQuery].to_owned())
    };
    open.filter(|open| page::local(open).is_some())
}

/// The hidden field of a form that carries it on.
pub fn field(back: &str) -> Markup {
    html! { input type="hidden" name=(BACK) value=(back); }
}

/// A page that takes it, with it.
pub fn with(path: &str, back: &str) -> String {
    if back.is_empty() {
        return path.to_owned();
    }
    let back: String = url::form_urlencoded::byte_serialize(back.as_bytes()).collect();
    format!("{path}?{BACK}={back}")
}

/// `back` where it is a page of this workspace, else the workspace's first page: for a session that opens no other.
pub fn within(workspace: WorkspaceId, back: &str) -> String {
    let home = format!("/w/{workspace}");
    match back.strip_prefix(&home) {
        Some(rest) if rest.is_empty() || rest.starts_with(['/', '?']) => back.to_owned(),
        _ => home,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_this_server_are_gone_back_to() {
        assert_eq!(local("/w/x?mode=test".to_owned()), "/w/x?mode=test");
        for bad in ["//evil.example", "https://evil.example", "/a b", "w"] {
            assert_eq!(local(bad.to_owned()), "", "{bad}");
        }
        assert_eq!(with("/sign-in", ""), "/sign-in");
        assert_eq!(with("/sign-in", "/w/x?a=1&b=2"), "/sign-in?back=%2Fw%2Fx%3Fa%3D1%26b%3D2");
    }

    #[test]
    fn a_confined_session_goes_to_its_own_workspace() {
        let ours = WorkspaceId::from_uuid(uuid::Uuid::from_u128(1));
        let theirs = WorkspaceId::from_uuid(uuid::Uuid::from_u128(2));
        let home = format!("/w/{ours}");
        for own in [home.clone(), format!("{home}/keys"), format!("{home}?x=1")] {
            assert_eq!(within(ours, &own), own);
        }
        for other in
            [String::new(), "/account/security".to_owned(), format!("/w/{theirs}"), format!("{home}0/keys")]
        {
            assert_eq!(within(ours, &other), home, "{other}");
        }
    }
}
