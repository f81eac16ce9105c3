//! Sending a template: does it exist, may it go, and do the parameters fit (Meta, "Send message templates").

use serde_json::{Map, Value};

use super::check::Node;
use super::content;
use super::reply::GraphError;
use super::template_rules::variables;
use super::templates::Template;
use super::world::{Number, World};

/// Longest body once its variables are filled in, characters.
const FILLED_MAX: usize = 1024;
/// Longest coupon code, characters.
const COUPON_MAX: usize = 20;

type Checked = Result<(), GraphError>;

/// Judges the object `template` of a send; its category in small letters.
pub(super) fn check(
    world: &World,
    number: &Number,
    params: &Map<String, Value>,
    by_user_id: bool,
) -> Result<&'static str, GraphError> {
    let node = Node::need_top(params, "template")?;
    let name_node = node.need("name")?;
    let name = name_node.str()?;
    let language_node = node.need("language")?;
    let code_node = language_node.need("code")?;
    let language = code_node.str()?;
    let components = node.get("components")?;
    if components.is_some_and(|components| !components.value().is_array()) {
        return Err(GraphError::parameter("Param template['components'] must be an array."));
    }
    let found = world.account(&number.waba_id, |state| {
        state.templates.iter().find(|t| t.name == name && t.language == language).cloned()
    });
    let Some(template) = found else {
        if !assumed(world, name, language) {
            return Err(GraphError::new(
                axum::http::StatusCode::NOT_FOUND,
                132_001,
                "Template name does not exist in the translation",
                format!("template name ({name}) does not exist in {language}"),
            ));
        }
        if let Some(components) = &components {
            for component in &components.items()? {
                shape(component, world, number)?;
            }
        }
        return Ok("utility");
    };
    usable(&template)?;
    if by_user_id && template.category == "AUTHENTICATION" {
        return Err(GraphError::bad(
            131_062,
            "Business-scoped user id recipients are not supported for this message",
            "One-tap, zero-tap and copy code authentication templates can be sent to phone numbers only.",
        ));
    }
    let items = match &components {
        Some(components) => components.items()?,
        None => Vec::new(),
    };
    for component in &items {
        shape(component, world, number)?;
    }
    fits(&template, &items)?;
    Ok(match template.category.as_str() {
        "MARKETING" => "marketing",
        "AUTHENTICATION" => "authentication",
        _ => "utility",
    })
}

/// Whether a template that nobody made is taken to exist: see [`super::SandboxConfig::templates`].
fn assumed(world: &World, name: &str, language: &str) -> bool {
    match &world.config.templates {
        None => {
            !name.is_empty()
                && name.len() <= 512
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        }
        Some(templates) => templates.iter().any(|(n, l)| n == name && l == language),
    }
}

fn usable(template: &Template) -> Checked {
    match template.status.as_str() {
        "APPROVED" => Ok(()),
        "PAUSED" => Err(GraphError::bad(
            132_015,
            "Template is paused",
            format!("template name ({}) is paused due to low quality", template.name),
        )),
        "DISABLED" => Err(GraphError::bad(
            132_016,
            "Template is disabled",
            format!("template name ({}) is disabled due to low quality", template.name),
        )),
        status => Err(GraphError::new(
            axum::http::StatusCode::NOT_FOUND,
            132_001,
            "Template name does not exist in the translation",
            format!("template name ({}) in {} is {status}, not approved", template.name, template.language),
        )),
    }
}

/// What is true of a component whatever the template.
fn shape(component: &Node<'_, '_>, world: &World, number: &Number) -> Checked {
    let kind = component.need("type")?.str()?.to_ascii_lowercase();
    if !matches!(
        kind.as_str(),
        "header"
            | "body"
            | "footer"
            | "button"
            | "carousel"
            | "limited_time_offer"
            | "order_status"
            | "tap_target_configuration"
    ) {
        return Err(component.wrong("has a type that is not known."));
    }
    if kind == "button" {
        let sub = component.need("sub_type")?.str()?.to_ascii_lowercase();
        if !matches!(
            sub.as_str(),
            "quick_reply"
                | "url"
                | "catalog"
                | "flow"
                | "copy_code"
                | "mpm"
                | "spm"
                | "voice_call"
                | "order_details"
                | "order_status"
                | "phone_number"
                | "request_contact_info"
        ) {
            return Err(component.wrong("has a sub_type that is not known."));
        }
        let index = component.need("index")?;
        if !(0.0..10.0).contains(&index.number()?) {
            return Err(index.wrong("must be between 0 and 9."));
        }
    }
    if let Some(parameters) = component.get("parameters")? {
        for parameter in &parameters.items()? {
            parameter_check(parameter, world, number)?;
        }
    }
    Ok(())
}

