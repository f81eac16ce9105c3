//! Codes that people send to us, read out of what they write.
//!
//! Threat note. Defends against: guessing by message (a sender who sent [`MISSES_MAX`] codes that were nobody's or
//! another's is not listened to for the rest of [`MISSES_FOR`], not even with a right one), a code that is bound to a
//! number and comes from another (it approves nothing, fails nothing, and counts as a miss of the sender's), a code that
//! is used twice (it is gone in the transaction that approves), a code that stays readable in the log of messages and
//! events (its digits are blacked out before it is written down), a person who protests while quoting the code (with any
//! word beside it but courtesy it approves nothing, and is read for an opt-out like every other text). What is decided is decided in the transaction that writes the
//! message, under the verification's lock.
//! Does not defend against: somebody who was shown a code that is not bound to a number and sends it from their own; it
//! proves that number, and no other.

use std::time::Duration;

use gatepost_channels::graph;
use gatepost_core::verification::{
    Flow, Proof, SpokenCode, Verdict, VerificationCode, spoken_code, without_digits,
};
use gatepost_core::{ChannelId, Error, Phone, Result, Secret, Timestamp, VerificationId};
use gatepost_store::{ChannelRow, VerificationRow, WorkspaceScope, WorkspaceTx};
use gatepost_vault::{WorkspaceKeys, constant_time_eq};
use serde_json::Value;

use super::ending::end;
use super::{fraud, seal};
use crate::App;
use crate::messages::{StoredParty, bsuid_index, phone_index};

/// The domain of digests of codes that come from people.
const SPOKEN_DOMAIN: &str = "verification.spoken";
/// Codes that a sender may get wrong,
const MISSES_MAX: i64 = 5;
/// within so long.
const MISSES_FOR: Duration = Duration::from_mins(10);

/// The keyed digest of a code that is sent to a channel.
pub(super) fn spoken_digest(keys: &WorkspaceKeys, channel: ChannelId, code: &VerificationCode) -> [u8; 16] {
    // Wiped, and never moved: it holds the code.
    let mut bytes = Vec::with_capacity(16 + code.digits().len());
    bytes.extend_from_slice(channel.uuid().as_bytes());
    bytes.extend_from_slice(code.digits().as_bytes());
    let bound = Secret::new(bytes);
    keys.blind_index(SPOKEN_DOMAIN, bound.expose())
}

/// A message that brings a code, whose ever it is.
#[derive(Clone)]
pub(crate) struct Spoken {
    channel: ChannelId,
    digest: [u8; 16],
    /// Whose it was when the message was read.
    found: Option<VerificationId>,
    phone: Option<String>,
    /// The blind index of the sender: of the phone, else of the BSUID.
    sender: [u8; 16],
    /// Nothing else is said but courtesy.
    alone: bool,
}

impl Spoken {
    /// Whether it is somebody's: then its digits are blacked out.
    pub const fn is_known(&self) -> bool {
        self.found.is_some()
    }

    /// Whether it is somebody's and nothing else is said: then it is no choice, either.
    pub const fn decides(&self) -> bool {
        self.found.is_some() && self.alone
    }

    /// The message as it is written down: without the code, where that is somebody's.
    pub fn blacken(&self, inbound: &graph::Inbound) -> Result<graph::Inbound> {
        let mut inbound = inbound.clone();
        if self.found.is_none() {
            return Ok(inbound);
        }
        inbound.text = inbound.text.as_deref().map(without_digits);
        let mut raw: Value = serde_json::from_str(inbound.raw.get()).map_err(Error::internal)?;
        blacken(&mut raw, 0);
        inbound.raw = serde_json::value::to_raw_value(&raw).map_err(Error::internal)?;
        Ok(inbound)
    }
}

/// Blacks out every text that says a code.
fn blacken(value: &mut Value, depth: usize) {
    match value {
        Value::String(text) if spoken_code(text).is_some() => *text = without_digits(text),
        Value::Array(items) if depth < 32 => items.iter_mut().for_each(|item| blacken(item, depth + 1)),
        Value::Object(members) if depth < 32 => {
            members.values_mut().for_each(|member| blacken(member, depth + 1));
        }
        _ => {}
    }
}

