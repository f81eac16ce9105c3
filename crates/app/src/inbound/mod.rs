//! The lane of a workspace's callbacks: reads sealed envelopes and writes down what they say, each item once.

mod channels;
mod identity;
mod quoted;
mod received;
mod statuses;

use std::collections::BTreeMap;
use std::sync::Arc;

use gatepost_channels::graph::{self, Item};
use gatepost_core::audit::Audit;
use gatepost_core::channel::Mode;
use gatepost_core::event::{EventData, EventType, Notification};
use gatepost_core::optout::Classifier;
use gatepost_core::{ChannelId, Code, EnvelopeId, Error, MetaAppId, Phone, Result, Timestamp};
use gatepost_store::{
    ChannelRow, Claimed, ItemKey, LaneKey, NewEvent, TemplateAccount, WorkspaceScope, WorkspaceTx,
};
use gatepost_vault::WorkspaceKeys;
use serde_json::value::RawValue;

use self::channels::ChannelWords;
use self::identity::Identity;
use self::quoted::Quoted;
use self::received::Received;
use self::statuses::{StatusNews, state_of};
use crate::App;
use crate::channel_state::channel_state_report;
use crate::choices::Choice;
use crate::events::{Draft, draft, publish};
use crate::lanes::{Taken, Work};
use crate::templates::callbacks::{TemplateReport, template_report, template_report_apply};
use crate::verifications::{Spoken, spoken_written};

/// Envelopes of one workspace processed together.
const AT_ONCE: usize = 64;

/// Items written down in one transaction. A claimed item stays claimed, so a crash between two transactions doubles
/// nothing; and nobody else waits longer than one of them takes.
const TRANSACTION_ITEMS: usize = 1_000;

/// A choice is as much work as so many other items.
const CHOICE_WEIGHT: usize = 25;

pub(crate) struct Inbound {
    app: App,
    key: LaneKey,
}

/// An envelope that was opened.
#[derive(Clone)]
pub(crate) struct Opened {
    job: Claimed,
    /// `None` when it is gone.
    envelope: Option<Arc<Envelope>>,
}

struct Envelope {
    id: EnvelopeId,
    meta_app: MetaAppId,
    body: Vec<u8>,
    received_at: Timestamp,
}

/// One item, prepared before the transaction.
struct Prepared {
    key: ItemKey,
    effect: Effect,
    events: Vec<NewEvent>,
    /// What people chose with it.
    choices: Vec<Choice>,
    /// The code that it brings.
    spoken: Option<Spoken>,
}

/// What an item changes beside the event log.
enum Effect {
    Status(StatusNews),
    Inbound(Box<Received>),
    /// A person told of a new number or id.
    Contact(Box<Received>, Identity),
    /// News of a template, and the channel the event names.
    Template(Box<TemplateReport>, Option<ChannelId>),
    /// Meta told of channels themselves.
    Channels(ChannelWords),
    /// Nothing.
    Notice,
}

/// Where an item came from, and what it may concern.
struct Origin<'a> {
    keys: &'a WorkspaceKeys,
    meta_app: MetaAppId,
    waba_id: Option<&'a str>,
    /// Meta's webhook field.
    field: &'a str,
    received_at: Timestamp,
    /// All channels of the workspace.
    channels: &'a [ChannelRow],
    /// The channel the item is about, where it is about one.
    channel: Option<&'a ChannelRow>,
    /// Messages of ours that items of the same part speak of.
    quoted: &'a Quoted,
    /// What understands the workspace's people.
    classifier: &'a Classifier,
}

impl Work for Inbound {
    type Item = Opened;
    type Done = Opened;

    fn new(app: App, key: LaneKey) -> Self {
        Self { app, key }
    }

    fn capacity(&self) -> usize {
        AT_ONCE
    }

