//! Reading the event log: pages for whoever asks, and the steps that streams are made of. What a caller sees is decided
//! in one place for both.
//!
//! Threat note. Defends against: a caller of one mode, or one bound to channels, learning of another's events, by list,
//! by stream or by trying ids (what is not theirs answers like what nobody has); an entry that was changed in the
//! database taking its neighbours along (it is shown without its content, and logged as the security event it is); a
//! page without bounds (entries looked at, entries answered and their bytes are all limited).

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gatepost_core::access::{Grant, permission};
use gatepost_core::channel::Mode;
use gatepost_core::event::{API_VERSION, EventFilter, EventPayload, EventType};
use gatepost_core::{ChannelId, Code, Error, EventId, Result, Timestamp};
use gatepost_store::{EventHead, EventRow, WorkspaceScope, WorkspaceTx};

use crate::App;
use crate::events::place;
use crate::pages::LIMIT_MAX;

/// Entries of one look at the table.
const BATCH: i64 = 200;
/// Looks of one page: entries that the caller does not want or see are stepped over, a bounded number of them.
const LOOKS: usize = 20;
/// Sealed bytes of one page.
const PAGE_BYTES: i64 = 1 << 20;
/// How far the order of the log and the order of `created_at` may lie apart: the time between the making of an event and
/// its commit, and between the clocks of two nodes. A matter of seconds.
const DISORDER: Duration = Duration::from_mins(10);

/// Where in the log to begin.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum EventBegin {
    /// With the oldest entry that is kept.
    #[default]
    Start,
    /// With what happens from now on.
    Now,
    /// After an event (its id) or a cursor.
    After(String),
}

impl EventBegin {
    /// `start`, `now`, or the id of an event or a cursor (which [`App::event_list`] and [`App::event_stream`] check).
    pub fn parse(text: &str) -> Self {
        match text {
            "start" => Self::Start,
            "now" => Self::Now,
            other => Self::After(other.to_owned()),
        }
    }
}

/// Which entries are wanted.
#[derive(Debug, Clone, Default)]
pub struct EventSelection {
    pub types: EventFilter,
    pub channel: Option<ChannelId>,
    /// Made then or later.
    pub since: Option<Timestamp>,
    /// Made earlier than that.
    pub until: Option<Timestamp>,
}

/// Which events to read.
#[derive(Debug, Clone, Default)]
pub struct EventQuery {
    pub begin: EventBegin,
    /// 1 to 100.
    pub limit: usize,
    pub select: EventSelection,
}

/// One event.
pub struct EventView {
    pub id: EventId,
    pub seq: i64,
    pub event_type: EventType,
    /// The exact JSON of the webhook body, on one line.
    pub payload: Vec<u8>,
}

/// Events in their order.
pub struct EventPage {
    pub items: Vec<EventView>,
    /// Where to go on, now or later; `None` where nothing can follow, because the window is over.
    pub next: Option<String>,
    /// True when the log held more entries that were not looked at yet; an empty page may say so.
    pub more: bool,
}

/// What a caller sees of the log, and what of that it asked for.
#[derive(Debug, Clone)]
pub(crate) struct Sight {
    mode: Option<Mode>,
    bound: Option<Arc<[ChannelId]>>,
    select: EventSelection,
}

impl Sight {
    pub fn of<P>(grant: &Grant<P>, select: EventSelection) -> Self {
        Self { mode: grant.mode(), bound: grant.channels().map(Into::into), select }
    }

    /// Whether an entry exists for the caller: in its mode and, for one bound to channels, about one of these.
    fn sees(&self, head: &EventHead) -> bool {
        self.mode.is_none_or(|own| own == head.mode)
            && self.bound.as_ref().is_none_or(|own| head.channel.is_some_and(|c| own.contains(&c)))
    }

    fn wants(&self, head: &EventHead) -> bool {
        let select = &self.select;
        select.types.matches(head.event_type)
            && select.channel.is_none_or(|wanted| head.channel == Some(wanted))
            && select.since.is_none_or(|since| head.created_at >= since)
            && select.until.is_none_or(|until| head.created_at < until)
    }

    /// Whether no entry from this one on can lie in the window.
    fn is_over(&self, head: &EventHead) -> bool {
        self.select.until.is_some_and(|until| head.created_at >= until.plus(DISORDER))
    }
}

