//! The throwaway server is private, ends with its process, and keeps its roles apart.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gatepost_testdb::{APP_ROLE, OWNER_ROLE, TestDatabase, TestPostgres};
use tokio_postgres::{Client, NoTls};

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test]
async fn databases_are_separate_and_roles_are_weak() {
    let Some(server) = TestPostgres::start() else { return };
    let databases: [TestDatabase; 2] = [server.create_database(), server.create_database()];
    for database in &databases {
        let owner = connect(&database.owner_url).await;
        owner.batch_execute("CREATE TABLE only_once (id BIGINT)").await.unwrap();
        let app = connect(&database.app_url).await;
        assert!(app.batch_execute("SELECT id FROM only_once").await.is_err(), "no grants yet");
        assert!(app.batch_execute("CREATE TABLE mine (id BIGINT)").await.is_err());
    }
    let owner = connect(&databases[0].owner_url).await;
    let roles = owner
        .query(
            "SELECT rolname::text FROM pg_roles \
             WHERE rolname LIKE 'gatepost%' AND NOT (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb) \
             ORDER BY rolname",
            &[],
        )
        .await
        .unwrap();
    let names: Vec<String> = roles.iter().map(|row| row.get(0)).collect();
    assert_eq!(names, [APP_ROLE, OWNER_ROLE]);
    let settings = "SELECT current_setting('listen_addresses') || current_setting('fsync')";
    let settings: String = owner.query_one(settings, &[]).await.unwrap().get(0);
    assert_eq!(settings, std::env::var("GATEPOST_TEST_POSTGRES_FSYNC").unwrap_or_else(|_| "on".into()));
}

/// Not a test: the process that `the_server_ends_with_a_killed_process` kills.
#[test]
#[ignore = "run by the_server_ends_with_a_killed_process"]
fn victim() {
    let Some(server) = TestPostgres::start() else { return };
    let url = server.create_database().owner_url;
    let note = std::env::var("GATEPOST_TEST_VICTIM_NOTE").unwrap();
    std::fs::write(format!("{note}.new"), url).unwrap();
    std::fs::rename(format!("{note}.new"), note).unwrap();
    std::thread::sleep(Duration::from_mins(1));
}

#[test]
fn the_server_ends_with_a_killed_process() {
    if TestPostgres::start().is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let note = directory.path().join("note");
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "victim"])
        .env("GATEPOST_TEST_VICTIM_NOTE", &note)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    wait_until(|| note.exists());
    let url = std::fs::read_to_string(&note).unwrap();
    let socket = url.split(['@', '/']).find(|part| part.contains("%2F")).unwrap().replace("%2F", "/");
    assert!(Path::new(&socket).join("data").exists());
    victim.kill().unwrap();
    victim.wait().unwrap();
    wait_until(|| !Path::new(&socket).exists());
}

fn wait_until(done: impl Fn() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < Duration::from_secs(40), "waited too long");
        std::thread::sleep(Duration::from_millis(20));
    }
}
