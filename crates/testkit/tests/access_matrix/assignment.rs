//! Properties that nobody may set: every property of every answer, sent back to the routes that make or change what it tells
//! of, and those that would matter most (whose it is, what it may do, since when), sent to each route that takes a body.
//! All of them are refused by name, and nothing is written. Routes and properties come from their declarations.

use std::collections::BTreeMap;

use axum::extract::ConnectInfo;
use gatepost_core::access::Scope;
use gatepost_core::channel::Mode;
use gatepost_http::{RouteInfo, SocketPeer, Surface, operator_router};
use gatepost_testkit::Engines;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::asking::{Asked, ask};
use crate::positions::{document, operation};
use crate::sides::Sides;
use crate::{name, permission, public};

/// What somebody would try first.
fn tempting() -> BTreeMap<String, Value> {
    let pairs = [
        ("id", json!("key_01kagq5rh8e5htqh9sk95d3x4w")),
        ("workspace_id", json!("ws_01kagq5rh8e5htqh9sk95d3x4w")),
        ("user_id", json!("usr_01kagq5rh8e5htqh9sk95d3x4w")),
        ("owner", json!(true)),
        ("role", json!("owner")),
        ("mode", json!("live")),
        ("scopes", json!(["admin"])),
        ("permissions", json!(["key.manage"])),
        ("plan", json!("unlimited")),
        ("created_at", json!("2000-01-01T00:00:00Z")),
        ("updated_at", json!("2000-01-01T00:00:00Z")),
        ("deleted_at", Value::Null),
        ("verified", json!(true)),
        ("__proto__", json!({"admin": true})),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A schema itself, where `shape` refers to one.
fn resolved(shape: &Value) -> &Value {
    match shape["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        Some(known) => &document()["components"]["schemas"][known],
        None => shape,
    }
}

/// A value that the property might have.
fn plausible(shape: &Value) -> Value {
    let shape = resolved(shape);
    if !shape["example"].is_null() {
        return shape["example"].clone();
    }
    let kind = shape["type"].as_array().map_or(&shape["type"], |kinds| &kinds[0]);
    match kind.as_str() {
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        Some("array") => json!([]),
        Some("object") => json!({}),
        _ => json!("x"),
    }
}

/// The properties that the answers of an operation have; those of one item where it lists.
fn answered(operation: &Value, into: &mut BTreeMap<String, Value>) {
    for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
        if !status.starts_with('2') {
            continue;
        }
        let shape = resolved(&answer["content"]["application/json"]["schema"]);
        let items = resolved(&shape["properties"]["data"]["items"]);
        let shape = if items["properties"].is_object() { items } else { shape };
        for (property, shape) in shape["properties"].as_object().into_iter().flatten() {
            into.entry(property.clone()).or_insert_with(|| plausible(shape));
        }
    }
}

/// What a route must not take: whatever it or its neighbours (the same path, the list above, the items below) answer with,
/// and what is tempting, without what it does take.
fn unwanted(route: &RouteInfo) -> BTreeMap<String, Value> {
    let mut found = tempting();
    let above = route.path.rsplit_once('/').map_or("", |(above, _)| above);
    let related = |path: &str| {
        let below = path.strip_prefix(route.path.as_str()).is_some_and(|rest| rest.starts_with("/{"));
        path == route.path || path == above || below
    };
    let paths = document()["paths"].as_object().unwrap();
    for operations in paths.iter().filter(|(path, _)| related(path)).map(|(_, operations)| operations) {
        for operation in operations.as_object().into_iter().flatten().map(|(_, operation)| operation) {
            answered(operation, &mut found);
        }
    }
    let body = &operation(route)["requestBody"]["content"]["application/json"]["schema"];
    for property in resolved(body)["properties"].as_object().into_iter().flatten().map(|(name, _)| name) {
        found.remove(property);
    }
    found
}

/// Asks where the route opens: at the public address with a key of all permissions, and at the operator's socket where no
/// key may.
struct Asking<'s> {
    sides: &'s Sides,
    operator: axum::Router,
}

/// Whether a key may ask a route.
fn by_key(route: &RouteInfo) -> bool {
    permission(route).is_none_or(|permission| permission.scopes().contains(&Scope::Admin))
}

/// Whether anybody gets as far as the body: what no key may do wants a proof that only the console takes, unless the
/// operator does it.
fn opens(route: &RouteInfo) -> bool {
    let twin = route.path.replacen("/v1/", "/operator/v1/workspaces/{workspace_id}/", 1);
    by_key(route)
        || gatepost_http::inventory().iter().any(|other| {
            other.surface == Surface::Operator && other.method == route.method && other.path == twin
        })
}

