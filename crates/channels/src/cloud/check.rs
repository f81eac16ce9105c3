//! Looking at a channel: is the token good, may it touch the account, and what does Meta say of the number?

use std::time::Duration;

use gatepost_core::{Secret, Timestamp};
use gatepost_net::{Method, TrustedBody};
use serde::Deserialize;

use super::call::CallError;
use super::numbers::NumberDetails;
use super::{CloudChannel, CloudClient, Refusal};

/// The permission without which nothing can be sent.
const SCOPE_MESSAGING: &str = "whatsapp_business_messaging";
/// The permission without which templates, numbers and account callbacks are out of reach.
const SCOPE_MANAGEMENT: &str = "whatsapp_business_management";

/// From so long before its end on a token is worth a warning.
pub const TOKEN_WARNING: Duration = Duration::from_hours(7 * 24);

/// What a look at a channel found.
#[derive(Debug, Clone)]
pub struct ChannelCheck {
    /// `None` where Meta did not show it; a finding says why.
    pub number: Option<NumberDetails>,
    /// What `debug_token` says; only where the app and its secret are known.
    pub token: Option<TokenCheck>,
    /// What stands in the way or soon will, the gravest first; empty when all is well.
    pub findings: Vec<Finding>,
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

/// One thing that a look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Meta refuses the app's own credentials, so the token cannot be examined and no proof of it will pass.
    AppRefused(Box<Refusal>),
    /// Meta calls the token invalid: expired, revoked, or never one.
    TokenInvalid,
    TokenOfOtherApp,
    PermissionMissing(&'static str),
    /// The token may touch other accounts, not this one.
    AccountForeign(String),
    /// Meta does not show the number.
    NumberRefused(Box<Refusal>),
    /// The number's status is none in which it sends because it was not registered.
    NotRegistered(String),
    /// Meta restricted or banned the number.
    NumberRestricted(String),
    /// Sends work still; the token ends then.
    TokenExpires(Timestamp),
    /// Sends work still; people block or report the number's messages.
    QualityLow,
}

impl Finding {
    /// Whether messages cannot be sent with this.
    pub const fn blocks(&self) -> bool {
        !matches!(self, Self::TokenExpires(_) | Self::QualityLow)
    }

    /// What is wrong, one sentence without a full stop.
    pub fn sentence(&self) -> String {
        match self {
            Self::AppRefused(_) => "Meta refuses the Meta app's id and secret".to_owned(),
            Self::TokenInvalid => "the access token is not valid: it expired or was revoked".to_owned(),
            Self::TokenOfOtherApp => {
                "the access token belongs to another Meta app than the channel's".to_owned()
            }
            Self::PermissionMissing(scope) => format!("the access token lacks the permission {scope}"),
            Self::AccountForeign(waba) => format!("the access token may not touch the account {waba}"),
            Self::NumberRefused(refusal) => {
                let code = refusal.code.map_or_else(String::new, |code| format!(" (Meta's code {code})"));
                format!("Meta does not show the number to this token: {}{code}", refusal.advice.meaning)
            }
            Self::NotRegistered(status) => format!("the number is not connected but {status}"),
            Self::NumberRestricted(status) => format!("Meta says that the number is {status}"),
            Self::TokenExpires(at) => format!("the access token expires at {at}"),
            Self::QualityLow => {
                "Meta rates the number's quality RED: people block or report what it sends".to_owned()
            }
        }
    }

