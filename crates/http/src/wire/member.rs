//! Members of a workspace, invitations, and the workspace as its members see it.

use gatepost_app::{InvitationCreate, InvitationSent, InvitationView, MemberView, WorkspaceSettings};
use gatepost_core::access::Role;
use gatepost_core::guard::Zone;
use gatepost_core::{EmailAddress, IdentityProviderId, InvitationId, Timestamp, UserId, WorkspaceId};
use serde::Serialize;
use utoipa::ToSchema;

use super::parse;
use crate::json::{Body, Object, Value};
use crate::reply::{Made, to_json};

fn role(value: Value<'_>) -> Option<Role> {
    value.parse(|written| Role::parse(written).ok_or("expected owner, admin, agent or analyst"))
}

/// An address of a person.
pub(super) fn email(value: Value<'_>) -> Option<EmailAddress> {
    value.parse(EmailAddress::parse)
}

/// Another role for a member.
#[derive(ToSchema)]
pub struct MemberUpdate {
    /// `owner`, `admin`, `agent` or `analyst`; only an owner makes owners.
    #[schema(value_type = String, example = "agent")]
    pub role: Role,
}

impl Body for MemberUpdate {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        Some(Self { role: object.required("role", role)? })
    }
}

/// A person to give a seat, at the operator's socket.
#[derive(ToSchema)]
pub struct MemberAdd {
    /// The address of an account.
    #[schema(value_type = String, example = "ann@example.com")]
    pub email: EmailAddress,
    /// `owner`, `admin`, `agent` or `analyst`.
    #[schema(value_type = String, example = "owner")]
    pub role: Role,
}

impl Body for MemberAdd {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let email = object.required("email", email);
        let role = object.required("role", role);
        Some(Self { email: email?, role: role? })
    }
}

/// A member of the workspace.
#[derive(Serialize, ToSchema)]
pub struct Member<'a> {
    #[schema(value_type = String, example = "usr_01kagq5rh8e5htqh9sk95d3x4w")]
    user_id: UserId,
    #[schema(example = "Ann Example")]
    name: &'a str,
    #[schema(example = "ann@example.com")]
    email: &'a str,
    /// `owner`, `admin`, `agent` or `analyst`.
    #[schema(value_type = String, example = "agent")]
    role: &'static str,
    /// Whether their account has a passkey or an authenticator app.
    second_factor: bool,
    /// Whether the operator closed their account: they cannot sign in.
    disabled: bool,
    /// Since when they are a member.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

impl<'a> From<&'a MemberView> for Member<'a> {
    fn from(view: &'a MemberView) -> Self {
        Self {
            user_id: view.user,
            name: &view.name,
            email: &view.email,
            role: view.role.as_str(),
            second_factor: view.second_factor,
            disabled: view.disabled,
            since: view.since,
        }
    }
}

/// Whom to invite.
#[derive(ToSchema)]
pub struct InvitationNew {
    #[schema(value_type = String, example = "ann@example.com")]
    pub email: EmailAddress,
    /// `owner`, `admin`, `agent` or `analyst`; only an owner invites owners.
    #[schema(value_type = String, example = "agent")]
    pub role: Role,
}

impl Body for InvitationNew {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let email = object.required("email", email);
        let role = object.required("role", role);
        Some(Self { email: email?, role: role? })
    }
}

impl From<InvitationNew> for InvitationCreate {
    fn from(new: InvitationNew) -> Self {
        Self { email: new.email, role: new.role }
    }
}

/// An open invitation.
#[derive(Serialize, ToSchema)]
pub struct Invitation<'a> {
    #[schema(value_type = String, example = "inv_01kagq5rh8e5htqh9sk95d3x4w")]
    id: InvitationId,
    #[schema(example = "ann@example.com")]
    email: &'a str,
    /// `owner`, `admin`, `agent` or `analyst`.
    #[schema(value_type = String, example = "agent")]
    role: &'static str,
    /// Who invited: a user's id, or `operator:local`.
    #[schema(example = "usr_01kagq5rh8e5htqh9sk95d3x4w")]
    invited_by: &'a str,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When the link is over.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

impl<'a> From<&'a InvitationView> for Invitation<'a> {
    fn from(view: &'a InvitationView) -> Self {
        Self {
            id: view.id,
            email: &view.email,
            role: view.role.as_str(),
            invited_by: &view.invited_by,
            created_at: view.created_at,
            expires_at: view.expires_at,
        }
    }
}

