//! The files of ours (`med_…`) that content names where Meta takes an id of uploaded media.
//!
//! Meta knows no ids of ours, so before a message is stored each is replaced by Meta's own. An id that has not our form
//! is left as it is: it is Meta's.

use std::collections::HashMap;

use serde_json::Value;

use super::{Content, ContentKind};
use crate::MediaId;
use crate::media::MediaKind;

/// A file that content names by our id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// Where the id stands in the message, as a JSON pointer: `/image/id`.
    pub pointer: String,
    /// What it is to be shown as.
    pub kind: MediaKind,
    /// `None` where it begins like an id of ours and is none.
    pub id: Option<MediaId>,
}

/// One step down.
enum Step {
    Member(&'static str),
    EachElement,
}

use Step::{EachElement, Member};

/// The places whose members `image`, `video`, `document`, … hold media, from the object of the kind down.
const IN_TEMPLATES: [&[Step]; 2] = [
    &[Member("components"), EachElement, Member("parameters"), EachElement],
    &[
        Member("components"),
        EachElement,
        Member("cards"),
        EachElement,
        Member("components"),
        EachElement,
        Member("parameters"),
        EachElement,
    ],
];
const IN_INTERACTIVE: [&[Step]; 2] =
    [&[Member("header")], &[Member("action"), Member("cards"), EachElement, Member("header")]];

impl Content {
    /// Every file of ours in it.
    pub fn attached(&self) -> Vec<Attached> {
        let mut found = Vec::new();
        if let Some(mut object) = self.with_files() {
            visit(self.kind, &mut object, &mut |attached, _| found.push(attached));
        }
        found
    }

    /// The same content with Meta's ids in the places of ours. What has none in `ids` stays.
    pub fn attaching(&self, ids: &HashMap<MediaId, String>) -> Result<Self, serde_json::Error> {
        let Some(mut object) = self.with_files() else { return Ok(self.clone()) };
        visit(self.kind, &mut object, &mut |attached, place| {
            if let Some(id) = attached.id.and_then(|id| ids.get(&id)) {
                *place = Value::String(id.clone());
            }
        });
        Ok(Self { kind: self.kind, object: serde_json::value::to_raw_value(&object)? })
    }

