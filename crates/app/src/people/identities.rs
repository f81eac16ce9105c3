//! The accounts that people have at identity providers.
//!
//! Threat note. A person is found by issuer and subject together, and by nothing else: addresses change hands, and
//! whoever runs an issuer can write any address into its tokens. What is kept is a blind index (numbers such as GitHub's
//! could be guessed from a plain digest) and a sealed note for the person to recognise the account by.

use gatepost_core::access::Person;
use gatepost_core::audit::Action;
use gatepost_core::{Code, Error, IdentityId, Result, Timestamp, UserId};
use gatepost_store::{IdentityRow, WorkspaceScope};
use gatepost_vault::{Aad, SealedBytes, WorkspaceKeys};
use serde::{Deserialize, Serialize};

use super::Caller;
use crate::App;
use crate::sealing::failed;
use crate::sso::SsoIdentity;

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
                let plain = keys.open(&aad(row.id), &row.shown).map_err(failed)?;
                let Shown { issuer, email } =
                    serde_json::from_slice(plain.expose()).map_err(Error::internal)?;
                let IdentityRow { id, created_at, last_used_at, .. } = row;
                Ok(IdentityView { id, issuer, email, created_at, last_used_at })
            })
            .collect()
    }

    /// Takes an account at a provider off the person's. Sessions that it opened end too: whoever unlinks one may have
    /// lost it.
    ///
    /// Errors: `not_found`; `last_factor` where the person could not sign in any more; `reauth_required`,
    /// `session_confined`.
    pub async fn identity_unlink(&self, person: &Person, caller: &Caller, id: IdentityId) -> Result<()> {
        person.fresh(self.now())?;
        let (user, session) = (person.user(), person.session());
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
                if !tx.identity_delete(user, id).await? {
                    return Err(Error::of(Code::NotFound));
                }
                if !tx.ways_in_left(user).await? {
                    return Err(Error::of(Code::LastFactor));
                }
                tx.sessions_delete_of(user, Some(session)).await?;
                let epoch = tx.credential_epoch_raise().await?;
                tx.commit(audit.clone(), epoch)
            })
            .await?;
        self.await_epoch(epoch).await
    }
}
