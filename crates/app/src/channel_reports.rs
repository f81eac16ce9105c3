//! What Meta's callbacks say about channels: a pure reader from a change's value to reports.
//!
//! Shapes after Meta's pages on the fields `account_update`, `account_review_update`, `business_capability_update`,
//! `phone_number_quality_update`, `phone_number_name_update` and `security`. Every such callback passes on as a
//! `channel.notification` besides, so what is not understood here is not lost.
//!
//! Meta tells of these out of order and for days on end. What can be looked up is therefore looked up: such news makes
//! the channel's next look due at once, and that has the last word.

use gatepost_core::channel::ChannelState;
use serde_json::Value;

use crate::channel_state::{ChannelReport, Source};

/// What one callback says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChannelWord {
    /// Which of the account's channels are meant.
    pub whom: Whom,
    pub report: ChannelReport,
    /// Ask Meta itself at once.
    pub look: bool,
}

/// Which channels of the signing app a callback is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whom {
    /// All of the account; where it names an account besides the entry's own, all of that one.
    Account(Option<String>),
    /// The one with this number, digits only.
    Number(String),
}

/// Reads a change. `None` where it says nothing that a channel's row holds.
///
/// `app_id`: Meta's id of the signing app, for news about apps that may be another's.
pub(crate) fn read(field: &str, value: &Value, app_id: &str) -> Option<ChannelWord> {
    match field {
        "account_update" => account(value, app_id),
        "account_review_update" => review(value),
        "business_capability_update" => capability(value),
        "phone_number_quality_update" => quality(value),
        "phone_number_name_update" => name(value),
        "security" => security(value),
        _ => None,
    }
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str().filter(|text| !text.is_empty())
}

fn callback() -> ChannelReport {
    ChannelReport::of(Source::Callback)
}

/// A note on channels that go on working.
fn note(attention: String, next_action: Option<&str>) -> ChannelReport {
    ChannelReport { attention: Some(attention), next_action: next_action.map(str::to_owned), ..callback() }
}

fn in_state(state: ChannelState, attention: String) -> ChannelReport {
    ChannelReport { state: Some(state), attention: Some(attention), ..callback() }
}

fn account(value: &Value, app_id: &str) -> Option<ChannelWord> {
    let info = value.get("waba_info");
    let about = info.and_then(|info| text(info, "waba_id")).map(str::to_owned);
    let of_account = |report, look| Some(ChannelWord { whom: Whom::Account(about.clone()), report, look });
    let lost = |why: &str| of_account(in_state(ChannelState::AccessLost, format!("Meta says: {why}")), true);
    match text(value, "event")? {
        "ACCOUNT_DELETED" => lost("the account was deleted"),
        "ACCOUNT_OFFBOARDED" => lost("the account was taken off the Cloud API"),
        "PARTNER_REMOVED" => lost("the account is no longer shared with this app's business"),
        "PARTNER_APP_UNINSTALLED" => {
            // Another app of the account is no business of this one's.
            let which = info.and_then(|info| text(info, "partner_app_id"));
            if which.is_some_and(|which| which != app_id) {
                return None;
            }
            lost("the account took the Meta app's permissions away")
        }
        "ACCOUNT_RECONNECTED" | "PARTNER_ADDED" | "PARTNER_APP_INSTALLED" => of_account(callback(), true),
        "DISABLED_UPDATE" => {
            let state = value.get("ban_info").and_then(|ban| text(ban, "waba_ban_state"))?;
            match state {
                "DISABLE" => of_account(
                    in_state(ChannelState::Restricted, "Meta disabled the account".to_owned()),
                    false,
                ),
                "REINSTATE" => {
                    of_account(ChannelReport { state: Some(ChannelState::Active), ..callback() }, true)
                }
                "SCHEDULE_FOR_DISABLE" => of_account(
                    note(
                        "Meta is going to disable the account".to_owned(),
                        Some("request a review in Meta's business manager"),
                    ),
                    false,
                ),
                _ => None,
            }
        }
        "ACCOUNT_RESTRICTION" => of_account(restriction(value)?, false),
        "ACCOUNT_VIOLATION" => {
            let kind = value.get("violation_info").and_then(|v| text(v, "violation_type")).and_then(word);
            let kind = kind.map_or_else(String::new, |kind| format!(": {kind}"));
            let next = "look at the account in Meta's business manager";
            of_account(note(format!("Meta says that the account violated a policy{kind}"), Some(next)), false)
        }
        _ => None,
    }
}

