//! The channel filter: what is about other channels does not arrive, and no key reaches past the channels it is bound to.

use gatepost_testkit::{Engines, Receiver};
use serde_json::{Value, json};

use crate::support::{Desk, ENDPOINTS, channel, heard, id_of, path};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_channels_that_are_named() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let other = channel(&desk.admin, "other").await;
        let (all, one) = (Receiver::start().await, Receiver::start().await);
        desk.endpoint(&all, json!({"events": ["message.sent"]})).await;
        let bound =
            desk.endpoint(&one, json!({"events": ["message.sent"], "channels": [desk.channel]})).await;
        desk.send_on(&other, "+12025550101").await;
        heard(&all, 1).await;
        desk.send().await;
        heard(&all, 2).await;
        let webhook = heard(&one, 1).await.pop().unwrap();
        assert_eq!(webhook.json()["channel_id"], desk.channel);
        // A channel that is removed takes nothing with it: the endpoint that named it alone does not hear of all.
        desk.admin.delete(&format!("/v1/channels/{}", desk.channel)).await.expect(204);
        let read = desk.read(&id_of(&bound)).await;
        assert_eq!(read["channels"], json!([desk.channel]));
        assert!(read["next_action"].as_str().unwrap().contains("removed"), "{read}");
        desk.send_on(&other, "+12025550101").await;
        heard(&all, 3).await;
        assert_eq!(one.received().len(), 1);
        // Other settings can be changed meanwhile; the channel itself cannot be named again.
        desk.change(&id_of(&bound), json!({"description": "left over"})).await;
        let again = desk.admin.patch(&path(&id_of(&bound)), &json!({"channels": [desk.channel]})).await;
        assert_eq!((again.status, &again.json()["errors"][0]["pointer"]), (422, &json!("/channels")));
        let mended = desk.change(&id_of(&bound), json!({"channels": [other]})).await;
        assert_eq!(mended["next_action"], Value::Null);
        desk.send_on(&other, "+12025550101").await;
        heard(&one, 2).await;
        desk.world.stop().await;
    }
}

/// A key that is bound to a channel makes no endpoint that hears more, sees none, and widens none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bound_key_stays_within_its_channels() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let other = channel(&desk.admin, "other").await;
        let receiver = Receiver::start().await;
        let key = json!({"name": "bound", "scopes": ["webhooks"], "channels": [desk.channel]});
        let key = desk.admin.post("/v1/keys", &key).await.expect(201).json();
        let bound = desk.world.nobody().with_key(key["secret"].as_str());
        let url = &receiver.url;
        for channels in [Value::Null, json!([]), json!([other]), json!([desk.channel, other])] {
            let body = json!({"url": url, "channels": channels});
            let refused = bound.post(ENDPOINTS, &body).await.expect(403);
            assert_eq!(refused.code(), "channel_not_allowed", "{channels}");
        }
        let own =
            bound.post(ENDPOINTS, &json!({"url": url, "channels": [desk.channel]})).await.expect(201).json();
        let own = id_of(&own);
        for channels in [Value::Null, json!([]), json!([other])] {
            let refused = bound.patch(&path(&own), &json!({"channels": channels})).await.expect(403);
            assert_eq!(refused.code(), "channel_not_allowed", "{channels}");
        }
        bound.patch(&path(&own), &json!({"description": "mine"})).await.expect(200);
        let (wide, foreign) = (
            id_of(&desk.endpoint(&receiver, json!({})).await),
            id_of(&desk.endpoint(&receiver, json!({"channels": [other]})).await),
        );
        for hidden in [&wide, &foreign] {
            bound.get(&path(hidden)).await.expect(404);
            bound.patch(&path(hidden), &json!({"url": url})).await.expect(404);
            bound.delete(&path(hidden)).await.expect(404);
            bound.post(&format!("{}/rotate-secret", path(hidden)), &json!({})).await.expect(404);
            bound.post(&format!("{}/test", path(hidden)), &json!({})).await.expect(404);
            bound.get(&format!("{}/deliveries", path(hidden))).await.expect(404);
        }
        let list = bound.get(ENDPOINTS).await.expect(200).json();
        assert_eq!(list["data"].as_array().unwrap().len(), 1);
        assert_eq!(list["data"][0]["id"], own);
        desk.world.stop().await;
    }
}

