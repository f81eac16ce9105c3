//! The pages about members, invitations and the workspace, without scripts.

use gatepost_core::WorkspaceId;
use gatepost_core::access::permission::MemberRead;
use gatepost_core::access::{OperatorRole, Role};
use gatepost_testkit::{Browser, Engines, PASSWORD, Setup, Somebody, World};

use crate::support::{House, inside};

async fn world(engine: Engines) -> World {
    let world = World::start(Setup::new(engine)).await;
    // It is set up: somebody runs it.
    world.somebody(Some(OperatorRole::Administrator)).await;
    world
}

/// The path of the link that a page shows.
fn shown_link(page: &str) -> String {
    let rest = page.split_once("/invitation/").unwrap().1;
    format!("/invitation/{}", rest.split_once('"').unwrap().0)
}

async fn role_of(world: &World, workspace: WorkspaceId, somebody: &Somebody) -> Option<Role> {
    let grant = inside(world, workspace).await.grant::<MemberRead>().unwrap();
    world.app.member_get(&grant, somebody.id).await.ok().map(|member| member.role)
}

async fn invite_by_form(browser: &Browser, workspace: WorkspaceId, email: &str) -> String {
    let form = format!("/w/{workspace}/members/invite");
    browser.open(&form).await.expect(200);
    let page = browser.submit(&form, &[("email", email), ("role", "agent")]).await.expect(200);
    shown_link(&page.text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_from_the_form_to_the_seat() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let house = House::build(&world).await;
        let workspace = house.workspace;
        let owner = world.browser_of(&house.owner).await;
        let invite = format!("/w/{workspace}/members/invite");
        owner.open(&invite).await.expect(200);
        let again = owner.submit(&invite, &[("email", "no address"), ("role", "agent")]).await.expect(422);
        assert!(again.text.contains("Give an e-mail address") && again.text.contains("no address"));
        let again = owner.submit(&invite, &[("email", &house.agent.email), ("role", "agent")]).await;
        assert!(again.expect(422).text.contains("This person is a member already"));
        let link = invite_by_form(&owner, workspace, "new@example.com").await;
        let list = owner.open(&format!("/w/{workspace}/members")).await.expect(200);
        assert!(list.text.contains("new@example.com") && !list.text.contains(&link), "the link is gone");

        // Somebody else who is signed in is told that it is not theirs, and how to go on.
        let other = world.browser_of(&world.somebody(None).await).await;
        let page = other.open(&link).await.expect(200);
        assert!(page.text.contains("for another address") && page.text.contains("action=\"/sign-out\""));

        let guest = world.browser();
        let page = guest.open(&link).await.expect(200);
        assert!(page.text.contains("Ours") && page.text.contains("new@example.com"), "{}", page.text);
        let sign_up = format!("{link}/sign-up");
        let weak = [("name", "Nina New"), ("password", "too short")];
        let page = guest.submit(&sign_up, &weak).await.expect(422);
        assert!(
            page.text.contains("Nina New") && !page.text.contains("too short"),
            "passwords are not shown"
        );
        let good = guest.filled(&sign_up, &[("name", "Nina New"), ("password", PASSWORD)]);
        let good: Vec<(&str, &str)> = good.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let answer = guest.post(&sign_up, &good).await.expect(303);
        assert_eq!(answer.headers["location"].to_str().unwrap(), format!("/w/{workspace}"));
        assert!(guest.session().is_some());
        guest.open(&format!("/w/{workspace}/settings")).await.expect(200);
        guest.open(&format!("/w/{workspace}/members")).await.expect(403);
        for path in [&link, &sign_up] {
            let again =
                if path == &link { world.browser().open(path).await } else { guest.post(path, &good).await };
            assert!(matches!(again.status, 410 | 403), "{path}: {}", again.status);
        }
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_an_account_accepts() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let house = House::build(&world).await;
        let ann = world.somebody(None).await;
        let owner = world.browser_of(&house.owner).await;
        let link = invite_by_form(&owner, house.workspace, &ann.email).await;
        let browser = world.browser_of(&ann).await;
        browser.open(&link).await.expect(200);
        let accept = format!("{link}/accept");
        browser.submit(&accept, &[]).await;
        assert_eq!(browser.at(), format!("/w/{}", house.workspace));
        assert_eq!(role_of(&world, house.workspace, &ann).await, Some(Role::Agent));
        browser.open(&link).await.expect(410);
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_and_removal_by_forms() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let house = House::build(&world).await;
        let base = format!("/w/{}/members", house.workspace);
        let admin = world.browser_of(&house.admin).await;
        let agent = format!("{base}/{}", house.agent.id);
        admin.open(&agent).await.expect(200);
        assert!(!admin.html().contains("value=\"owner\""), "an admin makes no owners");
        // A field that the form does not have is refused, and a role out of reach is too.
        let role = format!("{agent}/role");
        let token = admin.csrf().unwrap();
        let more = [("csrf", token.as_str()), ("role", "analyst"), ("workspace_id", "ws_other")];
        assert_eq!(admin.post(&role, &more).await.status, 422);
        let owner = [("csrf", token.as_str()), ("role", "owner")];
        assert_eq!(admin.post(&role, &owner).await.status, 403);
        assert_eq!(role_of(&world, house.workspace, &house.agent).await, Some(Role::Agent));
        admin.open(&agent).await.expect(200);
        admin.submit(&role, &[("role", "analyst")]).await.expect(200);
        assert_eq!(admin.at(), base);
        assert!(admin.html().contains("The role is saved"));
        assert_eq!(role_of(&world, house.workspace, &house.agent).await, Some(Role::Analyst));
        let page = admin.open(&format!("{base}/{}", house.owner.id)).await.expect(200);
        assert!(page.text.contains("Only an owner changes") && !page.text.contains("<form action=\"/w/"));

        let remove = format!("{agent}/remove");
        admin.open(&remove).await.expect(200);
        admin.submit(&remove, &[]).await.expect(200);
        assert_eq!(role_of(&world, house.workspace, &house.agent).await, None);
        let owner = world.browser_of(&house.owner).await;
        let own = format!("{base}/{}/remove", house.owner.id);
        owner.open(&own).await.expect(200);
        let refused = owner.submit(&own, &[]).await.expect(422);
        assert!(refused.text.contains("keeps at least one owner"), "{}", refused.text);
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_leaving_and_deleting_by_forms() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let house = House::build(&world).await;
        let workspace = house.workspace;
        let settings = format!("/w/{workspace}/settings");
        let owner = world.browser_of(&house.owner).await;
        let page = owner.open(&settings).await.expect(200);
        assert!(page.text.contains("4 members have none yet"), "{}", page.text);
        let asked =
            owner.submit(&settings, &[("name", "Renamed"), ("second_factor", "on")]).await.expect(422);
        assert!(asked.text.contains("Sign in with a second factor yourself first."));
        owner.submit(&settings, &[("name", "Renamed")]).await.expect(200);
        assert!(owner.html().contains("The settings are saved") && owner.html().contains("Renamed"));

        let agent = world.browser_of(&house.agent).await;
        let page = agent.open(&settings).await.expect(200);
        assert!(!page.text.contains("Delete the workspace") && page.text.contains("Leave the workspace"));
        let leave = format!("/workspaces/{workspace}/leave");
        agent.open(&leave).await.expect(200);
        agent.submit(&leave, &[]).await;
        agent.open(&settings).await.expect(404);
        agent.open(&leave).await.expect(404);

        let transfer = format!("{settings}/transfer");
        owner.open(&settings).await.expect(200);
        owner.submit(&transfer, &[("user_id", &house.admin.id.to_string())]).await.expect(200);
        assert_eq!(role_of(&world, workspace, &house.owner).await, Some(Role::Admin));
        owner.open(&format!("{settings}/delete")).await.expect(403);
        let heir = world.browser_of(&house.admin).await;
        let delete = format!("{settings}/delete");
        heir.open(&delete).await.expect(200);
        let wrong = heir.submit(&delete, &[("confirm", "renamed")]).await.expect(422);
        assert!(wrong.text.contains("This is not the workspace"));
        heir.submit(&delete, &[("confirm", "Renamed")]).await;
        heir.open(&settings).await.expect(404);
        world.stop().await;
    }
}