/// An invitation whose link was just made.
#[derive(Serialize, ToSchema)]
pub struct InvitationWithLink<'a> {
    #[serde(flatten)]
    #[schema(inline)]
    invitation: Invitation<'a>,
    /// The link, to hand on by other ways: shown once, stored nowhere, and only where this installation sends no
    /// e-mail. Null where it went out, and in a repeated answer.
    #[schema(example = "https://gatepost.example.com/invitation/…")]
    link: Option<&'a str>,
}

impl Made for InvitationSent {
    fn location(&self) -> String {
        format!("/v1/invitations/{}", self.view.id)
    }

    fn body(&self, fresh: bool) -> Vec<u8> {
        let link = self.link.as_ref().filter(|_| fresh).map(|link| link.expose().as_str());
        to_json(&InvitationWithLink { invitation: (&self.view).into(), link })
    }
}

/// Who is to own the workspace.
#[derive(ToSchema)]
pub struct OwnershipTransfer {
    /// A member.
    #[schema(value_type = String, example = "usr_01kagq5rh8e5htqh9sk95d3x4w")]
    pub user_id: UserId,
}

impl Body for OwnershipTransfer {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        Some(Self { user_id: object.required("user_id", parse::id)? })
    }
}

/// What is to be changed of the workspace; what is left out stays.
#[derive(ToSchema)]
pub struct WorkspaceUpdate {
    /// 1 to 100 characters.
    #[schema(example = "Example Ltd")]
    pub name: Option<String>,
    /// True: members get in only with a second factor. Whoever asks for it must have signed in with one.
    pub second_factor_required: Option<bool>,
    /// An IANA name; days and months of the plan are counted in it.
    #[schema(value_type = Option<String>, example = "Europe/Berlin")]
    pub time_zone: Option<Zone>,
    /// True: do it even where it shuts out members who have none yet.
    #[schema(value_type = Option<bool>)]
    pub confirm_lockout: bool,
}

impl Body for WorkspaceUpdate {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let name = object.optional("name", parse::name);
        let second_factor_required = object.optional("second_factor_required", parse::boolean);
        let time_zone = object.optional("time_zone", |value| value.parse(Zone::parse));
        let confirm_lockout = object.optional("confirm_lockout", parse::boolean);
        Some(Self {
            name: name?,
            second_factor_required: second_factor_required?,
            time_zone: time_zone?,
            confirm_lockout: confirm_lockout?.unwrap_or(false),
        })
    }
}

impl From<WorkspaceUpdate> for gatepost_app::WorkspaceChange {
    fn from(update: WorkspaceUpdate) -> Self {
        Self {
            name: update.name,
            second_factor_required: update.second_factor_required,
            time_zone: update.time_zone,
            confirm_lockout: update.confirm_lockout,
        }
    }
}

/// The workspace to delete.
#[derive(ToSchema)]
pub struct WorkspaceDelete {
    /// Its present name, typed by whoever means it.
    #[schema(example = "Example Ltd")]
    pub name: String,
}

impl Body for WorkspaceDelete {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        Some(Self { name: object.required("name", parse::name)? })
    }
}

/// The workspace as its members see it.
#[derive(Serialize, ToSchema)]
pub struct WorkspaceOwn<'a> {
    #[schema(value_type = String, example = "ws_01kagq5rh8e5htqh9sk95d3x4w")]
    id: WorkspaceId,
    #[schema(example = "Example Ltd")]
    name: &'a str,
    /// Whether members get in only with a second factor.
    second_factor_required: bool,
    /// The identity provider through which alone members get in; null for any way.
    #[schema(value_type = Option<String>)]
    only_through: Option<IdentityProviderId>,
    /// An IANA name; days and months of the plan are counted in it.
    #[schema(example = "Europe/Berlin")]
    time_zone: &'a str,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl<'a> From<&'a WorkspaceSettings> for WorkspaceOwn<'a> {
    fn from(view: &'a WorkspaceSettings) -> Self {
        Self {
            id: view.id,
            name: &view.name,
            second_factor_required: view.second_factor_required,
            only_through: view.only_through,
            time_zone: &view.time_zone,
            created_at: view.created_at,
        }
    }
}
