//! Reading Server-Sent Events (WHATWG HTML, section 9.2.6) as they come in pieces.
//!
//! Threat: every byte is the other side's. A line, an event and an id have limits, so that a stream without line breaks
//! or without an end of its event costs a bounded amount of memory; what is over a limit ends the stream with an error,
//! because to go on would mean to lose something silently. Bytes that are not UTF-8 become U+FFFD, as the format says.

use std::time::Duration;

/// Largest event, and largest line, bytes. Gatepost's own are as large as what a provider may send along: 3 MB.
const EVENT_MAX: usize = 8 * 1024 * 1024;
/// Longest id, bytes.
const ID_MAX: usize = 1024;

/// One thing that a stream says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// An event.
    Event(ServerEvent),
    /// A frame without data that moves the place to go on from.
    Place(String),
    /// A comment, without its colon and the blank after it.
    Comment(String),
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerEvent {
    /// The place to go on from once this event was seen to; empty where the stream named none.
    pub id: String,
    /// Its type; `message` where the stream named none.
    pub event: String,
    /// Lines are joined by a line feed.
    pub data: String,
}

/// A line, an event or an id is over its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stream says more in one go than is taken in")]
pub struct TooLarge;

/// What is known between two pieces.
#[derive(Debug, Default)]
pub struct EventStreamParser {
    /// The line under way.
    line: Vec<u8>,
    /// The last byte was a carriage return: a line feed after it belongs to it.
    after_return: bool,
    /// The first line was read, which may begin with a byte order mark.
    begun: bool,
    data: String,
    event: String,
    /// Stays until another comes.
    id: String,
    /// The id as it was when something was last said.
    told: String,
    retry: Option<Duration>,
}

