//! From a target to a TCP connection: resolve, judge, dial what was judged, judge the peer.
//!
//! Threat: check and connect differ (rebinding, one good answer among several, a literal that skips the resolver).
//! The one function here is the only place in the crate that opens a socket; with a policy it dials nothing but
//! addresses that the policy has just passed, and asks the connected socket whom it really speaks to before a byte
//! is sent.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::net::TcpStream;

use crate::failure::{Failure, Stage, class};
use crate::policy::UrlPolicy;
use crate::resolver::Resolver;
use crate::target::{Host, Target};
use crate::verdict::Rule;

/// Head start of one address over the next (RFC 8305 section 5).
const STAGGER: Duration = Duration::from_millis(250);
/// More addresses than this are judged, but not tried.
const MAX_TRIED: usize = 8;

/// Why there is no connection; no byte of the request has left.
#[derive(Debug)]
pub(crate) enum Unconnected {
    /// The policy refused the destination.
    Blocked(Rule),
    Failed(Failure),
}

impl From<Failure> for Unconnected {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Connects to `target`; a `policy` must pass the target, every address of it, and the peer.
pub(crate) async fn tcp(
    target: &Target,
    policy: Option<&UrlPolicy>,
    resolver: &Resolver,
    stage: &mut Stage,
) -> Result<(TcpStream, SocketAddr), Unconnected> {
    *stage = Stage::Dns;
    let addresses = match target.host() {
        Host::Address(ip) => vec![*ip],
        Host::Name(name) => resolver.addresses(name).await?,
    };
    if let Some(policy) = policy {
        policy.judge_answers(target, &addresses).map_err(|rule| {
            tracing::debug!(origin = target.origin(), ?addresses, %rule, "resolver's answer refused");
            Unconnected::Blocked(rule)
        })?;
    }
    *stage = Stage::Connect;
    let failed =
        |error: io::Error| Failure::new(class::CONNECT_FAILED, format_args!("cannot connect: {error}"));
    let stream = race(order(addresses, target.port())).await.map_err(failed)?;
    let peer = stream.peer_addr().map_err(failed)?;
    if let Some(policy) = policy {
        let local = stream.local_addr().map_err(failed)?;
        policy.judge_connection(target, local, peer).map_err(Unconnected::Blocked)?;
    }
    // A request is written in one go; waiting to fill a packet would only add latency.
    stream.set_nodelay(true).map_err(failed)?;
    Ok((stream, peer))
}

/// IPv4 and IPv6 by turns. IPv4 goes first: servers without working IPv6 are commoner than without IPv4.
fn order(addresses: Vec<IpAddr>, port: u16) -> Vec<SocketAddr> {
    let (v4, v6): (Vec<IpAddr>, Vec<IpAddr>) = addresses.into_iter().partition(IpAddr::is_ipv4);
    let (mut v4, mut v6) = (v4.into_iter(), v6.into_iter());
    let mut ordered = Vec::new();
    while ordered.len() < MAX_TRIED {
        let before = ordered.len();
        ordered.extend(v4.next());
        ordered.extend(v6.next());
        if ordered.len() == before {
            break;
        }
    }
    ordered.truncate(MAX_TRIED);
    ordered.into_iter().map(|ip| SocketAddr::new(ip, port)).collect()
}

/// The first of `addresses` that accepts; each starts when the one before it failed or had its head start.
#[expect(clippy::disallowed_methods, reason = "the one door: every address here has been judged")]
async fn race(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut waiting = addresses.into_iter();
    let mut dialling = FuturesUnordered::new();
    let mut last_error = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        if let Some(address) = waiting.next() {
            dialling.push(TcpStream::connect(address));
        } else if dialling.is_empty() {
            return Err(last_error);
        }
        loop {
            let more = waiting.len() > 0;
            tokio::select! {
                Some(result) = dialling.next() => match result {
                    Ok(stream) => return Ok(stream),
                    Err(error) => last_error = error,
                },
                () = tokio::time::sleep(STAGGER), if more => {}
            }
            if more || dialling.is_empty() {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn families_take_turns() {
        let addresses = ["::1", "::2", "::3", "1.1.1.1"].map(|ip| ip.parse().unwrap()).to_vec();
        let ordered: Vec<String> = order(addresses, 9).iter().map(ToString::to_string).collect();
        assert_eq!(ordered, ["1.1.1.1:9", "[::1]:9", "[::2]:9", "[::3]:9"]);
    }

    #[tokio::test]
    async fn a_dead_address_does_not_hide_a_live_one() {
        let live = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = live.local_addr().unwrap().port();
        let dead = SocketAddr::from(([127, 0, 0, 9], port));
        let stream = race(vec![dead, live.local_addr().unwrap()]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), live.local_addr().unwrap());
        assert!(race(vec![dead]).await.is_err());
    }
}
