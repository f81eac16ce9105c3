//! What people do, driven.

use gatepost_app::{Proof, SecondFactor, SetupAsk};
use gatepost_core::access::{Role, SessionKind, operator_permission};
use gatepost_core::audit::Action;
use gatepost_core::{Secret, WorkspaceId};
use gatepost_testkit::{Engines, PASSWORD, Tenant};
use serde_json::{Value, json};

use crate::providers;
use crate::support::Stage;

/// Whether an action of people is told of in the platform's log.
pub fn is_platforms(action: Action) -> bool {
    matches!(
        action,
        Action::UserCreated
            | Action::SessionBegun
            | Action::SessionEnded
            | Action::FactorAdded
            | Action::FactorRemoved
            | Action::PasskeyRenamed
            | Action::PasskeyRefused
            | Action::RecoveryCodesMade
            | Action::RecoveryCodeUsed
            | Action::PasswordChanged
            | Action::EmailChangeAsked
            | Action::EmailChanged
            | Action::UserRecovered
            | Action::UserDisabled
            | Action::UserEnabled
            | Action::WorkspaceDestroyed
            | Action::SessionsEnded
            | Action::SessionProved
            | Action::SignInRefused
            | Action::SetupTokenMade
            | Action::SetupCompleted
    ) || providers::is_platforms(action)
}

/// What the tenant's key is exchanged for.
async fn tokens(stage: &Stage) -> Value {
    stage.tenant.admin.call("POST", "/v1/auth/token", &[], None).await.expect(200).json()
}

