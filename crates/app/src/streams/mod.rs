//! Streams of events: the log read on and on, as far as it goes, and then as it grows.
//!
//! A stream holds a position in the log and nothing else: no queue that could overflow, nothing that a slow listener
//! could fill. News only say that there may be more to read. What is read is read by `seq`, which is given inside the
//! transactions that append, so nothing is skipped and nothing comes twice, across reconnects too.

mod hub;
mod standing;

use std::time::Duration;

use gatepost_core::access::{Grant, permission};
use gatepost_core::{Code, Error, Result, Timestamp};
use gatepost_store::WorkspaceScope;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::App;
use crate::event_log::{Bounds, EventBegin, EventSelection, EventView, Sight, cursor};

pub(crate) use hub::Streams;

/// What one step brings: little, because so much may wait in memory for each slow listener.
const STEP: Bounds = Bounds { entries: 50, bytes: 128 * 1024 };
/// Waits after failures of the store, before a stream is given up.
const PATIENCE: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(400), Duration::from_secs(1), Duration::from_secs(3)];

/// Which events to hear of.
#[derive(Debug, Clone)]
pub struct StreamQuery {
    pub begin: EventBegin,
    pub select: EventSelection,
}

/// Why a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamEnd {
    /// The key was revoked, or its overlap after a rotation is over.
    KeyRevoked,
    KeyExpired,
    /// An allowlist no longer holds the listener's address.
    AddressNotAllowed,
    /// The person signed out, or the session's time is over.
    SessionEnded,
    /// The person has no seat in the workspace any more, or one that does not hold the permission, or the workspace asks
    /// for more than their session brings.
    SeatChanged,
    /// The session, the seat or the exchange behind an access token is over.
    TokenEnded,
    /// This server stops.
    ShuttingDown,
    /// The store does not answer, or something broke.
    Unavailable,
}

impl StreamEnd {
    /// A stable word; a problem code where the next request will meet it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeyRevoked => "api_key_revoked",
            Self::KeyExpired => "api_key_expired",
            Self::AddressNotAllowed => "ip_not_allowed",
            Self::SessionEnded => "session_ended",
            Self::SeatChanged => "membership_changed",
            Self::TokenEnded => "access_token_ended",
            Self::ShuttingDown => "shutting_down",
            Self::Unavailable => "unavailable",
        }
    }

    /// What happened, for people.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::KeyRevoked => "the API key was revoked",
            Self::KeyExpired => "the API key has expired",
            Self::AddressNotAllowed => "requests from this address are no longer allowed",
            Self::SessionEnded => "the session is over",
            Self::SeatChanged => "the membership in this workspace ended, or what it allows changed",
            Self::TokenEnded => "what the access token was exchanged for is over",
            Self::ShuttingDown => "the server is shutting down; reconnect",
            Self::Unavailable => "the server cannot read its events at the moment; reconnect",
        }
    }
}

/// What a stream says next.
pub enum StreamStep {
    Events(Vec<EventView>),
    /// Nothing for a while; where the listener would go on, when that has moved on since it was last told.
    Quiet(Option<String>),
    Ended(StreamEnd),
}

/// One listener's way through the log.
pub struct EventStream {
    app: App,
    scope: WorkspaceScope,
    sight: Sight,
    /// Up to here everything was looked at.
    position: i64,
    /// The position that the listener knows.
    known: i64,
    standing: standing::Standing,
    epoch: watch::Receiver<i64>,
    closing: CancellationToken,
    seat: hub::Seat,
    /// Whether there may be more to read at once.
    hungry: bool,
    failures: usize,
    quiet_at: Instant,
}

impl App {
    /// Opens a stream. What happens after this returns is heard of.
    ///
    /// Errors: `invalid_parameter`, `event_expired`, `stream_limit_reached`, `unavailable`.
    pub async fn event_stream(
        &self,
        grant: &Grant<permission::EventRead>,
        query: StreamQuery,
    ) -> Result<EventStream> {
        let scope = WorkspaceScope::from(grant);
        // First of all, so that whatever is committed from here on is news.
        let (seat, first) = self.0.streams.sit(scope, grant.actor())?;
        if first && !self.0.config.sole_owner {
            self.look_for_news();
        }
        let epoch = self.0.credentials.subscribe();
        let standing = self.standing_of(grant).await?;
        let sight = Sight::of(grant, query.select);
        let position = self.event_position(scope, &sight, &query.begin).await?;
        Ok(EventStream {
            app: self.clone(),
            scope,
            sight,
            position,
            known: position,
            standing,
            epoch,
            closing: self.0.streams.closing.clone(),
            seat,
            hungry: true,
            failures: 0,
            quiet_at: Instant::now() + self.0.config.streams.heartbeat,
        })
    }

