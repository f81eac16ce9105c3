//! `/w/{workspace_id}/settings`: the name, the rule for members, handing over, leaving, deleting; and another workspace.

use axum::extract::State;
use gatepost_app::{App, MemberView, WorkspaceChange, WorkspaceSettings};
use gatepost_core::access::permission::{MemberRead, WorkspaceManage, WorkspaceRead};
use gatepost_core::access::{PermissionId, Role};
use gatepost_core::guard::Zone;
use gatepost_core::{Code, Error, UserId, WorkspaceId, text};
use maud::{Markup, html};

use super::list::Nothing;
use crate::access::{Grant, SignedIn, form, page};
use crate::console::acceptable_use;
use crate::console::form::{Form, FormBody, FormState, Reader};
use crate::console::layout::WORKSPACES_PATH;
use crate::console::nav::Section;
use crate::console::notice::Notice;
use crate::console::page as pages;
use crate::console::parts::{
    self, Field, Icon, Select, Tone, actions, button_link, callout, card, checkbox, copyable, danger, facts,
    own, page_header, plain_form, stack, submit, time,
};
use crate::console::seat::{Account, Seat};
use crate::path::Id;
use crate::reply::Answer;
use crate::route::Route;
use crate::session::From as CallerFrom;

const DELETE: &str = "/w/{workspace_id}/settings/delete";
const LEAVE: &str = "/workspaces/{workspace_id}/leave";
const NEW: &str = "/workspaces/new";
/// Longest name, in characters.
const NAME_MAX: usize = 100;

pub fn routes() -> Vec<Route<App>> {
    vec![
        page("/w/{workspace_id}/settings", settings_get)
            .id("settingsPage")
            .open_when_suspended()
            .summary("See the workspace's settings"),
        form("/w/{workspace_id}/settings", settings_set)
            .id("settingsForm")
            .summary("Change the workspace's settings"),
        form("/w/{workspace_id}/settings/transfer", transfer)
            .id("ownershipTransferForm")
            .summary("Hand the workspace over"),
        page(DELETE, delete_page)
            .id("workspaceDeletePage")
            .open_when_suspended()
            .summary("Delete the workspace: what it means"),
        form(DELETE, delete).id("workspaceDeleteForm").open_when_suspended().summary("Delete the workspace"),
        page(LEAVE, leave_page)
            .id("workspaceLeavePage")
            .open_when_suspended()
            .summary("Leave a workspace: what it means"),
        form(LEAVE, leave).id("workspaceLeaveForm").open_when_suspended().summary("Leave a workspace"),
        page(NEW, new_page).id("workspaceNewPage").summary("Make a workspace: the form"),
        form(NEW, new).id("workspaceNewForm").summary("Make a workspace"),
    ]
}

struct SettingsAsk {
    name: String,
    second_factor: bool,
    confirm: bool,
    /// Left empty it stays as it is.
    time_zone: Option<Zone>,
}

impl FormBody for SettingsAsk {
    const FIELDS: &'static [&'static str] = &["name", "second_factor", "confirm", "time_zone"];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let name = name(reader);
        let (second_factor, confirm) = (reader.ticked("second_factor"), reader.ticked("confirm"));
        if reader.text("time_zone").is_empty() {
            return Some(Self { name: name?, second_factor, confirm, time_zone: None });
        }
        let zone = reader.parsed("time_zone", "Give a time zone such as Europe/Berlin or UTC.", |written| {
            Zone::parse(written).ok()
        });
        Some(Self { name: name?, second_factor, confirm, time_zone: Some(zone?) })
    }
}

fn name(reader: &mut Reader<'_>) -> Option<String> {
    reader.parsed("name", "Give a name of 1 to 100 characters.", |written| text::name(written, NAME_MAX).ok())
}

struct Shown {
    settings: WorkspaceSettings,
    /// How many members a rule would shut out, and to whom the workspace can be handed; for owners.
    without: i64,
    heirs: Vec<MemberView>,
}

