//! What is accepted: one good sign-in, and the honest ways in which providers differ.

use std::time::Duration;

use gatepost_app::sso::{SsoEmail, SsoIdentity, SsoReason};
use gatepost_testkit::idp::{Keys, Part, Signer};
use serde_json::json;

use crate::support::{BROWSER, CALLBACK, Change, KEY, Lab};

#[tokio::test]
async fn a_good_sign_in_says_who_it_is() {
    let lab = Lab::start().await;
    let identity = lab.sign_in().await.unwrap();
    let email = SsoEmail { address: "ada@shop.example".to_owned(), verified: true };
    assert_eq!(
        identity,
        SsoIdentity {
            issuer: lab.idp.issuer.clone(),
            subject: "248289761001".to_owned(),
            email: Some(email),
            name: Some("Ada Lovelace".to_owned()),
        }
    );
    assert_eq!(lab.idp.asked("/userinfo"), 0, "the token has the address");
    lab.sign_in().await.unwrap();
    let discovery = "/.well-known/openid-configuration";
    assert_eq!((lab.idp.asked(discovery), lab.idp.asked("/keys")), (1, 1), "both are remembered");
    lab.clock.advance(Duration::from_mins(10));
    lab.sign_in().await.unwrap();
    assert_eq!((lab.idp.asked(discovery), lab.idp.asked("/keys")), (2, 2), "and not for ever");
}

#[tokio::test]
async fn the_way_to_the_provider_carries_every_lock() {
    let lab = Lab::start().await;
    let authorize = format!("{}/authorize?tenant=a", lab.idp.issuer);
    lab.idp.twist(Part::Discovery, move |d| d["authorization_endpoint"] = json!(authorize));
    let started = lab.party.start(KEY, &lab.provider, BROWSER, CALLBACK, false).await.unwrap();
    let url = url::Url::parse(&started.url).unwrap();
    let get = |name: &str| url.query_pairs().find(|(n, _)| n == name).map(|(_, v)| v.into_owned()).unwrap();
    assert_eq!(get("tenant"), "a", "what the endpoint had is kept");
    assert_eq!((get("response_type"), get("scope")), ("code".to_owned(), "openid email profile".to_owned()));
    assert_eq!((get("code_challenge_method"), get("redirect_uri")), ("S256".to_owned(), CALLBACK.to_owned()));
    for secret in ["state", "nonce", "code_challenge"] {
        assert_eq!(get(secret).len(), 43, "{secret}");
    }
    assert!(!started.url.contains("client_secret") && !started.url.contains("code_verifier"));
}

#[tokio::test]
async fn every_algorithm_that_is_taken_works() {
    let lab = Lab::start().await;
    for signer in [
        Signer::Rs256,
        Signer::Rs384,
        Signer::Rs512,
        Signer::Ps256,
        Signer::Ps384,
        Signer::Ps512,
        Signer::Es256,
        Signer::Es384,
    ] {
        lab.idp.sign_with(signer);
        // The provider makes hashes of 256 bits only; the claim may be left out.
        lab.idp.twist(Part::Claims, |claims| drop(claims.as_object_mut().unwrap().remove("at_hash")));
        assert!(lab.sign_in().await.is_ok(), "{signer:?}");
    }
}

