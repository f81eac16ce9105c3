//! A set of routes: the router made of them, and what can be told about them.

use axum::Router;
use axum::middleware::from_fn_with_state;
use bytes::Bytes;
use gatepost_core::access::PermissionSet;
use gatepost_core::guard::Needs;
use gatepost_core::{Code, Error};
use http::Method;
use serde_json::Value;
use tower_http::catch_panic::CatchPanicLayer;

use crate::access::Rule;
use crate::console::{csrf, gate};
use crate::problem::Failure;
use crate::query::{QueryParameter, QueryRule};
use crate::route::Route;
use crate::state::{ApiState, Doors, RouteTable, Settings};
use crate::{observe, openapi, operator, path};

/// Where a set of routes answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// The address that customers and providers reach.
    Public,
    /// Pages and forms for people, at the same address; not in the OpenAPI document.
    Console,
    /// The operator's local socket.
    Operator,
    /// The operators' own listener, pages and all.
    Operators,
}

/// Routes of one surface.
pub struct Api<A> {
    pub(crate) surface: Surface,
    pub(crate) routes: Vec<Route<A>>,
}

/// An id in a route's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdParameter {
    /// The name between the braces, such as `message_id`.
    pub name: String,
    /// The prefix of its text form, such as `msg`.
    pub prefix: &'static str,
}

/// A route as tests and documents see it.
#[derive(Debug, Clone)]
pub struct RouteInfo {
    pub surface: Surface,
    /// Whether it is a page or a form.
    pub page: bool,
    pub method: Method,
    /// The template, such as `/v1/messages/{message_id}`.
    pub path: String,
    pub operation_id: &'static str,
    pub rule: Rule,
    /// What it asks of the workspace's plan and subscription.
    pub needs: Needs,
    pub ids: Vec<IdParameter>,
    pub query: Vec<QueryParameter>,
    /// A body that is well-formed; ids in it are made up.
    pub body: Option<Value>,
    /// A file that is taken as the body, with its type.
    pub file: Option<(&'static str, &'static [u8])>,
    /// The status of success.
    pub success: u16,
    /// Whether a successful answer has no end.
    pub streams: bool,
}

impl<A: Doors> Api<A> {
    pub(crate) const fn new(surface: Surface) -> Self {
        Self { surface, routes: Vec::new() }
    }

    #[must_use]
    pub(crate) fn routes(mut self, routes: Vec<Route<A>>) -> Self {
        self.routes.extend(routes);
        self
    }

    /// The same routes with the workspace in the path: `/v1/…` becomes `/operator/v1/workspaces/{workspace_id}/…`.
    #[must_use]
    pub(crate) fn routes_inside_workspace(self, mut routes: Vec<Route<A>>) -> Self {
        for route in &mut routes {
            route.entrance.path = operator::inside_workspace(&route.entrance.path, "{workspace_id}");
        }
        self.routes(routes)
    }

    /// Of these routes those that a visit may read, with the workspace in the path.
    #[must_use]
    pub(crate) fn routes_visited(self, routes: Vec<Route<A>>) -> Self {
        let holds = PermissionSet::of_visit(true);
        let read = |route: &Route<A>| {
            let permitted =
                matches!(route.entrance.rule, Rule::Permission(permission) if holds.holds(permission));
            permitted && route.entrance.method == Method::GET && !route.doc.streams
        };
        self.routes_inside_workspace(routes.into_iter().filter(read).collect())
    }

    /// Every route, in the order of declaration.
    pub(crate) fn inventory(&self) -> Vec<RouteInfo> {
        self.routes
            .iter()
            .map(|route| RouteInfo {
                surface: match self.surface {
                    Surface::Public if route.doc.in_console => Surface::Console,
                    surface => surface,
                },
                page: route.doc.in_console,
                method: route.entrance.method.clone(),
                path: route.entrance.path.clone(),
                operation_id: route.doc.id,
                rule: route.entrance.rule,
                needs: route.entrance.needs,
                ids: path::params(&route.entrance.path)
                    .filter_map(|name| {
                        let prefix = path::prefix_of(name)?;
                        Some(IdParameter { name: name.to_owned(), prefix })
                    })
                    .collect(),
                query: route.doc.query.clone(),
                body: route.doc.body.as_ref().map(|body| body.example.clone()),
                file: route.doc.file.as_ref().map(|file| file.example),
                success: route.doc.answer.as_ref().map_or(200, |answer| answer.status),
                streams: route.doc.streams,
            })
            .collect()
    }

    /// The router, ready to be served.
    pub(crate) fn into_router(self, app: A, settings: Settings) -> Router {
        let document = Bytes::from(openapi::document(&self));
        let mut table = RouteTable { operators: self.surface == Surface::Operators, ..RouteTable::default() };
        for route in &self.routes {
            let rule = QueryRule::new(&route.doc.query, route.doc.open_query);
            let rules = table.queries.entry(route.entrance.path.clone()).or_default();
            rules.push((route.entrance.method.clone(), rule));
            let needs = table.needs.entry(route.entrance.path.clone()).or_default();
            needs.push((route.entrance.method.clone(), route.entrance.needs));
            if route.doc.for_visitors {
                table.visitors.insert(route.entrance.path.clone());
            } else if route.doc.in_console {
                table.pages.insert(route.entrance.path.clone());
            }
            if route.doc.takes_session {
                table.sessions.insert(route.entrance.path.clone());
            }
            if route.doc.passes_files {
                table.files.insert((route.entrance.path.clone(), route.entrance.method.clone()));
            }
        }
        let state = ApiState::new(app, settings, table, document);
        let mut router = Router::new();
        for route in self.routes {
            router = router.route(&route.entrance.path, route.entrance.handler);
        }
        router = router.fallback(unknown_path).method_not_allowed_fallback(wrong_method);
        if self.surface == Surface::Operator {
            router = router.layer(from_fn_with_state(state.clone(), operator::admit::<A>));
        } else {
            router = router
                .layer(from_fn_with_state(state.clone(), csrf::guard::<A>))
                .layer(from_fn_with_state(state.clone(), gate::keep::<A>));
        }
        router
            .layer(CatchPanicLayer::custom(observe::caught))
            .layer(from_fn_with_state(state.clone(), observe::observe::<A>))
            .with_state(state)
    }
}

async fn unknown_path() -> Failure {
    Error::of(Code::NotFound).into()
}

async fn wrong_method() -> Failure {
    Error::of(Code::MethodNotAllowed).into()
}
