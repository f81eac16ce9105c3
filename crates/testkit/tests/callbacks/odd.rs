//! Bodies that mean nothing: taken or refused, never a failure of ours.

use gatepost_testkit::{Engines, Live, MetaSide};
use serde_json::json;

use crate::support::{all_read, body, change, events, inbound, live};

fn odd_bodies(live: &Live) -> Vec<Vec<u8>> {
    let (waba, number) = (live.waba_id.as_str(), live.phone_number_id.as_str());
    let mut odd: Vec<Vec<u8>> = [
        "",
        " ",
        "x",
        "null",
        "true",
        "1e999",
        "\"text\"",
        "[]",
        "[[[]]]",
        "{}",
        "{\"entry\":1}",
        "{\"entry\":[]}",
        "{\"entry\":[null,1,\"x\",[],{}]}",
        "{\"object\":7,\"entry\":[{\"id\":{},\"changes\":{}}]}",
        "{\"entry\":[{\"changes\":[null,1,[],{}]}]}",
        "\u{feff}{}",
        "{\"a\":1,}",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    odd.push(b"\xff\xfe{}".to_vec());
    odd.push("[".repeat(10_000).into_bytes());
    odd.push(format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)).into_bytes());
    odd.push(format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000)).into_bytes());
    let nested = |depth: usize| {
        let deep = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        format!(
            "{{\"entry\":[{{\"id\":\"{waba}\",\"changes\":[{{\"field\":\"messages\",\"value\":{{\"metadata\":{{\"phone_number_id\":\"{number}\"}},\"deep\":{deep}}}}}]}}]}}"
        )
    };
    for value in [
        json!({"statuses": {}}),
        json!({"statuses": [null, 1, "x", {}]}),
        json!({"messages": [null, {}, {"id": 1}]}),
        json!({"messages": [{"id": "wamid.x", "from": {}, "timestamp": "tomorrow", "type": 7}]}),
        json!({"messages": [{"id": "wamid.nul", "from": "12025550177", "timestamp": "99999999999999999999", "type": "text", "text": {"body": "a\u{0}b"}}]}),
        json!({"messages": [{"id": "w".repeat(5000), "from": "1".repeat(500), "timestamp": "-5", "type": "t".repeat(5000), "text": {"body": ""}}]}),
        json!({"statuses": [{"id": "wamid.u", "status": "teleported", "timestamp": "1793525400", "recipient_id": "x"}]}),
        json!({"statuses": [{"id": "", "status": "read", "timestamp": "0", "biz_opaque_callback_data": "msg_nonsense"}]}),
        json!({"statuses": [{"id": "wamid.v", "status": "failed", "timestamp": "1", "errors": [{"code": "many"}, 1, null]}]}),
        json!({"brand_new": {"unknown": [1, 2, 3]}}),
        json!({"contacts": 1, "messages": 2, "statuses": 3}),
    ] {
        odd.push(body(&[change(waba, number, &value)]));
    }
    for text in [
        nested(80),
        nested(10_000),
        format!(
            "{{\"entry\":[{{\"id\":\"{waba}\",\"changes\":[{{\"field\":\"messages\",\"value\":{{\"metadata\":{{\"phone_number_id\":\"{number}\"}},\"messages\":[{{\"id\":\"wamid.s\",\"from\":\"1202555017\\ud800\",\"type\":\"text\",\"text\":{{\"body\":\"\\udead\"}}}}]}}}}]}}]}}"
        ),
        format!(
            "{{\"entry\":[{{\"id\":{waba},\"changes\":[{{\"field\":\"messages\",\"field\":\"x\",\"value\":{{\"metadata\":{{\"phone_number_id\":{number}}}}}}}]}}]}}"
        ),
        format!(
            "{{\"entry\":[{{\"id\":\"{waba}\",\"changes\":[{{\"field\":\"{}\",\"value\":null}}]}}]}}",
            "f".repeat(10_000)
        ),
    ] {
        odd.push(text.into_bytes());
    }
    odd
}

/// Whatever is signed is taken or refused, never a failure of ours; what follows is read all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_bodies_do_no_harm() {
    for engine in Engines::available() {
        let (world, _meta, _, live) = live(engine).await;
        let app: &MetaSide = &live.app;
        let mut taken = 0;
        for odd in odd_bodies(&live) {
            let shown = String::from_utf8_lossy(&odd[..odd.len().min(200)]).into_owned();
            let answer = app.call(&world, odd).await;
            assert!(answer.status == 200 || (400..500).contains(&answer.status), "{shown}: {}", answer.text);
            assert!(answer.status == 200 || !answer.code().is_empty(), "{shown}: {}", answer.text);
            taken += usize::from(answer.status == 200);
        }
        assert!(taken > 20, "{taken} were taken");
        all_read(&world).await;
        let before = events(&live.admin).await;
        let notices = before.iter().filter(|e| e["type"] == "channel.notification").count();
        assert!(notices >= 8, "{notices} notices on {engine:?}: {before:?}");
        app.call(
            &world,
            body(&[change(&live.waba_id, &live.phone_number_id, &inbound("wamid.good", "still here"))]),
        )
        .await
        .expect(200);
        all_read(&world).await;
        let after = live.admin.get("/v1/events?types=message.received&limit=100").await.expect(200);
        assert!(after.text.contains("still here"), "{}", after.text);
        world.stop().await;
    }
}
