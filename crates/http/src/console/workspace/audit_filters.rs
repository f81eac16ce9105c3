//! The filters of the audit page: the page's query, so that a view can be kept and sent on.

use std::collections::BTreeSet;
use std::time::Duration;

use gatepost_app::AuditQuery;
use gatepost_core::audit::{Action, inert};
use gatepost_core::{Code, Timestamp};
use maud::{Markup, html};

use crate::console::form::FormState;
use crate::console::parts::{Field, Select, error_summary, search_form, secondary};
use crate::query::{Query, QueryParameter};

/// Longest text that is compared with, in bytes.
const TEXT_MAX: usize = 128;

pub const FILTERS: [QueryParameter; 6] = [
    QueryParameter::text("action", "One action, or the noun of several.", "api_key"),
    QueryParameter::text("actor", "Who: an id.", "operator:local"),
    QueryParameter::text("target", "The id of what was acted on.", "key_01kagq5rh8e5htqh9sk95d3x4w"),
    QueryParameter::text("outcome", "done, refused, or the code of a refusal.", "done"),
    QueryParameter::text("since", "From this day on.", "2026-01-01"),
    QueryParameter::text("until", "To this day, in full.", "2026-12-01"),
];

/// What a query asks for, and the form that shows it. Empty filters are none: a form sends them along.
pub fn read(query: &Query) -> (AuditQuery, FormState) {
    let sent = |name: &'static str| query.get(name).map(str::trim).filter(|text| !text.is_empty());
    let names = FILTERS.map(|filter| filter.name);
    let mut state =
        FormState::of(names.iter().filter_map(|name| sent(name).map(|text| (*name, text.to_owned()))));
    let mut wrong: Vec<(&str, &'static str)> = Vec::new();
    let mut text = |name: &'static str| {
        let fit = |text: &&str| text.len() <= TEXT_MAX && inert(text) == **text;
        let found = sent(name);
        if found.is_some_and(|text| !fit(&text)) {
            wrong.push((name, "Give an id, as it stands in the log."));
        }
        found.filter(fit).map(str::to_owned)
    };
    let (actor, target) = (text("actor"), text("target"));
    let known = |text: &&str| Action::ALL.iter().any(|a| a.as_str() == *text || a.family() == *text);
    let action = sent("action").filter(known).map(str::to_owned);
    if sent("action").is_some() && action.is_none() {
        wrong.push(("action", "There is no such action."));
    }
    let known = |text: &&str| matches!(*text, "done" | "refused") || Code::parse(text).is_some();
    let outcome = sent("outcome").filter(known).map(str::to_owned);
    if sent("outcome").is_some() && outcome.is_none() {
        wrong.push(("outcome", "There is no such outcome."));
    }
    let mut day = |name: &'static str| {
        let found = sent(name)?;
        let read = (found.len() == 10).then(|| Timestamp::parse(&format!("{found}T00:00:00Z"))).flatten();
        if read.is_none() {
            wrong.push((name, "Give a day as 2026-11-21."));
        }
        read
    };
    let since = day("since");
    let until = day("until").map(|day| day.plus(Duration::from_hours(24)));
    for (field, text) in wrong {
        state = state.with_error(field, text);
    }
    (AuditQuery { action, actor, target, outcome, since, until }, state)
}

/// The query of the same filters, for links to other pages of the list; empty, or with `&` at its end.
pub fn query_text(state: &FormState) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for filter in &FILTERS {
        if let Some(text) = state.value(filter.name) {
            query.append_pair(filter.name, text);
        }
    }
    let text = query.finish();
    if text.is_empty() { text } else { text + "&" }
}

/// `api_key` as `api key`.
fn words(name: &str) -> String {
    name.replace('_', " ")
}

pub fn form(action: &str, state: &FormState) -> Markup {
    let families: BTreeSet<&str> = Action::ALL.iter().map(|action| action.family()).collect();
    let mut actions = Select::new("action", "What").option("", "Everything");
    for family in &families {
        actions = actions.option(*family, words(family));
    }
    // One that is not in the list, such as a single action out of a link.
    if let Some(one) = state.value("action").filter(|one| !families.contains(one)) {
        actions = actions.option(one, one);
    }
    let mut outcomes = Select::new("outcome", "Outcome")
        .option("", "Any")
        .option("done", "Done")
        .option("refused", "Refused");
    if let Some(one) = state.value("outcome").filter(|one| !matches!(*one, "done" | "refused")) {
        outcomes = outcomes.option(one, one);
    }
    html! {
        (error_summary(state))
        (search_form(action, "Filter the audit log", html! {
            (actions.fill(state))
            (Field::text("actor", "Who (id)").unmarked().mono().fill(state))
            (Field::text("target", "To what (id)").unmarked().mono().fill(state))
            (outcomes.fill(state))
            (Field::date("since", "From").unmarked().fill(state))
            (Field::date("until", "To").unmarked().fill(state))
            (secondary("Filter"))
            a class="button quiet" href=(action) { "Clear" }
        }))
    }
}
