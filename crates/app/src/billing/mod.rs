//! The one who bills drives subscriptions: Stripe's events, verified, taken once, and never backwards.
//!
//! Threat note. Defends against: events that Stripe did not sign (see `gatepost_vault::stripe`; without a secret there is
//! no such route), one event acted on twice (its id is taken in the same transaction), a late event that undoes a newer
//! one (each has a place among those of its subscription), the end of a subscription that was replaced ending its
//! successor, metadata that name another workspace than the one the subscription is known to be of.
//! Does not defend against: whoever holds the endpoint's secret, or may write at Stripe.

mod event;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use gatepost_core::access::Actor;
use gatepost_core::audit::{Action, Audit, AuditEntry};
use gatepost_core::guard::{Plan, PlanName, Subscription, SubscriptionState};
use gatepost_core::{Code, Error, Result, Timestamp, WorkspaceId};
use gatepost_store::{BillingRow, StandingRow, SystemTx};
use gatepost_vault::StripeSecret;

use self::event::{Change, News, Told};
use crate::App;

/// How the one who bills is believed, and what its prices are here.
#[derive(Debug, Clone)]
pub struct BillingConfig {
    pub secret: StripeSecret,
    /// Plans by the id or lookup key of a price. A lookup key that is the name of a plan needs no entry.
    pub prices: BTreeMap<String, PlanName>,
}

/// An event whose signature was verified. Only [`App::billing_verify`] makes one.
pub struct VerifiedBilling(Bytes);

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Applied,
    Unchanged,
    Duplicate,
    OutOfOrder,
    OtherSubscription,
    OtherWorkspace,
    NoWorkspace,
    NotForUs,
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Duplicate => "duplicate",
            Self::OutOfOrder => "out_of_order",
            Self::OtherSubscription => "other_subscription",
            Self::OtherWorkspace => "other_workspace",
            Self::NoWorkspace => "no_workspace",
            Self::NotForUs => "not_for_us",
        }
    }
}

/// Counts an event by what became of it.
fn count(result: &'static str) {
    metrics::counter!("gatepost_billing_events_total", "result" => result).increment(1);
}

/// The subscription after the news. `grace` counts from the time of the event, once.
fn after(was: Subscription, change: &Change, created: Timestamp, plan: &Plan) -> Subscription {
    let grace = std::time::Duration::from_hours(24 * u64::from(plan.grace_days()));
    let past_due = || Subscription {
        state: SubscriptionState::PastDue,
        until: match was {
            Subscription { state: SubscriptionState::PastDue, until: Some(until) } => Some(until),
            _ => Some(created.plus(grace)),
        },
    };
    let plainly = |state| Subscription { state, until: None };
    match (change.news, was.state) {
        // That the trial is over is told by another event, which may be late.
        (News::Is(SubscriptionState::Trialing), _) => Subscription {
            state: SubscriptionState::Trialing,
            until: change.trial_end.map(|end| end.plus(grace)),
        },
        (News::Is(SubscriptionState::PastDue), _)
        | (News::Unpaid, SubscriptionState::Active | SubscriptionState::Trialing) => past_due(),
        (News::Is(state), _) => plainly(state),
        (News::Paid, SubscriptionState::PastDue) => plainly(SubscriptionState::Active),
        (News::Paid | News::Unpaid, _) => was,
    }
}

impl App {
    /// Whether the one who bills is believed at all.
    ///
    /// Errors: `not_found` where no secret is configured; `signature_invalid`.
    pub fn billing_verify(&self, raw: Bytes, signature: &str) -> Result<VerifiedBilling> {
        let config = self.0.config.billing.as_ref().ok_or_else(|| Error::of(Code::NotFound))?;
        if config.secret.verify(&raw, signature, self.now()) {
            return Ok(VerifiedBilling(raw));
        }
        count("signature_invalid");
        tracing::warn!("a billing event with a missing, wrong or old signature was refused");
        Err(Error::of(Code::SignatureInvalid))
    }

