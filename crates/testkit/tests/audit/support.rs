//! A workspace on both sides of the simulated Meta, and the operator's socket without a socket.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use gatepost_app::BillingConfig;
use gatepost_channels::sandbox::{SandboxConfig, SandboxHandle, SandboxRules};
use gatepost_http::{Settings, SocketPeer, operator_router};
use gatepost_testkit::{Client, Engines, Live, MailServer, Setup, Tenant, World, sandbox};
use gatepost_vault::StripeSecret;
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// The system user that is the operator here.
pub const UID: u32 = 4711;

pub struct Stage {
    pub world: World,
    pub meta: SandboxHandle,
    pub tenant: Tenant,
    pub live: Live,
    /// Where e-mails go, if anywhere.
    pub mail: Option<MailServer>,
    operator: Router,
}

impl Stage {
    pub async fn start(engine: Engines) -> Self {
        Self::begin(engine, None).await
    }

    /// With a mail server.
    pub async fn with_mail(engine: Engines) -> Self {
        Self::begin(engine, Some(MailServer::start().await)).await
    }

    async fn begin(engine: Engines, mail: Option<MailServer>) -> Self {
        let rules = SandboxRules { template_review: Duration::from_millis(20), ..SandboxRules::default() };
        let meta = sandbox(SandboxConfig { rules, ..SandboxConfig::default() }).await;
        let mut setup = Setup::new(engine).with_meta(&meta);
        // A deleted workspace is destroyed at the next look for what is past its time.
        setup.config.workspace_grace = std::time::Duration::ZERO;
        setup.sandbox.rules = rules;
        let secret = StripeSecret::new("whsec_0123456789abcdef").unwrap();
        setup.config.billing = Some(BillingConfig { secret, prices: BTreeMap::new() });
        setup.mail = mail.as_ref().map(MailServer::mailer);
        // That is an action, too.
        setup.set_up = false;
        let world = World::start(setup).await;
        let tenant = world.tenant("Example Ltd").await;
        let live = world.live(&meta, tenant.workspace, 1).await;
        let settings = Settings { operator_uid: UID, ..Settings::default() };
        let operator = operator_router(world.app.clone(), settings);
        Self { world, meta, tenant, live, mail, operator }
    }

    pub async fn stop(self) {
        self.world.stop().await;
        self.meta.shutdown().await;
    }

    /// Asks at the operator's socket as this system user.
    pub async fn ask(&self, uid: u32, method: &str, path: &str, body: Option<&Value>) -> (u16, String) {
        let mut request = http::Request::builder().method(method).uri(path);
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut request = request.body(axum::body::Body::from(body)).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketPeer { uid: Some(uid) }));
        let answer = self.operator.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let text = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8_lossy(&text).into_owned())
    }

    /// Asks as the operator, who is answered.
    pub async fn operator(&self, method: &str, path: &str, body: Option<&Value>) -> String {
        let (status, text) = self.ask(UID, method, path, body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {text}");
        text
    }
}

/// Makes something; its id.
pub async fn made(admin: &Client, path: &str, body: &Value) -> String {
    let answer = admin.post(path, body).await.expect(201).json();
    answer["id"].as_str().unwrap().to_owned()
}

pub async fn key(admin: &Client) -> String {
    made(admin, "/v1/keys", &json!({"name": "a key", "scopes": ["read"]})).await
}
