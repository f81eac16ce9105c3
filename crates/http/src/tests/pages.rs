//! Pages, and the guard in front of their forms.

use axum::body::Body;
use gatepost_core::Code;
use http::HeaderMap;
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use tower::ServiceExt as _;

use super::harness::{Answered, Doorman, ask, request, routes, send};
use crate::access::{Public, SignedIn, form, page};
use crate::console::csrf::Locks;
use crate::console::form::{Form, FormBody, FormState, Reader};
use crate::console::notice::Notice;
use crate::console::parts::form as form_part;
use crate::console::view::View;
use crate::console::{layout, page as pages};
use crate::headers;
use crate::reply::Answer;
use crate::state::Settings;

const VISIT: &str = "__Host-gatepost-visit=0123456789abcdef0123456789abcdef";
const TOKEN: &str = "token+of+visit%3A0123456789abcdef0123456789abcdef";
const TYPE: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const SAME: (&str, &str) = ("sec-fetch-site", "same-origin");
const CROSS: (&str, &str) = ("sec-fetch-site", "cross-site");

struct Ask(String);

impl FormBody for Ask {
    const FIELDS: &'static [&'static str] = &["name"];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reader.required("name", "Give it a name.").map(Self)
    }
}

fn document(view: &View, state: &FormState) -> maud::Markup {
    layout::narrow(view, "A form", form_part(view, "/form", state, maud::html! {}))
}

async fn shown(_: Public, view: View) -> Answer {
    Ok(pages::ok(document(&view, &FormState::default())))
}

async fn taken(_: Public, view: View, form: Form<Ask>) -> Answer {
    Ok(match form.into_result() {
        Ok((Ask(name), _)) => pages::see_and_say(format!("/form?{name}"), Notice::ThemeSaved),
        Err(state) => pages::invalid(document(&view, &state)),
    })
}

async fn mine(_: SignedIn, _: View) -> Answer {
    Ok(pages::ok(maud::html! { "mine" }))
}

async fn unguarded(_: Public, _: Form<Ask>) -> Answer {
    Ok(pages::ok(maud::html! { "taken" }))
}

fn router(locks: Locks) -> axum::Router {
    routes()
        .routes(vec![
            page("/form", shown),
            form("/form", taken),
            page("/mine", mine),
            form("/mine/form", mine),
            crate::access::post("/unguarded", unguarded),
        ])
        .into_router(Doorman::default(), Settings { locks, ..Settings::default() })
}

async fn post(locks: Locks, path: &str, headers: &[(&str, &str)], body: &str) -> Answered {
    send(router(locks), request("POST", path, headers, body.to_owned())).await
}

fn text(answer: &Answered) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

/// What every page carries, whatever its status.
fn check_page(answer: &Answered) {
    let mut wanted: HeaderMap = headers::security(false);
    headers::open(&mut wanted);
    for (name, value) in &wanted {
        let got: Vec<_> = answer.headers.get_all(name).iter().collect();
        assert_eq!(got, [value], "{name} of a {}", answer.status);
    }
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    assert!(!policy.contains("unsafe") && policy.contains("require-trusted-types-for 'script'"));
    assert!(answer.headers.contains_key("request-id"));
}

#[tokio::test]
async fn a_form_with_all_three_is_taken() {
    let body = format!("name=a&csrf={TOKEN}");
    let good = post(Locks::default(), "/form", &[TYPE, SAME, ("cookie", VISIT)], &body).await;
    assert_eq!((good.status, &good.headers[LOCATION]), (303, &"/form?a".parse().unwrap()));
    check_page(&good);
    // As a header, and where the browser says `Origin` instead.
    let headers = [
        TYPE,
        ("cookie", VISIT),
        ("host", "gate.example"),
        ("origin", "http://gate.example"),
        ("x-csrf-token", "token of visit:0123456789abcdef0123456789abcdef"),
    ];
    assert_eq!(post(Locks::default(), "/form", &headers, "name=a").await.status, 303);
    // A wrong form is shown again, and is no refusal.
    let wrong =
        post(Locks::default(), "/form", &[TYPE, SAME, ("cookie", VISIT)], &format!("csrf={TOKEN}")).await;
    assert_eq!(wrong.status, 422);
    check_page(&wrong);
    assert!(text(&wrong).contains("Give it a name.") && text(&wrong).contains("One thing is not right yet."));
}

