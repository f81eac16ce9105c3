//! `multipart/form-data` bodies (RFC 7578), for uploads to destinations that the operator's configuration names.

use bytes::Bytes;

use crate::body::{BodyStream, Piece};

/// A form in the making. Files are not copied: the body is sent as the pieces it was made of.
#[derive(Default)]
pub struct Multipart {
    parts: Vec<Part>,
    /// The boundary of a form with parts that cannot be searched.
    drawn: Option<String>,
}

struct Part {
    head: String,
    content: Piece,
}

impl Multipart {
    /// An empty form.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text field.
    #[must_use]
    pub fn text(self, name: &str, value: impl Into<Bytes>) -> Self {
        let head = format!("Content-Disposition: form-data; name=\"{}\"", escaped(name));
        self.with(head, Piece::Bytes(value.into()))
    }

    /// Adds a file. `content_type` is a MIME type, such as `image/png`.
    #[must_use]
    pub fn file(self, name: &str, file_name: &str, content_type: &str, content: impl Into<Bytes>) -> Self {
        self.with(file_head(name, file_name, content_type), Piece::Bytes(content.into()))
    }

    /// Adds a file that is read as it is sent. It cannot be searched for the boundary beforehand, so the boundary is
    /// made of `lot`: 16 random bytes, which whoever wrote the file could not know.
    #[must_use]
    pub fn stream(
        mut self,
        name: &str,
        file_name: &str,
        content_type: &str,
        content: BodyStream,
        lot: [u8; 16],
    ) -> Self {
        self.drawn = Some(format!("gatepost-{:032x}", u128::from_be_bytes(lot)));
        self.with(file_head(name, file_name, content_type), Piece::Stream(content))
    }

    fn with(mut self, head: String, content: Piece) -> Self {
        self.parts.push(Part { head, content });
        self
    }

    /// The `Content-Type` and the body in pieces.
    pub(crate) fn finish(self) -> (String, Vec<Piece>) {
        let boundary = self.boundary();
        let text = |text: String| Piece::Bytes(Bytes::from(text));
        let mut pieces = Vec::with_capacity(self.parts.len() * 2 + 1);
        let mut lead = "";
        for part in self.parts {
            pieces.push(text(format!("{lead}--{boundary}\r\n{}\r\n\r\n", part.head)));
            pieces.push(part.content);
            lead = "\r\n";
        }
        pieces.push(text(format!("{lead}--{boundary}--\r\n")));
        (format!("multipart/form-data; boundary={boundary}"), pieces)
    }

    /// The first of a numbered series that no part contains. Searching instead of drawing lots needs no randomness
    /// and cannot collide.
    fn boundary(&self) -> String {
        if let Some(drawn) = &self.drawn {
            return drawn.clone();
        }
        let mut number = 0_u64;
        loop {
            let boundary = format!("gatepost-{number:016x}");
            let needle = boundary.as_bytes();
            let taken = |part: &Part| match &part.content {
                Piece::Bytes(content) => contains(content, needle) || part.head.contains(&boundary),
                Piece::Stream(_) => false,
            };
            if !self.parts.iter().any(taken) {
                return boundary;
            }
            number += 1;
        }
    }
}

fn file_head(name: &str, file_name: &str, content_type: &str) -> String {
    format!(
        "Content-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\nContent-Type: {}",
        escaped(name),
        escaped(file_name),
        escaped(content_type),
    )
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    let mut rest = haystack;
    // Looking for the first byte before comparing keeps this fast on large files.
    while let Some(at) = rest.iter().position(|byte| *byte == needle[0]) {
        rest = &rest[at..];
        if rest.starts_with(needle) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}

/// Quotes and line ends as browsers escape them in names (HTML standard, multipart/form-data encoding algorithm).
fn escaped(text: &str) -> String {
    text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn joined(pieces: Vec<Piece>) -> Vec<u8> {
        let bytes = |piece| match piece {
            Piece::Bytes(bytes) => bytes,
            Piece::Stream(_) => Bytes::from_static(b"<stream>"),
        };
        pieces.into_iter().map(bytes).collect::<Vec<_>>().concat()
    }

    #[test]
    fn a_stream_takes_a_drawn_boundary() {
        let content = BodyStream::new(3, futures_util::stream::empty());
        let (content_type, pieces) =
            Multipart::new().text("type", "a/b").stream("file", "x", "a/b", content, [0xab; 16]).finish();
        let boundary = format!("gatepost-{}", "ab".repeat(16));
        assert_eq!(content_type, format!("multipart/form-data; boundary={boundary}"));
        let body = String::from_utf8(joined(pieces)).unwrap();
        assert!(body.ends_with(&format!("a/b\r\n\r\n<stream>\r\n--{boundary}--\r\n")), "{body}");
    }

    #[test]
    fn a_form_is_framed_and_cannot_be_broken_out_of() {
        let (content_type, pieces) = Multipart::new()
            .text("messaging_product", "whatsapp")
            .file("file", "a\"\r\nX: y.png", "image/png", &b"--gatepost-0000000000000000\r\n"[..])
            .finish();
        assert_eq!(content_type, "multipart/form-data; boundary=gatepost-0000000000000001");
        let body = String::from_utf8(joined(pieces)).unwrap();
        assert_eq!(
            body,
            "--gatepost-0000000000000001\r\n\
             Content-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n\
             --gatepost-0000000000000001\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"a%22%0D%0AX: y.png\"\r\n\
             Content-Type: image/png\r\n\r\n--gatepost-0000000000000000\r\n\r\n\
             --gatepost-0000000000000001--\r\n"
        );
    }
}
