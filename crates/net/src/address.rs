//! Which addresses are ordinary places on the public internet.
//!
//! Threat: a customer names an address, in whatever notation or IPv6 disguise, or a host name that resolves to one,
//! and makes Gatepost speak to something that only Gatepost can reach. Deny lists grow holes (0.0.0.0, mapped and
//! NAT64 forms were each forgotten by somebody), so this is an allow list: an IPv4 address passes when no
//! special-purpose entry covers it, an IPv6 address when it lies in `2000::/3` and no special-purpose entry covers
//! it. IPv6 forms that carry an IPv4 address are refused whatever they carry: no webhook lives behind one.
//!
//! Not defended against: a network that translates a prefix of its own (RFC 6052 section 2.2, network-specific
//! prefixes look like any other global address) or routes public addresses to private machines; that is for the
//! operator's firewall.
//!
//! Sources: the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and its updates), the IANA IPv6
//! Address Space and Global Unicast registries, RFC 4291, 6052, 8215 (NAT64), 7915 (SIIT), 3056 (6to4), 4380
//! (Teredo), 5214 (ISATAP); the clouds' documentation for the metadata services.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::verdict::Rule;

/// One line of a registry: network, prefix length, and the rule that refuses it. The first match counts.
type Special4 = (Ipv4Addr, u32, Rule);
type Special6 = (Ipv6Addr, u32, Rule);

const SPECIAL_V4: &[Special4] = &[
    (Ipv4Addr::UNSPECIFIED, 8, Rule::AddressUnspecified), // this host on this network, RFC 791
    (Ipv4Addr::new(10, 0, 0, 0), 8, Rule::AddressPrivate), // RFC 1918
    (Ipv4Addr::new(100, 64, 0, 0), 10, Rule::AddressShared), // RFC 6598
    (Ipv4Addr::new(127, 0, 0, 0), 8, Rule::AddressLoopback), // RFC 1122
    (Ipv4Addr::new(169, 254, 0, 0), 16, Rule::AddressLinkLocal), // RFC 3927
    (Ipv4Addr::new(172, 16, 0, 0), 12, Rule::AddressPrivate), // RFC 1918
    (Ipv4Addr::new(192, 0, 0, 0), 24, Rule::AddressSpecialPurpose), // IETF protocol assignments, RFC 6890
    (Ipv4Addr::new(192, 0, 2, 0), 24, Rule::AddressDocumentation), // TEST-NET-1, RFC 5737
    (Ipv4Addr::new(192, 31, 196, 0), 24, Rule::AddressSpecialPurpose), // AS112, RFC 7535
    (Ipv4Addr::new(192, 52, 193, 0), 24, Rule::AddressSpecialPurpose), // AMT, RFC 7450
    (Ipv4Addr::new(192, 88, 99, 0), 24, Rule::AddressSpecialPurpose), // 6to4 relays, deprecated, RFC 7526
    (Ipv4Addr::new(192, 168, 0, 0), 16, Rule::AddressPrivate), // RFC 1918
    (Ipv4Addr::new(192, 175, 48, 0), 24, Rule::AddressSpecialPurpose), // AS112, RFC 7534
    (Ipv4Addr::new(198, 18, 0, 0), 15, Rule::AddressBenchmarking), // RFC 2544
    (Ipv4Addr::new(198, 51, 100, 0), 24, Rule::AddressDocumentation), // TEST-NET-2
    (Ipv4Addr::new(203, 0, 113, 0), 24, Rule::AddressDocumentation), // TEST-NET-3
    (Ipv4Addr::new(224, 0, 0, 0), 4, Rule::AddressMulticast), // RFC 5771
    (Ipv4Addr::BROADCAST, 32, Rule::AddressMulticast),    // limited broadcast, RFC 919
    (Ipv4Addr::new(240, 0, 0, 0), 4, Rule::AddressReserved), // RFC 1112
];

const SPECIAL_V6: &[Special6] = &[
    // Outside global unicast: named only so that the refusal says something useful.
    (Ipv6Addr::UNSPECIFIED, 128, Rule::AddressUnspecified),
    (Ipv6Addr::LOCALHOST, 128, Rule::AddressLoopback),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, Rule::AddressLinkLocal),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, Rule::AddressPrivate), // site-local, RFC 3879
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, Rule::AddressPrivate),  // unique local, RFC 4193
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, Rule::AddressMulticast),
    (Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16, Rule::AddressSpecialPurpose), // SRv6 SIDs, RFC 9602
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64, Rule::AddressSpecialPurpose),  // discard-only, RFC 6666
    (Ipv6Addr::new(0x100, 0, 0, 1, 0, 0, 0, 0), 64, Rule::AddressSpecialPurpose),  // dummy prefix, RFC 9780
    // Inside global unicast.
    (Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, 0, 0), 48, Rule::AddressBenchmarking), // RFC 5180
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, Rule::AddressSpecialPurpose), // protocol assignments, ORCHID
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, Rule::AddressDocumentation), // RFC 3849
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48, Rule::AddressSpecialPurpose), // AS112, RFC 7534
    (Ipv6Addr::new(0x3ffe, 0, 0, 0, 0, 0, 0, 0), 16, Rule::AddressReserved), // 6bone, returned, RFC 3701
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, Rule::AddressDocumentation), // RFC 9637
];

