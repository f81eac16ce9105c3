//! What a workspace sets for its verifications.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::fraud::{Country, FraudRules, Limits, Pumping, cool_downs_check};
use super::{CodeLength, CodeText, TRIES_MAX, TTL_MAX, TTL_MIN, VerificationDefaults};
use crate::content::TemplateName;
use crate::text;

/// Longest name of an app, in characters.
pub const APP_NAME_MAX: usize = 60;

/// What a workspace sets. `None` is the usual, whatever that will be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VerificationSettings {
    /// The name of a template; `None`: the newest approved one that fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// With the places `{code}`, `{ttl}` and `{app}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_name: Option<String>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_length: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tries: Option<u32>,
    /// Codes go to them, beside those in which somebody was verified before.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub allowed_countries: BTreeSet<Country>,
    /// Codes never go to them.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub blocked_countries: BTreeSet<Country>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cool_downs: Option<Vec<u32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Limits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_ip: Option<Limits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<Limits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<Limits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pumping: Option<PumpingChoice>,
}

/// Whether ranges of numbers are judged, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PumpingChoice {
    Off,
    By(Pumping),
}

/// What is wrong: a JSON pointer, and a sentence that says what it takes.
type Wrong = (String, String);

impl VerificationSettings {
    /// Checks what no shape can say.
    ///
    /// Errors: the member as a JSON pointer, and a sentence that says what it takes.
    pub fn check(&self) -> Result<(), Wrong> {
        let at = |member: &str, detail: String| (format!("/{member}"), detail);
        if let Some(template) = &self.template {
            TemplateName::parse(template.clone()).map_err(|detail| at("template", detail))?;
        }
        if let Some(words) = &self.text {
            CodeText::parse(words.clone()).map_err(|detail| at("text", detail))?;
        }
        if let Some(name) = &self.app_name {
            let read = text::name(name, APP_NAME_MAX).map_err(|detail| at("app_name", detail))?;
            if read != *name {
                return Err(at("app_name", "expected no blanks around it".to_owned()));
            }
        }
        if let Some(seconds) = self.ttl {
            let span = Duration::from_secs(seconds.into());
            if !(TTL_MIN..=TTL_MAX).contains(&span) {
                let taken = format!("expected seconds from {} to {}", TTL_MIN.as_secs(), TTL_MAX.as_secs());
                return Err(at("ttl", taken));
            }
        }
        if let Some(length) = self.code_length {
            CodeLength::new(length.into()).map_err(|detail| at("code_length", detail.to_owned()))?;
        }
        if self.max_tries.is_some_and(|tries| !(1..=u32::from(TRIES_MAX)).contains(&tries)) {
            return Err(at("max_attempts", format!("expected 1 to {TRIES_MAX}")));
        }
        if let Some(both) = self.allowed_countries.intersection(&self.blocked_countries).next() {
            return Err(at("blocked_countries", format!("{both} is among the allowed ones, too")));
        }
        self.check_rules()
    }

    fn check_rules(&self) -> Result<(), Wrong> {
        if let Some(steps) = &self.cool_downs {
            cool_downs_check(steps).map_err(|detail| ("/cool_downs".to_owned(), detail))?;
        }
        for (name, limits) in [
            ("phone", self.phone),
            ("client_ip", self.client_ip),
            ("range", self.range),
            ("workspace", self.workspace),
        ] {
            let checked = limits.unwrap_or_default().check();
            checked.map_err(|(member, detail)| (format!("/velocity/{name}/{member}"), detail))?;
        }
        match &self.pumping {
            Some(PumpingChoice::By(pumping)) => {
                pumping.check().map_err(|(member, detail)| (format!("/pumping/{member}"), detail))
            }
            _ => Ok(()),
        }
    }

    /// What a verification is made with where its request does not say. What is set was checked; what is damaged is the
    /// usual.
    pub fn defaults(&self) -> VerificationDefaults {
        let usual = VerificationDefaults::default();
        let text = self.text.clone().and_then(|text| CodeText::parse(text).ok());
        let tries = self.max_tries.and_then(|tries| u8::try_from(tries).ok());
        VerificationDefaults {
            template: self.template.clone(),
            text: text.unwrap_or(usual.text),
            app_name: self.app_name.clone(),
            ttl: self.ttl.map_or(usual.ttl, |seconds| Duration::from_secs(seconds.into())),
            code_length: self
                .code_length
                .and_then(|length| CodeLength::new(length.into()).ok())
                .unwrap_or(usual.code_length),
            max_tries: tries.unwrap_or(usual.max_tries),
        }
    }

