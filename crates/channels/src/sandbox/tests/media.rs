//! Media, and faults on the way to them.

use base64::Engine as _;
use bytes::Bytes;
use gatepost_net::{Multipart, TrustedResponse};

use super::*;

fn form(kind: &str, content: &[u8]) -> Multipart {
    Multipart::new().text("messaging_product", "whatsapp").text("type", kind.to_owned()).file(
        "file",
        "grüße.bin",
        kind,
        content.to_vec(),
    )
}

async fn upload(rig: &Rig, form: Multipart) -> (u16, Value) {
    call(rig, Method::Post, "/v25.0/501/media", Some(TOKEN), TrustedBody::Multipart(form)).await
}

async fn fetch(rig: &Rig, url: &str, token: Option<&str>, headers: &[(&str, &str)]) -> TrustedResponse {
    let request = TrustedRequest {
        method: Method::Get,
        url,
        bearer: token,
        headers,
        body: TrustedBody::Empty,
        timeout: Duration::from_secs(5),
    };
    rig.http.send(request).await.unwrap()
}

#[tokio::test]
async fn up_and_down_and_gone() {
    let rig = Rig::start(config()).await;
    let content = b"\xff\xd8\xff content\r\n--gatepost";
    let (status, answer) = upload(&rig, form("image/jpeg", content)).await;
    let id = answer["id"].as_str().unwrap().to_owned();
    assert!(status == 200 && id.bytes().all(|b| b.is_ascii_digit()), "{answer}");
    let path = format!("/v25.0/{id}?phone_number_id=501");
    let (_, media) = call(&rig, Method::Get, &path, Some(TOKEN), TrustedBody::Empty).await;
    assert_eq!((&media["mime_type"], &media["file_size"]), (&json!("image/jpeg"), &json!(content.len())));
    assert_eq!(media["sha256"].as_str().unwrap().len(), 64);
    let url = media["url"].as_str().unwrap();
    let whole = fetch(&rig, url, Some(TOKEN), &[]).await;
    assert_eq!(
        (whole.status, whole.header("content-type"), &whole.body[..]),
        (200, Some("image/jpeg"), &content[..])
    );
    let part = fetch(&rig, url, Some(TOKEN), &[("range", "bytes=1-2")]).await;
    assert_eq!((part.status, &part.body[..]), (206, &b"\xd8\xff"[..]));
    assert_eq!(part.header("content-range"), Some(format!("bytes 1-2/{}", content.len()).as_str()));
    assert_eq!(fetch(&rig, url, None, &[]).await.status, 401);
    assert_eq!(fetch(&rig, url, Some("nobody"), &[]).await.status, 401);
    assert_eq!(fetch(&rig, &url.replace("hash=", "hash=0"), Some(TOKEN), &[]).await.status, 404);

    // It can be sent as what it is, and only so.
    for (kind, status, code) in [("image", 200, None), ("document", 200, None), ("audio", 400, Some(131_053))]
    {
        let mut body = json!({ "messaging_product": "whatsapp", "to": "+12025550101", "type": kind });
        body[kind] = json!({ "id": id });
        let (found, answer) = post(&rig, "/v25.0/501/messages", TOKEN, &body).await;
        assert_eq!((found, answer["error"]["code"].as_u64()), (status, code), "{kind}");
    }
    let delete =
        async || call(&rig, Method::Delete, &format!("/v25.0/{id}"), Some(TOKEN), TrustedBody::Empty).await;
    assert_eq!(delete().await, (200, json!({ "success": true })));
    assert_eq!(delete().await.1["error"]["error_subcode"], 33);
    assert_eq!(fetch(&rig, url, Some(TOKEN), &[]).await.status, 404);
}