    /// The object, where it can hold a file of ours at all; most messages are not looked at twice.
    fn with_files(&self) -> Option<Value> {
        let text = self.object.get();
        let may = text.contains(MediaId::PREFIX) || text.contains('\\');
        let holds = matches!(self.kind, ContentKind::Template | ContentKind::Interactive)
            || MediaKind::parse(self.kind.as_str()).is_some();
        if may && holds { serde_json::from_str(text).ok() } else { None }
    }
}

type Found<'f> = dyn FnMut(Attached, &mut Value) + 'f;

fn visit(kind: ContentKind, object: &mut Value, found: &mut Found<'_>) {
    let pointer = format!("/{kind}");
    match (kind, MediaKind::parse(kind.as_str())) {
        (_, Some(media)) => look(object, &pointer, media, found),
        (ContentKind::Template, _) => {
            for steps in IN_TEMPLATES {
                descend(object, steps, &pointer, found);
            }
        }
        (ContentKind::Interactive, _) => {
            for steps in IN_INTERACTIVE {
                descend(object, steps, &pointer, found);
            }
        }
        _ => {}
    }
}

fn descend(value: &mut Value, steps: &[Step], pointer: &str, found: &mut Found<'_>) {
    match steps.split_first() {
        None => {
            for media in MediaKind::ALL {
                if let Some(node) = value.get_mut(media.as_str()) {
                    look(node, &format!("{pointer}/{media}"), media, found);
                }
            }
        }
        Some((Member(name), rest)) => {
            if let Some(inner) = value.get_mut(name) {
                descend(inner, rest, &format!("{pointer}/{name}"), found);
            }
        }
        Some((EachElement, rest)) => {
            for (index, inner) in value.as_array_mut().into_iter().flatten().enumerate() {
                descend(inner, rest, &format!("{pointer}/{index}"), found);
            }
        }
    }
}

/// Looks at one media object.
fn look(node: &mut Value, pointer: &str, kind: MediaKind, found: &mut Found<'_>) {
    let Some(place) = node.get_mut("id") else { return };
    let Some(text) = place.as_str() else { return };
    let ours = text.strip_prefix(MediaId::PREFIX).is_some_and(|rest| rest.starts_with('_'));
    if ours {
        let attached = Attached { pointer: format!("{pointer}/id"), kind, id: text.parse().ok() };
        found(attached, place);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::json;
    use uuid::Uuid;

    fn content(kind: ContentKind, object: &Value) -> Content {
        Content::stored(kind, serde_json::value::to_raw_value(object).unwrap())
    }

    #[test]
    fn ids_are_found_where_meta_takes_them_and_nowhere_else() {
        let id = MediaId::from_uuid(Uuid::from_u128(7));
        let header = json!({"type": "header", "parameters": [{"type": "image", "image": {"id": id}}]});
        let cards = json!([{"components": [{"type": "header", "parameters": [{"type": "video", "video": {"id": id}}]}]}]);
        let cases = [
            (ContentKind::Sticker, json!({"id": id}), vec!["/sticker/id"]),
            (ContentKind::Image, json!({"link": "https://a.example/med_x", "caption": "med_"}), vec![]),
            (ContentKind::Text, json!({"body": id, "id": id}), vec![]),
            (
                ContentKind::Template,
                json!({"name": "a", "components": [
                    {"type": "body", "parameters": [{"type": "text", "text": id}]},
                    header,
                    {"type": "carousel", "cards": cards},
                ]}),
                vec![
                    "/template/components/1/parameters/0/image/id",
                    "/template/components/2/cards/0/components/0/parameters/0/video/id",
                ],
            ),
            (
                ContentKind::Interactive,
                json!({"header": {"type": "document", "document": {"id": id}}, "action": {
                    "parameters": {"image": {"id": id}},
                    "cards": [{"header": {"type": "image", "image": {"id": id}}}],
                }}),
                vec!["/interactive/header/document/id", "/interactive/action/cards/0/header/image/id"],
            ),
        ];
        for (kind, object, expected) in cases {
            let content = content(kind, &object);
            let found = content.attached();
            let pointers: Vec<&str> = found.iter().map(|attached| attached.pointer.as_str()).collect();
            assert_eq!(pointers, expected, "{kind}");
            assert!(found.iter().all(|attached| attached.id == Some(id)));
            // The pointers lead to the ids, and these alone change.
            let replaced = content.attaching(&HashMap::from([(id, "77".to_owned())])).unwrap();
            let replaced: Value = serde_json::from_str(replaced.object().get()).unwrap();
            let mut by_hand = object.clone();
            for pointer in pointers {
                *by_hand.pointer_mut(pointer.strip_prefix(&format!("/{kind}")).unwrap()).unwrap() =
                    json!("77");
            }
            assert_eq!(replaced, by_hand, "{kind}");
        }
    }

    #[test]
    fn metas_ids_stay_and_broken_ones_are_told() {
        let meta = content(ContentKind::Image, &json!({"id": "1037543291543636", "caption": "a\"b"}));
        assert_eq!(meta.attached(), []);
        assert_eq!(meta.attaching(&HashMap::new()).unwrap().object().get(), meta.object().get());
        let broken = content(ContentKind::Image, &json!({"id": "med_nonsense"}));
        assert_eq!(broken.attached()[0].id, None);
        // However it is written.
        let escaped = r#"{"id":"\u006ded_nonsense"}"#.to_owned();
        let escaped =
            Content::stored(ContentKind::Image, serde_json::value::RawValue::from_string(escaped).unwrap());
        assert_eq!(escaped.attached().len(), 1);
    }
}
