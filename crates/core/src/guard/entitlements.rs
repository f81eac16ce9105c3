//! What a workspace may use at this moment: what rides with every credential of it, so that nothing is looked up.

use super::plan::{Feature, Plan};
use super::subscription::Subscription;
use crate::error::{Code, Error};
use crate::time::Timestamp;

/// A set of features.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeatureSet(u32);

impl FeatureSet {
    pub const NONE: Self = Self(0);

    pub fn all() -> Self {
        Self::of(Feature::ALL.iter().copied())
    }

    pub fn of(features: impl IntoIterator<Item = Feature>) -> Self {
        features.into_iter().fold(Self::NONE, |set, feature| Self(set.0 | 1 << feature as u32))
    }

    pub const fn contains(self, feature: Feature) -> bool {
        self.0 & (1 << feature as u32) != 0
    }
}

/// What a workspace may use. The default, that of an operator inside it and of a fresh installation, is everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entitlements {
    pub subscription: Subscription,
    pub features: FeatureSet,
}

impl Default for Entitlements {
    fn default() -> Self {
        Self { subscription: Subscription::default(), features: FeatureSet::all() }
    }
}

/// What a route asks of them; declared where it is registered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    /// It answers whatever became of the subscription.
    pub whatever_subscription: bool,
    /// The feature that the plan must include.
    pub feature: Option<Feature>,
}

impl Entitlements {
    pub fn of(subscription: Subscription, plan: &Plan) -> Self {
        Self { subscription, features: plan.feature_set() }
    }

    /// Whether what is needed may be used at `now`.
    ///
    /// Errors: `subscription_suspended`, `plan_feature_unavailable`.
    pub fn admit(self, needs: Needs, now: Timestamp) -> Result<(), Error> {
        if !needs.whatever_subscription && !self.subscription.passes(now) {
            return Err(self.subscription.refusal());
        }
        match needs.feature.filter(|feature| !self.features.contains(*feature)) {
            Some(feature) => Err(Error::new(
                Code::PlanFeatureUnavailable,
                format!("the plan does not include {feature}: {}", feature.meaning()),
            )
            .with_details(serde_json::json!({ "feature": feature.as_str() }))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::guard::SubscriptionState;

    #[test]
    fn every_feature_has_a_place_of_its_own() {
        assert!(Feature::ALL.len() <= 32);
        for feature in Feature::ALL {
            let one = FeatureSet::of([*feature]);
            assert!(Feature::ALL.iter().all(|other| one.contains(*other) == (other == feature)));
            assert!(FeatureSet::all().contains(*feature) && !FeatureSet::NONE.contains(*feature));
        }
    }

    #[test]
    fn what_is_needed_is_asked_for() {
        let now = Timestamp::from_seconds(10);
        let plan = Plan::parse(r#"{"features":["media"]}"#).unwrap();
        let good = Entitlements::of(Subscription::default(), &plan);
        let bad = Entitlements {
            subscription: Subscription { state: SubscriptionState::Suspended, until: None },
            ..good
        };
        let code = |held: Entitlements, needs| held.admit(needs, now).map_err(|error| error.code());
        let (plain, open) = (Needs::default(), Needs { whatever_subscription: true, feature: None });
        assert_eq!((code(good, plain), code(bad, plain)), (Ok(()), Err(Code::SubscriptionSuspended)));
        assert_eq!(code(bad, open), Ok(()));
        let of = |feature| Needs { feature: Some(feature), ..open };
        assert_eq!(code(good, of(Feature::Media)), Ok(()));
        assert_eq!(code(good, of(Feature::Sso)), Err(Code::PlanFeatureUnavailable));
        assert_eq!(code(Entitlements::default(), of(Feature::Sso)), Ok(()));
    }
}
