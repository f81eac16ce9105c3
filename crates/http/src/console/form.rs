//! Forms that people send: `application/x-www-form-urlencoded`, every field known, none doubled, all errors at once.
//!
//! The guard in [`csrf`](super::csrf) has read the body by the time a handler runs; [`Form`] takes what it left. What is
//! wrong with a form is no refusal: the handler shows the form again ([`FormState`]), with each error at its field.

use std::borrow::Cow;
use std::collections::BTreeSet;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use gatepost_core::{Code, Error, FieldError, Result};
use http::request::Parts;

use crate::problem::Failure;

/// Most fields of a form.
const FIELDS_MAX: usize = 256;

/// The fields that were sent, in their order.
#[derive(Clone, Default)]
pub struct Sent(Vec<(String, String)>);

impl Sent {
    /// Decodes a body. It must be what a browser makes of a form (URL standard, section 5.2).
    ///
    /// Errors: `invalid_field` for what is not UTF-8, holds NUL, or is no such text.
    pub fn decode(body: &[u8]) -> Result<Self> {
        let bad = |detail: &'static str| {
            Error::new(Code::InvalidField, detail).with_fields(vec![FieldError::new("", "syntax", detail)])
        };
        if body.is_empty() {
            return Ok(Self::default());
        }
        let mut pairs = Vec::new();
        for part in body.split(|byte| *byte == b'&') {
            let at = part.iter().position(|byte| *byte == b'=').unwrap_or(part.len());
            let (name, value) = (&part[..at], part.get(at + 1..).unwrap_or_default());
            let decoded =
                decode(name).zip(decode(value)).ok_or_else(|| bad("the form is not well-formed"))?;
            if decoded.0.is_empty() {
                return Err(bad("a field has no name"));
            }
            pairs.push(decoded);
            if pairs.len() > FIELDS_MAX {
                return Err(bad("the form has too many fields"));
            }
        }
        Ok(Self(pairs))
    }

    /// The first value of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a field.
    pub fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Takes a field out, where it is there once.
    ///
    /// Errors: `invalid_field` where it is there twice.
    pub fn take(&mut self, name: &str) -> Result<Option<String>> {
        if self.all(name).count() > 1 {
            return Err(doubled(name));
        }
        let at = self.0.iter().position(|(key, _)| key == name);
        Ok(at.map(|at| self.0.remove(at).1))
    }

    /// Refuses fields that the form does not have, and those that are there twice and may not be.
    fn check(&self, known: &Known) -> Result<()> {
        let mut seen = BTreeSet::new();
        for (name, _) in &self.0 {
            if known.lists.contains(&name.as_str()) {
                continue;
            }
            if !known.fields.contains(&name.as_str()) {
                let short: String = name.chars().take(40).collect();
                return Err(Error::fields(vec![FieldError::new(
                    format!("/{short}"),
                    "unknown_field",
                    "the form has no such field",
                )]));
            }
            if !seen.insert(name) {
                return Err(doubled(name));
            }
        }
        Ok(())
    }
}

fn doubled(name: &str) -> Error {
    let pointer = format!("/{name}");
    Error::fields(vec![FieldError::new(pointer, "duplicate_key", "the field is there twice")])
}

/// One name or value; `None` for a broken escape, what is not UTF-8, or NUL.
fn decode(text: &[u8]) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
                let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            0 => return None,
            byte => *byte,
        });
    }
    if out.contains(&0) { None } else { String::from_utf8(out).ok() }
}

struct Known {
    fields: &'static [&'static str],
    lists: &'static [&'static str],
}

/// What a form means.
pub trait FormBody: Sized + Send {
    /// Its fields, each sent at most once.
    const FIELDS: &'static [&'static str];
    /// Those that are sent once for each choice.
    const LISTS: &'static [&'static str] = &[];

    /// Asks for every field, then builds; `None` where something was wrong, which `reader` has noted by then.
    fn read(reader: &mut Reader<'_>) -> Option<Self>;
}

/// Hands out fields, and notes what is wrong with them.
pub struct Reader<'s> {
    sent: &'s Sent,
    errors: Vec<FormError>,
}

