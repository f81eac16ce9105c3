//! The outermost layer: it names the request, admits it, watches it, and sees to it that every answer has the same
//! form, whoever made it.
//!
//! One line per request goes to the log: the route's template (never the path, whose ids and queries are the
//! caller's), the status, the time, the request's id and the actor; for a refusal its code and private context too.
//! Bodies, phone numbers and credentials are not known here.

use std::any::Any;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use gatepost_core::access::Actor;
use gatepost_core::audit::{Refusal, Refused};
use gatepost_core::limit::WindowState;
use gatepost_core::{ClientAddr, Code, Error, RequestId};
use http::{HeaderMap, HeaderValue, Method, Uri};

use crate::attachment::Foreign;
use crate::client::{self, ClientAddress, ProxiedFrom};
use crate::console::error::{self, Asked};
use crate::console::page::asks_for_page;
use crate::headers::{self, Cacheable, Framed, Immutable, Page, REQUEST_ID};
use crate::problem::{self, Failure};
use crate::state::{ApiState, Doors};
use crate::{compat_error, cors, pace};

/// Largest sum of a request's header names and values, in bytes.
const HEADER_BYTES_MAX: usize = 32 * 1024;
/// Longest path and query, in bytes.
const TARGET_MAX: usize = 8 * 1024;

/// What is learnt about a request while it is worked on, for the log.
#[derive(Clone)]
pub struct Notes(Arc<NotesInner>);

struct NotesInner {
    id: RequestId,
    actor: OnceLock<Actor>,
    party: OnceLock<Refused>,
    windows: OnceLock<Vec<WindowState>>,
    reader: OnceLock<HeaderValue>,
}

impl Notes {
    fn new(id: RequestId) -> Self {
        Self(Arc::new(NotesInner {
            id,
            actor: OnceLock::new(),
            party: OnceLock::new(),
            windows: OnceLock::new(),
            reader: OnceLock::new(),
        }))
    }

    pub fn id(&self) -> RequestId {
        self.0.id
    }

    /// Says who it is; the first word stands.
    pub fn set_actor(&self, actor: Actor) {
        self.0.actor.get_or_init(|| actor);
    }

    /// Says whom a refusal of this request concerns; the first word stands.
    pub fn set_party(&self, party: Refused) {
        self.0.party.get_or_init(|| party);
    }

    /// Says how the caller's limits stand, for the answer's headers.
    pub fn set_windows(&self, windows: Vec<WindowState>) {
        self.0.windows.get_or_init(|| windows);
    }

    /// Says which page may read the answer.
    pub fn set_reader(&self, origin: HeaderValue) {
        self.0.reader.get_or_init(|| origin);
    }
}

/// Runs one request.
pub async fn observe<A: Doors>(
    State(state): State<ApiState<A>>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = state.app().now();
    let notes = Notes::new(RequestId::new(started, state.app().entropy()));
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let client_note = client_request_id(request.headers());
    request.extensions_mut().insert(notes.clone());

    let form = Form::of(&state, route.as_ref(), &method, request.uri(), request.headers());
    let patience = state.patience(route.as_ref(), &method);
    let mut client = ClientAddress(None);
    let answer = match admit(&state, &mut request, &mut client) {
        Err(error) => Failure::from(error).into_response(),
        Ok(_slot) => match cors::preflight(&request) {
            Some(response) => response,
            None => match tokio::time::timeout(patience, next.run(request)).await {
                Ok(response) => response,
                Err(_) => Failure::from(
                    Error::new(Code::Unavailable, "the answer took too long")
                        .with_context("request timed out"),
                )
                .into_response(),
            },
        },
    };

    let (mut response, error) = problem::settle(answer, |error| form.render(error, notes.id()));
    headers::apply(state.security_headers(), response.headers_mut());
    if response.extensions().get::<Page>().is_some() {
        headers::open(response.headers_mut());
    }
    if let Some(framed) = response.extensions().get::<Framed>().cloned() {
        headers::frame(response.headers_mut(), &framed);
    }
    if response.extensions().get::<Immutable>().is_some() {
        headers::keep_for_ever(response.headers_mut());
    }
    if response.extensions().get::<Foreign>().is_some() {
        headers::confine(response.headers_mut());
    }
    if let Some(cacheable) = response.extensions().get::<Cacheable>().copied() {
        headers::keep(response.headers_mut(), cacheable);
    }
    pace::apply(notes.0.windows.get().map_or(&[], Vec::as_slice), response.headers_mut());
    cors::apply(notes.0.reader.get(), response.headers_mut());
    if let Ok(id) = HeaderValue::try_from(notes.id().to_string()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    if let (Some(error), Some(by)) = (&error, notes.0.party.get()) {
        state.app().refused(Refusal {
            code: error.code(),
            by: *by,
            route: route_name(&method, route.as_ref()),
            request: notes.id(),
            source: client.0,
        });
    }
    let elapsed = state.app().now().since(started);
    let seen = Seen {
        notes: &notes,
        method: &method,
        route: route.as_ref(),
        client: client.0,
        client_note: client_note.as_deref(),
    };
    seen.count(response.status().as_u16(), elapsed);
    seen.log(response.status().as_u16(), elapsed, error.as_ref());
    response
}

/// What a refusal looks like.
enum Form {
    /// A problem document, for programs.
    Problem,
    /// What clients of LoginWA read; whether the route is about codes.
    Compat(bool),
    /// A page, for people.
    Page(Asked),
    /// The same for visitors of another site, who are nobody here.
    Visitor,
}

impl Form {
    /// Pages refuse with pages. Under a path that no route has it depends on who asks: a browser that opens an address asks
    /// for HTML.
    fn of<A: Doors>(
        state: &ApiState<A>,
        route: Option<&MatchedPath>,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Self {
        if uri.path().starts_with(compat_error::PREFIX) {
            return Self::Compat(compat_error::is_of_session(uri.path()));
        }
        if state.is_for_visitors(route) {
            return Self::Visitor;
        }
        let of_programs = ["/v1/", "/operator/", "/hooks/"].iter().any(|start| uri.path().starts_with(start));
        if state.is_page(route)
            || (state.has_pages() && route.is_none() && !of_programs && asks_for_page(headers))
        {
            Self::Page(Asked::of(method, uri, headers))
        } else {
            Self::Problem
        }
    }

    fn render(&self, error: &Error, id: RequestId) -> Response {
        match self {
            Self::Problem => problem::render(error, id),
            Self::Compat(of_session) => compat_error::render(error, *of_session),
            Self::Page(asked) => error::answer(error, id, asked),
            Self::Visitor => error::to_visitor(error, id),
        }
    }
}

/// Everything that is decided before a handler sees the request.
fn admit<'s, A: Doors>(
    state: &'s ApiState<A>,
    request: &mut Request,
    client: &mut ClientAddress,
) -> Result<tokio::sync::SemaphorePermit<'s>, Error> {
    let slot = state
        .slots()
        .try_acquire()
        .map_err(|_| Error::new(Code::Unavailable, "too many requests are being worked on at this moment"))?;
    let size: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if size > HEADER_BYTES_MAX {
        return Err(Error::of(Code::HeadersTooLarge));
    }
    if request.uri().path_and_query().is_some_and(|target| target.as_str().len() > TARGET_MAX) {
        return Err(Error::new(Code::HeadersTooLarge, "the request's address is too long"));
    }
    let behind = request.extensions().get::<ProxiedFrom>().and_then(|ProxiedFrom(source)| *source);
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| *peer);
    *client = client::locate(behind.or(peer), request.headers(), &state.settings().proxies)?;
    request.extensions_mut().insert(*client);
    Ok(slot)
}

