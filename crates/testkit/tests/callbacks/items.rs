//! What callbacks say is written down once, moves forward only, and reaches nobody else.

use futures_util::future::join_all;
use gatepost_core::WorkspaceId;
use gatepost_testkit::{Engines, Setup, World, hex};
use serde_json::json;

use crate::support::{all_read, body, change, entry, events, inbound, live, sent, silent, status};

/// W7: the same item ten times, in whatever batches, on two nodes: one event.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_news_make_one_event() {
    for engine in Engines::available() {
        let (world, meta, _, live) = live(engine).await;
        let other = match engine {
            Engines::Postgres => Some(world.another(Setup::new(engine).with_meta(&meta)).await),
            Engines::Sqlite => None,
        };
        let (id, wamid) = sent(&live, &meta).await;
        let same =
            [entry(&live, &inbound("wamid.same", "hello")), entry(&live, &status(&wamid, &id, "sent", 1))];
        let batches: Vec<Vec<u8>> = (0..10)
            .map(|n| {
                let own = entry(&live, &inbound(&format!("wamid.{n}"), "other"));
                match n % 4 {
                    0 => body(&[same[0].clone(), same[1].clone(), same[0].clone()]),
                    1 => body(&[own, same[1].clone(), same[0].clone()]),
                    2 => body(&[same[1].clone(), own, same[0].clone()]),
                    _ => body(&[same[0].clone(), same[1].clone()]),
                }
            })
            .collect();
        let nodes: Vec<&World> = std::iter::once(&world).chain(other.as_ref()).collect();
        let calls =
            batches.iter().enumerate().map(|(n, batch)| live.app.call(nodes[n % nodes.len()], batch.clone()));
        for answer in join_all(calls).await {
            answer.expect(200);
        }
        all_read(&world).await;
        let events = events(&live.admin).await;
        let about =
            |wamid: &str| events.iter().filter(|e| e["data"]["message"]["provider_id"] == wamid).count();
        assert_eq!((about("wamid.same"), about(&wamid)), (1, 1), "{engine:?}");
        assert_eq!(events.len(), 2 + 5, "and the five others once each");
        let messages = live.admin.get("/v1/messages").await.expect(200).json();
        assert_eq!(messages["data"].as_array().unwrap().len(), 1 + 6);
        if let Some(other) = other {
            other.stop().await;
        }
        world.stop().await;
    }
}

/// Whatever order the news come in, a message only moves forward.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn states_only_move_forward() {
    for engine in Engines::available() {
        let (world, meta, _, live) = live(engine).await;
        let orders: [(&[&str], &str); 8] = [
            (&["sent", "delivered", "read"], "read"),
            (&["read", "delivered", "sent"], "read"),
            (&["delivered", "sent"], "delivered"),
            (&["delivered", "read", "sent", "failed"], "read"),
            (&["failed", "sent"], "failed"),
            (&["sent", "failed"], "failed"),
            (&["delivered", "failed"], "delivered"),
            (&["sent", "sent", "sent"], "sent"),
        ];
        for (order, end) in orders {
            let (id, wamid) = sent(&live, &meta).await;
            let mut seen = Vec::new();
            for (second, state) in (0_u32..).zip(order) {
                let news = status(&wamid, &id, state, second);
                live.app
                    .call(&world, body(&[change(&live.waba_id, &live.phone_number_id, &news)]))
                    .await
                    .expect(200);
                all_read(&world).await;
                let message = live.admin.get(&format!("/v1/messages/{id}")).await.expect(200).json();
                seen.push(message["state"].as_str().unwrap().to_owned());
            }
            assert_eq!(seen.last().unwrap(), end, "{order:?}: {seen:?}");
            let message = live.admin.get(&format!("/v1/messages/{id}")).await.expect(200).json();
            assert_eq!(message["failed_at"].is_string(), end == "failed", "{order:?}: {message}");
            assert_eq!(message["error"].is_object(), end == "failed", "{order:?}: {message}");
            assert_eq!(message["delivered_at"].is_string(), order.contains(&"delivered"), "{order:?}");
        }
        world.stop().await;
    }
}