async fn shown(app: &App, seat: &Seat) -> gatepost_core::Result<Shown> {
    let missing = || Error::of(Code::PermissionMissing);
    let settings = app.workspace_settings(&seat.grant::<WorkspaceRead>().ok_or_else(missing)?).await?;
    let (mut without, mut heirs) = (0, Vec::new());
    if seat.may(PermissionId::WorkspaceManage)
        && let Some(grant) = seat.grant::<MemberRead>()
    {
        without = app.members_without_second_factor(&grant).await?;
        heirs = app.member_list(&grant).await?;
        heirs.retain(|member| member.role != Role::Owner && !member.disabled);
    }
    Ok(Shown { settings, without, heirs })
}

/// What the form and the one below it show; of the two one was sent at most.
fn document(seat: &Seat, shown: &Shown, state: &FormState, transfer: &FormState) -> Markup {
    let settings = &shown.settings;
    let manage = seat.may(PermissionId::WorkspaceManage);
    let content = html! {
        (page_header("Settings", Some("What holds for the whole workspace."), html! {}))
        (stack(html! {
            (card("This workspace", facts(&[
                ("Id", copyable(&settings.id.to_string(), "the workspace's id")),
                ("Made", time(settings.created_at)),
                ("Time zone", html! { (settings.time_zone) }),
                ("Second factor", html! {
                    @if settings.second_factor_required { "Asked of every member" } @else { "Up to each member" }
                }),
            ])))
            @if manage {
                (card("Name and rules", settings_form(seat, shown, state)))
                (card("Hand over", transfer_form(seat, shown, transfer)))
            }
            (card("Leave", html! {
                p { "You lose this workspace at once. Only an invitation brings you back." }
                (actions(button_link("secondary", Some(Icon::LogOut), "Leave the workspace",
                    &format!("/workspaces/{}/leave", settings.id))))
            }))
            @if manage {
                (card("Delete", html! {
                    p { "Members and keys lose the workspace at once." }
                    (actions(button_link("secondary", Some(Icon::Trash2), "Delete the workspace",
                        &seat.path("/settings/delete"))))
                }))
            }
        }))
    };
    seat.page(Section::Settings, "Settings", content)
}

fn settings_form(seat: &Seat, shown: &Shown, state: &FormState) -> Markup {
    let settings = &shown.settings;
    let hint = match shown.without {
        0 => "Every member has one.".to_owned(),
        1 => "One member has none yet and would be shut out.".to_owned(),
        many => format!("{many} members have none yet and would be shut out."),
    };
    let fields = html! {
        (Field::text("name", "Name").required().value(&settings.name).fill(state))
        (Field::text("time_zone", "Time zone").hint("Such as Europe/Berlin; days and months of the plan are counted in it.")
            .value(&settings.time_zone).fill(state))
        (checkbox("second_factor", "Ask every member for a second factor", Some(&hint),
            settings.second_factor_required, state))
        @if !settings.second_factor_required && shown.without > 0 {
            (checkbox("confirm", "Shut out members who have none yet",
                Some("They get in again as soon as they have added one."), false, state))
        }
        (actions(submit("Save")))
    };
    parts::form(&seat.view, &seat.path("/settings"), state, fields)
}

fn transfer_form(seat: &Seat, shown: &Shown, state: &FormState) -> Markup {
    if shown.heirs.is_empty() {
        return html! { p { "Invite somebody first: the workspace is handed to a member." } };
    }
    let mut heirs = Select::new("user_id", "New owner").option("", "Choose a member");
    for member in &shown.heirs {
        heirs = heirs.option(member.user.to_string(), format!("{} ({})", member.name, member.email));
    }
    let fields = html! {
        p { "They become an owner in your place, and you an admin. To have a second owner, give them the role instead." }
        (heirs.fill(state))
        (actions(parts::secondary("Hand over")))
    };
    parts::form(&seat.view, &seat.path("/settings/transfer"), state, fields)
}

async fn settings_get(_grant: Grant<WorkspaceRead>, State(app): State<App>, seat: Seat) -> Answer {
    let shown = shown(&app, &seat).await?;
    Ok(pages::ok(document(&seat, &shown, &FormState::default(), &FormState::default())))
}

