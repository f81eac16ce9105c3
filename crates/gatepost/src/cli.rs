//! The command line: what there is, and how a command runs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tokio::runtime::{Builder, Runtime};
use tracing_subscriber::filter::LevelFilter;

use crate::commands::{
    allowlist, audit, channel, deliveries, demo, doctor, documents, endpoint, events, guard, key, limit,
    listen, log, mail, media, member, meta_app, migrate, operator, pause, plan, review, sandbox, send, serve,
    setup_token, status, template, trigger, url, user, vault, visit, workspace,
};
use crate::config::{self, LogFormat, Overrides, Settings};
use crate::environment;
use crate::failure::{Failure, Result};
use crate::output::Output;
use crate::telemetry;

/// Room for the stack of one thread that works on requests.
const STACK_BYTES: usize = 1024 * 1024;
/// Threads for what blocks: reading files, resolving names. Each costs memory as long as it lives.
const BLOCKING_THREADS: usize = 16;

const AFTER_HELP: &str = "\
First steps:
  gatepost demo                              see everything work, with nothing to set up
  gatepost serve                             start for real
  gatepost workspace create \"My company\"     then, beside the running server
  gatepost channel add test                  a number on the simulated Meta
  gatepost key create --scope send --scope read
  gatepost channel add cloud                 a number on WhatsApp

Exit codes:
  0  done
  1  failed: the disk, the network, the server
  2  the command line or the configuration cannot be used as it is
  3  refused: not found, not allowed, in conflict, not verified

Gatepost is independent: not affiliated with, endorsed by or connected to WhatsApp, Meta or 3CX.";

/// A self-hosted WhatsApp gateway: your software sends with one HTTP request and hears back through signed webhooks.
#[derive(Parser)]
#[command(name = "gatepost", version, after_help = AFTER_HELP, propagate_version = true, max_term_width = 110)]
#[command(subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Global {
    /// The configuration file [default: gatepost.toml here, in ~/.config/gatepost or in /etc/gatepost]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Options everywhere")]
    config: Option<PathBuf>,
    /// The data directory [default: ~/.local/share/gatepost]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Options everywhere")]
    data_dir: Option<PathBuf>,
    /// Answer in JSON, for programs
    #[arg(long, global = true, help_heading = "Options everywhere")]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Serve),
    SetupToken(setup_token::SetupToken),
    Demo(demo::Demo),
    Sandbox(Box<sandbox::SandboxCommand>),
    #[command(subcommand)]
    Workspace(workspace::Workspace),
    #[command(subcommand)]
    User(user::User),
    #[command(subcommand)]
    Member(member::Member),
    #[command(subcommand)]
    Channel(channel::Channel),
    #[command(subcommand)]
    Template(template::Template),
    #[command(subcommand)]
    MetaApp(meta_app::MetaApp),
    #[command(subcommand)]
    Endpoint(endpoint::Endpoint),
    Deliveries(Box<deliveries::Deliveries>),
    #[command(subcommand)]
    Events(events::Events),
    #[command(subcommand)]
    Key(key::Key),
    #[command(subcommand)]
    Allowlist(allowlist::Allowlist),
    #[command(subcommand)]
    Limit(limit::Limit),
    #[command(subcommand)]
    Plan(plan::Plan),
    #[command(subcommand)]
    Guard(guard::Guard),
    #[command(subcommand)]
    Pause(pause::Pause),
    #[command(subcommand)]
    Review(review::Review),
    Send(Box<send::Send>),
    #[command(subcommand)]
    Media(media::Media),
    Listen(listen::Listen),
    Trigger(trigger::Trigger),
    #[command(subcommand)]
    Audit(audit::Audit),
    #[command(subcommand)]
    Mail(mail::Mail),
    #[command(subcommand)]
    Operator(operator::Operator),
    #[command(subcommand)]
    Visit(visit::Visit),
    Log(Box<log::Log>),
    #[command(subcommand)]
    Vault(vault::Vault),
    Status(status::Status),
    Migrate(migrate::Migrate),
    Doctor(doctor::Doctor),
    /// Print the OpenAPI document of the API
    Openapi,
    /// Print who may call what
    Permissions,
    /// Print every configuration key and every environment variable
    Configuration,
    #[command(subcommand)]
    Url(url::Url),
}

/// What every command has.
pub struct Context {
    overrides: Overrides,
    pub output: Output,
}

