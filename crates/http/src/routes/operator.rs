//! `/operator/v1`: the installation itself, at the operator's socket.

use axum::extract::State;
use gatepost_app::{App, Page};
use gatepost_core::access::operator_permission::{
    MailTest, StatusRead, UserManage, VaultManage, WorkspaceManage, WorkspaceRead,
};
use gatepost_core::{Code, Error, MetaAppId, WorkspaceId};
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::access::{Operator, delete, get, patch, post};
use crate::body::Json;
use crate::path::Id;
use crate::reply::{self, Answer, Made as _};
use crate::route::Route;
use crate::state::ApiState;
use crate::wire;

/// Workspaces: at the socket and on the operators' listener.
pub fn workspace_routes() -> Vec<Route<App>> {
    vec![
        post("/operator/v1/workspaces", workspace_create)
            .id("workspaceCreate")
            .summary("Make a workspace")
            .tag("Workspaces")
            .body::<wire::WorkspaceCreate>(json!({ "name": "Example Ltd" }))
            .answer::<wire::Workspace<'static>>(201, "The workspace was made.", example())
            .fails(&[Code::Conflict]),
        get("/operator/v1/workspaces", workspace_list)
            .id("workspaceList")
            .summary("List workspaces")
            .tag("Workspaces")
            .answer_list::<wire::WorkspaceWithStanding<'static>>(
                "Every workspace, on one page.",
                &example_standing(),
            ),
        get("/operator/v1/workspaces/{workspace_id}", workspace_get)
            .id("workspaceGet")
            .summary("Read a workspace")
            .tag("Workspaces")
            .answer::<wire::WorkspaceWithStanding<'static>>(
                200,
                "The workspace, and how much there is of what it owns.",
                example_counted(),
            ),
    ]
}

/// The state of the installation: at the socket and on the operators' listener.
pub fn status_routes() -> Vec<Route<App>> {
    vec![
        get("/operator/v1/status", status)
            .id("statusGet")
            .summary("Read the state of this installation")
            .tag("Installation")
            .answer::<wire::Status<'static>>(200, "Nodes, waiting work, mail, exceptions.", status_example()),
    ]
}

/// At the socket.
pub fn routes() -> Vec<Route<App>> {
    let mut routes = workspace_routes();
    routes.extend(status_routes());
    routes.extend(installation_routes());
    routes
}