/// Each lock refuses alone what the others would have let in.
#[tokio::test]
async fn each_lock_holds_alone() {
    let all = Locks::default();
    let none = Locks { same_site: false, origin: false, token: false };
    let body = format!("name=a&csrf={TOKEN}");
    let attack = [TYPE, CROSS, ("cookie", VISIT)];
    // The control: with all locks open the attack succeeds.
    assert_eq!(post(none, "/form", &attack, "name=a").await.status, 303);
    for (locks, headers, body) in [
        // No cookie, because the browser withheld it.
        (Locks { same_site: true, ..none }, &[TYPE, CROSS][..], body.as_str()),
        (Locks { origin: true, ..none }, &attack, body.as_str()),
        (Locks { token: true, ..none }, &attack, "name=a"),
        (Locks { token: true, ..none }, &attack, "name=a&csrf="),
        (
            Locks { token: true, ..none },
            &attack,
            "name=a&csrf=token+of+visit%3A1123456789abcdef0123456789abcdef",
        ),
        (
            Locks { token: true, ..none },
            &attack,
            "name=a&csrf=token+of+session%3A0123456789abcdef0123456789abcdef",
        ),
        (all, &[TYPE, SAME], body.as_str()),
        (all, &attack, body.as_str()),
        (all, &[TYPE, SAME, ("cookie", VISIT)], "name=a"),
    ] {
        let answer = post(locks, "/form", headers, body).await;
        assert_eq!(answer.status, 403, "{locks:?} {headers:?} {body}");
        check_page(&answer);
        assert!(text(&answer).contains("This form was not taken"));
        // Who may call comes after: not even a route for people who signed in tells more.
        assert_eq!(post(locks, "/mine/form", headers, body).await.status, 403);
    }
}

