//! K1, E4: what is secret, what people wrote and whom they wrote to lies nowhere in the clear: not in the database, its
//! files and its log, and not in our own logs at their highest level.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::HashSet;
use std::io::Write;
use std::sync::{Arc, Mutex};

use gatepost_channels::sandbox::{SandboxConfig, SandboxHandle, SandboxLimits};
use gatepost_core::Secret;
use gatepost_testkit::{Client, Engines, Live, Receiver, Setup, World, eventually, sandbox};
use serde_json::{Value, json};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// Length of a window of a secret that may be found nowhere.
const WINDOW: usize = 12;
/// A number nobody else here has.
const PHONE: &str = "12025558842";
const WRITER: &str = "12025558843";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Our own parts tell everything they can; the others are held to warnings, as the binary holds them.
fn listen() -> Log {
    let log = Log::default();
    let writer = log.clone();
    let filter = Targets::new().with_default(LevelFilter::WARN).with_target("gatepost", LevelFilter::TRACE);
    let lines = fmt::layer().with_ansi(false).with_writer(move || writer.clone()).with_filter(filter);
    tracing_subscriber::registry().with(lines).init();
    log
}

/// What must not be found, in windows of a fixed length.
struct Needles {
    windows: HashSet<Vec<u8>>,
    /// The first three bytes of each window, so that most places are passed by at a glance.
    starts: Vec<bool>,
    whole: Vec<&'static str>,
}

fn start(window: &[u8]) -> usize {
    usize::from(window[0]) << 16 | usize::from(window[1]) << 8 | usize::from(window[2])
}

impl Needles {
    fn new() -> Self {
        let whole = vec![PHONE, WRITER, "wamid.HBgL"];
        Self { windows: HashSet::new(), starts: vec![false; 1 << 24], whole }
    }

    fn add(&mut self, secret: &str) {
        assert!(secret.len() >= WINDOW, "{secret}");
        for window in secret.as_bytes().windows(WINDOW) {
            self.starts[start(window)] = true;
        }
        self.windows.extend(secret.as_bytes().windows(WINDOW).map(<[u8]>::to_vec));
    }

    /// The secret part of an API key: behind the prefix and the id, in front of the checksum.
    fn add_key(&mut self, key: &str) {
        self.add(&key[30..73]);
    }

    fn found_in(&self, hay: &[u8]) -> Option<String> {
        let window = hay.windows(WINDOW).find(|w| self.starts[start(w)] && self.windows.contains(*w));
        let whole = || {
            self.whole
                .iter()
                .find(|w| hay.windows(w.len()).any(|h| h[0] == w.as_bytes()[0] && h == w.as_bytes()))
        };
        window.map(|w| String::from_utf8_lossy(w).into_owned()).or_else(|| whole().map(|w| (*w).to_owned()))
    }
}

/// Bytes that a dump shows as hex.
fn decoded(text: &str) -> Vec<u8> {
    let runs = text.split(|c: char| !c.is_ascii_hexdigit()).filter(|run| run.len() >= 16);
    let mut bytes = Vec::new();
    for run in runs {
        bytes.extend((0..run.len() / 2).map(|at| u8::from_str_radix(&run[at * 2..at * 2 + 2], 16).unwrap()));
        bytes.push(b'\n');
    }
    bytes
}

