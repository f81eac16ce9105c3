//! What choices change, in the transaction that writes them down.

use gatepost_core::access::Actor;
use gatepost_core::audit::{Action, AuditEntry};
use gatepost_core::channel::Mode;
use gatepost_core::event::{ChoiceNews, ContactNews, EventData, EventType, Party};
use gatepost_core::guard::{PolicyDecision, SuppressionSource};
use gatepost_core::{AuditId, ContactId, Result, ReviewId, SuppressionId, Timestamp};
use gatepost_store::{ReviewKind, ReviewRow, ReviewState, Suppressed, SuppressionRow, WorkspaceTx};
use gatepost_vault::WorkspaceKeys;
use serde_json::json;

use super::withdraw::Waiting;
use super::{Choice, Chosen};
use crate::App;
use crate::events::{Draft, draft, publish};
use crate::guard::{Refused, policy_refusal_add};
use crate::messages::{StoredParty, bsuid_index, person_index, phone_index};
use crate::suppressions::seal_suppressed;

/// Who acts when nobody asked: as audit entries and rows name it.
const GUARD: Actor = Actor::System("guard");
/// Why a person's opt-ins are over.
const OPTED_OUT: &str = "opt_out";
/// The code of the decision about words that may have been an opt-out.
const DOUBTFUL: &str = "opt_out_doubtful";

/// Every blind index that a person is known by, and their contact.
pub(crate) async fn people_of(
    tx: &WorkspaceTx<'_>,
    keys: &WorkspaceKeys,
    party: &StoredParty,
) -> Result<(Vec<[u8; 16]>, Option<ContactId>)> {
    let phone = party.phone.as_deref().map(|phone| phone_index(keys, phone));
    let bsuid = party.bsuid.as_deref().map(|bsuid| bsuid_index(keys, bsuid));
    let contact = tx.contact_find(phone, bsuid).await?.map(|(names, _)| names);
    let also = contact.map(|names| [names.phone_index, names.bsuid_index]).unwrap_or_default();
    let mut people: Vec<[u8; 16]> = [phone, bsuid].into_iter().chain(also).flatten().collect();
    people.sort_unstable();
    people.dedup();
    Ok((people, contact.map(|names| names.id)))
}

/// The suppressions that a person is under, each once.
pub(crate) async fn suppressions_of(
    tx: &WorkspaceTx<'_>,
    mode: Mode,
    people: &[[u8; 16]],
) -> Result<Vec<Suppressed>> {
    let people: Vec<&[u8]> = people.iter().map(<[u8; 16]>::as_slice).collect();
    let mut found: Vec<Suppressed> = tx.suppressed(mode, &people).await?.into_iter().flatten().collect();
    found.sort_by_key(|suppressed| suppressed.id);
    found.dedup();
    Ok(found)
}

/// News of a choice, or of a suppression by hand.
pub(crate) struct Told<'a> {
    pub event_type: EventType,
    pub mode: Mode,
    pub channel: Option<gatepost_core::ChannelId>,
    pub contact: Option<ContactId>,
    pub party: &'a StoredParty,
    pub news: ChoiceNews,
}

impl App {
    /// Writes choices down, the oldest first: suppressions, what follows for the queues, events, answers and audit entries.
    /// Where one of them suppresses, the caller has taken the gate before it touched any row.
    pub(crate) async fn choices_write(
        &self,
        tx: &WorkspaceTx<'_>,
        keys: &WorkspaceKeys,
        choices: &[&Choice],
        now: Timestamp,
    ) -> Result<()> {
        let mut choices = choices.to_vec();
        choices.sort_by_key(|choice| choice.at);
        let mut entries = Vec::new();
        for choice in choices {
            match choice.chosen {
                Chosen::OptOut => entries.extend(self.opt_out(tx, keys, choice, now).await?),
                Chosen::OptIn => entries.extend(self.opt_in(tx, keys, choice, now).await?),
                Chosen::Doubt => self.doubt(tx, keys, choice, now).await?,
            }
        }
        tx.audit_more(&entries).await
    }

