//! Everything a person reads of a message, and where its buttons lead.

use serde_json::Value;

use super::{Content, ContentKind};

/// Members whose texts are read by the person.
const READ: [&str; 9] =
    ["body", "text", "caption", "title", "description", "display_text", "filename", "button", "name"];
/// Members that hold where a button leads.
const LEADS: [&str; 2] = ["url", "link_url"];
/// Members that say how something is built, and hold nothing that is read.
const BUILT: [&str; 3] = ["id", "type", "language"];

pub(super) fn of(content: &Content) -> (Vec<String>, Vec<String>) {
    let (mut texts, mut urls) = (Vec::new(), Vec::new());
    // The name of a template or of an action is for programs.
    let named = !matches!(content.kind(), ContentKind::Template | ContentKind::Interactive);
    match content.kind() {
        ContentKind::Audio | ContentKind::Sticker | ContentKind::Reaction => {}
        _ => {
            if let Ok(object) = serde_json::from_str::<Value>(content.object().get()) {
                gather(&object, named, &mut texts, &mut urls);
            }
        }
    }
    (texts, urls)
}

fn gather(value: &Value, named: bool, texts: &mut Vec<String>, urls: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if LEADS.contains(&name.as_str()) => urls.push(text.clone()),
                    Value::String(text) if READ.contains(&name.as_str()) && (named || name != "name") => {
                        texts.push(text.clone());
                    }
                    Value::String(_) => {}
                    _ if BUILT.contains(&name.as_str()) => {}
                    nested => gather(nested, named, texts, urls),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, named, texts, urls)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn pieces(kind: ContentKind, object: &str) -> (Vec<String>, Vec<String>) {
        let (mut texts, urls) = Content::parse(kind, object).unwrap().pieces();
        texts.sort();
        (texts, urls)
    }

    #[test]
    fn what_is_read_and_where_it_leads() {
        let text = pieces(ContentKind::Text, r#"{"body":"hello","preview_url":true}"#);
        assert_eq!(text, (vec!["hello".to_owned()], Vec::new()));
        let button = pieces(
            ContentKind::Interactive,
            r#"{"type":"cta_url","body":{"text":"read"},"action":{"name":"cta_url","parameters":{"display_text":"open","url":"https://example.com/a"}}}"#,
        );
        assert_eq!(button.0, ["open", "read"].map(str::to_owned).to_vec());
        assert_eq!(button.1, ["https://example.com/a".to_owned()]);
        let template = pieces(
            ContentKind::Template,
            r#"{"name":"order","language":{"code":"en"},"components":[{"type":"body","parameters":[{"type":"text","text":"Ada"}]}]}"#,
        );
        assert_eq!(template, (vec!["Ada".to_owned()], Vec::new()));
    }
}
