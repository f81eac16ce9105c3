//! The delivery log: what became of each event on its way to an endpoint.
//!
//! Threat note. Defends against: an answer of a receiver that carries secrets or people's data into our log and from
//! there to whoever may see deliveries. It lies sealed, is shown to those alone who hold `delivery.answer_read`, with
//! what has the form of a secret taken out, and goes with the content of its event. A row that does not open is shown
//! as that and spoils no page.

use gatepost_core::access::{Grant, PermissionId, permission};
use gatepost_core::endpoint::DeliveryState;
use gatepost_core::event::{EventFilter, EventType};
use gatepost_core::redact::redact;
use gatepost_core::{Code, DeliveryId, EndpointId, Error, EventId, ReplayId, Result, Timestamp};
use gatepost_store::{
    AttemptRow, DeliveryHead, DeliveryRange, DeliveryRow, EndpointRow, WorkspaceScope, WorkspaceTx, floor_id,
};
use gatepost_vault::{Aad, WorkspaceKeys, sha256};
use uuid::Uuid;

use crate::App;
use crate::pages::{LIMIT_MAX, Page, PageQuery};

/// Deliveries that are looked at for one page, at most: what fits a filter rarely comes on several pages, some of them
/// short or empty, and no question costs a look at all there is.
const LOOKED_MAX: usize = 5_000;
/// Of these at once.
const LOOK: usize = 500;

/// Which deliveries of an endpoint to show.
#[derive(Debug, Clone, Default)]
pub struct DeliveryQuery {
    /// In one of these; empty for all.
    pub states: Vec<DeliveryState>,
    pub types: EventFilter,
    pub event: Option<EventId>,
    /// Of events made at this time or later (to the millisecond),
    pub since: Option<Timestamp>,
    /// and before this one.
    pub until: Option<Timestamp>,
    pub page: PageQuery,
}

impl DeliveryQuery {
    fn takes(&self, state: DeliveryState, event_type: EventType) -> bool {
        (self.states.is_empty() || self.states.contains(&state)) && self.types.matches(event_type)
    }

    /// Whether only states are wanted that have an index.
    fn is_indexed(&self) -> bool {
        let indexed = |s: &DeliveryState| {
            matches!(s, DeliveryState::Failed | DeliveryState::Blocked | DeliveryState::Dead)
        };
        !self.states.is_empty() && self.states.iter().all(indexed)
    }

    /// How many to look at at once: what no filter steps over fits the page.
    fn look(&self, limit: usize) -> usize {
        let all = self.types.names().is_empty() && (self.states.is_empty() || self.is_indexed());
        if all { limit + 1 } else { LOOK }
    }
}

/// One event on its way to one endpoint.
pub struct DeliveryView {
    pub id: DeliveryId,
    pub endpoint_id: EndpointId,
    pub event_id: EventId,
    pub event_type: EventType,
    pub state: DeliveryState,
    pub attempts: i64,
    pub next_attempt_at: Option<Timestamp>,
    /// What it waits for, while it does: `attempt`, `schedule`, `circuit` or `endpoint_enabled`.
    pub waits_for: Option<&'static str>,
    /// The one next action, where there is one.
    pub next_action: Option<&'static str>,
    /// Whether it can be sent again: the event still has its content.
    pub replayable: bool,
    pub replay_id: Option<ReplayId>,
    pub created_at: Timestamp,
    pub last: Option<AttemptView>,
}

/// One HTTP try.
pub struct AttemptView {
    pub number: i64,
    pub at: Timestamp,
    /// `allow`, or `blocked` by the egress policy.
    pub decision: &'static str,
    pub rule: String,
    pub address: Option<String>,
    pub status: Option<u16>,
    pub latency_ms: i64,
    pub error: Option<String>,
    /// The first kilobyte of the answer, redacted.
    pub response_snippet: Option<String>,
    /// `shown`, `none`, `hidden` from this caller, or `unreadable`.
    pub response: &'static str,
}

/// The place of an answer's first bytes: the row is the attempt, whose key is composite.
pub(crate) fn snippet_place(workspace: Uuid, delivery: DeliveryId, number: i64) -> Aad {
    let mut key = delivery.uuid().into_bytes().to_vec();
    key.extend_from_slice(&number.to_be_bytes());
    let digest = sha256(&key);
    let mut row = [0; 16];
    row.copy_from_slice(&digest[..16]);
    Aad { workspace, table: "attempt", column: "snippet", row }
}

/// What turns rows into views, for one caller.
pub(crate) struct Shown<'a> {
    pub keys: &'a WorkspaceKeys,
    /// Whether the caller may read answers.
    pub answers: bool,
    pub now: Timestamp,
}

