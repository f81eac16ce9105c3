//! A server that speaks TLS itself.

use std::os::unix::fs::PermissionsExt as _;

use gatepost_net::TlsRoots;

use crate::support::{Http, Machine, Server, run};

#[test]
fn with_a_certificate_it_speaks_tls_and_test_channels_still_work() {
    let machine = Machine::new();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (machine.home().join("cert.pem"), machine.home().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let file = "[server]\ntls_certificate = \"cert.pem\"\ntls_key = \"key.pem\"\n";
    std::fs::write(machine.home().join("gatepost.toml"), file).unwrap();
    let serve = ["serve", "--listen", "0.0.0.0:0", "--json"];

    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let open = run(&mut machine.command(&serve));
    assert_eq!(open.code, Some(2), "{open:?}");
    assert!(open.err.contains("chmod 600"), "{open:?}");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();

    let server = Server::start(&mut machine.command(&serve));
    let port = server.url().rsplit(':').next().unwrap().to_owned();
    let http = Http::trusting(TlsRoots::Only(vec![made.cert.der().clone()]));
    let good = http.get(&format!("https://localhost:{port}/readyz"), None).unwrap();
    assert_eq!(good.status, 200);
    assert!(good.header("strict-transport-security").is_some());
    assert!(http.get(&format!("http://localhost:{port}/readyz"), None).is_none(), "nothing in the clear");

    let key = machine.set_up();
    let messages = format!("https://localhost:{port}/v1/messages");
    let body = serde_json::json!({ "to": "+12025550123", "purpose": "support", "text": "x" });
    let sent = crate::support::json(&http.post(&messages, Some(&key), &body).unwrap());
    let id = sent["id"].as_str().unwrap();
    crate::support::eventually("the simulated Meta's callback", || {
        let answer = http.get(&format!("{messages}/{id}"), Some(&key)).unwrap();
        crate::support::json(&answer)["state"] == "read"
    });
    assert!(server.stop().success());
}
