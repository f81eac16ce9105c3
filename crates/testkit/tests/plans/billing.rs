//! The one who bills drives subscriptions, by events that are signed, taken once, and never go backwards.

use std::collections::BTreeMap;
use std::time::Duration;

use gatepost_app::BillingConfig;
use gatepost_core::guard::PlanName;
use gatepost_core::{Clock as _, WorkspaceId};
use gatepost_testkit::{Answer, Engines, Setup};
use gatepost_vault::StripeSecret;
use serde_json::{Value, json};

use crate::support::Desk;

const PATH: &str = "/hooks/billing/stripe";

fn secret() -> StripeSecret {
    StripeSecret::new(&format!("whsec_{}", "0123456789abcdef".repeat(2))).unwrap()
}

struct Billed {
    desk: Desk,
    secret: StripeSecret,
}

impl Billed {
    async fn start(engine: Engines) -> Self {
        let mut setup = Setup::new(engine);
        setup.workers = false;
        let prices = BTreeMap::from([("price_big".to_owned(), PlanName::parse("big").unwrap())]);
        setup.config.billing = Some(BillingConfig { secret: secret(), prices });
        let desk = Desk::with(setup).await;
        for name in ["growth", "big"] {
            desk.done("PUT", &format!("/operator/v1/plans/{name}"), Some(&json!({"grace_days": 5}))).await;
        }
        Self { desk, secret: secret() }
    }

    async fn deliver(&self, event: &Value) -> Answer {
        let body = event.to_string();
        let signature = self.secret.sign(body.as_bytes(), self.desk.world.clock.now());
        let headers = [("stripe-signature", signature.as_str()), ("content-type", "application/json")];
        self.desk.world.nobody().raw("POST", PATH, &headers, Some(body.into_bytes())).await
    }

    async fn take(&self, event: &Value) {
        self.deliver(event).await.expect(200);
    }

    async fn standing(&self, workspace: WorkspaceId) -> Value {
        let path = format!("/operator/v1/workspaces/{workspace}");
        self.desk.done("GET", &path, None).await["standing"].clone()
    }

    async fn state(&self, workspace: WorkspaceId) -> (String, Value) {
        let standing = self.standing(workspace).await;
        (standing["subscription"].as_str().unwrap().to_owned(), standing["plan"].clone())
    }

    fn seconds(&self) -> i64 {
        self.desk.world.clock.now().seconds()
    }
}

fn subscription(
    id: &str,
    kind: &str,
    at: i64,
    workspace: Option<WorkspaceId>,
    status: &str,
    price: &str,
) -> Value {
    let metadata = workspace.map_or(json!({}), |id| json!({"gatepost_workspace": id.to_string()}));
    let (price_id, lookup) =
        if price.starts_with("price_") { (price, Value::Null) } else { ("price_x", json!(price)) };
    json!({
        "id": id, "object": "event", "type": format!("customer.subscription.{kind}"), "created": at,
        "data": {"object": {
            "id": "sub_1", "status": status, "metadata": metadata, "trial_end": null,
            "items": {"data": [{"price": {"id": price_id, "lookup_key": lookup}}]},
        }},
    })
}

