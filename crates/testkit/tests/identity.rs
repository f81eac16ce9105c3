//! People and their names: one contact per person through new numbers and ids.
#![expect(clippy::unwrap_used, reason = "tests")]

use gatepost_channels::sandbox::SandboxConfig;
use gatepost_testkit::{Engines, Live, Setup, World, eventually, sandbox};
use serde_json::{Value, json};

async fn tell(world: &World, live: &Live, contact: Value, message: Value) {
    let body = json!({"object": "whatsapp_business_account", "entry": [{"id": live.waba_id, "changes": [{"field": "messages", "value": {
        "messaging_product": "whatsapp", "metadata": {"display_phone_number": "1", "phone_number_id": live.phone_number_id},
        "contacts": [contact], "messages": [message],
    }}]}]});
    live.app.call(world, body.to_string()).await.expect(200);
}

async fn events(live: &Live, kind: &str, count: usize) -> Vec<Value> {
    eventually(&format!("{count} {kind}"), async || {
        let page = live.admin.get(&format!("/v1/events?limit=100&types={kind}")).await.expect(200).json();
        let found = page["data"].as_array().unwrap().clone();
        (found.len() >= count).then_some(found)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_stays_one_contact() {
    for engine in Engines::available() {
        let meta = sandbox(SandboxConfig::default()).await;
        let world = World::start(Setup::new(engine).with_meta(&meta)).await;
        let tenant = world.tenant("Example Ltd").await;
        let live = world.live(&meta, tenant.workspace, 1).await;
        let said = |id: &str, from: Value| {
            let mut message =
                json!({"id": id, "timestamp": "1793525400", "type": "text", "text": {"body": "hello"}});
            message.as_object_mut().unwrap().extend(from.as_object().unwrap().clone());
            message
        };
        // First by number, then by number and id, then the number is hidden.
        let ada = json!({"profile": {"name": "Ada"}, "wa_id": "12025550108", "user_id": "US.8"});
        tell(&world, &live, json!({"wa_id": "12025550108"}), said("wamid.1", json!({"from": "12025550108"})))
            .await;
        events(&live, "message.received", 1).await;
        tell(&world, &live, ada, said("wamid.2", json!({"from": "12025550108", "from_user_id": "US.8"})))
            .await;
        events(&live, "message.received", 2).await;
        let hidden = json!({"profile": {"name": "Ada"}, "user_id": "US.8"});
        tell(&world, &live, hidden, said("wamid.3", json!({"from_user_id": "US.8"}))).await;
        let received = events(&live, "message.received", 3).await;
        assert_eq!(
            received[2]["data"]["message"]["contact"],
            json!({"phone": null, "bsuid": "US.8", "name": "Ada"})
        );
        assert_eq!(world.rows().await["contact"].len(), 1, "{engine:?}");

        // She has a new number, and with it a new id.
        let number = json!({"id": "wamid.4", "from": "12025550108", "timestamp": "1793525500", "type": "system",
            "system": {"body": "Ada changed her number", "type": "user_changed_number", "wa_id": "12025550109"}});
        tell(&world, &live, json!({"wa_id": "12025550108"}), number).await;
        let changed = events(&live, "contact.updated", 1).await;
        let news = &changed[0]["data"]["contact"];
        assert_eq!(
            (&news["contact"]["phone"], &news["previous"]["phone"]),
            (&json!("+12025550109"), &json!("+12025550108")),
            "{engine:?}: {news}"
        );
        assert!(news["id"].is_string());
        let id = json!({"id": "wamid.5", "from_user_id": "US.8", "timestamp": "1793525501", "type": "system",
            "system": {"type": "user_changed_user_id", "user_id": "US.9"}});
        tell(&world, &live, json!({"user_id": "US.8"}), id).await;
        let changed = events(&live, "contact.updated", 2).await;
        assert_eq!(changed[1]["data"]["contact"]["contact"]["bsuid"], "US.9");
        assert_eq!(changed[1]["data"]["contact"]["id"], news["id"]);
        let now = json!({"wa_id": "12025550109", "user_id": "US.9"});
        tell(&world, &live, now, said("wamid.6", json!({"from": "12025550109", "from_user_id": "US.9"})))
            .await;
        events(&live, "message.received", 6).await;
        assert_eq!(world.rows().await["contact"].len(), 1, "{engine:?}");

        // Somebody else writes from the number she left.
        let other = json!({"wa_id": "12025550108", "user_id": "US.20"});
        tell(&world, &live, other, said("wamid.7", json!({"from": "12025550108", "from_user_id": "US.20"})))
            .await;
        events(&live, "message.received", 7).await;
        assert_eq!(world.rows().await["contact"].len(), 2, "{engine:?}");
        world.stop().await;
    }
}
