//! `/w/{workspace_id}/members`: who belongs to the workspace, who is invited, and what each role may do.

use axum::extract::State;
use gatepost_app::{App, InvitationCreate, InvitationSent, InvitationView, MemberView, Outcome};
use gatepost_core::access::permission::{MemberManage, MemberRead};
use gatepost_core::access::{PermissionId, Role};
use gatepost_core::{EmailAddress, InvitationId};
use maud::{Markup, html};

use super::{reaches, role_badge, roles_within, title};
use crate::access::{Grant, form, page};
use crate::console::form::{Form, FormBody, FormState, Reader};
use crate::console::nav::Section;
use crate::console::notice::Notice;
use crate::console::page as pages;
use crate::console::parts::{
    self, Choice, Choices, Column, Field, Icon, Table, Tone, actions, badge, button_link, callout, card,
    empty, own, page_header, plain_form, quiet, secret_once, stack, submit, time,
};
use crate::console::seat::Seat;
use crate::path::Id;
use crate::reply::Answer;
use crate::route::Route;

const INVITE: &str = "/w/{workspace_id}/members/invite";

pub fn routes() -> Vec<Route<App>> {
    vec![
        page("/w/{workspace_id}/members", member_list)
            .id("membersPage")
            .summary("See members and invitations"),
        page(INVITE, invite_page).id("invitePage").summary("Invite somebody: the form"),
        form(INVITE, invite).id("inviteForm").summary("Invite somebody"),
        form("/w/{workspace_id}/invitations/{invitation_id}/resend", resend)
            .id("invitationResendForm")
            .summary("Give an invitation a new link"),
        form("/w/{workspace_id}/invitations/{invitation_id}/revoke", revoke)
            .id("invitationRevokeForm")
            .summary("Take an invitation back"),
    ]
}

async fn member_list(grant: Grant<MemberRead>, State(app): State<App>, seat: Seat) -> Answer {
    let (members, invitations) = (app.member_list(&grant).await?, app.invitation_list(&grant).await?);
    let manage = seat.may(PermissionId::MemberManage);
    let invite = || button_link("primary", Some(Icon::UserPlus), "Invite", &seat.path("/members/invite"));
    let invite = manage.then(invite).unwrap_or_default();
    let content = html! {
        (page_header("Members", Some("Who belongs to this workspace, and what each of them may do."), invite))
        (stack(html! {
            (card("Members", member_table(&seat, &members)))
            (card("Open invitations", invitation_table(&seat, &invitations, manage)))
            (card("What each role may do", role_table()))
        }))
    };
    Ok(pages::ok(seat.page(Section::Members, "Members", content)))
}

fn member_table(seat: &Seat, members: &[MemberView]) -> Markup {
    let you = seat.user.id;
    let row = |member: &MemberView| {
        vec![
            html! {
                a href=(seat.path(&format!("/members/{}", member.user))) { (own(&member.name)) }
                @if member.user == you { " " span class="muted" { "(you)" } }
            },
            own(&member.email),
            role_badge(member.role),
            html! {
                @if member.disabled { (badge(Tone::Bad, "Account closed")) }
                @else if member.second_factor { (badge(Tone::Good, "Yes")) }
                @else { (badge(Tone::Warn, "No")) }
            },
            time(member.since),
        ]
    };
    html! {
        (Table {
            caption: "Members",
            columns: &[
                Column::text("Name"), Column::text("E-mail"), Column::text("Role"), Column::text("Second factor"),
                Column::text("Since"),
            ],
            rows: members.iter().map(row).collect(),
        })
    }
}

fn invitation_table(seat: &Seat, invitations: &[InvitationView], manage: bool) -> Markup {
    if invitations.is_empty() {
        return empty(
            Icon::Mail,
            "Nobody is invited",
            "An invitation is a link that is good once, for a week.",
            html! {},
        );
    }
    let act = |invitation: &InvitationView, what: &str, text: &str| {
        let action = seat.path(&format!("/invitations/{}/{what}", invitation.id));
        plain_form(&seat.view, &action, quiet(text))
    };
    let row = |invitation: &InvitationView| {
        vec![
            own(&invitation.email),
            role_badge(invitation.role),
            time(invitation.expires_at),
            html! {
                @if manage && reaches(seat.role(), invitation.role) {
                    (actions(html! { (act(invitation, "resend", "New link")) (act(invitation, "revoke", "Take back")) }))
                }
            },
        ]
    };
    html! {
        (Table {
            caption: "Open invitations",
            columns: &[
                Column::text("E-mail"), Column::text("Role"), Column::text("Good until"), Column::buttons(),
            ],
            rows: invitations.iter().map(row).collect(),
        })
    }
}