#[tokio::test]
async fn types_and_sizes() {
    let rig = Rig::start(config()).await;
    let sizes = [
        ("image/png", 5 * 1024 * 1024),
        ("image/webp", 100 * 1024),
        ("audio/ogg; codecs=opus", 16 * 1024 * 1024),
        ("application/pdf", 17 * 1024 * 1024),
    ];
    for (kind, max) in sizes {
        let (status, answer) = upload(&rig, form(kind, &vec![7; max])).await;
        assert_eq!(status, 200, "{kind} {answer}");
        if kind != "application/pdf" {
            assert_eq!(upload(&rig, form(kind, &vec![7; max + 1])).await.1["error"]["code"], 100, "{kind}");
        }
    }
    let mut moving = b"RIFF....WEBPVP8X....\x02".to_vec();
    moving.resize(200 * 1024, 0);
    assert_eq!(upload(&rig, form("image/webp", &moving)).await.0, 200, "an animated sticker may be larger");
    assert_eq!(upload(&rig, form("application/x-sh", b"x")).await.1["error"]["code"], 100);
    assert_eq!(upload(&rig, form("image/png", b"")).await.1["error"]["code"], 100);
    assert_eq!(
        upload(&rig, Multipart::new().text("messaging_product", "whatsapp")).await.1["error"]["code"],
        100
    );
    // A large body without a good token is not even read.
    let large = TrustedBody::Multipart(form("image/png", &vec![7; 2 * 1024 * 1024]));
    let request = TrustedRequest {
        method: Method::Post,
        url: &format!("{}/v25.0/501/media", rig.meta.base_url()),
        bearer: Some("nobody"),
        headers: &[],
        body: large,
        timeout: Duration::from_secs(5),
    };
    match rig.http.send(request).await {
        Ok(answer) => assert_eq!(answer.status, 400),
        // The end of the connection may overtake the answer while the body is still being written.
        Err(error) => assert!(error.may_have_arrived()),
    }
}

#[tokio::test]
async fn addresses_end_and_numbers_of_others_see_nothing() {
    let rules = SandboxRules { media_url_life: Duration::ZERO, ..SandboxRules::default() };
    let mut config = SandboxConfig { rules, ..config() };
    config.numbers[1].waba_id = "1002".to_owned();
    let rig = Rig::start(config).await;
    let id = rig.meta.add_media(NUMBER, "text/plain", Bytes::from_static(b"hello")).unwrap();
    let get =
        async |token| call(&rig, Method::Get, &format!("/v25.0/{id}"), Some(token), TrustedBody::Empty).await;
    let url = get(TOKEN).await.1["url"].as_str().unwrap().to_owned();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(fetch(&rig, &url, Some(TOKEN), &[]).await.status, 404);
    assert_eq!(get(OTHER_TOKEN).await.1["error"]["error_subcode"], 33);
    let path = format!("/v25.0/{id}?phone_number_id=502");
    assert_eq!(call(&rig, Method::Get, &path, Some(TOKEN), TrustedBody::Empty).await.0, 400);
}

#[tokio::test]
async fn what_people_send_can_be_fetched() {
    let rig = Rig::start(config()).await;
    let say = Say { from: "+12025550180", text: "", context: None, name: None, hide_number: false };
    for kind in ["image", "audio", "video", "document", "sticker"] {
        let id = rig.meta.person_sends(NUMBER, &say, json!({ "type": kind })).unwrap();
        let items = rig.until(|items| inbound(items).iter().any(|m| m.wamid == id)).await;
        let raw: Value =
            serde_json::from_str(inbound(&items).iter().find(|m| m.wamid == id).unwrap().raw.get()).unwrap();
        let node = &raw[kind];
        let path = format!("/v25.0/{}", node["id"].as_str().unwrap());
        let (_, media) = call(&rig, Method::Get, &path, Some(TOKEN), TrustedBody::Empty).await;
        assert_eq!(media["mime_type"], node["mime_type"]);
        let content = fetch(&rig, media["url"].as_str().unwrap(), Some(TOKEN), &[]).await;
        let digest = base64::engine::general_purpose::STANDARD.encode(gatepost_vault::sha256(&content.body));
        assert_eq!(node["sha256"], digest, "{kind}");
        let same = fetch(&rig, node["url"].as_str().unwrap(), Some(TOKEN), &[]).await;
        assert_eq!(same.body, content.body);
    }
    let own = json!({ "type": "document", "document": { "data": "aGVsbG8=", "mime_type": "text/plain", "filename": "h.txt" } });
    let body = json!({ "phone_number_id": NUMBER, "from": "+12025550180", "message": own });
    let (status, answer) = post(&rig, "/_sandbox/inbound", TOKEN, &body).await;
    assert_eq!(status, 200, "{answer}");
    let items = rig.until(|items| inbound(items).iter().any(|m| m.wamid == answer["id"])).await;
    let message = inbound(&items).into_iter().find(|m| m.wamid == answer["id"]).unwrap();
    assert!(
        message.raw.get().contains("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="),
        "the digest of its content"
    );
}

