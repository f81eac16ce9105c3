//! A phone number at Meta: what it says of it, registering it, verifying it, its settings.
//!
//! Nothing here is tried again by itself. A wrong PIN counts against the number, and after a few guesses Meta locks it;
//! registering and deregistering together are allowed ten times in 72 hours (133016).

use gatepost_core::Secret;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::call::{CallError, Done};
use super::{CloudChannel, CloudClient};

/// What every Graph version knows of a number.
const FIELDS: &str = "verified_name,display_phone_number,quality_rating,throughput,status,name_status,code_verification_status";
/// What newer ones know besides.
const FIELDS_MORE: &str = "verified_name,display_phone_number,quality_rating,throughput,status,name_status,code_verification_status,whatsapp_business_manager_messaging_limit,webhook_configuration";

/// What Meta says of a number (`GET /{phone_number_id}?fields=…`). Meta's own words, unchanged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NumberDetails {
    pub verified_name: Option<String>,
    /// The number as people write it.
    pub display_phone_number: Option<String>,
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
    pub quality_rating: Option<String>,
    /// `STANDARD` (80 messages a second), `HIGH` (1,000) or `NOT_APPLICABLE`.
    pub throughput_level: Option<String>,
    /// `CONNECTED`, `PENDING`, `BANNED` …
    pub status: Option<String>,
    /// `APPROVED`, `PENDING_REVIEW`, `DECLINED` …
    pub name_status: Option<String>,
    /// `VERIFIED`, `NOT_VERIFIED`, `EXPIRED`.
    pub code_verification_status: Option<String>,
    /// People a day outside the service window: `TIER_250`, `TIER_2K` …
    pub messaging_limit: Option<String>,
    /// Where Meta sends the number's messages, by level; set by callback overrides.
    pub webhooks: WebhookConfiguration,
}

/// Callback addresses by level; the most special one wins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct WebhookConfiguration {
    #[serde(default)]
    pub phone_number: Option<String>,
    #[serde(default)]
    pub whatsapp_business_account: Option<String>,
    #[serde(default)]
    pub application: Option<String>,
}

/// Meta's answer; unknown fields pass by, wrong types make it unreadable.
#[derive(Deserialize)]
struct NumberAnswer {
    verified_name: Option<String>,
    display_phone_number: Option<String>,
    quality_rating: Option<String>,
    throughput: Option<Throughput>,
    status: Option<String>,
    name_status: Option<String>,
    code_verification_status: Option<String>,
    whatsapp_business_manager_messaging_limit: Option<String>,
    webhook_configuration: Option<WebhookConfiguration>,
}

#[derive(Deserialize)]
struct Throughput {
    level: Option<String>,
}

impl From<NumberAnswer> for NumberDetails {
    fn from(answer: NumberAnswer) -> Self {
        Self {
            verified_name: answer.verified_name,
            display_phone_number: answer.display_phone_number,
            quality_rating: answer.quality_rating,
            throughput_level: answer.throughput.and_then(|t| t.level),
            status: answer.status,
            name_status: answer.name_status,
            code_verification_status: answer.code_verification_status,
            messaging_limit: answer.whatsapp_business_manager_messaging_limit,
            webhooks: answer.webhook_configuration.unwrap_or_default(),
        }
    }
}

/// How Meta brings a verification code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeMethod {
    Sms,
    Voice,
}

impl CodeMethod {
    /// Meta's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "SMS",
            Self::Voice => "VOICE",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Sms, Self::Voice].into_iter().find(|m| m.as_str().eq_ignore_ascii_case(text))
    }
}

/// Six digits. No `Debug`: it is a secret of the number's owner.
#[derive(Clone)]
pub struct Pin(Secret<String>);

impl Pin {
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(Secret::new(text.to_owned())))
        } else {
            Err("expected six digits")
        }
    }

    fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// A setting of a number, one for each call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberSetting {
    Calling,
    PayloadEncryption,
    UserIdentityChange,
    StorageConfiguration,
}

