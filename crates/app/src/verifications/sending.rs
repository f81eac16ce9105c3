//! A code on its way: drawn, worded, sealed and ready to be accepted as a message.

use std::net::IpAddr;
use std::time::Duration;

use gatepost_core::channel::Mode;
use gatepost_core::content::{Content, LanguageCode, TemplateName};
use gatepost_core::event::Party;
use gatepost_core::message::{Direction, MessageState, OnUnknown};
use gatepost_core::verification::{CodeLength, CodeText, VerificationCode, VerificationDefaults};
use gatepost_core::{
    ChannelId, Entropy, MessageId, Phone, Purpose, Recipient, Result, Timestamp, VerificationId,
};
use gatepost_store::{ChannelRow, TemplateRow};
use gatepost_vault::WorkspaceKeys;
use serde_json::value::RawValue;

use super::code_digest;
use super::wording::{Wish, Wording, word};
use crate::accepting::Acceptance;
use crate::guard::{Asked, Shown};
use crate::messages::{MessageView, StoredContent, StoredParty, contact_index, seal_content, seal_party};

/// A verification to begin.
#[derive(Default)]
pub struct VerificationStart {
    /// `None`: the only channel this caller could mean.
    pub channel: Option<ChannelId>,
    pub code_length: Option<CodeLength>,
    pub ttl: Option<Duration>,
    pub max_tries: Option<u8>,
    pub template: Option<TemplateName>,
    pub text: Option<CodeText>,
    /// What is sent as a text where there is no template, instead of the workspace's own words.
    pub text_otherwise: Option<CodeText>,
    pub locale: Option<LanguageCode>,
    pub app_name: Option<String>,
    /// What the person is about to do, in the customer's words.
    pub intent: Option<String>,
    pub metadata: Option<Box<RawValue>>,
    /// The address of the person's device.
    pub client_ip: Option<IpAddr>,
}

/// What a code is sent with. No `Debug`: the code is in it.
pub(super) struct Sending<'a> {
    pub keys: &'a WorkspaceKeys,
    pub entropy: &'a dyn Entropy,
    pub channel: &'a ChannelRow,
    pub offers: &'a [TemplateRow],
    pub defaults: &'a VerificationDefaults,
    pub wish: &'a Wish,
    pub verification: VerificationId,
    pub generation: u32,
    pub length: CodeLength,
    pub to: &'a Phone,
    pub actor: String,
    pub now: Timestamp,
}

/// A code that is ready to go: nothing of it is readable any more.
#[derive(Clone)]
pub(super) struct Ready {
    pub acceptance: Acceptance,
    pub digest: [u8; 16],
    pub person: [u8; 16],
    pub template: Option<String>,
    pub ttl: Duration,
}

impl Sending<'_> {
    /// Draws a code, words it and seals what carries it. The code itself is gone when this returns.
    ///
    /// # Errors
    /// `verification_template_required`, and fields that do not fit.
    pub fn prepare(self) -> Result<Ready> {
        let Self { keys, channel, now, .. } = self;
        let code = VerificationCode::draw(self.length, channel.mode, self.entropy);
        let Wording { content, template, ttl } = word(keys, self.offers, self.wish, self.defaults, &code)?;
        let digest = code_digest(keys, self.verification, self.generation, &code);
        let to = Recipient::Phone(self.to.clone());
        let id = MessageId::new(now, self.entropy);
        let party = StoredParty::of(&to);
        let person = contact_index(keys, &to);
        // What the words of a code show says nothing of its sender, and keeps nothing of the code.
        let asked = Asked {
            verification: true,
            ..Asked::of(&content, Purpose::Authentication, channel.id, channel.mode, person, Shown::default())
        }
        .living(&to);
        let acceptance = Acceptance {
            draft: draft(id, channel.id, channel.mode, &content, &party, now),
            party: seal_party(keys, id, &party)?,
            content: seal_content(keys, id, &StoredContent::of(&content))?,
            kind: content.kind().as_str(),
            on_unknown: OnUnknown::Fail,
            expires_at: Some(now.plus(ttl)),
            asked,
            verification: Some(self.verification),
            actor: self.actor,
        };
        Ok(Ready { acceptance, digest, person, template, ttl })
    }
}

/// The message that carries a code, without what it says.
fn draft(
    id: MessageId,
    channel_id: ChannelId,
    mode: Mode,
    content: &Content,
    party: &StoredParty,
    now: Timestamp,
) -> MessageView {
    MessageView {
        id,
        mode,
        channel_id,
        direction: Direction::Outbound,
        state: MessageState::Queued,
        kind: content.kind().as_str().to_owned(),
        purpose: Some(Purpose::Authentication),
        contact: Party { phone: party.phone.clone(), bsuid: None, name: None },
        provider_id: None,
        reply_to: None,
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
    }
}
