//! API keys by hand, beside a running server.

use serde_json::json;

use crate::support::{Http, Machine, json as body};

#[test]
fn a_revocation_by_hand_binds_the_next_request() {
    let machine = Machine::new();
    let server = machine.serve();
    let http = Http::new();
    let key = machine.set_up();
    let url = format!("{}/v1/messages", server.url());
    for _ in 0..3 {
        // Warm: the server knows the key without asking its database.
        assert_eq!(http.get(&url, Some(&key)).unwrap().status, 200);
    }
    let id =
        machine.run(&["key", "list", "--json"]).ok().json()["data"][0]["id"].as_str().unwrap().to_owned();
    machine.run(&["key", "revoke", &id]).ok();
    let refused = http.get(&url, Some(&key)).unwrap();
    assert_eq!((refused.status, body(&refused)["code"].as_str()), (401, Some("api_key_revoked")));
}

#[test]
fn a_rotation_by_hand_binds_at_once_and_overlaps_where_asked() {
    let machine = Machine::new();
    let server = machine.serve();
    let http = Http::new();
    let old = machine.set_up();
    let status = |key: &str| http.get(&format!("{}/v1/messages", server.url()), Some(key)).unwrap().status;
    let id =
        machine.run(&["key", "list", "--json"]).ok().json()["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(status(&old), 200);
    let rotated = machine.run(&["key", "rotate", &id, "--overlap", "1h", "--json"]).ok().json();
    let second = rotated["secret"].as_str().unwrap().to_owned();
    assert_eq!((status(&old), status(&second)), (200, 200));
    let id = rotated["id"].as_str().unwrap().to_owned();
    let third =
        machine.run(&["key", "rotate", &id, "--json"]).ok().json()["secret"].as_str().unwrap().to_owned();
    assert_eq!((status(&second), status(&third)), (401, 200));
}

#[test]
fn keys_are_made_for_something() {
    let machine = Machine::new();
    let server = machine.serve();
    let http = Http::new();
    machine.set_up();
    let expiring =
        machine.run(&["key", "create", "--scope", "read", "--expires", "90d", "--json"]).ok().json();
    assert!(expiring["expires_at"].is_string() && expiring["mode"] == "test", "{expiring}");
    let read = expiring["secret"].as_str().unwrap();
    let message = json!({ "to": "+12025550123", "purpose": "support", "text": "x" });
    let refused = http.post(&format!("{}/v1/messages", server.url()), Some(read), &message).unwrap();
    assert_eq!(refused.status, 403, "{}", body(&refused));
    let channel =
        machine.run(&["channel", "list", "--json"]).ok().json()["data"][0]["id"].as_str().unwrap().to_owned();
    let bound =
        machine.run(&["key", "create", "--scope", "send", "--channel", &channel, "--json"]).ok().json();
    assert_eq!(bound["channels"], json!([channel]));
    assert_eq!(machine.run(&["key", "revoke", "key_00000000000000000000000000"]).code, Some(3));
    assert_eq!(machine.run(&["key", "create", "--scope", "send", "--expires", "soon"]).code, Some(2));
    assert_eq!(machine.run(&["key", "create", "--scope", "everything"]).code, Some(2));
}