async fn use_keys(world: &World, admin: &Client, needles: &mut Needles) {
    for n in 0..60 {
        let made = admin
            .post("/v1/keys", &json!({"name": format!("key {n}"), "scopes": ["read"]}))
            .await
            .expect(201)
            .json();
        let (id, key) = (made["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
        needles.add_key(key);
        let caller = world.nobody().with_key(Some(key));
        caller.get("/v1/messages").await.expect(200);
        caller.post("/v1/messages", &json!({})).await.expect(403);
        match n % 4 {
            0 => drop(admin.delete(&format!("/v1/keys/{id}")).await.expect(200)),
            1 => {
                let rotated =
                    admin.post(&format!("/v1/keys/{id}/rotate"), &json!({})).await.expect(201).json();
                needles.add_key(rotated["secret"].as_str().unwrap());
                caller.get("/v1/messages").await.expect(401);
            }
            // In the wrong places: refused, and told nowhere either.
            2 => drop(caller.get(&format!("/v1/messages?api_key={key}")).await.expect(401)),
            _ => {
                let headers = [("x-api-key", &key[..key.len() - 2]), ("user-agent", key)];
                drop(world.nobody().call("GET", "/v1/messages", &headers, None).await.expect(401));
            }
        }
    }
}

async fn send_messages(live: &Live, meta: &SandboxHandle, needles: &mut Needles) {
    for n in 0..20 {
        let text = format!("canary body {n} Xq7vLw2Rt9");
        needles.add(&text);
        let mut body = json!({"to": format!("+{PHONE}"), "purpose": "support", "text": text});
        if n == 3 {
            body["on_unknown"] = json!(format!("canary value {n} Jk4hPz8Mn3"));
            needles.add(&format!("canary value {n} Jk4hPz8Mn3"));
        }
        let headers = [("idempotency-key", format!("canary-idempotency-key-{n}"))];
        needles.add(&headers[0].1);
        let headers = [(headers[0].0, headers[0].1.as_str())];
        let answer = live.admin.call("POST", "/v1/messages", &headers, Some(&body)).await;
        assert_eq!(answer.status, if n == 3 { 422 } else { 202 });
    }
    let broken = format!("{{\"to\": \"+{PHONE}\", \"text\": \"canary body 0 Xq7vLw2Rt9");
    live.admin.raw("POST", "/v1/messages", &[], Some(broken.into_bytes())).await.expect(400);
    let components =
        json!([{"type": "body", "parameters": [{"type": "text", "text": "canary template Bd5sGy1Kc6"}]}]);
    needles.add("canary template Bd5sGy1Kc6");
    let template = json!({"name": "order_ready", "language": {"code": "en_US"}, "components": components});
    let body = json!({"to": format!("+{PHONE}"), "purpose": "transactional", "template": template});
    live.admin.post("/v1/messages", &body).await.expect(202);
    eventually("all messages at Meta", async || (meta.sends().len() == 20).then_some(())).await;
}

async fn hear(world: &World, live: &Live, needles: &mut Needles) {
    let text = "canary from a person Wt3nHf6Qp8";
    needles.add(text);
    needles.add("Canary Name Zz9");
    let value = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "1", "phone_number_id": live.phone_number_id},
        "contacts": [{"profile": {"name": "Canary Name Zz9"}, "wa_id": WRITER}],
        "messages": [{"from": WRITER, "id": "wamid.HBgLcanary", "timestamp": "1793525400", "type": "text", "text": {"body": text}}],
    });
    let body = json!({"object": "whatsapp_business_account", "entry": [
        {"id": live.waba_id, "changes": [{"field": "messages", "value": value}]},
        {"id": "1", "changes": [{"field": "messages", "value": {"metadata": {"phone_number_id": "404"}, "text": text, "from": WRITER}}]},
    ]});
    live.app.call(world, body.to_string().into_bytes()).await.expect(200);
    live.app
        .call_signed(world, body.to_string().into_bytes(), &[("x-hub-signature-256", "sha256=00")])
        .await
        .expect(401);
    live.app.call(world, format!("{text} is not JSON").into_bytes()).await.expect(400);
    let wrong = format!(
        "/hooks/meta/{}?hub.mode=subscribe&hub.challenge=1&hub.verify_token=canary-verify-Rr5",
        live.app.id
    );
    needles.add("canary-verify-Rr5");
    world.nobody().get(&wrong).await.expect(403);
}

async fn draft(live: &Live, needles: &mut Needles) {
    let words = "canary words of a template Mv9tKd2Sx4";
    let value = "canary value of a template Hq6jPz3Lw8";
    needles.add(words);
    needles.add(value);
    let mut template = json!({
        "name": "canary", "language": "en_US", "category": "UTILITY", "submit": true,
        "components": [{"type": "BODY", "text": format!("{words} and {{{{1}}}} too."), "example": {"body_text": [[value]]}}],
    });
    let made = live.admin.post("/v1/templates", &template).await.expect(201).json();
    template["components"][0]["text"] = json!(format!("{{{{1}}}} {words}"));
    live.admin.post("/v1/templates", &template).await.expect(422);
    let path = format!("/v1/templates/{}", made["id"].as_str().unwrap());
    let parameters = json!({"body": [value]});
    live.admin.post(&format!("{path}/preview"), &json!({"parameters": parameters})).await.expect(200);
    let send = json!({"to": format!("+{PHONE}"), "purpose": "support", "parameters": parameters});
    live.admin.post(&format!("{path}/test-send"), &send).await.expect(202);
    live.admin.post("/v1/templates/sync", &json!({})).await.expect(200);
}