    /// Whether billing events are taken here.
    pub fn billing_is_on(&self) -> bool {
        self.0.config.billing.is_some()
    }

    /// Acts on an event, once.
    ///
    /// Errors: `invalid_json` for what is no event.
    pub async fn billing_accept(&self, verified: VerifiedBilling) -> Result<()> {
        let Some(told) = Told::parse(&verified.0) else {
            count("not_an_event");
            return Err(Error::new(Code::InvalidJson, "the body is no event of Stripe's"));
        };
        let told = Arc::new(told);
        let (app, now, event) = (self.clone(), self.now(), Arc::clone(&told));
        let (outcome, epoch) = self
            .0
            .store
            .write_system(async move |tx| {
                if !tx.billing_event_add(&event.id, &event.kind, event.created, now).await? {
                    return tx.commit(Audit::None("taken before"), (Outcome::Duplicate, None));
                }
                let outcome = match &event.change {
                    Some(change) => app.billing_apply(tx, &event, change, now).await?,
                    None => Outcome::NotForUs,
                };
                tx.billing_event_end(&event.id, outcome.as_str()).await?;
                let epoch = match outcome {
                    Outcome::Applied => Some(tx.credential_epoch_raise().await?),
                    _ => None,
                };
                tx.commit(Audit::None("what is changed is in the workspace's own log"), (outcome, epoch))
            })
            .await?;
        count(outcome.as_str());
        tracing::info!(event = %told.id, kind = %told.kind, outcome = outcome.as_str(), "a billing event was taken");
        match epoch {
            Some(epoch) => self.await_epoch(epoch).await,
            None => Ok(()),
        }
    }

    async fn billing_apply(
        &self,
        tx: &SystemTx<'_>,
        told: &Told,
        change: &Change,
        now: Timestamp,
    ) -> Result<Outcome> {
        let known = tx.billing_workspace(&change.reference).await?;
        let workspace = match (known, change.workspace) {
            (Some(known), Some(named)) if known != named => return Ok(Outcome::OtherWorkspace),
            (Some(workspace), _) | (None, Some(workspace)) => workspace,
            (None, None) => return Ok(Outcome::NoWorkspace),
        };
        let plan_name = self.billing_plan(tx, change).await?;
        let Some(was) = tx.standing_hold(workspace).await? else { return Ok(Outcome::NoWorkspace) };
        let billing = tx.billing_get(workspace).await?;
        let another = billing.reference.as_ref().is_some_and(|reference| *reference != change.reference);
        let begins = matches!(
            change.news,
            News::Is(SubscriptionState::Active | SubscriptionState::Trialing | SubscriptionState::PastDue)
        );
        if another && !begins {
            return Ok(Outcome::OtherSubscription);
        }
        if billing.at.is_some_and(|at| change.place < at) {
            return Ok(Outcome::OutOfOrder);
        }
        let plan = plan_name.as_ref().map(|name| name.as_str().to_owned()).or_else(|| was.plan.clone());
        let rules = self.billing_rules(tx, plan.as_deref()).await?;
        let subscription = after(was.subscription, change, told.created, &rules);
        let since =
            if subscription.state == was.subscription.state { was.subscription_since } else { Some(now) };
        let new = StandingRow { plan, subscription, subscription_since: since, ..was.clone() };
        let reference = Some(change.reference.clone());
        tx.billing_set(workspace, &BillingRow { reference, at: Some(change.place) }).await?;
        if new == was {
            return Ok(Outcome::Unchanged);
        }
        tx.standing_set(workspace, &new).await?;
        tx.audit_add(workspace, &self.billing_entries(told, workspace, &was, &new)).await?;
        Ok(Outcome::Applied)
    }

