//! Which addresses are listened on, and which are refused.
//!
//! Threat note. Defends against: an API that answers in the clear on a network (without TLS or a declared proxy only
//! loopback is bound), and a server that quietly moves to another port than the one its clients were told.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use tokio::net::TcpSocket;

use crate::config::{Config, MetricsListen, Server};
use crate::failure::{Failure, Result};

const DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
const METRICS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9464);
const OPERATORS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8180);
/// How many ports after the default one are tried.
const NEXT_PORTS: u16 = 20;
/// Connections that may wait to be accepted.
const BACKLOG: u32 = 4096;

/// Listens where the configuration says; the second value tells that the default port had to give way.
pub fn public(server: &Server) -> Result<(TcpListener, bool)> {
    let Some(wanted) = server.listen else { return default_port() };
    refuse_in_the_clear(wanted, server)?;
    match listen(wanted) {
        Ok(listener) => Ok((listener, false)),
        Err(error) => {
            let failure = Failure::failed(format!("cannot listen on {wanted}: {error}"));
            Err(if error.kind() == std::io::ErrorKind::AddrInUse {
                failure.hint(
                    "stop the program that uses this port, or name another one (server.listen, --listen)",
                )
            } else {
                failure.hint("check server.listen")
            })
        }
    }
}

fn default_port() -> Result<(TcpListener, bool)> {
    let mut last = None;
    for port in DEFAULT.port()..=DEFAULT.port() + NEXT_PORTS {
        match listen(SocketAddr::new(DEFAULT.ip(), port)) {
            Ok(listener) => return Ok((listener, port != DEFAULT.port())),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => last = Some(error),
            Err(error) => return Err(Failure::failed(format!("cannot listen on 127.0.0.1:{port}: {error}"))),
        }
    }
    let why = last.map_or_else(String::new, |error| format!(": {error}"));
    Err(Failure::failed(format!("no port from {} on is free{why}", DEFAULT.port()))
        .hint("name a free one with --listen 127.0.0.1:PORT"))
}

/// An address that others on the network reach needs TLS, ours or a proxy's.
fn refuse_in_the_clear(wanted: SocketAddr, server: &Server) -> Result<()> {
    if wanted.ip().to_canonical().is_loopback()
        || server.tls_certificate.is_some()
        || !server.trusted_proxies.is_empty()
    {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{wanted} can be reached by others, and nothing protects what is said there: API keys would cross the network \
         in the clear"
    ))
    .hint(
        "three ways on:\n\
         1. listen on loopback (127.0.0.1:8080) and let a TLS proxy on this machine pass requests on;\n\
         2. give this server a certificate: server.tls_certificate and server.tls_key;\n\
         3. name the TLS proxy in front of it: server.trusted_proxies = [\"10.0.0.5/32\"].",
    ))
}

/// A free port of loopback.
pub fn loopback() -> Result<TcpListener> {
    listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        .map_err(|error| Failure::failed(format!("cannot listen on loopback: {error}")))
}

/// Where metrics are served; `None` where they are off, or nothing was said and the usual port is taken.
pub fn metrics(wanted: Option<MetricsListen>) -> Result<Option<TcpListener>> {
    match wanted {
        Some(MetricsListen::Off) => Ok(None),
        Some(MetricsListen::At(address)) => match listen(address) {
            Ok(listener) => Ok(Some(listener)),
            Err(error) => Err(Failure::failed(format!("cannot listen on {address} for metrics: {error}"))
                .hint("name a free address in server.metrics_listen, or \"off\"")),
        },
        None => Ok(listen(METRICS).ok()),
    }
}

/// The port at which operators are to sign in; `None` where that is off.
pub fn operators_port(config: &Config) -> Option<u16> {
    match config.operators.listen {
        Some(MetricsListen::Off) => None,
        Some(MetricsListen::At(address)) => Some(address.port()),
        None => Some(OPERATORS.port()),
    }
}

/// Where operators sign in; `None` where that is off, or nothing was said and the usual port is taken.
pub fn operators(config: &Config) -> Result<Option<TcpListener>> {
    match config.operators.listen {
        Some(MetricsListen::Off) => Ok(None),
        Some(MetricsListen::At(address)) => {
            refuse_in_the_clear(address, &config.server)?;
            listen(address).map(Some).map_err(|error| {
                Failure::failed(format!("cannot listen on {address} for operators: {error}"))
                    .hint("name a free address in operators.listen, or \"off\"")
            })
        }
        None => Ok(listen(OPERATORS).ok()),
    }
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// The address under which this machine itself reaches a listener.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[tokio::test]
    async fn the_default_port_gives_way_and_says_so() {
        // Whoever has it, it is taken now.
        let _taken = TcpListener::bind(DEFAULT);
        let (listener, moved) = public(&Server::default()).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(moved && port > DEFAULT.port() && port <= DEFAULT.port() + NEXT_PORTS, "{port}");
    }

    #[test]
    fn only_loopback_in_the_clear() {
        let open = Server::default();
        for good in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert!(refuse_in_the_clear(good.parse().unwrap(), &open).is_ok(), "{good}");
        }
        for bad in ["0.0.0.0:1", "[::]:1", "192.168.1.1:1"] {
            let said = refuse_in_the_clear(bad.parse().unwrap(), &open).unwrap_err().to_string();
            assert!(
                ["1.", "2.", "3.", "trusted_proxies", "tls_certificate", "loopback"]
                    .iter()
                    .all(|w| said.contains(w)),
                "{said}"
            );
        }
        let proxied = Server { trusted_proxies: vec!["10.0.0.5/32".to_owned()], ..Server::default() };
        assert!(refuse_in_the_clear("0.0.0.0:1".parse().unwrap(), &proxied).is_ok());
    }
}
