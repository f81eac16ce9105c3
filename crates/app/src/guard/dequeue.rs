//! The guard's second look, when a message is taken from its queue.

use std::collections::HashMap;

use gatepost_core::guard::PauseScope;
use gatepost_core::message::OnUnknown;
use gatepost_core::{ChannelId, MessageId, Purpose, Result, Timestamp};
use gatepost_store::{Claimed, MessageRow, WorkspaceTx};

/// Why a queued message does not go now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Barred {
    /// The person does not want to hear from the workspace, or shall not.
    Suppressed,
    /// Its time ran out.
    Expired,
    /// What it is part of is paused: it waits.
    Paused,
    /// The person is suppressed since an earlier try was cut: it is not tried again, and what became of it is decided.
    NotAgain,
}

/// For each claimed message why it may not go, where it may not; in the transaction of the claim.
pub(crate) async fn bars(
    tx: &WorkspaceTx<'_>,
    essential: &[Purpose],
    channel: ChannelId,
    jobs: &[Claimed],
    rows: &HashMap<MessageId, MessageRow>,
    now: Timestamp,
) -> Result<HashMap<MessageId, Barred>> {
    tx.suppression_gate_shared().await?;
    let pauses = tx.pause_list().await?;
    let standing = tx.standing().await?;
    let paused = |purpose: Option<Purpose>| {
        standing.paused.is_some()
            || pauses.iter().any(|pause| match pause.scope {
                PauseScope::Workspace => true,
                PauseScope::Channel(paused) => paused == channel,
                PauseScope::Purpose(paused) => purpose == Some(paused),
            })
    };
    let people: Vec<&[u8]> = jobs.iter().map(|job| job.order_key.as_deref().unwrap_or_default()).collect();
    // All of a channel's messages are of its mode.
    let suppressed = match rows.values().next() {
        Some(row) => tx.suppressed(row.mode, &people).await?,
        None => vec![None; people.len()],
    };
    let mut barred = HashMap::new();
    for (job, suppressed) in jobs.iter().zip(suppressed) {
        let id = MessageId::from_uuid(job.subject);
        let Some(row) = rows.get(&id) else { continue };
        let essential = row.purpose.is_some_and(|purpose| essential.contains(&purpose));
        // The answer to the person's own choice goes to them all the same.
        let suppressed = suppressed.is_some_and(|known| known.reply != Some(id)) && !essential;
        // What was cut may have reached Meta: it is decided about, not judged anew; but it is not sent again.
        if job.cut_at.is_some() {
            if suppressed && row.on_unknown == OnUnknown::Resend {
                barred.insert(id, Barred::NotAgain);
            }
            continue;
        }
        let bar = if suppressed {
            Barred::Suppressed
        } else if row.expires_at.is_some_and(|at| at <= now) {
            Barred::Expired
        } else if paused(row.purpose) {
            Barred::Paused
        } else {
            continue;
        };
        barred.insert(id, bar);
    }
    Ok(barred)
}