async fn settings_set(
    grant: Grant<WorkspaceManage>,
    State(app): State<App>,
    seat: Seat,
    form: Form<SettingsAsk>,
) -> Answer {
    let state = match form.into_result() {
        Ok((ask, state)) => {
            let change = WorkspaceChange {
                name: Some(ask.name),
                second_factor_required: Some(ask.second_factor),
                time_zone: ask.time_zone,
                confirm_lockout: ask.confirm,
            };
            match app.workspace_update(&grant, change).await {
                Ok(_) => return Ok(pages::see_and_say(seat.path("/settings"), Notice::SettingsSaved)),
                Err(error) if error.code() == Code::SecondFactorRequired => {
                    state.with_error("second_factor", "Sign in with a second factor yourself first.")
                }
                Err(error) => state.refused(error)?,
            }
        }
        Err(state) => state,
    };
    let shown = shown(&app, &seat).await?;
    Ok(pages::invalid(document(&seat, &shown, &state, &FormState::default())))
}

struct TransferAsk(UserId);

impl FormBody for TransferAsk {
    const FIELDS: &'static [&'static str] = &["user_id"];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reader.parsed("user_id", "Choose a member.", |text| text.parse().ok()).map(Self)
    }
}

async fn transfer(
    grant: Grant<WorkspaceManage>,
    State(app): State<App>,
    seat: Seat,
    form: Form<TransferAsk>,
) -> Answer {
    let state = match form.into_result() {
        Ok((TransferAsk(user), state)) => match app.ownership_transfer(&grant, user).await {
            Ok(_) => return Ok(pages::see_and_say(seat.path("/members"), Notice::HandedOver)),
            Err(error) if error.code() == Code::NotFound => state.with_error("user_id", "Choose a member."),
            Err(error) => state.refused(error)?,
        },
        Err(state) => state,
    };
    let shown = shown(&app, &seat).await?;
    Ok(pages::invalid(document(&seat, &shown, &FormState::default(), &state)))
}

struct DeleteAsk(String);

impl FormBody for DeleteAsk {
    const FIELDS: &'static [&'static str] = &["confirm"];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reader.required("confirm", "Type the name.").map(Self)
    }
}

fn delete_document(seat: &Seat, state: &FormState) -> Markup {
    let what = "Every member and every API key loses this workspace at once; nothing is sent or read any more through \
                them. Whoever runs this Gatepost can bring it back.";
    let (path, cancel) = (seat.path("/settings/delete"), seat.path("/settings"));
    let block =
        parts::confirm(&seat.view, &path, &seat.workspace_name, what, "Delete the workspace", &cancel, state);
    let content = html! {
        (page_header("Delete the workspace", None, html! {}))
        section class="card" { div class="content" { (block) } }
    };
    seat.page(Section::Settings, "Delete the workspace", content)
}

async fn delete_page(_grant: Grant<WorkspaceManage>, seat: Seat) -> Answer {
    Ok(pages::ok(delete_document(&seat, &FormState::default())))
}

async fn delete(
    grant: Grant<WorkspaceManage>,
    State(app): State<App>,
    seat: Seat,
    form: Form<DeleteAsk>,
) -> Answer {
    let state = match form.into_result() {
        Ok((DeleteAsk(name), state)) => match app.workspace_delete(&grant, &name).await {
            Ok(()) => return Ok(pages::see_and_say(WORKSPACES_PATH, Notice::WorkspaceDeleted)),
            Err(error) if error.code() == Code::InvalidField => {
                state.with_error("confirm", "This is not the workspace's name.")
            }
            Err(error) => state.refused(error)?,
        },
        Err(state) => state,
    };
    Ok(pages::invalid(delete_document(&seat, &state)))
}

