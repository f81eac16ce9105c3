//! What a template may look like (Meta, "Template components" and the error codes 2388xxx).

use serde_json::{Map, Value, json};

use super::check::Node;
use super::reply::GraphError;
use super::world::{World, locked};

const NAME_MAX: usize = 512;
const HEADER_MAX: usize = 60;
const BODY_MAX: usize = 1024;
const FOOTER_MAX: usize = 60;
const BUTTONS_MAX: usize = 10;
const BUTTON_TEXT_MAX: usize = 25;
const URL_MAX: usize = 2000;
/// A body must have more than twice as many words as variables, or it says nothing of its own.
const WORDS_PER_VARIABLE: usize = 2;

type Checked = Result<(), GraphError>;

/// The content of a template, checked.
pub(super) struct Draft {
    pub category: String,
    pub named: bool,
    pub components: Vec<Value>,
}

/// The name of a new template.
pub(super) fn name(params: &Map<String, Value>) -> Result<String, GraphError> {
    let node = Node::top(params, "name").ok_or_else(|| required("name"))?;
    let name = node.str()?;
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if name.is_empty() || name.len() > NAME_MAX || !name.bytes().all(plain) {
        return Err(node.wrong("must have 1 to 512 characters: small letters, digits and underscores."));
    }
    Ok(name.to_owned())
}

/// The language of a new template, as REST writes it: `en`, `en_US`.
pub(super) fn language(params: &Map<String, Value>) -> Result<String, GraphError> {
    let node = Node::top(params, "language").ok_or_else(|| required("language"))?;
    let code = node.str()?;
    let (language, country) = code.split_once('_').map_or((code, None), |(l, c)| (l, Some(c)));
    let formed = (2..=3).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_lowercase())
        && country.is_none_or(|c| (2..=4).contains(&c.len()) && c.bytes().all(|b| b.is_ascii_alphanumeric()));
    if formed { Ok(code.to_owned()) } else { Err(node.wrong("must be a language code such as en_US.")) }
}

/// The rest of a new template, or of a change to one (`known` then is what it was).
pub(super) fn draft(
    params: &Map<String, Value>,
    known: Option<Draft>,
    world: &World,
) -> Result<Draft, GraphError> {
    let category = match (Node::top(params, "category"), &known) {
        (Some(node), _) => {
            let category = node.str()?.to_ascii_uppercase();
            if !matches!(category.as_str(), "AUTHENTICATION" | "MARKETING" | "UTILITY") {
                return Err(node.wrong("must be one of {AUTHENTICATION, MARKETING, UTILITY}."));
            }
            category
        }
        (None, Some(known)) => known.category.clone(),
        (None, None) => return Err(required("category")),
    };
    let named = match Node::top(params, "parameter_format") {
        Some(node) => match node.str()?.to_ascii_uppercase().as_str() {
            "NAMED" => true,
            "POSITIONAL" => false,
            _ => return Err(node.wrong("must be one of {NAMED, POSITIONAL}.")),
        },
        None => known.as_ref().is_some_and(|known| known.named),
    };
    let components = match (Node::top(params, "components"), known) {
        (Some(node), _) => components(&node, &category, named, world)?,
        (None, Some(known)) => known.components,
        (None, None) => return Err(required("components")),
    };
    Ok(Draft { category, named, components })
}

fn required(name: &str) -> GraphError {
    GraphError::parameter(format!("The parameter {name} is required."))
}

fn components(
    node: &Node<'_, '_>,
    category: &str,
    named: bool,
    world: &World,
) -> Result<Vec<Value>, GraphError> {
    let auth = category == "AUTHENTICATION";
    let mut out: Vec<Value> = Vec::new();
    for item in &node.items()? {
        let kind =
            item.need("type").map_err(|_| required("type of a component"))?.str()?.to_ascii_uppercase();
        if out.iter().any(|known| known["type"] == kind.as_str()) {
            return Err(item.wrong(&format!("is a second component of type {kind}.")));
        }
        let mut component = Value::Object(item.object()?.clone());
        match kind.as_str() {
            "HEADER" if !auth => component["format"] = header(item, named, world)?.into(),
            "BODY" if auth => auth_body(item, &mut component)?,
            "BODY" => body(item, named)?,
            "FOOTER" if auth => auth_footer(item, &mut component)?,
            "FOOTER" => footer(item)?,
            "BUTTONS" => buttons(item, auth, &mut component)?,
            "CAROUSEL" if !auth => {
                item.need("cards")?.items()?;
            }
            "LIMITED_TIME_OFFER" if !auth => {
                item.need("limited_time_offer")?.object()?;
            }
            "CALL_PERMISSION_REQUEST" if !auth => {}
            _ => return Err(item.wrong(&format!("has the type {kind}, which this template cannot have."))),
        }
        component["type"] = kind.into();
        out.push(component);
    }
    for (kind, needed) in [("BODY", true), ("BUTTONS", auth)] {
        if needed && !out.iter().any(|component| component["type"] == kind) {
            return Err(required(&format!("component of type {kind}")));
        }
    }
    Ok(out)
}

