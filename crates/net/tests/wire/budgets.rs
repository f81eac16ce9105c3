//! A receiver cannot hurt us: whatever it does, an attempt is bounded in time and in what is read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gatepost_net::{Decision, class};
use tokio::io::AsyncWriteExt;

use crate::lab::{self, OK, Server, post, post_briefly};

/// A server that reads one request, writes `first`, then does whatever `then` does.
async fn server<R>(first: &'static str, then: fn(lab::Peer) -> R) -> Server
where
    R: Future<Output = ()> + Send + 'static,
{
    Server::start("127.0.0.1:0", None, move |mut peer| async move {
        if peer.request().await.is_some() && peer.write(first).await {
            then(peer).await;
        }
    })
    .await
}

async fn hold(mut peer: lab::Peer) {
    peer.wait_for_close().await;
}

async fn drip(mut peer: lab::Peer) {
    while peer.write("x").await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_good_receiver_gets_exactly_what_was_signed_and_keeps_its_connection() {
    let server = Server::answering(OK).await;
    let client = lab::plain_client(&server);
    for _ in 0..20 {
        let attempt = post(&client, &server.url()).await;
        assert!(attempt.is_success() && attempt.body_complete, "{attempt:?}");
        assert_eq!(attempt.decision, Decision::Allowed);
        assert_eq!(attempt.connected_to, Some(server.address));
        assert_eq!((attempt.status, attempt.response_snippet.as_str()), (Some(200), "ok"));
    }
    assert_eq!(server.connections(), 1, "connections are reused");
    let requests = server.requests();
    assert_eq!(requests.len(), 20);
    let request = &requests[0];
    assert!(request.starts_with("POST /hook HTTP/1.1\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\n{\"type\":\"message.delivered\"}"), "{request}");
    let head = request.to_lowercase();
    assert!(head.contains(&format!("host: 127.0.0.1:{}\r\n", server.port())), "{head}");
    assert!(head.contains("user-agent: gatepost/") && head.contains("webhook-id: msg_1"), "{head}");
    for absent in ["accept-encoding", "referer", "cookie", "proxy", "te:", "upgrade"] {
        assert!(!head.contains(absent), "{absent} in {head}");
    }
}

#[tokio::test]
async fn idle_connections_are_closed() {
    let closed = Arc::new(AtomicUsize::new(0));
    let server = Server::start("127.0.0.1:0", None, {
        let closed = Arc::clone(&closed);
        move |mut peer| {
            let closed = Arc::clone(&closed);
            async move {
                while peer.request().await.is_some() && peer.write(OK).await {}
                closed.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
    .await;
    let policy = lab::policy(&["127.0.0.1"], server.port(), gatepost_net::Scheme::Http);
    let budgets = gatepost_net::Budgets { idle_for: Duration::from_millis(50), ..lab::budgets() };
    let client = gatepost_net::SafeClient::new(
        Arc::new(policy),
        gatepost_net::Resolver::fixed::<String>([]),
        budgets,
        gatepost_net::TlsRoots::Bundled,
    )
    .unwrap();
    assert!(post(&client, &server.url()).await.is_success());
    for _ in 0..100 {
        if closed.load(Ordering::SeqCst) == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the idle connection stayed open");
}

#[tokio::test]
async fn a_receiver_that_stalls_runs_into_the_deadline() {
    let server = server("", hold).await;
    let attempt = post_briefly(&lab::plain_client(&server), &server.url()).await;
    assert_eq!(lab::class(&attempt), class::TIMEOUT_RESPONSE);
    assert_eq!((attempt.status, attempt.connected_to), (None, Some(server.address)));
    assert!(attempt.latency >= lab::DEADLINE);
}

#[tokio::test]
async fn a_receiver_that_drips_its_head_runs_into_the_deadline() {
    let server = server("HTTP/1.1 200 OK\r\nX: ", drip).await;
    let attempt = post_briefly(&lab::plain_client(&server), &server.url()).await;
    assert_eq!(lab::class(&attempt), class::TIMEOUT_RESPONSE);
}

#[tokio::test]
async fn a_receiver_that_drips_its_body_is_cut_off_and_its_2xx_stands_once() {
    let server = server("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", drip).await;
    let client = lab::plain_client(&server);
    let attempt = post(&client, &server.url()).await;
    assert!(attempt.is_success() && !attempt.body_complete, "{attempt:?}");
    assert!(attempt.response_snippet.starts_with("xx"));
    assert!(post(&client, &server.url()).await.is_success());
    assert_eq!(server.connections(), 2, "a connection with an unread body is not used again");
}

#[tokio::test]
async fn a_body_without_end_is_read_to_its_budget() {
    static WRITTEN: AtomicUsize = AtomicUsize::new(0);
    static OVER: AtomicUsize = AtomicUsize::new(0);
    async fn flood(mut peer: lab::Peer) {
        let chunk = [b'x'; 16 * 1024];
        while peer.io.write_all(&chunk).await.is_ok() {
            WRITTEN.fetch_add(chunk.len(), Ordering::SeqCst);
        }
        OVER.store(1, Ordering::SeqCst);
    }
    // Read until close: no length, no chunks.
    let server = server("HTTP/1.1 200 OK\r\n\r\n", flood).await;
    let attempt = post(&lab::plain_client(&server), &server.url()).await;
    assert!(attempt.is_success() && !attempt.body_complete);
    assert_eq!(attempt.response_snippet.len(), 1024);
    for _ in 0..100 {
        if OVER.load(Ordering::SeqCst) == 1 {
            let written = WRITTEN.load(Ordering::SeqCst);
            // 64 kB are read; the rest lies in the kernel's socket buffers.
            assert!(written < 16 << 20, "{written} bytes were taken");
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the connection stayed open");
}

#[tokio::test]
async fn an_endless_chunked_body_is_read_to_its_budget() {
    async fn flood(mut peer: lab::Peer) {
        while peer.write(format!("4000\r\n{}\r\n", "y".repeat(0x4000))).await {}
    }
    let server = server("HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n", flood).await;
    let attempt = post(&lab::plain_client(&server), &server.url()).await;
    assert_eq!((attempt.status, attempt.body_complete), (Some(500), false));
    assert!(!attempt.is_success());
}

#[tokio::test]
async fn a_compressed_body_stays_compressed() {
    let server = Server::answering(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n\r\n\u{1f}not-a-zip",
    )
    .await;
    let attempt = post(&lab::plain_client(&server), &server.url()).await;
    assert!(attempt.is_success() && attempt.body_complete);
    assert_eq!(attempt.response_snippet, "\u{fffd}not-a-zip");
}

#[tokio::test]
async fn a_hundred_thousand_headers_are_too_many() {
    async fn headers(mut peer: lab::Peer) {
        for number in 0..100_000 {
            if !peer.write(format!("X-{number}: y\r\n")).await {
                return;
            }
        }
        peer.write("\r\n").await;
        peer.wait_for_close().await;
    }
    let server = server("HTTP/1.1 200 OK\r\n", headers).await;
    let attempt = post(&lab::plain_client(&server), &server.url()).await;
    assert_eq!((lab::class(&attempt), attempt.status), (class::RESPONSE_TOO_LARGE, None));
}

#[tokio::test]
async fn a_header_without_end_is_too_large() {
    async fn flood(mut peer: lab::Peer) {
        while peer.write("z".repeat(8 * 1024)).await {}
    }
    let server = server("HTTP/1.1 200 OK\r\nX: ", flood).await;
    let attempt = post(&lab::plain_client(&server), &server.url()).await;
    assert_eq!(lab::class(&attempt), class::RESPONSE_TOO_LARGE);
}

#[tokio::test]
async fn endless_interim_responses_run_into_the_deadline() {
    async fn interim(mut peer: lab::Peer) {
        while peer.write("HTTP/1.1 103 Early Hints\r\n\r\n").await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    let server = server("HTTP/1.1 100 Continue\r\n\r\n", interim).await;
    let attempt = post_briefly(&lab::plain_client(&server), &server.url()).await;
    assert_eq!(lab::class(&attempt), class::TIMEOUT_RESPONSE);
}

#[tokio::test]
async fn what_is_not_http_is_an_outcome() {
    for (answer, expected) in [
        ("SSH-2.0-OpenSSH_9.6\r\n", class::RESPONSE_INVALID),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", class::RESPONSE_INVALID),
        ("HTTP/1.1 200 OK\r\n", class::CONNECTION_LOST),
        ("", class::CONNECTION_LOST),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            class::RESPONSE_INVALID,
        ),
    ] {
        let server = server(answer, |_| async {}).await;
        let attempt = post(&lab::plain_client(&server), &server.url()).await;
        assert_eq!(lab::class(&attempt), expected, "{answer}");
        assert!(!attempt.is_success());
    }
}

#[tokio::test]
async fn a_retry_after_is_passed_on_and_bounded() {
    let server =
        Server::answering("HTTP/1.1 429 Slow\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n").await;
    let attempt = post(&lab::plain_client(&server), &server.url()).await;
    assert_eq!((attempt.status, attempt.retry_after.as_deref()), (Some(429), Some("120")));
    assert!(attempt.error.is_none() && !attempt.is_success());
}

#[tokio::test]
async fn a_stalling_receiver_does_not_slow_another() {
    let stalling = server("", hold).await;
    let good = Server::answering(OK).await;
    let exceptions = [&stalling, &good].map(|server| {
        gatepost_net::Exception::new("127.0.0.1", Some(server.port()), gatepost_net::Scheme::Http).unwrap()
    });
    let config = gatepost_net::EgressConfig {
        exceptions: exceptions.to_vec(),
        ..gatepost_net::EgressConfig::default()
    };
    let client = lab::client(
        gatepost_net::UrlPolicy::new(config),
        gatepost_net::Resolver::fixed::<String>([]),
        gatepost_net::TlsRoots::Bundled,
    );
    let stalled = tokio::spawn({
        let (client, url) = (client.clone(), stalling.url());
        async move {
            let posts = (0..50).map(|_| lab::post_briefly(&client, &url));
            futures_util::future::join_all(posts).await
        }
    });
    for _ in 0..50 {
        let attempt = post(&client, &good.url()).await;
        assert!(attempt.is_success() && attempt.latency < lab::DEADLINE / 2, "{attempt:?}");
    }
    assert!(stalled.await.unwrap().iter().all(|attempt| lab::class(attempt) == class::TIMEOUT_RESPONSE));
}

#[tokio::test]
async fn headers_that_belong_to_the_client_are_refused() {
    let server = Server::answering(OK).await;
    let client = lab::plain_client(&server);
    for header in [("Host", "x"), ("content-length", "1"), ("x y", "z"), ("x", "a\r\nb: c")] {
        let request = gatepost_net::SafeRequest {
            url: &server.url(),
            headers: &[header],
            body: bytes::Bytes::new(),
            timeout: lab::PATIENCE,
        };
        assert_eq!(lab::class(&client.post(request).await), class::REQUEST_INVALID);
    }
    server.assert_untouched().await;
}
