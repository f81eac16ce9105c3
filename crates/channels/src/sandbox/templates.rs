//! Message templates: their management, and the verdicts on them (Meta, "Message templates").
//!
//! A new template is PENDING until it is reviewed, which takes as long as the configuration says. The verdict follows
//! from the name: `rejected…` is rejected, `paused…` and `disabled…` are approved and then paused or disabled,
//! `pending…` stays as it is, and all others are approved.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::accounts::Account;
use super::apps::as_text;
use super::call::Call;
use super::fields;
use super::news::What;
use super::numbers::Number;
use super::reply::{Answer, GraphError, json_answer, success};
use super::template_rules::{self as rules, Draft};
use super::wamid::Ids;
use super::world::World;

/// Most templates of one account; Meta's pages give 250 and 6,000.
const COUNT_MAX: usize = 6_000;
/// How long after its approval a template with an unlucky name is paused or disabled.
const SECOND_VERDICT: Duration = Duration::from_millis(200);
const NODE: &str = "MessageTemplate";
const DEFAULT: &[&str] = &["name", "parameter_format", "components", "language", "status", "category"];

/// A template of an account.
#[derive(Clone)]
pub(super) struct Template {
    pub id: String,
    pub name: String,
    pub language: String,
    /// In capitals, as Meta writes it.
    pub category: String,
    /// In capitals, as Meta writes it.
    pub status: String,
    pub named: bool,
    pub components: Vec<Value>,
    pub quality: String,
    pub rejected_reason: Option<String>,
    pub previous_category: Option<String>,
    ttl: Option<Value>,
}

/// A template that the token may touch.
pub(super) struct TemplateRef {
    pub template: Arc<Template>,
    pub number: Arc<Number>,
}

/// What befalls a template; each change is told in a callback of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Review {
    pub template_id: String,
    pub verdict: Verdict,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A status in capitals, and why; no reason is `NONE`.
    Status {
        status: String,
        reason: Option<String>,
    },
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
    Quality(String),
    Category(String),
}

/// The templates that every account has from the start.
pub(super) fn ready(ids: &Ids) -> Vec<Arc<Template>> {
    let body = |text: &str, examples: &[&str]| {
        let mut body = json!({ "type": "BODY", "text": text });
        if !examples.is_empty() {
            body["example"] = json!({ "body_text": [examples] });
        }
        body
    };
    let code_button = json!({ "type": "URL", "text": "Copy code", "url": "https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp{{1}}", "example": ["https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp123456"] });
    let all = [
        (
            "hello_world",
            "UTILITY",
            vec![
                json!({ "type": "HEADER", "format": "TEXT", "text": "Hello World" }),
                body(
                    "Welcome and congratulations!! This message demonstrates your ability to send a WhatsApp message notification from the Cloud API, hosted by Meta. Thank you for taking the time to test with us.",
                    &[],
                ),
                json!({ "type": "FOOTER", "text": "WhatsApp Business Platform sample message" }),
            ],
        ),
        (
            "sample_shipping_confirmation",
            "UTILITY",
            vec![body("Your package has been shipped. It will be delivered in {{1}} business days.", &["3"])],
        ),
        (
            "sample_issue_resolution",
            "UTILITY",
            vec![
                body("Hi {{1}}, were we able to solve the issue that you were facing?", &["Zoë"]),
                json!({ "type": "BUTTONS", "buttons": [
                    { "type": "QUICK_REPLY", "text": "Yes" },
                    { "type": "QUICK_REPLY", "text": "No" },
                ] }),
            ],
        ),
        (
            "sample_purchase_feedback",
            "MARKETING",
            vec![
                json!({ "type": "HEADER", "format": "IMAGE", "example": { "header_handle": ["https://example.com/sample.jpg"] } }),
                body("Thank you for purchasing {{1}}! Tell us how you like it.", &["a loaf"]),
                json!({ "type": "BUTTONS", "buttons": [
                    { "type": "URL", "text": "Take the survey", "url": "https://example.com/s/{{1}}", "example": ["https://example.com/s/1"] },
                ] }),
            ],
        ),
        (
            "sample_verification_code",
            "AUTHENTICATION",
            vec![
                body(
                    "*{{1}}* is your verification code. For your security, do not share this code.",
                    &["123456"],
                ),
                json!({ "type": "FOOTER", "text": "This code expires in 10 minutes.", "code_expiration_minutes": 10 }),
                json!({ "type": "BUTTONS", "buttons": [code_button] }),
            ],
        ),
    ];
    let template = |(name, category, components): (&str, &str, Vec<Value>)| {
        Arc::new(Template {
            id: ids.object(),
            name: name.to_owned(),
            language: "en_US".to_owned(),
            category: category.to_owned(),
            status: "APPROVED".to_owned(),
            named: false,
            components,
            quality: "GREEN".to_owned(),
            rejected_reason: None,
            previous_category: None,
            ttl: None,
        })
    };
    all.into_iter().map(template).collect()
}