fn parameter_check(node: &Node<'_, '_>, world: &World, number: &Number) -> Checked {
    let kind = node.need("type")?.str()?.to_ascii_lowercase();
    match kind.as_str() {
        "text" => {
            let text_node = node.need("text")?;
            let text = text_node.text(32_768)?;
            if text.contains(['\n', '\t']) || text.contains("     ") {
                return Err(GraphError::bad(
                    132_018,
                    "There's an issue with the parameters in your template",
                    format!(
                        "{text_node} cannot have new-line/tab characters or more than 4 consecutive spaces"
                    ),
                ));
            }
            Ok(())
        }
        "currency" => {
            let currency = node.need("currency")?;
            currency.need("fallback_value")?.text(1_024)?;
            currency.need("code")?.text(3)?;
            currency.need("amount_1000")?.number().map(drop)
        }
        "date_time" => node.need("date_time")?.need("fallback_value")?.text(1_024).map(drop),
        "image" | "video" | "document" => content::media(&node.need(&kind)?, &kind, world, number),
        "location" => content::location(&node.need("location")?),
        "payload" => node.need("payload")?.text(256).map(drop),
        "coupon_code" => node.need("coupon_code")?.text(COUPON_MAX).map(drop),
        "action"
        | "product"
        | "order_status"
        | "limited_time_offer"
        | "ttl_minutes"
        | "tap_target_configuration" => Ok(()),
        _ => Err(format_error(format!("{node} has the type {kind}, which is not known."))),
    }
}

fn format_error(details: String) -> GraphError {
    GraphError::bad(132_012, "Parameter format does not match format in the created template", details)
}

fn count_error(place: &str, given: usize, wanted: usize) -> GraphError {
    GraphError::bad(
        132_000,
        "Number of parameters does not match the expected number of params",
        format!(
            "{place}: number of localizable_params ({given}) does not match the expected number of params ({wanted})"
        ),
    )
}

/// Whether the parameters are those that the template asks for.
fn fits(template: &Template, items: &[Node<'_, '_>]) -> Checked {
    let given = |kind: &str| {
        let same =
            |c: &&Node<'_, '_>| c.value()["type"].as_str().is_some_and(|k| k.eq_ignore_ascii_case(kind));
        let found = items.iter().find(same);
        found.and_then(|c| c.value()["parameters"].as_array()).map_or(&[][..], Vec::as_slice)
    };
    for component in &template.components {
        let text = component["text"].as_str().unwrap_or_default();
        match component["type"].as_str().unwrap_or_default() {
            "HEADER" => match component["format"].as_str().unwrap_or("TEXT") {
                "TEXT" => filled("header", template.named, text, given("header")).map(drop)?,
                format => header_fits(format, given("header"))?,
            },
            "BODY" => {
                let length = filled("body", template.named, text, given("body"))?;
                if length > FILLED_MAX {
                    return Err(GraphError::bad(
                        132_005,
                        "Translated text too long",
                        format!("body: {length} characters, {FILLED_MAX} are allowed"),
                    ));
                }
            }
            "BUTTONS" => {
                let buttons = component["buttons"].as_array().map_or(&[][..], Vec::as_slice);
                buttons_fit(buttons, items)?;
            }
            _ => {}
        }
    }
    let has = |kind: &str| template.components.iter().any(|c| c["type"] == kind);
    for (kind, name) in [("HEADER", "header"), ("BODY", "body")] {
        if !has(kind) && !given(name).is_empty() {
            return Err(count_error(name, given(name).len(), 0));
        }
    }
    if !has("BUTTONS") && !has("CAROUSEL") && items.iter().any(|c| is_button(c.value())) {
        return Err(GraphError::bad(
            132_018,
            "There's an issue with the parameters in your template",
            "buttons: the template has no buttons",
        ));
    }
    Ok(())
}

