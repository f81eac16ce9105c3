//! Beginning a verification whose code the person sends to us.
//!
//! Threat note. Here whoever begins one is shown the code, since their visitor has to send it; it is a keyed digest where
//! it lies, and the answer that is kept for repetitions does not hold it. Whoever shows it to a stranger lets that stranger
//! be verified, of course: it proves the number that it comes from, not who was shown it. So a visitor's own session has to
//! hold the verification's id. A code that is bound to a number is good from that number alone and has six digits; one
//! that is not is good from any, so it has eight.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::Audit;
use gatepost_core::channel::Mode;
use gatepost_core::job::JobKind;
use gatepost_core::verification::{CodeLength, Flow, RESEND_AFTER, SPOKEN_WORD, Standing, VerificationCode};
use gatepost_core::{ChannelId, Code, Error, Phone, Result, Secret, Timestamp, VerificationId};
use gatepost_store::{NewJob, VerificationRow, WorkspaceScope, WorkspaceTx};
use gatepost_vault::WorkspaceKeys;
use serde_json::value::RawValue;

use super::fraud::{self, FraudAsk, client_index};
use super::news::{Step, tell};
use super::spoken::spoken_digest;
use super::view::{VerificationView, view};
use super::{Details, Opened, expire_job_id, seal};
use crate::App;
use crate::accepting::channel_for;
use crate::channels::display_of;
use crate::guard::{Asked, RefusedVerification};
use crate::idempotency::{Idempotent, Outcome, Prepared};
use crate::messages::{StoredParty, choose_channel, phone_index};

/// Digits of a code that is good from one number, and from any.
const BOUND_DIGITS: i64 = 6;
const UNBOUND_DIGITS: i64 = 8;
/// How often another code is drawn where one is taken already. With a thousand pending on one channel all of these are
/// taken once in 10^24 times.
const DRAWS: usize = 8;

/// A verification to begin whose code comes to us.
#[derive(Default)]
pub struct VerificationInvite {
    /// Whose number it is; `None`: whoever sends the code.
    pub to: Option<Phone>,
    /// `None`: the only channel this caller could mean.
    pub channel: Option<ChannelId>,
    pub ttl: Option<Duration>,
    pub locale: Option<String>,
    pub app_name: Option<String>,
    /// What the person is about to do, in the customer's words.
    pub intent: Option<String>,
    pub metadata: Option<Box<RawValue>>,
    /// The address of the person's device.
    pub client_ip: Option<IpAddr>,
}

/// What whoever began it shows the person. No `Debug`: the code is in it.
pub struct VerificationInvited {
    pub view: VerificationView,
    pub code: VerificationCode,
    /// What the person sends: `LOGIN 123456`.
    pub message: Secret<String>,
    /// Opens WhatsApp with the message ready to be sent.
    pub wa_link: Secret<String>,
    /// The channel's number, in E.164.
    pub receiver: Phone,
}

/// What is written down, for each code that may be drawn.
struct Invitation {
    app: App,
    keys: Arc<WorkspaceKeys>,
    prepared: Option<Prepared>,
    mode: Option<Mode>,
    bound: Option<Vec<ChannelId>>,
    row: VerificationRow,
    /// Of the codes that were drawn, in their order.
    digests: Vec<[u8; 16]>,
    ask: FraudAsk,
}

/// What became of it in its transaction.
enum Begun {
    /// The row, and which of the codes it was.
    Fresh(Box<VerificationRow>, usize),
    /// The sealed first answer.
    Replayed(Vec<u8>),
}

impl Invitation {
    async fn write(&self, tx: &WorkspaceTx<'_>, now: Timestamp) -> Result<Begun> {
        if let Some(prepared) = &self.prepared
            && let Some(first) = prepared.record(tx, now).await?
        {
            return Ok(Begun::Replayed(first));
        }
        let channel = channel_for(tx, self.row.channel, self.mode, self.bound.as_deref()).await?;
        self.app.unit_left(tx, &channel, now).await?;
        fraud::admit(&self.app, tx, &self.keys, &self.ask).await?;
        let mut row = self.row.clone();
        let mut taken = None;
        for (at, digest) in self.digests.iter().enumerate() {
            if tx.spoken_code_take(row.channel, digest, row.id).await? {
                taken = Some((at, *digest));
                break;
            }
        }
        let (at, digest) = taken.ok_or_else(|| {
            Error::new(Code::Unavailable, "too many verifications are pending on this channel")
        })?;
        row.code_digest = Some(digest.to_vec());
        tx.verification_insert(&row).await?;
        tx.job_insert(&NewJob {
            id: expire_job_id(row.id),
            kind: JobKind::VerificationExpire,
            lane: self.keys.workspace(),
            order_key: None,
            priority: 0,
            queued_at: now,
            run_at: row.standing.expires_at,
            subject: row.id.uuid(),
        })
        .await?;
        let opened = Opened::of(&self.keys, &row)?;
        tell(tx, &self.keys, self.app.entropy(), &row, &opened, Step::Created, now).await?;
        Ok(Begun::Fresh(Box::new(row), at))
    }
}

/// `https://wa.me/12025550100?text=LOGIN%20123456` (Meta, "Click to chat").
fn wa_link(receiver: &Phone, message: &str) -> Secret<String> {
    let digits = receiver.as_e164().trim_start_matches('+');
    // The message holds letters, digits and one blank.
    let mut link = String::with_capacity(80);
    link.push_str("https://wa.me/");
    link.push_str(digits);
    link.push_str("?text=");
    for part in message.split_inclusive(' ') {
        link.push_str(part.trim_end_matches(' '));
        if part.ends_with(' ') {
            link.push_str("%20");
        }
    }
    Secret::new(link)
}

