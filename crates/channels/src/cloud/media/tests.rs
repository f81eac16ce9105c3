//! Files against a small stand-in for Meta, over real sockets.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::future::IntoFuture;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::stream;
use gatepost_core::Secret;
use serde_json::{Value, json};

use super::*;

const TOKEN: &str = "EAAG-media-token";

#[derive(Default)]
struct Meta {
    base: Mutex<String>,
    /// So many addresses have run out when they are called.
    stale: AtomicUsize,
    described: AtomicUsize,
    uploads: Mutex<Vec<(HeaderMap, Bytes)>>,
    /// What is answered about the file instead of the truth.
    instead: Mutex<Option<Value>>,
}

fn allowed(headers: &HeaderMap) -> bool {
    headers.get("authorization").is_some_and(|value| value == format!("Bearer {TOKEN}").as_str())
}

fn unknown() -> Response {
    let error = json!({"error": {"message": "Unsupported get request.", "code": 100, "error_subcode": 33}});
    (StatusCode::BAD_REQUEST, error.to_string()).into_response()
}

async fn describe(State(meta): State<Arc<Meta>>, Path((_, id)): Path<(String, String)>) -> Response {
    meta.described.fetch_add(1, Ordering::SeqCst);
    if id != "77" {
        return unknown();
    }
    let instead = meta.instead.lock().unwrap().clone();
    let url = format!("{}/file?mid=77", meta.base.lock().unwrap());
    let told = json!({"messaging_product": "whatsapp", "url": url, "mime_type": "image/png",
        "sha256": "0a".repeat(32), "file_size": 9, "id": "77"});
    instead.unwrap_or(told).to_string().into_response()
}

async fn file(State(meta): State<Arc<Meta>>, headers: HeaderMap) -> Response {
    let stale = meta.stale.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    match stale {
        Ok(_) => StatusCode::NOT_FOUND.into_response(),
        Err(_) if !allowed(&headers) => StatusCode::UNAUTHORIZED.into_response(),
        Err(_) => "the bytes".into_response(),
    }
}

async fn upload(State(meta): State<Arc<Meta>>, headers: HeaderMap, body: Bytes) -> Response {
    meta.uploads.lock().unwrap().push((headers, body));
    json!({"id": "77"}).to_string().into_response()
}

async fn start() -> (Arc<Meta>, CloudChannel, CloudClient) {
    let meta = Arc::new(Meta::default());
    let router = Router::new()
        .route("/v25.0/501/media", post(upload))
        .route("/{version}/{id}", get(describe).delete(async || json!({"success": true}).to_string()))
        .route("/file", get(file))
        .with_state(Arc::clone(&meta));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    meta.base.lock().unwrap().clone_from(&base_url);
    tokio::spawn(axum::serve(listener, router).into_future());
    let channel = CloudChannel {
        base_url,
        graph_version: "v25.0".to_owned(),
        phone_number_id: "501".to_owned(),
        waba_id: "1001".to_owned(),
        token: Secret::new(TOKEN.to_owned()),
        app: None,
    };
    (meta, channel, CloudClient::new(crate::testing::http()))
}

async fn read(mut media: MediaDownload) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(piece) = media.content.next().await.unwrap() {
        all.extend_from_slice(&piece);
    }
    all
}

#[tokio::test]
async fn a_file_goes_up_as_metas_form() {
    let (meta, channel, client) = start().await;
    let pieces = stream::iter(["a fi", "le"].map(|piece| Ok(Bytes::from_static(piece.as_bytes()))));
    let upload = MediaUpload {
        mime_type: "text/plain".to_owned(),
        file_name: "Größe \"1\".txt".to_owned(),
        content: BodyStream::new(6, pieces),
        lot: [1; 16],
    };
    assert_eq!(client.media_upload(&channel, upload).await.unwrap(), "77");
    let uploads = meta.uploads.lock().unwrap();
    let (headers, body) = &uploads[0];
    assert!(allowed(headers));
    let body = std::str::from_utf8(body).unwrap();
    for part in [
        "name=\"messaging_product\"\r\n\r\nwhatsapp\r\n",
        "name=\"type\"\r\n\r\ntext/plain\r\n",
        "name=\"file\"; filename=\"Größe %221%22.txt\"\r\nContent-Type: text/plain\r\n\r\na file\r\n--",
    ] {
        assert!(body.contains(part), "{body}");
    }
}

