//! Headers that an endpoint's owner adds to its deliveries: an `Authorization` of theirs, a routing hint.
//!
//! Threat note. Defends against: request smuggling and splitting (names are RFC 9110 tokens, values have no control
//! characters, nothing that frames or routes the request may be set), and a header that passes for one of ours. The
//! values are secrets: they are sealed where they lie and never shown again.

use std::fmt;

/// Most headers of one endpoint.
pub const HEADERS_MAX: usize = 20;
/// Longest name, in bytes.
pub const NAME_MAX: usize = 100;
/// Longest value, in bytes.
pub const VALUE_MAX: usize = 1_024;
/// Names and values together, in bytes.
pub const TOTAL_MAX: usize = 4_096;

/// Who reads these is the connection or a proxy (RFC 9110 section 7.6.1), not the receiver; or they frame the body; or
/// they are ours.
const RESERVED: [&str; 30] = [
    "accept-encoding",
    "alt-svc",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "content-range",
    "cookie",
    "date",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "request-id",
    "te",
    "traceparent",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
];
/// Families that are ours.
const RESERVED_PREFIXES: [&str; 4] = ["webhook-", "x-gatepost-", "x-loginwa-", "sec-"];

/// Names in lower case with their values, in the order they were given.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct CustomHeaders(Vec<(String, String)>);

impl CustomHeaders {
    /// Checks each header; the error names the first that is not allowed, never its value.
    pub fn new(headers: Vec<(String, String)>) -> Result<Self, String> {
        if headers.len() > HEADERS_MAX {
            return Err(format!("expected at most {HEADERS_MAX} headers"));
        }
        let mut kept: Vec<(String, String)> = Vec::with_capacity(headers.len());
        for (name, value) in headers {
            let name = name.to_ascii_lowercase();
            check_name(&name)?;
            if kept.iter().any(|(other, _)| *other == name) {
                return Err(format!("{name}: given twice"));
            }
            check_value(&value).map_err(|why| format!("{name}: {why}"))?;
            kept.push((name, value));
        }
        if kept.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > TOTAL_MAX {
            return Err(format!("expected at most {TOTAL_MAX} bytes of headers in all"));
        }
        Ok(Self(kept))
    }

    /// Headers that were checked when they were stored. One that is not allowed any more is left out rather than in the
    /// way of deliveries.
    pub fn stored(headers: Vec<(String, String)>) -> Self {
        let allowed =
            |(name, value): &(String, String)| check_name(name).is_ok() && check_value(value).is_ok();
        Self(headers.into_iter().filter(allowed).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names, for people; values are never shown.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Names and values, for the request and for sealing.
    pub fn expose(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl fmt::Debug for CustomHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

fn check_name(name: &str) -> Result<(), String> {
    // RFC 9110 section 5.6.2.
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || name.len() > NAME_MAX || !name.bytes().all(token) {
        return Err(format!(
            "expected names of 1 to {NAME_MAX} letters, digits and - _ . ! # $ % & ' * + ^ ` | ~"
        ));
    }
    let reserved =
        RESERVED.contains(&name) || RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    if reserved { Err(format!("{name}: this header is not for endpoints to set")) } else { Ok(()) }
}

fn check_value(value: &str) -> Result<(), String> {
    if value.len() > VALUE_MAX {
        return Err(format!("expected at most {VALUE_MAX} bytes"));
    }
    if !value.bytes().all(|b| matches!(b, b' '..=b'~')) || value.trim() != value {
        return Err("expected printable ASCII without blanks at its ends".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn one(name: &str, value: &str) -> Result<CustomHeaders, String> {
        CustomHeaders::new(vec![(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn what_is_allowed() {
        let headers = one("Authorization", "Bearer s3cret").unwrap();
        assert_eq!(headers.expose().collect::<Vec<_>>(), [("authorization", "Bearer s3cret")]);
        assert_eq!(format!("{headers:?}"), r#"["authorization"]"#);
        assert!(one("x-team", "").is_ok());
        let stored = CustomHeaders::stored(vec![
            ("x-a".to_owned(), "1".to_owned()),
            ("host".to_owned(), "inside.example".to_owned()),
            ("x-b".to_owned(), "1\r\nhost: inside.example".to_owned()),
        ]);
        assert_eq!(stored.names().collect::<Vec<_>>(), ["x-a"]);
    }

    #[test]
    fn what_is_not() {
        for name in [
            "",
            "Host",
            "content-length",
            "Transfer-Encoding",
            "WEBHOOK-ID",
            "x-gatepost-event",
            "a b",
            "a:b",
            "a\r\nb",
            "ä",
            "te",
            "Connection",
            "x-forwarded-for",
        ] {
            assert!(one(name, "v").is_err(), "{name:?}");
        }
        for value in ["a\r\nx: y", "a\0", " a", "a ", "ä", "\u{7f}", &"x".repeat(VALUE_MAX + 1)] {
            assert!(one("x-a", value).is_err(), "{value:?}");
        }
        assert!(!one("x-a", "s3cret\u{7f}").unwrap_err().contains("s3cret"), "values are secrets");
        let twice = vec![("x-a".to_owned(), "1".to_owned()), ("X-A".to_owned(), "2".to_owned())];
        assert!(CustomHeaders::new(twice).is_err());
        let many = (0..=HEADERS_MAX).map(|i| (format!("x-{i}"), "v".to_owned())).collect();
        assert!(CustomHeaders::new(many).is_err());
        let long = (0..5).map(|i| (format!("x-{i}"), "v".repeat(VALUE_MAX))).collect();
        assert!(CustomHeaders::new(long).is_err());
    }
}
