//! The trusted client: complete answers, and errors that say whether the request may have arrived.

use std::time::Duration;

use bytes::Bytes;
use gatepost_net::{
    Method, Multipart, Resolver, SendError, TlsRoots, TrustedBody, TrustedBudgets, TrustedClient,
    TrustedRequest, class,
};

use crate::lab::{self, OK, Server};

pub fn request(url: &str, body: TrustedBody) -> TrustedRequest<'_> {
    TrustedRequest {
        method: Method::Post,
        url,
        bearer: Some("EAAG-token"),
        headers: &[],
        body,
        timeout: lab::PATIENCE,
    }
}

/// For a server that stalls.
fn brief(url: &str) -> TrustedRequest<'_> {
    TrustedRequest { timeout: lab::DEADLINE, ..request(url, json()) }
}

fn client() -> TrustedClient {
    TrustedClient::new(Resolver::fixed::<String>([]), TrustedBudgets::default(), TlsRoots::Bundled).unwrap()
}

fn json() -> TrustedBody {
    TrustedBody::Json(Bytes::from_static(br#"{"to":"1"}"#))
}

fn ambiguous(error: &SendError) -> &'static str {
    match error {
        SendError::Ambiguous { failure, .. } => failure.class,
        SendError::NotSent(failure) => panic!("not ambiguous: {failure:?}"),
    }
}

fn not_sent(error: &SendError) -> &'static str {
    match error {
        SendError::NotSent(failure) => failure.class,
        SendError::Ambiguous { failure, .. } => panic!("ambiguous: {failure:?}"),
    }
}

#[tokio::test]
async fn answers_are_complete_whatever_their_status() {
    let server = Server::answering(
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nX-Fb-Trace-Id: t1\r\nContent-Length: 4\r\n\r\nbody",
    )
    .await;
    let response = client().send(request(&server.url(), json())).await.unwrap();
    assert_eq!((response.status, &response.body[..]), (302, &b"body"[..]));
    assert_eq!(response.header("x-fb-trace-id"), Some("t1"));
    assert_eq!(response.remote, server.address);
    let seen = &server.requests()[0];
    assert!(seen.contains("authorization: Bearer EAAG-token\r\n"), "{seen}");
    assert!(seen.contains("content-type: application/json\r\n") && seen.ends_with(r#"{"to":"1"}"#), "{seen}");
}

#[tokio::test]
async fn forms_and_empty_bodies_arrive() {
    let server = Server::answering(OK).await;
    let form = Multipart::new().text("messaging_product", "whatsapp").file(
        "file",
        "a.bin",
        "application/octet-stream",
        vec![b'z'; 200_000],
    );
    let client = client();
    assert!(client.send(request(&server.url(), TrustedBody::Multipart(form))).await.unwrap().is_success());
    let url = server.url();
    let get = TrustedRequest { method: Method::Get, ..request(&url, TrustedBody::Empty) };
    assert!(client.send(get).await.unwrap().is_success());
    let seen = server.requests();
    assert!(seen[0].contains("content-type: multipart/form-data; boundary=gatepost-"));
    assert!(seen[0].contains(&"z".repeat(200_000)));
    assert!(
        seen[1].starts_with("GET /hook HTTP/1.1\r\n") && !seen[1].contains("content-length"),
        "{}",
        seen[1]
    );
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn what_never_left_is_not_sent() {
    let client = client();
    let unresolved = client.send(request("https://graph.shop.example/", json())).await.unwrap_err();
    assert_eq!(not_sent(&unresolved), class::DNS_NOT_FOUND);

    let gone = Server::answering(OK).await.url();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(not_sent(&client.send(request(&gone, json())).await.unwrap_err()), class::CONNECT_FAILED);

    let silent =
        Server::start("127.0.0.1:0", None, |mut peer| async move { peer.wait_for_close().await }).await;
    let handshake = format!("https://{}/", silent.address);
    assert_eq!(not_sent(&client.send(brief(&handshake)).await.unwrap_err()), class::TIMEOUT_TLS);

    let bad_token = TrustedRequest { bearer: Some("a\nb"), ..request("https://graph.shop.example/", json()) };
    assert_eq!(not_sent(&client.send(bad_token).await.unwrap_err()), class::REQUEST_INVALID);
    assert_eq!(
        not_sent(&client.send(request("https://u@graph.shop.example/", json())).await.unwrap_err()),
        class::REQUEST_INVALID
    );
}

#[tokio::test]
async fn what_may_have_left_is_ambiguous() {
    let stalls = Server::start("127.0.0.1:0", None, |mut peer| async move {
        peer.request().await;
        peer.wait_for_close().await;
    })
    .await;
    let error = client().send(brief(&stalls.url())).await.unwrap_err();
    assert_eq!(ambiguous(&error), class::TIMEOUT_RESPONSE);
    assert_eq!(stalls.requests().len(), 1, "it did arrive");

    let cuts = Server::start("127.0.0.1:0", None, |mut peer| async move {
        peer.request().await;
    })
    .await;
    let error = client().send(request(&cuts.url(), json())).await.unwrap_err();
    assert_eq!(ambiguous(&error), class::CONNECTION_LOST);
    assert_eq!((cuts.connections(), cuts.requests().len()), (1, 1), "and was not sent again");

    for (answer, expected, status) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", class::CONNECTION_LOST, Some(200)),
        ("nonsense\r\n\r\n", class::RESPONSE_INVALID, None),
    ] {
        let server = Server::start("127.0.0.1:0", None, move |mut peer| async move {
            peer.request().await;
            peer.write(answer).await;
        })
        .await;
        let error = client().send(request(&server.url(), json())).await.unwrap_err();
        assert_eq!(ambiguous(&error), expected);
        assert!(matches!(error, SendError::Ambiguous { status: known, .. } if known == status), "{error:?}");
    }
}

#[tokio::test]
async fn a_body_over_its_budget_is_ambiguous_with_its_status() {
    let server = Server::start("127.0.0.1:0", None, |mut peer| async move {
        peer.request().await;
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n").await;
        peer.write(vec![b'x'; 1_048_577]).await;
        peer.wait_for_close().await;
    })
    .await;
    let error = client().send(request(&server.url(), json())).await.unwrap_err();
    assert_eq!(ambiguous(&error), class::RESPONSE_TOO_LARGE);
    assert!(matches!(error, SendError::Ambiguous { status: Some(200), .. }));
}

#[tokio::test]
async fn a_connection_that_closed_while_idle_is_replaced() {
    let server = Server::start("127.0.0.1:0", None, |mut peer| async move {
        peer.request().await;
        peer.write(OK).await;
    })
    .await;
    let client = client();
    for _ in 0..5 {
        client.send(request(&server.url(), json())).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!((server.connections(), server.requests().len()), (5, 5));
}

#[tokio::test]
async fn a_reused_connection_that_dies_with_our_request_is_ambiguous_and_not_repeated() {
    let server = Server::start("127.0.0.1:0", None, |mut peer| async move {
        peer.request().await;
        peer.write(OK).await;
        peer.request().await; // read, perhaps acted upon, never answered
    })
    .await;
    let client = client();
    client.send(request(&server.url(), json())).await.unwrap();
    let error = client.send(request(&server.url(), json())).await.unwrap_err();
    assert_eq!(ambiguous(&error), class::CONNECTION_LOST);
    assert_eq!((server.connections(), server.requests().len()), (1, 2));
}
