//! Meta apps.

use gatepost_app::MetaAppView;
use gatepost_core::{MetaAppId, Secret, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::parse;
use crate::json::{Body, Object};
use crate::reply::{Made, to_json};

/// A Meta app to add.
#[derive(ToSchema)]
pub struct MetaAppCreate {
    /// 1 to 100 characters, for people.
    #[schema(example = "Our Meta app")]
    pub name: String,
    /// Meta's id of the app: digits.
    #[schema(example = "1234567890123456")]
    pub app_id: String,
    /// The app secret from Meta's app dashboard; it signs the callbacks. Kept sealed, never shown again.
    #[schema(value_type = String, example = "0123456789abcdef0123456789abcdef")]
    pub app_secret: Secret<String>,
}

impl Body for MetaAppCreate {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let name = object.required("name", parse::name);
        let app_id = object.required("app_id", parse::meta_id);
        let app_secret = object.required("app_secret", parse::secret);
        Some(Self { name: name?, app_id: app_id?, app_secret: app_secret? })
    }
}

/// A Meta app, whose secret signs callbacks.
#[derive(Serialize, ToSchema)]
pub struct MetaApp<'a> {
    #[schema(value_type = String, example = "app_01kagq5rh8e5htqh9sk95d3x4w")]
    id: MetaAppId,
    name: &'a str,
    /// Meta's id of the app.
    app_id: &'a str,
    /// The callback URL to paste at Meta.
    #[schema(example = "https://gatepost.example.com/hooks/meta/app_01kagq5rh8e5htqh9sk95d3x4w")]
    callback_url: &'a str,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl<'a> From<&'a MetaAppView> for MetaApp<'a> {
    fn from(view: &'a MetaAppView) -> Self {
        Self {
            id: view.id,
            name: &view.name,
            app_id: &view.app_id,
            callback_url: &view.callback_url,
            created_at: view.created_at,
        }
    }
}

/// A Meta app that was just added.
#[derive(Serialize, ToSchema)]
pub struct MetaAppWithToken<'a> {
    #[serde(flatten)]
    #[schema(inline)]
    app: MetaApp<'a>,
    /// The verify token to paste at Meta, beside the callback URL. Shown once; null in a repeated answer.
    verify_token: Option<&'a str>,
}

impl Made for MetaAppView {
    fn location(&self) -> String {
        format!("/v1/meta-apps/{}", self.id)
    }

    fn body(&self, fresh: bool) -> Vec<u8> {
        let verify_token = self.verify_token.as_ref().filter(|_| fresh).map(|token| token.expose().as_str());
        to_json(&MetaAppWithToken { app: self.into(), verify_token })
    }
}
