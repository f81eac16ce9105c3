//! The truth about a channel: one place writes down what was found out about it, and tells of it.
//!
//! Three see channels fail: the daily look ([`crate::channel_checks`]), Meta's callbacks, and sending. Each makes a
//! [`ChannelReport`]; what it changes becomes a `channel.updated` event in the same transaction, and only a change does.

use std::sync::Arc;

use gatepost_channels::cloud::Refusal;
use gatepost_channels::errors::{Advice, Class, advice};
use gatepost_core::channel::ChannelState;
use gatepost_core::event::{ChannelNews, EventData, EventType};
use gatepost_core::{ChannelId, Entropy, Result, Timestamp};
use gatepost_store::{ChannelRow, WorkspaceTx};
use gatepost_vault::WorkspaceKeys;

use crate::channels::{THROUGHPUT_DEFAULT, THROUGHPUT_MAX};
use crate::events::{Draft, draft, publish};

/// Who found something out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// We asked Meta about number and token.
    Check,
    /// Meta told by itself.
    Callback,
    /// Meta refused a message or another call.
    Sending,
    /// The channel's owner settled something.
    Owner,
}

impl Source {
    /// The number stored in the database; never reused.
    pub const fn number(self) -> i64 {
        match self {
            Self::Check => 1,
            Self::Callback => 2,
            Self::Sending => 3,
            Self::Owner => 4,
        }
    }
}

/// What was found out about a channel. Whatever is `None` was not looked at and stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChannelReport {
    pub source: Source,
    /// `Active`: nothing that the source can see stands in the way.
    pub state: Option<ChannelState>,
    /// What is wrong or soon will be: one sentence of ours, never Meta's words (they may quote people). Without a state
    /// it is a note on a channel that is in order.
    pub attention: Option<String>,
    /// What to do about it, where the state alone does not say.
    pub next_action: Option<String>,
    pub verified_name: Option<String>,
    pub quality_rating: Option<String>,
    pub throughput_level: Option<String>,
    pub messaging_limit: Option<String>,
    pub name_status: Option<String>,
    pub number_status: Option<String>,
    /// `Some(None)`: it does not expire.
    #[expect(clippy::option_option, reason = "not looked at, and without an end, are two things")]
    pub token_expires_at: Option<Option<Timestamp>>,
    /// When Meta was asked, where it was.
    pub checked_at: Option<Timestamp>,
}

impl ChannelReport {
    /// A report that says nothing yet.
    pub const fn of(source: Source) -> Self {
        Self {
            source,
            state: None,
            attention: None,
            next_action: None,
            verified_name: None,
            quality_rating: None,
            throughput_level: None,
            messaging_limit: None,
            name_status: None,
            number_status: None,
            token_expires_at: None,
            checked_at: None,
        }
    }

    /// What a refusal by Meta says about the channel itself; `None` where it is about the request alone.
    pub fn of_refusal(refusal: &Refusal) -> Option<Self> {
        Self::of_advice(refusal.code, refusal.advice)
    }

    /// The same of an error code that came with a failed status.
    pub fn of_code(code: i64) -> Option<Self> {
        Self::of_advice(Some(code), advice(code, None))
    }

    fn of_advice(code: Option<i64>, advice: Advice) -> Option<Self> {
        let state = state_of_refusal(code, advice.class)?;
        let code = code.map_or_else(String::new, |code| format!(" (Meta's code {code})"));
        Some(Self {
            state: Some(state),
            attention: Some(format!("Meta refuses the channel: {}{code}", advice.meaning)),
            ..Self::of(Source::Sending)
        })
    }
}

/// The state that a refusal with this code puts a channel into. ("Error codes" page: 131042 and 131044 are about
/// payment, 131045 and 133010 about registration.)
pub(crate) const fn state_of_refusal(code: Option<i64>, class: Class) -> Option<ChannelState> {
    match (code, class) {
        (Some(131_042 | 131_044), _) => Some(ChannelState::PaymentRequired),
        (Some(131_045 | 133_010), _) => Some(ChannelState::Unregistered),
        (_, Class::RenewToken) => Some(ChannelState::TokenInvalid),
        (_, Class::Park) => Some(ChannelState::Restricted),
        _ => None,
    }
}

/// Whether a source that sees nothing wrong can tell that what was found before is over. Payment shows nowhere but in
/// refused messages, and so do restrictions that no callback and no look at the number named: their owner says when
/// they are settled.
fn clears(source: Source, row: &ChannelRow) -> bool {
    match (source, row.state) {
        (Source::Owner, _)
        | (_, ChannelState::Active)
        | (Source::Callback, ChannelState::Restricted | ChannelState::AccessLost) => true,
        (Source::Check, ChannelState::Restricted) => row.found_by == Some(Source::Check.number()),
        (Source::Check, state) => !matches!(state, ChannelState::PaymentRequired | ChannelState::Disabled),
        (Source::Callback | Source::Sending, _) => false,
    }
}