/// The format of a header, in capitals.
fn header(node: &Node<'_, '_>, named: bool, world: &World) -> Result<String, GraphError> {
    let format_node = node.need("format").map_err(|_| required("format of the header"))?;
    let format = format_node.str()?.to_ascii_uppercase();
    match format.as_str() {
        "TEXT" => {
            let text = node.need("text").map_err(|_| required("text of the header"))?;
            let words = text.str()?;
            if words.is_empty() || words.chars().count() > HEADER_MAX || words.contains('\n') {
                return Err(GraphError::management(
                    2_388_047,
                    "Header format is incorrect",
                    "The header text must have 1 to 60 characters in one line.",
                ));
            }
            let found = variables(words);
            if found.len() > 1 {
                return Err(GraphError::management(
                    2_388_047,
                    "Header format is incorrect",
                    "The header text may have one variable.",
                ));
            }
            examples(node, &found, named, "header_text", "header_text_named_params")?;
        }
        "IMAGE" | "VIDEO" | "DOCUMENT" | "GIF" => {
            let handle = node.get("example")?.and_then(|example| {
                let given = example.value()["header_handle"].clone();
                given[0].as_str().or(given.as_str()).map(ToOwned::to_owned)
            });
            let Some(handle) = handle else {
                return Err(GraphError::management(
                    2_388_273,
                    "Invalid sample",
                    "A header with media needs a sample: example.header_handle.",
                ));
            };
            // Handles of Meta's own form that were not given here are refused; Meta's pages use addresses too.
            if !handle.starts_with("http") && !locked(&world.uploads).knows(&handle) {
                return Err(GraphError::management(
                    2_388_273,
                    "Invalid sample",
                    "example.header_handle is not the handle of an upload.",
                ));
            }
        }
        "LOCATION" | "PRODUCT" => {}
        _ => {
            return Err(
                format_node.wrong("must be one of {TEXT, IMAGE, VIDEO, DOCUMENT, GIF, LOCATION, PRODUCT}.")
            );
        }
    }
    Ok(format)
}

fn body(node: &Node<'_, '_>, named: bool) -> Checked {
    let text = node.need("text").map_err(|_| required("text of the body"))?;
    let words = text.str()?;
    let wrong = |message: &'static str| {
        GraphError::management(2_388_072, "Message body format is incorrect", message)
    };
    if words.is_empty() {
        return Err(required("text of the body"));
    }
    if words.chars().count() > BODY_MAX {
        return Err(GraphError::management(
            2_388_040,
            "Character limit exceeded",
            "The body may have 1024 characters.",
        ));
    }
    if words.contains("\n\n\n") || words.contains('\t') || words.contains("    ") {
        return Err(wrong(
            "The body may not have tabs, more than two line ends or more than four blanks in a row.",
        ));
    }
    let found = variables(words);
    if !named && found.iter().enumerate().any(|(at, name)| *name != (at + 1).to_string()) {
        return Err(wrong("Variables are numbered from {{1}} on without a gap."));
    }
    if named && !found.iter().all(|name| is_name(name)) {
        return Err(wrong("Named variables consist of small letters, digits and underscores."));
    }
    if !found.is_empty() {
        let trimmed = words.trim();
        if trimmed.starts_with("{{") || trimmed.ends_with("}}") {
            return Err(GraphError::management(
                2_388_299,
                "Variables can't be at the start or end of the template",
                "The body begins or ends with a variable.",
            ));
        }
        let count = words.split_whitespace().filter(|word| !word.contains("{{")).count();
        if count <= found.len() * WORDS_PER_VARIABLE {
            return Err(GraphError::management(
                2_388_293,
                "This template contains too many variable parameters relative to the message length",
                "Write more words or use fewer variables.",
            ));
        }
    }
    examples(node, &found, named, "body_text", "body_text_named_params")
}

fn is_name(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !name.bytes().all(|b| b.is_ascii_digit())
}

/// Every variable needs a sample.
fn examples(node: &Node<'_, '_>, found: &[String], named: bool, list: &str, names: &str) -> Checked {
    if found.is_empty() {
        return Ok(());
    }
    let example = node.get("example")?.map(|example| example.value());
    let given = example.map_or(0, |example| {
        if named {
            return example[names].as_array().map_or(0, Vec::len);
        }
        // Body samples are a list of lists, header samples a list; either is taken for both.
        match example[list].as_array().map(Vec::as_slice) {
            Some([Value::Array(first), ..]) => first.len(),
            Some(list) => list.len(),
            None => usize::from(example[list].is_string()),
        }
    });
    if given == found.len() {
        return Ok(());
    }
    Err(GraphError::management(
        2_388_043,
        "Message template is missing expected field(s)",
        format!(
            "component of type {node} is missing expected field(s) (example): {} variables, {given} samples",
            found.len()
        ),
    ))
}

/// The text is Meta's own.
fn auth_body(node: &Node<'_, '_>, component: &mut Value) -> Checked {
    let advice = match node.get("add_security_recommendation")? {
        Some(advice) => advice.boolean()?,
        None => false,
    };
    let advice = if advice { " For your security, do not share this code." } else { "" };
    component["text"] = format!("*{{{{1}}}}* is your verification code.{advice}").into();
    component["example"] = json!({ "body_text": [["123456"]] });
    Ok(())
}

