//! `/w/{workspace_id}`: what is set up, and what comes next.

use axum::extract::State;
use gatepost_app::{App, PageQuery, StandingView};
use gatepost_core::access::PermissionId;
use gatepost_core::access::permission::{ChannelRead, EndpointRead, KeyRead, MessageRead, WorkspaceRead};
use gatepost_core::guard::SubscriptionState;
use gatepost_core::{Result, Timestamp};
use maud::{Markup, html};

use crate::access::{Grant, page};
use crate::console::members::title;
use crate::console::nav::Section;
use crate::console::page as pages;
use crate::console::parts::{
    Icon, Tone, badge, button_link, callout, card, code, copyable, day, facts, own, page_header, stack,
};
use crate::console::seat::Seat;
use crate::reply::Answer;
use crate::route::Route;

pub fn routes() -> Vec<Route<App>> {
    vec![
        page("/w/{workspace_id}", overview)
            .id("workspacePage")
            .open_when_suspended()
            .summary("See what a workspace has and what comes next"),
    ]
}

/// One thing to set up. Steps that a viewer may not see are left out.
struct Step {
    title: &'static str,
    text: &'static str,
    done: bool,
    action: Option<Markup>,
}

const ONE: PageQuery = PageQuery { limit: 1, after: None };

async fn steps(app: &App, seat: &Seat) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    if let Some(grant) = seat.grant::<ChannelRead>() {
        steps.push(Step {
            title: "A channel",
            text: "The WhatsApp number that messages go out from. A test channel reaches no real phone.",
            done: !app.channel_list(&grant, ONE).await?.items.is_empty(),
            action: None,
        });
    }
    if let Some(grant) = seat.grant::<KeyRead>() {
        let make = seat.may(PermissionId::KeyManage);
        steps.push(Step {
            title: "An API key",
            text: "What your own software shows to be let in.",
            done: !app.key_list(&grant, ONE).await?.items.is_empty(),
            action: make.then(|| button_link("secondary", None, "Make a key", &seat.path("/keys/new"))),
        });
    }
    if let Some(grant) = seat.grant::<MessageRead>() {
        steps.push(Step {
            title: "A first message",
            text: "Send one with your key: POST /v1/messages.",
            done: !app.message_list(&grant, ONE).await?.items.is_empty(),
            action: None,
        });
    }
    if let Some(grant) = seat.grant::<EndpointRead>() {
        steps.push(Step {
            title: "A webhook",
            text: "Where Gatepost tells you what became of messages, and what people answer.",
            done: !app.endpoint_list(&grant, ONE).await?.items.is_empty(),
            action: None,
        });
    }
    Ok(steps)
}

/// What is to be said about the subscription; most often nothing.
fn subscription(standing: &StandingView, now: Timestamp) -> Markup {
    let subscription = standing.subscription;
    if !subscription.passes(now) {
        return callout(
            Tone::Bad,
            "The subscription is over.",
            html! {
                p {
                    "It is " (subscription.said()) ". Until it is settled nothing is sent and little opens here; receiving, "
                    "opt-outs, events and the audit log go on."
                }
            },
        );
    }
    match subscription.state {
        SubscriptionState::PastDue => callout(
            Tone::Warn,
            "A payment is late.",
            html! {
                p { "The subscription is " (subscription.said()) "." }
            },
        ),
        _ => html! {},
    }
}

async fn overview(grant: Grant<WorkspaceRead>, State(app): State<App>, seat: Seat) -> Answer {
    let standing = app.workspace_standing(&grant).await?;
    let steps = steps(&app, &seat).await?;
    let done = steps.iter().filter(|step| step.done).count();
    let next = steps.iter().position(|step| !step.done);
    let role = seat.role().map_or("", title);
    let content = stack(html! {
        (page_header(&seat.workspace_name, None, html! {}))
        (subscription(&standing, app.now()))
        (card("Set up", html! {
            p { (done) " of " (steps.len()) " done." @if next.is_none() { " All is set up." } }
            ol class="steps" {
                @for (at, step) in steps.iter().enumerate() {
                    li class=[step.done.then_some("done")] {
                        span class="tick-mark" aria-hidden="true" { @if step.done { (Icon::Check) } @else { (at + 1) } }
                        div {
                            p class="title" {
                                (step.title)
                                @if step.done { (badge(Tone::Good, "Done")) }
                                @else if next == Some(at) { (badge(Tone::Info, "Next")) }
                            }
                            p class="muted" { (step.text) }
                        }
                        @if let (false, Some(action)) = (step.done, &step.action) { (action) }
                    }
                }
            }
        }))
        (card("This workspace", facts(&[
            ("Name", own(&seat.workspace_name)),
            ("Id", copyable(&seat.workspace().to_string(), "the workspace's id")),
            ("Your role", badge(Tone::Plain, role)),
            ("You", html! { (own(&seat.user.email)) ", since " (day(seat.user.created_at)) }),
            ("API", html! { (code("/v1")) ", described at " a href="/openapi.json" { (code("/openapi.json")) } }),
        ])))
    });
    Ok(pages::ok(seat.page(Section::Overview, "Overview", content)))
}
