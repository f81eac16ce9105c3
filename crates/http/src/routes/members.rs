//! `/v1/members`, `/v1/invitations`, `/v1/workspace`.
//!
//! Keys read the members at most: who decides about people proves who they are. So these answer to members, and at
//! the operator's socket.

use axum::extract::State;
use gatepost_app::{App, Page};
use gatepost_core::access::permission::{MemberManage, MemberRead, WorkspaceManage, WorkspaceRead};
use gatepost_core::{Code, InvitationId, UserId};
use http::StatusCode;
use serde_json::{Value, json};

use super::split;
use crate::access::{Grant, delete, get, patch, post};
use crate::body::{Create, Json};
use crate::path::Id;
use crate::reply::{self, Answer, Made as _};
use crate::route::Route;
use crate::wire;

/// What members do, and the operator inside a workspace.
pub fn routes() -> Vec<Route<App>> {
    let mut routes = member_routes();
    routes.extend(invitation_routes());
    routes.extend(workspace_routes());
    routes
}

/// What an owner alone can do, as the person they are.
pub fn owner_routes() -> Vec<Route<App>> {
    vec![
        post("/v1/workspace/transfer-ownership", ownership_transfer)
            .id("workspaceOwnershipTransfer")
            .summary("Hand the workspace over")
            .description(
                "The member becomes an owner; whoever asks becomes an admin. Binds the next request of both.",
            )
            .tag("Workspace")
            .body::<wire::OwnershipTransfer>(json!({ "user_id": "usr_01kagq5rh8e5htqh9sk95d3x4w" }))
            .answer::<wire::Member<'static>>(200, "The new owner.", member_example())
            .fails(&[Code::ReauthRequired, Code::Conflict, Code::NotFound]),
    ]
}

fn member_routes() -> Vec<Route<App>> {
    vec![
        get("/v1/members", member_list)
            .id("memberList")
            .summary("List members")
            .tag("Members")
            .answer_list::<wire::Member<'static>>("Every member, on one page.", &member_example())
            .fails(&[Code::ChannelNotAllowed]),
        get("/v1/members/{user_id}", member_get)
            .id("memberGet")
            .summary("Read a member")
            .tag("Members")
            .answer::<wire::Member<'static>>(200, "The member.", member_example())
            .fails(&[Code::ChannelNotAllowed]),
        patch("/v1/members/{user_id}", member_update)
            .id("memberUpdate")
            .summary("Give a member another role")
            .description("Binds the member's very next request, on every node, and ends event streams that the new role does not open. Only an owner makes or changes owners; the last owner stays one.")
            .tag("Members")
            .body::<wire::MemberUpdate>(json!({ "role": "agent" }))
            .answer::<wire::Member<'static>>(200, "The member as they are now.", member_example())
            .fails(&[Code::ReauthRequired, Code::LastOwner]),
        delete("/v1/members/{user_id}", member_remove)
            .id("memberRemove")
            .summary("Remove a member")
            .description("Binds the very next request, on every node, and ends their event streams. Invitations that they gave, or that were for them, are taken back.")
            .tag("Members")
            .answers_nothing("They are no member any more.")
            .fails(&[Code::ReauthRequired, Code::LastOwner]),
    ]
}

fn invitation_routes() -> Vec<Route<App>> {
    let mut with_link = invitation_example();
    with_link["link"] = json!("https://gatepost.example.com/invitation/…");
    vec![
        get("/v1/invitations", invitation_list)
            .id("invitationList")
            .summary("List open invitations")
            .tag("Members")
            .answer_list::<wire::Invitation<'static>>("The open ones, on one page.", &invitation_example())
            .fails(&[Code::ChannelNotAllowed]),
        post("/v1/invitations", invitation_create)
            .id("invitationCreate")
            .summary("Invite somebody")
            .description("By a link that is good once, for seven days. It goes out by e-mail; where this installation sends none, the answer holds it, this once. An open invitation of the same address is taken back. Whether the address has an account is not told.")
            .tag("Members")
            .creates::<wire::InvitationNew>(json!({ "email": "ann@example.com", "role": "agent" }))
            .answer::<wire::InvitationWithLink<'static>>(201, "Somebody is invited.", with_link.clone())
            .fails(&[Code::ReauthRequired, Code::MemberExists, Code::MemberLimitReached]),
        post("/v1/invitations/{invitation_id}/resend", invitation_resend)
            .id("invitationResend")
            .summary("Send an invitation again")
            .description("With a new link, good for another seven days; the one before is void.")
            .tag("Members")
            .answer::<wire::InvitationWithLink<'static>>(200, "The invitation with its new link.", with_link)
            .fails(&[Code::ReauthRequired]),
        delete("/v1/invitations/{invitation_id}", invitation_revoke)
            .id("invitationRevoke")
            .summary("Take an invitation back")
            .description("Its link opens nothing from here on.")
            .tag("Members")
            .answers_nothing("The invitation is over.")
            .fails(&[Code::ReauthRequired]),
    ]
}

