//! `fields=…` and cursors, which all reads of the Graph API share.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::reply::GraphError;

/// Longest page; Meta's own is larger, and nobody needs it here.
const PAGE_MAX: usize = 1_000;
const PAGE_DEFAULT: usize = 25;

/// What was asked for of an object, and always its id.
///
/// `all` holds every field that the node has; those that are `null` exist and are left out, as Graph does with what is
/// not set. Sub-selections (`throughput{level}`) name the field as a whole.
pub(super) fn select(
    all: &Value,
    fields: Option<&str>,
    default: &[&str],
    node: &str,
) -> Result<Value, GraphError> {
    let mut out = Map::new();
    let mut take = |field: &str| match all.get(field) {
        None => Err(GraphError::parameter(format!(
            "Tried accessing nonexisting field ({field}) on node type ({node})"
        ))),
        Some(Value::Null) => Ok(()),
        Some(value) => {
            out.insert(field.to_owned(), value.clone());
            Ok(())
        }
    };
    match fields.filter(|fields| !fields.trim().is_empty()) {
        Some(fields) => names(fields).try_for_each(&mut take)?,
        None => default.iter().copied().try_for_each(&mut take)?,
    }
    take("id")?;
    Ok(Value::Object(out))
}

/// The names of a field list, without what they select inside: `a,b{c,d},e.limit(3)` gives a, b and e.
fn names(list: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    list.split(move |c| {
        match c {
            '{' | '(' => depth += 1,
            '}' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
    .map(|field| field.split(['{', '.', '(']).next().unwrap_or_default().trim())
    .filter(|name| !name.is_empty())
}

/// A page of a list: `data`, and `paging` with cursors and, where more follows or precedes, addresses.
///
/// `items` are keys and values in the order of the list; a cursor names the key of the first or last one shown.
pub(super) fn page(call: &Call, items: Vec<(String, Value)>) -> Result<Value, GraphError> {
    let limit = match call.params.get("limit") {
        None => PAGE_DEFAULT,
        Some(_) => call
            .number("limit")
            .and_then(|limit| usize::try_from(limit).ok())
            .filter(|limit| *limit > 0)
            .ok_or_else(|| GraphError::parameter("Param limit must be an integer greater than zero"))?
            .min(PAGE_MAX),
    };
    let at = |name: &str| -> Result<Option<usize>, GraphError> {
        let Some(cursor) = call.text(name).filter(|cursor| !cursor.is_empty()) else {
            return Ok(None);
        };
        let key = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|key| String::from_utf8(key).ok());
        let found = key.and_then(|key| items.iter().position(|(k, _)| *k == key));
        found.map(Some).ok_or_else(|| GraphError::parameter("(#100) Invalid cursors values"))
    };
    let (from, to) = match (at("after")?, at("before")?) {
        (Some(after), _) => (after + 1, (after + 1 + limit).min(items.len())),
        (None, Some(before)) => (before.saturating_sub(limit), before),
        (None, None) => (0, limit.min(items.len())),
    };
    let (more_before, more_after) = (from > 0, to < items.len());
    let shown: Vec<(String, Value)> = items.into_iter().take(to).skip(from).collect();
    let cursor = |item: Option<&(String, Value)>| item.map(|(key, _)| URL_SAFE_NO_PAD.encode(key));
    let (Some(first), Some(last)) = (cursor(shown.first()), cursor(shown.last())) else {
        return Ok(json!({ "data": [] }));
    };
    let mut paging = json!({ "cursors": { "before": first, "after": last } });
    if more_after {
        paging["next"] = address(call, "after", &last).into();
    }
    if more_before {
        paging["previous"] = address(call, "before", &first).into();
    }
    let data: Vec<Value> = shown.into_iter().map(|(_, value)| value).collect();
    Ok(json!({ "data": data, "paging": paging }))
}

/// The address of the same read with another cursor.
fn address(call: &Call, name: &str, cursor: &str) -> String {
    let mut url = format!("{}{}?", call.base_url(), call.uri.path());
    for pair in call.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let key = pair.split('=').next().unwrap_or_default();
        if key != "after" && key != "before" {
            url.push_str(pair);
            url.push('&');
        }
    }
    url.push_str(name);
    url.push('=');
    url.push_str(cursor);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_lists() {
        let found: Vec<_> = names("id, throughput{level,x},a.limit(3){b},,c").collect();
        assert_eq!(found, ["id", "throughput", "a", "c"]);
        assert_eq!(names("a{{,}").collect::<Vec<_>>(), ["a"]);
    }
}
