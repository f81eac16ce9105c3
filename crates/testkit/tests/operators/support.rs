//! The operators' listener of a node, and people who sign in there.

use std::net::SocketAddr;
use std::sync::Arc;

use gatepost_core::Clock as _;
use gatepost_core::WorkspaceId;
use gatepost_core::access::{OperatorRole, Principal, Role, SessionKind};
use gatepost_http::{Settings, operators_router};
use gatepost_testkit::{Answer, Browser, PASSWORD, Somebody, World};
use gatepost_vault::totp::TotpSecret;
use serde_json::Value;
use tokio::net::TcpListener;

/// The cookie of a session here.
pub const COOKIE: &str = "__Host-gatepost-operator";
const JSON: (&str, &str) = ("accept", "application/json");

/// Serves the operators' listener of a node; its address.
pub async fn listen(world: &World) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = operators_router(world.app.clone(), Settings::default());
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    base
}

/// Somebody at the operators' listener.
pub struct Op {
    pub who: Somebody,
    pub secret: TotpSecret,
    pub browser: Browser,
}

impl Op {
    /// A new operator who signs in by the pages.
    pub async fn sign_in(world: &World, base: &str, role: OperatorRole) -> Self {
        let (who, secret) = world.operator_with_app(role).await;
        let op = Self { who, secret, browser: Browser::new(base) };
        op.again(world).await;
        op
    }

    /// Signs in (again) by the pages.
    pub async fn again(&self, world: &World) {
        world.clock.advance(std::time::Duration::from_mins(1));
        self.browser.open("/sign-in").await.expect(200);
        let who = [("email", self.who.email.as_str()), ("password", PASSWORD)];
        self.browser.submit("/sign-in", &who).await.expect(200);
        let code = self.secret.code(world.clock.now());
        self.browser.submit("/sign-in/second-step", &[("code", &code)]).await.expect(200);
        assert_eq!(self.browser.at(), "/workspaces");
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.browser.send("GET", path, &[JSON], None).await
    }

    /// A change, as a script of a page makes it.
    pub async fn change(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let session = self.get("/operator/v1/session").await.expect(200).json();
        let token = session["csrf_token"].as_str().unwrap();
        let mut headers = vec![JSON, ("sec-fetch-site", "same-origin"), ("x-csrf-token", token)];
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        self.browser.send(method, path, &headers, body.map(Value::to_string)).await
    }
}

/// A path inside a workspace.
pub fn inside(workspace: WorkspaceId, rest: &str) -> String {
    format!("/operator/v1/workspaces/{workspace}{rest}")
}

/// A new member who signed in.
pub async fn member(world: &World, workspace: WorkspaceId, role: Role) -> Arc<Principal> {
    let somebody = world.member(workspace, role).await;
    let session = world.sign_in(&somebody).await;
    let person = world.app.person_of_session(session.token.expose(), SessionKind::Console).await.unwrap();
    world.app.principal_of_person(&person, workspace).await.unwrap()
}
