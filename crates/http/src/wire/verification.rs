//! Verifications.

use std::net::IpAddr;
use std::time::Duration;

use gatepost_app::{VerificationInvite, VerificationInvited, VerificationStart, VerificationView};
use gatepost_core::content::{LanguageCode, TemplateName};
use gatepost_core::verification::{
    CodeLength, CodeText, Flow, TRIES_MAX, VerificationCode, VerificationState,
};
use gatepost_core::{ChannelId, Code, MessageId, Phone, Timestamp, VerificationId, text};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::parse;
use crate::json::{Body, Object, Value};
use crate::reply::{Made, to_json};

/// Seconds that a code may be good for.
const TTL_SECONDS: std::ops::RangeInclusive<u32> = 60..=600;
/// Longest name of an app, in characters.
const APP_NAME_MAX: usize = 60;
/// Longest intent, in characters.
const INTENT_MAX: usize = 200;
/// Largest metadata, in bytes.
const METADATA_MAX: usize = 4_096;

/// A verification to begin, as it was understood.
pub enum VerificationCreate {
    /// The code goes to the person.
    Outbound { to: Phone, start: VerificationStart },
    /// The person sends it.
    Inbound(VerificationInvite),
}

fn flow(value: Value<'_>) -> Option<Flow> {
    value.parse(|written| {
        Flow::ALL.into_iter().find(|flow| flow.as_str() == written).ok_or("expected outbound or inbound")
    })
}

fn metadata(value: Value<'_>) -> Option<Box<RawValue>> {
    value.any_object()?;
    let raw = value.raw()?;
    if raw.get().len() > METADATA_MAX {
        return value.wrong("too_long", format!("expected an object of at most {METADATA_MAX} bytes"));
    }
    Some(raw)
}

impl Body for VerificationCreate {
    type Shape = Shape;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let flow = object.optional("mode", flow);
        let channel = object.optional("channel_id", parse::id);
        let to = object.optional("to", |v| v.parse_or(Code::RecipientInvalid.as_str(), Phone::parse));
        let inbound = flow == Some(Some(Flow::Inbound));
        if !inbound && matches!(to, Some(None)) {
            object.wrong::<()>("to", "missing", "this field is required");
        }
        let code_length = object.optional("code_length", |v| {
            let digits = v.integer(4..=8)?;
            CodeLength::new(i64::from(digits)).ok()
        });
        let ttl = object.optional("ttl", |v| v.integer(TTL_SECONDS));
        let max_tries = object.optional("max_attempts", |v| v.integer(1..=u32::from(TRIES_MAX)));
        let template = object.optional("template", |v| v.parse(|name| TemplateName::parse(name.to_owned())));
        let text = object.optional("text", |v| v.parse(|text| CodeText::parse(text.to_owned())));
        let locale = object.optional("locale", |v| {
            v.parse(|language| LanguageCode::parse(gatepost_core::template::language_of_callback(language)))
        });
        let app_name = object.optional("app_name", |v| v.parse(|name| text::name(name, APP_NAME_MAX)));
        let intent = object.optional("intent", |v| v.parse(|intent| text::name(intent, INTENT_MAX)));
        let metadata = object.optional("metadata", metadata);
        let client_ip = object.optional("client_ip", |v| {
            v.parse(|address| {
                address.parse::<IpAddr>().map_err(|_| "expected an IP address such as 203.0.113.7")
            })
        });
        if matches!((&template, &text), (Some(Some(_)), Some(Some(_)))) {
            let detail = "a code goes in a template or as a text: give one of them";
            object.wrong::<()>("text", "invalid_value", detail);
        }
        if inbound {
            let detail = "nothing is sent where the person sends the code: leave it out";
            for (name, there) in [
                ("code_length", matches!(code_length, Some(Some(_)))),
                ("max_attempts", matches!(max_tries, Some(Some(_)))),
                ("template", matches!(template, Some(Some(_)))),
                ("text", matches!(text, Some(Some(_)))),
            ] {
                if there {
                    object.wrong::<()>(name, "invalid_value", detail);
                }
            }
        }
        let ttl = ttl?.map(|seconds| Duration::from_secs(seconds.into()));
        flow?;
        if inbound {
            return Some(Self::Inbound(VerificationInvite {
                to: to?,
                channel: channel?,
                ttl,
                locale: locale?.map(|locale| locale.as_str().to_owned()),
                app_name: app_name?,
                intent: intent?,
                metadata: metadata?,
                client_ip: client_ip?,
            }));
        }
        Some(Self::Outbound {
            to: to??,
            start: VerificationStart {
                channel: channel?,
                code_length: code_length?,
                ttl,
                max_tries: max_tries?.and_then(|tries| u8::try_from(tries).ok()),
                template: template?,
                text: text?,
                text_otherwise: None,
                locale: locale?,
                app_name: app_name?,
                intent: intent?,
                metadata: metadata?,
                client_ip: client_ip?,
            },
        })
    }
}

