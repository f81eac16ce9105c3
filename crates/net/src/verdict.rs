//! What the policy answers: yes or no, and by which rule.

use serde::Serialize;

/// The rules of the URL policy. Their names are stable: they stand in attempt rows, metrics and the output of
/// `gatepost url check`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Allowed: an ordinary public destination.
    Public,
    /// Allowed: the operator's exception opens it.
    Exception,
    /// The line given to [`crate::url_check_line`] is not what it should be.
    MalformedInput,
    /// Longer than 2,048 bytes.
    UrlTooLong,
    /// White space, control characters or a backslash: parsers disagree on them.
    UrlCharacters,
    /// Not an absolute URL, or not one that the WHATWG URL standard accepts.
    UrlInvalid,
    /// Two honest parsers could read two different hosts.
    UrlAmbiguous,
    /// Neither https nor a scheme that an exception names.
    SchemeNotAllowed,
    /// `user:password@` before the host.
    UserinfoPresent,
    /// Not a host name that DNS could hold.
    HostInvalid,
    /// A name of this machine, such as `localhost`.
    HostLoopback,
    /// A name under a domain that exists only inside a network, such as `.internal`.
    HostInternal,
    /// A cloud's metadata service by name.
    HostMetadata,
    /// A name without a dot.
    HostSingleLabel,
    /// A port outside those described at [`crate::EgressConfig`].
    PortNotAllowed,
    /// The resolver gave no address.
    NoAnswers,
    /// `0.0.0.0/8`, `::`.
    AddressUnspecified,
    /// `127.0.0.0/8`, `::1`.
    AddressLoopback,
    /// RFC 1918, unique local and the old site-local addresses.
    AddressPrivate,
    /// `100.64.0.0/10`, the carriers' shared space.
    AddressShared,
    /// `169.254.0.0/16`, `fe80::/10`.
    AddressLinkLocal,
    /// A cloud's metadata service by address.
    AddressMetadata,
    /// Multicast and broadcast.
    AddressMulticast,
    /// Documentation ranges.
    AddressDocumentation,
    /// `198.18.0.0/15`, `2001:2::/48`.
    AddressBenchmarking,
    /// An IPv6 form that carries an IPv4 address (mapped, compatible, SIIT, NAT64, 6to4, Teredo, ISATAP).
    AddressTransition,
    /// Another entry of IANA's special-purpose registries.
    AddressSpecialPurpose,
    /// Reserved, or outside the global unicast space.
    AddressReserved,
    /// One of Gatepost's own listeners.
    AddressOwnListener,
}

