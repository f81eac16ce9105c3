//! Which identity providers somebody is offered, and where.

use gatepost_core::access::Person;
use gatepost_core::{Code, Error, Result, WorkspaceId};

use super::tickets::ticket_digest;
use crate::App;
use crate::sso::ProviderKind;

/// A provider as it is offered.
#[derive(Debug, Clone)]
pub struct SsoOffer {
    /// Its place in our addresses.
    pub key: String,
    pub name: String,
    pub kind: ProviderKind,
    /// The workspace whose provider it is; `None` for the operator's.
    pub workspace: Option<WorkspaceId>,
}

impl App {
    /// The operator's providers, for the sign-in page.
    pub fn sso_offers(&self) -> Vec<SsoOffer> {
        let offer = |known: &crate::sso::OperatorProvider| SsoOffer {
            key: known.key.clone(),
            name: known.name.clone(),
            kind: known.provider.kind.clone(),
            workspace: None,
        };
        self.0.config.sso.providers.iter().map(offer).collect()
    }

    /// One provider, the operator's or a workspace's.
    ///
    /// Errors: `not_found`, also for one that is switched off.
    pub async fn sso_offer(&self, key: &str) -> Result<SsoOffer> {
        let named = self.sso_named(key).await?;
        let workspace = named.workspace();
        Ok(SsoOffer { key: named.key, name: named.name, kind: named.provider.kind, workspace })
    }

    /// The providers that a person can link accounts of: the operator's, and those of their workspaces.
    ///
    /// Errors: `session_confined`.
    pub async fn sso_link_offers(&self, person: &Person) -> Result<Vec<SsoOffer>> {
        person.unconfined()?;
        let mut offers = self.sso_offers();
        for seat in self.seats_of(person).await? {
            offers.extend(self.sso_offers_of(seat.workspace).await?);
        }
        Ok(offers)
    }

    /// The providers through which the person of this session can prove once more who they are: the one that opened it;
    /// the operator's, where the account has linked one and no second factor that would be asked for besides.
    pub async fn sso_prove_offers(&self, person: &Person) -> Result<Vec<SsoOffer>> {
        let mut offers = match (person.provider(), person.confined_to()) {
            (Some(id), _) => match self.sso_offer(&id.to_string()).await {
                Ok(offer) => vec![offer],
                Err(error) if error.code() == Code::NotFound => Vec::new(),
                Err(error) => return Err(error),
            },
            (None, Some(_)) => Vec::new(),
            (None, None) => {
                let user = person.user();
                let can = async move |tx: &gatepost_store::SystemTx<'_>| {
                    Ok(!tx.second_factor_enrolled(user).await? && !tx.identity_list(user).await?.is_empty())
                };
                if self.0.store.read_system(can).await? { self.sso_offers() } else { Vec::new() }
            }
        };
        // GitHub's OAuth knows no fresh proof.
        offers.retain(|offer| offer.kind != ProviderKind::GitHub);
        Ok(offers)
    }

    /// The providers through which an invitation can be accepted: the operator's, and those of its workspace.
    ///
    /// Errors: `link_invalid`.
    pub async fn sso_invitation_offers(&self, token: &str) -> Result<Vec<SsoOffer>> {
        let (digest, now) = (ticket_digest(token), self.now());
        let found = self.0.store.read_system(async move |tx| tx.invitation_find(&digest, now).await).await?;
        let (place, _) = found.ok_or_else(|| Error::of(Code::LinkInvalid))?;
        let mut offers = self.sso_offers();
        offers.extend(self.sso_offers_of(place.id).await?);
        Ok(offers)
    }

    /// The only way into a workspace, for a member of it; `None` where there are others.
    ///
    /// Errors: `not_found` for who is no member.
    pub async fn sso_way_in(&self, person: &Person, workspace: WorkspaceId) -> Result<Option<SsoOffer>> {
        let user = person.user();
        let seat = self.0.store.read_system(async move |tx| tx.seat(workspace, user, None).await).await?;
        let only = seat.ok_or_else(|| Error::of(Code::NotFound))?.only_through;
        match only {
            Some(id) => self.sso_offer(&id.to_string()).await.map(Some),
            None => Ok(None),
        }
    }

    async fn sso_offers_of(&self, workspace: WorkspaceId) -> Result<Vec<SsoOffer>> {
        let rows =
            self.0.store.read_system(async move |tx| tx.identity_providers_of(workspace).await).await?;
        let offers = rows.into_iter().filter(|row| row.enabled).filter_map(|row| {
            let kind = ProviderKind::from_number(row.kind, row.place.as_deref())?;
            Some(SsoOffer { key: row.id.to_string(), name: row.name, kind, workspace: Some(workspace) })
        });
        Ok(offers.collect())
    }
}
