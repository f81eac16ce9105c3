//! Sends as a customer's software makes them.

use bytes::Bytes;
use gatepost_app::SystemClock;
use gatepost_core::{Clock as _, Timestamp};
use http_body_util::Full;
use hyper::Request;

use super::protocol::Sender;
use crate::error::{Failure, Result};

/// Recipients of one run: as many as have a number of seven digits.
const RECIPIENTS: u64 = 10_000_000;
/// What stands before the time in the text of a message that tells when it was asked for.
const STAMP: &str = "asked for at ";

/// Send number `number` of a run, by the sender whose turn it is. With `stamped` its text tells the time.
pub fn send(
    senders: &[Sender],
    turn: usize,
    number: u64,
    stamped: bool,
    idempotency_key: Option<&str>,
) -> Result<Request<Full<Bytes>>> {
    let sender =
        senders.get(turn % senders.len().max(1)).ok_or_else(|| Failure::new("sends need a channel"))?;
    let stamp =
        if stamped { format!(" {STAMP}{}", SystemClock.now().micros()) } else { " is here.".to_owned() };
    let body = format!(
        r#"{{"channel_id":"{}","to":"+49151{:07}","purpose":"transactional","text":"Your parcel {number:08}{stamp}"}}"#,
        sender.channel,
        number % RECIPIENTS
    );
    let mut request = Request::post("/v1/messages")
        .header("host", "127.0.0.1")
        .header("authorization", format!("Bearer {}", sender.key))
        .header("content-type", "application/json");
    if let Some(key) = idempotency_key {
        request = request.header("idempotency-key", key);
    }
    Ok(request.body(Full::new(Bytes::from(body)))?)
}

/// When a stamped message was asked for, as its text tells on its way.
pub fn stamp_of(body: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once(STAMP)?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
    digits.parse().ok().map(Timestamp::from_micros)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use http_body_util::BodyExt as _;

    fn senders() -> Vec<Sender> {
        ["one", "two"].map(|name| Sender { key: name.into(), channel: format!("chn_{name}") }).into()
    }

    #[tokio::test]
    async fn senders_take_turns_and_stamps_are_read() {
        let before = SystemClock.now();
        let request = send(&senders(), 3, 7, true, Some("k")).unwrap();
        assert_eq!(request.headers()["authorization"], "Bearer two");
        assert_eq!(request.headers()["idempotency-key"], "k");
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let read: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(read["to"], "+491510000007");
        let at = stamp_of(&body).unwrap();
        assert!(before <= at && at <= SystemClock.now());
        let plain = send(&senders(), 0, 8, false, None).unwrap().into_body();
        assert_eq!(stamp_of(&plain.collect().await.unwrap().to_bytes()), None);
        assert!(send(&[], 0, 1, false, None).is_err());
    }
}
