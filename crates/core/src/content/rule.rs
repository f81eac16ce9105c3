//! Rules as tables: what an object of Meta's may hold, written down once.
//!
//! The same tables check what comes in ([`Rule::check`]) and describe it in the API's documents, so the two cannot
//! tell different stories. Lengths are counted in characters.

use crate::json::{Object, Value};

/// What a value must be.
#[derive(Clone, Copy)]
pub enum Rule {
    /// A text that somebody will read: 1 to so many characters, not all blank.
    Words(usize),
    /// A text of so many characters.
    Text {
        min: usize,
        max: usize,
    },
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// One of these words in upper or lower case, where Meta's own examples use both.
    OneOfAnyCase(&'static [&'static str]),
    Boolean,
    Whole {
        min: i64,
        max: i64,
    },
    /// Something with a rule of its own.
    Own(&'static Own),
    Object(&'static Shape),
    /// An object whose `type` says what else it holds.
    Kinds(&'static Kinds),
    List {
        min: usize,
        max: usize,
        item: &'static Self,
    },
    /// An object that Meta gives no closed shape: passed on as it is.
    Open,
}

/// A rule that a table cannot say.
pub struct Own {
    /// What it takes, for people: "1 to 10 digits".
    pub about: &'static str,
    pub accepts: Accepts,
    /// An example that passes, where it is a text.
    pub example: &'static str,
    pub check: fn(Value<'_>),
}

/// Which JSON an [`Own`] rule takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepts {
    Text,
    NumberOrText,
}

/// A closed object.
pub struct Shape {
    /// Its name in the documents; unique.
    pub name: &'static str,
    /// One sentence for people.
    pub about: &'static str,
    pub fields: &'static [Field],
    /// Rules over several fields.
    pub also: &'static [fn(&Object<'_>)],
    /// Whether fields that the table does not know may pass.
    pub open: bool,
}

/// A field of a [`Shape`].
pub struct Field {
    pub name: &'static str,
    pub required: bool,
    pub rule: Rule,
}

/// Objects told apart by their `type`.
pub struct Kinds {
    /// The name in the documents; unique.
    pub name: &'static str,
    pub about: &'static str,
    /// Whether `type` may be written in upper case too.
    pub any_case: bool,
    pub kinds: &'static [(&'static str, &'static Shape)],
}

pub const fn required(name: &'static str, rule: Rule) -> Field {
    Field { name, required: true, rule }
}

pub const fn optional(name: &'static str, rule: Rule) -> Field {
    Field { name, required: false, rule }
}

impl Shape {
    pub const fn new(name: &'static str, about: &'static str, fields: &'static [Field]) -> Self {
        Self { name, about, fields, also: &[], open: false }
    }

    #[must_use]
    pub const fn also(mut self, rules: &'static [fn(&Object<'_>)]) -> Self {
        self.also = rules;
        self
    }

    #[must_use]
    pub const fn open(mut self) -> Self {
        self.open = true;
        self
    }

    fn check(&self, object: &mut Object<'_>) {
        for field in self.fields {
            let check = |value: Value<'_>| {
                field.rule.check(value);
                Some(())
            };
            if field.required {
                object.required(field.name, check);
            } else {
                object.optional(field.name, check);
            }
        }
        for rule in self.also {
            rule(object);
        }
        if self.open {
            object.pass_others();
        }
    }
}

impl Rule {
    /// Notes everything that is wrong with `value`.
    pub fn check(&self, value: Value<'_>) {
        match *self {
            Self::Words(max) => words(value, max),
            Self::Text { min, max } => text(value, min, max),
            Self::OneOf(known) => one_of(value, known, |word, known| word == known),
            Self::OneOfAnyCase(known) => one_of(value, known, str::eq_ignore_ascii_case),
            Self::Boolean => drop(value.boolean()),
            Self::Whole { min, max } => drop(value.whole(min..=max)),
            Self::Own(own) => (own.check)(value),
            Self::Object(shape) => {
                value.object(|object| {
                    shape.check(object);
                    Some(())
                });
            }
            Self::Kinds(kinds) => kinds.check(value),
            Self::List { min, max, item } => {
                value.list(max, |one| {
                    item.check(one);
                    Some(())
                });
                if value.count().is_some_and(|count| count < min) {
                    let items = if min == 1 { "item" } else { "items" };
                    value.wrong::<()>("out_of_range", format!("expected at least {min} {items}"));
                }
            }
            Self::Open => drop(value.any_object()),
        }
    }
}