fn header_fits(format: &str, given: &[Value]) -> Checked {
    // A product header takes a product or nothing.
    let wanted = match format {
        "GIF" => "video",
        "PRODUCT" => return Ok(()),
        other => other,
    };
    match given {
        [one] if one["type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case(wanted)) => Ok(()),
        [one] => Err(format_error(format!(
            "header: Format mismatch, expected {format}, received {}",
            one["type"].as_str().unwrap_or("UNKNOWN").to_ascii_uppercase()
        ))),
        [] => Err(format_error(format!("header: Format mismatch, expected {format}, received UNKNOWN"))),
        more => Err(count_error("header", more.len(), 1)),
    }
}

/// The length of a text with its variables filled in, characters.
fn filled(place: &str, named: bool, text: &str, given: &[Value]) -> Result<usize, GraphError> {
    let wanted = variables(text);
    if given.len() != wanted.len() {
        return Err(count_error(place, given.len(), wanted.len()));
    }
    let mut length = text.chars().count();
    for (at, value) in given.iter().enumerate() {
        let kind = value["type"].as_str().unwrap_or_default().to_ascii_lowercase();
        let value_text = match kind.as_str() {
            "text" => value["text"].as_str(),
            "currency" | "date_time" => value[&kind]["fallback_value"].as_str(),
            other => {
                return Err(format_error(format!(
                    "{place}: a text is expected, received {}",
                    other.to_ascii_uppercase()
                )));
            }
        };
        if named {
            let name = value["parameter_name"].as_str().unwrap_or_default();
            if !wanted.iter().any(|wanted| wanted == name) {
                return Err(GraphError::bad(
                    132_012,
                    "Parameter format does not match format in the created template",
                    format!("{place}: Parameter name is missing or not one of the template's: {name:?}"),
                ));
            }
        }
        let variable = wanted.get(at).map_or(0, |name| name.chars().count() + 4);
        length = length.saturating_sub(variable) + value_text.unwrap_or_default().chars().count();
    }
    Ok(length)
}

fn is_button(component: &Value) -> bool {
    component["type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("button"))
}

fn buttons_fit(buttons: &[Value], items: &[Node<'_, '_>]) -> Checked {
    let index_of = |component: &Value| {
        let index = &component["index"];
        index.as_u64().or_else(|| index.as_str()?.parse().ok()).and_then(|at| usize::try_from(at).ok())
    };
    for item in items.iter().filter(|item| is_button(item.value())) {
        let button = index_of(item.value()).and_then(|at| buttons.get(at));
        if button.is_none() {
            return Err(GraphError::bad(
                132_018,
                "There's an issue with the parameters in your template",
                format!("buttons: {item} names a button that the template does not have"),
            ));
        }
    }
    for (at, button) in buttons.iter().enumerate() {
        let kind = button["type"].as_str().unwrap_or_default();
        let dynamic = match kind {
            "URL" => button["url"].as_str().is_some_and(|url| !variables(url).is_empty()),
            "COPY_CODE" | "OTP" => true,
            _ => false,
        };
        let own = items.iter().find(|item| is_button(item.value()) && index_of(item.value()) == Some(at));
        let given = own.map(|item| &item.value()["parameters"]).and_then(Value::as_array).map_or(0, Vec::len);
        if dynamic && given == 0 {
            return Err(GraphError::bad(
                131_008,
                "Required parameter is missing",
                format!("buttons: Button at index {at} of type {kind} requires a parameter"),
            ));
        }
        if given > 1 || (kind == "URL" && !dynamic && given > 0) {
            return Err(GraphError::bad(
                132_018,
                "There's an issue with the parameters in your template",
                format!("buttons: Button at index {at} of type {kind} does not take {given} parameters"),
            ));
        }
    }
    Ok(())
}
