#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use gatepost_core::{Code, Error};
use proptest::prelude::*;

use super::*;
use crate::wire;

/// Code, pointer and field code of a refused message body.
fn refusal(body: impl AsRef<[u8]>) -> (Code, String, &'static str) {
    let error = refused(body.as_ref());
    let first = error.field_errors().first().unwrap_or_else(|| panic!("{error} names no place"));
    (error.code(), first.pointer.clone(), first.code)
}

fn refused(body: &[u8]) -> Error {
    match decode::<wire::MessageSend>(body) {
        Err(error) => error,
        Ok(_) => panic!("taken: {}", String::from_utf8_lossy(body)),
    }
}

fn with(field: &str) -> String {
    format!(r#"{{"to":"+12025550101","purpose":"transactional","text":"hi",{field}}}"#)
}

#[test]
fn good_bodies() {
    for body in [
        r#"{"to":"+12025550101","purpose":"transactional","text":"hello"}"#.to_owned(),
        r#"{"to":"+1 (202) 555-0101","purpose":"support","text":{"body":"h\u00e9","preview_url":true}}"#.to_owned(),
        r#"{"to":"+12025550101","purpose":"support","type":"text","text":{"body":"x"},"on_unknown":"resend"}"#.to_owned(),
        with(r#""channel_id":null,"reply_to":null"#),
        with(r#""reply_to":"msg_01kagq5rh8e5htqh9sk95d3x4w""#),
        with(r#""image":null,"type":null"#),
        r#"{"to":"US.13491208655302741918","purpose":"support","sticker":{"id":"1"}}"#.to_owned(),
    ] {
        assert!(decode::<wire::MessageSend>(body.as_bytes()).is_ok(), "{body}");
    }
}

#[test]
fn components_pass_through_unchanged() {
    let components = r#"[ {"type":"button", "sub_type":"flow", "index":0, "parameters":[{"type":"action",
        "action":{"n": 12345678901234567890.50, "t":"a\u002fb"}}]} ]"#;
    let body = format!(
        r#"{{"to":"+12025550101","purpose":"support","template":{{"name":"a","language":{{"code":"en"}},"components":{components}}}}}"#
    );
    let Ok(message) = decode::<wire::MessageSend>(body.as_bytes()) else { panic!("refused") };
    let template = format!(r#"{{"name":"a","language":{{"code":"en"}},"components":{components}}}"#);
    assert_eq!(message.content.object().get(), template);
}

#[test]
fn wrong_types_and_values() {
    let field = |pointer: &str, code: &'static str| (Code::InvalidField, pointer.to_owned(), code);
    for other in ["[]", "1", "\"x\"", "null", "true", "1e400000000", "-0.0"] {
        let (code, pointer, _) = refusal(other);
        assert!(code.status() < 500 && pointer.is_empty(), "{other}");
    }
    assert_eq!(refusal("[]"), field("", "invalid_type"));
    assert_eq!(refusal(with(r#""channel_id":7"#)), field("/channel_id", "invalid_type"));
    assert_eq!(
        refusal(with(r#""channel_id":"msg_01kagq5rh8e5htqh9sk95d3x4w""#)),
        field("/channel_id", "invalid_value")
    );
    assert_eq!(refusal(with(r#""type":"image""#)), field("/type", "invalid_value"));
    assert_eq!(refusal(with(r#""type":"template""#)), field("/type", "invalid_value"));
    assert_eq!(refusal(with(r#""on_unknown":"maybe""#)), field("/on_unknown", "invalid_value"));
    assert_eq!(
        refusal(with(r#""template":{"name":"a","language":{"code":"en"}}"#)),
        field("/template", "invalid_value")
    );
    assert_eq!(
        refusal(r#"{"to":"+12025550101","purpose":"support","text":{"body":"a","preview_url":"yes"}}"#),
        field("/text/preview_url", "invalid_type")
    );
    assert_eq!(
        refusal(
            r#"{"to":"+12025550101","purpose":"support","template":{"name":"a","language":{"code":"en"},"components":{}}}"#
        ),
        field("/template/components", "invalid_type")
    );
    assert_eq!(refusal(r#"{"to":"+12025550101","purpose":"support"}"#), field("/text", "missing"));
    let typed = r#"{"to":"+12025550101","purpose":"support","type":"image"}"#;
    assert_eq!(refusal(typed), field("/image", "missing"));
    assert_eq!(refusal(with(r#""type":"images""#)), field("/type", "invalid_value"));
    assert_eq!(refusal(with(r#""image":{"id":"1"}"#)), field("/image", "invalid_value"));
    assert_eq!(
        refusal(r#"{"to":"+12025550101","purpose":"support","text":"  "}"#),
        field("/text", "invalid_value")
    );
}

#[test]
fn content_is_told_off_where_it_stands() {
    let body = r#"{"to":"nobody","purpose":"support","type":"image","image":{"capton":"a"},"sticker":{},"interactive":{"type":"list","body":{"text":""},"action":{"button":"Choose","sections":[{"rows":[{"id":"1"}]}]}}}"#;
    let error = refused(body.as_bytes());
    let told: Vec<String> =
        error.field_errors().iter().map(|e| format!("{} {}", e.pointer, e.code)).collect();
    assert_eq!(
        told,
        [
            "/to recipient_invalid",
            "/image missing",
            "/image/capton unknown_field",
            "/sticker missing",
            "/sticker invalid_value",
            "/interactive/body/text invalid_value",
            "/interactive/action/sections/0/rows/0/title missing",
            "/interactive invalid_value",
        ]
    );
}

#[test]
fn codes_that_callers_branch_on() {
    let code = |body: &str| refused(body.as_bytes()).code();
    assert_eq!(code(r#"{"to":"+12025550101","text":"a"}"#), Code::MessagePurposeRequired);
    assert_eq!(code(r#"{"to":"call me","text":"a","purpose":"support"}"#), Code::RecipientInvalid);
    assert_eq!(code(r#"{"to":"+12025550101","text":"a","purpose":"fun"}"#), Code::InvalidField);
}

#[test]
fn all_wrong_fields_at_once_with_hints() {
    let error =
        refused(br#"{"too":"+12025550101","purpose":7,"text":{"bdy":"a"},"workspace_id":"ws_1","a/b~c":1}"#);
    let lines: Vec<String> =
        error.field_errors().iter().map(|e| format!("{} {} {}", e.pointer, e.code, e.detail)).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    /to missing this field is required
    /purpose invalid_type expected a text, got a number
    /text/body missing this field is required
    /text/bdy unknown_field unknown field; did you mean body?
    /too unknown_field unknown field; did you mean to?
    /workspace_id unknown_field unknown field; known are channel_id, to, purpose, type, text, image, audio, video, document, sticker, location, contacts, reaction, interactive, template, reply_to, on_unknown, ttl
    /a~1b~0c unknown_field unknown field; known are channel_id, to, purpose, type, text, image, audio, video, document, sticker, location, contacts, reaction, interactive, template, reply_to, on_unknown, ttl
    ");
}

#[test]
fn keys_and_channels() {
    let key =
        |body: &str| decode::<wire::KeyCreate>(body.as_bytes()).map_err(|e| e.field_errors()[0].clone());
    assert!(key(r#"{"name":"a","scopes":["send","send","read"]}"#).is_ok());
    assert_eq!(key(r#"{"name":"a","scopes":[]}"#).map(drop).unwrap_err().code, "out_of_range");
    assert_eq!(key(r#"{"name":"a","scopes":["root"]}"#).map(drop).unwrap_err().pointer, "/scopes/0");
    assert_eq!(
        key(r#"{"name":"a","scopes":["send"],"channels":[]}"#).map(drop).unwrap_err().code,
        "out_of_range"
    );
    assert_eq!(key(r#"{"name":"a\u202eb","scopes":["send"]}"#).map(drop).unwrap_err().pointer, "/name");
    let channel = |body: &str| decode::<wire::ChannelCreate>(body.as_bytes());
    assert!(channel(r#"{"name":"a","type":"test"}"#).is_ok());
    let missing = channel(r#"{"name":"a","type":"cloud","waba_id":"1"}"#).map(drop).unwrap_err();
    assert_eq!(missing.field_errors().len(), 3);
    let surplus = channel(r#"{"name":"a","type":"test","waba_id":"1"}"#).map(drop).unwrap_err();
    assert_eq!(surplus.field_errors()[0].pointer, "/waba_id");
}

/// The parser as a plain function, for fuzzers too: whatever comes, it is taken or refused as the caller's mistake.
fn survives(body: &[u8]) -> bool {
    decode::<wire::MessageSend>(body).map_or_else(|e| (400..500).contains(&e.code().status()), |_| true)
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
    #[test]
    fn arbitrary_bytes_never_fail_us(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(survives(&body));
    }

    #[test]
    fn arbitrary_json_never_fails_us(body in jsonish()) {
        prop_assert!(survives(body.as_bytes()));
    }
}