    /// Ends every stream now and opens no other, so that nobody who only listens holds up a shutdown.
    pub fn streams_close(&self) {
        self.0.streams.closing.cancel();
    }
}

impl EventStream {
    /// Where the listener stands before anything was said: to go on from there when the connection breaks at once.
    pub fn cursor(&self) -> String {
        cursor(self.known)
    }

    /// What comes next. After [`StreamStep::Ended`] nothing does.
    pub async fn next(&mut self) -> StreamStep {
        loop {
            if self.closing.is_cancelled() {
                return StreamStep::Ended(StreamEnd::ShuttingDown);
            }
            if let Err(error) = self.app.stands(&mut self.standing).await {
                match self.failed(&error).await {
                    Some(end) => return StreamStep::Ended(end),
                    None => continue,
                }
            }
            if std::mem::take(&mut self.hungry) {
                self.seat.news.mark_unchanged();
                match self.app.event_look(self.scope, &self.sight, self.position, STEP).await {
                    Ok((events, found)) => {
                        self.failures = 0;
                        self.position = found.position;
                        self.hungry = found.more;
                        if !events.is_empty() {
                            self.known = found.position;
                            self.quiet_at = Instant::now() + self.app.0.config.streams.heartbeat;
                            return StreamStep::Events(events);
                        }
                    }
                    Err(error) => {
                        self.hungry = true;
                        match self.failed(&error).await {
                            Some(end) => return StreamStep::Ended(end),
                            None => continue,
                        }
                    }
                }
            }
            if Instant::now() >= self.quiet_at {
                self.quiet_at = Instant::now() + self.app.0.config.streams.heartbeat;
                if !self.hungry {
                    self.failures = 0;
                }
                let moved = self.known != self.position;
                self.known = self.position;
                return StreamStep::Quiet(moved.then(|| cursor(self.position)));
            }
            if self.hungry {
                // Others want to be heard too, however much there is to step over.
                tokio::task::yield_now().await;
                continue;
            }
            let until = self.quiet_at.min(self.instant_of_end());
            tokio::select! {
                Ok(()) = self.seat.news.changed() => self.hungry = true,
                Ok(()) = self.epoch.changed() => {}
                () = self.closing.cancelled() => {}
                () = sleep_until(until) => {}
            }
        }
    }

    /// Waits for the end alone: for whoever waits for a listener to take what was said already.
    pub async fn ended(&mut self) -> StreamEnd {
        loop {
            if self.closing.is_cancelled() {
                return StreamEnd::ShuttingDown;
            }
            if let Err(error) = self.app.stands(&mut self.standing).await
                && let Some(end) = self.failed(&error).await
            {
                return end;
            }
            let until = self.instant_of_end();
            tokio::select! {
                Ok(()) = self.epoch.changed() => {}
                () = self.closing.cancelled() => {}
                () = sleep_until(until) => {}
            }
        }
    }

    /// When the key ends by itself; otherwise a good while from now.
    fn instant_of_end(&self) -> Instant {
        let left = |end: Timestamp| end.since(self.app.now());
        let left = self.standing.ends_at.map_or(Duration::MAX, left);
        // A clock that is set forward is noticed a little later than one that runs.
        Instant::now() + left.min(self.app.0.config.streams.heartbeat)
    }

    /// Whether a failure ends the stream, after the wait that it asks for otherwise.
    async fn failed(&mut self, error: &Error) -> Option<StreamEnd> {
        match error.code() {
            Code::ApiKeyRevoked => return Some(StreamEnd::KeyRevoked),
            Code::IpNotAllowed => return Some(StreamEnd::AddressNotAllowed),
            Code::ApiKeyExpired => return Some(StreamEnd::KeyExpired),
            Code::SessionEnded => return Some(StreamEnd::SessionEnded),
            Code::NotFound | Code::PermissionMissing | Code::SecondFactorRequired | Code::SsoRequired => {
                return Some(StreamEnd::SeatChanged);
            }
            Code::AccessTokenEnded => return Some(StreamEnd::TokenEnded),
            _ => {}
        }
        let Some(wait) = PATIENCE.get(self.failures) else {
            tracing::warn!(%error, "a stream of events is given up");
            return Some(StreamEnd::Unavailable);
        };
        self.failures += 1;
        tokio::select! {
            () = self.closing.cancelled() => Some(StreamEnd::ShuttingDown),
            () = tokio::time::sleep(*wait) => None,
        }
    }
}
