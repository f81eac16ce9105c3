//! GitHub: no tokens to forge, so everything hangs on the account's number and its list of addresses.

use gatepost_app::sso::{ProviderKind, SsoEmail, SsoReason};
use gatepost_testkit::idp::{Canned, Idp, Part};
use serde_json::json;

use crate::support::{BROWSER, CALLBACK, Change, KEY, Lab};

async fn lab() -> Lab {
    let mut lab = Lab::start().await;
    lab.provider = Idp::provider_of(ProviderKind::GitHub);
    let mut person = lab.idp.person();
    "583231".clone_into(&mut person.sub);
    lab.idp.sign_in(person);
    lab
}

#[tokio::test]
async fn a_good_sign_in_is_the_number_and_the_primary_address() {
    let lab = lab().await;
    let identity = lab.sign_in().await.unwrap();
    assert_eq!((identity.issuer, identity.subject), (lab.idp.issuer.clone(), "583231".to_owned()));
    let email = SsoEmail { address: "ada@shop.example".to_owned(), verified: true };
    assert_eq!(identity.email, Some(email));
    assert_eq!(identity.name.as_deref(), Some("Ada Lovelace"));
    assert_eq!(lab.idp.asked("/.well-known/openid-configuration"), 0, "GitHub has none");
}

#[tokio::test]
async fn the_way_to_github_has_pkce_and_state() {
    let lab = lab().await;
    let started = lab.party.start(KEY, &lab.provider, BROWSER, CALLBACK, false).await.unwrap();
    assert!(started.url.starts_with(&format!("{}/login/oauth/authorize?", lab.idp.issuer)));
    assert!(
        started.url.contains("code_challenge_method=S256")
            && started.url.contains("scope=read%3Auser+user%3Aemail")
    );
    assert!(!started.url.contains("nonce="));
}

#[tokio::test]
async fn a_renamed_account_is_the_same_and_a_taken_name_is_not() {
    let lab = lab().await;
    let before = lab.sign_in().await.unwrap();
    lab.idp.twist(Part::User, |u| u["login"] = json!("countess"));
    assert_eq!(lab.sign_in().await.unwrap().subject, before.subject);
    lab.idp.twist(Part::User, |u| u["id"] = json!(1_000_000));
    assert_ne!(lab.sign_in().await.unwrap().subject, before.subject);
}

#[tokio::test]
async fn what_is_wrong_is_refused() {
    let lab = lab().await;
    let users: [(&str, Change); 5] = [
        ("no number", |u| drop(u.as_object_mut().unwrap().remove("id"))),
        ("a text", |u| u["id"] = json!("583231")),
        ("less than nothing", |u| u["id"] = json!(-1)),
        ("a fraction", |u| u["id"] = json!(1.5)),
        ("a list", |u| *u = json!([])),
    ];
    for (what, change) in users {
        lab.idp.twist(Part::User, change);
        assert_eq!(lab.sign_in().await, Err(SsoReason::Userinfo), "{what}");
    }
    lab.idp.twist(Part::User, |u| u["id"] = json!(0));
    assert_eq!(lab.sign_in().await, Err(SsoReason::Subject));
    lab.idp.straighten();
    for canned in
        [Canned::html(200), Canned::html(401), Canned::redirect("http://127.0.0.1:1/"), Canned::nothing()]
    {
        for path in ["/api/user", "/api/user/emails"] {
            lab.idp.straighten();
            lab.idp.answer(path, canned.clone());
            assert_eq!(lab.sign_in().await, Err(SsoReason::Userinfo), "{path}");
        }
    }
    lab.idp.straighten();
    lab.idp.twist(Part::Tokens, |t| {
        *t = json!({ "error": "bad_verification_code", "error_description": "<script>" });
    });
    assert_eq!(lab.sign_in().await, Err(SsoReason::TokenRefused));
    lab.idp.twist(Part::Tokens, |t| t["error"] = json!("evil"));
    assert_eq!(lab.sign_in().await, Err(SsoReason::TokenRefused));
    lab.idp.straighten();
    let (_, stolen) = lab.begun().await.unwrap();
    let (attempt, mut own) = lab.begun().await.unwrap();
    own.code = stolen.code;
    assert_eq!(
        lab.finish(attempt, &own).await,
        Err(SsoReason::TokenRefused),
        "GitHub holds codes against PKCE"
    );
    assert!(lab.sign_in().await.is_ok());
}

#[tokio::test]
async fn only_the_primary_address_counts_and_only_if_verified() {
    let lab = lab().await;
    lab.idp.twist(Part::Emails, |e| e[1]["verified"] = json!(false));
    assert!(!lab.sign_in().await.unwrap().email.unwrap().verified);
    lab.idp.twist(Part::Emails, |e| e[1]["primary"] = json!(false));
    assert_eq!(lab.sign_in().await.unwrap().email, None, "not the other one, and not the one that is shown");
    lab.idp.twist(Part::Emails, |e| *e = json!([]));
    assert_eq!(lab.sign_in().await.unwrap().email, None);
}
