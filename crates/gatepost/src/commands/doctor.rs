//! `gatepost doctor`

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use gatepost_app::SystemClock;
use gatepost_core::Clock as _;
use gatepost_net::{Method, TrustedBody, TrustedRequest};
use gatepost_store::MIGRATIONS;
use serde_json::{Value, json};
use tokio::net::UnixStream;

use super::status::mail_lines;
use crate::cli::Context;
use crate::config::{Settings, mail_config};
use crate::environment;
use crate::failure::{Failure, Result};
use crate::installation::data_dir::{DataDir, Places};
use crate::installation::master_keys::{KeyPlace, forbid_dumps};
use crate::installation::{Installation, Surroundings, database, resolver, trusted_client};
use crate::operator_client::Operator;
use crate::output::{Output, Tint};

/// Check configuration, directory, keys and database, and say what to do.
///
/// Changes no data, and sends nothing unless --online says so. Exits with 1 where something is wrong.
#[derive(clap::Args)]
pub struct Doctor {
    /// Also ask whether Meta can be reached
    #[arg(long)]
    online: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    /// Works, and could be better.
    Note,
    Bad,
}

struct Finding {
    what: &'static str,
    state: State,
    says: String,
    todo: Option<String>,
}

/// What was looked at so far.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn good(&mut self, what: &'static str, says: impl Into<String>) {
        self.0.push(Finding { what, state: State::Good, says: says.into(), todo: None });
    }

    fn note(&mut self, what: &'static str, says: impl Into<String>, todo: impl Into<String>) {
        self.0.push(Finding { what, state: State::Note, says: says.into(), todo: Some(todo.into()) });
    }

    fn bad(&mut self, what: &'static str, failure: &Failure) {
        self.0.push(Finding {
            what,
            state: State::Bad,
            says: failure.message.clone(),
            todo: failure.hint.clone(),
        });
    }
}

impl Doctor {
    pub async fn run(self, context: Context) -> Result<()> {
        let mut found = Findings::default();
        let output = context.output;
        match context.quiet_settings() {
            Err(failure) => found.bad("configuration", &failure),
            Ok(settings) => {
                configuration(&settings, &mut found);
                directory(&settings, &mut found).await;
                let key = master_key(&settings, &mut found);
                stored(&settings, &mut found).await;
                if key && let Ok(again) = context.quiet_settings() {
                    fit(again, &mut found).await;
                }
                mail(&settings, &context, &mut found).await;
                clock(&mut found);
                if self.online {
                    meta(&settings, &mut found).await;
                }
            }
        }
        tell(&found.0, output);
        match found.0.iter().filter(|f| f.state == State::Bad).count() {
            0 => Ok(()),
            count => Err(Failure::failed(format!("{count} of {} things are not well", found.0.len()))),
        }
    }
}

fn tell(findings: &[Finding], output: Output) {
    for finding in findings {
        let (mark, tint, word) = match finding.state {
            State::Good => ("✓", Tint::Green, "good"),
            State::Note => ("!", Tint::Yellow, "note"),
            State::Bad => ("✗", Tint::Red, "bad"),
        };
        let line: Value =
            json!({ "check": finding.what, "state": word, "says": finding.says, "todo": finding.todo });
        output.data(&line);
        output.say(format_args!("{} {:15} {}", output.tint(tint, mark), finding.what, finding.says));
        if let Some(todo) = &finding.todo {
            output.say(format_args!("  {:15} → {}", "", todo.replace('\n', "\n                    ")));
        }
    }
}

fn configuration(settings: &Settings, found: &mut Findings) {
    match &settings.file {
        Some(file) => found.good("configuration", file.display().to_string()),
        None => found.good("configuration", "no file, and none is needed"),
    }
    for (name, meant) in environment::near_misses() {
        found.note("configuration", format!("the variable {name} means nothing"), format!("{meant} does"));
    }
    let url = settings.config.server.public_url.as_deref();
    if !url.is_some_and(|url| url.starts_with("https://")) {
        found.note(
            "public address",
            "server.public_url is no https address, so Meta cannot call back (test channels work all the same)",
            "set server.public_url (GATEPOST_PUBLIC_URL) before you add a live channel",
        );
    }
}

fn mode(path: &Path) -> Option<u32> {
    std::fs::metadata(path).ok().map(|metadata| metadata.mode() & 0o7777)
}

async fn directory(settings: &Settings, found: &mut Findings) {
    let path = &settings.data_dir;
    match mode(path) {
        None => found.note(
            "data directory",
            format!("{} does not exist yet", path.display()),
            "gatepost serve makes it",
        ),
        Some(mode) if mode & 0o022 != 0 => found.bad(
            "data directory",
            &Failure::failed(format!("{} has mode {mode:04o}: others can put files into it", path.display()))
                .hint(format!("chmod 700 {}", path.display())),
        ),
        Some(_) => found.good("data directory", path.display().to_string()),
    }
    let places = Places::new(path);
    if let Some(open) = mode(&places.database()).filter(|mode| mode & 0o077 != 0) {
        let database = places.database();
        found.note(
            "database file",
            format!("mode {open:04o}: others can read it; contents in it are sealed, names are not"),
            format!("chmod 600 {}", database.display()),
        );
    }
    if UnixStream::connect(places.socket()).await.is_ok() {
        let address = std::fs::read_to_string(places.address()).unwrap_or_default();
        found.good("server", format!("runs here {}", address.trim()).trim_end().to_owned());
    } else {
        found.good("server", "none runs in this directory");
    }
}

