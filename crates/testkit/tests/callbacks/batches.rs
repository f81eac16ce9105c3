//! Batches: of any size Meta sends, in any cut, as often as it likes.

use std::collections::BTreeSet;

use axum::body::{Body, Bytes};
use futures_util::stream;
use gatepost_testkit::{Engines, Live};
use serde_json::{Value, json};

use crate::support::{Counted, Dice, Door, all_read, body, entry, events, inbound, live, sent, status, told};

/// Meta's limit of one callback body.
const LIMIT: usize = 3 * 1024 * 1024;

/// Texts and statuses in turn, `count` pieces of news.
fn news(count: usize) -> Vec<Value> {
    let one = |n: usize| {
        if n.is_multiple_of(2) {
            inbound(&format!("wamid.in{n}"), &format!("text {n}"))
        } else {
            let state = ["sent", "delivered", "read"][n % 3];
            status(&format!("wamid.out{n}"), "", state, u32::try_from(n).unwrap())
        }
    };
    (0..count).map(one).collect()
}

/// The same pieces of news, all in one change.
fn in_one_change(live: &Live, news: &[Value]) -> Vec<u8> {
    let all = |list: &str| -> Vec<Value> {
        news.iter().flat_map(|n| n[list].as_array().into_iter().flatten().cloned()).collect()
    };
    let together = json!({
        "contacts": [{"profile": {"name": "Zoë"}, "wa_id": "12025550177"}],
        "messages": all("messages"),
        "statuses": all("statuses"),
    });
    body(&[entry(live, &together)])
}

fn in_entries(live: &Live, news: &[Value]) -> Vec<u8> {
    body(&news.iter().map(|n| entry(live, n)).collect::<Vec<_>>())
}

/// 1,000 updates in one body, as Meta batches at most; then again, cut otherwise, out of order, and overlapping.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_in_one_body_are_a_thousand_events() {
    for engine in Engines::available() {
        let (world, _meta, _, live) = live(engine).await;
        let mut news = news(1000);
        live.app.call(&world, in_entries(&live, &news)).await.expect(200);
        all_read(&world).await;
        let first = events(&live.admin).await;
        assert_eq!(first.len(), 1000, "{engine:?}");
        assert_eq!(told(&first).len(), 1000, "each once");
        live.app.call(&world, in_one_change(&live, &news)).await.expect(200);
        Dice::new(0x5eed_0002).shuffle(&mut news);
        for chunk in news.chunks(37) {
            live.app.call(&world, in_entries(&live, chunk)).await.expect(200);
        }
        all_read(&world).await;
        assert_eq!(events(&live.admin).await, first, "nothing is new on {engine:?}");
        world.stop().await;
    }
}

/// The failure that was measured elsewhere: a batch of four delivered once and twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_of_four_once_and_twice() {
    for engine in Engines::available() {
        let (world, meta, _, live) = live(engine).await;
        let (id, wamid) = sent(&live, &meta).await;
        let four = [
            inbound("wamid.a", "one"),
            inbound("wamid.b", "two"),
            status(&wamid, &id, "sent", 1),
            status(&wamid, &id, "delivered", 2),
        ];
        live.app.call(&world, in_one_change(&live, &four)).await.expect(200);
        all_read(&world).await;
        let once = events(&live.admin).await;
        let wanted = [
            ("wamid.a".to_owned(), "received".to_owned()),
            ("wamid.b".to_owned(), "received".to_owned()),
            (wamid.clone(), "sent".to_owned()),
            (wamid.clone(), "delivered".to_owned()),
        ];
        assert_eq!(told(&once), wanted.into_iter().map(|key| (key, 1)).collect(), "{engine:?}");
        // Again as it was, in halves, one by one, in reverse.
        live.app.call(&world, in_one_change(&live, &four)).await.expect(200);
        live.app.call(&world, in_entries(&live, &four[..2])).await.expect(200);
        live.app.call(&world, in_entries(&live, &four[1..])).await.expect(200);
        for one in four.iter().rev() {
            live.app.call(&world, in_entries(&live, std::slice::from_ref(one))).await.expect(200);
        }
        all_read(&world).await;
        assert_eq!(events(&live.admin).await, once, "{engine:?}");
        let messages = live.admin.get("/v1/messages").await.expect(200).json();
        assert_eq!(messages["data"].as_array().unwrap().len(), 3, "one out, two in");
        let message = live.admin.get(&format!("/v1/messages/{id}")).await.expect(200).json();
        assert_eq!(message["state"], "delivered");
        world.stop().await;
    }
}

/// Every callback thrice: within one body, in three bodies at once, and once more after all were read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_times_is_once() {
    for engine in Engines::available() {
        let (world, _meta, _, live) = live(engine).await;
        let ten = news(10);
        let thrice: Vec<Value> = ten.iter().flat_map(|n| [n.clone(), n.clone(), n.clone()]).collect();
        let bodies = [in_entries(&live, &thrice), in_one_change(&live, &thrice), in_entries(&live, &ten)];
        let calls = bodies.iter().map(|raw| live.app.call(&world, raw.clone()));
        for answer in futures_util::future::join_all(calls).await {
            answer.expect(200);
        }
        all_read(&world).await;
        live.app.call(&world, in_entries(&live, &ten)).await.expect(200);
        all_read(&world).await;
        let told = told(&events(&live.admin).await);
        assert!(told.len() == 10 && told.values().all(|count| *count == 1), "{engine:?}: {told:?}");
        world.stop().await;
    }
}

/// A body of exactly Meta's 3 MB, full of texts, is taken and read; one byte more is refused, said or not said
/// beforehand, and nothing of it is kept.
#[tokio::test]
async fn three_megabytes_and_not_a_byte_more() {
    let counted = Counted::default();
    let _guard = metrics::set_default_local_recorder(&counted);
    for engine in Engines::available() {
        let (world, _meta, _, live) = live(engine).await;
        let door = Door::of(&world, &live);
        let long = "x".repeat(4000);
        let texts: Vec<Value> = (0..700).map(|n| inbound(&format!("wamid.{n}"), &long)).collect();
        let mut raw = in_one_change(&live, &texts);
        assert!(raw.len() < LIMIT && raw.len() > LIMIT * 4 / 5, "{} bytes", raw.len());
        raw.resize(LIMIT + 1, b' ');
        let (over, full) = (Bytes::from(raw.clone()), Bytes::from(raw).slice(..LIMIT));
        let signature = live.app.sign(&over);
        let length = over.len().to_string();
        let said = [("x-hub-signature-256", signature.as_str()), ("content-length", length.as_str())];
        assert_eq!(door.post(&said, over.clone()).await, (413, "payload_too_large".to_owned()));
        let pieces: Vec<Result<Bytes, std::io::Error>> =
            over.chunks(70_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let unsaid = Body::from_stream(stream::iter(pieces));
        assert_eq!(door.post(&said[..1], unsaid).await, (413, "payload_too_large".to_owned()));
        assert!(events(&live.admin).await.is_empty());

        let signature = live.app.sign(&full);
        assert_eq!(door.post(&[("x-hub-signature-256", &signature)], full).await.0, 200);
        all_read(&world).await;
        let wamids: BTreeSet<String> =
            told(&events(&live.admin).await).into_keys().map(|(wamid, _)| wamid).collect();
        assert_eq!(wamids.len(), 700, "{engine:?}");
        world.stop().await;
    }
    assert_eq!(
        counted.of("payload_too_large"),
        2 * Engines::available().len() as u64,
        "refusals are counted"
    );
}