impl App {
    /// Reads a code out of a message from a person; `None` where it brings none. What is said in a group is not said to the
    /// workspace.
    pub(crate) async fn spoken_read(
        &self,
        scope: WorkspaceScope,
        keys: &WorkspaceKeys,
        channel: &ChannelRow,
        inbound: &graph::Inbound,
    ) -> Result<Option<Spoken>> {
        if inbound.kind != "text" || inbound.group_id.is_some() {
            return Ok(None);
        }
        let spoken = inbound.text.as_deref().and_then(spoken_code);
        let Some(SpokenCode { code, alone }) = spoken else { return Ok(None) };
        let phone = inbound.from.as_deref().and_then(|digits| Phone::parse(digits).ok());
        let phone = phone.map(|phone| phone.as_e164().to_owned());
        let by_phone = phone.as_deref().map(|phone| phone_index(keys, phone));
        let by_bsuid = || inbound.from_user_id.as_deref().map(|bsuid| bsuid_index(keys, bsuid));
        let Some(sender) = by_phone.or_else(by_bsuid) else { return Ok(None) };
        let (id, digest) = (channel.id, spoken_digest(keys, channel.id, &code));
        let found = self.0.store.read(scope, async move |tx| tx.spoken_code_find(id, &digest).await).await?;
        Ok(Some(Spoken { channel: channel.id, digest, found, phone, sender, alone }))
    }

    async fn spoken_hear(
        &self,
        tx: &WorkspaceTx<'_>,
        keys: &WorkspaceKeys,
        spoken: &Spoken,
        now: Timestamp,
    ) -> Result<()> {
        // Who says more than the code may be refusing.
        if spoken.is_known() && !spoken.alone {
            metrics::counter!("gatepost_spoken_codes_total", "result" => "beside_words").increment(1);
            return Ok(());
        }
        let over = now.minus(MISSES_FOR);
        if tx.spoken_misses(&spoken.sender, over).await? >= MISSES_MAX {
            metrics::counter!("gatepost_spoken_codes_total", "result" => "not_heard").increment(1);
            return Ok(());
        }
        let row = match spoken.found {
            Some(id) => tx.verification_hold(id).await?,
            None => None,
        };
        let mut heard = row.filter(|row| {
            row.flow == Flow::Inbound
                && row.channel == spoken.channel
                && row.code_digest.as_deref().is_some_and(|kept| constant_time_eq(kept, &spoken.digest))
        });
        // Whoever has no number cannot have this one; and a bound code from elsewhere is somebody's guess.
        let theirs = |row: &VerificationRow| match (&row.person, &spoken.phone) {
            (Some(person), Some(_)) => constant_time_eq(person, &spoken.sender),
            (_, None) | (None, Some(_)) => true,
        };
        let Some(row) = heard.as_mut().filter(|row| theirs(row)) else {
            metrics::counter!("gatepost_spoken_codes_total", "result" => "missed").increment(1);
            return tx.spoken_miss(&spoken.sender, now, over).await;
        };
        let Some(phone) = &spoken.phone else {
            // The code is right, and the number that it was to prove is not told.
            let Some(standing) = row.standing.fail(now, row.standing.generation) else { return Ok(()) };
            row.standing = standing;
            row.reason = Some("sender_hidden".to_owned());
            metrics::counter!("gatepost_spoken_codes_total", "result" => "hidden").increment(1);
            return end(self, tx, keys, row, now).await;
        };
        let (standing, verdict) = row.standing.check(now, || Proof::Right);
        if matches!(verdict, Verdict::Over(_)) {
            return Ok(());
        }
        row.standing = standing;
        if verdict == Verdict::Approved {
            if row.person.is_none() {
                let party = StoredParty { phone: Some(phone.clone()), bsuid: None, name: None };
                row.person = Some(spoken.sender.to_vec());
                row.party = Some(seal(keys, "party", row.id, &party)?);
                row.country =
                    Phone::parse(phone).ok().as_ref().and_then(fraud::country_of).map(str::to_owned);
                tx.verification_person_set(row).await?;
            }
            self.unit_take(tx, keys, row.mode, row.channel, now).await?;
        }
        let told = if verdict == Verdict::Approved { "approved" } else { "late" };
        metrics::counter!("gatepost_spoken_codes_total", "result" => told).increment(1);
        end(self, tx, keys, row, now).await
    }
}

/// Decides about the codes that messages brought, in the transaction that writes those down.
pub(crate) async fn spoken_written(
    app: &App,
    tx: &WorkspaceTx<'_>,
    keys: &WorkspaceKeys,
    spoken: impl Iterator<Item = &Spoken>,
    now: Timestamp,
) -> Result<()> {
    let mut spoken: Vec<&Spoken> = spoken.collect();
    // One order for all, so that no two transactions wait for each other.
    spoken.sort_by_key(|one| (one.found, one.sender));
    for one in spoken {
        app.spoken_hear(tx, keys, one, now).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn codes_are_blacked_out_wherever_they_stand() {
        let mut raw = json!({
            "from": "12025550101",
            "text": { "body": "Hi, LOGIN 123456 please" },
            "odd": [{ "again": "login123456" }, "LOGIN", 7],
        });
        blacken(&mut raw, 0);
        assert!(!raw.to_string().contains("123456"), "{raw}");
        assert_eq!(raw["from"], "12025550101");
    }
}
