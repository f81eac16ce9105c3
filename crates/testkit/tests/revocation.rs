//! What somebody stole on one node, and what ends it on the other: a session's cookie, an access token, a refresh token
//! and an open stream, against everything that takes away what they opened.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use gatepost_app::{IdentityProviderUpdate, Outcome, SessionBegun, SignIn, SsoDone, SsoWish, Visit};
use gatepost_core::access::{Permission, Person, Role, SessionKind, operator_permission, permission};
use gatepost_core::channel::Mode;
use gatepost_core::{IdentityProviderId, Secret, WorkspaceId};
use gatepost_testkit::idp::{Idp, Person as There};
use gatepost_testkit::{Browser, Client, Engines, Listening, PASSWORD, Setup, Somebody, World};
use serde_json::json;

/// From the answer to whoever ended it until no node knows it any more.
const DEAD_WITHIN: Duration = Duration::from_secs(1);
const CLOSED_WITHIN: Duration = Duration::from_secs(5);
const OTHER_PASSWORD: &str = "nine patient otters";

/// What is done on the first node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    SignOut,
    EndOthers,
    PasswordChange,
    PasswordChangeElsewhere,
    PasswordReset,
    AppRemoval,
    PasskeyRemoval,
    Unlinking,
    SeatRemoval,
    RoleChange,
    AccountClosing,
    ProviderRemoval,
    ProviderSwitch,
    WorkspaceDeletion,
    TokenRevocation,
}

/// What of the stolen things is left after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Nothing opens anything.
    Nothing,
    /// The session goes on, and finds no such workspace.
    NoSeat,
    /// Everything goes on with the rights of the new role.
    LessRights,
    /// The session goes on, the tokens do not.
    Session,
}

const TABLE: [(Deed, Left); 15] = [
    (Deed::SignOut, Left::Nothing),
    (Deed::EndOthers, Left::Nothing),
    (Deed::PasswordChange, Left::Nothing),
    (Deed::PasswordChangeElsewhere, Left::Nothing),
    (Deed::PasswordReset, Left::Nothing),
    (Deed::AppRemoval, Left::Nothing),
    (Deed::PasskeyRemoval, Left::Nothing),
    (Deed::Unlinking, Left::Nothing),
    (Deed::SeatRemoval, Left::NoSeat),
    (Deed::RoleChange, Left::LessRights),
    (Deed::AccountClosing, Left::Nothing),
    (Deed::ProviderRemoval, Left::Nothing),
    (Deed::ProviderSwitch, Left::Nothing),
    (Deed::WorkspaceDeletion, Left::NoSeat),
    (Deed::TokenRevocation, Left::Session),
];

/// Somebody with a seat and a session, on the first node.
struct Victim<'w> {
    world: &'w World,
    workspace: WorkspaceId,
    name: String,
    somebody: Somebody,
    person: Arc<Person>,
    session: SessionBegun,
    access: String,
    refresh: String,
    provider: Option<IdentityProviderId>,
}

/// Copies of what they hold, used on the second node.
struct Thief {
    browser: Browser,
    api: Client,
    stream: Listening,
    keys: String,
    refresh: String,
}

async fn by_hand<P: Permission>(world: &World, workspace: WorkspaceId) -> gatepost_core::access::Grant<P> {
    let enter = world.operator::<operator_permission::WorkspaceEnter>();
    world.app.workspace_enter(&enter, workspace, Visit::InProcess).await.unwrap().grant().unwrap()
}

/// The workspace's own provider, and a session that it opened.
async fn through_provider(
    world: &World,
    idp: &Idp,
    workspace: WorkspaceId,
    somebody: &Somebody,
) -> (IdentityProviderId, SessionBegun) {
    let create = idp.registration();
    let grant = by_hand::<permission::IdentityProviderManage>(world, workspace).await;
    let made = world.app.identity_provider_create(&grant, create, None).await.unwrap();
    let Outcome::Fresh(provider) = made else { unreachable!("nothing to replay") };
    let key = provider.id.to_string();
    idp.sign_in(There {
        sub: somebody.id.to_string(),
        email: somebody.email.clone(),
        verified: true,
        name: "Ann".to_owned(),
    });
    let person = world.person_of(&world.sign_in(somebody).await).await;
    world.visit(idp, &key, SsoWish::Link(&person)).await.unwrap();
    let done = world.visit(idp, &key, SsoWish::SignIn { invitation: None }).await.unwrap();
    let SsoDone::SignedIn { step: SignIn::Done(session), .. } = done else { unreachable!("a whole sign-in") };
    (provider.id, session)
}

