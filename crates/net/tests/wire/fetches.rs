//! Answers that are read whole: complete and from where the policy lets us go, or a failure.

use std::time::Duration;

use bytes::Bytes;
use gatepost_net::{
    Failure, Fetched, Method, Resolver, SafeClient, SafeFetch, Scheme, TlsRoots, UrlPolicy, class,
};

use crate::lab::{self, DEADLINE, PATIENCE, Server};

async fn fetch(
    client: &SafeClient,
    url: &str,
    max_bytes: usize,
    timeout: Duration,
) -> Result<Fetched, Failure> {
    let headers = &[("accept", "application/json"), ("authorization", "Bearer a-token")];
    client
        .fetch(SafeFetch { method: Method::Get, url, headers, body: Bytes::new(), max_bytes, timeout })
        .await
}

fn class_of(answer: Result<Fetched, Failure>) -> &'static str {
    answer.map_or_else(|failure| failure.class, |_| "none")
}

#[tokio::test]
async fn an_answer_is_whole_whatever_its_status() {
    let server = Server::answering(
        "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\nnull",
    )
    .await;
    let client = lab::plain_client(&server);
    let answer = fetch(&client, &server.url(), 4, PATIENCE).await.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (404, &b"null"[..]));
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    let request = &server.requests()[0];
    assert!(request.starts_with("GET /hook HTTP/1.1\r\n") && request.ends_with("\r\n\r\n"), "{request}");
    assert!(request.contains("authorization: Bearer a-token"), "{request}");
    assert!(!request.to_lowercase().contains("content-length"), "{request}");

    let form = SafeFetch {
        method: Method::Post,
        url: &server.url(),
        headers: &[("content-type", "application/x-www-form-urlencoded")],
        body: Bytes::from_static(b"a=b"),
        max_bytes: 4,
        timeout: PATIENCE,
    };
    client.fetch(form).await.unwrap();
    let request = &server.requests()[1];
    assert!(request.starts_with("POST ") && request.ends_with("\r\n\r\na=b"), "{request}");
}

#[tokio::test]
async fn what_is_not_whole_is_no_answer() {
    for (answer, expected) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345", class::RESPONSE_TOO_LARGE),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n",
            class::RESPONSE_TOO_LARGE,
        ),
        (
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
            class::REDIRECT_REFUSED,
        ),
        ("HTTP/1.1 304 Not Modified\r\n\r\n", class::REDIRECT_REFUSED),
        ("SSH-2.0-OpenSSH\r\n\r\n", class::RESPONSE_INVALID),
    ] {
        let server = Server::answering(answer).await;
        let client = lab::plain_client(&server);
        assert_eq!(class_of(fetch(&client, &server.url(), 4, PATIENCE).await), expected, "{answer}");
        assert_eq!(server.requests().len(), 1, "{answer}");
    }
    for (begin, expected) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n12", class::TIMEOUT_BODY),
        ("HTTP/1.1 200 OK\r\nContent-Le", class::TIMEOUT_RESPONSE),
    ] {
        let server = Server::start("127.0.0.1:0", None, move |mut peer| async move {
            if peer.request().await.is_some() && peer.write(begin).await {
                peer.wait_for_close().await;
            }
        })
        .await;
        let client = lab::plain_client(&server);
        assert_eq!(class_of(fetch(&client, &server.url(), 4, DEADLINE).await), expected, "{begin}");
    }
    let server = Server::start("127.0.0.1:0", None, |mut peer| async move {
        if peer.request().await.is_some() {
            peer.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n12").await;
        }
    })
    .await;
    let client = lab::plain_client(&server);
    assert_eq!(class_of(fetch(&client, &server.url(), 4, PATIENCE).await), class::CONNECTION_LOST);
}

#[tokio::test]
async fn places_inside_are_not_asked() {
    let inside = Server::answering(lab::OK).await;
    let resolver = lab::names(&[(lab::NAME, "127.0.0.1")]);
    let client = lab::client(UrlPolicy::default(), resolver.clone(), TlsRoots::Bundled);
    for url in [
        inside.url(),
        format!("https://127.0.0.1:{}/", inside.port()),
        format!("https://{}:{}/", lab::NAME, inside.port()),
        "https://169.254.169.254/latest/meta-data".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        assert_eq!(class_of(fetch(&client, &url, 4, PATIENCE).await), class::URL_BLOCKED, "{url}");
    }
    // An exception for one port opens no other.
    let client = lab::client(
        lab::policy(&["127.0.0.1"], 1, Scheme::Http),
        Resolver::fixed::<String>([]),
        TlsRoots::Bundled,
    );
    assert_eq!(class_of(fetch(&client, &inside.url(), 4, PATIENCE).await), class::URL_BLOCKED);
    inside.assert_untouched().await;
}
