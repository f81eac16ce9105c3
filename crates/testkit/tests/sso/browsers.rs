//! The way over the browser: what an attacker who controls a browser, or another provider, could bring back.

use std::time::Duration;

use gatepost_app::sso::{Attempt, Callback, ProviderKind, SsoReason};
use gatepost_testkit::idp::{Idp, Part};
use serde_json::json;

use crate::support::{BROWSER, CALLBACK, KEY, Lab, callback};

/// The attempt is consumed by its type; here it is kept twice by force, and the provider refuses its code.
#[tokio::test]
async fn a_code_is_good_once() {
    let lab = Lab::start().await;
    let (attempt, callback) = lab.begun().await.unwrap();
    let kept = attempt.to_bytes();
    assert!(lab.finish(attempt, &callback).await.is_ok());
    let again = Attempt::from_bytes(kept.expose()).unwrap();
    assert_eq!(lab.finish(again, &callback).await, Err(SsoReason::TokenRefused));
}

#[tokio::test]
async fn a_callback_belongs_to_one_attempt_browser_and_provider() {
    let lab = Lab::start().await;
    // Login CSRF: the attacker's callback in the victim's browser.
    let (attempt, back) = lab.begun().await.unwrap();
    let finished = lab.party.finish(KEY, &lab.provider, attempt, "the victim's cookie", &back).await;
    assert_eq!(finished.unwrap_err().reason(), SsoReason::OtherBrowser);
    // Another attempt's state.
    let ((attempt, _), (_, other)) = (lab.begun().await.unwrap(), lab.begun().await.unwrap());
    assert_eq!(lab.finish(attempt, &other).await, Err(SsoReason::StateWrong));
    let (attempt, _) = lab.begun().await.unwrap();
    assert_eq!(lab.finish(attempt, &Callback::default()).await, Err(SsoReason::StateWrong));
    // Another provider's callback address.
    let (attempt, back) = lab.begun().await.unwrap();
    let finished = lab.party.finish("other", &lab.provider, attempt, BROWSER, &back).await;
    assert_eq!(finished.unwrap_err().reason(), SsoReason::OtherProvider);
    // The provider was changed meanwhile.
    let (attempt, back) = lab.begun().await.unwrap();
    let changed = Idp::provider_of(ProviderKind::Google);
    let finished = lab.party.finish(KEY, &changed, attempt, BROWSER, &back).await;
    assert_eq!(finished.unwrap_err().reason(), SsoReason::OtherProvider);
    // Too late.
    let (attempt, back) = lab.begun().await.unwrap();
    lab.clock.advance(Duration::from_secs(601));
    assert_eq!(lab.finish(attempt, &back).await, Err(SsoReason::AttemptExpired));
    assert_eq!(lab.idp.asked("/token"), 0, "none of them came so far as to ask for tokens");
}

/// A stolen code, put into the attacker's own attempt: the provider holds it against the other challenge.
#[tokio::test]
async fn a_code_of_another_attempt_is_refused() {
    let lab = Lab::start().await;
    let (_, stolen) = lab.begun().await.unwrap();
    let (attempt, own) = lab.begun().await.unwrap();
    let mixed = Callback { code: stolen.code, ..own };
    assert_eq!(lab.finish(attempt, &mixed).await, Err(SsoReason::TokenRefused));
    // Even a provider that does not look at challenges gives no way in: the nonce is another.
    let (attempt, back) = lab.begun().await.unwrap();
    lab.idp.twist(Part::Claims, |c| c["nonce"] = json!("of the other attempt"));
    assert_eq!(lab.finish(attempt, &back).await, Err(SsoReason::Nonce));
}

/// A provider that takes no challenge gives no code here.
#[tokio::test]
async fn without_a_challenge_there_is_no_code() {
    let lab = Lab::start().await;
    let started = lab.party.start(KEY, &lab.provider, BROWSER, CALLBACK, false).await.unwrap();
    let mut url = url::Url::parse(&started.url).unwrap();
    let kept: Vec<_> =
        url.query_pairs().into_owned().filter(|(name, _)| !name.starts_with("code_")).collect();
    url.query_pairs_mut().clear().extend_pairs(kept);
    let idp = lab.idp.clone();
    let refused = tokio::spawn(async move { idp.consent(url.as_str()).await }).await;
    assert!(refused.is_err(), "the provider asks for it");
    // And a code that was given without one is not exchanged: the verifier of our attempt does not fit.
    let mut other = url::Url::parse(&started.url).unwrap();
    let kept: Vec<_> = other
        .query_pairs()
        .into_owned()
        .map(|(name, value)| if name == "code_challenge" { (name, "A".repeat(43)) } else { (name, value) })
        .collect();
    other.query_pairs_mut().clear().extend_pairs(kept);
    let back = callback(&lab.idp.consent(other.as_str()).await);
    assert_eq!(lab.finish(started.attempt, &back).await, Err(SsoReason::TokenRefused));
}

