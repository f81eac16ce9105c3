//! Streams of events: nothing missed, nothing twice, nothing of others', and an end in time.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use gatepost_channels::sandbox::SandboxHandle;
use gatepost_core::access::{Scope, permission};
use gatepost_core::channel::Mode;
use gatepost_testkit::{Client, Engines, Frame, Listening, Live, Setup, Tenant, World, eventually, sandbox};
use serde_json::{Value, json};
use tokio::time::timeout;

const STREAM: &str = "/v1/events/stream";
/// Within which a stream is closed once its key is no good.
const CLOSED_WITHIN: Duration = Duration::from_secs(1);
/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(20);

/// An installation with a live channel whose Meta is in the test's hand.
struct Desk {
    world: World,
    live: Live,
    tenant: Tenant,
    meta: SandboxHandle,
}

static NEXT: AtomicU32 = AtomicU32::new(0);

impl Desk {
    async fn open(engine: Engines, change: impl FnOnce(&mut Setup)) -> Self {
        let meta = sandbox(gatepost_channels::sandbox::SandboxConfig::default()).await;
        let mut setup = Setup::new(engine).with_meta(&meta);
        change(&mut setup);
        let world = World::start(setup).await;
        let tenant = world.tenant("Example Ltd").await;
        let live = world.live(&meta, tenant.workspace, 1).await;
        Self { world, live, tenant, meta }
    }

    async fn another(&self) -> World {
        self.world.another(Setup::new(self.world.engine()).with_meta(&self.meta)).await
    }

    /// So many people write, in one callback: as many events.
    async fn inbound(&self, node: &World, count: usize) {
        write(&self.live, node, count).await;
    }

    async fn log(&self) -> Vec<String> {
        let ids = log(&self.live.admin, "").await;
        ids.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
    }

    /// A key of the live workspace, made by hand; its id and itself.
    async fn key(&self, more: Value) -> (String, Client) {
        let mut body = json!({"name": "listener", "scopes": ["read"]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = self.live.admin.post("/v1/keys", &body).await.expect(201).json();
        let secret = made["secret"].as_str().unwrap();
        (made["id"].as_str().unwrap().to_owned(), self.live.admin.with_key(Some(secret)))
    }
}

async fn write(live: &Live, node: &World, count: usize) {
    let messages: Vec<Value> = (0..count)
        .map(|_| {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            json!({"from": "12025550177", "id": format!("wamid.{number}"), "timestamp": "1793525400", "type": "text", "text": {"body": format!("line\none {number}")}})
        })
        .collect();
    let value = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "12025550100", "phone_number_id": live.phone_number_id},
        "contacts": [{"profile": {"name": "Zoë"}, "wa_id": "12025550177"}],
        "messages": messages,
    });
    notify(live, node, "messages", &value).await;
}

/// A callback, laid out over many lines as nobody forbids.
async fn notify(live: &Live, node: &World, field: &str, value: &Value) {
    let change = json!({"id": live.waba_id, "changes": [{"field": field, "value": value}]});
    let body = json!({"object": "whatsapp_business_account", "entry": [change]});
    live.app.call(node, serde_json::to_string_pretty(&body).unwrap()).await.expect(200);
}

async fn log(client: &Client, filter: &str) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/v1/events?limit=100{filter}{after}")).await.expect(200).json();
        all.extend(page["data"].as_array().unwrap().iter().cloned());
        if page["has_more"] == false {
            return all;
        }
        after = format!("&after={}", page["next_cursor"].as_str().unwrap());
    }
}

async fn listen(client: &Client, query: &str, last: Option<&str>) -> Listening {
    match client.listen(&format!("{STREAM}{query}"), last).await {
        Ok(stream) => stream,
        Err(refusal) => panic!("{}: {}", refusal.status, refusal.text),
    }
}

async fn refusal(client: &Client, query: &str, last: Option<&str>) -> gatepost_testkit::Answer {
    match client.listen(&format!("{STREAM}{query}"), last).await {
        Ok(_) => panic!("{query} {last:?} opened"),
        Err(refusal) => refusal,
    }
}

async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    timeout(LONG, work).await.unwrap_or_else(|_| panic!("waited too long for {what}"))
}

