#![expect(clippy::unwrap_used, reason = "tests")]
use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::json::decode;

/// Reads components; what is wrong, as pointer and code.
fn wrong(
    category: TemplateCategory,
    format: ParameterFormat,
    components: &Value,
) -> Vec<(String, &'static str)> {
    match decode(components.to_string().as_bytes(), |v| Components::read(v, Some(category), format)) {
        Ok(_) => Vec::new(),
        Err(error) => error.field_errors().iter().map(|e| (e.pointer.clone(), e.code)).collect(),
    }
}

fn utility(components: &Value) -> Vec<(String, &'static str)> {
    wrong(TemplateCategory::Utility, ParameterFormat::Positional, components)
}

fn code(components: &Value) -> Vec<(String, &'static str)> {
    wrong(TemplateCategory::Authentication, ParameterFormat::Positional, components)
}

fn body(text: &str, example: &Value) -> Value {
    let mut body = json!({ "type": "BODY", "text": text });
    if !example.is_null() {
        body["example"] = json!({ "body_text": [example] });
    }
    json!([body])
}

fn buttons(buttons: &Value) -> Value {
    json!([{ "type": "BODY", "text": "Your parcel is here." }, { "type": "BUTTONS", "buttons": buttons }])
}

fn whole() -> Value {
    json!([
        { "type": "HEADER", "format": "TEXT", "text": "Order {{1}}", "example": { "header_text": ["17"] } },
        { "type": "BODY", "text": "Hello {{1}}, your parcel {{2}} is on its way to you.",
          "example": { "body_text": [["Ada", "17"]] } },
        { "type": "FOOTER", "text": "Example Ltd" },
        { "type": "BUTTONS", "buttons": [
            { "type": "QUICK_REPLY", "text": "Stop" },
            { "type": "URL", "text": "Track", "url": "https://example.com/t/{{1}}", "example": ["https://example.com/t/17"] },
            { "type": "PHONE_NUMBER", "text": "Call us", "phone_number": "+12025550123" },
        ] },
    ])
}

#[test]
fn good_templates_pass_unchanged() {
    assert_eq!(utility(&whole()), []);
    let raw = whole().to_string();
    let read = decode(raw.as_bytes(), |v| {
        Components::read(v, Some(TemplateCategory::Utility), ParameterFormat::Positional)
    });
    assert_eq!(read.unwrap().raw().get(), raw);
    let lower = json!([{ "type": "body", "text": "Hello there." }]);
    assert_eq!(utility(&lower), [], "Meta takes both cases");
}

#[test]
fn limits_are_metas() {
    let at = |pointer: &str, code| vec![(pointer.to_owned(), code)];
    assert_eq!(utility(&body(&"ü".repeat(1024), &Value::Null)), [], "characters, not bytes");
    assert_eq!(utility(&body(&"x".repeat(1025), &Value::Null)), at("/0/text", "too_long"));
    let header = |text: &str| json!([{ "type": "HEADER", "format": "TEXT", "text": text }, { "type": "BODY", "text": "x" }]);
    assert_eq!(utility(&header(&"x".repeat(60))), []);
    assert_eq!(utility(&header(&"x".repeat(61))), at("/0/text", "too_long"));
    assert_eq!(utility(&header("two\nlines")), at("/0/text", "invalid_value"));
    let footer = |text: &str| json!([{ "type": "FOOTER", "text": text }, { "type": "BODY", "text": "x" }]);
    assert_eq!(utility(&footer(&"x".repeat(61))), at("/0/text", "too_long"));
    assert_eq!(utility(&footer("for {{1}}")), at("/0/text", "invalid_variable"));
    let many = |count: usize| buttons(&json!(vec![json!({ "type": "QUICK_REPLY", "text": "Yes" }); count]));
    assert_eq!(utility(&many(10)), []);
    assert_eq!(utility(&many(11)), at("/1/buttons", "too_many"));
    assert_eq!(utility(&many(0)), at("/1/buttons", "too_few"));
    assert_eq!(utility(&json!([])), at("", "missing"));
    assert_eq!(
        utility(&json!([{ "type": "BODY", "text": "x" }, { "type": "BODY", "text": "y" }])),
        at("", "invalid_value")
    );
    assert_eq!(
        utility(&json!([{ "type": "BODY", "text": "x", "exmaple": {} }])),
        at("/0/exmaple", "unknown_field")
    );
}