/// Mix-up: the browser was led to another provider, which says so; or keeps silent though it promised to say so.
#[tokio::test]
async fn the_callback_names_its_issuer() {
    let mut lab = Lab::start().await;
    for iss in ["https://honest.example", ""] {
        lab.idp.twist(Part::Callback, move |c| c["iss"] = json!(iss));
        assert_eq!(lab.sign_in().await, Err(SsoReason::IssuerParameter), "{iss}");
    }
    let slash = format!("{}/", lab.idp.issuer);
    lab.idp.twist(Part::Callback, move |c| c["iss"] = json!(slash));
    assert_eq!(lab.sign_in().await, Err(SsoReason::IssuerParameter));
    lab.idp.straighten();
    lab.forget();
    lab.idp.twist(Part::Discovery, |d| d["authorization_response_iss_parameter_supported"] = json!(true));
    assert_eq!(lab.sign_in().await, Err(SsoReason::IssuerParameter));
    assert_eq!(lab.idp.asked("/token"), 0, "no code went to the wrong place");
}

#[tokio::test]
async fn an_error_is_no_sign_in_and_its_words_go_nowhere() {
    let lab = Lab::start().await;
    for (error, text) in [
        ("access_denied", "provider_refused: access_denied"),
        ("<script>evil</script>", "provider_refused: an unknown error"),
    ] {
        lab.idp.twist(Part::Callback, move |c| {
            *c = json!({ "state": c["state"], "error": error, "error_description": "<script>evil</script>" });
        });
        let (attempt, back) = lab.begun().await.unwrap();
        let fault = lab.party.finish(KEY, &lab.provider, attempt, BROWSER, &back).await.unwrap_err();
        assert_eq!(fault.to_string(), text);
    }
    // An error beside a code is an error.
    lab.idp.twist(Part::Callback, |c| c["error"] = json!("server_error"));
    assert_eq!(lab.sign_in().await, Err(SsoReason::ProviderRefused));
    lab.idp.twist(Part::Callback, |c| c["code"] = json!(""));
    assert_eq!(lab.sign_in().await, Err(SsoReason::CodeMissing));
    lab.idp.twist(Part::Callback, |c| c["code"] = json!("x".repeat(8_193)));
    assert_eq!(lab.sign_in().await, Err(SsoReason::CodeMissing));
    lab.idp.twist(Part::Callback, |c| *c = json!({ "state": c["state"] }));
    assert_eq!(lab.sign_in().await, Err(SsoReason::CodeMissing));
}

/// A proof for what cannot be taken back: an old sign-in at the provider is none.
#[tokio::test]
async fn a_fresh_proof_is_asked_for_and_checked() {
    let lab = Lab::start().await;
    let begin = async || {
        let started = lab.party.start(KEY, &lab.provider, BROWSER, CALLBACK, true).await.unwrap();
        assert!(started.url.contains("prompt=login") && started.url.contains("max_age=0"));
        let back = callback(&lab.idp.consent(&started.url).await);
        lab.finish(started.attempt, &back).await.map(drop)
    };
    assert_eq!(begin().await, Err(SsoReason::NotAfresh), "it does not say when");
    lab.idp.twist(Part::Claims, |c| c["auth_time"] = json!(c["iat"].as_i64().unwrap() - 3_600));
    assert_eq!(begin().await, Err(SsoReason::NotAfresh));
    lab.idp.twist(Part::Claims, |c| c["auth_time"] = c["iat"].clone());
    assert_eq!(begin().await, Ok(()));
    let github = Idp::provider_of(ProviderKind::GitHub);
    let refused = lab.party.start(KEY, &github, BROWSER, CALLBACK, true).await;
    assert_eq!(refused.err().map(|fault| fault.reason()), Some(SsoReason::Unsupported));
}
