//! Making requests out of a route's declaration, and comparing answers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use gatepost_core::VerificationId;
use gatepost_http::RouteInfo;
use gatepost_testkit::{Answer, Client, Fixtures};
use serde_json::{Value, json};

use crate::positions::Position;

/// A request under construction.
#[derive(Clone)]
pub struct Asked {
    method: String,
    template: String,
    path: BTreeMap<String, String>,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Option<Value>,
    file: Option<(&'static str, &'static [u8])>,
    ids: Vec<(String, &'static str)>,
}

impl Asked {
    pub fn new(route: &RouteInfo) -> Self {
        Self {
            method: route.method.to_string(),
            template: route.path.clone(),
            path: BTreeMap::new(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            file: None,
            ids: route.ids.iter().map(|id| (id.name.clone(), id.prefix)).collect(),
        }
    }

    /// Fills every path parameter.
    pub fn with_ids(mut self, fixtures: &Fixtures) -> Self {
        for (name, prefix) in self.ids.clone() {
            // A workspace id stands in the operator's paths only.
            let id = fixtures.get(prefix).or((prefix == "ws").then_some("ws_01kagq5rh8e5htqh9sk95d3x4w"));
            let id = id.unwrap_or_else(|| {
                panic!("{} {}: no fixture has an id for {{{name}}} ({prefix}_…); make one in gatepost_testkit::Fixtures", self.method, self.template)
            });
            self.path.insert(name, id.to_owned());
        }
        // Parameters that are no ids: a code of a problem, the key of a provider in the configuration.
        self.path.insert("code".to_owned(), "not_found".to_owned());
        self.path.insert("provider".to_owned(), "example".to_owned());
        self.path.insert("plan".to_owned(), "growth".to_owned());
        self.path.insert("public_token".to_owned(), format!("vp_{}", "A".repeat(43)));
        // Verifications as LoginWA's clients name them, and an address on a list.
        let verification = fixtures.get("ver").and_then(|id| id.parse::<VerificationId>().ok());
        let session = verification.map_or_else(String::new, |id| id.uuid().to_string());
        self.path.insert("otp_session".to_owned(), session);
        self.path.insert("otp_entry".to_owned(), "5f2c1f0e9d8c7b6a".to_owned());
        self
    }

    /// The route's own example as the body; where several channels could be meant it names one.
    pub fn with_body(mut self, route: &RouteInfo, fixtures: &Fixtures) -> Self {
        self.body.clone_from(&route.body);
        self.file = route.file;
        if let ("mediaUpload", Some(channel)) = (route.operation_id, fixtures.get("chn")) {
            self.query.push(("channel_id".to_owned(), channel.to_owned()));
        }
        if let (
            Some(body),
            "messageSend"
            | "verificationStart"
            | "verificationPageCreate"
            | "templateCreate"
            | "templateSync",
        ) = (&mut self.body, route.operation_id)
        {
            body["channel_id"] = json!(fixtures.get("chn"));
        }
        if let (Some(body), "templateCreate") = (&mut self.body, route.operation_id) {
            // An account has each name once.
            static NEXT: AtomicUsize = AtomicUsize::new(0);
            body["name"] = json!(format!("order_ready_{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        }
        self
    }

    /// Sends one more header.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Puts one more property into the body.
    pub fn with_property(mut self, name: &str, value: &Value) -> Self {
        self.body.as_mut().expect("a body")[name] = value.clone();
        self
    }

    /// Method, path and body, for whoever asks past the public address.
    pub fn parts(&self) -> (&str, String, Option<&Value>) {
        (&self.method, self.uri(), self.body.as_ref())
    }

    /// Puts an id of `fixtures` in one place.
    pub fn put(mut self, position: &Position, fixtures: &Fixtures) -> Self {
        let id = |prefix: &str| fixtures.get(prefix).expect("an id").to_owned();
        match position {
            Position::Path(ids) => {
                for (name, prefix) in ids {
                    self.path.insert(name.clone(), id(prefix));
                }
            }
            Position::Query { name, prefix } => {
                self.query.retain(|(known, _)| known != name);
                self.query.push((name.clone(), id(prefix)));
            }
            Position::Header { name, prefix } => {
                self.headers.push((name.clone(), id(prefix)));
                self.query.retain(|(known, _)| known != "channel_id");
                if let Some(Value::Object(body)) = &mut self.body {
                    body.remove("channel_id");
                }
            }
            Position::Body { property, prefix, list } => {
                if property == "meta_app_id" {
                    self.body = Some(json!({
                        "name": "x", "type": "cloud", "phone_number_id": "1050000000099999",
                        "waba_id": "1060000000099999", "access_token": "EAAnobody0123456789",
                    }));
                }
                let value = if *list { json!([id(prefix)]) } else { json!(id(prefix)) };
                self.body.as_mut().expect("a body")[property] = value;
            }
        }
        self
    }

    fn uri(&self) -> String {
        let segments = self.template.split('/').map(|part| {
            match part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
                None => part.to_owned(),
                Some(name) => self.path.get(name).cloned().unwrap_or_else(|| {
                    panic!("{} {}: say in with_ids what stands for {{{name}}}", self.method, self.template)
                }),
            }
        });
        let path = segments.collect::<Vec<_>>().join("/");
        let query: Vec<String> = self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
    }
}

pub async fn ask(caller: &Client, asked: &Asked) -> Answer {
    let headers: Vec<(&str, &str)> = asked.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let answer = match asked.file {
        Some((media_type, bytes)) => {
            let headers = [headers.as_slice(), &[("content-type", media_type)]].concat();
            caller.raw(&asked.method, &asked.uri(), &headers, Some(bytes.to_vec())).await
        }
        None => caller.call(&asked.method, &asked.uri(), &headers, asked.body.as_ref()).await,
    };
    assert!(answer.status < 500, "{} {}: {}", asked.method, asked.uri(), answer.text);
    answer
}

/// An answer without what differs in any two: its id and its time.
pub fn normal(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let own = answer.headers.iter().filter(|(name, _)| !matches!(name.as_str(), "request-id" | "date"));
    let mut headers: Vec<(String, String)> =
        own.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    headers.sort();
    let id = answer.headers.get("request-id").expect("every answer has an id").to_str().unwrap();
    (answer.status, headers, answer.text.replace(id, "REQUEST"))
}

/// The answers are the same but for the ids that were sent.
pub fn same_answer(left: &Answer, sent_left: &Fixtures, right: &Answer, sent_right: &Fixtures, what: &str) {
    let hide = |answer: &Answer, sent: &Fixtures| {
        let (status, mut headers, mut text) = normal(answer);
        for (prefix, id) in sent.ids() {
            let hidden = format!("{prefix}_SENT");
            text = text.replace(id, &hidden);
            for (_, value) in &mut headers {
                *value = value.replace(id, &hidden);
            }
        }
        (status, headers, text)
    };
    assert_eq!(hide(left, sent_left), hide(right, sent_right), "{what}");
}
