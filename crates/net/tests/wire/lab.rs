//! The laboratory: scripted servers, certificates, clients with short budgets.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use gatepost_net::{
    Attempt, Budgets, EgressConfig, Exception, Resolver, SafeClient, SafeRequest, Scheme, TlsRoots, UrlPolicy,
};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// The name that the test certificates are for.
pub const NAME: &str = "hooks.shop.example";
/// The deadline of a request that should succeed, on however busy a machine.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// The deadline of a request that meets a server which stalls.
pub const DEADLINE: Duration = Duration::from_millis(600);
/// What a deadline may be overrun by before a test fails: the machine may be busy.
const SLACK: Duration = Duration::from_secs(3);

pub trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// One accepted connection, in the hands of a script.
pub struct Peer {
    pub io: Box<dyn Io>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    /// Reads one request, head and body; `None` when the client closed.
    pub async fn request(&mut self) -> Option<String> {
        let mut text = Vec::new();
        let mut buffer = vec![0; 16 * 1024];
        loop {
            if let Some(head) = text.windows(4).position(|four| four == b"\r\n\r\n") {
                let lower = String::from_utf8_lossy(&text[..head]).to_lowercase();
                let length: usize = lower
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length:"))
                    .map_or(0, |value| value.trim().parse().unwrap());
                if text.len() >= head + 4 + length {
                    let request = String::from_utf8_lossy(&text).into_owned();
                    self.requests.lock().unwrap().push(request.clone());
                    return Some(request);
                }
            }
            match self.io.read(&mut buffer).await {
                Ok(0) | Err(_) => return None,
                Ok(n) => text.extend_from_slice(&buffer[..n]),
            }
        }
    }

    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.io.write_all(bytes.as_ref()).await.is_ok() && self.io.flush().await.is_ok()
    }

    /// Keeps the connection open until the client closes it.
    pub async fn wait_for_close(&mut self) {
        let mut sink = [0; 1024];
        while matches!(self.io.read(&mut sink).await, Ok(n) if n > 0) {}
    }
}

/// A server that runs one script per connection and counts.
pub struct Server {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub async fn start<F, R>(bind: &str, tls: Option<Arc<ServerConfig>>, script: F) -> Self
    where
        F: Fn(Peer) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(bind).await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let script = Arc::new(script);
        let task = tokio::spawn({
            let (connections, requests) = (Arc::clone(&connections), Arc::clone(&requests));
            async move {
                loop {
                    let (tcp, _) = listener.accept().await.unwrap();
                    connections.fetch_add(1, Ordering::SeqCst);
                    let (tls, requests, script) = (tls.clone(), Arc::clone(&requests), Arc::clone(&script));
                    tokio::spawn(async move {
                        let io: Box<dyn Io> = match tls {
                            None => Box::new(tcp),
                            Some(config) => match TlsAcceptor::from(config).accept(tcp).await {
                                Ok(stream) => Box::new(stream),
                                Err(_) => return,
                            },
                        };
                        script(Peer { io, requests }).await;
                    });
                }
            }
        });
        Self { address, connections, requests, task }
    }

    /// A plain server on a free loopback port that answers every request with `response`.
    pub async fn answering(response: &'static str) -> Self {
        Self::start("127.0.0.1:0", None, move |mut peer| async move {
            while peer.request().await.is_some() && peer.write(response).await {}
        })
        .await
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// That nobody ever connected; waits first, since a connection counts only once it is accepted.
    pub async fn assert_untouched(&self) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(self.connections(), 0, "{} was reached", self.address);
    }

    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A policy that opens `hosts` (names, addresses, networks) on `port`.
pub fn policy(hosts: &[&str], port: u16, scheme: Scheme) -> UrlPolicy {
    let exceptions = hosts.iter().map(|host| Exception::new(host, Some(port), scheme).unwrap()).collect();
    UrlPolicy::new(EgressConfig { exceptions, ..EgressConfig::default() })
}

pub fn budgets() -> Budgets {
    Budgets { body: Duration::from_secs(1), ..Budgets::default() }
}

/// A client that may speak plain HTTP to `server`, by its address.
pub fn plain_client(server: &Server) -> SafeClient {
    let policy = policy(&["127.0.0.1"], server.port(), Scheme::Http);
    client(policy, Resolver::fixed::<String>([]), TlsRoots::Bundled)
}

pub fn client(policy: UrlPolicy, resolver: Resolver, roots: TlsRoots) -> SafeClient {
    SafeClient::new(Arc::new(policy), resolver, budgets(), roots).unwrap()
}

pub fn names(table: &[(&str, &str)]) -> Resolver {
    Resolver::fixed(table.iter().map(|(name, ip)| (*name, vec![ip.parse::<IpAddr>().unwrap()])))
}

/// One delivery, in good time.
pub async fn post(client: &SafeClient, url: &str) -> Attempt {
    post_within(client, url, PATIENCE).await
}

/// One delivery to a server that stalls.
pub async fn post_briefly(client: &SafeClient, url: &str) -> Attempt {
    post_within(client, url, DEADLINE).await
}

async fn post_within(client: &SafeClient, url: &str, timeout: Duration) -> Attempt {
    let headers = &[("content-type", "application/json"), ("webhook-id", "msg_1")];
    let body = Bytes::from_static(br#"{"type":"message.delivered"}"#);
    let attempt = client.post(SafeRequest { url, headers, body, timeout }).await;
    assert!(attempt.latency < timeout + SLACK, "took {:?}", attempt.latency);
    attempt
}

pub fn class(attempt: &Attempt) -> &'static str {
    attempt.error.as_ref().map_or("none", |error| error.class)
}

/// A certificate authority of our own.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn root(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    pub fn roots(&self) -> TlsRoots {
        TlsRoots::Only(vec![self.root()])
    }

    /// A certificate for `name`, valid until the end of `last_year`.
    pub fn server(&self, name: &str, last_year: i32) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let certificate = params(name, last_year).signed_by(&key, &self.0).unwrap();
        server_config(certificate.der().clone(), &key)
    }
}

pub fn self_signed(name: &str) -> Arc<ServerConfig> {
    let key = KeyPair::generate().unwrap();
    let certificate = params(name, 2090).self_signed(&key).unwrap();
    server_config(certificate.der().clone(), &key)
}

fn params(name: &str, last_year: i32) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(last_year, 12, 31);
    params
}

fn server_config(certificate: CertificateDer<'static>, key: &KeyPair) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    Arc::new(config)
}