impl Reader<'_> {
    /// Notes an error at a field.
    pub fn wrong(&mut self, field: &str, text: impl Into<Cow<'static, str>>) {
        self.errors.push(FormError { field: field.to_owned(), text: text.into() });
    }

    /// A text without the blanks around it; empty where it was not sent. For passwords there is [`Self::exact`].
    pub fn text(&mut self, field: &str) -> String {
        self.sent.get(field).unwrap_or_default().trim().to_owned()
    }

    /// A text as it was typed; empty where it was not sent.
    pub fn exact(&mut self, field: &str) -> String {
        self.sent.get(field).unwrap_or_default().to_owned()
    }

    /// A text that must be there.
    pub fn required(&mut self, field: &str, missing: &'static str) -> Option<String> {
        let text = self.text(field);
        if text.is_empty() {
            self.wrong(field, missing);
            return None;
        }
        Some(text)
    }

    /// What `parse` makes of a text; `None` with an error where it takes it not. An empty text is parsed too.
    pub fn parsed<T>(
        &mut self,
        field: &str,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = parse(&self.text(field));
        if value.is_none() {
            self.wrong(field, expected);
        }
        value
    }

    /// The same for what says by itself what it expects.
    pub fn checked<T>(
        &mut self,
        field: &str,
        check: impl FnOnce(&str) -> std::result::Result<T, String>,
    ) -> Option<T> {
        match check(&self.text(field)) {
            Ok(value) => Some(value),
            Err(expected) => {
                self.wrong(field, sentence(&expected));
                None
            }
        }
    }

    /// A box that is ticked or not: the value that [`checkbox`](super::parts::checkbox) writes, or nothing.
    pub fn ticked(&mut self, field: &str) -> bool {
        match self.sent.get(field) {
            None => false,
            Some("on") => true,
            Some(_) => {
                self.wrong(field, "Tick the box or leave it.");
                false
            }
        }
    }

    /// Every choice of a group, in the order of the page; a choice that `parse` does not know is an error.
    pub fn choices<T>(&mut self, field: &str, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let parsed: Option<Vec<T>> = self.sent.all(field).map(parse).collect();
        parsed.unwrap_or_else(|| {
            self.wrong(field, "Choose from the list.");
            Vec::new()
        })
    }
}

/// One wrong field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormError {
    /// Its name; empty for the form as a whole.
    pub field: String,
    /// What to do, as a sentence.
    pub text: Cow<'static, str>,
}

/// What a form shows: what was typed, and what was wrong with it. The default is a form that nobody has filled in.
#[derive(Clone, Default)]
pub struct FormState {
    sent: Sent,
    errors: Vec<FormError>,
}

impl FormState {
    /// A form that is filled in already.
    pub fn of<'n>(values: impl IntoIterator<Item = (&'n str, String)>) -> Self {
        let sent = Sent(values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
        Self { sent, errors: Vec::new() }
    }

    pub fn value(&self, field: &str) -> Option<&str> {
        self.sent.get(field)
    }

    /// Whether a choice of a group was made.
    pub fn chose(&self, field: &str, value: &str) -> bool {
        self.sent.all(field).any(|sent| sent == value)
    }

    /// Whether anything was filled in: a form that is shown first keeps its own defaults.
    pub fn is_empty(&self) -> bool {
        self.sent.0.is_empty()
    }

    pub fn error(&self, field: &str) -> Option<&str> {
        self.errors.iter().find(|error| error.field == field).map(|error| &*error.text)
    }

    pub fn errors(&self) -> &[FormError] {
        &self.errors
    }

    #[must_use]
    pub fn with_error(mut self, field: &str, text: impl Into<Cow<'static, str>>) -> Self {
        self.errors.push(FormError { field: field.to_owned(), text: text.into() });
        self
    }

    /// The same form with what the application had to say about it: every wrong field where the error names some, else
    /// its text for the form as a whole.
    ///
    /// Errors: the error itself, where it is not about what was filled in (whoever asks may not, nothing is there, the
    /// server failed).
    pub fn refused(mut self, error: Error) -> Result<Self> {
        if !matches!(error.code().status(), 400 | 409 | 413 | 422) {
            return Err(error);
        }
        for wrong in error.field_errors() {
            let field = wrong.pointer.trim_start_matches('/').split('/').next().unwrap_or_default();
            self.errors.push(FormError { field: field.to_owned(), text: sentence(&wrong.detail).into() });
        }
        if error.field_errors().is_empty() {
            self.errors.push(FormError { field: String::new(), text: sentence(error.detail()).into() });
        }
        Ok(self)
    }
}

/// An error's text as a sentence: errors begin in lower case and have no full stop.
pub fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", chars.as_str())
}

/// A form: what it means, where all of it was right, and what it shows.
pub struct Form<T> {
    pub read: Option<T>,
    pub state: FormState,
}

impl<T> Form<T> {
    /// What it means, with the form for what the application may refuse later.
    ///
    /// Errors: the form with its errors.
    pub fn into_result(self) -> std::result::Result<(T, FormState), FormState> {
        match self.read {
            Some(read) => Ok((read, self.state)),
            None => Err(self.state),
        }
    }

