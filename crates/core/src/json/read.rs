//! Reading fields out of a parsed body, all wrong ones at once.
//!
//! A reader asks an [`Object`] for its fields by name, each with a function that turns the [`Value`] into something of
//! the domain. Whatever is wrong is written down with its JSON pointer and reading goes on; fields that nobody asked
//! for are refused at the end, with the name that was probably meant.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::RangeInclusive;

use serde_json::value::RawValue;

use super::node::{self, Node, push_step};
use crate::{Error, FieldError, Result};

/// Most wrong fields that are told at once; whoever has more wrong than that reads on after the first correction.
pub const WRONG_MAX: usize = 100;

/// Reads a whole document: strictly parsed, then whatever `read` asks for, all that is wrong at once.
///
/// Errors: `invalid_json` for what is not strict JSON, else `invalid_field` (or the one field's own code).
pub fn decode<T>(body: &[u8], read: impl FnOnce(Value<'_>) -> Option<T>) -> Result<T> {
    let root = node::parse(body)?;
    let sheet = Sheet { source: body, wrong: RefCell::default() };
    let read = read(Value { node: &root, path: Path::Root, sheet: &sheet });
    let wrong = sheet.wrong.into_inner();
    match read {
        Some(body) if wrong.is_empty() => Ok(body),
        _ if wrong.is_empty() => Err(Error::internal("a reader refused without a reason")),
        _ => Err(Error::fields(wrong)),
    }
}

/// What a change says about one field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Patch<T> {
    /// The field was left out.
    #[default]
    Keep,
    /// It was `null`.
    Clear,
    Set(T),
}

impl<T> Patch<T> {
    pub const fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// The value as it will be, where `kept` is what it was.
    pub fn over(self, kept: Option<T>) -> Option<T> {
        match self {
            Self::Keep => kept,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

/// What the readers of one body share.
struct Sheet<'v> {
    source: &'v [u8],
    wrong: RefCell<Vec<FieldError>>,
}

/// The way from the root to a value; written out only when something is wrong there.
#[derive(Clone, Copy)]
enum Path<'p> {
    Root,
    Member(&'p Path<'p>, &'p str),
    Item(&'p Path<'p>, usize),
}

impl Path<'_> {
    fn steps(&self, out: &mut Vec<String>) {
        match self {
            Self::Root => {}
            Self::Member(parent, name) => {
                parent.steps(out);
                out.push((*name).to_owned());
            }
            Self::Item(parent, index) => {
                parent.steps(out);
                out.push(index.to_string());
            }
        }
    }

    fn pointer(&self) -> String {
        let mut steps = Vec::new();
        self.steps(&mut steps);
        steps.iter().fold(String::new(), |mut pointer, step| {
            push_step(&mut pointer, step);
            pointer
        })
    }
}

/// A value and its place in the body.
#[derive(Clone, Copy)]
pub struct Value<'v> {
    node: &'v Node<'v>,
    path: Path<'v>,
    sheet: &'v Sheet<'v>,
}

impl<'v> Value<'v> {
    /// Notes that this value is wrong, with a stable code and a sentence that says what it takes.
    pub fn wrong<T>(self, code: &'static str, detail: impl Into<String>) -> Option<T> {
        let mut wrong = self.sheet.wrong.borrow_mut();
        if wrong.len() < WRONG_MAX {
            wrong.push(FieldError::new(self.path.pointer(), code, detail));
        }
        None
    }

    /// How much was found wrong in the whole document so far.
    pub fn wrong_so_far(self) -> usize {
        self.sheet.wrong.borrow().len()
    }

    fn wrong_type<T>(self, wanted: &str) -> Option<T> {
        self.wrong("invalid_type", format!("expected {wanted}, got {}", self.node.kind()))
    }

    pub fn is_text(self) -> bool {
        matches!(self.node, Node::Text(_))
    }

    /// The text, where it is one.
    pub fn as_text(self) -> Option<&'v str> {
        match self.node {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn text(self) -> Option<&'v str> {
        match self.node {
            Node::Text(text) => Some(text),
            _ => self.wrong_type("a text"),
        }
    }

    pub fn boolean(self) -> Option<bool> {
        match self.node {
            Node::Boolean(value) => Some(*value),
            _ => self.wrong_type("true or false"),
        }
    }

    /// A whole number within `range`.
    pub fn integer(self, range: RangeInclusive<u32>) -> Option<u32> {
        match self.node {
            Node::Integer(value) => match u32::try_from(*value) {
                Ok(value) if range.contains(&value) => Some(value),
                _ => self.out_of_range(&range),
            },
            Node::Float(_) => self.out_of_range(&range),
            _ => self.wrong_type("a whole number"),
        }
    }

    /// A whole number within `range`, however large.
    pub fn whole(self, range: RangeInclusive<i64>) -> Option<i64> {
        match self.node {
            Node::Integer(value) => match i64::try_from(*value) {
                Ok(value) if range.contains(&value) => Some(value),
                _ => self.out_of_range_of("whole number", &range),
            },
            Node::Float(_) => self.out_of_range_of("whole number", &range),
            _ => self.wrong_type("a whole number"),
        }
    }

