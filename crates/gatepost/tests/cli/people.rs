//! Accounts and members by hand, beside a running server.

use crate::support::Machine;

#[test]
fn accounts_and_members_by_hand() {
    let machine = Machine::new();
    let _server = machine.serve();
    machine.set_up();
    let made =
        machine.run(&["user", "create", "Ann@example.com", "--name", "Ann Example", "--json"]).ok().json();
    assert_eq!((made["name"].as_str(), made["has_password"].as_bool()), (Some("Ann Example"), Some(false)));
    let twice = machine.run(&["user", "create", "ann@EXAMPLE.com", "--name", "Another"]);
    assert_eq!(twice.code, Some(3), "one account for every spelling: {}", twice.err);
    machine.run(&["user", "create", "ben@example.com", "--name", "Ben"]).ok();
    for (email, role) in [("ann@example.com", "owner"), ("ben@example.com", "agent")] {
        machine.run(&["member", "add", email, "--role", role]).ok();
    }
    assert_eq!(machine.run(&["member", "add", "ben@example.com", "--role", "admin"]).code, Some(3));
    assert_eq!(machine.run(&["member", "add", "cid@example.com", "--role", "admin"]).code, Some(3));
    let last = machine.run(&["member", "remove", "ann@example.com"]);
    assert!(last.code == Some(3) && last.err.contains("at least one owner"), "{}", last.err);
    machine.run(&["member", "role", "ben@example.com", "owner"]).ok();
    machine.run(&["member", "remove", made["id"].as_str().unwrap()]).ok();
    let left = machine.run(&["member", "list", "--json"]).ok().json();
    let left = left["data"].as_array().unwrap();
    assert_eq!(
        (left.len(), &left[0]["email"], &left[0]["role"]),
        (1, &"ben@example.com".into(), &"owner".into())
    );

    let closed = machine.run(&["user", "disable", "ANN@example.com", "--json"]).ok().json();
    assert!(closed["disabled_at"].is_string());
    let open = machine.run(&["user", "enable", "ann@example.com", "--json"]).ok().json();
    assert!(open["disabled_at"].is_null());
    assert_eq!(machine.run(&["user", "disable", "nobody@example.com"]).code, Some(3));
    let listed = machine.run(&["user", "list", "--json"]).ok().json();
    assert_eq!(listed["data"].as_array().unwrap().len(), 2);
}