/// Puts a report into a row; answers what changed, in the words of `channel.updated`.
pub(crate) fn apply(row: &mut ChannelRow, report: &ChannelReport) -> Vec<&'static str> {
    let mut changed = Vec::new();
    let before = (row.state, row.attention.clone());
    match report.state {
        Some(ChannelState::Active) if clears(report.source, row) => {
            row.state = ChannelState::Active;
            row.found_by = None;
            row.attention.clone_from(&report.attention);
            row.next_action.clone_from(&report.next_action);
        }
        Some(ChannelState::Active) => {}
        Some(state) => {
            // What its owner switched off stays off, and says what else is wrong.
            if row.state != ChannelState::Disabled {
                row.state = state;
                row.found_by = Some(report.source.number());
            }
            row.attention = report.attention.clone().or_else(|| Some(what_is_wrong(state).to_owned()));
            row.next_action = report.next_action.clone().or_else(|| state.next_action().map(str::to_owned));
        }
        None if row.state == ChannelState::Active && report.attention.is_some() => {
            row.attention.clone_from(&report.attention);
            row.next_action.clone_from(&report.next_action);
        }
        None => {}
    }
    if row.state != before.0 {
        changed.push("state");
    }
    if row.attention != before.1 {
        changed.push("detail");
    }
    // The first answer to a look is no news; what Meta tells by itself is.
    let first_is_news = report.source != Source::Check;
    let set = |slot: &mut Option<String>, found: &Option<String>| {
        let differs = found.is_some() && slot != found;
        let news = differs && (slot.is_some() || first_is_news);
        if differs {
            slot.clone_from(found);
        }
        news
    };
    if set(&mut row.quality_rating, &report.quality_rating) {
        changed.push("quality");
    }
    let named = set(&mut row.verified_name, &report.verified_name);
    if set(&mut row.name_status, &report.name_status) || named {
        changed.push("name");
    }
    if set(&mut row.messaging_limit, &report.messaging_limit) {
        changed.push("messaging_limit");
    }
    set(&mut row.number_status, &report.number_status);
    if let Some(level) = &report.throughput_level
        && row.throughput_level.as_ref() != Some(level)
    {
        row.throughput_level = Some(level.clone());
        let throughput = throughput_at(level, row.throughput);
        if throughput != row.throughput {
            row.throughput = throughput;
            changed.push("throughput");
        }
    }
    if let Some(expires_at) = report.token_expires_at {
        row.token_expires_at = expires_at;
    }
    row.checked_at = report.checked_at.or(row.checked_at);
    changed
}

/// The pace at a new level of Meta's ("Throughput" page: 80 a second, raised to 1,000 by Meta itself). A pace that the
/// owner chose below the old level stays.
fn throughput_at(level: &str, now: i64) -> i64 {
    let (usual, most) = (i64::from(THROUGHPUT_DEFAULT), i64::from(THROUGHPUT_MAX));
    match level {
        "HIGH" if now == usual => most,
        "STANDARD" => now.min(usual),
        _ => now,
    }
}

/// What is wrong in a state, where nobody said more.
pub(crate) const fn what_is_wrong(state: ChannelState) -> &'static str {
    match state {
        ChannelState::Active => "nothing is wrong",
        ChannelState::TokenInvalid => "Meta refuses the access token",
        ChannelState::Restricted => "Meta restricted the number or its account",
        ChannelState::Disabled => "the channel is switched off",
        ChannelState::Unregistered => "the number is not registered for the Cloud API",
        ChannelState::AccessLost => "the account took the Meta app's access away",
        ChannelState::PaymentRequired => "Meta wants to be paid before it sends more",
    }
}

/// Writes down what was found out about a channel and, when that changed anything that people care about, appends a
/// `channel.updated` event. A channel that is in order again is looked at by its lane at once. A channel that is gone
/// is passed over. Returns whether an event was appended.
pub(crate) async fn channel_state_report(
    tx: &WorkspaceTx<'_>,
    keys: &WorkspaceKeys,
    entropy: &Arc<dyn Entropy>,
    now: Timestamp,
    channel: ChannelId,
    report: &ChannelReport,
) -> Result<bool> {
    let Some(before) = tx.channel_lock(channel).await? else { return Ok(false) };
    let mut row = before.clone();
    let changed = apply(&mut row, report);
    channel_change(tx, keys, entropy, now, &before, &row, &changed).await
}

/// Writes down a changed row with its event.
pub(crate) async fn channel_change(
    tx: &WorkspaceTx<'_>,
    keys: &WorkspaceKeys,
    entropy: &Arc<dyn Entropy>,
    now: Timestamp,
    before: &ChannelRow,
    row: &ChannelRow,
    changed: &[&str],
) -> Result<bool> {
    tx.channel_update(row).await?;
    if before.state != ChannelState::Active && row.state == ChannelState::Active {
        tx.channel_wake(row.id);
    }
    if changed.is_empty() {
        return Ok(false);
    }
    let (detail, next_action) = what_and_next(row);
    let news = ChannelNews {
        id: row.id,
        name: &row.name,
        changed,
        state: row.state.as_str(),
        detail: detail.as_deref(),
        next_action: next_action.as_deref(),
        verified_name: row.verified_name.as_deref(),
        name_status: row.name_status.as_deref(),
        quality_rating: row.quality_rating.as_deref(),
        throughput: row.throughput,
        messaging_limit: row.messaging_limit.as_deref(),
    };
    let event = draft(
        keys,
        now,
        entropy.as_ref(),
        Draft {
            event_type: EventType::ChannelUpdated,
            mode: row.mode,
            channel: Some(row.id),
            order_key: None,
            data: EventData::Channel(news),
        },
    )?;
    publish(tx, &[event], now).await?;
    Ok(true)
}

/// What is wrong with a channel, and the one next action.
pub(crate) fn what_and_next(row: &ChannelRow) -> (Option<String>, Option<String>) {
    match row.state {
        // What else is wrong can wait until it is switched on.
        ChannelState::Disabled => {
            let wrong = what_is_wrong(row.state);
            let detail = row.attention.as_ref().map_or_else(|| wrong.to_owned(), |a| format!("{wrong}; {a}"));
            (Some(detail), row.state.next_action().map(str::to_owned))
        }
        ChannelState::Active => (row.attention.clone(), row.next_action.clone()),
        state => (
            row.attention.clone().or_else(|| Some(what_is_wrong(state).to_owned())),
            row.next_action.clone().or_else(|| state.next_action().map(str::to_owned)),
        ),
    }
}

#[cfg(test)]
mod tests;