fn workspace_routes() -> Vec<Route<App>> {
    vec![
        get("/v1/workspace", workspace_get)
            .id("workspaceOwnGet").open_when_suspended()
            .summary("Read the workspace")
            .tag("Workspace")
            .answer::<wire::WorkspaceOwn<'static>>(200, "The workspace of the credential in use.", own_example()),
        patch("/v1/workspace", workspace_update)
            .id("workspaceOwnUpdate")
            .summary("Rename the workspace, or change its rules for members")
            .description("A rule binds the very next request of each member, on every node. One that would shut members out is refused with their number, unless confirm_lockout is true.")
            .tag("Workspace")
            .body::<wire::WorkspaceUpdate>(json!({ "name": "Example Ltd" }))
            .answer::<wire::WorkspaceOwn<'static>>(200, "The workspace as it is now.", own_example())
            .fails(&[Code::ReauthRequired, Code::MembersShutOut, Code::SecondFactorRequired]),
        post("/v1/workspace/delete", workspace_delete)
            .id("workspaceOwnDelete").open_when_suspended()
            .summary("Delete the workspace")
            .description("Its members and keys open nothing from here on, on every node. Whoever runs this installation can bring it back.")
            .tag("Workspace")
            .body::<wire::WorkspaceDelete>(json!({ "name": "Example Ltd" }))
            .answers_nothing("The workspace is shut.")
            .fails(&[Code::ReauthRequired]),
    ]
}

pub(super) fn member_example() -> Value {
    json!({
        "user_id": "usr_01kagq5rh8e5htqh9sk95d3x4w",
        "name": "Ann Example",
        "email": "ann@example.com",
        "role": "agent",
        "second_factor": true,
        "disabled": false,
        "since": "2026-11-01T09:30:00Z",
    })
}

fn invitation_example() -> Value {
    json!({
        "id": "inv_01kagq5rh8e5htqh9sk95d3x4w",
        "email": "ann@example.com",
        "role": "agent",
        "invited_by": "usr_01kagq5rh8e5htqh9sk95d3x4w",
        "created_at": "2026-11-01T09:30:00Z",
        "expires_at": "2026-11-08T09:30:00Z",
    })
}

fn own_example() -> Value {
    json!({
        "id": "ws_01kagq5rh8e5htqh9sk95d3x4w",
        "name": "Example Ltd",
        "second_factor_required": false,
        "time_zone": "Europe/Berlin",
        "only_through": null,
        "created_at": "2026-11-01T09:30:00Z",
    })
}

async fn member_list(grant: Grant<MemberRead>, State(app): State<App>) -> Answer {
    let items = app.member_list(&grant).await?;
    Ok(reply::page::<_, wire::Member<'_>>(&Page { items, next: None }))
}

async fn member_get(grant: Grant<MemberRead>, State(app): State<App>, Id(user): Id<UserId>) -> Answer {
    Ok(reply::ok(&wire::Member::from(&app.member_get(&grant, user).await?)))
}

async fn member_update(
    grant: Grant<MemberManage>,
    State(app): State<App>,
    Id(user): Id<UserId>,
    Json(body): Json<wire::MemberUpdate>,
) -> Answer {
    Ok(reply::ok(&wire::Member::from(&app.member_role_set(&grant, user, body.role).await?)))
}

async fn member_remove(grant: Grant<MemberManage>, State(app): State<App>, Id(user): Id<UserId>) -> Answer {
    app.member_remove(&grant, user).await?;
    Ok(reply::nothing())
}

async fn invitation_list(grant: Grant<MemberRead>, State(app): State<App>) -> Answer {
    let items = app.invitation_list(&grant).await?;
    Ok(reply::page::<_, wire::Invitation<'_>>(&Page { items, next: None }))
}

async fn invitation_create(
    grant: Grant<MemberManage>,
    State(app): State<App>,
    create: Create<wire::InvitationNew>,
) -> Answer {
    let (body, idempotent) = split(create);
    let outcome = app.invitation_create(&grant, body.into(), idempotent).await?;
    Ok(reply::made(StatusCode::CREATED, outcome))
}

async fn invitation_resend(
    grant: Grant<MemberManage>,
    State(app): State<App>,
    Id(id): Id<InvitationId>,
) -> Answer {
    let sent = app.invitation_resend(&grant, id).await?;
    Ok(reply::raw_ok(sent.body(true)))
}

async fn invitation_revoke(
    grant: Grant<MemberManage>,
    State(app): State<App>,
    Id(id): Id<InvitationId>,
) -> Answer {
    app.invitation_revoke(&grant, id).await?;
    Ok(reply::nothing())
}

async fn ownership_transfer(
    grant: Grant<WorkspaceManage>,
    State(app): State<App>,
    Json(body): Json<wire::OwnershipTransfer>,
) -> Answer {
    Ok(reply::ok(&wire::Member::from(&app.ownership_transfer(&grant, body.user_id).await?)))
}

async fn workspace_get(grant: Grant<WorkspaceRead>, State(app): State<App>) -> Answer {
    Ok(reply::ok(&wire::WorkspaceOwn::from(&app.workspace_settings(&grant).await?)))
}

async fn workspace_update(
    grant: Grant<WorkspaceManage>,
    State(app): State<App>,
    Json(body): Json<wire::WorkspaceUpdate>,
) -> Answer {
    Ok(reply::ok(&wire::WorkspaceOwn::from(&app.workspace_update(&grant, body.into()).await?)))
}

async fn workspace_delete(
    grant: Grant<WorkspaceManage>,
    State(app): State<App>,
    Json(body): Json<wire::WorkspaceDelete>,
) -> Answer {
    app.workspace_delete(&grant, &body.name).await?;
    Ok(reply::nothing())
}
