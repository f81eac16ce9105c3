//! The pages about people: members and invitations of a workspace, its settings, the page behind an invitation's link.

mod invitation;
mod list;
mod one;
mod settings;

pub use invitation::is_over as invitation_is_over;

use gatepost_app::App;
use gatepost_core::access::Role;
use maud::Markup;

use super::parts::{Tone, badge};
use crate::route::Route;

pub fn routes() -> Vec<Route<App>> {
    let mut routes = list::routes();
    routes.extend(one::routes());
    routes.extend(settings::routes());
    routes.extend(invitation::routes());
    routes
}

/// A role's name for people.
pub(super) const fn title(role: Role) -> &'static str {
    match role {
        Role::Owner => "Owner",
        Role::Admin => "Admin",
        Role::Agent => "Agent",
        Role::Analyst => "Analyst",
    }
}

fn role_badge(role: Role) -> Markup {
    badge(if role == Role::Owner { Tone::Info } else { Tone::Plain }, title(role))
}

/// Whether the viewer may give, change and take away a role.
fn reaches(own: Option<Role>, other: Role) -> bool {
    own.is_some_and(|own| own.reaches(other))
}

/// The roles that the viewer may give, each with what it is for.
fn roles_within(own: Option<Role>) -> impl Iterator<Item = Role> {
    Role::ALL.into_iter().filter(move |role| reaches(own, *role))
}
