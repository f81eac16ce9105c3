//! The URL policy: what a customer's URL may name.
//!
//! Threat: server-side request forgery. A customer's URL makes Gatepost, which stands inside the operator's network,
//! speak to things that only it can reach: loopback services, private machines, a cloud's metadata service, itself.
//!
//! Three looks, all by the code of this file: at the URL before DNS, at every answer of the resolver, and at the
//! peer of the connected socket. Every answer must pass: a name with one good and one bad address is refused, since
//! whoever controls it chooses which one is used. Only addresses that passed are dialled, so there is no second
//! lookup whose answer could differ (rebinding).
//!
//! Not defended against: what a *public* server does with our request, and names whose public address forwards
//! inside; both are the same to anybody on the internet.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use crate::address;
use crate::config::{EgressConfig, ExceptionHost, Scheme};
use crate::target::{Host, Target};
use crate::verdict::{Rule, Verdict};
use crate::{names, ports};

/// The address policy for URLs that customers chose. Immutable once built; share it in an `Arc`.
#[derive(Debug, Clone, Default)]
pub struct UrlPolicy {
    config: EgressConfig,
    own_listeners: Vec<SocketAddr>,
}

impl UrlPolicy {
    /// The policy with the operator's settings; [`EgressConfig::default`] gives the one of a fresh install.
    pub const fn new(config: EgressConfig) -> Self {
        Self { config, own_listeners: Vec::new() }
    }

    /// Names the sockets that this Gatepost listens on, which no customer's URL may reach, exception or not. A
    /// listener on the wildcard address means every address of this machine.
    #[must_use]
    pub fn with_own_listeners(mut self, listeners: Vec<SocketAddr>) -> Self {
        self.own_listeners = listeners;
        self
    }

    /// The operator's settings, for `status` and the audit entry at start.
    pub const fn config(&self) -> &EgressConfig {
        &self.config
    }

    /// Judges a URL as text: syntax, scheme, host name or literal address, port. No DNS.
    pub fn check_url(&self, url: &str) -> Verdict {
        match Target::parse(url) {
            Ok(target) => self.check_target(&target),
            Err(rule) => Verdict::deny(rule),
        }
    }

    /// Parses and judges a URL, for a caller that will send to it many times.
    pub fn target(&self, url: &str) -> Result<Target, Verdict> {
        let target = Target::parse(url).map_err(Verdict::deny)?;
        match self.judge_target(&target) {
            Ok(_) => Ok(target),
            Err(rule) => Err(Verdict::deny(rule)),
        }
    }

    /// Judges a parsed URL, as [`Self::check_url`] does its text.
    pub fn check_target(&self, target: &Target) -> Verdict {
        self.judge_target(target).into()
    }

    /// Judges what the resolver answered for the host of `target`: there must be an answer, and every one must pass.
    pub fn check_answers(&self, target: &Target, answers: &[IpAddr]) -> Verdict {
        self.judge_answers(target, answers).into()
    }

    pub(crate) fn judge_target(&self, target: &Target) -> Result<Rule, Rule> {
        let name = match target.host() {
            Host::Address(ip) => return self.judge_address(target, *ip),
            Host::Name(name) => name,
        };
        if self.opens_name(target, name) {
            return Ok(Rule::Exception);
        }
        names::judge(name)?;
        match self.judge_scheme_and_port(target) {
            Ok(()) => Ok(Rule::Public),
            // A network exception may still open this scheme and port; the answers must then all lie in it.
            Err(_) if self.opens_some_network(target) => Ok(Rule::Exception),
            Err(rule) => Err(rule),
        }
    }

    pub(crate) fn judge_answers(&self, target: &Target, answers: &[IpAddr]) -> Result<Rule, Rule> {
        let mut rule = Rule::NoAnswers;
        for ip in answers {
            rule = match (rule, self.judge_address(target, *ip)?) {
                (Rule::Exception, _) | (_, Rule::Exception) => Rule::Exception,
                (_, passed) => passed,
            };
        }
        if rule == Rule::NoAnswers { Err(rule) } else { Ok(rule) }
    }

    /// Judges one address as destination of `target`: a literal, an answer, or the peer of a connected socket.
    pub(crate) fn judge_address(&self, target: &Target, ip: IpAddr) -> Result<Rule, Rule> {
        if self.own_listeners.contains(&SocketAddr::new(ip, target.port())) {
            return Err(Rule::AddressOwnListener);
        }
        if address::is_metadata(ip) && !self.opens_exactly(target, ip) {
            return Err(Rule::AddressMetadata);
        }
        let by_name = match target.host() {
            Host::Name(name) => self.opens_name(target, name),
            Host::Address(_) => false,
        };
        if by_name || self.opens_address(target, ip) {
            return Ok(Rule::Exception);
        }
        address::judge(ip)?;
        self.judge_scheme_and_port(target)?;
        Ok(Rule::Public)
    }

