//! The buttons of a draft.

use super::super::text::{Piece, pieces};
use super::super::{BUTTONS_MAX, ParameterFormat};
use super::Rules;
use super::parts::{boolean, words};
use crate::json::{Object, Value};

/// Longest label, in characters.
const LABEL_MAX: usize = 25;
/// Longest URL, in characters.
const URL_MAX: usize = 2000;
/// Longest phone number, in characters.
const PHONE_MAX: usize = 20;
/// Longest code to copy, in characters.
const COUPON_MAX: usize = 15;
/// Most apps that a code may be handed to.
const APPS_MAX: usize = 5;
/// Characters of the hash that names an Android app's signature.
const HASH_LEN: usize = 11;

/// The kinds of buttons, and how many of each a template may have.
const KINDS: [(&str, usize); 11] = [
    ("QUICK_REPLY", BUTTONS_MAX),
    ("URL", 2),
    ("PHONE_NUMBER", 1),
    ("COPY_CODE", 1),
    ("OTP", 1),
    ("FLOW", 1),
    ("CATALOG", 1),
    ("MPM", 1),
    ("SPM", 1),
    ("VOICE_CALL", 1),
    ("APP", 1),
];
const OTP_TYPES: [&str; 3] = ["COPY_CODE", "ONE_TAP", "ZERO_TAP"];

/// The buttons of a template.
pub(super) fn buttons(object: &mut Object<'_>, rules: Rules) -> Option<()> {
    list(object, rules, BUTTONS_MAX)
}

/// The buttons of a carousel's card.
pub(super) fn card_buttons(object: &mut Object<'_>, rules: Rules) -> Option<()> {
    list(object, rules, 2)
}

fn list(object: &mut Object<'_>, rules: Rules, max: usize) -> Option<()> {
    object.required("buttons", |value| {
        let kinds = value.list(max, |v| v.object(|button| read(button, rules)))?;
        if kinds.is_empty() {
            return value.wrong("too_few", format!("expected 1 to {max} buttons"));
        }
        for (kind, most) in KINDS {
            let count = kinds.iter().filter(|k| **k == kind).count();
            if count > most {
                value.wrong::<()>("too_many", format!("expected at most {most} buttons {kind}, got {count}"));
            }
        }
        if rules.is_code() && kinds != ["OTP"] {
            return value
                .wrong("invalid_value", "an AUTHENTICATION template has one button, of the type OTP");
        }
        if rules.category.is_some() && !rules.is_code() && kinds.contains(&"OTP") {
            return value.wrong("invalid_value", "OTP buttons belong to AUTHENTICATION templates");
        }
        // Quick replies stand together, before or after the others.
        let turns = kinds.windows(2).filter(|pair| (pair[0] == "QUICK_REPLY") != (pair[1] == "QUICK_REPLY"));
        if turns.count() > 1 {
            return value.wrong(
                "invalid_value",
                "quick replies stand together: put all of them before or after the other buttons",
            );
        }
        Some(())
    })
}

fn label(object: &mut Object<'_>) -> Option<()> {
    object.required("text", |v| words(v, LABEL_MAX)).map(drop)
}

fn optional_label(object: &mut Object<'_>) -> Option<()> {
    object.optional("text", |v| words(v, LABEL_MAX)).map(drop)
}

