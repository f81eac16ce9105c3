//! What the demo's parcel shop writes, and what its customers answer: every kind of message, every status, every kind
//! of answer.

use gatepost_core::content::ContentKind;
use gatepost_core::content::examples::EXAMPLES;
use serde_json::{Value, json};

/// One message of the shop.
pub struct Scene {
    pub to: String,
    pub purpose: &'static str,
    pub kind: ContentKind,
    /// Meta's object of the kind.
    pub object: Value,
    /// In a few words, for the screen.
    pub words: String,
    pub end: End,
    pub answer: Answer,
}

/// How far a message comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Sent, delivered and read.
    Read,
    /// Sent: Meta tells no more of a reaction.
    Sent,
    /// Meta tells that it cannot arrive.
    Failed,
}

/// What the person does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Nothing,
    /// Answers in the way that this number always does (see [`gatepost_channels::sandbox::people`]).
    InKind,
    /// Says this once it is read, and the shop answers that.
    Says(&'static str, Reply),
}

/// How the shop answers a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// With a text that quotes it.
    Text(&'static str),
    /// With an emoji on it.
    Reaction(&'static str),
}

/// The kinds that [`EXAMPLES`] has an object for, whom it goes to, and whether they answer.
const KINDS: &[(&str, &str, Answer)] = &[
    ("interactive.button", "+12025550151", Answer::InKind),
    ("interactive.list", "+12025550152", Answer::InKind),
    ("interactive.location_request_message", "+12025550154", Answer::InKind),
    ("interactive.product", "+12025550156", Answer::InKind),
    ("interactive.flow", "+12025550157", Answer::InKind),
    ("interactive.request_contact_info", "+12025550158", Answer::InKind),
    ("interactive.cta_url", "+12025550121", Answer::Nothing),
    ("interactive.product_list", "+12025550122", Answer::Nothing),
    ("interactive.catalog_message", "+12025550123", Answer::Nothing),
    ("interactive.address_message", "+12025550124", Answer::Nothing),
    ("interactive.call_permission_request", "+12025550125", Answer::Nothing),
    ("interactive.voice_call", "+12025550126", Answer::Nothing),
    ("interactive.order_details", "+12025550127", Answer::Nothing),
    ("interactive.order_status", "+12025550128", Answer::Nothing),
    ("interactive.carousel", "+12025550129", Answer::Nothing),
    ("location", "+12025550164", Answer::InKind),
    ("contacts", "+12025550165", Answer::InKind),
];

/// Files that Meta fetches by itself: kind, name, whom it goes to, whether they answer.
const FILES: &[(ContentKind, &str, &str, Answer)] = &[
    (ContentKind::Image, "parcel.jpg", "+12025550153", Answer::InKind),
    (ContentKind::Image, "shelf.jpg", "+12025550155", Answer::InKind),
    (ContentKind::Audio, "greeting.ogg", "+12025550168", Answer::Nothing),
    (ContentKind::Audio, "directions.mp3", "+12025550159", Answer::InKind),
    (ContentKind::Video, "tour.mp4", "+12025550161", Answer::InKind),
    (ContentKind::Document, "invoice.pdf", "+12025550160", Answer::InKind),
    (ContentKind::Sticker, "thanks.webp", "+12025550162", Answer::InKind),
];

/// The messages at the beginning, in their order. Some answers bring one more: see [`Reply`] and [`reply_by_id`].
pub fn scenes() -> Vec<Scene> {
    let says = |words, reply| Answer::Says(words, reply);
    let mut scenes = vec![
        template("+12025550111", "order_confirmed", &["Zoë", "4711"], "transactional"),
        text("+12025550112", "Your parcel is here. We are open until seven.", "transactional")
            .answered(says("Can I come at eight?", Reply::Text("Of course, ring the bell."))),
        template("+12025550113", "parcel_on_its_way", &["Mei"], "transactional"),
        text("+12025550114", "About your question: yes, we take returns.", "support")
            .answered(says("Wonderful, thank you! 📦", Reply::Reaction("👍"))),
        code("+12025550116", "204915"),
        text("+12025550117", "We close an hour early today, at six.", "operational"),
        text("+12025550118", "The van is at the back door.", "internal_team")
            .answered(says("On my way", Reply::Text("Thank you!"))),
        text("+12025550163", "Is there anything else we can do for you?", "support").answered(Answer::InKind),
        text("+12025550104", "This one Meta refuses once, and takes later.", "transactional"),
        text("+12025550102", "This number is not on WhatsApp.", "transactional").ending(End::Failed),
    ];
    scenes.extend(FILES.iter().map(|(kind, name, to, answer)| file(*kind, name, to).answered(*answer)));
    scenes.extend(KINDS.iter().filter_map(|(name, to, answer)| Some(example(name, to)?.answered(*answer))));
    scenes
}

/// To somebody who hides the number there is an answer by id; they say thank you.
pub fn reply_by_id(bsuid: &str) -> Scene {
    let words = "We know you by your id alone, and that will do.";
    Scene { to: bsuid.to_owned(), ..text("", words, "support") }.answered(Answer::InKind)
}

/// The shop's answer to a message from a person.
pub fn reply(to: &str, message: &str, reply: Reply) -> Scene {
    match reply {
        Reply::Text(words) => {
            Scene { words: format!("“{words}” (a reply)"), ..text(to, words, "support") }
        }
        Reply::Reaction(emoji) => {
            let object = json!({ "message_id": message, "emoji": emoji });
            let scene = scene(to, ContentKind::Reaction, object, format!("reaction {emoji}"));
            Scene { purpose: "support", ..scene.ending(End::Sent) }
        }
    }
}

fn scene(to: &str, kind: ContentKind, object: Value, words: String) -> Scene {
    Scene {
        to: to.to_owned(),
        purpose: "transactional",
        kind,
        object,
        words,
        end: End::Read,
        answer: Answer::Nothing,
    }
}

fn text(to: &str, words: &str, purpose: &'static str) -> Scene {
    Scene { purpose, ..scene(to, ContentKind::Text, json!({ "body": words }), format!("“{words}”")) }
}

fn template(to: &str, name: &str, values: &[&str], purpose: &'static str) -> Scene {
    let parameters: Vec<Value> = values.iter().map(|v| json!({ "type": "text", "text": v })).collect();
    let object = json!({
        "name": name,
        "language": { "code": "en_US" },
        "components": [{ "type": "body", "parameters": parameters }],
    });
    let words = format!("template {name} ({})", values.join(", "));
    Scene { purpose, ..scene(to, ContentKind::Template, object, words) }
}

/// A code for signing in, by the template of Meta's samples: the button copies it.
fn code(to: &str, code: &str) -> Scene {
    let mut scene = template(to, "sample_verification_code", &[code], "authentication");
    let button = json!({
        "type": "button", "sub_type": "url", "index": "0", "parameters": [{ "type": "text", "text": code }],
    });
    scene.object["components"] = json!([scene.object["components"][0], button]);
    scene
}

fn file(kind: ContentKind, name: &str, to: &str) -> Scene {
    let mut object = json!({ "link": format!("https://files.example.com/{name}") });
    if kind == ContentKind::Document {
        object["filename"] = json!(name);
    }
    // Ogg with Opus is what WhatsApp takes for a voice message.
    if kind == ContentKind::Audio && std::path::Path::new(name).extension().is_some_and(|e| e == "ogg") {
        object["voice"] = json!(true);
    }
    scene(to, kind, object, format!("{kind} {name}"))
}

fn example(name: &str, to: &str) -> Option<Scene> {
    let example = EXAMPLES.iter().find(|example| example.name == name)?;
    let object = serde_json::from_str(example.object).ok()?;
    Some(scene(to, example.kind, object, name.replace('.', " ")))
}

impl Scene {
    fn answered(self, answer: Answer) -> Self {
        Self { answer, ..self }
    }

    fn ending(self, end: End) -> Self {
        Self { end, ..self }
    }

    /// The body of `POST /v1/messages`.
    pub fn body(&self) -> Value {
        json!({ "to": self.to, "purpose": self.purpose, self.kind.as_str(): self.object })
    }
}

/// How many answers are to come: the one who is answered by id answers that too.
pub fn answers() -> usize {
    scenes().iter().filter(|scene| scene.answer != Answer::Nothing).count() + 1
}

/// How many messages the shop sends: it replies to those who say something, and to the one without a number.
pub fn messages() -> usize {
    let scenes = scenes();
    scenes.len() + scenes.iter().filter(|scene| matches!(scene.answer, Answer::Says(..))).count() + 1
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_and_sub_kind_goes_out() {
        let scenes = scenes();
        let name = |kind: ContentKind, object: &Value| match kind {
            ContentKind::Interactive => format!("{kind}.{}", object["type"].as_str().unwrap_or_default()),
            kind => kind.to_string(),
        };
        let mut told: BTreeSet<String> = scenes.iter().map(|s| name(s.kind, &s.object)).collect();
        told.insert(ContentKind::Reaction.to_string());
        let all: BTreeSet<String> = EXAMPLES
            .iter()
            .map(|e| name(e.kind, &serde_json::from_str(e.object).unwrap_or_default()))
            .collect();
        assert_eq!(told, all);
        let people: BTreeSet<&str> = scenes.iter().map(|s| s.to.as_str()).collect();
        assert_eq!(people.len(), scenes.len(), "one message each");
    }
}
