//! The benchmark of Gatepost and the ceilings it compares with.
//!
//! Each engine is measured in a process of its own, whose tables it prints; that process is the server that is
//! measured. Load and the webhook receiver are another process, so that processor time and memory are the server's
//! alone.
#![expect(clippy::cast_precision_loss, reason = "counts and times become figures of three digits")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures become counts that were bounded before"
)]

mod args;
mod ceilings;
mod error;
mod found;
mod installation;
mod latency;
mod load;
mod meta;
mod presented;
mod process;
mod rows;
mod samples;
mod table;
mod welch;

use std::io::Write as _;
use std::process::{Command, ExitCode};

use clap::Parser as _;

use self::args::{Args, Engines, Hidden};
use self::error::{Failure, Result};
use self::installation::Place;
use self::load::Load;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Without an error stream there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "gatepost-bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    match (args.hidden, args.engine) {
        (Some(Hidden::Load), _) => load::worker::run(),
        (Some(Hidden::Idle { engine }), _) => {
            let directory = tempfile::tempdir_in(&args.dir)?;
            runtime()?.block_on(rows::run_idle(&place(engine, directory.path())))
        }
        (None, Engines::Both) => {
            for engine in ["sqlite", "postgres"] {
                let mut command = Command::new(std::env::current_exe()?);
                let ended = command.args(std::env::args_os().skip(1)).args(["--engine", engine]).status()?;
                if !ended.success() {
                    return Err(Failure::new(format!("the run on {engine} failed")));
                }
            }
            Ok(())
        }
        (None, engine) => {
            let directory = tempfile::Builder::new().prefix("gatepost-bench-").tempdir_in(&args.dir)?;
            let args = Args { dir: directory.path().to_owned(), ..args.clone() };
            runtime()?.block_on(measure(args, engine))
        }
    }
}

/// As the server has it: one thread for each processor, small stacks, few threads for what blocks.
fn runtime() -> Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    Ok(builder.enable_all().thread_stack_size(1024 * 1024).max_blocking_threads(16).build()?)
}

fn place(engine: Engines, directory: &std::path::Path) -> Place {
    match engine {
        Engines::Postgres => Place::Postgres,
        Engines::Sqlite | Engines::Both => Place::Sqlite(directory.to_owned()),
    }
}

async fn measure(args: Args, engine: Engines) -> Result<()> {
    let title = match engine {
        Engines::Postgres => "Gatepost on PostgreSQL",
        Engines::Sqlite | Engines::Both => "Gatepost on SQLite",
    };
    let processors = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let title = format!(
        "{title} ({processors} processors, load generator and receiver included; median of {} × {} s, then min–max)",
        args.repetitions(),
        args.millis() / 1_000
    );
    let mut run = rows::Run {
        place: place(engine, &args.dir),
        args,
        engine,
        load: Load::start()?,
        table: table::Table::default(),
        found: found::Found::default(),
        runs: 0,
    };
    let measured = run.measure().await;
    // What was measured before a failure is worth seeing too.
    let mut out = std::io::stdout();
    writeln!(out, "{}", run.table.render(&title))?;
    out.flush()?;
    measured
}
