//! `serve` and `migrate` on PostgreSQL, where a server is installed.

use std::process::Command;

use gatepost_testdb::{TestDatabase, TestPostgres};

use crate::support::{Machine, Server, run, skipped};

/// A fresh database, unless there is no server to make one on.
fn database() -> Option<TestDatabase> {
    let database = TestPostgres::start().map(|server| server.create_database());
    if database.is_none() {
        skipped("no PostgreSQL server is installed");
    }
    database
}

/// A command on the database, with a master key in a file.
fn command(machine: &Machine, arguments: &[&str], url: &str) -> Command {
    let key = machine.home().join("master.key");
    if !key.exists() {
        // As a person gets one: from a store of their own.
        let other = Machine::new();
        other.run(&["workspace", "create", "x"]).ok();
        std::fs::copy(other.data().join("master.key"), &key).unwrap();
    }
    let mut command = machine.command(arguments);
    command.env("GATEPOST_DATABASE_URL", url).env("GATEPOST_MASTER_KEY_FILE", key);
    command
}

#[test]
fn the_owner_migrates_and_another_role_serves() {
    let Some(database) = database() else { return };
    let machine = Machine::new();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--json"];

    let early = run(&mut command(&machine, &serve, &database.app_url));
    assert_eq!(early.code, Some(1), "{early:?}");
    assert!(early.err.contains("gatepost migrate"), "{early:?}");

    let ownerless = run(&mut command(&machine, &["migrate"], &database.app_url));
    assert_eq!(ownerless.code, Some(2), "{ownerless:?}");
    let mut migrate = command(&machine, &["migrate"], &database.app_url);
    run(migrate.env("GATEPOST_DATABASE_OWNER_URL", &database.owner_url)).ok();
    run(&mut command(&machine, &["migrate", "--status"], &database.app_url)).ok();

    let powerful = run(&mut command(&machine, &serve, &database.owner_url));
    assert_eq!(powerful.code, Some(3), "{powerful:?}");
    assert!(powerful.err.contains("too powerful") && powerful.err.contains("owns tables"), "{powerful:?}");

    let mut keyless = machine.command(&serve);
    let keyless = run(keyless.env("GATEPOST_DATABASE_URL", &database.app_url));
    assert_eq!(keyless.code, Some(2), "{keyless:?}");
    assert!(keyless.err.contains("needs a master key"), "{keyless:?}");

    // Without a server the command line works on the database itself, beside it through its socket.
    run(&mut command(&machine, &["workspace", "create", "First"], &database.app_url)).ok();
    let server = Server::start(&mut command(&machine, &serve, &database.app_url));
    let ask = |arguments: &[&str]| run(&mut command(&machine, arguments, &database.app_url)).ok();
    ask(&["channel", "add", "test"]);
    let key = ask(&["key", "create", "--scope", "send", "--scope", "read", "--json"]).json();
    let key = key["secret"].as_str().unwrap();
    let sent = ask(&[
        "send",
        "--to",
        "+12025550123",
        "--purpose",
        "support",
        "--text",
        "x",
        "--wait",
        "--json",
        "--key",
        key,
    ]);
    assert!(matches!(sent.json()["state"].as_str().unwrap(), "delivered" | "read"), "{sent:?}");
    assert!(server.stop().success());
}

#[test]
fn one_process_answers_and_another_works() {
    let Some(database) = database() else { return };
    let (front, back) = (Machine::new(), Machine::new());
    let mut migrate = command(&front, &["migrate"], &database.app_url);
    run(migrate.env("GATEPOST_DATABASE_OWNER_URL", &database.owner_url)).ok();
    let api = ["serve", "--role", "api", "--listen", "127.0.0.1:0", "--json"];
    let api = Server::start(&mut command(&front, &api, &database.app_url));
    std::fs::copy(front.home().join("master.key"), back.home().join("master.key")).unwrap();
    let worker =
        Server::start(&mut command(&back, &["serve", "--role", "worker", "--json"], &database.app_url));
    assert!(worker.started["url"].is_null(), "a worker answers nobody");
    let ask = |arguments: &[&str]| run(&mut command(&front, arguments, &database.app_url)).ok();
    ask(&["workspace", "create", "First"]);
    ask(&["channel", "add", "test"]);
    let key = ask(&["key", "create", "--scope", "send", "--scope", "read", "--json"]).json();
    let key = key["secret"].as_str().unwrap();
    let sent = ask(&[
        "send",
        "--to",
        "+12025550123",
        "--purpose",
        "support",
        "--text",
        "x",
        "--wait",
        "--json",
        "--key",
        key,
    ]);
    assert!(matches!(sent.json()["state"].as_str().unwrap(), "delivered" | "read"), "{sent:?}");
    assert!(worker.stop().success() && api.stop().success());
}
