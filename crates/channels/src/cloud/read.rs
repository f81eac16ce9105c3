//! Telling a person that their message was read, and that an answer is being written (Meta, "Mark messages as read" and
//! "Typing indicators").

use serde::Serialize;

use super::call::{CallError, Done};
use super::{CloudChannel, CloudClient};

#[derive(Serialize)]
struct Read<'a> {
    messaging_product: &'static str,
    status: &'static str,
    message_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    typing_indicator: Option<Typing>,
}

#[derive(Serialize)]
struct Typing {
    r#type: &'static str,
}

impl CloudClient {
    /// Marks a person's message as read, with those before it; `typing` shows them that an answer is being written,
    /// for 25 seconds or until it comes. Doing it twice is the same as once.
    pub async fn mark_read(
        &self,
        channel: &CloudChannel,
        wamid: &str,
        typing: bool,
    ) -> Result<(), CallError> {
        let read = Read {
            messaging_product: "whatsapp",
            status: "read",
            message_id: wamid,
            typing_indicator: typing.then_some(Typing { r#type: "text" }),
        };
        self.post(channel, &channel.phone_number_id, "/messages", &read).await.and_then(Done::ok)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn metas_shape() {
        let of = |typing: bool| {
            let typing_indicator = typing.then_some(Typing { r#type: "text" });
            let read = Read {
                messaging_product: "whatsapp",
                status: "read",
                message_id: "wamid.A",
                typing_indicator,
            };
            serde_json::to_string(&read).unwrap()
        };
        assert_eq!(of(false), r#"{"messaging_product":"whatsapp","status":"read","message_id":"wamid.A"}"#);
        assert!(of(true).ends_with(r#","typing_indicator":{"type":"text"}}"#));
    }
}