fn installation_routes() -> Vec<Route<App>> {
    vec![
        post("/operator/v1/meta-apps", meta_app_create)
            .id("sharedMetaAppCreate")
            .summary("Add a Meta app for channels of every workspace")
            .description("The answer holds the callback URL and the verify token to paste at Meta; the token is shown this once.")
            .tag("Shared Meta apps")
            .body::<wire::MetaAppCreate>(json!({
                "name": "Our Meta app",
                "app_id": "1234567890123456",
                "app_secret": "0123456789abcdef0123456789abcdef",
            }))
            .answer::<wire::MetaAppWithToken<'static>>(201, "The Meta app was added.", shared(super::meta_apps::with_token())),
        get("/operator/v1/meta-apps", meta_app_list)
            .id("sharedMetaAppList")
            .summary("List the Meta apps that every workspace may use")
            .tag("Shared Meta apps")
            .answer_list::<wire::MetaApp<'static>>("All of them, on one page.", &shared(super::meta_apps::example())),
        patch("/operator/v1/meta-apps/{app_id}", meta_app_update)
            .id("sharedMetaAppUpdate")
            .summary("Change a shared Meta app")
            .tag("Shared Meta apps")
            .body::<wire::MetaAppUpdate>(json!({ "name": "Our Meta app" }))
            .answer::<wire::MetaAppWithToken<'static>>(200, "The Meta app as it is now.", shared(super::meta_apps::with_token())),
        delete("/operator/v1/meta-apps/{app_id}", meta_app_delete)
            .id("sharedMetaAppDelete")
            .summary("Remove a shared Meta app that no channel uses")
            .tag("Shared Meta apps")
            .answers_nothing("The Meta app is gone, its secret with it.")
            .fails(&[Code::Conflict]),
        post("/operator/v1/users/recover", user_recover)
            .id("userRecover")
            .summary("Make a link with which a person sets a new password")
            .description("For whoever gets no e-mail. The link works once, for an hour, and voids older ones; it is shown this once. Audited.")
            .tag("People")
            .body::<wire::UserRecover>(json!({ "email": "anna@example.com" }))
            .answer::<wire::UserRecovered<'static>>(200, "The link was made.", json!({
                "user_id": "usr_01kagq5rh8e5htqh9sk95d3x4w",
                "link": "https://gatepost.example.com/reset/3q2v7c1m",
                "expires_at": "2026-11-01T10:30:00Z",
            })),
        post("/operator/v1/mail/test", mail_test)
            .id("mailTest")
            .summary("Send a test mail")
            .description("Hands a mail to the configured mail server while the caller waits, and tells what the server said.")
            .tag("Installation")
            .body::<wire::MailTest>(json!({ "to": "anna@example.com" }))
            .answer::<wire::MailTested<'static>>(200, "The mail server took the mail.", json!({
                "server": "mail.example.com:465",
                "from": "noreply@example.com",
                "receipt": "2.0.0 queued as 4c1f",
            }))
            .fails(&[Code::MailOff, Code::MailFailed]),
        get("/operator/v1/vault", vault_status)
            .id("vaultStatusGet")
            .summary("See which master keys wrap what")
            .tag("Installation")
            .answer::<wire::Vault<'static>>(200, "Every master key that is held or needed.", vault_example()),
        post("/operator/v1/vault/rotate", vault_rotate)
            .id("vaultRotate")
            .summary("Move to a new master key")
            .description("Makes a new master key where the server keeps them in a file, or takes the one that it now finds first, and wraps every data key under it, while requests go on. Answers when it is done; asking again takes up where it stopped.")
            .tag("Installation")
            .answer::<wire::Vault<'static>>(200, "The vault as it is now.", vault_example())
            .fails(&[Code::Conflict]),
        post("/operator/v1/vault/drop-old", vault_drop_old)
            .id("vaultDropOld")
            .summary("Let go of master keys that wrap nothing any more")
            .description("Takes them out of the master-key file and out of the server. Refused while an old key is still needed.")
            .tag("Installation")
            .answer::<wire::Vault<'static>>(200, "The vault as it is now.", vault_example())
            .fails(&[Code::Conflict]),
    ]
}

fn shared(mut app: Value) -> Value {
    app["shared"] = json!(true);
    app
}

fn example() -> Value {
    json!({
        "id": "ws_01kagq5rh8e5htqh9sk95d3x4w",
        "name": "Example Ltd",
        "created_at": "2026-11-01T09:30:00Z",
        "deleted_at": null,
        "destroyed_at": null,
    })
}

fn example_standing() -> Value {
    let mut workspace = example();
    workspace["standing"] = super::visits::standing_example();
    workspace
}

fn example_counted() -> Value {
    let mut workspace = example_standing();
    workspace["counts"] = json!({ "members": 4, "channels": 2, "endpoints": 3, "keys": 5 });
    workspace
}

fn status_example() -> Value {
    json!({
        "version": "0.1.0",
        "node": "nod_01kagq5rh8e5htqh9sk95d3x4w",
        "started_at": "2026-11-01T09:00:00Z",
        "now": "2026-11-01T09:30:00Z",
        "nodes": [{
            "id": "nod_01kagq5rh8e5htqh9sk95d3x4w",
            "started_at": "2026-11-01T09:00:00Z",
            "live": true,
        }],
        "work": [{ "kind": "message_send", "jobs": 3, "first_due": "2026-11-01T09:30:00Z" }],
        "mail": {
            "server": "mail.example.com:465",
            "from": "noreply@example.com",
            "waiting": 0,
            "failed": 0,
            "last_sent_at": "2026-11-01T09:12:00Z",
        },
        "egress_exceptions": [],
    })
}

