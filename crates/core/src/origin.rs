//! Origins of web pages that may read answers.
//!
//! Threat note. Defends against: an origin that only looks like a listed one (compared byte for byte with what browsers
//! send, so no suffix, prefix, sub-domain, scheme, port or other spelling passes), and against origins that everybody
//! has (`null`, `*`) or that cross the network in the clear.
//! Does not defend against: a listed page that is itself broken.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Longest origin, in bytes: a host name of 253 with scheme and port.
const LENGTH_MAX: usize = 270;

/// A web origin as browsers write it in the header `Origin` (RFC 6454, section 6.2): `https://shop.example`, with a port
/// where it is not the usual one. Plain `http` on one's own machine alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Origin(String);

impl Origin {
    /// Errors: a sentence that says what is taken.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refuse = || {
            Err("expected an origin as browsers send it, such as https://shop.example or http://localhost:3000"
                .to_owned())
        };
        if text.len() > LENGTH_MAX {
            return refuse();
        }
        let Ok(url) = Url::parse(text) else { return refuse() };
        let written = url.origin().ascii_serialization();
        if written != text {
            return match url.scheme() {
                "https" | "http" if url.has_host() => Err(format!("write it as browsers send it: {written}")),
                _ => refuse(),
            };
        }
        // The URL standard lets characters into a name that no host has, the asterisk among them.
        if let Some(Host::Domain(name)) = url.host() {
            let host = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
            if !host || name.starts_with('.') || name.ends_with('.') || name.contains("..") {
                return refuse();
            }
        }
        let own_machine = match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        match url.scheme() {
            "https" => Ok(Self(written)),
            "http" if own_machine => Ok(Self(written)),
            "http" => Err("expected https; plain http is for pages on this machine (localhost)".to_owned()),
            _ => refuse(),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_browsers_send() {
        for good in [
            "https://shop.example",
            "https://shop.example:8443",
            "https://xn--mnchen-3ya.example",
            "https://192.0.2.7",
            "https://[2001:db8::1]:444",
            "http://localhost",
            "http://localhost:3000",
            "http://app.localhost:3000",
            "http://127.0.0.1:5173",
            "http://[::1]:5173",
        ] {
            assert_eq!(Origin::parse(good).map(|o| o.0), Ok(good.to_owned()));
        }
        for bad in [
            "",
            "null",
            "*",
            "https://*",
            "https://*.shop.example",
            "shop.example",
            "//shop.example",
            "https://shop.example/",
            "https://shop.example/path",
            "https://shop.example:443",
            "HTTPS://shop.example",
            "https://Shop.example",
            "https://user@shop.example",
            "https://shop.example?x",
            "https://shop.example#x",
            "http://shop.example",
            "http://localhost.evil.example",
            "http://notlocalhost",
            "file:///etc/passwd",
            "data:text/html,x",
            "chrome-extension://abcdef",
            "ftp://shop.example",
            "ws://shop.example",
            "https://münchen.example",
            " https://shop.example",
            "https://shop.example ",
            "https://shop.example,https://evil.example",
            "https://a.example https://b.example",
            "https://shop.example\n",
            "https://shop\u{3002}example",
            "https://0x7f.1",
        ] {
            assert!(Origin::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(
            Origin::parse("https://Shop.example/"),
            Err("write it as browsers send it: https://shop.example".into())
        );
    }
}
