//! `gatepost url check`

use crate::support::Machine;

fn check(machine: &Machine, lines: &str) -> Vec<String> {
    machine.run_with_input(&["url", "check"], lines.as_bytes()).ok().out.lines().map(str::to_owned).collect()
}

#[test]
fn each_line_is_judged() {
    let lines = concat!(
        "{\"url\": \"https://hooks.example.com/\", \"answers\": [\"8.8.8.8\"]}\n",
        "{\"url\": \"https://hooks.example.com/\", \"answers\": [\"8.8.8.8\", \"10.0.0.1\"]}\n",
        "\n",
        "not json\n",
        "{\"url\": \"http://127.0.0.1:8080/\"}\r\n",
    );
    let judged = check(&Machine::new(), lines);
    assert_eq!(judged.len(), 4, "{judged:?}");
    assert_eq!(judged[0], r#"{"url":"https://hooks.example.com/","verdict":"allow","rule":"public"}"#);
    assert!(judged[1].contains(r#""verdict":"deny","rule":"address_"#), "{judged:?}");
    assert_eq!(judged[2], r#"{"url":null,"verdict":"deny","rule":"malformed_input"}"#);
    assert!(judged[3].contains("deny"), "{judged:?}");
}

#[test]
fn the_operators_exceptions_count() {
    let machine = Machine::new();
    let line = "{\"url\": \"http://10.1.2.3:8080/\"}\n";
    assert!(check(&machine, line)[0].contains("deny"));
    let file = "[egress]\nexceptions = [{ host = \"10.1.2.0/24\", port = 8080, scheme = \"http\" }]";
    std::fs::write(machine.home().join("gatepost.toml"), file).unwrap();
    assert_eq!(
        check(&machine, line)[0],
        r#"{"url":"http://10.1.2.3:8080/","verdict":"allow","rule":"exception"}"#
    );
}

#[test]
fn urls_can_be_named() {
    let named =
        Machine::new().run(&["url", "check", "https://hooks.example.com/in", "https://10.0.0.1/"]).ok();
    let judged: Vec<&str> = named.out.lines().collect();
    assert_eq!(judged.len(), 2, "{judged:?}");
    assert!(judged[0].contains(r#""url":"https://hooks.example.com/in","verdict":"allow""#), "{judged:?}");
    assert!(judged[1].contains(r#""verdict":"deny","rule":"address_private""#), "{judged:?}");
}
