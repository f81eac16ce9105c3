//! Addresses of callers, and networks to compare them with.

use std::fmt;
use std::net::IpAddr;

use serde::{Serialize, Serializer};

/// Where a request came from: the address of the caller itself, behind whatever proxies the operator named. A v4 address
/// that arrived in its v6 form (`::ffff:192.0.2.1`, RFC 4291, 2.5.5.2) is the v4 address, so that no rule can be got
/// around by the way it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientAddr(IpAddr);

impl ClientAddr {
    pub const fn new(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }

    pub const fn ip(self) -> IpAddr {
        self.0
    }
}

impl From<IpAddr> for ClientAddr {
    fn from(address: IpAddr) -> Self {
        Self::new(address)
    }
}

impl fmt::Display for ClientAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for ClientAddr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A network of addresses in CIDR notation (RFC 4632, RFC 4291): `192.0.2.0/24`, `2001:db8::/32`, or one address alone.
///
/// It is read strictly, because two readers of one rule must not disagree: no bits below the prefix (`192.0.2.7/24` could
/// mean the network or the host), no sign or zero in front of the prefix, no zone, no spaces. The v6 form of a v4 network
/// is the v4 network; one that reaches beyond the mapped range would hold v4 callers by accident and is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// The first bits of a v4 address in its v6 form (`::ffff:0:0/96`).
const MAPPED_BITS: u8 = 96;

impl Network {
    /// Errors: a sentence that says what is wrong, and what was probably meant.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| {
            "expected an address or a network such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32".to_owned()
        })?;
        let width = width(address);
        let bits = match prefix {
            None => width,
            Some(prefix) => prefix_bits(prefix, width)?,
        };
        let canonical = address.to_canonical();
        let (address, bits) = if canonical == address {
            (address, bits)
        } else if bits >= MAPPED_BITS {
            (canonical, bits - MAPPED_BITS)
        } else {
            return Err("write a v4 network in its v4 form".to_owned());
        };
        let network = Self { address: masked(address, bits), bits };
        if network.address != address {
            return Err(format!("bits are set below the prefix; did you mean {network} or {address}?"));
        }
        if matches!(address, IpAddr::V6(v6) if bits < MAPPED_BITS && holds_mapped(v6, bits) && bits > 0) {
            return Err(
                "this holds the v6 form of v4 addresses; write v4 networks in their v4 form".to_owned()
            );
        }
        Ok(network)
    }

    pub fn contains(&self, client: ClientAddr) -> bool {
        let address = client.ip();
        address.is_ipv4() == self.address.is_ipv4() && masked(address, self.bits) == self.address
    }
}

/// True where the mapped range `::ffff:0:0/96` lies within the first `bits` of `network`.
fn holds_mapped(network: std::net::Ipv6Addr, bits: u8) -> bool {
    let mapped = std::net::Ipv4Addr::UNSPECIFIED.to_ipv6_mapped();
    masked(IpAddr::V6(mapped), bits) == IpAddr::V6(network)
}

const fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn prefix_bits(text: &str, width: u8) -> Result<u8, String> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !(text.len() > 1 && text.starts_with('0'));
    let bits = if plain { text.parse().ok() } else { None };
    bits.filter(|bits| *bits <= width)
        .ok_or_else(|| format!("expected a prefix from 0 to {width} behind the slash"))
}

/// The address with everything below its first `bits` cleared.
fn masked(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & mask).into())
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bits == width(self.address) {
            self.address.fmt(f)
        } else {
            write!(f, "{}/{}", self.address, self.bits)
        }
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Network {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn client(text: &str) -> ClientAddr {
        text.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn what_is_a_network() {
        for (text, shown) in [
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.7/32", "192.0.2.7"),
            ("192.0.2.0/24", "192.0.2.0/24"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::/0", "::/0"),
            ("2001:DB8::/32", "2001:db8::/32"),
            ("2001:db8:0:0::1", "2001:db8::1"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("::1", "::1"),
        ] {
            assert_eq!(Network::parse(text).map(|n| n.to_string()), Ok(shown.to_owned()), "{text}");
        }
        for text in [
            "",
            " 192.0.2.7",
            "192.0.2.7 ",
            "192.0.2.7/",
            "/24",
            "192.0.2.0/33",
            "192.0.2.0/+24",
            "192.0.2.0/024",
            "192.0.2.0/-1",
            "192.0.2.0/24/24",
            "192.0.2.0/256",
            "192.0.2/24",
            "192.0.2.07",
            "0xc0.0.2.1",
            "3221225985",
            "192.0.2.0-192.0.2.9",
            "192.0.2.*",
            "fe80::1%eth0",
            "[::1]",
            "::1]",
            "2001:db8::/129",
            "example.com",
            "192.0.2.0/255.255.255.0",
            "::ffff:0:0/95",
            "::ffff:192.0.2.7/64",
            "::/16",
            "0::/80",
            "192.0.2.7\0",
            "١٩٢.0.2.7",
        ] {
            assert!(Network::parse(text).is_err(), "{text:?}");
        }
        let told = Network::parse("192.0.2.7/24").unwrap_err();
        assert!(told.contains("192.0.2.0/24 or 192.0.2.7"), "{told}");
    }

    #[test]
    fn one_address_whatever_its_form() {
        let network = Network::parse("192.0.2.0/24").unwrap();
        for inside in ["192.0.2.0", "192.0.2.255", "::ffff:192.0.2.9"] {
            assert!(network.contains(client(inside)), "{inside}");
        }
        for outside in ["192.0.1.255", "192.0.3.0", "::c000:209", "2001:db8::1", "64:ff9b::192.0.2.9"] {
            assert!(!network.contains(client(outside)), "{outside}");
        }
        let all = Network::parse("::/0").unwrap();
        assert!(all.contains(client("2001:db8::1")) && !all.contains(client("192.0.2.1")), "v6 alone");
    }

    proptest! {
        /// Membership by the book: the first `bits` agree.
        #[test]
        fn masks_agree_with_arithmetic(address: u128, other: u128, four: [u32; 2], bits in 0_u8..=128, near in 0_u32..128) {
            let v6 = |bits: u128| IpAddr::V6(bits.into());
            let text = format!("{}/{bits}", masked(v6(address), bits));
            if let Ok(network) = Network::parse(&text) {
                for candidate in [other, address, address ^ (1 << near)] {
                    let same = bits == 0 || (candidate ^ address) >> (128 - u32::from(bits)) == 0;
                    let mapped = v6(candidate).to_canonical().is_ipv4();
                    prop_assert_eq!(network.contains(v6(candidate).into()), same && !mapped);
                }
            }
            let v4 = |bits: u32| IpAddr::V4(bits.into());
            let ([address, other], bits) = (four, bits % 33);
            let network = Network::parse(&format!("{}/{bits}", masked(v4(address), bits))).unwrap();
            for candidate in [other, address, address ^ (1 << (near % 32))] {
                let same = bits == 0 || (candidate ^ address) >> (32 - u32::from(bits)) == 0;
                prop_assert_eq!(network.contains(v4(candidate).into()), same);
            }
        }
    }
}
