//! Access is declared where a route is registered.
//!
//! A handler's first argument says who may call it: [`Grant`] (an API key's permission; in the console, a member's; on
//! the operator's socket, the operator inside a workspace), [`SignedIn`] (a person, for their own account), [`Holder`] (a person or a key, to be exchanged),
//! [`Operator`], [`Signed`] (a provider's signature over the raw bytes) or [`Public`].
//! [`get`], [`post`], [`patch`] and [`delete`] are the only way to make a route, and they take no other handler. The
//! accesses and the registration sit in this one file, so that the rule is read in one place.
//!
//! Defends against: a route whose check was forgotten (it does not compile), a check that differs from the published
//! matrix (the matrix is written from the same types), an id in the request widening what a credential may do (grants
//! come from the credential alone), an operator's route answering on the public address (its proof is put there by
//! the socket's own layer and cannot be sent), a key used from an address that its owner did not list, doors tried
//! without end (see `gatepost_app`'s limits), a feature outside the plan and a workspace whose subscription is over (what
//! a route needs of them is declared beside it, and asked for where the grant is made).
//! Does not defend against: a use case that ignores its grant.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use bytes::Bytes;
use gatepost_core::access::{
    LocalOperator, OperatorPermission, OperatorPermissionId, Permission, PermissionId, Person, Principal,
    SessionKind,
};
use gatepost_core::audit::Refused;
use gatepost_core::guard::Needs;
use gatepost_core::{ClientAddr, Code, Error, MetaAppId, WorkspaceId};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method};

pub use gatepost_core::access::{Grant, OperatorGrant as Operator, operator_permission, permission};

use crate::body::read_body;
use crate::client::ClientAddress;
use crate::cors;
use crate::credential;
use crate::observe::{Notes, route_name};
use crate::path::Id;
use crate::problem::Failure;
use crate::session::{self, AtConsole};
use crate::state::{ApiState, Doors};

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Whoever holds the permission in a workspace.
    Permission(PermissionId),
    /// Whoever signed in, for their own account.
    Person,
    /// Whoever signed in, or holds an API key, to exchange one or the other.
    Holder,
    /// The operator, on the local socket or the operators' listener.
    Operator(OperatorPermissionId),
    /// Whoever signs the raw body; the text names the provider.
    Signed(&'static str),
    /// Everybody.
    Public,
}

mod sealed {
    pub trait Sealed {}
}

/// An argument that proves the right to call.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say who may call the route",
    label = "the first argument must be `Grant<P>`, `SignedIn`, `Holder`, `Operator<P>`, `Signed<S>` or `Public`"
)]
pub trait Access: sealed::Sealed {
    const RULE: Rule;
}

/// The arguments of a handler, as axum counts them, with an [`Access`] in front.
#[diagnostic::on_unimplemented(
    message = "a route needs a handler whose first argument says who may call it",
    label = "the first argument of this handler is not `Grant<P>`, `SignedIn`, `Holder`, `Operator<P>`, `Signed<S>` or `Public`",
    note = "access is declared by the first argument of a handler; see `gatepost_http::access`"
)]
pub trait Admission: sealed::Sealed {
    const RULE: Rule;
}

macro_rules! admissions {
    ($(($($more:ident),*);)*) => {$(
        impl<M, A: Access, $($more),*> sealed::Sealed for (M, A, $($more,)*) {}
        impl<M, A: Access, $($more),*> Admission for (M, A, $($more,)*) {
            const RULE: Rule = A::RULE;
        }
    )*};
}

admissions! {
    ();
    (B);
    (B, C);
    (B, C, D);
    (B, C, D, E);
    (B, C, D, E, F);
    (B, C, D, E, F, G);
}

/// A route as the router sees it: only the functions below make one.
pub struct Entrance<A> {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) rule: Rule,
    pub(crate) needs: Needs,
    pub(crate) handler: MethodRouter<ApiState<A>>,
}

fn entrance<A, H, T>(
    method: Method,
    filter: MethodFilter,
    path: &'static str,
    handler: H,
) -> crate::route::Route<A>
where
    A: Doors,
    H: Handler<T, ApiState<A>>,
    T: Admission + 'static,
{
    crate::route::Route::new(Entrance {
        method,
        path: path.to_owned(),
        rule: T::RULE,
        needs: Needs::default(),
        handler: on(filter, handler),
    })
}

