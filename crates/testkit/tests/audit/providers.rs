//! What is done with identity providers, driven.

use std::sync::Arc;

use gatepost_app::{
    IdentityProviderUpdate, IdentityProviderView, Outcome, SecondFactor, SignIn, SsoDone, SsoWish,
};
use gatepost_core::access::permission::{IdentityProviderManage, MessageSend};
use gatepost_core::access::{Grant, Person, Role, SessionKind};
use gatepost_core::audit::Action;
use gatepost_core::{Secret, WorkspaceId};
use gatepost_testkit::idp::{Idp, Person as There};
use gatepost_testkit::{PASSWORD, Somebody};

use crate::support::Stage;

/// Whether an action is told of in the platform's log.
pub fn is_platforms(action: Action) -> bool {
    matches!(action, Action::IdentityLinked | Action::IdentityUnlinked)
}

/// An owner, and the workspace's provider.
struct Scene<'s> {
    stage: &'s Stage,
    idp: Idp,
    owner: Somebody,
    person: Arc<Person>,
    provider: IdentityProviderView,
}

async fn person(stage: &Stage, token: &Secret<String>) -> Arc<Person> {
    stage.world.app.person_of_session(token.expose(), SessionKind::Console).await.unwrap()
}

async fn grant(stage: &Stage, person: &Person) -> Grant<IdentityProviderManage> {
    let seat = stage.world.app.principal_of_person(person, stage.tenant.workspace).await.unwrap();
    seat.grant().unwrap().in_request(stage.world.caller().request.unwrap())
}

impl<'s> Scene<'s> {
    async fn start(stage: &'s Stage) -> Self {
        let idp = Idp::start(Arc::clone(&stage.world.clock) as _).await;
        let owner = stage.world.member(stage.tenant.workspace, Role::Owner).await;
        // Another issuer each time, so the subject may be the same.
        let (sub, name) = ("1".to_owned(), "Ann".to_owned());
        idp.sign_in(There { sub, email: "ann@example.org".to_owned(), verified: true, name });
        let person = person(stage, &stage.world.sign_in(&owner).await.token).await;
        let grant = grant(stage, &person).await;
        let made = stage.world.app.identity_provider_create(&grant, idp.registration(), None).await.unwrap();
        let Outcome::Fresh(provider) = made else { unreachable!("nothing to replay") };
        Self { stage, idp, owner, person, provider }
    }

    fn key(&self) -> String {
        self.provider.id.to_string()
    }

    async fn link(&self) {
        let wish = SsoWish::Link(&self.person);
        let done = self.stage.world.visit(&self.idp, &self.key(), wish).await.unwrap();
        assert!(matches!(done, SsoDone::Linked));
    }

    async fn update(&self, person: &Person, update: IdentityProviderUpdate) {
        let grant = grant(self.stage, person).await;
        self.stage.world.app.identity_provider_update(&grant, self.provider.id, update).await.unwrap();
    }

    /// The owner in a session of two factors of their own.
    async fn strong(&self) -> Arc<Person> {
        let (app, caller, kind) = (&self.stage.world.app, self.stage.world.caller(), SessionKind::Console);
        let (_, codes) = self.stage.world.add_app(&self.person).await;
        let password = Secret::new(PASSWORD.to_owned());
        let step = app.sign_in_password(&caller, kind, &self.owner.email, &password).await.unwrap();
        let SignIn::SecondFactor { ticket } = step else { unreachable!("a second factor is owed") };
        let proof = SecondFactor::RecoveryCode(Secret::new(codes[0].clone()));
        let begun = app.sign_in_second_factor(&caller, kind, ticket.expose(), &proof).await.unwrap();
        person(self.stage, &begun.token).await
    }
}

/// Prepares whatever an action needs, then counts, then does it. Returns what the log held before.
pub async fn drive(stage: &Stage, action: Action, log: Option<WorkspaceId>) -> usize {
    let (world, app) = (&stage.world, &stage.world.app);
    let count = async || world.audited(log, action.as_str()).await;
    let scene = Scene::start(stage).await;
    let before = count().await;
    match action {
        Action::IdentityProviderCreated => {
            let grant = grant(stage, &scene.person).await;
            app.identity_provider_create(&grant, scene.idp.registration(), None).await.unwrap();
        }
        Action::IdentityProviderUpdated => {
            let update = IdentityProviderUpdate { enabled: Some(false), ..IdentityProviderUpdate::default() };
            scene.update(&scene.person, update).await;
        }
        Action::IdentityProviderDeleted => {
            let grant = grant(stage, &scene.person).await;
            app.identity_provider_delete(&grant, scene.provider.id).await.unwrap();
        }
        Action::IdentityProviderRefused => {
            let wish = SsoWish::SignIn { invitation: None };
            assert!(world.visit(&scene.idp, &scene.key(), wish).await.is_err());
        }
        Action::IdentityLinked => scene.link().await,
        Action::IdentityUnlinked => {
            scene.link().await;
            let id = app.identity_list(&scene.person).await.unwrap()[0].id;
            app.identity_unlink(&scene.person, &world.caller(), id).await.unwrap();
        }
        Action::IdentityProviderBypassed => {
            scene.link().await;
            world.visit(&scene.idp, &scene.key(), SsoWish::SignIn { invitation: None }).await.unwrap();
            let strong = scene.strong().await;
            let only = |yes| IdentityProviderUpdate { only_way_in: Some(yes), ..Default::default() };
            scene.update(&strong, only(true)).await;
            for _ in 0..3 {
                let seat = app.principal_of_person(&strong, stage.tenant.workspace).await.unwrap();
                assert!(seat.grant::<MessageSend>().is_ok());
            }
            scene.update(&strong, only(false)).await;
        }
        other => unreachable!("nothing drives {other}"),
    }
    before
}
