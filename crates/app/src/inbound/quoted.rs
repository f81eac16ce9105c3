//! Messages that items speak of by Meta's id: what a person replies to, and statuses that do not carry our id.
//!
//! Looked up before the transaction, because events are written and sealed there. A message that becomes known in
//! between is found by the transaction itself; only the event does not name it then.

use std::collections::HashMap;

use gatepost_channels::graph::Item;
use gatepost_core::{MessageId, Result};
use gatepost_store::{Store, WorkspaceScope};
use gatepost_vault::WorkspaceKeys;

use crate::messages::provider_index;

/// Our ids by the index of Meta's.
#[derive(Default)]
pub(super) struct Quoted(HashMap<[u8; 16], MessageId>);

impl Quoted {
    /// Looks up what these items speak of: one question for all of them, and none where they speak of nothing.
    pub async fn of(
        store: &Store,
        scope: WorkspaceScope,
        keys: &WorkspaceKeys,
        items: &[Item],
    ) -> Result<Self> {
        let mut indexes: Vec<[u8; 16]> =
            items.iter().filter_map(wamid).map(|wamid| provider_index(keys, wamid)).collect();
        indexes.sort_unstable();
        indexes.dedup();
        if indexes.is_empty() {
            return Ok(Self::default());
        }
        let asked = indexes.clone();
        let found = store.read(scope, async move |tx| tx.message_find_by_provider(&asked).await).await?;
        let known = indexes.into_iter().zip(found).filter_map(|(index, id)| Some((index, id?)));
        Ok(Self(known.collect()))
    }

    /// Our id of the message that Meta calls so, where it is one of ours.
    pub fn get(&self, keys: &WorkspaceKeys, wamid: &str) -> Option<MessageId> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&provider_index(keys, wamid)).copied()
    }
}

/// Meta's id that an item names a message of ours by, where nothing else does.
fn wamid(item: &Item) -> Option<&str> {
    match item {
        Item::Inbound(inbound) => inbound.context.as_deref(),
        Item::Status(status) => {
            let ours = status.opaque.as_deref().is_some_and(|id| id.parse::<MessageId>().is_ok());
            (!ours).then_some(status.wamid.as_str())
        }
        Item::Other(_) => None,
    }
}
