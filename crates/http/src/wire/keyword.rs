//! A workspace's own words for opting out and in.

use gatepost_app::{KEYWORDS_AT_ONCE, KeywordView};
use gatepost_core::optout::Label;
use gatepost_core::{KeywordId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::json::{Body, Object, Value};

fn label(value: Value<'_>) -> Option<Label> {
    value.parse(|written| {
        Label::parse(written)
            .filter(|label| *label != Label::Review)
            .ok_or("expected opt_out, opt_in or neither")
    })
}

/// Keywords to add.
#[derive(ToSchema)]
pub struct KeywordsAdd {
    /// What they mean: `opt_out`, `opt_in`, or `neither` to take a doubt from a word.
    #[schema(value_type = String, example = "opt_out")]
    pub label: Label,
    /// 1 to 1,000 of them, each at most 80 characters. Each counts as a whole message, however it is written.
    #[schema(example = json!(["afmelden graag"]))]
    pub keywords: Vec<String>,
}

impl Body for KeywordsAdd {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let label = object.required("label", label);
        let keywords = object.required("keywords", |v| {
            let list = v.list(KEYWORDS_AT_ONCE, |item| item.text().map(str::to_owned))?;
            if list.is_empty() { v.wrong("too_short", "expected at least one keyword") } else { Some(list) }
        });
        Some(Self { label: label?, keywords: keywords? })
    }
}

/// How many keywords there are now.
#[derive(Serialize, ToSchema)]
pub struct KeywordsAdded {
    /// Of the workspace, of 10,000 that it may have.
    #[schema(example = 1)]
    pub total: i64,
}

/// An own keyword.
#[derive(Serialize, ToSchema)]
pub struct Keyword<'a> {
    #[schema(value_type = String, example = "kwd_01kagq5rh8e5htqh9sk95d3x4w")]
    id: KeywordId,
    /// `opt_out`, `opt_in` or `neither`.
    #[schema(value_type = String, example = "opt_out")]
    label: &'static str,
    #[serde(rename = "keyword")]
    #[schema(rename = "keyword", example = "afmelden graag")]
    words: &'a str,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl<'a> From<&'a KeywordView> for Keyword<'a> {
    fn from(view: &'a KeywordView) -> Self {
        Self { id: view.id, label: view.label.as_str(), words: &view.words, created_at: view.created_at }
    }
}