/// Method and template: `GET /v1/keys/{key_id}`. One name for all paths that no route has.
pub(crate) fn route_name(method: &Method, route: Option<&MatchedPath>) -> String {
    format!("{} {}", method_name(method), route.map_or("(none)", MatchedPath::as_str))
}

/// Methods beyond the usual are one, so that strangers cannot make names.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::PUT => "PUT",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// What the caller calls this request, where it is fit for a log line.
fn client_request_id(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("x-request-id")?.to_str().ok()?;
    let fit = (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    fit.then(|| text.to_owned())
}

struct Seen<'a> {
    notes: &'a Notes,
    method: &'a Method,
    route: Option<&'a MatchedPath>,
    client: Option<ClientAddr>,
    client_note: Option<&'a str>,
}

impl Seen<'_> {
    /// One name for all paths that no route has, so that strangers cannot make metrics.
    fn route(&self) -> &str {
        self.route.map_or("(none)", MatchedPath::as_str)
    }

    fn method(&self) -> &'static str {
        method_name(self.method)
    }

    fn count(&self, status: u16, elapsed: std::time::Duration) {
        let class = match status {
            200..=299 => "2xx",
            300..=399 => "3xx",
            400..=499 => "4xx",
            _ => "5xx",
        };
        let route = self.route().to_owned();
        metrics::histogram!("gatepost_http_request_seconds", "route" => route.clone(), "method" => self.method())
            .record(elapsed.as_secs_f64());
        metrics::counter!("gatepost_http_requests_total", "route" => route, "method" => self.method(), "status" => class)
            .increment(1);
    }

    fn log(&self, status: u16, elapsed: std::time::Duration, error: Option<&Error>) {
        // To the microsecond, without the digits that a product of fractions brings.
        let ms = (elapsed.as_secs_f64() * 1_000_000.0).round() / 1_000.0;
        let actor = self.notes.0.actor.get().map(tracing::field::display);
        let client = self.client.map(tracing::field::display);
        let code = error.map(|e| e.code().as_str());
        let context = error.and_then(Error::context);
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    target: "gatepost::access",
                    request_id = %self.notes.0.id,
                    method = self.method(),
                    route = self.route(),
                    status,
                    ms,
                    actor,
                    client,
                    client_request_id = self.client_note,
                    code,
                    context,
                    "request"
                )
            };
        }
        match status {
            500.. => line!(error),
            400..=499 => line!(info),
            _ => line!(debug),
        }
    }
}

/// A handler's panic as an error of ours; the panic hook has told where it was.
#[expect(clippy::needless_pass_by_value, reason = "tower-http's signature")]
pub fn caught(panic: Box<dyn Any + Send>) -> Response {
    let words = panic
        .downcast_ref::<&'static str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without words".to_owned());
    Failure::from(Error::internal(format!("panic: {words}"))).into_response()
}
