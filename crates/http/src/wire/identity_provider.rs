//! Identity providers of a workspace.

use gatepost_app::sso::ProviderKind;
use gatepost_app::{
    IdentityProviderCreate as Create, IdentityProviderUpdate as Change, IdentityProviderView,
};
use gatepost_core::access::Role;
use gatepost_core::json::Patch;
use gatepost_core::{IdentityProviderId, Secret, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::parse;
use crate::json::{Body, Object, Value};
use crate::reply::{Made, to_json};

/// Longest client id, in bytes.
const CLIENT_MAX: usize = 1_024;
/// Most domains.
const DOMAINS_MAX: usize = 20;

/// An identity provider to add.
#[derive(ToSchema)]
pub struct IdentityProviderCreate {
    /// 1 to 60 characters; on the button that leads there.
    #[schema(example = "Acme ID")]
    pub name: String,
    /// `oidc` (any OpenID provider that publishes its configuration), `google`, `microsoft` or `github`.
    #[schema(example = "oidc")]
    pub kind: String,
    /// For `oidc`: the issuer's URL, exactly as its configuration writes it.
    #[schema(value_type = Option<String>, example = "https://id.acme.example")]
    pub issuer: Option<String>,
    /// For `microsoft`: the tenant's id (a UUID), `organizations`, `consumers` or `common`.
    #[schema(value_type = Option<String>)]
    pub tenant: Option<String>,
    /// The client id that the provider gave for this Gatepost.
    #[schema(example = "gatepost")]
    pub client_id: String,
    /// Its secret. Kept sealed and never shown again.
    #[schema(value_type = String, example = "kQ3vN8yT2mZ5")]
    pub client_secret: Secret<String>,
    /// True where it is left out.
    #[schema(value_type = Option<bool>)]
    pub enabled: bool,
    /// True: who comes through it has proved a second factor there, and is not asked for one here. False where it is left
    /// out.
    #[schema(value_type = Option<bool>)]
    pub trusts_second_factor: bool,
    /// Domains of e-mail addresses, at most 20: others do not come in, whoever they are at the provider. All where it is
    /// left out.
    #[schema(value_type = Option<Vec<String>>, example = json!(["acme.example"]))]
    pub domains: Vec<String>,
    /// `agent` or `analyst`: people with a verified address of the domains become that without an invitation. Nobody does
    /// where it is left out.
    #[schema(value_type = Option<String>)]
    pub join_role: Option<Role>,
}

impl Body for IdentityProviderCreate {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let name = object.required("name", parse::name);
        let kind = object.required("kind", |v| v.text().map(str::to_owned));
        let issuer = object.optional("issuer", |v| v.text().map(str::to_owned));
        let tenant = object.optional("tenant", |v| v.text().map(str::to_owned));
        let client_id = object.required("client_id", client_id);
        let client_secret = object.required("client_secret", parse::secret);
        let enabled = object.optional("enabled", parse::boolean);
        let trusts_second_factor = object.optional("trusts_second_factor", parse::boolean);
        let domains = object.optional("domains", domains);
        let join_role = object.optional("join_role", role);
        Some(Self {
            name: name?,
            kind: kind?,
            issuer: issuer?,
            tenant: tenant?,
            client_id: client_id?,
            client_secret: client_secret?,
            enabled: enabled?.unwrap_or(true),
            trusts_second_factor: trusts_second_factor?.unwrap_or(false),
            domains: domains?.unwrap_or_default(),
            join_role: join_role?,
        })
    }
}

impl IdentityProviderCreate {
    /// Errors: `invalid_field` naming the kind or its place.
    pub fn into_command(self) -> gatepost_core::Result<Create> {
        let place = match self.kind.as_str() {
            "microsoft" => self.tenant.as_deref(),
            _ => self.issuer.as_deref(),
        };
        let kind = ProviderKind::parse(&self.kind, place).map_err(|fault| {
            let error =
                gatepost_core::FieldError::new(format!("/{}", fault.field), "invalid_value", fault.detail);
            gatepost_core::Error::fields(vec![error])
        })?;
        Ok(Create {
            name: self.name,
            kind,
            client_id: self.client_id,
            client_secret: self.client_secret,
            enabled: self.enabled,
            trusts_second_factor: self.trusts_second_factor,
            domains: self.domains,
            join_role: self.join_role,
        })
    }
}

fn client_id(value: Value<'_>) -> Option<String> {
    value.parse(|written| {
        let fits =
            (1..=CLIENT_MAX).contains(&written.len()) && written.bytes().all(|b| (b' '..=b'~').contains(&b));
        if fits {
            Ok(written.to_owned())
        } else {
            Err(format!("expected 1 to {CLIENT_MAX} visible ASCII characters"))
        }
    })
}

fn domains(value: Value<'_>) -> Option<Vec<String>> {
    value.list(DOMAINS_MAX, |v| v.text().map(str::to_owned))
}

fn role(value: Value<'_>) -> Option<Role> {
    value.parse(|written| Role::parse(written).ok_or("expected agent or analyst"))
}

