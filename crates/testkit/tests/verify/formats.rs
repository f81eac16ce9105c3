//! Endpoints that are told in LoginWA's form.

use gatepost_testkit::{Engines, Received, Receiver, eventually};
use gatepost_vault::hmac_sha256;
use serde_json::{Value, json};

use crate::spoken::{invite, say};
use crate::support::{PERSON, Stage, text};

fn header<'a>(received: &'a Received, name: &str) -> &'a str {
    received.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// The signature that their receivers compute: hex of HMAC-SHA-256 over the raw body, with the secret as it was shown.
fn signature(secret: &str, received: &Received) -> String {
    gatepost_testkit::hex(&hmac_sha256(secret.as_bytes(), &received.body)).to_lowercase()
}

async fn told(receiver: &Receiver, event: &str, count: usize) -> Vec<Received> {
    eventually(event, async || {
        let all = receiver.received();
        let own: Vec<Received> =
            all.into_iter().filter(|one| header(one, "x-loginwa-event") == event).collect();
        (own.len() >= count).then_some(own)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_names_and_bodies_are_theirs() {
    for engine in Engines::available() {
        let stage = Stage::bare(engine, crate::support::talking()).await;
        stage.template("sign_in", "en_US", None).await;
        let admin = &stage.live.admin;
        let receiver = Receiver::start().await;
        let ask = json!({"url": receiver.url, "format": "loginwa", "retry_schedule": [1, 1, 1]});
        let endpoint = admin.post("/v1/webhook-endpoints", &ask).await.expect(201).json();
        assert_eq!(endpoint["format"], "loginwa");
        let secret = text(&endpoint, "secret");
        let verification = stage.begin(json!({"metadata": {"cart": 7}})).await;
        let code = stage.code(&verification).await;
        stage.check(&verification, &code).await.expect(200);
        let verified = told(&receiver, "otp.verified", 1).await.remove(0);
        assert_eq!(header(&verified, "x-loginwa-signature"), signature(secret, &verified));
        assert!(verified.verify(secret), "Standard Webhooks sign the same body");
        assert!(verified.headers.get("x-gatepost-event").is_none());
        let body: Value = serde_json::from_slice(&verified.body).unwrap();
        assert_eq!((text(&body, "event"), text(&body["data"], "status")), ("otp.verified", "verified"));
        assert_eq!((text(&body["data"], "phone"), &body["data"]["meta"]), (PERSON, &json!({"cart": 7})));
        let id: gatepost_core::VerificationId = text(&verification, "id").parse().unwrap();
        assert_eq!(text(&body["data"], "session_id"), id.uuid().to_string());
        let delivered = told(&receiver, "message.delivered", 1).await.remove(0);
        let delivered: Value = serde_json::from_slice(&delivered.body).unwrap();
        assert_eq!(delivered["data"]["message_id"], verification["message_id"]);
        // A code that came to us, and one whose time was over.
        let begun = invite(&stage, json!({"to": PERSON, "ttl": 60})).await;
        say(&stage, PERSON, "Hello there").await;
        let incoming = told(&receiver, "message.incoming", 1).await.remove(0);
        let incoming: Value = serde_json::from_slice(&incoming.body).unwrap();
        assert_eq!(
            (text(&incoming["data"], "phone"), text(&incoming["data"], "message")),
            (PERSON, "Hello there")
        );
        stage.advance(61);
        let expired = told(&receiver, "otp.expired", 1).await.remove(0);
        let expired: Value = serde_json::from_slice(&expired.body).unwrap();
        let id: gatepost_core::VerificationId = text(&begun, "id").parse().unwrap();
        assert_eq!(text(&expired["data"], "session_id"), id.uuid().to_string());
        // Of what has no name there it hears nothing.
        let names: Vec<String> =
            receiver.received().iter().map(|one| header(one, "x-loginwa-event").to_owned()).collect();
        assert!(
            names.iter().all(|name| name.starts_with("otp.") || name.starts_with("message.")),
            "{names:?}"
        );
        stage.stop().await;
    }
}

/// The same bytes and the same signature at every attempt, and at a replay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_stay_the_same() {
    let stage = Stage::bare(Engines::Sqlite, crate::support::silent()).await;
    let admin = &stage.live.admin;
    let receiver = Receiver::start().await;
    receiver.answer_with(&[500, 500]);
    let ask = json!({"url": receiver.url, "retry_schedule": [1, 1, 1]});
    let endpoint = admin.post("/v1/webhook-endpoints", &ask).await.expect(201).json();
    assert_eq!(endpoint["format"], "standard");
    let path = format!("/v1/webhook-endpoints/{}", text(&endpoint, "id"));
    let changed = admin.patch(&path, &json!({"format": "loginwa"})).await.expect(200).json();
    assert_eq!(changed["format"], "loginwa");
    say(&stage, PERSON, "Hello there").await;
    let attempts = eventually("three attempts", async || {
        stage.advance(5);
        let all = receiver.received();
        (all.len() >= 3).then_some(all)
    })
    .await;
    let deliveries = admin.get(&format!("{path}/deliveries?state=sent")).await.expect(200).json();
    let delivery = text(&deliveries["data"][0], "id");
    admin.post(&format!("{path}/deliveries/{delivery}/retry"), &json!({})).await;
    let event = text(&deliveries["data"][0], "event_id");
    let resend = json!({"endpoint_ids": [text(&endpoint, "id")]});
    admin.post(&format!("/v1/events/{event}/resend"), &resend).await;
    let again = eventually("the same again", async || {
        stage.advance(5);
        receiver.received().get(3).cloned()
    })
    .await;
    for one in attempts.iter().chain([&again]) {
        assert_eq!(one.body, attempts[0].body);
        assert_eq!(header(one, "x-loginwa-signature"), signature(text(&endpoint, "secret"), one));
        assert_eq!(header(one, "webhook-id"), header(&attempts[0], "webhook-id"));
    }
    // A trial is signed in the same form.
    admin.post(&format!("{path}/test"), &json!({})).await.expect(202);
    let trial = told(&receiver, "webhook.test", 1).await.remove(0);
    assert_eq!(header(&trial, "x-loginwa-signature"), signature(text(&endpoint, "secret"), &trial));
    let odd = json!({"url": receiver.url, "format": "xml"});
    assert_eq!(
        admin.post("/v1/webhook-endpoints", &odd).await.expect(422).json()["errors"][0]["pointer"],
        "/format"
    );
    stage.stop().await;
}
