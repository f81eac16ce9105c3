//! Looking at a channel before it is trusted to work: does the number exist, and is the token good for it?

use gatepost_core::{Secret, Timestamp};
use gatepost_net::{Method, TrustedBody};

use super::call::{CallError, Done};
use super::{CloudChannel, CloudClient};
use serde::Deserialize;

const FIELDS: &str = "verified_name,display_phone_number,quality_rating,throughput,status,name_status,code_verification_status";

/// The permission without which nothing can be sent.
const SCOPE_MESSAGING: &str = "whatsapp_business_messaging";

/// What Meta says of a number (`GET /{phone_number_id}?fields=…`) and of the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelCheck {
    pub verified_name: Option<String>,
    /// The number as people write it.
    pub display_phone_number: Option<String>,
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
    pub quality_rating: Option<String>,
    /// `STANDARD` (80 messages a second), `HIGH` (1,000) or `NOT_APPLICABLE`.
    pub throughput_level: Option<String>,
    /// `CONNECTED`, `PENDING`, `BANNED` …
    pub status: Option<String>,
    pub name_status: Option<String>,
    pub code_verification_status: Option<String>,
    /// What `debug_token` says; only where the app and its secret are known.
    pub token: Option<TokenCheck>,
    /// What stands in the way or soon will, one sentence each; empty when all is well.
    pub problems: Vec<String>,
}

/// What Meta says of an access token (`GET /debug_token`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenCheck {
    pub app_id: Option<String>,
    pub is_valid: bool,
    /// `None`: it does not expire.
    pub expires_at: Option<Timestamp>,
    pub scopes: Vec<String>,
    /// The accounts it may touch with `whatsapp_business_messaging`; empty: not limited to some.
    pub waba_ids: Vec<String>,
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
}

#[derive(Deserialize)]
struct Throughput {
    level: Option<String>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    data: TokenData,
}

#[derive(Deserialize)]
struct TokenData {
    app_id: Option<String>,
    #[serde(default)]
    is_valid: bool,
    #[serde(default)]
    expires_at: i64,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    granular_scopes: Vec<GranularScope>,
}

#[derive(Deserialize)]
struct GranularScope {
    scope: String,
    #[serde(default)]
    target_ids: Vec<String>,
}

impl CloudClient {
    /// Looks at a channel: the number, and the token where the channel's app is known. Changes nothing at Meta.
    ///
    /// `waba_id`, where given, must be among the accounts that the token may touch.
    pub async fn check_channel(
        &self,
        channel: &CloudChannel,
        waba_id: Option<&str>,
    ) -> Result<ChannelCheck, CallError> {
        let answer: NumberAnswer =
            self.get(channel, &channel.phone_number_id, "", &[("fields", FIELDS)]).await?;
        let token = match &channel.app {
            None => None,
            Some(app) => {
                // The app examines its own token, which needs the app's credentials and no proof of the token.
                let plain = CloudChannel { app: None, ..channel.clone() };
                let url = plain.url("debug_token", "", &[("input_token", channel.token.expose())])?;
                let bearer = Secret::new(format!("{}|{}", app.app_id, app.app_secret.expose()));
                let answer: TokenAnswer =
                    self.ask(Method::Get, &url, bearer.expose(), TrustedBody::Empty).await?;
                Some(TokenCheck::from(answer.data))
            }
        };
        let mut check = ChannelCheck {
            verified_name: answer.verified_name,
            display_phone_number: answer.display_phone_number,
            quality_rating: answer.quality_rating,
            throughput_level: answer.throughput.and_then(|t| t.level),
            status: answer.status,
            name_status: answer.name_status,
            code_verification_status: answer.code_verification_status,
            problems: token.as_ref().map_or_else(Vec::new, |t| t.problems(channel, waba_id)),
            token,
        };
        if let Some(status) = check.status.as_deref().filter(|s| *s != "CONNECTED") {
            check.problems.push(format!("the number is not connected but {status}: register it"));
        }
        Ok(check)
    }

    /// Subscribes the token's app to the callbacks of an account; without it Meta sends none.
    pub async fn subscribe_app(&self, channel: &CloudChannel, waba_id: &str) -> Result<(), CallError> {
        self.post(channel, waba_id, "/subscribed_apps", &serde_json::json!({})).await.and_then(Done::ok)
    }
}

impl From<TokenData> for TokenCheck {
    fn from(data: TokenData) -> Self {
        Self {
            app_id: data.app_id,
            is_valid: data.is_valid,
            expires_at: (data.expires_at > 0).then(|| Timestamp::from_seconds(data.expires_at)),
            scopes: data.scopes,
            waba_ids: data
                .granular_scopes
                .into_iter()
                .filter(|g| g.scope == SCOPE_MESSAGING)
                .flat_map(|g| g.target_ids)
                .collect(),
        }
    }
}

impl TokenCheck {
    fn problems(&self, channel: &CloudChannel, waba_id: Option<&str>) -> Vec<String> {
        let mut problems = Vec::new();
        if !self.is_valid {
            problems.push("the access token is not valid: give the channel a new one".to_owned());
            return problems;
        }
        let own = channel.app.as_ref().map(|app| app.app_id.as_str());
        if self.app_id.is_some() && self.app_id.as_deref() != own {
            problems.push("the access token belongs to another Meta app than the one named".to_owned());
        }
        if !self.scopes.iter().any(|s| s == SCOPE_MESSAGING) {
            problems.push(format!("the access token lacks the permission {SCOPE_MESSAGING}"));
        }
        if let Some(waba) = waba_id
            && !self.waba_ids.is_empty()
            && !self.waba_ids.iter().any(|id| id == waba)
        {
            problems.push(format!("the access token may not touch the account {waba}"));
        }
        problems
    }
}