/// Metadata services of clouds: they hand out credentials to whoever asks. Refused even where an exception's network
/// covers them; only an exception for exactly the address opens one. One of them is an ordinary public address.
const METADATA: &[IpAddr] = &[
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)), // AWS, Azure, Google, Oracle, DigitalOcean, Hetzner, OpenStack
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),   // AWS ECS task credentials
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),  // AWS EKS pod identity
    IpAddr::V4(Ipv4Addr::new(169, 254, 0, 23)),    // Tencent
    IpAddr::V4(Ipv4Addr::new(169, 254, 42, 42)),   // Scaleway
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)), // Alibaba
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),   // Azure's host agent: public space
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),     // Oracle, classic
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)), // AWS
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)), // AWS EKS pod identity
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)), // Google
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42)), // Scaleway
];

/// The IPv4 addresses that an IPv6 address carries under some transition mechanism. Several mechanisms may read the
/// same address, and RFC 8215 leaves the place inside `64:ff9b:1::/48` to the network, so all readings are given.
pub(crate) fn embedded_v4(ip: Ipv6Addr) -> impl Iterator<Item = Ipv4Addr> {
    let s = ip.segments();
    let o = ip.octets();
    let pair = |hi: u16, lo: u16| Ipv4Addr::from((u32::from(hi) << 16) | u32::from(lo));
    let last = pair(s[6], s[7]);
    let zero = |range: std::ops::Range<usize>| s[range].iter().all(|part| *part == 0);
    let mut found: [Option<Ipv4Addr>; 5] = [None; 5];

    if zero(0..5) && s[5] == 0xffff // mapped, RFC 4291 section 2.5.5.2
        || zero(0..4) && s[4] == 0xffff && s[5] == 0 // SIIT, RFC 7915
        || zero(0..6) && u32::from(last) > 1 // compatible, RFC 4291 section 2.5.5.1; :: and ::1 are themselves
        || s[0] == 0x64 && s[1] == 0xff9b && zero(2..6)
    // NAT64, RFC 6052
    {
        found[0] = Some(last);
    } else if s[0] == 0x64 && s[1] == 0xff9b && s[2] == 1 {
        // NAT64 for local use, RFC 8215, with RFC 6052's embeddings; octet 8 is skipped by /48 and /56.
        found[0] = Some(last);
        found[1] = Some(Ipv4Addr::new(o[6], o[7], o[9], o[10]));
        found[2] = Some(Ipv4Addr::new(o[7], o[9], o[10], o[11]));
        found[3] = Some(Ipv4Addr::new(o[9], o[10], o[11], o[12]));
    } else if s[0] == 0x2002 {
        found[0] = Some(pair(s[1], s[2])); // 6to4
    } else if s[0] == 0x2001 && s[1] == 0 {
        found[0] = Some(pair(s[2], s[3])); // Teredo: the server
        found[1] = Some(pair(!s[6], !s[7])); // Teredo: the client, inverted
    }
    if s[5] == 0x5efe && s[4] & 0xfdff == 0 {
        found[4] = Some(last); // ISATAP: the interface identifier [0|2]00:5efe:a.b.c.d under any prefix
    }
    found.into_iter().flatten()
}

/// Whether `ip` is a cloud's metadata service, or carries the address of one.
pub(crate) fn is_metadata(ip: IpAddr) -> bool {
    METADATA.contains(&ip)
        || match ip {
            IpAddr::V4(_) => false,
            IpAddr::V6(v6) => embedded_v4(v6).any(|v4| METADATA.contains(&IpAddr::V4(v4))),
        }
}

/// `Ok` for an ordinary global unicast address, else the rule that refuses it.
pub(crate) fn judge(ip: IpAddr) -> Result<(), Rule> {
    if is_metadata(ip) {
        return Err(Rule::AddressMetadata);
    }
    match ip {
        IpAddr::V4(v4) => judge_v4(v4),
        IpAddr::V6(v6) => judge_v6(v6),
    }
}

fn judge_v4(ip: Ipv4Addr) -> Result<(), Rule> {
    let bits = u32::from(ip);
    SPECIAL_V4
        .iter()
        .find(|(net, length, _)| (bits ^ u32::from(*net)) >> (32 - length) == 0)
        .map_or(Ok(()), |(_, _, rule)| Err(*rule))
}