    /// The entries that tell of a change, in the workspace's own log.
    fn billing_entries(
        &self,
        told: &Told,
        workspace: WorkspaceId,
        was: &StandingRow,
        new: &StandingRow,
    ) -> Vec<AuditEntry> {
        let entry = |action| {
            let target = ("workspace", workspace.to_string());
            let mut entry = self.audit_entry(Actor::System("billing"), action, target);
            entry.details.push(("event", told.id.clone()));
            entry.details.push(("type", told.kind.clone()));
            entry
        };
        let mut entries = Vec::new();
        if was.subscription != new.subscription {
            let (before, after) = (was.subscription.said(), new.subscription.said());
            entries.push(entry(Action::SubscriptionChanged).changed("subscription", before, after));
        }
        if was.plan != new.plan {
            let name = |plan: &Option<String>| plan.clone().unwrap_or_default();
            entries.push(entry(Action::WorkspacePlanChanged).changed(
                "plan",
                name(&was.plan),
                name(&new.plan),
            ));
        }
        entries
    }

    /// The plan that a subscription's prices stand for; `None`: none of them says.
    async fn billing_plan(&self, tx: &SystemTx<'_>, change: &Change) -> Result<Option<PlanName>> {
        let Some(config) = &self.0.config.billing else { return Ok(None) };
        for price in &change.prices {
            let Some(name) = config.prices.get(price).cloned().or_else(|| PlanName::parse(price).ok()) else {
                continue;
            };
            if tx.plan_hold(&name).await?.is_some() {
                return Ok(Some(name));
            }
            if config.prices.contains_key(price) {
                tracing::error!(%price, plan = %name, "a price stands for a plan that does not exist; the workspace keeps its own");
            }
        }
        Ok(None)
    }

    /// The rules of a plan, or of the default one.
    async fn billing_rules(&self, tx: &SystemTx<'_>, name: Option<&str>) -> Result<Plan> {
        let default = self.default_plan();
        let Some(name) = name.or(default.as_deref()).and_then(|name| PlanName::parse(name).ok()) else {
            return Ok(Plan::default());
        };
        // Read, and not held: whoever gives plans holds the plan before the workspace.
        let row = tx.plan_get(&name).await?;
        row.map_or(Ok(Plan::default()), |row| Plan::parse(&row.body).map_err(Error::internal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(news: News) -> Change {
        Change {
            reference: "sub_1".to_owned(),
            workspace: None,
            news,
            prices: Vec::new(),
            trial_end: Some(Timestamp::from_seconds(1_000_000)),
            place: 0,
        }
    }

    #[test]
    fn news_lead_from_state_to_state() {
        use SubscriptionState::{Active, Cancelled, PastDue, Suspended, Trialing};
        let (at, week) = (Timestamp::from_seconds(500), 7 * 86_400);
        let plan = Plan::default();
        let go = |was: Subscription, news| after(was, &change(news), at, &plan);
        let of = |state| Subscription { state, until: None };
        let until = |state, seconds| Subscription { state, until: Some(Timestamp::from_seconds(seconds)) };

        assert_eq!(go(of(Active), News::Is(Trialing)), until(Trialing, 1_000_000 + week));
        assert_eq!(go(of(Trialing), News::Is(Active)), of(Active));
        assert_eq!(go(of(Active), News::Is(PastDue)), until(PastDue, 500 + week));
        assert_eq!(go(of(Active), News::Unpaid), until(PastDue, 500 + week));
        // Grace begins once, however often a payment fails.
        let late = until(PastDue, 77);
        assert_eq!((go(late, News::Unpaid), go(late, News::Is(PastDue))), (late, late));
        assert_eq!((go(late, News::Paid), go(late, News::Is(Active))), (of(Active), of(Active)));
        // The first invoice of a trial is paid with nothing, and ends no trial.
        assert_eq!(go(until(Trialing, 9), News::Paid), until(Trialing, 9));
        for over in [Suspended, Cancelled] {
            assert_eq!((go(of(over), News::Paid), go(of(over), News::Unpaid)), (of(over), of(over)));
            assert_eq!(go(of(Active), News::Is(over)), of(over));
            assert_eq!(go(of(over), News::Is(Active)), of(Active));
        }
    }
}
