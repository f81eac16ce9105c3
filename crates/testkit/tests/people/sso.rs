//! Signing in through identity providers: whom the provider's word makes somebody of, and what it opens.

use std::sync::Arc;
use std::time::Duration;

use gatepost_app::sso::{Callback, OperatorProvider, ProviderKind};
use gatepost_app::{
    IdentityProviderCreate, IdentityProviderUpdate, IdentityProviderView, Outcome, SecondFactor, SignIn,
    SsoDone, SsoWish,
};
use gatepost_core::access::permission::{
    IdentityProviderManage, IdentityProviderRead, KeyManage, MessageSend,
};
use gatepost_core::access::{Person, Principal, Role, SessionKind, operator_permission};
use gatepost_core::{Code, Error, Secret, WorkspaceId};
use gatepost_testkit::idp::{CLIENT_SECRET, Idp, Part, Person as There};
use gatepost_testkit::{Engines, PASSWORD, Setup, Somebody, TestClock, World};

const GLOBAL: &str = "everybody";

/// A world whose operator has one provider; workspaces may name the same.
struct Scene {
    world: World,
    idp: Idp,
    clock: Arc<TestClock>,
    ours: WorkspaceId,
    theirs: WorkspaceId,
    owner: Somebody,
}

impl Scene {
    async fn all() -> Vec<Self> {
        let mut scenes = Vec::new();
        for engine in Engines::available() {
            scenes.push(Self::on(engine).await);
        }
        scenes
    }

    async fn on(engine: Engines) -> Self {
        let clock = Arc::<TestClock>::default();
        let idp = Idp::start(Arc::clone(&clock) as _).await;
        let mut setup = Setup::new(engine);
        setup.workers = false;
        setup.config.sso.hosts = idp.hosts();
        let provider = idp.provider();
        let known = OperatorProvider { key: GLOBAL.to_owned(), name: "Everybody's".to_owned(), provider };
        setup.config.sso.providers.push(known);
        let world = World::start(setup).await;
        let (ours, theirs) = (world.tenant("Ours").await.workspace, world.tenant("Theirs").await.workspace);
        let owner = world.member(ours, Role::Owner).await;
        Self { world, idp, clock, ours, theirs, owner }
    }

    fn advance(&self, span: Duration) {
        self.world.clock.advance(span);
        self.clock.advance(span);
    }

    /// From now on this person is signed in at the provider.
    fn there(&self, sub: &str, email: &str) {
        self.idp.sign_in(There {
            sub: sub.to_owned(),
            email: email.to_owned(),
            verified: true,
            name: "Ann".to_owned(),
        });
    }

    async fn person(&self, token: &Secret<String>) -> Person {
        let found = self.world.app.person_of_session(token.expose(), SessionKind::Console).await.unwrap();
        Person::clone(&found)
    }

    async fn with_password(&self, somebody: &Somebody) -> Person {
        self.person(&self.world.sign_in(somebody).await.token).await
    }

    async fn seat(&self, somebody: &Somebody) -> Arc<Principal> {
        let person = self.with_password(somebody).await;
        self.world.app.principal_of_person(&person, self.ours).await.unwrap()
    }

    /// A provider of our workspace.
    async fn provider(&self, create: IdentityProviderCreate) -> IdentityProviderView {
        let grant = self.seat(&self.owner).await.grant::<IdentityProviderManage>().unwrap();
        match self.world.app.identity_provider_create(&grant, create, None).await.unwrap() {
            Outcome::Fresh(view) => view,
            Outcome::Replayed(_) => unreachable!("nothing to replay"),
        }
    }

    async fn update(
        &self,
        view: &IdentityProviderView,
        update: IdentityProviderUpdate,
    ) -> Result<IdentityProviderView, Error> {
        let grant = self.seat(&self.owner).await.grant::<IdentityProviderManage>().unwrap();
        self.world.app.identity_provider_update(&grant, view.id, update).await
    }

    /// The whole way through a provider, in one browser.
    async fn visit(&self, key: &str, wish: SsoWish<'_>) -> Result<SsoDone, Error> {
        self.world.visit(&self.idp, key, wish).await
    }

