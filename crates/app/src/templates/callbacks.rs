//! What Meta's callbacks tell of templates (Meta, "Webhooks": `message_template_status_update`,
//! `message_template_quality_update`, `template_category_update`, `message_template_components_update`).
//!
//! Callbacks come in any order and more than once. Status, category and quality each keep Meta's time of the newest news
//! about them, so that older ones change nothing.

use std::sync::Arc;
use std::time::Duration;

use gatepost_core::event::{EventData, EventType, TemplateNews};
use gatepost_core::template::{TemplateStatus, language_of_callback};
use gatepost_core::{ChannelId, Entropy, Result, TemplateId, Timestamp};
use gatepost_store::{TemplateAccount, TemplateRow, WorkspaceTx};
use gatepost_vault::WorkspaceKeys;
use serde_json::Value;

use crate::events::{Draft, draft, publish};

/// Longest text of Meta's that is kept in a column, in characters.
const TEXT_MAX: usize = 512;

/// What one callback tells of one template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TemplateReport {
    pub account: TemplateAccount,
    /// Meta's id: a number in callbacks, a text everywhere else.
    pub provider_id: Option<String>,
    pub name: Option<String>,
    /// As REST writes it: `en_US`.
    pub language: Option<String>,
    /// When Meta made the entry, where it says so.
    pub at: Option<Timestamp>,
    pub news: News,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    Status {
        status: TemplateStatus,
        reason: Option<String>,
    },
    Quality(String),
    Category(String),
    /// The components were changed; the callback does not tell them whole.
    Components,
}

/// Reads a whole change, `{"field":…,"value":{…}}`. `None` for what is about no template, or makes no sense.
pub(crate) fn template_report(
    account: TemplateAccount,
    field: &str,
    change: &str,
    at: Option<Timestamp>,
) -> Option<TemplateReport> {
    if !matches!(
        field,
        "message_template_status_update"
            | "message_template_quality_update"
            | "template_category_update"
            | "message_template_components_update"
    ) {
        return None;
    }
    let change: Value = serde_json::from_str(change).ok()?;
    let value = &change["value"];
    let news = match field {
        "message_template_status_update" => status(value)?,
        "message_template_quality_update" => News::Quality(text(&value["new_quality_score"])?),
        "template_category_update" => News::Category(text(&value["new_category"])?),
        _ => News::Components,
    };
    let provider_id = match &value["message_template_id"] {
        Value::Number(number) => Some(number.to_string()),
        other => text(other),
    };
    let name = text(&value["message_template_name"]);
    let language = text(&value["message_template_language"]).map(|code| language_of_callback(&code));
    let known = provider_id.is_some() || (name.is_some() && language.is_some());
    known.then_some(TemplateReport { account, provider_id, name, language, at, news })
}

fn status(value: &Value) -> Option<News> {
    let word = text(&value["event"])?;
    // A template that was disabled or flagged and is good again; answers call that approved.
    let word = if word == "REINSTATED" { "APPROVED".to_owned() } else { word };
    let reason = text(&value["reason"]).filter(|reason| reason != "NONE");
    let reason = reason.or_else(|| text(&value["other_info"]["title"]));
    Some(News::Status { status: TemplateStatus::from(word), reason })
}

/// A text that can be kept: not empty, without NUL, which PostgreSQL cannot store, and not too long.
fn text(value: &Value) -> Option<String> {
    let text: String = value.as_str()?.chars().filter(|c| *c != '\0').take(TEXT_MAX).collect();
    (!text.is_empty()).then_some(text)
}

/// Writes down a report, and tells of it where it changed something. A template that is not known here gets no row,
/// only its event: a synchronisation adds it.
pub(crate) async fn template_report_apply(
    tx: &WorkspaceTx<'_>,
    keys: &WorkspaceKeys,
    entropy: &Arc<dyn Entropy>,
    now: Timestamp,
    channel: Option<ChannelId>,
    report: &TemplateReport,
) -> Result<()> {
    let row = match find(tx, report).await? {
        Some(id) => tx.template_take(id).await?.filter(|row| is_meant(row, report)),
        None => None,
    };
    let news = match row {
        Some(mut row) => {
            let applied = apply(&mut row, report, now);
            if applied == Applied::Old {
                return Ok(());
            }
            tx.template_update(&row).await?;
            if applied == Applied::Known {
                return Ok(());
            }
            event_of_row(keys, entropy, now, channel, &row)?
        }
        None => match event_of_report(keys, entropy, now, channel, report)? {
            Some(event) => event,
            None => return Ok(()),
        },
    };
    publish(tx, &[news], now).await
}

async fn find(tx: &WorkspaceTx<'_>, report: &TemplateReport) -> Result<Option<TemplateId>> {
    if let Some(provider_id) = &report.provider_id
        && let Some(id) = tx.template_find_by_provider(&report.account, provider_id).await?
    {
        return Ok(Some(id));
    }
    match (&report.name, &report.language) {
        (Some(name), Some(language)) => tx.template_find_by_name(&report.account, name, language).await,
        _ => Ok(None),
    }
}