#[tokio::test]
async fn only_forms_reach_a_handler() {
    let body = format!("name=a&csrf={TOKEN}");
    for (kind, status) in [
        ("text/plain", 415),
        ("application/json", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/x-www-form-urlencoded; charset=utf-16", 415),
    ] {
        let answer =
            post(Locks::default(), "/form", &[("content-type", kind), SAME, ("cookie", VISIT)], &body).await;
        assert_eq!(answer.status, status, "{kind}");
        check_page(&answer);
    }
    for (body, status) in [
        (format!("{body}&{body}"), 422),
        (format!("{body}&nmae=b"), 422),
        (format!("{body}&csrf={TOKEN}"), 422),
        (format!("{body}&x=%ff"), 422),
        (format!("name={}&csrf={TOKEN}", "x".repeat(70_000)), 413),
    ] {
        let answer = post(Locks::default(), "/form", &[TYPE, SAME, ("cookie", VISIT)], &body).await;
        assert_eq!(answer.status, status);
        check_page(&answer);
    }
    // Nothing reads a method out of a body or a header.
    let answer = send(
        router(Locks::default()),
        request("GET", "/form", &[("x-http-method-override", "POST"), ("cookie", VISIT)], ""),
    )
    .await;
    assert_eq!(answer.status, 200);
}

/// A form that is registered as something else is read by nobody.
#[tokio::test]
async fn a_form_past_the_guard_is_a_fault() {
    let answer = post(Locks::default(), "/unguarded", &[TYPE, SAME, ("cookie", VISIT)], "name=a").await;
    assert_eq!((answer.status, answer.code().as_str()), (500, Code::Internal.as_str()));
}

#[tokio::test]
async fn a_visit_begins_with_the_first_form() {
    let first = send(router(Locks::default()), request("GET", "/form", &[], "")).await;
    check_page(&first);
    let cookie = first.headers[SET_COOKIE].to_str().unwrap().to_owned();
    assert!(
        cookie.starts_with("__Host-gatepost-visit=")
            && cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax")
    );
    let pair = cookie.split(';').next().unwrap();
    assert!(text(&first).contains(&format!("token of visit:{}", pair.split_once('=').unwrap().1)));
    let again = send(router(Locks::default()), request("GET", "/form", &[("cookie", pair)], "")).await;
    assert!(!again.headers.contains_key(SET_COOKIE), "the visit goes on");
    let refusal = send(router(Locks::default()), request("GET", "/assets/nothing", &[], "")).await;
    assert!(!refusal.headers.contains_key(SET_COOKIE), "no form, no cookie");
    let loose = Locks { same_site: false, ..Locks::default() };
    let loose = send(router(loose), request("GET", "/form", &[], "")).await;
    assert!(loose.headers[SET_COOKIE].to_str().unwrap().ends_with("SameSite=None"));
}

#[tokio::test]
async fn what_was_done_is_said_once() {
    let cookie = "__Host-gatepost-notice=theme_saved";
    let said = send(router(Locks::default()), request("GET", "/form", &[("cookie", cookie)], "")).await;
    assert!(text(&said).contains(Notice::ThemeSaved.text()));
    let set: Vec<_> = said.headers.get_all(SET_COOKIE).iter().map(|v| v.to_str().unwrap()).collect();
    assert!(set.iter().any(|cookie| cookie.starts_with("__Host-gatepost-notice=;")), "{set:?}");
}

#[tokio::test]
async fn whoever_is_not_signed_in_is_led_there_and_back() {
    let answer = send(router(Locks::default()), request("GET", "/mine", &[], "")).await;
    assert_eq!((answer.status, answer.headers[LOCATION].to_str().unwrap()), (303, "/sign-in?back=%2Fmine"));
    check_page(&answer);
    let headers = [
        TYPE,
        SAME,
        ("cookie", VISIT),
        ("host", "gate.example"),
        ("referer", "http://gate.example/form?a=1"),
    ];
    let answer = post(Locks::default(), "/mine/form", &headers, &format!("csrf={TOKEN}")).await;
    assert_eq!(answer.headers[LOCATION].to_str().unwrap(), "/sign-in?back=%2Fform%3Fa%3D1");
    let elsewhere =
        [TYPE, SAME, ("cookie", VISIT), ("host", "gate.example"), ("referer", "http://evil.example/form")];
    let answer = post(Locks::default(), "/mine/form", &elsewhere, &format!("csrf={TOKEN}")).await;
    assert_eq!(answer.headers[LOCATION].to_str().unwrap(), "/sign-in");
}

#[tokio::test]
async fn people_get_pages_and_programs_get_problems() {
    let browser = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    for (path, html) in
        [("/nothing", true), ("/assets/nothing", true), ("/v1/nothing", false), ("/hooks/meta/x", false)]
    {
        let answer = send(router(Locks::default()), request("GET", path, &[browser], "")).await;
        let kind = answer.headers["content-type"].to_str().unwrap();
        assert_eq!(kind.starts_with("text/html"), html, "{path}");
        if html {
            check_page(&answer);
            assert!(text(&answer).contains(answer.headers["request-id"].to_str().unwrap()));
        }
    }
    let program = ask("GET", "/nothing", &[("accept", "*/*")], "").await;
    assert_eq!(program.code(), "not_found");
    // A page that fails tells nothing of why.
    let hostile = ("cookie", "gatepost-theme=\"><script>alert(1)</script>");
    let answer =
        send(router(Locks::default()), request("GET", "/%3Cscript%3E", &[browser, hostile], "")).await;
    assert!(!text(&answer).contains("<script>"));
}

#[tokio::test]
async fn parts_are_kept_for_ever_under_their_names() {
    let page = send(router(Locks::default()), request("GET", "/form", &[], "")).await;
    let html = text(&page);
    let mut found = 0;
    for part in html.split(['"', '#']).filter(|part| part.starts_with("/assets/")) {
        let answer = send(router(Locks::default()), request("GET", part, &[], "")).await;
        assert_eq!(answer.status, 200, "{part}");
        assert_eq!(answer.headers["cache-control"], "public, max-age=31536000, immutable");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        found += 1;
    }
    assert!(found >= 5, "{html}");
    let stale = part_of_another_version(&html);
    let answer = router(Locks::default())
        .oneshot(http::Request::get(stale).body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["cache-control"]),
        (404, &"no-store".parse().unwrap())
    );
}

fn part_of_another_version(html: &str) -> String {
    let part = html.split('"').find(|part| part.starts_with("/assets/app-")).unwrap();
    let (stem, extension) = part.rsplit_once('.').unwrap();
    format!("{}0.{extension}", &stem[..stem.len() - 1])
}

#[tokio::test]
async fn the_theme_is_the_browsers_own() {
    let body = format!("theme=dark&back=%2Fform&csrf={TOKEN}");
    let answer = post(Locks::default(), "/theme", &[TYPE, SAME, ("cookie", VISIT)], &body).await;
    assert_eq!(answer.headers[LOCATION], "/form");
    let cookie = answer.headers[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let page =
        send(router(Locks::default()), request("GET", "/form", &[(COOKIE.as_str(), &cookie)], "")).await;
    assert!(text(&page).contains("data-theme=\"dark\""));
    let away = format!("theme=dark&back=%2F%2Fevil.example&csrf={TOKEN}");
    let answer = post(Locks::default(), "/theme", &[TYPE, SAME, ("cookie", VISIT)], &away).await;
    assert_eq!(answer.headers[LOCATION], "/");
}