impl Kinds {
    fn find(&self, word: &str) -> Option<&'static Shape> {
        let same = |known: &str| known == word || (self.any_case && known.eq_ignore_ascii_case(word));
        self.kinds.iter().find(|(known, _)| same(known)).map(|(_, shape)| *shape)
    }

    fn check(&self, value: Value<'_>) {
        value.object(|object| {
            let shape = object.required("type", |v| match self.find(v.text()?) {
                Some(shape) => Some(shape),
                None => {
                    v.wrong("invalid_value", format!("expected {}", list_of(self.kinds.iter().map(|k| k.0))))
                }
            });
            match shape {
                Some(shape) => shape.check(object),
                // Nobody can say what the others should be.
                None => object.pass_others(),
            }
            Some(())
        });
    }
}

fn words(value: Value<'_>, max: usize) {
    let Some(text) = value.text() else { return };
    if text.trim().is_empty() {
        value.wrong::<()>("invalid_value", format!("expected 1 to {max} characters that are not all blank"));
    } else {
        no_longer_than(value, text, max);
    }
}

fn text(value: Value<'_>, min: usize, max: usize) {
    let Some(text) = value.text() else { return };
    if text.chars().count() < min {
        value.wrong::<()>("invalid_value", format!("expected {min} to {max} characters"));
    } else {
        no_longer_than(value, text, max);
    }
}

/// Notes a text of more than `max` characters.
pub fn no_longer_than(value: Value<'_>, text: &str, max: usize) {
    // Bytes are never fewer than characters, so most texts need no counting.
    let count = if text.len() <= max { text.len() } else { text.chars().count() };
    if count > max {
        value.wrong::<()>("too_long", format!("expected at most {max} characters, got {count}"));
    }
}

fn one_of(value: Value<'_>, known: &[&str], same: fn(&str, &str) -> bool) {
    let Some(word) = value.text() else { return };
    if !known.iter().any(|known| same(word, known)) {
        value.wrong::<()>("invalid_value", format!("expected {}", list_of(known.iter().copied())));
    }
}

fn list_of<'a>(words: impl ExactSizeIterator<Item = &'a str>) -> String {
    let one = words.len() == 1;
    let words = words.collect::<Vec<_>>().join(", ");
    if one { words } else { format!("one of {words}") }
}

/// Whether a field is there and not null.
pub fn has(object: &Object<'_>, name: &str) -> bool {
    object.value().member(name, |_| ()).is_some()
}

/// How many items an array has.
pub const fn count(value: Value<'_>) -> Option<usize> {
    value.count()
}

/// Notes it unless exactly one of the two is there.
pub fn exactly_one(object: &Object<'_>, one: &str, other: &str) {
    match (has(object, one), has(object, other)) {
        (false, false) => drop(object.wrong_itself::<()>("missing", format!("give {one} or {other}"))),
        (true, true) => {
            object.wrong::<()>(other, "invalid_value", format!("give {one} or {other}, not both"));
        }
        _ => {}
    }
}

/// Notes texts that are there twice.
#[derive(Default)]
pub struct Unique(Vec<String>);

impl Unique {
    pub fn see(&mut self, value: Value<'_>) {
        let Some(text) = value.as_text() else { return };
        if self.0.iter().any(|known| known == text) {
            value.wrong::<()>("invalid_value", "there twice; it must be unique in the message");
        } else {
            self.0.push(text.to_owned());
        }
    }
}
