//! The consent ledger.

use gatepost_testkit::Engines;
use serde_json::{Value, json};

use crate::support::{PERSON, Stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_opt_in_is_recorded_and_does_not_survive_stop() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let admin = &stage.live.admin;
        let record = json!({
            "to": PERSON, "purpose": "marketing", "source": "Web form", "proof": "Yes, send me offers.",
            "given_at": "2026-01-05T10:00:00Z",
        });
        let made = admin.post("/v1/consents", &record).await.expect(201).json();
        assert_eq!((&made["proof"], &made["revoked_at"]), (&record["proof"], &Value::Null));
        let path = format!("/v1/consents/{}", made["id"].as_str().unwrap());
        assert_eq!(admin.get(&path).await.expect(200).json(), made);
        let any =
            admin.post("/v1/consents", &json!({"to": PERSON, "source": "Shop"})).await.expect(201).json();
        let revoke = json!({"reason": "Withdrawn by letter"});
        let any = format!("/v1/consents/{}", any["id"].as_str().unwrap());
        let revoked = admin.call("DELETE", &any, &[], Some(&revoke)).await.expect(200).json();
        assert_eq!(revoked["revoked_why"], "Withdrawn by letter");
        let again = admin.call("DELETE", &any, &[], Some(&json!({"reason": "x"}))).await.expect(200).json();
        assert_eq!(again, revoked, "{engine:?}: once");
        stage.says(PERSON, "STOP").await;
        assert_eq!(admin.get(&path).await.expect(200).json()["revoked_why"], "opt_out", "{engine:?}");
        let csv = admin.get("/v1/consents/export").await.expect(200);
        assert!(csv.text.contains("Yes, send me offers.") && csv.text.lines().count() == 3, "{}", csv.text);
        let lines = admin.get("/v1/consents/export?format=jsonl").await.expect(200);
        assert_eq!(lines.text.lines().count(), 2);
        let log = Some(stage.tenant.workspace);
        for (action, times) in [
            ("consent.recorded", 2),
            ("consent.revoked", 1),
            ("consents.exported", 0),
            ("consent.exported", 2),
        ] {
            assert_eq!(stage.world.audited(log, action).await, times, "{engine:?} {action}");
        }
        for bad in [
            json!({"to": PERSON, "source": "x", "purpose": "cold_outreach"}),
            json!({"to": PERSON, "source": "x", "given_at": "2999-01-05T10:00:00Z"}),
            json!({"to": PERSON, "source": ""}),
            json!({"to": "nobody", "source": "x"}),
        ] {
            assert_eq!(admin.post("/v1/consents", &bad).await.status, 422, "{bad}");
        }
        let rows = stage.world.rows().await;
        assert!(!rows["consent"].iter().any(|row| row.contains("offers") || row.contains("2025550177")));
        stage.settled().await;
        stage.stop().await;
    }
}
