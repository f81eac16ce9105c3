//! Live channels: numbers of a simulated Meta that stands where Meta itself would (see [`crate::Setup::with_meta`]).

use gatepost_app::MetaAppCreate;
use gatepost_channels::sandbox::{SandboxApp, SandboxHandle, SandboxNumber};
use gatepost_core::access::{Scope, operator_permission};
use gatepost_core::channel::Mode;
use gatepost_core::{Secret, WorkspaceId};
use gatepost_vault::AppSecret;
use serde_json::json;

use crate::{Answer, Client, World};

/// A Meta app as both sides know it.
#[derive(Clone)]
pub struct MetaSide {
    /// Gatepost's id, `app_…`.
    pub id: String,
    /// Meta's id.
    pub app_id: String,
    pub secret: String,
    pub verify_token: String,
}

/// A live channel and what Meta knows of it.
pub struct Live {
    pub channel: String,
    pub phone_number_id: String,
    pub waba_id: String,
    pub token: String,
    pub app: MetaSide,
    /// An admin of the workspace in live mode.
    pub admin: Client,
    pub admin_key: String,
}

impl MetaSide {
    /// The signature that Meta would send along.
    ///
    /// # Panics
    /// Never: the secret is not empty.
    pub fn sign(&self, body: &[u8]) -> String {
        AppSecret::new(&self.secret).expect("a secret").sign(body)
    }

    /// Posts a callback as Meta does, signed over exactly these bytes.
    pub async fn call(&self, node: &World, body: impl Into<Vec<u8>>) -> Answer {
        let body = body.into();
        let signature = self.sign(&body);
        self.call_signed(node, body, &[("x-hub-signature-256", &signature)]).await
    }

    /// Posts a callback with these headers and no others.
    pub async fn call_signed(&self, node: &World, body: Vec<u8>, headers: &[(&str, &str)]) -> Answer {
        node.nobody().raw("POST", &format!("/hooks/meta/{}", self.id), headers, Some(body)).await
    }

    fn at_meta(&self, world: &World, meta: &SandboxHandle) {
        let app = SandboxApp {
            app_id: self.app_id.clone(),
            app_secret: Secret::new(self.secret.clone()),
            callback_url: Some(format!("{}/hooks/meta/{}", world.base, self.id)),
            verify_token: self.verify_token.clone(),
            require_proof: true,
        };
        meta.add_app(app).expect("an app with a secret");
    }
}

/// App secrets are 32 hex digits at Meta.
fn secret(number: u32) -> String {
    format!("{:08x}f00dfeed{:08x}c0ffee42", number.wrapping_mul(0x9e37_79b9), !number)
}

impl World {
    /// A workspace's own Meta app, made through the API.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn meta_app(&self, meta: &SandboxHandle, admin: &Client, number: u32) -> MetaSide {
        let (app_id, secret) = (format!("2000000000{number:05}"), secret(number));
        let body = json!({"name": "Our app", "app_id": app_id, "app_secret": secret});
        let made = admin.post("/v1/meta-apps", &body).await.expect(201).json();
        let text = |name: &str| made[name].as_str().expect("a text").to_owned();
        let side = MetaSide { id: text("id"), app_id, secret, verify_token: text("verify_token") };
        side.at_meta(self, meta);
        side
    }

    /// A Meta app of the operator's, which may serve channels of every workspace.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn shared_meta_app(&self, meta: &SandboxHandle, number: u32) -> MetaSide {
        let (app_id, secret) = (format!("3000000000{number:05}"), secret(number));
        let create = MetaAppCreate {
            name: "The operator's app".to_owned(),
            app_id: app_id.clone(),
            app_secret: Secret::new(secret.clone()),
            graph_version: None,
            base_url: None,
        };
        let grant = self.operator::<operator_permission::WorkspaceManage>();
        let made = self.app.meta_app_create_shared(&grant, create).await.expect("an app");
        let verify_token = made.verify_token.expect("shown on creation").expose().clone();
        let side = MetaSide { id: made.id.to_string(), app_id, secret, verify_token };
        side.at_meta(self, meta);
        side
    }

    /// A live channel on a Meta app: Meta gets the number, the API the channel.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn live_channel(
        &self,
        meta: &SandboxHandle,
        workspace: WorkspaceId,
        app: &MetaSide,
        number: u32,
    ) -> Live {
        let admin_key = self.key(workspace, Mode::Live, &[Scope::Admin]).await;
        let admin = self.nobody().with_key(Some(&admin_key));
        let (phone_number_id, waba_id) = (format!("1050000000{number:05}"), format!("1060000000{number:05}"));
        let token = format!("EAAlive{number:05}tokenQ7rT2vX9");
        meta.add_number(SandboxNumber {
            phone_number_id: phone_number_id.clone(),
            waba_id: waba_id.clone(),
            app_id: app.app_id.clone(),
            token: Secret::new(token.clone()),
            display_phone_number: format!("+1 202-555-{:04}", 2000 + number % 8000),
            verified_name: format!("Business {number}"),
        });
        let body = json!({
            "name": format!("Number {number}"),
            "type": "cloud",
            "phone_number_id": phone_number_id,
            "waba_id": waba_id,
            "access_token": token,
            "meta_app_id": app.id,
        });
        let channel = admin.post("/v1/channels", &body).await.expect(201).json();
        let channel = channel["id"].as_str().expect("an id").to_owned();
        Live { channel, phone_number_id, waba_id, token, app: app.clone(), admin, admin_key }
    }

    /// A workspace with a Meta app of its own and a live channel on it.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn live(&self, meta: &SandboxHandle, workspace: WorkspaceId, number: u32) -> Live {
        let key = self.key(workspace, Mode::Live, &[Scope::Admin]).await;
        let app = self.meta_app(meta, &self.nobody().with_key(Some(&key)), number).await;
        self.live_channel(meta, workspace, &app, number).await
    }
}