/// What a look at the log found.
pub(crate) struct Look {
    pub rows: Vec<EventRow>,
    /// Up to here everything was looked at.
    pub position: i64,
    /// More lies behind the position.
    pub more: bool,
    /// The window is over: nothing can follow.
    pub over: bool,
}

/// How much one look brings: one entry at least, however large.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub entries: usize,
    /// Sealed.
    pub bytes: i64,
}

/// Reads on after a position. Never skips an entry: the order is given inside the transactions that append.
async fn look(tx: &WorkspaceTx<'_>, sight: &Sight, after: i64, bounds: Bounds) -> Result<Look> {
    let (mut found, mut bytes) = (Vec::new(), 0);
    let (mut position, mut more, mut over) = (after, true, false);
    'looking: for _ in 0..LOOKS {
        let heads = tx.event_heads(position, BATCH).await?;
        let end = i64::try_from(heads.len()).is_ok_and(|count| count < BATCH);
        for head in heads {
            if sight.is_over(&head) {
                over = true;
                break 'looking;
            }
            if sight.sees(&head) && sight.wants(&head) {
                let full = found.len() == bounds.entries || bytes + head.size > bounds.bytes;
                if full && !found.is_empty() {
                    break 'looking;
                }
                bytes += head.size;
                position = head.seq;
                found.push(head);
            } else {
                position = head.seq;
            }
        }
        if end {
            more = false;
            break;
        }
    }
    Ok(Look { rows: tx.event_rows(found).await?, position, more: more && !over, over })
}

pub(crate) fn cursor(position: i64) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(position.to_be_bytes())
}

fn position_of(cursor: &str) -> Option<i64> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
    Some(i64::from_be_bytes(bytes.try_into().ok()?)).filter(|position| *position >= 0)
}

/// What a caller named to go on after.
#[derive(Clone, Copy)]
enum Mark {
    Start,
    Now,
    Event(EventId),
    Position(i64),
}

impl Mark {
    fn of(begin: &EventBegin) -> Result<Self> {
        Ok(match begin {
            EventBegin::Start => Self::Start,
            EventBegin::Now => Self::Now,
            EventBegin::After(text) => match (text.parse(), position_of(text)) {
                (Ok(id), _) => Self::Event(id),
                (_, Some(position)) => Self::Position(position),
                _ => {
                    let detail = "after is neither an event id nor a cursor of this list, nor now or start";
                    return Err(Error::new(Code::InvalidParameter, detail));
                }
            },
        })
    }
}

impl App {
    /// An entry with its content, or with `data: null` where its time is over.
    async fn event_view(&self, scope: WorkspaceScope, row: EventRow) -> Result<EventView> {
        let EventRow { head, payload } = row;
        let mut payload = match payload {
            Some(sealed) => self.0.sealing.open(scope, &place(scope.workspace(), head.id), &sealed).await?,
            None => serde_json::to_vec(&EventPayload {
                id: head.id,
                event_type: head.event_type,
                api_version: API_VERSION,
                created_at: head.created_at,
                workspace_id: scope.workspace(),
                mode: head.mode.as_str(),
                channel_id: head.channel,
                data: None,
            })
            .map_err(Error::internal)?,
        };
        // New entries are made so; older ones may be laid out as their provider's part was.
        crate::well_formed::one_line(&mut payload);
        Ok(EventView { id: head.id, seq: head.seq, event_type: head.event_type, payload })
    }

    /// The same among others: an entry that does not open (and was logged as that) is shown without its content, and
    /// takes no neighbour along.
    async fn event_view_among(&self, scope: WorkspaceScope, row: EventRow) -> Result<EventView> {
        let head = row.head.clone();
        match self.event_view(scope, row).await {
            Err(error) if error.code() == Code::Internal => {
                // Without the workspace's keys nothing opens, and that is another failure.
                self.0.sealing.keys(scope).await?;
                tracing::error!(event = %head.id, "the content of an event does not open; it is shown without");
                metrics::counter!("gatepost_events_unreadable_total").increment(1);
                self.event_view(scope, EventRow { head, payload: None }).await
            }
            other => other,
        }
    }

