//! Who is at the other end of the connection.
//!
//! Defends against: a caller that writes its own `X-Forwarded-For` (believed only from a proxy that the operator
//! named, and only up to the right-most hop that is not such a proxy), and an API key sent in the clear to a proxy
//! that passed it on.
//! Does not defend against: a named proxy that lies.

use std::net::{IpAddr, SocketAddr};

use gatepost_core::{ClientAddr, Code, Error, Result};
use http::HeaderMap;
use ipnet::IpNet;

/// The caller's address; `None` where there is none, as on a local socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub Option<ClientAddr>);

/// Works out the caller's address, and refuses what a named proxy received in the clear.
///
/// Errors: `https_required`.
pub fn locate(peer: Option<SocketAddr>, headers: &HeaderMap, proxies: &[IpNet]) -> Result<ClientAddress> {
    let Some(peer) = peer.map(|address| address.ip().to_canonical()) else {
        return Ok(ClientAddress(None));
    };
    let trusted = |address: IpAddr| proxies.iter().any(|net| net.contains(&address));
    if !trusted(peer) {
        return Ok(ClientAddress(Some(peer.into())));
    }
    // The right-most value is the nearest proxy's own; a header that the caller brought along stands to its left.
    let scheme = listed(headers, "x-forwarded-proto").next();
    if scheme.is_some_and(|scheme| !scheme.eq_ignore_ascii_case("https")) {
        return Err(Error::of(Code::HttpsRequired));
    }
    let mut client = peer;
    for hop in listed(headers, "x-forwarded-for") {
        match hop_address(hop) {
            Some(address) if trusted(address) => client = address,
            Some(address) => return Ok(ClientAddress(Some(address.into()))),
            // A hop that no proxy would write: what is left of it cannot be believed.
            None => break,
        }
    }
    Ok(ClientAddress(Some(client.into())))
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

/// `192.0.2.1`, `192.0.2.1:8080`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:8080`.
fn hop_address(text: &str) -> Option<IpAddr> {
    let plain = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = plain.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|a| a.ip())).ok()?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn client(peer: &str, pairs: &[(&'static str, &str)]) -> Result<String, &'static str> {
        let proxies = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
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
}