    async fn take(&self, limit: usize) -> Result<Taken<Opened>> {
        let jobs = self.app.claim(self.key, 0..=0, limit).await?;
        let Some(scope) = jobs.first().map(Claimed::scope) else {
            return Ok(Taken { items: Vec::new(), again: None });
        };
        // Without the keys nothing opens, and that is not the rows' fault.
        self.app.0.sealing.keys(scope).await?;
        let ids: Vec<EnvelopeId> = jobs.iter().map(|j| EnvelopeId::from_uuid(j.subject)).collect();
        let rows = self.app.0.store.read(scope, async move |tx| tx.envelopes_get(&ids).await).await?;
        let mut items = Vec::with_capacity(jobs.len());
        for (job, row) in jobs.into_iter().zip(rows) {
            let envelope = match row {
                Some(row) => {
                    let aad = crate::callbacks::place(scope.workspace(), row.id);
                    match self.app.0.sealing.open(scope, &aad, &row.body).await {
                        Ok(body) => Some(Arc::new(Envelope {
                            id: row.id,
                            meta_app: row.meta_app,
                            body,
                            received_at: row.received_at,
                        })),
                        // It holds up no other: it stays where it is, and nobody reads it again.
                        Err(error) if error.code() == Code::Internal => {
                            tracing::error!(%error, envelope = %row.id, "an envelope does not open; it is kept");
                            None
                        }
                        Err(error) => return Err(error),
                    }
                }
                None => None,
            };
            items.push(Opened { job, envelope });
        }
        Ok(Taken { items, again: None })
    }

    async fn perform(&self, item: Opened) -> Opened {
        item
    }

    async fn record(&self, mut done: Vec<Opened>) -> Result<()> {
        let Some(scope) = done.first().map(|d| d.job.scope()) else { return Ok(()) };
        done.sort_by_key(|d| (d.job.queued_at, d.job.id));
        let app = &self.app;
        let keys = app.0.sealing.keys(scope).await?;
        let channels = app.0.store.read(scope, async move |tx| tx.channel_list().await).await?;
        let now = app.now();
        let classifier = app.classifier(scope).await?;
        let (mut prepared, mut weight, mut count) = (Vec::new(), 0, 0);
        for opened in &done {
            let Some(envelope) = &opened.envelope else { continue };
            let Envelope { meta_app, body, received_at, .. } = envelope.as_ref();
            // The body was JSON when it was accepted; if it is not now, it was damaged, and opening it would have failed.
            let parts = graph::split(body).map_err(Error::internal)?;
            for part in &parts {
                let items = part.items();
                let quoted = Quoted::of(&app.0.store, scope, &keys, &items).await?;
                for item in items {
                    let mut origin = Origin {
                        keys: &keys,
                        meta_app: *meta_app,
                        waba_id: part.waba_id.as_deref(),
                        field: &part.field,
                        received_at: *received_at,
                        channels: &channels,
                        channel: None,
                        quoted: &quoted,
                        classifier: &classifier,
                    };
                    origin.channel = origin.channel_of(&item);
                    let item = app.item_prepare(scope, &origin, &item).await?;
                    weight += 1 + item.choices.len() * CHOICE_WEIGHT;
                    prepared.push(item);
                    if weight >= TRANSACTION_ITEMS {
                        weight = 0;
                        let some = std::mem::take(&mut prepared);
                        count += app.items_write(scope, &keys, some, now, None).await?;
                    }
                }
            }
        }
        let jobs: Vec<Claimed> = done.iter().map(|d| d.job.clone()).collect();
        let envelopes: Vec<EnvelopeId> =
            done.iter().filter_map(|d| d.envelope.as_ref().map(|e| e.id)).collect();
        count += app.items_write(scope, &keys, prepared, now, Some((envelopes, jobs))).await?;
        metrics::counter!("gatepost_callback_items_total", "result" => "new").increment(count);
        Ok(())
    }
}

