//! Callbacks as Meta posts them: inbound messages, signed with the app secret.

use bytes::Bytes;
use gatepost_app::SystemClock;
use gatepost_core::Clock as _;
use gatepost_vault::AppSecret;
use serde_json::json;

use super::protocol::Source;
use crate::error::Result;

/// People who write to one channel.
const PEOPLE: u64 = 500;

/// A callback ready to be posted.
pub struct Prepared {
    pub path: String,
    pub signature: String,
    pub body: Bytes,
}

/// The callback number `number` of a run: `items` messages from different people to the channel whose turn it is.
pub fn prepare(sources: &[(Source, AppSecret)], number: u64, items: usize, run: u64) -> Result<Prepared> {
    let turn = usize::try_from(number).unwrap_or(0) % sources.len().max(1);
    let Some((source, secret)) = sources.get(turn) else {
        return Err(crate::error::Failure::new("callbacks need a channel"));
    };
    let body = Bytes::from(serde_json::to_vec(&body(source, number, items, run))?);
    Ok(Prepared { path: source.path.clone(), signature: secret.sign(&body), body })
}

fn body(source: &Source, number: u64, items: usize, run: u64) -> serde_json::Value {
    let now = SystemClock.now().seconds().to_string();
    let (mut contacts, mut messages) = (Vec::with_capacity(items), Vec::with_capacity(items));
    for item in 0..items as u64 {
        let person = format!("49151{:07}", (number * items as u64 + item) % PEOPLE);
        contacts.push(json!({"profile": {"name": "Ada Example"}, "wa_id": person}));
        messages.push(json!({
            "from": person,
            "id": format!("wamid.HBgNbench{run:08X}{number:08X}{item:04X}"),
            "timestamp": now,
            "type": "text",
            "text": {"body": "Is my parcel on its way? It should have come on Tuesday."},
        }));
    }
    json!({"object": "whatsapp_business_account", "entry": [{"id": source.waba_id, "changes": [{
        "field": "messages",
        "value": {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "12025550100", "phone_number_id": source.phone_number_id},
            "contacts": contacts,
            "messages": messages,
        },
    }]}]})
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn sources() -> Vec<(Source, AppSecret)> {
        ["1", "2"]
            .map(|id| {
                let source = Source {
                    path: format!("/hooks/meta/{id}"),
                    app_secret: "secret".into(),
                    phone_number_id: id.into(),
                    waba_id: format!("9{id}"),
                };
                (source, AppSecret::new("secret").unwrap())
            })
            .into()
    }

    #[test]
    fn a_callback_is_read_as_so_many_messages() {
        let made = prepare(&sources(), 3, 20, 1).unwrap();
        assert_eq!(made.path, "/hooks/meta/2");
        assert!(gatepost_vault::verify_hub_signature("secret", &made.body, &made.signature));
        let parts = gatepost_channels::graph::split(&made.body).unwrap();
        let items: Vec<_> = parts.iter().flat_map(gatepost_channels::graph::Part::items).collect();
        assert_eq!(items.len(), 20);
        assert!(items.iter().all(|item| item.phone_number_id() == Some("2")));
        let mut identities: Vec<_> = items.iter().map(gatepost_channels::graph::Item::identity).collect();
        identities.dedup();
        assert_eq!(identities.len(), 20, "each is news");
    }

    #[test]
    fn no_two_callbacks_say_the_same() {
        let of = |number, run| prepare(&sources(), number, 1, run).unwrap().body;
        assert_ne!(of(0, 1), of(2, 1));
        assert_ne!(of(0, 1), of(0, 2));
    }
}