/// A restriction of what the account may do. Only where not even answers may be sent does it stop the channel.
fn restriction(value: &Value) -> Option<ChannelReport> {
    let list = value.get("restriction_info")?.as_array()?;
    let kinds: Vec<&str> =
        list.iter().filter_map(|one| text(one, "restriction_type")).filter_map(word).collect();
    let until = list.iter().filter_map(|one| one.get("expiration")).find_map(instant);
    let until = until.map_or_else(String::new, |at| format!(" until {at}"));
    if kinds.is_empty() {
        return None;
    }
    let told = format!("Meta restricted the account{until}: {}", kinds.join(", "));
    let stops = |kind: &&str| kind.contains("CUSTOMER_INITIATED_MESSAGING") || kind.contains("ALL_MESSAGING");
    if kinds.iter().any(stops) {
        Some(in_state(ChannelState::Restricted, told))
    } else {
        Some(note(told, Some("look at the account in Meta's business manager")))
    }
}

fn review(value: &Value) -> Option<ChannelWord> {
    let whom = Whom::Account(None);
    match text(value, "decision")? {
        "REJECTED" => {
            let report =
                in_state(ChannelState::Restricted, "Meta rejected the account in its review".to_owned());
            Some(ChannelWord { whom, report, look: false })
        }
        "APPROVED" => Some(ChannelWord { whom, report: callback(), look: true }),
        _ => None,
    }
}

fn capability(value: &Value) -> Option<ChannelWord> {
    let limit = ["max_daily_conversations_per_business", "max_daily_conversation_per_phone"]
        .into_iter()
        .find_map(|name| value.get(name))
        .and_then(tier)?;
    let report = ChannelReport { messaging_limit: Some(limit), ..callback() };
    Some(ChannelWord { whom: Whom::Account(None), report, look: false })
}

fn quality(value: &Value) -> Option<ChannelWord> {
    let whom = number(value)?;
    let event = text(value, "event")?;
    let limit = ["max_daily_conversations_per_business", "current_limit"]
        .into_iter()
        .find_map(|name| value.get(name))
        .and_then(tier)
        .filter(|limit| limit != "NOT_SET");
    let mut report = ChannelReport { messaging_limit: limit, ..callback() };
    let mut look = false;
    match event {
        "FLAGGED" => report.quality_rating = Some("RED".to_owned()),
        "THROUGHPUT_UPGRADE" => report.throughput_level = Some("HIGH".to_owned()),
        // What it is now is not said.
        "UNFLAGGED" => look = true,
        _ => {}
    }
    (report != callback() || look).then_some(ChannelWord { whom, report, look })
}

fn name(value: &Value) -> Option<ChannelWord> {
    let whom = number(value)?;
    let decision = word(text(value, "decision")?)?;
    let requested = text(value, "requested_verified_name").map(str::to_owned);
    let mut report = ChannelReport { name_status: Some(decision.to_owned()), ..callback() };
    if decision == "APPROVED" {
        report.verified_name = requested;
    } else if decision == "REJECTED" || decision == "DECLINED" {
        let next = "choose another display name in Meta's WhatsApp Manager";
        report.attention = Some("Meta declined the display name".to_owned());
        report.next_action = Some(next.to_owned());
    }
    Some(ChannelWord { whom, report, look: false })
}

fn security(value: &Value) -> Option<ChannelWord> {
    let told = match text(value, "event")? {
        "PIN_CHANGED" => "the number's two-step PIN was changed",
        "PIN_RESET_REQUEST" => "somebody asked Meta to switch the number's two-step verification off",
        "PIN_RESET_SUCCESS" => "the number's two-step verification was switched off",
        _ => return None,
    };
    let next = "if nobody of yours did this, set a new PIN and look at who has access to the account";
    Some(ChannelWord { whom: number(value)?, report: note(told.to_owned(), Some(next)), look: false })
}

/// The number a value names as `display_phone_number`.
fn number(value: &Value) -> Option<Whom> {
    let digits = digits(text(value, "display_phone_number")?);
    (!digits.is_empty()).then_some(Whom::Number(digits))
}

/// A number as people write it, without all that is not a digit.
pub(crate) fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// One of Meta's own words, such as can stand in a sentence of ours and in a column.
fn word(text: &str) -> Option<&str> {
    let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    (text.len() <= 64 && text.bytes().all(plain)).then_some(text)
}

/// Meta's name of a messaging limit, which it also tells as a number (−1: unlimited).
fn tier(value: &Value) -> Option<String> {
    if let Some(text) = value.as_str() {
        return word(text).map(str::to_owned);
    }
    Some(match value.as_i64()? {
        -1 => "TIER_UNLIMITED".to_owned(),
        people if people >= 1_000 && people % 1_000 == 0 => format!("TIER_{}K", people / 1_000),
        people if people >= 0 => format!("TIER_{people}"),
        _ => return None,
    })
}

/// A time that Meta writes in either of two ways.
fn instant(value: &Value) -> Option<gatepost_core::Timestamp> {
    match value {
        Value::String(text) => gatepost_core::Timestamp::parse(text),
        value => value.as_i64().map(gatepost_core::Timestamp::from_seconds),
    }
}

#[cfg(test)]
mod tests;
