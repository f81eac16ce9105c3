//! What several tests of people need.

use std::sync::Arc;

use gatepost_app::{InvitationCreate, InvitationSent, Outcome, Visit};
use gatepost_core::access::{
    Grant, Permission, Person, Principal, Role, SessionKind, operator_permission, permission,
};
use gatepost_core::{EmailAddress, Result, WorkspaceId};
use gatepost_testkit::{Somebody, World};

/// Somebody who has just signed in.
pub async fn person(world: &World, somebody: &Somebody) -> Arc<Person> {
    let session = world.sign_in(somebody).await;
    world.app.person_of_session(session.token.expose(), SessionKind::Console).await.unwrap()
}

/// A grant of a signed-in person, as they are at this moment.
pub async fn grant_of<P: Permission>(
    world: &World,
    person: &Person,
    workspace: WorkspaceId,
) -> Result<Grant<P>> {
    world.app.principal_of_person(person, workspace).await?.grant()
}

/// The operator inside a workspace.
pub async fn inside(world: &World, workspace: WorkspaceId) -> Arc<Principal> {
    let enter = world.operator::<operator_permission::WorkspaceEnter>();
    world.app.workspace_enter(&enter, workspace, Visit::InProcess).await.unwrap()
}

/// A workspace with a member of each role.
pub struct House {
    pub workspace: WorkspaceId,
    pub owner: Somebody,
    pub admin: Somebody,
    pub agent: Somebody,
    pub analyst: Somebody,
}

impl House {
    pub async fn build(world: &World) -> Self {
        let workspace = world.tenant("Ours").await.workspace;
        Self {
            workspace,
            owner: world.member(workspace, Role::Owner).await,
            admin: world.member(workspace, Role::Admin).await,
            agent: world.member(workspace, Role::Agent).await,
            analyst: world.member(workspace, Role::Analyst).await,
        }
    }

    pub async fn grant<P: Permission>(&self, world: &World, somebody: &Somebody) -> Result<Grant<P>> {
        grant_of(world, &*person(world, somebody).await, self.workspace).await
    }
}

/// Invites, and gives what follows the last slash of the link.
pub async fn invite(
    world: &World,
    grant: &Grant<permission::MemberManage>,
    email: &str,
    role: Role,
) -> Result<(InvitationSent, String)> {
    let create = InvitationCreate { email: EmailAddress::parse(email).unwrap(), role };
    match world.app.invitation_create(grant, create, None).await? {
        Outcome::Fresh(sent) => {
            let code = code(&sent);
            Ok((sent, code))
        }
        Outcome::Replayed(_) => unreachable!("nothing to replay"),
    }
}

pub fn code(sent: &InvitationSent) -> String {
    let link = sent.link.as_ref().unwrap().expose();
    link.rsplit_once('/').unwrap().1.to_owned()
}