#[test]
fn variables_stand_where_meta_wants_them() {
    let codes = |text: &str, example: Value| -> Vec<&str> {
        utility(&body(text, &example)).into_iter().map(|(_, code)| code).collect()
    };
    assert!(codes("Hello {{1}}, how are you?", json!(["Ada"])).is_empty());
    assert_eq!(
        codes("{{1}}, your parcel is here.", json!(["Ada"])),
        ["invalid_variable"],
        "2388299: at the start"
    );
    assert_eq!(
        codes("Your parcel is with {{1}}", json!(["Ada"])),
        ["invalid_variable"],
        "2388299: at the end"
    );
    assert_eq!(
        codes("Hi {{1}} and {{2}} ok.", json!(["a", "b"])),
        ["invalid_variable"],
        "2388293: mostly variables"
    );
    assert_eq!(
        codes("Hello {{1}} and {{3}}, nice to see you.", json!(["a", "b"])),
        ["invalid_variable"],
        "a gap"
    );
    assert_eq!(
        codes("Hello {{name}}, nice to see you.", json!(["a"])),
        ["invalid_variable"],
        "a name, but positional"
    );
    assert_eq!(
        codes("Hello {{1}, nice to see you.", Value::Null),
        ["invalid_variable"],
        "braces that do not close"
    );
    assert_eq!(codes("Hello {{1}}, nice to see you.", Value::Null), ["missing"], "no example");
    assert_eq!(
        codes("Hello {{1}}, nice to see you.", json!(["a", "b"])),
        ["invalid_value"],
        "an example too many"
    );
    assert!(
        codes("{{1}}さん、荷物が届きましたのでお知らせします。", json!(["a"])).len() == 1,
        "no words to count"
    );
}

#[test]
fn names_instead_of_numbers() {
    let named = |text: &str, examples: Value| {
        let body =
            json!([{ "type": "BODY", "text": text, "example": { "body_text_named_params": examples } }]);
        wrong(TemplateCategory::Marketing, ParameterFormat::Named, &body)
    };
    let one = json!([{ "param_name": "first_name", "example": "Ada" }]);
    assert_eq!(named("Hello {{first_name}}, nice to see you.", one.clone()), []);
    assert_eq!(
        named("Hello {{First}}, nice to see you.", json!([{ "param_name": "First", "example": "Ada" }]))
            .len(),
        1
    );
    assert_eq!(
        named("Hello {{1}}, nice to see you.", json!([{ "param_name": "1", "example": "Ada" }])).len(),
        1
    );
    let two = "Hello {{first_name}}, your order {{order}} is on its way.";
    let errors = named(two, one);
    assert_eq!(errors, [("/0/example/body_text_named_params".to_owned(), "missing")]);
}

#[test]
fn everything_wrong_is_told_at_once() {
    let components = json!([
        { "type": "HEADER", "format": "TEXT", "text": "x".repeat(61) },
        { "type": "BODY", "text": "{{1}}" },
        { "type": "FOOTER", "text": "a\nb" },
        { "type": "BUTTONS", "buttons": [
            { "type": "URL", "text": "Go", "url": "ftp://example.com" },
            { "type": "BUTTON" },
            { "type": "OTP", "otp_type": "COPY_CODE" },
        ] },
        { "type": "SIDEBAR", "anything": 1 },
    ]);
    let pointers: Vec<String> = utility(&components).into_iter().map(|(pointer, _)| pointer).collect();
    for pointer in
        ["/0/text", "/1/text", "/1/example", "/2/text", "/3/buttons/0/url", "/3/buttons/1/type", "/4/type"]
    {
        assert!(pointers.iter().any(|p| p == pointer), "{pointer} in {pointers:?}");
    }
}

