//! Taking out of the queues what waits for a person.

use gatepost_core::channel::Mode;
use gatepost_core::{Code, MessageId, Result, Timestamp};
use gatepost_store::WorkspaceTx;
use gatepost_vault::WorkspaceKeys;

use crate::App;
use crate::guard::Withdrawal;

/// Messages that are withdrawn in the transaction itself. What is more is found by the look at the queue, which lets
/// nothing through either; so no transaction is the longer for the number of messages that wait.
const WITHDRAWN_AT_ONCE: usize = 100;

/// What stood in the queues for a person.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Waiting {
    /// They do not go.
    pub withdrawn: i64,
    /// They are with Meta already, or on their way.
    pub in_flight: i64,
}

impl App {
    /// Counts what waits for a person who is known by these indexes and what is being sent, and withdraws the first of
    /// what waits, but for essential purposes. Under the gate.
    pub(crate) async fn sends_withdraw(
        &self,
        tx: &WorkspaceTx<'_>,
        keys: &WorkspaceKeys,
        mode: Mode,
        people: &[[u8; 16]],
        now: Timestamp,
    ) -> Result<Waiting> {
        let essential = &self.0.config.guard.essential;
        let mut waiting = Waiting::default();
        let mut room = WITHDRAWN_AT_ONCE;
        for person in people {
            waiting.in_flight += tx.sends_in_flight(mode, person, now).await?;
            let queued = tx.sends_queued(mode, person, essential, now).await?;
            waiting.withdrawn += queued;
            if queued == 0 || room == 0 {
                continue;
            }
            let limit = i64::try_from(room).unwrap_or(i64::MAX);
            let taken = tx.sends_queued_take(mode, person, essential, now, limit).await?;
            room = room.saturating_sub(taken.len());
            let ids: Vec<MessageId> = taken.iter().map(|send| send.message).collect();
            for row in tx.messages_get(&ids).await?.into_iter().flatten() {
                let code = Code::RecipientSuppressed;
                Withdrawal::prepare(keys, &row, code, now, self.entropy())?.write(tx).await?;
            }
            let jobs: Vec<_> = taken.iter().map(|send| send.job).collect();
            tx.sends_drop(&jobs, now).await?;
        }
        Ok(waiting)
    }
}