/// A row of the same name may be another template: an earlier one that this callback is late about. A draft may be the
/// very one, when Meta tells of it before it answers; a deleted one makes room for its successor.
fn is_meant(row: &TemplateRow, report: &TemplateReport) -> bool {
    match (&row.provider_id, &report.provider_id) {
        (Some(ours), Some(theirs)) => ours == theirs || row.status == TemplateStatus::Deleted,
        _ => true,
    }
}

/// What a report did to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Applied {
    /// It is older than what is known.
    Old,
    /// It says what is known; the row keeps that it was told.
    Known,
    News,
}

/// Meta's time of the newest news, which each further callback moves on: whoever waits for Meta's answer sees by it that
/// a callback came meanwhile. Meta tells whole seconds, so the microseconds are ours.
fn next(known: Option<Timestamp>, at: Option<Timestamp>) -> Timestamp {
    let later = |known: Timestamp| known.plus(Duration::from_micros(1));
    match (known, at) {
        (None, Some(at)) => at,
        (Some(known), Some(at)) if at > known => at,
        (known, _) => later(known.unwrap_or(Timestamp::UNIX_EPOCH)),
    }
}

/// Changes the row.
fn apply(row: &mut TemplateRow, report: &TemplateReport, now: Timestamp) -> Applied {
    let known = match report.news {
        News::Status { .. } => row.status_at,
        News::Category(_) => row.category_at,
        News::Quality(_) => row.quality_at,
        News::Components => None,
    };
    if matches!((known, report.at), (Some(known), Some(at)) if at.seconds() < known.seconds()) {
        return Applied::Old;
    }
    let at = Some(next(known, report.at));
    let adopted = report.provider_id.is_some() && row.provider_id != report.provider_id;
    if adopted {
        row.provider_id.clone_from(&report.provider_id);
    }
    let changed = match &report.news {
        News::Status { status, reason } => {
            row.status_at = at;
            let same = row.status == *status && row.reason == *reason;
            row.status = status.clone();
            row.reason.clone_from(reason);
            !same
        }
        News::Category(category) => {
            row.category_at = at;
            let same = row.category == *category;
            row.category.clone_from(category);
            !same
        }
        News::Quality(quality) => {
            row.quality_at = at;
            row.quality.replace(quality.clone()).as_ref() != Some(quality)
        }
        // What is here is not what Meta has any more.
        News::Components => {
            row.synced_at = None;
            true
        }
    };
    if !(changed || adopted) {
        return Applied::Known;
    }
    row.updated_at = now;
    Applied::News
}

fn event_of_row(
    keys: &WorkspaceKeys,
    entropy: &Arc<dyn Entropy>,
    now: Timestamp,
    channel: Option<ChannelId>,
    row: &TemplateRow,
) -> Result<gatepost_store::NewEvent> {
    let news = TemplateNews {
        id: Some(row.id),
        waba_id: &row.waba_id,
        name: &row.name,
        language: &row.language,
        status: Some(row.status.as_str()),
        category: Some(&row.category),
        quality: row.quality.as_deref(),
        reason: row.reason.as_deref(),
    };
    let event = Draft {
        event_type: EventType::TemplateUpdated,
        mode: row.mode,
        channel,
        order_key: None,
        data: EventData::Template(news),
    };
    draft(keys, now, entropy.as_ref(), event)
}

