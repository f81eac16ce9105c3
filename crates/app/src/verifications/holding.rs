//! Taking hold of a verification and of the message that carries its code.

use gatepost_core::message::MessageState;
use gatepost_core::{Code, Result, Timestamp, VerificationId};
use gatepost_store::{VerificationRow, WorkspaceTx};
use gatepost_vault::WorkspaceKeys;

use crate::App;
use crate::guard::Withdrawal;
use crate::messages::send_job_id;

impl App {
    /// A verification held together with its message, the message first.
    pub(crate) async fn verification_hold(
        &self,
        tx: &WorkspaceTx<'_>,
        id: VerificationId,
    ) -> Result<Option<VerificationRow>> {
        let Some(seen) = tx.verification_get(id).await? else { return Ok(None) };
        if let Some(message) = seen.message {
            tx.message_status(&[message]).await?;
        }
        tx.verification_hold(id).await
    }

    /// Takes back a code that still waits to be sent: it would be good for nothing. What is in somebody's hands goes.
    pub(crate) async fn code_withdraw(
        &self,
        tx: &WorkspaceTx<'_>,
        keys: &WorkspaceKeys,
        row: &VerificationRow,
        now: Timestamp,
    ) -> Result<()> {
        let Some(message) = row.message else { return Ok(()) };
        let Some(message) = tx.message_get(message).await? else { return Ok(()) };
        if !matches!(message.state, MessageState::Queued | MessageState::Held) {
            return Ok(());
        }
        let withdrawal = Withdrawal::prepare(keys, &message, Code::MessageExpired, now, self.entropy())?;
        if tx.job_drop_waiting(send_job_id(message.id), now).await? && withdrawal.write(tx).await? {
            tx.review_expire(message.id, now).await?;
        }
        Ok(())
    }
}
