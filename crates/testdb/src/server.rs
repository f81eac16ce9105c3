//! One running server, tied to the life of this process.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use tokio_postgres::{NoTls, SimpleQueryMessage};

use crate::account::Account;
use crate::binaries::Binaries;
use crate::{settings, template};

const START_LIMIT: Duration = Duration::from_secs(30);

/// Starts the server, waits until its standard input closes (which happens when we end, even by SIGKILL), then ends the
/// server and removes the directory. `$1`: the server's program, `$2`: its directory; the rest goes to the server.
const WATCHDOG: &str = r#"
program=$1; directory=$2; shift 2
"$program" -D "$directory/data" "$@" >"$directory/log" 2>&1 </dev/null &
server=$!
while read -r _; do :; done
kill -QUIT "$server"
wait "$server"
rm -rf "$directory"
"#;

/// See the module's page.
#[derive(Debug)]
pub(crate) struct Server {
    directory: PathBuf,
    /// Holds the pipe that the watchdog listens to.
    _watchdog: Child,
}

impl Server {
    pub(crate) fn start(binaries: &Binaries) -> Result<Self, String> {
        let account = Account::choose()?;
        let directory = template::fresh_directory(&account)?;
        template::copy_to(&directory.path().join("data"), binaries, &account)?;
        // From here on the watchdog removes it.
        let directory = directory.keep();
        let mut watchdog = account.command(Path::new("/bin/sh"), &directory);
        watchdog.arg("-c").arg(WATCHDOG).arg("sh").arg(&binaries.postgres).arg(&directory);
        for setting in [
            "listen_addresses=",
            &format!("unix_socket_directories={}", directory.display()),
            "unix_socket_permissions=0700",
            &format!("fsync={}", settings::fsync()),
            "shared_buffers=32MB",
            "max_connections=200",
            "max_wal_size=256MB",
            "log_min_messages=warning",
        ] {
            watchdog.arg("-c").arg(setting);
        }
        // A group of its own: Ctrl-C and a test runner's time-out must reach us first. No shared output: a test runner
        // would wait for it to close.
        watchdog.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let watchdog = watchdog.spawn().map_err(|error| format!("/bin/sh: {error}"))?;
        let server = Self { directory, _watchdog: watchdog };
        server.wait_until_ready()?;
        server.check_identity()?;
        Ok(server)
    }

    /// How to connect to a database as a role.
    pub(crate) fn url(&self, role: &str, database: &str) -> String {
        let socket = self.directory.display().to_string().replace('%', "%25").replace('/', "%2F");
        format!("postgresql://{role}@{socket}/{database}")
    }

    /// Runs SQL as the superuser; the answer is the first column of every row.
    pub(crate) fn run(&self, sql: &str) -> Result<Vec<String>, String> {
        let (url, sql) = (self.url("postgres", "postgres"), sql.to_owned());
        // A thread of its own, because the caller may be inside a runtime.
        let ran = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map_err(|error| error.to_string())?.block_on(async {
                let failed = |error: tokio_postgres::Error| format!("{error:?}");
                let (client, connection) = tokio_postgres::connect(&url, NoTls).await.map_err(failed)?;
                let connection = tokio::spawn(connection);
                let messages = client.simple_query(&sql).await.map_err(failed)?;
                drop(client);
                let _ = connection.await; // how it ended does not matter any more
                Ok(messages.into_iter().filter_map(first_column).collect())
            })
        });
        ran.join().unwrap_or_else(|_| Err("the connection's thread panicked".into()))
    }

    fn wait_until_ready(&self) -> Result<(), String> {
        let started = Instant::now();
        let socket = self.directory.join(".s.PGSQL.5432");
        loop {
            let answered = if socket.exists() { self.run("SELECT 1") } else { Err("no socket yet".into()) };
            let Err(why) = answered else { return Ok(()) };
            if started.elapsed() > START_LIMIT {
                let log = fs::read_to_string(self.directory.join("log")).unwrap_or_default();
                return Err(format!("{why}; its log says: {log}"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// It is the server that we started, and no other.
    fn check_identity(&self) -> Result<(), String> {
        let said = self.run("SHOW data_directory")?;
        let said = said.first().ok_or("the server does not tell its data_directory")?;
        let resolved =
            |path: &Path| fs::canonicalize(path).map_err(|error| format!("{}: {error}", path.display()));
        let (theirs, ours) = (resolved(Path::new(said))?, resolved(&self.directory.join("data"))?);
        if theirs == ours {
            return Ok(());
        }
        Err(format!("connected to {} instead of {}", theirs.display(), ours.display()))
    }
}

fn first_column(message: SimpleQueryMessage) -> Option<String> {
    match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    }
}
