//! The way to a provider and back.

use axum::extract::State;
use axum::response::Response;
use gatepost_app::sso::Callback;
use gatepost_app::{App, SignIn, SsoDone, SsoFinished, SsoStarted, SsoWish};
use gatepost_core::access::SessionKind;
use gatepost_core::{Code, WorkspaceId};
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderName, HeaderValue};
use maud::html;
use url::Url;

use super::LINKED_PATH;
use crate::access::{Public, SignedIn, form, page};
use crate::console::back::{self, BACK_QUERY, back_of};
use crate::console::factors::{Entering, ask_second_factor};
use crate::console::form::{Form, FormBody, Reader};
use crate::console::layout::{BACK, SIGN_IN_PATH, WORKSPACES_PATH, narrow};
use crate::console::members::invitation_is_over;
use crate::console::notice::Notice;
use crate::console::page as pages;
use crate::console::parts::{actions, button_link, own, plain_form, stack, submit};
use crate::console::view::View;
use crate::path::{Id, ProviderKey};
use crate::query::Query;
use crate::reply::Answer;
use crate::route::Route;
use crate::session::{self, From as CallerFrom};

/// Binds the way back to the browser.
const COOKIE: &str = "__Host-gatepost-sso";
/// As long as an attempt is good.
const COOKIE_SECONDS: u32 = 600;
/// Leads on by itself; known to all browsers, and no redirect of a form.
const REFRESH: HeaderName = HeaderName::from_static("refresh");

pub fn routes() -> Vec<Route<App>> {
    vec![
        page("/sso/{provider}", offer)
            .id("ssoPage")
            .summary("Sign in through an identity provider: the button")
            .query(&BACK_QUERY),
        form("/sso/{provider}/start", start)
            .id("ssoStartForm")
            .summary("Begin to sign in through an identity provider"),
        form("/sso/{provider}/link", link)
            .id("ssoLinkForm")
            .summary("Begin to link an account at an identity provider"),
        form("/sso/{provider}/prove", prove)
            .id("ssoProveForm")
            .summary("Begin to prove once more who one is, through an identity provider"),
        page("/w/{workspace_id}/enter", enter)
            .id("ssoEnterPage")
            .summary("Find the provider that is the only way into a workspace")
            .query(&BACK_QUERY),
        page("/sso/{provider}/callback", callback)
            .id("ssoCallback")
            .summary("Come back from an identity provider")
            .open_query(),
    ]
}

async fn offer(_: Public, State(app): State<App>, view: View, query: Query, key: ProviderKey) -> Answer {
    let (offer, back) = (app.sso_offer(key.as_str()).await?, back_of(&query));
    let content = stack(html! {
        p { "You sign in at " strong { (own(&offer.name)) } " and come back here." }
        (plain_form(&view, &format!("/sso/{}/start", offer.key), html! {
            (back::field(&back)) (actions(submit(&format!("Continue with {}", offer.name))))
        }))
        p { a href=(back::with(SIGN_IN_PATH, &back)) { "Sign in another way" } }
    });
    Ok(pages::ok(narrow(&view, "Sign in", content)))
}

struct StartAsk {
    /// The word of an invitation that is to be accepted on the way.
    invitation: String,
    back: String,
}

impl FormBody for StartAsk {
    const FIELDS: &'static [&'static str] = &["invitation", BACK];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let back = back::local(reader.exact(BACK));
        Some(Self { invitation: reader.exact("invitation"), back })
    }
}

struct ProveAsk {
    back: String,
}

impl FormBody for ProveAsk {
    const FIELDS: &'static [&'static str] = &[BACK];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { back: back::local(reader.exact(BACK)) })
    }
}

async fn start(
    _: Public,
    State(app): State<App>,
    view: View,
    headers: HeaderMap,
    key: ProviderKey,
    form: Form<StartAsk>,
) -> Answer {
    let invitation = form.read.as_ref().map(|ask| ask.invitation.as_str()).filter(|word| !word.is_empty());
    let back = form.read.as_ref().map_or("", |ask| ask.back.as_str());
    let wish = SsoWish::SignIn { invitation };
    match app.sso_start(key.as_str(), cookie(&headers), wish, back).await {
        Ok(started) => Ok(leave(&view, &started)),
        // The provider does not answer, or not as one.
        Err(error) if error.code() == Code::SsoFailed => Ok(refused(&view)),
        Err(error) => Err(error.into()),
    }
}

/// Leads a member to the provider that is the only way into their workspace.
async fn enter(
    SignedIn(person): SignedIn,
    State(app): State<App>,
    query: Query,
    Id(workspace): Id<WorkspaceId>,
) -> Answer {
    let back = back::within(workspace, &back_of(&query));
    Ok(pages::see(match app.sso_way_in(&person, workspace).await? {
        Some(offer) => back::with(&format!("/sso/{}", offer.key), &back),
        None => back,
    }))
}

