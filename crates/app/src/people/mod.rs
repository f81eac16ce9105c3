//! People: accounts, signing in, sessions, seats in workspaces.
//!
//! An account belongs to no workspace. What tells something of a person is sealed under the platform's keys and found
//! by blind index; what a browser or a letter holds (cookies, links, the state between two steps of a sign-in) is a
//! random token whose digest alone is kept ([`tickets`], [`sessions`]).
//!
//! - [`users`]: accounts, and opening what is sealed of them.
//! - [`sessions`]: a session is begun in one place only, after every proof that the account asks for; a person's token
//!   becomes a [`gatepost_core::access::Person`], and with a seat a principal of that workspace.
//! - [`factors`]: a person's own second factors and passkeys, and proving by them.
//! - [`sign_in`]: the steps from an e-mail address to a session.
//! - [`so_far`]: what the first of two steps proved.
//! - [`sso`]: signing in through an identity provider; [`sso_offers`]: through which; [`providers`]: those that workspaces
//!   name; [`identities`]: the accounts that people have with them.
//! - [`throttle`]: how often somebody may guess.
//! - [`proving`]: proving again who one is.
//! - [`setup`]: the first operator and owner.
//! - [`access_tokens`]: what sessions and API keys are exchanged for.
//! - [`tickets`]: what is handed out once.
//! - [`members`], [`invitations`], [`workspace`]: seats, how they are given and lost, and the rules of the house.
//! - [`lost`], [`changes`]: forgotten passwords, and passwords and addresses that people change.
//! - [`accounts`]: accounts as operators open and close them.
//!
//! Whatever ends or narrows a session, a seat or an account raises the credential epoch and is answered when no node
//! knows better, as with keys.

mod access_tokens;
mod accounts;
mod changes;
mod factors;
mod identities;
mod invitations;
mod lost;
mod members;
mod passwords;
mod providers;
mod proving;
mod sessions;
mod setup;
mod sign_in;
mod so_far;
mod sso;
mod sso_offers;
mod throttle;
mod tickets;
mod users;
mod workspace;

pub use access_tokens::{TokenTimes, TokensIssued};
pub use factors::{
    FactorAdded, FactorsOffered, FactorsView, PasskeyStart, PasskeyView, SecondFactor, TotpEnrolment,
};
pub use identities::IdentityView;
pub use invitations::{
    INVITATION_LIVES, INVITATIONS_MAX, InvitationCreate, InvitationLook, InvitationSent, InvitationView,
};
pub use lost::RecoveryLink;
pub use members::{MEMBERS_MAX, MemberView};
pub use providers::{IdentityProviderCreate, IdentityProviderUpdate, IdentityProviderView, PROVIDERS_MAX};
pub use proving::{Proof, ProofsOffered};
pub use sessions::{Device, SessionBegun, SessionView};
pub use setup::{SetupAsk, SetupDone, SetupToken};
pub use sign_in::SignIn;
pub use sso::{SsoDone, SsoFinished, SsoStarted, SsoWish};
pub use sso_offers::SsoOffer;
pub use throttle::GuessRules;
pub use users::{SeatView, UserCreate, UserView};
pub use workspace::{WorkspaceChange, WorkspaceSettings};

pub(crate) use sessions::Sessions;
pub(crate) use tickets::{TicketNew, ticket_digest, ticket_state_open};
pub(crate) use users::{UserColumn, email_index, user_view};

use std::time::Duration;

use gatepost_core::access::{Actor, Credential};
use gatepost_core::audit::{Action, AuditEntry};
use gatepost_core::{AuditId, ClientAddr, RequestId};

use crate::App;

/// How long a link to set a new password works.
pub(crate) const RESET_LIVES: Duration = Duration::from_hours(1);

/// Where a request of somebody comes from who is not known yet.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    pub client: Option<ClientAddr>,
    pub request: Option<RequestId>,
    /// What the browser says of itself.
    pub agent: Option<String>,
    /// The token that this browser was given at an earlier sign-in, whoever signed in.
    pub device: Option<String>,
}

impl App {
    /// An audit entry of the platform's log about a person.
    pub(crate) fn audit_person(
        &self,
        caller: &Caller,
        actor: Actor,
        credential: Option<Credential>,
        action: Action,
        target: (&'static str, String),
    ) -> AuditEntry {
        let at = self.now();
        AuditEntry {
            credential,
            source: caller.client,
            request: caller.request,
            ..AuditEntry::new(AuditId::new(at, self.entropy()), at, actor, action, target)
        }
    }
}