    /// The rules: the workspace's own where it set any, else the usual.
    pub fn rules(&self, usual: &FraudRules) -> FraudRules {
        FraudRules {
            cool_downs: self.cool_downs.clone().unwrap_or_else(|| usual.cool_downs.clone()),
            phone: self.phone.unwrap_or(usual.phone),
            client_ip: self.client_ip.unwrap_or(usual.client_ip),
            range: self.range.unwrap_or(usual.range),
            workspace: self.workspace.unwrap_or(usual.workspace),
            pumping: match &self.pumping {
                None => usual.pumping.clone(),
                Some(PumpingChoice::Off) => None,
                Some(PumpingChoice::By(pumping)) => Some(pumping.clone()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn read(json: &str) -> VerificationSettings {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (json, pointer) in [
            (r#"{"template":"Login Code"}"#, "/template"),
            (r#"{"text":"no place"}"#, "/text"),
            (r#"{"app_name":""}"#, "/app_name"),
            (r#"{"app_name":" Acme"}"#, "/app_name"),
            (r#"{"ttl":59}"#, "/ttl"),
            (r#"{"ttl":601}"#, "/ttl"),
            (r#"{"code_length":3}"#, "/code_length"),
            (r#"{"max_tries":6}"#, "/max_attempts"),
            (r#"{"max_tries":0}"#, "/max_attempts"),
            (r#"{"allowed_countries":["DE","US"],"blocked_countries":["US"]}"#, "/blocked_countries"),
            (r#"{"cool_downs":[60,30]}"#, "/cool_downs"),
            (r#"{"cool_downs":[0]}"#, "/cool_downs"),
            (r#"{"phone":{"per_hour":0}}"#, "/velocity/phone/per_hour"),
            (r#"{"range":{"per_day":10000001}}"#, "/velocity/range/per_day"),
            (r#"{"pumping":{"by":{"tries":2,"percent":10,"block_minutes":[1]}}}"#, "/pumping/tries"),
            (r#"{"pumping":{"by":{"tries":3,"percent":0,"block_minutes":[1]}}}"#, "/pumping/percent"),
            (r#"{"pumping":{"by":{"tries":3,"percent":9,"block_minutes":[]}}}"#, "/pumping/block_minutes"),
        ] {
            assert_eq!(read(json).check().unwrap_err().0, pointer, "{json}");
        }
        assert!(serde_json::from_str::<VerificationSettings>(r#"{"allowed_countries":["UK"]}"#).is_err());
    }

    #[test]
    fn nothing_set_is_the_usual() {
        let nothing = VerificationSettings::default();
        assert!(nothing.check().is_ok());
        assert_eq!(serde_json::to_string(&nothing).unwrap(), "{}");
        assert_eq!(nothing.defaults(), VerificationDefaults::default());
        assert_eq!(nothing.rules(&FraudRules::default()), FraudRules::default());
        assert_eq!(nothing.rules(&FraudRules::off()), FraudRules::off());
    }

    #[test]
    fn what_is_set_holds() {
        let json = r#"{"template":"login_code","text":"{code} for {app}","app_name":"Acme","ttl":120,"code_length":8,"max_tries":3,"allowed_countries":["DE"],"blocked_countries":["FR"],"cool_downs":[],"phone":{"per_hour":3},"pumping":"off"}"#;
        let set = read(json);
        assert!(set.check().is_ok());
        assert_eq!(read(&serde_json::to_string(&set).unwrap()), set);
        let defaults = set.defaults();
        assert_eq!((defaults.ttl.as_secs(), defaults.code_length.digits(), defaults.max_tries), (120, 8, 3));
        assert_eq!(
            (defaults.template.as_deref(), defaults.text.as_str()),
            (Some("login_code"), "{code} for {app}")
        );
        let rules = set.rules(&FraudRules::default());
        assert_eq!(rules.phone, Limits { per_hour: Some(3), per_day: None });
        assert!(rules.cool_downs.is_empty() && rules.pumping.is_none());
        assert_eq!(rules.range, FraudRules::default().range);
    }
}
