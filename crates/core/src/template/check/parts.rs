//! Header, body and footer of a draft.

use super::super::text::{faults, has_variable_at_an_end, variables, words_missing};
use super::super::{FOOTER_MAX, HEADER_MAX, ParameterFormat};
use super::Rules;
use crate::json::{Object, Value};

/// Longest text of a limited-time offer, in characters.
const OFFER_MAX: usize = 16;
/// Longest example of a value, in characters.
const EXAMPLE_MAX: usize = 1024;
/// Most variables that anybody could need in 1,024 characters.
const VARIABLES_MAX: usize = 100;
/// Formats of a header whose file comes with each message.
const MEDIA: [&str; 4] = ["IMAGE", "VIDEO", "GIF", "DOCUMENT"];

/// A text of 1 to `max` characters that is not all blank.
pub(super) fn words(value: Value<'_>, max: usize) -> Option<String> {
    let text = value.text()?;
    let count = text.chars().count();
    if text.trim().is_empty() || count > max {
        return value.wrong(
            "too_long",
            format!("expected 1 to {max} characters that are not all blank, got {count}"),
        );
    }
    Some(text.to_owned())
}

pub(super) fn boolean(value: Value<'_>) -> Option<bool> {
    value.boolean()
}

fn any_object(value: Value<'_>) -> Option<()> {
    value.any_object()
}

/// Notes whatever is wrong with the variables of a text.
fn note_faults(value: Value<'_>, text: &str, format: ParameterFormat) {
    for fault in faults(text, format) {
        value.wrong::<()>("invalid_variable", fault);
    }
}

/// Meta refuses line breaks and asterisks in headers and footers (2388047, 2388073).
fn note_forbidden(value: Value<'_>, text: &str, what: &str) {
    if text.contains(['\n', '\r', '*']) {
        value.wrong::<()>("invalid_value", format!("a {what} has no line breaks and no asterisks"));
    }
}

/// A header: a text with at most one variable, or the format of what comes with each message.
pub(super) fn header(object: &mut Object<'_>, rules: Rules) -> Option<()> {
    let format = object.required("format", |v| {
        v.parse(|text| {
            let known = ["TEXT", "IMAGE", "VIDEO", "GIF", "DOCUMENT", "LOCATION", "PRODUCT"];
            let found = known.into_iter().find(|format| format.eq_ignore_ascii_case(text));
            found.ok_or_else(|| format!("expected one of {}", known.join(", ")))
        })
    });
    match format {
        Some("TEXT") => {
            let text = object.required("text", |v| {
                let text = words(v, HEADER_MAX)?;
                note_faults(v, &text, rules.format);
                note_forbidden(v, &text, "header");
                if variables(&text).len() > 1 {
                    return v.wrong("invalid_variable", "a header has at most one variable");
                }
                Some(text)
            })?;
            let names: Vec<&str> = variables(&text);
            let (list, named) = ("header_text", "header_text_named_params");
            example(object, &names, rules.format, list, named, false)
        }
        Some(format) if MEDIA.contains(&format) => media_example(object),
        Some(_) => Some(()),
        None => {
            object.pass_others();
            None
        }
    }
}

/// The header of a card, which always shows something.
pub(super) fn card_header(object: &mut Object<'_>) -> Option<()> {
    let format = object.required("format", |v| {
        v.parse(|text| {
            let known = ["IMAGE", "VIDEO", "PRODUCT"];
            let found = known.into_iter().find(|format| format.eq_ignore_ascii_case(text));
            found.ok_or("a card's header is IMAGE, VIDEO or PRODUCT")
        })
    });
    match format {
        Some("PRODUCT") => Some(()),
        Some(_) => media_example(object),
        None => {
            object.pass_others();
            None
        }
    }
}

/// `{"example":{"header_handle":["4::aW…"]}}`: a handle of Meta's resumable upload.
fn media_example(object: &mut Object<'_>) -> Option<()> {
    object.required("example", |v| {
        v.object(|example| {
            example.required("header_handle", |handles| {
                let count = handles.list(1, |v| v.text().map(drop))?.len();
                if count == 1 {
                    Some(())
                } else {
                    handles.wrong("too_few", "expected one handle of an uploaded example")
                }
            })
        })
    })
}