impl Context {
    /// The configuration, with logging started at what it says or, where it says nothing, at `usual`.
    pub fn settings(&self, usual: LevelFilter) -> Result<Settings> {
        let settings = config::load(&self.overrides)?;
        let log = &settings.config.log;
        telemetry::start(log.level.as_deref(), usual, log.format.unwrap_or_default())?;
        Ok(settings)
    }

    /// The configuration, for commands that say what they do themselves.
    pub fn quiet_settings(&self) -> Result<Settings> {
        self.settings(LevelFilter::WARN)
    }

    /// Logging alone, for commands without a configuration.
    #[expect(clippy::unused_self, reason = "reads like its sibling above")]
    pub fn log(&self) -> Result<()> {
        telemetry::start(environment::text(environment::LOG)?.as_deref(), LevelFilter::WARN, LogFormat::Text)
    }

    /// Flags of `serve` that override the configuration.
    #[must_use]
    pub fn with_listen(mut self, listen: Option<SocketAddr>, public_url: Option<String>) -> Self {
        self.overrides.listen = listen;
        self.overrides.public_url = public_url;
        self
    }
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    // The allocator asks for huge pages, which stay resident whole: an idle server would hold half as much again. A
    // kernel that does not know the wish is no reason not to start.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers; everything else is a usage error (2).
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let output = Output::new(cli.global.json);
    let overrides =
        Overrides { config: cli.global.config, data_dir: cli.global.data_dir, ..Overrides::default() };
    match run(cli.command, Context { overrides, output }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            failure.exit.into()
        }
    }
}

fn run(command: Command, context: Context) -> Result<()> {
    match command {
        Command::Serve(serve) => serve.run(context),
        Command::Demo(demo) => server_runtime(None)?.block_on(demo.run(context)),
        Command::Sandbox(sandbox) => server_runtime(None)?.block_on(sandbox.run(context)),
        Command::Openapi => documents::openapi(context.output),
        Command::Permissions => documents::permissions(context.output),
        Command::Configuration => documents::configuration(context.output),
        command => command_runtime()?.block_on(async {
            match command {
                Command::Workspace(command) => command.run(context).await,
                Command::User(command) => command.run(context).await,
                Command::Member(command) => command.run(context).await,
                Command::Allowlist(command) => command.run(context).await,
                Command::Limit(command) => command.run(context).await,
                Command::Plan(command) => command.run(context).await,
                Command::Guard(command) => command.run(context).await,
                Command::Pause(command) => command.run(context).await,
                Command::Review(command) => command.run(context).await,
                Command::SetupToken(command) => command.run(context).await,
                Command::Operator(command) => command.run(context).await,
                Command::Visit(command) => command.run(context).await,
                Command::Log(command) => command.run(context).await,
                Command::Channel(command) => command.run(context).await,
                Command::Template(command) => command.run(context).await,
                Command::MetaApp(command) => command.run(context).await,
                Command::Endpoint(command) => command.run(context).await,
                Command::Deliveries(command) => command.run(context).await,
                Command::Events(command) => command.run(context).await,
                Command::Key(command) => command.run(context).await,
                Command::Send(command) => command.run(context).await,
                Command::Media(command) => command.run(context).await,
                Command::Listen(command) => command.run(context).await,
                Command::Audit(command) => command.run(context).await,
                Command::Trigger(command) => command.run(context).await,
                Command::Mail(command) => command.run(context).await,
                Command::Vault(command) => command.run(context).await,
                Command::Status(command) => command.run(context).await,
                Command::Migrate(command) => command.run(context).await,
                Command::Doctor(command) => command.run(context).await,
                Command::Url(command) => command.run(&context),
                _ => Ok(()),
            }
        }),
    }
}

/// The runtime of what answers requests.
pub fn server_runtime(threads: Option<usize>) -> Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    if let Some(threads) = threads {
        builder.worker_threads(threads.max(1));
    }
    builder
        .enable_all()
        .thread_name("gatepost")
        .thread_stack_size(STACK_BYTES)
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
        .map_err(Failure::failed)
}

/// The runtime of a command that asks and goes.
fn command_runtime() -> Result<Runtime> {
    Builder::new_current_thread().enable_all().max_blocking_threads(4).build().map_err(Failure::failed)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_says_what_it_does() {
        fn look(command: &clap::Command, path: &str) {
            for inner in command.get_subcommands() {
                let path = format!("{path} {}", inner.get_name());
                assert!(inner.get_about().is_some(), "{path} has no help");
                for argument in inner.get_arguments() {
                    assert!(argument.get_help().is_some(), "{path}: {} has no help", argument.get_id());
                }
                look(inner, &path);
            }
        }
        look(&Cli::command(), "gatepost");
    }
}
