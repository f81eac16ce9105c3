//! The accounts that people have at identity providers.
//!
//! Threat note. A person is found by issuer and subject together, and by nothing else: addresses change hands, and
//! whoever runs an issuer can write any address into its tokens. What is kept is a blind index (numbers such as GitHub's
//! could be guessed from a plain digest) and a sealed note for the person to recognise the account by.

use std::sync::Arc;

use gatepost_core::access::Person;
use gatepost_core::audit::Action;
use gatepost_core::{Code, Error, IdentityId, Result, Secret, Timestamp, UserId};
use gatepost_store::{IdentityRow, SystemTx, WorkspaceScope};
use gatepost_vault::{Aad, SealedBytes, WorkspaceKeys};
use serde::{Deserialize, Serialize};

use super::Caller;
use super::factors::a_way_in;
use super::sessions::session_alone;
use crate::App;
use crate::sealing::failed;
use crate::sso::{ProviderKind, SsoIdentity};

/// An account at a provider as its person sees it.
#[derive(Debug, Clone)]
pub struct IdentityView {
    pub id: IdentityId,
    pub issuer: String,
    /// The address there, as it was when it was linked.
    pub email: Option<String>,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

/// What is kept to recognise an account by.
#[derive(Serialize, Deserialize)]
struct Shown {
    issuer: String,
    email: Option<String>,
}

fn aad(id: IdentityId) -> Aad {
    Aad {
        workspace: WorkspaceScope::platform().workspace().uuid(),
        table: "identity",
        column: "shown",
        row: id.uuid().into_bytes(),
    }
}

/// What an account is found by. The length keeps issuer and subject apart.
pub(super) fn identity_lookup(keys: &WorkspaceKeys, identity: &SsoIdentity) -> [u8; 16] {
    let mut whole = (identity.issuer.len() as u64).to_be_bytes().to_vec();
    whole.extend_from_slice(identity.issuer.as_bytes());
    whole.extend_from_slice(identity.subject.as_bytes());
    keys.blind_index("identity", &whole)
}

impl App {
    /// The row of an account that is to be linked.
    pub(super) fn identity_row(
        &self,
        keys: &WorkspaceKeys,
        identity: &SsoIdentity,
        user: UserId,
    ) -> Result<IdentityRow> {
        let now = self.now();
        let id = IdentityId::new(now, self.entropy());
        let email = identity.email.as_ref().map(|email| email.address.clone());
        let shown =
            serde_json::to_vec(&Shown { issuer: identity.issuer.clone(), email }).map_err(Error::internal)?;
        Ok(IdentityRow {
            id,
            user,
            lookup: identity_lookup(keys, identity),
            shown: keys.seal(&aad(id), &shown).map(SealedBytes::into_vec).map_err(failed)?,
            created_at: now,
            last_used_at: Some(now),
        })
    }

    /// The person's accounts at identity providers.
    ///
    /// Errors: `session_confined`.
    pub async fn identity_list(&self, person: &Person) -> Result<Vec<IdentityView>> {
        person.unconfined()?;
        let user = person.user();
        let rows = self.0.store.read_system(async move |tx| tx.identity_list(user).await).await?;
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        rows.into_iter()
            .map(|row| {
                let Shown { issuer, email } = shown(&keys, &row)?;
                let IdentityRow { id, created_at, last_used_at, .. } = row;
                Ok(IdentityView { id, issuer, email, created_at, last_used_at })
            })
            .collect()
    }

    /// Takes an account at a provider off the person's. Sessions that it opened end too, as do all others and all access
    /// tokens: whoever unlinks one may have lost it. The session's new token.
    ///
    /// Errors: `not_found`; `last_factor` where the person could not sign in any more; `reauth_required`,
    /// `session_confined`.
    pub async fn identity_unlink(
        &self,
        person: &Person,
        caller: &Caller,
        id: IdentityId,
    ) -> Result<Secret<String>> {
        let now = self.now();
        person.fresh(now)?;
        let (user, by) = (person.user(), person.clone());
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let ways = self.ways_through(keys);
        let (token, digest) = self.session_token();
        let audit = self.audit_person(
            caller,
            person.actor(),
            Some(person.credential()),
            Action::IdentityUnlinked,
            ("identity", id.to_string()),
        );
        let epoch = self
            .0
            .store
            .write_system(async move |tx| {
                let held = tx.factors_hold(user).await?.ok_or_else(|| Error::of(Code::SessionEnded))?;
                if !tx.identity_delete(user, id).await? {
                    return Err(Error::of(Code::NotFound));
                }
                a_way_in(held, ways.count(tx, user).await?)?;
                let (_, epoch) = session_alone(tx, &by, &digest, now).await?;
                tx.commit(audit.clone(), epoch)
            })
            .await?;
        self.await_epoch(epoch).await?;
        Ok(token)
    }

    /// For counting, in a transaction, the accounts at providers that open a person's own.
    pub(super) fn ways_through(&self, keys: Arc<WorkspaceKeys>) -> WaysThrough {
        WaysThrough { app: self.clone(), keys }
    }
}

/// See [`App::ways_through`].
pub(super) struct WaysThrough {
    app: App,
    keys: Arc<WorkspaceKeys>,
}

impl WaysThrough {
    /// How many linked accounts open the person's: those of a provider of the operator's, or of one that a workspace of
    /// theirs has switched on. One whose provider is gone opens nothing.
    pub async fn count(&self, tx: &SystemTx<'_>, user: UserId) -> Result<usize> {
        let linked = tx.identity_list(user).await?;
        if linked.is_empty() {
            return Ok(0);
        }
        let config = &self.app.0.config.sso;
        let mut offered: Vec<ProviderKind> =
            config.providers.iter().map(|known| known.provider.kind.clone()).collect();
        for seat in tx.seats_of(user).await? {
            let rows = tx.identity_providers_of(seat.workspace).await?;
            let on = rows.into_iter().filter(|row| row.enabled);
            offered.extend(on.filter_map(|row| ProviderKind::from_number(row.kind, row.place.as_deref())));
        }
        let mut open = 0;
        for row in &linked {
            let issuer = shown(&self.keys, row)?.issuer;
            open += usize::from(offered.iter().any(|kind| kind.speaks_as(&issuer, &config.hosts)));
        }
        Ok(open)
    }
}

/// What is kept to recognise an account by, opened.
fn shown(keys: &WorkspaceKeys, row: &IdentityRow) -> Result<Shown> {
    let plain = keys.open(&aad(row.id), &row.shown).map_err(failed)?;
    serde_json::from_slice(plain.expose()).map_err(Error::internal)
}
