//! Who is at the other end of the connection.
//!
//! Defends against: a caller that writes its own forwarding headers (believed only from a proxy that the operator named,
//! only the one header that the operator says this proxy writes, and only up to the right-most hop that is not such a
//! proxy), and an API key sent in the clear to a proxy that passed it on.
//! Does not defend against: a named proxy that lies, or one that passes on the header that it is said to write.

use std::net::{IpAddr, SocketAddr};

use gatepost_core::{ClientAddr, Code, Error, Network, Result};
use http::HeaderMap;

/// The proxies in front of this server.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    pub networks: Vec<Network>,
    /// What they write. Never two: a proxy that writes one passes the other on as the caller wrote it.
    pub header: ForwardedHeader,
}

impl Proxies {
    /// Whether this is the address of one of them.
    pub fn hold(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(ClientAddr::new(address)))
    }
}

/// The header in which proxies name the caller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For` and `X-Forwarded-Proto`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// The peer as a named proxy's PROXY header says; where there is one it stands in the place of the connection's own.
#[derive(Debug, Clone, Copy)]
pub struct ProxiedFrom(pub Option<SocketAddr>);

/// The caller's address; `None` where there is none, as on a local socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub Option<ClientAddr>);

/// One proxy's word: whom it passed on, and how that came in.
struct Hop<'h> {
    node: Option<&'h str>,
    scheme: Option<&'h str>,
}

/// Works out the caller's address, and refuses what a named proxy received in the clear.
///
/// Errors: `https_required`.
pub fn locate(peer: Option<SocketAddr>, headers: &HeaderMap, proxies: &Proxies) -> Result<ClientAddress> {
    let Some(peer) = peer.map(|address| address.ip()) else {
        return Ok(ClientAddress(None));
    };
    let found = |address: IpAddr| Ok(ClientAddress(Some(ClientAddr::new(address))));
    if !proxies.hold(peer) {
        return found(peer);
    }
    // The right-most value is the nearest proxy's own; what the caller brought along stands to its left.
    let (scheme, hops) = match proxies.header {
        ForwardedHeader::XForwardedFor => {
            let hops = listed(headers, "x-forwarded-for").map(Some).collect();
            (listed(headers, "x-forwarded-proto").next(), hops)
        }
        ForwardedHeader::Forwarded => {
            let hops = forwarded(headers);
            let scheme = hops.first().and_then(|hop| hop.scheme);
            (scheme, hops.into_iter().map(|hop| hop.node).collect::<Vec<_>>())
        }
    };
    if scheme.is_some_and(|scheme| !scheme.eq_ignore_ascii_case("https")) {
        return Err(Error::of(Code::HttpsRequired));
    }
    let mut client = peer;
    for hop in hops {
        match hop.and_then(hop_address) {
            Some(address) if proxies.hold(address) => client = address,
            Some(address) => return found(address),
            // A hop that no proxy would write, or one that hides whom it passed on: what is left cannot be believed.
            None => break,
        }
    }
    found(client)
}

/// The values of a comma-separated header, the last one first.
fn listed<'h>(headers: &'h HeaderMap, name: &str) -> impl Iterator<Item = &'h str> {
    headers
        .get_all(name)
        .iter()
        .rev()
        .flat_map(|value| value.to_str().unwrap_or_default().rsplit(','))
        .map(str::trim)
}

/// The elements of `Forwarded`, the last one first. One that is not well-formed says nothing.
fn forwarded(headers: &HeaderMap) -> Vec<Hop<'_>> {
    let values = headers.get_all("forwarded").iter().rev();
    values
        .flat_map(|value| split(value.to_str().unwrap_or_default(), b',').into_iter().rev())
        .map(hop)
        .collect()
}

