//! What people say, press and set, and what follows.

use std::time::Duration;

use gatepost_app::Visit;
use gatepost_core::ReviewId;
use gatepost_core::access::{OperatorReason, operator_permission};
use gatepost_testkit::{Engines, eventually};
use serde_json::json;

use crate::support::{PERSON, Stage, also_essential, setup, silent};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_ends_everything_but_the_essential_and_start_undoes_it() {
    for engine in Engines::available() {
        let meta = silent().await;
        let mut setup = setup(engine, &meta);
        also_essential(&mut setup);
        let stage = Stage::with(setup, meta).await;
        stage.says(PERSON, "Hello, is my parcel there?").await;
        assert!(stage.takes(PERSON, "support").await && stage.suppressions().await.is_empty());
        stage.settled().await;
        stage.says(PERSON, "STOP").await;
        for purpose in ["operational", "support", "internal_team"] {
            assert!(!stage.takes(PERSON, purpose).await, "{engine:?} {purpose}");
        }
        assert!(stage.takes(PERSON, "transactional").await, "{engine:?}: essential by configuration");
        assert!(stage.takes("+12025550178", "support").await, "{engine:?}: others");
        let found = stage.suppressions().await;
        assert_eq!(found.len(), 1);
        assert_eq!((&found[0]["source"], &found[0]["actor"]), (&json!("person"), &json!("system:guard")));
        assert_eq!(found[0]["contact"]["phone"], PERSON);
        let events = stage.events("contact.opted_out").await;
        assert_eq!(events.len(), 1);
        let choice = &events[0]["data"]["contact"]["choice"];
        assert!(choice["rule"].is_string() && choice["message_id"].is_string(), "{choice}");
        assert_eq!((&choice["withdrawn"], &choice["in_flight"]), (&json!(0), &json!(0)));
        assert!(!choice.to_string().contains("STOP"), "never the words");
        let log = Some(stage.tenant.workspace);
        assert_eq!(stage.world.audited(log, "suppression.added").await, 1);

        // Said again it changes nothing, and is told once.
        stage.says(PERSON, "stop!!").await;
        assert_eq!((stage.suppressions().await.len(), stage.events("contact.opted_out").await.len()), (1, 1));

        stage.world.clock.advance(Duration::from_secs(2));
        stage.says(PERSON, "START").await;
        assert!(stage.takes(PERSON, "support").await && stage.suppressions().await.is_empty());
        let events = stage.events("contact.opted_in").await;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0]["data"]["contact"]["choice"]["suppression_id"], found[0]["id"]);
        assert_eq!(stage.world.audited(log, "suppression.lifted").await, 1);
        stage.settled().await;
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn buttons_and_lists_count_and_groups_do_not() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let button = |n: u32| format!("+1202555{n:04}");
        let ways = [
            json!({"type": "button", "button": {"text": "No more of this", "payload": "OPT_OUT"}}),
            json!({"type": "button", "button": {"text": "Unsubscribe", "payload": "b-17"}}),
            json!({"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": "stop", "title": "Enough of this"}}}),
            json!({"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": "row-3", "title": "STOP"}}}),
            json!({"type": "image", "image": {"id": "1", "mime_type": "image/png", "caption": "stop"}}),
        ];
        for (n, way) in (0..).zip(&ways) {
            let phone = button(n);
            stage.tell(&[stage.said(Some(&phone), None, stage.now(), way.clone())]).await;
            assert!(!stage.takes(&phone, "support").await, "{engine:?} {way}");
        }
        let (group, emoji) = (button(100), button(101));
        let words = json!({"type": "text", "text": {"body": "STOP"}, "group_id": "g-1"});
        stage.tell(&[stage.said(Some(&group), None, stage.now(), words)]).await;
        let reaction = json!({"type": "reaction", "reaction": {"emoji": "🛑", "message_id": "wamid.x"}});
        stage.tell(&[stage.said(Some(&emoji), None, stage.now(), reaction)]).await;
        assert!(stage.takes(&group, "support").await && stage.takes(&emoji, "support").await);
        stage.settled().await;
        stage.stop().await;
    }
}

