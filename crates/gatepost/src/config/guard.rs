//! `[guard]` and `[billing]`: what may be sent, the default plan, the rules for acceptable use, and the one who bills.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gatepost_app::{AcceptableUse, BillingConfig, GuardConfig};
use gatepost_core::Secret;
use gatepost_core::guard::PlanName;
use gatepost_vault::StripeSecret;
use serde::Deserialize;

use super::choices::{essential_purposes, own_keywords};
use crate::failure::{Failure, Result};

/// Longest rules, bytes; they are shown on a page.
const RULES_MAX: u64 = 100_000;
/// Longest time that something may wait for a person, hours: thirty days.
const REVIEW_HOURS_MAX: u32 = 720;
/// Longest secret, bytes.
const SECRET_MAX: u64 = 4_096;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Guard {
    pub essential_purposes: Option<Vec<String>>,
    pub opt_out_keywords: Vec<String>,
    pub opt_in_keywords: Vec<String>,
    pub default_plan: Option<String>,
    pub acceptable_use_file: Option<PathBuf>,
    pub review_hours: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Billing {
    pub stripe_webhook_secret_file: Option<PathBuf>,
    pub prices: BTreeMap<String, String>,
}

fn plan(key: &str, name: &str) -> Result<PlanName> {
    PlanName::parse(name).map_err(|why| Failure::usage(format!("{key}: {why}")))
}

fn read(key: &str, path: &Path, max: u64) -> Result<String> {
    let fail = |why: &dyn std::fmt::Display| {
        Failure::usage(format!("{key}: {} cannot be used: {why}", path.display()))
    };
    let file = std::fs::File::open(path).map_err(|e| fail(&e))?;
    let mut text = String::new();
    file.take(max + 1).read_to_string(&mut text).map_err(|e| fail(&e))?;
    if text.trim().is_empty() {
        return Err(fail(&"it is empty"));
    }
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > max {
        return Err(fail(&format_args!("it is longer than {max} bytes")));
    }
    Ok(text)
}

/// The section as the application takes it.
///
/// Errors: a name that no plan can have, what is no keyword and no purpose; a file that cannot be read.
pub fn guard_config(guard: &Guard) -> Result<GuardConfig> {
    let default_plan = match guard.default_plan.as_deref() {
        Some(name) => Some(Arc::from(plan("guard.default_plan", name)?.as_str())),
        None => None,
    };
    let acceptable_use = match &guard.acceptable_use_file {
        Some(path) => {
            let text = read("guard.acceptable_use_file", path, RULES_MAX)?;
            Some(Arc::new(AcceptableUse::new(text.trim().to_owned())))
        }
        None => None,
    };
    let usual = GuardConfig::default();
    let essential = match &guard.essential_purposes {
        Some(names) => essential_purposes(names)?,
        None => usual.essential,
    };
    let review_for = match guard.review_hours {
        None => usual.review_for,
        Some(hours @ 1..=REVIEW_HOURS_MAX) => Duration::from_hours(hours.into()),
        Some(_) => {
            return Err(Failure::usage(format!("guard.review_hours: expected 1 to {REVIEW_HOURS_MAX}")));
        }
    };
    let keywords = own_keywords(&guard.opt_out_keywords, &guard.opt_in_keywords)?;
    Ok(GuardConfig { essential, keywords, default_plan, acceptable_use, review_for, ..usual })
}

/// The section as the application takes it. `None`: nobody is believed to bill.
///
/// Errors: prices without a secret, a name that no plan can have, a file that cannot be read.
pub fn billing_config(billing: &Billing) -> Result<Option<BillingConfig>> {
    let Some(path) = &billing.stripe_webhook_secret_file else {
        return if billing.prices.is_empty() {
            Ok(None)
        } else {
            Err(Failure::usage("billing.prices: nobody bills without billing.stripe_webhook_secret_file"))
        };
    };
    let key = "billing.stripe_webhook_secret_file";
    let text = Secret::new(read(key, path, SECRET_MAX)?);
    let first = text.expose().lines().next().unwrap_or_default();
    let secret = StripeSecret::new(first).ok_or_else(|| {
        Failure::usage(format!("{key}: {} cannot be used: its first line is empty", path.display()))
    })?;
    let prices = billing
        .prices
        .iter()
        .map(|(price, name)| Ok((price.clone(), plan(&format!("billing.prices.{price}"), name)?)))
        .collect::<Result<_>>()?;
    Ok(Some(BillingConfig { secret, prices }))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn nothing_said_is_nothing_asked() {
        let guard = guard_config(&Guard::default()).unwrap();
        assert!(guard.default_plan.is_none() && guard.acceptable_use.is_none());
        assert!(billing_config(&Billing::default()).unwrap().is_none());
    }

    #[test]
    fn files_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let (rules, secret) = (directory.path().join("rules.txt"), directory.path().join("secret"));
        std::fs::write(&rules, "Be kind.\n").unwrap();
        std::fs::write(&secret, "whsec_abc\nanother line\n").unwrap();
        let guard = Guard {
            default_plan: Some("free".to_owned()),
            acceptable_use_file: Some(rules.clone()),
            ..Guard::default()
        };
        let read = guard_config(&guard).unwrap();
        assert_eq!(read.default_plan.as_deref(), Some("free"));
        let first = read.acceptable_use.unwrap();
        assert_eq!((first.text.as_str(), first.version.len()), ("Be kind.", 16));
        std::fs::write(&rules, "Be very kind.\n").unwrap();
        assert_ne!(guard_config(&guard).unwrap().acceptable_use.unwrap().version, first.version);

        let prices = BTreeMap::from([("price_1".to_owned(), "growth".to_owned())]);
        let billing = Billing { stripe_webhook_secret_file: Some(secret.clone()), prices };
        let config = billing_config(&billing).unwrap().unwrap();
        assert_eq!(config.prices["price_1"].as_str(), "growth");
        std::fs::write(&secret, "\nwhsec_abc").unwrap();
        let said = billing_config(&billing).unwrap_err().to_string();
        assert!(said.contains("first line is empty") && !said.contains("whsec_abc"), "{said}");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let name = |name: &str| Guard { default_plan: Some(name.to_owned()), ..Guard::default() };
        assert!(guard_config(&name("Free Plan")).is_err() && guard_config(&name("")).is_err());
        let hours = |hours| guard_config(&Guard { review_hours: Some(hours), ..Guard::default() });
        assert_eq!(hours(24).unwrap().review_for, Duration::from_hours(24));
        assert!(hours(0).is_err() && hours(REVIEW_HOURS_MAX + 1).is_err());
        let nowhere = Some(PathBuf::from("/nowhere/at/all"));
        assert!(guard_config(&Guard { acceptable_use_file: nowhere.clone(), ..Guard::default() }).is_err());
        let alone = Billing {
            prices: BTreeMap::from([("price_1".to_owned(), "growth".to_owned())]),
            ..Billing::default()
        };
        assert!(billing_config(&alone).is_err());
        assert!(
            billing_config(&Billing { stripe_webhook_secret_file: nowhere, ..Billing::default() }).is_err()
        );
    }
}
