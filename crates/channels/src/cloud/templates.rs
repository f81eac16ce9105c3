//! Message templates at Meta (Meta, "Message templates": `/{waba}/message_templates` and `/{template}`).

use gatepost_core::template::{ParameterFormat, TemplateCategory};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::call::{CallError, Done};
use super::{CloudChannel, CloudClient};

const EDGE: &str = "/message_templates";
const FIELDS: &str =
    "id,name,language,category,status,quality_score,rejected_reason,parameter_format,components";
/// Templates of one page. An answer may have a megabyte, a template some kilobytes.
const PAGE: &str = "100";

/// A template as Meta tells of it. What is missing was not told; nothing is checked but the types.
#[derive(Debug, Clone, Deserialize)]
pub struct MetaTemplate {
    /// Digits; a text in answers, a number in callbacks.
    #[serde(deserialize_with = "id")]
    pub id: String,
    pub name: String,
    /// `en_US`
    pub language: String,
    pub category: Option<String>,
    pub status: Option<String>,
    quality_score: Option<QualityScore>,
    rejected_reason: Option<String>,
    pub parameter_format: Option<String>,
    /// Meta's array, unchanged.
    pub components: Option<Box<RawValue>>,
}

#[derive(Debug, Clone, Deserialize)]
struct QualityScore {
    score: Option<String>,
}

impl MetaTemplate {
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
    pub fn quality(&self) -> Option<&str> {
        self.quality_score.as_ref()?.score.as_deref()
    }

    /// Why it was rejected; Meta writes `NONE` where it was not.
    pub fn rejected_reason(&self) -> Option<&str> {
        self.rejected_reason.as_deref().filter(|reason| !matches!(*reason, "" | "NONE"))
    }
}

/// A page of an account's templates.
#[derive(Debug)]
pub struct TemplatePage {
    pub templates: Vec<MetaTemplate>,
    /// The cursor of the next page; `None` on the last.
    pub after: Option<String>,
}

#[derive(Deserialize)]
struct PageAnswer {
    data: Vec<MetaTemplate>,
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct Paging {
    cursors: Option<Cursors>,
    /// The address of the next page; only its presence means something, Meta sends cursors on the last page too.
    next: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Cursors {
    after: Option<String>,
}

/// A template to submit.
#[derive(Debug, Serialize)]
pub struct NewTemplate<'a> {
    pub name: &'a str,
    pub language: &'a str,
    #[serde(serialize_with = "category")]
    pub category: TemplateCategory,
    #[serde(serialize_with = "format")]
    pub parameter_format: ParameterFormat,
    pub components: &'a RawValue,
}

/// What changes of a template that Meta has.
#[derive(Debug, Serialize)]
pub struct TemplateEdit<'a> {
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "some_category")]
    pub category: Option<TemplateCategory>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub components: Option<&'a RawValue>,
}

/// What Meta says of a template that it took.
#[derive(Debug, Clone, Deserialize)]
pub struct TemplateMade {
    #[serde(deserialize_with = "id")]
    pub id: String,
    pub status: Option<String>,
    /// May be another than was asked for: Meta decides.
    pub category: Option<String>,
}

/// An id that is a text or a number.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Text(String),
        Number(u64),
    }
    Ok(match Id::deserialize(deserializer)? {
        Id::Text(text) => text,
        Id::Number(number) => number.to_string(),
    })
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn category<S: serde::Serializer>(category: &TemplateCategory, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(category.as_str())
}

#[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn some_category<S: serde::Serializer>(
    category: &Option<TemplateCategory>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    category.map(TemplateCategory::as_str).serialize(serializer)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn format<S: serde::Serializer>(format: &ParameterFormat, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(format.as_str())
}

impl CloudClient {
    /// A page of an account's templates, from a cursor on.
    pub async fn template_list(
        &self,
        channel: &CloudChannel,
        waba_id: &str,
        after: Option<&str>,
    ) -> Result<TemplatePage, CallError> {
        let mut query = vec![("fields", FIELDS), ("limit", PAGE)];
        query.extend(after.map(|after| ("after", after)));
        let answer: PageAnswer = self.get(channel, waba_id, EDGE, &query).await?;
        let after =
            answer.paging.and_then(|p| p.next.and(p.cursors)?.after).filter(|after| !after.is_empty());
        Ok(TemplatePage { templates: answer.data, after })
    }

    /// A template by Meta's id.
    pub async fn template_get(&self, channel: &CloudChannel, id: &str) -> Result<MetaTemplate, CallError> {
        self.get(channel, id, "", &[("fields", FIELDS)]).await
    }

    /// Submits a template for review.
    pub async fn template_create(
        &self,
        channel: &CloudChannel,
        waba_id: &str,
        template: &NewTemplate<'_>,
    ) -> Result<TemplateMade, CallError> {
        self.post(channel, waba_id, EDGE, template).await
    }

    /// Changes a template, which is reviewed again.
    pub async fn template_edit(
        &self,
        channel: &CloudChannel,
        id: &str,
        edit: &TemplateEdit<'_>,
    ) -> Result<(), CallError> {
        self.post(channel, id, "", edit).await.and_then(Done::ok)
    }

    /// Deletes one language of a template by its id, or, without an id, every language of the name.
    pub async fn template_delete(
        &self,
        channel: &CloudChannel,
        waba_id: &str,
        name: &str,
        id: Option<&str>,
    ) -> Result<(), CallError> {
        let mut query = vec![("name", name)];
        query.extend(id.map(|id| ("hsm_id", id)));
        self.delete(channel, waba_id, EDGE, &query).await.and_then(Done::ok)
    }
}