    async fn opt_out(
        &self,
        tx: &WorkspaceTx<'_>,
        keys: &WorkspaceKeys,
        choice: &Choice,
        now: Timestamp,
    ) -> Result<Option<AuditEntry>> {
        let mode = choice.mode;
        let (people, contact) = people_of(tx, keys, &choice.party).await?;
        tx.consents_revoke_of(mode, &people, OPTED_OUT, now).await?;
        let found = suppressions_of(tx, mode, &people).await?;
        if let Some(own) = found.iter().find(|known| known.source.is_the_persons()) {
            // Said again: it holds from this moment on, and what was said in words is not undone by a setting.
            let in_words = choice.source == SuppressionSource::Person;
            let again = Suppressed {
                source: if in_words { choice.source } else { own.source },
                said_at: own.said_at.max(Some(choice.at)),
                ..*own
            };
            if again != *own {
                tx.suppression_set(&again, 0).await?;
            }
            tx.suppression_covers(mode, own.id, &people).await?;
            return Ok(None);
        }
        let waiting = self.sends_withdraw(tx, keys, mode, &people, now).await?;
        let id = match found.first() {
            Some(by_hand) => {
                let chosen = Suppressed {
                    source: choice.source,
                    hand: Some(by_hand.hand.unwrap_or(by_hand.source)),
                    said_at: Some(choice.at),
                    ..*by_hand
                };
                tx.suppression_set(&chosen, waiting.in_flight).await?;
                tx.suppression_covers(mode, by_hand.id, &people).await?;
                by_hand.id
            }
            None => {
                let id = SuppressionId::new(now, self.entropy());
                let row = SuppressionRow {
                    id,
                    mode,
                    source: choice.source,
                    hand: None,
                    party: seal_suppressed(keys, id, &choice.party)?,
                    reason: None,
                    actor: GUARD.to_string(),
                    in_flight: waiting.in_flight,
                    said_at: Some(choice.at),
                    created_at: now,
                };
                tx.suppressions_add(&[(row, people)]).await?;
                id
            }
        };
        let told = Told {
            event_type: EventType::ContactOptedOut,
            mode,
            channel: Some(choice.channel),
            contact,
            party: &choice.party,
            news: news(id, choice, waiting),
        };
        self.choice_tell(tx, keys, told, now).await?;
        if let Some(reply) = self.choice_answer(tx, keys, choice, now).await? {
            tx.suppression_reply_set(id, reply).await?;
        }
        metrics::counter!("gatepost_choices_total", "choice" => "opt_out", "source" => choice.source.as_str())
            .increment(1);
        let entry = self.choice_entry(Action::SuppressionAdded, id, choice, now);
        Ok(Some(
            entry
                .made("withdrawn", waiting.withdrawn.to_string())
                .made("in_flight", waiting.in_flight.to_string()),
        ))
    }

    async fn opt_in(
        &self,
        tx: &WorkspaceTx<'_>,
        keys: &WorkspaceKeys,
        choice: &Choice,
        now: Timestamp,
    ) -> Result<Vec<AuditEntry>> {
        let (people, contact) = people_of(tx, keys, &choice.party).await?;
        let in_words = choice.source == SuppressionSource::Person;
        let mut entries = Vec::new();
        let mut lifted = None;
        for known in suppressions_of(tx, choice.mode, &people).await? {
            // A setting in WhatsApp is undone there or in words; words are undone in words.
            let undoes =
                known.source.is_the_persons() && (in_words || known.source != SuppressionSource::Person);
            // Callbacks come in any order: what was said before the opt-out does not undo it.
            if !undoes || known.said_at.is_some_and(|said| choice.at < said) {
                continue;
            }
            let entry = self.choice_entry(Action::SuppressionLifted, known.id, choice, now);
            let entry = entry.was("source", known.source.as_str());
            entries.push(match known.hand {
                // It was suppressed by hand before the person spoke, and still is.
                Some(hand) => {
                    let by_hand = Suppressed { source: hand, hand: None, said_at: None, ..known };
                    tx.suppression_set(&by_hand, 0).await?;
                    entry.made("source", hand.as_str())
                }
                None => {
                    tx.suppression_lift(known.id).await?;
                    lifted = Some(known.id);
                    entry
                }
            });
        }
        let Some(id) = lifted else { return Ok(entries) };
        let told = Told {
            event_type: EventType::ContactOptedIn,
            mode: choice.mode,
            channel: Some(choice.channel),
            contact,
            party: &choice.party,
            news: news(id, choice, Waiting::default()),
        };
        self.choice_tell(tx, keys, told, now).await?;
        self.choice_answer(tx, keys, choice, now).await?;
        metrics::counter!("gatepost_choices_total", "choice" => "opt_in", "source" => choice.source.as_str())
            .increment(1);
        Ok(entries)
    }