impl EventStreamParser {
    /// A parser at the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long to wait before connecting again, where the stream said so.
    pub const fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Takes the next piece, wherever it was cut, and adds what is complete now.
    ///
    /// # Errors
    /// Something is over its limit: the stream must be given up.
    pub fn feed(&mut self, mut piece: &[u8], said: &mut Vec<Said>) -> Result<(), TooLarge> {
        if std::mem::take(&mut self.after_return) && !piece.is_empty() {
            piece = piece.strip_prefix(b"\n").unwrap_or(piece);
        }
        while let Some(end) = piece.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.take(&piece[..end])?;
            let (line, returned) = (std::mem::take(&mut self.line), piece[end] == b'\r');
            piece = &piece[end + 1..];
            if returned {
                match piece.strip_prefix(b"\n") {
                    Some(rest) => piece = rest,
                    None => self.after_return = piece.is_empty(),
                }
            }
            self.read(&line, said)?;
        }
        self.take(piece)
    }

    fn take(&mut self, part: &[u8]) -> Result<(), TooLarge> {
        if self.line.len() + part.len() > EVENT_MAX {
            return Err(TooLarge);
        }
        self.line.extend_from_slice(part);
        Ok(())
    }

    fn read(&mut self, line: &[u8], said: &mut Vec<Said>) -> Result<(), TooLarge> {
        let mark: &[u8] = if std::mem::replace(&mut self.begun, true) { b"" } else { b"\xef\xbb\xbf" };
        let line = String::from_utf8_lossy(line.strip_prefix(mark).unwrap_or(line));
        if line.is_empty() {
            self.dispatch(said);
            return Ok(());
        }
        let (name, value) = line.split_once(':').unwrap_or((&*line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "" => said.push(Said::Comment(value.to_owned())),
            "event" => value.clone_into(&mut self.event),
            "data" => {
                if self.data.len() + value.len() >= EVENT_MAX {
                    return Err(TooLarge);
                }
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if value.len() > ID_MAX => return Err(TooLarge),
            "id" if !value.contains('\0') => value.clone_into(&mut self.id),
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.retry = value.parse().ok().map(Duration::from_millis);
            }
            // Anything else is for others, or for a later version of the format.
            _ => {}
        }
        Ok(())
    }

    fn dispatch(&mut self, said: &mut Vec<Said>) {
        let (mut data, event) = (std::mem::take(&mut self.data), std::mem::take(&mut self.event));
        let moved = self.told != self.id;
        self.told.clone_from(&self.id);
        if data.is_empty() {
            if moved {
                said.push(Said::Place(self.id.clone()));
            }
            return;
        }
        data.pop();
        let event = if event.is_empty() { "message".to_owned() } else { event };
        said.push(Said::Event(ServerEvent { id: self.id.clone(), event, data }));
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn parse(text: impl AsRef<[u8]>) -> Vec<Said> {
        let mut said = Vec::new();
        EventStreamParser::new().feed(text.as_ref(), &mut said).unwrap();
        said
    }

    fn event(id: &str, event: &str, data: &str) -> Said {
        Said::Event(ServerEvent { id: id.to_owned(), event: event.to_owned(), data: data.to_owned() })
    }

    /// The examples of the format's own text (section 9.2.6), and what hostile or careless senders make of it.
    #[test]
    fn the_format_by_its_letter() {
        let comment = |text: &str| Said::Comment(text.to_owned());
        assert_eq!(parse("data: YHOO\ndata: +2\ndata: 10\n\n"), [event("", "message", "YHOO\n+2\n10")]);
        assert_eq!(
            parse(
                ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n"
            ),
            [
                comment("test stream"),
                event("1", "message", "first event"),
                event("", "message", "second event"),
                event("", "message", " third event"),
            ]
        );
        assert_eq!(
            parse("data\n\ndata\ndata\n\ndata:"),
            [event("", "message", ""), event("", "message", "\n")]
        );
        assert_eq!(
            parse("data:test\n\ndata: test\n\n"),
            [event("", "message", "test"), event("", "message", "test")]
        );
        assert_eq!(parse("retry: 2000\nid: AAE\n\n"), [Said::Place("AAE".to_owned())]);
        assert_eq!(parse("id: AAE\n: heartbeat\n\n"), [comment("heartbeat"), Said::Place("AAE".to_owned())]);
        assert_eq!(parse("id: 1\n\nid: 1\n\n"), [Said::Place("1".to_owned())], "the same place is no news");
        assert_eq!(
            parse("id: 1\ndata: x\n\nid: 2\0\ndata: y\n\n"),
            [event("1", "message", "x"), event("1", "message", "y")]
        );
        assert_eq!(parse("event: a\n\ndata: x\n\n"), [event("", "message", "x")], "a type alone is no event");
        assert_eq!(
            parse("\u{feff}data: x\r\rdata: y\r\n\r\n"),
            [event("", "message", "x"), event("", "message", "y")]
        );
        assert_eq!(parse("x\u{feff}data: x\n\n"), []);
        assert_eq!(parse("unknown: x\ndata: a: b\n\n"), [event("", "message", "a: b")]);
        assert_eq!(parse(b"data: \xff\n\n"), [event("", "message", "\u{fffd}")]);
        assert_eq!(parse("data: cut off"), []);
    }

    #[test]
    fn the_hint_is_digits() {
        for (text, expected) in
            [("2000", Some(2000)), ("", None), ("-1", None), ("1e3", None), ("9".repeat(40).as_str(), None)]
        {
            let mut parser = EventStreamParser::new();
            parser.feed(format!("retry: {text}\n").as_bytes(), &mut Vec::new()).unwrap();
            assert_eq!(parser.retry(), expected.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn a_stream_without_an_end_is_given_up() {
        let megabyte = vec![b'x'; 1 << 20];
        let mut parser = EventStreamParser::new();
        let refused = (0..16).position(|_| parser.feed(&megabyte, &mut Vec::new()).is_err());
        assert_eq!(refused, Some(8), "one endless line");
        assert!(parser.line.capacity() <= 2 * EVENT_MAX);

        let mut parser = EventStreamParser::new();
        let line = [b"data: ", megabyte.as_slice(), b"\n"].concat();
        let refused = (0..16).position(|_| parser.feed(&line, &mut Vec::new()).is_err());
        assert_eq!(refused, Some(7), "one endless event");

        let id = format!("id: {}\n", "x".repeat(ID_MAX + 1));
        assert_eq!(EventStreamParser::new().feed(id.as_bytes(), &mut Vec::new()), Err(TooLarge));
    }

    proptest! {
        #[test]
        fn what_is_framed_reads_back(events in proptest::collection::vec(("[a-z0-9_]{1,20}", "[a-z.]{1,20}", "[^\\r\\n]{1,80}"), 0..8)) {
            let frame = |(id, kind, data): &(String, String, String)| format!("id: {id}\nevent: {kind}\ndata: {data}\n\n");
            let text = events.iter().map(frame).collect::<Vec<_>>().concat();
            let expected: Vec<Said> = events.iter().map(|(id, kind, data)| event(id, kind, data)).collect();
            prop_assert_eq!(parse(text), expected);
        }
    }
}
