//! What `serve` does not start with, and what it says then.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use gatepost_vault::{MasterKey, SystemEntropy};

use crate::support::{Ended, Machine, run};

/// Starts `serve`, which must refuse with this exit code and these words, and never say `hunter2`.
#[track_caller]
fn refused(
    machine: &Machine,
    set: impl FnOnce(&mut std::process::Command),
    code: i32,
    words: &[&str],
) -> Ended {
    let mut command = machine.command(&["serve"]);
    command.env("GATEPOST_LISTEN", "127.0.0.1:0");
    set(&mut command);
    let ended = run(&mut command);
    assert_eq!(ended.code, Some(code), "{ended:?}");
    for word in words {
        assert!(ended.err.contains(word), "{word:?} is missing: {}", ended.err);
    }
    assert!(!ended.err.contains("hunter2") && !ended.out.contains("hunter2"), "{ended:?}");
    ended
}

fn with_file(text: &str, code: i32, words: &[&str]) {
    let machine = Machine::new();
    std::fs::write(machine.home().join("gatepost.toml"), text).unwrap();
    refused(&machine, |_| {}, code, words);
    assert!(!machine.data().exists(), "nothing is made before the configuration is understood");
}

#[test]
fn a_misspelt_key_is_named_with_the_one_that_was_meant() {
    with_file(
        "[server]\nlisen = \"127.0.0.1:1\"",
        2,
        &["unknown key `server.lisen`", "did you mean `server.listen`?"],
    );
    with_file("[loging]\nlevel = \"info\"", 2, &["unknown key `loging`"]);
    with_file(
        "[database]\nurl = \"postgresql://u:hunter2@h/d\"\nulr = 1",
        2,
        &["`database.ulr`", "`database.url`"],
    );
}

#[test]
fn values_of_the_wrong_kind_are_named() {
    with_file("[server]\nthreads = \"many\"", 2, &["line 2", "threads"]);
    with_file("[database]\nurl = [\"postgresql://u:hunter2@h/d\"]", 2, &["line 2", "url"]);
    with_file("[database]\nurl = \"mysql://u:hunter2@h/d\"", 2, &["database.url", "postgresql://"]);
    with_file("[server]\ntls_certificate = \"/x\"", 2, &["server.tls_key", "belong together"]);
    with_file("[server]\npublic_url = \"gatepost.example.com\"", 2, &["server.public_url"]);
    with_file("[log]\nlevel = \"loud\"", 2, &["log.level", "loud"]);
    with_file("[retention]\ncontent_hours = 0", 2, &["retention.content_hours"]);
    with_file("[retention]\nlog_days = 0", 2, &["retention.log_days"]);
    with_file("[retention]\nlog_days = 2", 2, &["retention.dead_letter_days"]);
    with_file(
        "[retention]\ncontent_hours = 100\nlog_days = 3\ndead_letter_days = 1",
        2,
        &["retention.log_days"],
    );
}

#[test]
fn a_proxy_that_is_no_network_is_named() {
    let machine = Machine::new();
    std::fs::write(machine.home().join("gatepost.toml"), "[server]\ntrusted_proxies = [\"the proxy\"]")
        .unwrap();
    refused(&machine, |_| {}, 2, &["server.trusted_proxies", "the proxy"]);
}

#[test]
fn nothing_answers_in_the_clear_on_a_network() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        let machine = Machine::new();
        let words = ["1. ", "2. ", "3. ", "loopback", "server.tls_certificate", "server.trusted_proxies"];
        refused(
            &machine,
            |command| {
                command.env("GATEPOST_LISTEN", address);
            },
            2,
            &words,
        );
    }
}

#[test]
fn a_port_that_somebody_named_is_never_changed() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let machine = Machine::new();
    let set = |command: &mut std::process::Command| {
        command.env("GATEPOST_LISTEN", &address);
    };
    refused(&machine, set, 1, &["cannot listen on", &address, "--listen"]);
    let metrics = |command: &mut std::process::Command| {
        command.env("GATEPOST_METRICS_LISTEN", &address);
    };
    refused(&Machine::new(), metrics, 1, &["metrics", &address, "server.metrics_listen"]);
}

#[test]
fn a_directory_that_others_can_write_to_is_refused() {
    let machine = Machine::new();
    machine.make_data();
    std::fs::set_permissions(machine.data(), std::fs::Permissions::from_mode(0o777)).unwrap();
    refused(&machine, |_| {}, 1, &["mode 0777", "chmod 700"]);
}

#[test]
fn one_server_owns_a_directory() {
    let machine = Machine::new();
    let server = machine.serve();
    let pid = server.pid().to_string();
    refused(&machine, |_| {}, 1, &["in use by process", &pid]);
    assert_eq!(machine.run(&["migrate"]).code, Some(1));
}

#[test]
fn a_database_that_cannot_be_reached_is_told_without_its_password() {
    let machine = Machine::new();
    let key = MasterKey::generate(&SystemEntropy).unwrap().to_hex().expose().clone();
    let url = "postgresql://u:hunter2@127.0.0.1:1/d";
    let set = |command: &mut std::process::Command| {
        command.env("GATEPOST_DATABASE_URL", url).env("GATEPOST_MASTER_KEY", key);
    };
    refused(&machine, set, 1, &["the database cannot be used", "database.url"]);
}

#[test]
fn a_variable_that_is_almost_a_known_one_is_told() {
    let machine = Machine::new();
    let mut command = machine.command(&["doctor"]);
    let ended = run(command.env("GATEPOST_MASTER_KEY_FIEL", "/x"));
    assert!(
        ended.out.contains("GATEPOST_MASTER_KEY_FIEL") && ended.out.contains("GATEPOST_MASTER_KEY_FILE"),
        "{ended:?}"
    );
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    let machine = Machine::new();
    assert_eq!(machine.run(&["sevre"]).code, Some(2));
    assert_eq!(machine.run(&["send", "--to", "+1", "--text", "x"]).code, Some(2));
    assert_eq!(machine.run(&[]).code, Some(2));
    assert_eq!(machine.run(&["--help"]).code, Some(0));
    assert_eq!(machine.run(&["--version"]).code, Some(0));
}