#[test]
fn buttons_follow_metas_rules() {
    let reply = json!({ "type": "QUICK_REPLY", "text": "Yes" });
    let link = json!({ "type": "URL", "text": "Go", "url": "https://example.com" });
    let codes =
        |list: Value| -> Vec<&str> { utility(&buttons(&list)).into_iter().map(|(_, code)| code).collect() };
    assert!(codes(json!([reply, reply, link])).is_empty() && codes(json!([link, reply, reply])).is_empty());
    assert_eq!(codes(json!([reply, link, reply])), ["invalid_value"], "quick replies stand together");
    assert_eq!(codes(json!([link, link, link])), ["too_many"]);
    let dynamic = |url: &str| json!([{ "type": "URL", "text": "Go", "url": url, "example": ["https://example.com/a"] }]);
    assert!(codes(dynamic("https://example.com/{{1}}")).is_empty());
    assert_eq!(codes(dynamic("https://example.com/{{1}}/b")), ["invalid_variable"]);
    assert_eq!(codes(dynamic("https://example.com/{{2}}")), ["invalid_variable"]);
    assert_eq!(
        codes(json!([{ "type": "URL", "text": "Go", "url": "https://example.com/{{1}}" }])),
        ["missing"]
    );
    assert_eq!(
        codes(json!([{ "type": "PHONE_NUMBER", "text": "Call", "phone_number": "123" }])),
        ["invalid_value"]
    );
    assert!(codes(json!([{ "type": "COPY_CODE", "example": "SUMMER25" }])).is_empty());
    assert_eq!(codes(json!([{ "type": "COPY_CODE", "example": "x".repeat(16) }])), ["too_long"]);
    assert_eq!(codes(json!([{ "type": "QUICK_REPLY", "text": "x".repeat(26) }])), ["too_long"]);
    assert_eq!(codes(json!([{ "type": "OTP", "otp_type": "COPY_CODE" }])), ["invalid_value"]);
}

#[test]
fn one_time_codes() {
    let otp = |button: Value| {
        json!([
            { "type": "BODY", "add_security_recommendation": true },
            { "type": "FOOTER", "code_expiration_minutes": 10 },
            { "type": "BUTTONS", "buttons": [button] },
        ])
    };
    let apps = json!([{ "package_name": "com.example.app", "signature_hash": "K8a/AINcGX7" }]);
    assert_eq!(code(&otp(json!({ "type": "OTP", "otp_type": "COPY_CODE" }))), []);
    assert_eq!(code(&otp(json!({ "type": "OTP", "otp_type": "ONE_TAP", "supported_apps": apps }))), []);
    let zero = json!({ "type": "OTP", "otp_type": "ZERO_TAP", "supported_apps": apps, "zero_tap_terms_accepted": true });
    assert_eq!(code(&otp(zero)), []);
    let at = |pointer: &str, code| (format!("/2/buttons/0/{pointer}"), code);
    let zero = json!({ "type": "OTP", "otp_type": "ZERO_TAP" });
    assert_eq!(code(&otp(zero)), [at("supported_apps", "missing"), at("zero_tap_terms_accepted", "missing")]);
    let bad = json!({ "type": "OTP", "otp_type": "ONE_TAP", "supported_apps": [{ "package_name": "app", "signature_hash": "short" }] });
    assert_eq!(code(&otp(bad)).len(), 2);
    assert_eq!(
        code(&otp(json!({ "type": "QUICK_REPLY", "text": "No" }))),
        [("/2/buttons".to_owned(), "invalid_value")]
    );
    let minutes = |n: i64| json!([{ "type": "BODY" }, { "type": "FOOTER", "code_expiration_minutes": n }, { "type": "BUTTONS", "buttons": [{ "type": "OTP", "otp_type": "COPY_CODE" }] }]);
    assert_eq!(code(&minutes(90)), []);
    assert_eq!(code(&minutes(91)), [("/1/code_expiration_minutes".to_owned(), "out_of_range")]);
    assert_eq!(
        code(&json!([{ "type": "BODY", "text": "Your code is {{1}}." }])).len(),
        2,
        "no words, no button"
    );
    let header = json!([{ "type": "HEADER", "format": "TEXT", "text": "Hi" }, { "type": "BODY" }, { "type": "BUTTONS", "buttons": [{ "type": "OTP", "otp_type": "COPY_CODE" }] }]);
    assert_eq!(code(&header), [(String::new(), "invalid_value")]);
}

