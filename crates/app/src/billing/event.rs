//! What Stripe's events say about a subscription: the few members that are acted on, read leniently, since Stripe adds
//! members and moves them between versions of its API.

use gatepost_core::guard::SubscriptionState;
use gatepost_core::{Timestamp, WorkspaceId};
use serde_json::Value;

/// Longest id or name of theirs that is looked at, in bytes.
const NAME_MAX: usize = 255;
/// Prices of a subscription that are looked at.
const PRICES_MAX: usize = 20;
/// Events of one second in the order that they can only have happened in.
const RANKS: i64 = 8;

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub id: String,
    pub kind: String,
    pub created: Timestamp,
    /// What it asks for; `None`: nothing that concerns us.
    pub change: Option<Change>,
}

/// What an event says about a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// The subscription (`sub_…`).
    pub reference: String,
    /// The workspace that the metadata name.
    pub workspace: Option<WorkspaceId>,
    pub news: News,
    /// Its prices: ids and lookup keys, in the order that they are looked for.
    pub prices: Vec<String>,
    pub trial_end: Option<Timestamp>,
    /// Its place among all events of the subscription.
    pub place: i64,
}

/// What became of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// It is in this state.
    Is(SubscriptionState),
    /// An invoice was paid.
    Paid,
    /// An invoice could not be paid.
    Unpaid,
}

fn text<'v>(value: &'v Value, path: &str) -> Option<&'v str> {
    value.pointer(path)?.as_str().filter(|text| !text.is_empty() && text.len() <= NAME_MAX)
}

/// An id that stands by itself, or in the object that it is of.
fn id_at<'v>(value: &'v Value, path: &str) -> Option<&'v str> {
    text(value, path).or_else(|| text(value.pointer(path)?, "/id"))
}

fn state_of(status: &str) -> Option<SubscriptionState> {
    Some(match status {
        "trialing" => SubscriptionState::Trialing,
        "active" => SubscriptionState::Active,
        "past_due" => SubscriptionState::PastDue,
        // Nothing was ever paid, or nothing is asked for any more until somebody acts.
        "incomplete" | "unpaid" | "paused" => SubscriptionState::Suspended,
        "canceled" | "incomplete_expired" => SubscriptionState::Cancelled,
        _ => return None,
    })
}

impl Told {
    /// Reads the body of an event; `None` for what is none.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let event: Value = serde_json::from_slice(body).ok()?;
        let (id, kind) = (text(&event, "/id")?.to_owned(), text(&event, "/type")?.to_owned());
        let seconds = event.pointer("/created")?.as_i64().filter(|at| (0..=99_999_999_999).contains(at))?;
        let change = event.pointer("/data/object").and_then(|object| change(&kind, object, seconds));
        Some(Self { id, kind, created: Timestamp::from_seconds(seconds), change })
    }
}

