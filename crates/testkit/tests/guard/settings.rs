//! The guard's settings: who reads and changes them, and what is taken.

use gatepost_core::access::Scope;
use gatepost_core::channel::Mode;
use gatepost_testkit::{Engines, Setup};
use serde_json::{Value, json};

use crate::support::{Desk, refused};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_are_replaced_whole_checked_and_audited() {
    for engine in Engines::available() {
        let desk = Desk::open(Setup::new(engine)).await;
        let admin = &desk.tenant.admin;
        let fresh = admin.get("/v1/guard/settings").await.expect(200).json();
        assert_eq!((&fresh["opt_out_reply"], &fresh["frequency_caps"]), (&Value::Null, &json!([])));
        let settings = json!({
            "opt_out_reply": "Bye.", "opt_in_reply": null, "leave_window_to_meta": true,
            "frequency_caps": [{"purpose": null, "messages": 16, "hours": 720}],
            "quiet_hours": {"from": "22:00", "to": "07:00", "purposes": ["operational", "support"]},
        });
        let set = desk.set(&settings).await.expect(200).json();
        assert_eq!(set, admin.get("/v1/guard/settings").await.expect(200).json());
        assert_eq!(set["quiet_hours"]["purposes"], json!(["operational", "support"]));
        for (wrong, pointer) in [
            (json!({"frequency_caps": [{"messages": 17, "hours": 1}]}), "/frequency_caps/0/messages"),
            (json!({"frequency_caps": [{"messages": 1, "hours": 721}]}), "/frequency_caps/0/hours"),
            (json!({"quiet_hours": {"from": "25:00", "to": "07:00", "purposes": []}}), "/quiet_hours/from"),
            (
                json!({"quiet_hours": {"from": "22:00", "to": "07:00", "purposes": ["authentication"]}}),
                "/quiet_hours/purposes",
            ),
            (json!({"opt_out_reply": ""}), "/opt_out_reply"),
            (json!({"quiet_hour": {}}), "/quiet_hour"),
        ] {
            let answer = desk.set(&wrong).await;
            assert_eq!(answer.status, 422, "{wrong}: {}", answer.text);
            assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{}", answer.text);
        }
        // What is left out is off.
        desk.set(&json!({"opt_out_reply": "Bye."})).await.expect(200);
        assert_eq!(admin.get("/v1/guard/settings").await.json()["quiet_hours"], Value::Null);
        let log = desk.world.audit_log(Some(desk.tenant.workspace)).await;
        let changes: Vec<_> = log.iter().filter(|e| e.record.action == "guard.settings_changed").collect();
        assert_eq!(changes.len(), 2);
        let last = &changes[1].record;
        assert_eq!(
            (last.before.get("leave_window_to_meta"), last.after.get("leave_window_to_meta")),
            (Some("true"), Some("false"))
        );
        assert_eq!(last.before.get("opt_out_reply"), None, "what did not change is not told");
        let reader = desk.world.key(desk.tenant.workspace, Mode::Test, &[Scope::Read]).await;
        let reader = admin.with_key(Some(&reader));
        reader.get("/v1/guard/settings").await.expect(200);
        let answer = reader.call("PUT", "/v1/guard/settings", &[], Some(&json!({}))).await;
        refused(&answer, 403, "permission_missing");
        desk.close().await;
    }
}