    /// A number within `range`, with or without a fraction.
    pub fn number(self, range: RangeInclusive<f64>) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "compared with small bounds")]
        let value = match self.node {
            Node::Integer(value) => *value as f64,
            Node::Float(value) => *value,
            _ => return self.wrong_type("a number"),
        };
        if range.contains(&value) { Some(value) } else { self.out_of_range_of("number", &range) }
    }

    fn out_of_range<T>(self, range: &RangeInclusive<u32>) -> Option<T> {
        self.out_of_range_of("whole number", range)
    }

    fn out_of_range_of<T, N: Display>(self, what: &str, range: &RangeInclusive<N>) -> Option<T> {
        self.wrong("out_of_range", format!("expected a {what} from {} to {}", range.start(), range.end()))
    }

    /// A text that `parse` understands; its error is a sentence for the caller.
    pub fn parse<T, E: Display>(self, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        self.parse_or("invalid_value", parse)
    }

    /// As [`Value::parse`], with a code of its own.
    pub fn parse_or<T, E: Display>(
        self,
        code: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match parse(self.text()?) {
            Ok(value) => Some(value),
            Err(error) => self.wrong(code, error.to_string()),
        }
    }

    /// Looks at each item of an array, and at none of anything else. Notes nothing by itself.
    pub fn each(self, mut look: impl FnMut(Value<'_>)) {
        if let Node::List(nodes) = self.node {
            for (index, node) in nodes.iter().enumerate() {
                look(Value { node, path: Path::Item(&self.path, index), sheet: self.sheet });
            }
        }
    }

    /// Looks at a member of an object that is there and not null. Notes nothing by itself.
    pub fn member<T>(self, name: &str, look: impl FnOnce(Value<'_>) -> T) -> Option<T> {
        let Node::Object(members) = self.node else { return None };
        let (key, node) = members.iter().find(|(key, _)| key == name)?;
        if *node == Node::Null {
            return None;
        }
        Some(look(Value { node, path: Path::Member(&self.path, key), sheet: self.sheet }))
    }

    /// How many items an array has; nothing where it is none.
    pub const fn count(self) -> Option<usize> {
        match self.node {
            Node::List(nodes) => Some(nodes.len()),
            _ => None,
        }
    }

    /// Any object, whatever it holds.
    pub fn any_object(self) -> Option<()> {
        match self.node {
            Node::Object(_) => Some(()),
            _ => self.wrong_type("an object"),
        }
    }

    /// An array of at most `max` items; every wrong item is noted.
    pub fn list<T>(self, max: usize, mut item: impl FnMut(Value<'_>) -> Option<T>) -> Option<Vec<T>> {
        let Node::List(nodes) = self.node else { return self.wrong_type("an array") };
        if nodes.len() > max {
            return self.wrong("too_many", format!("expected at most {max} items, got {}", nodes.len()));
        }
        let read: Vec<Option<T>> = nodes
            .iter()
            .enumerate()
            .map(|(index, node)| item(Value { node, path: Path::Item(&self.path, index), sheet: self.sheet }))
            .collect();
        read.into_iter().collect()
    }

    /// An object whose names the caller chooses, with at most `max` of them; every wrong member is noted. Names come
    /// once each: the strict pass sees to that.
    pub fn entries<T>(
        self,
        max: usize,
        mut entry: impl FnMut(&str, Value<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Node::Object(members) = self.node else { return self.wrong_type("an object") };
        if members.len() > max {
            return self.wrong("too_many", format!("expected at most {max} names, got {}", members.len()));
        }
        let read: Vec<Option<T>> = members
            .iter()
            .map(|(name, node)| {
                entry(name, Value { node, path: Path::Member(&self.path, name), sheet: self.sheet })
            })
            .collect();
        read.into_iter().collect()
    }

    /// An object, read by `fields`; what it did not ask for is refused.
    pub fn object<T>(self, fields: impl FnOnce(&mut Object<'_>) -> Option<T>) -> Option<T> {
        let Node::Object(members) = self.node else { return self.wrong_type("an object") };
        let mut object = Object { members, at: self, asked: Vec::with_capacity(8), open: false };
        let read = fields(&mut object);
        if !object.open {
            object.refuse_unknown();
        }
        read
    }

    /// The value's own bytes, unchanged, for what is passed on as it came.
    pub fn raw(self) -> Option<Box<RawValue>> {
        let mut steps = Vec::new();
        self.path.steps(&mut steps);
        match raw_at(self.sheet.source, &steps) {
            Ok(raw) => Some(raw.to_owned()),
            // The strict pass has read these very bytes.
            Err(_) => self.wrong("invalid_value", "cannot be passed on"),
        }
    }
}

fn raw_at<'v>(source: &'v [u8], steps: &[String]) -> serde_json::Result<&'v RawValue> {
    use serde::de::Error as _;
    use std::collections::BTreeMap;

    let mut at: &RawValue = serde_json::from_slice(source)?;
    for step in steps {
        let lost = || serde_json::Error::custom("no such place");
        at = if at.get().starts_with('[') {
            let index: usize = step.parse().map_err(|_| lost())?;
            serde_json::from_str::<Vec<&RawValue>>(at.get())?.get(index).copied().ok_or_else(lost)?
        } else {
            serde_json::from_str::<BTreeMap<String, &RawValue>>(at.get())?.remove(step).ok_or_else(lost)?
        };
    }
    Ok(at)
}

/// An object whose fields are being asked for.
pub struct Object<'v> {
    members: &'v [(std::borrow::Cow<'v, str>, Node<'v>)],
    at: Value<'v>,
    asked: Vec<&'static str>,
    open: bool,
}

impl<'v> Object<'v> {
    /// Lets every other field pass, for objects whose whole shape nobody gives.
    pub const fn pass_others(&mut self) {
        self.open = true;
    }

    /// The object as a value, for rules that look at more than one field.
    pub const fn value(&self) -> Value<'v> {
        self.at
    }

    fn find(&mut self, name: &'static str) -> Option<&Node<'_>> {
        self.asked.push(name);
        self.members.iter().find(|(key, _)| key == name).map(|(_, node)| node)
    }

    /// A field that must be there. `null` counts as missing.
    pub fn required<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(Value<'_>) -> Option<T>,
    ) -> Option<T> {
        self.required_or(name, "missing", "this field is required", read)
    }

    /// As [`Object::required`], with its own code and sentence for when it is missing.
    pub fn required_or<T>(
        &mut self,
        name: &'static str,
        code: &'static str,
        detail: &str,
        read: impl FnOnce(Value<'_>) -> Option<T>,
    ) -> Option<T> {
        match self.optional(name, read)? {
            Some(value) => Some(value),
            None => self.wrong(name, code, detail),
        }
    }

    /// A field that may be missing or `null`. The outer `None` says that it was there and wrong.
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(Value<'_>) -> Option<T>,
    ) -> Option<Option<T>> {
        let (path, sheet) = (self.at.path, self.at.sheet);
        match self.find(name) {
            None | Some(Node::Null) => Some(None),
            Some(node) => read(Value { node, path: Path::Member(&path, name), sheet }).map(Some),
        }
    }

    /// A field of a change, where `null` says that the value is to go. `None` says that it was there and wrong.
    pub fn patch<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(Value<'_>) -> Option<T>,
    ) -> Option<Patch<T>> {
        let null = matches!(self.members.iter().find(|(key, _)| key == name), Some((_, Node::Null)));
        match self.optional(name, read)? {
            Some(value) => Some(Patch::Set(value)),
            None if null => Some(Patch::Clear),
            None => Some(Patch::Keep),
        }
    }

    /// Notes that the field `name` is wrong, for rules that need more than one field.
    pub fn wrong<T>(&self, name: &str, code: &'static str, detail: impl Into<String>) -> Option<T> {
        Value { path: Path::Member(&self.at.path, name), ..self.at }.wrong(code, detail)
    }

    /// Notes that the object as a whole is wrong.
    pub fn wrong_itself<T>(&self, code: &'static str, detail: impl Into<String>) -> Option<T> {
        self.at.wrong(code, detail)
    }

    fn refuse_unknown(&self) {
        for (key, _) in self.members {
            if self.asked.iter().any(|name| name == key) {
                continue;
            }
            let detail = match nearest(key, &self.asked) {
                Some(name) => format!("unknown field; did you mean {name}?"),
                None if self.asked.is_empty() => "unknown field; this object takes none".to_owned(),
                None => format!("unknown field; known are {}", self.asked.join(", ")),
            };
            self.wrong::<()>(key, "unknown_field", detail);
        }
    }
}

/// The known name that `written` is a likely slip of: at most a third of it differs.
fn nearest(written: &str, known: &[&'static str]) -> Option<&'static str> {
    let written: String = written.chars().take(40).flat_map(char::to_lowercase).collect();
    known
        .iter()
        .map(|name| (distance(&written, name), *name))
        .filter(|(distance, name)| *distance <= (name.len() / 3).max(1))
        .min()
        .map(|(_, name)| name)
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// The fields that a reader asks for, and the pointers it misses in an empty object: what its documents must say.
pub fn fields_of<T>(read: impl FnOnce(&mut Object<'_>) -> Option<T>) -> (Vec<&'static str>, Vec<String>) {
    let root = Node::Object(Vec::new());
    let sheet = Sheet { source: b"{}", wrong: RefCell::default() };
    let at = Value { node: &root, path: Path::Root, sheet: &sheet };
    let mut object = Object { members: &[], at, asked: Vec::new(), open: false };
    let _ = read(&mut object);
    let asked = object.asked;
    (asked, sheet.wrong.into_inner().into_iter().map(|wrong| wrong.pointer).collect())
}
