//! A stream of the API's events, as a client reads it.

use std::collections::VecDeque;
use std::time::Duration;

use gatepost_net::{Download, EventStreamParser, Said};

/// An open stream. Dropping it closes the connection.
pub struct EventSource {
    answer: Download,
    parser: EventStreamParser,
    waiting: VecDeque<Said>,
}

impl EventSource {
    pub fn new(answer: Download) -> Self {
        Self { answer, parser: EventStreamParser::new(), waiting: VecDeque::new() }
    }

    /// How long the server asks to wait before connecting again.
    pub const fn retry(&self) -> Option<Duration> {
        self.parser.retry()
    }

    /// What is said next; `None` when the server ended the stream.
    ///
    /// # Errors
    /// In words: the connection broke, stood still, or says what no stream of events says.
    pub async fn next(&mut self) -> Result<Option<Said>, String> {
        let mut said = Vec::new();
        loop {
            if let Some(said) = self.waiting.pop_front() {
                return Ok(Some(said));
            }
            let Some(piece) = self.answer.next().await.map_err(|failure| failure.detail)? else {
                return Ok(None);
            };
            self.parser.feed(&piece, &mut said).map_err(|error| error.to_string())?;
            self.waiting.extend(said.drain(..));
        }
    }
}
