//! A router over a few routes of every kind.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use gatepost_app::LimitDecision;
use gatepost_core::access::operator_permission::{WorkspaceEnter, WorkspaceRead};
use gatepost_core::access::permission::{KeyManage, MessageRead, MessageSend};
use gatepost_core::access::{
    KeyRefused, KeyRules, OperatorGrant, PermissionSet, Person, Principal, Scope, SessionKind, StoredKey,
    TokenDigest,
};
use gatepost_core::allowlist::Allowlist;
use gatepost_core::audit::Refusal;
use gatepost_core::channel::Mode;
use gatepost_core::{
    ApiKeyId, ClientAddr, Code, Entropy, Error, MessageId, MetaAppId, Network, Origin, Result, Secret,
    Timestamp, WorkspaceId,
};
use http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt;
use uuid::Uuid;

use crate::access::{Grant, Meta, Operator, Public, Signed, get, patch, post};
use crate::api::{Api, Surface};
use crate::body::{Create, Json};
use crate::path::Id;
use crate::query::{LIST, Paging, Query};
use crate::reply::{self, Answer};
use crate::state::{Doors, Settings};
use crate::wire;

/// Knows two keys, `gp_test_send` and `gp_test_admin`, and takes the signature `sha256=good`.
#[derive(Clone, Default)]
pub struct Doorman(Arc<AtomicI64>);

impl Entropy for Doorman {
    fn fill(&self, buffer: &mut [u8]) {
        let next = self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        for (slot, byte) in buffer.iter_mut().zip(next.iter().cycle()) {
            *slot = *byte;
        }
    }
}

impl Doors for Doorman {
    type Callback = Bytes;
    type Billing = Bytes;

    fn sha256(_: &[u8]) -> [u8; 32] {
        [0; 32]
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_793_525_400)
    }

    fn entropy(&self) -> &dyn Entropy {
        self
    }

    async fn principal_of_key(
        &self,
        presented: &str,
        client: Option<ClientAddr>,
    ) -> Result<Arc<Principal>, KeyRefused> {
        let mut rules = KeyRules::default();
        let mode = if presented.starts_with("gp_live_") { Mode::Live } else { Mode::Test };
        let scope = match presented {
            "gp_test_send" => Scope::Send,
            "gp_test_page" | "gp_live_page" => {
                rules.origins = ["https://shop.example", "http://localhost:3000"]
                    .map(|origin| Origin::parse(origin).unwrap())
                    .into();
                Scope::Admin
            }
            "gp_test_office" => {
                let office = vec![(Network::parse("192.0.2.0/24").unwrap(), String::new())];
                rules.own_list = Allowlist::default().replace(true, office, self.now()).unwrap();
                Scope::Admin
            }
            "gp_test_admin" => Scope::Admin,
            _ => return Err(Error::of(Code::Unauthorized).into()),
        };
        let digest = TokenDigest::new([1; 32]);
        let stored = StoredKey {
            id: ApiKeyId::from_uuid(Uuid::max()),
            workspace: WorkspaceId::from_uuid(Uuid::max()),
            digest,
            mode,
            scopes: vec![scope],
            channels: None,
            rules: Arc::new(rules),
            expires_at: None,
            revoked_at: None,
        };
        let verified = Principal::verify_key(&stored, &digest, self.now());
        let principal = verified.map_err(|refusal| KeyRefused::known(refusal, &stored))?;
        principal.admit(client)?;
        Ok(Arc::new(principal))
    }

    async fn person_of_session(&self, _: &str, _: SessionKind) -> Result<Arc<Person>> {
        Err(Error::of(Code::SessionEnded))
    }

    async fn principal_of_person(&self, _: &Person, _: WorkspaceId) -> Result<Arc<Principal>> {
        Err(Error::of(Code::NotFound))
    }

    async fn is_set_up(&self) -> Result<bool> {
        Ok(true)
    }

    async fn session_renew(&self, _: &str) -> Result<Option<Secret<String>>> {
        Ok(None)
    }

    async fn limit_page(&self, _: Option<&Person>, _: Option<ClientAddr>) -> LimitDecision {
        LimitDecision::default()
    }

    async fn limit_principal(&self, _: &Principal) -> LimitDecision {
        LimitDecision::default()
    }

    async fn limit_refused(&self, _: Option<ClientAddr>) -> LimitDecision {
        LimitDecision::default()
    }

    async fn workspace_enter(
        &self,
        grant: &OperatorGrant<WorkspaceEnter>,
        workspace: WorkspaceId,
        _: String,
    ) -> Result<Arc<Principal>> {
        Ok(grant.enter(workspace, PermissionSet::all()))
    }

    async fn csrf_token(&self, binding: &str) -> Result<String> {
        Ok(format!("token of {binding}"))
    }

    async fn csrf_verify(&self, binding: &str, presented: &str) -> Result<bool> {
        Ok(presented == format!("token of {binding}"))
    }

    fn refused(&self, _: Refusal) {}

    async fn callback_verify(&self, _: MetaAppId, raw: Bytes, signature: Option<&str>) -> Result<Bytes> {
        if signature == Some("sha256=good") { Ok(raw) } else { Err(Error::of(Code::SignatureInvalid)) }
    }

    fn billing_is_on(&self) -> bool {
        true
    }

    fn billing_verify(&self, raw: Bytes, signature: &str) -> Result<Bytes> {
        if signature == "good" { Ok(raw) } else { Err(Error::of(Code::SignatureInvalid)) }
    }
}

