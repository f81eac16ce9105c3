//! `/w/{workspace_id}/members/{user_id}`: one member; another role, or none.

use axum::extract::State;
use gatepost_app::{App, MemberView};
use gatepost_core::UserId;
use gatepost_core::access::permission::{MemberManage, MemberRead};
use gatepost_core::access::{PermissionId, Role};
use maud::{Markup, html};

use super::list::Nothing;
use super::{reaches, role_badge, roles_within, title};
use crate::access::{Grant, form, page};
use crate::console::form::{Form, FormBody, FormState, Reader};
use crate::console::nav::Section;
use crate::console::notice::Notice;
use crate::console::page as pages;
use crate::console::parts::{
    self, Choice, Choices, Icon, Tone, actions, badge, button_link, callout, card, danger, facts, own,
    page_header, plain_form, stack, submit, time,
};
use crate::console::seat::Seat;
use crate::path::Id;
use crate::reply::Answer;
use crate::route::Route;

const REMOVE: &str = "/w/{workspace_id}/members/{user_id}/remove";

pub fn routes() -> Vec<Route<App>> {
    vec![
        page("/w/{workspace_id}/members/{user_id}", member_get).id("memberPage").summary("See a member"),
        form("/w/{workspace_id}/members/{user_id}/role", role_set)
            .id("memberRoleForm")
            .summary("Give a member another role"),
        page(REMOVE, remove_page).id("memberRemovePage").summary("Remove a member: what it means"),
        form(REMOVE, remove).id("memberRemoveForm").summary("Remove a member"),
    ]
}

struct RoleAsk(Role);

impl FormBody for RoleAsk {
    const FIELDS: &'static [&'static str] = &["role"];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reader.parsed("role", "Choose a role.", Role::parse).map(Self)
    }
}

fn document(seat: &Seat, member: &MemberView, state: &FormState) -> Markup {
    let manage = seat.may(PermissionId::MemberManage) && reaches(seat.role(), member.role);
    let roles: Vec<Choice<'_>> = roles_within(seat.role())
        .map(|role| Choice { value: role.as_str(), label: title(role), hint: Some(role.meaning()) })
        .collect();
    let path = seat.path(&format!("/members/{}", member.user));
    let back = button_link("secondary", Some(Icon::ArrowLeft), "All members", &seat.path("/members"));
    let fields = html! {
        (Choices {
            name: "role", label: "Role", hint: None, several: false, choices: &roles,
            chosen: &[member.role.as_str()], state,
        })
        (actions(submit("Save the role")))
    };
    let content = html! {
        (page_header(&member.name, None, back))
        (stack(html! {
            (card("This member", facts(&[
                ("E-mail", own(&member.email)),
                ("Role", role_badge(member.role)),
                ("Second factor", html! {
                    @if member.second_factor { (badge(Tone::Good, "Yes")) } @else { (badge(Tone::Warn, "No")) }
                }),
                ("Account", html! {
                    @if member.disabled { (badge(Tone::Bad, "Closed")) } @else { "Open" }
                }),
                ("Member since", time(member.since)),
            ])))
            @if manage {
                (card("Another role", parts::form(&seat.view, &format!("{path}/role"), state, fields)))
                (card("Remove", html! {
                    p { "Their next request finds no workspace, and their event streams end." }
                    (actions(button_link("secondary", Some(Icon::Trash2), "Remove from the workspace",
                        &format!("{path}/remove"))))
                }))
            } @else if seat.may(PermissionId::MemberManage) {
                (callout(Tone::Info, "", html! { p { "Only an owner changes or removes owners." } }))
            }
        }))
    };
    seat.page(Section::Members, &member.name, content)
}

async fn member_get(
    grant: Grant<MemberRead>,
    State(app): State<App>,
    seat: Seat,
    Id(user): Id<UserId>,
) -> Answer {
    let member = app.member_get(&grant, user).await?;
    Ok(pages::ok(document(&seat, &member, &FormState::default())))
}

/// The member as the one who manages them sees them.
async fn shown(app: &App, seat: &Seat, user: UserId) -> gatepost_core::Result<MemberView> {
    let missing = || gatepost_core::Error::of(gatepost_core::Code::PermissionMissing);
    app.member_get(&seat.grant::<MemberRead>().ok_or_else(missing)?, user).await
}

async fn role_set(
    grant: Grant<MemberManage>,
    State(app): State<App>,
    seat: Seat,
    Id(user): Id<UserId>,
    form: Form<RoleAsk>,
) -> Answer {
    let state = match form.into_result() {
        Ok((RoleAsk(role), state)) => match app.member_role_set(&grant, user, role).await {
            Ok(_) => {
                // Whoever gave up managing members does not see the list any more.
                let own_end = user == seat.user.id && !role.reaches(Role::Analyst);
                let next = if own_end { seat.path("") } else { seat.path("/members") };
                return Ok(pages::see_and_say(next, Notice::RoleChanged));
            }
            Err(error) => state.refused(error)?,
        },
        Err(state) => state,
    };
    let member = shown(&app, &seat, user).await?;
    Ok(pages::invalid(document(&seat, &member, &state)))
}

fn remove_document(seat: &Seat, member: &MemberView, state: &FormState) -> Markup {
    let path = seat.path(&format!("/members/{}", member.user));
    let content = html! {
        (page_header("Remove a member", None, html! {}))
        section class="card" {
            div class="content" {
                (parts::error_summary(state))
                (callout(Tone::Warn, "", html! {
                    p {
                        (own(&member.name)) " (" (own(&member.email)) ") loses this workspace at once, on every device. "
                        "Invitations that they gave are taken back. Their account, and what they did here, stay."
                    }
                }))
                (plain_form(&seat.view, &format!("{path}/remove"), actions(html! {
                    (danger("Remove"))
                    (button_link("secondary", None, "Cancel", &path))
                })))
            }
        }
    };
    seat.page(Section::Members, "Remove a member", content)
}

async fn remove_page(
    _grant: Grant<MemberManage>,
    State(app): State<App>,
    seat: Seat,
    Id(user): Id<UserId>,
) -> Answer {
    let member = shown(&app, &seat, user).await?;
    Ok(pages::ok(remove_document(&seat, &member, &FormState::default())))
}

async fn remove(
    grant: Grant<MemberManage>,
    State(app): State<App>,
    seat: Seat,
    Id(user): Id<UserId>,
    form: Form<Nothing>,
) -> Answer {
    if let Err(error) = app.member_remove(&grant, user).await {
        let state = form.state.refused(error)?;
        let member = shown(&app, &seat, user).await?;
        return Ok(pages::invalid(remove_document(&seat, &member, &state)));
    }
    let next = if user == seat.user.id { "/workspaces".to_owned() } else { seat.path("/members") };
    Ok(pages::see_and_say(next, Notice::MemberRemoved))
}
