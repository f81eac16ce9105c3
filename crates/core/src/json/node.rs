//! One strict pass from bytes to a tree.
//!
//! Defends against: duplicate keys (two readers of one body must not disagree), deep and wide bodies that cost more
//! than they say, and the character U+0000, which PostgreSQL cannot store. Every refusal names its place.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::{Code, Error, FieldError, Result};

/// Deepest nesting of arrays and objects.
pub const DEPTH_MAX: usize = 32;
/// Most members of one object.
pub const MEMBERS_MAX: usize = 256;
/// Most items of one array.
pub const ITEMS_MAX: usize = 1_000;
/// Most values in one body, containers included.
pub const NODES_MAX: usize = 10_000;
/// Longest key of an object, in bytes.
pub const KEY_MAX: usize = 128;

/// A JSON value; texts without escapes borrow from the body.
#[derive(Debug, PartialEq)]
pub enum Node<'a> {
    Null,
    Boolean(bool),
    Integer(i128),
    /// A number with a fraction or an exponent, or too large for 64 bits.
    Float(f64),
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    /// In the order of the body; keys are unique.
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
}

impl Node<'_> {
    /// The kind of value in plain words.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

/// Reads one JSON value that fills `body`.
pub fn parse(body: &[u8]) -> Result<Node<'_>> {
    if body.is_empty() {
        return Err(refuse(String::new(), "syntax", "the body is empty; expected a JSON object"));
    }
    if body.starts_with(b"\xef\xbb\xbf") {
        return Err(refuse(
            String::new(),
            "syntax",
            "the body begins with a byte order mark; send it without",
        ));
    }
    let text = std::str::from_utf8(body).map_err(|e| {
        refuse(String::new(), "syntax", format!("the body is not UTF-8 from byte {}", e.valid_up_to()))
    })?;
    let mut guard = Guard::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let parsed = Seed { guard: &mut guard, depth: 0 }
        .deserialize(&mut deserializer)
        .and_then(|node| deserializer.end().map(|()| node));
    parsed.map_err(|error| {
        let pointer = guard.pointer();
        match guard.refusal {
            Some((code, detail)) => refuse(pointer, code, detail),
            None => refuse(pointer, "syntax", error.to_string()),
        }
    })
}

fn refuse(pointer: String, code: &'static str, detail: impl Into<String>) -> Error {
    let detail = detail.into();
    Error::new(Code::InvalidJson, detail.clone()).with_fields(vec![FieldError::new(pointer, code, detail)])
}

/// Appends one step to a JSON pointer (RFC 6901, section 3).
pub fn push_step(pointer: &mut String, step: &str) {
    pointer.push('/');
    for c in step.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

/// What the whole pass shares.
#[derive(Default)]
struct Guard {
    nodes: usize,
    /// The steps to the place of a failure, innermost first; filled while the failure travels outwards, so a body
    /// that is right pays nothing for it.
    trail: Vec<String>,
    /// Our own reason, which serde's error type cannot carry.
    refusal: Option<(&'static str, String)>,
}

impl Guard {
    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in self.trail.iter().rev() {
            push_step(&mut pointer, step);
        }
        pointer
    }

    fn refuse<E: de::Error>(&mut self, code: &'static str, detail: impl Into<String>) -> E {
        let detail = detail.into();
        let error = E::custom(&detail);
        self.refusal = Some((code, detail));
        error
    }

    fn check_text<E: de::Error>(&mut self, text: &str) -> Result<(), E> {
        if text.as_bytes().contains(&0) {
            return Err(self.refuse("invalid_character", "the character U+0000 is not allowed"));
        }
        Ok(())
    }
}

struct Seed<'g> {
    guard: &'g mut Guard,
    depth: usize,
}

impl Seed<'_> {
    fn deeper<E: de::Error>(&mut self) -> Result<usize, E> {
        if self.depth >= DEPTH_MAX {
            return Err(self.guard.refuse("too_deep", format!("nested more than {DEPTH_MAX} levels deep")));
        }
        Ok(self.depth + 1)
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Node<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        self.guard.nodes += 1;
        if self.guard.nodes > NODES_MAX {
            return Err(self.guard.refuse("too_many", format!("more than {NODES_MAX} values in one body")));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Node::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Node::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Node::Integer(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Node::Float(value))
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        self.guard.check_text(text)?;
        Ok(Node::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        self.guard.check_text(text)?;
        Ok(Node::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut access: A) -> Result<Self::Value, A::Error> {
        let depth = self.deeper()?;
        let mut items = Vec::new();
        loop {
            match access.next_element_seed(Seed { guard: &mut *self.guard, depth }) {
                Ok(None) => return Ok(Node::List(items)),
                Ok(Some(_)) if items.len() >= ITEMS_MAX => {
                    return Err(self.guard.refuse("too_many", format!("more than {ITEMS_MAX} items")));
                }
                Ok(Some(item)) => items.push(item),
                Err(error) => {
                    self.guard.trail.push(items.len().to_string());
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut access: A) -> Result<Self::Value, A::Error> {
        let depth = self.deeper()?;
        let mut members: Vec<(Cow<'de, str>, Node<'de>)> = Vec::with_capacity(8);
        while let Some(Key(key)) = access.next_key()? {
            if key.len() > KEY_MAX {
                return Err(self.guard.refuse("too_long", format!("a key is longer than {KEY_MAX} bytes")));
            }
            self.guard.check_text(&key)?;
            if members.len() >= MEMBERS_MAX {
                return Err(self.guard.refuse("too_many", format!("more than {MEMBERS_MAX} fields")));
            }
            if members.iter().any(|(known, _)| *known == key) {
                self.guard.trail.push(key.into_owned());
                return Err(self.guard.refuse("duplicate_key", "the field is there twice"));
            }
            match access.next_value_seed(Seed { guard: &mut *self.guard, depth }) {
                Ok(value) => members.push((key, value)),
                Err(error) => {
                    self.guard.trail.push(key.into_owned());
                    return Err(error);
                }
            }
        }
        Ok(Node::Object(members))
    }
}

/// A key that borrows where it can; `Cow`'s own `Deserialize` never does.
struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> de::Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}