impl Asking<'_> {
    async fn ask(&self, route: &RouteInfo, asked: &Asked) -> (u16, Value) {
        if by_key(route) && route.surface == Surface::Public {
            let answer = ask(&self.sides.attacker.of(Mode::Test), asked).await;
            return (answer.status, answer.json());
        }
        let (method, path, body) = asked.parts();
        let inside = format!("/operator/v1/workspaces/{}/", self.sides.attacker.workspace);
        let path = if path.starts_with("/v1/") { path.replacen("/v1/", &inside, 1) } else { path };
        let request =
            http::Request::builder().method(method).uri(path).header("content-type", "application/json");
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut request = request.body(axum::body::Body::from(body)).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketPeer { uid: Some(0) }));
        let answer = self.operator.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sets_what_is_not_theirs_to_set() {
    for engine in Engines::available() {
        let sides = Sides::start(engine).await;
        let settings = gatepost_http::Settings::default();
        let asking = Asking { sides: &sides, operator: operator_router(sides.world.app.clone(), settings) };
        let own = &sides.attacker.test;
        let before = sides.world.rows_of(sides.attacker.workspace).await;
        let (mut routes, mut properties) = (0, 0);
        for route in public().iter().filter(|route| route.body.is_some() && opens(route)) {
            let asked = Asked::new(route).with_ids(own).with_body(route, own);
            let unwanted = unwanted(route);
            for (property, value) in &unwanted {
                let (status, answer) = asking.ask(route, &asked.clone().with_property(property, value)).await;
                refused(&format!("{engine:?}: {} with {property}", name(route)), status, &answer, property);
            }
            // All at once: each is named.
            let all = unwanted.iter().fold(asked, |asked, (name, value)| asked.with_property(name, value));
            let (status, answer) = asking.ask(route, &all).await;
            for property in unwanted.keys() {
                refused(&format!("{engine:?}: {} with all", name(route)), status, &answer, property);
            }
            (routes, properties) = (routes + 1, properties + unwanted.len());
        }
        assert!(routes > 35 && properties > 500, "{routes} routes, {properties} properties");
        let after = sides.world.rows_of(sides.attacker.workspace).await;
        for (table, rows) in &before {
            // What an operator asks leaves an entry, refused or not.
            if !table.starts_with("audit") {
                assert_eq!(rows, &after[table], "{engine:?}: {table}");
            }
        }
        the_operators_own_routes(&sides, &asking).await;
        sides.stop().await;
    }
}

/// Those that are no workspace's: an id, a time and a neighbour's property are no more theirs to set.
async fn the_operators_own_routes(sides: &Sides, asking: &Asking<'_>) {
    let operators = |route: &RouteInfo| {
        matches!(route.surface, Surface::Operator) && !route.page && route.path.starts_with("/operator/")
    };
    let inside = "/operator/v1/workspaces/{workspace_id}/";
    let mut routes = 0;
    for route in gatepost_http::inventory().iter().filter(|route| operators(route)) {
        // Twins of public routes were asked above.
        let twin = route.path.strip_prefix(inside).map(|rest| format!("/v1/{rest}"));
        let Some(body) = route.body.as_ref().filter(|body| body.is_object()) else { continue };
        if twin.is_some_and(|twin| public().iter().any(|public| public.path == twin)) {
            continue;
        }
        for property in ["id", "created_at", "uid", "__proto__"] {
            assert!(body.get(property).is_none(), "{}", name(route));
            let asked =
                Asked::new(route).with_ids(&sides.attacker.test).with_body(route, &sides.attacker.test);
            let (status, answer) = asking.ask(route, &asked.with_property(property, &json!("x"))).await;
            refused(&format!("{} with {property}", name(route)), status, &answer, property);
        }
        routes += 1;
    }
    assert!(routes > 3, "{routes}");
}

fn refused(what: &str, status: u16, answer: &Value, property: &str) {
    assert_eq!((status, answer["code"].as_str()), (422, Some("invalid_field")), "{what}: {answer}");
    let pointer = format!("/{property}");
    let errors = answer["errors"].as_array().cloned().unwrap_or_default();
    assert!(errors.iter().any(|error| error["pointer"] == pointer.as_str()), "{what}: {answer}");
}