fn auth_footer(node: &Node<'_, '_>, component: &mut Value) -> Checked {
    let Some(minutes) = node.get("code_expiration_minutes")? else {
        return Ok(());
    };
    let count = minutes.number()?;
    if !(1.0..=90.0).contains(&count) {
        return Err(minutes.wrong("must be between 1 and 90."));
    }
    component["text"] = format!("This code expires in {count} minutes.").into();
    Ok(())
}

fn footer(node: &Node<'_, '_>) -> Checked {
    let text = node.need("text").map_err(|_| required("text of the footer"))?;
    let words = text.str()?;
    if words.is_empty() || words.chars().count() > FOOTER_MAX || words.contains("{{") {
        return Err(GraphError::management(
            2_388_073,
            "Footer format is incorrect",
            "The footer must have 1 to 60 characters and no variables.",
        ));
    }
    Ok(())
}

fn buttons(node: &Node<'_, '_>, auth: bool, component: &mut Value) -> Checked {
    let list = node.need("buttons").map_err(|_| required("buttons"))?;
    let items = list.items()?;
    if items.is_empty() || items.len() > BUTTONS_MAX {
        return Err(list.wrong("must have 1 to 10 elements."));
    }
    for (at, button) in items.iter().enumerate() {
        let kind = button.need("type").map_err(|_| required("type of a button"))?.str()?.to_ascii_uppercase();
        if auth != (kind == "OTP") {
            return Err(button.wrong(&format!("has the type {kind}, which this template cannot have.")));
        }
        match kind.as_str() {
            "OTP" => otp(button)?,
            "QUICK_REPLY" | "CATALOG" | "MPM" | "SPM" | "VOICE_CALL" | "FLOW" | "REQUEST_CONTACT_INFO" => {
                if kind == "QUICK_REPLY" || button.get("text")?.is_some() {
                    button_text(button)?;
                }
            }
            "URL" => {
                button_text(button)?;
                let url = button.need("url").map_err(|_| required("url of a button"))?;
                let text = url.link()?;
                if text.len() > URL_MAX {
                    return Err(url.wrong("must be at most 2000 characters long."));
                }
                let found = variables(text);
                if found.len() > 1 || (found.len() == 1 && !text.ends_with("}}")) {
                    return Err(url.wrong("may have one variable, at its end."));
                }
                if !found.is_empty() && button.get("example")?.is_none() {
                    return Err(button.wrong("has a variable and needs an example."));
                }
            }
            "PHONE_NUMBER" => {
                button_text(button)?;
                let number = button.need("phone_number").map_err(|_| required("phone_number"))?;
                if super::request::digits(number.str()?).is_none() {
                    return Err(number.wrong("is not a phone number."));
                }
            }
            "COPY_CODE" => {
                button.need("example").map_err(|_| required("example of the button"))?;
            }
            _ => return Err(button.wrong(&format!("has the unknown type {kind}."))),
        }
        component["buttons"][at]["type"] = kind.into();
    }
    Ok(())
}

fn button_text(button: &Node<'_, '_>) -> Checked {
    let node = button.need("text").map_err(|_| required("text of a button"))?;
    let text = node.str()?;
    if text.is_empty() || text.chars().count() > BUTTON_TEXT_MAX {
        return Err(node.wrong("must have 1 to 25 characters."));
    }
    Ok(())
}

fn otp(button: &Node<'_, '_>) -> Checked {
    let node = button.need("otp_type").map_err(|_| required("otp_type"))?;
    let kind = node.str()?.to_ascii_uppercase();
    match kind.as_str() {
        "COPY_CODE" => Ok(()),
        "ONE_TAP" | "ZERO_TAP" => {
            // The older form names one app on the button itself.
            let Some(apps) = button.get("supported_apps")? else {
                button.need("package_name").map_err(|_| required("supported_apps"))?.str()?;
                return button
                    .need("signature_hash")
                    .map_err(|_| required("signature_hash"))?
                    .str()
                    .map(drop);
            };
            for app in &apps.items()? {
                app.need("package_name").map_err(|_| required("package_name"))?.str()?;
                app.need("signature_hash").map_err(|_| required("signature_hash"))?.str()?;
            }
            Ok(())
        }
        _ => Err(node.wrong("must be one of {COPY_CODE, ONE_TAP, ZERO_TAP}.")),
    }
}

/// The variables of a text, `{{1}}` or `{{name}}`, each once, in the order of their first use.
pub(super) fn variables(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("{{") {
        let Some((name, tail)) = after.split_once("}}") else { break };
        let name = name.trim();
        if !found.iter().any(|known| known == name) {
            found.push(name.to_owned());
        }
        rest = tail;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_in_order() {
        assert_eq!(variables("Hi {{1}}, {{2}} and {{1}}"), ["1", "2"]);
        assert_eq!(variables("Hi {{ first_name }}{{"), ["first_name"]);
        assert!(variables("none }} {{ open").is_empty());
    }
}