macro_rules! registrations {
    ($($(#[$doc:meta])* $name:ident = $method:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name<A, H, T>(path: &'static str, handler: H) -> crate::route::Route<A>
        where
            A: Doors,
            H: Handler<T, ApiState<A>>,
            T: Admission + 'static,
        {
            entrance(Method::$method, MethodFilter::$method, path, handler)
        }
    )*};
}

registrations! {
    /// A route for GET (and HEAD).
    get = GET;
    /// A route for POST.
    post = POST;
    /// A route for PUT.
    put = PUT;
    /// A route for PATCH.
    patch = PATCH;
    /// A route for DELETE.
    delete = DELETE;
}

/// A page of the console: GET (and HEAD), answered with HTML.
pub fn page<A, H, T>(path: &'static str, handler: H) -> crate::route::Route<A>
where
    A: Doors,
    H: Handler<T, ApiState<A>>,
    T: Admission + 'static,
{
    get(path, handler).in_console()
}

/// A form of the console: POST, behind the guard of [`csrf`](crate::console::csrf).
pub fn form<A, H, T>(path: &'static str, handler: H) -> crate::route::Route<A>
where
    A: Doors,
    H: Handler<T, ApiState<A>>,
    T: Admission + 'static,
{
    post(path, handler).in_console()
}

/// The proof that a request came in through the operator's socket. Only that socket's layer makes one.
#[derive(Clone, Copy)]
pub(crate) struct AtSocket(pub(crate) LocalOperator);

/// Everybody may call.
#[derive(Debug, Clone, Copy)]
pub struct Public(());

impl sealed::Sealed for Public {}
impl Access for Public {
    const RULE: Rule = Rule::Public;
}

impl<A: Doors> FromRequestParts<ApiState<A>> for Public {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState<A>) -> Result<Self, Failure> {
        check_query(parts, state)?;
        Ok(Self(()))
    }
}

impl<P> sealed::Sealed for Grant<P> {}
impl<P: Permission> Access for Grant<P> {
    const RULE: Rule = Rule::Permission(P::ID);
}

impl<A: Doors, P: Permission> FromRequestParts<ApiState<A>> for Grant<P> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState<A>) -> Result<Self, Failure> {
        let client = parts.extensions.get::<ClientAddress>().and_then(|client| client.0);
        let notes = parts.extensions.get::<Notes>().cloned();
        let principal = if let Some(AtSocket(operator)) = parts.extensions.get::<AtSocket>().copied() {
            let Id(workspace) = Id::<WorkspaceId>::from_request_parts(parts, state).await?;
            let route = route_name(&parts.method, parts.extensions.get());
            let grant = in_request(operator.grant(), notes.as_ref());
            state.app().workspace_enter(&grant, workspace, route).await?
        } else if let Some(AtConsole(kind)) = parts.extensions.get::<AtConsole>().copied() {
            let person = person_at(parts, state, kind).await?;
            let Id(workspace) = Id::<WorkspaceId>::from_request_parts(parts, state).await?;
            match kind {
                SessionKind::Console => state.app().principal_of_person(&person, workspace).await?,
                SessionKind::Operator => visitor(parts, state, &person, workspace, client).await?,
            }
        } else {
            principal_of_key(parts, state, client, notes.as_ref()).await?
        };
        if let Some(notes) = &notes {
            notes.set_actor(principal.actor());
            notes.set_party(Refused::Caller {
                workspace: principal.workspace(),
                actor: principal.actor(),
                credential: Some(principal.credential()),
                mode: principal.mode(),
            });
        }
        let grant = principal.grant()?.called_from(client);
        principal.entitled(state.needs_of(parts), state.app().now())?;
        check_query(parts, state)?;
        Ok(match notes {
            Some(notes) => grant.in_request(notes.id()),
            None => grant,
        })
    }
}

/// An operator inside a workspace that they visit. Who tries without is in its log.
async fn visitor<A: Doors>(
    parts: &Parts,
    state: &ApiState<A>,
    person: &Person,
    workspace: WorkspaceId,
    client: Option<ClientAddr>,
) -> Result<Arc<Principal>, Error> {
    let notes = parts.extensions.get::<Notes>();
    let grant = person.operator_grant(state.app().now())?;
    let grant = in_request(grant, notes).called_from(client);
    if let Some(notes) = notes {
        notes.set_party(Refused::Caller {
            workspace,
            actor: grant.actor(),
            credential: Some(grant.credential()),
            mode: None,
        });
    }
    let route = route_name(&parts.method, parts.extensions.get());
    state.app().workspace_enter(&grant, workspace, route).await
}

/// The person whose cookie the request brings.
async fn person_at<A: Doors>(
    parts: &Parts,
    state: &ApiState<A>,
    kind: SessionKind,
) -> Result<Arc<Person>, Error> {
    let person = state.app().person_of_session(session::presented(&parts.headers, kind)?, kind).await?;
    if let Some(notes) = parts.extensions.get::<Notes>() {
        notes.set_actor(person.actor());
    }
    Ok(person)
}

/// Somebody who signed in, for what concerns their own account and no workspace.
#[derive(Debug, Clone)]
pub struct SignedIn(pub Arc<Person>);

