//! Every route there is.

mod access_rules;
mod audit;
mod auth;
mod billing;
mod channels;
mod compat_otp;
mod consents;
mod deliveries;
mod endpoints;
mod events;
mod guard_settings;
mod hooks;
mod identity_providers;
mod keys;
mod keywords;
mod media;
mod members;
mod messages;
mod meta_apps;
mod numbers;
mod operator;
pub(crate) mod operators;
mod pauses;
mod plans;
mod policy_events;
mod replays;
mod reviews;
mod service;
mod setup;
mod suppressions;
mod templates;
mod test_events;
mod users;
mod verification_pages;
mod verification_settings;
mod verification_stats;
mod verifications;
mod visits;

use std::sync::Arc;

use axum::extract::FromRef;
use bytes::Bytes;
use gatepost_app::{App, Idempotent, LimitDecision, PageQuery, VerifiedBilling, VerifiedCallback, Visit};
use gatepost_core::access::operator_permission::WorkspaceEnter;
use gatepost_core::access::{Grant, KeyRefused, OperatorGrant, Person, Principal, SessionKind};
use gatepost_core::audit::Refusal;
use gatepost_core::channel::Mode;
use gatepost_core::{
    ClientAddr, Code, Entropy, Error, FieldError, MetaAppId, Result, Secret, Timestamp, WorkspaceId,
};

use crate::api::{Api, Surface};
use crate::body::Create;
use crate::query::Paging;
use crate::reply::{Made, kept};
use crate::state::{ApiState, Doors};

impl Doors for App {
    type Callback = VerifiedCallback;
    type Billing = VerifiedBilling;

    fn sha256(bytes: &[u8]) -> [u8; 32] {
        gatepost_app::sha256(bytes)
    }

    fn now(&self) -> Timestamp {
        Self::now(self)
    }

    fn entropy(&self) -> &dyn Entropy {
        Self::entropy(self)
    }

    async fn principal_of_key(
        &self,
        presented: &str,
        client: Option<ClientAddr>,
    ) -> Result<Arc<Principal>, KeyRefused> {
        Self::principal_of_key(self, presented, client).await
    }

    async fn person_of_session(&self, token: &str, kind: SessionKind) -> Result<Arc<Person>> {
        Self::person_of_session(self, token, kind).await
    }

    async fn principal_of_person(&self, person: &Person, workspace: WorkspaceId) -> Result<Arc<Principal>> {
        Self::principal_of_person(self, person, workspace).await
    }

    async fn is_set_up(&self) -> Result<bool> {
        Self::is_set_up(self).await
    }

    async fn session_renew(&self, token: &str) -> Result<Option<Secret<String>>> {
        Self::session_renew(self, token).await
    }

    async fn limit_page(&self, person: Option<&Person>, client: Option<ClientAddr>) -> LimitDecision {
        Self::limit_page(self, person, client).await
    }

    async fn limit_principal(&self, principal: &Principal) -> LimitDecision {
        Self::limit_principal(self, principal).await
    }

    async fn limit_refused(&self, client: Option<ClientAddr>) -> LimitDecision {
        Self::limit_refused(self, client).await
    }

    async fn workspace_enter(
        &self,
        grant: &OperatorGrant<WorkspaceEnter>,
        workspace: WorkspaceId,
        route: String,
    ) -> Result<Arc<Principal>> {
        Self::workspace_enter(self, grant, workspace, Visit::Request(route)).await
    }

    async fn csrf_token(&self, binding: &str) -> Result<String> {
        Self::csrf_token(self, binding).await
    }

    async fn csrf_verify(&self, binding: &str, presented: &str) -> Result<bool> {
        Self::csrf_verify(self, binding, presented).await
    }

    fn refused(&self, refusal: Refusal) {
        Self::refused(self, refusal);
    }

    async fn callback_verify(
        &self,
        app: MetaAppId,
        raw: Bytes,
        signature: Option<&str>,
    ) -> Result<VerifiedCallback> {
        Self::callback_verify(self, app, raw, signature).await
    }

    fn billing_is_on(&self) -> bool {
        Self::billing_is_on(self)
    }

    fn billing_verify(&self, raw: Bytes, signature: &str) -> Result<VerifiedBilling> {
        Self::billing_verify(self, raw, signature)
    }
}

impl FromRef<ApiState<Self>> for App {
    fn from_ref(state: &ApiState<Self>) -> Self {
        state.app().clone()
    }
}

/// The routes of the public address.
pub fn public() -> Api<App> {
    Api::new(Surface::Public)
        .routes(messages::routes())
        .routes(verification_settings::routes())
        .routes(verification_stats::routes())
        .routes(verifications::routes())
        .routes(verification_pages::routes())
        .routes(compat_otp::routes())
        .routes(media::routes())
        .routes(templates::routes())
        .routes(numbers::routes())
        .routes(channels::routes())
        .routes(meta_apps::routes())
        .routes(endpoints::routes())
        .routes(identity_providers::routes())
        .routes(deliveries::routes())
        .routes(replays::routes())
        .routes(replays::event_routes())
        .routes(events::routes())
        .routes(test_events::routes())
        .routes(policy_events::routes())
        .routes(pauses::routes())
        .routes(reviews::routes())
        .routes(keys::routes())
        .routes(members::routes())
        .routes(members::owner_routes())
        .routes(auth::routes())
        .routes(audit::routes())
        .routes(suppressions::routes())
        .routes(consents::routes())
        .routes(keywords::routes())
        .routes(guard_settings::routes())
        .routes(access_rules::routes())
        .routes(visits::routes())
        .routes(hooks::routes())
        .routes(billing::routes())
        .routes(plans::routes())
        .routes(plans::public_routes())
        .routes(service::routes())
        .routes(crate::console::routes())
        .routes(crate::console::pages())
        .routes(crate::console::people::routes())
        .routes(crate::console::operator_visits::routes())
}

