//! Start-up and idle memory, of a process that does nothing else.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::Run;
use crate::args::Engines;
use crate::error::{Failure, Result};
use crate::installation::{Installation, Place};
use crate::process;
use crate::samples::Samples;
use crate::table::{Row, megabytes};

/// The name of the hidden subcommand that is the idle process.
pub const SUBCOMMAND: &str = "idle-process";
/// What the idle process says once it is ready.
const READY: &str = "ready";
/// How long it idles before its memory is read.
const IDLE: Duration = Duration::from_secs(2);

/// Starts one installation, says that it is ready, and stays until standard input closes.
pub async fn run(place: &Place) -> Result<()> {
    let installation = Installation::start(place, true).await?;
    let mut out = std::io::stdout();
    writeln!(out, "{READY}")?;
    out.flush()?;
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await??;
    installation.stop().await?;
    Ok(())
}

/// A process that was started, and how long it took.
struct Started {
    child: Child,
    millis: f64,
}

impl Run {
    pub async fn idle(&mut self) -> Result<()> {
        self.table.heading("The process");
        let server = self.server_program()?;
        let (mut start_up, mut resident) = (Samples::default(), Samples::default());
        for number in 0..self.args.repetitions() {
            let started = match &server {
                Some(program) => self.start_server(program, number).await?,
                None => self.start_ourselves().await?,
            };
            start_up.push(started.millis);
            tokio::time::sleep(IDLE).await;
            let memory = process::memory(started.child.id())?;
            resident.push(megabytes(memory.resident as f64));
            end(started.child).await?;
        }
        let what = if server.is_some() { "gatepost serve" } else { "the application in this program" };
        // A throwaway PostgreSQL server starts with the process, so its start-up says nothing of ours.
        if self.engine == Engines::Sqlite {
            let note = format!("{what}, from process start to ready, fresh database and master key");
            self.table.push(Row::of("start-up", &start_up, "ms", note));
            self.found.start_up_ms = start_up;
        }
        let note = format!("{what}, resident two seconds after start-up");
        self.table.push(Row::of("idle memory", &resident, "MB", note));
        self.found.idle_memory = resident;
        Ok(())
    }

    /// The release binary, where it lies beside this program. On PostgreSQL it would need a database of its own.
    fn server_program(&self) -> Result<Option<PathBuf>> {
        let beside = std::env::current_exe()?.with_file_name("gatepost");
        Ok((self.engine == Engines::Sqlite && beside.is_file()).then_some(beside))
    }

    async fn start_server(&self, program: &Path, number: u64) -> Result<Started> {
        let mut command = Command::new(program);
        command.args(["serve", "--json", "--listen", "127.0.0.1:0", "--data-dir"]);
        command.arg(self.args.dir.join(format!("serve-{number}"))).env_clear().stderr(Stdio::null());
        start(command, "\"started\"").await
    }

    async fn start_ourselves(&self) -> Result<Started> {
        let engine = if self.engine == Engines::Sqlite { "sqlite" } else { "postgres" };
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--dir").arg(&self.args.dir).arg(SUBCOMMAND).arg(engine);
        start(command, READY).await
    }
}

/// Starts it and waits for the line of its output that says it is ready.
async fn start(mut command: Command, ready: &str) -> Result<Started> {
    let started = Instant::now();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let out = child.stdout.take().ok_or_else(|| Failure::new("the idle process has no output"))?;
    let mut lines = BufReader::new(out).lines();
    while let Some(line) = lines.next_line().await? {
        if line.contains(ready) {
            return Ok(Started { child, millis: started.elapsed().as_secs_f64() * 1_000.0 });
        }
    }
    Err(Failure::new("the idle process did not become ready"))
}

/// Asks it to end, and waits until it has.
async fn end(mut child: Child) -> Result<()> {
    drop(child.stdin.take());
    let pid = child.id().and_then(|pid| rustix::process::Pid::from_raw(i32::try_from(pid).ok()?));
    if let Some(pid) = pid {
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
    }
    child.wait().await?;
    Ok(())
}
