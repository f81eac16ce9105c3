//! The guard's second look, when a message is taken from its queue.

use std::collections::{HashMap, HashSet};

use gatepost_core::guard::PauseScope;
use gatepost_core::message::OnUnknown;
use gatepost_core::{ChannelId, MessageId, Purpose, Result, Timestamp, VerificationId};
use gatepost_store::{Claimed, MessageRow, WorkspaceTx};

use super::quiet::Quiet;
use super::{GuardConfig, Texts};

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

/// What the second look found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bars {
    /// For each message why it may not go, where it may not.
    pub of: HashMap<MessageId, Barred>,
    /// The workspace or the whole channel is paused: nothing else in the queue may go, either.
    pub all_paused: bool,
    /// The workspace's quiet hours: a message that was accepted before may be late.
    pub quiet: Option<Quiet>,
}

/// Looks at claimed messages once more, in the transaction of the claim.
pub(crate) async fn bars(
    tx: &WorkspaceTx<'_>,
    config: &GuardConfig,
    texts: &Texts,
    channel: ChannelId,
    jobs: &[Claimed],
    rows: &HashMap<MessageId, MessageRow>,
    now: Timestamp,
) -> Result<Bars> {
    tx.suppression_gate_shared().await?;
    let pauses = tx.pause_list().await?;
    let standing = tx.standing().await?;
    let all_paused = standing.paused.is_some()
        || pauses.iter().any(|pause| match pause.scope {
            PauseScope::Workspace => true,
            PauseScope::Channel(paused) => paused == channel,
            PauseScope::Purpose(_) => false,
        });
    let paused = |purpose: Option<Purpose>| {
        let named = |paused: Purpose| purpose == Some(paused);
        all_paused || pauses.iter().any(|p| matches!(p.scope, PauseScope::Purpose(of) if named(of)))
    };
    // A message that waits aside has lost its place in the order, not its person.
    let person = |job: &'_ Claimed| {
        let row = rows.get(&MessageId::from_uuid(job.subject));
        row.and_then(|row| row.person.clone()).or_else(|| job.order_key.clone()).unwrap_or_default()
    };
    let people: Vec<Vec<u8>> = jobs.iter().map(person).collect();
    let people: Vec<&[u8]> = people.iter().map(Vec::as_slice).collect();
    // All of a channel's messages are of its mode.
    let suppressed = match rows.values().next() {
        Some(row) => tx.suppressed(row.mode, &people).await?,
        None => vec![None; people.len()],
    };
    // Another code has taken its place, or its verification is over: nobody waits for it.
    let codes: Vec<(VerificationId, MessageId)> =
        rows.values().filter_map(|row| Some((row.verification?, row.id))).collect();
    let awaited = tx.codes_awaited(&codes).await?;
    let stale: HashSet<MessageId> =
        codes.iter().zip(awaited).filter(|(_, awaited)| !awaited).map(|((_, message), _)| *message).collect();
    let mut barred = HashMap::new();
    for (job, suppressed) in jobs.iter().zip(suppressed) {
        let id = MessageId::from_uuid(job.subject);
        let Some(row) = rows.get(&id) else { continue };
        let essential = row.purpose.is_some_and(|purpose| config.essential.contains(&purpose));
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
        } else if row.expires_at.is_some_and(|at| at <= now) || stale.contains(&id) {
            Barred::Expired
        } else if paused(row.purpose) {
            Barred::Paused
        } else {
            continue;
        };
        barred.insert(id, bar);
    }
    let (settings, zone) = tx.guard_settings_and_zone().await?;
    // What cannot be read was damaged; sends are refused for it, and what was accepted before goes.
    let quiet = texts.settings(settings.as_ref()).ok().zip(texts.zone(&zone).ok());
    let quiet = quiet.and_then(|(settings, zone)| Quiet::of(&settings, &zone));
    Ok(Bars { of: barred, all_paused, quiet })
}
