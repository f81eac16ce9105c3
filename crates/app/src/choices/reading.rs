//! Choices read out of what people and Meta say.

use gatepost_channels::graph::{Inbound, Notification, Status};
use gatepost_core::channel::ChannelState;
use gatepost_core::guard::SuppressionSource;
use gatepost_core::optout::{self, Classifier, Label};
use gatepost_core::{Bsuid, MessageId, Phone, Result, Timestamp, WorkspaceId};
use gatepost_store::{ChannelRow, MessageRow};
use gatepost_vault::WorkspaceKeys;
use serde::Deserialize;
use serde_json::Value;

use super::{Choice, Chosen, META_OPTED_OUT};
use crate::messages::{StoredParty, open_json, place};

/// The rule that an event names where a button's payload said it.
const PAYLOAD: &str = "button.payload";
/// The rule that an event names where somebody decided about doubtful words.
const REVIEWED: &str = "review.approved";
/// Most preferences that are read of one callback.
const PREFERENCES_MAX: usize = 1_000;

/// A change of the field `user_preferences` (Meta, "Webhooks: user_preferences").
#[derive(Deserialize)]
struct PreferencesChange {
    value: PreferencesValue,
}

#[derive(Deserialize)]
struct PreferencesValue {
    #[serde(default)]
    user_preferences: Vec<Preference>,
}

#[derive(Deserialize)]
struct Preference {
    wa_id: Option<String>,
    user_id: Option<String>,
    value: Option<String>,
    /// Seconds, as a number or a text.
    timestamp: Option<Value>,
}

impl Chosen {
    const fn of(label: Label) -> Option<Self> {
        match label {
            Label::OptOut => Some(Self::OptOut),
            Label::OptIn => Some(Self::OptIn),
            Label::Review => Some(Self::Doubt),
            Label::Neither => None,
        }
    }
}

impl Choice {
    /// What a message from a person chooses, if anything. What is said in a group is not said to the workspace.
    pub fn of_message(
        classifier: &Classifier,
        channel: &ChannelRow,
        inbound: &Inbound,
        message: MessageId,
        party: &StoredParty,
        at: Timestamp,
    ) -> Option<Self> {
        if inbound.group_id.is_some() || (party.phone.is_none() && party.bsuid.is_none()) {
            return None;
        }
        let by_payload = inbound.payload.as_deref().and_then(optout::payload).and_then(Chosen::of);
        let (chosen, rule) = match by_payload {
            Some(chosen) => (chosen, Some(PAYLOAD)),
            // An emoji under a message is no word.
            None if inbound.kind == "reaction" => return None,
            None => {
                let verdict = classifier.classify(inbound.text.as_deref()?);
                (Chosen::of(verdict.label)?, verdict.rule)
            }
        };
        Some(Self {
            chosen,
            source: SuppressionSource::Person,
            rule,
            mode: channel.mode,
            channel: channel.id,
            message: Some(message),
            party: party.clone(),
            at,
            can_answer: channel.state == ChannelState::Active,
        })
    }

    /// That Meta did not deliver a message because the person does not want it.
    pub fn of_status(channel: &ChannelRow, status: &Status, at: Timestamp) -> Option<Self> {
        let opted_out = status.errors.iter().any(|error| error.code == META_OPTED_OUT);
        if !opted_out {
            return None;
        }
        let party = person(status.recipient.as_deref(), status.recipient_user_id.as_deref())?;
        Some(Self::of_meta(channel, Chosen::OptOut, SuppressionSource::MetaRefusal, party, at))
    }

    /// The same, where Meta says so as its answer to a send.
    pub fn of_refusal(keys: &WorkspaceKeys, row: &MessageRow, at: Timestamp) -> Result<Self> {
        let workspace = WorkspaceId::from_uuid(keys.workspace());
        Ok(Self {
            chosen: Chosen::OptOut,
            source: SuppressionSource::MetaRefusal,
            rule: None,
            mode: row.mode,
            channel: row.channel,
            message: None,
            party: open_json(keys, &place(workspace, "party", row.id), &row.party)?,
            at,
            can_answer: false,
        })
    }

    /// That words which were in doubt were an opt-out, as somebody decided who read them.
    pub fn of_review(keys: &WorkspaceKeys, row: &MessageRow) -> Result<Self> {
        let said = Self::of_refusal(keys, row, row.created_at)?;
        let (source, rule) = (SuppressionSource::Person, Some(REVIEWED));
        Ok(Self { source, rule, message: Some(row.id), ..said })
    }

    /// What people chose in WhatsApp itself.
    pub fn of_preferences(channel: &ChannelRow, change: &Notification, received_at: Timestamp) -> Vec<Self> {
        let Ok(read) = serde_json::from_str::<PreferencesChange>(change.raw.get()) else { return Vec::new() };
        let chosen = read.value.user_preferences.iter().take(PREFERENCES_MAX).filter_map(|preference| {
            let chosen = match preference.value.as_deref()? {
                "stop" => Chosen::OptOut,
                "resume" => Chosen::OptIn,
                _ => return None,
            };
            let party = person(preference.wa_id.as_deref(), preference.user_id.as_deref())?;
            let seconds = match preference.timestamp.as_ref() {
                Some(Value::Number(number)) => number.as_i64(),
                Some(Value::String(text)) => text.parse().ok(),
                _ => None,
            };
            // What lies ahead of our clock would outlast every answer of the person.
            let at = seconds.map_or(received_at, |at| Timestamp::from_seconds(at).min(received_at));
            Some(Self::of_meta(channel, chosen, SuppressionSource::MetaPreference, party, at))
        });
        chosen.collect()
    }

    fn of_meta(
        channel: &ChannelRow,
        chosen: Chosen,
        source: SuppressionSource,
        party: StoredParty,
        at: Timestamp,
    ) -> Self {
        Self {
            chosen,
            source,
            rule: None,
            mode: channel.mode,
            channel: channel.id,
            message: None,
            party,
            at,
            can_answer: false,
        }
    }
}

/// A person by what Meta calls them; `None` where it is no name of anybody.
fn person(wa_id: Option<&str>, user_id: Option<&str>) -> Option<StoredParty> {
    let phone = wa_id.and_then(|digits| Phone::parse(digits).ok()).map(|phone| phone.as_e164().to_owned());
    let bsuid = user_id.and_then(|id| Bsuid::parse(id).ok()).map(|id| id.as_str().to_owned());
    (phone.is_some() || bsuid.is_some()).then_some(StoredParty { phone, bsuid, name: None })
}
