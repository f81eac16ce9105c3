//! Files of people.

use gatepost_channels::sandbox::SandboxHandle;
use gatepost_testkit::{Client, Engines, eventually};
use serde_json::{Value, json};

use crate::support::{PERSON, Stage, setup, silent};

async fn import(admin: &Client, file: &str) -> Value {
    let headers = [("content-type", "text/csv")];
    let answer = admin.raw("POST", "/v1/suppressions/imports", &headers, Some(file.into())).await;
    answer.expect(202).json()
}

async fn done(admin: &Client, import: &Value) -> Value {
    let path = format!("/v1/suppressions/imports/{}", import["id"].as_str().unwrap());
    eventually("an import to be done", async || {
        let found = admin.get(&path).await.expect(200).json();
        (found["state"] == "done").then_some(found)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_judged_by_line_and_nothing_is_lifted() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let admin = &stage.live.admin;
        stage.says(PERSON, "STOP").await;
        let file = format!(
            "Phone;Reason\n{PERSON};wants mail again\n+1 202 555 0151;asked\nnobody;x\n\n12025550152\n+12025550151;twice\n"
        );
        let begun = import(admin, &file).await;
        assert_eq!((&begun["progress"]["total"], &begun["progress"]["bad"]), (&json!(4), &json!(1)));
        assert_eq!(begun["faults"][0]["line"], 4);
        let ended = done(admin, &begun).await;
        assert_eq!(
            (&ended["progress"]["added"], &ended["progress"]["known"]),
            (&json!(2), &json!(1)),
            "{ended}"
        );
        for suppressed in [PERSON, "+12025550151", "+12025550152"] {
            assert!(!stage.takes(suppressed, "support").await, "{engine:?} {suppressed}");
        }
        let own = stage.suppressions().await.into_iter().find(|s| s["contact"]["phone"] == PERSON).unwrap();
        assert_eq!((&own["source"], &own["by_hand"]), (&json!("person"), &Value::Null), "{engine:?}");
        assert_eq!(stage.world.audited(Some(stage.tenant.workspace), "suppression.imported").await, 1);
        // The file is gone when it is done.
        assert!(stage.world.rows().await["suppression_import_part"].is_empty());
        let refused = admin.post("/v1/suppressions/imports", &json!({})).await;
        assert_eq!(refused.code(), "unsupported_media_type");
        // Refused before it is read, so that the answer may come too late for whoever only writes.
        let large = Some(vec![b'1'; 10 * 1024 * 1024 + 1]);
        let headers = [("content-type", "text/csv")];
        if let Some(refused) = admin.try_raw("POST", "/v1/suppressions/imports", &headers, large).await {
            assert_eq!(refused.code(), "payload_too_large");
        }
        stage.settled().await;
        stage.stop().await;
    }
}

/// A process that ends in the middle leaves the rest to the next one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_survives_a_restart() {
    for engine in Engines::available() {
        let meta: SandboxHandle = silent().await;
        let stage = Stage::with(setup(engine, &meta), meta).await;
        let lines: Vec<String> = (0..6_000).map(|n| format!("+1202{n:07}")).collect();
        let file = lines.join("\n") + "\n";
        let begun = import(&stage.live.admin, &file).await;
        let path = format!("/v1/suppressions/imports/{}", begun["id"].as_str().unwrap());
        eventually("a first part", async || {
            let found = stage.live.admin.get(&path).await.expect(200).json();
            (found["progress"]["added"].as_i64().unwrap() > 0).then_some(())
        })
        .await;
        stage.world.app.shutdown().await;
        let next = stage.world.another(setup(engine, &stage.meta)).await;
        let admin = Client::new(&next.base, stage.live.admin.key().map(str::to_owned));
        let ended = done(&admin, &begun).await;
        assert_eq!(ended["progress"]["added"], 6_000, "{engine:?}: {ended}");
        assert_eq!(next.rows().await["suppressed_person"].len(), 6_000);
        next.stop().await;
        stage.meta.shutdown().await;
    }
}
