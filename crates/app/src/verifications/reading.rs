//! Looking at verifications.

use gatepost_core::access::{Grant, permission};
use gatepost_core::verification::VerificationState;
use gatepost_core::{ChannelId, Code, Error, Result, VerificationId};
use gatepost_store::{VerificationRow, WorkspaceScope};

use super::view::{VerificationView, sees_numbers, view};
use crate::App;
use crate::pages::{Page, PageQuery};

impl App {
    /// Errors: `not_found`.
    pub async fn verification_get(
        &self,
        grant: &Grant<permission::VerificationRead>,
        id: VerificationId,
    ) -> Result<VerificationView> {
        let scope = WorkspaceScope::from(grant);
        let row = self.0.store.read(scope, async move |tx| tx.verification_get(id).await).await?;
        let row = row
            .filter(|row| grant.sees(row.mode) && grant.reaches(row.channel))
            .ok_or_else(|| Error::of(Code::NotFound))?;
        let keys = self.0.sealing.keys(scope).await?;
        view(&keys, &row, sees_numbers(grant), self.now())
    }

    /// Newest first; those of one state where it is named.
    pub async fn verification_list(
        &self,
        grant: &Grant<permission::VerificationRead>,
        state: Option<VerificationState>,
        query: PageQuery,
    ) -> Result<Page<VerificationView>> {
        let scope = WorkspaceScope::from(grant);
        let (first, limit) = query.bounds()?;
        let (mode, now) = (grant.mode(), self.now());
        let bound = grant.channels().map(<[ChannelId]>::to_vec);
        let rows = self
            .0
            .store
            .read(scope, async move |tx| {
                let seen = |row: &VerificationRow| {
                    mode.is_none_or(|own| own == row.mode)
                        && bound.as_ref().is_none_or(|b| b.contains(&row.channel))
                        && state.is_none_or(|wanted| row.standing.at(now).state == wanted)
                };
                crate::pages::sifted(
                    first,
                    limit,
                    async |before| tx.verification_list(before, 200).await,
                    |row| row.id.uuid(),
                    seen,
                )
                .await
            })
            .await?;
        let keys = self.0.sealing.keys(scope).await?;
        let in_full = sees_numbers(grant);
        query.page(rows, |row| row.id.uuid(), |row| view(&keys, &row, in_full, now))
    }
}