#[test]
fn carousels() {
    let card = |format: &str, text: &str| {
        json!({ "components": [
            { "type": "HEADER", "format": format, "example": { "header_handle": ["4::aW"] } },
            { "type": "BODY", "text": text },
            { "type": "BUTTONS", "buttons": [{ "type": "QUICK_REPLY", "text": "More" }] },
        ] })
    };
    let carousel = |cards: Value| {
        let components =
            json!([{ "type": "BODY", "text": "Look at these." }, { "type": "CAROUSEL", "cards": cards }]);
        wrong(TemplateCategory::Marketing, ParameterFormat::Positional, &components)
    };
    let at = |code| vec![("/1/cards".to_owned(), code)];
    assert_eq!(carousel(json!([card("IMAGE", "One"), card("IMAGE", "Two")])), []);
    assert_eq!(carousel(json!([card("IMAGE", "One")])), at("too_few"));
    assert_eq!(carousel(json!(vec![card("IMAGE", "One"); 11])), at("too_many"));
    assert_eq!(carousel(json!([card("IMAGE", "One"), card("VIDEO", "Two")])), at("invalid_value"));
    assert_eq!(carousel(json!([card("IMAGE", "One"), card("IMAGE", &"x".repeat(161))]))[0].1, "too_long");
}

fn positional(values: &[&str]) -> Values {
    Values::Positional(values.iter().map(|v| (*v).to_owned()).collect())
}

#[test]
fn a_template_is_shown_filled() {
    let layout = Layout::read(&whole().to_string(), "UTILITY");
    let parameters = Parameters {
        header: positional(&["17"]),
        body: positional(&["Ada"]),
        buttons: BTreeMap::from([(2, "x".to_owned())]),
        ..Parameters::default()
    };
    let shown = layout.show(&parameters);
    assert_eq!(shown.header.unwrap().text.unwrap(), "Order 17");
    assert_eq!(shown.body.unwrap(), "Hello Ada, your parcel {{2}} is on its way to you.");
    assert_eq!(shown.footer.unwrap(), "Example Ltd");
    assert_eq!(shown.buttons[1].url.as_deref(), Some("https://example.com/t/{{1}}"));
    assert_eq!(shown.missing, ["/body/1", "/buttons/1"]);
    assert_eq!(shown.unused, ["/buttons/2"], "a phone number takes nothing");
    let refused = layout.message("order", "en_US", ParameterFormat::Positional, &parameters).unwrap_err();
    assert_eq!(refused.len(), 3);
}

