//! Sending a message, and following it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::{Audit, AuditEntry};
use gatepost_core::channel::Mode;
use gatepost_core::content::{Content, ContentKind, Reference};
use gatepost_core::event::{MediaNews, MessageError, Party};
use gatepost_core::message::{Direction, MessageState, OnUnknown};
use gatepost_core::{
    ChannelId, Code, Error, FieldError, JobId, MessageId, Phone, Purpose, Recipient, Result, Timestamp,
    WorkspaceId,
};
use gatepost_store::{ChannelRow, MessageRow, WorkspaceScope};
use gatepost_vault::{Aad, WorkspaceKeys};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::App;
use crate::accepting::{Acceptance, channel_for};
use crate::guard::Asked;
use crate::idempotency::{Idempotent, Outcome, Prepared};
use crate::pages::{Page, PageQuery};
use crate::reading::reply_known;
use crate::sealing::failed;

/// A message to send.
pub struct MessageSend {
    /// `None`: the only channel this caller could mean.
    pub channel: Option<ChannelId>,
    pub to: Recipient,
    pub purpose: Purpose,
    pub content: Content,
    pub reply_to: Option<MessageId>,
    pub on_unknown: OnUnknown,
    /// For how long it may wait; `None`: until it can be sent.
    pub ttl: Option<Duration>,
}

/// What became of a send in its transaction.
enum Written {
    Queued,
    Held(Box<MessageView>),
    /// The sealed first answer.
    Replayed(Vec<u8>),
}

/// A message as its workspace sees it.
#[derive(Clone)]
pub struct MessageView {
    pub id: MessageId,
    pub mode: Mode,
    pub channel_id: ChannelId,
    pub direction: Direction,
    pub state: MessageState,
    pub kind: String,
    pub purpose: Option<Purpose>,
    pub contact: Party,
    pub provider_id: Option<String>,
    pub reply_to: Option<MessageId>,
    /// While the content is kept.
    pub text: Option<String>,
    /// Meta's object of this kind, while the content is kept.
    pub content: Option<Box<RawValue>>,
    /// The file that a person sent, while the content is kept.
    pub media: Option<MediaNews>,
    pub error: Option<MessageError>,
    pub created_at: Timestamp,
    pub sending_at: Option<Timestamp>,
    pub sent_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    pub read_at: Option<Timestamp>,
    pub failed_at: Option<Timestamp>,
}

impl MessageView {
    /// Where the message has been, and when; in the order of the states where two share a moment. A state that nothing
    /// was heard of is not in it: Meta may skip one.
    pub fn timeline(&self) -> Vec<(MessageState, Timestamp)> {
        let began = match self.direction {
            Direction::Outbound => MessageState::Queued,
            Direction::Inbound => MessageState::Received,
        };
        let mut steps = vec![(began, self.created_at)];
        let reached = [
            (MessageState::Sending, self.sending_at),
            (MessageState::Sent, self.sent_at),
            (MessageState::Delivered, self.delivered_at),
            (MessageState::Read, self.read_at),
            (MessageState::Failed, self.failed_at),
        ];
        steps.extend(reached.into_iter().filter_map(|(state, at)| Some((state, at?))));
        steps
    }
}

/// The place of a sealed column of a message.
pub(crate) fn place(workspace: WorkspaceId, column: &'static str, message: MessageId) -> Aad {
    Aad { workspace: workspace.uuid(), table: "message", column, row: message.uuid().into_bytes() }
}

/// A party as it lies sealed.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct StoredParty {
    pub phone: Option<String>,
    pub bsuid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
}

impl StoredParty {
    /// Whom an outbound message is for.
    pub fn of(to: &Recipient) -> Self {
        Self {
            phone: to.phone().map(|phone| phone.as_e164().to_owned()),
            bsuid: to.bsuid().map(|bsuid| bsuid.as_str().to_owned()),
            name: None,
        }
    }

    /// Back to whom it is for; it was valid when it was stored.
    pub fn recipient(&self) -> Result<Recipient> {
        let text = self.phone.as_ref().or(self.bsuid.as_ref());
        let text = text.ok_or_else(|| Error::internal("an outbound message without a recipient"))?;
        Recipient::parse(text).map_err(Error::internal)
    }
}