/// The event of a template that is not known here; `None` where Meta does not even say its name.
fn event_of_report(
    keys: &WorkspaceKeys,
    entropy: &Arc<dyn Entropy>,
    now: Timestamp,
    channel: Option<ChannelId>,
    report: &TemplateReport,
) -> Result<Option<gatepost_store::NewEvent>> {
    let (Some(name), Some(language)) = (&report.name, &report.language) else { return Ok(None) };
    let mut news = TemplateNews {
        id: None,
        waba_id: &report.account.waba_id,
        name,
        language,
        status: None,
        category: None,
        quality: None,
        reason: None,
    };
    match &report.news {
        News::Status { status, reason } => {
            news.status = Some(status.as_str());
            news.reason = reason.as_deref();
        }
        News::Quality(quality) => news.quality = Some(quality),
        News::Category(category) => news.category = Some(category),
        News::Components => {}
    }
    let event = Draft {
        event_type: EventType::TemplateUpdated,
        mode: report.account.mode,
        channel,
        order_key: None,
        data: EventData::Template(news),
    };
    draft(keys, now, entropy.as_ref(), event).map(Some)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use gatepost_core::channel::Mode;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn read(field: &str, value: &Value, at: i64) -> Option<TemplateReport> {
        let account = TemplateAccount { mode: Mode::Live, waba_id: "1001".to_owned() };
        let change = json!({ "field": field, "value": value }).to_string();
        template_report(account, field, &change, Some(Timestamp::from_seconds(at)))
    }

    fn of(more: &Value) -> Value {
        let mut value = json!({
            "message_template_id": 1_689_556_908_129_832_u64,
            "message_template_name": "order_ready",
            "message_template_language": "en-US",
        });
        for (name, member) in more.as_object().unwrap() {
            value[name] = member.clone();
        }
        value
    }

    fn status_of(word: &str, at: i64) -> TemplateReport {
        read("message_template_status_update", &of(&json!({ "event": word, "reason": "NONE" })), at).unwrap()
    }

    fn row() -> TemplateRow {
        TemplateRow {
            id: TemplateId::from_uuid(Uuid::max()),
            mode: Mode::Live,
            waba_id: "1001".to_owned(),
            provider_id: None,
            name: "order_ready".to_owned(),
            language: "en_US".to_owned(),
            category: "UTILITY".to_owned(),
            parameter_format: "POSITIONAL".to_owned(),
            status: TemplateStatus::Pending,
            status_at: None,
            category_at: None,
            quality: None,
            quality_at: None,
            reason: None,
            components: Vec::new(),
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
            synced_at: Some(Timestamp::UNIX_EPOCH),
        }
    }

    #[test]
    fn ids_are_numbers_and_languages_have_dashes() {
        let report = status_of("APPROVED", 9);
        assert_eq!(report.provider_id.as_deref(), Some("1689556908129832"));
        assert_eq!(report.language.as_deref(), Some("en_US"));
        assert_eq!(report.news, News::Status { status: TemplateStatus::Approved, reason: None });
        let rejected = of(&json!({ "event": "REJECTED", "reason": "INVALID_FORMAT" }));
        let rejected = read("message_template_status_update", &rejected, 9).unwrap();
        let reason = Some("INVALID_FORMAT".to_owned());
        assert_eq!(rejected.news, News::Status { status: TemplateStatus::Rejected, reason });
        let paused = of(&json!({ "event": "PAUSED", "other_info": { "title": "FIRST_PAUSE" } }));
        let paused = read("message_template_status_update", &paused, 9).unwrap();
        assert!(matches!(paused.news, News::Status { reason: Some(r), .. } if r == "FIRST_PAUSE"));
        let quality = of(&json!({ "previous_quality_score": "GREEN", "new_quality_score": "YELLOW" }));
        let quality = read("message_template_quality_update", &quality, 9).unwrap();
        assert_eq!(quality.news, News::Quality("YELLOW".to_owned()));
        let category = of(&json!({ "previous_category": "UTILITY", "new_category": "MARKETING" }));
        let category = read("template_category_update", &category, 9).unwrap();
        assert_eq!(category.news, News::Category("MARKETING".to_owned()));
        let components = of(&json!({ "message_template_element": "Hello" }));
        assert_eq!(
            read("message_template_components_update", &components, 9).unwrap().news,
            News::Components
        );
    }

    #[test]
    fn what_makes_no_sense_is_no_report() {
        assert_eq!(read("account_update", &of(&json!({ "event": "APPROVED" })), 9), None);
        assert_eq!(read("message_template_status_update", &json!({ "event": "APPROVED" }), 9), None);
        assert_eq!(read("message_template_status_update", &of(&json!({ "event": 7 })), 9), None);
        assert_eq!(read("message_template_status_update", &json!([1]), 9), None);
    }

    #[test]
    fn time_does_not_run_backwards() {
        let now = Timestamp::from_seconds(100);
        let mut row = row();
        assert_eq!(apply(&mut row, &status_of("APPROVED", 20), now), Applied::News);
        assert_eq!(row.provider_id.as_deref(), Some("1689556908129832"), "the draft has got its id");
        assert_eq!(apply(&mut row, &status_of("PENDING", 10), now), Applied::Old);
        assert_eq!(row.status, TemplateStatus::Approved);
        let first = row.status_at;
        assert_eq!(apply(&mut row, &status_of("APPROVED", 20), now), Applied::Known);
        assert!(row.status_at > first, "whoever waits for Meta's answer sees that something was told");
        // News of another kind have their own time.
        let quality = of(&json!({ "new_quality_score": "RED" }));
        let quality = read("message_template_quality_update", &quality, 15).unwrap();
        assert_eq!(apply(&mut row, &quality, now), Applied::News);
        assert_eq!(apply(&mut row, &status_of("PAUSED", 20), now), Applied::News, "the same second");
        let components = read("message_template_components_update", &of(&json!({})), 30).unwrap();
        assert_eq!(apply(&mut row, &components, now), Applied::News);
        assert_eq!((row.synced_at, row.updated_at), (None, now));
    }

    #[test]
    fn a_late_callback_does_not_touch_a_successor() {
        let report = status_of("DELETED", 20);
        assert!(is_meant(&row(), &report));
        let other = TemplateRow { provider_id: Some("7".to_owned()), ..row() };
        assert!(!is_meant(&other, &report));
        assert!(is_meant(&TemplateRow { status: TemplateStatus::Deleted, ..other }, &report));
    }
}