fn vault_example() -> Value {
    json!({
        "primary": "3f9a1c02",
        "complete": true,
        "keys": [{ "id": "3f9a1c02", "wraps": 12, "held": true }],
    })
}

async fn workspace_create(
    operator: Operator<WorkspaceManage>,
    State(app): State<App>,
    Json(body): Json<wire::WorkspaceCreate>,
) -> Answer {
    let view = app.workspace_create(&operator, body.name, body.acceptable_use.as_deref()).await?;
    let mut response = reply::ok(&wire::Workspace::from(&view));
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(location) = HeaderValue::try_from(format!("/operator/v1/workspaces/{}", view.id)) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

async fn workspace_list(operator: Operator<WorkspaceRead>, State(app): State<App>) -> Answer {
    let items = app.workspace_overview(&operator).await?;
    Ok(reply::page::<_, wire::WorkspaceWithStanding<'_>>(&Page { items, next: None }))
}

async fn workspace_get(
    operator: Operator<WorkspaceRead>,
    State(app): State<App>,
    Id(id): Id<WorkspaceId>,
) -> Answer {
    let view = app.workspace_detail(&operator, id).await?;
    Ok(reply::ok(&wire::WorkspaceWithStanding::from(&view)))
}

async fn status(operator: Operator<StatusRead>, State(app): State<App>) -> Answer {
    Ok(reply::ok(&wire::Status::from(&app.status(&operator).await?)))
}

async fn user_recover(
    operator: Operator<UserManage>,
    State(app): State<App>,
    Json(body): Json<wire::UserRecover>,
) -> Answer {
    Ok(reply::ok(&wire::UserRecovered::from(&app.user_recover(&operator, &body.email).await?)))
}

async fn mail_test(
    operator: Operator<MailTest>,
    State(app): State<App>,
    Json(body): Json<wire::MailTest>,
) -> Answer {
    Ok(reply::ok(&wire::MailTested::from(&app.mail_test(&operator, &body.to).await?)))
}

async fn vault_status(operator: Operator<VaultManage>, State(app): State<App>) -> Answer {
    Ok(reply::ok(&wire::Vault::from(&app.vault_status(&operator).await?)))
}

async fn vault_rotate(operator: Operator<VaultManage>, State(state): State<ApiState<App>>) -> Answer {
    let Some(rotate) = &state.settings().vault_rotate else {
        return Err(Error::new(Code::Conflict, "this process cannot change its master key").into());
    };
    Ok(reply::ok(&wire::Vault::from(&rotate.run(operator).await?)))
}

async fn vault_drop_old(operator: Operator<VaultManage>, State(state): State<ApiState<App>>) -> Answer {
    let Some(drop_old) = &state.settings().vault_drop_old else {
        return Err(Error::new(Code::Conflict, "this process cannot change its master keys").into());
    };
    Ok(reply::ok(&wire::Vault::from(&drop_old.run(operator).await?)))
}

async fn meta_app_create(
    operator: Operator<WorkspaceManage>,
    State(app): State<App>,
    Json(body): Json<wire::MetaAppCreate>,
) -> Answer {
    let view = app.meta_app_create_shared(&operator, body.into()).await?;
    let mut response = reply::raw_ok(view.body(true));
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

async fn meta_app_list(operator: Operator<WorkspaceRead>, State(app): State<App>) -> Answer {
    let items = app.meta_app_list_shared(&operator).await?;
    Ok(reply::page::<_, wire::MetaApp<'_>>(&Page { items, next: None }))
}

async fn meta_app_update(
    operator: Operator<WorkspaceManage>,
    State(app): State<App>,
    Id(id): Id<MetaAppId>,
    Json(body): Json<wire::MetaAppUpdate>,
) -> Answer {
    let view = app.meta_app_update_shared(&operator, id, body.into()).await?;
    Ok(reply::raw_ok(view.body(true)))
}

async fn meta_app_delete(
    operator: Operator<WorkspaceManage>,
    State(app): State<App>,
    Id(id): Id<MetaAppId>,
) -> Answer {
    app.meta_app_delete_shared(&operator, id).await?;
    Ok(reply::nothing())
}
