//! How long what is kept.

use std::time::Duration;

use gatepost_testkit::{Engines, Receiver};
use serde_json::{Value, json};

use crate::support::{ALWAYS, Desk, accepted};

impl Desk {
    /// How many rows the workspace has in a table.
    async fn count(&self, table: &str) -> usize {
        self.world.rows_of(self.workspace).await[table].len()
    }

    /// How many events have their content.
    async fn contents(&self) -> usize {
        let mut found = 0;
        let (mut after, mut more) = (String::new(), true);
        while more {
            let page = self
                .admin
                .get(&format!("/v1/events?limit=100&types=message.received{after}"))
                .await
                .expect(200)
                .json();
            let events = page["data"].as_array().unwrap();
            found += events.iter().filter(|e| !e["data"].is_null()).count();
            more = !events.is_empty();
            after = format!("&after={}", page["next_cursor"].as_str().unwrap());
        }
        found
    }

    async fn retain_after(&self, hours: u64) {
        self.world.clock.advance(Duration::from_hours(hours));
        self.world.app.retain().await.unwrap();
    }
}

/// What arrived goes after 72 hours; what did not can be replayed for 30 days; then the rows go too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contents_stay_while_they_can_be_needed() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let (good, bad) = (Receiver::start().await, Receiver::start().await);
        let (well, ill) = (desk.endpoint(&good).await, desk.endpoint(&bad).await);
        good.say("thank you");
        desk.enable(&ill, false).await;
        desk.hear(250).await;
        desk.settled(&well, "sent", 250).await;
        desk.enable(&ill, true).await;
        bad.answer_always(500);
        desk.hear(4).await;
        desk.settled(&well, "sent", 254).await;
        desk.settled(&ill, "failed", 4).await;
        desk.retain_after(1).await;
        assert_eq!(desk.contents().await, 254, "nothing is old yet");
        desk.retain_after(72).await;
        assert_eq!(desk.contents().await, 4, "what is on its way keeps its content");
        let answers = desk.deliveries(&well, "").await;
        let kept = |d: &&Value| d["last_attempt"]["response"] == "shown";
        assert_eq!(answers.iter().filter(kept).count(), 4, "an answer goes with its event's content");
        assert_eq!(answers.iter().filter(|d| d["replayable"] == true).count(), 4);
        desk.spend(&ill, 4).await;
        desk.retain_after(1).await;
        assert_eq!(desk.contents().await, 4, "what is dead too");

        // A replay says what it could not send.
        desk.enable(&ill, true).await;
        let replay = desk.replay(&well, &json!({"since": ALWAYS, "only": "all"})).await;
        let done = desk.replayed(&well, &replay).await;
        assert_eq!(
            (&done["progress"]["queued"], &done["progress"]["expired"]),
            (&json!(4), &json!(250)),
            "{done}"
        );
        // Days later what is dead still arrives.
        desk.retain_after(20 * 24).await;
        bad.answer_always(200);
        let replay = desk.replay(&ill, &json!({"since": ALWAYS, "only": "failed"})).await;
        assert_eq!(desk.replayed(&ill, &replay).await["progress"]["sent"], 4);
        assert_eq!(accepted(&bad).len(), 4);
        desk.retain_after(0).await;
        assert_eq!(desk.contents().await, 0, "and then nobody needs it");

        assert_eq!(desk.received().await, 254);
        desk.retain_after(7 * 24).await;
        assert_eq!(
            (desk.received().await, desk.count("delivery").await, desk.count("attempt").await),
            (0, 0, 0)
        );
        assert_eq!(desk.count("replay").await, 2, "they are younger");
        desk.retain_after(30 * 24).await;
        assert_eq!(desk.count("replay").await, 0);
        // The log goes on where it was.
        desk.hear_after_all_is_gone().await;
        desk.settled(&well, "sent", 1).await;
        desk.stop().await;
    }
}

impl Desk {
    async fn hear_after_all_is_gone(&self) {
        self.forget();
        self.hear(1).await;
        let page = self.admin.get("/v1/events?types=message.received").await.expect(200).json();
        assert_eq!(page["data"].as_array().unwrap().len(), 1);
    }
}

/// A dead letter goes at the end of its thirty days; what is still being tried keeps its rows until it is decided.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_have_an_end() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let receiver = Receiver::start().await;
        let endpoint = desk.endpoint(&receiver).await;
        receiver.answer_always(500);
        desk.hear(3).await;
        desk.spend(&endpoint, 3).await;
        desk.retain_after(24 * 24).await;
        assert_eq!(desk.contents().await, 3);
        // On the last days one is tried again: it outlives the others.
        desk.enable(&endpoint, true).await;
        let dead = desk.deliveries(&endpoint, "").await;
        let path = format!("/v1/webhook-endpoints/{endpoint}/deliveries/{}", dead[1]["id"].as_str().unwrap());
        desk.admin.post(&format!("{path}/retry"), &json!({})).await.expect(202);
        desk.settled(&endpoint, "failed", 1).await;
        desk.retain_after(5 * 24).await;
        assert_eq!((desk.received().await, desk.count("delivery").await), (1, 1));
        desk.spend(&endpoint, 1).await;
        desk.retain_after(1).await;
        assert_eq!((desk.received().await, desk.count("attempt").await), (0, 0));
        desk.stop().await;
    }
}

/// A removed endpoint's deliveries keep no content, and leave with the rest; its secrets are erased.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removed_endpoints_leave_nothing() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let receiver = Receiver::start().await;
        let endpoint = desk.endpoint(&receiver).await;
        receiver.answer_always(500);
        desk.hear(4).await;
        desk.settled(&endpoint, "failed", 4).await;
        let path = format!("/v1/webhook-endpoints/{endpoint}");
        let rotate = json!({"overlap_seconds": 3600});
        desk.admin.post(&format!("{path}/rotate-secret"), &rotate).await.expect(200);
        let secret = async || desk.world.rows_of(desk.workspace).await["endpoint"][0].len();
        let with_both = secret().await;
        desk.retain_after(2).await;
        let with_one = secret().await;
        assert!(with_one + 100 < with_both, "{with_one} {with_both}: the old secret is erased");
        desk.admin.delete(&path).await.expect(204);
        desk.retain_after(73).await;
        assert_eq!(desk.contents().await, 0);
        assert!(secret().await + 200 < with_one, "and what the removed endpoint was set up with");
        assert_eq!(desk.count("delivery").await, 4);
        desk.retain_after(28 * 24).await;
        assert_eq!(
            (desk.count("delivery").await, desk.count("attempt").await, desk.received().await),
            (0, 0, 0)
        );
        desk.stop().await;
    }
}