impl Shown<'_> {
    pub fn delivery(&self, endpoint: &EndpointRow, row: DeliveryRow) -> DeliveryView {
        let (waits_for, until, next_action) = standing(endpoint, &row, self.now);
        DeliveryView {
            id: row.id,
            endpoint_id: row.endpoint,
            event_id: row.event,
            event_type: row.event_type,
            state: row.state,
            attempts: row.attempts,
            next_attempt_at: until,
            waits_for,
            next_action,
            replayable: row.has_content,
            replay_id: row.replay,
            created_at: row.created_at,
            last: row.last.map(|attempt| self.attempt(row.id, attempt)),
        }
    }

    fn attempt(&self, delivery: DeliveryId, row: AttemptRow) -> AttemptView {
        let (response, response_snippet) = match &row.snippet {
            None => ("none", None),
            Some(_) if !self.answers => ("hidden", None),
            Some(sealed) => match self.open(delivery, row.number, sealed) {
                Some(text) => ("shown", Some(redact(&text))),
                None => ("unreadable", None),
            },
        };
        AttemptView {
            number: row.number,
            at: row.at,
            decision: if row.allowed { "allow" } else { "blocked" },
            rule: row.rule,
            address: row.address,
            status: row.status.and_then(|s| u16::try_from(s).ok()),
            latency_ms: row.latency_ms,
            error: row.error,
            response_snippet,
            response,
        }
    }

    /// An answer that was changed where it lies, or put there from elsewhere, does not open.
    fn open(&self, delivery: DeliveryId, number: i64, sealed: &[u8]) -> Option<String> {
        let aad = snippet_place(self.keys.workspace(), delivery, number);
        let opened =
            self.keys.open_content(&aad, sealed).ok().and_then(|plain| String::from_utf8(plain).ok());
        if opened.is_none() {
            tracing::warn!(%delivery, number, "a receiver's answer does not open");
        }
        opened
    }
}

/// What a delivery waits for and until when, and what to do about it.
fn standing(
    endpoint: &EndpointRow,
    row: &DeliveryRow,
    now: Timestamp,
) -> (Option<&'static str>, Option<Timestamp>, Option<&'static str>) {
    const GONE: &str = "nothing: the event's content is past its time";
    match row.state {
        DeliveryState::Sent => (None, None, None),
        DeliveryState::Dead if !row.has_content => (None, None, Some(GONE)),
        DeliveryState::Dead if !endpoint.enabled => (
            None,
            None,
            Some("mend the receiver, enable the endpoint, then retry it or replay what was missed"),
        ),
        DeliveryState::Dead => {
            (None, None, Some("mend the receiver, then retry it or replay what was missed"))
        }
        DeliveryState::Pending | DeliveryState::Failed | DeliveryState::Blocked => {
            if !endpoint.enabled {
                return (Some("endpoint_enabled"), None, Some("enable the endpoint"));
            }
            let due = row.next_at.unwrap_or(now);
            let circuit = endpoint.health.probe_at.filter(|at| *at > now && *at > due);
            match (circuit, row.state) {
                (Some(probe), _) => (
                    Some("circuit"),
                    Some(probe),
                    Some("mend the receiver; one attempt goes out as a probe, the others follow it"),
                ),
                (None, _) if due <= now => (Some("attempt"), row.next_at, None),
                (None, DeliveryState::Blocked) => (
                    Some("schedule"),
                    row.next_at,
                    Some(
                        "change the endpoint's URL to a public address, or have the operator allow this one",
                    ),
                ),
                (None, _) => (Some("schedule"), row.next_at, Some("mend the receiver; retry it to not wait")),
            }
        }
    }
}

/// The newest of a range first, as far as `query` says by its states alone.
async fn heads(
    tx: &WorkspaceTx<'_>,
    endpoint: EndpointId,
    range: DeliveryRange,
    query: &DeliveryQuery,
    limit: usize,
) -> Result<Vec<DeliveryHead>> {
    let count = i64::try_from(limit).unwrap_or(i64::MAX);
    if !query.is_indexed() {
        return tx.delivery_heads(endpoint, range, None, count).await;
    }
    let mut found = Vec::new();
    for state in &query.states {
        found.extend(tx.delivery_heads(endpoint, range, Some(*state), count).await?);
    }
    found.sort_unstable_by_key(|head| std::cmp::Reverse(head.id));
    found.truncate(limit);
    Ok(found)
}

