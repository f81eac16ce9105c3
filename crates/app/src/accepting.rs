//! Accepting an outbound message, in the transaction of whoever sends it: the guard's decision, the message and its job.

use gatepost_core::channel::{ChannelState, Mode};
use gatepost_core::job::JobKind;
use gatepost_core::message::{MessageState, OnUnknown};
use gatepost_core::{ChannelId, JobId, Purpose, Result, Timestamp, VerificationId};
use gatepost_store::{ChannelRow, NewJob, NewOutbound, WorkspaceTx};
use gatepost_vault::WorkspaceKeys;

use crate::App;
use crate::guard::{Asked, judge};
use crate::messages::{MessageView, choose_channel, send_job_id};
use crate::reading::not_ready;

/// A message about to be accepted: sealed, and nothing decided yet.
#[derive(Clone)]
pub(crate) struct Acceptance {
    /// As its sender sees it: id, channel, purpose, time.
    pub draft: MessageView,
    /// Sealed.
    pub party: Vec<u8>,
    /// Sealed.
    pub content: Vec<u8>,
    pub kind: &'static str,
    pub on_unknown: OnUnknown,
    /// It is not sent after that.
    pub expires_at: Option<Timestamp>,
    pub asked: Asked,
    /// The verification whose code it carries: that looks at its time itself.
    pub verification: Option<VerificationId>,
    /// Who sends it.
    pub actor: String,
}

/// The channel of a send, where its sender reaches it and it can send.
pub(crate) async fn channel_for(
    tx: &WorkspaceTx<'_>,
    channel: ChannelId,
    mode: Option<Mode>,
    bound: Option<&[ChannelId]>,
) -> Result<ChannelRow> {
    let found = tx
        .channel_get(channel)
        .await?
        .filter(|c| mode.is_none_or(|m| m == c.mode) && bound.is_none_or(|b| b.contains(&c.id)));
    let row = choose_channel(found.into_iter().collect(), Some(channel))?;
    if row.state == ChannelState::Active { Ok(row) } else { Err(not_ready(row.state)) }
}

impl App {
    /// Asks the guard, then stores the message with its job, or held. `Some`: the message as it is now that it waits for
    /// somebody's decision.
    ///
    /// Errors: those of the guard; they undo what was counted, with the transaction.
    pub(crate) async fn message_accept(
        &self,
        tx: &WorkspaceTx<'_>,
        keys: &WorkspaceKeys,
        channel: &ChannelRow,
        acceptance: &Acceptance,
    ) -> Result<Option<MessageView>> {
        let Acceptance { draft, asked, .. } = acceptance;
        let (id, now) = (draft.id, draft.created_at);
        let judgement = judge(tx, &self.0.config.guard, &self.0.texts, channel, asked, now).await?;
        let held = judgement.hold.is_some();
        let purpose: Purpose = asked.purpose;
        let message = NewOutbound {
            id,
            channel: channel.id,
            mode: channel.mode,
            kind: acceptance.kind,
            purpose,
            party: acceptance.party.clone(),
            content: acceptance.content.clone(),
            reply_to: draft.reply_to,
            on_unknown: acceptance.on_unknown,
            state: if held { MessageState::Held } else { MessageState::Queued },
            person: asked.person,
            expires_at: acceptance.expires_at,
            counted: Some(judgement.counted),
            verification: acceptance.verification,
            created_at: now,
        };
        let job = NewJob {
            id: send_job_id(id),
            kind: JobKind::MessageSend,
            lane: channel.id.uuid(),
            order_key: Some(asked.person.to_vec()),
            priority: purpose.priority(),
            queued_at: judgement.queued_at(now),
            run_at: judgement.not_before.unwrap_or(now),
            subject: id.uuid(),
        };
        tx.message_queue(&message, (!held).then_some(&job)).await?;
        let held_until = held.then(|| now.plus(self.0.config.guard.review_for));
        let own_end = acceptance.expires_at.filter(|_| acceptance.verification.is_none());
        if let Some(end) = own_end.into_iter().chain(held_until).min() {
            tx.job_insert(&NewJob {
                id: JobId::new(now, self.entropy()),
                kind: JobKind::MessageExpire,
                order_key: None,
                priority: 0,
                queued_at: now,
                run_at: end,
                ..job
            })
            .await?;
        }
        self.usage_tell(tx, keys, channel.mode, &judgement.reached, now).await?;
        match &judgement.hold {
            Some(hold) => self.message_hold(tx, keys, asked, draft, hold, &acceptance.actor).await.map(Some),
            None => Ok(None),
        }
    }
}
