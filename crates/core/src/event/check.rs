//! Whether a JSON value fits a schema of the catalogue: for tests, here and of whatever writes events.
//!
//! Stricter than JSON Schema, on purpose: a member that the schema does not name is a fault, although receivers pass
//! over it, and so is a keyword that this check does not know.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::schema::referred;
use super::shape::{Definitions, ID_PATTERN};
use crate::time::Timestamp;

/// What about `value` does not fit the schema of this name, each with the place; empty where it fits.
pub fn misfits(definitions: &Definitions, name: &str, value: &Value) -> Vec<String> {
    let mut check = Check { definitions, faults: Vec::new() };
    match definitions.get(name) {
        Some(schema) => check.value(schema, value, ""),
        None => check.fault("", format_args!("there is no schema {name}")),
    }
    check.faults
}

struct Check<'a> {
    definitions: &'a Definitions,
    faults: Vec<String>,
}

impl Check<'_> {
    fn fault(&mut self, at: &str, what: std::fmt::Arguments<'_>) {
        let mut fault = at.to_owned();
        let _ = write!(fault, ": {what}");
        self.faults.push(fault);
    }

    fn value(&mut self, schema: &Value, value: &Value, at: &str) {
        let Some(keywords) = schema.as_object() else {
            return self.fault(at, format_args!("the schema is no object"));
        };
        if let Some(name) = referred(schema) {
            return match self.definitions.get(name) {
                Some(schema) => self.value(schema, value, at),
                None => self.fault(at, format_args!("there is no schema {name}")),
            };
        }
        for (keyword, wanted) in keywords {
            match keyword.as_str() {
                "type" => self.kind(wanted, value, at),
                "enum" => {
                    if !wanted.as_array().is_some_and(|known| known.contains(value)) {
                        self.fault(at, format_args!("{value} is none of {wanted}"));
                    }
                }
                "format" => {
                    let fits = wanted == "date-time" && value.as_str().and_then(Timestamp::parse).is_some();
                    if !fits && !value.is_null() {
                        self.fault(at, format_args!("{value} is no {wanted}"));
                    }
                }
                "pattern" => {
                    if !value.is_null() && !is_id(wanted, value) {
                        self.fault(at, format_args!("{value} is not {wanted}"));
                    }
                }
                "oneOf" => self.one_of(wanted, value, at),
                "description" | "required" | "properties" => {}
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.value(wanted, item, &format!("{at}/{index}"));
                    }
                }
                other => self.fault(at, format_args!("the keyword {other} is not known here")),
            }
        }
        if let (Some(properties), Some(members)) = (keywords.get("properties"), value.as_object()) {
            self.members(keywords, properties, members, at);
        }
    }

    fn members(
        &mut self,
        keywords: &Map<String, Value>,
        properties: &Value,
        members: &Map<String, Value>,
        at: &str,
    ) {
        for (name, member) in members {
            match properties.get(name) {
                Some(schema) => self.value(schema, member, &format!("{at}/{name}")),
                None => self.fault(at, format_args!("{name} is not in the schema")),
            }
        }
        for name in keywords.get("required").and_then(Value::as_array).into_iter().flatten() {
            if !name.as_str().is_some_and(|name| members.contains_key(name)) {
                self.fault(at, format_args!("{name} is missing"));
            }
        }
    }

    fn one_of(&mut self, options: &Value, value: &Value, at: &str) {
        let mut least: Option<Vec<String>> = None;
        for option in options.as_array().into_iter().flatten() {
            let mut inner = Check { definitions: self.definitions, faults: Vec::new() };
            inner.value(option, value, at);
            if least.as_ref().is_none_or(|faults| inner.faults.len() < faults.len()) {
                least = Some(inner.faults);
            }
        }
        match least {
            Some(faults) => self.faults.extend(faults),
            None => self.fault(at, format_args!("nothing is allowed here")),
        }
    }

    fn kind(&mut self, wanted: &Value, value: &Value, at: &str) {
        let is = |kind: &Value| match kind.as_str() {
            Some("null") => value.is_null(),
            Some("string") => value.is_string(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some("boolean") => value.is_boolean(),
            Some("array") => value.is_array(),
            Some("object") => value.is_object(),
            _ => false,
        };
        let fits = wanted.as_array().map_or_else(|| is(wanted), |kinds| kinds.iter().any(is));
        if !fits {
            self.fault(at, format_args!("{value} is not of type {wanted}"));
        }
    }
}

/// Whether a text is an id as the pattern wants it; the only patterns there are.
fn is_id(pattern: &Value, value: &Value) -> bool {
    let prefix =
        pattern.as_str().and_then(|p| p.strip_prefix('^')?.strip_suffix('$')?.strip_suffix(ID_PATTERN));
    let (Some(prefix), Some(text)) = (prefix, value.as_str()) else { return false };
    let Some(rest) = text.strip_prefix(prefix) else { return false };
    rest.len() == 26
        && rest.starts_with(|first: char| ('0'..='7').contains(&first))
        && rest.bytes().all(|b| b.is_ascii_digit() || (b.is_ascii_lowercase() && !b"ilou".contains(&b)))
}
