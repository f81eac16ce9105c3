//! `/w/{workspace_id}/operator-visits`: when those who run the installation may look into the workspace, and how it
//! stands with them.

use axum::extract::State;
use gatepost_app::{App, OperatorVisitView, PageQuery, StandingView};
use gatepost_core::access::PermissionId;
use gatepost_core::access::permission::{OperatorVisitRead, OperatorVisitRevoke, WorkspaceRead};
use gatepost_core::{Code, OperatorVisitId};
use maud::{Markup, html};

use super::form::{Form, FormBody, Reader};
use super::nav::Section;
use super::notice::Notice;
use super::page as pages;
use super::parts::{
    Column, Icon, Table, Tone, badge, callout, card, empty, own, page_header, pagination, plain_form, quiet,
    stack, time, untitled_card,
};
use super::seat::Seat;
use crate::access::{Grant, form, page};
use crate::path::Id;
use crate::query::{LIST, Paging, Query};
use crate::reply::Answer;
use crate::route::Route;

const PATH: &str = "/operator-visits";

pub fn routes() -> Vec<Route<App>> {
    vec![
        page("/w/{workspace_id}/operator-visits", list)
            .id("operatorVisitsOfWorkspacePage")
            .open_when_suspended()
            .summary("See when operators may look into the workspace, and why")
            .query(&LIST),
        form("/w/{workspace_id}/operator-visits/{visit_id}/end", end)
            .id("operatorVisitEndOfWorkspaceForm")
            .open_when_suspended()
            .summary("End an operator's visit"),
    ]
}

/// A form that is a button alone.
struct Press;

impl FormBody for Press {
    const FIELDS: &'static [&'static str] = &[];

    fn read(_: &mut Reader<'_>) -> Option<Self> {
        Some(Self)
    }
}

fn state(visit: &OperatorVisitView) -> Markup {
    match (visit.open, visit.ended_at) {
        (true, _) => badge(Tone::Warn, "Open"),
        (false, Some(_)) => badge(Tone::Plain, "Ended"),
        (false, None) => badge(Tone::Plain, "Expired"),
    }
}

fn table(seat: &Seat, visits: &[OperatorVisitView]) -> Markup {
    let revoke = seat.may(PermissionId::OperatorVisitRevoke);
    let row = |visit: &OperatorVisitView| {
        vec![
            html! {
                @match &visit.operator_name {
                    Some(name) => (own(name)),
                    None => (visit.operator),
                }
            },
            state(visit),
            own(&visit.reason),
            html! { (if visit.content { "set-up, audit log, messages, events, members" } else { "set-up, audit log" }) },
            time(visit.opened_at),
            time(visit.ended_at.unwrap_or(visit.expires_at)),
            html! {
                @if revoke && visit.open {
                    (plain_form(&seat.view, &seat.path(&format!("{PATH}/{}/end", visit.id)), quiet("End")))
                }
            },
        ]
    };
    let columns = [
        Column::text("Operator"),
        Column::text("State"),
        Column::text("Reason"),
        Column::text("May read"),
        Column::text("Opened"),
        Column::text("Ends"),
        Column::buttons(),
    ];
    html! { (Table { caption: "Visits of operators", columns: &columns, rows: visits.iter().map(row).collect() }) }
}

/// What operators set for the workspace, where they set anything that its people must know.
fn standing(view: &StandingView) -> Markup {
    let told = |since, why: Option<&String>| {
        html! { p { "Since " (time(since)) @if let Some(why) = why { ": " (own(why)) } } }
    };
    html! {
        @if let Some(since) = view.paused_since {
            (callout(Tone::Bad, "The operator paused your sending. Receiving goes on.", told(since, view.paused_why.as_ref())))
        }
        @if let Some(since) = view.review_since {
            (callout(Tone::Warn, "The operator has put this workspace under review.", told(since, view.review_why.as_ref())))
        }
    }
}

async fn list(
    grant: Grant<OperatorVisitRead>,
    reading: Grant<WorkspaceRead>,
    State(app): State<App>,
    query: Query,
    seat: Seat,
) -> Answer {
    let asked: PageQuery = Paging::of(&query)?.into();
    let first = asked.after.as_ref().map(|_| seat.path(PATH));
    let visits = app.operator_visit_list(&grant, asked).await?;
    let now = app.workspace_standing(&reading).await?;
    let next = visits.next.as_ref().map(|after| {
        let after: String = url::form_urlencoded::byte_serialize(after.as_bytes()).collect();
        seat.path(&format!("{PATH}?after={after}"))
    });
    let lead = "When those who run this installation may look into the workspace, and why. A visit reads and changes \
                nothing; every request of it is in the audit log.";
    let content = html! {
        (page_header("Operator visits", Some(lead), html! {}))
        (stack(html! {
            (standing(&now))
            @if visits.items.is_empty() {
                (untitled_card(empty(Icon::Eye, "No operator has visited", "Should one, you see it here at once, with the reason.", html! {})))
            } @else {
                (card("Visits", table(&seat, &visits.items)))
            }
            (pagination(first.as_deref(), next.as_deref()))
        }))
    };
    Ok(pages::ok(seat.page(Section::OperatorVisits, "Operator visits", content)))
}

async fn end(
    grant: Grant<OperatorVisitRevoke>,
    State(app): State<App>,
    seat: Seat,
    Id(id): Id<OperatorVisitId>,
    _form: Form<Press>,
) -> Answer {
    match app.operator_visit_end(&grant, id).await {
        // It ended by itself meanwhile: that is what was wanted.
        Err(error) if error.code() == Code::Conflict => {}
        other => drop(other?),
    }
    Ok(pages::see_and_say(seat.path(PATH), Notice::VisitEnded))
}