/// The job that carries a message: there is one at most, so it has the message's own number.
pub(crate) const fn send_job_id(message: MessageId) -> JobId {
    JobId::from_uuid(message.uuid())
}

/// The blind index of a person: what orders messages to one, and finds the contact.
pub(crate) fn contact_index(keys: &WorkspaceKeys, to: &Recipient) -> [u8; 16] {
    match to {
        Recipient::Phone(phone) => phone_index(keys, phone.as_e164()),
        Recipient::Bsuid(bsuid) => bsuid_index(keys, bsuid.as_str()),
    }
}

/// The blind index that an event names a person by: of the phone, or of the BSUID where no phone is known.
pub(crate) fn person_index(
    keys: &WorkspaceKeys,
    phone: Option<&str>,
    bsuid: Option<&str>,
) -> Option<Vec<u8>> {
    let index = phone.map(|phone| phone_index(keys, phone));
    index.or_else(|| bsuid.map(|bsuid| bsuid_index(keys, bsuid))).map(|index| index.to_vec())
}

/// The blind index of a phone number, given in E.164: the same for every way in which WhatsApp writes the number.
pub(crate) fn phone_index(keys: &WorkspaceKeys, e164: &str) -> [u8; 16] {
    let digits = Phone::parse(e164)
        .map_or_else(|_| e164.trim_start_matches('+').to_owned(), |phone| phone.canonical_digits());
    keys.blind_index("contact.phone", digits.as_bytes())
}

pub(crate) fn bsuid_index(keys: &WorkspaceKeys, bsuid: &str) -> [u8; 16] {
    keys.blind_index("contact.bsuid", bsuid.as_bytes())
}

/// Content as it lies sealed.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StoredContent {
    /// A message to a person: Meta's object under its kind.
    Outbound { kind: String, object: Box<RawValue> },
    /// A message from a person: its words, and Meta's object.
    Inbound {
        text: Option<String>,
        raw: Box<RawValue>,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        media: Option<MediaNews>,
    },
}

impl StoredContent {
    pub fn of(content: &Content) -> Self {
        Self::Outbound { kind: content.kind().as_str().to_owned(), object: content.object().to_owned() }
    }

    /// Back to what can be sent; it was valid when it was stored.
    pub fn into_content(self) -> Result<Content> {
        match self {
            Self::Outbound { kind, object } => {
                let kind = ContentKind::parse(&kind)
                    .ok_or_else(|| Error::internal(format!("stored content of an unknown kind {kind}")))?;
                Ok(Content::stored(kind, object))
            }
            Self::Inbound { .. } => Err(Error::internal("an inbound message cannot be sent")),
        }
    }

    /// The words, and Meta's object of the message's kind.
    fn shown(self, kind: &str) -> Shown {
        match self {
            Self::Outbound { .. } => match self.into_content() {
                Ok(content) => {
                    Shown { text: content.words(), content: Some(content.object().to_owned()), media: None }
                }
                Err(_) => Shown::default(),
            },
            Self::Inbound { text, raw, media } => Shown { text, content: member(&raw, kind), media },
        }
    }
}

/// What readers see of content.
#[derive(Default)]
struct Shown {
    text: Option<String>,
    content: Option<Box<RawValue>>,
    media: Option<MediaNews>,
}

/// A member of Meta's message: the object of its kind.
fn member(message: &RawValue, name: &str) -> Option<Box<RawValue>> {
    let members: HashMap<String, &RawValue> = serde_json::from_str(message.get()).ok()?;
    members.get(name).map(|object| (*object).to_owned())
}

pub(crate) fn seal_json<T: Serialize>(keys: &WorkspaceKeys, aad: &Aad, value: &T) -> Result<Vec<u8>> {
    let plain = serde_json::to_vec(value).map_err(Error::internal)?;
    Ok(keys.seal(aad, &plain).map_err(failed)?.into_vec())
}

pub(crate) fn open_json<T: for<'de> Deserialize<'de>>(
    keys: &WorkspaceKeys,
    aad: &Aad,
    sealed: &[u8],
) -> Result<T> {
    let plain = keys.open_content(aad, sealed).map_err(failed)?;
    serde_json::from_slice(&plain)
        .map_err(|e| Error::internal(format!("a sealed value has another shape: {e}")))
}

