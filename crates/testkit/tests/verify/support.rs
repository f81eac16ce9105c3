//! A live channel at a Meta whose sends tests look into, and people who get codes.

use std::time::Duration;

use gatepost_channels::sandbox::{SandboxConfig, SandboxHandle, SandboxRules, SandboxTimings};
use gatepost_core::Clock as _;
use gatepost_testkit::{Answer, Client, Engines, Live, Setup, Tenant, World, eventually, sandbox};
use serde_json::{Value, json};

const NEVER: Duration = Duration::from_hours(24);

/// The person of most tests.
pub const PERSON: &str = "+12025550177";

pub struct Stage {
    pub world: World,
    pub meta: SandboxHandle,
    pub tenant: Tenant,
    pub live: Live,
}

/// A Meta that reviews templates at once and tells nothing of sends.
pub fn silent() -> SandboxConfig {
    let timings = SandboxTimings {
        sent: NEVER,
        delivered: NEVER,
        read: NEVER,
        reply: NEVER,
        ..SandboxTimings::default()
    };
    let rules = SandboxRules { template_review: Duration::from_millis(20), ..SandboxRules::default() };
    SandboxConfig { timings, rules, ..SandboxConfig::default() }
}

/// One that tells what becomes of them, too.
pub fn talking() -> SandboxConfig {
    SandboxConfig { timings: SandboxTimings::default(), ..silent() }
}

/// A setup in which only what verifications are about holds codes back.
pub fn setup(engine: Engines, meta: &SandboxHandle) -> Setup {
    let mut setup = Setup::new(engine).with_meta(meta);
    setup.config.send_pair_limit.burst = 100_000;
    setup.config.send_pair_limit.every = Duration::from_micros(1);
    setup
}

impl Stage {
    /// With an approved template `sign_in` in American English, which names no time.
    pub async fn start(engine: Engines) -> Self {
        let stage = Self::bare(engine, silent()).await;
        stage.template("sign_in", "en_US", None).await;
        stage
    }

    pub async fn bare(engine: Engines, meta: SandboxConfig) -> Self {
        let meta = sandbox(meta).await;
        let world = World::start(setup(engine, &meta)).await;
        let tenant = world.tenant("Example Ltd").await;
        let live = world.live(&meta, tenant.workspace, 1).await;
        // Where tests' people live.
        let countries = json!({"allowed_countries": ["US"]});
        let settings = "/v1/verifications/settings";
        live.admin.call("PUT", settings, &[], Some(&countries)).await.expect(200);
        Self { world, meta, tenant, live }
    }

    pub async fn stop(self) {
        self.world.stop().await;
        self.meta.shutdown().await;
    }

