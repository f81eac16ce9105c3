//! Server-Sent Events (WHATWG HTML, section 9.2): a stream of the application's events as an answer without an end.
//!
//! Threat note. Defends against: a reader that takes nothing (what waits for it is bounded, and after a while it is
//! cut, connection and all), a reader whose key was revoked (it is cut although it reads nothing), a payload that breaks
//! out of its frame (line breaks end a frame, so none is let through), a proxy that collects an answer before it passes
//! it on (told not to), and a shutdown that waits for those who only listen (they are sent away first).

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::stream;
use gatepost_app::{EventStream, EventView, StreamConfig, StreamEnd, StreamStep};
use gatepost_core::RequestId;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use tokio::sync::{mpsc, oneshot};

use crate::cut::Cut;

pub const MEDIA_TYPE: &str = "text/event-stream";
/// nginx and those who follow it collect answers unless they are told not to.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// Frames go out together up to this size, bytes.
const PIECE: usize = 16 * 1024;
/// How long a reader has to take the last words.
const PARTING: Duration = Duration::from_millis(300);

/// The answer, and the task that feeds it.
pub fn answer(
    stream: EventStream,
    config: &StreamConfig,
    request: Option<RequestId>,
    cut: Option<Cut>,
) -> Response {
    // One piece waits while the next is made; the connection's own buffer is the server's to bound.
    let (pieces, waiting) = mpsc::channel::<Bytes>(1);
    let feeder = Feeder { pieces, stall: config.stall, retry: config.retry };
    let (held, mut gone) = oneshot::channel::<()>();
    tokio::spawn(async move {
        let mut why = feeder.feed(stream).await;
        drop(feeder);
        // Who was told and still has not let go does not read.
        if let Why::Told(end) = why
            && tokio::time::timeout(PARTING, &mut gone).await.is_err()
        {
            why = Why::CutOff(end);
        }
        if matches!(why, Why::TooSlow | Why::CutOff(_))
            && let Some(cut) = cut
        {
            cut.now();
        }
        metrics::counter!("gatepost_event_streams_ended_total", "reason" => why.as_str()).increment(1);
        tracing::debug!(
            request_id = request.map(tracing::field::display),
            reason = why.as_str(),
            "a stream of events ended"
        );
    });
    let body = stream::unfold((waiting, held), async |(mut waiting, held)| {
        let piece = waiting.recv().await?;
        Some((Ok::<_, Infallible>(piece), (waiting, held)))
    });
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE)),
        (X_ACCEL_BUFFERING, HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(body)).into_response()
}

/// Why nothing more is said.
enum Why {
    /// The reader went.
    Left,
    /// The reader did not take what was said in time.
    TooSlow,
    /// It was told why.
    Told(StreamEnd),
    /// It could not be told, because it does not read.
    CutOff(StreamEnd),
}

impl Why {
    const fn as_str(&self) -> &'static str {
        match self {
            Self::Left => "client_left",
            Self::TooSlow => "too_slow",
            Self::Told(end) | Self::CutOff(end) => end.as_str(),
        }
    }
}

struct Feeder {
    pieces: mpsc::Sender<Bytes>,
    stall: Duration,
    retry: Duration,
}

impl Feeder {
    async fn feed(&self, mut stream: EventStream) -> Why {
        let opening = opening(self.retry, &stream.cursor());
        if let Err(why) = self.say(opening, &mut stream).await {
            return why;
        }
        loop {
            let step = tokio::select! {
                step = stream.next() => step,
                () = self.pieces.closed() => return Why::Left,
            };
            let said = match step {
                StreamStep::Events(events) => self.say_all(&events, &mut stream).await,
                StreamStep::Quiet(position) => self.say(heartbeat(position.as_deref()), &mut stream).await,
                StreamStep::Ended(end) => {
                    let told = tokio::time::timeout(PARTING, self.pieces.send(parting(end))).await;
                    return if told.is_ok() { Why::Told(end) } else { Why::CutOff(end) };
                }
            };
            if let Err(why) = said {
                return why;
            }
        }
    }

