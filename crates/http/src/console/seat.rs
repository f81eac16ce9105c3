//! Who looks at a page: a member in their workspace ([`Seat`]), or a person at what is their own ([`Account`]).
//!
//! Both come after the access in a handler's arguments. They show what the viewer may do, so that pages leave out the
//! rest; they let nobody in.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use gatepost_app::{App, UserView};
use gatepost_core::access::{Grant, Permission, PermissionId, Person as Signed, Principal, Role};
use gatepost_core::channel::Mode;
use gatepost_core::{ClientAddr, Code, Error, WorkspaceId};
use http::request::Parts;
use maud::Markup;

use super::layout::{Frame, Person, Place};
use super::nav::Section;
use super::view::View;
use crate::client::ClientAddress;
use crate::path::Id;
use crate::problem::Failure;
use crate::session::{self, AtConsole};
use crate::state::ApiState;

/// Whose cookie the request brings; it is in the cache already, for the access asked before.
async fn signed_in(parts: &Parts, state: &ApiState<App>) -> Result<Arc<Signed>, Error> {
    let AtConsole(kind) = parts.extensions.get().copied().ok_or_else(|| Error::of(Code::NotFound))?;
    state.app().person_of_session(session::presented(&parts.headers, kind)?, kind).await
}

/// A member of the workspace in the path.
pub struct Seat {
    pub view: View,
    pub user: UserView,
    /// The workspace's name.
    pub workspace_name: String,
    principal: Arc<Principal>,
    client: Option<ClientAddr>,
}

impl Seat {
    pub fn workspace(&self) -> WorkspaceId {
        self.principal.workspace()
    }

    pub fn role(&self) -> Option<Role> {
        self.principal.role()
    }

    /// The viewer's address, as it is seen here.
    pub const fn client(&self) -> Option<ClientAddr> {
        self.client
    }

    /// Whether the viewer holds a permission, so that a page shows what asks for it.
    pub fn may(&self, permission: PermissionId) -> bool {
        self.principal.holds(permission)
    }

    /// The grant for a part of a page that not all of its viewers see; `None` for those who do not.
    pub fn grant<P: Permission>(&self) -> Option<Grant<P>> {
        let grant = self.principal.grant().ok()?;
        Some(grant.called_from(self.client).in_request(self.view.request))
    }

    /// A path of this workspace: `path("/keys")`.
    pub fn path(&self, rest: &str) -> String {
        format!("/w/{}{rest}", self.workspace())
    }

    /// A page of the workspace. `content` begins with [`page_header`](super::parts::page_header).
    pub fn page(&self, section: Section, title: &str, content: Markup) -> Markup {
        self.page_of(section, None, title, content)
    }

    /// A page that shows one mode of two; in test mode it says so.
    pub fn page_of(&self, section: Section, mode: Option<Mode>, title: &str, content: Markup) -> Markup {
        let may = |permission: PermissionId| self.may(permission);
        let place = Place::Workspace { id: self.workspace(), name: &self.workspace_name, may: &may, mode };
        Frame { place, person: person(&self.user), section }.page(&self.view, title, content)
    }
}

impl FromRequestParts<ApiState<App>> for Seat {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState<App>) -> Result<Self, Failure> {
        let view = View::from_request_parts(parts, state).await?;
        let Id(workspace) = Id::<WorkspaceId>::from_request_parts(parts, state).await?;
        let app = state.app();
        let signed = signed_in(parts, state).await?;
        let principal = app.principal_of_person(&signed, workspace).await?;
        let seats = app.seats_of(&signed).await?;
        let seat = seats.into_iter().find(|seat| seat.workspace == workspace);
        let workspace_name = seat.ok_or_else(|| Error::of(Code::NotFound))?.workspace_name;
        let client = parts.extensions.get::<ClientAddress>().and_then(|client| client.0);
        Ok(Self { view, user: app.user_of(&signed).await?, workspace_name, principal, client })
    }
}

/// A person at what is their own, whatever workspaces they belong to.
pub struct Account {
    pub view: View,
    pub user: UserView,
}

impl Account {
    /// A page of the account. `content` begins with [`page_header`](super::parts::page_header).
    pub fn page(&self, section: Section, title: &str, content: Markup) -> Markup {
        let frame = Frame { place: Place::Account, person: person(&self.user), section };
        frame.page(&self.view, title, content)
    }
}

impl FromRequestParts<ApiState<App>> for Account {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState<App>) -> Result<Self, Failure> {
        let view = View::from_request_parts(parts, state).await?;
        let signed = signed_in(parts, state).await?;
        Ok(Self { view, user: state.app().user_of(&signed).await? })
    }
}

fn person(user: &UserView) -> Person<'_> {
    let name = if user.name.is_empty() { &user.email } else { &user.name };
    Person { name, email: &user.email }
}
