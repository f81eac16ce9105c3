//! `gatepost guard classify`

use crate::support::Machine;

#[test]
fn each_line_gets_its_verdict_in_order() {
    let lines = concat!(
        "{\"text\": \"STOP\"}\n",
        "{\"id\": 7, \"text\": \"see you at the bus stop\", \"more\": [1]}\n",
        "\n",
        "{\"id\": \"a\", \"text\": \"START\"}\r\n",
        "{\"text\": \"How do I unsubscribe?\"}",
    );
    let ended = Machine::new().run_with_input(&["guard", "classify"], lines.as_bytes()).ok();
    let judged: Vec<&str> = ended.out.lines().collect();
    assert_eq!(
        judged,
        [
            r#"{"label":"opt_out","language":"en","rule":"en.keyword.stop"}"#,
            r#"{"id":7,"label":"neither"}"#,
            r#"{"id":"a","label":"opt_in","language":"en","rule":"en.start.start"}"#,
            r#"{"label":"review","language":"en","rule":"en.unsubscribe"}"#,
        ]
    );
}

#[test]
fn a_line_that_cannot_be_read_costs_the_others_nothing() {
    let lines = b"not json\n{\"text\": 1}\n{\"text\": \"\xff\"}\n{\"text\": \"stop\"}\n";
    let ended = Machine::new().run_with_input(&["guard", "classify"], lines);
    assert_eq!(ended.code, Some(2), "{}", ended.err);
    let judged: Vec<&str> = ended.out.lines().collect();
    assert_eq!(judged.len(), 4, "{judged:?}");
    assert!(judged[..3].iter().all(|line| line.starts_with(r#"{"error":"#)), "{judged:?}");
    assert!(judged[3].contains("opt_out"), "{judged:?}");
}
