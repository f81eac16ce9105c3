//! JSON Schemas of what is written, made from the text of the very structs that are written.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::id::{
    ChannelId, ContactId, DeliveryId, EndpointId, EventId, MediaId, MessageId, PolicyEventId, ReviewId,
    SuppressionId, TemplateId, VerificationId, WorkspaceId,
};
use crate::message::MessageState;
use crate::time::Timestamp;
use crate::verification::VerificationState;
use crate::{Purpose, event};

/// Schemas by name, as `#/components/schemas` of an OpenAPI document holds them.
#[derive(Default)]
pub struct Definitions(BTreeMap<&'static str, Definition>);

struct Definition {
    schema: Value,
    /// The members in the order in which they are written; a JSON value does not always keep it.
    members: Vec<&'static str>,
}

impl Definitions {
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).map(|definition| &definition.schema)
    }

    /// Every name with its schema.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, definition)| (*name, &definition.schema))
    }

    /// The members of an object, in the order in which they are written.
    pub(super) fn members(&self, name: &str) -> &[&'static str] {
        self.0.get(name).map(|definition| definition.members.as_slice()).unwrap_or_default()
    }

    pub(super) fn insert(&mut self, name: &'static str, schema: Value, members: Vec<&'static str>) {
        self.0.insert(name, Definition { schema, members });
    }
}

/// Where a named schema is referred to.
pub(super) const REFERENCE: &str = "#/components/schemas/";

/// A value that says which JSON it is written as (JSON Schema 2020-12).
pub trait Described {
    /// Its schema; named parts are added to `definitions` and referred to.
    fn schema(definitions: &mut Definitions) -> Value;

    /// Its schema where it is left out instead of being null.
    fn schema_if_there(definitions: &mut Definitions) -> Value {
        Self::schema(definitions)
    }
}

/// One member of an object.
pub(super) struct Member {
    pub name: &'static str,
    /// The lines of its documentation, in one.
    pub words: &'static str,
    pub schema: Value,
    pub required: bool,
}

/// Adds an object's schema under its name, once; returns a reference to it.
pub(super) fn object(
    definitions: &mut Definitions,
    name: &'static str,
    words: &'static str,
    members: impl FnOnce(&mut Definitions) -> Vec<Member>,
) -> Value {
    if definitions.get(name).is_none() {
        let members = members(definitions);
        let mut properties = Map::new();
        for member in &members {
            let mut schema = member.schema.clone();
            schema["description"] = json!(member.words.trim());
            properties.insert(member.name.to_owned(), schema);
        }
        let required: Vec<&str> = members.iter().filter(|m| m.required).map(|m| m.name).collect();
        let mut schema = json!({ "type": "object", "description": words.trim() });
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        schema["properties"] = Value::Object(properties);
        definitions.insert(name, schema, members.iter().map(|member| member.name).collect());
    }
    json!({ "$ref": format!("{REFERENCE}{name}") })
}

/// The schema of the same thing or null.
pub(super) fn or_null(mut schema: Value) -> Value {
    match schema["type"].as_str().map(str::to_owned) {
        Some(kind) => {
            schema["type"] = json!([kind, "null"]);
            schema
        }
        None => json!({ "oneOf": [{ "type": "null" }, schema] }),
    }
}

impl<T: Described> Described for Option<T> {
    fn schema(definitions: &mut Definitions) -> Value {
        or_null(T::schema(definitions))
    }

    fn schema_if_there(definitions: &mut Definitions) -> Value {
        T::schema(definitions)
    }
}

impl<T: Described> Described for &T {
    fn schema(definitions: &mut Definitions) -> Value {
        T::schema(definitions)
    }
}

impl<T: Described> Described for &[T] {
    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "type": "array", "items": T::schema(definitions) })
    }
}

impl Described for &RawValue {
    /// An object of Meta's.
    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "object" })
    }
}

impl Described for Timestamp {
    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "string", "format": "date-time" })
    }
}

macro_rules! simple {
    ($($kind:ty => $name:literal;)*) => {$(
        impl Described for $kind {
            fn schema(_: &mut Definitions) -> Value {
                json!({ "type": $name })
            }
        }
    )*};
}

// Lists of values are open: a new state or type of event must not break a program made from the document.
simple! {
    &str => "string";
    String => "string";
    bool => "boolean";
    i64 => "integer";
    MessageState => "string";
    VerificationState => "string";
    Purpose => "string";
    event::EventType => "string";
}

macro_rules! ids {
    ($($kind:ident)*) => {$(
        impl Described for $kind {
            fn schema(_: &mut Definitions) -> Value {
                json!({ "type": "string", "pattern": format!("^{}_{ID_PATTERN}$", Self::PREFIX) })
            }
        }
    )*};
}

/// What follows the prefix of an id: 128 bits in Crockford's base 32.
pub(super) const ID_PATTERN: &str = "[0-7][0-9a-hjkmnp-tv-z]{25}";

ids! {
    ChannelId ContactId DeliveryId EndpointId EventId MediaId MessageId PolicyEventId ReviewId SuppressionId TemplateId
    VerificationId WorkspaceId
}

/// Structs that are written as JSON objects, with their schemas. What stands between the braces is ordinary Rust; the
/// documentation of a member is its description in the schema. `#[doc(alias = "…")]` names the schema where it has
/// another name than the struct.
macro_rules! shapes {
    ($(
        $(#[doc = $words:literal])+
        $(#[doc(alias = $alias:literal)])?
        #[derive($($derived:ident),+)]
        pub struct $name:ident $(<$life:lifetime>)? {$(
            $(#[doc = $about:literal])+
            $(#[serde(rename = $rename:literal)])?
            $(#[serde(skip_serializing_if = $skip:literal)])?
            pub $member:ident: $kind:ty,
        )+}
    )+) => {$(
        $(#[doc = $words])+
        #[derive($($derived),+)]
        pub struct $name $(<$life>)? {$(
            $(#[doc = $about])+
            $(#[serde(rename = $rename)])?
            $(#[serde(skip_serializing_if = $skip)])?
            pub $member: $kind,
        )+}

        impl $(<$life>)? $crate::event::Described for $name $(<$life>)? {
            fn schema(definitions: &mut $crate::event::Definitions) -> serde_json::Value {
                let name = [$($alias,)? stringify!($name)][0];
                $crate::event::shape::object(definitions, name, concat!($($words),+), |definitions| vec![$({
                    let skipped: &[&str] = &[$($skip)?];
                    $crate::event::shape::Member {
                        name: [$($rename,)? stringify!($member)][0],
                        words: concat!($($about),+),
                        schema: match skipped {
                            [] => <$kind as $crate::event::Described>::schema(definitions),
                            _ => <$kind as $crate::event::Described>::schema_if_there(definitions),
                        },
                        required: skipped.is_empty(),
                    }
                }),+])
            }
        }
    )+};
}

pub(super) use shapes;
