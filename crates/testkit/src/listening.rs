//! A listener to a stream of events: reads frames by the letter of the format, sharing no code with Gatepost's own.

use serde_json::Value;

use crate::{Answer, Client};

/// One frame: the fields between two empty lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    pub id: Option<String>,
    pub event: Option<String>,
    pub data: Option<String>,
    pub retry: Option<String>,
    pub comment: Option<String>,
}

impl Frame {
    /// The event.
    ///
    /// # Panics
    /// When the data is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(self.data.as_deref().unwrap_or_default()).expect("JSON")
    }
}

/// An open stream. Dropping it closes the connection.
pub struct Listening {
    answer: reqwest::Response,
    buffer: Vec<u8>,
}

impl Listening {
    /// What the head of the answer says.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.answer.headers().get(name)?.to_str().ok()
    }

    /// The next frame; `None` when the stream ended or was cut.
    ///
    /// # Panics
    /// When what comes is no frame.
    pub async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let rest = self.buffer.split_off(end + 2);
                let text = String::from_utf8(std::mem::replace(&mut self.buffer, rest)).expect("UTF-8");
                return Some(read(&text));
            }
            match self.answer.chunk().await {
                Ok(Some(piece)) => self.buffer.extend_from_slice(&piece),
                Ok(None) | Err(_) => return None,
            }
        }
    }

    /// The next event, past opening, heartbeats and last words.
    pub async fn event(&mut self) -> Option<Frame> {
        loop {
            let frame = self.frame().await?;
            if frame.data.is_some() {
                return Some(frame);
            }
        }
    }
}

fn read(text: &str) -> Frame {
    let mut frame = Frame::default();
    for line in text.trim_end().lines() {
        let (name, value) = line.split_once(':').expect("a field");
        let value = Some(value.strip_prefix(' ').unwrap_or(value).to_owned());
        let field = match name {
            "id" => &mut frame.id,
            "event" => &mut frame.event,
            "data" => &mut frame.data,
            "retry" => &mut frame.retry,
            "" => &mut frame.comment,
            other => panic!("unknown field {other}"),
        };
        assert!(field.is_none(), "a field is there twice: {text}");
        *field = value;
    }
    frame
}

impl Client {
    /// Opens a stream; the refusal where it is refused.
    ///
    /// # Panics
    /// When no answer comes at all.
    pub async fn listen(&self, path: &str, last: Option<&str>) -> Result<Listening, Answer> {
        let headers: Vec<(&str, &str)> = last.map(|id| ("last-event-id", id)).into_iter().collect();
        let answer = self.begin("GET", path, &headers, None).await.expect("an answer");
        if answer.status() == 200 {
            return Ok(Listening { answer, buffer: Vec::new() });
        }
        Err(Self::whole(answer).await.expect("a whole answer"))
    }
}