#[test]
fn a_message_has_metas_form() {
    let layout = Layout::read(&whole().to_string(), "UTILITY");
    let parameters = Parameters {
        header: positional(&["17"]),
        body: positional(&["Ada", "17"]),
        buttons: BTreeMap::from([(0, "stop-17".to_owned()), (1, "17".to_owned())]),
        ..Parameters::default()
    };
    let message = layout.message("order", "en_US", ParameterFormat::Positional, &parameters).unwrap();
    insta::assert_json_snapshot!("positional", message);

    let named = json!([{ "type": "BODY", "text": "Hello {{first_name}}, nice to see you." }]).to_string();
    let values = Values::Named(BTreeMap::from([("first_name".to_owned(), "Ada".to_owned())]));
    let parameters = Parameters { body: values, ..Parameters::default() };
    let message =
        Layout::read(&named, "MARKETING").message("hi", "de", ParameterFormat::Named, &parameters).unwrap();
    insta::assert_json_snapshot!("named", message);

    let otp = json!([
        { "type": "BODY", "add_security_recommendation": true },
        { "type": "FOOTER", "code_expiration_minutes": 10 },
        { "type": "BUTTONS", "buttons": [{ "type": "OTP", "otp_type": "COPY_CODE" }] },
    ]);
    let layout = Layout::read(&otp.to_string(), "AUTHENTICATION");
    let parameters = Parameters { body: positional(&["424242"]), ..Parameters::default() };
    let shown = layout.show(&parameters);
    assert_eq!(
        shown.body.unwrap(),
        "*424242* is your verification code. For your security, do not share this code."
    );
    assert_eq!(shown.footer.unwrap(), "This code expires in 10 minutes.");
    assert_eq!(shown.buttons[0].code.as_deref(), Some("424242"));
    // Meta's own form of the same template, after a synchronisation, makes the same message.
    let message = layout.message("otp", "en", ParameterFormat::Positional, &parameters).unwrap();
    let theirs = json!([
        { "type": "BODY", "text": "*{{1}}* is your verification code." },
        { "type": "BUTTONS", "buttons": [{ "type": "URL", "text": "Copy code", "url": "https://www.whatsapp.com/otp/code/?code={{1}}" }] },
    ]);
    let theirs = Layout::read(&theirs.to_string(), "AUTHENTICATION");
    assert_eq!(theirs.message("otp", "en", ParameterFormat::Positional, &parameters).unwrap(), message);
    insta::assert_json_snapshot!("code", message);
}

#[test]
fn what_parameters_cannot_fill_is_said() {
    let carousel =
        json!([{ "type": "BODY", "text": "Look." }, { "type": "CAROUSEL", "cards": [] }]).to_string();
    let layout = Layout::read(&carousel, "MARKETING");
    let refused = layout.message("c", "en", ParameterFormat::Positional, &Parameters::default()).unwrap_err();
    assert!(refused[0].detail.contains("/v1/messages"));
}

#[test]
fn statuses_are_an_open_set() {
    for known in [
        "DRAFT",
        "APPROVED",
        "ARCHIVED",
        "DELETED",
        "DISABLED",
        "IN_APPEAL",
        "LIMIT_EXCEEDED",
        "PAUSED",
        "PENDING",
        "PENDING_DELETION",
        "REJECTED",
    ] {
        let status = TemplateStatus::from(known.to_owned());
        assert_eq!(status.as_str(), known);
        assert!(!matches!(status, TemplateStatus::Other(_)), "{known}");
    }
    assert_eq!(TemplateStatus::from("FLAGGED".to_owned()).as_str(), "FLAGGED");
    assert_eq!(language_of_callback("en-US"), "en_US");
    assert_eq!(language_of_callback("de"), "de");
}

proptest! {
    /// Whatever Meta tells, and whatever a caller gives, is read without a panic, and shown.
    #[test]
    fn nothing_panics(text in "[a-zA-Z0-9{}_ \n*é日]{0,60}", values in prop::collection::vec("[a-z{}1]{0,5}", 0..4)) {
        for format in ParameterFormat::ALL {
            let components = json!([{ "type": "BODY", "text": text }, { "type": "HEADER", "format": "TEXT", "text": text }]);
            wrong(TemplateCategory::Marketing, format, &components);
            let parameters = Parameters { body: Values::Positional(values.clone()), ..Parameters::default() };
            Layout::read(&components.to_string(), "MARKETING").show(&parameters);
        }
        Layout::read(&text, &text);
    }

    /// Words and variables together are the text.
    #[test]
    fn nothing_is_lost(text in "[a-z0-9{} ]{0,40}") {
        let together: String = text::pieces(&text).into_iter().map(|piece| match piece {
            text::Piece::Words(words) => words.to_owned(),
            text::Piece::Variable(name) => format!("{{{{{name}}}}}"),
        }).collect();
        prop_assert_eq!(together, text);
    }
}