async fn event(stream: &mut Listening) -> Frame {
    soon("an event", stream.event()).await.unwrap()
}

/// The last words of a stream, and how long they took to come.
async fn last_words(stream: &mut Listening) -> (String, Duration) {
    let started = Instant::now();
    let mut last = String::new();
    while let Some(frame) = soon("the end of a stream", stream.frame()).await {
        last = frame.comment.unwrap_or_default();
    }
    (last, started.elapsed())
}

/// A dice that falls the same way each time.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// 200 connections under load, each of which breaks after a few events or before the first: put together they are the
/// log, in its order, with nothing missing and nothing twice. On PostgreSQL both nodes append and both are listened to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_gap_and_no_double_over_200_disconnects() {
    for engine in Engines::available() {
        let desk = Arc::new(Desk::open(engine, |_| {}).await);
        let second = if engine == Engines::Postgres { Some(Arc::new(desk.another().await)) } else { None };
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..2)
            .map(|number| {
                let (desk, second, stop) = (Arc::clone(&desk), second.clone(), Arc::clone(&stop));
                tokio::spawn(async move {
                    let node = second.as_deref().filter(|_| number == 1).unwrap_or(&desk.world);
                    for round in 0.. {
                        if stop.load(Ordering::SeqCst) {
                            return;
                        }
                        desk.inbound(node, 1 + round % 4).await;
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                })
            })
            .collect();
        let reader = desk.live.admin.clone();
        let other = second.as_ref().map(|node| Client::new(&node.base, Some(desk.live.admin_key.clone())));
        let (mut heard, mut dice) = (Vec::new(), Dice(42));
        let mut last: Option<String> = None;
        for connection in 0..200 {
            let client = other.as_ref().filter(|_| connection % 2 == 1).unwrap_or(&reader);
            let begin = if last.is_none() { "?after=start" } else { "" };
            let mut stream = listen(client, begin, last.as_deref()).await;
            let opening = soon("the opening", stream.frame()).await.unwrap();
            assert!(opening.retry.is_some() && opening.data.is_none(), "{opening:?}");
            // Whoever is cut off before the first event knows where to go on all the same.
            last = opening.id;
            for _ in 0..dice.throw(8) {
                let event = event(&mut stream).await;
                last.clone_from(&event.id);
                assert_eq!(event.json()["id"], event.id.as_deref().unwrap());
                heard.push(event.id.unwrap());
            }
        }
        stop.store(true, Ordering::SeqCst);
        for writer in writers {
            writer.await.unwrap();
        }
        all_read(&desk.world).await;
        let log = desk.log().await;
        assert!(log.len() > 300, "there was load: {}", log.len());
        let mut stream = listen(&reader, "", last.as_deref()).await;
        while heard.len() < log.len() {
            heard.push(event(&mut stream).await.id.unwrap());
        }
        assert_eq!(heard, log, "{engine:?}");
    }
}

async fn all_read(world: &World) {
    eventually("every callback to be read", async || {
        let left = world.store.read_system(async |tx| tx.job_counts().await).await.unwrap();
        left.iter().all(|(kind, ..)| *kind == gatepost_core::job::JobKind::ChannelCheck).then_some(())
    })
    .await;
}

/// The head has what proxies and browsers go by; a frame is the webhook's body on one line, byte for byte.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_are_the_bodies_of_webhooks() {
    for engine in Engines::available() {
        let desk =
            Desk::open(engine, |setup| setup.config.streams.heartbeat = Duration::from_millis(300)).await;
        let mut stream = listen(&desk.live.admin, "", None).await;
        assert_eq!(stream.header("content-type"), Some("text/event-stream"));
        assert_eq!(stream.header("x-accel-buffering"), Some("no"));
        assert_eq!(stream.header("cache-control"), Some("no-store"));
        assert_eq!(stream.header("content-length"), None);
        assert!(stream.header("request-id").is_some() && stream.header("content-security-policy").is_some());
        desk.inbound(&desk.world, 2).await;
        for _ in 0..2 {
            let frame = event(&mut stream).await;
            let id = frame.id.clone().unwrap();
            let body = desk.live.admin.get(&format!("/v1/events/{id}")).await.expect(200);
            assert_eq!(frame.data.as_deref(), Some(body.text.as_str()));
            assert_eq!(frame.event.as_deref(), body.json()["type"].as_str());
            assert!(!body.text.contains('\n'), "Meta's own layout stays outside");
            assert!(
                body.json()["data"]["message"]["text"].as_str().unwrap().contains('\n'),
                "words keep theirs"
            );
        }
        let beat = soon("a heartbeat", stream.frame()).await.unwrap();
        assert_eq!(beat.comment.as_deref(), Some("heartbeat"));
    }
}