fn leave_document(account: &Account, workspace: WorkspaceId, name: &str, state: &FormState) -> Markup {
    let content = html! {
        (page_header("Leave a workspace", None, html! {}))
        section class="card" {
            div class="content" {
                (parts::error_summary(state))
                (callout(Tone::Warn, "", html! {
                    p { "You lose " (own(name)) " at once, on every device. Only an invitation brings you back." }
                }))
                (plain_form(&account.view, &format!("/workspaces/{workspace}/leave"), actions(html! {
                    (danger("Leave"))
                    (button_link("secondary", None, "Cancel", WORKSPACES_PATH))
                })))
            }
        }
    };
    account.page(Section::Workspaces, "Leave a workspace", content)
}

/// The name of a workspace that the person has a seat in.
async fn name_of(app: &App, person: &SignedIn, workspace: WorkspaceId) -> gatepost_core::Result<String> {
    let seats = app.seats_of(&person.0).await?;
    let seat = seats.into_iter().find(|seat| seat.workspace == workspace);
    seat.map(|seat| seat.workspace_name).ok_or_else(|| Error::of(Code::NotFound))
}

async fn leave_page(
    person: SignedIn,
    State(app): State<App>,
    account: Account,
    Id(workspace): Id<WorkspaceId>,
) -> Answer {
    let name = name_of(&app, &person, workspace).await?;
    Ok(pages::ok(leave_document(&account, workspace, &name, &FormState::default())))
}

async fn leave(
    person: SignedIn,
    State(app): State<App>,
    account: Account,
    Id(workspace): Id<WorkspaceId>,
    CallerFrom(caller): CallerFrom,
    form: Form<Nothing>,
) -> Answer {
    let name = name_of(&app, &person, workspace).await?;
    match app.member_leave(&person.0, &caller, workspace).await {
        Ok(()) => Ok(pages::see_and_say(WORKSPACES_PATH, Notice::WorkspaceLeft)),
        Err(error) => {
            let state = form.state.refused(error)?;
            Ok(pages::invalid(leave_document(&account, workspace, &name, &state)))
        }
    }
}

/// A name, and the version of the rules that was accepted.
struct NewAsk(String, Option<String>);

impl FormBody for NewAsk {
    const FIELDS: &'static [&'static str] = &["name", acceptable_use::ACCEPTED, acceptable_use::VERSION];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (name, accepted) = (name(reader), acceptable_use::read(reader));
        Some(Self(name?, accepted))
    }
}

fn new_document(app: &App, account: &Account, state: &FormState) -> Markup {
    let fields = html! {
        (Field::text("name", "Name").required().fill(state))
        (acceptable_use::fields(app.acceptable_use().as_deref(), state))
        (actions(html! {
            (submit("Make the workspace"))
            (button_link("secondary", None, "Cancel", WORKSPACES_PATH))
        }))
    };
    let content = html! {
        (page_header("New workspace", Some("With channels, keys and members of its own. You will own it."), html! {}))
        (card("Its name", parts::form(&account.view, NEW, state, fields)))
    };
    account.page(Section::Workspaces, "New workspace", content)
}

async fn new_page(SignedIn(person): SignedIn, State(app): State<App>, account: Account) -> Answer {
    if !app.workspace_create_allowed(&person).await? {
        return Err(not_allowed().into());
    }
    Ok(pages::ok(new_document(&app, &account, &FormState::default())))
}

fn not_allowed() -> Error {
    Error::new(Code::PermissionMissing, "whoever runs this installation makes the workspaces")
}

async fn new(
    SignedIn(person): SignedIn,
    State(app): State<App>,
    account: Account,
    CallerFrom(caller): CallerFrom,
    form: Form<NewAsk>,
) -> Answer {
    match form.into_result() {
        Ok((NewAsk(name, accepted), state)) => {
            match app.workspace_create_own(&person, &caller, name, accepted.as_deref()).await {
                Ok(workspace) => Ok(pages::see(format!("/w/{workspace}"))),
                Err(error) if error.code() == Code::AcceptableUseRequired => {
                    Ok(pages::invalid(new_document(&app, &account, &state.refused(error)?)))
                }
                Err(error) => Err(error.into()),
            }
        }
        Err(state) => Ok(pages::invalid(new_document(&app, &account, &state))),
    }
}
