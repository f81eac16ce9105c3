//! `channel check|register|…` and `meta-app`, beside a running server.

use crate::support::Machine;

#[test]
fn a_number_is_looked_at_registered_and_described() {
    let machine = Machine::new();
    let server = machine.serve();
    machine.run(&["workspace", "create", "Test company"]).ok();
    let channel = machine.run(&["channel", "add", "test", "--json"]).ok().json();
    let id = channel["id"].as_str().unwrap();

    let look = machine.run(&["channel", "check", id, "--json"]).ok().json();
    assert_eq!(
        (&look["channel"]["state"], look["findings"].as_array().unwrap().len()),
        (&"active".into(), 0)
    );
    let off = machine.run(&["channel", "deregister", id, "--json"]).ok().json();
    assert_eq!(off["state"], "unregistered");
    let short = machine.run_with_input(&["channel", "register", id], b"1234\n");
    assert_eq!(short.code, Some(2), "Meta is not asked: {short:?}");
    let on = machine.run_with_input(&["channel", "register", id, "--json"], b"012345\n").ok();
    assert!(!on.out.contains("012345"));
    assert_eq!(on.json()["state"], "active");
    let wrong = machine.run_with_input(&["channel", "register", id], b"543210\n");
    assert_eq!(wrong.code, Some(3), "{wrong:?}");
    assert!(wrong.err.contains("133005"), "{wrong:?}");

    let profile = machine.run(&["channel", "profile", id, "--about", "Open today", "--json"]).ok().json();
    assert_eq!(profile["about"], "Open today");
    let shown = machine.run(&["channel", "show", id]).ok();
    assert!(shown.out.contains("active") && shown.out.contains("GREEN"), "{shown:?}");
    assert!(server.stop().success());
}

#[test]
fn a_shared_meta_app_comes_and_goes() {
    let machine = Machine::new();
    let create = ["meta-app", "create", "Ours", "--app-id", "1234567890123456", "--json"];
    let made = machine.run_with_input(&create, b"0123456789abcdef0123456789abcdef\n").ok();
    assert!(!made.out.contains("0123456789abcdef"), "the secret is not shown");
    let made = made.json();
    assert!(made["shared"] == true && made["verify_token"].is_string(), "{made}");
    let elsewhere = [&create[..5], &["--base-url", "http://10.0.0.1"]].concat();
    let refused = machine.run_with_input(&elsewhere, b"0123456789abcdef0123456789abcdef\n");
    assert!(refused.code == Some(3) && refused.err.contains("meta.base_urls"), "{refused:?}");
    let id = made["id"].as_str().unwrap();
    let listed = machine.run(&["meta-app", "list", "--json"]).ok().json();
    assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{listed}");
    assert!(listed["data"][0]["verify_token"].is_null());
    machine.run(&["meta-app", "delete", id]).ok();
    let listed = machine.run(&["meta-app", "list", "--json"]).ok().json();
    assert!(listed["data"].as_array().unwrap().is_empty(), "{listed}");
}