impl Rule {
    /// The stable name, snake case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Exception => "exception",
            Self::MalformedInput => "malformed_input",
            Self::UrlTooLong => "url_too_long",
            Self::UrlCharacters => "url_characters",
            Self::UrlInvalid => "url_invalid",
            Self::UrlAmbiguous => "url_ambiguous",
            Self::SchemeNotAllowed => "scheme_not_allowed",
            Self::UserinfoPresent => "userinfo_present",
            Self::HostInvalid => "host_invalid",
            Self::HostLoopback => "host_loopback",
            Self::HostInternal => "host_internal",
            Self::HostMetadata => "host_metadata",
            Self::HostSingleLabel => "host_single_label",
            Self::PortNotAllowed => "port_not_allowed",
            Self::NoAnswers => "no_answers",
            Self::AddressUnspecified => "address_unspecified",
            Self::AddressLoopback => "address_loopback",
            Self::AddressPrivate => "address_private",
            Self::AddressShared => "address_shared",
            Self::AddressLinkLocal => "address_link_local",
            Self::AddressMetadata => "address_metadata",
            Self::AddressMulticast => "address_multicast",
            Self::AddressDocumentation => "address_documentation",
            Self::AddressBenchmarking => "address_benchmarking",
            Self::AddressTransition => "address_transition",
            Self::AddressSpecialPurpose => "address_special_purpose",
            Self::AddressReserved => "address_reserved",
            Self::AddressOwnListener => "address_own_listener",
        }
    }

    /// What the person who chose the URL is told. It never names the address that a host name resolved to: that
    /// would let a customer map the operator's network.
    const fn reason(self) -> &'static str {
        match self {
            Self::Public | Self::Exception => "",
            Self::MalformedInput => "the line is not a JSON object with a url",
            Self::UrlTooLong => "the URL is longer than 2048 bytes",
            Self::UrlCharacters => "the URL holds white space, a control character or a backslash",
            Self::UrlInvalid => "this is not a valid absolute URL",
            Self::UrlAmbiguous => "programs disagree on which host this URL names",
            Self::SchemeNotAllowed => "only https is allowed",
            Self::UserinfoPresent => "a user name or password in the URL is not allowed",
            Self::HostInvalid => "this is not a valid host name",
            Self::HostLoopback => "the host is a name of the machine that Gatepost runs on",
            Self::HostInternal => "the host is under a domain that exists only inside a network",
            Self::HostMetadata | Self::AddressMetadata => "the host is a cloud's metadata service",
            Self::HostSingleLabel => "the host is a single label, which has meaning only inside a network",
            Self::PortNotAllowed => "this port is not allowed",
            Self::NoAnswers => "the host name has no address",
            Self::AddressUnspecified => "the host is the unspecified address",
            Self::AddressLoopback => "the host is a loopback address",
            Self::AddressPrivate => "the host is a private address",
            Self::AddressShared => "the host is an address of a carrier's shared space",
            Self::AddressLinkLocal => "the host is a link-local address",
            Self::AddressMulticast => "the host is a multicast or broadcast address",
            Self::AddressDocumentation => "the host is an address reserved for documentation",
            Self::AddressBenchmarking => "the host is an address reserved for benchmarking",
            Self::AddressTransition => "the host is an IPv6 address that carries an IPv4 address",
            Self::AddressSpecialPurpose => "the host is an address with a special purpose",
            Self::AddressReserved => "the host is a reserved address",
            Self::AddressOwnListener => "the host is this Gatepost itself",
        }
    }

    /// Whether the destination is something inside that the operator could open.
    const fn operator_could_open(self) -> bool {
        !matches!(
            self,
            Self::Public
                | Self::Exception
                | Self::MalformedInput
                | Self::UrlTooLong
                | Self::UrlCharacters
                | Self::UrlInvalid
                | Self::UrlAmbiguous
                | Self::UserinfoPresent
                | Self::HostInvalid
                | Self::NoAnswers
                | Self::AddressOwnListener
        )
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The answer of the policy for one URL, or for one set of resolver answers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Verdict {
    /// May the request go?
    pub allow: bool,
    /// Stable snake_case name of the [`Rule`] that decided.
    pub rule: &'static str,
    /// One sentence for the person who chose the URL, with ways on; empty when allowed.
    pub detail: String,
}

impl Verdict {
    /// Allowed by `rule`, which is [`Rule::Public`] or [`Rule::Exception`].
    pub(crate) const fn allow(rule: Rule) -> Self {
        Self { allow: true, rule: rule.as_str(), detail: String::new() }
    }

    /// Refused by `rule`.
    pub(crate) fn deny(rule: Rule) -> Self {
        let mut detail = rule.reason().to_owned();
        if matches!(rule, Rule::HostLoopback | Rule::AddressLoopback) {
            detail.push_str(
                "; to receive events on your own machine run `gatepost listen`, or let the operator open this \
                 host and port under `[egress] exceptions`",
            );
        } else if rule.operator_could_open() {
            detail.push_str("; the operator can open a destination under `[egress] exceptions`");
        }
        Self { allow: false, rule: rule.as_str(), detail }
    }
}

impl From<Result<Rule, Rule>> for Verdict {
    fn from(result: Result<Rule, Rule>) -> Self {
        match result {
            Ok(rule) => Self::allow(rule),
            Err(rule) => Self::deny(rule),
        }
    }
}
