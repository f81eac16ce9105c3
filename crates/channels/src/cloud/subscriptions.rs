//! Who hears of an account: subscribed apps, and callback addresses other than the app's own.
//!
//! An override sends messages and statuses elsewhere, so whoever sets one takes them from Gatepost. It is the
//! customer's own number and stays their choice; Meta proves the address by a handshake with the verify token.

use gatepost_core::Secret;
use serde::{Deserialize, Serialize};

use super::call::{CallError, Done};
use super::{CloudChannel, CloudClient};

const EDGE: &str = "/subscribed_apps";

/// A callback address other than the app's, and the token of its handshake.
pub struct CallbackOverride {
    pub uri: String,
    pub verify_token: Secret<String>,
}

/// An app that hears of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscribedApp {
    pub id: String,
    pub name: Option<String>,
    pub link: Option<String>,
    pub override_callback_uri: Option<String>,
}

#[derive(Deserialize)]
struct AppsAnswer {
    data: Vec<AppLine>,
}

#[derive(Deserialize)]
struct AppLine {
    whatsapp_business_api_data: AppData,
    #[serde(default)]
    override_callback_uri: Option<String>,
}

#[derive(Deserialize)]
struct AppData {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    link: Option<String>,
}

#[derive(Serialize)]
struct OverrideBody<'a> {
    override_callback_uri: &'a str,
    verify_token: &'a str,
}

#[derive(Serialize)]
struct NumberOverride<T> {
    webhook_configuration: T,
}

impl CloudClient {
    /// Subscribes the token's app to the callbacks of an account; without it Meta sends none. Any override of the account
    /// is over.
    pub async fn subscribe_app(&self, channel: &CloudChannel, waba_id: &str) -> Result<(), CallError> {
        self.post(channel, waba_id, EDGE, &serde_json::json!({})).await.and_then(Done::ok)
    }

    /// Subscribes the token's app, with another callback address for the whole account.
    pub async fn subscribe_app_at(
        &self,
        channel: &CloudChannel,
        waba_id: &str,
        at: &CallbackOverride,
    ) -> Result<(), CallError> {
        let body = OverrideBody { override_callback_uri: &at.uri, verify_token: at.verify_token.expose() };
        self.post(channel, waba_id, EDGE, &body).await.and_then(Done::ok)
    }

    /// Ends the subscription of the token's app: no channel of this account hears anything from then on.
    pub async fn unsubscribe_app(&self, channel: &CloudChannel, waba_id: &str) -> Result<(), CallError> {
        self.delete(channel, waba_id, EDGE, &[]).await.and_then(Done::ok)
    }

    /// The apps subscribed to an account.
    pub async fn subscription_list(
        &self,
        channel: &CloudChannel,
        waba_id: &str,
    ) -> Result<Vec<SubscribedApp>, CallError> {
        let answer: AppsAnswer = self.get(channel, waba_id, EDGE, &[]).await?;
        let app = |line: AppLine| {
            let AppData { id, name, link } = line.whatsapp_business_api_data;
            SubscribedApp { id, name, link, override_callback_uri: line.override_callback_uri }
        };
        Ok(answer.data.into_iter().map(app).collect())
    }

    /// Gives the number its own callback address, or takes it away.
    pub async fn number_override(
        &self,
        channel: &CloudChannel,
        at: Option<&CallbackOverride>,
    ) -> Result<(), CallError> {
        let Some(at) = at else {
            // Meta's way to end it is an empty address.
            let none = serde_json::json!({ "override_callback_uri": "" });
            return self.number_post(channel, "", &NumberOverride { webhook_configuration: none }).await;
        };
        let body = OverrideBody { override_callback_uri: &at.uri, verify_token: at.verify_token.expose() };
        self.number_post(channel, "", &NumberOverride { webhook_configuration: body }).await
    }
}
