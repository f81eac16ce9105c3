//! What people do, driven.

use gatepost_app::SecondFactor;
use gatepost_core::access::{Role, SessionKind};
use gatepost_core::audit::Action;
use gatepost_core::{Secret, WorkspaceId};

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
    ) || providers::is_platforms(action)
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
        other => before = providers::drive(stage, other, log).await,
    }
    before
}
