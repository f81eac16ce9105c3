//! Plans: what a workspace may use, and how much of it. A plan is data.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::entitlements::FeatureSet;
use super::risk::Tuning;
use crate::Purpose;

/// What a workspace may use, and how much of it. Whatever is not said is not limited: a workspace without a plan, as on
/// a fresh installation, has [`Plan::default`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plan {
    pub limits: QuotaLimits,
    /// The preset of request limits for its keys, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<String>,
    /// What it includes; `None`: everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<BTreeSet<Feature>>,
    /// Purposes beyond those that every plan carries; each needs the person's recorded opt-in.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub purposes: BTreeSet<Purpose>,
    /// The numbers of the risk rules.
    #[serde(skip_serializing_if = "is_standard")]
    pub risk: Tuning,
    /// Days for which a subscription that is past due still passes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_days: Option<u16>,
}

/// What a plan is called: 1 to 40 of a-z, 0-9, - and _.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlanName(String);

impl PlanName {
    /// Errors: a sentence that says what is taken.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fits = (1..=40).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err("expected the name of a plan: 1 to 40 of a-z, 0-9, - and _".to_owned())
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PlanName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Most messages to people, in a day and a month of the workspace's time zone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuotaLimits {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace_day: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace_month: Option<u32>,
    /// Of each channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel_day: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel_month: Option<u32>,
}

fn is_standard(tuning: &Tuning) -> bool {
    *tuning == Tuning::default()
}

/// Days of grace where a plan says nothing.
const GRACE_DAYS: u16 = 7;
/// Longest grace.
pub const GRACE_DAYS_MAX: u16 = 90;

impl Plan {
    /// Reads a plan from JSON and checks what no shape can say.
    ///
    /// Errors: a sentence that names the member and what it takes.
    pub fn parse(json: &str) -> Result<Self, String> {
        let plan: Self = serde_json::from_str(json).map_err(|e| e.to_string())?;
        if let Some(purpose) = plan.purposes.iter().find(|purpose| !purpose.can_be_opened()) {
            return Err(if purpose.is_carried() {
                format!("purposes: every plan carries {purpose}; leave it out")
            } else {
                format!("purposes: {purpose} can be opened for no plan")
            });
        }
        if plan.grace_days.is_some_and(|days| days > GRACE_DAYS_MAX) {
            return Err(format!("grace_days: at most {GRACE_DAYS_MAX}"));
        }
        Ok(plan)
    }

    pub fn includes(&self, feature: Feature) -> bool {
        self.features.as_ref().is_none_or(|features| features.contains(&feature))
    }

    pub fn feature_set(&self) -> FeatureSet {
        match &self.features {
            Some(features) => FeatureSet::of(features.iter().copied()),
            None => FeatureSet::all(),
        }
    }

    pub fn carries(&self, purpose: Purpose) -> bool {
        purpose.is_carried() || self.purposes.contains(&purpose)
    }

    pub fn grace_days(&self) -> u16 {
        self.grace_days.unwrap_or(GRACE_DAYS)
    }
}

macro_rules! features {
    ($($(#[doc = $meaning:literal])+ $name:ident = $text:literal;)*) => {
        /// A part of Gatepost that a plan includes or not.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Feature {$($(#[doc = $meaning])+ #[serde(rename = $text)] $name,)*}

        impl Feature {
            pub const ALL: &'static [Feature] = &[$(Feature::$name,)*];

            pub const fn as_str(self) -> &'static str {
                match self {$(Feature::$name => $text,)*}
            }

            /// What it is, in one sentence.
            pub fn meaning(self) -> &'static str {
                match self {$(Feature::$name => concat!($($meaning),+).trim(),)*}
            }
        }
    };
}

features! {
    /// Files in messages: uploading and fetching them.
    Media = "media";
    /// Drafting, submitting, changing and deleting message templates here.
    Templates = "templates";
    /// Following the event log by a stream.
    EventStreams = "event_streams";
    /// Sending a stretch of the event log to an endpoint again.
    Replays = "replays";
    /// Setting up identity providers of the workspace's own to sign in with.
    Sso = "sso";
    /// Taking the audit log away as a file.
    AuditExport = "audit_export";
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn nothing_said_is_everything() {
        let plan = Plan::parse("{}").unwrap();
        assert_eq!(plan, Plan::default());
        assert!(Feature::ALL.iter().all(|f| plan.includes(*f)));
        assert!(Purpose::ALL.iter().all(|p| plan.carries(*p)));
        assert!(Purpose::REFUSED.iter().all(|p| !plan.carries(*p)));
    }

    #[test]
    fn a_plan_says_what_it_limits() {
        let text = r#"{"limits":{"workspace_day":100,"channel_month":5},"features":["media"],"purposes":["marketing"],"grace_days":3}"#;
        let plan = Plan::parse(text).unwrap();
        assert!(plan.includes(Feature::Media) && !plan.includes(Feature::Sso));
        assert!(plan.carries(Purpose::Marketing) && !plan.carries(Purpose::Political));
        assert_eq!(
            (plan.limits.workspace_day, plan.limits.channel_month, plan.grace_days()),
            (Some(100), Some(5), 3)
        );
        assert_eq!(Plan::parse(&serde_json::to_string(&plan).unwrap()).unwrap(), plan);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (text, word) in [
            (r#"{"limit":{}}"#, "unknown field"),
            (r#"{"purposes":["cold_outreach"]}"#, "no plan"),
            (r#"{"purposes":["unknown"]}"#, "no plan"),
            (r#"{"purposes":["support"]}"#, "every plan"),
            (r#"{"features":["teleport"]}"#, "teleport"),
            (r#"{"grace_days":400}"#, "at most"),
            (r#"{"limits":{"workspace_day":-1}}"#, "-1"),
        ] {
            let refused = Plan::parse(text).unwrap_err();
            assert!(refused.contains(word), "{text}: {refused}");
        }
    }
}