#[tokio::test]
async fn faults_reach_media_and_templates_too() {
    let rig = Rig::start(config()).await;
    rig.meta.fail_next_of(Reach::Media, 1, Fault::ServerError);
    rig.meta.fail_next_of(Reach::Templates, 1, Fault::RateLimited);
    assert_eq!(send_ok(&rig).await, 200, "sends are not meant");
    assert_eq!(upload(&rig, form("image/png", b"x")).await.0, 500);
    assert_eq!(upload(&rig, form("image/png", b"x")).await.0, 200);
    let list = async || {
        call(&rig, Method::Get, "/v25.0/1001/message_templates", Some(TOKEN), TrustedBody::Empty).await
    };
    assert_eq!(list().await.1["error"]["code"], 80_007);
    assert_eq!(list().await.0, 200);

    let body = json!({ "fault": "cut", "on": "any", "times": 1, "taken": true });
    assert_eq!(post(&rig, "/_sandbox/faults", TOKEN, &body).await.0, 200);
    let url = format!("{}/v25.0/501/media", rig.meta.base_url());
    let request = TrustedRequest {
        method: Method::Post,
        url: &url,
        bearer: Some(TOKEN),
        headers: &[],
        body: TrustedBody::Multipart(form("image/png", b"x")),
        timeout: Duration::from_secs(5),
    };
    assert!(rig.http.send(request).await.is_err_and(|error| error.may_have_arrived()));
}

async fn send_ok(rig: &Rig) -> u16 {
    post(rig, "/v25.0/501/messages", TOKEN, &send_body(|_| {})).await.0
}

#[tokio::test]
async fn resumable_uploads() {
    let rig = Rig::start(config()).await;
    let path = format!("/v25.0/{APP}/uploads?file_length=6&file_type=image%2Fjpeg&file_name=a.jpg");
    let (status, session) = call(&rig, Method::Post, &path, Some(TOKEN), TrustedBody::Empty).await;
    let session = session["id"].as_str().unwrap_or_else(|| panic!("{status}")).to_owned();
    let put = async |offset: &str, bytes: &'static [u8], token: &str| {
        let authorization = format!("OAuth {token}");
        let request = TrustedRequest {
            method: Method::Post,
            url: &format!("{}/v25.0/{session}", rig.meta.base_url()),
            bearer: None,
            headers: &[("authorization", &authorization), ("file_offset", offset)],
            body: TrustedBody::Other("application/octet-stream", bytes.into()),
            timeout: Duration::from_secs(5),
        };
        let answer = rig.http.send(request).await.unwrap();
        serde_json::from_slice::<Value>(&answer.body).unwrap()
    };
    assert_eq!(put("0", b"abc", "nobody").await["error"]["error_subcode"], 33);
    assert_eq!(put("0", b"abc", TOKEN).await["file_offset"], 3);
    assert_eq!(put("0", b"abc", TOKEN).await["error"]["code"], 100);
    let (_, state) =
        call(&rig, Method::Get, &format!("/v25.0/{session}"), Some(TOKEN), TrustedBody::Empty).await;
    assert_eq!(state["file_offset"], 3);
    let handle = put("3", b"def", TOKEN).await["h"].as_str().unwrap().to_owned();
    let profile = json!({ "messaging_product": "whatsapp", "profile_picture_handle": handle });
    assert_eq!(post(&rig, "/v25.0/501/whatsapp_business_profile", TOKEN, &profile).await.0, 200);
    let profile = json!({ "messaging_product": "whatsapp", "profile_picture_handle": "4::made:up" });
    assert_eq!(post(&rig, "/v25.0/501/whatsapp_business_profile", TOKEN, &profile).await.0, 400);
}
