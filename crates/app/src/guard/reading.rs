//! What the guard decided, for those who ask.

use gatepost_core::ChannelId;
use gatepost_core::Result;
use gatepost_core::access::{Grant, permission};
use gatepost_store::PolicyEventRow;

use crate::App;
use crate::pages::{Page, PageQuery};

impl App {
    /// Decisions of the guard that were not simply to let something through, newest first.
    pub async fn policy_event_list(
        &self,
        grant: &Grant<permission::GuardRead>,
        query: PageQuery,
    ) -> Result<Page<PolicyEventRow>> {
        let (before, limit) = query.bounds()?;
        let (mode, bound) = (grant.mode(), grant.channels().map(<[ChannelId]>::to_vec));
        let rows = self
            .0
            .store
            .read(grant.into(), async move |tx| {
                let seen = |row: &PolicyEventRow| {
                    let reached = |bound: &Vec<ChannelId>| row.channel.is_some_and(|c| bound.contains(&c));
                    mode.is_none_or(|m| m == row.mode) && bound.as_ref().is_none_or(reached)
                };
                let read = async |before| tx.policy_event_list(before, 200).await;
                crate::pages::sifted(before, limit, read, |row| row.id.uuid(), seen).await
            })
            .await?;
        query.page(rows, |row| row.id.uuid(), Ok)
    }
}
