//! Query parameters: declared by the route, each at most once, nothing else let in.

use std::borrow::Cow;

use axum::extract::FromRequestParts;
use gatepost_core::{Code, Error, Result};
use http::request::Parts;

use crate::problem::Failure;

/// A query parameter as the documents show it.
#[derive(Debug, Clone, Copy)]
pub struct QueryParameter {
    pub name: &'static str,
    pub description: &'static str,
    pub example: &'static str,
    /// `string` or `integer`, as JSON Schema names it.
    pub kind: &'static str,
    pub required: bool,
}

impl QueryParameter {
    pub const fn text(name: &'static str, description: &'static str, example: &'static str) -> Self {
        Self { name, description, example, kind: "string", required: false }
    }

    pub const fn integer(name: &'static str, description: &'static str, example: &'static str) -> Self {
        Self { name, description, example, kind: "integer", required: false }
    }

    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }
}

/// The query parameters of one route.
#[derive(Debug, Clone, Default)]
pub struct QueryRule {
    names: Vec<&'static str>,
    /// True where a third party decides what it sends along.
    open: bool,
}

impl QueryRule {
    pub fn new(parameters: &[QueryParameter], open: bool) -> Self {
        Self { names: parameters.iter().map(|p| p.name).collect(), open }
    }

    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// Errors: `invalid_parameter` for a parameter that the route does not know, or one that is there twice.
    pub fn check(&self, query: &str) -> Result<()> {
        if self.open {
            return Ok(());
        }
        let mut seen: Vec<Cow<'_, str>> = Vec::new();
        for (name, _) in url::form_urlencoded::parse(query.as_bytes()) {
            if seen.contains(&name) {
                return Err(invalid(format!("the query parameter {:?} is there twice", short(&name))));
            }
            if !self.names.contains(&&*name) {
                let known = match self.names.as_slice() {
                    [] => "this route takes none".to_owned(),
                    names => format!("known are {}", names.join(", ")),
                };
                return Err(invalid(format!("unknown query parameter {:?}; {known}", short(&name))));
            }
            seen.push(name);
        }
        Ok(())
    }
}

fn short(name: &str) -> String {
    name.chars().take(40).collect()
}

/// A parameter that is not what it should be.
pub fn invalid(detail: impl Into<String>) -> Error {
    Error::new(Code::InvalidParameter, detail)
}

/// The decoded query; the route's access has checked the names by the time a handler gets it.
pub struct Query(Vec<(String, String)>);

impl Query {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()))
    }
}

/// The parameters of every list.
pub const LIST: [QueryParameter; 2] = [
    QueryParameter::integer("limit", "How many to answer, 1 to 100; 25 where it is not said.", "25"),
    QueryParameter::text("after", "The next_cursor of the page before.", ""),
];

/// Longest cursor, in bytes.
const CURSOR_MAX: usize = 512;

/// Which page of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paging {
    /// 1 to 100.
    pub limit: usize,
    pub after: Option<String>,
}

impl Paging {
    /// Errors: `invalid_parameter` naming the parameter.
    pub fn of(query: &Query) -> Result<Self> {
        let limit = match query.get("limit") {
            None => 25,
            Some(text) => match text.parse::<usize>() {
                Ok(limit) if (1..=100).contains(&limit) && !text.starts_with('+') => limit,
                _ => return Err(invalid("limit: expected a whole number from 1 to 100")),
            },
        };
        let after = match query.get("after") {
            None => None,
            Some(text) if text.is_empty() || text.len() > CURSOR_MAX || !text.is_ascii() => {
                return Err(invalid("after: expected the next_cursor of the page before"));
            }
            Some(text) => Some(text.to_owned()),
        };
        Ok(Self { limit, after })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn query(text: &str) -> Query {
        Query(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    #[test]
    fn unknown_and_doubled_parameters() {
        let rule = QueryRule::new(&LIST, false);
        assert!(rule.check("limit=3&after=x").is_ok());
        assert!(rule.check("limti=3").unwrap_err().detail().contains("limit, after"));
        assert!(rule.check("limit=3&limit=3").is_err());
        assert!(QueryRule::default().check("x").is_err());
        assert!(QueryRule::new(&[], true).check("x=1&x=2").is_ok());
    }

    #[test]
    fn paging() {
        assert_eq!(Paging::of(&query("")).unwrap(), Paging { limit: 25, after: None });
        assert_eq!(Paging::of(&query("limit=100&after=ab")).unwrap().limit, 100);
        for bad in ["limit=0", "limit=101", "limit=-1", "limit=+5", "limit=x", "limit=", "after="] {
            assert_eq!(Paging::of(&query(bad)).unwrap_err().code(), Code::InvalidParameter, "{bad}");
        }
    }
}