    /// Lays words that may have been an opt-out before somebody; once, until that is decided.
    async fn doubt(
        &self,
        tx: &WorkspaceTx<'_>,
        keys: &WorkspaceKeys,
        choice: &Choice,
        now: Timestamp,
    ) -> Result<()> {
        let (people, _) = people_of(tx, keys, &choice.party).await?;
        let (Some(message), Some(person)) = (choice.message, people.first()) else { return Ok(()) };
        let suppressed = suppressions_of(tx, choice.mode, &people).await?;
        if suppressed.iter().any(|known| known.source.is_the_persons())
            || tx.review_is_open_of(person).await?
        {
            return Ok(());
        }
        let id = ReviewId::new(now, self.entropy());
        let found = json!({ "rules": choice.rule.as_slice() });
        tx.review_open(&ReviewRow {
            id,
            kind: ReviewKind::OptOut,
            message,
            channel: choice.channel,
            mode: choice.mode,
            found: found.to_string(),
            state: ReviewState::Open,
            opened_at: now,
            expires_at: None,
            decided_at: None,
            decided_by: None,
            reason: None,
        })
        .await?;
        tx.review_person_set(id, person).await?;
        let held = Refused {
            decision: PolicyDecision::Hold,
            code: DOUBTFUL.to_owned(),
            rules: choice.rule.into_iter().collect(),
            score: None,
            purpose: None,
            mode: choice.mode,
            channel: Some(choice.channel),
            message: Some(message),
            review: Some(id),
            actor: GUARD.to_string(),
            details: Some(found.to_string()),
            person: person_index(keys, choice.party.phone.as_deref(), choice.party.bsuid.as_deref())
                .unwrap_or_default(),
        };
        policy_refusal_add(tx, &[held.prepare(keys, now, self.entropy())?], now).await
    }

    /// Appends the event that tells of it.
    pub(crate) async fn choice_tell(
        &self,
        tx: &WorkspaceTx<'_>,
        keys: &WorkspaceKeys,
        told: Told<'_>,
        now: Timestamp,
    ) -> Result<()> {
        let party = told.party;
        let data = EventData::Contact(ContactNews {
            id: told.contact,
            contact: Party {
                phone: party.phone.clone(),
                bsuid: party.bsuid.clone(),
                name: party.name.clone(),
            },
            previous: None,
            choice: Some(told.news),
        });
        let event = Draft {
            event_type: told.event_type,
            mode: told.mode,
            channel: told.channel,
            order_key: person_index(keys, party.phone.as_deref(), party.bsuid.as_deref()),
            data,
        };
        publish(tx, &[draft(keys, now, self.entropy(), event)?], now).await
    }

    fn choice_entry(
        &self,
        action: Action,
        suppression: SuppressionId,
        choice: &Choice,
        now: Timestamp,
    ) -> AuditEntry {
        let target = ("suppression", suppression.to_string());
        let mut entry = AuditEntry::new(AuditId::new(now, self.entropy()), now, GUARD, action, target);
        entry.mode = Some(choice.mode);
        entry.details.push(("source", choice.source.as_str().to_owned()));
        entry.details.extend(choice.rule.map(|rule| ("rule", rule.to_owned())));
        entry.details.extend(choice.message.map(|id| ("message", id.to_string())));
        entry
    }
}

fn news(id: SuppressionId, choice: &Choice, waiting: Waiting) -> ChoiceNews {
    ChoiceNews {
        suppression_id: id,
        source: choice.source.as_str(),
        rule: choice.rule.map(str::to_owned),
        message_id: choice.message,
        withdrawn: waiting.withdrawn,
        in_flight: waiting.in_flight,
    }
}
