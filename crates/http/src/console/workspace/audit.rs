//! `/w/{workspace_id}/audit`: who did what to what, with what it was before and after.

use std::collections::BTreeSet;

use axum::extract::State;
use gatepost_app::{App, AuditView, ExportFormat, Page};
use gatepost_core::access::PermissionId;
use gatepost_core::access::permission::{AuditExport, AuditRead};
use gatepost_core::audit::inert;
use gatepost_core::guard::Feature;
use maud::{Markup, html};

use super::audit_filters as filters;
use crate::access::{Grant, page};
use crate::attachment::attachment;
use crate::console::nav::Section;
use crate::console::page as pages;
use crate::console::parts::{
    Column, Icon, Table, Tone, badge, button_link, card, code, copyable, empty, own, page_header, pagination,
    time,
};
use crate::console::seat::Seat;
use crate::query::{LIST, Paging, Query, QueryParameter, invalid};
use crate::reply::Answer;
use crate::route::Route;

const FORMAT: [QueryParameter; 1] =
    [QueryParameter::text("format", "`jsonl`, which is usual, or `csv`.", "jsonl")];

pub fn routes() -> Vec<Route<App>> {
    vec![
        page("/w/{workspace_id}/audit", audit_list)
            .id("auditPage")
            .open_when_suspended()
            .summary("Read the audit log")
            .query(&LIST)
            .query(&filters::FILTERS),
        page("/w/{workspace_id}/audit/export", audit_export)
            .id("auditExportPage")
            .feature(Feature::AuditExport)
            .open_when_suspended()
            .summary("Take the audit log away as a file")
            .query(&FORMAT)
            .answers_file("The log, as an attachment."),
    ]
}

/// Texts were made harmless when they were stored; whoever has the database may have put others there.
fn harmless(text: &str) -> Markup {
    own(&inert(text))
}

/// Every fact that an entry tells of: what changed with both of its values, then the rest.
fn details(view: &AuditView) -> Markup {
    let record = &view.record;
    let changed: BTreeSet<&str> =
        record.before.iter().chain(record.after.iter()).map(|(name, _)| name).collect();
    let value = |found: Option<&str>| match found {
        Some(text) if !text.is_empty() => harmless(text),
        _ => html! { span class="muted" { "nothing" } },
    };
    html! {
        details class="more" {
            summary { "Details" span class="unseen" { " of entry " (record.seq) } }
            dl {
                @for name in changed {
                    dt { (harmless(name)) }
                    dd {
                        del { (value(record.before.get(name))) }
                        span class="unseen" { " became " } (Icon::ArrowRight)
                        ins { (value(record.after.get(name))) }
                    }
                }
                @for (name, fact) in record.details.iter() {
                    dt { (harmless(name)) } dd { (harmless(fact)) }
                }
                @if let Some(mode) = &record.mode { dt { "Mode" } dd { (harmless(mode)) } }
                @if let Some(credential) = &record.credential { dt { "With" } dd { (code(&inert(credential))) } }
                @if let Some(request) = &record.request { dt { "Request" } dd { (copyable(&inert(request), "the request's id")) } }
                dt { "Entry" } dd { (record.seq) " · " (copyable(&record.id.to_string(), "the entry's id")) }
            }
        }
    }
}

fn row(view: &AuditView, me: &str) -> Vec<Markup> {
    let record = &view.record;
    let outcome = if record.outcome == "done" {
        badge(Tone::Good, "Done")
    } else {
        badge(Tone::Bad, &inert(&record.outcome))
    };
    vec![
        time(record.at),
        if record.actor == me {
            html! { "You" }
        } else {
            html! {
                @if let Some(name) = &view.actor_name { (own(name)) br; }
                (code(&inert(&record.actor)))
            }
        },
        html! { (harmless(&record.action)) },
        code(&inert(&record.target)),
        outcome,
        record
            .source
            .as_deref()
            .map_or_else(|| html! { span class="muted" { "–" } }, |source| code(&inert(source))),
        details(view),
    ]
}

fn table(page: &Page<AuditView>, me: &str) -> Markup {
    let columns = [
        Column::text("Time"),
        Column::text("Who"),
        Column::text("What"),
        Column::text("To what"),
        Column::text("Outcome"),
        Column::text("From"),
        Column::text("More"),
    ];
    let rows = page.items.iter().map(|view| row(view, me)).collect();
    html! { (Table { caption: "Entries of the audit log, the newest first", columns: &columns, rows }) }
}

async fn audit_list(grant: Grant<AuditRead>, State(app): State<App>, seat: Seat, query: Query) -> Answer {
    let path = seat.path("/audit");
    let (asked, state) = filters::read(&query);
    let paging = Paging::of(&query)?;
    let beginning = paging.after.is_none();
    let wrong = !state.errors().is_empty();
    // Filters that could not be read show nothing rather than more than was asked for.
    let entries = if wrong {
        Page { items: Vec::new(), next: None }
    } else {
        app.audit_list(&grant, asked, paging.into()).await?
    };
    let query_text = filters::query_text(&state);
    let export = html! {
        @if seat.may(PermissionId::AuditExport) {
            (button_link("secondary", Some(Icon::Download), "CSV", &format!("{path}/export?format=csv")))
            (button_link("secondary", Some(Icon::Download), "JSON Lines", &format!("{path}/export?format=jsonl")))
        }
    };
    let me = seat.user.id.to_string();
    let first = (!beginning).then(|| format!("{path}?{}", query_text.trim_end_matches('&')));
    let next = entries.next.as_ref().map(|next| format!("{path}?{query_text}after={next}"));
    let lead = "Who did what to what. Entries are never changed or removed; each covers all before it.";
    let content = html! {
        (page_header("Audit log", Some(lead), export))
        (card("Filter", filters::form(&path, &state)))
        section class="card" {
            div class="content" {
                @if entries.items.is_empty() {
                    (empty(Icon::History, "Nothing here", "No entry fits these filters.", html! {}))
                } @else {
                    (table(&entries, &me))
                }
            }
        }
        (pagination(first.as_deref(), next.as_deref()))
    };
    let document = seat.page(Section::Audit, "Audit log", content);
    Ok(if wrong { pages::invalid(document) } else { pages::ok(document) })
}

async fn audit_export(grant: Grant<AuditExport>, State(app): State<App>, query: Query) -> Answer {
    let format = match query.get("format") {
        None => ExportFormat::JsonLines,
        Some(text) => ExportFormat::ALL
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| invalid("format: expected jsonl or csv"))?,
    };
    let export = app.audit_export(&grant, format).await?;
    let (media_type, filename) = (export.format().media_type(), export.filename());
    Ok(attachment(Some(media_type), &filename, None, export.into_stream()))
}