    /// What to do about it, one sentence without a full stop.
    pub fn action(&self) -> &'static str {
        match self {
            Self::AppRefused(_) => "give the Meta app its current secret",
            Self::TokenInvalid | Self::TokenExpires(_) => "give the channel a new access token",
            Self::TokenOfOtherApp => "give the channel an access token of its own Meta app",
            Self::PermissionMissing(_) => {
                "generate the token again with whatsapp_business_messaging and whatsapp_business_management"
            }
            Self::AccountForeign(_) | Self::NumberRefused(_) => {
                "assign the account to the token's system user in Meta's business settings"
            }
            Self::NotRegistered(_) => "register the number with its PIN",
            Self::NumberRestricted(_) => "look at the account in Meta's business manager",
            Self::QualityLow => "write less often, and only to people who expect it",
        }
    }
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
    /// Looks at a channel: the token first, where the channel's app is known, then the number. Changes nothing at Meta.
    ///
    /// `waba_id`, where given, must be among the accounts that the token may touch.
    ///
    /// # Errors
    /// Only where nothing was learned: Meta could not be reached, or is busy. Whatever a refusal says about the channel is
    /// a finding.
    pub async fn check_channel(
        &self,
        channel: &CloudChannel,
        waba_id: Option<&str>,
        now: Timestamp,
    ) -> Result<ChannelCheck, CallError> {
        let mut findings = Vec::new();
        let token = match self.token_check(channel).await {
            Ok(token) => token,
            Err(CallError::Refused(refusal)) if !refusal.advice.class.retries() => {
                findings.push(Finding::AppRefused(refusal));
                return Ok(ChannelCheck { number: None, token: None, findings });
            }
            Err(error) => return Err(error),
        };
        if let Some(token) = &token {
            token.findings(channel, waba_id, now, &mut findings);
        }
        if findings.contains(&Finding::TokenInvalid) {
            return Ok(ChannelCheck { number: None, token, findings });
        }
        let number = match self.number_get(channel).await {
            Ok(number) => {
                number.findings(&mut findings);
                Some(number)
            }
            Err(CallError::Refused(refusal)) if !refusal.advice.class.retries() => {
                findings.push(Finding::NumberRefused(refusal));
                None
            }
            Err(error) => return Err(error),
        };
        // Stable, so what was looked at first stays in front among equals.
        findings.sort_by_key(|finding| !finding.blocks());
        Ok(ChannelCheck { number, token, findings })
    }

    /// What Meta says of the channel's token; `None` where the channel's app is not known.
    pub async fn token_check(&self, channel: &CloudChannel) -> Result<Option<TokenCheck>, CallError> {
        let Some(app) = &channel.app else { return Ok(None) };
        // The app examines its own token, which needs the app's credentials and no proof of the token.
        let plain = CloudChannel { app: None, ..channel.clone() };
        let url = plain.url("debug_token", "", &[("input_token", channel.token.expose())])?;
        let bearer = Secret::new(format!("{}|{}", app.app_id, app.app_secret.expose()));
        // Asked as the app, so it does not count against the account's calls.
        let answer: TokenAnswer = self.ask(Method::Get, &url, bearer.expose(), TrustedBody::Empty).await?;
        Ok(Some(TokenCheck::from(answer.data)))
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
    fn findings(
        &self,
        channel: &CloudChannel,
        waba_id: Option<&str>,
        now: Timestamp,
        findings: &mut Vec<Finding>,
    ) {
        if !self.is_valid || self.expires_at.is_some_and(|at| at <= now) {
            findings.push(Finding::TokenInvalid);
            return;
        }
        let own = channel.app.as_ref().map(|app| app.app_id.as_str());
        if self.app_id.is_some() && self.app_id.as_deref() != own {
            findings.push(Finding::TokenOfOtherApp);
        }
        for scope in [SCOPE_MESSAGING, SCOPE_MANAGEMENT] {
            if !self.scopes.iter().any(|s| s == scope) {
                findings.push(Finding::PermissionMissing(scope));
            }
        }
        if let Some(waba) = waba_id
            && !self.waba_ids.is_empty()
            && !self.waba_ids.iter().any(|id| id == waba)
        {
            findings.push(Finding::AccountForeign(waba.to_owned()));
        }
        if let Some(at) = self.expires_at.filter(|at| *at <= now.plus(TOKEN_WARNING)) {
            findings.push(Finding::TokenExpires(at));
        }
    }
}

impl NumberDetails {
    fn findings(&self, findings: &mut Vec<Finding>) {
        let status = self.status.as_deref().unwrap_or("CONNECTED");
        match status {
            // FLAGGED and RATE_LIMITED numbers send; what that means for a message, its own answer says.
            "CONNECTED" | "FLAGGED" | "RATE_LIMITED" | "UNKNOWN" => {}
            "BANNED" | "RESTRICTED" => findings.push(Finding::NumberRestricted(status.to_owned())),
            _ => findings.push(Finding::NotRegistered(status.to_owned())),
        }
        if self.quality_rating.as_deref() == Some("RED") {
            findings.push(Finding::QualityLow);
        }
    }
}
