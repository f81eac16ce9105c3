//! The operator's own visits.

use axum::extract::State;
use gatepost_app::{App, OperatorVisitView};
use gatepost_core::access::operator_permission::WorkspaceEnter;
use maud::html;

use super::{Desk, VISITS, WORKSPACES};
use crate::access::{Operator, page};
use crate::console::nav::Section;
use crate::console::page::{self as pages};
use crate::console::parts::{
    Column, Icon, Table, card, code, empty, own, page_header, plain_form, quiet, time, untitled_card,
};
use crate::console::view::View;
use crate::reply::Answer;
use crate::route::Route;

pub fn routes() -> Vec<Route<App>> {
    vec![page(VISITS, list).id("operatorVisitsPage").summary("See your visits that are open")]
}

async fn list(operator: Operator<WorkspaceEnter>, State(app): State<App>, view: View) -> Answer {
    let desk = Desk::of(&app, &operator).await?;
    let visits = app.operator_visits_own(&operator).await?;
    let row = |visit: &OperatorVisitView| {
        let href = format!("{WORKSPACES}/{}", visit.workspace);
        vec![
            html! { a href=(href) { (code(&visit.workspace.to_string())) } },
            own(&visit.reason),
            html! { (if visit.content { "with content" } else { "set-up only" }) },
            time(visit.expires_at),
            plain_form(&view, &format!("{href}/visit/end"), quiet("End")),
        ]
    };
    let columns = [
        Column::text("Workspace"),
        Column::text("Reason"),
        Column::text("May read"),
        Column::text("Ends"),
        Column::buttons(),
    ];
    let content = html! {
        (page_header("Visits", Some("Workspaces that you may read in at this moment."), html! {}))
        @if visits.is_empty() {
            (untitled_card(empty(Icon::Eye, "No visit is open", "Open one from the page of a workspace, with a reason.", html! {})))
        } @else {
            (card("Open", html! { (Table { caption: "Your visits", columns: &columns, rows: visits.iter().map(row).collect() }) }))
        }
    };
    Ok(pages::ok(desk.page(&view, Section::Visits, "Visits", content)))
}
