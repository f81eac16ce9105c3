//! One workspace: how it stands, and what an operator may set of that.

use axum::extract::State;
use gatepost_app::{App, OperatorVisitOpen, OperatorVisitView, WorkspaceDetail};
use gatepost_core::access::operator_permission::{
    SendingManage, VisitOpen, WorkspaceEnter, WorkspaceManage, WorkspaceRead,
};
use gatepost_core::access::{OperatorReason, VISIT_LASTS};
use gatepost_core::guard::PlanName;
use gatepost_core::{Error, Result, WorkspaceId};
use maud::{Markup, html};
use std::time::Duration;

use super::workspaces::standing;
use super::{Desk, LOGS, WORKSPACE, WORKSPACES};
use crate::access::{Operator, form, page};
use crate::console::form::{Form, FormBody, FormState, Reader};
use crate::console::nav::Section;
use crate::console::notice::Notice;
use crate::console::page::{self as pages};
use crate::console::parts::{
    self, Field, Icon, Select, Tone, actions, button_link, callout, card, checkbox, code, copyable, danger,
    facts, own, page_header, plain_form, secondary, submit, time,
};
use crate::console::view::View;
use crate::path::Id;
use crate::reply::Answer;
use crate::route::Route;

const REASON: &str = "Say why in 10 to 500 characters.";
const REASON_HINT: &str = "10 to 500 characters; the owners read it.";

pub fn routes() -> Vec<Route<App>> {
    vec![
        page(WORKSPACE, shown).id("operatorWorkspacePage").summary("See how a workspace stands"),
        form("/workspaces/{workspace_id}/pause-sending", pause)
            .id("operatorPauseForm")
            .summary("Pause a workspace's sending"),
        form("/workspaces/{workspace_id}/resume-sending", resume)
            .id("operatorResumeForm")
            .summary("Let a workspace send again"),
        form("/workspaces/{workspace_id}/review", review_begin)
            .id("operatorReviewForm")
            .summary("Put a workspace under review"),
        form("/workspaces/{workspace_id}/review/end", review_end)
            .id("operatorReviewEndForm")
            .summary("End the review of a workspace"),
        form("/workspaces/{workspace_id}/plan", plan)
            .id("operatorPlanForm")
            .summary("Give a workspace a plan"),
        form("/workspaces/{workspace_id}/visit", visit).id("operatorVisitForm").summary("Open a visit"),
        form("/workspaces/{workspace_id}/visit/end", visit_end)
            .id("operatorVisitEndForm")
            .summary("End your visit"),
    ]
}

fn reason(reader: &mut Reader<'_>, field: &str) -> Option<OperatorReason> {
    reader.parsed(field, REASON, |text| OperatorReason::parse(text).ok())
}

/// Why sending is to be paused. The page has several forms that ask for a reason, each by a field of its own name.
struct PauseAsk(OperatorReason);

impl FormBody for PauseAsk {
    const FIELDS: &'static [&'static str] = &["pause_reason"];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reason(reader, "pause_reason").map(Self)
    }
}

/// Why there is to be a review.
struct ReviewAsk(OperatorReason);

impl FormBody for ReviewAsk {
    const FIELDS: &'static [&'static str] = &["review_reason"];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reason(reader, "review_reason").map(Self)
    }
}

/// A form of one button.
struct Press;

impl FormBody for Press {
    const FIELDS: &'static [&'static str] = &[];

    fn read(_: &mut Reader<'_>) -> Option<Self> {
        Some(Self)
    }
}

struct PlanAsk {
    plan: Option<PlanName>,
}

impl FormBody for PlanAsk {
    const FIELDS: &'static [&'static str] = &["plan"];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        if reader.text("plan").is_empty() {
            return Some(Self { plan: None });
        }
        let plan = reader.parsed("plan", "Choose a plan.", |text| PlanName::parse(text).ok());
        Some(Self { plan: Some(plan?) })
    }
}

struct VisitAsk {
    reason: OperatorReason,
    content: bool,
    lasts: Duration,
}

impl FormBody for VisitAsk {
    const FIELDS: &'static [&'static str] = &["reason", "content", "minutes"];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let reason = reason(reader, "reason");
        let content = reader.ticked("content");
        let minutes = reader.parsed("minutes", "Choose how long.", |text| text.parse::<u64>().ok());
        Some(Self { reason: reason?, content, lasts: Duration::from_mins(minutes?) })
    }
}

/// What a page shows: the workspace, and the visit of it that the operator has open.
struct Shown {
    detail: WorkspaceDetail,
    visit: Option<OperatorVisitView>,
    /// The names of the plans.
    plans: Vec<String>,
}