pub(crate) fn seal_party(keys: &WorkspaceKeys, message: MessageId, party: &StoredParty) -> Result<Vec<u8>> {
    seal_json(keys, &place(WorkspaceId::from_uuid(keys.workspace()), "party", message), party)
}

pub(crate) fn seal_content(
    keys: &WorkspaceKeys,
    message: MessageId,
    content: &StoredContent,
) -> Result<Vec<u8>> {
    seal_json(keys, &place(WorkspaceId::from_uuid(keys.workspace()), "content", message), content)
}

pub(crate) fn seal_error(keys: &WorkspaceKeys, message: MessageId, error: &MessageError) -> Result<Vec<u8>> {
    seal_json(keys, &place(WorkspaceId::from_uuid(keys.workspace()), "error", message), error)
}

/// Meta's id of a message: its blind index, and itself sealed (it holds the phone number).
pub(crate) fn seal_provider(
    keys: &WorkspaceKeys,
    message: MessageId,
    wamid: &str,
) -> Result<([u8; 16], Vec<u8>)> {
    let aad = place(WorkspaceId::from_uuid(keys.workspace()), "provider_id", message);
    let sealed = keys.seal(&aad, wamid.as_bytes()).map_err(failed)?.into_vec();
    Ok((provider_index(keys, wamid), sealed))
}

pub(crate) fn provider_index(keys: &WorkspaceKeys, wamid: &str) -> [u8; 16] {
    keys.blind_index("message.provider_id", wamid.as_bytes())
}

/// Meta's id of a message, once there is one.
pub(crate) fn provider_id(keys: &WorkspaceKeys, row: &MessageRow) -> Result<Option<String>> {
    let Some(sealed) = &row.provider_id else { return Ok(None) };
    let aad = place(WorkspaceId::from_uuid(keys.workspace()), "provider_id", row.id);
    let plain = keys.open_content(&aad, sealed).map_err(failed)?;
    String::from_utf8(plain).map(Some).map_err(Error::internal)
}

/// Opens a row for its readers.
pub(crate) fn view(keys: &WorkspaceKeys, row: MessageRow) -> Result<MessageView> {
    let workspace = WorkspaceId::from_uuid(keys.workspace());
    let at = |column| place(workspace, column, row.id);
    let party: StoredParty = open_json(keys, &at("party"), &row.party)?;
    let provider_id = provider_id(keys, &row)?;
    let shown = match &row.content {
        // What carries a code is shown to nobody, also while it waits.
        Some(sealed) if row.verification.is_none() => {
            open_json::<StoredContent>(keys, &at("content"), sealed)?.shown(&row.kind)
        }
        _ => Shown::default(),
    };
    let error = row.error.as_ref().map(|sealed| open_json(keys, &at("error"), sealed)).transpose()?;
    Ok(MessageView {
        id: row.id,
        mode: row.mode,
        channel_id: row.channel,
        direction: row.direction,
        state: row.state,
        kind: row.kind,
        purpose: row.purpose,
        contact: Party { phone: party.phone, bsuid: party.bsuid, name: party.name },
        provider_id,
        reply_to: row.reply_to,
        text: shown.text,
        content: shown.content,
        media: shown.media,
        error,
        created_at: row.created_at,
        sending_at: row.sending_at,
        sent_at: row.sent_at,
        delivered_at: row.delivered_at,
        read_at: row.read_at,
        failed_at: row.failed_at,
    })
}

/// Which channel a send means: the named one, or the only one the caller reaches.
pub(crate) fn choose_channel(channels: Vec<ChannelRow>, named: Option<ChannelId>) -> Result<ChannelRow> {
    let mut channels = channels;
    match named {
        Some(id) => channels
            .into_iter()
            .find(|c| c.id == id)
            .ok_or_else(|| Error::new(Code::NotFound, "there is no channel with this id for this key")),
        None if channels.len() > 1 => Err(Error::of(Code::ChannelRequired)),
        None => channels.pop().ok_or_else(|| {
            Error::new(Code::ChannelRequired, "this key reaches no channel yet: add one first, then name it")
        }),
    }
}

