//! DNS rebinding with a real name server: the address that was checked is the address that is called.
//!
//! Traffic stays on loopback: 127.0.0.2 plays the public server (an exception opens exactly it), 127.0.0.1 and ::1
//! with the same port are inside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gatepost_net::{Decision, Resolver, Scheme, TlsRoots};
use hickory_proto::op::Metadata;
use hickory_proto::rr::{RData, Record, RecordType};
use hickory_server::net::runtime::Time;
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo, Server as DnsServer};
use hickory_server::zone_handler::MessageResponseBuilder;
use tokio::net::{TcpStream, UdpSocket};

use crate::lab::{self, OK, Server, post};

const GOOD: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const INSIDE: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// Answers by the first label of the name, with a TTL of zero.
struct Rebinder {
    questions: Arc<AtomicUsize>,
}

impl Rebinder {
    fn answers(&self, name: &str, kind: RecordType) -> Vec<RData> {
        let (good, inside) = (RData::A(GOOD.into()), RData::A(INSIDE.into()));
        let inside_v6 = RData::AAAA(Ipv6Addr::LOCALHOST.into());
        let scheme = name.split('.').next().unwrap();
        match (scheme, kind) {
            ("flip" | "flip6", RecordType::A) => {
                let turn = self.questions.fetch_add(1, Ordering::SeqCst);
                vec![if turn.is_multiple_of(2) { good } else { inside }]
            }
            ("mixed", RecordType::A) => vec![good, inside],
            ("mixed6" | "flip6", RecordType::AAAA) => vec![inside_v6],
            ("mixed6" | "good", RecordType::A) => vec![good],
            ("inside", RecordType::A) => vec![inside],
            _ => Vec::new(),
        }
    }
}

impl RequestHandler for Rebinder {
    // Written out as the trait's own macro writes it.
    fn handle_request<'me, 'request, 'future, R, T>(
        &'me self,
        request: &'request Request,
        mut response: R,
    ) -> Pin<Box<dyn Future<Output = ResponseInfo> + Send + 'future>>
    where
        R: ResponseHandler + 'future,
        T: Time + 'future,
        'me: 'future,
        'request: 'future,
        Self: 'future,
    {
        Box::pin(async move {
            let query = request.request_info().unwrap().query;
            let records: Vec<Record> = self
                .answers(&query.name().to_string(), query.query_type())
                .into_iter()
                .map(|data| Record::from_rdata(query.name().into(), 0, data))
                .collect();
            let metadata = Metadata::response_from_request(&request.metadata);
            let builder = MessageResponseBuilder::from_message_request(request);
            response.send_response(builder.build(metadata, &records, [], [], [])).await.unwrap()
        })
    }
}

struct Lab {
    dns: DnsServer<Rebinder>,
    resolver: SocketAddr,
    good: Server,
    inside: Vec<Server>,
}

impl Lab {
    async fn start(close: bool) -> Self {
        let script = move |mut peer: lab::Peer| async move {
            let answer = if close {
                "HTTP/1.1 503 Later\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            } else {
                OK
            };
            while peer.request().await.is_some() && peer.write(answer).await {}
        };
        let inside = Server::start("127.0.0.1:0", None, script).await;
        let good = Server::start(&format!("{GOOD}:{}", inside.port()), None, script).await;
        let mut all_inside = vec![inside];
        let v6 = format!("[::1]:{}", good.port());
        if tokio::net::TcpListener::bind(&v6).await.is_ok() {
            all_inside.push(Server::start(&v6, None, script).await);
        }
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let resolver = socket.local_addr().unwrap();
        let mut dns = DnsServer::new(Rebinder { questions: Arc::default() });
        dns.register_socket(socket);
        Self { dns, resolver, good, inside: all_inside }
    }

    fn client(&self) -> gatepost_net::SafeClient {
        let resolver = Resolver::name_server(self.resolver).unwrap();
        lab::client(lab::policy(&["127.0.0.2"], self.good.port(), Scheme::Http), resolver, TlsRoots::Bundled)
    }

    fn url(&self, scheme: &str) -> String {
        format!("http://{scheme}.shop.example:{}/hook", self.good.port())
    }

    async fn assert_inside_untouched(&self) {
        for server in &self.inside {
            server.assert_untouched().await;
        }
    }

    fn inside(&self) -> usize {
        self.inside.iter().map(Server::connections).sum()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.dns.shutdown_token().cancel();
    }
}

/// The control: a guard that resolves, checks, and lets the client resolve again. It must be caught, or the
/// laboratory proves nothing.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "what a naive guard does")]
async fn a_naive_guard_reaches_the_inside() {
    let lab = Lab::start(false).await;
    let ask = || async {
        let mut config = hickory_resolver::config::ConnectionConfig::udp();
        config.port = lab.resolver.port();
        let server = hickory_resolver::config::NameServerConfig::new(lab.resolver.ip(), true, vec![config]);
        let config = hickory_resolver::config::ResolverConfig::from_name_servers(vec![server]);
        let provider = hickory_resolver::net::runtime::TokioRuntimeProvider::default();
        let resolver =
            hickory_resolver::TokioResolver::builder_with_config(config, provider).build().unwrap();
        resolver.lookup_ip("flip.shop.example.").await.unwrap().iter().next().unwrap()
    };
    let checked = ask().await;
    assert_eq!(checked, IpAddr::V4(GOOD), "the check passes");
    TcpStream::connect((ask().await, lab.good.port())).await.unwrap();
    for _ in 0..100 {
        if lab.inside() == 1 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the naive guard was not fooled");
}

#[tokio::test]
async fn two_hundred_rounds_of_rebinding_never_reach_the_inside() {
    // With receivers that close after every response, each round asks DNS again.
    for close in [true, false] {
        let lab = Lab::start(close).await;
        let client = lab.client();
        let (mut went, mut blocked) = (0, 0);
        for round in 0..120 {
            let scheme = ["flip", "flip6", "mixed", "mixed6", "inside", "good"][round % 6];
            let attempt = post(&client, &lab.url(scheme)).await;
            match attempt.decision {
                Decision::Blocked(rule) => {
                    assert_eq!(rule, "address_loopback");
                    assert_eq!(attempt.connected_to, None);
                    blocked += 1;
                }
                Decision::Allowed => {
                    assert_eq!(
                        attempt.connected_to.map(|peer| peer.ip()),
                        Some(IpAddr::V4(GOOD)),
                        "{attempt:?}"
                    );
                    went += 1;
                }
            }
        }
        assert!(went >= 20 && blocked >= 60, "both kinds of rounds happened: {went} went, {blocked} blocked");
        lab.assert_inside_untouched().await;
    }
}

#[tokio::test]
async fn rebinding_under_concurrency_never_reaches_the_inside() {
    let lab = Lab::start(true).await;
    let client = lab.client();
    let url = lab.url("flip");
    let (mut went, mut blocked) = (0, 0);
    for _ in 0..10 {
        for attempt in futures_util::future::join_all((0..20).map(|_| post(&client, &url))).await {
            *(if attempt.decision == Decision::Allowed { &mut went } else { &mut blocked }) += 1;
        }
    }
    assert!(went > 0 && blocked > 0, "{went} went, {blocked} blocked");
    lab.assert_inside_untouched().await;
}