impl<'a> Origin<'a> {
    /// The channels of the signing app, and of the account where one is named.
    fn concerned(&self) -> impl Iterator<Item = &'a ChannelRow> {
        let (app, waba) = (self.meta_app, self.waba_id);
        self.channels.iter().filter(move |c| c.meta_app == app && waba.is_none_or(|waba| c.waba_id == waba))
    }

    /// The channel an item is about: by phone number id, else the only one of the account.
    fn channel_of(&self, item: &Item) -> Option<&'a ChannelRow> {
        match item.phone_number_id() {
            Some(phone) => {
                let of_app = self.channels.iter().filter(|c| c.meta_app == self.meta_app);
                of_app.into_iter().find(|c| c.phone_number_id == phone)
            }
            None if self.waba_id.is_none() => None,
            None => {
                let mut of_waba = self.concerned();
                let first = of_waba.next();
                if of_waba.next().is_some() { None } else { first }
            }
        }
    }

    /// What an item tells of a template of an account that the workspace has a channel of.
    fn template_report(&self, item: &Item) -> Option<TemplateReport> {
        let Item::Other(told) = item else { return None };
        let channel = self.waba_id.and_then(|_| self.concerned().next())?;
        let account = TemplateAccount { mode: channel.mode, waba_id: channel.waba_id.clone() };
        template_report(account, self.field, told.raw.get(), told.at)
    }

    /// Test channels and live ones have different apps, so any of them tells.
    fn mode(&self) -> Mode {
        self.channel.or_else(|| self.concerned().next()).map_or(Mode::Live, |c| c.mode)
    }
}

/// Writes down the items that are new; returns how many.
async fn write(
    app: &App,
    tx: &WorkspaceTx<'_>,
    keys: &WorkspaceKeys,
    prepared: &[Prepared],
    now: Timestamp,
) -> Result<u64> {
    let entropy = &app.0.entropy;
    if prepared.iter().flat_map(|p| &p.choices).any(Choice::suppresses) {
        tx.suppression_gate_exclusive().await?;
    }
    let items: Vec<ItemKey> = prepared.iter().map(|p| p.key).collect();
    let fresh = tx.callback_items_claim(&items, now).await?;
    let fresh: Vec<&Prepared> = prepared.iter().zip(fresh).filter(|(_, new)| *new).map(|(p, _)| p).collect();
    let followings = statuses::write(tx, fresh.iter().filter_map(|p| p.effect.status())).await?;
    received::write(tx, keys, fresh.iter().filter_map(|p| p.effect.received())).await?;
    for change in fresh.iter().filter_map(|p| p.effect.identity()) {
        change.write(tx).await?;
    }
    for (channel, report) in fresh.iter().filter_map(|p| p.effect.status()?.channel.as_ref()) {
        channel_state_report(tx, keys, entropy, now, *channel, report).await?;
    }
    for (report, channel) in fresh.iter().filter_map(|p| p.effect.template()) {
        template_report_apply(tx, keys, entropy, now, channel, report).await?;
    }
    for words in fresh.iter().filter_map(|p| p.effect.channels()) {
        words.write(tx, keys, now, entropy).await?;
    }
    let mut refused: BTreeMap<ChannelId, Vec<i64>> = BTreeMap::new();
    for (channel, code) in fresh.iter().filter_map(|p| p.effect.status()?.failed) {
        refused.entry(channel).or_default().push(code);
    }
    for (channel, codes) in &refused {
        let paused = app.risk_failed(tx, *channel, codes, now).await?;
        tx.audit_more(paused.as_slice()).await?;
    }
    let events: Vec<NewEvent> = fresh.iter().flat_map(|p| &p.events).cloned().collect();
    publish(tx, &events, now).await?;
    for following in &followings {
        following.write(app, tx, keys, now).await?;
    }
    spoken_written(app, tx, keys, fresh.iter().filter_map(|p| p.spoken.as_ref()), now).await?;
    let choices: Vec<&Choice> = fresh.iter().flat_map(|p| &p.choices).collect();
    if !choices.is_empty() {
        app.choices_write(tx, keys, &choices, now).await?;
    }
    Ok(u64::try_from(fresh.len()).unwrap_or(u64::MAX))
}

impl Effect {
    const fn status(&self) -> Option<&StatusNews> {
        match self {
            Self::Status(news) => Some(news),
            _ => None,
        }
    }

    fn received(&self) -> Option<&Received> {
        match self {
            Self::Inbound(received) | Self::Contact(received, _) => Some(received),
            _ => None,
        }
    }

    fn template(&self) -> Option<(&TemplateReport, Option<ChannelId>)> {
        match self {
            Self::Template(report, channel) => Some((report, *channel)),
            _ => None,
        }
    }

    const fn channels(&self) -> Option<&ChannelWords> {
        match self {
            Self::Channels(words) => Some(words),
            _ => None,
        }
    }

    const fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Contact(_, change) => Some(change),
            _ => None,
        }
    }
}