impl<'w> Victim<'w> {
    async fn make(world: &'w World, idp: &Idp, deed: Deed) -> Self {
        let name = format!("{deed:?}");
        let workspace = world.tenant(&name).await.workspace;
        world.member(workspace, Role::Owner).await;
        let somebody = world.member(workspace, Role::Admin).await;
        let (provider, session) = match deed {
            Deed::ProviderRemoval | Deed::ProviderSwitch => {
                let (provider, session) = through_provider(world, idp, workspace, &somebody).await;
                (Some(provider), session)
            }
            Deed::Unlinking => {
                let (provider, _) = through_provider(world, idp, workspace, &somebody).await;
                (Some(provider), world.sign_in(&somebody).await)
            }
            _ => (None, world.sign_in(&somebody).await),
        };
        let person = world.person_of(&session).await;
        // The copy is of the token before the factor came: it opens for a moment still, until the deed.
        match deed {
            Deed::AppRemoval => drop(world.add_app(&person).await),
            Deed::PasskeyRemoval => drop(world.add_passkey(&person).await),
            _ => {}
        }
        let tokens =
            world.app.tokens_of_session(&person, &world.caller(), workspace, Mode::Test).await.unwrap();
        let (access, refresh) = (tokens.access.expose().clone(), tokens.refresh.expose().clone());
        Self { world, workspace, name, somebody, person, session, access, refresh, provider }
    }

    /// What they hold is stolen, and works on the second node.
    async fn robbed(&self, node: &World) -> Thief {
        let browser = self.world.browser();
        browser.adopt(&self.session);
        let (browser, api) = (browser.at_node(node), node.nobody().with_key(Some(&self.access)));
        let mut stream =
            api.listen("/v1/events/stream", None).await.unwrap_or_else(|answer| unreachable!("{answer:?}"));
        stream.frame().await.unwrap();
        let keys = format!("/w/{}/keys", self.workspace);
        let thief = Thief { browser, api, stream, keys, refresh: self.refresh.clone() };
        assert_eq!((thief.page().await.0, thief.call().await.0), (200, 200), "{}", self.name);
        thief
    }

    /// Does it; what the person has for their own browser afterwards, where they stay signed in.
    async fn suffer(&self, deed: Deed) -> Option<Secret<String>> {
        let (app, world, person, caller) = (&self.world.app, self.world, &self.person, self.world.caller());
        let (old, new) = (Secret::new(PASSWORD.to_owned()), Secret::new(OTHER_PASSWORD.to_owned()));
        match deed {
            Deed::SignOut => app.session_end(person, &caller, person.session()).await.unwrap(),
            Deed::EndOthers => return Some(app.sessions_end_others(person, &caller).await.unwrap()),
            Deed::PasswordChange => {
                return Some(app.password_change(person, &caller, Some(&old), &new).await.unwrap());
            }
            Deed::PasswordChangeElsewhere => {
                let elsewhere = world.person_of(&world.sign_in(&self.somebody).await).await;
                return Some(app.password_change(&elsewhere, &caller, Some(&old), &new).await.unwrap());
            }
            Deed::PasswordReset => {
                let users = world.operator::<operator_permission::UserManage>();
                let link = app.user_recover(&users, &self.somebody.email).await.unwrap().link;
                let token = link.expose().rsplit('/').next().unwrap();
                app.password_reset(&caller, token, &new).await.unwrap();
            }
            Deed::AppRemoval => return Some(app.totp_remove(person, &caller).await.unwrap()),
            Deed::PasskeyRemoval => {
                let id = app.factors_of(person).await.unwrap().passkeys[0].id;
                return Some(app.passkey_remove(person, &caller, id).await.unwrap());
            }
            Deed::Unlinking => {
                let id = app.identity_list(person).await.unwrap()[0].id;
                return Some(app.identity_unlink(person, &caller, id).await.unwrap());
            }
            Deed::SeatRemoval => {
                let grant = by_hand::<permission::MemberManage>(world, self.workspace).await;
                app.member_remove(&grant, self.somebody.id).await.unwrap();
            }
            Deed::RoleChange => {
                let grant = by_hand::<permission::MemberManage>(world, self.workspace).await;
                app.member_role_set(&grant, self.somebody.id, Role::Analyst).await.unwrap();
            }
            Deed::AccountClosing => {
                let users = world.operator::<operator_permission::UserManage>();
                app.user_disable(&users, self.somebody.id).await.unwrap();
            }
            Deed::ProviderRemoval => {
                let grant = by_hand::<permission::IdentityProviderManage>(world, self.workspace).await;
                app.identity_provider_delete(&grant, self.provider.unwrap()).await.unwrap();
            }
            Deed::ProviderSwitch => {
                let grant = by_hand::<permission::IdentityProviderManage>(world, self.workspace).await;
                let off =
                    IdentityProviderUpdate { enabled: Some(false), ..IdentityProviderUpdate::default() };
                app.identity_provider_update(&grant, self.provider.unwrap(), off).await.unwrap();
            }
            Deed::WorkspaceDeletion => {
                let grant = by_hand::<permission::WorkspaceManage>(world, self.workspace).await;
                app.workspace_delete(&grant, &self.name).await.unwrap();
            }
            Deed::TokenRevocation => app.tokens_revoke(&caller, &self.refresh).await.unwrap(),
        }
        None
    }
}