/// What another node appends is heard of within half a second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_other_nodes_are_heard_of() {
    if !Engines::available().contains(&Engines::Postgres) {
        return;
    }
    let desk = Desk::open(Engines::Postgres, |_| {}).await;
    let mut idle = Setup::new(Engines::Postgres);
    idle.workers = false;
    let second = desk.world.another(idle).await;
    let there = Client::new(&second.base, Some(desk.live.admin_key.clone()));
    let (mut here, mut there) = (listen(&desk.live.admin, "", None).await, listen(&there, "", None).await);
    let mut took = Vec::new();
    for _ in 0..11 {
        desk.inbound(&desk.world, 1).await;
        let first = event(&mut here).await;
        let started = Instant::now();
        assert_eq!(event(&mut there).await.id, first.id);
        took.push(started.elapsed());
    }
    took.sort();
    // The middle one: a busy machine holds up one or the other.
    assert!(took[5] < Duration::from_millis(500), "{took:?}");
}

/// Revoked, rotated away or expired: the stream ends within a second on every node, says why, and does not open again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_its_key() {
    for engine in Engines::available() {
        let desk = Desk::open(engine, |_| {}).await;
        let second = if engine == Engines::Postgres { Some(desk.another().await) } else { None };
        let bases: Vec<&str> =
            std::iter::once(&desk.world).chain(&second).map(|node| node.base.as_str()).collect();
        let everywhere = |client: &Client| -> Vec<Client> {
            bases.iter().map(|base| Client::new(base, client.key().map(str::to_owned))).collect()
        };
        let open = async |client: &Client| {
            let mut streams = Vec::new();
            for client in everywhere(client) {
                let mut stream = listen(&client, "", None).await;
                soon("the opening", stream.frame()).await.unwrap();
                streams.push(stream);
            }
            streams
        };
        let end = async |streams: Vec<Listening>, client: &Client, why: &str, within: Duration| {
            for mut stream in streams {
                let (words, took) = last_words(&mut stream).await;
                assert!(words.starts_with(&format!("closed {why}")), "{words}");
                assert!(took < within, "{engine:?}: {why} took {took:?}");
            }
            for client in everywhere(client) {
                let refused = refusal(&client, "", None).await;
                assert_eq!((refused.status, refused.code().as_str()), (401, why));
            }
        };
        let (_, stays) = desk.key(json!({})).await;
        let mut unhurt = open(&stays).await;

        let (id, client) = desk.key(json!({})).await;
        let streams = open(&client).await;
        desk.live.admin.delete(&format!("/v1/keys/{id}")).await;
        end(streams, &client, "api_key_revoked", CLOSED_WITHIN).await;

        let (id, client) = desk.key(json!({})).await;
        let streams = open(&client).await;
        let rotate = json!({"overlap_seconds": 1});
        desk.live.admin.post(&format!("/v1/keys/{id}/rotate"), &rotate).await.expect(201);
        end(streams, &client, "api_key_revoked", Duration::from_secs(1) + CLOSED_WITHIN).await;

        let at = gatepost_core::Clock::now(desk.world.clock.as_ref()).plus(Duration::from_millis(1_500));
        let (_, client) = desk.key(json!({"expires_at": at.to_string()})).await;
        let streams = open(&client).await;
        end(streams, &client, "api_key_expired", Duration::from_millis(1_500) + CLOSED_WITHIN).await;

        desk.inbound(&desk.world, 1).await;
        for stream in &mut unhurt {
            event(stream).await;
        }
    }
}

