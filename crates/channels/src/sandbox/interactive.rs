//! Interactive messages: one rule for each sub-kind (Meta, "Interactive messages").

use std::collections::HashSet;

use super::check::Node;
use super::content;
use super::reply::GraphError;
use super::world::{Number, World};

const HEADER_MAX: usize = 60;
const BODY_MAX: usize = 1024;
/// Meta's pages disagree (1024 or 4096); the larger one refuses nothing that Meta takes.
const LIST_BODY_MAX: usize = 4096;
const FOOTER_MAX: usize = 60;
const ROWS_MAX: usize = 10;
const PRODUCTS_MAX: usize = 30;

type Checked = Result<(), GraphError>;

/// Where the rules stand: media are looked up there.
#[derive(Clone, Copy)]
struct Place<'a> {
    world: &'a World,
    number: &'a Number,
}

/// Judges the object `interactive`.
pub(super) fn check(node: &Node<'_, '_>, world: &World, number: &Number) -> Checked {
    let place = Place { world, number };
    let kind_node = node.need("type")?;
    let kind = kind_node.str()?;
    let rules = rules_of(kind).ok_or_else(|| {
        GraphError::value(format!("{kind_node} {kind:?} is not a kind of interactive message."))
    })?;
    frame(node, &rules, place)?;
    let action = node.need("action")?;
    action.object()?;
    if let Some(name) = rules.action {
        action.need("name")?.one_of(&[name])?;
    }
    match kind {
        "button" => buttons(&action),
        "list" => list(&action),
        "cta_url" => cta_url(&action),
        "flow" => flow(&action),
        "product" => {
            action.need("catalog_id")?.str()?;
            action.need("product_retailer_id")?.str().map(drop)
        }
        "product_list" => product_list(&action),
        "carousel" => carousel(&action, place),
        "address_message" => action.need("parameters")?.need("country")?.label(2).map(drop),
        "order_details" => order_details(&action),
        "order_status" => {
            let parameters = action.need("parameters")?;
            parameters.need("reference_id")?.label(35)?;
            parameters.need("order")?.need("status")?.str().map(drop)
        }
        _ => Ok(()),
    }
}

/// What kinds differ in outside their action.
struct Rules {
    /// The header's types; none: there may be no header.
    headers: &'static [&'static str],
    header_needed: bool,
    body_needed: bool,
    body_max: usize,
    /// The name that the action must have.
    action: Option<&'static str>,
}

const ANY_HEADER: &[&str] = &["text", "image", "video", "document"];

fn rules_of(kind: &str) -> Option<Rules> {
    let usual = Rules {
        headers: ANY_HEADER,
        header_needed: false,
        body_needed: true,
        body_max: BODY_MAX,
        action: None,
    };
    Some(match kind {
        "button" => usual,
        "list" => Rules { headers: &["text"], body_max: LIST_BODY_MAX, ..usual },
        "cta_url" => Rules { action: Some("cta_url"), ..usual },
        "flow" => Rules { action: Some("flow"), ..usual },
        "product" => Rules { headers: &[], body_needed: false, ..usual },
        "product_list" => Rules { headers: &["text"], header_needed: true, ..usual },
        "catalog_message" => Rules { headers: &[], action: Some("catalog_message"), ..usual },
        "location_request_message" => Rules { headers: &[], action: Some("send_location"), ..usual },
        "address_message" => Rules { action: Some("address_message"), ..usual },
        "call_permission_request" => {
            Rules { headers: &[], body_needed: false, action: Some("call_permission_request"), ..usual }
        }
        "voice_call" => Rules { action: Some("voice_call"), ..usual },
        "request_contact_info" => Rules { headers: &[], action: Some("request_contact_info"), ..usual },
        "order_details" => Rules { action: Some("review_and_pay"), ..usual },
        "order_status" => Rules { action: Some("review_order"), ..usual },
        "carousel" => Rules { headers: &[], ..usual },
        _ => return None,
    })
}

/// Header, body and footer.
fn frame(node: &Node<'_, '_>, rules: &Rules, place: Place<'_>) -> Checked {
    match node.get("header")? {
        Some(header) if rules.headers.is_empty() => {
            return Err(GraphError::parameter(format!(
                "Unexpected key \"header\" on param \"{node}\": {header}"
            )));
        }
        Some(head) => header(&head, rules.headers, place)?,
        None if rules.header_needed => {
            node.need("header")?;
        }
        None => {}
    }
    if rules.body_needed {
        node.need("body")?.need("text")?.label(rules.body_max)?;
    } else if let Some(body) = node.get("body")? {
        body.need("text")?.label(rules.body_max)?;
    }
    if let Some(footer) = node.get("footer")? {
        footer.need("text")?.label(FOOTER_MAX)?;
    }
    Ok(())
}

fn header(node: &Node<'_, '_>, kinds: &[&str], place: Place<'_>) -> Checked {
    let kind = node.need("type")?.one_of(kinds)?;
    let content = node.need(kind)?;
    if kind == "text" {
        content.label(HEADER_MAX).map(drop)
    } else {
        content::media(&content, kind, place.world, place.number)
    }
}