/// Everything that is secret goes through, in good ways and bad.
async fn drive(world: &World, meta: &SandboxHandle, needles: &mut Needles) {
    let tenant = world.tenant("Example Ltd").await;
    let live = world.live(meta, tenant.workspace, 1).await;
    needles.add_key(&tenant.admin_key);
    needles.add_key(&live.admin_key);
    for secret in [&live.token, &live.app.secret, &live.app.verify_token, &world.master] {
        needles.add(secret);
    }
    let receiver = Receiver::start().await;
    let url = format!("{}/canary-path-in-a-url-Vv8", receiver.url);
    needles.add("canary-path-in-a-url-Vv8");
    receiver.answer_with(&[500, 302]);
    let endpoint = json!({
        "url": url, "ed25519": true, "headers": {"authorization": "Bearer canary-header-Qw4"},
        "metadata": {"note": "canary-note-of-an-owner-Zk7"},
    });
    needles.add("canary-header-Qw4");
    needles.add("canary-note-of-an-owner-Zk7");
    let endpoint = live.admin.post("/v1/webhook-endpoints", &endpoint).await.expect(201).json();
    let refused = json!({"url": url, "headers": {"authorization": "Bearer canary-header-Qw4\n"}});
    live.admin.post("/v1/webhook-endpoints", &refused).await.expect(422);
    let secret = |answer: &Value| answer["secret"].as_str().unwrap().trim_start_matches("whsec_").to_owned();
    needles.add(&secret(&endpoint));
    let path = format!("/v1/webhook-endpoints/{}/rotate-secret", endpoint["id"].as_str().unwrap());
    let rotated = live.admin.post(&path, &json!({"overlap_seconds": 60})).await.expect(200).json();
    live.admin.post(&path.replace("rotate-secret", "test"), &json!({})).await.expect(202);
    needles.add(&secret(&rotated));
    use_keys(world, &live.admin, needles).await;
    send_messages(&live, meta, needles).await;
    hear(world, &live, needles).await;
    draft(&live, needles).await;
    let token = "EAAcanary-second-token-Ff2Gg7";
    needles.add(token);
    meta.set_token(&live.phone_number_id, Secret::new(token.to_owned()));
    let channel = format!("/v1/channels/{}", live.channel);
    live.admin.patch(&channel, &json!({"access_token": "EAAcanary-wrong-token-Hh3Jj8"})).await.expect(422);
    needles.add("EAAcanary-wrong-token-Hh3Jj8");
    live.admin.patch(&channel, &json!({"access_token": token})).await.expect(200);
    eventually("webhooks", async || (receiver.of_type("message.received").len() == 1).then_some(())).await;
    eventually("read messages", async || (receiver.of_type("message.read").len() >= 15).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_secret_lies_in_the_clear() {
    let log = listen();
    for engine in Engines::available() {
        let config = SandboxConfig { limits: SandboxLimits::NONE, ..SandboxConfig::default() };
        let meta = sandbox(config).await;
        let world = World::start(Setup::new(engine).with_meta(&meta)).await;
        let mut needles = Needles::new();
        drive(&world, &meta, &mut needles).await;
        assert!(needles.windows.len() > 2000);
        let (mut rows, mut bytes) = (0, 0);
        for (table, dump) in world.rows().await {
            for row in dump {
                assert_eq!(needles.found_in(row.as_bytes()), None, "{table} on {engine:?}");
                assert_eq!(needles.found_in(&decoded(&row)), None, "{table} on {engine:?}, in bytes");
                rows += 1;
            }
        }
        assert!(rows > 300, "{rows} rows were looked at");
        for (name, file) in world.files() {
            assert_eq!(needles.found_in(&file), None, "{name}");
            bytes += file.len();
        }
        assert_eq!(bytes > 100_000, engine == Engines::Sqlite, "{bytes} bytes of files");
        world.stop().await;
        let log = log.0.lock().unwrap().clone();
        assert!(log.len() > 1000, "something was logged");
        assert_eq!(needles.found_in(&log), None, "in the logs on {engine:?}");
        // The search itself finds what is there.
        assert!(needles.found_in(format!("x{PHONE}y").as_bytes()).is_some());
        assert!(
            needles
                .found_in(&decoded(&format!("X'{}'", "63616e61727920626f6479203120587137764c7732527439")))
                .is_some()
        );
    }
}
