//! Files on their whole way: up and into a message, in and down to the byte, and what is refused on the way (H9, S3, T7).
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use gatepost_channels::sandbox::{SandboxConfig, SandboxHandle, SandboxLimits, Say};
use gatepost_core::access::Scope;
use gatepost_core::channel::Mode;
use gatepost_testkit::{Answer, Client, Engines, Live, Setup, Tenant, World, eventually, sandbox};
use gatepost_vault::sha256;
use serde_json::{Value, json};

/// Somebody at the simulated Meta who says nothing by themselves.
const WRITER: &str = "+12025550101";
const DAY: Duration = Duration::from_hours(24);

struct Line {
    world: World,
    meta: SandboxHandle,
    live: Live,
    tenant: Tenant,
}

fn hex(digest: [u8; 32]) -> String {
    gatepost_testkit::hex(&digest).to_lowercase()
}

/// A file of `size` bytes that begins like a PDF and repeats nothing.
fn pdf(size: usize) -> Vec<u8> {
    let noise = (0_u32..).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1]);
    b"%PDF-1.7\n".iter().copied().chain(noise).take(size).collect()
}

fn png() -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    file.extend_from_slice(&pdf(3_000));
    file
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| unreachable!("{name} in {value}")).to_owned()
}

async fn upload(caller: &Client, query: &str, media_type: &str, file: &[u8]) -> Answer {
    let headers = [("content-type", media_type)];
    caller.raw("POST", &format!("/v1/media{query}"), &headers, Some(file.to_vec())).await
}

impl Line {
    async fn open(engine: Engines) -> Self {
        let meta = sandbox(SandboxConfig { limits: SandboxLimits::NONE, ..SandboxConfig::default() }).await;
        Self::at(engine, meta, None).await
    }

    async fn at(engine: Engines, meta: SandboxHandle, base_url: Option<&str>) -> Self {
        let mut setup = Setup::new(engine).with_meta(&meta);
        if let Some(base_url) = base_url {
            base_url.clone_into(&mut setup.config.meta_base_url);
        }
        let world = World::start(setup).await;
        let tenant = world.tenant("Example Ltd").await;
        let live = world.live(&meta, tenant.workspace, 1).await;
        Self { world, meta, live, tenant }
    }

    /// Lets a person send a message; the message as the API shows it.
    async fn receive(&self, message: Value) -> Value {
        let say = Say { from: WRITER, text: "", context: None, name: None, hide_number: false };
        let wamid = self.meta.person_sends(&self.live.phone_number_id, &say, message).unwrap();
        self.received(&wamid).await
    }

    async fn received(&self, wamid: &str) -> Value {
        eventually("the message", async || {
            let list = self.live.admin.get("/v1/messages?limit=100").await.expect(200).json();
            list["data"].as_array().unwrap().iter().find(|m| m["provider_id"] == wamid).cloned()
        })
        .await
    }

