//! What must be true after all kills.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use gatepost_channels::sandbox::{Fate, SendRecord};
use gatepost_testkit::{Client, eventually};
use serde_json::Value;

use crate::load::Done;
use crate::meta::Known;
use crate::server::Installation;

/// How long after a kill Meta may still read what the dead process had written to its socket: it was sent before.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The counts, for whoever reads the log.
pub struct Verdict {
    accepted: usize,
    at_meta: usize,
    doubtful: usize,
    twice: usize,
    heard: usize,
    repeated: usize,
    events: usize,
    webhooks: usize,
    webhooks_repeated: usize,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accepted, at_meta, doubtful, twice, heard, repeated, events, webhooks, webhooks_repeated } =
            self;
        write!(
            f,
            "{accepted} messages accepted, {at_meta} at Meta, {doubtful} doubtful, {twice} sent twice (all of them \
             asked for it); {heard} pieces of news heard, {repeated} told again; {events} events; {webhooks} webhooks, \
             {webhooks_repeated} repeated"
        )
    }
}

/// The whole event log, oldest first.
pub async fn events(client: &Client) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/v1/events?limit=100{after}")).await.expect(200).json();
        let found = page["data"].as_array().unwrap();
        if found.is_empty() {
            return all;
        }
        all.extend(found.iter().cloned());
        after = format!("&after={}", page["next_cursor"].as_str().unwrap());
    }
}

/// What an event tells, so that two that tell the same are seen: of which message (by Meta's id), and what.
fn known(event: &Value) -> (String, String) {
    let message = &event["data"]["message"];
    match message["provider_id"].as_str() {
        Some(wamid) => (wamid.to_owned(), message["state"].as_str().unwrap().to_owned()),
        None => (event["data"].to_string(), String::new()),
    }
}

/// The same by our own id of the message; `None` for what is not about one of ours.
fn own(event: &Value) -> Option<(String, String)> {
    let id = event["data"]["message"]["id"].as_str()?.to_owned();
    Some((id, event["type"].as_str().unwrap().to_owned()))
}

/// Waits until every message has reached its end or is doubtful; gives the doubtful ones.
async fn ends(client: &Client, done: &Done) -> BTreeSet<String> {
    let mut open: BTreeSet<String> = done.accepted.keys().cloned().collect();
    eventually("every message to arrive", async || {
        let (mut still, mut doubtful) = (BTreeSet::new(), BTreeSet::new());
        for id in &open {
            let message = client.get(&format!("/v1/messages/{id}")).await.expect(200).json();
            let end = done.accepted[id].states().last().copied();
            match message["state"].as_str().unwrap() {
                state if Some(state) == end => continue,
                "sending" if message["provider_id"].is_null() => {
                    doubtful.insert(id.clone());
                }
                "failed" => panic!("a message failed: {message}"),
                _ => {}
            }
            still.insert(id.clone());
        }
        open = still;
        // One that is to be sent again is not doubtful for good.
        let waits = open.iter().any(|id| done.accepted[id].resend);
        (!waits && open.len() == doubtful.len()).then_some(doubtful)
    })
    .await
}