impl Template {
    fn shown(&self, waba_id: &str) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "language": self.language,
            "status": self.status,
            "category": self.category,
            "sub_category": null,
            "parameter_format": if self.named { "NAMED" } else { "POSITIONAL" },
            "components": self.components,
            "quality_score": { "score": self.quality, "date": 1_761_955_200 },
            "rejected_reason": self.rejected_reason.as_deref().unwrap_or("NONE"),
            "previous_category": self.previous_category,
            "correct_category": null,
            "message_send_ttl_seconds": self.ttl,
            "cta_url_link_tracking_opted_out": false,
            "is_primary_device_delivery_only": null,
            "library_template_name": null,
            "bid_spec": null,
            "degrees_of_freedom_spec": null,
            "creative_sourcing_spec": null,
            "created_time": null,
            "last_updated_time": null,
            "specific_rejection_reasons": null,
            "display_format": null,
            "account_id": waba_id,
        })
    }
}

/// `GET /{waba}/message_templates`, filtered by `name` (a part of it), `name_or_content`, `content`, `language`,
/// `status`, `category` and `quality_score`.
pub(super) fn list(world: &World, call: &Call, account: &Account) -> Answer {
    let all = world.account(&account.waba_id, |state| state.templates.clone());
    let contains = |text: &str, part: &str| text.to_lowercase().contains(&part.to_lowercase());
    let content = |template: &Template, part: &str| {
        template.components.iter().filter_map(|c| c["text"].as_str()).any(|text| contains(text, part))
    };
    let mut shown = Vec::new();
    for template in &all {
        let is = |name: &str, value: &str| {
            call.params.get(name).is_none_or(|wanted| match wanted {
                // Several may be given as a list, in JSON or with commas.
                Value::Array(list) => list.iter().any(|w| as_text(w).eq_ignore_ascii_case(value)),
                wanted => as_text(wanted).split(',').any(|w| w.trim().eq_ignore_ascii_case(value)),
            })
        };
        let has = |name: &str, test: &dyn Fn(&str) -> bool| call.text(name).is_none_or(test);
        let wanted = is("language", &template.language)
            && is("status", &template.status)
            && is("category", &template.category)
            && is("quality_score", &template.quality)
            && has("name", &|part| contains(&template.name, part))
            && has("content", &|part| content(template, part))
            && has("name_or_content", &|part| contains(&template.name, part) || content(template, part));
        if wanted {
            let all = template.shown(&account.waba_id);
            let value = fields::select(&all, call.text("fields"), DEFAULT, NODE)?;
            shown.push((template.id.clone(), value));
        }
    }
    let matching = shown.len();
    let mut answer = fields::page(call, shown)?;
    if call.params.contains_key("summary") {
        answer["summary"] = json!({
            "total_count": matching,
            "message_template_count": all.len(),
            "message_template_limit": COUNT_MAX,
            "are_translations_complete": true,
        });
    }
    json_answer(&answer)
}

/// `GET /{template_id}?fields=…`.
pub(super) fn get(_: &World, call: &Call, found: &TemplateRef) -> Answer {
    let all = found.template.shown(&found.number.waba_id);
    json_answer(&fields::select(&all, call.text("fields"), DEFAULT, NODE)?)
}

/// `GET /{waba}/message_templates/{template_id}`, as some clients write it.
pub(super) fn get_in(world: &World, call: &Call, account: &Account) -> Answer {
    let id = call.path.get(2).map(String::as_str).unwrap_or_default();
    let found = find(world, std::slice::from_ref(&account.number), id);
    get(world, call, &found.ok_or_else(|| GraphError::object(id))?)
}

/// `POST /{waba}/message_templates {name, language, category, parameter_format?, components}` →
/// `{id, status, category}`.
pub(super) fn create(world: &World, call: &Call, account: &Account) -> Answer {
    let (name, language) = (rules::name(&call.params)?, rules::language(&call.params)?);
    let draft = rules::draft(&call.params, None, world)?;
    let template =
        create_one(world, account, name, language, draft, call.params.get("message_send_ttl_seconds"))?;
    json_answer(&json!({ "id": template.id, "status": template.status, "category": template.category }))
}