    async fn say_all(&self, events: &[EventView], stream: &mut EventStream) -> Result<(), Why> {
        let mut piece = BytesMut::new();
        for event in events {
            frame(&mut piece, event.id, event.event_type.as_str(), &event.payload);
            if piece.len() >= PIECE {
                self.say(piece.split().freeze(), stream).await?;
            }
        }
        if piece.is_empty() { Ok(()) } else { self.say(piece.freeze(), stream).await }
    }

    /// Hands a piece on, as soon as there is room for it.
    async fn say(&self, piece: Bytes, stream: &mut EventStream) -> Result<(), Why> {
        let piece = match self.pieces.try_send(piece) {
            Ok(()) => return Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => return Err(Why::Left),
            Err(mpsc::error::TrySendError::Full(piece)) => piece,
        };
        tokio::select! {
            taken = self.pieces.send(piece) => taken.map_err(|_| Why::Left),
            end = stream.ended() => Err(Why::CutOff(end)),
            () = tokio::time::sleep(self.stall) => Err(Why::TooSlow),
        }
    }
}

/// The first frame: how soon to come back, and where to go on, which a reader notes without being told of an event.
fn opening(retry: Duration, cursor: &str) -> Bytes {
    format!("retry: {}\nid: {cursor}\n\n", retry.as_millis()).into()
}

/// A sign of life, and where to go on where that has moved: whoever filters need not step over the same entries twice.
fn heartbeat(position: Option<&str>) -> Bytes {
    match position {
        None => Bytes::from_static(b": heartbeat\n\n"),
        Some(cursor) => format!("id: {cursor}\n: heartbeat\n\n").into(),
    }
}

/// The last words: a comment, so that nobody takes them for an event.
fn parting(end: StreamEnd) -> Bytes {
    format!(": closed {} - {}\n\n", end.as_str(), end.reason()).into()
}

/// One event. The payload is JSON on one line, as the application promises; what would break the frame all the same is
/// left out of it.
fn frame(out: &mut BytesMut, id: impl std::fmt::Display, event_type: &str, payload: &[u8]) {
    out.reserve(payload.len() + 96);
    out.put_slice(format!("id: {id}\nevent: {event_type}\ndata: ").as_bytes());
    for part in payload.split(|byte| matches!(byte, b'\n' | b'\r')) {
        out.put_slice(part);
    }
    out.put_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn framed(payload: &[u8]) -> Vec<u8> {
        let mut out = BytesMut::new();
        frame(&mut out, "evt_1", "message.read", payload);
        out.to_vec()
    }

    #[test]
    fn frames() {
        let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).unwrap();
        assert_eq!(framed(br#"{"a":1}"#), b"id: evt_1\nevent: message.read\ndata: {\"a\":1}\n\n");
        assert_eq!(text(opening(Duration::from_secs(2), "AAE")), "retry: 2000\nid: AAE\n\n");
        assert_eq!(text(heartbeat(None)), ": heartbeat\n\n");
        assert_eq!(text(heartbeat(Some("AAE"))), "id: AAE\n: heartbeat\n\n");
        assert_eq!(
            text(parting(StreamEnd::KeyRevoked)),
            ": closed api_key_revoked - the API key was revoked\n\n"
        );
    }

    proptest! {
        /// Whatever the bytes, one frame is one frame: three lines and an empty one. JSON as serde_json writes it comes
        /// through unchanged.
        #[test]
        fn nothing_breaks_out_of_its_frame(bytes: Vec<u8>, words in "(\\PC|[\\n\\r\\u{2028}\\u{85}\\\\\"]){0,60}") {
            let breaks = |bytes: &[u8]| bytes.iter().filter(|b| matches!(b, b'\n' | b'\r')).count();
            prop_assert_eq!(breaks(&framed(&bytes)), 4);
            let json = serde_json::to_vec(&serde_json::json!({ "words": words })).unwrap();
            let out = framed(&json);
            prop_assert_eq!(breaks(&out), 4);
            prop_assert!(out.windows(json.len()).any(|part| part == json));
        }
    }
}