/// The routes of the operator's socket: the installation's own, and those that set up a workspace. The latter are the
/// very same handlers; their [`Grant`] comes from the operator's right to enter.
pub fn at_socket() -> Api<App> {
    Api::new(Surface::Operator)
        .routes(operator::routes())
        .routes(setup::routes())
        .routes(audit::platform_routes())
        .routes_inside_workspace(templates::routes())
        .routes_inside_workspace(numbers::routes())
        .routes_inside_workspace(channels::routes())
        .routes_inside_workspace(meta_apps::routes())
        .routes_inside_workspace(endpoints::routes())
        .routes_inside_workspace(verification_pages::routes())
        .routes_inside_workspace(deliveries::routes())
        .routes_inside_workspace(replays::routes())
        .routes_inside_workspace(test_events::routes())
        .routes_inside_workspace(policy_events::routes())
        .routes(pauses::operator_routes())
        .routes(reviews::operator_routes())
        .routes_inside_workspace(keys::routes())
        .routes_inside_workspace(members::routes())
        .routes(users::routes())
        .routes_inside_workspace(audit::routes())
        .routes_inside_workspace(suppressions::routes())
        .routes_inside_workspace(consents::routes())
        .routes_inside_workspace(keywords::routes())
        .routes_inside_workspace(guard_settings::routes())
        .routes_inside_workspace(verification_settings::routes())
        .routes_inside_workspace(verification_stats::routes())
        .routes_inside_workspace(access_rules::routes())
        .routes_inside_workspace(visits::routes())
        .routes_inside_workspace(plans::routes())
        .routes(access_rules::operator_routes())
        .routes(operators::routes())
        .routes(plans::operator_routes())
        .routes(service::routes())
}

/// The routes of the operators' listener: pages, what operators do across workspaces, and what they may read inside one
/// that they visit, by the handlers that its members and keys use.
pub fn for_operators() -> Api<App> {
    Api::new(Surface::Operators)
        .routes(crate::console::operators::routes())
        .routes(operator::workspace_routes())
        .routes(operator::status_routes())
        .routes(operators::routes())
        .routes(operators::visit_routes())
        .routes(plans::operator_routes())
        .routes(audit::platform_routes())
        .routes_visited(messages::routes())
        .routes_visited(verification_settings::routes())
        .routes_visited(verification_stats::routes())
        .routes_visited(verifications::routes())
        .routes_visited(media::routes())
        .routes_visited(templates::routes())
        .routes_visited(numbers::routes())
        .routes_visited(channels::routes())
        .routes_visited(meta_apps::routes())
        .routes_visited(endpoints::routes())
        .routes_visited(verification_pages::routes())
        .routes_visited(deliveries::routes())
        .routes_visited(replays::routes())
        .routes_visited(events::routes())
        .routes_visited(policy_events::routes())
        .routes(pauses::operator_routes())
        .routes(reviews::operator_routes())
        .routes_visited(keys::routes())
        .routes_visited(members::routes())
        .routes_visited(audit::routes())
        .routes_visited(suppressions::routes())
        .routes_visited(consents::routes())
        .routes_visited(keywords::routes())
        .routes_visited(guard_settings::routes())
        .routes_visited(access_rules::routes())
        .routes_visited(visits::routes())
        .routes_visited(plans::routes())
}

impl From<Paging> for PageQuery {
    fn from(paging: Paging) -> Self {
        Self { limit: paging.limit, after: paging.after }
    }
}

/// Body and idempotency key of a creation.
fn split<T, V: Made>(create: Create<T>) -> (T, Option<Idempotent<V>>) {
    let (body, key) = create.into_parts();
    (body, idempotent(key))
}

/// The idempotency key of something that is made.
fn idempotent<V: Made>(key: Option<(String, [u8; 32])>) -> Option<Idempotent<V>> {
    key.map(|(key, request)| Idempotent { key, request, render: kept::<V> })
}

/// Whether the mode that a body names is the caller's own.
fn mode_fits(own: Option<Mode>, wanted: Option<Mode>) -> Result<()> {
    match (own, wanted) {
        (Some(own), Some(wanted)) if own != wanted => Err(Error::of(match own {
            Mode::Test => Code::TestModeOnly,
            Mode::Live => Code::LiveModeOnly,
        })),
        _ => Ok(()),
    }
}

/// The mode of a thing to be made: the caller's own, or, for who sees both, the one that the body names.
fn mode_of<P>(grant: &Grant<P>, wanted: Option<Mode>) -> Result<Mode> {
    mode_fits(grant.mode(), wanted)?;
    match (grant.mode(), wanted) {
        (Some(mode), _) | (None, Some(mode)) => Ok(mode),
        (None, None) => {
            Err(Error::fields(vec![FieldError::new("/mode", "missing", "expected test or live")]))
        }
    }
}