impl App {
    /// Writes items down in one transaction, which with the last of them also removes what they came in. Returns how
    /// many were new.
    async fn items_write(
        &self,
        scope: WorkspaceScope,
        keys: &Arc<WorkspaceKeys>,
        items: Vec<Prepared>,
        now: Timestamp,
        done: Option<(Vec<EnvelopeId>, Vec<Claimed>)>,
    ) -> Result<u64> {
        let (keys, app) = (Arc::clone(keys), self.clone());
        self.0
            .store
            .write(scope, async move |tx| {
                let count = write(&app, tx, &keys, &items, now).await?;
                if let Some((envelopes, jobs)) = &done {
                    tx.envelopes_delete(envelopes).await?;
                    tx.job_complete_many(jobs).await?;
                }
                tx.commit(Audit::None("callbacks are in the event log"), count)
            })
            .await
    }

    /// Makes everything of an item that can be made before the transaction: its key, sealed columns, the events.
    async fn item_prepare(
        &self,
        scope: WorkspaceScope,
        origin: &Origin<'_>,
        item: &Item,
    ) -> Result<Prepared> {
        let mut identity = origin.meta_app.uuid().into_bytes().to_vec();
        identity.extend_from_slice(&item.identity());
        let key = ItemKey::new(item.at(), origin.keys.blind_index("callback.item", &identity));
        let mut events = Vec::with_capacity(1);
        let mut choices = Vec::new();
        let mut spoken = None;
        let effect = match (item, origin.channel) {
            (Item::Status(status), Some(channel)) if state_of(&status.status).is_some() => {
                choices.extend(Choice::of_status(channel, status, status.at.unwrap_or(origin.received_at)));
                Effect::Status(self.status_prepare(origin, channel, status, &mut events)?)
            }
            (Item::Inbound(inbound), Some(channel)) => {
                spoken = self.spoken_read(scope, origin.keys, channel, inbound).await?;
                let known = spoken.as_ref().filter(|spoken| spoken.is_known());
                let without = known.map(|spoken| spoken.blacken(inbound)).transpose()?;
                let shown = without.as_ref().unwrap_or(inbound);
                let received = Box::new(self.received_prepare(origin, channel, shown, &mut events)?);
                // Whoever proves a number, and says no more, chooses nothing.
                let silent = spoken.as_ref().is_some_and(Spoken::decides);
                let chosen = (!silent).then(|| received.choice(origin.classifier, channel, inbound));
                choices.extend(chosen.flatten());
                match self.identity_prepare(scope, origin, channel, shown, &mut events).await? {
                    Some(change) => Effect::Contact(received, change),
                    None => Effect::Inbound(received),
                }
            }
            (item, _) => {
                let raw = match item {
                    Item::Status(s) => &s.raw,
                    Item::Inbound(m) => &m.raw,
                    Item::Other(n) => &n.raw,
                };
                events.push(self.notice(origin, raw)?);
                if let (Item::Other(change), "user_preferences", Some(channel)) =
                    (item, origin.field, origin.channel)
                {
                    choices = Choice::of_preferences(channel, change, origin.received_at);
                }
                match (item, origin.template_report(item)) {
                    (_, Some(report)) => Effect::Template(Box::new(report), origin.channel.map(|c| c.id)),
                    (Item::Other(change), None) => match self.channel_words(origin, change).await? {
                        Some(words) => Effect::Channels(words),
                        None => Effect::Notice,
                    },
                    _ => Effect::Notice,
                }
            }
        };
        Ok(Prepared { key, effect, events, choices, spoken })
    }

    fn notice(&self, origin: &Origin<'_>, raw: &RawValue) -> Result<NewEvent> {
        let data = EventData::Notification(Notification { field: origin.field, value: raw });
        let event = Draft {
            event_type: EventType::ChannelNotification,
            mode: origin.mode(),
            channel: origin.channel.map(|c| c.id),
            order_key: None,
            data,
        };
        draft(origin.keys, self.now(), self.0.entropy.as_ref(), event)
    }
}

fn phone_of(wa_id: Option<&str>) -> Option<Phone> {
    wa_id.and_then(|digits| Phone::parse(digits).ok())
}
