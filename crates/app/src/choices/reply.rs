//! The answer to a choice: it goes out although the person is suppressed, once for each choice.

use std::time::Duration;

use gatepost_core::content::{Body, Content};
use gatepost_core::guard::GuardSettings;
use gatepost_core::job::JobKind;
use gatepost_core::message::{MessageState, OnUnknown};
use gatepost_core::{Error, MessageId, Purpose, Recipient, Result, Timestamp};
use gatepost_store::{NewJob, NewOutbound, WorkspaceTx};
use gatepost_vault::WorkspaceKeys;

use super::{Choice, Chosen};
use crate::App;
use crate::messages::{StoredContent, StoredParty, contact_index, seal_content, seal_party, send_job_id};

/// Meta's service window is a day; what waited for most of it is not sent any more.
const WINDOW: Duration = Duration::from_hours(23);
/// At most so many answers to one person on one channel, however often they choose: a program on the other side may
/// answer each of ours.
const REPLIES_MAX: i64 = 6;
const REPLIES_WITHIN: Duration = Duration::from_hours(1);

impl App {
    /// Queues the workspace's answer to a choice, where it has one; returns its id. Nothing is counted on the plan for it,
    /// and no rule of the guard holds it: it answers a message within Meta's window.
    pub(super) async fn choice_answer(
        &self,
        tx: &WorkspaceTx<'_>,
        keys: &WorkspaceKeys,
        choice: &Choice,
        now: Timestamp,
    ) -> Result<Option<MessageId>> {
        let expires_at = choice.at.plus(WINDOW);
        let (Some(asked), true, true) = (choice.message, choice.can_answer, now < expires_at) else {
            return Ok(None);
        };
        let Some(text) = tx.guard_settings().await? else { return Ok(None) };
        let settings: GuardSettings = match serde_json::from_str(&text) {
            Ok(settings) => settings,
            Err(error) => {
                tracing::error!(%error, "a workspace's guard settings cannot be read: a choice is not answered");
                return Ok(None);
            }
        };
        let words = match choice.chosen {
            Chosen::OptOut => settings.opt_out_reply,
            Chosen::OptIn => settings.opt_in_reply,
            Chosen::Doubt => None,
        };
        let Some(words) = words else { return Ok(None) };
        let name = choice.party.phone.as_ref().or(choice.party.bsuid.as_ref());
        let Some(to) = name.and_then(|name| Recipient::parse(name).ok()) else { return Ok(None) };
        let person = contact_index(keys, &to);
        if !tx.conversation_reply_take(choice.channel, &person, now, REPLIES_WITHIN, REPLIES_MAX).await? {
            return Ok(None);
        }
        let content = Body::parse(words).map_err(Error::internal)?;
        let content = Content::text(&content, false).map_err(Error::internal)?;
        let id = MessageId::new(now, self.entropy());
        let purpose = Purpose::Operational;
        let message = NewOutbound {
            id,
            channel: choice.channel,
            mode: choice.mode,
            kind: content.kind().as_str(),
            purpose,
            party: seal_party(keys, id, &StoredParty::of(&to))?,
            content: seal_content(keys, id, &StoredContent::of(&content))?,
            reply_to: Some(asked),
            on_unknown: OnUnknown::Fail,
            state: MessageState::Queued,
            person,
            expires_at: Some(expires_at),
            counted: None,
            verification: None,
            created_at: now,
        };
        let job = NewJob {
            id: send_job_id(id),
            kind: JobKind::MessageSend,
            lane: choice.channel.uuid(),
            order_key: Some(person.to_vec()),
            priority: purpose.priority(),
            queued_at: now,
            run_at: now,
            subject: id.uuid(),
        };
        tx.message_queue(&message, Some(&job)).await?;
        Ok(Some(id))
    }
}