/// Whether there is a key to go on with.
fn master_key(settings: &Settings, found: &mut Findings) -> bool {
    let read = || -> Result<Option<String>> {
        forbid_dumps()?;
        let place = KeyPlace::choose(settings, Places::new(&settings.data_dir).master_key())?;
        Ok(place.read()?.map(|ring| format!("{} in {place}", ring.primary().id())))
    };
    match read() {
        Ok(Some(says)) => {
            found.good("master key", says);
            true
        }
        Ok(None) => {
            found.good("master key", "none yet; gatepost serve makes one for a new SQLite store");
            false
        }
        Err(failure) => {
            found.bad("master key", &failure);
            false
        }
    }
}

/// Whether the master key opens the SQLite store; a running server has looked at that itself.
async fn fit(settings: Settings, found: &mut Findings) {
    let places = Places::new(&settings.data_dir);
    if settings.config.database.url.is_some() || !places.database().exists() {
        return;
    }
    let opened = async {
        let Some(dir) = DataDir::try_own(&settings.data_dir)? else { return Ok(false) };
        let running = Installation::open(dir, settings).await?.start(Surroundings::default()).await?;
        running.app.shutdown().await;
        Ok(true)
    };
    match opened.await {
        Ok(true) => found.good("vault", "the master key opens the store"),
        Ok(false) => found.good("vault", "in use by the server"),
        Err(failure) => found.bad("vault", &failure),
    }
}

async fn stored(settings: &Settings, found: &mut Findings) {
    let Some(url) = &settings.config.database.url else {
        let path = Places::new(&settings.data_dir).database();
        let says = if path.exists() { "SQLite" } else { "SQLite, not made yet" };
        return found.good("database", format!("{says}, {}", path.display()));
    };
    // Opening does it all: reaches the server, compares the schema, looks at the role.
    match database::open_postgres(url).await {
        Ok(store) => {
            found.good(
                "database",
                format!("PostgreSQL, schema {}", MIGRATIONS.last().map_or(0, |m| m.number)),
            );
            store.engine().shutdown().await;
        }
        Err(failure) => found.bad("database", &failure),
    }
}

/// Whether mail is configured, and how it fares as far as the store tells: nothing is sent, and the mail server is not
/// asked.
async fn mail(settings: &Settings, context: &Context, found: &mut Findings) {
    let place = match mail_config(&settings.config.mail) {
        Err(failure) => return found.bad("e-mail", &failure),
        Ok(None) => {
            return found.note(
                "e-mail",
                "none is configured: links are shown to whoever asks for them, and nobody is told by mail",
                "name a mail server in [mail], then try it: gatepost mail test you@example.com",
            );
        }
        Ok(Some(config)) => format!("{}, from {}", config.server, config.from),
    };
    // A store that is not there, or not well, is another check's to tell of, and not this one's to make.
    let there = settings.config.database.url.is_some() || Places::new(&settings.data_dir).database().exists();
    if !there || found.0.iter().any(|finding| finding.state == State::Bad) {
        return found.good("e-mail", place);
    }
    let asked = async {
        let operator = Operator::connect(context.quiet_settings()?, context.output).await?;
        let status = operator.get("/operator/v1/status").await;
        operator.close().await;
        status
    };
    let status = match asked.await {
        Ok(status) => status,
        Err(failure) => return found.bad("e-mail", &failure),
    };
    let mail = &status["mail"];
    if mail["server"].is_null() {
        return found.note(
            "e-mail",
            "the server that runs was started without a mail server",
            "start it anew: it reads its configuration when it starts",
        );
    }
    let lines = mail_lines(mail).join(" ").replace("E-mail: ", "");
    if mail["failed"] == 0 {
        found.good("e-mail", lines);
    } else {
        found.note("e-mail", lines, "see what the mail server says: gatepost mail test you@example.com");
    }
}

/// A clock that is years off makes ids that sort wrongly and signatures that nobody takes.
fn clock(found: &mut Findings) {
    /// 2026-01-01T00:00:00Z, before any release.
    const EARLIEST: i64 = 1_767_225_600;
    let now = SystemClock.now();
    if now.seconds() < EARLIEST {
        found.bad(
            "clock",
            &Failure::failed(format!("it is {now} here, which cannot be")).hint("set the clock (NTP)"),
        );
    } else {
        found.good("clock", now.to_string());
    }
}

async fn meta(settings: &Settings, found: &mut Findings) {
    let base = settings.config.meta.base_url.as_deref().unwrap_or("https://graph.facebook.com");
    let asked = async {
        let http = trusted_client(resolver()?)?;
        http.send(TrustedRequest {
            method: Method::Get,
            url: base,
            bearer: None,
            headers: &[],
            body: TrustedBody::Empty,
            timeout: Duration::from_secs(10),
        })
        .await
        .map_err(|error| {
            Failure::failed(format!("{base} did not answer: {}", error.failure().detail))
                .hint("let this machine out to it: DNS, port 443, no proxy in between")
        })
    };
    match asked.await {
        Ok(answer) => found.good("Meta", format!("{base} answers, in {} ms", answer.latency.as_millis())),
        Err(failure) => found.bad("Meta", &failure),
    }
}
