//! The pages, as a browser without scripts sees them.

use gatepost_core::access::Role;
use gatepost_testkit::{Answer, Browser, Engines, MailServer, PASSWORD, Setup, Somebody, World};

use crate::support::OTHER_PASSWORD;

/// An installation whose links lead to itself.
async fn open(engine: Engines) -> (World, MailServer) {
    let server = MailServer::start().await;
    let world = World::start(Setup { mail: Some(server.mailer()), ..Setup::new(engine) }).await;
    (world, server)
}

/// The path of a link in a mail.
fn path(link: &str) -> String {
    link.strip_prefix("http://localhost:8080").unwrap().to_owned()
}

/// What a stranger could compare: status, headers that are not the time's or the request's, and the page.
fn comparable(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let own = ["date", "request-id", "set-cookie", "content-length"];
    let headers = answer
        .headers
        .iter()
        .filter(|(name, _)| !own.contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let cookies = answer.headers.get_all("set-cookie").iter().map(|cookie| {
        let text = cookie.to_str().unwrap();
        ("set-cookie".to_owned(), text.split('=').next().unwrap().to_owned())
    });
    (answer.status, headers.chain(cookies).collect(), answer.text.clone())
}

async fn ask(browser: &Browser, email: &str) -> Answer {
    browser.open("/forgot").await;
    let fields = browser.filled("/forgot", &[("email", email)]);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    browser.post("/forgot", &fields).await
}

#[tokio::test]
async fn a_forgotten_password_from_the_form_to_the_new_one() {
    for engine in Engines::available() {
        let (world, server) = open(engine).await;
        let anna = world.somebody(None).await;
        let old = world.sign_in(&anna).await;
        let browser = world.browser();
        browser.open("/forgot").await;
        let answer = browser.submit("/forgot", &[("email", &anna.email)]).await;
        assert!(answer.text.contains("If this address has an account"), "{}", answer.text);
        let link = path(&server.mail_to(&anna.email, "Set a new password").await.link());
        // Opening it twice, as a mail server may, uses nothing up.
        browser.open(&link).await;
        assert_eq!(browser.open(&link).await.status, 200);
        let short = browser.submit(&link, &[("password", "short")]).await;
        assert_eq!(short.status, 422);
        assert!(short.text.contains("at least 15 characters") && !short.text.contains("value=\"short\""));
        let fields = browser.filled(&link, &[("password", OTHER_PASSWORD)]);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let done = browser.post(&link, &fields).await;
        assert_eq!((done.status, done.headers["location"].to_str().unwrap()), (303, "/sign-in"));
        assert_eq!(browser.open(&link).await.status, 410);
        let kind = gatepost_core::access::SessionKind::Console;
        assert!(world.app.person_of_session(old.token.expose(), kind).await.is_err());
        // No page that holds the token may name it to others.
        assert_eq!(done.headers["referrer-policy"], "same-origin");
    }
}

#[tokio::test]
async fn known_and_unknown_addresses_are_answered_the_same() {
    for engine in Engines::available() {
        let (world, _server) = open(engine).await;
        let anna = world.somebody(None).await;
        let known = ask(&world.browser(), &anna.email).await;
        let unknown = ask(&world.browser(), "nobody-at-all@example.com").await;
        assert_eq!(known.status, 303);
        assert_eq!(comparable(&known), comparable(&unknown));
        // And when too much was asked.
        let browser = world.browser();
        for _ in 0..5 {
            assert_eq!(comparable(&ask(&browser, &anna.email).await), comparable(&unknown));
        }
        let wrong = ask(&world.browser(), "no address").await;
        assert_eq!(wrong.status, 422);
    }
}

#[tokio::test]
async fn without_mail_the_pages_say_so() {
    let world = World::start(Setup::new(Engines::Sqlite)).await;
    let anna = world.somebody(None).await;
    let browser = world.browser_of(&anna).await;
    let page = browser.open("/forgot").await;
    assert!(page.text.contains("sends no e-mail") && !page.text.contains("name=\"email\""), "{}", page.text);
    let page = browser.open("/account/email").await;
    assert!(page.text.contains("sends no e-mail") && page.text.contains(&anna.email), "{}", page.text);
}

#[tokio::test]
async fn a_person_changes_password_and_address() {
    for engine in Engines::available() {
        let (world, server) = open(engine).await;
        let anna: Somebody = world.somebody(None).await;
        let browser = world.browser_of(&anna).await;
        browser.open("/account/password").await;
        let wrong = browser
            .submit("/account/password", &[("present", "not it, not it"), ("password", OTHER_PASSWORD)])
            .await;
        assert!(wrong.status == 422 && wrong.text.contains("not your present password"), "{}", wrong.text);
        let done =
            browser.submit("/account/password", &[("present", PASSWORD), ("password", OTHER_PASSWORD)]).await;
        assert!(done.status == 200 && done.text.contains("Your password is changed"), "{}", done.text);
        browser.open("/account/email").await;
        let asked = browser.submit("/account/email", &[("email", "anna.new@example.org")]).await;
        assert!(asked.text.contains("A link is on its way"), "{}", asked.text);
        let link = path(&server.mail_to("anna.new@example.org", "Confirm").await.link());
        let page = browser.open(&link).await;
        assert!(page.text.contains("anna.new@example.org"), "{}", page.text);
        browser.submit(&link, &[]).await;
        let undo = path(&server.mail_to(&anna.email, "Your e-mail address was changed").await.link());
        let stranger = world.browser();
        assert!(stranger.open(&undo).await.text.contains(&anna.email));
        let back = stranger.submit(&undo, &[]).await;
        assert!(back.text.contains("is the one of your account again"), "{}", back.text);
        assert_eq!(stranger.open(&undo).await.status, 410);
        // What was done shows among the notices; signing out everywhere was part of it.
        assert!(!browser.open("/account/notices").await.text.contains("Mark all as read"));
    }
}

#[tokio::test]
async fn notices_are_read_in_the_console() {
    for engine in Engines::available() {
        let (world, server) = open(engine).await;
        let tenant = world.tenant("O'Neil <b>& Sons</b>").await;
        let owner = world.member(tenant.workspace, Role::Owner).await;
        let agent = world.member(tenant.workspace, Role::Agent).await;
        let browser = world.browser_of(&owner).await;
        world
            .key(tenant.workspace, gatepost_core::channel::Mode::Test, &[gatepost_core::access::Scope::Read])
            .await;
        server.mail_to(&owner.email, "An API key was made").await;
        let notices = format!("/w/{}/notices", tenant.workspace);
        let page = browser.open(&notices).await;
        assert!(
            page.text.contains("An API key was made") && page.text.contains("Mark all as read"),
            "{}",
            page.text
        );
        let read = browser.submit(&notices, &[]).await;
        assert!(!read.text.contains("Mark all as read"));
        assert_eq!(world.browser_of(&agent).await.open(&notices).await.status, 403);
        // A second browser is news to its owner.
        let other = world.browser_of(&owner).await;
        let page = other.open("/account/notices").await;
        assert!(page.text.contains("a browser that was not seen before"), "{}", page.text);
        let read = other.submit("/account/notices", &[]).await;
        assert!(!read.text.contains("Mark all as read"));
    }
}

/// An invitation goes out by e-mail where there is any, and its link is then shown to nobody else.
#[tokio::test]
async fn an_invitation_comes_by_mail() {
    let (world, server) = open(Engines::Sqlite).await;
    let tenant = world.tenant("Example Ltd").await;
    let owner = world.member(tenant.workspace, Role::Owner).await;
    let browser = world.browser_of(&owner).await;
    let members = format!("/w/{}/members", tenant.workspace);
    let page = browser.open(&members).await;
    assert_eq!(page.status, 200);
    let token = browser.session().unwrap();
    let kind = gatepost_core::access::SessionKind::Console;
    let person = world.app.person_of_session(&token, kind).await.unwrap();
    let seat = world.app.principal_of_person(&person, tenant.workspace).await.unwrap();
    let grant = seat.grant::<gatepost_core::access::permission::MemberManage>().unwrap();
    let create = || gatepost_app::InvitationCreate {
        email: gatepost_core::EmailAddress::parse("ben@example.org").unwrap(),
        role: Role::Agent,
    };
    let sent = world.app.invitation_create(&grant, create(), None).await.unwrap();
    let gatepost_app::Outcome::Fresh(sent) = sent else { unreachable!("nothing to replay") };
    assert!(sent.link.is_none(), "it goes out by mail");
    let mail = server.mail_to("ben@example.org", "Invitation to “Example Ltd”").await;
    assert!(mail.text().contains("as agent") && mail.text().contains("“Ann Example”"), "{}", mail.text());
    assert_eq!(world.browser().open(&path(&mail.link())).await.status, 200);
    let again = world.app.invitation_resend(&grant, sent.view.id).await.unwrap();
    assert!(again.link.is_none());
    let second = gatepost_testkit::eventually("the second mail", async || {
        server.mails_to("ben@example.org").into_iter().nth(1)
    })
    .await;
    assert_eq!(world.browser().open(&path(&second.link())).await.status, 200);
    assert_eq!(world.browser().open(&path(&mail.link())).await.status, 410, "the first link is void");
}
