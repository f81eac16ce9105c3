//! One request as Meta reads it: parameters count the same in the query, in a JSON body and in a form.

use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Uri, header};
use bytes::Bytes;
use serde_json::{Map, Value};

use super::form::{self, Part};
use super::reply::GraphError;
use super::world::Fate;

/// Parameters that are objects or lists. Queries and forms carry them as JSON in text, and Meta takes that from JSON
/// bodies too; some clients rely on it. All others are left as they are, since text may look like JSON.
const STRUCTURED: [&str; 34] = [
    "text",
    "image",
    "audio",
    "video",
    "document",
    "sticker",
    "location",
    "contacts",
    "reaction",
    "interactive",
    "template",
    "context",
    "typing_indicator",
    "components",
    "parameters",
    "hsm_ids",
    "languages",
    "language",
    "status",
    "category",
    "quality_score",
    "block_users",
    "websites",
    "webhook_configuration",
    "calling",
    "payload_encryption",
    "user_identity_change",
    "storage_configuration",
    "commands",
    "prompts",
    "supported_apps",
    "entity_type",
    "filtering",
    "sort",
];

/// A request whose body has been read.
pub(super) struct Call {
    pub method: Method,
    /// As it was asked for.
    pub uri: Uri,
    /// The path's segments behind the version.
    pub path: Vec<String>,
    /// Parameters of the body, and those of the query that the body does not name.
    pub params: Map<String, Value>,
    pub files: Vec<Part>,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Set when the body cannot be read as what it says it is; told once the token was found good.
    pub malformed: Option<GraphError>,
    /// What the sender will hear.
    pub fate: Fate,
}

impl Call {
    pub(super) fn new(parts: Parts, path: Vec<String>, body: Bytes) -> Self {
        let mut call = Self {
            method: parts.method,
            uri: parts.uri,
            path,
            params: Map::new(),
            files: Vec::new(),
            headers: parts.headers,
            body,
            malformed: None,
            fate: Fate::Answered,
        };
        if call.method != Method::GET && !call.body.is_empty() {
            call.read_body();
        }
        for (name, value) in form::urlencoded(call.uri.query().unwrap_or_default()) {
            call.params.entry(name).or_insert_with(|| Value::String(value));
        }
        for (name, value) in &mut call.params {
            if let Some(text) = value.as_str().filter(|text| text.starts_with(['{', '[']))
                && STRUCTURED.contains(&name.as_str())
                && let Ok(parsed) = serde_json::from_str(text)
            {
                *value = parsed;
            }
        }
        call
    }

    fn read_body(&mut self) {
        let kind = self.header(header::CONTENT_TYPE.as_str()).unwrap_or_default().to_owned();
        let kind_is =
            |wanted: &str| kind.get(..wanted.len()).is_some_and(|start| start.eq_ignore_ascii_case(wanted));
        if kind_is("multipart/form-data") {
            let Some(parts) = form::multipart(&kind, &self.body) else {
                self.malformed = Some(GraphError::parameter("The body is not a multipart form."));
                return;
            };
            for part in parts {
                if part.file_name.is_some() {
                    self.files.push(part);
                } else {
                    let text = String::from_utf8_lossy(&part.content).into_owned();
                    self.params.insert(part.name, Value::String(text));
                }
            }
        } else if kind_is("application/x-www-form-urlencoded") && !self.body.starts_with(b"{") {
            let text = String::from_utf8_lossy(&self.body);
            self.params = form::urlencoded(&text).map(|(n, v)| (n, Value::String(v))).collect();
        } else if self.path.first().is_some_and(|first| first.starts_with("upload:")) {
            // The bytes of a file.
        } else if let Ok(params) = serde_json::from_slice(&self.body) {
            self.params = params;
        } else {
            self.malformed = Some(GraphError::parameter("The body is not a JSON object."));
        }
    }

    /// The body as JSON: as it came, or made of a form.
    pub(super) fn json_body(&self) -> Box<[u8]> {
        if self.body.starts_with(b"{") {
            return self.body[..].into();
        }
        serde_json::to_vec(&self.params).unwrap_or_default().into()
    }

    /// A header, if it is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The token: of the header (`Bearer`, and `OAuth` as uploads have it), or the parameter `access_token`.
    pub(super) fn token(&self) -> Option<&str> {
        token_of(&self.headers).or_else(|| self.text("access_token")).filter(|token| !token.is_empty())
    }

    /// A parameter that is text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.params.get(name).and_then(Value::as_str)
    }

    /// A whole number, written as one or as text.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        let value = self.params.get(name)?;
        value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
    }

    /// A parameter that must be there and be text.
    pub(super) fn need(&self, name: &str) -> Result<&str, GraphError> {
        match self.params.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Ok(text),
            None | Some(Value::Null | Value::String(_)) => {
                Err(GraphError::parameter(format!("The parameter {name} is required.")))
            }
            Some(_) => Err(GraphError::parameter(format!("Param {name} must be a string."))),
        }
    }

    /// Refuses a call that does not say `messaging_product: whatsapp`.
    pub(super) fn need_product(&self) -> Result<(), GraphError> {
        if self.text("messaging_product") == Some("whatsapp") {
            return Ok(());
        }
        Err(GraphError::parameter("The parameter messaging_product is required and must be whatsapp."))
    }

    /// How the caller reached this server, for addresses that are given back.
    pub(super) fn base_url(&self) -> String {
        let scheme = match self.header("x-forwarded-proto") {
            Some("https") => "https",
            _ => "http",
        };
        format!("{scheme}://{}", self.header("host").unwrap_or("127.0.0.1"))
    }
}

/// The token of the `Authorization` header.
pub(super) fn token_of(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("oauth")).then_some(token.trim())
}
