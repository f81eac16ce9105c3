//! The HTTP side of Gatepost: the REST API, Meta's callback and the operator's socket.
//!
//! Routes are declared in one place each, with who may call them, what they take and what they answer; the router,
//! the OpenAPI document, the permission matrix and the inventory that tests walk are all made from that declaration.
//! A handler that does not say who may call it does not compile as a route; see [`access`].

pub mod access;
mod api;
mod attachment;
mod body;
mod channel_header;
mod client;
mod compat_error;
pub mod console;
mod cors;
mod credential;
mod csv_upload;
mod cut;
mod event_stream;
mod headers;
mod json;
mod matrix;
mod observe;
mod openapi;
mod operator;
mod pace;
mod path;
mod problem;
mod query;
mod reply;
mod route;
mod routes;
mod session;
mod state;
mod upload;
mod wire;

#[cfg(test)]
mod tests;

use gatepost_app::App;

pub use api::{IdParameter, RouteInfo, Surface};
pub use client::{ClientAddress, ForwardedHeader, ProxiedFrom, Proxies};
pub use console::csrf::Locks;
pub use cut::Cut;
pub use operator::SocketPeer;
pub use path::Id;
pub use problem::Failure;
pub use route::Route;
pub use state::{ApiState, Doors, Settings, VaultRotate};

/// The router of the public address. Serve it with `into_make_service_with_connect_info::<SocketAddr>()`: without the
/// peer's address no proxy is believed.
pub fn public_router(app: App, settings: Settings) -> axum::Router {
    routes::public().into_router(app, settings)
}

/// The router of the operator's Unix socket. Serve it with `into_make_service_with_connect_info::<SocketPeer>()`:
/// without the peer's user nothing is let in.
pub fn operator_router(app: App, settings: Settings) -> axum::Router {
    routes::at_socket().into_router(app, settings)
}

/// The router of the operators' listener. Serve it as the public one.
pub fn operators_router(app: App, settings: Settings) -> axum::Router {
    routes::for_operators().into_router(app, settings)
}

/// Every route, with who may call it and what it takes.
pub fn inventory() -> Vec<RouteInfo> {
    let mut routes = routes::public().inventory();
    routes.extend(routes::at_socket().inventory());
    routes.extend(routes::for_operators().inventory());
    routes
}

/// The OpenAPI document of the public address, as it is checked in.
pub fn openapi_json() -> String {
    openapi::document(&routes::public())
}

/// The permission matrix as plain text, as it is checked in.
pub fn permission_matrix() -> String {
    matrix::text(&inventory())
}
