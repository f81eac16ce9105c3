//! A URL, parsed once: everything that a request needs, and nothing that was not written.
//!
//! Threat: the text is read twice by two parsers that disagree (a backslash, a tab, an empty userinfo, full-width
//! digits), so that one host is checked and another is called. Here the text is refused where parsers are known to
//! disagree, read once by the WHATWG rules, and everything later (policy, DNS, TLS name, `Host` header) uses the
//! parts of that one reading. The text itself is never parsed again.

use std::net::IpAddr;
use std::sync::Arc;

use hyper::Uri;
use hyper::header::HeaderValue;
use rustls_pki_types::ServerName;
use url::Url;

use crate::config::Scheme;
use crate::verdict::Rule;

/// Longest URL, bytes. Longer ones are refused by many servers and proxies on the way.
const MAX_URL: usize = 2_048;

/// A parsed destination. Cheap to clone. [`crate::UrlPolicy::target`] makes one that was judged, and it is judged again
/// at every attempt.
#[derive(Clone)]
pub struct Target {
    parts: Arc<Parts>,
}

struct Parts {
    scheme: Scheme,
    host: Host,
    port: u16,
    origin: Arc<str>,
    uri: Uri,
    host_header: HeaderValue,
    server_name: ServerName<'static>,
}

/// The host after canonicalising.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    /// ASCII, lower case, without the trailing dot.
    Name(String),
    Address(IpAddr),
}

impl Target {
    /// Parses an absolute `http` or `https` URL without judging where it leads.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        check_text(text)?;
        let url = Url::parse(text).map_err(|_| Rule::UrlInvalid)?;
        let scheme = match url.scheme() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            _ => return Err(Rule::SchemeNotAllowed),
        };
        let host = match url.host() {
            Some(url::Host::Domain(name)) => {
                Host::Name(name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase())
            }
            Some(url::Host::Ipv4(ip)) => Host::Address(ip.into()),
            Some(url::Host::Ipv6(ip)) => Host::Address(ip.into()),
            None => return Err(Rule::UrlInvalid),
        };
        let port = url.port().unwrap_or(scheme.default_port());

        let (shown, server_name) = match &host {
            Host::Name(name) => {
                let server_name = ServerName::try_from(name.clone()).map_err(|_| Rule::HostInvalid)?;
                (name.clone(), server_name)
            }
            Host::Address(ip @ IpAddr::V4(_)) => (ip.to_string(), ServerName::from(*ip)),
            Host::Address(ip @ IpAddr::V6(_)) => (format!("[{ip}]"), ServerName::from(*ip)),
        };
        let authority = if port == scheme.default_port() { shown.clone() } else { format!("{shown}:{port}") };
        let path_and_query = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        Ok(Self {
            parts: Arc::new(Parts {
                scheme,
                host,
                port,
                origin: format!("{}://{shown}:{port}", scheme.as_str()).into(),
                uri: path_and_query.parse().map_err(|_| Rule::UrlInvalid)?,
                host_header: authority.parse().map_err(|_| Rule::HostInvalid)?,
                server_name,
            }),
        })
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        self.parts.scheme
    }

    /// The port, written or meant.
    pub fn port(&self) -> u16 {
        self.parts.port
    }

    /// `scheme://host:port`, always with the port. Unlike the whole URL it may be logged: paths carry secrets.
    pub fn origin(&self) -> &str {
        &self.parts.origin
    }

    /// The host where it is a name: ASCII, lower case, without the trailing dot.
    pub fn host_name(&self) -> Option<&str> {
        match &self.parts.host {
            Host::Name(name) => Some(name),
            Host::Address(_) => None,
        }
    }

    /// Whether the host is an address, which needs no resolver.
    pub(crate) fn is_literal(&self) -> bool {
        matches!(self.parts.host, Host::Address(_))
    }

    pub(crate) fn host(&self) -> &Host {
        &self.parts.host
    }

    /// Key of the connection pool.
    pub(crate) fn pool_key(&self) -> Arc<str> {
        Arc::clone(&self.parts.origin)
    }

    /// Path and query, the form that a request line takes.
    pub(crate) fn uri(&self) -> Uri {
        self.parts.uri.clone()
    }

    pub(crate) fn host_header(&self) -> HeaderValue {
        self.parts.host_header.clone()
    }

    pub(crate) fn server_name(&self) -> ServerName<'static> {
        self.parts.server_name.clone()
    }
}

