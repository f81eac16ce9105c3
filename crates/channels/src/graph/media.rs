//! The file of an inbound message: `{"type":"image","image":{"id","mime_type","sha256","caption"}}` (Meta, "Webhooks:
//! messages"). Its `url` is not read: it is short-lived, and Meta tells a fresh one to whoever asks by the id.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatepost_core::media::MediaKind;

use super::Inbound;
use super::json::{pick, text};

/// Longest id and MIME type that are believed, bytes.
const WORD_MAX: usize = 256;

/// A file that a person sent. All of it was said by Meta or by a stranger.
#[derive(Clone)]
pub struct InboundMedia {
    /// Meta's id, good for seven days.
    pub id: String,
    /// With parameters: `audio/ogg; codecs=opus`.
    pub mime_type: String,
    pub sha256: Option<[u8; 32]>,
    /// Documents only, as the person's device named it.
    pub filename: Option<String>,
    pub caption: Option<String>,
    /// Audio only: whether it was recorded in the chat.
    pub voice: Option<bool>,
}

impl Inbound {
    /// The file of this message, where it has one that can be fetched.
    pub fn media(&self) -> Option<InboundMedia> {
        let kind = MediaKind::parse(&self.kind)?;
        let [node] = pick(self.raw.get(), &[kind.as_str()])?;
        let [id, mime_type, sha256, filename, caption, voice] =
            pick(node?.get(), &["id", "mime_type", "sha256", "filename", "caption", "voice"])?;
        let word = |raw| text(raw).filter(|word| (1..=WORD_MAX).contains(&word.len()));
        Some(InboundMedia {
            id: id.and_then(word)?,
            mime_type: mime_type.and_then(word).unwrap_or_else(|| "application/octet-stream".to_owned()),
            sha256: sha256.and_then(text).and_then(|digest| read_digest(&digest)),
            filename: filename.and_then(text),
            caption: caption.and_then(text),
            voice: voice.and_then(|raw| raw.get().parse().ok()),
        })
    }
}

/// A SHA-256 as Meta writes it: base64 in callbacks, hex in the answer about a file.
pub(crate) fn read_digest(text: &str) -> Option<[u8; 32]> {
    let bytes = if text.len() == 64 {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        text.as_bytes()
            .chunks_exact(2)
            .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
            .collect::<Option<Vec<u8>>>()?
    } else {
        STANDARD.decode(text).ok()?
    };
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::graph::{Item, split};
    use serde_json::{Value, json};

    fn read(kind: &str, node: Value) -> Option<InboundMedia> {
        let mut message = json!({"from": "12025550101", "id": "wamid.A", "timestamp": "1", "type": kind});
        message[kind] = node;
        let body = json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{
            "field": "messages",
            "value": {"metadata": {"phone_number_id": "2"}, "messages": [message]},
        }]}]});
        let body = body.to_string();
        let parts = split(body.as_bytes()).unwrap();
        let items = parts[0].items();
        let Some(Item::Inbound(inbound)) = items.first() else { unreachable!("an inbound message") };
        inbound.media()
    }

    #[test]
    fn files_of_messages_are_read() {
        let digest = [7; 32];
        let media = read(
            "document",
            json!({"id": "12", "mime_type": "application/pdf", "sha256": STANDARD.encode(digest),
                "filename": "a.pdf", "caption": "c", "url": "https://evil.example/"}),
        );
        let media = media.unwrap();
        assert_eq!((media.id.as_str(), media.mime_type.as_str()), ("12", "application/pdf"));
        assert_eq!((media.sha256, media.voice), (Some(digest), None));
        assert_eq!((media.filename.as_deref(), media.caption.as_deref()), (Some("a.pdf"), Some("c")));
        let voice = read("audio", json!({"id": 12, "voice": true, "sha256": "x"})).unwrap();
        assert_eq!((voice.id.as_str(), voice.voice, voice.sha256), ("12", Some(true), None));
        assert!(read("image", json!({"mime_type": "image/png"})).is_none(), "without an id");
        assert!(read("image", json!("x")).is_none() && read("image", Value::Null).is_none());
        assert!(read("text", json!({"id": "1", "body": "x"})).is_none());
        assert!(read("image", json!({"id": "9".repeat(300)})).is_none());
    }

    #[test]
    fn digests_in_either_spelling() {
        assert_eq!(read_digest(&"0a".repeat(32)), Some([10; 32]));
        assert_eq!(read_digest(&"0A".repeat(32)), Some([10; 32]));
        assert_eq!(read_digest(&STANDARD.encode([10; 32])), Some([10; 32]));
        for bad in ["", "0a", &"0g".repeat(32), &STANDARD.encode([10; 31])] {
            assert_eq!(read_digest(bad), None, "{bad}");
        }
    }
}
