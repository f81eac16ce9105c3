//! From a host name to addresses, all of them.
//!
//! Threat: an answer that differs between check and use. The clients ask once per connection, judge everything that
//! comes back, and dial exactly that; a cached answer is judged like a fresh one, so the cache (30 s at most) holds
//! nothing that could go around the policy. Names are always looked up as written: the search list of resolv.conf is
//! not applied, since it would turn `hooks.shop.example` into a name inside the operator's cluster.
//!
//! `/etc/hosts` is honoured: operators use it for exceptions, and its answers are judged like any other.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::Name;

use crate::failure::{Failure, class};

/// Longest time that an answer is kept, whatever its TTL says.
const MAX_POSITIVE_TTL: Duration = Duration::from_secs(30);
/// Longest time that "does not exist" is kept: a customer who just made the record waits no longer.
const MAX_NEGATIVE_TTL: Duration = Duration::from_secs(5);
/// One try at one name server; there are two.
const TRY_TIMEOUT: Duration = Duration::from_secs(2);
const CACHED_ANSWERS: u64 = 4_096;

/// Turns host names into addresses. Cheap to clone; clones share one cache.
#[derive(Clone)]
pub struct Resolver {
    source: Arc<Source>,
}

enum Source {
    Dns(Box<TokioResolver>),
    Fixed(HashMap<String, Vec<IpAddr>>),
}

/// The resolver could not be built.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up DNS: {0}")]
pub struct ResolveError(String);

impl Resolver {
    /// The machine's resolver: the name servers of resolv.conf (127.0.0.1 where there are none, as in libc; never a
    /// public service nobody chose) and `/etc/hosts`. Sends nothing until the first lookup.
    pub fn system() -> Result<Self, ResolveError> {
        match TokioResolver::builder_tokio() {
            Ok(builder) => Self::build(builder),
            Err(error) => {
                tracing::warn!(%error, "no usable resolv.conf, asking the name server on 127.0.0.1");
                Self::name_server(SocketAddr::from((Ipv4Addr::LOCALHOST, 53)))
            }
        }
    }

    /// One name server, over UDP and TCP.
    pub fn name_server(server: SocketAddr) -> Result<Self, ResolveError> {
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
            connection.port = server.port();
            connection
        });
        let server = NameServerConfig::new(server.ip(), true, connections.into());
        let config = ResolverConfig::from_name_servers(vec![server]);
        Self::build(TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()))
    }

    /// A fixed table, for tests and demonstrations. Names are lower case, without trailing dot.
    pub fn fixed<N: Into<String>>(table: impl IntoIterator<Item = (N, Vec<IpAddr>)>) -> Self {
        let table = table.into_iter().map(|(name, addresses)| (name.into(), addresses)).collect();
        Self { source: Arc::new(Source::Fixed(table)) }
    }

    fn build(
        mut builder: hickory_resolver::ResolverBuilder<TokioRuntimeProvider>,
    ) -> Result<Self, ResolveError> {
        let options: &mut ResolverOpts = builder.options_mut();
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.timeout = TRY_TIMEOUT;
        options.attempts = 1; // retries after the first try
        options.cache_size = CACHED_ANSWERS;
        options.positive_max_ttl = Some(MAX_POSITIVE_TTL);
        options.negative_max_ttl = Some(MAX_NEGATIVE_TTL);
        let resolver = builder.build().map_err(|error| ResolveError(error.to_string()))?;
        Ok(Self { source: Arc::new(Source::Dns(Box::new(resolver))) })
    }

    /// Every A and AAAA answer for `name`, CNAMEs followed by the name server; never empty.
    pub(crate) async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, Failure> {
        let addresses = match &*self.source {
            Source::Fixed(table) => table.get(name).cloned().unwrap_or_default(),
            // Loopback by definition (RFC 6761 section 6.3), and a question that no name server should hear.
            Source::Dns(_) if name == "localhost" || name.ends_with(".localhost") => {
                vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
            }
            Source::Dns(resolver) => lookup(resolver, name).await?,
        };
        if addresses.is_empty() { Err(not_found()) } else { Ok(addresses) }
    }
}

async fn lookup(resolver: &TokioResolver, name: &str) -> Result<Vec<IpAddr>, Failure> {
    let mut fqdn = Name::from_ascii(name).map_err(|_| not_found())?;
    fqdn.set_fqdn(true);
    match resolver.lookup_ip(fqdn).await {
        Ok(answer) => Ok(answer.iter().collect()),
        Err(error) if error.is_no_records_found() || error.is_nx_domain() => Err(not_found()),
        Err(error) => {
            // The public detail stays vague: errors may name the operator's name servers.
            tracing::debug!(name, %error, "dns lookup failed");
            Err(Failure::new(class::DNS_FAILED, "dns could not be asked"))
        }
    }
}

fn not_found() -> Failure {
    Failure::new(class::DNS_NOT_FOUND, "the host name has no address")
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match *self.source {
            Source::Dns(_) => "Resolver::Dns",
            Source::Fixed(_) => "Resolver::Fixed",
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[tokio::test]
    async fn localhost_needs_no_name_server() {
        let nobody = Resolver::name_server(SocketAddr::from((Ipv4Addr::LOCALHOST, 1))).unwrap();
        let addresses = nobody.addresses("app.localhost").await.unwrap();
        assert!(addresses.iter().all(IpAddr::is_loopback));
    }

    #[tokio::test]
    async fn a_dead_name_server_is_a_failure_that_names_nobody() {
        let nobody = Resolver::name_server(SocketAddr::from((Ipv4Addr::LOCALHOST, 1))).unwrap();
        let failure = nobody.addresses("hooks.shop.example").await.unwrap_err();
        assert_eq!(failure.class, class::DNS_FAILED);
        assert!(!failure.detail.contains("127.0.0.1"), "{failure}");
    }
}
