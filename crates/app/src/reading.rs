//! Telling people that their messages were read, and that an answer is being written.

use gatepost_core::access::{Grant, permission};
use gatepost_core::channel::ChannelState;
use gatepost_core::message::Direction;
use gatepost_core::{ChannelId, Code, Error, FieldError, MessageId, Result};
use gatepost_store::{WorkspaceScope, WorkspaceTx};

use crate::App;
use crate::channels::call_failed;
use crate::messages::provider_id;

impl App {
    /// Marks a message from a person as read, with those before it; `typing` also shows that an answer is being
    /// written. Meta is asked while the caller waits and nothing is stored, so doing it twice is the same as once.
    ///
    /// Errors: `not_found`, `message_not_inbound`, `channel_not_ready`, and Meta's.
    pub async fn message_read(
        &self,
        grant: &Grant<permission::MessageSend>,
        id: MessageId,
        typing: bool,
    ) -> Result<()> {
        let scope = WorkspaceScope::from(grant);
        let found = self
            .0
            .store
            .read(scope, async move |tx| {
                let Some(message) = tx.message_get(id).await? else { return Ok(None) };
                let channel = tx.channel_get(message.channel).await?;
                Ok(Some((message, channel)))
            })
            .await?;
        let (message, channel) = found
            .filter(|(message, _)| grant.sees(message.mode) && grant.reaches(message.channel))
            .ok_or_else(|| Error::of(Code::NotFound))?;
        let keys = self.0.sealing.keys(scope).await?;
        let wamid = match message.direction {
            Direction::Inbound => provider_id(&keys, &message)?,
            Direction::Outbound => None,
        };
        let wamid = wamid.ok_or_else(|| Error::of(Code::MessageNotInbound))?;
        let channel = channel.ok_or_else(|| Error::new(Code::ChannelNotReady, "the channel was removed"))?;
        if channel.state != ChannelState::Active {
            return Err(not_ready(channel.state));
        }
        let cloud = self.cloud_channel_of(scope, &channel).await?;
        self.0.cloud.mark_read(&cloud, &wamid, typing).await.map_err(call_failed)
    }
}

/// A channel that cannot send as it stands, with the next action.
pub(crate) fn not_ready(state: ChannelState) -> Error {
    let next = state.next_action().unwrap_or("look at the channel");
    Error::new(Code::ChannelNotReady, format!("the channel is {}: {next}", state.as_str()))
}

/// A reply is one to a message on its channel.
pub(crate) async fn reply_known(
    tx: &WorkspaceTx<'_>,
    reply_to: Option<MessageId>,
    channel: ChannelId,
) -> Result<()> {
    let Some(original) = reply_to else { return Ok(()) };
    if tx.message_get(original).await?.is_some_and(|m| m.channel == channel) {
        return Ok(());
    }
    let detail = "there is no such message on this channel";
    Err(Error::fields(vec![FieldError::new("/reply_to", "not_found", detail)]))
}