fn judge_v6(ip: Ipv6Addr) -> Result<(), Rule> {
    // What is carried names the refusal (a mapped 127.0.0.1 is a loopback address); the form alone refuses too.
    let mut carries = false;
    for v4 in embedded_v4(ip) {
        judge_v4(v4)?;
        carries = true;
    }
    if carries {
        return Err(Rule::AddressTransition);
    }
    let bits = u128::from(ip);
    if let Some((_, _, rule)) =
        SPECIAL_V6.iter().find(|(net, length, _)| (bits ^ u128::from(*net)) >> (128 - length) == 0)
    {
        return Err(*rule);
    }
    // 2000::/3 is all that IANA has opened for global unicast.
    if bits >> 125 == 1 { Ok(()) } else { Err(Rule::AddressReserved) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn rule(text: &str) -> &'static str {
        judge(text.parse().unwrap()).err().map_or("public", Rule::as_str)
    }

    #[test]
    fn edges_of_every_ipv4_block() {
        for (inside_first, inside_last, before, after) in [
            ("0.0.0.0", "0.255.255.255", None, Some("1.0.0.0")),
            ("10.0.0.0", "10.255.255.255", Some("9.255.255.255"), Some("11.0.0.0")),
            ("100.64.0.0", "100.127.255.255", Some("100.63.255.255"), Some("100.128.0.0")),
            ("127.0.0.0", "127.255.255.255", Some("126.255.255.255"), Some("128.0.0.0")),
            ("169.254.0.0", "169.254.255.255", Some("169.253.255.255"), Some("169.255.0.0")),
            ("172.16.0.0", "172.31.255.255", Some("172.15.255.255"), Some("172.32.0.0")),
            ("192.0.0.0", "192.0.0.255", Some("191.255.255.255"), Some("192.0.1.0")),
            ("192.0.2.0", "192.0.2.255", Some("192.0.1.255"), Some("192.0.3.0")),
            ("192.88.99.0", "192.88.99.255", Some("192.88.98.255"), Some("192.88.100.0")),
            ("192.168.0.0", "192.168.255.255", Some("192.167.255.255"), Some("192.169.0.0")),
            ("198.18.0.0", "198.19.255.255", Some("198.17.255.255"), Some("198.20.0.0")),
            ("198.51.100.0", "198.51.100.255", Some("198.51.99.255"), Some("198.51.101.0")),
            ("203.0.113.0", "203.0.113.255", Some("203.0.112.255"), Some("203.0.114.0")),
            ("224.0.0.0", "255.255.255.255", Some("223.255.255.255"), None),
        ] {
            assert_ne!(rule(inside_first), "public", "{inside_first}");
            assert_ne!(rule(inside_last), "public", "{inside_last}");
            for outside in [before, after].into_iter().flatten() {
                assert_eq!(rule(outside), "public", "{outside}");
            }
        }
    }

    #[test]
    fn ipv6_forms_are_named() {
        for (text, expected) in [
            ("::", "address_unspecified"),
            ("::1", "address_loopback"),
            ("::2", "address_unspecified"),
            ("::7f00:1", "address_loopback"),
            ("::ffff:127.0.0.1", "address_loopback"),
            ("::ffff:8.8.8.8", "address_transition"),
            ("::ffff:0:10.0.0.1", "address_private"),
            ("64:ff9b::169.254.169.254", "address_metadata"),
            ("64:ff9b::8.8.8.8", "address_transition"),
            ("64:ff9b:1::10.0.0.1", "address_private"),
            ("64:ff9b:1:7f00:0:100::", "address_unspecified"),
            ("2002:7f00:1::", "address_loopback"),
            ("2002:808:808::1", "address_transition"),
            ("2001:0:808:808::f5ff:fffe", "address_private"),
            ("2001:4860::5efe:192.168.0.1", "address_private"),
            ("2001:4860::200:5efe:8.8.8.8", "address_transition"),
            ("2001:db8::1", "address_documentation"),
            ("2001:2::1", "address_benchmarking"),
            ("2001:20::1", "address_special_purpose"),
            ("3fff::1", "address_documentation"),
            ("3ffe::1", "address_reserved"),
            ("4000::1", "address_reserved"),
            ("fe80::1", "address_link_local"),
            ("fec0::1", "address_private"),
            ("fd00:ec2::254", "address_metadata"),
            ("fd12::1", "address_private"),
            ("ff02::1", "address_multicast"),
            ("168.63.129.16", "address_metadata"),
            ("2001:4860:4860::8888", "public"),
            ("2a00:1450:4001::200e", "public"),
            ("2001:200::1", "public"),
        ] {
            assert_eq!(rule(text), expected, "{text}");
        }
    }
}