    /// Reads what was sent; for whoever stands behind other locks than the guard's.
    pub(super) fn of(sent: Sent) -> Result<Self>
    where
        T: FormBody,
    {
        sent.check(&Known { fields: T::FIELDS, lists: T::LISTS })?;
        let mut reader = Reader { sent: &sent, errors: Vec::new() };
        let read = T::read(&mut reader);
        let mut errors = reader.errors;
        if read.is_none() && errors.is_empty() {
            let text = "Something is missing.".into();
            errors.push(FormError { field: String::new(), text });
        }
        let read = read.filter(|_| errors.is_empty());
        Ok(Self { read, state: FormState { sent, errors } })
    }
}

impl<S: Send + Sync, T: FormBody> FromRequestParts<S> for Form<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> std::result::Result<Self, Failure> {
        match parts.extensions.remove::<Sent>() {
            Some(sent) => Ok(Self::of(sent)?),
            // The guard reads every form; a body that it did not see is read by nobody.
            None => Err(Error::internal("a form reached its handler past the guard").into()),
        }
    }
}

impl<S: Send + Sync, T: FormBody> OptionalFromRequestParts<S> for Form<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> std::result::Result<Option<Self>, Failure> {
        let there = parts.extensions.get::<Sent>().is_some();
        if !there {
            return Ok(None);
        }
        <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Ask {
        name: String,
        count: u8,
        days: Vec<u8>,
        sure: bool,
    }

    impl FormBody for Ask {
        const FIELDS: &'static [&'static str] = &["name", "count", "sure"];
        const LISTS: &'static [&'static str] = &["day"];

        fn read(reader: &mut Reader<'_>) -> Option<Self> {
            let name = reader.required("name", "Give it a name.");
            let count = reader.parsed("count", "Give a number.", |text| text.parse().ok());
            let days = reader.choices("day", |text| text.parse().ok());
            let sure = reader.ticked("sure");
            Some(Self { name: name?, count: count?, days, sure })
        }
    }

    fn form(body: &str) -> Result<Form<Ask>> {
        Form::of(Sent::decode(body.as_bytes())?)
    }

    #[test]
    fn read_whole() {
        let read = form("name=+A%26B%C3%BC+&count=3&day=1&day=2&sure=on").unwrap().read.unwrap();
        assert_eq!(read, Ask { name: "A&Bü".into(), count: 3, days: vec![1, 2], sure: true });
    }

    #[test]
    fn all_errors_at_once_and_what_was_typed() {
        let state = form("count=x&day=9999&sure=yes").unwrap().into_result().err().unwrap();
        let fields: Vec<&str> = state.errors().iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["name", "count", "day", "sure"]);
        assert_eq!((state.value("count"), state.error("name")), (Some("x"), Some("Give it a name.")));
        // An error beside a whole reading is an error still.
        assert!(form("name=a&count=1&sure=2").unwrap().read.is_none());
    }

    #[test]
    fn neither_unknown_nor_doubled() {
        for bad in ["name=a&nmae=b", "name=a&name=a", "count=1&count=2&name=a", "sure=on&sure=on"] {
            let refused = form(bad).err().unwrap();
            assert_eq!(refused.code(), Code::InvalidField, "{bad}");
        }
    }

    #[test]
    fn only_what_a_browser_sends() {
        for bad in
            [&b"a=%zz"[..], b"a=%4", b"a=%", b"a=%ff", b"a=\xff", b"a=%00", b"a=\0", b"&", b"a=1&", b"=1"]
        {
            assert!(Sent::decode(bad).is_err(), "{bad:?}");
        }
        let many = "a=1&".repeat(FIELDS_MAX) + "a=1";
        assert!(Sent::decode(many.as_bytes()).is_err());
        assert_eq!(Sent::decode(b"a&b=").unwrap().get("a"), Some(""));
    }

    #[test]
    fn the_same_as_the_reference_for_all_that_is_taken() {
        use proptest::prelude::*;
        proptest!(|(body in "([a-z%0-9+ü]{1,6}=?[a-zA-F%0-9+=ü]{0,8}&?){0,6}")| {
            if let Ok(Sent(pairs)) = Sent::decode(body.as_bytes()) {
                let reference: Vec<(String, String)> =
                    url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
                prop_assert_eq!(pairs, reference);
            }
        });
    }

    #[test]
    fn what_the_application_says_stands_at_the_field() {
        let error =
            Error::fields(vec![FieldError::new("/entries/0/network", "invalid_value", "expected a network")]);
        let state = FormState::default().refused(error).unwrap();
        assert_eq!(state.error("entries"), Some("Expected a network."));
        let state = FormState::default().refused(Error::new(Code::Conflict, "it exists")).unwrap();
        assert_eq!(state.error(""), Some("It exists."));
        assert!(FormState::default().refused(Error::of(Code::PermissionMissing)).is_err());
    }
}
