//! The client against the simulated Meta, over real sockets.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::time::Duration;

use gatepost_core::content::{Content, ContentKind};
use gatepost_core::{Secret, Timestamp};
use gatepost_net::class;

use super::*;
use crate::errors::{Class, CustomerClass};
use crate::sandbox::{Fate, Fault, SandboxLimits};
use crate::testing::{NUMBER, OTHER_NUMBER, Rig, TOKEN, WABA, config, statuses, text};

fn refused(outcome: SendOutcome) -> Refusal {
    match outcome {
        SendOutcome::Refused(refusal) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn accepted_and_recognised_by_its_statuses() {
    let rig = Rig::start(config()).await;
    let message = text("+12025550101", 1);
    let outcome = rig.cloud.send(&rig.channel(), &message).await;
    let SendOutcome::Accepted(answer) = outcome else { panic!("{outcome:?}") };
    assert!(answer.wamid.starts_with("wamid.HBgLMTIwMjU1NTAxMDEV"));
    assert_eq!(answer.wa_id.as_deref(), Some("12025550101"));
    assert!(answer.user_id.as_deref().is_some_and(|id| id.starts_with("US.")));
    assert_eq!(answer.message_status, None);
    let items = rig.until(|items| statuses(items, message.id).len() == 3).await;
    let mut heard = statuses(&items, message.id);
    heard.sort();
    assert_eq!(heard, ["delivered", "read", "sent"]);
    let sends = rig.meta.sends();
    assert_eq!((sends.len(), sends[0].opaque.as_deref()), (1, Some(message.id.to_string().as_str())));
    assert_eq!((sends[0].wamid.as_str(), sends[0].fate), (answer.wamid.as_str(), Fate::Answered));
}

#[tokio::test]
async fn templates_carry_a_message_status_and_unknown_ones_are_to_be_fixed() {
    let templates = Some(vec![("order_ready".to_owned(), "en_US".to_owned())]);
    let rig = Rig::start(crate::sandbox::SandboxConfig { templates, ..config() }).await;
    let template = |name: &str| gatepost_core::message::OutboundMessage {
        content: Content::parse(
            ContentKind::Template,
            &serde_json::json!({ "name": name, "language": { "code": "en_US" } }).to_string(),
        )
        .unwrap_or_else(|errors| panic!("{errors:?}")),
        ..text("+12025550101", 1)
    };
    let SendOutcome::Accepted(answer) = rig.cloud.send(&rig.channel(), &template("order_ready")).await else {
        panic!("not accepted");
    };
    assert_eq!(answer.message_status.as_deref(), Some("accepted"));
    let refusal = refused(rig.cloud.send(&rig.channel(), &template("no_such")).await);
    assert_eq!((refusal.http, refusal.code), (404, Some(132_001)));
    assert_eq!(refusal.advice.class, Class::FixRequest);
    assert_eq!(refusal.details.as_deref(), Some("template name (no_such) does not exist in en_US"));
    assert!(refusal.trace.is_some());
}

#[tokio::test]
async fn what_meta_refuses_is_told_with_its_code() {
    let rig = Rig::start(config()).await;
    let message = text("+12025550101", 1);
    let with_token = |token: &str| CloudChannel { token: Secret::new(token.to_owned()), ..rig.channel() };
    let bad_token = refused(rig.cloud.send(&with_token("EAAG-nobody"), &message).await);
    assert_eq!((bad_token.http, bad_token.code, bad_token.advice.class), (401, Some(190), Class::RenewToken));
    assert_eq!(bad_token.advice.class.customer(), CustomerClass::NeedsAction);
    let elsewhere = CloudChannel { phone_number_id: OTHER_NUMBER.to_owned(), ..rig.channel() };
    let foreign = refused(rig.cloud.send(&elsewhere, &message).await);
    assert_eq!((foreign.code, foreign.subcode), (Some(100), Some(33)));
    let version = CloudChannel { graph_version: "v25.0.1".to_owned(), ..rig.channel() };
    assert_eq!(refused(rig.cloud.send(&version, &message).await).code, Some(2635));
    assert!(rig.meta.set_token(NUMBER, Secret::new("renewed".to_owned())));
    assert_eq!(refused(rig.cloud.send(&rig.channel(), &message).await).code, Some(190));
    assert!(rig.meta.sends().is_empty());
}

#[tokio::test]
async fn limits_are_told_apart() {
    let rig = Rig::start(crate::sandbox::SandboxConfig {
        limits: SandboxLimits {
            throughput: Some(3),
            pair: Some(crate::sandbox::PairLimit { every: Duration::from_mins(1), burst: 2 }),
        },
        ..config()
    })
    .await;
    let mut classes = Vec::new();
    for (n, to) in
        ["+12025550111", "+12025550111", "+12025550111", "+12025550112", "+12025550113"].iter().enumerate()
    {
        classes.push(match rig.cloud.send(&rig.channel(), &text(to, n as u128)).await {
            SendOutcome::Accepted(_) => None,
            other => Some(refused(other).advice.class),
        });
    }
    assert_eq!(
        classes,
        [None, None, Some(Class::RetryPair), None, Some(Class::RetrySlowNumber)],
        "what the pair limit refuses does not count against the number"
    );
}

#[tokio::test]
async fn every_fault_is_told_truthfully() {
    let rig = Rig::start(config()).await;
    let cloud = rig.cloud.clone().with_timeout(Duration::from_millis(300));
    let faults = [
        (Fault::ServerError, "refused 500 RetryBackoff", false),
        (Fault::RateLimited, "refused 429 RetrySlowNumber", false),
        (Fault::BadGateway { taken: false }, "ambiguous response_invalid", false),
        (Fault::BadGateway { taken: true }, "ambiguous response_invalid", true),
        (Fault::Hang { taken: false }, "ambiguous timeout_response", false),
        (Fault::Hang { taken: true }, "ambiguous timeout_response", true),
        (Fault::Cut { taken: false }, "ambiguous connection_lost", false),
        (Fault::Cut { taken: true }, "ambiguous connection_lost", true),
        (Fault::Garbled, "ambiguous response_invalid", true),
    ];
    for (n, (fault, expected, taken)) in faults.into_iter().enumerate() {
        let message = text("+12025550101", 100 + n as u128);
        rig.meta.fail_next(1, fault);
        let told = match cloud.send(&rig.channel(), &message).await {
            SendOutcome::Accepted(_) => "accepted".to_owned(),
            SendOutcome::Refused(r) => format!("refused {} {:?}", r.http, r.advice.class),
            SendOutcome::NotSent { class, .. } => format!("not sent {class}"),
            SendOutcome::Ambiguous { class, .. } => format!("ambiguous {class}"),
        };
        assert_eq!(told, expected, "{fault:?}");
        let opaque = message.id.to_string();
        let sends = rig.meta.sends();
        let found = sends.iter().find(|s| s.opaque.as_deref() == Some(opaque.as_str()));
        assert_eq!(found.map(|s| s.fate), taken.then_some(Fate::Unanswered), "{fault:?}");
        if taken {
            // The statuses that resolve the doubt.
            rig.until(|items| statuses(items, message.id).len() == 3).await;
        }
    }
    // Nothing is left over: the next send goes through.
    assert!(matches!(cloud.send(&rig.channel(), &text("+12025550101", 1)).await, SendOutcome::Accepted(_)));
}

#[tokio::test]
async fn waits_are_told() {
    let rig = Rig::start(config()).await;
    rig.meta.fail_next(1, Fault::RateLimited);
    let refusal = refused(rig.cloud.send(&rig.channel(), &text("+12025550101", 1)).await);
    assert_eq!(refusal.retry_after, Some(Duration::from_secs(1)));
}

#[tokio::test]
async fn nothing_listens_means_nothing_was_sent() {
    let rig = Rig::start(config()).await;
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let channel = CloudChannel { base_url, ..rig.channel() };
    let outcome = rig.cloud.send(&channel, &text("+12025550101", 1)).await;
    assert!(matches!(outcome, SendOutcome::NotSent { class: class::CONNECT_FAILED, .. }), "{outcome:?}");
}

#[tokio::test]
async fn ids_cannot_change_the_path() {
    let rig = Rig::start(config()).await;
    for id in ["", "..", "501/../502", "501?x=1", "5 1", "501#", "5%2f1"] {
        let channel = CloudChannel { phone_number_id: id.to_owned(), ..rig.channel() };
        let outcome = rig.cloud.send(&channel, &text("+12025550101", 1)).await;
        assert!(
            matches!(outcome, SendOutcome::NotSent { class: class::REQUEST_INVALID, .. }),
            "{id}: {outcome:?}"
        );
    }
    for version in ["", "25.0", "v", "v25.0/x", "vlatest"] {
        let channel = CloudChannel { graph_version: version.to_owned(), ..rig.channel() };
        let outcome = rig.cloud.send(&channel, &text("+12025550101", 1)).await;
        assert!(matches!(outcome, SendOutcome::NotSent { class: class::REQUEST_INVALID, .. }), "{version}");
    }
    assert_eq!(rig.meta.observed().requests, 0);
}

#[tokio::test]
async fn a_channel_is_looked_at() {
    let rig = Rig::start(config()).await;
    let now = Timestamp::from_seconds(1_793_525_400);
    let look = async |channel: &CloudChannel, waba| rig.cloud.check_channel(channel, waba, now).await;
    let check = look(&rig.channel_with_app(), Some(WABA)).await.unwrap();
    assert!(check.findings.is_empty(), "{:?}", check.findings);
    let number = check.number.unwrap();
    assert_eq!(number.verified_name.as_deref(), Some("Gatepost Test"));
    assert_eq!(number.display_phone_number.as_deref(), Some("+1 202-555-0190"));
    assert_eq!(number.quality_rating.as_deref(), Some("GREEN"));
    assert_eq!(number.throughput_level.as_deref(), Some("STANDARD"));
    let token = check.token.unwrap();
    assert!(token.is_valid && token.waba_ids == [WABA] && token.expires_at.is_none());

    let other = look(&rig.channel_with_app(), Some("9")).await.unwrap();
    assert_eq!(other.findings, [Finding::AccountForeign("9".to_owned())]);
    assert_eq!(other.findings[0].sentence(), "the access token may not touch the account 9");
    assert!(look(&rig.channel(), None).await.unwrap().token.is_none());

    let nobody = Secret::new("EAAG-nobody".to_owned());
    let bad = CloudChannel { token: nobody.clone(), ..rig.channel_with_app() };
    assert_eq!(look(&bad, None).await.unwrap().findings, [Finding::TokenInvalid]);
    let bad = CloudChannel { token: nobody, ..rig.channel() };
    match look(&bad, None).await.unwrap().findings.as_slice() {
        [Finding::NumberRefused(refusal)] => assert_eq!(refusal.code, Some(190)),
        other => panic!("{other:?}"),
    }
    let mut stale = rig.channel_with_app();
    stale.app = Some(CloudApp { app_id: "900".to_owned(), app_secret: Secret::new("stale".to_owned()) });
    assert!(matches!(look(&stale, None).await.unwrap().findings.as_slice(), [Finding::AppRefused(_)]));
    rig.cloud.subscribe_app(&rig.channel(), WABA).await.unwrap();
    assert!(rig.cloud.subscribe_app(&rig.channel(), "9").await.is_err());
}

#[tokio::test]
async fn proofs_are_sent_where_the_secret_is_known() {
    let mut config = config();
    config.apps[0].require_proof = true;
    let rig = Rig::start(config).await;
    let bare = refused(rig.cloud.send(&rig.channel(), &text("+12025550101", 1)).await);
    assert_eq!(bare.code, Some(100));
    let proven = rig.cloud.send(&rig.channel_with_app(), &text("+12025550101", 1)).await;
    assert!(matches!(proven, SendOutcome::Accepted(_)), "{proven:?}");
    let mut wrong = rig.channel_with_app();
    wrong.app = Some(CloudApp { app_id: "900".to_owned(), app_secret: Secret::new("other".to_owned()) });
    assert_eq!(refused(rig.cloud.send(&wrong, &text("+12025550101", 1)).await).code, Some(100));
}

#[tokio::test]
async fn debug_shows_neither_token_nor_person() {
    let rig = Rig::start(config()).await;
    let shown = format!("{:?}", rig.cloud.send(&rig.channel(), &text("+12025550101", 1)).await);
    assert!(shown.contains("wamid.") && !shown.contains("US.") && !shown.contains(TOKEN), "{shown}");
}

#[test]
fn values_are_percent_encoded() {
    let mut out = String::new();
    push_encoded(&mut out, "a|b &c=é,~");
    assert_eq!(out, "a%7Cb%20%26c%3D%C3%A9,~");
}