/// The ids of one page, and where the next one begins.
async fn page(
    tx: &WorkspaceTx<'_>,
    endpoint: EndpointId,
    query: &DeliveryQuery,
) -> Result<(Vec<DeliveryId>, Option<Uuid>)> {
    let (cursor, _) = query.page.bounds()?;
    let limit = query.page.limit.clamp(1, LIMIT_MAX);
    let until = query.until.map_or(Uuid::max(), floor_id);
    let from = query.since.map_or(Uuid::nil(), floor_id);
    let mut range = DeliveryRange { before: cursor.min(until), from };
    if let Some(event) = query.event {
        let id = DeliveryId::of(event, endpoint);
        let inside = id.uuid() < range.before && id.uuid() >= range.from;
        return Ok((if inside { vec![id] } else { Vec::new() }, None));
    }
    let look = query.look(limit);
    let (mut found, mut looked) = (Vec::new(), 0);
    while looked < LOOKED_MAX {
        let heads = heads(tx, endpoint, range, query, look).await?;
        let end = heads.len() < look;
        looked += heads.len();
        for head in heads {
            if query.takes(head.state, head.event_type) {
                if found.len() == limit {
                    return Ok((found, Some(range.before)));
                }
                found.push(head.id);
            }
            range.before = head.id.uuid();
        }
        if end {
            return Ok((found, None));
        }
    }
    Ok((found, Some(range.before)))
}

impl App {
    /// Newest first, by the time of their events.
    pub async fn delivery_list(
        &self,
        grant: &Grant<permission::EndpointRead>,
        endpoint: EndpointId,
        query: DeliveryQuery,
    ) -> Result<Page<DeliveryView>> {
        let scope = WorkspaceScope::from(grant);
        let found = self
            .0
            .store
            .read(scope, async move |tx| {
                let Some(row) = tx.endpoint_get(endpoint).await? else { return Ok(None) };
                let (ids, next) = page(tx, endpoint, &query).await?;
                let rows: Vec<DeliveryRow> =
                    tx.deliveries_get(endpoint, &ids).await?.into_iter().flatten().collect();
                let rows =
                    rows.into_iter().filter(|r| query.takes(r.state, r.event_type)).collect::<Vec<_>>();
                Ok(Some((row, rows, next)))
            })
            .await?;
        let (endpoint, rows, next) = found
            .filter(|(row, ..)| crate::endpoints::visible(grant, row))
            .ok_or_else(|| Error::of(Code::NotFound))?;
        let keys = self.0.sealing.keys(scope).await?;
        let shown = self.shown(grant, &keys);
        let items = rows.into_iter().map(|row| shown.delivery(&endpoint, row)).collect();
        Ok(Page { items, next: next.map(PageQuery::cursor) })
    }

    /// What `grant` lets its caller see of deliveries.
    pub(crate) fn shown<'a, P>(&self, grant: &Grant<P>, keys: &'a WorkspaceKeys) -> Shown<'a> {
        Shown { keys, answers: grant.holds(PermissionId::DeliveryAnswerRead), now: self.now() }
    }

    pub async fn delivery_get(
        &self,
        grant: &Grant<permission::EndpointRead>,
        endpoint: EndpointId,
        delivery: DeliveryId,
    ) -> Result<DeliveryView> {
        let scope = WorkspaceScope::from(grant);
        let found = self
            .0
            .store
            .read(scope, async move |tx| {
                let row = tx.endpoint_get(endpoint).await?;
                Ok(row.zip(tx.delivery_get(endpoint, delivery).await?))
            })
            .await?;
        let (endpoint, row) = found
            .filter(|(row, _)| crate::endpoints::visible(grant, row))
            .ok_or_else(|| Error::of(Code::NotFound))?;
        let keys = self.0.sealing.keys(scope).await?;
        Ok(self.shown(grant, &keys).delivery(&endpoint, row))
    }

    /// All attempts of one delivery, oldest first.
    pub async fn attempt_list(
        &self,
        grant: &Grant<permission::EndpointRead>,
        endpoint: EndpointId,
        delivery: DeliveryId,
    ) -> Result<Vec<AttemptView>> {
        let scope = WorkspaceScope::from(grant);
        let found = self
            .0
            .store
            .read(scope, async move |tx| {
                let row = tx.endpoint_get(endpoint).await?;
                if tx.delivery_get(endpoint, delivery).await?.is_none() {
                    return Ok(None);
                }
                let attempts = tx.attempt_list(endpoint, delivery).await?;
                Ok(row.map(|row| (row, attempts)))
            })
            .await?;
        let (_, rows) = found
            .filter(|(row, _)| crate::endpoints::visible(grant, row))
            .ok_or_else(|| Error::of(Code::NotFound))?;
        let keys = self.0.sealing.keys(scope).await?;
        let shown = self.shown(grant, &keys);
        Ok(rows.into_iter().map(|row| shown.attempt(delivery, row)).collect())
    }
}