/// A body with its variables, examples for each of them.
pub(super) fn body(object: &mut Object<'_>, rules: Rules, max: usize) -> Option<()> {
    let text = object.required("text", |v| {
        let text = words(v, max)?;
        note_faults(v, &text, rules.format);
        if has_variable_at_an_end(&text) {
            v.wrong::<()>(
                "invalid_variable",
                "a body neither begins nor ends with a variable: put words before and after (Meta's 2388299)",
            );
        }
        if let Some(needed) = words_missing(&text) {
            v.wrong::<()>(
                "invalid_variable",
                format!("too many variables for so few words: with these Meta wants {needed} words or more (2388293)"),
            );
        }
        Some(text)
    })?;
    let names: Vec<&str> = variables(&text);
    example(object, &names, rules.format, "body_text", "body_text_named_params", true)
}

/// Examples of a text's variables: a list of values in a list (`nested`, as Meta wants it for bodies) or a plain one;
/// for named variables `[{"param_name","example"}]`.
fn example(
    object: &mut Object<'_>,
    names: &[&str],
    format: ParameterFormat,
    list: &'static str,
    named: &'static str,
    nested: bool,
) -> Option<()> {
    if names.is_empty() {
        return object.optional("example", any_object).map(drop);
    }
    let needed = format!("expected an example for each variable: {}", names.join(", "));
    object.required_or("example", "missing", &needed, |v| {
        v.object(|example| match format {
            ParameterFormat::Positional => example.required(list, |v| {
                // A body's values stand in a list of their own; Meta's documents show both forms.
                let mut flat = false;
                v.each(|item| flat |= item.is_text());
                if nested && !flat {
                    let counts = v.list(1, |row| row.list(VARIABLES_MAX, one))?;
                    return counts_fit(v, counts.first().map_or(0, Vec::len), names.len(), &needed);
                }
                let count = v.list(VARIABLES_MAX, one)?.len();
                counts_fit(v, count, names.len(), &needed)
            }),
            ParameterFormat::Named => example.required(named, |v| {
                let given = v.list(VARIABLES_MAX, |pair| {
                    pair.object(|pair| {
                        let name = pair.required("param_name", |v| v.text().map(str::to_owned));
                        let example = pair.required("example", one);
                        example?;
                        name
                    })
                })?;
                let missing: Vec<&str> =
                    names.iter().copied().filter(|name| !given.iter().any(|g| g == name)).collect();
                let unknown = given.iter().find(|g| !names.contains(&g.as_str()));
                if !missing.is_empty() {
                    return v.wrong("missing", format!("no example for {}", missing.join(", ")));
                }
                match unknown {
                    Some(name) => v.wrong("invalid_value", format!("the text has no variable {name}")),
                    None => Some(()),
                }
            }),
        })
    })
}

fn one(value: Value<'_>) -> Option<()> {
    words(value, EXAMPLE_MAX).map(drop)
}

fn counts_fit(value: Value<'_>, count: usize, needed: usize, detail: &str) -> Option<()> {
    if count == needed { Some(()) } else { value.wrong("invalid_value", detail) }
}

/// A footer: words alone.
pub(super) fn footer(object: &mut Object<'_>) -> Option<()> {
    object.required("text", |v| {
        let text = words(v, FOOTER_MAX)?;
        note_forbidden(v, &text, "footer");
        if text.contains("{{") {
            return v.wrong("invalid_variable", "a footer has no variables");
        }
        Some(())
    })
}

/// The body of a one-time code: the words are Meta's.
pub(super) fn code_body(object: &mut Object<'_>) -> Option<()> {
    let detail = "the words of an AUTHENTICATION template are Meta's: leave text out";
    let text = object.optional("text", |v| v.wrong::<()>("invalid_value", detail));
    let example = object.optional("example", any_object);
    let advice = object.optional("add_security_recommendation", boolean);
    text?;
    example?;
    advice?;
    Some(())
}

/// The footer of a one-time code: how long it is good.
pub(super) fn code_footer(object: &mut Object<'_>) -> Option<()> {
    let detail = "the footer of an AUTHENTICATION template is Meta's: give code_expiration_minutes alone";
    let text = object.optional("text", |v| v.wrong::<()>("invalid_value", detail));
    let minutes = object.required("code_expiration_minutes", |v| v.integer(1..=90));
    text?;
    minutes?;
    Some(())
}

/// `{"limited_time_offer":{"text":"Ends soon","has_expiration":true}}`
pub(super) fn limited_time_offer(object: &mut Object<'_>) -> Option<()> {
    object.required("limited_time_offer", |v| {
        v.object(|offer| {
            let text = offer.required("text", |v| words(v, OFFER_MAX));
            let expires = offer.optional("has_expiration", boolean);
            text?;
            expires?;
            Some(())
        })
    })
}