/// Prepares whatever an action needs, then counts, then does it. Returns what the log held before.
pub async fn drive(stage: &Stage, action: Action, log: Option<WorkspaceId>) -> usize {
    let Stage { world, tenant, .. } = stage;
    let count = async || world.audited(log, action.as_str()).await;
    let before;
    match action {
        Action::UserCreated => {
            before = count().await;
            world.somebody(None).await;
        }
        Action::SessionBegun => {
            let somebody = world.somebody(None).await;
            before = count().await;
            world.sign_in(&somebody).await;
        }
        Action::SessionEnded => {
            let session = world.sign_in(&world.somebody(None).await).await;
            let token = session.token.expose();
            let person = world.app.person_of_session(token, SessionKind::Console).await.unwrap();
            before = count().await;
            world.app.session_end(&person, &world.caller(), session.id).await.unwrap();
        }
        Action::MemberJoined => {
            before = count().await;
            world.member(tenant.workspace, Role::Agent).await;
        }
        Action::FactorAdded => {
            let person = world.person_of(&world.sign_in(&world.somebody(None).await).await).await;
            before = count().await;
            world.add_app(&person).await;
        }
        Action::FactorRemoved => {
            let person = world.person_of(&world.sign_in(&world.somebody(None).await).await).await;
            world.add_app(&person).await;
            before = count().await;
            world.app.totp_remove(&person, &world.caller()).await.unwrap();
        }
        Action::PasskeyRenamed => {
            let person = world.person_of(&world.sign_in(&world.somebody(None).await).await).await;
            world.add_passkey(&person).await;
            let id = world.app.factors_of(&person).await.unwrap().passkeys[0].id;
            before = count().await;
            world.app.passkey_rename(&person, &world.caller(), id, "The blue one").await.unwrap();
        }
        Action::PasskeyRefused => {
            let person = world.person_of(&world.sign_in(&world.somebody(None).await).await).await;
            let (mut device, _) = world.add_passkey(&person).await;
            let mut copy = device.clone();
            world.sign_in_by(&mut device).await.unwrap();
            before = count().await;
            assert!(world.sign_in_by(&mut copy).await.is_err());
        }
        Action::RecoveryCodesMade => {
            let person = world.person_of(&world.sign_in(&world.somebody(None).await).await).await;
            world.add_app(&person).await;
            before = count().await;
            world.app.recovery_codes_make(&person, &world.caller()).await.unwrap();
        }
        Action::RecoveryCodeUsed => {
            let somebody = world.somebody(None).await;
            let person = world.person_of(&world.sign_in(&somebody).await).await;
            let (_, codes) = world.add_app(&person).await;
            let ticket = world.half_sign_in(&somebody).await;
            before = count().await;
            world
                .second_step(&ticket, SecondFactor::RecoveryCode(Secret::new(codes[0].clone())))
                .await
                .unwrap();
        }
        Action::PasswordChanged => {
            let person = world.person_of(&world.sign_in(&world.somebody(None).await).await).await;
            let (present, new) =
                (Secret::new(PASSWORD.to_owned()), Secret::new("nine patient otters".to_owned()));
            before = count().await;
            world.app.password_change(&person, &world.caller(), Some(&present), &new).await.unwrap();
        }
        Action::EmailChangeAsked => {
            let person = world.person_of(&world.sign_in(&world.somebody(None).await).await).await;
            before = count().await;
            world.app.email_change(&person, &world.caller(), "another@example.org").await.unwrap();
        }
        Action::EmailChanged => {
            let person = world.person_of(&world.sign_in(&world.somebody(None).await).await).await;
            world.app.email_change(&person, &world.caller(), "the-other@example.org").await.unwrap();
            let server = stage.mail.as_ref().unwrap();
            let link = server.mail_to("the-other@example.org", "Confirm").await.link();
            before = count().await;
            world.app.email_confirm(&world.caller(), link.rsplit('/').next().unwrap()).await.unwrap();
        }
        Action::UserRecovered => {
            let body = json!({ "email": world.somebody(None).await.email });
            before = count().await;
            stage.operator("POST", "/operator/v1/users/recover", Some(&body)).await;
        }
        Action::UserDisabled | Action::UserEnabled => {
            let somebody = world.somebody(None).await;
            let users = world.operator::<operator_permission::UserManage>();
            if action == Action::UserEnabled {
                world.app.user_disable(&users, somebody.id).await.unwrap();
                before = count().await;
                world.app.user_enable(&users, somebody.id).await.unwrap();
            } else {
                before = count().await;
                world.app.user_disable(&users, somebody.id).await.unwrap();
                world.app.user_disable(&users, somebody.id).await.unwrap();
            }
        }
        Action::WorkspaceUpdated => {
            before = count().await;
            stage
                .operator("PATCH", &inside(tenant, "workspace"), Some(&json!({"name": "Example GmbH"})))
                .await;
            stage
                .operator("PATCH", &inside(tenant, "workspace"), Some(&json!({"name": "Example GmbH"})))
                .await;
        }
        Action::WorkspaceDeleted | Action::WorkspaceRestored => {
            before = count().await;
            let settings = stage.operator("GET", &inside(tenant, "workspace"), None).await;
            let settings: Value = serde_json::from_str(&settings).unwrap();
            let typed = json!({"name": settings["name"]});
            stage.operator("POST", &inside(tenant, "workspace/delete"), Some(&typed)).await;
            stage.operator("POST", &inside(tenant, "restore"), None).await;
        }
        Action::WorkspaceDestroyed => {
            let other = stage.world.tenant("Short-lived").await;
            let typed = json!({"name": "Short-lived"});
            stage.operator("POST", &inside(&other, "workspace/delete"), Some(&typed)).await;
            before = count().await;
            stage.world.app.retain().await.unwrap();
        }
        Action::MemberInvited | Action::InvitationResent | Action::InvitationRevoked => {
            let body = json!({"email": format!("{}@example.com", action.as_str()), "role": "agent"});
            let invite = async || stage.operator("POST", &inside(tenant, "invitations"), Some(&body)).await;
            if action == Action::MemberInvited {
                before = count().await;
                invite().await;
            } else {
                let made: Value = serde_json::from_str(&invite().await).unwrap();
                let one = inside(tenant, &format!("invitations/{}", made["id"].as_str().unwrap()));
                before = count().await;
                if action == Action::InvitationResent {
                    stage.operator("POST", &format!("{one}/resend"), None).await;
                } else {
                    stage.operator("DELETE", &one, None).await;
                }
            }
        }
        Action::MemberRoleChanged | Action::MemberRemoved => {
            let somebody = world.member(tenant.workspace, Role::Agent).await;
            world.member(tenant.workspace, Role::Owner).await;
            let one = inside(tenant, &format!("members/{}", somebody.id));
            before = count().await;
            if action == Action::MemberRoleChanged {
                for _ in 0..2 {
                    stage.operator("PATCH", &one, Some(&json!({"role": "analyst"}))).await;
                }
            } else {
                stage.operator("DELETE", &one, None).await;
            }
        }
        Action::MemberLeft => {
            let somebody = world.member(tenant.workspace, Role::Agent).await;
            let person = world.person_of(&world.sign_in(&somebody).await).await;
            before = count().await;
            world.app.member_leave(&person, &world.caller(), tenant.workspace).await.unwrap();
        }
        Action::OwnershipTransferred => {
            let owner = world.member(tenant.workspace, Role::Owner).await;
            let heir = world.member(tenant.workspace, Role::Agent).await;
            let person = world.person_of(&world.sign_in(&owner).await).await;
            let principal = world.app.principal_of_person(&person, tenant.workspace).await.unwrap();
            let caller = world.caller();
            let grant = principal.grant().unwrap().called_from(caller.client);
            let grant = grant.in_request(caller.request.unwrap());
            before = count().await;
            world.app.ownership_transfer(&grant, heir.id).await.unwrap();
        }
        Action::SessionsEnded => {
            let somebody = world.somebody(None).await;
            world.sign_in(&somebody).await;
            let person = world.person_of(&world.sign_in(&somebody).await).await;
            before = count().await;
            world.app.sessions_end_others(&person, &world.caller()).await.unwrap();
        }
        Action::SessionProved => {
            let session = world.sign_in(&world.somebody(None).await).await;
            let person = world.person_of(&session).await;
            let password = Some(Secret::new(PASSWORD.to_owned()));
            let proof = Proof { password, second_factor: None };
            before = count().await;
            world.app.session_prove(&person, &world.caller(), session.token.expose(), proof).await.unwrap();
        }
        Action::SignInRefused => {
            let email = world.somebody(None).await.email;
            let password = Secret::new("not it at all".to_owned());
            before = count().await;
            let tried =
                world.app.sign_in_password(&world.caller(), SessionKind::Console, &email, &password).await;
            assert!(tried.is_err());
        }
        Action::SetupTokenMade => {
            before = count().await;
            world.app.setup_token_make(&world.operator()).await.unwrap();
        }
        Action::SetupCompleted => {
            let ask = SetupAsk {
                acceptable_use: None,
                token: world.app.setup_token_make(&world.operator()).await.unwrap().token,
                workspace: "First".to_owned(),
                name: "Ana".to_owned(),
                email: "ana@example.com".to_owned(),
                password: Secret::new(PASSWORD.to_owned()),
            };
            before = count().await;
            world.app.setup_complete(&world.caller(), ask).await.unwrap();
        }
        Action::AccessTokenIssued => {
            before = count().await;
            tokens(stage).await;
        }
        Action::AccessTokenRevoked => {
            let body = json!({ "token": tokens(stage).await["access_token"] });
            before = count().await;
            world.nobody().post("/v1/auth/token/revoke", &body).await.expect(204);
        }
        Action::RefreshTokenRefused => {
            let body = json!({ "refresh_token": tokens(stage).await["refresh_token"] });
            world.nobody().post("/v1/auth/token/refresh", &body).await.expect(200);
            before = count().await;
            world.nobody().post("/v1/auth/token/refresh", &body).await.expect(400);
        }
        other => before = providers::drive(stage, other, log).await,
    }
    before
}

