//! Which endpoints an event goes to. Runs in the transaction of every event.

use gatepost_core::channel::Mode;
use gatepost_core::endpoint::{DeliveryOrder, DisabledReason};
use gatepost_core::event::EventType;
use gatepost_core::{ChannelId, DeliveryId, Result, Timestamp};
use gatepost_store::{DeliveryJob, EndpointRow, EndpointTarget, NewDelivery, NewEvent, WorkspaceTx};

/// Live deliveries go before replayed ones.
const LIVE: i64 = 0;

/// An endpoint's filters, read once for all events of a transaction.
pub(crate) struct Wish<'a> {
    target: &'a EndpointTarget,
    /// One bit for each event type, in the order of [`EventType::ALL`].
    types: u64,
}

impl<'a> Wish<'a> {
    /// `None` for an endpoint that its owner switched off.
    pub fn of(target: &'a EndpointTarget) -> Option<Self> {
        let types = || EventType::ALL.into_iter().enumerate();
        let named = |name: &str| {
            let wanted = |event: EventType| match name.strip_suffix(".*") {
                Some(family) => event.as_str().split('.').next() == Some(family),
                None => name == event.as_str(),
            };
            types().filter(|(_, event)| wanted(*event)).fold(0, |bits, (index, _)| bits | 1 << index)
        };
        let types = match target.events.as_str() {
            "" => u64::MAX,
            names => names.split_ascii_whitespace().map(named).fold(0, std::ops::BitOr::bitor),
        };
        (target.disabled != Some(DisabledReason::Owner)).then_some(Self { target, types })
    }

    /// The one rule for what is published, resent and replayed.
    pub fn wants(&self, event_type: EventType, mode: Mode, channel: Option<&str>) -> bool {
        let bit = EventType::ALL.iter().position(|known| *known == event_type);
        let channels = &self.target.channels;
        // A trial goes to the endpoint that is tried, by another way.
        event_type != EventType::EndpointTest
            && mode == self.target.mode
            // What its form has no words for it does not hear of.
            && self.target.format.name_of(event_type).is_some()
            && bit.is_some_and(|bit| self.types & (1 << bit) != 0)
            && (channels.is_empty()
                || channel.is_some_and(|id| channels.split_ascii_whitespace().any(|one| one == id)))
    }
}

/// What publishing asks of an endpoint that was read whole.
pub(crate) fn target(row: &EndpointRow) -> EndpointTarget {
    EndpointTarget {
        id: row.id,
        mode: row.mode,
        events: row.events.clone(),
        channels: row.channels.clone(),
        order: row.order,
        format: row.format,
        disabled: (!row.enabled).then(|| row.disabled.map_or(DisabledReason::Owner, |(reason, _)| reason)),
    }
}

/// The key of events that are about no person: those of one channel share one, those of none share the workspace's.
fn common_key(tx: &WorkspaceTx<'_>, channel: Option<ChannelId>) -> Vec<u8> {
    channel.map_or_else(|| tx.scope().workspace().uuid(), ChannelId::uuid).into_bytes().to_vec()
}

/// The keys under which ordered endpoints keep these events in order.
pub(crate) async fn order_keys(
    tx: &WorkspaceTx<'_>,
    events: &[(Option<&[u8]>, Option<ChannelId>)],
) -> Result<Vec<Vec<u8>>> {
    let named: Vec<&[u8]> = events.iter().filter_map(|(key, _)| *key).collect();
    let mut named = tx.order_keys(&named).await?.into_iter();
    let key = |(key, channel): &(Option<&[u8]>, Option<ChannelId>)| {
        key.and_then(|_| named.next()).unwrap_or_else(|| common_key(tx, *channel))
    };
    Ok(events.iter().map(key).collect())
}