async fn free(_: Public) -> Answer {
    Ok("free".into_response())
}

async fn message_list(_: Grant<MessageRead>, query: Query) -> Answer {
    Ok(reply::ok(&Paging::of(&query)?.limit))
}

async fn message_get(_: Grant<MessageRead>, Id(id): Id<MessageId>) -> Answer {
    Ok(reply::ok(&id))
}

async fn message_send(_: Grant<MessageSend>, create: Create<wire::MessageSend>) -> Answer {
    let (body, key) = create.into_parts();
    Ok((StatusCode::ACCEPTED, format!("{} {}", body.purpose, key.is_some())).into_response())
}

async fn key_update(_: Grant<KeyManage>, Json(_): Json<wire::WorkspaceCreate>) -> Answer {
    Ok(reply::nothing())
}

async fn operators(_: Operator<WorkspaceRead>) -> Answer {
    Ok("operator".into_response())
}

async fn callback(signed: Signed<Meta, Doorman>) -> Answer {
    Ok(signed.callback.into_response())
}

async fn fail(_: Public, query: Query) -> Answer {
    let code = Code::parse(query.get("code").unwrap_or_default()).unwrap();
    Err(Error::new(code, "as you wished").with_context("private words").into())
}

async fn explode(_: Public) -> Answer {
    panic!("private words")
}

async fn bare(_: Public) -> Answer {
    Ok((StatusCode::INTERNAL_SERVER_ERROR, "private words").into_response())
}

async fn sleep(_: Public) -> Answer {
    tokio::time::sleep(Duration::from_hours(1)).await;
    Ok("late".into_response())
}

pub fn routes() -> Api<Doorman> {
    let code = crate::query::QueryParameter::text("code", "", "");
    Api::new(Surface::Public).routes(crate::console::routes()).routes(vec![
        get("/free", free),
        get("/v1/messages", message_list).query(&LIST),
        post("/v1/messages", message_send),
        get("/v1/messages/{message_id}", message_get),
        patch("/v1/keys", key_update),
        get("/operator/v1/workspaces", operators),
        post("/hooks/meta/{app_id}", callback).open_query(),
        get("/fail", fail).query(&[code]),
        get("/explode", explode),
        get("/bare", bare),
        get("/sleep", sleep),
    ])
}

pub fn router(settings: Settings) -> Router {
    routes().into_router(Doorman::default(), settings)
}

/// An answer, read whole.
pub struct Answered {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answered {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap().to_owned()
    }
}

pub async fn send(router: Router, request: Request<Body>) -> Answered {
    let response: Response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    Answered { status: parts.status.as_u16(), headers: parts.headers, body }
}

/// Method, path, headers and body in one line.
pub fn request(method: &str, uri: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Request<Body> {
    let mut builder = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(body.into()).unwrap()
}

pub async fn ask(method: &str, uri: &str, headers: &[(&str, &str)], body: &str) -> Answered {
    send(router(Settings::default()), request(method, uri, headers, body.to_owned())).await
}
