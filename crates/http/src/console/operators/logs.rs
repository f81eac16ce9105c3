//! Logs across workspaces.

use axum::extract::State;
use gatepost_app::{App, LogEntry, LogKind, LogQuery, LogSubject, Page};
use gatepost_core::access::operator_permission::LogRead;
use gatepost_core::audit::inert;
use maud::{Markup, html};

use super::{Desk, LOGS, WORKSPACES};
use crate::access::{Operator, page};
use crate::console::nav::Section;
use crate::console::page::{self as pages};
use crate::console::parts::{
    Column, Field, Icon, Table, actions, card, code, empty, own, page_header, pagination, search_form,
    secondary, tabs, time, untitled_card,
};
use crate::console::view::View;
use crate::query::{LIST, Query, QueryParameter};
use crate::reply::Answer;
use crate::route::Route;
use crate::routes::operators::log_query_of;

const QUERY: [QueryParameter; 5] = [
    QueryParameter::text("log", "Which log; failures where it is not said.", "failures"),
    QueryParameter::text("workspace_id", "Of this workspace only.", "ws_01kagq5rh8e5htqh9sk95d3x4w"),
    QueryParameter::text("state", "In this state only.", "failed"),
    QueryParameter::text("since", "From this time on (RFC 3339).", "2026-01-01T00:00:00Z"),
    QueryParameter::text("until", "Before this time (RFC 3339).", "2027-01-01T00:00:00Z"),
];

pub fn routes() -> Vec<Route<App>> {
    vec![
        page(LOGS, shown)
            .id("operatorLogsPage")
            .summary("Look through logs across workspaces")
            .query(&QUERY)
            .query(&LIST),
    ]
}

const fn label(kind: LogKind) -> &'static str {
    match kind {
        LogKind::Sends => "Sends",
        LogKind::Inbound => "Inbound",
        LogKind::Envelopes => "Callbacks waiting",
        LogKind::Deliveries => "Deliveries",
        LogKind::Failures => "Failures",
        LogKind::PolicyEvents => "Policy events",
        LogKind::Audit => "Audit",
    }
}

/// The address of a page of a log, with the filters that hold for it.
fn href(query: &LogQuery, kind: LogKind, after: Option<&str>) -> String {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    pairs.append_pair("log", kind.as_str());
    if let Some(workspace) = query.workspace {
        pairs.append_pair("workspace_id", &workspace.to_string());
    }
    if let Some(state) = query.state.as_deref().filter(|_| kind == query.kind) {
        pairs.append_pair("state", state);
    }
    for (name, at) in [("since", query.since), ("until", query.until)] {
        if let Some(at) = at {
            pairs.append_pair(name, &at.to_string());
        }
    }
    if let Some(after) = after {
        pairs.append_pair("after", after);
    }
    format!("{LOGS}?{}", pairs.finish())
}

fn row(entry: &LogEntry) -> Vec<Markup> {
    let workspace =
        html! { a href={ (WORKSPACES) "/" (entry.workspace) } { (code(&entry.workspace.to_string())) } };
    let (what, state, reason) = match &entry.subject {
        LogSubject::Message { mode, direction, state, kind, contact, code, provider_code, .. } => (
            html! {
                (direction.as_str()) " " (own(kind)) ", " (mode.as_str())
                @if let Some(contact) = contact { ", " (contact) }
            },
            html! { (state.as_str()) },
            html! {
                (code.as_deref().unwrap_or_default())
                @if let Some(provider) = provider_code { " (Meta " (provider) ")" }
            },
        ),
        LogSubject::Envelope { app } => {
            (html! { "under " (code(&app.to_string())) }, html! { "waiting" }, html! {})
        }
        LogSubject::Delivery { endpoint, mode, state, attempts, code: reason, .. } => (
            html! { "to " (code(&endpoint.to_string())) ", " (mode.as_str()) ", " (attempts) " tries" },
            html! { (state.as_str()) },
            html! { (own(reason.as_deref().unwrap_or_default())) },
        ),
        LogSubject::Policy(event) => (
            html! { "guard, " (own(event.purpose.as_deref().unwrap_or("inbound"))) " by " (own(&inert(&event.actor))) },
            html! { (own(event.decision.as_str())) },
            html! { (own(&event.code)) },
        ),
        LogSubject::Audit { actor, action, target, outcome } => (
            html! { (own(action)) " by " (own(&inert(actor))) ", " (own(&inert(target))) },
            html! {},
            html! { (own(outcome)) },
        ),
    };
    vec![code(&entry.id), time(entry.at), workspace, what, state, reason]
}

fn content(query: &LogQuery, page: &Page<LogEntry>) -> Markup {
    let columns = [
        Column::text("Entry"),
        Column::text("Time"),
        Column::text("Workspace"),
        Column::text("What"),
        Column::text("State"),
        Column::text("Code"),
    ];
    let workspace = query.workspace.map(|id| id.to_string()).unwrap_or_default();
    let instant = |at: Option<gatepost_core::Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let (since, until) = (instant(query.since), instant(query.until));
    html! {
        (page_header("Logs", Some("Ids, states, codes and masked numbers; each page that you read is in the platform's audit log."), html! {}))
        (tabs("Logs", LogKind::ALL.map(|kind| (label(kind), href(query, kind, None), kind == query.kind))))
        (search_form(LOGS, "Filter", html! {
            input type="hidden" name="log" value=(query.kind.as_str());
            (Field::text("workspace_id", "Workspace").mono().value(&workspace))
            @if matches!(query.kind, LogKind::Sends | LogKind::Inbound | LogKind::Deliveries) {
                (Field::text("state", "State").short().value(query.state.as_deref().unwrap_or_default()))
            }
            (Field::text("since", "Since").short().value(&since))
            (Field::text("until", "Until").short().value(&until))
            (actions(secondary("Filter")))
        }))
        @if page.items.is_empty() {
            (untitled_card(empty(Icon::ScrollText, "Nothing here", "No entry of this log is in this stretch of time.", html! {})))
        } @else {
            (card(label(query.kind), html! { (Table { caption: label(query.kind), columns: &columns, rows: page.items.iter().map(row).collect() }) }))
        }
        @let first = query.page.after.as_ref().map(|_| href(query, query.kind, None));
        @let next = page.next.as_deref().map(|after| href(query, query.kind, Some(after)));
        (pagination(first.as_deref(), next.as_deref()))
    }
}

async fn shown(operator: Operator<LogRead>, State(app): State<App>, query: Query, view: View) -> Answer {
    let desk = Desk::of(&app, &operator).await?;
    let asked = log_query_of(query.get("log").unwrap_or(LogKind::Failures.as_str()), &query)?;
    let page = app.operator_log(&operator, asked.clone()).await?;
    Ok(pages::ok(desk.page(&view, Section::Logs, "Logs", content(&asked, &page))))
}