/// Filters, places to begin, and what each kind of key sees: the same on the stream and in the list.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_hears_of_their_own_only() {
    for engine in Engines::available() {
        let desk = Desk::open(engine, |_| {}).await;
        let other = desk.world.live_channel(&desk.meta, desk.tenant.workspace, &desk.live.app, 2).await;
        let stranger = desk.world.tenant("Somebody else").await;
        let theirs = desk.world.live(&desk.meta, stranger.workspace, 3).await;
        for live in [&desk.live, &other, &theirs, &desk.live] {
            write(live, &desk.world, 2).await;
            notify(
                live,
                &desk.world,
                "account_alerts",
                &json!({"alert": "x", "n": NEXT.fetch_add(1, Ordering::Relaxed)}),
            )
            .await;
        }
        all_read(&desk.world).await;
        let everything = log(&desk.live.admin, "").await;
        let (_, bound) = desk.key(json!({"channels": [other.channel]})).await;
        let ids = |events: &[Value]| -> Vec<String> {
            events.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
        };
        let of_channel = |event: &&Value| event["channel_id"] == other.channel.as_str();
        let expected = |keep: &dyn Fn(&&Value) -> bool| {
            ids(&everything.iter().filter(keep).cloned().collect::<Vec<_>>())
        };
        let since = everything[everything.len() / 2]["created_at"].as_str().unwrap().to_owned();
        let cases: [(&Client, String, Vec<String>); 6] = [
            (&desk.live.admin, String::new(), ids(&everything)),
            (
                &desk.live.admin,
                "&types=message.received".to_owned(),
                expected(&|e| e["type"] == "message.received"),
            ),
            (
                &desk.live.admin,
                "&types=channel.*,message.read".to_owned(),
                expected(&|e| e["type"] != "message.received"),
            ),
            (&desk.live.admin, format!("&channel_id={}", other.channel), expected(&|e| of_channel(e))),
            (
                &desk.live.admin,
                format!("&since={since}"),
                expected(&|e| e["created_at"].as_str().unwrap() >= since.as_str()),
            ),
            (&bound, String::new(), expected(&|e| of_channel(e))),
        ];
        for (client, filter, expected) in cases {
            assert!(!expected.is_empty(), "{filter}");
            assert_eq!(ids(&log(client, &filter).await), expected, "{filter}");
            let mut stream = listen(client, &format!("?after=start{filter}"), None).await;
            for id in &expected {
                assert_eq!(event(&mut stream).await.id.as_ref(), Some(id), "{filter}");
            }
            assert!(
                timeout(Duration::from_millis(200), stream.event()).await.is_err(),
                "{filter}: there was more"
            );
        }
        let until = log(&desk.live.admin, &format!("&until={since}")).await;
        assert_eq!(ids(&until), expected(&|e| e["created_at"].as_str().unwrap() < since.as_str()));
        // The header goes before the query; from now on means nothing of what was.
        let from = &ids(&everything)[1];
        let mut stream = listen(&desk.live.admin, "?after=start", Some(from)).await;
        assert_eq!(event(&mut stream).await.id.as_ref(), Some(&ids(&everything)[2]));
        let mut stream = listen(&desk.live.admin, "", None).await;
        soon("the opening", stream.frame()).await.unwrap();
        assert!(timeout(Duration::from_millis(200), stream.event()).await.is_err());

        // Another workspace's id, another mode's and another channel's answer as one that nobody has.
        let foreign = ids(&log(&theirs.admin, "").await).remove(0);
        let nobodys = format!("{}0000", &foreign[..foreign.len() - 4]);
        let channels = ids(&everything).remove(0);
        for (client, id) in
            [(&desk.live.admin, &foreign), (&desk.tenant.admin, &channels), (&bound, &channels)]
        {
            for path in [STREAM, "/v1/events"] {
                let ask = async |id: &str| {
                    let answer = client.get(&format!("{path}?after={id}")).await.expect(410);
                    let request = answer.headers["request-id"].to_str().unwrap().to_owned();
                    assert_eq!(answer.code(), "event_expired");
                    answer.text.replace(&request, "")
                };
                assert_eq!(ask(id).await, ask(&nobodys).await);
            }
            let refused = refusal(client, "", Some(id)).await;
            assert_eq!((refused.status, refused.code().as_str()), (410, "event_expired"));
        }
        // A place ahead of the log: a database that was brought back from an older copy.
        for (place, code) in [
            ("AAAAAAAAw1A", "event_expired"),
            ("_________-8", "invalid_parameter"),
            ("x", "invalid_parameter"),
        ] {
            assert_eq!(refusal(&desk.live.admin, "", Some(place)).await.code(), code, "{place}");
        }
    }
}