    /// An approved template for codes.
    pub async fn template(&self, name: &str, language: &str, minutes: Option<u32>) {
        let mut components = vec![json!({"type": "BODY", "add_security_recommendation": true})];
        components
            .extend(minutes.map(|minutes| json!({"type": "FOOTER", "code_expiration_minutes": minutes})));
        components.push(json!({"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]}));
        let template = json!({
            "channel_id": self.live.channel, "name": name, "language": language,
            "category": "AUTHENTICATION", "submit": true, "components": components,
        });
        let made = self.live.admin.post("/v1/templates", &template).await.expect(201).json();
        let path = format!("/v1/templates/{}", made["id"].as_str().unwrap());
        eventually("a template to be approved", async || {
            let template = self.live.admin.get(&path).await.expect(200).json();
            (template["status"] == "APPROVED").then_some(())
        })
        .await;
    }

    pub async fn try_begin(&self, ask: Value) -> Answer {
        let mut ask = ask;
        if ask["to"].is_null() {
            ask["to"] = json!(PERSON);
        }
        self.live.admin.post("/v1/verifications", &ask).await
    }

    /// A verification that begins, as it was answered.
    pub async fn begin(&self, ask: Value) -> Value {
        self.try_begin(ask).await.expect(201).json()
    }

    /// The body of the message that carries a verification's code, as Meta got it.
    pub async fn sent(&self, verification: &Value) -> Value {
        let message = text(verification, "message_id").to_owned();
        let sent = eventually("a code at Meta", async || {
            let sends = self.meta.sends();
            let send = sends.iter().find(|send| send.opaque.as_deref() == Some(message.as_str()))?;
            Some(serde_json::from_slice(&send.body).unwrap())
        })
        .await;
        // And that is written down: a clock that is set forward before would cut the send.
        eventually("a send to be written down", async || {
            (self.message(verification).await["state"] != "queued").then_some(())
        })
        .await;
        sent
    }

    /// The code of a verification, as the person got it.
    pub async fn code(&self, verification: &Value) -> String {
        let sent = self.sent(verification).await;
        match sent["type"].as_str() {
            Some("template") => {
                let components = &sent["template"]["components"];
                let code = components[0]["parameters"][0]["text"].as_str().unwrap();
                assert_eq!(components[1]["parameters"][0]["text"], code, "the button copies the code");
                assert_eq!(
                    (&components[1]["sub_type"], &components[1]["index"]),
                    (&json!("url"), &json!("0"))
                );
                code.to_owned()
            }
            _ => {
                sent["text"]["body"].as_str().unwrap().chars().filter(char::is_ascii_digit).take(6).collect()
            }
        }
    }

    pub async fn get(&self, verification: &Value) -> Value {
        self.live.admin.get(&path(verification)).await.expect(200).json()
    }

    pub async fn message(&self, verification: &Value) -> Value {
        let path = format!("/v1/messages/{}", text(verification, "message_id"));
        self.live.admin.get(&path).await.expect(200).json()
    }

    pub async fn check(&self, verification: &Value, code: &str) -> Answer {
        check(&self.live.admin, verification, code).await
    }

    pub async fn resend(&self, verification: &Value) -> Answer {
        self.live.admin.post(&format!("{}/resend", path(verification)), &json!({})).await
    }

    pub fn advance(&self, seconds: u64) {
        self.world.clock.advance(Duration::from_secs(seconds));
    }

    /// Types of the events of a verification, oldest first.
    pub async fn told(&self, verification: &Value) -> Vec<String> {
        let told = events(&self.live.admin).await;
        let own = told.iter().filter(|event| event["data"]["verification"]["id"] == verification["id"]);
        own.map(|event| text(event, "type").to_owned()).collect()
    }

    /// Waits for an event of a verification.
    pub async fn hears(&self, verification: &Value, event_type: &str) -> Value {
        eventually(event_type, async || {
            let told = events(&self.live.admin).await;
            told.into_iter().find(|event| {
                event["type"] == event_type && event["data"]["verification"]["id"] == verification["id"]
            })
        })
        .await
    }

    /// A person writes a text, which is read.
    pub async fn says(&self, phone: &str, words: &str) {
        let digits = phone.trim_start_matches('+');
        let at = self.world.clock.now().seconds();
        let value = json!({
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "12025550100", "phone_number_id": self.live.phone_number_id},
            "contacts": [{"profile": {"name": "Zoë"}, "wa_id": digits}],
            "messages": [{"from": digits, "id": format!("wamid.verify.{words}"), "timestamp": at.to_string(),
                "type": "text", "text": {"body": words}}],
        });
        let body = json!({"object": "whatsapp_business_account", "entry": [
            {"id": self.live.waba_id, "changes": [{"field": "messages", "value": value}]},
        ]});
        self.live.app.call(&self.world, body.to_string().into_bytes()).await.expect(200);
        eventually("callbacks to be read", async || {
            self.world.rows().await["envelope"].is_empty().then_some(())
        })
        .await;
    }
}

pub fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap()
}

pub fn path(verification: &Value) -> String {
    format!("/v1/verifications/{}", text(verification, "id"))
}

pub async fn check(caller: &Client, verification: &Value, code: &str) -> Answer {
    caller.post(&format!("{}/check", path(verification)), &json!({"code": code})).await
}

/// A code that is not this one.
pub fn other(code: &str) -> String {
    let last = if code.ends_with('7') { '3' } else { '7' };
    format!("{}{last}", &code[..code.len() - 1])
}

/// The whole log, oldest first.
pub async fn events(caller: &Client) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = caller.get(&format!("/v1/events?limit=100{after}")).await.expect(200).json();
        let found = page["data"].as_array().unwrap();
        if found.is_empty() {
            return all;
        }
        all.extend(found.iter().cloned());
        after = format!("&after={}", text(&page, "next_cursor"));
    }
}