/// Refuses a second element of the same id.
fn fresh<'a>(seen: &mut HashSet<&'a str>, id: &'a str, what: &str) -> Checked {
    if seen.insert(id) {
        return Ok(());
    }
    Err(GraphError::value(format!("{what} ids must be unique: {id:?} comes twice.")))
}

fn count(found: usize, min: usize, max: usize, what: &str) -> Checked {
    if (min..=max).contains(&found) {
        return Ok(());
    }
    Err(GraphError::value(format!("Invalid {what} count. Min allowed: {min}, Max allowed: {max}")))
}

fn buttons(action: &Node<'_, '_>) -> Checked {
    let node = action.need("buttons")?;
    let buttons = node.items()?;
    count(buttons.len(), 1, 3, "buttons")?;
    let (mut ids, mut titles) = (HashSet::new(), HashSet::new());
    for button in &buttons {
        button.need("type")?.one_of(&["reply"])?;
        let reply = button.need("reply")?;
        fresh(&mut ids, reply.need("id")?.label(256)?, "Button")?;
        fresh(&mut titles, reply.need("title")?.label(20)?, "Button title")?;
    }
    Ok(())
}

fn list(action: &Node<'_, '_>) -> Checked {
    action.need("button")?.label(20)?;
    let node = action.need("sections")?;
    let sections = node.items()?;
    count(sections.len(), 1, 10, "sections")?;
    let (mut rows, mut ids) = (0, HashSet::new());
    for section in &sections {
        title(section, sections.len())?;
        let node = section.need("rows")?;
        for row in &node.items()? {
            rows += 1;
            fresh(&mut ids, row.need("id")?.label(200)?, "Row")?;
            row.need("title")?.label(24)?;
            if let Some(description) = row.get("description")?
                && description.str()?.chars().count() > 72
            {
                return Err(GraphError::value(format!("{description} length invalid. Max length: 72")));
            }
        }
    }
    count(rows, 1, ROWS_MAX, "total rows")
}

/// A section's title, needed where there is more than one section.
fn title(section: &Node<'_, '_>, sections: usize) -> Checked {
    match section.get("title")? {
        Some(title) if sections > 1 || title.value() != "" => title.label(24).map(drop),
        None if sections > 1 => section.need("title").map(drop),
        _ => Ok(()),
    }
}

fn cta_url(action: &Node<'_, '_>) -> Checked {
    let parameters = action.need("parameters")?;
    parameters.need("display_text")?.label(20)?;
    parameters.need("url")?.link().map(drop)
}

fn flow(action: &Node<'_, '_>) -> Checked {
    let parameters = action.need("parameters")?;
    parameters.need("flow_message_version")?.one_of(&["3"])?;
    match (parameters.get("flow_id")?, parameters.get("flow_name")?) {
        (Some(_), Some(_)) => {
            return Err(GraphError::parameter("Only one of flow_id and flow_name may be given."));
        }
        (None, None) => {
            parameters.need("flow_id")?;
        }
        _ => {}
    }
    parameters.need("flow_cta")?.label(30)?;
    if let Some(mode) = parameters.get("mode")? {
        mode.one_of(&["draft", "published"])?;
    }
    let kind = match parameters.get("flow_action")? {
        Some(kind) => kind.one_of(&["navigate", "data_exchange"])?,
        None => "navigate",
    };
    if let Some(payload) = parameters.get("flow_action_payload")? {
        payload.object()?;
        if kind == "navigate" {
            payload.need("screen")?.str()?;
        }
    }
    Ok(())
}

fn product_list(action: &Node<'_, '_>) -> Checked {
    action.need("catalog_id")?.str()?;
    let node = action.need("sections")?;
    let sections = node.items()?;
    count(sections.len(), 1, 10, "sections")?;
    let mut products = 0;
    for section in &sections {
        title(section, sections.len())?;
        let node = section.need("product_items")?;
        for item in &node.items()? {
            products += 1;
            item.need("product_retailer_id")?.str()?;
        }
    }
    count(products, 1, PRODUCTS_MAX, "products")
}

fn carousel(action: &Node<'_, '_>, place: Place<'_>) -> Checked {
    let node = action.need("cards")?;
    let cards = node.items()?;
    count(cards.len(), 2, 10, "cards")?;
    for card in &cards {
        card.need("card_index")?.number()?;
        if let Some(head) = card.get("header")? {
            header(&head, &["image", "video"], place)?;
        }
        if let Some(body) = card.get("body")? {
            body.need("text")?.label(160)?;
        }
        card.need("action")?.object()?;
    }
    Ok(())
}

fn order_details(action: &Node<'_, '_>) -> Checked {
    let parameters = action.need("parameters")?;
    parameters.need("reference_id")?.label(35)?;
    parameters.need("type")?.one_of(&["digital-goods", "physical-goods"])?;
    parameters.need("currency")?.label(3)?;
    parameters.need("total_amount")?.need("value")?.number()?;
    parameters.need("order")?.object().map(drop)
}
