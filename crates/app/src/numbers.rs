//! A channel's number at Meta: registration, verification, settings, profile, subscription.
//!
//! Every change is asked of Meta once and audited with its outcome, whatever that is. None is tried again: a wrong PIN
//! counts against the number, and after a few Meta locks it.
//!
//! Threat note. A callback override sends a number's messages and statuses to another address, past Gatepost. It is the
//! customer's own number, so it is allowed to whoever manages the channel, to public https addresses only, and audited
//! with the address's host.

use gatepost_channels::cloud::{
    BusinessProfile, CallError, CallbackOverride, CloudChannel, CodeMethod, NumberSetting, Pin,
    ProfileChange, SubscribedApp, WebhookConfiguration,
};
use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::Action;
use gatepost_core::channel::ChannelState;
use gatepost_core::endpoint::WebhookUrl;
use gatepost_core::{ChannelId, Code, Error, FieldError, Result, Secret};
use gatepost_store::{ChannelRow, WorkspaceScope};
use serde_json::value::RawValue;

use crate::App;
use crate::channel_state::{ChannelReport, Source};
use crate::channels::{ChannelView, call_failed, view};

/// Whom a callback override concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriptionLevel {
    /// Every number of the account, as far as it has no override of its own.
    Account,
    /// This number.
    Number,
}

impl SubscriptionLevel {
    pub const ALL: [Self; 2] = [Self::Account, Self::Number];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Number => "number",
        }
    }
}

/// Who hears of a channel's account and number.
pub struct SubscriptionView {
    pub apps: Vec<SubscribedApp>,
    /// Where Meta sends the number's messages.
    pub webhooks: WebhookConfiguration,
}

/// What an outcome is called in the audit log.
fn outcome(result: &Result<(), CallError>) -> String {
    match result {
        Ok(()) => "done".to_owned(),
        Err(CallError::Refused(refusal)) => match refusal.code {
            Some(code) => format!("refused: {code}"),
            None => format!("refused: status {}", refusal.http),
        },
        Err(CallError::Limited(_)) => "not asked: limit reached".to_owned(),
        // Meta may have done it all the same.
        Err(CallError::Unreachable(_) | CallError::Unreadable) => "unknown".to_owned(),
        Err(CallError::Setting(_)) => "not asked: bad setting".to_owned(),
    }
}

impl App {
    /// A channel that the caller may use, ready for calls to Meta.
    async fn number_of<P>(
        &self,
        grant: &Grant<P>,
        id: ChannelId,
    ) -> Result<(WorkspaceScope, ChannelRow, CloudChannel)> {
        let scope = WorkspaceScope::from(grant);
        let row = self.channel_own(grant, id).await?;
        let cloud = self.cloud_channel_of(scope, &row).await?;
        Ok((scope, row, cloud))
    }

    /// The same for a change, which is not asked for where it could not be audited.
    async fn number_to_change(
        &self,
        grant: &Grant<permission::ChannelManage>,
        id: ChannelId,
    ) -> Result<(WorkspaceScope, ChannelRow, CloudChannel)> {
        let found = self.number_of(grant, id).await?;
        self.audit_possible(found.0).await?;
        Ok(found)
    }

