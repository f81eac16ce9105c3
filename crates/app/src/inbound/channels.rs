//! News about channels themselves: their quality, name, limits, and whether their account may still be used.

use std::sync::Arc;

use gatepost_channels::graph;
use gatepost_core::job::JobKind;
use gatepost_core::{ChannelId, Entropy, Result, Timestamp};
use gatepost_store::{ChannelRow, WorkspaceTx};
use gatepost_vault::WorkspaceKeys;
use serde_json::Value;

use super::Origin;
use crate::App;
use crate::channel_reports::{Whom, digits, read};
use crate::channel_state::{ChannelReport, channel_state_report};
use crate::channels::display_of;

/// What a callback says of channels.
pub(super) struct ChannelWords {
    channels: Vec<ChannelId>,
    report: ChannelReport,
    look: bool,
}

impl ChannelWords {
    pub async fn write(
        &self,
        tx: &WorkspaceTx<'_>,
        keys: &WorkspaceKeys,
        now: Timestamp,
        entropy: &Arc<dyn Entropy>,
    ) -> Result<()> {
        for channel in &self.channels {
            channel_state_report(tx, keys, entropy, now, *channel, &self.report).await?;
            if self.look {
                tx.jobs_hasten(JobKind::ChannelCheck, channel.uuid(), now).await?;
            }
        }
        Ok(())
    }
}

impl App {
    /// Reads what a change says of channels of the signing app; `None` where it says nothing of any.
    pub(super) async fn channel_words(
        &self,
        origin: &Origin<'_>,
        change: &graph::Notification,
    ) -> Result<Option<ChannelWords>> {
        let Some(app) = self.callback_app(origin.meta_app).await? else { return Ok(None) };
        // The whole change; what is no JSON object of that shape says nothing.
        let Ok(change) = serde_json::from_str::<Value>(change.raw.get()) else { return Ok(None) };
        let Some(word) = change.get("value").and_then(|value| read(origin.field, value, &app.app_id)) else {
            return Ok(None);
        };
        let channels = match &word.whom {
            Whom::Account(named) => {
                let account = named.as_deref().or(origin.waba_id);
                let meant =
                    |c: &&ChannelRow| c.meta_app == origin.meta_app && Some(c.waba_id.as_str()) == account;
                origin.channels.iter().filter(meant).map(|c| c.id).collect()
            }
            Whom::Number(number) => {
                let mut found = Vec::new();
                for channel in origin.concerned() {
                    let display = display_of(origin.keys, channel)?;
                    if display.is_some_and(|display| digits(&display) == *number) {
                        found.push(channel.id);
                    }
                }
                found
            }
        };
        Ok(Some(ChannelWords { channels, report: word.report, look: word.look }))
    }
}
