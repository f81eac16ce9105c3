//! Host names that are refused before anybody asks DNS.
//!
//! Threat: a name whose meaning depends on where it is looked up (`localhost`, `kubernetes.default.svc`, a single
//! label completed by a search list) or that exists only to reach inside. The answers of the resolver are judged as
//! well, so these rules are the first wall of two: they need no lookup, tell nobody which internal names exist, and
//! explain themselves. A name that merely contains such a word (`localhost.example.com`) is an ordinary name.
//!
//! Sources: the IANA Special-Use Domain Names registry (RFC 6761 and its updates), RFC 8375 (`home.arpa`), ICANN's
//! reservations of `.internal` (2024) and of `.home`, `.corp`, `.mail` (2018), the clouds' and Kubernetes'
//! documentation. `.example` is not refused: nothing answers under it, and documentation is full of it.

use crate::verdict::Rule;

/// Longest name and label that DNS can hold in text form (RFC 1035 section 2.3.4).
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// Names that mean this machine, themselves and everything below them.
const LOOPBACK: &[&str] = &[
    "localhost",
    "localhost6",
    "localdomain",
    "localdomain4",
    "localdomain6",
    "ip6-localhost",
    "ip6-loopback",
    "loopback",
    // Public zones that resolve to 127.0.0.1 whatever is asked.
    "localtest.me",
    "lvh.me",
    "vcap.me",
    "lacolhost.com",
    "local.gd",
];

/// Metadata services by name.
const METADATA: &[&str] = &[
    "metadata",
    "instance-data",
    "rancher-metadata",
    "metadata.google.internal",
    "metadata.goog",
    "metadata.azure.internal",
    "metadata.tencentyun.com",
    "metadata.platformequinix.com",
    "metadata.packet.net",
    "instance-data.ec2.internal",
];

/// Domains that exist only inside some network, and services whose one purpose is to change their answer.
const INTERNAL: &[&str] = &[
    "internal",
    "local",
    "arpa", // home.arpa, and the reverse zones, which hold no services
    "home",
    "lan",
    "corp",
    "mail",
    "private",
    "intranet",
    "intra",
    "svc",
    "default", // kubernetes.default
    "cluster",
    "consul",
    "docker",
    "kubernetes",
    "workgroup",
    "test",
    "invalid",
    "onion",
    "alt",
    "rbndr.us",
    "1u.ms",
];

/// Public zones that answer with the address written in the name (`10-0-0-1.sslip.io`).
const WRITTEN_ADDRESS: &[&str] = &["nip.io", "sslip.io", "xip.io", "traefik.me"];

/// Judges a host name: ASCII, lower case, without the trailing dot.
pub(crate) fn judge(name: &str) -> Result<(), Rule> {
    if name.len() > MAX_NAME || name.split('.').any(|label| label.is_empty() || label.len() > MAX_LABEL) {
        return Err(Rule::HostInvalid);
    }
    let under = |zones: &[&str]| zones.iter().any(|zone| is_under(name, zone));
    if under(METADATA) {
        return Err(Rule::HostMetadata);
    }
    if under(LOOPBACK) {
        return Err(Rule::HostLoopback);
    }
    if under(INTERNAL) {
        return Err(Rule::HostInternal);
    }
    let Some((_, top)) = name.rsplit_once('.') else {
        return Err(Rule::HostSingleLabel);
    };
    // Every top-level domain is letters, or Punycode of letters; anything else (`127.0.0.0x1g`) is an attempt at
    // an address that some lenient parser might take for one.
    if !(top.starts_with("xn--") || top.len() > 1 && top.bytes().all(|byte| byte.is_ascii_alphabetic())) {
        return Err(Rule::HostInvalid);
    }
    match WRITTEN_ADDRESS.iter().find(|zone| is_under(name, zone)) {
        Some(zone) => judge_written(&name[..name.len() - zone.len()]),
        None => Ok(()),
    }
}

/// Whether `name` is `zone` or ends in `.zone`.
fn is_under(name: &str, zone: &str) -> bool {
    name.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Judges every IPv4 address that can be read from four decimal numbers in a row, or from eight hex digits.
fn judge_written(prefix: &str) -> Result<(), Rule> {
    let parts: Vec<&str> = prefix.split(['.', '-']).collect();
    for four in parts.windows(4) {
        if let Ok(ip) = four.join(".").parse() {
            crate::address::judge(ip)?;
        }
    }
    for part in parts {
        if part.len() == 8
            && let Ok(bits) = u32::from_str_radix(part, 16)
        {
            crate::address::judge(std::net::Ipv4Addr::from(bits).into())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inside_names_are_refused_and_lookalikes_are_not() {
        for (name, expected) in [
            ("localhost", Err(Rule::HostLoopback)),
            ("a.b.localhost", Err(Rule::HostLoopback)),
            ("localhost.localdomain", Err(Rule::HostLoopback)),
            ("metadata.google.internal", Err(Rule::HostMetadata)),
            ("instance-data", Err(Rule::HostMetadata)),
            ("kubernetes.default.svc", Err(Rule::HostInternal)),
            ("kubernetes.default.svc.cluster.local", Err(Rule::HostInternal)),
            ("nas.home.arpa", Err(Rule::HostInternal)),
            ("printer.lan", Err(Rule::HostInternal)),
            ("intranet", Err(Rule::HostInternal)),
            ("wiki", Err(Rule::HostSingleLabel)),
            ("a..example.com", Err(Rule::HostInvalid)),
            ("127.0.0.0x1g", Err(Rule::HostInvalid)),
            ("kubernetes.default", Err(Rule::HostInternal)),
            ("10-0-0-1.sslip.io", Err(Rule::AddressPrivate)),
            ("app.127.0.0.1.nip.io", Err(Rule::AddressLoopback)),
            ("7f000001.nip.io", Err(Rule::AddressLoopback)),
            ("app.8.8.8.8.nip.io", Ok(())),
            ("localhost.example.com", Ok(())),
            ("notlocalhost.com", Ok(())),
            ("internal.example.com", Ok(())),
            ("lan.party", Ok(())),
            ("127.0.0.1.example.com", Ok(())),
            ("hooks.shop.example", Ok(())),
        ] {
            assert_eq!(judge(name), expected, "{name}");
        }
    }
}
