//! The trusted client with bodies that are never whole in memory, in both directions.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use gatepost_net::{
    BodyStream, Download, DownloadBudgets, Method, Multipart, Reach, Resolver, SendError, TlsRoots,
    TrustedBody, TrustedBudgets, TrustedClient, TrustedRequest, class,
};

use crate::lab::{self, OK, Server};
use crate::trusted::request;

const BUDGETS: DownloadBudgets =
    DownloadBudgets { bytes: 1_000_000, idle: lab::PATIENCE, total: lab::PATIENCE };

fn client() -> TrustedClient {
    TrustedClient::new(Resolver::fixed::<String>([]), TrustedBudgets::default(), TlsRoots::Bundled).unwrap()
}

fn pieces(count: usize) -> impl stream::Stream<Item = io::Result<Bytes>> + Send {
    stream::iter((0..count).map(|_| Ok(Bytes::from(vec![b'z'; 10_000]))))
}

async fn get(url: &str, reach: Reach, budgets: DownloadBudgets) -> Result<Download, SendError> {
    let request = TrustedRequest { method: Method::Get, ..request(url, TrustedBody::Empty) };
    client().download(request, reach, budgets).await
}

/// The whole body, or the class of what cut it and how much had come by then.
async fn whole(mut download: Download) -> Result<Vec<u8>, (&'static str, usize)> {
    let mut all = Vec::new();
    loop {
        match download.next().await {
            Ok(Some(piece)) => all.extend_from_slice(&piece),
            Ok(None) => return Ok(all),
            Err(failure) => {
                assert_eq!(download.next().await, Ok(None), "nothing comes after a failure");
                return Err((failure.class, all.len()));
            }
        }
    }
}

#[tokio::test]
async fn a_streamed_form_arrives_whole() {
    let server = Server::answering(OK).await;
    let file = BodyStream::new(200_000, pieces(20));
    let form =
        Multipart::new().text("messaging_product", "whatsapp").stream("file", "a.bin", "a/b", file, [7; 16]);
    let answer = client().send(request(&server.url(), TrustedBody::Multipart(form))).await.unwrap();
    assert!(answer.is_success());
    let seen = &server.requests()[0];
    assert!(seen.contains(&format!("\r\n\r\n{}\r\n--gatepost-0707", "z".repeat(200_000))), "the bytes");
    assert!(seen.contains("content-length: 200"), "the length is told beforehand");

    let plain = TrustedBody::Stream("a/b".to_owned(), BodyStream::new(30_000, pieces(3)));
    assert!(client().send(request(&server.url(), plain)).await.unwrap().is_success());
    assert!(server.requests()[1].ends_with(&format!("\r\n\r\n{}", "z".repeat(30_000))));
}

#[tokio::test]
async fn a_source_that_is_not_what_it_said_cuts_the_request() {
    let fails = || stream::iter([Ok(Bytes::from_static(b"zz")), Err(io::Error::other("gone"))]);
    for file in [
        BodyStream::new(200_001, pieces(20)),
        BodyStream::new(199_999, pieces(20)),
        BodyStream::new(10, fails()),
    ] {
        let server = Server::answering(OK).await;
        let form = Multipart::new().stream("file", "a.bin", "a/b", file, [7; 16]);
        let error = client().send(request(&server.url(), TrustedBody::Multipart(form))).await.unwrap_err();
        assert!(matches!(error, SendError::Ambiguous { status: None, .. }), "{error:?}");
        assert!(server.requests().is_empty(), "a whole request arrived");
    }
}

#[tokio::test]
async fn a_download_comes_in_pieces_and_its_connection_is_used_again() {
    let server = Server::start("127.0.0.1:0", None, |mut peer| async move {
        while peer.request().await.is_some() {
            peer.write("HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 500000\r\n\r\n").await;
            for _ in 0..50 {
                peer.write(vec![b'x'; 10_000]).await;
            }
        }
    })
    .await;
    let client = client();
    for _ in 0..2 {
        let url = server.url();
        let request = TrustedRequest { method: Method::Get, ..request(&url, TrustedBody::Empty) };
        let download = client.download(request, Reach::Configured, BUDGETS).await.unwrap();
        assert_eq!((download.status(), download.length()), (200, Some(500_000)));
        assert_eq!(download.header("content-type"), Some("image/png"));
        assert_eq!(whole(download).await.unwrap().len(), 500_000);
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn budgets_hold() {
    let much = Server::start("127.0.0.1:0", None, |mut peer| async move {
        peer.request().await;
        peer.write("HTTP/1.1 200 OK\r\n\r\n").await;
        while peer.write(vec![b'x'; 10_000]).await {}
    })
    .await;
    let download = get(&much.url(), Reach::Configured, BUDGETS).await.unwrap();
    let (found, came) = whole(download).await.unwrap_err();
    assert_eq!(found, class::RESPONSE_TOO_LARGE);
    assert!(came <= 1_000_000, "{came}");

    let stands = Server::start("127.0.0.1:0", None, |mut peer| async move {
        peer.request().await;
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").await;
        peer.wait_for_close().await;
    })
    .await;
    let idle = DownloadBudgets { idle: lab::DEADLINE, ..BUDGETS };
    let download = get(&stands.url(), Reach::Configured, idle).await.unwrap();
    assert_eq!(whole(download).await, Err((class::TIMEOUT_BODY, 4)));

    let drips = Server::start("127.0.0.1:0", None, |mut peer| async move {
        peer.request().await;
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n").await;
        while peer.write("x").await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let brief = DownloadBudgets { total: lab::DEADLINE, ..BUDGETS };
    let download = get(&drips.url(), Reach::Configured, brief).await.unwrap();
    assert_eq!(whole(download).await.unwrap_err().0, class::TIMEOUT_BODY);

    let cuts =
        Server::answering("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\nhalf").await;
    let download = get(&cuts.url(), Reach::Configured, idle).await.unwrap();
    assert!(whole(download).await.is_err(), "a body that ends early is no whole one");
}

#[tokio::test]
async fn nothing_is_followed_and_public_means_public() {
    let inside = Server::answering(OK).await;
    let redirects =
        Server::answering("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n")
            .await;
    assert_eq!(get(&redirects.url(), Reach::Configured, BUDGETS).await.unwrap().status(), 302);

    let names: [(&str, Vec<std::net::IpAddr>); 1] = [("lookaside.shop.example", vec![inside.address.ip()])];
    let client =
        TrustedClient::new(Resolver::fixed(names), TrustedBudgets::default(), TlsRoots::Bundled).unwrap();
    for url in [
        inside.url(),
        format!("https://127.0.0.1:{}/", inside.port()),
        format!("https://lookaside.shop.example:{}/", inside.port()),
        "https://169.254.169.254/latest".to_owned(),
    ] {
        let request = TrustedRequest { method: Method::Get, ..request(&url, TrustedBody::Empty) };
        let error = client.download(request, Reach::Public, BUDGETS).await.err().unwrap();
        assert!(!error.may_have_arrived() && error.failure().class == class::URL_BLOCKED, "{url}: {error:?}");
    }
    inside.assert_untouched().await;
}
