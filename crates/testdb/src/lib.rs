//! Throwaway PostgreSQL servers for tests, each on a private socket.
//!
//! A test process starts at most one server, in a directory of its own, without TCP, and every test takes a fresh
//! database on it. The server ends with the process, however that ends, and its directory goes with it. Before any DDL
//! the server is asked for its `data_directory`, so that no test can ever write to somebody else's.
//!
//! | variable | meaning |
//! |---|---|
//! | `GATEPOST_TEST_REQUIRE_POSTGRES=1` | a missing server binary fails the test instead of leaving PostgreSQL out |
//! | `GATEPOST_TEST_POSTGRES_FSYNC=off` | faster, for a machine with slow disks; never for a crash test |
#![expect(clippy::panic, reason = "a test kit: a server that is there but does not start must fail the test")]

mod account;
mod binaries;
mod server;
mod settings;
mod template;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use self::binaries::Binaries;
use self::server::Server;

/// Owns the databases and their tables; what `migrate` connects as.
pub const OWNER_ROLE: &str = "gatepost_owner";
/// No superuser, no `BYPASSRLS`, owner of nothing; what `serve` connects as.
pub const APP_ROLE: &str = "gatepost_app";

/// The test process's server.
#[derive(Debug, Clone, Copy)]
pub struct TestPostgres {
    server: &'static Server,
}

/// A fresh, empty database.
#[derive(Debug, Clone)]
pub struct TestDatabase {
    /// Its name on the server.
    pub name: String,
    /// Connects as [`OWNER_ROLE`].
    pub owner_url: String,
    /// Connects as [`APP_ROLE`], which may do nothing yet: grants come with the migrations.
    pub app_url: String,
}

impl TestPostgres {
    /// The server of this process, started by the first call. `None` where no server is installed.
    ///
    /// # Panics
    /// When an installed server does not start, or when one is required (see the table above) and none is installed.
    pub fn start() -> Option<Self> {
        static SERVER: OnceLock<Option<Server>> = OnceLock::new();
        let server = SERVER.get_or_init(|| {
            let Some(binaries) = Binaries::find() else {
                assert!(
                    !settings::server_required(),
                    "PostgreSQL is required, but neither PATH nor /usr/lib/postgresql has a server"
                );
                return None;
            };
            match Server::start(&binaries) {
                Ok(server) => Some(server),
                Err(why) => panic!("the PostgreSQL server for tests does not start: {why}"),
            }
        });
        server.as_ref().map(|server| Self { server })
    }

    /// Makes a database that nobody else uses. Blocks, also inside a runtime.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn create_database(&self) -> TestDatabase {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let created = self.server.run(&format!("CREATE DATABASE {name} OWNER {OWNER_ROLE}"));
        if let Err(why) = created {
            panic!("cannot create a test database: {why}");
        }
        TestDatabase {
            owner_url: self.server.url(OWNER_ROLE, &name),
            app_url: self.server.url(APP_ROLE, &name),
            name,
        }
    }
}