async fn link(
    SignedIn(person): SignedIn,
    State(app): State<App>,
    view: View,
    headers: HeaderMap,
    key: ProviderKey,
) -> Answer {
    let started = app.sso_start(key.as_str(), cookie(&headers), SsoWish::Link(&person), "").await?;
    Ok(leave(&view, &started))
}

async fn prove(
    SignedIn(person): SignedIn,
    State(app): State<App>,
    view: View,
    headers: HeaderMap,
    key: ProviderKey,
    form: Form<ProveAsk>,
) -> Answer {
    let back = form.read.map(|ask| ask.back).unwrap_or_default();
    let started = app.sso_start(key.as_str(), cookie(&headers), SsoWish::Prove(&person), &back).await?;
    Ok(leave(&view, &started))
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    session::cookie(headers, COOKIE).ok().flatten()
}

/// The page that leads to the provider, and says where that is.
fn leave(view: &View, started: &SsoStarted) -> Response {
    let host =
        Url::parse(&started.url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let content = stack(html! {
        p { "You are on the way to " strong { bdi dir="ltr" { (host) } } "." }
        (actions(button_link("primary", None, "Go on", &started.url)))
    });
    let mut response = pages::ok(narrow(view, "Signing in elsewhere", content));
    let headers = response.headers_mut();
    if let Ok(onward) = HeaderValue::try_from(format!("0; url={}", started.url)) {
        headers.insert(REFRESH, onward);
    }
    bind(headers, started.browser.expose(), COOKIE_SECONDS);
    response
}

fn bind(headers: &mut HeaderMap, value: &str, seconds: u32) {
    let cookie = format!("{COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}");
    if let Ok(value) = HeaderValue::try_from(cookie) {
        headers.append(SET_COOKIE, value);
    }
}

async fn callback(
    _: Public,
    State(app): State<App>,
    CallerFrom(caller): CallerFrom,
    view: View,
    headers: HeaderMap,
    query: Query,
    key: ProviderKey,
) -> Answer {
    let get = |name: &str| query.get(name).map(str::to_owned);
    let callback = Callback {
        state: get("state").unwrap_or_default(),
        code: get("code"),
        iss: get("iss"),
        error: get("error"),
    };
    let browser = cookie(&headers).unwrap_or_default();
    let done = app.sso_finish(&caller, key.as_str(), browser, &callback).await;
    let mut response = match done {
        Ok(done) => {
            let entering =
                Entering { app: &app, kind: SessionKind::Console, caller: &caller, headers: &headers };
            arrived(&entering, &view, done).await?
        }
        Err(error) if error.code() == Code::SsoFailed => refused(&view),
        Err(error) => return Err(error.into()),
    };
    bind(response.headers_mut(), "", 0);
    Ok(response)
}

/// Leads on to where the person was on the way to; a session through a workspace's provider stays in that workspace.
async fn arrived(entering: &Entering<'_>, view: &View, finished: SsoFinished) -> Answer {
    let SsoFinished { done, back } = finished;
    let app = entering.app;
    // Whoever joined by an invitation has nothing to do on its page any more.
    let back = if invitation_is_over(app, &back).await { String::new() } else { back };
    let onward = |workspace: Option<WorkspaceId>| match workspace {
        Some(workspace) => back::within(workspace, &back),
        None => back.clone(),
    };
    Ok(match done {
        SsoDone::SignedIn { step: SignIn::Done(begun), workspace } => {
            entering.entered(&begun, &onward(workspace)).await?
        }
        SsoDone::SignedIn { step: SignIn::SecondFactor { ticket }, workspace } => {
            ask_second_factor(app, view, ticket.expose(), &onward(workspace)).await?
        }
        SsoDone::Linked => pages::see_and_say(LINKED_PATH, Notice::AccountLinked),
        SsoDone::Proved { token, workspace } => {
            let onward = onward(workspace);
            let onward = if onward.is_empty() { WORKSPACES_PATH.to_owned() } else { onward };
            let mut response = pages::see_and_say(onward, Notice::Proved);
            let token = token.and_then(|token| session::set_session(SessionKind::Console, &token));
            if let Some(cookie) = token {
                response.headers_mut().append(SET_COOKIE, cookie);
            }
            response
        }
    })
}

/// One page for whatever was wrong: nothing that came back from the provider is in it.
fn refused(view: &View) -> Response {
    let content = stack(html! {
        p { "Signing in through the provider did not work, or it was cancelled there." }
        p {
            "If you have an account here, sign in to it first and link the one at the provider. "
            "If it does not work again, tell whoever manages the workspace: the audit log says why."
        }
        (actions(button_link("primary", None, "Back to signing in", SIGN_IN_PATH)))
    });
    let status = http::StatusCode::FORBIDDEN;
    pages::with_status(status, narrow(view, "That did not work", content))
}
