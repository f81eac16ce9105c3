//! The list by hand: who adds, who lifts, who reads what.

use std::time::Duration;

use gatepost_core::access::Scope;
use gatepost_core::channel::Mode;
use gatepost_testkit::Engines;
use serde_json::json;

use crate::support::{PERSON, Stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn added_by_hand_and_lifted_by_an_owner_with_a_reason() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let admin = &stage.live.admin;
        let add = json!({"to": PERSON, "reason": "Asked on the phone"});
        let made = admin.post("/v1/suppressions", &add).await.expect(201).json();
        assert_eq!((&made["source"], &made["reason"]), (&json!("manual"), &json!("Asked on the phone")));
        let again = admin.post("/v1/suppressions", &json!({"to": PERSON})).await.expect(201).json();
        assert_eq!(again["id"], made["id"], "{engine:?}: once");
        assert!(!stage.takes(PERSON, "support").await);
        assert_eq!(stage.events("contact.opted_out").await.len(), 1);
        let path = format!("/v1/suppressions/{}", made["id"].as_str().unwrap());
        assert_eq!(admin.get(&path).await.expect(200).json(), made);
        // START undoes what the person chose, and they chose nothing.
        stage.says(PERSON, "START").await;
        assert!(!stage.takes(PERSON, "support").await, "{engine:?}: by hand");
        let reason = json!({"reason": "A mistake: a colleague's number"});
        let lift = async |caller: &gatepost_testkit::Client, body| {
            caller.call("DELETE", &path, &[], Some(body)).await
        };
        assert_eq!(lift(admin, &reason).await.code(), "permission_missing", "{engine:?}: no key lifts");
        let owner = stage.owner().await;
        let nothing = json!({});
        assert_eq!(lift(&owner, &nothing).await.status, 422, "{engine:?}: with a reason");
        lift(&owner, &reason).await.expect(204);
        assert_eq!(lift(&owner, &reason).await.status, 404);
        assert!(stage.takes(PERSON, "support").await);
        let log = stage.world.audit_log(Some(stage.tenant.workspace)).await;
        let entry = log.iter().rev().find(|row| row.record.action == "suppression.lifted").unwrap();
        assert_eq!(entry.record.details.get("reason"), Some("A mistake: a colleague's number"));
        assert!(entry.record.actor.starts_with("usr_"));
        stage.settled().await;
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_person_lifts_what_the_person_chose() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        stage.says(PERSON, "STOP").await;
        let id = stage.suppressions().await[0]["id"].as_str().unwrap().to_owned();
        let owner = stage.owner().await;
        let path = format!("/v1/suppressions/{id}");
        let refused = owner.call("DELETE", &path, &[], Some(&json!({"reason": "we want to"}))).await;
        assert_eq!((refused.status, refused.code().as_str()), (409, "suppressed_by_person"), "{engine:?}");
        // By hand beside: then START gives the person's part back, and the hand's stays.
        let by_hand =
            stage.live.admin.post("/v1/suppressions", &json!({"to": PERSON})).await.expect(201).json();
        assert_eq!((&by_hand["source"], &by_hand["by_hand"]), (&json!("person"), &json!("manual")));
        stage.world.clock.advance(Duration::from_secs(2));
        stage.says(PERSON, "START").await;
        assert!(!stage.takes(PERSON, "support").await, "{engine:?}: the hand's stays");
        assert_eq!(stage.suppressions().await[0]["source"], "manual");
        // And a STOP of somebody who is suppressed by hand is theirs from then on.
        stage.world.clock.advance(Duration::from_secs(2));
        stage.says(PERSON, "STOP").await;
        let refused = owner.call("DELETE", &path, &[], Some(&json!({"reason": "we want to"}))).await;
        assert_eq!(refused.code(), "suppressed_by_person", "{engine:?}");
        stage.settled().await;
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn modes_and_workspaces_have_lists_of_their_own() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let test = &stage.tenant.admin;
        let made = test.post("/v1/suppressions", &json!({"to": PERSON})).await.expect(201).json();
        assert_eq!(made["mode"], "test");
        assert!(stage.takes(PERSON, "support").await, "{engine:?}: a test key stops nothing live");
        let path = format!("/v1/suppressions/{}", made["id"].as_str().unwrap());
        assert_eq!(stage.live.admin.get(&path).await.status, 404);
        stage.says(PERSON, "STOP").await;
        assert_eq!(stage.suppressions().await.len(), 1);
        let other = stage.world.tenant("Another Ltd").await;
        let key = stage.world.key(other.workspace, Mode::Live, &[Scope::Admin]).await;
        let theirs = stage.world.nobody().with_key(Some(&key));
        let list = theirs.get("/v1/suppressions").await.expect(200).json();
        assert_eq!(list["data"].as_array().unwrap().len(), 0);
        assert_eq!(theirs.get(&path).await.status, 404);
        // The number lies nowhere in the clear.
        let rows = stage.world.rows().await;
        for table in ["suppression", "suppressed_person", "audit"] {
            assert!(!rows[table].iter().any(|row| row.contains("2025550177")), "{engine:?} {table}");
        }
        stage.settled().await;
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_is_exported_as_it_can_be_imported() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let admin = &stage.live.admin;
        for n in 0..3 {
            let add = json!({"to": format!("+1202555{n:04}"), "reason": "=1+1, \"quoted\""});
            admin.post("/v1/suppressions", &add).await.expect(201);
        }
        stage.says(PERSON, "STOP").await;
        let csv = admin.get("/v1/suppressions/export").await.expect(200);
        assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8; header=present");
        let lines: Vec<&str> = csv.text.lines().collect();
        assert_eq!(lines.len(), 5, "{}", csv.text);
        assert!(lines[0].starts_with("\"to\",\"reason\""));
        assert!(lines[1].starts_with("\"'+12025550177\",\"\""), "{}", lines[1]);
        assert!(csv.text.contains("\"'=1+1, \"\"quoted\"\"\""), "{}", csv.text);
        let lines = admin.get("/v1/suppressions/export?format=jsonl").await.expect(200);
        assert_eq!(lines.text.lines().count(), 4);
        let log = Some(stage.tenant.workspace);
        assert_eq!(stage.world.audited(log, "suppression.exported").await, 2);
        // What came out goes in again, and changes nothing.
        let file = [("content-type", "text/csv")];
        let import =
            admin.raw("POST", "/v1/suppressions/imports", &file, Some(csv.text.clone().into_bytes())).await;
        let import = import.expect(202).json();
        assert_eq!(
            (&import["progress"]["total"], &import["progress"]["bad"]),
            (&json!(4), &json!(0)),
            "{import}"
        );
        stage.settled().await;
        let path = format!("/v1/suppressions/imports/{}", import["id"].as_str().unwrap());
        let done = admin.get(&path).await.expect(200).json();
        assert_eq!(
            (&done["state"], &done["progress"]["known"], &done["progress"]["added"]),
            (&json!("done"), &json!(4), &json!(0))
        );
        stage.world.clock.advance(Duration::from_secs(2));
        stage.says(PERSON, "START").await;
        assert!(stage.takes(PERSON, "support").await, "{engine:?}: the person's own is still the person's");
        stage.settled().await;
        stage.stop().await;
    }
}