/// One key, and one process, has so many streams and no more; a closed one makes room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_are_counted() {
    for engine in Engines::available() {
        let change = |setup: &mut Setup| {
            let streams = &mut setup.config.streams;
            (streams.per_key, streams.per_workspace, streams.per_process) = (2, 3, 4);
        };
        let desk = Desk::open(engine, change).await;
        let (_, second) = desk.key(json!({})).await;
        let first = listen(&desk.live.admin, "", None).await;
        let _held = listen(&desk.live.admin, "", None).await;
        let refused = refusal(&desk.live.admin, "", None).await;
        assert_eq!((refused.status, refused.code().as_str()), (429, "stream_limit_reached"));
        assert!(refused.headers.contains_key("retry-after"));
        let _third = listen(&second, "", None).await;
        let refused = refusal(&second, "", None).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (429, "stream_limit_reached"),
            "the workspace's"
        );
        let (there, elsewhere) = (desk.world.tenant("A").await, desk.world.tenant("B").await);
        let _fourth = listen(&there.admin, "", None).await;
        let refused = refusal(&elsewhere.admin, "", None).await;
        assert_eq!((refused.status, refused.code().as_str()), (503, "unavailable"));
        assert!(refused.headers.contains_key("retry-after"));
        drop(first);
        eventually("room for another", async || desk.live.admin.listen(STREAM, None).await.ok()).await;
    }
}

/// A server that stops sends its listeners away at once, and does not wait for them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_closes_its_streams() {
    for engine in Engines::available() {
        let desk = Desk::open(engine, |_| {}).await;
        let mut streams = Vec::new();
        for _ in 0..5 {
            let mut stream = listen(&desk.live.admin, "", None).await;
            soon("the opening", stream.frame()).await.unwrap();
            streams.push(stream);
        }
        desk.world.app.streams_close();
        for stream in &mut streams {
            let (words, took) = last_words(stream).await;
            assert!(words.starts_with("closed shutting_down"), "{words}");
            assert!(took < Duration::from_millis(500), "{took:?}");
        }
        assert_eq!(refusal(&desk.live.admin, "", None).await.status, 503);
        let started = Instant::now();
        desk.world.stop().await;
        assert!(
            started.elapsed() < Duration::from_secs(3),
            "the drain did not wait: {:?}",
            started.elapsed()
        );
    }
}

/// A reader that takes nothing is given up after a while, and its place is another's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_is_cut() {
    let change = |setup: &mut Setup| {
        setup.config.streams.per_process = 1;
        setup.config.streams.stall = Duration::from_millis(300);
    };
    let desk = Desk::open(Engines::Sqlite, change).await;
    // More than the system's own buffers hold.
    let blob = "x".repeat(200_000);
    for number in 0..60 {
        notify(&desk.live, &desk.world, "account_alerts", &json!({"alert": blob, "n": number})).await;
    }
    all_read(&desk.world).await;
    let mut slow = listen(&desk.live.admin, "?after=start", None).await;
    let first = event(&mut slow).await;
    assert_eq!(first.event.as_deref(), Some("channel.notification"));
    assert_eq!(refusal(&desk.live.admin, "", None).await.status, 503, "its place is taken");
    eventually("its place", async || desk.live.admin.listen(STREAM, None).await.ok()).await;
    // What it reads now ends early, and going on from there it misses nothing.
    let mut last = first.id;
    let mut count = 1;
    while let Some(event) = soon("the end", slow.event()).await {
        (last, count) = (event.id, count + 1);
    }
    assert!(count < 60, "all of it was waiting somewhere");
    drop(slow);
    let mut again =
        eventually("another try", async || desk.live.admin.listen(STREAM, last.as_deref()).await.ok()).await;
    while count < 60 {
        event(&mut again).await;
        count += 1;
    }
}