impl Thief {
    /// The status of a page that admins may open, and where it leads to.
    async fn page(&self) -> (u16, String) {
        let answer = self.browser.send("GET", &self.keys, &[], None).await;
        let to = answer.headers.get("location").map_or("", |to| to.to_str().unwrap());
        (answer.status, to.split('?').next().unwrap().to_owned())
    }

    /// The status of a call that admins may make, and its code.
    async fn call(&self) -> (u16, String) {
        let answer = self.api.get("/v1/keys?limit=1").await;
        (answer.status, answer.code())
    }

    async fn renewal(&self) -> (u16, String) {
        let body = json!({ "refresh_token": self.refresh });
        let answer = self.api.with_key(None).post("/v1/auth/token/refresh", &body).await;
        (answer.status, answer.code())
    }

    async fn closes(&mut self) {
        while let Some(frame) = self.stream.frame().await {
            drop(frame);
        }
    }
}

fn expected(left: Left) -> [(u16, String); 3] {
    let named = |status: u16, name: &str| (status, name.to_owned());
    let tokens = [named(401, "access_token_ended"), named(400, "refresh_token_invalid")];
    let [call, renewal] = match left {
        Left::LessRights => [named(403, "permission_missing"), named(200, "")],
        _ => tokens,
    };
    let page = match left {
        Left::Nothing => named(303, "/sign-in"),
        Left::NoSeat => named(404, ""),
        Left::LessRights => named(403, ""),
        Left::Session => named(200, ""),
    };
    [page, call, renewal]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_stolen_opens_nothing_on_the_other_node() {
    for engine in Engines::available() {
        let setup = || Setup { workers: false, ..Setup::new(engine) };
        let world = World::start(setup()).await;
        let idp = Idp::start(Arc::clone(&world.clock) as _).await;
        // SQLite has one node.
        let second = match engine {
            Engines::Postgres => Some(world.another(setup()).await),
            Engines::Sqlite => None,
        };
        let node = second.as_ref().unwrap_or(&world);
        for (deed, left) in TABLE {
            let victim = Victim::make(&world, &idp, deed).await;
            let mut thief = victim.robbed(node).await;
            let kept = victim.suffer(deed).await;
            // The very first tries after the answer: nobody has to wait for it.
            let answered = Instant::now();
            let found = [thief.page().await, thief.call().await, thief.renewal().await];
            let took = answered.elapsed();
            assert_eq!(found, expected(left), "{engine:?}: {deed:?}: page, call, renewal");
            assert!(took < DEAD_WITHIN, "{engine:?}: {deed:?}: {took:?}");
            let closed = tokio::time::timeout(CLOSED_WITHIN, thief.closes()).await;
            assert!(closed.is_ok(), "{engine:?}: {deed:?}: the stream is open still");
            // Whoever did it to themselves stays signed in, on both nodes.
            if let Some(token) = kept {
                for node in [&world, node] {
                    let own = node.app.person_of_session(token.expose(), SessionKind::Console).await;
                    assert!(own.is_ok(), "{engine:?}: {deed:?}");
                }
            }
        }
        if let Some(second) = second {
            second.stop().await;
        }
        world.stop().await;
    }
}