/// The origin only: paths and queries of webhook URLs carry secrets.
impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Target").field(&self.origin()).finish()
    }
}

/// Refuses text that different parsers read differently, before any parser sees it.
fn check_text(text: &str) -> Result<(), Rule> {
    if text.len() > MAX_URL {
        return Err(Rule::UrlTooLong);
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(Rule::UrlCharacters);
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        // `https:host` is a host to browsers and a path to others; `data:` and the like have no host at all.
        return Err(match text.split_once(':') {
            Some((scheme, _)) if !is_web(scheme) && is_scheme(scheme) => Rule::SchemeNotAllowed,
            _ => Rule::UrlInvalid,
        });
    };
    if !is_web(scheme) {
        return Err(if is_scheme(scheme) { Rule::SchemeNotAllowed } else { Rule::UrlInvalid });
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    if authority.is_empty() {
        return Err(Rule::UrlInvalid);
    }
    if authority.contains('@') {
        return Err(Rule::UserinfoPresent);
    }
    // `https://public.example#@10.0.0.1`: parsers that look for the last `@` first see another host.
    if tail.starts_with(['?', '#']) && tail.contains('@') {
        return Err(Rule::UrlAmbiguous);
    }
    Ok(())
}

fn is_web(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn one_reading_gives_all_parts() {
        let target = Target::parse("HTTPS://Bücher.Example.:8443/a b".replace(' ', "%20").as_str()).unwrap();
        assert_eq!(target.origin(), "https://xn--bcher-kva.example:8443");
        assert_eq!(target.host_header(), "xn--bcher-kva.example:8443");
        assert_eq!(target.uri(), "/a%20b");
        let v6 = Target::parse("https://[2001:4860:4860:0::8888]?token=1").unwrap();
        assert_eq!(v6.host_header(), "[2001:4860:4860::8888]");
        assert_eq!(v6.uri(), "/?token=1");
        assert_eq!(format!("{v6:?}"), r#"Target("https://[2001:4860:4860::8888]:443")"#);
    }

    #[test]
    fn odd_notations_become_addresses() {
        for text in [
            "https://127.1/",
            "https://0x7f000001/",
            "https://017700000001/",
            "https://2130706433/",
            "https://127.0.0.1./",
            "https://%31%32%37.0.0.1/",
            "https://１２７。０．０．１/",
            "https://①②⑦.⓪.⓪.①/",
        ] {
            assert!(
                matches!(Target::parse(text).unwrap().host(), Host::Address(ip) if ip.is_loopback()),
                "{text}"
            );
        }
    }

    #[test]
    fn text_on_which_parsers_disagree_is_refused() {
        for (text, rule) in [
            ("https://a.example\\@10.0.0.1/", Rule::UrlCharacters),
            ("https://a.exa\tmple/", Rule::UrlCharacters),
            (" https://a.example/", Rule::UrlCharacters),
            ("https://@a.example/", Rule::UserinfoPresent),
            ("https://a.example:443@10.0.0.1/", Rule::UserinfoPresent),
            ("https://a.example#@10.0.0.1/", Rule::UrlAmbiguous),
            ("https:/a.example/", Rule::UrlInvalid),
            ("https:///a.example/", Rule::UrlInvalid),
            ("https:a.example", Rule::UrlInvalid),
            ("//a.example/", Rule::UrlInvalid),
            ("ftp://a.example/", Rule::SchemeNotAllowed),
            ("javascript:alert(1)", Rule::SchemeNotAllowed),
            ("https://[fe80::1%25eth0]/", Rule::UrlInvalid),
            ("https://a.example:65536/", Rule::UrlInvalid),
            ("https://1.2.3.4.5/", Rule::UrlInvalid),
        ] {
            assert_eq!(Target::parse(text).err(), Some(rule), "{text}");
        }
        let long = format!("https://a.example/{}", "a".repeat(MAX_URL));
        assert_eq!(Target::parse(&long).err(), Some(Rule::UrlTooLong));
        assert!(Target::parse("https://a.example/@user?mail=a@b.example#@c").is_ok());
    }
}