    /// Judges a connected socket. Beside the peer's address it finds a listener on the wildcard address, which no
    /// list of addresses shows: the socket then has the same address at both ends.
    pub(crate) fn judge_connection(
        &self,
        target: &Target,
        local: SocketAddr,
        peer: SocketAddr,
    ) -> Result<Rule, Rule> {
        let ours = |own: &SocketAddr| own.port() == peer.port() && own.ip().is_unspecified();
        if local.ip() == peer.ip() && self.own_listeners.iter().any(ours) {
            return Err(Rule::AddressOwnListener);
        }
        self.judge_address(target, peer.ip())
    }

    fn judge_scheme_and_port(&self, target: &Target) -> Result<(), Rule> {
        if target.scheme() != Scheme::Https {
            return Err(Rule::SchemeNotAllowed);
        }
        if self.port_is_open(target.port()) { Ok(()) } else { Err(Rule::PortNotAllowed) }
    }

    fn port_is_open(&self, port: u16) -> bool {
        (ports::is_ordinary(port) || self.config.extra_ports.contains(&port))
            && !self.config.deny_ports.contains(&port)
    }

    /// The exceptions for the target's scheme and port.
    fn exceptions(&self, target: &Target) -> impl Iterator<Item = &ExceptionHost> {
        let (scheme, port) = (target.scheme(), target.port());
        self.config
            .exceptions
            .iter()
            .filter(move |exception| {
                exception.scheme == scheme
                    && match exception.port {
                        Some(named) => named == port,
                        None => self.port_is_open(port) || (scheme == Scheme::Http && port == 80),
                    }
            })
            .map(|exception| &exception.host)
    }

    fn opens_name(&self, target: &Target, name: &str) -> bool {
        self.exceptions(target).any(|host| matches!(host, ExceptionHost::Name(named) if named == name))
    }

    fn opens_some_network(&self, target: &Target) -> bool {
        self.exceptions(target).any(|host| matches!(host, ExceptionHost::Network(_)))
    }

    fn opens_exactly(&self, target: &Target, ip: IpAddr) -> bool {
        let only = ExceptionHost::Network(IpNet::from(ip));
        self.exceptions(target).any(|host| *host == only)
    }

    /// Whether a network exception holds `ip`, and every IPv4 address that `ip` may carry is public or excepted too:
    /// opening a NAT64 prefix opens the internet through it, not the private networks behind it.
    fn opens_address(&self, target: &Target, ip: IpAddr) -> bool {
        let holds = |ip: IpAddr| {
            self.exceptions(target)
                .any(|host| matches!(host, ExceptionHost::Network(network) if network.contains(&ip)))
        };
        holds(ip)
            && match ip {
                IpAddr::V4(_) => true,
                IpAddr::V6(v6) => address::embedded_v4(v6)
                    .map(IpAddr::V4)
                    .all(|carried| address::judge(carried).is_ok() || holds(carried)),
            }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::config::Exception;

    fn policy(exceptions: &[(&str, Option<u16>, Scheme)]) -> UrlPolicy {
        UrlPolicy::new(EgressConfig {
            exceptions: exceptions
                .iter()
                .map(|(host, port, scheme)| Exception::new(host, *port, *scheme).unwrap())
                .collect(),
            ..EgressConfig::default()
        })
    }

    fn answers(policy: &UrlPolicy, url: &str, answers: &[&str]) -> &'static str {
        let target = match policy.target(url) {
            Ok(target) => target,
            Err(verdict) => return verdict.rule,
        };
        let answers: Vec<IpAddr> = answers.iter().map(|ip| ip.parse().unwrap()).collect();
        policy.check_answers(&target, &answers).rule
    }

    #[test]
    fn every_answer_must_pass() {
        let fresh = UrlPolicy::default();
        let url = "https://a.example.com/";
        assert_eq!(answers(&fresh, url, &["8.8.8.8", "2001:4860:4860::8888"]), "public");
        assert_eq!(answers(&fresh, url, &["8.8.8.8", "10.0.0.1"]), "address_private");
        assert_eq!(answers(&fresh, url, &["::1", "8.8.8.8"]), "address_loopback");
        assert_eq!(answers(&fresh, url, &[]), "no_answers");
    }

