//! `gatepost serve`

use std::net::SocketAddr;

use gatepost_app::SetupToken;
use gatepost_channels::sandbox::SandboxConfig;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::LevelFilter;

use crate::cli::{Context, server_runtime};
use crate::config::Settings;
use crate::environment;
use crate::failure::{Failure, Result};
use crate::installation::Installation;
use crate::installation::data_dir::DataDir;
use crate::output::{Output, Tint};
use crate::server::{Role, Server};

/// Start the server.
///
/// Without any configuration it makes a data directory with a database and a master key, listens on loopback, and says
/// what it did and which command comes next.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  gatepost serve
  gatepost serve --listen 127.0.0.1:9000
  GATEPOST_DATABASE_URL=postgresql://… GATEPOST_MASTER_KEY_FILE=/run/secrets/key gatepost serve --role worker")]
pub struct Serve {
    /// Where to listen [default: 127.0.0.1:8080, or the next free port]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// The address under which the outside world reaches this server
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// What this process does; several processes share one PostgreSQL database
    #[arg(long, value_enum, default_value_t)]
    role: Role,
}

impl Serve {
    pub fn run(self, context: Context) -> Result<()> {
        let Self { listen, public_url, role } = self;
        let context = context.with_listen(listen, public_url);
        let settings = context.settings(LevelFilter::INFO)?;
        server_runtime(settings.config.server.threads)?.block_on(serve(settings, role, context.output))
    }
}

async fn serve(settings: Settings, role: Role, output: Output) -> Result<()> {
    for (name, meant) in environment::near_misses() {
        tracing::warn!("the variable {name} means nothing; {meant} does");
    }
    let mut signals = Signals::new()?;
    let file = settings.file.clone();
    let dir = DataDir::own(&settings.data_dir)?;
    let installation = Installation::open(dir, settings).await?;
    let news = news(&installation, file.as_deref());
    installation.tell_of_new_key(output);
    let server = tokio::select! {
        server = Server::start(installation, role, SandboxConfig::default()) => server?,
        () = signals.next() => return Ok(()),
    };
    let setup = match &server.addresses.api {
        Some(_) => server.app().setup_token_at_start().await?,
        None => None,
    };
    greet(&server, &news, setup.as_ref(), output);
    tracing::info!(version = env!("CARGO_PKG_VERSION"), ?role, node = %server.app().node(), "started");
    signals.next().await;
    tracing::info!("stopping: finishing what is under way");
    output.data(&json!({ "event": "stopping" }));
    tokio::select! {
        () = server.stop() => {}
        () = signals.next() => {
            return Err(Failure::failed("stopped at once, as asked twice; what was under way is taken up at the next start"));
        }
    }
    tracing::info!("stopped");
    output.data(&json!({ "event": "stopped" }));
    Ok(())
}

/// What was found or made, as label and value.
fn news(installation: &Installation, file: Option<&std::path::Path>) -> Vec<(&'static str, String)> {
    let new = |made: bool| if made { " (new)" } else { "" };
    let configuration =
        file.map_or_else(|| "none, and none is needed".to_owned(), |f| f.display().to_string());
    vec![
        ("configuration", configuration),
        (
            "data directory",
            format!("{}{}", installation.path().display(), new(installation.directory_made())),
        ),
        ("database", installation.database()),
        ("master key", format!("{}{}", installation.key_place(), new(installation.key_made))),
    ]
}

fn greet(server: &Server, news: &[(&'static str, String)], setup: Option<&SetupToken>, output: Output) {
    let at = &server.addresses;
    let setup = setup.map(|setup| (server.app().setup_url(), setup.token.expose().as_str()));
    output.data(&json!({
        "event": "started",
        "url": at.api,
        "public_url": at.public,
        "metrics_url": at.metrics.map(|a| format!("http://{a}/metrics")),
        "operators_url": at.operators,
        "simulated_meta_url": at.sandbox,
        "data_dir": news.iter().find(|(label, _)| *label == "data directory").map(|(_, value)| value.trim_end_matches(" (new)")),
        "version": env!("CARGO_PKG_VERSION"),
        "setup_url": setup.as_ref().map(|(url, _)| url),
        "setup_token": setup.as_ref().map(|(_, token)| token),
    }));
    let line = |label: &str, value: &str| {
        output.say(format_args!("  {}  {value}", output.tint(Tint::Dim, format_args!("{label:14}"))));
    };
    output.say(format_args!("{} {}", output.tint(Tint::Bold, "Gatepost"), env!("CARGO_PKG_VERSION")));
    for (label, value) in news {
        line(label, value);
    }
    if let Some(api) = &at.api {
        let moved = if at.moved { "  (8080 is taken, so the next free port)" } else { "" };
        line("listening on", &format!("{}{moved}", output.tint(Tint::Green, api)));
        if at.public != *api {
            line("reached as", &at.public);
        }
    } else {
        line("listening on", "nothing: a worker sends and delivers");
    }
    match at.metrics {
        Some(address) => line("metrics", &format!("http://{address}/metrics")),
        None if at.metrics_gave_way => {
            line("metrics", "off: their usual port is taken (server.metrics_listen)");
        }
        None => line("metrics", "off"),
    }
    match &at.operators {
        Some(operators) => line("operators", operators),
        None if at.operators_gave_way => {
            line("operators", "off: their usual port is taken (operators.listen)");
        }
        None => line("operators", "off"),
    }
    line("simulated Meta", &format!("{}  (for test channels)", at.sandbox));
    if let Some((url, token)) = &setup {
        output.say(format_args!("\nNobody runs this Gatepost yet. Open {}", output.tint(Tint::Green, url)));
        output.say(format_args!(
            "and paste this token, which is good once and for an hour (gatepost setup-token makes another):"
        ));
        output.say(format_args!("  {}", output.tint(Tint::Bold, token)));
    }
    output.say("\nNext, in another terminal:");
    output.say("  gatepost workspace create \"My company\"");
    output.say("  gatepost channel add test           a number on the simulated Meta; later: gatepost channel add cloud");
    output.say("  gatepost key create --scope send --scope read");
    output.say(output.tint(Tint::Dim, "\nCtrl-C stops it and loses nothing."));
}

/// The signals that end a process: SIGINT (Ctrl-C) and SIGTERM.
pub struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// From now on they do not end the process at once.
    pub fn new() -> Result<Self> {
        let listen = |kind| signal(kind).map_err(Failure::failed);
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
