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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::future::IntoFuture;
    use std::sync::{Arc, Mutex};

    use axum::Json;
    use axum::Router;
    use axum::body::Bytes;
    use axum::extract::State;
    use axum::http::{Method, StatusCode, Uri};
    use axum::response::{IntoResponse, Response};
    use gatepost_core::Secret;
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::http;

    /// What was asked: method, path with query, body.
    type Asked = Arc<Mutex<Vec<(Method, String, Value)>>>;

    /// Meta's edge with three templates on two pages, and one that it knows by id.
    async fn meta(State(asked): State<Asked>, method: Method, uri: Uri, body: Bytes) -> Response {
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let query = uri.query().unwrap_or_default().to_owned();
        asked.lock().unwrap().push((method.clone(), uri.to_string(), body));
        let template = |id: Value, name: &str| {
            json!({
                "id": id, "name": name, "language": "en_US", "category": "UTILITY", "status": "APPROVED",
                "quality_score": { "score": "GREEN", "date": 1_700_000_000 }, "rejected_reason": "NONE",
                "parameter_format": "NAMED", "components": [{ "type": "BODY", "text": "Grüße" }], "new_field": {},
            })
        };
        match (method.as_str(), uri.path()) {
            ("GET", "/v25.0/1001/message_templates") if query.contains("after=QVFI%3D") => Json(json!({
                "data": [{ "id": "9", "name": "bare", "language": "de" }],
                "paging": { "cursors": { "before": "x", "after": "y" } },
            }))
            .into_response(),
            ("GET", "/v25.0/1001/message_templates") => Json(json!({
                "data": [template(json!("7"), "one"), template(json!(8), "two")],
                "paging": { "cursors": { "before": "x", "after": "QVFI=" }, "next": "https://graph.example/next" },
            }))
            .into_response(),
            ("POST", "/v25.0/1001/message_templates") => {
                Json(json!({ "id": 1_689_556_908_129_832_u64, "status": "PENDING", "category": "MARKETING" }))
                    .into_response()
            }
            ("GET", "/v25.0/7") => Json(template(json!("7"), "one")).into_response(),
            ("POST", "/v25.0/7") | ("DELETE", "/v25.0/1001/message_templates") => {
                Json(json!({ "success": true })).into_response()
            }
            _ => (
                StatusCode::BAD_REQUEST,
                Json(json!({ "error": { "message": "Unsupported get request", "type": "GraphMethodException", "code": 100, "error_subcode": 33 } })),
            )
                .into_response(),
        }
    }

    async fn rig() -> (CloudClient, CloudChannel, Asked) {
        let asked = Asked::default();
        let router = Router::new().fallback(meta).with_state(Arc::clone(&asked));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, router).into_future());
        let channel = CloudChannel {
            base_url,
            graph_version: "v25.0".to_owned(),
            phone_number_id: "501".to_owned(),
            waba_id: "1001".to_owned(),
            token: Secret::new("EAAG-test-token-1".to_owned()),
            app: None,
        };
        (CloudClient::new(http()), channel, asked)
    }

    #[tokio::test]
    async fn pages_follow_cursors_to_their_end() {
        let (client, channel, asked) = rig().await;
        let first = client.template_list(&channel, "1001", None).await.unwrap();
        let ids: Vec<&str> = first.templates.iter().map(|t| t.id.as_str()).collect();
        assert_eq!(ids, ["7", "8"], "a text and a number");
        assert_eq!(first.templates[0].quality(), Some("GREEN"));
        assert_eq!(first.templates[0].rejected_reason(), None, "NONE is none");
        assert!(first.templates[0].components.as_ref().unwrap().get().contains("Grüße"));
        let second = client.template_list(&channel, "1001", first.after.as_deref()).await.unwrap();
        assert_eq!(second.templates[0].status, None, "what was not told is missing");
        assert_eq!(second.after, None, "a cursor without a next page leads nowhere");
        let asked = asked.lock().unwrap();
        assert!(
            asked[0].1.contains("limit=100") && asked[0].1.contains("fields=id,name,language"),
            "{asked:?}"
        );
    }

    #[tokio::test]
    async fn changes_have_metas_form() {
        let (client, channel, asked) = rig().await;
        let components = RawValue::from_string(r#"[{"type":"BODY","text":"a"}]"#.to_owned()).unwrap();
        let template = NewTemplate {
            name: "order_ready",
            language: "en_US",
            category: TemplateCategory::Utility,
            parameter_format: ParameterFormat::Positional,
            components: &components,
        };
        let made = client.template_create(&channel, "1001", &template).await.unwrap();
        assert_eq!((made.id.as_str(), made.category.as_deref()), ("1689556908129832", Some("MARKETING")));
        let edit = TemplateEdit { category: None, components: Some(&components) };
        client.template_edit(&channel, "7", &edit).await.unwrap();
        assert_eq!(client.template_get(&channel, "7").await.unwrap().name, "one");
        client.template_delete(&channel, "1001", "order_ready", Some("7")).await.unwrap();
        client.template_delete(&channel, "1001", "order_ready", None).await.unwrap();
        let asked = asked.lock().unwrap();
        let body = json!([{ "type": "BODY", "text": "a" }]);
        let whole = json!({ "name": "order_ready", "language": "en_US", "category": "UTILITY", "parameter_format": "POSITIONAL", "components": body });
        assert_eq!(asked[0].2, whole);
        assert_eq!((asked[1].1.as_str(), &asked[1].2), ("/v25.0/7", &json!({ "components": body })));
        assert_eq!(asked[3].1, "/v25.0/1001/message_templates?name=order_ready&hsm_id=7");
        assert_eq!(asked[4].1, "/v25.0/1001/message_templates?name=order_ready");
    }

    #[tokio::test]
    async fn refusals_and_odd_ids() {
        let (client, channel, asked) = rig().await;
        let refused = client.template_get(&channel, "404").await.unwrap_err();
        assert!(matches!(refused, CallError::Refused(r) if r.code == Some(100)));
        for odd in ["", "..", "7/../8", "7?x=1"] {
            let error = client.template_get(&channel, odd).await.unwrap_err();
            assert!(matches!(error, CallError::Setting(_)), "{odd:?} reaches nobody");
        }
        assert_eq!(asked.lock().unwrap().len(), 1);
    }
}