/// Channels of another workspace and of the other mode are as unknown as those that nobody has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_channels_are_unknown() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let stranger = desk.world.tenant("Stranger Ltd").await;
        let theirs = channel(&stranger.admin, "theirs").await;
        let receiver = Receiver::start().await;
        let refused = async |channels: Value| {
            let body = json!({"url": receiver.url, "channels": channels});
            let answer = desk.admin.post(ENDPOINTS, &body).await.expect(422).json();
            answer["errors"].to_string()
        };
        let nobodys = "chn_01kagq5rh8e5htqh9sk95d3x4w";
        assert_eq!(
            refused(json!([theirs])).await.replace(&theirs, "X"),
            refused(json!([nobodys])).await.replace(nobodys, "X")
        );
        refused(json!([desk.channel, theirs])).await;
        refused(json!(["msg_01kagq5rh8e5htqh9sk95d3x4w"])).await;
        refused(json!("all")).await;
        refused(json!(vec![desk.channel.as_str(); 101])).await;
        let live = desk
            .world
            .key(
                desk.tenant.workspace,
                gatepost_core::channel::Mode::Live,
                &[gatepost_core::access::Scope::Webhooks],
            )
            .await;
        let live = desk.world.nobody().with_key(Some(&live));
        let body = json!({"url": receiver.url, "channels": [desk.channel]});
        live.post(ENDPOINTS, &body).await.expect(422);
        assert_eq!(desk.admin.get(ENDPOINTS).await.expect(200).json()["data"], json!([]));
        desk.world.stop().await;
    }
}

/// Sending again is no way around it: a bound key sends nothing to an endpoint that it does not see, and learns nothing of
/// its deliveries.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bound_key_sends_again_only_where_it_sees() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let (receiver, mine) = (Receiver::start().await, Receiver::start().await);
        let hidden = id_of(&desk.endpoint(&receiver, json!({"events": ["message.sent"]})).await);
        let key = json!({"name": "bound", "scopes": ["webhooks"], "channels": [desk.channel]});
        let key = desk.admin.post("/v1/keys", &key).await.expect(201).json();
        let bound = desk.world.nobody().with_key(key["secret"].as_str());
        let own = json!({"url": mine.url, "events": ["message.sent"], "channels": [desk.channel]});
        let own = id_of(&bound.post(ENDPOINTS, &own).await.expect(201).json());
        desk.send().await;
        heard(&receiver, 1).await;
        heard(&mine, 1).await;
        let list = desk.admin.get(&format!("{}/deliveries", path(&hidden))).await.expect(200).json();
        let delivery = &list["data"][0];
        let retry = format!("{}/deliveries/{}/retry", path(&hidden), delivery["id"].as_str().unwrap());
        bound.post(&retry, &json!({})).await.expect(404);
        let resend = format!("/v1/events/{}/resend", delivery["event_id"].as_str().unwrap());
        let named = bound.post(&resend, &json!({"endpoint_id": hidden})).await.expect(422).json();
        assert_eq!(named["errors"][0]["pointer"], "/endpoint_id");
        let all = bound.post(&resend, &json!({})).await.expect(202).json();
        let to: Vec<&Value> =
            all["deliveries"].as_array().unwrap().iter().map(|d| &d["endpoint_id"]).collect();
        assert_eq!(to, [&json!(own)]);
        heard(&mine, 2).await;
        assert_eq!(receiver.received().len(), 1);
        desk.world.stop().await;
    }
}