impl sealed::Sealed for SignedIn {}
impl Access for SignedIn {
    const RULE: Rule = Rule::Person;
}

impl<A: Doors> FromRequestParts<ApiState<A>> for SignedIn {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState<A>) -> Result<Self, Failure> {
        // Elsewhere there are no cookies: the same answer as for a path that does not exist.
        let Some(AtConsole(kind)) = parts.extensions.get::<AtConsole>().copied() else {
            return Err(Error::of(Code::NotFound).into());
        };
        let person = person_at(parts, state, kind).await?;
        check_query(parts, state)?;
        Ok(Self(person))
    }
}

/// Somebody who signed in, or an API key, for what concerns the credential itself.
pub enum Holder {
    Person(Arc<Person>),
    Key(Arc<Principal>),
}

impl sealed::Sealed for Holder {}
impl Access for Holder {
    const RULE: Rule = Rule::Holder;
}

impl<A: Doors> FromRequestParts<ApiState<A>> for Holder {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState<A>) -> Result<Self, Failure> {
        let client = parts.extensions.get::<ClientAddress>().and_then(|client| client.0);
        let notes = parts.extensions.get::<Notes>().cloned();
        let holder = match parts.extensions.get::<AtConsole>().copied() {
            // Two parties may read two different callers out of such a request.
            Some(_) if credential::presented_key(&parts.headers).is_ok() => {
                return Err(Error::of(Code::CredentialsConflict).into());
            }
            Some(AtConsole(kind)) => Self::Person(person_at(parts, state, kind).await?),
            None => {
                let key = principal_of_key(parts, state, client, notes.as_ref()).await?;
                if let Some(notes) = &notes {
                    notes.set_actor(key.actor());
                }
                Self::Key(key)
            }
        };
        check_query(parts, state)?;
        Ok(holder)
    }
}

/// An operator's grant that knows its request.
fn in_request<P>(grant: Operator<P>, notes: Option<&Notes>) -> Operator<P> {
    match notes {
        Some(notes) => grant.in_request(notes.id()),
        None => grant,
    }
}

/// Who presents a key, from where it may be used and as fast as it may be; all of it before the body is read.
async fn principal_of_key<A: Doors>(
    parts: &Parts,
    state: &ApiState<A>,
    client: Option<ClientAddr>,
    notes: Option<&Notes>,
) -> Result<Arc<Principal>, Error> {
    let verified = match presented_key(parts, state) {
        Ok(key) => state.app().principal_of_key(key, client).await.map_err(|refused| {
            if let (Some(notes), Some((workspace, key))) = (notes, refused.key) {
                notes.set_party(Refused::Key { workspace, key });
            }
            refused.error
        }),
        Err(error) => Err(error),
    };
    // What is valid is counted by its key, whoever else is behind the same address; what is not, by the address.
    let decision = match &verified {
        Ok(principal) => {
            if let Some(notes) = notes {
                notes.set_actor(principal.actor());
                if let Some(reader) = cors::reader(principal, &parts.headers) {
                    notes.set_reader(reader);
                }
            }
            state.app().limit_principal(principal).await
        }
        Err(error) if error.code().status() == 401 || error.code() == Code::IpNotAllowed => {
            state.app().limit_refused(client).await
        }
        Err(_) => return verified,
    };
    let limited = decision.error();
    if let Some(notes) = notes {
        notes.set_windows(decision.windows);
    }
    limited.map_or(verified, Err)
}

fn presented_key<'p, A: Doors>(parts: &'p Parts, state: &ApiState<A>) -> Result<&'p str, Error> {
    refuse_key_in_query(parts, state)?;
    credential::presented_key(&parts.headers)
}

impl<P> sealed::Sealed for Operator<P> {}
impl<P: OperatorPermission> Access for Operator<P> {
    const RULE: Rule = Rule::Operator(P::ID);
}

impl<A: Doors, P: OperatorPermission> FromRequestParts<ApiState<A>> for Operator<P> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState<A>) -> Result<Self, Failure> {
        let grant = if let Some(AtSocket(operator)) = parts.extensions.get::<AtSocket>().copied() {
            operator.grant()
        } else if let Some(AtConsole(kind)) = parts.extensions.get::<AtConsole>().copied() {
            person_at(parts, state, kind).await?.operator_grant(state.app().now())?
        } else {
            // Elsewhere there is nothing here: the same answer as for a path that does not exist.
            return Err(Error::of(Code::NotFound).into());
        };
        check_query(parts, state)?;
        if let Some(notes) = parts.extensions.get::<Notes>() {
            notes.set_actor(grant.actor());
        }
        let client = parts.extensions.get::<ClientAddress>().and_then(|client| client.0);
        Ok(in_request(grant, parts.extensions.get::<Notes>()).called_from(client))
    }
}

