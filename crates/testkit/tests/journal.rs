//! The journal of sends: a kill between a claim and the call to Meta loses nothing.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::{Seek, SeekFrom, Write};
use std::time::Duration;

use gatepost_app::AppConfig;
use gatepost_core::audit::Audit;
use gatepost_core::job::JobKind;
use gatepost_core::{ChannelId, Clock};
use gatepost_store::LaneKey;
use gatepost_testkit::{Engines, Setup, World, eventually};
use serde_json::json;

/// A process that dies after claiming a message and before anything of it left loses nothing: the journal tells the next
/// process in the same place that the send had not begun. Where it had begun, the doubt stays and nothing goes out twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_had_not_begun_is_sent_after_a_crash() {
    for engine in Engines::available() {
        for begun in [false, true] {
            let place = tempfile::tempdir().unwrap();
            let path = place.path().join("sends.journal");
            let setup = || {
                let usual = Setup::new(engine);
                let config = AppConfig { send_journal: Some(path.clone()), ..usual.config.clone() };
                Setup { config, ..usual }
            };
            // The first process accepts a message and claims it, as its lane would, and then is no more.
            let first = World::start(Setup { workers: false, ..setup() }).await;
            let tenant = first.tenant("Example Ltd").await;
            let channel = tenant
                .admin
                .post("/v1/channels", &json!({"type": "test", "name": "desk"}))
                .await
                .expect(201)
                .json();
            let body = json!({"to": "+12025550101", "purpose": "transactional", "text": "hello"});
            let sent = tenant.admin.post("/v1/messages", &body).await.expect(202).json();
            let lane = channel["id"].as_str().unwrap().parse::<ChannelId>().unwrap().uuid();
            let key = LaneKey { kind: JobKind::MessageSend, lane };
            let (node, now) = (first.app.node(), first.clock.now());
            let until = now.plus(Duration::from_mins(1));
            let claimed = first
                .store
                .write_system(async move |tx| {
                    let claimed = tx.jobs_claim(key, 0..=2, node, now, until, 10).await?;
                    tx.commit(Audit::None("a test"), claimed)
                })
                .await
                .unwrap();
            assert_eq!(claimed.len(), 1);
            if begun {
                // What the lane writes before the first byte leaves: job and fence in the first slot.
                let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
                file.seek(SeekFrom::Start(64)).unwrap();
                file.write_all(claimed[0].id.uuid().as_bytes()).unwrap();
                file.write_all(&claimed[0].fence().to_be_bytes()).unwrap();
                file.write_all(&[0; 8]).unwrap();
            }
            let second = first.another(setup()).await;
            let client = second.nobody().with_key(Some(&tenant.admin_key));
            let message = format!("/v1/messages/{}", sent["id"].as_str().unwrap());
            let wanted = if begun { "sending" } else { "read" };
            eventually("the message to go on", async || {
                let message = client.get(&message).await.expect(200).json();
                (message["state"] == wanted && message["provider_id"].is_null() == begun).then_some(())
            })
            .await;
            second.stop().await;
        }
    }
}