fn read(object: &mut Object<'_>, rules: Rules) -> Option<&'static str> {
    let kind = object.required("type", |v| {
        v.parse(|text| {
            let found = KINDS.into_iter().map(|(kind, _)| kind).find(|kind| kind.eq_ignore_ascii_case(text));
            found.ok_or_else(|| {
                let known: Vec<_> = KINDS.iter().map(|(kind, _)| *kind).collect();
                format!("expected one of {}", known.join(", "))
            })
        })
    });
    match kind {
        Some("URL") => url(object, rules.format),
        Some("PHONE_NUMBER") => phone_number(object),
        Some("COPY_CODE") => copy_code(object),
        Some("OTP") => otp(object),
        Some("QUICK_REPLY") => label(object),
        Some("CATALOG" | "MPM" | "SPM") => optional_label(object),
        // Flows, calls and apps have fields that Meta goes on adding to.
        Some(_) => {
            object.pass_others();
            label(object)
        }
        None => {
            object.pass_others();
            None
        }
    };
    kind
}

/// A URL; one variable may stand at its end, and then an example is needed.
fn url(object: &mut Object<'_>, format: ParameterFormat) -> Option<()> {
    let text = label(object);
    let dynamic = object.required("url", |v| {
        let url = words(v, URL_MAX)?;
        if !(url.starts_with("https://") || url.starts_with("http://")) {
            return v.wrong("invalid_value", "expected a URL that begins with https://");
        }
        let pieces = pieces(&url);
        let variables = pieces.iter().filter(|piece| matches!(piece, Piece::Variable(_))).count();
        let at_end = match (pieces.last(), format) {
            (Some(Piece::Variable("1")), _) | (Some(Piece::Variable(_)), ParameterFormat::Named) => true,
            _ => variables == 0,
        };
        if variables > 1 || !at_end {
            return v.wrong("invalid_variable", "a URL has at most one variable, {{1}}, and that at its end");
        }
        Some(variables == 1)
    });
    let examples = |v: Value<'_>| match v.list(1, |v| words(v, URL_MAX))?.len() {
        1 => Some(()),
        _ => v.wrong("too_few", "expected one example of the whole URL"),
    };
    let example = if dynamic == Some(true) {
        let needed = "expected an example of the whole URL, because it has a variable";
        object.required_or("example", "missing", needed, examples)
    } else {
        object.optional("example", |_| Some(())).map(drop)
    };
    text?;
    dynamic?;
    example?;
    Some(())
}

fn phone_number(object: &mut Object<'_>) -> Option<()> {
    let text = label(object);
    let number = object.required("phone_number", |v| {
        let number = words(v, PHONE_MAX)?;
        match crate::Phone::parse(&number) {
            Ok(_) => Some(()),
            Err(why) => v.wrong("invalid_value", why.to_string()),
        }
    });
    text?;
    number?;
    Some(())
}

/// A code to copy: Meta labels it itself.
fn copy_code(object: &mut Object<'_>) -> Option<()> {
    let text = optional_label(object);
    let example = object.required("example", |v| {
        if v.is_text() {
            return words(v, COUPON_MAX).map(drop);
        }
        match v.list(1, |v| words(v, COUPON_MAX))?.len() {
            1 => Some(()),
            _ => v.wrong("too_few", "expected one example of the code"),
        }
    });
    text?;
    example?;
    Some(())
}

/// `{"type":"OTP","otp_type":"ONE_TAP","supported_apps":[{"package_name":"com.example","signature_hash":"K8a/AINcGX7"}]}`
fn otp(object: &mut Object<'_>) -> Option<()> {
    let text = optional_label(object);
    let autofill = object.optional("autofill_text", |v| words(v, LABEL_MAX));
    let kind = object.required("otp_type", |v| {
        v.parse(|text| {
            let found = OTP_TYPES.into_iter().find(|kind| kind.eq_ignore_ascii_case(text));
            found.ok_or("expected COPY_CODE, ONE_TAP or ZERO_TAP")
        })
    });
    let terms = object.optional("zero_tap_terms_accepted", boolean);
    let apps = object.optional("supported_apps", |v| {
        let count = v.list(APPS_MAX, |v| v.object(app))?.len();
        if count > 0 { Some(()) } else { v.wrong("too_few", format!("expected 1 to {APPS_MAX} apps")) }
    });
    let (kind, terms, apps) = (kind?, terms?, apps?);
    if kind != "COPY_CODE" && apps.is_none() {
        object.wrong::<()>(
            "supported_apps",
            "missing",
            format!("{kind} needs the apps that the code is handed to"),
        );
    }
    if kind == "ZERO_TAP" && terms != Some(true) {
        let detail = "ZERO_TAP needs true: you accept Meta's terms of zero-tap authentication";
        object.wrong::<()>("zero_tap_terms_accepted", "missing", detail);
    }
    text?;
    autofill?;
    Some(())
}

fn app(object: &mut Object<'_>) -> Option<()> {
    let package = object.required("package_name", |v| {
        v.parse(|text| {
            let part = |part: &str| {
                part.starts_with(|c: char| c.is_ascii_alphabetic())
                    && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            };
            let good = text.len() <= 224 && text.contains('.') && text.split('.').all(part);
            if good { Ok(()) } else { Err("expected an Android package such as com.example.app") }
        })
    });
    let hash = object.required("signature_hash", |v| {
        v.parse(|text| {
            let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
            let good = text.len() == HASH_LEN && text.bytes().all(plain);
            if good { Ok(()) } else { Err(format!("expected the app's hash of {HASH_LEN} characters")) }
        })
    });
    package?;
    hash?;
    Some(())
}
