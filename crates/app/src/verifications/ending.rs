//! The end of a verification, whichever it is.

use gatepost_core::verification::{Flow, VerificationState};
use gatepost_core::{Result, Timestamp};
use gatepost_store::{VerificationRow, WorkspaceTx};
use gatepost_vault::WorkspaceKeys;

use super::news::{Step, tell};
use super::{Opened, expire_job_id, fraud};
use crate::App;

/// Writes the end of a verification that is held and whose standing says how it ended: its digest goes, whoever listens
/// is told, and what there is to learn of it is learnt.
pub(crate) async fn end(
    app: &App,
    tx: &WorkspaceTx<'_>,
    keys: &WorkspaceKeys,
    row: &mut VerificationRow,
    now: Timestamp,
) -> Result<()> {
    if let (Flow::Inbound, Some(digest)) = (row.flow, &row.code_digest) {
        tx.spoken_code_drop(row.channel, digest, row.id).await?;
    }
    row.code_digest = None;
    row.ended_at = Some(now);
    tx.verification_update(row).await?;
    // Its time will not have to be looked at; where somebody has that in their hands they find it over.
    if row.standing.state != VerificationState::Expired {
        tx.job_drop_waiting(expire_job_id(row.id), now).await?;
    }
    let opened = Opened::of(keys, row)?;
    fraud::settle(app, tx, keys, row, opened.phone(), now).await?;
    tell(tx, keys, app.entropy(), row, &opened, Step::Ended, now).await
}