impl NumberSetting {
    pub const ALL: [Self; 4] =
        [Self::Calling, Self::PayloadEncryption, Self::UserIdentityChange, Self::StorageConfiguration];

    /// Meta's name of it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Calling => "calling",
            Self::PayloadEncryption => "payload_encryption",
            Self::UserIdentityChange => "user_identity_change",
            Self::StorageConfiguration => "storage_configuration",
        }
    }
}

#[derive(Serialize)]
struct Register<'a> {
    messaging_product: &'static str,
    pin: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_localization_region: Option<&'a str>,
}

impl CloudClient {
    /// Reads a number.
    pub async fn number_get(&self, channel: &CloudChannel) -> Result<NumberDetails, CallError> {
        let ask = |fields| self.get::<NumberAnswer>(channel, &channel.phone_number_id, "", fields);
        match ask(&[("fields", FIELDS_MORE)]).await {
            // Graph refuses the whole question where its version lacks one of the fields; an unknown object is code 100
            // too, with subcode 33.
            Err(CallError::Refused(refusal)) if refusal.code == Some(100) && refusal.subcode != Some(33) => {
                ask(&[("fields", FIELDS)]).await.map(Into::into)
            }
            answer => answer.map(Into::into),
        }
    }

    /// Registers the number for the Cloud API with its two-step PIN (which this sets, where it has none).
    ///
    /// `region`: the country where Meta stores data at rest, two letters.
    pub async fn number_register(
        &self,
        channel: &CloudChannel,
        pin: &Pin,
        region: Option<&str>,
    ) -> Result<(), CallError> {
        let body =
            Register { messaging_product: "whatsapp", pin: pin.expose(), data_localization_region: region };
        self.number_post(channel, "/register", &body).await
    }

    /// Ends the number's use with the Cloud API.
    pub async fn number_deregister(&self, channel: &CloudChannel) -> Result<(), CallError> {
        let body = serde_json::json!({ "messaging_product": "whatsapp" });
        self.number_post(channel, "/deregister", &body).await
    }

    /// Has Meta bring a verification code to the number. `language`: `en_US`.
    pub async fn number_request_code(
        &self,
        channel: &CloudChannel,
        method: CodeMethod,
        language: &str,
    ) -> Result<(), CallError> {
        let body = serde_json::json!({ "code_method": method.as_str(), "language": language });
        self.number_post(channel, "/request_code", &body).await
    }

    /// Gives back the code that arrived.
    pub async fn number_verify_code(
        &self,
        channel: &CloudChannel,
        code: &Secret<String>,
    ) -> Result<(), CallError> {
        self.number_post(channel, "/verify_code", &serde_json::json!({ "code": code.expose() })).await
    }

    /// Sets the two-step PIN of a registered number.
    pub async fn number_pin_set(&self, channel: &CloudChannel, pin: &Pin) -> Result<(), CallError> {
        self.number_post(channel, "", &serde_json::json!({ "pin": pin.expose() })).await
    }

    /// Reads the number's settings, Meta's object as it is.
    pub async fn number_settings_get(&self, channel: &CloudChannel) -> Result<Box<RawValue>, CallError> {
        self.get(channel, &channel.phone_number_id, "/settings", &[]).await
    }

    /// Changes one setting; Meta takes one for each call.
    pub async fn number_setting_set(
        &self,
        channel: &CloudChannel,
        setting: NumberSetting,
        value: &RawValue,
    ) -> Result<(), CallError> {
        let body = std::collections::BTreeMap::from([(setting.as_str(), value)]);
        self.number_post(channel, "/settings", &body).await
    }

    pub(super) async fn number_post(
        &self,
        channel: &CloudChannel,
        tail: &str,
        body: &impl Serialize,
    ) -> Result<(), CallError> {
        self.post(channel, &channel.phone_number_id, tail, body).await.and_then(Done::ok)
    }
}