/// The parts between separators; those in quoted strings are none (RFC 9110, section 5.6.4).
fn split(text: &str, separator: u8) -> Vec<&str> {
    let (mut out, mut from, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            byte if byte == separator && !quoted => {
                out.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    out.push(&text[from..]);
    out
}

/// One element (RFC 7239, section 4): `for=192.0.2.1;proto=https;by=…`, each name once.
fn hop(element: &str) -> Hop<'_> {
    let nothing = Hop { node: None, scheme: None };
    let mut hop = Hop { node: None, scheme: None };
    for pair in split(element, b';') {
        let Some((name, value)) = pair.trim().split_once('=') else { return nothing };
        let field = match () {
            () if name.eq_ignore_ascii_case("for") => &mut hop.node,
            () if name.eq_ignore_ascii_case("proto") => &mut hop.scheme,
            () => continue,
        };
        let value = match value.strip_prefix('"') {
            Some(rest) => rest.strip_suffix('"').filter(|inner| !inner.contains(['"', '\\'])),
            None => Some(value).filter(|value| !value.is_empty() && !value.contains(['"', ' ', '\t'])),
        };
        let Some(value) = value else { return nothing };
        if field.replace(value).is_some() {
            return nothing;
        }
    }
    hop
}

/// `192.0.2.1`, `192.0.2.1:8080`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:8080`.
fn hop_address(text: &str) -> Option<IpAddr> {
    let plain = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    plain.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|a| a.ip())).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn client(peer: &str, pairs: &[(&'static str, &str)]) -> Result<String, &'static str> {
        through(ForwardedHeader::XForwardedFor, peer, pairs)
    }

    fn through(
        header: ForwardedHeader,
        peer: &str,
        pairs: &[(&'static str, &str)],
    ) -> Result<String, &'static str> {
        let networks = ["10.0.0.0/8", "fd00::/8"].map(|text| Network::parse(text).unwrap()).into();
        let proxies = Proxies { networks, header };
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        locate(Some(peer.parse().unwrap()), &headers, &proxies)
            .map(|client| client.0.unwrap().to_string())
            .map_err(|e| e.code().as_str())
    }

    #[test]
    fn a_stranger_cannot_name_itself() {
        let forged =
            [("x-forwarded-for", "1.2.3.4"), ("x-real-ip", "1.2.3.4"), ("x-forwarded-proto", "http")];
        assert_eq!(client("198.51.100.7:5000", &forged), Ok("198.51.100.7".into()));
        assert_eq!(client("[::ffff:198.51.100.7]:5000", &[]), Ok("198.51.100.7".into()));
    }

    #[test]
    fn the_right_most_hop_that_is_no_proxy() {
        let via = |value: &'static str| client("10.0.0.1:5000", &[("x-forwarded-for", value)]);
        assert_eq!(via("198.51.100.7"), Ok("198.51.100.7".into()));
        assert_eq!(via("1.1.1.1, 198.51.100.7, 10.0.0.9"), Ok("198.51.100.7".into()));
        assert_eq!(via("1.1.1.1, nonsense, 10.0.0.9"), Ok("10.0.0.9".into()));
        assert_eq!(via("[2001:db8::1]:443"), Ok("2001:db8::1".into()));
        assert_eq!(via("::ffff:198.51.100.7"), Ok("198.51.100.7".into()));
        let doubled = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "198.51.100.7")];
        assert_eq!(client("10.0.0.1:5000", &doubled), Ok("198.51.100.7".into()));
    }

    #[test]
    fn in_the_clear_behind_a_proxy() {
        let proto = |value: &'static str| client("10.0.0.1:1", &[("x-forwarded-proto", value)]);
        assert_eq!(proto("http"), Err("https_required"));
        assert_eq!(proto("https, http"), Err("https_required"));
        assert!(proto("https").is_ok());
    }

    #[test]
    fn the_standard_header() {
        let via =
            |value: &'static str| through(ForwardedHeader::Forwarded, "10.0.0.1:1", &[("forwarded", value)]);
        for (value, seen) in [
            ("for=198.51.100.7", "198.51.100.7"),
            ("For=\"198.51.100.7:80\";proto=https;by=10.0.0.9", "198.51.100.7"),
            ("for=\"[2001:db8::1]:443\"", "2001:db8::1"),
            ("for=1.1.1.1, for=198.51.100.7, for=10.0.0.9", "198.51.100.7"),
            // A comma in a quoted string starts no element.
            ("for=198.51.100.7;host=\"a, for=1.1.1.1\"", "198.51.100.7"),
            ("for=198.51.100.7;host=\"a\\\", for=1.1.1.1\"", "198.51.100.7"),
            ("for=198.51.100.7;host=\"a;for=1.1.1.1\"", "198.51.100.7"),
            ("for=unknown", "10.0.0.1"),
            ("for=_hidden", "10.0.0.1"),
            ("for=1.1.1.1;for=198.51.100.7", "10.0.0.1"),
            ("for=1.1.1.1, nonsense, for=10.0.0.9", "10.0.0.9"),
            ("for=\"1.1.1.1", "10.0.0.1"),
            ("for=", "10.0.0.1"),
            ("", "10.0.0.1"),
        ] {
            assert_eq!(via(value), Ok(seen.to_owned()), "{value}");
        }
        assert_eq!(via("for=198.51.100.7;proto=http"), Err("https_required"));
        let doubled = [("forwarded", "for=1.1.1.1"), ("forwarded", "for=198.51.100.7")];
        assert_eq!(through(ForwardedHeader::Forwarded, "10.0.0.1:1", &doubled), Ok("198.51.100.7".into()));
        assert_eq!(
            through(ForwardedHeader::Forwarded, "198.51.100.9:1", &doubled),
            Ok("198.51.100.9".into())
        );
    }

    /// A proxy writes one of the headers; the other comes from whoever calls.
    #[test]
    fn only_the_header_that_was_named() {
        let both = [("forwarded", "for=1.1.1.1"), ("x-forwarded-for", "2.2.2.2"), ("x-real-ip", "3.3.3.3")];
        assert_eq!(through(ForwardedHeader::XForwardedFor, "10.0.0.1:1", &both), Ok("2.2.2.2".into()));
        assert_eq!(through(ForwardedHeader::Forwarded, "10.0.0.1:1", &both), Ok("1.1.1.1".into()));
    }

    #[test]
    fn whatever_stands_there_a_stranger_is_itself_and_nothing_breaks() {
        use proptest::prelude::*;
        proptest!(|(text in "[a-z0-9=;,:. \"\\\\\\[\\]_-]{0,60}")| {
            for header in [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded] {
                let pairs = [("forwarded", text.as_str()), ("x-forwarded-for", text.as_str())];
                prop_assert_eq!(through(header, "198.51.100.9:1", &pairs), Ok("198.51.100.9".into()));
                // And what the nearest proxy says of a stranger wins over all that stands before it.
                let own = format!("{text}{}", if text.matches('"').count() % 2 == 0 && !text.contains('\\') {
                    ", for=198.51.100.7"
                } else {
                    return Ok(());
                });
                let last = [("forwarded", own.as_str())];
                prop_assert_eq!(
                    through(ForwardedHeader::Forwarded, "10.0.0.1:1", &last),
                    Ok("198.51.100.7".into())
                );
            }
        });
    }
}
