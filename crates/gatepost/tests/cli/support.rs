//! Running the binary.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use gatepost_net::{
    Method, Resolver, TlsRoots, TrustedBody, TrustedBudgets, TrustedClient, TrustedRequest, TrustedResponse,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// A person's machine: a home, and a data directory in it.
pub struct Machine {
    home: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// The JSON of the last line of standard output.
    pub fn json(&self) -> Value {
        let line = self.out.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }
}

impl Machine {
    pub fn new() -> Self {
        Self { home: TempDir::new().unwrap() }
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    pub fn make_data(&self) {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(self.data()).unwrap();
    }

    /// A command that knows nothing of the environment it is tested in.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gatepost"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("GATEPOST_DATA_DIR", self.data())
            .env("GATEPOST_METRICS_LISTEN", "off")
            .current_dir(self.home.path())
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        run(&mut self.command(arguments))
    }

    pub fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Ended {
        let mut command = self.command(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        ended(child)
    }

    pub fn serve(&self) -> Server {
        Server::start(&mut self.command(&["serve", "--listen", "127.0.0.1:0", "--json"]))
    }

    /// A workspace with a test channel and a key for it; the key.
    pub fn set_up(&self) -> String {
        self.run(&["workspace", "create", "Test company"]).ok();
        self.run(&["channel", "add", "test"]).ok();
        let key = self.run(&["key", "create", "--scope", "send", "--scope", "read", "--json"]).ok();
        key.json()["secret"].as_str().unwrap().to_owned()
    }
}

pub fn run(command: &mut Command) -> Ended {
    ended(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

fn ended(child: Child) -> Ended {
    let output = child.wait_with_output().unwrap();
    Ended {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A process that says in JSON lines what it does, the first of them `started`.
pub struct Server {
    child: Child,
    out: BufReader<ChildStdout>,
    /// Its first line.
    pub started: Value,
}

impl Server {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        if line.is_empty() {
            let mut said = String::new();
            let _ = child.stderr.take().unwrap().read_to_string(&mut said);
            let _ = child.wait();
            panic!("the server did not start: {said}");
        }
        // Nobody reads its log while it runs: a thread takes it out of the pipe.
        if let Some(mut log) = child.stderr.take() {
            std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        }
        Self { child, out, started: serde_json::from_str(&line).unwrap() }
    }

    pub fn url(&self) -> &str {
        self.started["url"].as_str().unwrap()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its next line.
    pub fn next_line(&mut self) -> Value {
        let mut line = String::new();
        assert!(self.out.read_line(&mut line).unwrap() > 0, "it said no more");
        serde_json::from_str(&line).unwrap_or_default()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end.
    pub fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Ends it, where the value is still needed afterwards; whether it ended well.
    pub fn end(&mut self) -> bool {
        self.signal(Signal::TERM);
        self.child.wait().unwrap().success()
    }

    /// Ends it as a supervisor does.
    pub fn stop(mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An HTTP client on a runtime of its own.
pub struct Http {
    runtime: tokio::runtime::Runtime,
    client: TrustedClient,
}

impl Http {
    pub fn new() -> Self {
        Self::trusting(TlsRoots::Bundled)
    }

    pub fn trusting(roots: TlsRoots) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let client = {
            let _inside = runtime.enter();
            TrustedClient::new(Resolver::system().unwrap(), TrustedBudgets::default(), roots).unwrap()
        };
        Self { runtime, client }
    }

    pub fn runtime(&self) -> &tokio::runtime::Runtime {
        &self.runtime
    }

    pub fn client(&self) -> TrustedClient {
        self.client.clone()
    }

    pub fn get(&self, url: &str, key: Option<&str>) -> Option<TrustedResponse> {
        self.runtime.block_on(send(&self.client, Method::Get, url, key, None))
    }

    pub fn post(&self, url: &str, key: Option<&str>, body: &Value) -> Option<TrustedResponse> {
        self.runtime.block_on(send(&self.client, Method::Post, url, key, Some(body)))
    }
}

/// One request; `None` where there was no answer.
pub async fn send(
    client: &TrustedClient,
    method: Method,
    url: &str,
    key: Option<&str>,
    body: Option<&Value>,
) -> Option<TrustedResponse> {
    let body = body.map_or(TrustedBody::Empty, |b| TrustedBody::Json(b.to_string().into()));
    let timeout = Duration::from_secs(20);
    client.send(TrustedRequest { method, url, bearer: key, headers: &[], body, timeout }).await.ok()
}

/// The JSON of an answer.
pub fn json(answer: &TrustedResponse) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

/// Waits until `done` says so, ten seconds at most.
#[track_caller]
pub fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < Duration::from_secs(20), "{what} did not happen");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Says why a test did not do what it is there for.
pub fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}
