//! What a workspace wants of its verifications.

use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::{Action, AuditEntry};
use gatepost_core::verification::fraud::{Country, FraudRules};
use gatepost_core::verification::{VerificationDefaults, VerificationSettings};
use gatepost_core::{Error, FieldError, Result, Timestamp};
use gatepost_store::{WorkspaceScope, WorkspaceTx};

use crate::App;
use crate::access_rules::whole_workspace;

/// What a workspace set, and the rules as they hold.
#[derive(Debug, Clone)]
pub struct VerificationSettingsView {
    pub settings: VerificationSettings,
    pub rules: FraudRules,
}

/// A country as the workspace's verifications know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedCountry {
    pub country: Country,
    /// Codes go there.
    pub allowed: bool,
    /// When somebody was first verified there; `None`: nobody was.
    pub verified_at: Option<Timestamp>,
}

/// What changed: numbers, names and countries as they are, of the text only whether there is one.
fn difference(
    mut entry: AuditEntry,
    before: &VerificationSettings,
    after: &VerificationSettings,
) -> Result<AuditEntry> {
    let said = |text: &Option<String>| if text.is_some() { "set" } else { "none" };
    entry.change("text", said(&before.text), said(&after.text));
    if before.text != after.text {
        entry.details.push(("changed", "text".to_owned()));
    }
    macro_rules! changes {
        ($($name:literal $member:ident),*) => {$(
            let json = |settings: &VerificationSettings| {
                serde_json::to_string(&settings.$member).map_err(Error::internal)
            };
            entry.change($name, json(before)?, json(after)?);
        )*};
    }
    changes!(
        "template" template,
        "app_name" app_name,
        "ttl" ttl,
        "code_length" code_length,
        "max_tries" max_tries,
        "allowed_countries" allowed_countries,
        "blocked_countries" blocked_countries,
        "cool_downs" cool_downs,
        "velocity_phone" phone,
        "velocity_client_ip" client_ip,
        "velocity_range" range,
        "velocity_workspace" workspace,
        "pumping" pumping
    );
    Ok(entry)
}

impl App {
    fn verification_rules_of(&self, settings: VerificationSettings) -> VerificationSettingsView {
        let rules = settings.rules(&self.0.config.guard.verification_rules);
        VerificationSettingsView { settings, rules }
    }

    async fn verification_settings(&self, tx: &WorkspaceTx<'_>) -> Result<VerificationSettings> {
        let facts = tx.verification_facts(None).await?;
        Ok(VerificationSettings::clone(self.0.texts.verifications(facts.settings.as_ref())?.as_ref()))
    }

    /// What a workspace's verifications are made with where a request does not say.
    pub(crate) async fn verification_defaults(&self, scope: WorkspaceScope) -> Result<VerificationDefaults> {
        let app = self.clone();
        let settings = self.0.store.read(scope, async move |tx| app.verification_settings(tx).await).await?;
        Ok(settings.defaults())
    }

    pub async fn verification_settings_get(
        &self,
        grant: &Grant<permission::VerificationRead>,
    ) -> Result<VerificationSettingsView> {
        let app = self.clone();
        let settings =
            self.0.store.read(grant.into(), async move |tx| app.verification_settings(tx).await).await?;
        Ok(self.verification_rules_of(settings))
    }

    /// Sets all of them. They bind the next verification on every node: they are read with it.
    ///
    /// Errors: `invalid_field` naming what makes no sense; `channel_not_allowed` for a key that is bound to channels.
    pub async fn verification_settings_set(
        &self,
        grant: &Grant<permission::VerificationManage>,
        settings: VerificationSettings,
    ) -> Result<VerificationSettingsView> {
        whole_workspace(grant)?;
        settings.check().map_err(|(pointer, detail)| {
            Error::fields(vec![FieldError::new(pointer, "invalid_value", detail)])
        })?;
        let scope = WorkspaceScope::from(grant);
        let text = serde_json::to_string(&settings).map_err(Error::internal)?;
        let target = ("workspace", scope.workspace().to_string());
        let audit = self.audit(grant, Action::VerificationSettingsChanged, target, Vec::new());
        let (app, new) = (self.clone(), settings.clone());
        self.0
            .store
            .write(scope, async move |tx| {
                let before = app.verification_settings(tx).await?;
                tx.verification_settings_set(&text).await?;
                tx.commit(difference(audit.clone(), &before, &new)?, ())
            })
            .await?;
        Ok(self.verification_rules_of(settings))
    }

    /// The countries that codes go to or never do, and those in which somebody was verified; by name.
    pub async fn verification_country_list(
        &self,
        grant: &Grant<permission::VerificationRead>,
    ) -> Result<Vec<VerifiedCountry>> {
        let app = self.clone();
        let (settings, verified) = self
            .0
            .store
            .read(grant.into(), async move |tx| {
                Ok((app.verification_settings(tx).await?, tx.verification_countries().await?))
            })
            .await?;
        let verified: Vec<_> = verified
            .into_iter()
            .filter_map(|(letters, at)| Some((Country::parse(&letters).ok()?, at)))
            .collect();
        let mut all = settings.allowed_countries.clone();
        all.extend(settings.blocked_countries.iter().chain(verified.iter().map(|(country, _)| country)));
        let known = |country: Country| {
            let verified_at = verified.iter().find(|(known, _)| *known == country).map(|(_, at)| *at);
            let allowed = !settings.blocked_countries.contains(&country);
            VerifiedCountry { country, allowed, verified_at }
        };
        Ok(all.into_iter().map(known).collect())
    }
}