    /// Reads on after a position and opens what was found.
    pub(crate) async fn event_look(
        &self,
        scope: WorkspaceScope,
        sight: &Sight,
        after: i64,
        bounds: Bounds,
    ) -> Result<(Vec<EventView>, Look)> {
        let sight = sight.clone();
        let read = async move |tx: &WorkspaceTx<'_>| look(tx, &sight, after, bounds).await;
        let mut found = self.0.store.read(scope, read).await?;
        let mut views = Vec::with_capacity(found.rows.len());
        for row in std::mem::take(&mut found.rows) {
            views.push(self.event_view_among(scope, row).await?);
        }
        Ok((views, found))
    }

    /// Events in their order, oldest first. Never skips one.
    ///
    /// Errors: `invalid_parameter`, `event_expired`.
    pub async fn event_list(
        &self,
        grant: &Grant<permission::EventRead>,
        query: EventQuery,
    ) -> Result<EventPage> {
        let scope = WorkspaceScope::from(grant);
        let sight = Sight::of(grant, query.select);
        let after = self.event_position(scope, &sight, &query.begin).await?;
        let bounds = Bounds { entries: query.limit.clamp(1, LIMIT_MAX), bytes: PAGE_BYTES };
        let (items, found) = self.event_look(scope, &sight, after, bounds).await?;
        // At the end of the log a window may be over too: what is appended from now on was not made that long ago.
        let past = sight.select.until.is_some_and(|until| until.plus(DISORDER) <= self.now());
        let over = found.over || (past && !found.more);
        // A cursor even at the end: whoever polls goes on from where they are.
        let next = (!over).then(|| cursor(found.position));
        Ok(EventPage { items, next, more: found.more })
    }

    /// Where to go on. An event that the caller does not see is no place, like one that nobody has; and a cursor that
    /// lies before what is kept, or ahead of what there is (a database brought back from an older copy), would skip
    /// events without a word.
    pub(crate) async fn event_position(
        &self,
        scope: WorkspaceScope,
        sight: &Sight,
        begin: &EventBegin,
    ) -> Result<i64> {
        let mark = Mark::of(begin)?;
        let sight = sight.clone();
        self.0
            .store
            .read(scope, async move |tx| {
                let last = tx.event_last_seq().await?;
                let expired = || Error::of(Code::EventExpired);
                let after = match mark {
                    Mark::Start => 0,
                    Mark::Now => return Ok(last),
                    Mark::Event(id) => {
                        let head = tx.event_head(id).await?.filter(|head| sight.sees(head));
                        head.ok_or_else(expired)?.seq
                    }
                    Mark::Position(after) => {
                        let first = tx.event_first_seq().await?.unwrap_or(last + 1);
                        if after > last || (after > 0 && after < first - 1) {
                            return Err(expired());
                        }
                        after
                    }
                };
                // Straight to the beginning of the window, rather than through all that lies before it.
                let Some(since) = sight.select.since else { return Ok(after) };
                let from = tx.event_seq_from(since.minus(DISORDER)).await?;
                Ok(after.max(from.map_or(last, |seq| seq - 1)))
            })
            .await
    }

    pub async fn event_get(&self, grant: &Grant<permission::EventRead>, id: EventId) -> Result<EventView> {
        let scope = WorkspaceScope::from(grant);
        let sight = Sight::of(grant, EventSelection::default());
        let row = self
            .0
            .store
            .read(scope, async move |tx| {
                let head = tx.event_head(id).await?.filter(|head| sight.sees(head));
                match head {
                    Some(head) => Ok(tx.event_rows(vec![head]).await?.pop()),
                    None => Ok(None),
                }
            })
            .await?;
        self.event_view(scope, row.ok_or_else(|| Error::of(Code::NotFound))?).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_read_back_and_nothing_else_is_one() {
        for position in [0, 1, 65_536, i64::MAX] {
            assert_eq!(position_of(&cursor(position)), Some(position));
        }
        assert_eq!(position_of(&cursor(-1)), None);
        for text in ["", "x", "AAAA", "evt_01kagq5rh8e5htqh9sk95d3x4w", "AAAAAAAAAAE="] {
            assert_eq!(position_of(text), None, "{text}");
        }
    }

    #[test]
    fn words_for_places() {
        assert_eq!(EventBegin::parse("now"), EventBegin::Now);
        assert_eq!(EventBegin::parse("start"), EventBegin::Start);
        assert_eq!(EventBegin::parse("Now"), EventBegin::After("Now".to_owned()));
        assert!(Mark::of(&EventBegin::After("Now".to_owned())).is_err());
    }
}