/// A verification to begin. Whatever is left out is as the workspace's settings say.
#[derive(ToSchema)]
#[schema(as = VerificationCreate)]
#[expect(dead_code, reason = "the schema of what VerificationCreate reads")]
pub struct Shape {
    /// `outbound`, where the code goes to the person, or `inbound`, where the person sends it: then the answer holds it.
    /// `outbound` where nothing is said.
    #[schema(example = "outbound")]
    mode: Option<String>,
    /// The channel to send through; may be left out where only one can be meant.
    #[schema(example = "chn_01kagq5rh8e5htqh9sk95d3x4w")]
    channel_id: Option<String>,
    /// Whose number is to be verified, in international form. May be left out where the person sends the code: then it is
    /// good from any number, and has eight digits.
    #[schema(example = "+12025550101")]
    to: Option<String>,
    /// Digits of the code, 4 to 8; 6 where nothing is said.
    #[schema(example = 6)]
    code_length: Option<i64>,
    /// Seconds for which the code is good, 60 to 600; as long as the template says, or 300.
    #[schema(example = 300)]
    ttl: Option<i64>,
    /// Codes that may be tried before it is blocked, 1 to 5; 5 where nothing is said.
    #[schema(example = 5)]
    max_attempts: Option<i64>,
    /// The name of an approved template of the category AUTHENTICATION; of its languages the one that fits `locale` best.
    /// Left out: the newest that fits.
    #[schema(example = "sign_in_code")]
    template: Option<String>,
    /// A text instead of a template, with `{code}`, and `{ttl}` (minutes) and `{app}` where you want them. Only for somebody
    /// who wrote to the channel within 24 hours, and on test channels.
    #[schema(example = "{code} is your code for {app}. It is good for {ttl} minutes.")]
    text: Option<String>,
    /// The person's language: `en`, `en_US`, `pt-BR`.
    #[schema(example = "en_US")]
    locale: Option<String>,
    /// What the person knows your app by, for texts.
    #[schema(example = "Example Shop")]
    app_name: Option<String>,
    /// What the person is about to do, for your own eyes: at most 200 characters.
    #[schema(example = "sign_in")]
    intent: Option<String>,
    /// Any object of yours, at most 4,096 bytes; comes back unchanged in answers and events.
    #[schema(value_type = Option<Object>)]
    metadata: Option<serde_json::Value>,
    /// The address of the person's device, so that the rules against fraud can see many numbers from one place.
    #[schema(example = "203.0.113.7")]
    client_ip: Option<String>,
}

/// A code that a person typed. No `Debug`.
pub struct VerificationCheck {
    pub code: VerificationCode,
}

impl Body for VerificationCheck {
    type Shape = CheckShape;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let code = object.required("code", |v| v.parse(VerificationCode::parse));
        Some(Self { code: code? })
    }
}

/// A code to check.
#[derive(ToSchema)]
#[schema(as = VerificationCheck)]
#[expect(dead_code, reason = "the schema of what VerificationCheck reads")]
pub struct CheckShape {
    /// The digits that the person typed; blanks and hyphens between them are passed over.
    #[schema(example = "424242")]
    code: String,
}

