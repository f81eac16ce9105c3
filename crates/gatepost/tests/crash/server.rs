//! An installation of the real binary, with a simulated Meta and a customer outside of it.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use gatepost_app::SystemClock;
use gatepost_channels::sandbox::{
    CallbackPace, SandboxApp, SandboxConfig, SandboxHandle, SandboxLimits, SandboxNumber, SandboxTimings,
};
use gatepost_core::{Clock, Secret, Timestamp};
use gatepost_testkit::{Client, Engines, Receiver, eventually, sandbox};
use serde_json::{Value, json};

const APP: &str = "700000000000001";
pub const APP_SECRET: &str = "the-secret-of-the-crash-test-app";
pub const PHONE: &str = "105000000000001";
pub const WABA: &str = "106000000000001";
const TOKEN: &str = "EAAcrashtesttoken";

pub struct Installation {
    directory: tempfile::TempDir,
    server: Option<Child>,
    /// When the process was killed.
    pub kills: Vec<Timestamp>,
    base: String,
    pub meta: SandboxHandle,
    pub receiver: Receiver,
    /// The path that Meta posts to.
    pub hooks: String,
}

fn toml_line(key: &str, value: &str) -> String {
    format!("{key} = '{value}'\n")
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Installation {
    pub async fn new(engine: Engines) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let quick = SandboxTimings {
            sent: Duration::from_millis(5),
            delivered: Duration::from_millis(30),
            read: Duration::from_millis(60),
            ..SandboxTimings::default()
        };
        let patient = CallbackPace {
            attempts: 1000,
            longest_pause: Duration::from_millis(500),
            ..CallbackPace::default()
        };
        let meta = sandbox(SandboxConfig {
            timings: quick,
            callbacks: patient,
            limits: SandboxLimits::NONE,
            ..SandboxConfig::default()
        })
        .await;
        let receiver = Receiver::start().await;
        let port = free_port();
        let mut config = format!(
            "{}[server]\nlisten = \"127.0.0.1:{port}\"\nmetrics_listen = \"off\"\n\
             [egress]\nexceptions = [{{ host = \"127.0.0.1\", port = {}, scheme = \"http\" }}]\n\
             [meta]\nbase_url = \"{}\"\n",
            toml_line("data_dir", &directory.path().join("data").display().to_string()),
            receiver.port,
            meta.base_url(),
        );
        if engine == Engines::Postgres {
            let database = gatepost_testdb::TestPostgres::start().unwrap().create_database();
            let (app, owner) = (database.app_url, database.owner_url);
            config.push_str("[database]\n");
            config.push_str(&toml_line("url", &app));
            config.push_str(&toml_line("owner_url", &owner));
        }
        std::fs::write(directory.path().join("gatepost.toml"), config).unwrap();
        let base = format!("http://127.0.0.1:{port}");
        let installation =
            Self { directory, server: None, kills: Vec::new(), base, meta, receiver, hooks: String::new() };
        if engine == Engines::Postgres {
            installation.run(&["migrate"]);
        }
        installation
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gatepost"));
        command
            .arg("--config")
            .arg(self.directory.path().join("gatepost.toml"))
            .env("GATEPOST_MASTER_KEY", master_key())
            .env_remove("GATEPOST_DATABASE_URL")
            .stdin(Stdio::null());
        command
    }

    /// Runs a command of the line to its end.
    fn run(&self, arguments: &[&str]) -> Value {
        let output = self.command().args(arguments).arg("--json").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(text.lines().last().unwrap_or("null")).unwrap_or(Value::Null)
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("server.log")
    }

    pub fn start_unready(&mut self) {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        let child = self.command().arg("serve").stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        self.server = Some(child);
    }

    pub async fn ready(&self) {
        let client = Client::new(&self.base, None);
        eventually("the server to be ready", async || {
            client.try_call("GET", "/readyz", &[], None).await.filter(|a| a.status == 200).map(drop)
        })
        .await;
    }

    pub async fn start(&mut self) {
        self.start_unready();
        self.ready().await;
    }

    /// SIGKILL: no goodbye.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.server.take() {
            child.kill().unwrap();
            child.wait().unwrap();
            self.kills.push(SystemClock.now());
        }
    }

    /// A workspace with a live key, a channel at the simulated Meta, and an endpoint.
    pub async fn set_up(&mut self) -> Client {
        let workspace = self.run(&["workspace", "create", "Crash Test Ltd"]);
        let id = workspace["id"].as_str().unwrap();
        // Load is what the risk rules are there to stop.
        let plan = self.directory.path().join("plan.json");
        std::fs::write(&plan, r#"{"risk": {"preset": "off"}}"#).unwrap();
        self.run(&["plan", "set", "unwatched", "--file", plan.to_str().unwrap()]);
        self.run(&["workspace", "plan", "unwatched", "--workspace", id]);
        let key = self.run(&[
            "key",
            "create",
            "--workspace",
            id,
            "--mode",
            "live",
            "--scope",
            "admin",
            "--name",
            "all",
        ]);
        let client = Client::new(&self.base, Some(key["secret"].as_str().unwrap().to_owned()));
        let app = json!({"name": "ours", "app_id": APP, "app_secret": APP_SECRET});
        let app = client.post("/v1/meta-apps", &app).await.expect(201).json();
        let id = app["id"].as_str().unwrap();
        self.hooks = format!("/hooks/meta/{id}");
        self.meta
            .add_app(SandboxApp {
                app_id: APP.to_owned(),
                app_secret: Secret::new(APP_SECRET.to_owned()),
                callback_url: Some(format!("{}{}", self.base, self.hooks)),
                verify_token: app["verify_token"].as_str().unwrap().to_owned(),
                require_proof: true,
            })
            .unwrap();
        self.meta.add_number(SandboxNumber {
            phone_number_id: PHONE.to_owned(),
            waba_id: WABA.to_owned(),
            app_id: APP.to_owned(),
            token: Secret::new(TOKEN.to_owned()),
            display_phone_number: "+1 202-555-0100".to_owned(),
            verified_name: "Crash Test Ltd".to_owned(),
        });
        // Before anything happens: what comes later is told to it.
        client.post("/v1/webhook-endpoints", &json!({"url": self.receiver.url})).await.expect(201);
        let channel = json!({
            "type": "cloud", "name": "main", "phone_number_id": PHONE, "waba_id": WABA,
            "access_token": TOKEN, "meta_app_id": id,
        });
        let channel = client.post("/v1/channels", &channel).await.expect(201).json();
        let path = format!("/v1/channels/{}", channel["id"].as_str().unwrap());
        client.patch(&path, &json!({"throughput": 1000})).await.expect(200);
        // Meta promises neither order nor that it tells once.
        self.meta.shuffle_callbacks(true);
        self.meta.duplicate_callbacks(1);
        client
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.log()).unwrap_or_default();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            eprintln!("the server's last words:\n{}", tail.into_iter().rev().collect::<Vec<_>>().join("\n"));
        }
    }
}

/// One for this run.
fn master_key() -> &'static str {
    static KEY: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    KEY.get_or_init(|| {
        gatepost_vault::MasterKey::generate(&gatepost_vault::SystemEntropy).unwrap().to_hex().expose().clone()
    })
}
