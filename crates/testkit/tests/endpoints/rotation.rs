//! Rotation: no event is lost while a receiver changes over, and nothing old signs after its time.

use std::time::Duration;

use futures_util::future::join_all;
use gatepost_testkit::{Engines, Receiver, Setup, hex};
use serde_json::{Value, json};

use crate::support::{Desk, header, heard, id_of, path, secret_of};

/// W3: fifty messages a second while the secret is rotated. The receiver knows the old secret, then both, then the new
/// one alone; every delivery verifies with what it knows then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_delivery_verifies_while_the_secret_rotates_under_load() {
    for engine in Engines::available() {
        let mut setup = Setup::new(engine);
        setup.config.send_pair_limit.burst = 1000;
        let desk = Desk::with(setup).await;
        let receiver = Receiver::start().await;
        let made = desk.endpoint(&receiver, json!({"events": ["message.sent"]})).await;
        let (id, old) = (id_of(&made), secret_of(&made));
        let phase = async |count: usize| {
            let mut every = tokio::time::interval(Duration::from_millis(20));
            for _ in 0..count {
                every.tick().await;
                desk.send().await;
            }
        };
        phase(50).await;
        // The rotation itself happens in the middle of the stream.
        let (rotated, ()) = tokio::join!(desk.rotate(&id, 3600), phase(50));
        let new = secret_of(&rotated);
        let before = heard(&receiver, 100).await;
        assert!(before.iter().all(|webhook| webhook.verify(&old)), "a receiver that knows the old one only");
        let overlap_from = before.len();
        phase(50).await;
        let both = heard(&receiver, 150).await;
        assert!(both.iter().all(|webhook| webhook.verify(&old)));
        assert!(both[overlap_from..].iter().all(|webhook| webhook.verify(&new)), "both in the overlap");
        desk.world.clock.advance(Duration::from_hours(1));
        phase(50).await;
        let all = heard(&receiver, 200).await;
        for webhook in &all[150..] {
            assert!(webhook.verify_at(&new, &desk.world) && !webhook.verify_at(&old, &desk.world));
            assert_eq!(header(webhook, "webhook-signature").split(' ').count(), 1);
        }
        assert_eq!(all.len(), 200, "each once");
        desk.world.stop().await;
    }
}

/// The old secret signs in the last second of its time, and not in the next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_overlap_ends_to_the_second() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let receiver = Receiver::start().await;
        let made = desk.endpoint(&receiver, json!({"events": ["message.sent"]})).await;
        let (id, old) = (id_of(&made), secret_of(&made));
        let rotated = desk.rotate(&id, 600).await;
        let until =
            gatepost_core::Timestamp::parse(rotated["previous_secret_until"].as_str().unwrap()).unwrap();
        let now = || gatepost_core::Clock::now(desk.world.clock.as_ref());
        // The clock runs on in between: five seconds are enough for a test to be sent.
        desk.world.clock.advance(until.since(now()).saturating_sub(Duration::from_secs(5)));
        desk.send().await;
        let webhook = heard(&receiver, 1).await.pop().unwrap();
        assert!(header(&webhook, "webhook-timestamp").parse::<i64>().unwrap() < until.seconds());
        assert!(webhook.verify_at(&old, &desk.world));
        desk.world.clock.advance(until.since(now()));
        desk.send().await;
        let webhook = heard(&receiver, 2).await.pop().unwrap();
        assert!(
            !webhook.verify_at(&old, &desk.world) && webhook.verify_at(&secret_of(&rotated), &desk.world)
        );
        assert_eq!(desk.read(&id).await["previous_secret_until"], Value::Null);
        desk.world.stop().await;
    }
}

/// Within an overlap the two newest sign; an overlap of zero ends everything old with the answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn never_more_than_two_generations_sign() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let receiver = Receiver::start().await;
        let made = desk.endpoint(&receiver, json!({"events": ["message.sent"], "ed25519": true})).await;
        let id = id_of(&made);
        let mut secrets = vec![secret_of(&made)];
        for overlap in [86_400, 604_800, 0] {
            secrets.push(secret_of(&desk.rotate(&id, overlap).await));
            desk.send().await;
            let webhook = heard(&receiver, secrets.len() - 1).await.pop().unwrap();
            let signed: Vec<bool> = secrets.iter().map(|secret| webhook.verify(secret)).collect();
            let newest = if overlap == 0 { 1 } else { 2 };
            let expected: Vec<bool> = (0..secrets.len()).map(|n| n + newest >= secrets.len()).collect();
            assert_eq!(signed, expected, "after a rotation with an overlap of {overlap}");
            assert_eq!(header(&webhook, "webhook-signature").split(' ').count(), newest * 2);
            // The plain form holds one signature: that of today's secret.
            let key = gatepost_vault::WebhookSecret::parse(secrets.last().unwrap()).unwrap();
            let plain = gatepost_vault::sign_raw_body(&key.signing_key().unwrap(), &webhook.body).unwrap();
            assert_eq!(header(&webhook, "x-gatepost-signature"), plain);
        }
        let body = json!({"overlap_seconds": 604_801});
        desk.admin.post(&format!("{}/rotate-secret", path(&id)), &body).await.expect(422);
        desk.world.stop().await;
    }
}

