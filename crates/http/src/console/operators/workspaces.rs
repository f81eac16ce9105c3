//! The list of workspaces, and making one.

use axum::extract::State;
use gatepost_app::{AcceptableUse, App, StandingView, WorkspaceDetail};
use gatepost_core::access::operator_permission::{WorkspaceManage, WorkspaceRead};
use gatepost_core::guard::SubscriptionState;
use gatepost_core::text;
use maud::{Markup, html};

use super::{Desk, WORKSPACES};
use crate::access::{Operator, form, page};
use crate::console::acceptable_use;
use crate::console::form::{Form, FormBody, FormState, Reader};
use crate::console::nav::Section;
use crate::console::notice::Notice;
use crate::console::page::{self as pages};
use crate::console::parts::{
    self, Column, Field, Icon, Table, Tone, actions, badge, card, code, empty, own, page_header, submit,
    time, untitled_card,
};
use crate::console::view::View;
use crate::reply::Answer;
use crate::route::Route;

pub fn routes() -> Vec<Route<App>> {
    vec![
        page(WORKSPACES, list).id("operatorWorkspacesPage").summary("See the workspaces"),
        form(WORKSPACES, create).id("operatorWorkspaceCreateForm").summary("Make a workspace"),
    ]
}

struct Ask {
    name: String,
    acceptable_use: Option<String>,
}

impl FormBody for Ask {
    const FIELDS: &'static [&'static str] = &["name", acceptable_use::ACCEPTED, acceptable_use::VERSION];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let name = reader.parsed("name", "Give it a name of 1 to 100 characters.", |written| {
            text::name(written, 100).ok()
        });
        let acceptable_use = acceptable_use::read(reader);
        Some(Self { name: name?, acceptable_use })
    }
}

/// What a workspace's standing comes to, in words.
pub(super) fn standing(view: &StandingView) -> Markup {
    html! {
        @if view.paused_since.is_some() { (badge(Tone::Bad, "Sending paused")) " " }
        @if view.review_since.is_some() { (badge(Tone::Warn, "Under review")) " " }
        @if view.subscription.state != SubscriptionState::Active {
            (badge(Tone::Warn, &view.subscription.said())) " "
        } @else if view.paused_since.is_none() && view.review_since.is_none() {
            (badge(Tone::Good, "In order"))
        }
    }
}

fn document(
    view: &View,
    desk: &Desk,
    all: &[WorkspaceDetail],
    rules: Option<&AcceptableUse>,
    state: &FormState,
) -> Markup {
    let row = |detail: &WorkspaceDetail| {
        let href = format!("{WORKSPACES}/{}", detail.workspace.id);
        vec![
            html! { a href=(href) { (own(&detail.workspace.name)) } },
            code(&detail.workspace.id.to_string()),
            standing(&detail.standing),
            html! { (detail.standing.plan.as_deref().unwrap_or("–")) },
            time(detail.workspace.created_at),
        ]
    };
    let columns = [
        Column::text("Workspace"),
        Column::text("Id"),
        Column::text("Standing"),
        Column::text("Plan"),
        Column::text("Made"),
    ];
    let content = html! {
        (page_header("Workspaces", Some("Every tenant of this installation."), html! {}))
        @if all.is_empty() {
            (untitled_card(empty(Icon::Building2, "No workspace yet", "A workspace is a tenant with its own channels, keys and members.", html! {})))
        } @else {
            (card("All", html! { (Table { caption: "Workspaces", columns: &columns, rows: all.iter().map(row).collect() }) }))
        }
        @if desk.administers() {
            (card("New workspace", parts::form(view, WORKSPACES, state, html! {
                (Field::text("name", "Name").required().max(100).fill(state))
                (acceptable_use::fields(rules, state))
                (actions(submit("Make the workspace")))
            })))
        }
    };
    desk.page(view, Section::Workspaces, "Workspaces", content)
}

async fn list(operator: Operator<WorkspaceRead>, State(app): State<App>, view: View) -> Answer {
    let desk = Desk::of(&app, &operator).await?;
    let all = app.workspace_overview(&operator).await?;
    Ok(pages::ok(document(&view, &desk, &all, app.acceptable_use().as_deref(), &FormState::default())))
}

async fn create(
    operator: Operator<WorkspaceManage>,
    reading: Operator<WorkspaceRead>,
    State(app): State<App>,
    view: View,
    form: Form<Ask>,
) -> Answer {
    let refused = match form.into_result() {
        Ok((ask, state)) => match app
            .workspace_create(&operator, ask.name, ask.acceptable_use.as_deref())
            .await
        {
            Ok(made) => {
                return Ok(pages::see_and_say(format!("{WORKSPACES}/{}", made.id), Notice::WorkspaceMade));
            }
            Err(error) => state.refused(error)?,
        },
        Err(state) => state,
    };
    let desk = Desk::of(&app, &operator).await?;
    let all = app.workspace_overview(&reading).await?;
    Ok(pages::invalid(document(&view, &desk, &all, app.acceptable_use().as_deref(), &refused)))
}
