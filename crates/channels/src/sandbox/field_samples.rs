//! A sample value for every field that can be subscribed to (Meta, "Webhooks: fields"), so that each kind of callback
//! can be had on demand without writing its value out.

use serde_json::{Value, json};

use super::world::Number;

/// All fields, in Meta's order.
pub const FIELDS: [&str; 34] = [
    "account_alerts",
    "account_review_update",
    "account_settings_update",
    "account_update",
    "automatic_events",
    "business_capability_update",
    "business_username_updates",
    "calls",
    "consumer_profile",
    "flows",
    "group_lifecycle_update",
    "group_participants_update",
    "group_settings_update",
    "group_status_update",
    "history",
    "message_echoes",
    "message_template_components_update",
    "message_template_quality_update",
    "message_template_status_update",
    "messages",
    "messaging_handovers",
    "partner_solutions",
    "payment_configuration_update",
    "phone_number_name_update",
    "phone_number_quality_update",
    "security",
    "smb_app_state_sync",
    "smb_message_echoes",
    "standby",
    "template_category_update",
    "template_correct_category_detection",
    "tracking_events",
    "user_preferences",
    "user_id_update",
];

/// The sample of a field; nothing for one that is unknown here.
pub(super) fn sample(field: &str, number: &Number, wamid: &str, seconds: i64) -> Option<Value> {
    let at = seconds.to_string();
    let template = |mut value: Value| {
        value["message_template_id"] = 1_689_556_908_129_832_u64.into();
        value["message_template_name"] = "hello_world".into();
        value["message_template_language"] = "en-US".into();
        value
    };
    // What belongs to a number says so as the messages do.
    let of_number = |mut value: Value| {
        value["messaging_product"] = "whatsapp".into();
        value["metadata"] = json!({
            "display_phone_number": number.digits,
            "phone_number_id": number.phone_number_id,
        });
        value
    };
    let group = |kind: &str| {
        of_number(json!({ "groups": [{
            "timestamp": at,
            "group_id": "120363040237990503",
            "type": kind,
            "request_id": "req_1",
        }] }))
    };
    Some(match field {
        "account_alerts" => json!({
            "entity_type": "PHONE_NUMBER",
            "entity_id": number.phone_number_id,
            "alert_severity": "INFORMATIONAL",
            "alert_status": "NONE",
            "alert_type": "OBA_APPROVED",
            "alert_description": "Sample alert",
        }),
        "account_review_update" => json!({ "decision": "APPROVED" }),
        "account_settings_update" => of_number(json!({
            "timestamp": at,
            "type": "phone_number_settings",
            "phone_number_settings": { "phone_number_id": number.phone_number_id, "calling": { "status": "ENABLED" } },
        })),
        "account_update" => json!({
            "phone_number": number.digits,
            "event": "VERIFIED_ACCOUNT",
        }),
        "automatic_events" => of_number(json!({ "automatic_events": [{
            "id": wamid, "event_name": "LeadSubmitted", "timestamp": seconds, "ctwa_clid": "sample",
        }] })),
        "business_capability_update" => json!({
            "max_daily_conversation_per_phone": 2000,
            "max_daily_conversations_per_business": "TIER_2K",
            "max_phone_numbers_per_business": 25,
        }),
        "business_username_updates" => json!({
            "display_phone_number": number.digits, "username": "sample", "status": "APPROVED",
        }),
        "calls" => of_number(json!({ "calls": [{
            "id": "wacid.sample", "to": number.digits, "from": "12025550101", "event": "connect", "timestamp": at,
            "direction": "USER_INITIATED",
        }] })),
        "consumer_profile" => {
            of_number(json!({ "contacts": [{ "wa_id": "12025550101", "profile": { "name": "Zoë" } }] }))
        }
        "flows" => json!({
            "event": "FLOW_STATUS_CHANGE", "message": "Flow sample changed status from DRAFT to PUBLISHED",
            "flow_id": "3432325543", "old_status": "DRAFT", "new_status": "PUBLISHED",
        }),
        "group_lifecycle_update" => group("group_create"),
        "group_participants_update" => group("group_participants_add"),
        "group_settings_update" => group("group_settings_update"),
        "group_status_update" => group("group_suspend"),
        "history" => of_number(json!({ "history": [{
            "metadata": { "phase": 0, "chunk_order": 1, "progress": 100 }, "threads": [],
        }] })),
        "message_echoes" | "smb_message_echoes" => of_number(json!({ "message_echoes": [{
            "from": number.digits, "to": "12025550101", "id": wamid, "timestamp": at, "type": "text",
            "text": { "body": "Written on the phone" },
        }] })),
        "message_template_components_update" => template(json!({
            "message_template_title": "Hello", "message_template_element": "Welcome", "message_template_footer": "",
        })),
        "message_template_quality_update" => {
            template(json!({ "previous_quality_score": "GREEN", "new_quality_score": "YELLOW" }))
        }
        "message_template_status_update" => {
            template(json!({ "event": "APPROVED", "reason": "NONE", "message_template_category": "UTILITY" }))
        }
        "messages" => of_number(json!({ "errors": [{
            "code": 130_429, "title": "Rate limit hit", "message": "Rate limit hit",
            "error_data": { "details": "Sample of an error without a message" },
        }] })),
        "messaging_handovers" => of_number(json!({
            "control_passed": { "metadata": "sample" }, "recipient": { "id": "12025550101" }, "timestamp": at,
        })),
        "partner_solutions" => {
            json!({ "event": "SOLUTION_CREATED", "solution_id": "774485461512159", "solution_status": "INITIATED" })
        }
        "payment_configuration_update" => json!({
            "configuration_name": "sample", "provider_name": "razorpay", "status": "Active",
            "created_timestamp": seconds, "updated_timestamp": seconds,
        }),
        "phone_number_name_update" => json!({
            "display_phone_number": number.digits, "decision": "APPROVED",
            "requested_verified_name": number.verified_name, "rejection_reason": null,
        }),
        "phone_number_quality_update" => json!({
            "display_phone_number": number.digits, "event": "THROUGHPUT_UPGRADE",
            "max_daily_conversations_per_business": "TIER_UNLIMITED",
        }),
        "security" => {
            json!({ "display_phone_number": number.digits, "event": "PIN_CHANGED", "requester": "1000" })
        }
        "smb_app_state_sync" => of_number(json!({ "state_sync": [{
            "type": "contact", "contact": { "full_name": "Zoë", "phone_number": "12025550101" }, "action": "add",
            "metadata": { "timestamp": at },
        }] })),
        "standby" => of_number(json!({ "standby": [] })),
        "template_category_update" => {
            template(json!({ "previous_category": "UTILITY", "new_category": "MARKETING" }))
        }
        "template_correct_category_detection" => {
            template(json!({ "category": "UTILITY", "correct_category": "MARKETING" }))
        }
        "tracking_events" => of_number(json!({ "events": [{
            "event_name": "click", "tracking_data": { "click_id": "sample" }, "timestamp": at,
        }] })),
        "user_preferences" => of_number(json!({
            "contacts": [{ "profile": { "name": "Zoë" }, "wa_id": "12025550101" }],
            "user_preferences": [{
                "wa_id": "12025550101", "detail": "User requested to stop marketing messages",
                "category": "marketing_messages", "value": "stop", "timestamp": seconds,
            }],
        })),
        "user_id_update" => of_number(json!({ "user_id_updates": [{
            "previous_user_id": "US.1", "user_id": "US.2", "wa_id": "12025550101", "timestamp": at,
        }] })),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::config::SandboxConfig;
    use super::super::world::tests::world;
    use super::*;

    #[test]
    fn every_field_has_a_sample() {
        let (_, number) = world(SandboxConfig::default());
        for field in FIELDS {
            assert!(sample(field, &number, "wamid.A", 1).is_some_and(|v| v.is_object()), "{field}");
        }
        assert_eq!(sample("no_such_field", &number, "wamid.A", 1), None);
    }
}
