//! Events in the form of LoginWA's webhooks.
//!
//! The body follows from the event's own, which never changes once it was written, and from nothing else: so every
//! attempt, retry and replay carries the same bytes, whenever and by whichever node it is made. LoginWA's own documents
//! name headers and events, and no shapes; the members here are those that its API has for the same things.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::EventType;
use crate::endpoint::PayloadFormat;
use crate::id::VerificationId;

/// What of an event of ours is told on.
#[derive(Deserialize)]
struct Event {
    id: String,
    created_at: String,
    mode: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    verification: Option<Verification>,
    #[serde(default)]
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Verification {
    id: VerificationId,
    #[serde(default)]
    phone: Option<String>,
    #[serde(default)]
    metadata: Option<Box<RawValue>>,
    expires_at: String,
    #[serde(default)]
    verified_at: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    state: String,
    contact: Contact,
    #[serde(default)]
    provider_id: Option<String>,
    occurred_at: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    reply_to: Option<String>,
    #[serde(default)]
    error: Option<MessageError>,
}

#[derive(Deserialize)]
struct Contact {
    #[serde(default)]
    phone: Option<String>,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
struct MessageError {
    code: String,
    detail: String,
}

/// What is sent; the order of the members is that of the text.
#[derive(Serialize)]
struct Body<'a> {
    event: &'static str,
    /// Ours, the same over retries and replays.
    id: &'a str,
    timestamp: &'a str,
    mode: &'a str,
    data: Told<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Told<'a> {
    Otp(Otp<'a>),
    Message(MessageTold<'a>),
    Test {},
}

#[derive(Serialize)]
struct Otp<'a> {
    session_id: uuid::Uuid,
    status: &'static str,
    phone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_at: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expired_at: Option<&'a str>,
    meta: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct MessageTold<'a> {
    message_id: Option<&'a str>,
    wa_message_id: Option<&'a str>,
    status: &'a str,
    phone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
    occurred_at: &'a str,
}

/// The body in LoginWA's form of an event whose own body is `payload`; `None` where the form knows no such event, or the
/// event is not one of ours.
pub fn loginwa_body(event_type: EventType, payload: &[u8]) -> Option<Vec<u8>> {
    let name = PayloadFormat::LoginWa.name_of(event_type)?;
    let event: Event = serde_json::from_slice(payload).ok()?;
    let data = match (event_type, &event.data.verification, &event.data.message) {
        (EventType::EndpointTest, ..) => Told::Test {},
        (_, Some(told), _) => {
            let verified = event_type == EventType::VerificationApproved;
            Told::Otp(Otp {
                session_id: told.id.uuid(),
                status: if verified { "verified" } else { "expired" },
                phone: told.phone.as_deref(),
                verified_at: told.verified_at.as_deref(),
                expired_at: (!verified).then_some(told.expires_at.as_str()),
                meta: told.metadata.as_deref(),
            })
        }
        (_, None, Some(told)) => Told::Message(MessageTold {
            message_id: told.id.as_deref(),
            wa_message_id: told.provider_id.as_deref(),
            status: &told.state,
            phone: told.contact.phone.as_deref(),
            name: told.contact.name.as_deref(),
            kind: told.kind.as_deref(),
            message: told.text.as_deref(),
            reply_to: told.reply_to.as_deref(),
            error: told.error.as_ref().map(|error| error.code.as_str()),
            error_message: told.error.as_ref().map(|error| error.detail.as_str()),
            occurred_at: &told.occurred_at,
        }),
        (_, None, None) => return None,
    };
    let body = Body { event: name, id: &event.id, timestamp: &event.created_at, mode: &event.mode, data };
    serde_json::to_vec(&body).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// These texts are a promise: what is sent again after an upgrade has to be what was sent before it.
    #[test]
    fn bodies_never_change() {
        let bodies: Vec<String> = EventType::ALL
            .into_iter()
            .flat_map(|event| event.examples().into_iter().map(move |(_, example)| (event, example)))
            .filter_map(|(event, example)| loginwa_body(event, example.to_string().as_bytes()))
            .map(|body| String::from_utf8(body).unwrap())
            .collect();
        insta::assert_snapshot!(bodies.join("\n"));
    }

    #[test]
    fn every_named_event_has_a_body_and_no_other_has() {
        for event in EventType::ALL {
            let named = PayloadFormat::LoginWa.name_of(event).is_some();
            for (_, example) in event.examples() {
                assert_eq!(loginwa_body(event, example.to_string().as_bytes()).is_some(), named, "{event}");
            }
        }
        assert_eq!(loginwa_body(EventType::MessageDelivered, b"{}"), None);
        assert_eq!(loginwa_body(EventType::MessageDelivered, b"not json"), None);
    }
}
