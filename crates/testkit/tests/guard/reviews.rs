//! Reviews: what is held, and who decides.

use std::time::Duration;

use gatepost_core::access::Role;
use gatepost_testkit::{Engines, Setup, eventually};
use serde_json::{Value, json};

use crate::support::{ANN, Desk, reaches, refused, used};

fn why() -> Value {
    json!({"reason": "Looked at it: our own shop's link"})
}

fn without_workers(engine: Engines) -> Setup {
    let mut setup = Setup::new(engine);
    setup.workers = false;
    setup
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_approved_goes_and_what_is_rejected_never_does() {
    for engine in Engines::available() {
        let desk = Desk::open(without_workers(engine)).await;
        let admin = desk.caller(Role::Admin).await;
        let (goes, stays) = (
            desk.sent(&desk.message(ANN, "operational")).await,
            desk.sent(&desk.message(ANN, "operational")).await,
        );
        let (approve, reject) = (desk.hold(&goes).await, desk.hold(&stays).await);
        let open = desk.tenant.admin.get("/v1/reviews").await.expect(200).json();
        assert_eq!(open["data"].as_array().unwrap().len(), 2);
        let review = desk.tenant.admin.get(&format!("/v1/reviews/{approve}")).await.expect(200).json();
        assert_eq!(
            (&review["message_id"], &review["risk_score"], &review["rules"]),
            (&json!(goes), &json!(64), &json!(["identical_text"]))
        );
        // A key reads them and decides about none; an agent does not even read them.
        let path = format!("/v1/reviews/{approve}/approve");
        refused(&desk.tenant.admin.post(&path, &why()).await, 403, "permission_missing");
        refused(&desk.caller(Role::Agent).await.get("/v1/reviews").await, 403, "permission_missing");
        refused(&admin.post(&path, &json!({"reason": "ok"})).await, 422, "invalid_field");

        let approved = admin.post(&path, &why()).await.expect(200).json();
        assert_eq!((&approved["state"], &approved["reason"]), (&json!("approved"), &why()["reason"]));
        refused(&admin.post(&path, &why()).await, 409, "review_decided");
        let rejected = admin.post(&format!("/v1/reviews/{reject}/reject"), &why()).await.expect(200).json();
        assert_eq!(rejected["state"], "rejected");
        let blocked = desk.read(&stays).await;
        assert_eq!(
            (&blocked["state"], &blocked["error"]["code"]),
            (&json!("blocked"), &json!("risk_blocked"))
        );
        assert_eq!(desk.used().await, 1, "what was rejected gives its unit back");
        let decisions = desk.decisions().await;
        let told: Vec<_> =
            decisions.iter().map(|d| (d["decision"].as_str().unwrap(), d["message_id"].as_str())).collect();
        assert_eq!(told, [("block", Some(stays.as_str())), ("release", Some(goes.as_str()))]);
        let own = Some(desk.tenant.workspace);
        for action in ["review.approved", "review.rejected"] {
            assert_eq!(desk.world.audited(own, action).await, 1, "{action}");
        }
        let decided = desk.tenant.admin.get("/v1/reviews?state=rejected").await.expect(200).json();
        assert_eq!(decided["data"][0]["id"], json!(reject));
        assert_eq!(desk.tenant.admin.get("/v1/reviews?state=gone").await.code(), "invalid_parameter");

        // Whoever works the queue sends what was approved, and no more.
        if engine == Engines::Sqlite {
            desk.world.app.shutdown().await;
        }
        let node = desk.world.another(Setup::new(engine)).await;
        let there = gatepost_testkit::Client::new(&node.base, Some(desk.tenant.admin_key.clone()));
        reaches(&there, &goes, "read").await;
        eventually("the news of what was blocked", async || {
            (!desk.receiver.of_type("policy.blocked").is_empty()).then_some(())
        })
        .await;
        assert_eq!(reaches(&there, &stays, "blocked").await["provider_id"], Value::Null);
        node.stop().await;
        if engine == Engines::Postgres {
            desk.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_decides_about_in_time_is_not_sent() {
    for engine in Engines::available() {
        let desk = Desk::open(without_workers(engine)).await;
        let owner = desk.owner().await;
        let mut message = desk.message(ANN, "operational");
        message["ttl"] = json!(60);
        let held = desk.sent(&message).await;
        let review = desk.hold(&held).await;
        if engine == Engines::Sqlite {
            desk.world.app.shutdown().await;
        }
        let node = desk.world.another(Setup::new(engine)).await;
        node.clock.advance(Duration::from_secs(61));
        let there = gatepost_testkit::Client::new(&node.base, Some(desk.tenant.admin_key.clone()));
        reaches(&there, &held, "expired").await;
        assert_eq!(used(&node, desk.tenant.workspace).await, 0);
        let over = there.get(&format!("/v1/reviews/{review}")).await.expect(200).json();
        assert_eq!(over["state"], "expired");
        let late =
            node.nobody().with_key(owner.key()).post(&format!("/v1/reviews/{review}/approve"), &why()).await;
        refused(&late, 409, "review_decided");
        node.stop().await;
        if engine == Engines::Postgres {
            desk.close().await;
        }
    }
}