fn create_one(
    world: &World,
    account: &Account,
    name: String,
    language: String,
    draft: Draft,
    ttl: Option<&Value>,
) -> Result<Arc<Template>, GraphError> {
    let template = Arc::new(Template {
        id: world.ids.object(),
        name,
        language,
        category: draft.category,
        status: "PENDING".to_owned(),
        named: draft.named,
        components: draft.components,
        quality: "UNKNOWN".to_owned(),
        rejected_reason: None,
        previous_category: None,
        ttl: ttl.cloned(),
    });
    world.account(&account.waba_id, |state| {
        let same = |t: &&Arc<Template>| t.name == template.name && t.language == template.language;
        if state.templates.iter().any(|t| same(&t)) {
            return Err(GraphError::management(
                2_388_024,
                "Content in this language already exists",
                format!("There is already {} content for {}.", template.language, template.name),
            ));
        }
        if state.templates.len() >= COUNT_MAX {
            return Err(GraphError::management(
                2_388_019,
                "Message template limit exceeded",
                "This account has as many templates as it may have.",
            ));
        }
        state.templates.push(Arc::clone(&template));
        Ok(())
    })?;
    submit(world, &account.number, &template)?;
    Ok(template)
}

/// `POST /{waba}/upsert_message_templates {name, languages, category, components}`: authentication templates in
/// several languages at once.
pub(super) fn upsert(world: &World, call: &Call, account: &Account) -> Answer {
    let name = rules::name(&call.params)?;
    let languages = call.params.get("languages").and_then(Value::as_array).cloned().unwrap_or_default();
    if languages.is_empty() {
        return Err(GraphError::parameter("The parameter languages is required."));
    }
    let mut data = Vec::new();
    for language in languages {
        let params = Map::from_iter([("language".to_owned(), language)]);
        let language = rules::language(&params)?;
        let draft = rules::draft(&call.params, None, world)?;
        let known = world.account(&account.waba_id, |state| {
            state.templates.iter().find(|t| t.name == name && t.language == language).cloned()
        });
        let template = match known {
            Some(known) => change(world, account, &known, draft)?,
            None => create_one(world, account, name.clone(), language.clone(), draft, None)?,
        };
        data.push(json!({ "id": template.id, "status": template.status, "language": language }));
    }
    json_answer(&json!({ "data": data }))
}

/// `POST /{template_id}`: a new content or category. Only what was reviewed can be changed.
pub(super) fn edit(world: &World, call: &Call, found: &TemplateRef) -> Answer {
    let template = &found.template;
    if !matches!(template.status.as_str(), "APPROVED" | "REJECTED" | "PAUSED") {
        return Err(GraphError::management(
            2_388_039,
            "Message template cannot be edited",
            format!("A template whose status is {} cannot be edited.", template.status),
        ));
    }
    let known = Draft {
        category: template.category.clone(),
        named: template.named,
        components: template.components.clone(),
    };
    let draft = rules::draft(&call.params, Some(known), world)?;
    let account = Account { waba_id: found.number.waba_id.clone(), number: Arc::clone(&found.number) };
    let changed = change(world, &account, template, draft)?;
    json_answer(
        &json!({ "success": true, "id": changed.id, "name": changed.name, "category": changed.category }),
    )
}

fn change(
    world: &World,
    account: &Account,
    template: &Template,
    draft: Draft,
) -> Result<Arc<Template>, GraphError> {
    let changed = Arc::new(Template {
        previous_category: (draft.category != template.category)
            .then(|| template.category.clone())
            .or_else(|| template.previous_category.clone()),
        category: draft.category,
        named: draft.named,
        components: draft.components,
        status: "PENDING".to_owned(),
        rejected_reason: None,
        ..template.clone()
    });
    replace(world, &account.waba_id, Arc::clone(&changed));
    submit(world, &account.number, &changed)?;
    Ok(changed)
}

fn replace(world: &World, waba_id: &str, template: Arc<Template>) {
    world.account(waba_id, |state| {
        if let Some(slot) = state.templates.iter_mut().find(|t| t.id == template.id) {
            *slot = template;
        }
    });
}

/// `DELETE /{waba}/message_templates`: `name` (all languages), `name` and `hsm_id` (one), or `hsm_ids`.
pub(super) fn delete(world: &World, call: &Call, account: &Account) -> Answer {
    let id = call.params.get("hsm_id").map(as_text);
    let ids: Option<Vec<String>> = match call.params.get("hsm_ids") {
        None => None,
        Some(Value::Array(list)) if (1..=100).contains(&list.len()) => {
            Some(list.iter().map(as_text).collect())
        }
        Some(Value::String(list)) => Some(list.split(',').map(|id| id.trim().to_owned()).collect()),
        Some(_) => return Err(GraphError::parameter("Param hsm_ids must be a list of 1 to 100 ids.")),
    };
    if ids.is_none() {
        call.need("name")?;
    }
    let name = call.text("name");
    let gone = world.account(&account.waba_id, |state| {
        let (gone, left): (Vec<_>, Vec<_>) = state.templates.drain(..).partition(|t| {
            name.is_none_or(|name| t.name == name)
                && id.as_ref().is_none_or(|id| t.id == *id)
                && ids.as_ref().is_none_or(|ids| ids.contains(&t.id))
        });
        state.templates = left;
        gone
    });
    if gone.is_empty() {
        return Err(GraphError::management(
            2_593_002,
            "Message Template Not Found",
            "Message template not found, please check the parameters.",
        ));
    }
    for template in gone {
        world.emit(&account.number, "message_template_status_update", told(&template, "DELETED", None))?;
    }
    success()
}