/// What is to change of an identity provider; what is left out stays. Another issuer is another provider.
#[derive(ToSchema)]
pub struct IdentityProviderUpdate {
    #[schema(value_type = Option<String>)]
    pub name: Option<String>,
    #[schema(value_type = Option<String>)]
    pub client_id: Option<String>,
    #[schema(value_type = Option<String>)]
    pub client_secret: Option<Secret<String>>,
    /// False ends the sessions that it opened.
    #[schema(value_type = Option<bool>, example = true)]
    pub enabled: Option<bool>,
    #[schema(value_type = Option<bool>)]
    pub trusts_second_factor: Option<bool>,
    #[schema(value_type = Option<Vec<String>>)]
    pub domains: Option<Vec<String>>,
    /// Null: nobody comes without an invitation.
    #[schema(value_type = Option<String>)]
    pub join_role: Patch<Role>,
    /// True: members come in through this provider alone, from the next request on. Owners keep their own way, with a
    /// second factor.
    #[schema(value_type = Option<bool>)]
    pub only_way_in: Option<bool>,
}

impl Body for IdentityProviderUpdate {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let name = object.optional("name", parse::name);
        let client_id = object.optional("client_id", client_id);
        let client_secret = object.optional("client_secret", parse::secret);
        let enabled = object.optional("enabled", parse::boolean);
        let trusts_second_factor = object.optional("trusts_second_factor", parse::boolean);
        let domains = object.optional("domains", domains);
        let join_role = object.patch("join_role", role);
        let only_way_in = object.optional("only_way_in", parse::boolean);
        Some(Self {
            name: name?,
            client_id: client_id?,
            client_secret: client_secret?,
            enabled: enabled?,
            trusts_second_factor: trusts_second_factor?,
            domains: domains?,
            join_role: join_role?,
            only_way_in: only_way_in?,
        })
    }
}

impl From<IdentityProviderUpdate> for Change {
    fn from(update: IdentityProviderUpdate) -> Self {
        Self {
            name: update.name,
            client_id: update.client_id,
            client_secret: update.client_secret,
            enabled: update.enabled,
            trusts_second_factor: update.trusts_second_factor,
            domains: update.domains,
            join_role: match update.join_role {
                Patch::Keep => None,
                Patch::Clear => Some(None),
                Patch::Set(role) => Some(Some(role)),
            },
            only_way_in: update.only_way_in,
        }
    }
}

/// An identity provider.
#[derive(Serialize, ToSchema)]
pub struct IdentityProvider<'a> {
    #[schema(value_type = String, example = "idp_01kagq5rh8e5htqh9sk95d3x4w")]
    id: IdentityProviderId,
    /// `oidc`, `google`, `microsoft` or `github`.
    #[schema(example = "oidc")]
    kind: &'static str,
    name: &'a str,
    /// The issuer of `oidc`.
    #[schema(value_type = Option<String>)]
    issuer: Option<&'a str>,
    /// The tenant of `microsoft`.
    #[schema(value_type = Option<String>)]
    tenant: Option<&'a str>,
    client_id: &'a str,
    /// How its secret ends.
    secret_last4: &'a str,
    enabled: bool,
    only_way_in: bool,
    trusts_second_factor: bool,
    domains: &'a [String],
    /// What people of the domains become without an invitation.
    #[schema(value_type = Option<String>)]
    join_role: Option<&'static str>,
    /// The redirect URI to register at the provider.
    #[schema(example = "https://gatepost.example/sso/idp_01kagq5rh8e5htqh9sk95d3x4w/callback")]
    callback_url: &'a str,
    /// Where members sign in through it.
    #[schema(example = "https://gatepost.example/sso/idp_01kagq5rh8e5htqh9sk95d3x4w")]
    sign_in_url: &'a str,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When somebody last signed in through it as it is now; before that it cannot be made the only way in.
    #[schema(value_type = Option<String>, format = DateTime)]
    used_at: Option<Timestamp>,
}

impl<'a> From<&'a IdentityProviderView> for IdentityProvider<'a> {
    fn from(view: &'a IdentityProviderView) -> Self {
        let place = view.kind.place();
        let microsoft = matches!(view.kind, ProviderKind::Microsoft(_));
        Self {
            id: view.id,
            kind: view.kind.as_str(),
            name: &view.name,
            issuer: place.filter(|_| !microsoft),
            tenant: place.filter(|_| microsoft),
            client_id: &view.client_id,
            secret_last4: &view.secret_last4,
            enabled: view.enabled,
            only_way_in: view.only_way_in,
            trusts_second_factor: view.trusts_second_factor,
            domains: &view.domains,
            join_role: view.join_role.map(Role::as_str),
            callback_url: &view.callback_url,
            sign_in_url: &view.sign_in_url,
            created_at: view.created_at,
            used_at: view.used_at,
        }
    }
}

impl Made for IdentityProviderView {
    fn location(&self) -> String {
        format!("/v1/identity-providers/{}", self.id)
    }

    fn body(&self, _: bool) -> Vec<u8> {
        to_json(&IdentityProvider::from(self))
    }
}
