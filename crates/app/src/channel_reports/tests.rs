#![expect(clippy::unwrap_used, reason = "tests")]
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn word_of(field: &str, value: &Value) -> ChannelWord {
    read(field, value, "900").unwrap()
}

#[test]
fn accounts_that_are_lost_restricted_and_back() {
    for event in ["ACCOUNT_DELETED", "ACCOUNT_OFFBOARDED", "PARTNER_REMOVED", "PARTNER_APP_UNINSTALLED"] {
        let word = word_of("account_update", &json!({ "event": event }));
        assert_eq!(word.report.state, Some(ChannelState::AccessLost), "{event}");
        assert!(word.look && word.report.attention.is_some());
    }
    let ban = |state: &str| {
        word_of(
            "account_update",
            &json!({ "event": "DISABLED_UPDATE", "ban_info": { "waba_ban_state": state } }),
        )
        .report
    };
    assert_eq!(ban("DISABLE").state, Some(ChannelState::Restricted));
    assert_eq!(ban("REINSTATE").state, Some(ChannelState::Active));
    assert_eq!(ban("SCHEDULE_FOR_DISABLE").state, None);
    assert!(ban("SCHEDULE_FOR_DISABLE").attention.is_some());
    let word = word_of("account_update", &json!({ "event": "ACCOUNT_RECONNECTED" }));
    assert_eq!((word.report, word.look), (callback(), true));
    let rejected = word_of("account_review_update", &json!({ "decision": "REJECTED" }));
    assert_eq!(rejected.report.state, Some(ChannelState::Restricted));
}

#[test]
fn another_apps_removal_is_not_ours() {
    let gone = |app: &str| {
        let info = json!({ "waba_id": "77", "partner_app_id": app });
        read("account_update", &json!({ "event": "PARTNER_APP_UNINSTALLED", "waba_info": info }), "900")
    };
    assert_eq!(gone("901"), None);
    assert_eq!(gone("900").unwrap().whom, Whom::Account(Some("77".to_owned())));
}

#[test]
fn restrictions_stop_a_channel_only_where_nothing_may_be_sent() {
    let restricted = |kind: &str| {
        let info = json!([{ "restriction_type": kind, "expiration": "2026-12-12T07:09:27.000Z" }]);
        word_of("account_update", &json!({ "event": "ACCOUNT_RESTRICTION", "restriction_info": info })).report
    };
    let adding = restricted("RESTRICTED_ADD_PHONE_NUMBER_ACTION");
    assert_eq!(adding.state, None);
    assert!(adding.attention.unwrap().contains("2026-12-12T07:09:27"));
    assert_eq!(restricted("RESTRICTED_BIZ_INITIATED_MESSAGING").state, None);
    let all = restricted("RESTRICTED_CUSTOMER_INITIATED_MESSAGING");
    assert_eq!(all.state, Some(ChannelState::Restricted));
}

#[test]
fn numbers_by_what_people_write() {
    let at = |event: &str| json!({ "display_phone_number": "+1 (202) 555-0190", "event": event });
    let flagged = word_of("phone_number_quality_update", &at("FLAGGED"));
    assert_eq!(flagged.whom, Whom::Number("12025550190".to_owned()));
    assert_eq!(flagged.report.quality_rating.as_deref(), Some("RED"));
    let upgraded = word_of("phone_number_quality_update", &at("THROUGHPUT_UPGRADE"));
    assert_eq!(upgraded.report.throughput_level.as_deref(), Some("HIGH"));
    let mut onboarding = at("ONBOARDING");
    onboarding["max_daily_conversations_per_business"] = json!("TIER_2K");
    let onboarding = word_of("phone_number_quality_update", &onboarding);
    assert_eq!(onboarding.report.messaging_limit.as_deref(), Some("TIER_2K"));
    assert_eq!(read("phone_number_quality_update", &at("ONBOARDING"), "900"), None);
    let name = json!({ "display_phone_number": "12025550190", "decision": "APPROVED", "requested_verified_name": "New" });
    let name = word_of("phone_number_name_update", &name).report;
    assert_eq!((name.verified_name.as_deref(), name.name_status.as_deref()), (Some("New"), Some("APPROVED")));
    let pin = json!({ "display_phone_number": "12025550190", "event": "PIN_CHANGED", "requester": "1" });
    let pin = word_of("security", &pin).report;
    assert!(pin.state.is_none() && pin.attention.unwrap().contains("PIN"));
}

#[test]
fn limits_as_words_and_numbers() {
    let limit = |value: Value| {
        word_of("business_capability_update", &json!({ "max_daily_conversation_per_phone": value }))
            .report
            .messaging_limit
            .unwrap()
    };
    assert_eq!(limit(json!(250)), "TIER_250");
    assert_eq!(limit(json!(100_000)), "TIER_100K");
    assert_eq!(limit(json!(-1)), "TIER_UNLIMITED");
    assert_eq!(limit(json!("TIER_10K")), "TIER_10K");
}

proptest! {
    /// Whatever Meta sends, what stands in our sentences is words.
    #[test]
    fn nothing_strange_gets_into_a_sentence(kind in ".{0,40}", event in "[A-Z_]{0,20}", decision in ".{0,20}") {
        let value = json!({
            "event": event, "decision": decision, "display_phone_number": kind,
            "restriction_info": [{ "restriction_type": kind }], "violation_info": { "violation_type": kind },
        });
        for field in ["account_update", "security", "phone_number_name_update", "phone_number_quality_update"] {
            if let Some(word) = read(field, &value, "900") {
                let told = word.report.attention.unwrap_or_default();
                prop_assert!(!told.contains(['\n', '\0']));
                prop_assert!(word.report.name_status.is_none_or(|s| super::word(&s).is_some()));
            }
        }
        for event in ["ACCOUNT_RESTRICTION", "ACCOUNT_VIOLATION"] {
            let mut value = value.clone();
            value["event"] = event.into();
            if let Some(word) = read("account_update", &value, "900") {
                let told = word.report.attention.unwrap();
                prop_assert!(told.chars().all(|c| c.is_ascii_alphanumeric() || " '_:,".contains(c)), "{told}");
            }
        }
    }
}
