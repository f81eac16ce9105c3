//! Meta apps.

use gatepost_app::{MetaAppCreate as Create, MetaAppUpdate as Change, MetaAppView};
use gatepost_core::{MetaAppId, Secret, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::parse;
use crate::json::{Body, Object, Value};
use crate::reply::{Made, to_json};

/// Longest address of Meta.
const URL_MAX: usize = 256;

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
    /// The version of Meta's Graph API for this app's channels. Left out: the installation's.
    #[schema(example = "v25.0")]
    pub graph_version: Option<String>,
    /// Where this app's channels find Meta: one of the addresses that the operator's configuration names. Left out: the
    /// installation's.
    #[schema(example = "https://graph.facebook.com")]
    pub base_url: Option<String>,
}

impl Body for MetaAppCreate {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let name = object.required("name", parse::name);
        let app_id = object.required("app_id", parse::meta_id);
        let app_secret = object.required("app_secret", parse::secret);
        let graph_version = object.optional("graph_version", graph_version);
        let base_url = object.optional("base_url", base_url);
        Some(Self {
            name: name?,
            app_id: app_id?,
            app_secret: app_secret?,
            graph_version: graph_version?,
            base_url: base_url?,
        })
    }
}

impl From<MetaAppCreate> for Create {
    fn from(create: MetaAppCreate) -> Self {
        let MetaAppCreate { name, app_id, app_secret, graph_version, base_url } = create;
        Self { name, app_id, app_secret, graph_version, base_url }
    }
}

/// `v25.0`
fn graph_version(value: Value<'_>) -> Option<String> {
    value.parse(|written| {
        let number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        match written.strip_prefix('v').and_then(|rest| rest.split_once('.')) {
            Some((major, minor)) if number(major) && number(minor) => Ok(written.to_owned()),
            _ => Err("expected a version such as v25.0"),
        }
    })
}

/// An address; which ones are allowed is the application's to say.
fn base_url(value: Value<'_>) -> Option<String> {
    value.parse(|written| {
        if written.len() <= URL_MAX && written.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(written.to_owned())
        } else {
            Err(format!("expected an address of at most {URL_MAX} characters"))
        }
    })
}

/// What stands for the installation's own where something was chosen before.
const DEFAULT: &str = "default";

#[expect(clippy::option_option, reason = "left out, and the installation's again, are two things")]
fn or_default(
    object: &mut Object<'_>,
    name: &'static str,
    read: fn(Value<'_>) -> Option<String>,
) -> Option<Option<Option<String>>> {
    object.optional(name, |value| {
        if value.is_text() && value.text() == Some(DEFAULT) { Some(None) } else { read(value).map(Some) }
    })
}

/// What to change about a Meta app; what is left out stays.
#[derive(ToSchema)]
#[schema(as = MetaAppUpdate)]
pub struct MetaAppUpdate {
    /// 1 to 100 characters.
    #[schema(example = "Our Meta app")]
    pub name: Option<String>,
    /// A new app secret; callbacks are verified by it from now on.
    #[schema(value_type = Option<String>)]
    pub app_secret: Option<Secret<String>>,
    /// The version of Meta's Graph API; `default` for the installation's.
    #[schema(value_type = Option<String>, example = "v25.0")]
    #[expect(clippy::option_option, reason = "left out, and the installation's again, are two things")]
    pub graph_version: Option<Option<String>>,
    /// One of the addresses that the operator's configuration names; `default` for the installation's.
    #[schema(value_type = Option<String>)]
    #[expect(clippy::option_option, reason = "left out, and the installation's again, are two things")]
    pub base_url: Option<Option<String>>,
    /// True makes a new verify token, which the answer shows this once; the old one is over.
    pub new_verify_token: Option<bool>,
}

impl Body for MetaAppUpdate {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let name = object.optional("name", parse::name);
        let app_secret = object.optional("app_secret", parse::secret);
        let graph_version = or_default(object, "graph_version", graph_version);
        let base_url = or_default(object, "base_url", base_url);
        let new_verify_token = object.optional("new_verify_token", parse::boolean);
        let update = Self {
            name: name?,
            app_secret: app_secret?,
            graph_version: graph_version?,
            base_url: base_url?,
            new_verify_token: new_verify_token?,
        };
        if let Self {
            name: None,
            app_secret: None,
            graph_version: None,
            base_url: None,
            new_verify_token: None | Some(false),
        } = update
        {
            return object.wrong_itself("missing", "give at least one field to change");
        }
        Some(update)
    }
}

impl From<MetaAppUpdate> for Change {
    fn from(update: MetaAppUpdate) -> Self {
        let MetaAppUpdate { name, app_secret, graph_version, base_url, new_verify_token } = update;
        let new_verify_token = new_verify_token.unwrap_or(false);
        Self { name, app_secret, graph_version, base_url, new_verify_token }
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
    /// True for an app of the operator's, which serves channels of every workspace and is the operator's to change.
    shared: bool,
    /// Null: the installation's.
    graph_version: Option<&'a str>,
    /// Null: the installation's.
    base_url: Option<&'a str>,
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
            shared: view.shared,
            graph_version: view.graph_version.as_deref(),
            base_url: view.base_url.as_deref(),
            created_at: view.created_at,
        }
    }
}

/// A Meta app that was just added or changed.
#[derive(Serialize, ToSchema)]
pub struct MetaAppWithToken<'a> {
    #[serde(flatten)]
    #[schema(inline)]
    app: MetaApp<'a>,
    /// The verify token to paste at Meta, beside the callback URL. Shown once, when it is made; null in
    /// any other answer.
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
