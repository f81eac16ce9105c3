//! What becomes of the message that carries a code becomes of the verification.

use gatepost_core::message::MessageState;
use gatepost_core::verification::VerificationState;
use gatepost_core::{MessageId, Result, Timestamp, VerificationId};
use gatepost_store::{VerificationRow, WorkspaceTx};
use gatepost_vault::WorkspaceKeys;

use super::Opened;
use super::ending::end;
use super::news::{Step, tell};
use crate::App;

/// Why a verification failed whose number cannot be reached on WhatsApp.
pub(super) const UNREACHABLE: &str = "number_unreachable";
/// Meta's code of it ("Error codes" page).
const UNDELIVERABLE: i64 = 131_026;

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Followed {
    Sent,
    Delivered,
    /// It will not arrive, for this reason.
    Failed(&'static str),
}

impl Followed {
    /// A failure, by Meta's code where it gave one.
    pub const fn failed(code: Option<i64>) -> Self {
        match code {
            Some(UNDELIVERABLE) => Self::Failed(UNREACHABLE),
            _ => Self::Failed("message_failed"),
        }
    }

    /// Of a state that Meta reports of a message.
    pub const fn of_state(state: MessageState) -> Option<Self> {
        match state {
            MessageState::Sent => Some(Self::Sent),
            MessageState::Delivered | MessageState::Read => Some(Self::Delivered),
            MessageState::Failed => Some(Self::failed(None)),
            MessageState::Blocked => Some(Self::Failed("message_blocked")),
            _ => None,
        }
    }
}

/// News of the message that carries a verification's code.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Following {
    pub verification: VerificationId,
    pub message: MessageId,
    pub what: Followed,
    /// When it happened.
    pub at: Timestamp,
}

impl Following {
    /// Writes it down, in the transaction that holds the message. News of a code that another has taken the place of
    /// mean nothing.
    pub async fn write(
        &self,
        app: &App,
        tx: &WorkspaceTx<'_>,
        keys: &WorkspaceKeys,
        now: Timestamp,
    ) -> Result<()> {
        let Some(mut row) = tx.verification_hold(self.verification).await? else { return Ok(()) };
        if row.message != Some(self.message) {
            return Ok(());
        }
        let step = match self.what {
            Followed::Sent if row.sent_at.is_none() && row.delivered_at.is_none() => {
                row.sent_at = Some(self.at);
                Step::Sent
            }
            Followed::Delivered if row.delivered_at.is_none() => {
                row.delivered_at = Some(self.at);
                Step::Delivered
            }
            Followed::Failed(reason) => return self.fail(app, tx, keys, &mut row, reason, now).await,
            Followed::Sent | Followed::Delivered => return Ok(()),
        };
        tx.verification_update(&row).await?;
        tell(tx, keys, app.entropy(), &row, &Opened::of(keys, &row)?, step, now).await
    }

    async fn fail(
        &self,
        app: &App,
        tx: &WorkspaceTx<'_>,
        keys: &WorkspaceKeys,
        row: &mut VerificationRow,
        reason: &str,
        now: Timestamp,
    ) -> Result<()> {
        let Some(standing) = row.standing.fail(now, row.standing.generation) else { return Ok(()) };
        row.standing = standing;
        row.reason = (standing.state == VerificationState::Failed).then(|| reason.to_owned());
        end(app, tx, keys, row, now).await
    }
}
