//! Verification pages, as visitors of a site see them: without cookies, from where they may be shown, and back with a
//! result that is good once.

use gatepost_testkit::{Answer, Browser, Client, Engines, Setup, World, sandbox};
use serde_json::{Value, json};

use crate::support::{PERSON, Stage, setup, silent, text};

const BACK: &str = "https://shop.example/signed-in";

fn page() -> Value {
    json!({
        "name": "Shop sign-in", "app_name": "Example <Shop>", "accent": "#ffee00", "accent_dark": "#112233",
        "return_urls": [BACK, "https://shop.example/other?a=1"], "frame_ancestors": ["https://shop.example"],
        "texts": {"de": {"title": "Nummer bestätigen", "send": "Code senden"}},
    })
}

/// The path of a page's address.
fn place(page: &Value) -> String {
    let url = text(page, "url");
    url[url.find("/verify/").unwrap()..].to_owned()
}

fn link(page: &Value) -> String {
    format!("{}?return_url=https%3A%2F%2Fshop.example%2Fsigned-in&state=s+81%26x", place(page))
}

async fn made(stage: &Stage) -> Value {
    stage.live.admin.post("/v1/verification-pages", &page()).await.expect(201).json()
}

/// The newest verification of the workspace.
async fn newest(stage: &Stage) -> Value {
    let all = stage.live.admin.get("/v1/verifications").await.expect(200).json();
    all["data"][0].clone()
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

async fn step(visitor: &Browser, at: &str, fields: &[(&str, &str)]) -> Answer {
    let all = visitor.filled(at, fields);
    let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    visitor.post(at, &all).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visitor_goes_there_and_back() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let page = made(&stage).await;
        let (at, visitor) = (place(&page), stage.world.browser());
        let first = visitor.open(&link(&page)).await.expect(200);
        assert!(first.headers.get("set-cookie").is_none(), "nobody is anybody here");
        assert!(
            first.text.contains("Example &lt;Shop&gt;") && !first.text.contains("<script"),
            "{}",
            first.text
        );
        assert!(!first.text.contains("style=") && !first.text.contains("Gatepost"));
        let policy = header(&first, "content-security-policy");
        assert!(policy.contains("frame-ancestors https://shop.example;"), "{policy}");
        assert!(policy.contains("form-action 'self' https://shop.example;"), "{policy}");
        assert!(!policy.contains("script-src") && !policy.contains("unsafe"), "{policy}");
        assert_eq!((header(&first, "x-frame-options"), header(&first, "cache-control")), ("", "no-store"));

        // What is no number is told at the field, and what was typed stays.
        let wrong = step(&visitor, &at, &[("phone", "12 <b>"), ("step", "start")]).await.expect(422);
        assert!(wrong.text.contains("country code") && wrong.text.contains("12 &lt;b&gt;"));
        let sent = visitor.submit(&at, &[("phone", "+1 202-555-0177"), ("step", "start")]).await.expect(200);
        assert!(sent.text.contains(PERSON), "{}", sent.text);
        let verification = newest(&stage).await;
        assert_eq!(verification["metadata"]["state"], "s 81&x");
        assert_eq!(verification["metadata"]["verification_page_id"], page["id"]);
        let code = stage.code(&verification).await;
        // A reload sends nothing again.
        visitor.open(&visitor.at()).await.expect(200);
        assert_eq!(newest(&stage).await["id"], verification["id"]);
        let soon = step(&visitor, &at, &[("step", "resend")]).await.expect(429);
        assert!(soon.headers.contains_key("retry-after") && soon.text.contains("wait a moment"));
        let wrong = crate::support::other(&code);
        let told = step(&visitor, &at, &[("code", &wrong), ("step", "check")]).await.expect(422);
        assert!(told.text.contains("not right") && told.text.contains("aria-invalid=\"true\""));
        let done =
            step(&visitor, &at, &[("code", &format!(" {code} ")), ("step", "check")]).await.expect(303);
        let back = url::Url::parse(header(&done, "location")).unwrap();
        assert!(back.as_str().starts_with(&format!("{BACK}?")), "{back}");
        let given = |name: &str| back.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
        assert_eq!(
            (given("verification_id").as_str(), given("state").as_str()),
            (text(&verification, "id"), "s 81&x")
        );

        // The site's back end exchanges the result, once.
        let results = "/v1/verification-pages/results";
        let token = json!({"token": given("result")});
        let elsewhere = stage.world.tenant("Elsewhere").await;
        for stranger in [&elsewhere.admin, &stage.tenant.admin] {
            assert_eq!(stranger.post(results, &token).await.expect(422).code(), "result_token_invalid");
        }
        let result = stage.live.admin.post(results, &token).await.expect(200).json();
        assert_eq!((&result["state"], &result["page_id"]), (&json!("s 81&x"), &page["id"]));
        let told = &result["verification"];
        assert_eq!(
            (text(told, "status"), text(told, "phone"), &told["id"]),
            ("approved", PERSON, &verification["id"])
        );
        assert_eq!(stage.live.admin.post(results, &token).await.expect(422).code(), "result_token_invalid");
        // The code is spent too.
        let again = step(&visitor, &at, &[("code", &code), ("step", "check")]).await.expect(422);
        assert!(again.text.contains("good no more") && again.text.contains("name=\"phone\""));
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_is_good_for_ten_minutes() {
    let stage = Stage::start(Engines::Sqlite).await;
    let page = made(&stage).await;
    let (at, visitor) = (place(&page), stage.world.browser());
    visitor.open(&link(&page)).await.expect(200);
    visitor.submit(&at, &[("phone", PERSON), ("step", "start")]).await.expect(200);
    let code = stage.code(&newest(&stage).await).await;
    let done = step(&visitor, &at, &[("code", &code), ("step", "check")]).await.expect(303);
    let back = url::Url::parse(header(&done, "location")).unwrap();
    let token = back.query_pairs().find(|(key, _)| key == "result").unwrap().1.into_owned();
    // Nobody finds it in the database.
    for (table, rows) in stage.world.rows().await {
        assert!(rows.iter().all(|row| !row.contains(&token)), "{table}");
    }
    stage.advance(601);
    let late = stage.live.admin.post("/v1/verification-pages/results", &json!({"token": token})).await;
    assert_eq!(late.expect(422).code(), "result_token_invalid");
    stage.stop().await;
}

/// Forms that another site lets a browser send, or that are another's, are not taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forms_of_elsewhere_are_refused() {
    let meta = sandbox(silent()).await;
    let proxies = gatepost_http::Proxies {
        networks: vec![gatepost_core::Network::parse("127.0.0.0/8").unwrap()],
        ..gatepost_http::Proxies::default()
    };
    let world = World::start(Setup { proxies, ..setup(Engines::Sqlite, &meta) }).await;
    let tenant = world.tenant("Example Ltd").await;
    let live = world.live(&meta, tenant.workspace, 1).await;
    let countries = json!({"allowed_countries": ["US"]});
    live.admin.call("PUT", "/v1/verifications/settings", &[], Some(&countries)).await.expect(200);
    let stage = Stage { world, meta, tenant, live };
    stage.template("sign_in", "en_US", None).await;
    let page = made(&stage).await;
    let at = place(&page);
    let seen_from = |address: &str| stage.world.browser().with_header("x-forwarded-for", address);
    let visitor = seen_from("198.51.100.7");
    visitor.open(&link(&page)).await.expect(200);
    let fields = visitor.filled(&at, &[("phone", PERSON), ("step", "start")]);
    let body: String =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields.iter()).finish();
    let form = ("content-type", "application/x-www-form-urlencoded");
    for headers in [
        vec![form, ("sec-fetch-site", "cross-site")],
        vec![form, ("sec-fetch-site", "same-site")],
        vec![form, ("origin", "https://evil.example")],
        vec![form, ("origin", "null")],
        vec![form],
    ] {
        let refused = visitor.send("POST", &at, &headers, Some(body.clone())).await.expect(403);
        assert!(refused.text.contains("<h1>This form was not taken</h1>"), "{}", refused.text);
    }
    for kind in ["text/plain", "application/json", "multipart/form-data; boundary=x"] {
        let headers = [("content-type", kind), ("sec-fetch-site", "same-origin")];
        visitor.send("POST", &at, &headers, Some(body.clone())).await.expect(415);
    }
    // Somebody else's first form is shown again, and sends nothing.
    let stranger = seen_from("203.0.113.9");
    let same = [form, ("sec-fetch-site", "same-origin")];
    stranger.send("POST", &at, &same, Some(body.clone())).await.expect(409);
    // A visit of another page is none.
    let other = made(&stage).await;
    visitor.send("POST", &place(&other), &same, Some(body.clone())).await.expect(403);
    // Nor is one that somebody wrote, or one that is an hour old.
    for visit in ["", "AAAA", "not base64!", &"A".repeat(3_000)] {
        visitor.post(&at, &[("visit", visit), ("step", "start"), ("phone", PERSON)]).await.expect(403);
    }
    assert!(newest(&stage).await.is_null(), "nothing was sent");
    stage.advance(3_601);
    visitor.send("POST", &at, &same, Some(body.clone())).await.expect(403);
    visitor.open(&link(&page)).await.expect(200);
    visitor.submit(&at, &[("phone", PERSON), ("step", "start")]).await.expect(200);
    // On another network the code is taken: whoever has it may have left the house.
    let sent = visitor.filled(&at, &[("step", "check"), ("code", &stage.code(&newest(&stage).await).await)]);
    let sent: Vec<(&str, &str)> = sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    stranger.post(&at, &sent).await.expect(303);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_leads_to_its_own_ways_back_alone() {
    let stage = Stage::start(Engines::Sqlite).await;
    let page = made(&stage).await;
    let (at, visitor) = (place(&page), stage.world.browser());
    for query in [
        "",
        "?return_url=https%3A%2F%2Fevil.example%2Fsigned-in",
        "?return_url=https%3A%2F%2Fshop.example%2Fsigned-in%2F..%2Fx",
        "?return_url=https%3A%2F%2Fshop.example%2Fsigned-in&unknown=1",
        "?return_url=https%3A%2F%2Fshop.example%2Fsigned-in&return_url=https%3A%2F%2Fevil.example",
    ] {
        let refused = visitor.open(&format!("{at}{query}")).await.expect(400);
        assert!(header(&refused, "content-type").starts_with("text/html"));
        assert!(header(&refused, "content-security-policy").contains("frame-ancestors 'none'"));
    }
    let long = format!("{at}?return_url=https%3A%2F%2Fshop.example%2Fsigned-in&state={}", "x".repeat(501));
    visitor.open(&long).await.expect(400);
    // Languages, by the link and by the browser.
    let german = visitor.open(&format!("{}&locale=de-AT", link(&page))).await.expect(200);
    assert!(german.text.contains("lang=\"de\"") && german.text.contains("Code senden"));
    let german = visitor.send("GET", &link(&page), &[("accept-language", "fr, de;q=0.7")], None).await;
    assert!(german.text.contains("Nummer bestätigen"));
    // Colours.
    let theme = visitor.send("GET", &format!("{at}/theme.css"), &[], None).await.expect(200);
    assert!(
        theme.text.contains("light-dark(#ffee00, #112233)")
            && theme.text.contains("light-dark(#000000, #ffffff)")
    );
    assert_eq!(header(&theme, "content-type"), "text/css; charset=utf-8");
    // Gone is gone, and an unknown one looks the same.
    let id = text(&page, "id");
    stage.live.admin.delete(&format!("/v1/verification-pages/{id}")).await.expect(204);
    for path in [link(&page), format!("{at}/theme.css"), format!("{}x", &at[..at.len() - 1])] {
        visitor.send("GET", &path, &[], None).await.expect(404);
    }
    // A link of a mail from before leads on.
    let mail = visitor.send("GET", "/verify/0123456789abcdef", &[], None).await.expect(303);
    assert_eq!(header(&mail, "location"), "/confirm/0123456789abcdef");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn visitors_are_counted_by_their_address() {
    let meta = sandbox(silent()).await;
    let mut setup = setup(Engines::Sqlite, &meta);
    setup.config.limits = gatepost_app::LimitConfig::default();
    let world = World::start(setup).await;
    let tenant = world.tenant("Example Ltd").await;
    let live = world.live(&meta, tenant.workspace, 1).await;
    let stage = Stage { world, meta, tenant, live };
    let page = made(&stage).await;
    let visitor = stage.world.browser();
    let mut seen = Vec::new();
    for _ in 0..60 {
        let answer = visitor.send("GET", &link(&page), &[], None).await;
        seen.push(answer.status);
        if answer.status == 429 {
            assert!(answer.headers.contains_key("retry-after"));
            break;
        }
    }
    assert_eq!((seen[0], seen[seen.len() - 1]), (200, 429), "{seen:?}");
    stage.stop().await;
}

/// Who may not use the product now has no page, and whoever may make none makes none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_are_the_workspaces_own() {
    let stage = Stage::start(Engines::Sqlite).await;
    let page = made(&stage).await;
    let path = format!("/v1/verification-pages/{}", text(&page, "id"));
    assert_eq!(stage.live.admin.get(&path).await.expect(200).json(), page);
    let listed = stage.live.admin.get("/v1/verification-pages").await.expect(200).json();
    assert_eq!(listed["data"][0]["id"], page["id"]);
    let elsewhere = stage.world.tenant("Elsewhere").await;
    for stranger in [&elsewhere.admin, &stage.tenant.admin] {
        stranger.get(&path).await.expect(404);
        stranger.delete(&path).await.expect(404);
    }
    let key = stage.world.key(
        stage.tenant.workspace,
        gatepost_core::channel::Mode::Live,
        &[gatepost_core::access::Scope::Send],
    );
    let sender = Client::new(&stage.world.base, Some(key.await));
    sender.get(&path).await.expect(200);
    sender.delete(&path).await.expect(403);
    sender.post("/v1/verification-pages", &self::page()).await.expect(403);
    for (field, value) in [
        ("accent", json!("red")),
        ("accent", json!("#12345;")),
        ("return_urls", json!([])),
        ("return_urls", json!(["http://shop.example/in"])),
        ("return_urls", json!(["javascript:alert(1)"])),
        ("frame_ancestors", json!(["*"])),
        ("frame_ancestors", json!(["https://shop.example/path"])),
        ("frame_ancestors", json!(["https://*.example"])),
        ("texts", json!({"de": {"titel": "x"}})),
        ("texts", json!({"deutsch!": {"title": "x"}})),
        ("app_name", json!("")),
    ] {
        let mut wrong = self::page();
        wrong[field] = value.clone();
        let refused = stage.live.admin.post("/v1/verification-pages", &wrong).await.expect(422).json();
        assert!(
            text(&refused["errors"][0], "pointer").starts_with(&format!("/{field}")),
            "{value}: {refused}"
        );
    }
    stage.stop().await;
}