/// The deliveries of events that were just appended, the first of them as number `first` of the log.
pub(crate) async fn deliveries(
    tx: &WorkspaceTx<'_>,
    events: &[NewEvent],
    first: i64,
    now: Timestamp,
) -> Result<Vec<NewDelivery>> {
    let targets = tx.endpoint_targets().await?;
    let wishes: Vec<Wish<'_>> = targets.iter().filter_map(Wish::of).collect();
    if wishes.is_empty() {
        return Ok(Vec::new());
    }
    let by_channel = wishes.iter().any(|wish| !wish.target.channels.is_empty());
    let channels: Vec<Option<String>> =
        events.iter().map(|event| event.channel.filter(|_| by_channel).map(|id| id.to_string())).collect();
    let ordered = wishes.iter().any(|wish| wish.target.order == DeliveryOrder::Contact);
    let keys = if ordered {
        let named: Vec<_> = events.iter().map(|e| (e.order_key.as_deref(), e.channel)).collect();
        order_keys(tx, &named).await?
    } else {
        Vec::new()
    };
    let mut deliveries = Vec::new();
    for (at, (event, seq)) in events.iter().zip(first..).enumerate() {
        for wish in
            wishes.iter().filter(|wish| wish.wants(event.event_type, event.mode, channels[at].as_deref()))
        {
            let endpoint = wish.target.id;
            // What happens while Gatepost has an endpoint switched off can be replayed.
            let job = wish.target.disabled.is_none().then(|| DeliveryJob {
                order: match wish.target.order {
                    DeliveryOrder::Parallel => None,
                    DeliveryOrder::Contact => keys.get(at).map(|key| (key.clone(), seq)),
                },
                priority: LIVE,
                run_at: now,
            });
            let id = DeliveryId::of(event.id, endpoint);
            deliveries.push(NewDelivery { id, endpoint, event: event.id, job });
        }
    }
    Ok(deliveries)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use gatepost_core::EndpointId;
    use gatepost_core::endpoint::PayloadFormat;
    use uuid::Uuid;

    use super::*;

    fn target(events: &str, channels: &str, disabled: Option<DisabledReason>) -> EndpointTarget {
        EndpointTarget {
            id: EndpointId::from_uuid(Uuid::from_u128(1)),
            mode: Mode::Live,
            events: events.to_owned(),
            channels: channels.to_owned(),
            order: DeliveryOrder::Parallel,
            format: PayloadFormat::Standard,
            disabled,
        }
    }

    #[test]
    fn a_form_hears_of_what_it_has_words_for() {
        let here = EndpointTarget { format: PayloadFormat::LoginWa, ..target("", "", None) };
        let wish = Wish::of(&here).unwrap();
        let heard = EventType::ALL.into_iter().filter(|event| wish.wants(*event, Mode::Live, None));
        let heard: Vec<&str> = heard.map(EventType::as_str).collect();
        let mut known = ["message.received", "message.delivered", "message.failed"].to_vec();
        known.extend(["verification.approved", "verification.expired"]);
        assert_eq!(heard.len(), known.len());
        assert!(known.iter().all(|name| heard.contains(name)), "{heard:?}");
    }

    #[test]
    fn the_filter_that_was_stored_is_the_one_that_holds() {
        for (stored, wanted) in [
            ("", &EventType::ALL[..]),
            ("message.read", &[EventType::MessageRead]),
            (
                "channel.* message.read",
                &[EventType::ChannelUpdated, EventType::ChannelNotification, EventType::MessageRead],
            ),
            ("message.unheard_of nothing.*", &[]),
        ] {
            let target = target(stored, "", None);
            let wish = Wish::of(&target).unwrap();
            for known in EventType::ALL {
                let expected = wanted.contains(&known) && known != EventType::EndpointTest;
                assert_eq!(wish.wants(known, Mode::Live, None), expected, "{stored:?} {known}");
                assert!(!wish.wants(known, Mode::Test, None), "the other mode");
            }
        }
    }

    #[test]
    fn channels_and_switches() {
        let here = target("", "chn_1 chn_2", None);
        let wish = Wish::of(&here).unwrap();
        let wants = |channel| wish.wants(EventType::MessageRead, Mode::Live, channel);
        assert!(wants(Some("chn_2")) && !wants(Some("chn_3")) && !wants(None));
        assert!(Wish::of(&target("", "", Some(DisabledReason::Owner))).is_none());
        assert!(Wish::of(&target("", "", Some(DisabledReason::Gone))).is_some());
    }
}
