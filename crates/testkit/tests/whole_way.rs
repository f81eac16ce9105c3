//! A message goes out, its receipts come back, the customer's webhook hears of it: on both engines.
#![expect(clippy::unwrap_used, reason = "tests")]

use gatepost_testkit::{Engines, Receiver, Setup, World, eventually};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_goes_all_the_way() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let tenant = world.tenant("Example Ltd").await;
        let receiver = Receiver::start().await;
        let channel = tenant
            .admin
            .post("/v1/channels", &json!({"type": "test", "name": "Front desk"}))
            .await
            .expect(201)
            .json();
        let endpoint = tenant
            .admin
            .post("/v1/webhook-endpoints", &json!({"url": receiver.url, "description": "ours"}))
            .await
            .expect(201)
            .json();
        let secret = endpoint["secret"].as_str().unwrap().to_owned();
        let sent = tenant
            .admin
            .post("/v1/messages", &json!({"to": "+12025550101", "purpose": "transactional", "text": "hello"}))
            .await
            .expect(202)
            .json();
        assert_eq!(sent["state"], "queued");
        assert_eq!(sent["channel_id"], channel["id"]);
        let id = sent["id"].as_str().unwrap().to_owned();
        for event in ["message.sent", "message.delivered", "message.read"] {
            let received = eventually(event, async || receiver.of_type(event).pop()).await;
            assert!(received.verify(&secret), "{event} on {engine:?}");
            assert_eq!(received.json()["data"]["message"]["id"], id.as_str());
            assert_eq!(received.headers["x-gatepost-event"], event);
        }
        let read = eventually("the read state", async || {
            let message = tenant.admin.get(&format!("/v1/messages/{id}")).await.expect(200).json();
            (message["state"] == "read").then_some(message)
        })
        .await;
        assert!(read["sent_at"].is_string() && read["delivered_at"].is_string(), "{read}");
        world.stop().await;
    }
}