/// An entry that was changed in the database is shown without its content and takes no neighbour along.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_does_not_open_spoils_nothing() {
    for engine in Engines::available() {
        let desk = Desk::open(engine, |_| {}).await;
        desk.inbound(&desk.world, 1).await;
        all_read(&desk.world).await;
        let principal = desk
            .world
            .app
            .workspace_enter(&desk.world.operator(), desk.tenant.workspace, gatepost_app::Visit::InProcess)
            .await
            .unwrap();
        let scope =
            gatepost_store::WorkspaceScope::from(&principal.grant::<permission::EventRead>().unwrap());
        let now = gatepost_core::Clock::now(desk.world.clock.as_ref());
        let id = gatepost_core::EventId::new(now, desk.world.app.entropy());
        let forged = move || gatepost_store::NewEvent {
            id,
            event_type: gatepost_core::event::EventType::MessageRead,
            mode: Mode::Live,
            channel: None,
            order_key: None,
            created_at: now,
            payload: b"{\"id\":\"forged\"}".to_vec(),
        };
        desk.world
            .store
            .write(scope, async move |tx| {
                tx.event_append(&[forged()]).await?;
                tx.commit(gatepost_core::audit::Audit::None("a test"), ())
            })
            .await
            .unwrap();
        desk.inbound(&desk.world, 1).await;
        all_read(&desk.world).await;
        let page = log(&desk.live.admin, "").await;
        let mut stream = listen(&desk.live.admin, "?after=start", None).await;
        let forged = id.to_string();
        for entry in &page {
            assert_eq!(&event(&mut stream).await.json(), entry);
            assert_eq!(entry["data"].is_null(), entry["id"] == forged.as_str(), "{entry}");
        }
        assert!(page.iter().any(|entry| entry["id"] == forged.as_str()) && page.len() >= 3);
        assert!(page.iter().all(|entry| entry["workspace_id"] == desk.tenant.workspace.to_string()));
    }
}

/// The list tells the truth about what follows: `now`, `Link`, `has_more`, and a cursor that goes on later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_say_whether_more_follows() {
    for engine in Engines::available() {
        let desk = Desk::open(engine, |_| {}).await;
        desk.inbound(&desk.world, 5).await;
        all_read(&desk.world).await;
        let admin = &desk.live.admin;
        let total = log(admin, "").await.len();
        let first = admin.get("/v1/events?limit=2&types=message.*").await.expect(200);
        assert_eq!(first.json()["has_more"], true);
        let link = first.headers["link"].to_str().unwrap().to_owned();
        let next = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap();
        let second = admin.get(next).await.expect(200).json();
        assert_eq!(second["data"].as_array().unwrap().len(), 2, "the filters go along");
        assert_ne!(second["data"][0]["id"], first.json()["data"][0]["id"]);

        let end = admin.get("/v1/events?after=now").await.expect(200).json();
        assert_eq!((&end["data"], &end["has_more"]), (&json!([]), &json!(false)));
        desk.inbound(&desk.world, 1).await;
        all_read(&desk.world).await;
        let later = admin.get(&format!("/v1/events?after={}", end["next_cursor"].as_str().unwrap())).await;
        assert_eq!(
            later.expect(200).json()["data"].as_array().unwrap().len(),
            log(admin, "").await.len() - total
        );

        let over = admin.get("/v1/events?until=2026-01-01T00:00:00Z").await.expect(200);
        assert_eq!(over.json(), json!({"data": [], "next_cursor": null, "has_more": false}));
        assert!(!over.headers.contains_key("link"), "nothing can follow");
        let soon = gatepost_core::Clock::now(desk.world.clock.as_ref()).plus(Duration::from_mins(1));
        let open = admin.get(&format!("/v1/events?until={soon}&after=now")).await.expect(200).json();
        assert!(open["next_cursor"].is_string(), "until then more may come");
        for bad in [
            "since=yesterday",
            "channel_id=chn_x",
            "since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z",
            "after=Now",
        ] {
            assert_eq!(
                admin.get(&format!("/v1/events?{bad}")).await.expect(400).code(),
                "invalid_parameter",
                "{bad}"
            );
        }
        assert_eq!(desk.world.nobody().get(STREAM).await.status, 401);
        let sender = desk.world.key(desk.tenant.workspace, Mode::Live, &[Scope::Send]).await;
        let sender = desk.world.nobody().with_key(Some(&sender));
        assert_eq!(refusal(&sender, "", None).await.code(), "permission_missing");
    }
}
