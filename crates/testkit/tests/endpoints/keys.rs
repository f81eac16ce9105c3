//! Ed25519: signatures at the wire, and the public keys that everybody may read.

use gatepost_testkit::{Answer, Engines, Received, Receiver};
use gatepost_vault::WebhookPublicKey;
use serde_json::{Value, json};

use crate::support::{Desk, header, heard, id_of, path, secret_of};

fn verifies(key: &str, webhook: &Received) -> bool {
    let at = |name: &str| header(webhook, name);
    WebhookPublicKey::parse(key).unwrap().verifies(
        at("webhook-id"),
        at("webhook-timestamp"),
        &webhook.body,
        at("webhook-signature"),
    )
}

fn keys(answer: Answer) -> Vec<Value> {
    answer.expect(200).json()["keys"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn public_keys_verify_and_are_found_without_a_credential() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let nobody = desk.world.nobody();
        let receiver = Receiver::start().await;
        let made = desk.endpoint(&receiver, json!({"events": ["message.sent"], "ed25519": true})).await;
        let (id, first) = (id_of(&made), made["public_key"].as_str().unwrap().to_owned());
        let url = made["public_key_url"].as_str().unwrap();
        let place = format!("/.well-known/gatepost/webhook-keys/{id}");
        assert!(url.ends_with(&place), "{url}");
        let answer = nobody.get(&place).await.expect(200);
        assert_eq!(answer.headers["cache-control"].to_str().unwrap(), "public, max-age=300");
        // Nothing but the key: not the URL, the workspace, the owner's words.
        assert_eq!(
            answer.json(),
            json!({"keys": [{"algorithm": "ed25519", "public_key": first, "valid_until": null}]})
        );
        desk.send().await;
        let webhook = heard(&receiver, 1).await.pop().unwrap();
        assert!(verifies(&first, &webhook) && webhook.verify(&secret_of(&made)));
        let signature = header(&webhook, "webhook-signature").to_owned();
        assert!(signature.starts_with("v1,") && signature.contains(" v1a,"), "{signature}");

        let rotated = desk.rotate(&id, 3600).await;
        let second = rotated["public_key"].as_str().unwrap().to_owned();
        assert_ne!(first, second);
        let shown = keys(nobody.get(&place).await);
        assert_eq!((&shown[0]["public_key"], &shown[0]["valid_until"]), (&json!(second), &Value::Null));
        assert_eq!(
            (&shown[1]["public_key"], &shown[1]["valid_until"]),
            (&json!(first), &rotated["previous_secret_until"])
        );
        desk.send().await;
        let webhook = heard(&receiver, 2).await.pop().unwrap();
        assert!(verifies(&first, &webhook) && verifies(&second, &webhook));
        assert_eq!(header(&webhook, "webhook-signature").split(' ').count(), 4);
        desk.world.clock.advance(std::time::Duration::from_hours(1));
        assert_eq!(keys(nobody.get(&place).await).len(), 1, "to the second");
        desk.send().await;
        let webhook = heard(&receiver, 3).await.pop().unwrap();
        assert!(!verifies(&first, &webhook) && verifies(&second, &webhook));

        // Taken away and made anew: another key.
        let without = desk.change(&id, json!({"ed25519": false})).await;
        assert_eq!(
            (&without["ed25519"], &without["public_key"], &without["public_key_url"]),
            (&json!(false), &Value::Null, &Value::Null)
        );
        nobody.get(&place).await.expect(404);
        let again = desk.change(&id, json!({"ed25519": true})).await;
        assert_ne!(again["public_key"], second);
        assert_eq!(desk.change(&id, json!({"ed25519": true})).await["public_key"], again["public_key"]);
        assert_eq!(keys(nobody.get(&place).await)[0]["public_key"], again["public_key"]);
        desk.admin.delete(&path(&id)).await.expect(204);
        nobody.get(&place).await.expect(404);
        desk.world.stop().await;
    }
}

/// Whoever asks for keys learns nothing of what else there is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endpoints_without_keys_are_as_unknown_as_none() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let receiver = Receiver::start().await;
        let plain = id_of(&desk.endpoint(&receiver, json!({})).await);
        let strip = |answer: Answer| {
            let request = answer.headers["request-id"].to_str().unwrap().to_owned();
            (answer.status, answer.text.replace(&request, "R"))
        };
        let ask = async |id: &str| {
            strip(desk.world.nobody().get(&format!("/.well-known/gatepost/webhook-keys/{id}")).await)
        };
        let unknown = ask("whk_01kagq5rh8e5htqh9sk95d3x4w").await;
        assert_eq!((unknown.0, ask(&plain).await), (404, unknown.clone()));
        for wrong in ["whk_1", "msg_01kagq5rh8e5htqh9sk95d3x4w", "..", "%00"] {
            let answer = ask(wrong).await;
            assert!((400..500).contains(&answer.0), "{wrong}: {answer:?}");
        }
        desk.world.stop().await;
    }
}
