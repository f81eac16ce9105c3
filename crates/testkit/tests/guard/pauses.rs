//! Pauses: who sets and lifts them, that they bind everywhere at once, and what becomes of what waits.

use std::time::{Duration, Instant};

use gatepost_core::access::{OperatorReason, Role};
use gatepost_core::guard::PauseScope;
use gatepost_core::{Purpose, WorkspaceId};
use gatepost_testkit::{Client, Engines, Setup, World};
use serde_json::{Value, json};

use crate::support::{ANN, BEN, Desk, id, reaches, read, refused, used};

const WHY: &str = "Wrong prices in the reminders of today";

fn without_workers(engine: Engines) -> Setup {
    let mut setup = Setup::new(engine);
    setup.workers = false;
    setup
}

/// What of a workspace is paused, in the words of the API.
fn scopes(desk: &Desk) -> [Value; 3] {
    [
        json!({"scope": "workspace", "reason": WHY}),
        json!({"scope": "channel", "channel_id": desk.channel, "reason": WHY}),
        json!({"scope": "purpose", "purpose": "operational", "reason": WHY}),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_pause_the_workspace_a_channel_or_a_purpose() {
    for engine in Engines::available() {
        let desk = Desk::open(without_workers(engine)).await;
        let (owner, admin) = (desk.owner().await, desk.caller(Role::Admin).await);
        let message = desk.message(ANN, "operational");
        for pause in scopes(&desk) {
            for other in [&desk.tenant.admin, &admin] {
                refused(&other.post("/v1/pauses", &pause).await, 403, "permission_missing");
            }
            let set = owner.post("/v1/pauses", &pause).await.expect(201).json();
            assert_eq!((&set["scope"], &set["paused_by"]), (&pause["scope"], &json!("workspace")));
            refused(&owner.post("/v1/pauses", &pause).await, 409, "conflict");
            let stopped = desk.send(&message).await;
            refused(&stopped, 403, "sending_paused");
            assert_eq!(stopped.json()["details"]["scope"], pause["scope"], "{}", stopped.text);
            // A purpose is paused alone.
            let other = desk.send(&desk.message(ANN, "support")).await;
            assert_eq!(other.status == 202, pause["scope"] == "purpose", "{}", other.text);
            let listed = desk.tenant.admin.get("/v1/pauses").await.expect(200).json();
            assert_eq!(
                (listed["data"].as_array().unwrap().len(), &listed["data"][0]["reason"]),
                (1, &json!(WHY))
            );
            let path = format!("/v1/pauses/{}", id(&set));
            refused(&admin.delete(&path).await, 403, "permission_missing");
            owner.delete(&path).await.expect(204);
            refused(&owner.delete(&path).await, 404, "not_found");
            desk.sent(&message).await;
        }
        let own = Some(desk.tenant.workspace);
        assert_eq!(
            (desk.world.audited(own, "pause.set").await, desk.world.audited(own, "pause.lifted").await),
            (3, 3)
        );
        desk.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_is_set_once_under_its_key_and_says_what_it_takes() {
    for engine in Engines::available() {
        let desk = Desk::open(without_workers(engine)).await;
        let owner = desk.owner().await;
        let [pause, ..] = scopes(&desk);
        let key = [("idempotency-key", "stop-all")];
        let first = owner.call("POST", "/v1/pauses", &key, Some(&pause)).await.expect(201);
        let again = owner.call("POST", "/v1/pauses", &key, Some(&pause)).await.expect(201);
        assert_eq!(
            (again.text, again.headers["idempotency-replayed"].to_str().unwrap()),
            (first.text, "true")
        );
        for wrong in [
            json!({"scope": "country", "reason": WHY}),
            json!({"scope": "workspace", "purpose": "support", "reason": WHY}),
            json!({"scope": "channel", "reason": WHY}),
            json!({"scope": "purpose", "purpose": "sale", "reason": WHY}),
            json!({"scope": "workspace", "reason": "short"}),
        ] {
            refused(&owner.post("/v1/pauses", &wrong).await, 422, "invalid_field");
        }
        let nobodys =
            json!({"scope": "channel", "channel_id": "chn_01kagq5rh8e5htqh9sk95d3x4w", "reason": WHY});
        refused(&owner.post("/v1/pauses", &nobodys).await, 404, "not_found");
        desk.close().await;
    }
}

/// Two nodes, or where the engine has one, the next process.
async fn next_node(desk: &Desk, engine: Engines) -> World {
    if engine == Engines::Sqlite {
        desk.world.app.shutdown().await;
    }
    desk.world.another(Setup::new(engine)).await
}

fn at(node: &World, desk: &Desk) -> Client {
    Client::new(&node.base, Some(desk.tenant.admin_key.clone()))
}

/// Pauses by the operator's hand.
async fn pause_by_operator(world: &World, workspace: WorkspaceId) -> gatepost_core::PauseId {
    let why = OperatorReason::parse(WHY).unwrap();
    let scope = PauseScope::Purpose(Purpose::Operational);
    let set = world.app.pause_set_by_operator(&world.operator(), workspace, scope, why).await.unwrap();
    set.id.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_goes_on_after_lifting_on_another_node_or_the_next_process() {
    for engine in Engines::available() {
        for kind in ["workspace", "channel", "purpose", "operator"] {
            let desk = Desk::open(without_workers(engine)).await;
            let owner = desk.owner().await;
            let waits = desk.sent(&desk.message(ANN, "operational")).await;
            let pause = match kind {
                "operator" => pause_by_operator(&desk.world, desk.tenant.workspace).await.to_string(),
                _ => {
                    let wanted = scopes(&desk).into_iter().find(|pause| pause["scope"] == kind).unwrap();
                    id(&owner.post("/v1/pauses", &wanted).await.expect(201).json())
                }
            };
            // The other node works the queue, and knows.
            let node = next_node(&desk, engine).await;
            let there = at(&node, &desk);
            let began = Instant::now();
            refused(
                &there.post("/v1/messages", &desk.message(BEN, "operational")).await,
                403,
                "sending_paused",
            );
            assert!(began.elapsed() < Duration::from_secs(1));
            tokio::time::sleep(Duration::from_millis(700)).await;
            assert_eq!(read(&there, &waits).await["state"], "queued", "{engine:?} {kind}");
            let after = desk.message(ANN, "support");
            if kind == "purpose" || kind == "operator" {
                // What is not paused does not wait behind what is, to the same person.
                let goes = id(&there.post("/v1/messages", &after).await.expect(202).json());
                reaches(&there, &goes, "read").await;
            }
            let lifting = node.nobody().with_key(owner.key());
            if kind == "operator" {
                refused(&lifting.delete(&format!("/v1/pauses/{pause}")).await, 403, "permission_missing");
                let id = pause.parse().unwrap();
                node.app.pause_lift_by_operator(&node.operator(), desk.tenant.workspace, id).await.unwrap();
            } else {
                lifting.delete(&format!("/v1/pauses/{pause}")).await.expect(204);
            }
            node.clock.advance(Duration::from_secs(15));
            let lifted = Instant::now();
            reaches(&there, &waits, "read").await;
            assert!(lifted.elapsed() < Duration::from_secs(30));
            node.stop().await;
            if engine == Engines::Postgres {
                desk.close().await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_too_long_expires_while_it_is_paused() {
    for engine in Engines::available() {
        let desk = Desk::open(without_workers(engine)).await;
        let owner = desk.owner().await;
        let mut message = desk.message(ANN, "operational");
        message["ttl"] = json!(60);
        let waits = desk.sent(&message).await;
        let [pause, ..] = scopes(&desk);
        owner.post("/v1/pauses", &pause).await.expect(201);
        assert_eq!(desk.used().await, 1);
        // Alone: of two nodes whose clocks are a minute apart one takes the other for dead, and its work over.
        desk.world.app.shutdown().await;
        let node = desk.world.another(Setup::new(engine)).await;
        node.clock.advance(Duration::from_secs(61));
        let over = reaches(&at(&node, &desk), &waits, "expired").await;
        assert_eq!(over["error"]["code"], "message_expired");
        assert_eq!(used(&node, desk.tenant.workspace).await, 0, "its unit is given back");
        node.stop().await;
    }
}