/// The operator's path of something inside the workspace.
fn inside(tenant: &Tenant, rest: &str) -> String {
    format!("/operator/v1/workspaces/{}/{rest}", tenant.workspace)
}

/// What a change of members and of the workspace was before, and what it is after.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_members_tell_before_and_after() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        for action in [
            Action::MemberInvited,
            Action::MemberRoleChanged,
            Action::MemberRemoved,
            Action::MemberLeft,
            Action::OwnershipTransferred,
            Action::InvitationRevoked,
            Action::WorkspaceUpdated,
            Action::WorkspaceDeleted,
        ] {
            drive(&stage, action, Some(stage.tenant.workspace)).await;
        }
        let log = stage.world.audit_log(Some(stage.tenant.workspace)).await;
        let told = |action: Action, name: &str| {
            let entry = log.iter().rev().find(|row| row.record.action == action.as_str()).unwrap();
            let text = |facts: &gatepost_core::audit::Facts| facts.get(name).map(str::to_owned);
            (text(&entry.record.before), text(&entry.record.after))
        };
        let pair =
            |before: Option<&str>, after: Option<&str>| (before.map(str::to_owned), after.map(str::to_owned));
        for (action, name, before, after) in [
            (Action::MemberInvited, "role", None, Some("agent")),
            (Action::MemberRoleChanged, "role", Some("agent"), Some("analyst")),
            (Action::MemberRemoved, "role", Some("agent"), None),
            (Action::MemberLeft, "role", Some("agent"), None),
            (Action::OwnershipTransferred, "role", Some("agent"), Some("owner")),
            (Action::OwnershipTransferred, "own_role", Some("owner"), Some("admin")),
            (Action::InvitationRevoked, "role", Some("agent"), None),
            (Action::WorkspaceUpdated, "name", Some("Example Ltd"), Some("Example GmbH")),
            (Action::WorkspaceDeleted, "name", Some("Example GmbH"), None),
        ] {
            assert_eq!(told(action, name), pair(before, after), "{engine:?} {action} {name}");
        }
        // Nobody's address is in the log.
        let all: Vec<String> = stage.world.rows().await["audit"].clone();
        assert!(!all.iter().any(|row| row.contains("@example.com")), "{engine:?}");
        stage.stop().await;
    }
}