/// A party that signs the bodies it sends.
pub trait Signer: Send + Sync + 'static {
    const NAME: &'static str;
    /// What it sends, once it is verified.
    type Verified<A: Doors>: Send;
}

/// Meta: `X-Hub-Signature-256`, HMAC-SHA-256 of the raw body under the Meta app's secret.
#[derive(Debug, Clone, Copy)]
pub enum Meta {}

impl Signer for Meta {
    const NAME: &'static str = "meta";
    type Verified<A: Doors> = A::Callback;
}

/// Stripe: `Stripe-Signature`, HMAC-SHA-256 of a time and the raw body under the endpoint's secret.
#[derive(Debug, Clone, Copy)]
pub enum Stripe {}

impl Signer for Stripe {
    const NAME: &'static str = "stripe";
    type Verified<A: Doors> = A::Billing;
}

/// A body whose signature was verified over its raw bytes, before anything was parsed. It consumes the body, so it is
/// a handler's only argument and carries the state.
pub struct Signed<S: Signer, A: Doors> {
    pub state: ApiState<A>,
    pub callback: S::Verified<A>,
    signer: PhantomData<fn() -> S>,
}

impl<S: Signer, A: Doors> sealed::Sealed for Signed<S, A> {}
impl<S: Signer, A: Doors> Access for Signed<S, A> {
    const RULE: Rule = Rule::Signed(S::NAME);
}

const X_HUB_SIGNATURE_256: HeaderName = HeaderName::from_static("x-hub-signature-256");

/// The one signature that a callback shows.
fn hub_signature(headers: &HeaderMap) -> Result<String, Error> {
    let value = credential::single(headers, &X_HUB_SIGNATURE_256, Code::SignatureInvalid)?;
    let value = value.ok_or_else(|| Error::new(Code::SignatureInvalid, "X-Hub-Signature-256 is missing"))?;
    std::str::from_utf8(value).map(str::to_owned).map_err(|_| Error::of(Code::SignatureInvalid))
}

/// A callback that was refused before the application saw it; what the application refuses it counts itself.
fn count_refusal(error: &Error) {
    metrics::counter!("gatepost_callbacks_total", "result" => error.code().as_str()).increment(1);
}

impl<A: Doors> FromRequest<ApiState<A>> for Signed<Meta, A> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &ApiState<A>) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        check_query(&parts, state)?;
        let Id(app) = Id::<MetaAppId>::from_request_parts(&mut parts, state).await?;
        if let Some(notes) = parts.extensions.get::<Notes>() {
            notes.set_party(Refused::MetaApp(app));
        }
        // Before three megabytes are read for somebody who does not even claim to be Meta.
        let signature = hub_signature(&parts.headers).inspect_err(count_refusal)?;
        let settings = state.settings();
        let raw: Bytes = read_body(&parts.headers, body, settings.callback_limit, settings.body_timeout)
            .await
            .inspect_err(count_refusal)?;
        let callback = state.app().callback_verify(app, raw, Some(&signature)).await?;
        Ok(Self { state: state.clone(), callback, signer: PhantomData })
    }
}

const STRIPE_SIGNATURE: HeaderName = HeaderName::from_static("stripe-signature");

impl<A: Doors> FromRequest<ApiState<A>> for Signed<Stripe, A> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &ApiState<A>) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        if !state.app().billing_is_on() {
            return Err(Error::of(Code::NotFound).into());
        }
        check_query(&parts, state)?;
        if let Some(notes) = parts.extensions.get::<Notes>() {
            notes.set_party(Refused::Billing);
        }
        let value = credential::single(&parts.headers, &STRIPE_SIGNATURE, Code::SignatureInvalid)?;
        let value = value.and_then(|value| std::str::from_utf8(value).ok());
        let signature =
            value.ok_or_else(|| Error::new(Code::SignatureInvalid, "Stripe-Signature is missing"))?;
        let settings = state.settings();
        let raw: Bytes = read_body(&parts.headers, body, settings.body_limit, settings.body_timeout).await?;
        let callback = state.app().billing_verify(raw, signature)?;
        Ok(Self { state: state.clone(), callback, signer: PhantomData })
    }
}

fn refuse_key_in_query<A: Doors>(parts: &Parts, state: &ApiState<A>) -> Result<(), Error> {
    if parts.uri.query().is_none() {
        return Ok(());
    }
    credential::refuse_key_in_query(&parts.uri, state.query_of(parts).names())
}

/// Refuses keys in the query, and parameters that the route does not know.
fn check_query<A: Doors>(parts: &Parts, state: &ApiState<A>) -> Result<(), Failure> {
    refuse_key_in_query(parts, state)?;
    match parts.uri.query() {
        Some(text) => Ok(state.query_of(parts).check(text)?),
        None => Ok(()),
    }
}
