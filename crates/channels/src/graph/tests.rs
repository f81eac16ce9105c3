//! Wire shapes, real-looking callbacks, hostile ones.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use gatepost_core::content::{Body, Content, ContentKind};
use gatepost_core::message::OutboundMessage;
use gatepost_core::{MessageId, Phone, Purpose, Recipient, Timestamp};
use proptest::prelude::*;
use uuid::Uuid;

use super::error::MetaError;
use super::send::{SendAnswer, SendRequest};
use super::*;

fn outbound(content: Content, reply_to: Option<&str>) -> String {
    let message = OutboundMessage {
        id: MessageId::from_uuid(Uuid::from_u128(7)),
        to: Phone::parse("+1 202 555 0101").unwrap().into(),
        purpose: Purpose::Transactional,
        content,
        reply_to: reply_to.map(ToOwned::to_owned),
    };
    serde_json::to_string(&SendRequest::new(&message)).unwrap()
}

fn text(body: &str) -> Content {
    Content::text(&Body::parse(body.to_owned()).unwrap(), false).unwrap()
}

#[test]
fn text_on_the_wire() {
    insta::assert_snapshot!(outbound(text("Grüße \"du\" 👋"), None), @r#"{"messaging_product":"whatsapp","recipient_type":"individual","to":"12025550101","type":"text","text":{"preview_url":false,"body":"Grüße \"du\" 👋"},"biz_opaque_callback_data":"msg_00000000000000000000000007"}"#);
}

#[test]
fn reply_on_the_wire() {
    insta::assert_snapshot!(outbound(text("yes"), Some("wamid.HBgL")), @r#"{"messaging_product":"whatsapp","recipient_type":"individual","to":"12025550101","context":{"message_id":"wamid.HBgL"},"type":"text","text":{"preview_url":false,"body":"yes"},"biz_opaque_callback_data":"msg_00000000000000000000000007"}"#);
}

#[test]
fn template_on_the_wire_keeps_components_byte_for_byte() {
    let template = |object: &str| {
        Content::parse(ContentKind::Template, object).unwrap_or_else(|errors| panic!("{errors:?}"))
    };
    let raw = r#"{"name":"order_ready","language":{"code":"en_US"},"components":[ {"type":"body","parameters":[{"text":"A\u002d1", "type":"text"}] } ]}"#;
    insta::assert_snapshot!(outbound(template(raw), None), @r#"{"messaging_product":"whatsapp","recipient_type":"individual","to":"12025550101","type":"template","template":{"name":"order_ready","language":{"code":"en_US"},"components":[ {"type":"body","parameters":[{"text":"A\u002d1", "type":"text"}] } ]},"biz_opaque_callback_data":"msg_00000000000000000000000007"}"#);
}

#[test]
fn a_person_who_hides_the_number_is_named_by_bsuid() {
    let message = OutboundMessage {
        id: MessageId::from_uuid(Uuid::from_u128(7)),
        to: Recipient::parse("US.13491208655302741918").unwrap(),
        purpose: Purpose::Support,
        content: text("hello"),
        reply_to: None,
    };
    insta::assert_snapshot!(serde_json::to_string(&SendRequest::new(&message)).unwrap(), @r#"{"messaging_product":"whatsapp","recipient_type":"individual","recipient":"US.13491208655302741918","type":"text","text":{"preview_url":false,"body":"hello"},"biz_opaque_callback_data":"msg_00000000000000000000000007"}"#);
}

#[test]
fn answers_are_read_tolerantly_and_truthfully() {
    let full = SendAnswer::read(br#"{"messaging_product":"whatsapp","contacts":[{"input":"+1","wa_id":"12025550101","user_id":"US.1"}],"messages":[{"id":"wamid.A","message_status":"accepted","new":{}}],"x":1}"#).unwrap();
    assert_eq!(full.wamid, "wamid.A");
    assert_eq!(full.wa_id.as_deref(), Some("12025550101"));
    assert_eq!(full.user_id.as_deref(), Some("US.1"));
    assert_eq!(full.message_status.as_deref(), Some("accepted"));
    // The BSUID era: no wa_id, perhaps no contacts.
    let bare = SendAnswer::read(br#"{"messages":[{"id":"wamid.B"}]}"#).unwrap();
    assert!(bare.wa_id.is_none() && bare.user_id.is_none());
    for bad in
        [&b"{}"[..], b"[]", b"", b"<html>", br#"{"messages":[]}"#, br#"{"messages":[{"id":""}]}"#, b"\xff"]
    {
        assert!(SendAnswer::read(bad).is_none(), "{}", String::from_utf8_lossy(bad));
    }
}

#[test]
fn error_envelopes() {
    let error = MetaError::from_answer(br#"{"error":{"message":"(#130429) Rate limit hit","type":"OAuthException","code":130429,"error_data":{"messaging_product":"whatsapp","details":"slow down"},"error_subcode":2494055,"fbtrace_id":"Az1"}}"#).unwrap();
    assert_eq!((error.code, error.subcode), (130_429, Some(2_494_055)));
    assert_eq!(error.title, "(#130429) Rate limit hit");
    assert_eq!(error.details.as_deref(), Some("slow down"));
    assert_eq!(error.trace.as_deref(), Some("Az1"));
    assert_eq!(MetaError::from_answer(br#"{"error":{"code":"190"}}"#).unwrap().code, 190);
    for bad in [&b"{\"error\":\"no\"}"[..], b"{\"error\":{}}", b"{\"error\":{\"code\":{}}}", b"502"] {
        assert!(MetaError::from_answer(bad).is_none());
    }
}

/// Two accounts, three numbers, statuses and messages and an account notice in one body.
const BATCH: &str = r#"{"object":"whatsapp_business_account","entry":[
 {"id":"1001","time":1761955201,"changes":[
  {"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"12025550100","phone_number_id":"501"},
    "contacts":[{"wa_id":"12025550101","user_id":"US.11"}],
    "statuses":[
     {"id":"wamid.S1","status":"sent","timestamp":"1761955200","recipient_id":"12025550101","recipient_user_id":"US.11","biz_opaque_callback_data":"msg_1","pricing":{"billable":true,"pricing_model":"PMP","category":"utility","type":"regular"}},
     {"id":"wamid.S2","status":"failed","timestamp":"1761955201","recipient_id":"12025550102","errors":[{"code":131026,"title":"Message undeliverable","message":"Message undeliverable","error_data":{"details":"gone"},"href":"https:\/\/x"}]},
     {"id":"wamid.S3","status":"teleported","timestamp":1761955202}]},"field":"messages"},
  {"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"12025550199","phone_number_id":502},
    "contacts":[{"profile":{"name":"Zo\u00eb"},"wa_id":"12025550107","user_id":"US.17"},{"profile":{"name":"Anon","username":"anon1"},"user_id":"US.99"}],
    "messages":[
     {"from":"12025550107","id":"wamid.M1","timestamp":"1761955203","text":{"body":"Gr\u00fc\u00dfe \ud83d\udc4b"},"type":"text","context":{"from":"12025550199","id":"wamid.S1"}},
     {"from_user_id":"US.99","id":"wamid.M2","timestamp":"1761955204","type":"interactive","interactive":{"type":"button_reply","button_reply":{"id":"yes-1","title":"Yes"}}},
     {"from":"12025550107","id":"wamid.M3","timestamp":"1761955205","type":"button","button":{"payload":"STOP_ALL","text":"Stop"}},
     {"from":"12025550107","id":"wamid.M4","timestamp":"1761955206","type":"image","image":{"id":"9","caption":"look","mime_type":"image\/jpeg"}},
     {"from":"12025550107","id":"wamid.M5","timestamp":"1761955207","type":"hologram","hologram":{"x":[1]}},
     {"status":"no id"}]},"field":"messages"}]},
 {"id":1002,"time":1761955208,"changes":[{"field":"message_template_status_update","value":{"event":"APPROVED","message_template_id":594425479261596,"message_template_language":"en-US"}}]},
 {"id":"1003","changes":[]}
]}"#;

#[test]
fn a_batch_is_cut_by_account_and_number() {
    let parts = split(BATCH.as_bytes()).unwrap();
    let whose: Vec<_> = parts
        .iter()
        .map(|p| (p.waba_id.as_deref(), p.phone_number_id.as_deref(), p.field.as_str()))
        .collect();
    assert_eq!(
        whose,
        [
            (Some("1001"), Some("501"), "messages"),
            (Some("1001"), Some("502"), "messages"),
            (Some("1002"), None, "message_template_status_update"),
            (Some("1003"), None, ""),
        ]
    );
    // One workspace's part, wrapped: not a byte of the change is different.
    let wrapped = envelope([&parts[1]]);
    let wrapped = String::from_utf8(wrapped).unwrap();
    assert_eq!(
        wrapped,
        format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1001","time":1761955201,"changes":[{}]}}]}}"#,
            parts[1].raw
        )
    );
    assert!(wrapped.contains(r"Gr\u00fc\u00dfe"));
    // Neighbours of one account share an entry.
    let two = String::from_utf8(envelope(&parts[..2])).unwrap();
    assert_eq!(two.matches(r#""id":"1001""#).count(), 1);
}

#[test]
fn items_of_a_batch() {
    let parts = split(BATCH.as_bytes()).unwrap();
    let items: Vec<_> = parts.iter().flat_map(Part::items).collect();
    assert_eq!(items.len(), 3 + 6 + 1 + 1);
    let Item::Status(sent) = &items[0] else { panic!("a status") };
    assert_eq!(sent.status, DeliveryStatus::Sent);
    assert_eq!(sent.at, Some(Timestamp::from_seconds(1_761_955_200)));
    assert_eq!(sent.opaque.as_deref(), Some("msg_1"));
    assert_eq!(sent.recipient.as_deref(), Some("12025550101"));
    assert_eq!(sent.recipient_user_id.as_deref(), Some("US.11"));
    assert!(sent.raw.get().contains("\"pricing\""), "unknown fields stay");
    let Item::Status(failed) = &items[1] else { panic!("a status") };
    assert_eq!(failed.errors[0].code, 131_026);
    assert_eq!(failed.errors[0].details.as_deref(), Some("gone"));
    let Item::Status(odd) = &items[2] else { panic!("a status") };
    assert_eq!(odd.status, DeliveryStatus::Other("teleported".into()));
    assert_eq!(odd.at, Some(Timestamp::from_seconds(1_761_955_202)), "a number will do");

    let inbound = |i: usize| match &items[i] {
        Item::Inbound(m) => m,
        _ => panic!("item {i} is no message"),
    };
    assert_eq!(inbound(3).text.as_deref(), Some("Grüße 👋"));
    assert_eq!(inbound(3).profile_name.as_deref(), Some("Zoë"));
    assert_eq!(inbound(3).from_user_id.as_deref(), Some("US.17"), "from the contact");
    assert_eq!(inbound(3).context.as_deref(), Some("wamid.S1"));
    assert_eq!(inbound(3).phone_number_id.as_deref(), Some("502"));
    assert_eq!(inbound(4).from, None, "the person hides the number");
    assert_eq!(inbound(4).username.as_deref(), Some("anon1"));
    assert_eq!((inbound(4).text.as_deref(), inbound(4).payload.as_deref()), (Some("Yes"), Some("yes-1")));
    assert_eq!((inbound(5).text.as_deref(), inbound(5).payload.as_deref()), (Some("Stop"), Some("STOP_ALL")));
    assert_eq!(inbound(6).text.as_deref(), Some("look"));
    assert_eq!((inbound(7).kind.as_str(), inbound(7).text.as_deref()), ("hologram", None));
    for (i, field) in [(8, "messages"), (9, "message_template_status_update"), (10, "")] {
        let Item::Other(other) = &items[i] else { panic!("item {i} is understood") };
        assert_eq!(other.field, field);
    }
}

#[test]
fn nothing_shown_in_debug_was_said_by_anybody() {
    let shown =
        format!("{:?}", split(BATCH.as_bytes()).unwrap().iter().flat_map(Part::items).collect::<Vec<_>>());
    for private in ["Grüße", "12025550107", "Zoë", "US.17", "gone"] {
        assert!(!shown.contains(private), "{private}");
    }
    assert!(shown.contains("wamid.M1"));
}

#[test]
fn errors_without_messages_pass_through() {
    let body = br#"{"entry":[{"id":"1","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"5"},"errors":[{"code":131000,"title":"x"}]}}]}]}"#;
    let items = split(body).unwrap()[0].items();
    assert!(
        matches!(&items[..], [Item::Other(n)] if n.raw.get().contains("131000") && n.field == "messages")
    );
}

#[test]
fn identity_does_not_depend_on_the_batch() {
    let parts = split(BATCH.as_bytes()).unwrap();
    let all: Vec<Vec<u8>> = parts.iter().flat_map(Part::items).map(|i| i.identity()).collect();
    let unique: std::collections::HashSet<_> = all.iter().collect();
    assert_eq!(unique.len(), all.len(), "different news differ");
    // The same status alone, with other neighbours' contacts, other layout and another order of keys.
    let alone = br#"{"entry":[{"changes":[{"field":"messages","value":{
        "statuses":[{"timestamp":"1761955200","status":"sent","id":"wamid.S1"}],
        "metadata":{"phone_number_id":501}}}],"time":99,"id":"1001"}],"object":"whatsapp_business_account"}"#;
    let alone = split(alone).unwrap()[0].items();
    assert_eq!(alone[0].identity(), all[0]);
    // Account notices: layout does not matter, time does.
    let notice = |time: u32, gap: &str| {
        let body = format!(
            r#"{{"entry":[{{"id":"1","time":{time},"changes":[{{"field":{gap}"account_update","value":{gap}{{"event":"X Y"}}}}]}}]}}"#
        );
        split(body.as_bytes()).unwrap()[0].items()[0].identity()
    };
    assert_eq!(notice(1, ""), notice(1, " \n "));
    assert_ne!(notice(1, ""), notice(2, ""));
}

#[test]
fn json_that_means_nothing_is_still_news() {
    for body in
        ["{}", "[]", "5", "null", r#"{"object":"page","entry":{}}"#, r#"{"entry":[]}"#, r#"{"entry":[1]}"#]
    {
        let parts = split(body.as_bytes()).unwrap();
        assert_eq!(parts.len(), 1, "{body}");
        assert!(matches!(&parts[0].items()[..], [Item::Other(_)]), "{body}");
        fuzz_callback(body.as_bytes());
    }
    for body in [&b""[..], b"{", b"hello", b"\xff\xfe", b"{\"a\":1}x"] {
        assert_eq!(split(body).err(), Some(SplitError::NotJson));
    }
}

#[test]
fn depth_and_size_cost_no_more_than_their_length() {
    let deep = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
    fuzz_callback(deep.as_bytes());
    fuzz_callback(format!(r#"{{"entry":[{{"id":"1","changes":[{{"field":"messages","value":{{"messages":[{{"id":"w","type":"text","text":{deep}}}]}}}}]}}]}}"#).as_bytes());
    let keys = r#""entry":[{"changes":[{"value":{}}]}],"#.repeat(60_000);
    fuzz_callback(format!(r#"{{{keys}"x":1}}"#).as_bytes());
    let contacts =
        (0..8_000).map(|i| format!(r#"{{"wa_id":"{i}","profile":{{"name":"n"}}}}"#)).collect::<Vec<_>>();
    let messages = (0..8_000).map(|i| format!(r#"{{"id":"w{i}","from":"{i}"}}"#)).collect::<Vec<_>>();
    let body = format!(
        r#"{{"entry":[{{"id":"1","changes":[{{"field":"messages","value":{{"contacts":[{}],"messages":[{}]}}}}]}}]}}"#,
        contacts.join(","),
        messages.join(",")
    );
    let parts = split(body.as_bytes()).unwrap();
    assert_eq!(parts[0].items().len(), 8_000);
    let many = format!(r#"{{"entry":[{{"changes":[{}0]}}]}}"#, "0,".repeat(MAX_PARTS));
    assert_eq!(split(many.as_bytes()).err(), Some(SplitError::TooMany));
    let much = format!(
        r#"{{"entry":[{{"changes":[{{"field":"messages","value":{{"statuses":[{}0]}}}}]}}]}}"#,
        "0,".repeat(MAX_ITEMS)
    );
    assert!(matches!(split(much.as_bytes()).unwrap()[0].items()[..], [Item::Other(_)]));
    // Spread over many changes it is no less: a few bytes must not become an event each.
    let spread = |objects: usize| {
        let change = r#"{"field":"messages","value":{"statuses":[{},{},{},{},{},{},{},{},{},{}]}}"#;
        format!(r#"{{"entry":[{{"changes":[{}]}}]}}"#, vec![change; objects / 10].join(","))
    };
    let items = |body: &str| split(body.as_bytes()).unwrap().iter().map(|p| p.items().len()).sum::<usize>();
    assert_eq!((items(&spread(MAX_NEWS)), items(&spread(MAX_NEWS + 10))), (MAX_NEWS, MAX_NEWS / 10 + 1));
    fuzz_callback(spread(MAX_NEWS + 10).as_bytes());
}

#[test]
fn what_cannot_be_is_not_believed() {
    let kind_and_time = |kind: &str, at: &str| {
        let body = format!(
            r#"{{"entry":[{{"changes":[{{"field":"messages","value":{{"messages":[{{"id":"w","type":{kind},"timestamp":{at}}}]}}}}]}}]}}"#
        );
        match &split(body.as_bytes()).unwrap()[0].items()[..] {
            [Item::Inbound(message)] => (message.kind.clone(), message.at),
            other => panic!("{other:?}"),
        }
    };
    let long = format!("\"{}\"", "t".repeat(65));
    for kind in [r#""te\u0000xt""#, r#""""#, r#""two words""#, "null", "[]", &long] {
        assert_eq!(kind_and_time(kind, "\"1\"").0, "unknown", "{kind}");
    }
    assert_eq!(kind_and_time(r#""voice_2027""#, "\"1\"").0, "voice_2027");
    // The last second that RFC 3339 can write, and what lies beyond.
    assert_eq!(kind_and_time("1", "\"253402300799\"").1, Some(Timestamp::from_seconds(253_402_300_799)));
    for at in ["\"253402300800\"", "\"-1\"", "9223372036854775807", "-9223372036854775808", "1e9", "{}"] {
        assert_eq!(kind_and_time("1", at).1, None, "{at}");
    }
}

/// JSON made of Meta's own words in wrong places.
fn jumble() -> impl Strategy<Value = serde_json::Value> {
    let word = prop::sample::select(vec![
        "object",
        "entry",
        "id",
        "time",
        "changes",
        "field",
        "value",
        "messages",
        "statuses",
        "contacts",
        "errors",
        "metadata",
        "phone_number_id",
        "wa_id",
        "user_id",
        "status",
        "sent",
        "timestamp",
        "type",
        "text",
        "body",
        "interactive",
        "button_reply",
        "context",
        "code",
        "profile",
        "name",
        "wamid.X",
        "1761955200",
        "\u{0}é",
    ]);
    let leaf = prop_oneof![
        word.clone().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
    ];
    leaf.prop_recursive(8, 96, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
            prop::collection::vec((word.clone(), inner), 0..8).prop_map(|pairs| {
                pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<serde_json::Map<_, _>>().into()
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        fuzz_callback(&bytes);
    }

    #[test]
    fn any_jumble_at_any_place(value in jumble(), place in 0..4) {
        let body = match place {
            0 => value.to_string(),
            1 => format!(r#"{{"entry":[{value}]}}"#),
            2 => format!(r#"{{"entry":[{{"id":{value},"changes":[{value}]}}]}}"#),
            _ => format!(r#"{{"entry":[{{"id":"1","changes":[{{"field":"messages","value":{value}}}]}}]}}"#),
        };
        fuzz_callback(body.as_bytes());
    }

    #[test]
    fn any_damage(at in 0..BATCH.len(), len in 0usize..64, with in prop::collection::vec(any::<u8>(), 0..8)) {
        let mut bytes = BATCH.as_bytes().to_vec();
        let end = (at + len).min(bytes.len());
        bytes.splice(at..end, with);
        fuzz_callback(&bytes);
    }
}
