//! Meta's error codes (Meta, "Cloud API error codes" and the Graph API's own; November 2026), sorted by code.

use super::Class::{
    self, FixRequest, Never, Park, RenewToken, RetryBackoff, RetryLate, RetryPair, RetrySlowNumber,
};

/// One code, or a run of codes that mean alike.
pub(super) struct Row {
    pub first: i64,
    pub last: i64,
    pub class: Class,
    pub meaning: &'static str,
    pub action: &'static str,
}

const HOUR: u32 = 3600;
const DAY: u32 = 24 * HOUR;

const WAITS: &str = "Nothing: Gatepost tries again by itself.";
const TOKEN: &str = "Give the channel a new access token.";
const PERMISSION: &str = "Give the token's system user the whatsapp_business_messaging and whatsapp_business_management permissions.";
const REQUEST: &str = "Correct the request as Meta's details say and send it again.";
const TEMPLATE: &str = "Compare the message with the approved template and send it again.";
const NUMBER: &str = "Settle the number's registration in Meta's WhatsApp Manager.";
const FLOW: &str = "Correct the flow in Meta's WhatsApp Manager.";
const GROUP: &str = "Correct the group request as Meta's details say.";
const MIGRATION: &str = "Settle the number's migration in Meta's WhatsApp Manager.";
const USERNAME: &str = "Choose another username, or settle what Meta's details name.";
const CALLING: &str = "Correct the calling request or settings as Meta's details say.";

const fn one(code: i64, class: Class, meaning: &'static str, action: &'static str) -> Row {
    Row { first: code, last: code, class, meaning, action }
}

const fn run(first: i64, last: i64, class: Class, meaning: &'static str, action: &'static str) -> Row {
    Row { first, last, class, meaning, action }
}

