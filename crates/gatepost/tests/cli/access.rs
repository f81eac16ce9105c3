//! From where and how fast keys may be used, as the operator says beside a running server.

#![expect(clippy::disallowed_methods, reason = "tests call over loopback")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::support::{Http, Machine, json as body};

/// The way back in: a list that shuts everybody out is changed by hand, and the next request is let in.
#[test]
fn the_operator_opens_what_a_list_has_shut() {
    let machine = Machine::new();
    let server = machine.serve();
    let http = Http::new();
    let key = machine.set_up();
    let url = format!("{}/v1/messages", server.url());
    let heard = || {
        let answer = http.get(&url, Some(&key)).unwrap();
        let code = body(&answer)["code"].as_str().unwrap_or_default().to_owned();
        (answer.status, code)
    };
    assert_eq!(heard().0, 200);
    let added = machine.run(&["allowlist", "add", "192.0.2.0/24", "2001:db8::/32", "--note", "Office"]).ok();
    assert!(added.out.contains("192.0.2.0/24") && added.out.contains("Office"), "{}", added.out);
    assert_eq!(heard(), (403, "ip_not_allowed".to_owned()));
    machine.run(&["allowlist", "add", "127.0.0.1"]).ok();
    assert_eq!(heard().0, 200);
    machine.run(&["allowlist", "remove", "127.0.0.1"]).ok();
    assert_eq!(heard().0, 403);
    assert_eq!(machine.run(&["allowlist", "remove", "10.0.0.0/8"]).code, Some(3), "it is not on the list");
    assert_eq!(machine.run(&["allowlist", "add", "192.0.2.7/24"]).code, Some(3), "host or network?");
    machine.run(&["allowlist", "off"]).ok();
    assert_eq!(heard().0, 200);
    let list = machine.run(&["allowlist", "show", "--json"]).ok().json();
    assert_eq!((list["enabled"].as_bool(), list["entries"].as_array().unwrap().len()), (Some(false), 2));
    let id =
        machine.run(&["key", "list", "--json"]).ok().json()["data"][0]["id"].as_str().unwrap().to_owned();
    machine.run(&["allowlist", "add", "--key", &id, "192.0.2.1"]).ok();
    assert_eq!(heard().0, 403, "a list of its own");
    machine.run(&["allowlist", "remove", "--key", &id, "192.0.2.1"]).ok();
    assert_eq!(heard().0, 200, "an empty list is off");
}

#[test]
fn limits_are_the_operators() {
    let machine = Machine::new();
    let file = machine.home().join("gatepost.toml");
    std::fs::write(&file, "[limits]\npresets = [{ name = \"two\", windows = [\"2/h\"] }]\n").unwrap();
    let server = crate::support::Server::start(machine.command(&["serve", "--json", "--config"]).arg(&file));
    let http = Http::new();
    let key = machine.set_up();
    let status = || http.get(&format!("{}/v1/messages", server.url()), Some(&key)).unwrap().status;
    assert_eq!([status(), status(), status()], [200, 200, 200]);
    let set = machine.run(&["limit", "set", "two", "--json"]).ok().json();
    assert_eq!(set["preset"], "two");
    assert_eq!([status(), status(), status()], [200, 200, 429]);
    let refused = machine.run(&["limit", "set", "three"]);
    assert!(refused.code == Some(3) && refused.err.contains("interactive"), "{}", refused.err);
    machine.run(&["limit", "set"]).ok();
    assert_eq!(status(), 200);
    assert!(machine.run(&["limit", "show"]).ok().out.contains("configuration"));
    // Whoever has no key is slowed; whoever has one, at the same address, is not.
    let url = format!("{}/v1/messages", server.url());
    let heard: Vec<u16> = (0..6).map(|_| http.get(&url, None).unwrap().status).collect();
    assert!(heard.contains(&429), "{heard:?}");
    assert_eq!(status(), 200);
}

#[test]
fn a_configuration_that_cannot_hold_is_refused() {
    let machine = Machine::new();
    let file = machine.home().join("wrong.toml");
    for (text, why) in [
        ("[limits]\nkeys = \"fast\"", "there is no preset fast"),
        ("[limits]\npresets = [{ name = \"a\", windows = [\"3/fortnight\"] }]", "expected a limit such as"),
        ("[limits]\npresets = [{ name = \"steady\", windows = [] }]", "already"),
        ("[server]\nproxy_protocol = true", "no proxy is named"),
        ("[server]\ntrusted_proxies = [\"10.0.0.1/8\"]", "10.0.0.0/8"),
        ("[server]\nforwarded_header = \"x-real-ip\"", "x-forwarded-for"),
    ] {
        std::fs::write(&file, text).unwrap();
        let refused = machine.run(&["--config", file.to_str().unwrap(), "serve"]);
        assert!(refused.code == Some(2) && refused.err.contains(why), "{text}: {}", refused.err);
    }
}

/// Behind a proxy that writes PROXY headers: its word about the caller counts, and this machine's own commands still work.
#[test]
fn the_proxy_header_names_the_caller() {
    let machine = Machine::new();
    let file = machine.home().join("gatepost.toml");
    let text =
        "[server]\nlisten = \"127.0.0.1:0\"\ntrusted_proxies = [\"127.0.0.0/8\"]\nproxy_protocol = true\n";
    std::fs::write(&file, text).unwrap();
    let server = crate::support::Server::start(machine.command(&["serve", "--json", "--config"]).arg(&file));
    let key = machine.set_up();
    machine.run(&["allowlist", "add", "192.0.2.7"]).ok();
    let public = server.url().strip_prefix("http://").unwrap().to_owned();
    let ask = |header: &[u8]| {
        let mut stream = TcpStream::connect(&public).unwrap();
        stream.write_all(header).unwrap();
        let request = format!(
            "GET /v1/messages HTTP/1.1\r\nHost: x\r\nX-Api-Key: {key}\r\nX-Forwarded-For: 192.0.2.7\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    };
    let header = |last: u8| {
        let mut bytes = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02".to_vec();
        bytes.extend([last, 10, 0, 0, 1, 0x1f, 0x90, 0, 80]);
        bytes
    };
    assert!(ask(&header(7)).starts_with("HTTP/1.1 200"), "{}", ask(&header(7)));
    let other = ask(&header(8));
    assert!(other.starts_with("HTTP/1.1 403") && other.contains("192.0.2.8"), "{other}");
    assert_eq!(ask(b""), "", "a proxy that sends no header");
}
