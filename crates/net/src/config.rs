//! The operator's settings of the policy, `[egress]` in the configuration file.
//!
//! Threat: a guard that self-hosters must switch off to work at all gets switched off. So it has no switch; it has
//! exceptions, each of which opens a named place, and only the operator can write them.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;

/// `[egress]`: what customers' URLs may reach beyond (or short of) the ordinary.
///
/// Ordinary is: https, to global unicast addresses, on port 443 or a port from 1024 up that is not a well-known port
/// of databases, caches, queues, container engines or protocols that browsers refuse too.
///
/// ```toml
/// [egress]
/// extra_ports = [444]
/// deny_ports = [8080]
/// exceptions = [
///     { host = "crm.corp.example", port = 8443 },
///     { host = "10.1.2.0/24", port = 8080, scheme = "http" },
/// ]
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EgressConfig {
    /// Places that are open although the rules would refuse them.
    pub exceptions: Vec<Exception>,
    /// Ports that are open on every public host, beside the ordinary ones.
    pub extra_ports: Vec<u16>,
    /// Ports that are closed on every public host; wins over `extra_ports`.
    pub deny_ports: Vec<u16>,
}

/// One place that the operator opens: exactly this host, port and scheme, and no other.
///
/// A cloud's metadata address stays closed unless `host` is exactly that address, and Gatepost's own listeners stay
/// closed always.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawException")]
pub struct Exception {
    /// The host name, or the network that the address lies in.
    pub host: ExceptionHost,
    /// The port; absent: the ports that are open on a public host (and 80 where the scheme is http).
    pub port: Option<u16>,
    /// The scheme; absent in the file: https.
    pub scheme: Scheme,
}

/// Where an exception points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExceptionHost {
    /// Exactly this host name (lower case ASCII, no trailing dot), whatever it resolves to.
    Name(String),
    /// A literal address or resolver's answer in this network.
    Network(IpNet),
}

/// The schemes that a URL may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// TLS with a checked certificate.
    #[default]
    Https,
    /// In the clear: only where an exception says so.
    Http,
}

impl Scheme {
    /// The port that a URL without one means.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
        }
    }

    /// `https` or `http`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }
}

/// An exception whose host is neither a name, an address nor a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("egress exception: `{0}` is not a host name, an IP address or a CIDR network")]
pub struct InvalidException(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawException {
    host: String,
    port: Option<u16>,
    #[serde(default)]
    scheme: Scheme,
}

impl TryFrom<RawException> for Exception {
    type Error = InvalidException;

    fn try_from(raw: RawException) -> Result<Self, Self::Error> {
        Self::new(&raw.host, raw.port, raw.scheme)
    }
}

impl Exception {
    /// Reads `host` as a CIDR network, an address (IPv6 with or without brackets), or a host name.
    pub fn new(host: &str, port: Option<u16>, scheme: Scheme) -> Result<Self, InvalidException> {
        let invalid = || InvalidException(host.to_owned());
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        let host = if let Ok(network) = bare.parse::<IpNet>() {
            ExceptionHost::Network(network.trunc())
        } else if let Ok(address) = bare.parse::<IpAddr>() {
            ExceptionHost::Network(IpNet::from(address))
        } else if host.contains(['*', '/', ':', '@']) {
            return Err(invalid()); // a wild card, a URL or a port would match nothing, silently
        } else {
            match url::Host::parse(host) {
                Ok(url::Host::Domain(name)) => {
                    ExceptionHost::Name(name.strip_suffix('.').unwrap_or(&name).to_owned())
                }
                Ok(url::Host::Ipv4(_) | url::Host::Ipv6(_)) | Err(_) => return Err(invalid()),
            }
        };
        Ok(Self { host, port, scheme })
    }
}

/// `scheme://host:port`, with `*` for the ports that are open anyway; for `status` and the audit entry at start.
impl std::fmt::Display for Exception {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://", self.scheme.as_str())?;
        match &self.host {
            ExceptionHost::Name(name) => f.write_str(name)?,
            ExceptionHost::Network(IpNet::V4(network)) => write!(f, "{network}")?,
            ExceptionHost::Network(IpNet::V6(network)) => write!(f, "[{network}]")?,
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => f.write_str(":*"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn reads_names_addresses_and_networks() {
        let config: EgressConfig = toml::from_str(
            r#"
            extra_ports = [444]
            exceptions = [
                { host = "Hooks.Internal.", port = 8443 },
                { host = "10.1.2.3" },
                { host = "10.1.2.3/24", port = 80, scheme = "http" },
                { host = "[fd00::1]" },
                { host = "bücher.internal" },
            ]"#,
        )
        .unwrap();
        let hosts: Vec<ExceptionHost> = config.exceptions.iter().map(|e| e.host.clone()).collect();
        assert_eq!(
            hosts,
            [
                ExceptionHost::Name("hooks.internal".into()),
                ExceptionHost::Network("10.1.2.3/32".parse().unwrap()),
                ExceptionHost::Network("10.1.2.0/24".parse().unwrap()),
                ExceptionHost::Network("fd00::1/128".parse().unwrap()),
                ExceptionHost::Name("xn--bcher-kva.internal".into()),
            ]
        );
        let shown: Vec<String> = config.exceptions.iter().map(ToString::to_string).collect();
        assert_eq!(shown[2..4], ["http://10.1.2.0/24:80", "https://[fd00::1/128]:*"]);
        assert_eq!(config.exceptions[0].scheme, Scheme::Https);
        assert_eq!(config.exceptions[2].scheme, Scheme::Http);
    }

    #[test]
    fn refuses_what_would_match_nothing() {
        for text in [
            r#"exceptions = [{ host = "*.internal" }]"#,
            r#"exceptions = [{ host = "https://a.internal" }]"#,
            r#"exceptions = [{ host = "a.internal:8443" }]"#,
            r#"exceptions = [{ host = "0x7f.1" }]"#,
            r#"exceptions = [{ host = "" }]"#,
            r#"exceptions = [{ host = "a.internal", prot = 1 }]"#,
            r#"exceptions = [{ host = "a.internal", scheme = "ftp" }]"#,
            r"extra_port = [444]",
        ] {
            assert!(toml::from_str::<EgressConfig>(text).is_err(), "{text}");
        }
    }
}