    async fn stop(self) {
        self.world.stop().await;
        self.meta.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn up_into_a_message_and_down_again() {
    for engine in Engines::available() {
        let line = Line::open(engine).await;
        let admin = &line.live.admin;
        let file = pdf(3_000_000);
        let made =
            upload(admin, "?filename=Gr%C3%B6%C3%9Fen.pdf", "application/pdf", &file).await.expect(201);
        let media = made.json();
        let id = text(&media, "id");
        assert!(id.starts_with("med_"));
        assert_eq!(made.headers["location"], format!("/v1/media/{id}").as_str());
        assert_eq!(media["channel_id"], line.live.channel.as_str());
        assert_eq!((&media["size"], &media["mime_type"]), (&json!(3_000_000), &json!("application/pdf")));
        assert_eq!(media["sha256"], hex(sha256(&file)));
        assert_eq!((&media["filename"], &media["direction"]), (&json!("Größen.pdf"), &json!("outbound")));
        assert_eq!(admin.get(&format!("/v1/media/{id}")).await.expect(200).json(), media);

        let down = admin.get(&text(&media, "url")).await.expect(200);
        assert_eq!(sha256(&down.bytes), sha256(&file));
        assert_eq!(down.headers["content-type"], "application/pdf");
        let disposition = down.headers["content-disposition"].to_str().unwrap();
        assert!(disposition.ends_with("filename*=UTF-8''Gr%C3%B6%C3%9Fen.pdf"), "{disposition}");

        for (pointer, kind, object) in [
            ("/id", "document", json!({"id": id, "filename": "a.pdf"})),
            (
                "/header/document/id",
                "interactive",
                json!({"type": "button", "header": {"type": "document", "document": {"id": id}},
                    "body": {"text": "b"},
                    "action": {"buttons": [{"type": "reply", "reply": {"id": "1", "title": "t"}}]}}),
            ),
        ] {
            let mut body = json!({"to": WRITER, "purpose": "support"});
            body[kind] = object;
            let sent = text(&admin.post("/v1/messages", &body).await.expect(202).json(), "id");
            let heard = eventually("the send", async || {
                line.meta.sends().into_iter().find(|s| s.opaque.as_deref() == Some(&sent))
            })
            .await;
            let heard: Value = serde_json::from_slice(&heard.body).unwrap();
            assert_eq!(heard[kind].pointer(pointer), Some(&media["provider_id"]), "{heard}");
        }

        admin.delete(&format!("/v1/media/{id}")).await.expect(204);
        for path in [format!("/v1/media/{id}"), format!("/v1/media/{id}/content")] {
            assert_eq!(admin.get(&path).await.expect(404).code(), "not_found");
        }
        line.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_on_the_way_up() {
    let line = Line::open(Engines::Sqlite).await;
    let admin = &line.live.admin;
    let (picture, sticker) = (png(), [&b"RIFF\x24\0\0\0WEBPVP8 "[..], &pdf(120_000)].concat());
    let cases: [(&str, &[u8], u16, &str); 9] = [
        ("image/jpeg", &picture, 422, "media_type_mismatch"),
        ("image/png", b"<svg onload=alert(1)>", 422, "media_type_mismatch"),
        ("image/png", b"", 422, "media_type_mismatch"),
        ("image/svg+xml", b"<svg/>", 415, "media_type_unsupported"),
        ("text/html", b"<html>", 415, "media_type_unsupported"),
        ("multipart/form-data; boundary=x", b"--x--", 415, "media_type_unsupported"),
        ("application/octet-stream", &picture, 415, "media_type_unsupported"),
        ("image/webp", &sticker, 413, "media_too_large"),
        ("image/png", &[&picture[..], &vec![0; 5 * 1024 * 1024]].concat(), 413, "media_too_large"),
    ];
    for (media_type, file, status, code) in cases {
        let answer = upload(admin, "", media_type, file).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{media_type}: {}", answer.text);
    }
    for query in ["?filename=a%2Fb.png", "?filename=", "?filename=a%0Ab", "?name=x"] {
        let answer = upload(admin, query, "image/png", &picture).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_parameter"), "{query}");
    }
    // Without a size nothing is read: chunks could go on for ever.
    let key = admin.key().unwrap();
    let request = format!(
        "POST /v1/media HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n"
    );
    let answer = speak(&line.world, request.into_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 411 ") && answer.contains("length_required"), "{answer}");
    assert_eq!(line.world.rows_of(line.tenant.workspace).await["media"].len(), 0, "nothing was written down");
    line.stop().await;
}

/// One raw exchange.
async fn speak(world: &World, request: Vec<u8>) -> String {
    let address = world.base.trim_start_matches("http://").to_owned();
    tokio::task::spawn_blocking(move || {
        use std::io::{Read, Write};
        #[expect(clippy::disallowed_methods, reason = "tests call over loopback")]
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.write_all(&request).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_under_a_key_is_made_once() {
    let line = Line::open(Engines::Sqlite).await;
    let admin = &line.live.admin;
    let (file, mut other) = (pdf(50_000), pdf(50_000));
    other[40_000] ^= 1;
    let ask = async |file: &[u8], media_type: &str| {
        let headers = [("content-type", media_type), ("idempotency-key", "invoice-7")];
        admin.raw("POST", "/v1/media", &headers, Some(file.to_vec())).await
    };
    let first = ask(&file, "application/pdf").await.expect(201);
    let again = ask(&file, "application/pdf").await.expect(201);
    assert_eq!(first.json(), again.json());
    assert_eq!(again.headers["idempotency-replayed"], "true");
    for (file, media_type) in [(&other, "application/pdf"), (&pdf(49_999), "application/pdf")] {
        assert_eq!(ask(file, media_type).await.expect(422).code(), "idempotency_key_reused");
    }
    assert_eq!(line.world.rows_of(line.tenant.workspace).await["media"].len(), 1);
    // What failed made nothing: the key is free.
    let headers = [("content-type", "image/png"), ("idempotency-key", "second")];
    for (file, status) in [(pdf(100), 422), (png(), 201), (png(), 201)] {
        admin.raw("POST", "/v1/media", &headers, Some(file)).await.expect(status);
    }
    assert_eq!(line.world.rows_of(line.tenant.workspace).await["media"].len(), 2);
    line.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_messages_cannot_name() {
    let line = Line::open(Engines::Sqlite).await;
    let admin = &line.live.admin;
    let second = line.world.live_channel(&line.meta, line.tenant.workspace, &line.live.app, 7).await;
    let other = line.world.tenant("Other Ltd").await;
    let theirs = line.world.live(&line.meta, other.workspace, 9).await;
    let own = |live: &Live| format!("?channel_id={}", live.channel);
    let of = async |live: &Live, media_type, file: &[u8]| {
        text(&upload(&live.admin, &own(live), media_type, file).await.expect(201).json(), "id")
    };
    let picture = of(&line.live, "image/png", &png()).await;
    let elsewhere = of(&second, "image/png", &png()).await;
    let foreign = of(&theirs, "image/png", &png()).await;
    let send = async |kind: &str, id: &str| {
        let mut body = json!({"to": WRITER, "purpose": "support", "channel_id": line.live.channel});
        body[kind] = json!({ "id": id });
        admin.post("/v1/messages", &body).await
    };
    send("image", &picture).await.expect(202);
    send("document", &picture).await.expect(202);
    let nobodys = format!("{}qqqq", &picture[..picture.len() - 4]);
    let mut refused = Vec::new();
    for (kind, id, code) in [
        ("image", elsewhere.as_str(), "not_found"),
        ("image", foreign.as_str(), "not_found"),
        ("image", nobodys.as_str(), "not_found"),
        ("image", "med_nonsense", "not_found"),
        ("sticker", picture.as_str(), "invalid_value"),
    ] {
        let answer = send(kind, id).await.expect(422).json();
        assert_eq!(answer["errors"][0]["pointer"], format!("/{kind}/id"), "{id}");
        assert_eq!(answer["errors"][0]["code"], code, "{id}");
        refused.push(answer["errors"].to_string());
    }
    assert_eq!(refused[1], refused[2], "another's file is like none");
    // Between two workspaces and two modes nothing is told.
    let test_key = line.tenant.admin.clone();
    for caller in [&theirs.admin, &test_key] {
        for path in [format!("/v1/media/{picture}"), format!("/v1/media/{picture}/content")] {
            let (there, none) =
                (caller.get(&path).await, caller.get(&path.replace(&picture, &nobodys)).await);
            assert_eq!((there.status, there.code()), (none.status, none.code()), "{path}");
            assert_eq!(there.status, 404);
        }
        caller.delete(&format!("/v1/media/{picture}")).await.expect(404);
    }
    // The same file twice, in two workspaces, is two files.
    let (ours, same) =
        (admin.get(&format!("/v1/media/{picture}")).await.json(), of(&theirs, "image/png", &png()).await);
    assert_ne!(
        ours["provider_id"],
        theirs.admin.get(&format!("/v1/media/{same}")).await.json()["provider_id"]
    );

    line.world.clock.advance(DAY * 30);
    assert_eq!(send("image", &picture).await.expect(422).json()["errors"][0]["code"], "media_expired");
    let late = admin.get(&format!("/v1/media/{picture}/content")).await.expect(410);
    assert_eq!(late.code(), "media_expired");
    line.world.clock.advance(DAY * 8);
    line.world.app.retain().await.unwrap();
    admin.get(&format!("/v1/media/{picture}/content")).await.expect(404);
    assert_eq!(line.world.rows_of(line.tenant.workspace).await["media"].len(), 0);
    line.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_send_can_be_fetched_but_never_runs() {
    for engine in Engines::available() {
        let line = Line::open(engine).await;
        let admin = &line.live.admin;
        let script = b"<html><script>alert(document.domain)</script>".to_vec();
        let id = line.meta.add_media(&line.live.phone_number_id, "text/html", script.clone().into()).unwrap();
        let message = line
            .receive(json!({"type": "document", "document": {
                "id": id, "mime_type": "text/html", "filename": "../<b>\"\r\nX: y\u{202e}.html", "caption": "look"}}))
            .await;
        let media = &message["media"];
        assert_eq!((&media["mime_type"], &media["caption"]), (&json!("text/html"), &json!("look")));
        assert_eq!(media["filename"], "<b>\"X: y.html");
        let fetched = admin.get(&text(media, "url")).await.expect(200);
        assert_eq!(fetched.bytes, script);
        let header = |name: &str| fetched.headers[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), "application/octet-stream");
        assert!(header("content-disposition").starts_with("attachment; filename=\"_b__X_ y.html\";"));
        assert!(header("content-security-policy").starts_with("sandbox; default-src 'none'"));
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(fetched.headers.get_all("content-security-policy").iter().count(), 1);

        // A voice message with what Meta really tells, in the event too.
        let voice = line.receive(json!({"type": "audio"})).await;
        let media = &voice["media"];
        assert_eq!((&media["mime_type"], &media["voice"]), (&json!("audio/ogg; codecs=opus"), &json!(true)));
        let fetched = admin.get(&text(media, "url")).await.expect(200);
        assert_eq!(media["sha256"], hex(sha256(&fetched.bytes)));
        assert_eq!(fetched.headers["content-type"], "audio/ogg");
        let events = admin.get("/v1/events?limit=100").await.expect(200).json();
        let event =
            events["data"].as_array().unwrap().iter().find(|e| e["data"]["message"]["id"] == voice["id"]);
        assert_eq!(&event.unwrap()["data"]["message"]["media"], media);
        let known = admin.get(&format!("/v1/media/{}", text(media, "id"))).await.expect(200).json();
        assert_eq!((&known["direction"], &known["message_id"]), (&json!("inbound"), &voice["id"]));

        // Reading is enough to fetch, not to upload or delete.
        let reader = line.world.key(line.tenant.workspace, Mode::Live, &[Scope::Read]).await;
        let reader = line.world.nobody().with_key(Some(&reader));
        reader.get(&text(media, "url")).await.expect(200);
        reader.delete(&format!("/v1/media/{}", text(media, "id"))).await.expect(403);
        upload(&reader, "", "image/png", &png()).await.expect(403);

        line.world.clock.advance(DAY * 7);
        assert_eq!(admin.get(&text(media, "url")).await.expect(410).code(), "media_expired");
        line.stop().await;
    }
}

/// A test key has its own channels on the built-in Meta, and takes the same way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn test_mode_takes_the_same_way() {
    let line = Line::open(Engines::Sqlite).await;
    let admin = &line.tenant.admin;
    assert_eq!(upload(admin, "", "image/png", &png()).await.expect(400).code(), "channel_required");
    admin.post("/v1/channels", &json!({"type": "test", "name": "Desk"})).await.expect(201);
    let query = format!("?channel_id={}", line.live.channel);
    assert_eq!(upload(admin, &query, "image/png", &png()).await.expect(404).code(), "not_found");
    let media = upload(admin, "", "image/png", &png()).await.expect(201).json();
    assert_eq!(media["mode"], "test");
    assert_eq!(admin.get(&text(&media, "url")).await.expect(200).bytes, png());
    line.stop().await;
}

/// A simulated Meta with somebody in between, who changes answers about files.
struct Between {
    meta: String,
    /// The answer about this id is changed by these members.
    change: Mutex<Option<(String, Value)>>,
}

#[expect(clippy::disallowed_methods, reason = "tests call over loopback")]
async fn between(State(state): State<Arc<Between>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let url = format!("{}{}", state.meta, parts.uri);
    let mut forwarded = reqwest::Client::builder().no_proxy().build().unwrap().request(parts.method, url);
    for name in ["authorization", "content-type"] {
        if let Some(value) = parts.headers.get(name) {
            forwarded = forwarded.header(name, value);
        }
    }
    let answer = forwarded.body(body).send().await.unwrap();
    let status = answer.status();
    let mut body: Bytes = answer.bytes().await.unwrap();
    if let Some((id, members)) = state.change.lock().unwrap().as_ref()
        && parts.uri.path().ends_with(&format!("/{id}"))
    {
        let mut told: Value = serde_json::from_slice(&body).unwrap();
        for (name, value) in members.as_object().unwrap() {
            told[name] = value.clone();
        }
        body = told.to_string().into();
    }
    (status, body).into_response()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lie_about_a_file_is_noticed() {
    let meta = sandbox(SandboxConfig { limits: SandboxLimits::NONE, ..SandboxConfig::default() }).await;
    let state = Arc::new(Between { meta: meta.base_url(), change: Mutex::default() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(between).with_state(Arc::clone(&state));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let line = Line::at(Engines::Sqlite, meta, Some(&base_url)).await;
    let admin = &line.live.admin;
    let file = pdf(2_000_000);
    let media = upload(admin, "", "application/pdf", &file).await.expect(201).json();
    let (id, url) = (text(&media, "provider_id"), text(&media, "url"));
    let own = format!("{base_url}/whatsapp_business/attachments/");
    let change = |members: Value| *state.change.lock().unwrap() = Some((id.clone(), members));

    // The simulated Meta names its own address, which is none of this channel's.
    assert_eq!(admin.get(&url).await.expect(502).code(), "media_refused");
    let victim = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    for address in [
        format!("http://{}/", victim.local_addr().unwrap()),
        format!("https://{}/", victim.local_addr().unwrap()),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "https://fbsbx.com.evil.example/".to_owned(),
        "gopher://lookaside.fbsbx.com/".to_owned(),
    ] {
        change(json!({ "url": address }));
        let answer = admin.get(&url).await.expect(502);
        assert_eq!(answer.code(), "media_refused", "{address}");
        assert!(!answer.text.contains("169.254"), "{}", answer.text);
    }
    assert!(
        tokio::time::timeout(Duration::from_millis(100), victim.accept()).await.is_err(),
        "somebody called"
    );
    change(json!({ "file_size": 104_857_601 }));
    assert_eq!(admin.get(&url).await.expect(413).code(), "media_too_large");

    // At the channel's own address it is fetched; with another digest it is cut before its end.
    let described = line.meta.base_url();
    let seen =
        reqwest_text(&format!("{described}/v25.0/{id}"), &line.live.token, &line.live.app.secret).await;
    let address = text(&seen, "url").replace(&described, &base_url);
    assert!(address.starts_with(&own), "{address}");
    change(json!({ "url": address }));
    assert_eq!(sha256(&admin.get(&url).await.expect(200).bytes), sha256(&file));
    change(json!({ "url": address, "sha256": "0a".repeat(32) }));
    assert!(admin.try_call("GET", &url, &[], None).await.is_none(), "the wrong file looked whole");
    change(json!({ "url": address, "sha256": hex(sha256(&file)) }));
    admin.get(&url).await.expect(200);
    line.stop().await;
}

/// Asks the simulated Meta directly, as the channel would.
#[expect(clippy::disallowed_methods, reason = "tests call over loopback")]
async fn reqwest_text(url: &str, token: &str, secret: &str) -> Value {
    let proof = gatepost_vault::AppSecret::new(secret).unwrap().proof(token);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer =
        client.get(format!("{url}?appsecret_proof={proof}")).bearer_auth(token).send().await.unwrap();
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

/// What a callback tells of a file's digest binds what is fetched, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_not_the_announced_one_is_cut() {
    let line = Line::open(Engines::Sqlite).await;
    let file = pdf(300_000);
    let id = line.meta.add_media(&line.live.phone_number_id, "application/pdf", file.clone().into()).unwrap();
    for (announced, whole) in [(hex(sha256(&file)), true), ("0b".repeat(32), false)] {
        let node = json!({"id": id, "mime_type": "application/pdf", "sha256": announced});
        let message = line.receive(json!({"type": "document", "document": node})).await;
        let fetched = line.live.admin.try_call("GET", &text(&message["media"], "url"), &[], None).await;
        assert_eq!(fetched.is_some_and(|answer| answer.bytes == file), whole, "{announced}");
    }
    let gone = json!({"id": "999999999999", "mime_type": "image/png"});
    let message = line.receive(json!({"type": "image", "image": gone})).await;
    let answer = line.live.admin.get(&text(&message["media"], "url")).await.expect(410);
    assert_eq!(answer.code(), "media_gone");
    line.stop().await;
}