fn change(kind: &str, object: &Value, seconds: i64) -> Option<Change> {
    if let Some(what) = kind.strip_prefix("customer.subscription.") {
        let rank = match what {
            "created" => 0,
            "updated" => 2,
            "paused" | "resumed" => 3,
            "deleted" => 4,
            _ => return None,
        };
        let state = match what {
            "deleted" => SubscriptionState::Cancelled,
            "paused" => SubscriptionState::Suspended,
            _ => state_of(text(object, "/status")?)?,
        };
        let items = object.pointer("/items/data").and_then(Value::as_array);
        let items = items.into_iter().flatten().take(PRICES_MAX);
        let names = items.flat_map(|item| [text(item, "/price/id"), text(item, "/price/lookup_key")]);
        return Some(Change {
            reference: text(object, "/id")?.to_owned(),
            workspace: text(object, "/metadata/gatepost_workspace").and_then(|id| id.parse().ok()),
            news: News::Is(state),
            prices: names.flatten().map(str::to_owned).collect(),
            trial_end: object.pointer("/trial_end").and_then(Value::as_i64).map(Timestamp::from_seconds),
            place: seconds * RANKS + rank,
        });
    }
    let news = match kind {
        "invoice.paid" => News::Paid,
        "invoice.payment_failed" => News::Unpaid,
        _ => return None,
    };
    // Where it is said depends on the version of Stripe's API; since 2025 it is below `parent`.
    let parent = "/parent/subscription_details";
    let reference =
        id_at(object, &format!("{parent}/subscription")).or_else(|| id_at(object, "/subscription"))?;
    let named = text(object, &format!("{parent}/metadata/gatepost_workspace"))
        .or_else(|| text(object, "/subscription_details/metadata/gatepost_workspace"));
    Some(Change {
        reference: reference.to_owned(),
        workspace: named.and_then(|id| id.parse().ok()),
        news,
        prices: Vec::new(),
        trial_end: None,
        place: seconds * RANKS + 1,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const WORKSPACE: &str = "ws_01kagq5rh8e5htqh9sk95d3x4w";

    fn told(event: &Value) -> Told {
        Told::parse(event.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_subscription_is_read() {
        let event = json!({
            "id": "evt_1", "type": "customer.subscription.updated", "created": 1_792_000_000, "livemode": true,
            "data": {"object": {
                "id": "sub_1", "status": "trialing", "trial_end": 1_792_600_000,
                "metadata": {"gatepost_workspace": WORKSPACE},
                "items": {"data": [{"price": {"id": "price_1", "lookup_key": "growth"}}, {"price": {"id": "price_2"}}]},
            }},
        });
        let change = told(&event).change.unwrap();
        assert_eq!(change.workspace, Some(WORKSPACE.parse().unwrap()));
        assert_eq!(change.news, News::Is(SubscriptionState::Trialing));
        assert_eq!(change.prices, ["price_1", "growth", "price_2"]);
        assert_eq!(change.trial_end, Some(Timestamp::from_seconds(1_792_600_000)));
        for (status, state) in [
            ("active", SubscriptionState::Active),
            ("past_due", SubscriptionState::PastDue),
            ("unpaid", SubscriptionState::Suspended),
            ("incomplete", SubscriptionState::Suspended),
            ("canceled", SubscriptionState::Cancelled),
        ] {
            let mut event = event.clone();
            event["data"]["object"]["status"] = json!(status);
            assert_eq!(told(&event).change.unwrap().news, News::Is(state), "{status}");
            event["type"] = json!("customer.subscription.deleted");
            assert_eq!(told(&event).change.unwrap().news, News::Is(SubscriptionState::Cancelled));
        }
        let mut unknown = event;
        unknown["data"]["object"]["status"] = json!("enchanted");
        assert_eq!(told(&unknown).change, None);
    }

    /// Of one second the last that can have happened stands.
    #[test]
    fn events_of_a_second_have_an_order() {
        let of = |kind: &str| {
            let object = json!({"id": "sub_1", "status": "active", "subscription": "sub_1"});
            let event = json!({"id": "evt_1", "type": kind, "created": 7, "data": {"object": object}});
            told(&event).change.unwrap().place
        };
        let kinds = [
            "customer.subscription.created",
            "invoice.paid",
            "customer.subscription.updated",
            "customer.subscription.paused",
            "customer.subscription.deleted",
        ];
        assert!(kinds.windows(2).all(|two| of(two[0]) < of(two[1])));
    }

    #[test]
    fn an_invoice_is_read_in_its_old_and_its_new_form() {
        let of = |object: Value| {
            told(&json!({"id": "evt_1", "type": "invoice.payment_failed", "created": 7, "data": {"object": object}}))
                .change
        };
        let old = json!({"subscription": "sub_1", "subscription_details": {"metadata": {"gatepost_workspace": WORKSPACE}}});
        let new = json!({"parent": {"subscription_details": {
            "subscription": {"id": "sub_1"}, "metadata": {"gatepost_workspace": WORKSPACE}}}});
        assert_eq!(of(old).unwrap(), of(new.clone()).unwrap());
        assert_eq!(of(new).unwrap().news, News::Unpaid);
        assert_eq!(of(json!({"subscription": null})), None, "an invoice without a subscription");
    }

    #[test]
    fn what_is_no_event_is_none() {
        for body in [
            "",
            "[]",
            "{}",
            r#"{"id":"evt_1","type":"x"}"#,
            r#"{"id":7,"type":"x","created":1}"#,
            r#"{"id":"evt_1","type":"x","created":-1}"#,
        ] {
            assert_eq!(Told::parse(body.as_bytes()), None, "{body}");
        }
        let other =
            told(&json!({"id": "evt_1", "type": "charge.refunded", "created": 7, "data": {"object": {}}}));
        assert_eq!(other.change, None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body: Vec<u8>, like in r#"\{"id":"e","type":"(invoice.paid|customer.subscription.(updated|x))","created":[0-9]{1,19},"data":(\{\}|\{"object":(7|\{"id":"s","status":"(active|x)","items":(7|\{"data":\[7\]\})\})\})\}"#) {
            Told::parse(&body);
            if let Some(told) = Told::parse(like.as_bytes()) {
                prop_assert!(told.created >= Timestamp::from_seconds(0));
            }
        }
    }
}
