//! The master key: what is refused, what is made, and who may see it.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use crate::support::{Machine, Server, run};

const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

fn key_text(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().find(|line| !line.starts_with('#') && !line.is_empty()).unwrap().to_owned()
}

#[test]
fn weak_and_wrong_values_are_refused_and_never_shown() {
    for value in ["changeme", "c2hvcnQta2V5LTE2Ynl0ZXM", "00112233445566778899aabbccddeeff", ZEROS, "", " "] {
        let machine = Machine::new();
        let mut command = machine.command(&["serve", "--listen", "127.0.0.1:0"]);
        let ended = run(command.env("GATEPOST_MASTER_KEY", value));
        assert_eq!(ended.code, Some(2), "{value:?}: {ended:?}");
        assert!(ended.err.contains("GATEPOST_MASTER_KEY"), "{ended:?}");
        if !value.trim().is_empty() {
            assert!(!ended.err.contains(value) && !ended.out.contains(value), "{ended:?}");
        }
        assert!(
            !machine.data().join("gatepost.db").exists(),
            "the key is looked at before a database is made"
        );
    }
}

#[test]
fn a_file_that_was_named_must_exist_and_be_private() {
    let machine = Machine::new();
    let file = machine.home().join("key");
    let serve = || {
        let mut command = machine.command(&["serve", "--listen", "127.0.0.1:0"]);
        run(command.env("GATEPOST_MASTER_KEY_FILE", &file))
    };
    let missing = serve();
    assert_eq!(missing.code, Some(2), "{missing:?}");
    assert!(missing.err.contains("does not exist"), "{missing:?}");
    assert!(!file.exists(), "it is not made");
    std::fs::write(&file, format!("{ZEROS}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let open = serve();
    assert_eq!(open.code, Some(2), "{open:?}");
    assert!(open.err.contains("mode 0644") && open.err.contains("chmod 600"), "{open:?}");
}

#[test]
fn a_fresh_store_gets_a_key_and_a_loud_warning_and_is_bound_to_it() {
    let machine = Machine::new();
    let made = machine.run(&["workspace", "create", "First"]).ok();
    assert!(
        made.err.contains("BACK THIS UP") && made.err.contains("without it the data is gone"),
        "{made:?}"
    );
    let file = machine.data().join("master.key");
    assert_eq!(std::fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    assert!(!machine.run(&["workspace", "list"]).ok().err.contains("BACK THIS UP"), "only once");

    // Gone: no other one is made.
    let kept = machine.home().join("kept.key");
    std::fs::rename(&file, &kept).unwrap();
    let gone = machine.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(gone.code, Some(2), "{gone:?}");
    assert!(gone.err.contains("the store was made with a master key") && !file.exists(), "{gone:?}");

    // Another one: refused by name, without a request being served.
    let other = Machine::new();
    other.run(&["workspace", "create", "Other"]).ok();
    std::fs::copy(other.data().join("master.key"), &file).unwrap();
    let wrong = machine.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(wrong.err.contains("not the master key of this store"), "{wrong:?}");
    assert!(!wrong.err.contains(&key_text(&file)) && !wrong.err.contains(&key_text(&kept)), "{wrong:?}");

    // The right one, in the variable, wins over the wrong one in the file.
    let mut command = machine.command(&["workspace", "list"]);
    run(command.env("GATEPOST_MASTER_KEY", key_text(&kept))).ok();
}

#[test]
fn the_running_process_shows_its_key_to_nobody() {
    let machine = Machine::new();
    machine.run(&["workspace", "create", "First"]).ok();
    let file = machine.data().join("master.key");
    let mut command = machine.command(&["serve", "--listen", "127.0.0.1:0", "--json"]);
    command.env("GATEPOST_MASTER_KEY_FILE", &file);
    let root = rustix::process::getuid().is_root();
    if root {
        // Root sees everything; another user must be the one that looks.
        const NOBODY: u32 = 65_534;
        for path in [machine.home().to_owned(), machine.data()] {
            std::os::unix::fs::chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        for entry in std::fs::read_dir(machine.data()).unwrap() {
            std::os::unix::fs::chown(entry.unwrap().path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        command.uid(NOBODY).gid(NOBODY);
    }
    let server = Server::start(&mut command);
    let environ = format!("/proc/{}/environ", server.pid());
    // proc(5): the files of a process that is not dumpable belong to root.
    assert_eq!(std::fs::metadata(&environ).unwrap().uid(), 0, "the process is dumpable");
    match std::fs::read(&environ) {
        Ok(bytes) => {
            assert!(root, "an ordinary user can read the environment of the server");
            assert!(!String::from_utf8_lossy(&bytes).contains(&key_text(&file)));
        }
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied),
    }
    assert!(server.stop().success());
}

#[test]
fn keys_rotate_while_the_server_runs_and_old_ones_are_let_go() {
    let machine = Machine::new();
    let server = machine.serve();
    let key = machine.set_up();
    let before = machine.run(&["vault", "status", "--json"]).ok().json();
    let after = machine.run(&["vault", "rotate", "--json"]).ok().json();
    assert_ne!(before["primary"], after["primary"]);
    assert_eq!(after["complete"], true, "{after}");
    assert_eq!(after["keys"].as_array().unwrap().len(), 2);
    let dropped = machine.run(&["vault", "drop-old", "--json"]).ok().json();
    assert_eq!(dropped["keys"].as_array().unwrap().len(), 1, "{dropped}");
    let text = std::fs::read_to_string(machine.data().join("master.key")).unwrap();
    assert_eq!(text.lines().filter(|line| !line.starts_with('#')).count(), 1);
    let send =
        ["send", "--to", "+12025550123", "--purpose", "support", "--text", "x", "--wait", "--key", &key];
    machine.run(&send).ok();
    assert!(server.stop().success());
    // And the file alone opens the store again.
    machine.run(&["channel", "list"]).ok();
}