pub(super) const TABLE: &[Row] = &[
    one(0, RenewToken, "the app user could not be authenticated", TOKEN),
    one(1, FixRequest, "bad request", REQUEST),
    one(2, RetryBackoff, "temporary outage", WAITS),
    one(3, FixRequest, "the app lacks a capability", PERMISSION),
    one(4, RetryBackoff, "the app's call limit is reached", WAITS),
    one(10, FixRequest, "permission missing", PERMISSION),
    one(17, RetryBackoff, "a user's call limit is reached", WAITS),
    one(33, FixRequest, "the number was deleted", NUMBER),
    one(100, FixRequest, "parameter unknown or wrong", REQUEST),
    one(104, RenewToken, "no access token, or no valid proof", TOKEN),
    one(190, RenewToken, "the access token is expired or invalid", TOKEN),
    run(200, 299, FixRequest, "permission missing", PERMISSION),
    one(
        368,
        Park,
        "the account is restricted for a policy violation",
        "Look at the account in Meta's WhatsApp Manager and request a review.",
    ),
    one(613, RetryBackoff, "a call-rate limit is reached", WAITS),
    one(803, FixRequest, "an id does not exist", REQUEST),
    one(80_007, RetryBackoff, "the account's call limit is reached", WAITS),
    one(130_403, Never, "the business has blocked this person", "Unblock the person first, then send again."),
    one(130_429, RetrySlowNumber, "the number sends faster than Meta allows", WAITS),
    one(
        130_472,
        Never,
        "the person is part of a marketing experiment of Meta's",
        "Reach this person another way.",
    ),
    one(
        130_497,
        Never,
        "the account may not message this country",
        "Look at Meta's country restrictions for the account's category.",
    ),
    one(131_000, RetryBackoff, "unknown failure at Meta", WAITS),
    one(131_005, FixRequest, "permission missing", PERMISSION),
    one(131_008, FixRequest, "a required parameter is missing", REQUEST),
    one(131_009, FixRequest, "a parameter's value is not valid", REQUEST),
    one(131_016, RetryBackoff, "Meta's service is unavailable", WAITS),
    one(131_020, FixRequest, "the group is not valid", GROUP),
    one(131_021, Never, "sender and recipient are the same number", "Send to another number."),
    one(
        131_026,
        Never,
        "the person cannot be reached on WhatsApp",
        "Check the number, or reach the person another way.",
    ),
    one(
        131_030,
        FixRequest,
        "the recipient is not on the test number's list",
        "Add the recipient to the test number's list in Meta's app dashboard.",
    ),
    one(131_031, Park, "the account is locked", "Look at the account in Meta's WhatsApp Manager."),
    one(
        131_037,
        FixRequest,
        "the number has no approved display name",
        "Have the display name approved in Meta's WhatsApp Manager.",
    ),
    one(131_041, FixRequest, "the group request is not valid", GROUP),
    one(
        131_042,
        Park,
        "a payment problem of the account",
        "Settle the account's payment method in Meta's business manager.",
    ),
    one(
        131_044,
        Park,
        "a payment problem of the account",
        "Settle the account's payment method in Meta's business manager.",
    ),
    one(131_045, Park, "the number is not registered properly", NUMBER),
    one(
        131_047,
        Never,
        "the person last wrote more than 24 hours ago",
        "Send a template instead, or wait until the person writes.",
    ),
    one(
        131_048,
        RetryLate(6 * HOUR),
        "the number is slowed down because people reported it as spam",
        "Look at the number's quality in Meta's WhatsApp Manager; Gatepost tries again later.",
    ),
    one(
        131_049,
        RetryLate(DAY),
        "Meta held the message back to keep people's inboxes healthy",
        "Send this person less; Gatepost tries again after a day.",
    ),
    one(
        131_050,
        Never,
        "the person opted out of marketing messages",
        "Respect it; do not send this person marketing again.",
    ),
    one(131_051, FixRequest, "this type of message is not supported", "Send a type that Meta supports here."),
    one(
        131_052,
        Never,
        "Meta could not fetch the media that the person sent",
        "Ask the person to send it again, smaller.",
    ),
    one(
        131_053,
        FixRequest,
        "Meta could not take the media",
        "Check the media's type, size and address, then send again.",
    ),
    one(131_055, FixRequest, "only marketing templates are allowed here", REQUEST),
    one(131_056, RetryPair, "too many messages to this person in a short time", WAITS),
    one(131_057, RetryBackoff, "the account is in maintenance", WAITS),
    one(131_059, FixRequest, "the group request is not valid", GROUP),
    one(
        131_062,
        FixRequest,
        "this message cannot go to a business-scoped user id",
        "Send it to a phone number.",
    ),
    one(
        131_063,
        FixRequest,
        "marketing templates are switched off for the Cloud API",
        "Switch them on, or use another category.",
    ),
    one(
        131_064,
        RetryLate(6 * HOUR),
        "limited because templates were put in the wrong category",
        "Correct the templates' categories; the limit ends by itself.",
    ),
    run(131_201, 131_202, FixRequest, "the group request is not valid", GROUP),
    one(131_204, FixRequest, "the group request is not valid", GROUP),
    one(131_207, FixRequest, "the group request is not valid", GROUP),
    one(131_208, RetryBackoff, "the groups' rate limit is reached", WAITS),
    run(131_209, 131_215, FixRequest, "the group request is not valid", GROUP),
    one(132_000, FixRequest, "the number of parameters differs from the template's", TEMPLATE),
    one(
        132_001,
        FixRequest,
        "the template does not exist in this language or is not approved",
        "Create the template in this language, or wait for its approval.",
    ),
    one(132_005, FixRequest, "the text is too long with its parameters filled in", TEMPLATE),
    one(132_007, FixRequest, "the template violates a policy", "Change the template's content."),
    one(132_008, FixRequest, "a template parameter has the wrong form", TEMPLATE),
    one(132_012, FixRequest, "a template parameter has the wrong form", TEMPLATE),
    one(
        132_015,
        FixRequest,
        "the template is paused for its quality",
        "Edit the template and have it approved again.",
    ),
    one(
        132_016,
        FixRequest,
        "the template is disabled for its quality",
        "Make a new template with other content.",
    ),
    one(132_018, FixRequest, "the template message is not valid", TEMPLATE),
    one(132_068, FixRequest, "the flow is blocked", FLOW),
    one(132_069, RetryLate(HOUR), "the flow is slowed down to ten messages an hour", FLOW),
    one(
        133_000,
        FixRequest,
        "an earlier deregistration failed",
        "Deregister the number again, then register it.",
    ),
    one(133_004, RetryBackoff, "Meta's service is unavailable", WAITS),
    one(
        133_005,
        FixRequest,
        "the PIN is wrong",
        "Use the number's two-step PIN, or reset it in Meta's WhatsApp Manager.",
    ),
    one(133_006, FixRequest, "the number must be verified first", NUMBER),
    run(
        133_008,
        133_009,
        RetryLate(HOUR),
        "too many wrong PINs",
        "Wait as long as Meta's details say before the next PIN.",
    ),
    one(133_010, Park, "the number is not registered", NUMBER),
    one(133_015, RetryLate(300), "the number is being deleted", WAITS),
    one(
        133_016,
        RetryLate(3 * DAY),
        "registered or deregistered too often",
        "Wait 72 hours before registering again.",
    ),
    one(
        134_011,
        FixRequest,
        "the terms of WhatsApp payments are not accepted",
        "Accept the terms in Meta's business manager.",
    ),
    one(134_100, FixRequest, "only marketing templates are allowed here", REQUEST),
    one(134_101, RetryLate(600), "the template is still being synchronised", WAITS),
    one(134_102, FixRequest, "the template is not available here", TEMPLATE),
    one(135_000, FixRequest, "something about the parameters is wrong", REQUEST),
    one(
        137_000,
        FixRequest,
        "the recipient's identity key changed",
        "Confirm the recipient's identity, then send again.",
    ),
    run(138_000, 138_004, FixRequest, "calling failed", CALLING),
    one(138_005, RetryLate(HOUR), "a calling limit is reached", CALLING),
    run(138_006, 138_008, FixRequest, "calling failed", CALLING),
    one(138_009, RetryLate(HOUR), "a calling limit is reached", CALLING),
    run(138_010, 138_011, FixRequest, "calling failed", CALLING),
    one(138_012, RetryLate(HOUR), "a calling limit is reached", CALLING),
    run(138_013, 138_018, FixRequest, "calling failed", CALLING),
    run(139_000, 139_004, FixRequest, "the flow could not be changed", FLOW),
    one(139_100, FixRequest, "some people could not be blocked", REQUEST),
    one(139_101, FixRequest, "the list of blocked people is full", "Unblock somebody first."),
    run(139_102, 139_103, RetryBackoff, "the list of blocked people could not be changed", WAITS),
    run(147_001, 147_005, FixRequest, "the username cannot be had", USERNAME),
    run(200_005, 200_007, FixRequest, "template statistics are not available", REQUEST),
    one(1_752_041, Never, "the account was being onboarded already", "Wait for the first onboarding to end."),
    one(2_388_012, FixRequest, "the number cannot be migrated", MIGRATION),
    one(
        2_388_019,
        FixRequest,
        "the account's number of templates is reached",
        "Delete templates that are no longer used.",
    ),
    run(2_388_039, 2_388_040, FixRequest, "the template cannot be saved", TEMPLATE),
    one(2_388_047, FixRequest, "the template cannot be saved", TEMPLATE),
    run(2_388_072, 2_388_073, FixRequest, "the template cannot be saved", TEMPLATE),
    one(2_388_091, FixRequest, "the number cannot be migrated", MIGRATION),
    one(2_388_093, FixRequest, "the number cannot be migrated", MIGRATION),
    one(2_388_103, FixRequest, "the number cannot be migrated", MIGRATION),
    one(2_388_293, FixRequest, "the template cannot be saved", TEMPLATE),
    one(2_388_299, FixRequest, "the template cannot be saved", TEMPLATE),
    one(2_494_100, RetryBackoff, "the account is in maintenance", WAITS),
    run(2_494_164, 2_494_179, FixRequest, "the signup request is not valid", REQUEST),
    run(
        2_593_107,
        2_593_108,
        Never,
        "the history cannot be synchronised any more",
        "Take the number off Gatepost and link it again.",
    ),
];
