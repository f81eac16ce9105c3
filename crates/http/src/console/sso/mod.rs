//! Signing in through identity providers: the way there and back, the accounts that a person has linked, and the providers
//! of a workspace.
//!
//! Threat note. The way to a provider begins with a form, so that no other site sends a person there (and links an account
//! of its own with theirs). A form cannot lead to another host under our content policy, and should not be able to; the
//! answer is a page that leads there instead. The cookie that binds the way back to this browser is `SameSite=Lax`: the
//! provider sends the browser back from another site. What comes back is in the address, so the next page is another one.

mod linked;
mod visit;
mod workspace;

use gatepost_app::{App, SsoOffer};
use maud::{Markup, html};

use super::back;
use super::parts::{plain_form, secondary};
use super::view::View;
use crate::route::Route;

/// Where a person sees the accounts that they have linked.
pub const LINKED_PATH: &str = "/account/linked";

pub fn routes() -> Vec<Route<App>> {
    let mut routes = visit::routes();
    routes.extend(linked::routes());
    routes.extend(workspace::routes());
    routes
}

/// A button for each provider, for the sign-in page; with the word of an invitation, for the page of that. `back` is where
/// the person was on the way to.
pub fn buttons(view: &View, offers: &[SsoOffer], invitation: Option<&str>, back: &str) -> Markup {
    html! {
        @for offer in offers {
            (plain_form(view, &format!("/sso/{}/start", offer.key), html! {
                (back::field(back))
                @if let Some(word) = invitation { input type="hidden" name="invitation" value=(word); }
                (secondary(&format!("Continue with {}", offer.name)))
            }))
        }
    }
}
