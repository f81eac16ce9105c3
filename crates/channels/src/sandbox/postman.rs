//! Posting callbacks: batched, signed over the raw bytes, tried again with the same bytes.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use gatepost_net::{Method, TrustedBody, TrustedClient, TrustedRequest};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::apps::App;
use super::news::News;
use super::render;
use super::world::{Counts, World, locked};

/// How long news wait for others to change places with when they are told out of order.
const SHUFFLE_LINGER: Duration = Duration::from_millis(40);

/// What is due and not yet posted to one app.
#[derive(Default)]
pub(super) struct Outbox {
    queue: Mutex<VecDeque<News>>,
    filled: Notify,
    /// Ends the app's postmen when another app takes its id.
    pub(super) closed: CancellationToken,
}

impl Outbox {
    pub(super) fn put(&self, news: News) {
        locked(&self.queue).push_back(news);
        self.filled.notify_one();
    }

    /// Up to a batch of news that go to the same address; waits until there is one.
    async fn take(&self, world: &World, app: &App) -> Vec<News> {
        let max = world.config.callbacks.batch.max(1);
        loop {
            let waiting = !locked(&self.queue).is_empty();
            if !waiting {
                self.filled.notified().await;
            }
            let shuffle = world.faults.shuffle.load(Ordering::Relaxed);
            let linger = if shuffle {
                world.config.callbacks.linger.max(SHUFFLE_LINGER)
            } else {
                world.config.callbacks.linger
            };
            if !linger.is_zero() {
                tokio::time::sleep(linger).await;
            }
            let mut queue = locked(&self.queue);
            if shuffle {
                shuffle_in_place(queue.make_contiguous(), || world.ids.number());
            }
            let batch = if world.overridden.load(Ordering::Acquire) {
                of_one_address(&mut queue, max, |news| world.callback_url(app, news))
            } else {
                let count = queue.len().min(max);
                queue.drain(..count).collect()
            };
            if !queue.is_empty() {
                self.filled.notify_one();
            }
            if !batch.is_empty() {
                return batch;
            }
        }
    }
}

/// Takes from the front on what goes where the first goes; the rest keeps its order.
fn of_one_address(
    queue: &mut VecDeque<News>,
    max: usize,
    address: impl Fn(&News) -> Option<String>,
) -> Vec<News> {
    let Some(first) = queue.front().map(&address) else {
        return Vec::new();
    };
    let (mut batch, mut rest) = (Vec::new(), VecDeque::with_capacity(queue.len()));
    for news in queue.drain(..) {
        if batch.len() < max && address(&news) == first {
            batch.push(news);
        } else {
            rest.push_back(news);
        }
    }
    *queue = rest;
    batch
}

/// Fisher and Yates; the slight bias of the remainder does not matter here.
fn shuffle_in_place<T>(items: &mut [T], mut random: impl FnMut() -> u64) {
    for i in (1..items.len()).rev() {
        let j = usize::try_from(random() % (i as u64 + 1)).unwrap_or(0);
        items.swap(i, j);
    }
}

/// One of an app's postmen; several work side by side, so that order is not promised, as at Meta.
pub(super) async fn run(world: Arc<World>, app: Arc<App>, http: TrustedClient, stop: CancellationToken) {
    let closed = app.outbox.closed.clone();
    let work = async {
        loop {
            let batch = app.outbox.take(&world, &app).await;
            let told = post(&world, &app, &http, &batch).await;
            Counts::add(if told { &world.counts.told } else { &world.counts.dropped }, batch.len());
            world.release(batch.len());
        }
    };
    tokio::select! {
        () = work => {}
        () = stop.cancelled() => {}
        () = closed.cancelled() => {}
    }
}

/// Posts one body until it is heard or given up; whether it was heard.
async fn post(world: &World, app: &App, http: &TrustedClient, batch: &[News]) -> bool {
    let Some(body) = render::callback(batch).map(Bytes::from) else {
        return false;
    };
    let signature = app.signer.sign(&body);
    let pace = world.config.callbacks;
    let mut pause = pace.first_pause;
    for attempt in 1..=pace.attempts.max(1) {
        // Asked anew each time: the address may have been set or moved meanwhile.
        let Some(url) = batch.first().and_then(|news| world.callback_url(app, news)) else {
            return false;
        };
        Counts::add(&world.counts.posts, 1);
        let request = TrustedRequest {
            method: Method::Post,
            url: &url,
            bearer: None,
            headers: &[("x-hub-signature-256", &signature)],
            body: TrustedBody::Json(body.clone()),
            timeout: pace.timeout,
        };
        // Meta takes 200 and nothing else for success.
        if http.send(request).await.is_ok_and(|answer| answer.status == 200) {
            return true;
        }
        Counts::add(&world.counts.failed_posts, 1);
        if attempt < pace.attempts {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(pace.longest_pause);
        }
    }
    tracing::warn!(app = app.id, items = batch.len(), "a callback was given up");
    false
}