#[tokio::test]
async fn a_file_comes_down_and_a_stale_address_is_asked_for_once_more() {
    let (meta, channel, client) = start().await;
    for (stale, asked) in [(0, 1), (1, 3)] {
        meta.stale.store(stale, Ordering::SeqCst);
        let media = client.media_open(&channel, "77").await.unwrap();
        assert_eq!((media.mime_type.as_str(), media.size), ("image/png", Some(9)));
        assert_eq!(media.sha256, Some([10; 32]));
        assert_eq!(read(media).await, b"the bytes");
        assert_eq!(meta.described.load(Ordering::SeqCst), asked);
    }
    meta.stale.store(9, Ordering::SeqCst);
    assert!(matches!(client.media_open(&channel, "77").await, Err(MediaError::Gone)));
    assert_eq!((meta.stale.load(Ordering::SeqCst), meta.described.load(Ordering::SeqCst)), (7, 5), "once");
    for unknown in ["78", "../77", ""] {
        assert!(matches!(client.media_open(&channel, unknown).await, Err(MediaError::Gone)), "{unknown}");
    }
    client.media_delete(&channel, "77").await.unwrap();
}

#[tokio::test]
async fn the_token_goes_to_meta_alone() {
    let (meta, channel, client) = start().await;
    let elsewhere = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = elsewhere.local_addr().unwrap().port();
    for url in [
        format!("http://127.0.0.1:{port}/file"),
        format!("{}@127.0.0.1:{port}/file", channel.base_url),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "https://lookaside.fbsbx.com.evil.example/".to_owned(),
        "file:///etc/passwd".to_owned(),
        String::new(),
    ] {
        *meta.instead.lock().unwrap() = Some(json!({ "url": url }));
        let error = client.media_open(&channel, "77").await.err().unwrap();
        assert!(matches!(error, MediaError::Elsewhere(_)), "{url}: {error}");
    }
    let nobody = tokio::time::timeout(Duration::from_millis(100), elsewhere.accept()).await;
    assert!(nobody.is_err(), "somebody called");
    *meta.instead.lock().unwrap() =
        Some(json!({ "url": "https://lookaside.fbsbx.com/", "file_size": BYTES_MAX + 1 }));
    assert!(matches!(client.media_open(&channel, "77").await, Err(MediaError::TooLarge)));
}

#[test]
fn which_addresses_are_metas() {
    let base = "https://graph.facebook.com";
    let of = |address: &str| reach(base, address).ok();
    for good in [
        "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1&ext=2&hash=3",
        "https://fbsbx.com/",
        "https://scontent.xx.fbcdn.net/v/a.jpg",
        "https://mmg.whatsapp.net/d/f/a.enc",
        "https://LOOKASIDE.fbsbx.com./x",
    ] {
        assert_eq!(of(good), Some(Reach::Public), "{good}");
    }
    assert_eq!(of("https://graph.facebook.com:443/file"), Some(Reach::Configured));
    for bad in [
        "http://lookaside.fbsbx.com/x",
        "https://lookaside.fbsbx.com:8443/x",
        "https://evilfbsbx.com/x",
        "https://fbsbx.com.evil.example/x",
        "https://evil.example/fbsbx.com",
        "https://evil.example#@fbsbx.com",
        "https://fbsbx.com\\@evil.example/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "fbsbx.com/x",
    ] {
        assert_eq!(of(bad), None, "{bad}");
    }
}
