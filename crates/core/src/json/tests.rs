#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::{Code, Error, Result};

/// Reads `{to, text: "…" | {body}}`.
fn read(body: &[u8]) -> Result<()> {
    decode(body, |value| {
        value.object(|object| {
            let to = object.required("to", |v| v.text().map(drop));
            let text = object.optional("text", |v| {
                if v.is_text() { Some(()) } else { v.object(|o| o.required("body", |b| b.text().map(drop))) }
            });
            text?;
            to
        })
    })
}

/// Code, pointer and field code of a refused document.
fn refusal(body: impl AsRef<[u8]>) -> (Code, String, &'static str) {
    let error: Error = read(body.as_ref()).unwrap_err();
    let first = error.field_errors().first().unwrap_or_else(|| panic!("{error} names no place"));
    (error.code(), first.pointer.clone(), first.code)
}

#[test]
fn not_json() {
    let syntax = |pointer: &str| (Code::InvalidJson, pointer.to_owned(), "syntax");
    assert_eq!(refusal(""), syntax(""));
    assert_eq!(refusal(" "), syntax(""));
    assert_eq!(refusal(r#"{"to":"+1202"#), syntax("/to"));
    assert_eq!(refusal(r#"{"text":{"body":tru"#), syntax("/text/body"));
    assert_eq!(refusal("\u{feff}{}"), syntax(""));
    assert_eq!(refusal(b"{\"to\":\"\xff\"}"), syntax(""));
    assert_eq!(refusal(r#"{"to":"\ud800"}"#), syntax("/to"));
    assert_eq!(refusal(r#"{"to":1e999}"#), syntax("/to"));
    assert_eq!(refusal("{} {}"), syntax(""));
    assert_eq!(refusal("{'to':1}"), syntax(""));
    assert_eq!(refusal("{\"to\":NaN}"), syntax("/to"));
    assert_eq!(refusal("{\"a\":[1,2,]}"), syntax("/a/2"));
}

#[test]
fn json_that_two_readers_could_disagree_on() {
    assert_eq!(
        refusal(r#"{"to":"+12025550101","to":"+12025550102"}"#),
        (Code::InvalidJson, "/to".into(), "duplicate_key")
    );
    assert_eq!(
        refusal(r#"{"text":{"body":"a","\u0062ody":"b"}}"#),
        (Code::InvalidJson, "/text/body".into(), "duplicate_key")
    );
    assert_eq!(refusal(r#"{"text":"a\u0000b"}"#), (Code::InvalidJson, "/text".into(), "invalid_character"));
    assert_eq!(refusal(r#"{"a\u0000":1}"#), (Code::InvalidJson, String::new(), "invalid_character"));
}

#[test]
fn bodies_that_cost_more_than_they_say() {
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert_eq!(refusal(deep(10_000)).2, "too_deep");
    assert_eq!(refusal(format!(r#"{{"a":{}}}"#, deep(32))).2, "too_deep");
    assert_eq!(refusal(format!(r#"{{"a":{}}}"#, deep(31))).2, "missing", "deep enough to be read");
    assert_eq!(refusal("{\"a\":".repeat(10_000)).2, "too_deep");
    let keys = (0..1_000_000).map(|i| format!("\"k{i}\":0")).collect::<Vec<_>>().join(",");
    assert_eq!(refusal(format!("{{{keys}}}")).2, "too_many");
    assert_eq!(
        refusal(format!(r#"{{"a":[{}0]}}"#, "0,".repeat(1_000))),
        (Code::InvalidJson, "/a".into(), "too_many")
    );
    let wide = format!("[{}0]", "0,".repeat(900));
    let many = (0..20).map(|i| format!("\"k{i}\":{wide}")).collect::<Vec<_>>().join(",");
    assert_eq!(refusal(format!("{{{many}}}")).2, "too_many");
    assert_eq!(refusal(format!(r#"{{"{}":1}}"#, "k".repeat(129))).2, "too_long");
}

#[test]
fn no_more_is_told_than_anybody_reads() {
    let many = (0..250).map(|i| format!("\"k{i}\":0")).collect::<Vec<_>>().join(",");
    let error = read(format!("{{\"to\":1,{many}}}").as_bytes()).unwrap_err();
    assert_eq!(error.field_errors().len(), WRONG_MAX);
}

#[test]
fn numbers_and_lists() {
    let number = |text: &str| decode(text.as_bytes(), |v| v.number(-1.5..=2.0));
    for good in ["-1.5", "2", "2.0", "0", "1e-3"] {
        assert!(number(good).is_ok(), "{good}");
    }
    for bad in ["-1.6", "3", "2.0000001", "\"1\"", "null"] {
        assert!(number(bad).is_err(), "{bad}");
    }
    let mut seen = Vec::new();
    let looked = decode(br#"{"a":[1,"b",null],"n":null}"#, |v| {
        v.member("a", |a| a.each(|item| seen.push(item.as_text().map(str::to_owned))))?;
        v.member("a", |a| assert_eq!(a.count(), Some(3)))?;
        assert!(v.member("n", |_| ()).is_none() && v.member("b", |_| ()).is_none());
        v.any_object()
    });
    assert!(looked.is_ok());
    assert_eq!(seen, [None, Some("b".to_owned()), None]);
}

/// Any JSON at all, and much that is none.
fn jsonish() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|n| n.to_string()),
        "\\PC{0,12}".prop_map(|s| serde_json::to_string(&s).unwrap()),
        "\"(\\\\u[0-9a-f]{4}){0,3}\"",
        "[\\[\\]{}:,\"0-9a-z ]{0,6}",
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        let name = prop_oneof![
            Just("to"),
            Just("purpose"),
            Just("text"),
            Just("body"),
            Just("template"),
            Just("name"),
            Just("language"),
            Just("components"),
            Just("other"),
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::vec((name, inner), 0..8).prop_map(|members| {
                let members: Vec<String> = members.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    /// What the strict pass takes, serde_json takes too, and the other way round where no limit of ours is met.
    #[test]
    fn agrees_with_serde_json(body in jsonish()) {
        let ours = node::parse(body.as_bytes());
        let theirs = serde_json::from_str::<serde_json::Value>(&body);
        match (&ours, &theirs) {
            (Err(error), Ok(_)) => prop_assert_ne!(error.field_errors()[0].code, "syntax", "{}", body),
            (Ok(_), Err(error)) => prop_assert!(false, "{}: {}", body, error),
            _ => {}
        }
    }
}