    async fn sign_in(&self, key: &str) -> Result<Person, Code> {
        match self.visit(key, SsoWish::SignIn { invitation: None }).await.map_err(|error| error.code())? {
            SsoDone::SignedIn { step: SignIn::Done(session), .. } => Ok(self.person(&session.token).await),
            _ => Err(Code::SecondFactorRequired),
        }
    }

    async fn link(&self, key: &str, somebody: &Somebody) -> Result<(), Code> {
        let person = self.with_password(somebody).await;
        self.visit(key, SsoWish::Link(&person)).await.map(drop).map_err(|error| error.code())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_found_by_issuer_and_subject_and_never_by_address() {
    for scene in Scene::all().await {
        // The provider says the very address of an account, verified: that opens nothing.
        scene.there("1", &scene.owner.email);
        assert_eq!(scene.sign_in(GLOBAL).await.err(), Some(Code::SsoFailed));
        scene.link(GLOBAL, &scene.owner).await.unwrap();
        let person = scene.sign_in(GLOBAL).await.unwrap();
        assert_eq!(person.user(), scene.owner.id);
        assert!(person.confined_to().is_none() && !person.second_factor());
        assert!(scene.world.app.principal_of_person(&person, scene.ours).await.is_ok());
        // The address at the provider may change, the subject may not.
        scene.there("1", "elsewhere@example.org");
        assert!(scene.sign_in(GLOBAL).await.is_ok());
        scene.there("2", &scene.owner.email);
        assert_eq!(scene.sign_in(GLOBAL).await.err(), Some(Code::SsoFailed));
        // One account there is one person here.
        scene.there("1", "elsewhere@example.org");
        let other = scene.world.somebody(None).await;
        assert_eq!(scene.link(GLOBAL, &other).await, Err(Code::IdentityLinked));
        assert_eq!(scene.link(GLOBAL, &scene.owner).await, Ok(()), "the same again is no fault");
        // Nothing of it lies in the rows as it is.
        let rows = format!("{:?}", scene.world.rows().await);
        assert!(!rows.contains("elsewhere@example.org") && !rows.contains(CLIENT_SECRET));
        scene.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_link_wants_a_verified_address_and_a_fresh_session_of_ones_own() {
    for scene in Scene::all().await {
        let unverified = |email: &str| {
            let (sub, email, name) = ("7".to_owned(), email.to_owned(), String::new());
            scene.idp.sign_in(There { sub, email, verified: false, name });
        };
        unverified("other@example.org");
        assert_eq!(scene.link(GLOBAL, &scene.owner).await, Err(Code::SsoFailed));
        // The account's own address was verified by us.
        unverified(&scene.owner.email.to_uppercase());
        assert_eq!(scene.link(GLOBAL, &scene.owner).await, Ok(()));
        // An old session links nothing.
        let person = scene.with_password(&scene.owner).await;
        scene.advance(Duration::from_mins(6));
        let stale = scene.world.app.sso_start(GLOBAL, None, SsoWish::Link(&person), "").await.err();
        assert_eq!(stale.map(|error| error.code()), Some(Code::ReauthRequired));
        // Nor does one that ended while its person was at the provider.
        scene.there("8", "ann@example.org");
        let person = scene.with_password(&scene.owner).await;
        let started = scene.world.app.sso_start(GLOBAL, None, SsoWish::Link(&person), "").await.unwrap();
        let back = scene.idp.consent(&started.url).await;
        scene.world.app.session_end(&person, &scene.world.caller(), person.session()).await.unwrap();
        let get = |name: &str| back.get(name).cloned();
        let callback = Callback { state: get("state").unwrap(), code: get("code"), ..Callback::default() };
        let caller = scene.world.caller();
        let late = scene.world.app.sso_finish(&caller, GLOBAL, started.browser.expose(), &callback).await;
        assert_eq!(late.err().map(|error| error.code()), Some(Code::SsoFailed));
        scene.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callback_works_once_and_in_its_own_browser() {
    for scene in Scene::all().await {
        scene.there("1", &scene.owner.email);
        scene.link(GLOBAL, &scene.owner).await.unwrap();
        let app = &scene.world.app;
        let begin = async || {
            let started =
                app.sso_start(GLOBAL, None, SsoWish::SignIn { invitation: None }, "").await.unwrap();
            let back = scene.idp.consent(&started.url).await;
            let get = |name: &str| back.get(name).cloned();
            let callback =
                Callback { state: get("state").unwrap(), code: get("code"), ..Callback::default() };
            (started.browser, callback)
        };
        let caller = scene.world.caller();
        let (browser, callback) = begin().await;
        // Of many at once, one.
        let tries = (0..8).map(|_| app.sso_finish(&caller, GLOBAL, browser.expose(), &callback));
        let done = futures_util::future::join_all(tries).await;
        assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 1);
        assert!(done.iter().filter_map(|d| d.as_ref().err()).all(|e| e.code() == Code::SsoFailed));
        // Somebody else's browser uses the attempt up and gets nothing.
        let (browser, callback) = begin().await;
        for cookie in ["a victim's", browser.expose()] {
            let refused = app.sso_finish(&caller, GLOBAL, cookie, &callback).await;
            assert_eq!(refused.err().map(|error| error.code()), Some(Code::SsoFailed));
        }
        scene.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workspaces_provider_opens_its_workspace_and_nothing_else() {
    for scene in Scene::all().await {
        let app = &scene.world.app;
        let provider = scene.provider(scene.idp.registration()).await;
        let key = provider.id.to_string();
        // The owner sits in both workspaces.
        let grant = scene.world.operator::<operator_permission::UserManage>();
        app.member_add(&grant, scene.theirs, scene.owner.id, Role::Owner).await.unwrap();
        scene.there("1", "ann@example.org");
        scene.link(&key, &scene.owner).await.unwrap();
        let person = scene.sign_in(&key).await.unwrap();
        assert_eq!(person.confined_to(), Some(scene.ours));
        let seat = app.principal_of_person(&person, scene.ours).await.unwrap();
        assert!(seat.grant::<KeyManage>().is_ok(), "the sign-in is a fresh proof");
        let elsewhere = app.principal_of_person(&person, scene.theirs).await.err();
        assert_eq!(elsewhere.map(|error| error.code()), Some(Code::SessionConfined));
        // Not the person's account either.
        let seats: Vec<_> =
            app.seats_of(&person).await.unwrap().into_iter().map(|seat| seat.workspace).collect();
        assert_eq!(seats, [scene.ours]);
        assert_eq!(app.session_list(&person).await.unwrap().len(), 1);
        assert_eq!(app.identity_list(&person).await.unwrap_err().code(), Code::SessionConfined);
        let link = app.sso_start(GLOBAL, None, SsoWish::Link(&person), "").await.err();
        assert_eq!(link.map(|error| error.code()), Some(Code::SessionConfined));
        let other = scene.with_password(&scene.owner).await.session();
        let end = app.session_end(&person, &scene.world.caller(), other).await.unwrap_err();
        assert_eq!(end.code(), Code::SessionConfined);
        // Another way into the same account knows no such walls.
        let person = scene.sign_in(GLOBAL).await.unwrap();
        assert!(app.principal_of_person(&person, scene.theirs).await.is_ok());
        scene.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_no_member_any_more_or_disabled_does_not_come_in() {
    for scene in Scene::all().await {
        let app = &scene.world.app;
        let key = scene.provider(scene.idp.registration()).await.id.to_string();
        let agent = scene.world.member(scene.ours, Role::Agent).await;
        scene.there("5", "agent@example.org");
        scene.link(&key, &agent).await.unwrap();
        assert!(scene.sign_in(&key).await.is_ok());
        // Removed from the workspace: its provider opens nothing, the person's own account still does.
        let id = agent.id;
        let scope = gatepost_store::WorkspaceScope::from(
            &scene.seat(&scene.owner).await.grant::<IdentityProviderRead>().unwrap(),
        );
        app.store()
            .write(scope, async move |tx| {
                assert!(tx.member_delete(id).await?);
                tx.commit(gatepost_core::audit::Audit::None("a test"), ())
            })
            .await
            .unwrap();
        assert_eq!(scene.sign_in(&key).await.err(), Some(Code::SsoFailed));
        assert!(scene.sign_in(GLOBAL).await.is_ok());
        let now = scene.world.app.now();
        app.store()
            .write_system(async move |tx| {
                tx.user_disabled_set(id, Some(now)).await?;
                tx.commit(gatepost_core::audit::Audit::None("a test"), ())
            })
            .await
            .unwrap();
        assert_eq!(scene.sign_in(GLOBAL).await.err(), Some(Code::SsoFailed));
        scene.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unlinked_account_opens_nothing() {
    for scene in Scene::all().await {
        let app = &scene.world.app;
        scene.there("1", "ann@example.org");
        scene.link(GLOBAL, &scene.owner).await.unwrap();
        let through = scene.sign_in(GLOBAL).await.unwrap();
        let person = scene.with_password(&scene.owner).await;
        let linked = app.identity_list(&person).await.unwrap();
        assert_eq!(linked.len(), 1);
        assert_eq!(
            (linked[0].issuer.as_str(), linked[0].email.as_deref()),
            (scene.idp.issuer.as_str(), Some("ann@example.org"))
        );
        let stranger = scene.with_password(&scene.world.somebody(None).await).await;
        let caller = scene.world.caller();
        let theirs = app.identity_unlink(&stranger, &caller, linked[0].id).await.err().unwrap();
        assert_eq!(theirs.code(), Code::NotFound);
        app.identity_unlink(&person, &caller, linked[0].id).await.unwrap();
        assert_eq!(scene.sign_in(GLOBAL).await.err(), Some(Code::SsoFailed));
        assert!(!app.session_list(&person).await.unwrap().iter().any(|s| s.id == through.session()));
        scene.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_only_way_in() {
    for scene in Scene::all().await {
        let app = &scene.world.app;
        let provider = scene.provider(scene.idp.registration()).await;
        let key = provider.id.to_string();
        let only =
            |yes| IdentityProviderUpdate { only_way_in: Some(yes), ..IdentityProviderUpdate::default() };
        let unproven = scene.update(&provider, only(true)).await.unwrap_err();
        assert_eq!(unproven.code(), Code::ProviderUnproven);
        let admin = scene.world.member(scene.ours, Role::Admin).await;
        let earlier = scene.with_password(&admin).await;
        scene.there("3", "admin@example.org");
        scene.link(&key, &admin).await.unwrap();
        let through = scene.sign_in(&key).await.unwrap();
        assert!(scene.update(&provider, only(true)).await.unwrap().only_way_in);
        // It binds sessions that were there before.
        let refused = app.principal_of_person(&earlier, scene.ours).await.unwrap_err();
        assert_eq!(refused.code(), Code::SsoRequired);
        assert!(app.principal_of_person(&through, scene.ours).await.is_ok());
        let global = scene.sign_in(GLOBAL).await.unwrap();
        assert_eq!(app.principal_of_person(&global, scene.ours).await.unwrap_err().code(), Code::SsoRequired);
        // An owner without a second factor has no way around it either; see `owners_break_the_glass`.
        let owner = scene.with_password(&scene.owner).await;
        assert_eq!(app.principal_of_person(&owner, scene.ours).await.unwrap_err().code(), Code::SsoRequired);
        // It cannot be switched off or removed while it is.
        let manage = app.principal_of_person(&through, scene.ours).await.unwrap();
        let grant = manage.grant::<IdentityProviderManage>().unwrap();
        let off = IdentityProviderUpdate { enabled: Some(false), ..IdentityProviderUpdate::default() };
        let conflict = app.identity_provider_update(&grant, provider.id, off).await.unwrap_err();
        assert_eq!(conflict.code(), Code::Conflict);
        assert_eq!(
            app.identity_provider_delete(&grant, provider.id).await.unwrap_err().code(),
            Code::Conflict
        );
        app.identity_provider_update(&grant, provider.id, only(false)).await.unwrap();
        assert!(app.principal_of_person(&earlier, scene.ours).await.is_ok());
        // What is removed opens nothing more, and what it opened is over.
        app.identity_provider_delete(&grant, provider.id).await.unwrap();
        assert_eq!(app.sso_offer(&key).await.unwrap_err().code(), Code::NotFound);
        let over = app.session_list(&scene.with_password(&admin).await).await.unwrap();
        assert!(!over.iter().any(|session| session.id == through.session()));
        scene.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_factor_is_asked_for_unless_the_provider_is_trusted_with_it() {
    for scene in Scene::all().await {
        let app = &scene.world.app;
        let provider = scene.provider(scene.idp.registration()).await;
        let key = provider.id.to_string();
        scene.there("1", "ann@example.org");
        scene.link(&key, &scene.owner).await.unwrap();
        let person = scene.with_password(&scene.owner).await;
        let (_, codes) = scene.world.add_app(&person).await;
        // Both the workspace's and the operator's provider lead to the second step.
        for (key, confined) in [(key.as_str(), Some(scene.ours)), (GLOBAL, None)] {
            let done = scene.visit(key, SsoWish::SignIn { invitation: None }).await.unwrap();
            let SsoDone::SignedIn { step: SignIn::SecondFactor { ticket }, .. } = done else {
                unreachable!("a second factor is owed");
            };
            let caller = scene.world.caller();
            let proof =
                SecondFactor::RecoveryCode(Secret::new(codes[usize::from(confined.is_none())].clone()));
            let operator =
                app.sign_in_second_factor(&caller, SessionKind::Operator, ticket.expose(), &proof).await;
            assert!(operator.is_err(), "never an operator's session");
            if confined.is_none() {
                break;
            }
            let done = scene.visit(key, SsoWish::SignIn { invitation: None }).await.unwrap();
            let SsoDone::SignedIn { step: SignIn::SecondFactor { ticket }, .. } = done else {
                unreachable!("a second factor is owed");
            };
            let proof = SecondFactor::RecoveryCode(Secret::new(codes[2].clone()));
            let begun =
                app.sign_in_second_factor(&caller, SessionKind::Console, ticket.expose(), &proof).await;
            let person = scene.person(&begun.unwrap().token).await;
            assert!(person.second_factor());
            assert_eq!(person.confined_to(), confined, "the second step widens nothing");
        }
        // The workspace trusts its provider: no second step, and the session counts as strong there.
        let trust =
            IdentityProviderUpdate { trusts_second_factor: Some(true), ..IdentityProviderUpdate::default() };
        let strong = strong_session(&scene, &codes[3]).await;
        let grant = app.principal_of_person(&strong, scene.ours).await.unwrap();
        let grant = grant.grant::<IdentityProviderManage>().unwrap();
        app.identity_provider_update(&grant, provider.id, trust).await.unwrap();
        let person = scene.sign_in(&key).await.unwrap();
        assert!(person.second_factor());
        // The break-glass way: once it is the only way in, the owner's own two factors still open, and the log says so.
        let only = IdentityProviderUpdate { only_way_in: Some(true), ..IdentityProviderUpdate::default() };
        app.identity_provider_update(&grant, provider.id, only).await.unwrap();
        for _ in 0..3 {
            assert!(
                app.principal_of_person(&strong, scene.ours).await.unwrap().grant::<MessageSend>().is_ok()
            );
        }
        let log = format!("{:?}", scene.world.audit_log(Some(scene.ours)).await);
        assert_eq!(log.matches("identity_provider.bypassed").count(), 1, "once for each session");
        scene.world.stop().await;
    }
}

/// The owner in a session of two factors of their own.
async fn strong_session(scene: &Scene, code: &str) -> Person {
    let (app, caller, kind) = (&scene.world.app, scene.world.caller(), SessionKind::Console);
    let password = Secret::new(PASSWORD.to_owned());
    let step = app.sign_in_password(&caller, kind, &scene.owner.email, &password).await.unwrap();
    let SignIn::SecondFactor { ticket } = step else { unreachable!("a second factor is owed") };
    let proof = SecondFactor::RecoveryCode(Secret::new(code.to_owned()));
    let begun = app.sign_in_second_factor(&caller, kind, ticket.expose(), &proof).await.unwrap();
    scene.person(&begun.token).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_of_a_domain_may_come_uninvited_where_the_workspace_says_so() {
    for scene in Scene::all().await {
        let app = &scene.world.app;
        scene.there("20", "new@shop.example");
        let closed = scene.provider(scene.idp.registration()).await.id.to_string();
        assert_eq!(scene.sign_in(&closed).await.err(), Some(Code::SsoFailed), "off by default");
        let (domains, join_role) = (vec!["Shop.Example".to_owned()], Some(Role::Agent));
        let open =
            scene.provider(IdentityProviderCreate { domains, join_role, ..scene.idp.registration() }).await;
        let key = open.id.to_string();
        let person = scene.sign_in(&key).await.unwrap();
        let seat = app.principal_of_person(&person, scene.ours).await.unwrap();
        assert_eq!(seat.role(), Some(Role::Agent));
        assert_eq!(person.confined_to(), Some(scene.ours));
        assert_eq!(scene.sign_in(&key).await.unwrap().user(), person.user(), "the same the next time");
        // Another domain, one that only looks like it, and an address that nobody verified.
        for (sub, email) in
            [("21", "x@evil.example"), ("22", "x@shop.example.evil.example"), ("23", "x@eshop.example")]
        {
            scene.there(sub, email);
            assert_eq!(scene.sign_in(&key).await.err(), Some(Code::SsoFailed), "{email}");
        }
        let unverified = There {
            sub: "24".to_owned(),
            email: "y@shop.example".to_owned(),
            verified: false,
            name: String::new(),
        };
        scene.idp.sign_in(unverified);
        assert_eq!(scene.sign_in(&key).await.err(), Some(Code::SsoFailed));
        // An address that has an account already is that account's, not whoever's says so.
        scene.there("25", "new@shop.example");
        assert_eq!(scene.sign_in(&key).await.err(), Some(Code::SsoFailed));
        let log = format!("{:?}", scene.world.audit_log(Some(scene.ours)).await);
        assert_eq!(log.matches("member.joined").count(), 2, "the owner, and one who came");
        assert!(log.matches("identity_provider.refused").count() >= 5);
        scene.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fresh_proof_through_the_provider_that_opened_the_session() {
    for scene in Scene::all().await {
        let app = &scene.world.app;
        let key = scene.provider(scene.idp.registration()).await.id.to_string();
        scene.there("1", "ann@example.org");
        scene.link(&key, &scene.owner).await.unwrap();
        let person = scene.sign_in(&key).await.unwrap();
        scene.advance(Duration::from_mins(6));
        let seat = app.principal_of_person(&person, scene.ours).await.unwrap();
        assert_eq!(seat.grant::<KeyManage>().unwrap_err().code(), Code::ReauthRequired);
        let offers = app.sso_prove_offers(&person).await.unwrap();
        assert_eq!(offers.iter().map(|offer| offer.key.as_str()).collect::<Vec<_>>(), [key.as_str()]);
        let own = scene.with_password(&scene.owner).await;
        assert_eq!(app.sso_prove_offers(&own).await.unwrap()[0].key, GLOBAL);
        // That one is signed in there is not enough, and neither is somebody else.
        let prove = async || scene.visit(&key, SsoWish::Prove(&person)).await.map_err(|error| error.code());
        assert_eq!(prove().await.err(), Some(Code::SsoFailed));
        scene.idp.twist(Part::Claims, |c| c["auth_time"] = c["iat"].clone());
        scene.there("99", "mallory@example.org");
        assert_eq!(prove().await.err(), Some(Code::SsoFailed));
        scene.there("1", "ann@example.org");
        let SsoDone::Proved { token: Some(token), .. } = prove().await.unwrap() else { unreachable!() };
        let person = scene.person(&token).await;
        assert!(app.principal_of_person(&person, scene.ours).await.unwrap().grant::<KeyManage>().is_ok());
        assert_eq!(person.confined_to(), Some(scene.ours));
        // Another provider proves nothing for this session.
        let global = app.sso_start(GLOBAL, None, SsoWish::Prove(&person), "").await.err();
        assert_eq!(global.map(|error| error.code()), Some(Code::SessionConfined));
        scene.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_is_looked_at_before_it_is_kept() {
    for scene in Scene::all().await {
        let app = &scene.world.app;
        let grant = scene.seat(&scene.owner).await.grant::<IdentityProviderManage>().unwrap();
        let refused = async |create: IdentityProviderCreate| {
            let error = app.identity_provider_create(&grant, create, None).await.err().unwrap();
            assert_eq!(error.code(), Code::InvalidField);
            error.field_errors()[0].pointer.clone()
        };
        let base = || scene.idp.registration();
        let issuer = |issuer: &str| ProviderKind::Oidc { issuer: issuer.to_owned() };
        for inside in ["http://127.0.0.1:22", "https://10.0.0.1", "https://localhost", "http://id.example"] {
            assert_eq!(refused(IdentityProviderCreate { kind: issuer(inside), ..base() }).await, "/issuer");
        }
        let slash = format!("{}/", scene.idp.issuer);
        assert_eq!(refused(IdentityProviderCreate { kind: issuer(&slash), ..base() }).await, "/issuer");
        assert_eq!(refused(IdentityProviderCreate { name: " ".to_owned(), ..base() }).await, "/name");
        assert_eq!(
            refused(IdentityProviderCreate { client_id: String::new(), ..base() }).await,
            "/client_id"
        );
        let empty = Secret::new(String::new());
        assert_eq!(
            refused(IdentityProviderCreate { client_secret: empty, ..base() }).await,
            "/client_secret"
        );
        for domain in ["", "shop", "a@b.example", "shop.example/evil", "127.0.0.1", "*.example"] {
            let domains = vec![domain.to_owned()];
            assert_eq!(refused(IdentityProviderCreate { domains, ..base() }).await, "/domains/0", "{domain}");
        }
        let agent = Some(Role::Agent);
        assert_eq!(refused(IdentityProviderCreate { join_role: agent, ..base() }).await, "/join_role");
        for role in [Role::Owner, Role::Admin] {
            let domains = vec!["shop.example".to_owned()];
            let create = IdentityProviderCreate { domains, join_role: Some(role), ..base() };
            assert_eq!(refused(create).await, "/join_role");
        }
        for _ in 0..gatepost_app::PROVIDERS_MAX {
            scene.provider(base()).await;
        }
        let full = app.identity_provider_create(&grant, base(), None).await.err().unwrap();
        assert_eq!(full.code(), Code::ProviderLimitReached);
        // The other workspace sees none of them.
        let theirs = scene.world.member(scene.theirs, Role::Owner).await;
        let person = scene.with_password(&theirs).await;
        let seat = app.principal_of_person(&person, scene.theirs).await.unwrap();
        let ours = app.identity_provider_list(&grant_read(&scene.seat(&scene.owner).await)).await.unwrap();
        assert_eq!(ours.len(), gatepost_app::PROVIDERS_MAX);
        assert!(app.identity_provider_list(&grant_read(&seat)).await.unwrap().is_empty());
        let foreign = app.identity_provider_get(&grant_read(&seat), ours[0].id).await.unwrap_err();
        assert_eq!(foreign.code(), Code::NotFound);
        let manage = seat.grant::<IdentityProviderManage>().unwrap();
        let gone = app.identity_provider_delete(&manage, ours[0].id).await.unwrap_err();
        assert_eq!(gone.code(), Code::NotFound);
        assert!(app.sso_offer(&ours[0].id.to_string()).await.is_ok(), "and it is still there");
        scene.world.stop().await;
    }
}

fn grant_read(seat: &Arc<Principal>) -> gatepost_core::access::Grant<IdentityProviderRead> {
    seat.grant().unwrap()
}