/// # Panics
/// When anything is lost or doubled.
pub async fn judge(client: &Client, installation: &Installation, done: &Done) -> Verdict {
    let doubtful = ends(client, done).await;

    // At Meta: each accepted message once, except for the doubtful ones, which may be missing. Twice only where the
    // sender chose it, and only after the answer was cut: by a fault of Meta's, or by a kill.
    let mut at_meta: BTreeMap<String, Vec<SendRecord>> = BTreeMap::new();
    for send in installation.meta.sends() {
        at_meta.entry(send.opaque.clone().unwrap()).or_default().push(send);
    }
    for (id, sends) in &at_meta {
        let Some(wish) = done.accepted.get(id) else {
            panic!("{id} went out, but nobody was told that it was accepted")
        };
        assert!(sends.len() == 1 || wish.resend, "{id} went out {} times", sends.len());
        for pair in sends.windows(2) {
            let (first, second) = (pair[0].at, pair[1].at);
            let killed = installation.kills.iter().any(|at| (first.minus(LAST_WORDS)..=second).contains(at));
            assert!(
                pair[0].fate == Fate::Unanswered || killed,
                "{id} was answered at {first} and went out again at {second}; kills: {:?}",
                installation.kills
            );
        }
    }
    for id in done.accepted.keys() {
        assert!(at_meta.contains_key(id) || doubtful.contains(id), "{id} was accepted and is lost");
    }

    // In the log: one event for each state of each send, and one for each piece of news that was heard. Some may still
    // lie in a callback that a dead process had claimed.
    let of_sends = at_meta.iter().flat_map(|(id, sends)| {
        let states = done.accepted[id].states();
        sends
            .iter()
            .flat_map(move |send| states.iter().map(|state| (send.wamid.clone(), (*state).to_owned())))
    });
    let of_news = done.heard.iter().filter_map(|known| match known {
        Known::Message { wamid, state } => Some((wamid.clone(), (*state).to_owned())),
        Known::Notice { .. } => None,
    });
    let wanted: BTreeSet<(String, String)> = of_sends.chain(of_news).collect();
    let marks: BTreeSet<&String> = done
        .heard
        .iter()
        .filter_map(|known| match known {
            Known::Notice { mark } => Some(mark),
            Known::Message { .. } => None,
        })
        .collect();
    let log = eventually("every piece of news to be told", async || {
        let log = events(client).await;
        let told: BTreeSet<(String, String)> = log.iter().map(known).collect();
        let whole: String = log.iter().map(|e| e["data"]["notification"].to_string()).collect();
        (wanted.is_subset(&told) && marks.iter().all(|mark| whole.contains(&format!("\"{mark}\""))))
            .then_some(log)
    })
    .await;
    let (mut by_news, mut by_message) = (BTreeSet::new(), BTreeSet::new());
    // A channel may go to and fro; its news name no message.
    for event in log.iter().filter(|e| e["type"] != "channel.updated") {
        assert!(by_news.insert(known(event)), "told twice: {event}");
        // A message that went out twice because its sender chose so has two lives.
        if let Some((id, what)) = own(event)
            && at_meta.get(&id).is_none_or(|sends| sends.len() == 1)
        {
            assert!(by_message.insert((id, what)), "told twice: {event}");
        }
    }
    // Nothing else is told but waits, and what changes about the channel.
    for event in log.iter().filter(|e| !wanted.contains(&known(e))) {
        let data = event["data"]["notification"].to_string();
        let expected = match event["type"].as_str().unwrap() {
            "message.delayed" | "channel.updated" => true,
            "channel.notification" => marks.iter().any(|mark| data.contains(&format!("\"{mark}\""))),
            _ => false,
        };
        assert!(expected, "nobody asked for {event}");
    }

    // What went out is doubtful no more: its statuses carry our id.
    for id in at_meta.keys() {
        let message = client.get(&format!("/v1/messages/{id}")).await.expect(200).json();
        assert_eq!(message["state"].as_str(), done.accepted[id].states().last().copied(), "{message}");
    }
    let doubtful = doubtful.difference(&at_meta.keys().cloned().collect()).count();
    // What a kill can cut off is what was under way; "doubtful" must not become an excuse.
    let most = installation.kills.len().max(done.accepted.len() / 4);
    assert!(doubtful <= most, "{doubtful} of {} are doubtful", done.accepted.len());

    // At the customer: every event, under its own id; repeated only where an answer was cut.
    let mut missing = Vec::new();
    let mut received: Vec<String> = Vec::new();
    for _ in 0..150 {
        let requests = installation.receiver.received();
        received = requests.iter().map(|r| r.headers["webhook-id"].to_str().unwrap().to_owned()).collect();
        let distinct: BTreeSet<&str> = received.iter().map(String::as_str).collect();
        missing = log.iter().filter(|e| !distinct.contains(e["id"].as_str().unwrap())).collect();
        if missing.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(
        missing.is_empty(),
        "{} of {} webhooks are missing, such as {}",
        missing.len(),
        log.len(),
        missing[0]
    );
    let webhooks = received.iter().collect::<BTreeSet<_>>().len();
    Verdict {
        accepted: done.accepted.len(),
        at_meta: at_meta.len(),
        doubtful,
        twice: at_meta.values().filter(|sends| sends.len() > 1).count(),
        heard: done.heard.len(),
        repeated: done.told,
        events: log.len(),
        webhooks,
        webhooks_repeated: received.len() - webhooks,
    }
}
