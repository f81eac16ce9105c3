//! A Gatepost with people in it, for browsers: `tests/browser` starts it.
//!
//! Its arguments are the locks of forms that are shut (`same_site`, `origin`, `token`), all of them where none is named,
//! none of them for `none`; `mailless` where it sends no e-mail; and `limited` where pages are counted as by default.
//!
//! It says in one JSON line where it is and what is there. Each line on standard input is a command in JSON and is answered
//! with one line; the commands are the variants of [`Ask`]. It ends when its input does.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a part of the tests")]

use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gatepost_app::sso::OperatorProvider;
use gatepost_app::{KeyCreate, LimitConfig};
use gatepost_core::access::{OperatorRole, Role, Scope, operator_permission, permission};
use gatepost_core::channel::Mode;
use gatepost_core::{Clock as _, WorkspaceId};
use gatepost_http::{Locks, operators_router};
use gatepost_testkit::idp::{Idp, Person};
use gatepost_testkit::{Engines, MailServer, PASSWORD, Setup, Somebody, TestClock, World};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What a stranger or a customer may have written; browsers must show it and do nothing of it.
const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'-alert(1)-' javascript:alert(1)",
    "</title></textarea><svg/onload=alert(1)>",
    "=HYPERLINK(\"http://evil.example\")",
    "{{constructor.constructor('alert(1)')()}} ليلى حداد 🎉",
];

/// The workspace's name.
const NAME: &str = "Northwind <b>& Söhne</b>";

/// What a test can ask for.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
enum Ask {
    /// The cookies of a session that has just begun, of the workspace's first member of that role.
    Session { role: String },
    /// Somebody new with a password: a member in that role, or an operator (`administrator`, `support`), or just an account.
    Person { role: Option<String>, operator: Option<String> },
    /// A new workspace and its owner.
    Workspace { name: String },
    /// An admin key of the workspace in test mode.
    Key {},
    /// The newest mail to an address with these words in its subject; waits for it.
    Mail { to: String, subject: String },
    /// Who is signed in at the identity provider from now on.
    There { sub: String, email: String },
    /// Sets the clock forward; answers what it shows, in milliseconds.
    Advance { seconds: u64 },
}

/// An installation and what stands around it.
struct Stage {
    world: World,
    workspace: WorkspaceId,
    members: BTreeMap<&'static str, Somebody>,
    mail: MailServer,
    idp: Idp,
    /// The provider's own, which moves with the world's.
    clock: Arc<TestClock>,
}

fn told(word: &str) -> bool {
    std::env::args().skip(1).any(|argument| argument == word)
}

fn locks() -> Locks {
    let (same_site, origin, token) = (told("same_site"), told("origin"), told("token"));
    if same_site || origin || token || told("none") {
        return Locks { same_site, origin, token };
    }
    Locks::default()
}

fn person(somebody: &Somebody) -> Value {
    json!({ "id": somebody.id, "email": somebody.email, "password": PASSWORD })
}

impl Stage {
    async fn start(operators_port: u16) -> Self {
        let clock = Arc::<TestClock>::default();
        let (mail, idp) = (MailServer::start().await, Idp::start(Arc::clone(&clock) as _).await);
        let mut setup = Setup { locks: locks(), named: true, ..Setup::new(Engines::Sqlite) };
        setup.config.passkey_ports = vec![operators_port];
        setup.config.sso.hosts = idp.hosts();
        let (key, name) = ("everybody".to_owned(), "Everybody’s ID".to_owned());
        setup.config.sso.providers.push(OperatorProvider { key, name, provider: idp.provider() });
        if !told("mailless") {
            setup.mail = Some(mail.mailer());
        }
        if told("limited") {
            setup.config.limits = LimitConfig::default();
        }
        let world = World::start(setup).await;
        let workspace = world.tenant(NAME).await.workspace;
        let mut members = BTreeMap::new();
        for role in Role::ALL {
            members.insert(role.as_str(), world.member(workspace, role).await);
        }
        let stage = Self { world, workspace, members, mail, idp, clock };
        stage.hostile_keys().await;
        stage
    }

    async fn hostile_keys(&self) {
        for name in HOSTILE {
            let enter = self.world.operator::<operator_permission::WorkspaceEnter>();
            let visit = gatepost_app::Visit::InProcess;
            let principal = self.world.app.workspace_enter(&enter, self.workspace, visit).await.unwrap();
            let grant = principal.grant::<permission::KeyManage>().unwrap();
            let create = KeyCreate {
                name: name.to_owned(),
                mode: Mode::Live,
                scopes: vec![Scope::Send, Scope::Read],
                channels: None,
                expires_at: None,
            };
            self.world.app.key_create(&grant, create, None).await.unwrap();
        }
    }

    async fn answer(&self, ask: Ask) -> Value {
        match ask {
            Ask::Session { role } => {
                let begun = self.world.sign_in(&self.members[role.as_str()]).await;
                json!({ "__Host-gatepost": begun.token.expose(), "__Host-gatepost-device": begun.device.expose() })
            }
            Ask::Person { role: Some(role), .. } => {
                person(&self.world.member(self.workspace, Role::parse(&role).unwrap()).await)
            }
            Ask::Person { role: None, operator } => {
                let role = operator.map(|role| OperatorRole::parse(&role).unwrap());
                person(&self.world.somebody(role).await)
            }
            Ask::Workspace { name } => {
                let workspace = self.world.tenant(&name).await.workspace;
                json!({ "workspace": workspace, "owner": person(&self.world.member(workspace, Role::Owner).await) })
            }
            Ask::Key {} => {
                json!({ "key": self.world.key(self.workspace, Mode::Test, &[Scope::Admin]).await })
            }
            Ask::Mail { to, subject } => {
                let mail = self.mail.mail_to(&to, &subject).await;
                let text = mail.text();
                let link = text.lines().find(|line| line.starts_with("http"));
                json!({ "subject": mail.subject(), "text": text, "link": link })
            }
            Ask::There { sub, email } => {
                self.idp.sign_in(Person { sub, email, verified: true, name: "Ada Lovelace".to_owned() });
                json!({})
            }
            Ask::Advance { seconds } => {
                for clock in [&self.world.clock, &self.clock] {
                    clock.advance(Duration::from_secs(seconds));
                }
                json!({ "now": self.world.clock.now().micros() / 1000 })
            }
        }
    }
}

#[tokio::main]
async fn main() {
    let operators = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = operators.local_addr().unwrap().port();
    let stage = Stage::start(port).await;
    let router = operators_router(stage.world.app.clone(), gatepost_http::Settings::default());
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(operators, service).await });
    println!(
        "{}",
        json!({
            "base": stage.world.base, "named": stage.world.app.config().public_url, "workspace": stage.workspace,
            "operators": format!("http://localhost:{port}"), "idp": stage.idp.issuer,
        })
    );
    let (lines, mut heard) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let _ = lines.send(line);
        }
    });
    while let Some(line) = heard.recv().await {
        println!("{}", stage.answer(serde_json::from_str(&line).unwrap()).await);
    }
    stage.world.stop().await;
}