/// A verification and where it stands.
#[derive(Serialize, ToSchema)]
pub struct Verification<'a> {
    #[schema(value_type = String, example = "ver_01kagq5rh8e5htqh9sk95d3x4w")]
    id: VerificationId,
    /// `test` or `live`.
    #[schema(value_type = String, example = "test")]
    mode: &'static str,
    /// `outbound` where the code goes to the person, `inbound` where the person sends it.
    #[schema(value_type = String, example = "outbound")]
    flow: &'static str,
    /// `pending`, `approved`, `expired`, `blocked`, `failed` or `cancelled`. Only `pending` is followed by another.
    #[schema(value_type = String, example = "pending")]
    status: VerificationState,
    #[schema(value_type = String, example = "chn_01kagq5rh8e5htqh9sk95d3x4w")]
    channel_id: ChannelId,
    /// Whose number it is. For who may only read it is masked.
    #[schema(example = "+12025550101")]
    phone: Option<&'a str>,
    /// The country of the number, two letters (ISO 3166-1), where it is known.
    #[schema(example = "US")]
    country: Option<&'a str>,
    /// The message that carries the code.
    #[schema(value_type = Option<String>, example = "msg_01kagq5rh8e5htqh9sk95d3x4w")]
    message_id: Option<MessageId>,
    /// The template that the code was sent in; null where it was sent as a text.
    template: Option<&'a str>,
    /// Digits of the code.
    #[schema(example = 6)]
    code_length: usize,
    /// Codes that may still be tried.
    #[schema(example = 5)]
    attempts_left: u8,
    /// How often another code was sent.
    #[schema(example = 0)]
    resends: u32,
    app_name: Option<&'a str>,
    locale: Option<&'a str>,
    intent: Option<&'a str>,
    /// What was given along, while it is kept.
    #[schema(value_type = Option<Object>)]
    metadata: Option<&'a RawValue>,
    /// Why it failed: `number_unreachable` (not on WhatsApp), `message_failed`, `message_blocked`.
    reason: Option<&'a str>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Until when the last code is good.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// When another code can be sent; null once it is over.
    #[schema(value_type = Option<String>, format = DateTime)]
    resend_after: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    sent_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    delivered_at: Option<Timestamp>,
    /// When the right code came.
    #[schema(value_type = Option<String>, format = DateTime)]
    verified_at: Option<Timestamp>,
    /// When it ended, however it did.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    /// Where the person sends the code, and in the first answer alone: the code, for that person's eyes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "123456")]
    code: Option<&'a str>,
    /// The message that the person sends, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "LOGIN 123456")]
    message: Option<&'a str>,
    /// Opens WhatsApp with that message ready to be sent, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://wa.me/12025550100?text=LOGIN%20123456")]
    wa_link: Option<&'a str>,
    /// The number that the person sends it to, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "+12025550100")]
    receiver_phone: Option<&'a str>,
}

impl<'a> From<&'a VerificationView> for Verification<'a> {
    fn from(view: &'a VerificationView) -> Self {
        Self {
            id: view.id,
            mode: view.mode.as_str(),
            flow: view.flow.as_str(),
            status: view.state,
            channel_id: view.channel_id,
            phone: view.phone.as_deref(),
            country: view.country.as_deref(),
            message_id: view.message_id,
            template: view.template.as_deref(),
            code_length: view.code_length,
            attempts_left: view.attempts_left,
            resends: view.resends,
            app_name: view.app_name.as_deref(),
            locale: view.locale.as_deref(),
            intent: view.intent.as_deref(),
            metadata: view.metadata.as_deref(),
            reason: view.reason.as_deref(),
            created_at: view.created_at,
            expires_at: view.expires_at,
            resend_after: view.resend_after,
            sent_at: view.sent_at,
            delivered_at: view.delivered_at,
            verified_at: view.verified_at,
            ended_at: view.ended_at,
            code: None,
            message: None,
            wa_link: None,
            receiver_phone: None,
        }
    }
}

impl Made for VerificationInvited {
    fn location(&self) -> String {
        self.view.location()
    }

    fn body(&self, fresh: bool) -> Vec<u8> {
        let shown = Verification::from(&self.view);
        if !fresh {
            return to_json(&shown);
        }
        to_json(&Verification {
            code: Some(self.code.digits()),
            message: Some(self.message.expose()),
            wa_link: Some(self.wa_link.expose()),
            receiver_phone: Some(self.receiver.as_e164()),
            ..shown
        })
    }
}

impl Made for VerificationView {
    fn location(&self) -> String {
        format!("/v1/verifications/{}", self.id)
    }

    fn body(&self, _fresh: bool) -> Vec<u8> {
        to_json(&Verification::from(self))
    }
}
