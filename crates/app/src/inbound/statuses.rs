//! Statuses: what became of messages that went out.

use std::collections::HashMap;

use gatepost_channels::errors::advice;
use gatepost_channels::graph::{self, DeliveryStatus};
use gatepost_core::event::{EventData, EventType, MessageError, MessageNews, Party};
use gatepost_core::message::MessageState;
use gatepost_core::{ChannelId, Error, MessageId, Result, Timestamp};
use gatepost_store::{ChannelRow, MessageChange, MessageStatusRow, NewEvent, WorkspaceTx};

use super::{Origin, phone_of};
use crate::App;
use crate::channel_state::ChannelReport;
use crate::events::{Draft, draft};
use crate::messages::{person_index, provider_index, seal_error, seal_provider};
use crate::results::{class_of, code_of};
use crate::verifications::{Followed, Following};

/// A status, prepared before the transaction.
pub(super) struct StatusNews {
    /// Our id, which Meta gave back.
    message: Option<MessageId>,
    wamid_index: [u8; 16],
    state: MessageState,
    at: Timestamp,
    provider: Option<([u8; 16], Vec<u8>)>,
    error: Option<Vec<u8>>,
    /// Where the failure is about the whole channel.
    pub(super) channel: Option<(ChannelId, ChannelReport)>,
    /// Meta's code of a failure, and the channel it is of.
    pub(super) failed: Option<(ChannelId, i64)>,
}

/// The state that a status reports; `None` for one that is not known.
pub(super) const fn state_of(status: &DeliveryStatus) -> Option<MessageState> {
    match status {
        DeliveryStatus::Sent => Some(MessageState::Sent),
        DeliveryStatus::Delivered => Some(MessageState::Delivered),
        // Listened to: further than read no state goes; the event says more.
        DeliveryStatus::Read | DeliveryStatus::Played => Some(MessageState::Read),
        DeliveryStatus::Failed => Some(MessageState::Failed),
        DeliveryStatus::Other(_) => None,
    }
}

/// Writes statuses down; states only move forward. Returns what they mean for verifications.
pub(super) async fn write(
    tx: &WorkspaceTx<'_>,
    statuses: impl Iterator<Item = &StatusNews>,
) -> Result<Vec<Following>> {
    let statuses: Vec<&StatusNews> = statuses.collect();
    let unnamed: Vec<[u8; 16]> =
        statuses.iter().filter(|s| s.message.is_none()).map(|s| s.wamid_index).collect();
    let mut looked_up = tx.message_find_by_provider(&unnamed).await?.into_iter();
    let mut ids: Vec<MessageId> = Vec::new();
    let mut news = Vec::new();
    for status in statuses {
        if let Some(id) = status.message.or_else(|| looked_up.next().flatten()) {
            ids.push(id);
            news.push((id, status));
        }
    }
    ids.sort_unstable();
    ids.dedup();
    let found = tx.message_status(&ids).await?;
    let mut known: HashMap<MessageId, MessageStatusRow> =
        found.into_iter().flatten().map(|row| (row.id, row)).collect();
    let mut changes = Vec::with_capacity(news.len());
    let mut followings = Vec::new();
    for (id, status) in news {
        let reported = status.state;
        let Some(MessageStatusRow { state, doubtful, named, verification, .. }) = known.get_mut(&id) else {
            continue;
        };
        let next = state.after(reported, *doubtful);
        if reported != MessageState::Failed && *doubtful {
            *doubtful = false;
        }
        *state = next;
        let failed = reported == MessageState::Failed && next == MessageState::Failed;
        if let Some(verification) = *verification
            && let Some(what) =
                Followed::of_state(reported).filter(|_| reported != MessageState::Failed || failed)
        {
            let what = if failed { Followed::failed(status.failed.map(|(_, code)| code)) } else { what };
            followings.push(Following { verification, message: id, what, at: status.at });
        }
        changes.push(MessageChange {
            id,
            state: next,
            reached: (reported != MessageState::Failed || failed).then_some((reported, status.at)),
            provider: if *named { None } else { status.provider.clone() },
            error: if failed { status.error.clone() } else { None },
            doubtful: *doubtful,
            drop_content: verification.is_some() || matches!(next, MessageState::Read | MessageState::Failed),
        });
        *named |= status.provider.is_some();
    }
    tx.message_change(&changes).await?;
    Ok(followings)
}

impl App {
    pub(super) fn status_prepare(
        &self,
        origin: &Origin<'_>,
        channel: &ChannelRow,
        status: &graph::Status,
        events: &mut Vec<NewEvent>,
    ) -> Result<StatusNews> {
        let Some(state) = state_of(&status.status) else {
            return Err(Error::internal("a status without a state reached the wrong place"));
        };
        let at = status.at.unwrap_or(origin.received_at);
        let told: Option<MessageId> = status.opaque.as_deref().and_then(|id| id.parse().ok());
        let message = told.or_else(|| origin.quoted.get(origin.keys, &status.wamid));
        let error = status.errors.first().map(|e| {
            let advice = advice(e.code, None);
            MessageError {
                code: code_of(Some(e.code)).to_owned(),
                provider_code: Some(e.code),
                class: class_of(advice.class, false).to_owned(),
                detail: e.details.clone().unwrap_or_else(|| e.title.clone()),
                action: advice.action.to_owned(),
            }
        });
        let event_type = match status.status {
            DeliveryStatus::Played => EventType::MessagePlayed,
            _ => EventType::of_state(state).unwrap_or(EventType::ChannelNotification),
        };
        let phone = phone_of(status.recipient.as_deref()).map(|phone| phone.as_e164().to_owned());
        let order_key = person_index(origin.keys, phone.as_deref(), status.recipient_user_id.as_deref());
        let event = draft(
            origin.keys,
            self.now(),
            self.0.entropy.as_ref(),
            Draft {
                event_type,
                mode: channel.mode,
                channel: Some(channel.id),
                order_key,
                data: EventData::Message(Box::new(MessageNews {
                    id: message,
                    direction: "outbound",
                    kind: None,
                    purpose: None,
                    state,
                    contact: Party { phone, bsuid: status.recipient_user_id.clone(), name: None },
                    provider_id: Some(&status.wamid),
                    occurred_at: at,
                    text: None,
                    media: None,
                    reply_to: None,
                    reply_to_provider_id: None,
                    error: error.clone(),
                    provider: Some(&status.raw),
                })),
            },
        )?;
        let provider = message.map(|id| seal_provider(origin.keys, id, &status.wamid)).transpose()?;
        let error = match (&error, message) {
            (Some(error), Some(id)) => Some(seal_error(origin.keys, id, error)?),
            _ => None,
        };
        let wamid_index = provider_index(origin.keys, &status.wamid);
        let trouble = status.errors.first().and_then(|e| ChannelReport::of_code(e.code));
        let of_channel = channel.id;
        let channel = trouble.map(|report| (of_channel, report));
        events.push(event);
        let failed = status.errors.first().map(|e| (of_channel, e.code));
        Ok(StatusNews { message, wamid_index, state, at, provider, error, channel, failed })
    }
}
