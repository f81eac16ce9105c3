//! What a request presents to prove who it is.
//!
//! Defends against: two parties reading two different credentials out of one request (doubled headers, two headers
//! that differ: refused, never picked from), keys in URLs, which end up in histories and logs (refused even when they
//! are right), and ambient authority (cookies are not looked at).
//! Does not defend against: a key that its holder gives away.

use gatepost_core::{Code, Error, Result};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, Uri};

pub const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Query parameters under which people send keys elsewhere.
const SECRET_PARAMETERS: [&str; 9] =
    ["api_key", "apikey", "api-key", "x-api-key", "key", "token", "access_token", "authorization", "auth"];

/// The one header of that name; `None` where there is none.
///
/// Errors: `conflict` where it is there twice, even with the same value.
pub fn single<'h>(headers: &'h HeaderMap, name: &HeaderName, conflict: Code) -> Result<Option<&'h [u8]>> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(_), Some(_)) => Err(Error::new(conflict, format!("the header {name} is there twice"))),
        (first, _) => Ok(first.map(http::HeaderValue::as_bytes)),
    }
}

/// The API key that the headers present.
///
/// Errors: `unauthorized` where there is none or it is malformed, `credentials_conflict` where there are several.
pub fn presented_key(headers: &HeaderMap) -> Result<&str> {
    let bearer = single(headers, &AUTHORIZATION, Code::CredentialsConflict)?.map(bearer_token).transpose()?;
    let plain = single(headers, &X_API_KEY, Code::CredentialsConflict)?.map(visible).transpose()?;
    match (bearer, plain) {
        (Some(bearer), Some(plain)) if bearer != plain => Err(Error::of(Code::CredentialsConflict)),
        (Some(key), _) | (None, Some(key)) => Ok(key),
        (None, None) => Err(Error::of(Code::Unauthorized)),
    }
}

fn bearer_token(value: &[u8]) -> Result<&str> {
    let text = visible(value)?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => {
            Ok(token.trim())
        }
        _ => Err(Error::new(Code::Unauthorized, "expected Authorization: Bearer and an API key")),
    }
}

fn visible(value: &[u8]) -> Result<&str> {
    match std::str::from_utf8(value) {
        Ok(text) if !text.trim().is_empty() && text.is_ascii() => Ok(text.trim()),
        _ => Err(Error::new(Code::Unauthorized, "the credential is empty or not ASCII")),
    }
}

/// Refuses a key in the query, right or wrong.
pub fn refuse_key_in_query(uri: &Uri, allowed: &[&str]) -> Result<()> {
    let Some(query) = uri.query() else { return Ok(()) };
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let secret = SECRET_PARAMETERS.iter().any(|known| name.eq_ignore_ascii_case(known));
        let key = ["gp_live_", "gp_test_", "gp_at_", "gp_rt_"].iter().any(|start| value.starts_with(start));
        if (secret && !allowed.contains(&&*name)) || key {
            return Err(Error::new(
                Code::Unauthorized,
                "credentials are not accepted in the URL; send Authorization: Bearer, and rotate a key that was sent this way",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    fn code(pairs: &[(&'static str, &'static str)]) -> Result<String, &'static str> {
        presented_key(&headers(pairs)).map(str::to_owned).map_err(|e| e.code().as_str())
    }

    #[test]
    fn one_credential_in_either_header() {
        assert_eq!(code(&[("authorization", "Bearer gp_a")]), Ok("gp_a".into()));
        assert_eq!(code(&[("authorization", "bearer  gp_a ")]), Ok("gp_a".into()));
        assert_eq!(code(&[("x-api-key", "gp_a")]), Ok("gp_a".into()));
        assert_eq!(code(&[("x-api-key", "gp_a"), ("authorization", "Bearer gp_a")]), Ok("gp_a".into()));
    }

    #[test]
    fn never_a_pick() {
        let conflict = Err("credentials_conflict");
        assert_eq!(code(&[("x-api-key", "gp_a"), ("authorization", "Bearer gp_b")]), conflict);
        assert_eq!(code(&[("x-api-key", "gp_a"), ("x-api-key", "gp_a")]), conflict);
        assert_eq!(code(&[("authorization", "Bearer gp_a"), ("authorization", "Bearer gp_a")]), conflict);
    }

    #[test]
    fn nothing_else_counts() {
        let refused = Err("unauthorized");
        assert_eq!(code(&[]), refused);
        assert_eq!(code(&[("authorization", "Bearer")]), refused);
        assert_eq!(code(&[("authorization", "Bearer ")]), refused);
        assert_eq!(code(&[("authorization", "Basic Z3A6YQ==")]), refused);
        assert_eq!(code(&[("authorization", "gp_a")]), refused);
        assert_eq!(code(&[("x-api-key", "")]), refused);
        assert_eq!(code(&[("cookie", "key=gp_a")]), refused);
        // A wrong form in one header is not mended by the other.
        assert_eq!(code(&[("authorization", "Basic Z3A6YQ=="), ("x-api-key", "gp_a")]), refused);
    }

    #[test]
    fn keys_in_urls() {
        let refused = |uri: &'static str| refuse_key_in_query(&Uri::from_static(uri), &[]).is_err();
        assert!(refused("/v1/messages?api_key=gp_live_x"));
        assert!(refused("/v1/messages?API_KEY=x"));
        assert!(refused("/v1/messages?whatever=gp_test_x"));
        assert!(refused("/v1/messages?whatever=gp_at_x") && refused("/v1/messages?whatever=gp_rt_x"));
        assert!(refused("/v1/messages?%61pi_key=x"));
        assert!(!refused("/v1/messages?limit=1"));
        assert!(!refused("/v1/messages"));
    }
}
