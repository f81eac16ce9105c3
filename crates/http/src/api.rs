//! A set of routes: the router made of them, and what can be told about them.

use axum::Router;
use axum::middleware::from_fn_with_state;
use bytes::Bytes;
use gatepost_core::{Code, Error};
use http::Method;
use serde_json::Value;
use tower_http::catch_panic::CatchPanicLayer;

use crate::access::Rule;
use crate::problem::Failure;
use crate::query::{QueryParameter, QueryRule};
use crate::route::Route;
use crate::state::{ApiState, Doors, Environment, RouteTable};
use crate::{observe, openapi, operator, path};

/// Where a set of routes answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// The address that customers and providers reach.
    Public,
    /// The operator's local socket.
    Operator,
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
    pub method: Method,
    /// The template, such as `/v1/messages/{message_id}`.
    pub path: &'static str,
    pub operation_id: &'static str,
    pub rule: Rule,
    pub ids: Vec<IdParameter>,
    pub query: Vec<QueryParameter>,
    /// A body that is well-formed; ids in it are made up.
    pub body: Option<Value>,
    /// The status of success.
    pub success: u16,
}

impl<A: Doors> Api<A> {
    pub(crate) const fn new(surface: Surface) -> Self {
        Self { surface, routes: Vec::new() }
    }

    #[must_use]
    pub(crate) fn route(mut self, route: Route<A>) -> Self {
        self.routes.push(route);
        self
    }

    /// Every route, in the order of declaration.
    pub(crate) fn inventory(&self) -> Vec<RouteInfo> {
        self.routes
            .iter()
            .map(|route| RouteInfo {
                surface: self.surface,
                method: route.entrance.method.clone(),
                path: route.entrance.path,
                operation_id: route.doc.id,
                rule: route.entrance.rule,
                ids: path::params(route.entrance.path)
                    .filter_map(|name| {
                        let prefix = path::prefix_of(name)?;
                        Some(IdParameter { name: name.to_owned(), prefix })
                    })
                    .collect(),
                query: route.doc.query.clone(),
                body: route.doc.body.as_ref().map(|body| body.example.clone()),
                success: route.doc.answer.as_ref().map_or(200, |answer| answer.status),
            })
            .collect()
    }

    /// The router, ready to be served.
    pub(crate) fn into_router(self, app: A, environment: Environment) -> Router {
        let document = Bytes::from(openapi::document(&self));
        let mut table = RouteTable::default();
        for route in &self.routes {
            let key = (route.entrance.method.clone(), route.entrance.path);
            table.queries.insert(key, QueryRule::new(&route.doc.query, route.doc.open_query));
        }
        let state = ApiState::new(app, environment, table, document);
        let mut router = Router::new();
        for route in self.routes {
            router = router.route(route.entrance.path, route.entrance.handler);
        }
        router = router.fallback(unknown_path).method_not_allowed_fallback(wrong_method);
        if self.surface == Surface::Operator {
            router = router.layer(from_fn_with_state(state.clone(), operator::admit::<A>));
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
