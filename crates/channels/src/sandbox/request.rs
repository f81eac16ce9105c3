//! Reading a send the way Meta does: what is wrong with it decides the code.

use serde_json::{Map, Value};

use super::check::Node;
use super::people::Person;
use super::reply::GraphError;
use super::world::{Number, World};
use super::{content, template_send};

/// Longest `biz_opaque_callback_data`, characters (Meta, "Send messages").
const OPAQUE_MAX: usize = 512;

/// What `POST /{phone_number_id}/messages` is asked for.
pub(super) enum Asked {
    Send(Request),
    /// Blue ticks for a message of a person, and maybe a typing indicator.
    MarkRead,
}

/// A send that Meta would take.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// As it was sent.
    pub input: String,
    pub to: Person,
    /// Whether it was addressed by a BSUID; then the answer names no number.
    pub by_user_id: bool,
    pub opaque: Option<String>,
    pub kind: Kind,
}

/// What kinds differ in once they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A template of this category, in small letters.
    Template(&'static str),
    /// Only its `sent` is told (Meta, "Reaction messages").
    Reaction,
    /// A voice message; whoever plays it is told of.
    Voice,
    Other,
}

impl Asked {
    pub(super) fn read(
        params: &Map<String, Value>,
        world: &World,
        number: &Number,
    ) -> Result<Self, GraphError> {
        if params.get("messaging_product").and_then(Value::as_str) != Some("whatsapp") {
            return Err(GraphError::parameter(
                "The parameter messaging_product is required and must be whatsapp.",
            ));
        }
        if let Some(status) = Node::top(params, "status") {
            mark_read_check(&status, params)?;
            return Ok(Self::MarkRead);
        }
        if params.get("recipient_type").is_some_and(|kind| kind != "individual" && !kind.is_null()) {
            return Err(GraphError::value("recipient_type must be individual."));
        }
        let (input, to, by_user_id) = recipient(params)?;
        let opaque = match params.get("biz_opaque_callback_data") {
            None | Some(Value::Null) => None,
            Some(Value::String(opaque)) if opaque.chars().count() <= OPAQUE_MAX => Some(opaque.clone()),
            Some(_) => {
                return Err(GraphError::parameter(
                    "Param biz_opaque_callback_data must be a string of at most 512 characters.",
                ));
            }
        };
        if let Some(context) = Node::top(params, "context") {
            let id = context.need("message_id")?;
            if !is_wamid(id.str()?) {
                return Err(GraphError::value("context.message_id is not the id of a message."));
            }
        }
        let kind = match params.get("type") {
            None | Some(Value::Null) => "text",
            Some(Value::String(kind)) => kind,
            Some(_) => return Err(GraphError::parameter("Param type must be a string.")),
        };
        let kind = if kind == "template" {
            Kind::Template(template_send::check(world, number, params, by_user_id)?)
        } else {
            content::check(kind, params, world, number)?
        };
        Ok(Self::Send(Request { input, to, by_user_id, opaque, kind }))
    }
}

/// Who it goes to: `to`, a number; or `recipient`, a BSUID. Where both are, `to` wins (Meta, "Business-scoped user
/// ids").
fn recipient(params: &Map<String, Value>) -> Result<(String, Person, bool), GraphError> {
    let (name, input) = match (params.get("to"), params.get("recipient")) {
        (Some(Value::String(to)), _) if !to.is_empty() => ("to", to),
        (Some(to), _) if !to.is_null() && !to.is_string() => {
            return Err(GraphError::parameter("Param to must be a string."));
        }
        (_, Some(Value::String(recipient))) => ("recipient", recipient),
        (_, Some(recipient)) if !recipient.is_null() => {
            return Err(GraphError::parameter("Param recipient must be a string."));
        }
        _ => return Err(GraphError::parameter("The parameter to is required.")),
    };
    if let Some(digits) = digits(input) {
        return Ok((input.clone(), Person::of_digits(digits), false));
    }
    match Person::of_user_id(input) {
        Some(person) if name == "recipient" => Ok((input.clone(), person, true)),
        _ if name == "recipient" => Err(GraphError::value("recipient is not a business-scoped user id.")),
        _ => Err(GraphError::value("to is not a phone number.")),
    }
}

fn mark_read_check(status: &Node<'_, '_>, params: &Map<String, Value>) -> Result<(), GraphError> {
    status.one_of(&["read"])?;
    let message = Node::need_top(params, "message_id")?;
    if !is_wamid(message.str()?) {
        return Err(GraphError::parameter("message_id is not the id of a message."));
    }
    if let Some(typing) = Node::top(params, "typing_indicator") {
        typing.need("type")?.one_of(&["text"])?;
    }
    Ok(())
}

/// Whether a text has the form of Meta's message ids.
pub(super) fn is_wamid(text: &str) -> bool {
    text.strip_prefix("wamid.").is_some_and(|id| !id.is_empty() && id.len() <= 512)
}

/// The digits of a phone number as Meta reads it: `+`, `-`, brackets and blanks do not matter. The country code must
/// be there: without it nobody could tell a number of ten digits from one of another country.
pub(super) fn digits(text: &str) -> Option<String> {
    let mut out = String::with_capacity(16);
    for c in text.chars() {
        match c {
            '0'..='9' => out.push(c),
            '+' | '-' | '(' | ')' | ' ' => {}
            _ => return None,
        }
    }
    (7..=15).contains(&out.len()).then_some(out)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::config::SandboxConfig;
    use super::super::world::tests::world;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_as_people_write_them() {
        for text in ["+1 (202) 555-0101", "12025550101", "1-202-555-0101"] {
            assert_eq!(digits(text).as_deref(), Some("12025550101"), "{text}");
        }
        for text in ["", "+", "123456", "1234567890123456", "1202555o101", "\u{661}2025550101"] {
            assert_eq!(digits(text), None, "{text}");
        }
    }

    fn good() -> Vec<&'static str> {
        vec![
            r#"{"messaging_product":"whatsapp","to":"12025550101","type":"template","template":{"name":"a","language":{"code":"en"},"components":[{"type":"body","parameters":[{"type":"text","text":"x"}]}]},"context":{"message_id":"wamid.A"}}"#,
            r#"{"messaging_product":"whatsapp","recipient":"US.13491208655302741918","type":"interactive","interactive":{"type":"button","body":{"text":"b"},"action":{"buttons":[{"type":"reply","reply":{"id":"1","title":"t"}}]}}}"#,
            r#"{"messaging_product":"whatsapp","to":"12025550101","type":"contacts","contacts":[{"name":{"formatted_name":"A"},"phones":[{"phone":"+1"}]}]}"#,
            r#"{"messaging_product":"whatsapp","status":"read","message_id":"wamid.A","typing_indicator":{"type":"text"}}"#,
        ]
    }

    proptest! {
        /// Any body, and any damage to a good one, is read or refused with one of Meta's codes.
        #[test]
        fn any_body(which in 0usize..4, at in 0usize..220, with in prop::collection::vec(any::<u8>(), 0..24), cut in 0usize..40) {
            let (world, number) = world(SandboxConfig::default());
            let mut body = good()[which].as_bytes().to_vec();
            let params: Map<String, Value> = serde_json::from_slice(&body).unwrap();
            prop_assert!(Asked::read(&params, &world, &number).is_ok());
            let at = at.min(body.len());
            let end = (at + cut).min(body.len());
            body.splice(at..end, with.iter().copied());
            if let Ok(params) = serde_json::from_slice(&body)
                && let Err(error) = Asked::read(&params, &world, &number)
            {
                prop_assert!(error.http.is_client_error() && error.code > 0);
            }
        }
    }
}