/// Schedules the verdict on what is PENDING now.
fn submit(world: &World, number: &Arc<Number>, template: &Template) -> Result<(), GraphError> {
    let status = |status: &str, reason: Option<&str>| Verdict::Status {
        status: status.to_owned(),
        reason: reason.map(ToOwned::to_owned),
    };
    let name = template.name.as_str();
    let verdicts = if name.starts_with("pending") {
        vec![]
    } else if name.starts_with("rejected") {
        vec![status("REJECTED", Some("INVALID_FORMAT"))]
    } else if name.starts_with("paused") {
        vec![status("APPROVED", None), status("PAUSED", None)]
    } else if name.starts_with("disabled") {
        vec![status("APPROVED", None), status("DISABLED", None)]
    } else {
        vec![status("APPROVED", None)]
    };
    let mut at = Instant::now() + world.config.rules.template_review;
    for verdict in verdicts {
        let review = Review { template_id: template.id.clone(), verdict };
        world.later(at, number, What::Review(Arc::new(review)))?;
        at += SECOND_VERDICT;
    }
    Ok(())
}

/// Carries a verdict out; the news of it, if there still is such a template.
pub(super) fn reviewed(world: &World, number: &Number, review: &Review) -> Option<What> {
    let waba_id = &number.waba_id;
    let template = world
        .account(waba_id, |state| state.templates.iter().find(|t| t.id == review.template_id).cloned())?;
    let mut changed = Template::clone(&template);
    let (field, value) = match &review.verdict {
        Verdict::Status { status, reason } => {
            changed.status.clone_from(status);
            changed.rejected_reason = reason.clone().filter(|_| status == "REJECTED");
            ("message_template_status_update", told(&template, status, reason.as_deref()))
        }
        Verdict::Quality(quality) => {
            let before = std::mem::replace(&mut changed.quality, quality.clone());
            let value =
                named(&template, json!({ "previous_quality_score": before, "new_quality_score": quality }));
            ("message_template_quality_update", value)
        }
        Verdict::Category(category) => {
            let before = std::mem::replace(&mut changed.category, category.clone());
            let value = named(&template, json!({ "previous_category": before, "new_category": category }));
            changed.previous_category = Some(before);
            ("template_category_update", value)
        }
    };
    replace(world, waba_id, Arc::new(changed));
    Some(What::Field { field: field.into(), value: Arc::new(value) })
}

/// Ids are whole numbers in callbacks, and languages have a hyphen there, unlike in REST.
fn named(template: &Template, mut value: Value) -> Value {
    value["message_template_id"] = template.id.parse::<u64>().unwrap_or_default().into();
    value["message_template_name"] = template.name.as_str().into();
    value["message_template_language"] = template.language.replace('_', "-").into();
    value
}

fn told(template: &Template, event: &str, reason: Option<&str>) -> Value {
    let mut value = json!({
        "event": event,
        "reason": reason.unwrap_or("NONE"),
        "message_template_category": template.category,
    });
    match event {
        "PAUSED" => {
            value["other_info"] = json!({
                "title": "FIRST_PAUSE",
                "description": "Your message template has been paused for 3 hours because it had issues.",
            });
        }
        "DISABLED" => {
            value["other_info"] = json!({
                "title": "DISABLED",
                "description": "Your message template has been disabled because it had issues too often.",
            });
            value["disable_info"] = json!({ "disable_date": "1761955200" });
        }
        "REJECTED" => {
            value["rejection_info"] = json!({
                "reason": "The template does not have the form that is expected.",
                "recommendation": "Correct its form and submit it again.",
            });
        }
        "DELETED" => value["reason"] = Value::Null,
        _ => {}
    }
    named(template, value)
}

/// The template of this id among those of the token's accounts.
pub(super) fn find(world: &World, numbers: &[Arc<Number>], id: &str) -> Option<TemplateRef> {
    numbers.iter().find_map(|number| {
        let template =
            world.account(&number.waba_id, |state| state.templates.iter().find(|t| t.id == id).cloned())?;
        Some(TemplateRef { template, number: Arc::clone(number) })
    })
}
