#![expect(clippy::unwrap_used, reason = "tests")]
use gatepost_core::channel::{ChannelKind, Mode};
use gatepost_core::{MetaAppId, WorkspaceId};
use uuid::Uuid;

use super::*;

fn row(state: ChannelState) -> ChannelRow {
    ChannelRow {
        id: ChannelId::from_uuid(Uuid::from_u128(1)),
        mode: Mode::Live,
        kind: ChannelKind::Cloud,
        name: "Front desk".to_owned(),
        state,
        app_owner: WorkspaceId::from_uuid(Uuid::from_u128(2)),
        meta_app: MetaAppId::from_uuid(Uuid::from_u128(3)),
        phone_number_id: "1".to_owned(),
        waba_id: "2".to_owned(),
        token: Vec::new(),
        token_last4: String::new(),
        display: None,
        verified_name: None,
        throughput: 80,
        created_at: Timestamp::UNIX_EPOCH,
        found_by: None,
        attention: None,
        next_action: None,
        quality_rating: None,
        throughput_level: None,
        messaging_limit: None,
        name_status: None,
        number_status: None,
        token_expires_at: None,
        checked_at: None,
    }
}

fn state(source: Source, state: ChannelState) -> ChannelReport {
    ChannelReport { state: Some(state), ..ChannelReport::of(source) }
}

#[test]
fn a_state_is_told_once_and_says_what_to_do() {
    let mut row = row(ChannelState::Active);
    let report = state(Source::Sending, ChannelState::TokenInvalid);
    assert_eq!(apply(&mut row, &report), ["state", "detail"]);
    assert_eq!(apply(&mut row, &report), [""; 0]);
    let (detail, next) = what_and_next(&row);
    assert_eq!(detail.unwrap(), "Meta refuses the access token");
    assert_eq!(next.as_deref(), ChannelState::TokenInvalid.next_action());
}

#[test]
fn a_good_look_clears_what_it_can_see_and_nothing_else() {
    let good = state(Source::Check, ChannelState::Active);
    for (was, found_by, now) in [
        (ChannelState::TokenInvalid, Source::Sending, ChannelState::Active),
        (ChannelState::Unregistered, Source::Sending, ChannelState::Active),
        (ChannelState::AccessLost, Source::Callback, ChannelState::Active),
        (ChannelState::Restricted, Source::Check, ChannelState::Active),
        (ChannelState::Restricted, Source::Sending, ChannelState::Restricted),
        (ChannelState::Restricted, Source::Callback, ChannelState::Restricted),
        (ChannelState::PaymentRequired, Source::Sending, ChannelState::PaymentRequired),
    ] {
        let mut row = row(ChannelState::Active);
        apply(&mut row, &state(found_by, was));
        apply(&mut row, &good);
        assert_eq!(row.state, now, "{was:?} found by {found_by:?}");
        assert_eq!(row.attention.is_some(), now != ChannelState::Active);
        apply(&mut row, &state(Source::Owner, ChannelState::Active));
        assert_eq!((row.state, row.attention), (ChannelState::Active, None));
    }
}

#[test]
fn what_is_switched_off_stays_off_and_says_what_else_is_wrong() {
    let mut row = row(ChannelState::Disabled);
    assert_eq!(apply(&mut row, &state(Source::Callback, ChannelState::AccessLost)), ["detail"]);
    assert_eq!(row.state, ChannelState::Disabled);
    assert_eq!(apply(&mut row, &state(Source::Check, ChannelState::Active)), [""; 0]);
    let (detail, next) = what_and_next(&row);
    assert!(detail.unwrap().contains("took the Meta app's access away"));
    assert_eq!(next.as_deref(), Some("enable the channel"));
}

#[test]
fn the_pace_follows_metas_level_and_keeps_the_owners_choice() {
    let level = |l: &str| ChannelReport {
        throughput_level: Some(l.to_owned()),
        ..ChannelReport::of(Source::Callback)
    };
    let mut usual = row(ChannelState::Active);
    assert_eq!(apply(&mut usual, &level("HIGH")), ["throughput"]);
    assert_eq!(usual.throughput, 1000);
    assert_eq!(apply(&mut usual, &level("STANDARD")), ["throughput"]);
    assert_eq!(usual.throughput, 80);
    let mut slow = row(ChannelState::Active);
    slow.throughput = 5;
    assert_eq!(apply(&mut slow, &level("HIGH")), [""; 0]);
    assert_eq!(slow.throughput, 5);
}

#[test]
fn the_first_look_is_no_news_but_a_callback_is() {
    let quality =
        |source, q: &str| ChannelReport { quality_rating: Some(q.to_owned()), ..ChannelReport::of(source) };
    let mut looked_at = row(ChannelState::Active);
    assert_eq!(apply(&mut looked_at, &quality(Source::Check, "GREEN")), [""; 0]);
    assert_eq!(apply(&mut looked_at, &quality(Source::Check, "YELLOW")), ["quality"]);
    let mut told = row(ChannelState::Active);
    assert_eq!(apply(&mut told, &quality(Source::Callback, "RED")), ["quality"]);
}

#[test]
fn refusals_that_are_about_the_channel() {
    for (code, class, expected) in [
        (131_042, Class::Park, Some(ChannelState::PaymentRequired)),
        (133_010, Class::FixRequest, Some(ChannelState::Unregistered)),
        (190, Class::RenewToken, Some(ChannelState::TokenInvalid)),
        (368, Class::Park, Some(ChannelState::Restricted)),
        (131_026, Class::Never, None),
    ] {
        assert_eq!(state_of_refusal(Some(code), class), expected, "{code}");
    }
}
