//! What people do, driven.

use gatepost_core::WorkspaceId;
use gatepost_core::access::{Role, SessionKind};
use gatepost_core::audit::Action;

use crate::support::Stage;

/// Whether an action of people is told of in the platform's log.
pub fn is_platforms(action: Action) -> bool {
    matches!(action, Action::UserCreated | Action::SessionBegun | Action::SessionEnded)
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
        other => panic!("nothing drives {other}"),
    }
    before
}
