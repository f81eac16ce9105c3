//! Events that are made up, so that an integration can be tried before anything happens.
//!
//! Test mode only. What is made up is the event alone: it lies in the log and goes to endpoints and streams as any other
//! does, but no message, contact, channel or template is written or changed, and the ids in it are nobody's.

use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::Audit;
use gatepost_core::channel::Mode;
use gatepost_core::event::{Cast, CastChannel, EventType};
use gatepost_core::{ChannelId, Code, Error, EventId, Result, WorkspaceId};
use gatepost_store::{ChannelRow, WorkspaceScope};

use crate::App;
use crate::events::{Draft, draft, place, publish};
use crate::idempotency::{Idempotent, Outcome, Prepared};
use crate::sealing::failed;

/// What is to happen.
pub struct EventTrigger {
    pub event_type: EventType,
    /// A test channel to speak of; one of the workspace's where none is named.
    pub channel: Option<ChannelId>,
}

/// An event that was made up.
pub struct EventTriggered {
    pub id: EventId,
    /// The exact JSON of the webhook body.
    pub payload: Vec<u8>,
}

impl App {
    /// Appends an event of the catalogue with example data, in test mode.
    ///
    /// Errors: `live_mode_only` for a live key; `not_found` for a channel that is not there in test mode, or that the
    /// caller does not reach.
    pub async fn event_trigger(
        &self,
        grant: &Grant<permission::EventTrigger>,
        trigger: EventTrigger,
        idempotent: Option<Idempotent<EventTriggered>>,
    ) -> Result<Outcome<EventTriggered>> {
        if !grant.sees(Mode::Test) {
            return Err(Error::new(
                Code::LiveModeOnly,
                "events are made up in test mode only: use a gp_test_ key",
            ));
        }
        let scope = WorkspaceScope::from(grant);
        let (now, event_type) = (self.now(), trigger.event_type);
        let channels = self.0.store.read(scope, async |tx| tx.channel_list().await).await?;
        let reached = channels.into_iter().filter(|c| c.mode == Mode::Test && grant.reaches(c.id)).collect();
        let channel = self.cast_channel(reached, trigger.channel)?;
        let cast = Cast::new(scope.workspace(), channel, now, self.entropy());

        let keys = self.0.sealing.keys(scope).await?;
        let event = draft(
            &keys,
            now,
            self.entropy(),
            Draft {
                event_type,
                mode: Mode::Test,
                channel: cast.channel_of(event_type),
                order_key: None,
                data: cast.data(event_type),
            },
        )?;
        let written = place(WorkspaceId::from_uuid(keys.workspace()), event.id);
        let payload = keys.open_content(&written, &event.payload).map_err(failed)?;
        let triggered = EventTriggered { id: event.id, payload };
        let prepared = Prepared::with_answer(&keys, idempotent.as_ref(), &triggered)?;
        let recording = prepared.clone();
        let replay = self
            .0
            .store
            .write(scope, async move |tx| {
                if let Some(prepared) = &recording
                    && let Some(first) = prepared.record(tx, now).await?
                {
                    return tx.commit(Audit::None("an answer given again"), Some(first));
                }
                publish(tx, std::slice::from_ref(&event), now).await?;
                tx.commit(Audit::None("an event of the test mode is in the event log"), None)
            })
            .await?;
        match (replay, prepared) {
            (Some(first), Some(prepared)) => prepared.open(&keys, &first),
            _ => Ok(Outcome::Fresh(triggered)),
        }
    }

    /// The channel that is named, else the oldest there is; where a workspace has none yet, one that nobody has.
    fn cast_channel(&self, mut reached: Vec<ChannelRow>, named: Option<ChannelId>) -> Result<CastChannel> {
        let chosen = match named {
            Some(id) => {
                let place = reached.iter().position(|c| c.id == id);
                Some(reached.swap_remove(place.ok_or_else(|| Error::of(Code::NotFound))?))
            }
            None => reached.into_iter().min_by_key(|c| c.id),
        };
        Ok(match chosen {
            Some(row) => {
                CastChannel { id: row.id, name: row.name, waba_id: row.waba_id, throughput: row.throughput }
            }
            None => {
                CastChannel { id: ChannelId::new(self.now(), self.entropy()), ..Cast::documented().channel }
            }
        })
    }
}