/// The form that was refused, by the last part of its path, and what was wrong with it.
type Refused = Option<(&'static str, FormState)>;

fn state_of(refused: &Refused, form: &str) -> FormState {
    refused.as_ref().filter(|(name, _)| *name == form).map(|(_, state)| state.clone()).unwrap_or_default()
}

fn document(view: &View, desk: &Desk, shown: &Shown, refused: &Refused) -> Markup {
    let workspace = &shown.detail.workspace;
    let base = format!("{WORKSPACES}/{}", workspace.id);
    let logs = format!("{LOGS}?log=failures&workspace_id={}", workspace.id);
    let title = workspace.name.as_str();
    let content = html! {
        (page_header(title, None, button_link("secondary", Some(Icon::ScrollText), "Logs", &logs)))
        (overview(shown))
        (visit_card(view, &base, shown.visit.as_ref(), &state_of(refused, "visit")))
        (sending_card(view, &base, &shown.detail, &state_of(refused, "pause-sending")))
        (review_card(view, &base, &shown.detail, &state_of(refused, "review")))
        @if desk.administers() { (plan_card(view, &base, shown, &state_of(refused, "plan"))) }
    };
    desk.page(view, Section::Workspaces, title, content)
}

fn overview(shown: &Shown) -> Markup {
    let detail = &shown.detail;
    let mut rows = vec![
        ("Id", copyable(&detail.workspace.id.to_string(), "the id")),
        ("Standing", standing(&detail.standing)),
        ("Plan", html! { (detail.standing.plan.as_deref().unwrap_or("none")) }),
        ("Subscription", html! { (detail.standing.subscription.said()) }),
        ("Made", time(detail.workspace.created_at)),
    ];
    if let Some(counts) = &detail.counts {
        rows.extend([
            ("Members", html! { (counts.members) }),
            ("Channels", html! { (counts.channels) }),
            ("Webhook endpoints", html! { (counts.endpoints) }),
            ("API keys", html! { (counts.keys) }),
        ]);
    }
    card("Overview", facts(&rows))
}

fn visit_card(view: &View, base: &str, visit: Option<&OperatorVisitView>, state: &FormState) -> Markup {
    let content = match visit {
        Some(visit) => html! {
            (facts(&[
                ("Reason", own(&visit.reason)),
                ("May read", html! { (if visit.content { "set-up, audit log, messages, events and members" } else { "set-up and audit log" }) }),
                ("Ends", time(visit.expires_at)),
            ]))
            p { "Read through the API of this listener, below " (code(&format!("/operator/v1{base}"))) ". Every request is in the workspace's audit log." }
            (plain_form(view, &format!("{base}/visit/end"), secondary("End the visit")))
        },
        None => html! {
            p { "A visit lets you read inside the workspace. Its owners see it at once, with your reason, and may end it." }
            (parts::form(view, &format!("{base}/visit"), state, html! {
                (Field::text("reason", "Reason").hint(REASON_HINT).required().max(500).fill(state))
                (Select::new("minutes", "For how long").option("15", "15 minutes").option("60", "1 hour")
                    .option("240", "4 hours").option("480", "8 hours").chosen("60").fill(state))
                (checkbox("content", "With content", Some("Messages, events, members and what receivers answered, too."), false, state))
                (actions(submit("Open a visit")))
            }))
        },
    };
    card("Your visit", content)
}

fn sending_card(view: &View, base: &str, detail: &WorkspaceDetail, state: &FormState) -> Markup {
    let content = match (&detail.standing.paused_since, &detail.standing.paused_why) {
        (Some(since), why) => html! {
            (callout(Tone::Bad, "Sending is paused.", html! {
                p { "Since " (time(*since)) ": " (own(why.as_deref().unwrap_or_default())) }
            }))
            (plain_form(view, &format!("{base}/resume-sending"), secondary("Let it send again")))
        },
        (None, _) => html! {
            p { "Every send is refused from then on; what is queued waits, and receiving goes on. Owners see the reason." }
            (parts::form(view, &format!("{base}/pause-sending"), state, html! {
                (Field::text("pause_reason", "Reason").hint(REASON_HINT).required().max(500).fill(state))
                (actions(danger("Pause sending")))
            }))
        },
    };
    card("Sending", content)
}

fn review_card(view: &View, base: &str, detail: &WorkspaceDetail, state: &FormState) -> Markup {
    let content = match (&detail.standing.review_since, &detail.standing.review_why) {
        (Some(since), why) => html! {
            p { "Since " (time(*since)) ": " (own(why.as_deref().unwrap_or_default())) }
            (plain_form(view, &format!("{base}/review/end"), secondary("End the review")))
        },
        (None, _) => html! {
            p { "A word to the owners and to other operators; by itself it stops nothing." }
            (parts::form(view, &format!("{base}/review"), state, html! {
                (Field::text("review_reason", "Reason").hint(REASON_HINT).required().max(500).fill(state))
                (actions(secondary("Put under review")))
            }))
        },
    };
    card("Review", content)
}

fn plan_card(view: &View, base: &str, shown: &Shown, state: &FormState) -> Markup {
    let mut select = Select::new("plan", "Plan")
        .hint("What it may use, and how much of it; gatepost plan set makes one.")
        .option("", "None");
    for plan in &shown.plans {
        select = select.option(plan.clone(), plan.clone());
    }
    let select = select.chosen(shown.detail.standing.plan.as_deref().unwrap_or_default()).fill(state);
    card(
        "Plan",
        parts::form(
            view,
            &format!("{base}/plan"),
            state,
            html! { (select) (actions(secondary("Save the plan"))) },
        ),
    )
}

/// What an operator needs to see the page.
type Seeing = (Operator<WorkspaceRead>, Operator<WorkspaceEnter>);

async fn load(app: &App, (reading, entering): &Seeing, id: WorkspaceId) -> Result<(Desk, Shown)> {
    let detail = app.workspace_detail(reading, id).await?;
    let visits = app.operator_visits_own(entering).await?;
    let visit = visits.into_iter().find(|visit| visit.workspace == id);
    let plans = app.plan_list(reading).await?.into_iter().map(|plan| plan.name).collect();
    Ok((Desk::of(app, reading).await?, Shown { detail, visit, plans }))
}

async fn shown(
    reading: Operator<WorkspaceRead>,
    entering: Operator<WorkspaceEnter>,
    State(app): State<App>,
    Id(id): Id<WorkspaceId>,
    view: View,
) -> Answer {
    let (desk, shown) = load(&app, &(reading, entering), id).await?;
    Ok(pages::ok(document(&view, &desk, &shown, &None)))
}

/// Back to the page: with what was done, or with the form that was refused.
async fn answer<T>(
    app: &App,
    seeing: &Seeing,
    id: WorkspaceId,
    view: &View,
    form: &'static str,
    done: std::result::Result<T, (FormState, Option<Error>)>,
    notice: Notice,
) -> Answer {
    let state = match done {
        Ok(_) => return Ok(pages::see_and_say(format!("{WORKSPACES}/{id}"), notice)),
        Err((state, None)) => state,
        Err((state, Some(error))) => state.refused(error)?,
    };
    let (desk, shown) = load(app, seeing, id).await?;
    Ok(pages::invalid(document(view, &desk, &shown, &Some((form, state)))))
}

/// Reads a form and does with it what is to be done.
async fn run<T, V>(
    form: Form<T>,
    work: impl AsyncFnOnce(T) -> Result<V>,
) -> std::result::Result<V, (FormState, Option<Error>)> {
    let (ask, state) = form.into_result().map_err(|state| (state, None))?;
    work(ask).await.map_err(|error| (state, Some(error)))
}

macro_rules! settings {
    ($($name:ident: $permission:ident, $form:literal, $ask:ty, $notice:ident, $work:expr;)*) => {$(
        async fn $name(
            operator: Operator<$permission>,
            reading: Operator<WorkspaceRead>,
            entering: Operator<WorkspaceEnter>,
            State(app): State<App>,
            Id(id): Id<WorkspaceId>,
            view: View,
            form: Form<$ask>,
        ) -> Answer {
            let done = run(form, async |ask: $ask| ($work)(&app, &operator, id, ask).await).await;
            answer(&app, &(reading, entering), id, &view, $form, done, Notice::$notice).await
        }
    )*};
}

settings! {
    pause: SendingManage, "pause-sending", PauseAsk, SendingPaused,
        async |app: &App, by: &Operator<SendingManage>, id, PauseAsk(why): PauseAsk| app.workspace_sending_pause(by, id, why).await;
    resume: SendingManage, "resume-sending", Press, SendingResumed,
        async |app: &App, by: &Operator<SendingManage>, id, _: Press| app.workspace_sending_resume(by, id).await;
    review_begin: SendingManage, "review", ReviewAsk, ReviewSaved,
        async |app: &App, by: &Operator<SendingManage>, id, ReviewAsk(why): ReviewAsk| app.workspace_review_set(by, id, Some(why)).await;
    review_end: SendingManage, "review", Press, ReviewSaved,
        async |app: &App, by: &Operator<SendingManage>, id, _: Press| app.workspace_review_set(by, id, None).await;
    plan: WorkspaceManage, "plan", PlanAsk, PlanSaved,
        async |app: &App, by: &Operator<WorkspaceManage>, id, ask: PlanAsk| app.workspace_plan_set(by, id, ask.plan).await;
    visit: VisitOpen, "visit", VisitAsk, VisitOpened,
        async |app: &App, by: &Operator<VisitOpen>, id, ask: VisitAsk| {
            let lasts = if ask.lasts.is_zero() { VISIT_LASTS } else { ask.lasts };
            let open = OperatorVisitOpen { workspace: id, reason: ask.reason, content: ask.content, lasts };
            app.operator_visit_open(by, open).await
        };
    visit_end: WorkspaceEnter, "visit", Press, VisitEnded,
        async |app: &App, by: &Operator<WorkspaceEnter>, id, _: Press| app.operator_visit_leave(by, id).await;
}