/// Callbacks come in any order and more than once: what was said last counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_said_last_counts() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let text = |words: &str| json!({"type": "text", "text": {"body": words}});
        let now = stage.now();
        let earlier = stage.said(Some(PERSON), None, now - 60, text("START"));
        stage.tell(&[stage.said(Some(PERSON), None, now, text("STOP"))]).await;
        stage.tell(&[earlier]).await;
        assert!(!stage.takes(PERSON, "support").await, "{engine:?}: an older START");
        // In one callback, in the wrong order.
        let (into, out) = (
            stage.said(Some(PERSON), None, now + 5, text("START")),
            stage.said(Some(PERSON), None, now + 3, text("STOP")),
        );
        stage.world.clock.advance(Duration::from_secs(10));
        stage.tell(&[into, out]).await;
        assert!(stage.takes(PERSON, "support").await, "{engine:?}: START was last");
        stage.settled().await;
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn meta_feeds_the_same_list() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let preference = |value: &str, at: i64| {
            stage.change(
                "user_preferences",
                json!({"user_preferences": [{
                    "wa_id": PERSON.trim_start_matches('+'), "category": "marketing_messages", "value": value,
                    "detail": "x", "timestamp": at,
                }]}),
            )
        };
        let now = stage.now();
        stage.tell(&[preference("stop", now - 10)]).await;
        assert!(!stage.takes(PERSON, "support").await);
        assert_eq!(stage.suppressions().await[0]["source"], "meta_preference");
        stage.tell(&[preference("resume", now - 5)]).await;
        assert!(stage.takes(PERSON, "support").await, "{engine:?}: resumed");
        // What was said in words is not undone by a setting.
        stage.tell(&[preference("stop", now - 3)]).await;
        stage.says(PERSON, "STOP").await;
        stage.tell(&[preference("resume", now + 5)]).await;
        assert!(!stage.takes(PERSON, "support").await, "{engine:?}: words stand");
        stage.world.clock.advance(Duration::from_secs(10));
        stage.says(PERSON, "START").await;
        stage.settled().await;

        // A refusal of Meta's, told by a status.
        let id = stage.accepted(PERSON, "support").await;
        let record = eventually("the message at Meta", async || {
            stage.meta.sends().into_iter().find(|s| s.opaque.as_deref() == Some(id.as_str()))
        })
        .await;
        let at = stage.now().to_string();
        let failed = json!({"statuses": [{
            "id": record.wamid, "status": "failed", "timestamp": at, "recipient_id": PERSON.trim_start_matches('+'),
            "biz_opaque_callback_data": id, "errors": [{"code": 131_050, "title": "opted out"}],
        }]});
        stage.tell(&[stage.change("messages", failed)]).await;
        assert!(!stage.takes(PERSON, "support").await, "{engine:?}: 131050");
        assert_eq!(stage.suppressions().await[0]["source"], "meta_refusal");
        assert_eq!(stage.events("contact.opted_out").await.len(), 3);
        stage.settled().await;
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_goes_out_once_and_never_in_a_circle() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        stage
            .settings(
                &json!({"opt_out_reply": "You will hear no more from us.", "opt_in_reply": "Welcome back."}),
            )
            .await;
        stage.says(PERSON, "STOP").await;
        let sent = |words: &'static str| {
            let sends = stage.meta.sends();
            sends.iter().filter(|s| String::from_utf8_lossy(&s.body).contains(words)).count()
        };
        eventually("the answer", async || (sent("hear no more") == 1).then_some(())).await;
        stage.says(PERSON, "STOP").await;
        stage.says(PERSON, "unsubscribe").await;
        stage.settled().await;
        assert_eq!(sent("hear no more"), 1, "{engine:?}: once for an opt-out");
        assert!(!stage.takes(PERSON, "operational").await, "{engine:?}: what answers is no way around");
        // A program on the other side that answers each of ours.
        for _ in 0..12 {
            stage.world.clock.advance(Duration::from_secs(2));
            stage.says(PERSON, "START").await;
            stage.world.clock.advance(Duration::from_secs(2));
            stage.says(PERSON, "STOP").await;
        }
        stage.settled().await;
        let all = sent("hear no more") + sent("Welcome back");
        assert_eq!(all, 6, "{engine:?}: so many within an hour");
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doubtful_words_wait_for_somebody() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        stage.says(PERSON, "leave me alone").await;
        let held = stage.events("policy.held").await;
        assert_eq!(held.len(), 1, "{engine:?}");
        let policy = &held[0]["data"]["policy"];
        assert!(policy["review_id"].is_string() && policy["message_id"].is_string(), "{policy}");
        assert!(!policy.to_string().contains("leave me"), "never the words");
        assert!(stage.takes(PERSON, "support").await, "{engine:?}: nothing is decided");
        // One question at a time.
        stage.says(PERSON, "leave me alone").await;
        assert_eq!(stage.events("policy.held").await.len(), 1);
        // Somebody reads it, and it was one.
        let id: ReviewId = policy["review_id"].as_str().unwrap().parse().unwrap();
        let enter = stage.world.operator::<operator_permission::WorkspaceEnter>();
        let inside =
            stage.world.app.workspace_enter(&enter, stage.tenant.workspace, Visit::InProcess).await.unwrap();
        let reason = OperatorReason::parse("they want no more").unwrap();
        stage.world.app.review_decide(&inside.grant().unwrap(), id, true, reason).await.unwrap();
        assert!(!stage.takes(PERSON, "support").await, "{engine:?}: decided");
        assert_eq!(stage.suppressions().await[0]["source"], "person");
        stage.settled().await;
        stage.stop().await;
    }
}
