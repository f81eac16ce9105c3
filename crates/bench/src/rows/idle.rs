//! Start-up and idle memory, of a process that does nothing else.

use std::io::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::Run;
use crate::args::Engines;
use crate::error::{Failure, Result};
use crate::installation::{Installation, Place};
use crate::process;
use crate::samples::Samples;
use crate::table::{Row, megabytes};

/// The name of the hidden subcommand that is the idle process.
pub const SUBCOMMAND: &str = "idle-process";
/// How long it idles before its memory is read.
const IDLE: Duration = Duration::from_secs(2);

/// Starts one installation, says that it is ready, and stays until standard input closes.
pub async fn run(place: &Place) -> Result<()> {
    let installation = Installation::start(place, true).await?;
    let mut out = std::io::stdout();
    writeln!(out, "ready")?;
    out.flush()?;
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await??;
    installation.stop().await;
    Ok(())
}

impl Run {
    pub async fn idle(&mut self) -> Result<()> {
        self.table.heading("The process");
        let (mut start_up, mut resident) = (Samples::default(), Samples::default());
        for _ in 0..self.args.repetitions() {
            let (millis, megabytes) = self.idle_once().await?;
            start_up.push(millis);
            resident.push(megabytes);
        }
        // A throwaway PostgreSQL server starts with the process, so its start-up says nothing of ours.
        if self.engine == Engines::Sqlite {
            let note = "process start to ready: migrations of a fresh database, keys, router, workers";
            self.table.push(Row::of("start-up", &start_up, "ms", note));
            self.found.start_up_ms = start_up;
        }
        self.table.push(Row::of("idle memory", &resident, "MB", "resident, two seconds after start-up"));
        self.found.idle_memory = resident;
        Ok(())
    }

    /// Milliseconds until it is ready, and its memory in MB once it idles.
    async fn idle_once(&self) -> Result<(f64, f64)> {
        let engine = if self.engine == Engines::Sqlite { "sqlite" } else { "postgres" };
        let started = Instant::now();
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--dir")
            .arg(&self.args.dir)
            .arg(SUBCOMMAND)
            .arg(engine)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let out = child.stdout.take().ok_or_else(|| Failure::new("the idle process has no output"))?;
        let line = BufReader::new(out).lines().next_line().await?;
        if line.as_deref() != Some("ready") {
            return Err(Failure::new("the idle process did not become ready"));
        }
        let millis = started.elapsed().as_secs_f64() * 1_000.0;
        tokio::time::sleep(IDLE).await;
        let memory = process::memory(child.id())?;
        drop(child.stdin.take());
        child.wait().await?;
        Ok((millis, megabytes(memory.resident as f64)))
    }
}