    #[test]
    fn a_network_exception_opens_exactly_its_addresses_port_and_scheme() {
        let policy = policy(&[("10.1.2.3", Some(8443), Scheme::Https), ("10.9.0.0/16", None, Scheme::Http)]);
        for (url, expected) in [
            ("https://10.1.2.3:8443/", "exception"),
            ("https://10.1.2.3/", "address_private"),
            ("https://10.1.2.4:8443/", "address_private"),
            ("http://10.1.2.3:8443/", "address_private"),
            ("http://10.9.1.1/", "exception"),
            ("http://10.9.1.1:8080/", "exception"),
            ("http://10.9.1.1:6379/", "address_private"),
            ("https://10.9.1.1/", "address_private"),
            ("http://8.8.8.8/", "scheme_not_allowed"),
            ("https://[::ffff:10.1.2.3]:8443/", "address_private"),
        ] {
            assert_eq!(policy.check_url(url).rule, expected, "{url}");
        }
        assert_eq!(answers(&policy, "https://a.example.com:8443/", &["10.1.2.3"]), "exception");
        assert_eq!(answers(&policy, "https://a.example.com:8443/", &["10.1.2.3", "8.8.8.8"]), "exception");
        assert_eq!(
            answers(&policy, "https://a.example.com:8443/", &["10.1.2.3", "10.1.2.4"]),
            "address_private"
        );
        assert_eq!(answers(&policy, "http://a.example.com/", &["10.9.0.1"]), "exception");
        assert_eq!(answers(&policy, "http://a.example.com/", &["8.8.8.8"]), "scheme_not_allowed");
        assert_eq!(answers(&policy, "https://wiki.lan:8443/", &["10.1.2.3"]), "host_internal");
    }

    #[test]
    fn a_name_exception_opens_exactly_that_name() {
        let policy = policy(&[("wiki.lan", Some(6379), Scheme::Http), ("localhost", None, Scheme::Https)]);
        assert_eq!(answers(&policy, "http://wiki.lan:6379/", &["192.168.1.1"]), "exception");
        assert_eq!(answers(&policy, "http://wiki.lan.:6379/", &["127.0.0.1"]), "exception");
        assert_eq!(answers(&policy, "http://wiki.lan:6379/", &["169.254.169.254"]), "address_metadata");
        assert_eq!(policy.check_url("http://a.wiki.lan:6379/").rule, "host_internal");
        assert_eq!(policy.check_url("https://localhost:8443/").rule, "exception");
        assert_eq!(policy.check_url("https://127.0.0.1:8443/").rule, "address_loopback");
    }

    #[test]
    fn metadata_opens_only_by_its_own_address() {
        let wide =
            policy(&[("169.254.0.0/16", Some(80), Scheme::Http), ("168.63.0.0/16", None, Scheme::Https)]);
        assert_eq!(wide.check_url("http://169.254.169.254/").rule, "address_metadata");
        assert_eq!(wide.check_url("http://169.254.1.1/").rule, "exception");
        assert_eq!(wide.check_url("https://168.63.129.16/").rule, "address_metadata");
        let exact = policy(&[("169.254.169.254", Some(80), Scheme::Http)]);
        assert_eq!(exact.check_url("http://169.254.169.254/").rule, "exception");
        assert_eq!(exact.check_url("https://169.254.169.254/").rule, "address_metadata");
    }

    #[test]
    fn an_open_nat64_prefix_does_not_open_what_lies_behind_it() {
        let policy = policy(&[("64:ff9b::/96", None, Scheme::Https)]);
        assert_eq!(policy.check_url("https://[64:ff9b::808:808]/").rule, "exception");
        assert_eq!(policy.check_url("https://[64:ff9b::7f00:1]/").rule, "address_loopback");
        assert_eq!(policy.check_url("https://[64:ff9b::a9fe:a9fe]/").rule, "address_metadata");
    }

    #[test]
    fn own_listeners_stay_closed() {
        let policy = policy(&[("127.0.0.0/8", None, Scheme::Https)])
            .with_own_listeners(vec!["127.0.0.1:8443".parse().unwrap(), "0.0.0.0:9443".parse().unwrap()]);
        assert_eq!(policy.check_url("https://127.0.0.1:8443/").rule, "address_own_listener");
        assert_eq!(policy.check_url("https://127.0.0.1:8444/").rule, "exception");
        let target = policy.target("https://127.0.0.1:9443/").unwrap();
        let peer: SocketAddr = "127.0.0.1:9443".parse().unwrap();
        let same = policy.judge_connection(&target, "127.0.0.1:50000".parse().unwrap(), peer);
        assert_eq!(same, Err(Rule::AddressOwnListener));
        let other = policy.judge_connection(&target, "127.0.0.2:50000".parse().unwrap(), peer);
        assert_eq!(other, Ok(Rule::Exception));
    }

    #[test]
    fn ports_follow_the_operator() {
        let policy = UrlPolicy::new(EgressConfig {
            extra_ports: vec![444, 445],
            deny_ports: vec![445, 8080],
            ..EgressConfig::default()
        });
        for (port, allow) in
            [(443, true), (444, true), (445, false), (8080, false), (8443, true), (5432, false)]
        {
            assert_eq!(policy.check_url(&format!("https://8.8.8.8:{port}/")).allow, allow, "{port}");
        }
    }

    #[test]
    fn a_refused_localhost_names_the_ways_on() {
        for url in ["http://localhost:3000/", "https://127.0.0.1/", "https://[::1]:8443/"] {
            let detail = UrlPolicy::default().check_url(url).detail;
            assert!(detail.contains("gatepost listen") && detail.contains("[egress] exceptions"), "{detail}");
        }
    }
}