impl App {
    /// Begins a verification whose code the person sends to the channel. Nothing is sent, and nothing counted against the
    /// plan before it succeeds.
    ///
    /// Verifications are in their own log, which tells as much of them as the audit log would, and owe no audit entry.
    ///
    /// Errors: `channel_number_unknown`, `quota_exceeded`, `subscription_suspended`, and those of the rules against fraud.
    pub async fn verification_invite(
        &self,
        grant: &Grant<permission::VerificationStart>,
        invite: VerificationInvite,
        idempotent: Option<Idempotent<VerificationInvited>>,
    ) -> Result<Outcome<VerificationInvited>> {
        let scope = WorkspaceScope::from(grant);
        let keys = self.0.sealing.keys(scope).await?;
        let (now, mode) = (self.now(), grant.mode());
        let bound = grant.channels().map(<[ChannelId]>::to_vec);
        let defaults = self.verification_defaults(scope).await?;
        let reachable = self.channels_reachable(scope, mode, bound.clone()).await?;
        let channel = choose_channel(reachable, invite.channel)?;
        let receiver = display_of(&keys, &channel)?.and_then(|shown| {
            let digits: String = shown.chars().filter(char::is_ascii_digit).collect();
            Phone::parse(&digits).ok()
        });
        let receiver = receiver.ok_or_else(|| Error::of(Code::ChannelNumberUnknown))?;
        let id = VerificationId::new(now, self.entropy());
        let length = CodeLength::new(if invite.to.is_some() { BOUND_DIGITS } else { UNBOUND_DIGITS });
        let length = length.map_err(Error::internal)?;
        let mut codes: Vec<VerificationCode> =
            (0..DRAWS).map(|_| VerificationCode::draw(length, channel.mode, self.entropy())).collect();
        let digests = codes.iter().map(|code| spoken_digest(&keys, channel.id, code)).collect();
        let ttl = invite.ttl.unwrap_or(defaults.ttl);
        let details = Details {
            app_name: invite.app_name,
            locale: invite.locale,
            intent: invite.intent,
            client_ip: invite.client_ip.map(|address| address.to_string()),
            metadata: invite.metadata,
            ttl: invite.ttl.map(|ttl| ttl.as_secs()),
            ..Details::default()
        };
        let person = invite.to.as_ref().map(|to| phone_index(&keys, to.as_e164()));
        let party = invite.to.as_ref().map(|to| StoredParty {
            phone: Some(to.as_e164().to_owned()),
            bsuid: None,
            name: None,
        });
        let country = invite.to.as_ref().and_then(fraud::country_of);
        let row = VerificationRow {
            id,
            mode: channel.mode,
            channel: channel.id,
            flow: Flow::Inbound,
            standing: Standing::begin(now, ttl, 1, RESEND_AFTER),
            person: person.map(|index| index.to_vec()),
            party: party.map(|party| seal(&keys, "party", id, &party)).transpose()?,
            details: Some(seal(&keys, "details", id, &details)?),
            code_digest: None,
            code_length: length,
            ttl,
            message: None,
            template: None,
            country: country.map(str::to_owned),
            reason: None,
            created_at: now,
            sent_at: None,
            delivered_at: None,
            ended_at: None,
        };
        let ask = FraudAsk {
            mode: channel.mode,
            flow: Flow::Inbound,
            person,
            phone: invite.to,
            country,
            client_ip: details.client_ip.as_deref().and_then(|ip| client_index(&keys, ip)),
            now,
        };
        let asked = Asked::of_invitation(channel.id, channel.mode, person);
        let counted = RefusedVerification { flow: row.flow, country, template: None };
        let invited = |view: VerificationView, code: VerificationCode| {
            let mut message = String::with_capacity(SPOKEN_WORD.len() + 9);
            message.push_str(SPOKEN_WORD);
            message.push(' ');
            message.push_str(code.digits());
            let wa_link = wa_link(&receiver, &message);
            VerificationInvited {
                view,
                code,
                message: Secret::new(message),
                wa_link,
                receiver: receiver.clone(),
            }
        };
        // The kept answer holds no code, so that whichever it turns out to be it is the right one.
        let draft =
            invited(view(&keys, &row, true, now)?, codes.pop().ok_or_else(|| Error::internal("no code"))?);
        let prepared = Prepared::with_answer(&keys, idempotent.as_ref(), &draft)?;
        codes.push(draft.code);
        let invitation = Invitation {
            app: self.clone(),
            keys: Arc::clone(&keys),
            prepared: prepared.clone(),
            mode,
            bound,
            row,
            digests,
            ask,
        };
        let begun = self
            .0
            .store
            .write(scope, async move |tx| {
                let begun = invitation.write(tx, now).await?;
                tx.commit(Audit::None("verifications are in their own log"), begun)
            })
            .await;
        let begun = match begun {
            Ok(begun) => begun,
            Err(error) => {
                let actor = grant.actor().to_string();
                self.verification_refused(scope, &keys, &asked, counted, &error, actor).await;
                return Err(error);
            }
        };
        match (begun, prepared) {
            (Begun::Replayed(first), Some(prepared)) => prepared.open(&keys, &first),
            (Begun::Replayed(_), None) => Err(Error::internal("an answer given again without a key")),
            (Begun::Fresh(row, at), _) => {
                Ok(Outcome::Fresh(invited(view(&keys, &row, true, now)?, codes.swap_remove(at))))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_link_opens_the_chat_with_the_message() {
        let receiver = Phone::parse("+12025550100").unwrap();
        assert_eq!(
            wa_link(&receiver, "LOGIN 123456").expose(),
            "https://wa.me/12025550100?text=LOGIN%20123456"
        );
    }
}