/// One Meta app with channels of two workspaces: a batch for both is split, and neither sees what is the other's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mixed_batch_is_split() {
    for engine in Engines::available() {
        let meta = silent().await;
        let world = World::start(Setup::new(engine).with_meta(&meta)).await;
        let app = world.shared_meta_app(&meta, 9).await;
        let (one, two) = (world.tenant("One").await, world.tenant("Two").await);
        let ours = world.live_channel(&meta, one.workspace, &app, 1).await;
        let theirs = world.live_channel(&meta, two.workspace, &app, 2).await;
        let batch = body(&[
            change(&ours.waba_id, &ours.phone_number_id, &inbound("wamid.a", "for one, canary-one")),
            change(&theirs.waba_id, &theirs.phone_number_id, &inbound("wamid.b", "for two, canary-two")),
            change("1069999", "1059999", &inbound("wamid.c", "for nobody")),
            change(&ours.waba_id, &ours.phone_number_id, &inbound("wamid.d", "for one again")),
            json!({"id": theirs.waba_id, "changes": [{"field": "account_update", "value": {"event": "canary-account"}}]}),
        ]);
        app.call(&world, batch.clone()).await.expect(200);
        app.call(&world, batch).await.expect(200);
        all_read(&world).await;
        for (side, own, foreign, count) in [
            (&ours, ["canary-one", "for one again"], ["canary-two", "canary-account"], 2),
            (&theirs, ["canary-two", "canary-account"], ["canary-one", "for one again"], 2),
        ] {
            let events = events(&side.admin).await;
            let text = serde_json::to_string(&events).unwrap();
            assert_eq!(events.len(), count, "{text}");
            assert!(
                own.iter().all(|w| text.contains(w)) && !foreign.iter().any(|w| text.contains(w)),
                "{text}"
            );
            assert!(!text.contains("for nobody"), "{text}");
        }
        let kept = world.rows_of(WorkspaceId::from_uuid(uuid::Uuid::nil())).await;
        assert_eq!(kept["envelope"].len(), 2, "what belongs to no channel is kept under the platform");
        assert!(
            !format!("{:?}", world.rows().await).to_uppercase().contains(&hex(b"for nobody")),
            "and sealed"
        );
        world.stop().await;
    }
}

/// A workspace's own app, or its owner, cannot speak for a number of somebody else's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_speaks_for_its_own_numbers_only() {
    for engine in Engines::available() {
        let (world, meta, _, attacker) = live(engine).await;
        let victim = world.tenant("Victim Ltd").await;
        let theirs = world.live(&meta, victim.workspace, 2).await;
        let (id, wamid) = sent(&theirs, &meta).await;
        all_read(&world).await;
        let before = world.rows_of(victim.workspace).await;
        for news in [inbound("wamid.forged", "pay here"), status(&wamid, &id, "read", 1)] {
            // Under the victim's account, and under the attacker's own.
            for waba in [&theirs.waba_id, &attacker.waba_id] {
                let forged = body(&[change(waba, &theirs.phone_number_id, &news)]);
                attacker.app.call(&world, forged).await.expect(200);
            }
            // Its own number, but the victim's message.
            let forged = body(&[change(&attacker.waba_id, &attacker.phone_number_id, &news)]);
            attacker.app.call(&world, forged).await.expect(200);
        }
        let account = json!({"id": theirs.waba_id, "changes": [{"field": "account_update", "value": {"event": "BAN"}}]});
        attacker.app.call(&world, body(&[account])).await.expect(200);
        all_read(&world).await;
        let after = world.rows_of(victim.workspace).await;
        for (table, rows) in &before {
            if table != "api_key" {
                assert_eq!(rows, &after[table], "{table} on {engine:?}");
            }
        }
        let kept = world.rows_of(WorkspaceId::from_uuid(uuid::Uuid::nil())).await;
        assert_eq!(kept["envelope"].len(), 5, "kept as orphans");
        world.stop().await;
    }
}
