//! Accounts, at the operator's socket.

use gatepost_app::UserView;
use gatepost_core::{EmailAddress, Timestamp, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use super::{member, parse};
use crate::json::{Body, Object};

/// An account to make. It has no password: `gatepost user recover` makes a link to set one.
#[derive(ToSchema)]
pub struct UserNew {
    #[schema(value_type = String, example = "ann@example.com")]
    pub email: EmailAddress,
    /// As they want to be called; 1 to 100 characters.
    #[schema(example = "Ann Example")]
    pub name: String,
}

impl Body for UserNew {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let email = object.required("email", member::email);
        let name = object.required("name", parse::name);
        Some(Self { email: email?, name: name? })
    }
}

/// An account of a person.
#[derive(Serialize, ToSchema)]
pub struct User<'a> {
    #[schema(value_type = String, example = "usr_01kagq5rh8e5htqh9sk95d3x4w")]
    id: UserId,
    #[schema(example = "ann@example.com")]
    email: &'a str,
    #[schema(example = "Ann Example")]
    name: &'a str,
    has_password: bool,
    /// Whether an authenticator app is set up.
    has_totp: bool,
    /// `administrator` or `support`; null for who is no operator.
    #[schema(value_type = Option<String>)]
    operator: Option<&'static str>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Since when the account is closed; null where it is open.
    #[schema(value_type = Option<String>, format = DateTime)]
    disabled_at: Option<Timestamp>,
}

impl<'a> From<&'a UserView> for User<'a> {
    fn from(view: &'a UserView) -> Self {
        Self {
            id: view.id,
            email: &view.email,
            name: &view.name,
            has_password: view.has_password,
            has_totp: view.has_totp,
            operator: view.operator.map(gatepost_core::access::OperatorRole::as_str),
            created_at: view.created_at,
            disabled_at: view.disabled_at,
        }
    }
}