#[tokio::test]
async fn honest_differences_are_taken() {
    let mut lab = Lab::start().await;
    let claims: [(&str, Change); 8] = [
        ("a clock that is ahead", |c| c["iat"] = json!(c["iat"].as_i64().unwrap() + 240)),
        ("expired a moment ago", |c| c["exp"] = json!(c["iat"].as_i64().unwrap() - 30)),
        ("one audience in a list", |c| c["aud"] = json!([c["aud"]])),
        ("two audiences, and we are the party", |c| {
            c["azp"] = c["aud"].clone();
            c["aud"] = json!([c["aud"], "another"]);
        }),
        ("azp alone", |c| c["azp"] = c["aud"].clone()),
        ("a flag in a text", |c| c["email_verified"] = json!("true")),
        ("unknown claims", |c| c["groups"] = json!(["a", {"b": 1}])),
        ("a time in a text", |c| c["updated_at"] = json!("2026-01-01T00:00:00Z")),
    ];
    for (what, change) in claims {
        lab.idp.twist(Part::Claims, change);
        let identity = lab.sign_in().await;
        assert_eq!(identity.map(|i| i.email.unwrap().verified), Ok(true), "{what}");
    }
    lab.idp.straighten();
    // No key id: there is one RSA key.
    lab.idp.twist(Part::Header, |h| drop(h.as_object_mut().unwrap().remove("kid")));
    assert!(lab.sign_in().await.is_ok());
    lab.idp.straighten();
    for methods in [json!(["client_secret_post"]), json!(["private_key_jwt", "client_secret_basic"])] {
        lab.forget();
        lab.idp.twist(Part::Discovery, move |d| d["token_endpoint_auth_methods_supported"] = methods.clone());
        assert!(lab.sign_in().await.is_ok());
    }
    // A provider that promises to name itself, and does.
    lab.forget();
    let issuer = lab.idp.issuer.clone();
    lab.idp.twist(Part::Discovery, |d| d["authorization_response_iss_parameter_supported"] = json!(true));
    lab.idp.twist(Part::Callback, move |c| c["iss"] = json!(issuer));
    assert!(lab.sign_in().await.is_ok());
}

#[tokio::test]
async fn an_address_that_is_not_in_the_token_is_asked_for() {
    let lab = Lab::start().await;
    lab.idp.twist(Part::Claims, |c| {
        c.as_object_mut().unwrap().retain(|name, _| !name.starts_with("email") && name != "name");
    });
    let identity = lab.sign_in().await.unwrap();
    assert_eq!(identity.email.unwrap().address, "ada@shop.example");
    assert_eq!(identity.name.as_deref(), Some("Ada Lovelace"));
    assert_eq!(lab.idp.asked("/userinfo"), 1);
    // A provider without that endpoint, and a person without an address.
    lab.idp.twist(Part::Userinfo, |u| *u = json!({ "sub": u["sub"] }));
    assert_eq!(lab.sign_in().await.unwrap().email, None);
}

#[tokio::test]
async fn a_new_key_is_found_and_a_made_up_one_asks_once_a_minute() {
    let lab = Lab::start().await;
    lab.sign_in().await.unwrap();
    assert_eq!(lab.idp.asked("/keys"), 1);
    // The provider changes its key.
    lab.clock.advance(Duration::from_secs(61));
    lab.idp.sign_with(Signer::Stranger);
    let stranger = lab.idp.stranger_key("new");
    lab.idp.twist(Part::Keys, move |set| set["keys"] = json!([stranger]));
    lab.idp.twist(Part::Header, |h| h["kid"] = json!("new"));
    lab.sign_in().await.unwrap();
    assert_eq!(lab.idp.asked("/keys"), 2);
    // Made-up key ids do not make us ask again and again.
    lab.idp.twist(Part::Header, |h| h["kid"] = json!("newer"));
    for _ in 0..5 {
        assert_eq!(lab.sign_in().await, Err(SsoReason::KeyUnknown));
    }
    assert_eq!(lab.idp.asked("/keys"), 2);
    lab.clock.advance(Duration::from_secs(61));
    for _ in 0..5 {
        assert_eq!(lab.sign_in().await, Err(SsoReason::KeyUnknown));
    }
    assert_eq!(lab.idp.asked("/keys"), 3);
    assert_eq!(Keys::header(Signer::Stranger)["kid"], "rsa", "the id says nothing about the key");
}

#[tokio::test]
async fn plausible_addresses_only() {
    let lab = Lab::start().await;
    for address in [
        "ada",
        "@shop.example",
        "ada@",
        "ada@shop",
        "a b@shop.example",
        "ada@shop.example\r\nBcc: x@y.example",
        "a@b@c.example",
    ] {
        let mut person = lab.idp.person();
        person.email = address.to_owned();
        lab.idp.sign_in(person);
        // An address that is none is as good as none, so the userinfo endpoint is asked, which says the same.
        assert_eq!(lab.sign_in().await.unwrap().email, None, "{address}");
    }
}
