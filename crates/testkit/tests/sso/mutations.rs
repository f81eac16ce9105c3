//! One thing wrong at a time. Each is refused, and for its own reason; beside each other stand good sign-ins.

use std::time::Duration;

use gatepost_app::sso::SsoReason;
use gatepost_testkit::idp::{Canned, Idp, Part, Signer};
use serde_json::{Value, json};

use crate::support::{Change, Lab, party};

/// Each change made alone, with a relying party that knows nothing yet.
async fn refused<C: Fn(&Idp)>(lab: &mut Lab, cases: impl IntoIterator<Item = (&'static str, C, SsoReason)>) {
    for (what, change, reason) in cases {
        lab.idp.straighten();
        lab.forget();
        change(&lab.idp);
        assert_eq!(lab.sign_in().await.map(drop), Err(reason), "{what}");
    }
    lab.idp.straighten();
    lab.forget();
    assert!(lab.sign_in().await.is_ok(), "with nothing wrong it works");
}

type Case = (&'static str, Change, SsoReason);

fn drop_claim(claims: &mut Value, name: &str) {
    claims.as_object_mut().unwrap().remove(name);
}

fn now(claims: &Value) -> i64 {
    claims["iat"].as_i64().unwrap()
}

#[tokio::test]
async fn wrong_claims() {
    let mut lab = Lab::start().await;
    let cases: [Case; 33] = [
        ("another issuer", |c| c["iss"] = json!("https://evil.example"), SsoReason::Issuer),
        ("a slash more", |c| c["iss"] = json!(format!("{}/", c["iss"].as_str().unwrap())), SsoReason::Issuer),
        ("other case", |c| c["iss"] = json!(c["iss"].as_str().unwrap().to_uppercase()), SsoReason::Issuer),
        ("no issuer", |c| drop_claim(c, "iss"), SsoReason::TokenMalformed),
        ("another client's token", |c| c["aud"] = json!("another client"), SsoReason::Audience),
        ("no audience", |c| drop_claim(c, "aud"), SsoReason::Audience),
        ("an empty audience", |c| c["aud"] = json!([]), SsoReason::Audience),
        ("our name's beginning", |c| c["aud"] = json!("gatepost"), SsoReason::Audience),
        (
            "others beside us, and no party",
            |c| c["aud"] = json!([c["aud"], "evil"]),
            SsoReason::AuthorizedParty,
        ),
        ("issued to another", |c| c["azp"] = json!("evil"), SsoReason::AuthorizedParty),
        (
            "issued to another, and for us too",
            |c| {
                c["aud"] = json!([c["aud"], "evil"]);
                c["azp"] = json!("evil");
            },
            SsoReason::AuthorizedParty,
        ),
        ("no nonce", |c| drop_claim(c, "nonce"), SsoReason::Nonce),
        ("another nonce", |c| c["nonce"] = json!("n-0S6_WzA2Mj"), SsoReason::Nonce),
        ("an empty nonce", |c| c["nonce"] = json!(""), SsoReason::Nonce),
        ("expired", |c| c["exp"] = json!(now(c) - 61), SsoReason::Expired),
        ("expired long ago", |c| c["exp"] = json!(0), SsoReason::Expired),
        ("no end", |c| drop_claim(c, "exp"), SsoReason::TokenMalformed),
        ("an end that is no number", |c| c["exp"] = json!("never"), SsoReason::TokenMalformed),
        ("an end beyond all time", |c| c["exp"] = json!(1e300), SsoReason::TokenMalformed),
        ("from the future", |c| c["iat"] = json!(now(c) + 310), SsoReason::IssuedAt),
        ("from before the attempt", |c| c["iat"] = json!(now(c) - 310), SsoReason::IssuedAt),
        ("no time of issue", |c| drop_claim(c, "iat"), SsoReason::TokenMalformed),
        (
            "another access token's hash",
            |c| c["at_hash"] = json!("77QmUPtjPfzWtF2AnpK9RQ"),
            SsoReason::AccessTokenHash,
        ),
        ("an empty hash", |c| c["at_hash"] = json!(""), SsoReason::AccessTokenHash),
        ("no subject", |c| drop_claim(c, "sub"), SsoReason::TokenMalformed),
        ("an empty subject", |c| c["sub"] = json!(""), SsoReason::Subject),
        ("a long subject", |c| c["sub"] = json!("a".repeat(256)), SsoReason::Subject),
        ("a subject with NUL", |c| c["sub"] = json!("ad\u{0}a"), SsoReason::Subject),
        ("a subject with a new line", |c| c["sub"] = json!("ada\nevil"), SsoReason::Subject),
        ("a subject that turns text around", |c| c["sub"] = json!("ada\u{202e}"), SsoReason::Subject),
        ("a numeric subject", |c| c["sub"] = json!(1), SsoReason::TokenMalformed),
        ("no claims", |c| *c = json!({}), SsoReason::TokenMalformed),
        ("claims that are a list", |c| *c = json!([]), SsoReason::TokenMalformed),
    ];
    refused(
        &mut lab,
        cases.map(|(what, change, reason)| (what, move |idp: &Idp| idp.twist(Part::Claims, change), reason)),
    )
    .await;
}

#[tokio::test]
async fn wrong_signatures() {
    let mut lab = Lab::start().await;
    let cases = [
        ("not signed", Signer::Nothing, SsoReason::Algorithm),
        ("HMAC with the public key", Signer::HmacWithPublicKey, SsoReason::Algorithm),
        ("HMAC with the client's secret", Signer::HmacWithSecret, SsoReason::Algorithm),
        ("another key under a known id", Signer::Stranger, SsoReason::Signature),
        ("one bit changed", Signer::Flipped, SsoReason::Signature),
    ];
    refused(
        &mut lab,
        cases.map(|(what, signer, reason)| (what, move |idp: &Idp| idp.sign_with(signer), reason)),
    )
    .await;
    let headers: [Case; 14] = [
        ("RSA said to be ECDSA", |h| h["alg"] = json!("ES256"), SsoReason::KeyUnknown),
        ("RSA said to be PSS", |h| h["alg"] = json!("PS256"), SsoReason::Signature),
        ("RSA said to be HMAC", |h| h["alg"] = json!("HS256"), SsoReason::Algorithm),
        ("none", |h| h["alg"] = json!("none"), SsoReason::Algorithm),
        ("none, spelled otherwise", |h| h["alg"] = json!("nOnE"), SsoReason::TokenMalformed),
        ("EdDSA", |h| h["alg"] = json!("EdDSA"), SsoReason::Algorithm),
        ("encryption", |h| h["alg"] = json!("RSA-OAEP"), SsoReason::TokenMalformed),
        ("no algorithm", |h| drop_claim(h, "alg"), SsoReason::TokenMalformed),
        ("a path for a key", |h| h["kid"] = json!("../../../../dev/null"), SsoReason::KeyUnknown),
        ("an address for a key", |h| h["kid"] = json!("http://169.254.169.254/key"), SsoReason::KeyUnknown),
        ("an unknown key", |h| h["kid"] = json!("unknown"), SsoReason::KeyUnknown),
        ("an access token for an ID token", |h| h["typ"] = json!("at+jwt"), SsoReason::TokenMalformed),
        ("something critical", |h| h["crit"] = json!(["exp"]), SsoReason::TokenMalformed),
        ("a token in a token", |h| h["cty"] = json!("JWT"), SsoReason::TokenMalformed),
    ];
    refused(
        &mut lab,
        headers
            .map(|(what, change, reason)| (what, move |idp: &Idp| idp.twist(Part::Header, change), reason)),
    )
    .await;
}

/// A token signed by a stranger who says where his key is, or brings it.
#[tokio::test]
async fn a_token_does_not_bring_its_key() {
    let mut lab = Lab::start().await;
    let evil = Idp::start(std::sync::Arc::clone(&lab.clock) as _).await;
    let stranger = evil.stranger_key("evil");
    evil.twist(Part::Keys, move |set| set["keys"] = json!([stranger]));
    let (url, key) = (format!("{}/keys", evil.issuer), lab.idp.stranger_key("evil"));
    let bring = |name: &'static str, value: Value| {
        move |idp: &Idp| {
            let value = value.clone();
            idp.sign_with(Signer::Stranger);
            idp.twist(Part::Header, move |header| {
                header["kid"] = json!("evil");
                header[name] = value.clone();
            });
        }
    };
    let cases = [
        ("jku", bring("jku", json!(url)), SsoReason::TokenNamesKey),
        ("x5u", bring("x5u", json!(url)), SsoReason::TokenNamesKey),
        ("jwk", bring("jwk", key.clone()), SsoReason::TokenNamesKey),
        ("x5c", bring("x5c", json!(["MIIB"])), SsoReason::KeyUnknown),
    ];
    refused(&mut lab, cases).await;
    assert_eq!(evil.asked("/keys"), 0, "nobody looked there");
}

#[tokio::test]
async fn wrong_discovery() {
    let mut lab = Lab::start().await;
    let cases: [Case; 20] = [
        ("another issuer", |d| d["issuer"] = json!("https://evil.example"), SsoReason::DiscoveryIssuer),
        (
            "a slash more",
            |d| d["issuer"] = json!(format!("{}/", d["issuer"].as_str().unwrap())),
            SsoReason::DiscoveryIssuer,
        ),
        ("no issuer", |d| drop_claim(d, "issuer"), SsoReason::DiscoveryInvalid),
        ("no keys", |d| drop_claim(d, "jwks_uri"), SsoReason::DiscoveryInvalid),
        ("no token endpoint", |d| drop_claim(d, "token_endpoint"), SsoReason::DiscoveryInvalid),
        ("a list", |d| *d = json!([]), SsoReason::DiscoveryInvalid),
        (
            "metadata",
            |d| d["jwks_uri"] = json!("http://169.254.169.254/latest/meta-data"),
            SsoReason::EndpointRefused,
        ),
        (
            "a private address",
            |d| d["token_endpoint"] = json!("https://10.0.0.1/token"),
            SsoReason::EndpointRefused,
        ),
        (
            "another port of this machine",
            |d| d["token_endpoint"] = json!("http://127.0.0.1:6379/"),
            SsoReason::EndpointRefused,
        ),
        (
            "this machine by name",
            |d| d["jwks_uri"] = json!("https://localhost/keys"),
            SsoReason::EndpointRefused,
        ),
        (
            "an inner name",
            |d| d["userinfo_endpoint"] = json!("https://wiki.internal/"),
            SsoReason::EndpointRefused,
        ),
        (
            "in the clear",
            |d| d["token_endpoint"] = json!("http://id.example/token"),
            SsoReason::EndpointRefused,
        ),
        ("a file", |d| d["jwks_uri"] = json!("file:///etc/passwd"), SsoReason::EndpointRefused),
        (
            "a script",
            |d| d["authorization_endpoint"] = json!("javascript:alert(1)"),
            SsoReason::EndpointRefused,
        ),
        (
            "a page in the clear",
            |d| d["authorization_endpoint"] = json!("http://id.example/"),
            SsoReason::EndpointRefused,
        ),
        (
            "with a user",
            |d| d["token_endpoint"] = json!("https://evil@id.example/"),
            SsoReason::EndpointRefused,
        ),
        (
            "with a fragment",
            |d| d["authorization_endpoint"] = json!(format!("{}/authorize#a", d["issuer"].as_str().unwrap())),
            SsoReason::EndpointRefused,
        ),
        ("not a URL", |d| d["token_endpoint"] = json!("/token"), SsoReason::EndpointRefused),
        (
            "PKCE in the clear only",
            |d| d["code_challenge_methods_supported"] = json!(["plain"]),
            SsoReason::Unsupported,
        ),
        (
            "keys for clients only",
            |d| d["token_endpoint_auth_methods_supported"] = json!(["private_key_jwt"]),
            SsoReason::Unsupported,
        ),
    ];
    refused(
        &mut lab,
        cases.map(|(what, change, reason)| {
            (what, move |idp: &Idp| idp.twist(Part::Discovery, change), reason)
        }),
    )
    .await;
}

#[tokio::test]
async fn wrong_answers() {
    let mut lab = Lab::start().await;
    let inside = Idp::start(std::sync::Arc::clone(&lab.clock) as _).await;
    let to = format!("{}/keys", inside.issuer);
    let discovery = "/.well-known/openid-configuration";
    let mut cases = Vec::new();
    for (path, unreachable, invalid) in [
        (discovery, SsoReason::DiscoveryUnreachable, SsoReason::DiscoveryInvalid),
        ("/keys", SsoReason::KeysUnavailable, SsoReason::KeysUnavailable),
        ("/token", SsoReason::TokenEndpointUnreachable, SsoReason::TokenRefused),
    ] {
        cases.push((path, Canned::html(200), invalid));
        cases.push((path, Canned::html(400), invalid));
        cases.push((path, Canned::html(500), invalid));
        cases.push((path, Canned::redirect(&to), unreachable));
        cases.push((path, Canned::endless(), unreachable));
        cases.push((path, Canned::nothing(), unreachable));
    }
    let cases = cases
        .into_iter()
        .map(|(path, canned, reason)| (path, move |idp: &Idp| idp.answer(path, canned.clone()), reason));
    refused(&mut lab, cases).await;
    assert_eq!(inside.asked("/keys"), 0, "redirects are not followed");

    let tokens: [Case; 9] = [
        ("no ID token", |t| drop_claim(t, "id_token"), SsoReason::TokenMalformed),
        ("an ID token that is none", |t| t["id_token"] = json!("evil"), SsoReason::TokenMalformed),
        (
            "two parts",
            |t| t["id_token"] = json!(t["id_token"].as_str().unwrap().rsplit_once('.').unwrap().0),
            SsoReason::TokenMalformed,
        ),
        (
            "four parts",
            |t| t["id_token"] = json!(format!("{}.e30", t["id_token"].as_str().unwrap())),
            SsoReason::TokenMalformed,
        ),
        ("too long", |t| t["id_token"] = json!("a".repeat(65_537)), SsoReason::TokenMalformed),
        ("no access token", |t| drop_claim(t, "access_token"), SsoReason::TokenRefused),
        ("an empty access token", |t| t["access_token"] = json!(""), SsoReason::TokenRefused),
        (
            "another access token",
            |t| t["access_token"] = json!("of somebody else"),
            SsoReason::AccessTokenHash,
        ),
        ("another type", |t| t["token_type"] = json!("mac"), SsoReason::TokenRefused),
    ];
    refused(
        &mut lab,
        tokens.map(|(what, change, reason)| (what, move |idp: &Idp| idp.twist(Part::Tokens, change), reason)),
    )
    .await;
}

#[tokio::test]
async fn keys_that_are_no_keys() {
    let mut lab = Lab::start().await;
    let cases: [Case; 6] = [
        ("none", |k| k["keys"] = json!([]), SsoReason::KeyUnknown),
        ("no list", |k| *k = json!({ "key": 1 }), SsoReason::KeysUnavailable),
        ("for encryption", |k| k["keys"][0]["use"] = json!("enc"), SsoReason::KeyUnknown),
        ("a short one", |k| k["keys"][0]["n"] = json!("AQAB".repeat(32)), SsoReason::KeyUnknown),
        (
            "a shared one",
            |k| k["keys"][0] = json!({"kty": "oct", "kid": "rsa", "k": "c2VjcmV0"}),
            SsoReason::KeyUnknown,
        ),
        (
            "two of one name",
            |k| {
                let double = k["keys"][0].clone();
                k["keys"].as_array_mut().unwrap().push(double);
            },
            SsoReason::KeyUnknown,
        ),
    ];
    refused(
        &mut lab,
        cases.map(|(what, change, reason)| (what, move |idp: &Idp| idp.twist(Part::Keys, change), reason)),
    )
    .await;
}

#[tokio::test]
async fn userinfo_of_somebody_else() {
    let mut lab = Lab::start().await;
    let cases: [Case; 3] = [
        ("another subject", |u| u["sub"] = json!("248289761002"), SsoReason::Userinfo),
        ("no subject", |u| drop_claim(u, "sub"), SsoReason::Userinfo),
        ("a list", |u| *u = json!([]), SsoReason::Userinfo),
    ];
    let without = |idp: &Idp| idp.twist(Part::Claims, |c| drop_claim(c, "email"));
    let cases = cases.map(|(what, change, reason)| {
        let change = move |idp: &Idp| {
            without(idp);
            idp.twist(Part::Userinfo, change);
        };
        (what, change, reason)
    });
    refused(&mut lab, cases).await;
    // An access token that would forge a header goes nowhere.
    lab.idp.twist(Part::Claims, |c| {
        drop_claim(c, "email");
        drop_claim(c, "at_hash");
    });
    lab.idp.twist(Part::Tokens, |t| t["access_token"] = json!("a\r\nx-evil: b"));
    assert_eq!(lab.sign_in().await, Err(SsoReason::Userinfo));
}

/// An address that the provider has not verified is told as that, in all its forms.
#[tokio::test]
async fn unverified_addresses_stay_unverified() {
    let lab = Lab::start().await;
    for flag in [json!(false), json!("false"), json!(null)] {
        lab.idp.twist(Part::Claims, move |c| c["email_verified"] = flag.clone());
        assert!(!lab.sign_in().await.unwrap().email.unwrap().verified);
    }
    lab.idp.twist(Part::Claims, |c| drop_claim(c, "email_verified"));
    assert!(!lab.sign_in().await.unwrap().email.unwrap().verified);
}

/// Another person's address makes nobody that person: the subject stays who signed in.
#[tokio::test]
async fn another_persons_address_is_still_another_subject() {
    let lab = Lab::start().await;
    let ada = lab.sign_in().await.unwrap();
    let mut mallory = lab.idp.person();
    mallory.sub = "666".to_owned();
    lab.idp.sign_in(mallory);
    let identity = lab.sign_in().await.unwrap();
    assert_eq!(identity.email, ada.email);
    assert_ne!((identity.issuer, identity.subject), (ada.issuer, ada.subject));
}

/// The clock that decides is ours.
#[tokio::test]
async fn a_token_is_not_good_later() {
    let lab = Lab::start().await;
    let (attempt, callback) = lab.begun().await.unwrap();
    lab.idp.twist(Part::Claims, |c| {
        let then = now(c) - 500;
        c["iat"] = json!(then);
        c["exp"] = json!(then + 300);
    });
    lab.clock.advance(Duration::from_secs(500));
    assert_eq!(lab.finish(attempt, &callback).await, Err(SsoReason::Expired));
    assert!(party(&lab.idp, &lab.clock).look(&lab.provider).await.is_ok());
}