fn invoice(id: &str, kind: &str, at: i64) -> Value {
    json!({
        "id": id, "type": format!("invoice.{kind}"), "created": at,
        "data": {"object": {"id": "in_1", "parent": {"subscription_details": {"subscription": "sub_1"}}}},
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_goes_its_way() {
    for engine in Engines::available() {
        let billed = Billed::start(engine).await;
        let tenant = billed.desk.world.tenant("Example Ltd").await;
        let (own, now) = (tenant.workspace, billed.seconds());
        let active = ("active".to_owned(), json!("growth"));
        billed.take(&subscription("evt_1", "created", now, Some(own), "active", "growth")).await;
        assert_eq!(billed.state(own).await, active, "{engine:?}");
        // From here on the subscription is known by its own name.
        billed.take(&invoice("evt_2", "payment_failed", now + 10)).await;
        let late = billed.standing(own).await;
        let until = gatepost_core::Timestamp::from_seconds(now + 10).plus(Duration::from_hours(5 * 24));
        assert_eq!(
            (&late["subscription"], &late["subscription_until"]),
            (&json!("past_due"), &json!(until.to_string()))
        );
        tenant.admin.get("/v1/channels").await.expect(200);
        billed.take(&invoice("evt_3", "payment_failed", now + 50)).await;
        assert_eq!(
            billed.standing(own).await["subscription_until"],
            json!(until.to_string()),
            "grace begins once"
        );
        billed.take(&invoice("evt_4", "paid", now + 60)).await;
        assert_eq!(billed.state(own).await, active);
        billed.take(&subscription("evt_5", "updated", now + 70, None, "active", "price_big")).await;
        assert_eq!(billed.state(own).await, ("active".to_owned(), json!("big")));
        // A price that says nothing leaves the plan as it is.
        billed.take(&subscription("evt_6", "updated", now + 80, None, "unpaid", "no-such-plan")).await;
        assert_eq!(billed.state(own).await, ("suspended".to_owned(), json!("big")));
        assert_eq!(tenant.admin.get("/v1/channels").await.code(), "subscription_suspended");
        billed.take(&subscription("evt_7", "resumed", now + 90, None, "active", "growth")).await;
        assert_eq!(billed.state(own).await, active);
        tenant.admin.get("/v1/channels").await.expect(200);
        billed.take(&subscription("evt_8", "deleted", now + 100, None, "canceled", "growth")).await;
        assert_eq!(billed.state(own).await.0, "cancelled");
        assert_eq!(billed.desk.world.audited(Some(own), "subscription.changed").await, 5, "{engine:?}");
        assert_eq!(billed.desk.world.audited(Some(own), "workspace.plan_changed").await, 3, "{engine:?}");
        billed.desk.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_come_twice_late_and_for_others() {
    for engine in Engines::available() {
        let billed = Billed::start(engine).await;
        let tenant = billed.desk.world.tenant("Example Ltd").await;
        let other = billed.desk.world.tenant("Other Ltd").await;
        let (own, now) = (tenant.workspace, billed.seconds());
        let first = subscription("evt_1", "created", now, Some(own), "active", "growth");
        billed.take(&first).await;
        let suspended = subscription("evt_2", "updated", now + 10, None, "unpaid", "growth");
        billed.take(&suspended).await;
        assert_eq!(billed.state(own).await.0, "suspended");
        // Once more, and under another id but earlier: nothing goes back.
        billed.take(&first).await;
        billed.take(&subscription("evt_3", "updated", now + 5, None, "active", "growth")).await;
        assert_eq!(billed.state(own).await.0, "suspended", "{engine:?}");
        // Within a second the end is the last.
        billed.take(&subscription("evt_4", "deleted", now + 20, None, "canceled", "growth")).await;
        billed.take(&subscription("evt_5", "updated", now + 20, None, "active", "growth")).await;
        assert_eq!(billed.state(own).await.0, "cancelled");
        // Metadata that name another workspace change neither.
        billed
            .take(&subscription("evt_6", "updated", now + 30, Some(other.workspace), "active", "growth"))
            .await;
        assert_eq!(billed.state(own).await.0, "cancelled");
        assert_eq!(billed.state(other.workspace).await, ("active".to_owned(), Value::Null));
        // Another subscription takes over; then the end of the old one ends nothing.
        let mut second = subscription("evt_7", "created", now + 40, Some(own), "active", "big");
        second["data"]["object"]["id"] = json!("sub_2");
        billed.take(&second).await;
        assert_eq!(billed.state(own).await, ("active".to_owned(), json!("big")));
        let mut old = subscription("evt_8", "deleted", now + 50, Some(own), "canceled", "growth");
        billed.take(&old).await;
        assert_eq!(billed.state(own).await.0, "active", "{engine:?}");
        // Nobody's, and of kinds that we do not act on: taken and left.
        old["id"] = json!("evt_9");
        old["data"]["object"]["id"] = json!("sub_nobody");
        old["data"]["object"]["metadata"] = json!({});
        billed.take(&old).await;
        billed
            .take(&json!({"id": "evt_10", "type": "charge.refunded", "created": now, "data": {"object": {}}}))
            .await;
        billed.desk.world.stop().await;
    }
}

/// However many bring an event at once, it is acted on once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_ten_times_at_once_is_one() {
    for engine in Engines::available() {
        let billed = Billed::start(engine).await;
        let tenant = billed.desk.world.tenant("Example Ltd").await;
        let event =
            subscription("evt_1", "created", billed.seconds(), Some(tenant.workspace), "unpaid", "growth");
        for answer in futures_util::future::join_all((0..10).map(|_| billed.deliver(&event))).await {
            answer.expect(200);
        }
        assert_eq!(
            billed.desk.world.audited(Some(tenant.workspace), "subscription.changed").await,
            1,
            "{engine:?}"
        );
        billed.desk.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_signed_is_believed() {
    for engine in Engines::available() {
        let billed = Billed::start(engine).await;
        let tenant = billed.desk.world.tenant("Example Ltd").await;
        let now = billed.desk.world.clock.now();
        let event =
            subscription("evt_1", "deleted", now.seconds(), Some(tenant.workspace), "canceled", "growth");
        let body = event.to_string();
        let good = billed.secret.sign(body.as_bytes(), now);
        let old = billed.secret.sign(body.as_bytes(), now.minus(Duration::from_mins(6)));
        let other = StripeSecret::new("whsec_other").unwrap().sign(body.as_bytes(), now);
        let nobody = billed.desk.world.nobody();
        for (signature, body) in
            [(Some(old), &body), (Some(other), &body), (None, &body), (Some(good), &format!("{body} "))]
        {
            let headers: Vec<(&str, &str)> =
                signature.iter().map(|s| ("stripe-signature", s.as_str())).collect();
            let answer = nobody.raw("POST", PATH, &headers, Some(body.clone().into_bytes())).await;
            assert_eq!(answer.code(), "signature_invalid", "{}", answer.text);
        }
        assert_eq!(billed.state(tenant.workspace).await.0, "active");
        billed.desk.world.app.refusals_settle().await;
        assert!(billed.desk.world.audited(None, "billing.refused").await >= 1, "{engine:?}");
        let nonsense = billed.deliver(&json!({"hello": "world"})).await;
        assert_eq!((nonsense.status, nonsense.code().as_str()), (400, "invalid_json"));
        billed.desk.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_bills_there_is_no_such_path() {
    let desk = Desk::start(Engines::Sqlite).await;
    let answer = desk.world.nobody().raw("POST", PATH, &[], Some(b"{}".to_vec())).await;
    assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"));
    desk.world.stop().await;
}