/// The same request twice rotates once; the repetition does not show the secret again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_request_rotates_once() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let receiver = Receiver::start().await;
        let made = desk.endpoint(&receiver, json!({"events": ["message.sent"], "ed25519": true})).await;
        let id = id_of(&made);
        let place = format!("{}/rotate-secret", path(&id));
        let rotate = async |key: &str, body: Value| {
            desk.admin.call("POST", &place, &[("idempotency-key", key)], Some(&body)).await
        };
        let first = rotate("rotate-1", json!({"overlap_seconds": 60})).await.expect(200);
        let again = rotate("rotate-1", json!({"overlap_seconds": 60})).await.expect(200);
        assert_eq!(again.headers["idempotency-replayed"].to_str().unwrap(), "true");
        assert_eq!(
            (&again.json()["secret"], &again.json()["public_key"]),
            (&Value::Null, &first.json()["public_key"])
        );
        assert!(!again.text.contains("whsec_"));
        assert_eq!(rotate("rotate-1", json!({"overlap_seconds": 0})).await.code(), "idempotency_key_reused");
        desk.send().await;
        let webhook = heard(&receiver, 1).await.pop().unwrap();
        assert!(webhook.verify(&secret_of(&made)) && webhook.verify(&secret_of(&first.json())));
        // Many at once under one key: one rotation. Without keys: one wins, the others are told.
        let answers = join_all((0..8).map(|_| rotate("rotate-2", json!({})))).await;
        let shown = answers.iter().filter(|answer| answer.text.contains("whsec_")).count();
        assert!(shown == 1 && answers.iter().all(|answer| matches!(answer.status, 200 | 409)), "{answers:?}");
        let own: Vec<String> = (0..8).map(|n| format!("rotate-of-its-own-{n}")).collect();
        let answers = join_all(own.iter().map(|key| rotate(key, json!({})))).await;
        assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 409)), "{answers:?}");
        let newest: Vec<String> = answers
            .iter()
            .filter(|answer| answer.status == 200)
            .map(|answer| secret_of(&answer.json()))
            .collect();
        desk.send().await;
        let webhook = heard(&receiver, 2).await.pop().unwrap();
        assert_eq!(newest.iter().filter(|secret| webhook.verify(secret)).count(), newest.len().min(2));
        desk.world.stop().await;
    }
}

/// What was sealed of an old generation is gone from the rows once its time is over, and at the end of an endpoint all
/// of it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_secrets_are_erased() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let receiver = Receiver::start().await;
        let settings = json!({"ed25519": true, "headers": {"x-a": "1"}, "metadata": {"a": "b"}});
        let made = desk.endpoint(&receiver, settings).await;
        let id = id_of(&made);
        desk.rotate(&id, 60).await;
        let row = async || desk.world.rows().await["endpoint"].join("\n");
        let keys = async || desk.world.rows().await["webhook_public_key"].len();
        let nulls = |row: &str| row.matches("NULL").count();
        desk.world.app.retain().await.unwrap();
        let overlapping = row().await;
        assert_eq!(keys().await, 2);
        desk.world.clock.advance(Duration::from_secs(61));
        desk.world.app.retain().await.unwrap();
        let after = row().await;
        assert_eq!(nulls(&after), nulls(&overlapping) + 3, "{overlapping}\n{after}");
        assert_eq!(keys().await, 1);
        desk.admin.delete(&path(&id)).await.expect(204);
        let gone = row().await;
        // Headers, notes and seed; the secret itself is empty, and deleted_at is there instead.
        assert_eq!(nulls(&gone), nulls(&after) + 2, "{gone}");
        assert!(gone.len() < after.len() - 200, "the sealed bytes are gone");
        assert_eq!(keys().await, 0);
        assert!(!gone.contains(&hex(made["secret"].as_str().unwrap().as_bytes())));
        desk.world.stop().await;
    }
}