fn role_table() -> Markup {
    html! {
        (Table {
            caption: "What each role may do",
            columns: &[Column::text("Role"), Column::text("What it is for")],
            rows: Role::ALL.into_iter().map(|role| vec![role_badge(role), html! { (role.meaning()) }]).collect(),
        })
    }
}

struct InviteAsk {
    email: EmailAddress,
    role: Role,
}

impl FormBody for InviteAsk {
    const FIELDS: &'static [&'static str] = &["email", "role"];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let expected = "Give an e-mail address, such as name@example.com.";
        let email = reader.parsed("email", expected, |text| EmailAddress::parse(text).ok());
        let role = reader.parsed("role", "Choose a role.", Role::parse);
        Some(Self { email: email?, role: role? })
    }
}

fn invite_document(seat: &Seat, state: &FormState) -> Markup {
    let roles: Vec<Choice<'_>> = roles_within(seat.role())
        .map(|role| Choice { value: role.as_str(), label: title(role), hint: Some(role.meaning()) })
        .collect();
    let path = seat.path("/members/invite");
    let fields = html! {
        (Field::email("email", "E-mail address").required().fill(state))
        (Choices {
            name: "role", label: "Role", hint: None, several: false, choices: &roles,
            chosen: &[Role::Agent.as_str()], state,
        })
        (actions(html! {
            (submit("Invite"))
            (button_link("secondary", None, "Cancel", &seat.path("/members")))
        }))
    };
    let content = html! {
        (page_header("Invite somebody", Some("They get a link that is good once, for seven days."), html! {}))
        (card("Whom", parts::form(&seat.view, &path, state, fields)))
    };
    seat.page(Section::Members, "Invite somebody", content)
}

async fn invite_page(_grant: Grant<MemberManage>, seat: Seat) -> Answer {
    Ok(pages::ok(invite_document(&seat, &FormState::default())))
}

async fn invite(
    grant: Grant<MemberManage>,
    State(app): State<App>,
    seat: Seat,
    form: Form<InviteAsk>,
) -> Answer {
    let (ask, state) = match form.into_result() {
        Ok(read) => read,
        Err(state) => return Ok(pages::invalid(invite_document(&seat, &state))),
    };
    let create = InvitationCreate { email: ask.email, role: ask.role };
    match app.invitation_create(&grant, create, None).await {
        Ok(Outcome::Fresh(sent)) => Ok(sent_page(&seat, &sent)),
        Ok(Outcome::Replayed(_)) => Ok(pages::see(seat.path("/members"))),
        Err(error) => Ok(pages::invalid(invite_document(&seat, &state.refused(error)?))),
    }
}

/// The link where no mail takes it; it is in this answer alone.
fn sent_page(seat: &Seat, sent: &InvitationSent) -> axum::response::Response {
    let Some(link) = &sent.link else {
        return pages::see_and_say(seat.path("/members"), Notice::InvitationSent);
    };
    let content = html! {
        (page_header("Invitation", None, html! {}))
        (card("Hand this link on", stack(html! {
            (callout(Tone::Info, "This installation sends no e-mail.", html! {
                p { "Give the link to " (own(&sent.view.email)) " in a way that you trust: whoever opens it joins as "
                    (title(sent.view.role)) "." }
            }))
            (secret_once("Link", link.expose()))
            (actions(button_link("secondary", Some(Icon::ArrowLeft), "All members", &seat.path("/members"))))
        })))
    };
    pages::ok(seat.page(Section::Members, "Invitation", content))
}

async fn resend(
    grant: Grant<MemberManage>,
    State(app): State<App>,
    seat: Seat,
    Id(id): Id<InvitationId>,
    _form: Form<Nothing>,
) -> Answer {
    let sent = app.invitation_resend(&grant, id).await?;
    Ok(sent_page(&seat, &sent))
}

async fn revoke(
    grant: Grant<MemberManage>,
    State(app): State<App>,
    seat: Seat,
    Id(id): Id<InvitationId>,
    _form: Form<Nothing>,
) -> Answer {
    app.invitation_revoke(&grant, id).await?;
    Ok(pages::see_and_say(seat.path("/members"), Notice::InvitationRevoked))
}

/// A form that is a button alone.
pub(super) struct Nothing;

impl FormBody for Nothing {
    const FIELDS: &'static [&'static str] = &[];

    fn read(_: &mut Reader<'_>) -> Option<Self> {
        Some(Self)
    }
}
