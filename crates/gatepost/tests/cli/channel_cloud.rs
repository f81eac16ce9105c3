//! A live channel: `channel add cloud`, against a `gatepost sandbox` that plays Meta.

use crate::support::{Machine, Server, eventually};

const APP_ID: &str = "100000000000002";

fn sandbox(machine: &Machine, more: &[&str]) -> Server {
    let mut arguments =
        vec!["sandbox", "--json", "--app-secret", "a-secret-of-the-app", "--token", "EAAtest-right-token"];
    arguments.extend(more);
    Server::start(&mut machine.command(&arguments))
}

#[test]
fn what_meta_gives_is_asked_for_checked_and_works() {
    let machine = Machine::new();
    // First for its address alone; then again, knowing where callbacks go.
    let mut meta = sandbox(&machine, &[]);
    let address = meta.url().trim_start_matches("http://").to_owned();
    let file = format!("[meta]\nbase_url = \"http://{address}\"\n");
    std::fs::write(machine.home().join("gatepost.toml"), file).unwrap();
    let server = machine.serve();
    machine.run(&["workspace", "create", "Test company"]).ok();

    let add = [
        "channel",
        "add",
        "cloud",
        "--app-id",
        APP_ID,
        "--phone-number-id",
        "105000000000001",
        "--waba-id",
        "106000000000001",
        "--name",
        "Front desk",
        "--json",
    ];
    let wrong = machine.run_with_input(&add, b"a-secret-of-the-app\nEAAtest-wrong-token\n");
    assert_eq!(wrong.code, Some(3), "Meta does not take the token: {wrong:?}");
    assert!(
        !wrong.err.contains("EAAtest-wrong-token") && !wrong.out.contains("a-secret-of-the-app"),
        "{wrong:?}"
    );
    let app: serde_json::Value = serde_json::from_str(wrong.out.lines().next().unwrap()).unwrap();
    let (callback, verify) = (app["callback_url"].as_str().unwrap(), app["verify_token"].as_str().unwrap());
    assert!(callback.starts_with(server.url()) && callback.contains("/hooks/meta/app_"), "{app}");

    // The app is known now, so its secret is not asked for again.
    let added = machine.run_with_input(&add, b"EAAtest-right-token\n").ok().json();
    assert_eq!((added["state"].as_str(), added["mode"].as_str()), (Some("active"), Some("live")), "{added}");
    assert_eq!(added["access_token_last4"], "oken");

    assert!(meta.end());
    let mut meta =
        sandbox(&machine, &["--listen", &address, "--callback", callback, "--verify-token", verify]);
    assert_eq!(meta.next_line()["ok"], true, "the handshake");
    let key = machine.run(&["key", "create", "--scope", "send", "--scope", "read", "--json"]).ok().json();
    assert_eq!(key["mode"], "live", "live where there is a live channel");
    let key = key["secret"].as_str().unwrap();
    let send = [
        "send",
        "--to",
        "+12025550123",
        "--purpose",
        "transactional",
        "--text",
        "x",
        "--wait",
        "--json",
        "--key",
        key,
    ];
    let sent = machine.run(&send).ok().json();
    assert!(matches!(sent["state"].as_str().unwrap(), "delivered" | "read"), "{sent}");
    eventually("the sandbox telling of the message", || meta.next_line()["event"] == "send");
    assert!(server.stop().success());
}