    /// Audits a change with its outcome, then answers that.
    async fn number_changed(
        &self,
        grant: &Grant<permission::ChannelManage>,
        id: ChannelId,
        action: Action,
        mut details: Vec<(&'static str, String)>,
        result: Result<(), CallError>,
    ) -> Result<()> {
        details.push(("outcome", outcome(&result)));
        let result = result.map_err(call_failed);
        let mut audit = self.audit(grant, action, ("channel", id.to_string()), details);
        if let Err(error) = &result {
            audit = audit.refused(error.code());
        }
        self.0.store.write(WorkspaceScope::from(grant), async move |tx| tx.commit(audit.clone(), ())).await?;
        result
    }

    /// Registers the number for the Cloud API. Asked once: a wrong PIN counts against the number.
    ///
    /// `region`: the country where Meta is to keep data at rest, two capital letters.
    pub async fn number_register(
        &self,
        grant: &Grant<permission::ChannelManage>,
        id: ChannelId,
        pin: &Pin,
        region: Option<&str>,
    ) -> Result<ChannelView> {
        let (scope, _, cloud) = self.number_to_change(grant, id).await?;
        let result = self.0.cloud.number_register(&cloud, pin, region).await;
        let details = region.map(|region| ("region", region.to_owned())).into_iter().collect();
        self.number_changed(grant, id, Action::ChannelRegistered, details, result).await?;
        let report = ChannelReport {
            state: Some(ChannelState::Active),
            number_status: Some("CONNECTED".to_owned()),
            ..ChannelReport::of(Source::Check)
        };
        let row = self.channel_report(scope, id, report).await?;
        view(self.0.sealing.keys(scope).await?.as_ref(), &row)
    }

    /// Ends the number's use with the Cloud API. Asked once.
    pub async fn number_deregister(
        &self,
        grant: &Grant<permission::ChannelManage>,
        id: ChannelId,
    ) -> Result<ChannelView> {
        let (scope, _, cloud) = self.number_to_change(grant, id).await?;
        let result = self.0.cloud.number_deregister(&cloud).await;
        self.number_changed(grant, id, Action::ChannelDeregistered, Vec::new(), result).await?;
        let report =
            ChannelReport { state: Some(ChannelState::Unregistered), ..ChannelReport::of(Source::Owner) };
        let row = self.channel_report(scope, id, report).await?;
        view(self.0.sealing.keys(scope).await?.as_ref(), &row)
    }

    /// Has Meta bring a verification code to the number. `language`: `en_US`.
    pub async fn number_request_code(
        &self,
        grant: &Grant<permission::ChannelManage>,
        id: ChannelId,
        method: CodeMethod,
        language: &str,
    ) -> Result<()> {
        let (_, _, cloud) = self.number_to_change(grant, id).await?;
        let result = self.0.cloud.number_request_code(&cloud, method, language).await;
        let details = vec![("method", method.as_str().to_owned())];
        self.number_changed(grant, id, Action::ChannelCodeRequested, details, result).await
    }

    /// Gives Meta the verification code that arrived.
    pub async fn number_verify(
        &self,
        grant: &Grant<permission::ChannelManage>,
        id: ChannelId,
        code: &Secret<String>,
    ) -> Result<()> {
        let (_, _, cloud) = self.number_to_change(grant, id).await?;
        let result = self.0.cloud.number_verify_code(&cloud, code).await;
        self.number_changed(grant, id, Action::ChannelVerified, Vec::new(), result).await
    }

    /// Sets the two-step PIN of a registered number.
    pub async fn number_pin_set(
        &self,
        grant: &Grant<permission::ChannelManage>,
        id: ChannelId,
        pin: &Pin,
    ) -> Result<()> {
        let (_, _, cloud) = self.number_to_change(grant, id).await?;
        let result = self.0.cloud.number_pin_set(&cloud, pin).await;
        self.number_changed(grant, id, Action::ChannelPinSet, Vec::new(), result).await
    }

    /// The number's settings, Meta's object as it is.
    pub async fn number_settings(
        &self,
        grant: &Grant<permission::ChannelRead>,
        id: ChannelId,
    ) -> Result<Box<RawValue>> {
        let (_, _, cloud) = self.number_of(grant, id).await?;
        self.0.cloud.number_settings_get(&cloud).await.map_err(call_failed)
    }

    /// Changes one setting of the number; `value` is Meta's object.
    pub async fn number_setting_set(
        &self,
        grant: &Grant<permission::ChannelManage>,
        id: ChannelId,
        setting: NumberSetting,
        value: &RawValue,
    ) -> Result<()> {
        let (_, _, cloud) = self.number_to_change(grant, id).await?;
        let result = self.0.cloud.number_setting_set(&cloud, setting, value).await;
        let details = vec![("setting", setting.as_str().to_owned())];
        self.number_changed(grant, id, Action::ChannelSettingsChanged, details, result).await
    }

    /// The business profile that people see.
    pub async fn profile_get(
        &self,
        grant: &Grant<permission::ChannelRead>,
        id: ChannelId,
    ) -> Result<BusinessProfile> {
        let (_, _, cloud) = self.number_of(grant, id).await?;
        self.0.cloud.profile_get(&cloud).await.map_err(call_failed)
    }

    /// Changes the business profile. All that Meta would refuse is told at once, before it is asked.
    pub async fn profile_set(
        &self,
        grant: &Grant<permission::ChannelManage>,
        id: ChannelId,
        change: ProfileChange,
    ) -> Result<()> {
        let wrong = change.check();
        if !wrong.is_empty() {
            return Err(Error::fields(wrong));
        }
        let (_, _, cloud) = self.number_to_change(grant, id).await?;
        let result = self.0.cloud.profile_set(&cloud, &change).await;
        let details = vec![("changed", change.names().join(","))];
        self.number_changed(grant, id, Action::ChannelProfileChanged, details, result).await
    }

    /// Who hears of the channel's account, and where Meta sends the number's messages.
    pub async fn subscription_get(
        &self,
        grant: &Grant<permission::ChannelRead>,
        id: ChannelId,
    ) -> Result<SubscriptionView> {
        let (_, row, cloud) = self.number_of(grant, id).await?;
        let apps = self.0.cloud.subscription_list(&cloud, &row.waba_id).await.map_err(call_failed)?;
        let number = self.0.cloud.number_get(&cloud).await.map_err(call_failed)?;
        Ok(SubscriptionView { apps, webhooks: number.webhooks })
    }

    /// Subscribes the channel's Meta app to its account, or sets where Meta sends messages instead of the app's own
    /// address. Without an override, one that was there is over.
    pub async fn subscription_set(
        &self,
        grant: &Grant<permission::ChannelManage>,
        id: ChannelId,
        level: SubscriptionLevel,
        at: Option<CallbackOverride>,
    ) -> Result<()> {
        let (_, row, cloud) = self.number_to_change(grant, id).await?;
        let mut details = vec![("level", level.as_str().to_owned())];
        if let Some(at) = &at {
            details.push(("override_host", self.override_check(&row, &at.uri)?));
        }
        let client = &self.0.cloud;
        let result = match (level, &at) {
            (SubscriptionLevel::Account, None) => client.subscribe_app(&cloud, &row.waba_id).await,
            (SubscriptionLevel::Account, Some(at)) => client.subscribe_app_at(&cloud, &row.waba_id, at).await,
            (SubscriptionLevel::Number, at) => client.number_override(&cloud, at.as_ref()).await,
        };
        self.number_changed(grant, id, Action::ChannelSubscribed, details, result).await
    }

    /// Ends the subscription of the channel's Meta app: no channel of this account hears anything from then on.
    pub async fn subscription_end(
        &self,
        grant: &Grant<permission::ChannelManage>,
        id: ChannelId,
    ) -> Result<()> {
        let (_, row, cloud) = self.number_to_change(grant, id).await?;
        let result = self.0.cloud.unsubscribe_app(&cloud, &row.waba_id).await;
        let details = vec![("waba_id", row.waba_id)];
        self.number_changed(grant, id, Action::ChannelUnsubscribed, details, result).await
    }

    /// The host of an override that may be set: our own address for this app, or a public https one.
    fn override_check(&self, row: &ChannelRow, uri: &str) -> Result<String> {
        let wrong = |detail: String| {
            Error::fields(vec![FieldError::new("/override_callback_uri", "invalid_value", detail)])
        };
        let url = WebhookUrl::parse(uri).map_err(wrong)?;
        let host = url.url().host_str().unwrap_or_default().to_owned();
        if uri == self.callback_url(row.meta_app) {
            return Ok(host);
        }
        if url.url().scheme() != "https" {
            return Err(wrong("expected https://: Meta sends messages nowhere else".to_owned()));
        }
        let verdict = self.0.safe.policy().check_url(url.as_str());
        if verdict.allow {
            return Ok(host);
        }
        Err(Error::fields(vec![FieldError::new(
            "/override_callback_uri",
            Code::WebhookUrlNotAllowed.as_str(),
            format!("{} (rule {})", verdict.detail, verdict.rule),
        )]))
    }
}