impl App {
    /// Accepts a message: durable when this returns, handed to Meta right after.
    ///
    /// Sends are in the message log, which tells as much of them as the audit log would, and owe no audit entry; so a
    /// log that cannot be written stops the managing of things, not the sending.
    pub async fn message_send(
        &self,
        grant: &Grant<permission::MessageSend>,
        send: MessageSend,
        idempotent: Option<Idempotent<MessageView>>,
    ) -> Result<Outcome<MessageView>> {
        self.message_send_audited(grant, send, idempotent, None).await
    }

    /// The same with an entry, for sends that are more than sends.
    pub(crate) async fn message_send_audited(
        &self,
        grant: &Grant<permission::MessageSend>,
        send: MessageSend,
        idempotent: Option<Idempotent<MessageView>>,
        audit: Option<AuditEntry>,
    ) -> Result<Outcome<MessageView>> {
        let scope = WorkspaceScope::from(grant);
        let inner = &self.0;
        let keys = inner.sealing.keys(scope).await?;
        let now = self.now();
        let id = MessageId::new(now, inner.entropy.as_ref());
        let party = StoredParty::of(&send.to);
        let sealed_party = seal_party(&keys, id, &party)?;
        let order_key = contact_index(&keys, &send.to);
        let kind = send.content.kind().as_str();
        let bound = grant.channels().map(<[ChannelId]>::to_vec);
        let mode = grant.mode();
        let draft = MessageView {
            id,
            mode: mode.unwrap_or(Mode::Live),
            channel_id: send.channel.unwrap_or(ChannelId::from_uuid(Uuid::nil())),
            direction: Direction::Outbound,
            state: MessageState::Queued,
            kind: kind.to_owned(),
            purpose: Some(send.purpose),
            contact: Party { phone: party.phone, bsuid: party.bsuid, name: None },
            provider_id: None,
            reply_to: send.reply_to,
            text: None,
            content: None,
            media: None,
            error: None,
            created_at: now,
            sending_at: None,
            sent_at: None,
            delivered_at: None,
            read_at: None,
            failed_at: None,
        };
        // The answer holds the channel, so an unnamed one is looked up before: it is part of what is recorded.
        let draft = match send.channel {
            Some(_) if mode.is_some() => draft,
            named => {
                let reachable = self.channels_reachable(scope, mode, bound.clone()).await?;
                let chosen = choose_channel(reachable, named)?;
                MessageView { channel_id: chosen.id, mode: chosen.mode, ..draft }
            }
        };
        let channel = draft.channel_id;
        // A reaction on nothing and a file that is not there are refused, but not before an earlier answer under the
        // same key is looked for.
        let resolved = match self.reaction_resolve(scope, &keys, channel, &send.content).await? {
            Ok(None) => self.media_resolve(scope, &keys, channel, &send.content).await?,
            reaction => reaction,
        };
        let (content, unresolved) = match resolved {
            Ok(resolved) => (resolved.unwrap_or(send.content), None),
            Err(refused) => (send.content, Some(refused)),
        };
        let sealed_content = seal_content(&keys, id, &StoredContent::of(&content))?;
        let draft =
            MessageView { text: content.words(), content: Some(content.object().to_owned()), ..draft };
        let prepared = Prepared::with_answer(&keys, idempotent.as_ref(), &draft)?;
        let recording = prepared.clone();
        let shown = self.risk_shown(scope, &keys, &content).await?;
        let asked = Asked::of(&content, send.purpose, channel, draft.mode, order_key, shown).living(&send.to);
        let actor = grant.actor().to_string();
        let acceptance = Acceptance {
            draft: draft.clone(),
            party: sealed_party,
            content: sealed_content,
            kind,
            on_unknown: send.on_unknown,
            expires_at: send.ttl.map(|ttl| now.plus(ttl)),
            asked: asked.clone(),
            verification: None,
            actor: actor.clone(),
        };
        let (app, reply_to, sealing) = (self.clone(), send.reply_to, Arc::clone(&keys));
        let render = idempotent.as_ref().map(|given| given.render);
        let written = inner
            .store
            .write(scope, async move |tx| {
                if let Some(prepared) = &recording
                    && let Some(first) = prepared.record(tx, now).await?
                {
                    return tx.commit(Audit::None("an answer given again"), Written::Replayed(first));
                }
                let row = channel_for(tx, channel, mode, bound.as_deref()).await?;
                if let Some(refused) = &unresolved {
                    return Err(refused.clone());
                }
                reply_known(tx, reply_to, channel).await?;
                let mut written = Written::Queued;
                if let Some(view) = app.message_accept(tx, &sealing, &row, &acceptance).await? {
                    if let (Some(prepared), Some(render)) = (&recording, render) {
                        tx.idempotency_replace(&prepared.id, &prepared.sealed(&sealing, &render(&view))?)
                            .await?;
                    }
                    written = Written::Held(Box::new(view));
                }
                match &audit {
                    None => tx.commit(Audit::None("sends are in the message log"), written),
                    Some(audit) => tx.commit(audit.clone().made("message", id.to_string()), written),
                }
            })
            .await;
        let written = match written {
            Ok(written) => written,
            Err(error) => {
                self.policy_refused(scope, &keys, &asked, &error, actor).await;
                return Err(error);
            }
        };
        let accepted = metrics::counter!("gatepost_messages_accepted_total", "kind" => kind);
        match (written, prepared) {
            (Written::Replayed(first), Some(prepared)) => prepared.open(&keys, &first),
            (Written::Held(view), _) => {
                accepted.increment(1);
                Ok(Outcome::Fresh(*view))
            }
            _ => {
                accepted.increment(1);
                Ok(Outcome::Fresh(draft))
            }
        }
    }

