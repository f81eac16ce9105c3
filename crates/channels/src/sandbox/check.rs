//! Looking into a parameter, with Meta's words and codes for what is wrong with it.

use std::fmt;

use serde_json::{Map, Value};

use super::reply::GraphError;

/// A value inside a request that knows where it stands. The path is put together only for an error.
///
/// `'v` is the request's life, `'p` that of the nodes on the way here.
#[derive(Clone, Copy)]
pub(super) struct Node<'v, 'p> {
    value: &'v Value,
    key: Key<'p>,
    up: Option<&'p Node<'v, 'p>>,
}

#[derive(Clone, Copy)]
enum Key<'a> {
    Name(&'a str),
    Index(usize),
}

type Checked<T> = Result<T, GraphError>;

impl<'v, 'p> Node<'v, 'p> {
    /// A parameter of the request; `null` counts as missing.
    pub(super) fn top(params: &'v Map<String, Value>, key: &'p str) -> Option<Self> {
        let value = params.get(key).filter(|value| !value.is_null())?;
        Some(Self { value, key: Key::Name(key), up: None })
    }

    /// A parameter of the request that must be there.
    pub(super) fn need_top(params: &'v Map<String, Value>, key: &'p str) -> Checked<Self> {
        Self::top(params, key).ok_or_else(|| GraphError::missing(key))
    }

    pub(super) const fn value(&self) -> &'v Value {
        self.value
    }

    /// A field of this object, if it is there.
    pub(super) fn get<'q>(&'q self, key: &'q str) -> Checked<Option<Node<'v, 'q>>> {
        let value = self.object()?.get(key).filter(|value| !value.is_null());
        Ok(value.map(|value| Node { value, key: Key::Name(key), up: Some(self) }))
    }

    /// A field of this object that must be there: 131008.
    pub(super) fn need<'q>(&'q self, key: &'q str) -> Checked<Node<'v, 'q>> {
        self.get(key)?.ok_or_else(|| GraphError::missing(&format!("{self}['{key}']")))
    }

    /// The elements of this array.
    pub(super) fn items<'q>(&'q self) -> Checked<Vec<Node<'v, 'q>>> {
        let Value::Array(items) = self.value else {
            return Err(self.wrong("must be an array."));
        };
        let node = |(at, value)| Node { value, key: Key::Index(at), up: Some(self) };
        Ok(items.iter().enumerate().map(node).collect())
    }

    pub(super) fn object(&self) -> Checked<&'v Map<String, Value>> {
        self.value.as_object().ok_or_else(|| self.wrong("must be a JSON object."))
    }

    pub(super) fn str(&self) -> Checked<&'v str> {
        self.value.as_str().ok_or_else(|| self.wrong("must be a string."))
    }

    /// Text that is not empty (131008) and has at most `max` characters (100).
    pub(super) fn text(&self, max: usize) -> Checked<&'v str> {
        let text = self.str()?;
        if text.is_empty() {
            return Err(GraphError::missing(&self.to_string()));
        }
        if text.chars().count() > max {
            return Err(self.wrong(&format!("must be at most {max} characters long.")));
        }
        Ok(text)
    }

    /// Text inside an interactive message, whose wrong length is 131009.
    pub(super) fn label(&self, max: usize) -> Checked<&'v str> {
        let text = self.str()?;
        if text.is_empty() || text.chars().count() > max {
            return Err(GraphError::value(format!(
                "{self} length invalid. Min length: 1, Max length: {max}"
            )));
        }
        Ok(text)
    }

    pub(super) fn boolean(&self) -> Checked<bool> {
        match self.value {
            Value::Bool(yes) => Ok(*yes),
            // Forms know only text.
            Value::String(text) if text == "true" || text == "false" => Ok(text == "true"),
            _ => Err(self.wrong("must be a boolean.")),
        }
    }

    /// A number, written as one or as text.
    pub(super) fn number(&self) -> Checked<f64> {
        let number = self.value.as_f64().or_else(|| self.value.as_str()?.trim().parse().ok());
        number.filter(|n| n.is_finite()).ok_or_else(|| self.wrong("must be a number."))
    }

    /// One of a few words; 131009 otherwise.
    pub(super) fn one_of(&self, words: &[&str]) -> Checked<&'v str> {
        let text = self.str()?;
        if words.contains(&text) {
            return Ok(text);
        }
        Err(GraphError::value(format!("{self} must be one of {{{}}}.", words.join(", "))))
    }

    /// An address that Meta or a phone will open.
    pub(super) fn link(&self) -> Checked<&'v str> {
        let text = self.str()?;
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
        if host.is_empty() || text.len() > 2_083 || text.contains(char::is_whitespace) {
            return Err(self.wrong("is not a valid URI."));
        }
        Ok(text)
    }

    /// 100: this parameter is of a wrong kind.
    pub(super) fn wrong(&self, how: &str) -> GraphError {
        GraphError::parameter(format!("Param {self} {how}"))
    }
}

/// As Meta names it: `interactive['action']['buttons'][0]`.
impl fmt::Display for Node<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.up, self.key) {
            (None, Key::Name(name)) => f.write_str(name),
            (None, Key::Index(at)) => write!(f, "[{at}]"),
            (Some(up), Key::Name(name)) => write!(f, "{up}['{name}']"),
            (Some(up), Key::Index(at)) => write!(f, "{up}[{at}]"),
        }
    }
}
