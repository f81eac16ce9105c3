//! Every place of a route's request where an id of ours can stand, read from the route and from the OpenAPI document.

use gatepost_http::RouteInfo;
use serde_json::Value;

/// Properties of request bodies that take ids of ours, the prefix, and whether it is a list.
const IN_BODIES: [(&str, &str, bool); 6] = [
    ("endpoint_id", "whk", false),
    ("channel_id", "chn", false),
    ("reply_to", "msg", false),
    ("user_id", "usr", false),
    ("meta_app_id", "app", false),
    ("channels", "chn", true),
];
/// Those that take Meta's.
const METAS: [&str; 4] = ["phone_number_id", "waba_id", "app_id", "client_id"];
/// Headers that take ids of ours.
const IN_HEADERS: [(&str, &str); 2] = [("X-Channel-Id", "chn"), ("Last-Event-ID", "evt")];
/// Headers that take none.
const PLAIN_HEADERS: [&str; 1] = ["Idempotency-Key"];
/// What a query parameter may be tried with.
const PREFIXES: [&str; 12] =
    ["app", "chn", "dlv", "evt", "inv", "key", "med", "msg", "rpl", "tpl", "usr", "whk"];
/// Query parameters that take no ids of anything.
const PLAIN_QUERY: [&str; 1] = ["filename"];

/// A place, or several at once in a path.
#[derive(Debug, Clone)]
pub enum Position {
    /// These path parameters, as name and prefix.
    Path(Vec<(String, &'static str)>),
    Query {
        name: String,
        prefix: &'static str,
    },
    Header {
        name: String,
        prefix: &'static str,
    },
    Body {
        property: String,
        prefix: &'static str,
        list: bool,
    },
}

impl Position {
    /// Whether an id with this prefix stands there.
    pub fn takes(&self, wanted: &str) -> bool {
        match self {
            Self::Path(ids) => ids.iter().any(|(_, prefix)| *prefix == wanted),
            Self::Query { prefix, .. } | Self::Header { prefix, .. } | Self::Body { prefix, .. } => {
                *prefix == wanted
            }
        }
    }
}

pub fn document() -> &'static Value {
    static DOCUMENT: std::sync::OnceLock<Value> = std::sync::OnceLock::new();
    DOCUMENT.get_or_init(|| serde_json::from_str(&gatepost_http::openapi_json()).unwrap())
}

pub fn operation(route: &RouteInfo) -> &'static Value {
    let operation = &document()["paths"][route.path.as_str()][route.method.as_str().to_lowercase()];
    assert!(operation.is_object(), "{} {} is not in the OpenAPI document", route.method, route.path);
    operation
}

/// All positions of a route.
pub fn positions(route: &RouteInfo) -> Vec<Position> {
    let mut found = in_path(route);
    let query = route.query.iter().filter(|p| p.kind == "string" && !PLAIN_QUERY.contains(&p.name));
    found.extend(
        query.flat_map(|p| PREFIXES.map(|prefix| Position::Query { name: p.name.to_owned(), prefix })),
    );
    found.extend(in_headers(route));
    found.extend(in_body(route));
    found
}

/// Each id of the path alone, and all of them.
fn in_path(route: &RouteInfo) -> Vec<Position> {
    let ids: Vec<(String, &'static str)> = route.ids.iter().map(|id| (id.name.clone(), id.prefix)).collect();
    let mut found: Vec<Position> = ids.iter().map(|id| Position::Path(vec![id.clone()])).collect();
    if ids.len() > 1 {
        found.push(Position::Path(ids));
    }
    found
}

fn in_headers(route: &RouteInfo) -> Vec<Position> {
    let none = Vec::new();
    let parameters = operation(route)["parameters"].as_array().unwrap_or(&none);
    let mut found = Vec::new();
    for name in parameters.iter().filter(|p| p["in"] == "header").filter_map(|p| p["name"].as_str()) {
        if PLAIN_HEADERS.contains(&name) {
            continue;
        }
        let known = IN_HEADERS.iter().find(|(known, _)| *known == name);
        let (_, prefix) = known.unwrap_or_else(|| panic!("say in this file what the header {name} takes"));
        found.push(Position::Header { name: name.to_owned(), prefix });
        if name == "X-Channel-Id" {
            found.push(Position::Header { name: "X-Instance-Id".to_owned(), prefix });
        }
    }
    found
}

fn in_body(route: &RouteInfo) -> Vec<Position> {
    let reference = &operation(route)["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    let Some(schema) = reference.as_str().and_then(|r| r.rsplit('/').next()) else { return Vec::new() };
    let properties = &document()["components"]["schemas"][schema]["properties"];
    let mut found = Vec::new();
    // A body that says nothing has none.
    for (property, shape) in properties.as_object().into_iter().flatten() {
        if let Some((_, prefix, list)) = IN_BODIES.iter().find(|(known, ..)| known == property) {
            found.push(Position::Body { property: property.clone(), prefix, list: *list });
            continue;
        }
        let looks_like_one = property.ends_with("_id")
            || property.ends_with("_ids")
            || shape["example"]
                .as_str()
                .is_some_and(|e| PREFIXES.iter().any(|p| e.starts_with(&format!("{p}_01"))));
        assert!(
            !looks_like_one || METAS.contains(&property.as_str()),
            "{} {}: say in this file what the property {property} takes",
            route.method,
            route.path
        );
    }
    found
}