    /// A reaction to one of our messages as Meta must hear it: under Meta's id of that message. `None` where nothing
    /// is to be changed; the inner error is the caller's.
    pub(crate) async fn reaction_resolve(
        &self,
        scope: WorkspaceScope,
        keys: &WorkspaceKeys,
        channel: ChannelId,
        content: &Content,
    ) -> Result<Result<Option<Content>>> {
        let Some(Reference::Ours(id)) = content.reacts_to() else { return Ok(Ok(None)) };
        let refuse = |code, detail| {
            Ok(Err(Error::fields(vec![FieldError::new("/reaction/message_id", code, detail)])))
        };
        let row = self.0.store.read(scope, async move |tx| tx.message_get(id).await).await?;
        let Some(row) = row.filter(|row| row.channel == channel) else {
            return refuse("not_found", "there is no such message on this channel");
        };
        match provider_id(keys, &row)? {
            Some(wamid) => Ok(Ok(Some(content.reacting_to(&wamid).map_err(Error::internal)?))),
            None => refuse("not_sent", "Meta has not taken this message yet, so nobody can react to it"),
        }
    }

    pub async fn message_get(
        &self,
        grant: &Grant<permission::MessageRead>,
        id: MessageId,
    ) -> Result<MessageView> {
        let scope = WorkspaceScope::from(grant);
        let row = self.0.store.read(scope, async move |tx| tx.message_get(id).await).await?;
        let row = row
            .filter(|m| grant.sees(m.mode) && grant.reaches(m.channel))
            .ok_or_else(|| Error::of(Code::NotFound))?;
        view(self.0.sealing.keys(scope).await?.as_ref(), row)
    }

    /// Newest first.
    pub async fn message_list(
        &self,
        grant: &Grant<permission::MessageRead>,
        query: PageQuery,
    ) -> Result<Page<MessageView>> {
        let scope = WorkspaceScope::from(grant);
        let (first, limit) = query.bounds()?;
        let mode = grant.mode();
        let bound = grant.channels().map(<[ChannelId]>::to_vec);
        let rows = self
            .0
            .store
            .read(scope, async move |tx| {
                let seen = |m: &MessageRow| {
                    mode.is_none_or(|own| own == m.mode)
                        && bound.as_ref().is_none_or(|b| b.contains(&m.channel))
                };
                crate::pages::sifted(
                    first,
                    limit,
                    async |before| tx.message_list(before, 200).await,
                    |m| m.id.uuid(),
                    seen,
                )
                .await
            })
            .await?;
        let keys = self.0.sealing.keys(scope).await?;
        query.page(rows, |r| r.id.uuid(), |row| view(&keys, row))
    }
}
