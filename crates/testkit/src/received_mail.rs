//! A mail as a mail program shows it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A mail that was taken.
#[derive(Debug, Clone, Default)]
pub struct ReceivedMail {
    /// From the envelope.
    pub from: String,
    /// From the envelope.
    pub to: Vec<String>,
    /// Head and body as they came.
    pub raw: String,
    /// Whether it came over TLS.
    pub encrypted: bool,
    /// Who was logged in.
    pub user: Option<String>,
}

impl ReceivedMail {
    /// A header's value: unfolded, and decoded where it is an encoded word (RFC 2047).
    pub fn header(&self, name: &str) -> Option<String> {
        headers(&self.raw)
            .into_iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| decode_words(&v))
    }

    /// The names of all headers, as they came.
    pub fn header_names(&self) -> Vec<String> {
        headers(&self.raw).into_iter().map(|(name, _)| name).collect()
    }

    pub fn subject(&self) -> String {
        self.header("Subject").unwrap_or_default()
    }

    /// The plain text.
    pub fn text(&self) -> String {
        self.part("text/plain")
    }

    pub fn html(&self) -> String {
        self.part("text/html")
    }

    /// The one link in the text that leads to a page.
    ///
    /// # Panics
    /// When there is none.
    pub fn link(&self) -> String {
        let text = self.text();
        let link = text.lines().find(|line| line.starts_with("http"));
        link.unwrap_or_else(|| panic!("no link in {text}")).to_owned()
    }

    fn part(&self, kind: &str) -> String {
        let content_type = self.header("Content-Type").unwrap_or_default();
        let boundary =
            content_type.split("boundary=").nth(1).unwrap_or_default().trim_matches(['"', ';', ' ']);
        let body = self.raw.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
        let (begin, end) = (format!("--{boundary}\r\n"), format!("\r\n--{boundary}--"));
        for part in body.split(begin.as_str()).skip(1) {
            let part = part.split(end.as_str()).next().unwrap_or_default();
            let (head, body) = part.split_once("\r\n\r\n").unwrap_or_default();
            if !head.to_ascii_lowercase().contains(kind) {
                continue;
            }
            let head = head.to_ascii_lowercase();
            let bytes = if head.contains("quoted-printable") {
                quoted_printable(body)
            } else if head.contains("base64") {
                STANDARD.decode(body.split_whitespace().collect::<String>()).expect("base64")
            } else {
                body.as_bytes().to_vec()
            };
            return String::from_utf8(bytes).expect("UTF-8").replace("\r\n", "\n");
        }
        String::new()
    }
}

fn headers(raw: &str) -> Vec<(String, String)> {
    let head = raw.split_once("\r\n\r\n").map_or(raw, |(head, _)| head);
    let mut found: Vec<(String, String)> = Vec::new();
    for line in head.split("\r\n") {
        if let (true, Some((_, value))) = (line.starts_with([' ', '\t']), found.last_mut()) {
            value.push_str(line);
        } else if let Some((name, value)) = line.split_once(':') {
            found.push((name.to_owned(), value.trim().to_owned()));
        }
    }
    found
}

fn decode_words(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    let mut after_word = false;
    while let Some(start) = rest.find("=?") {
        let (before, tail) = rest.split_at(start);
        // Blanks between two encoded words are none.
        if !(after_word && before.trim().is_empty()) {
            out.push_str(before);
        }
        let mut fields = tail[2..].splitn(3, '?');
        let (Some(_), Some(how), Some(more)) = (fields.next(), fields.next(), fields.next()) else { break };
        let Some((word, end)) = more.split_once("?=") else { break };
        let bytes = if how.eq_ignore_ascii_case("b") {
            STANDARD.decode(word).expect("base64")
        } else {
            quoted_printable(&word.replace('_', " "))
        };
        out.push_str(&String::from_utf8_lossy(&bytes));
        (rest, after_word) = (end, true);
    }
    out + rest
}

fn quoted_printable(text: &str) -> Vec<u8> {
    let text = text.replace("=\r\n", "");
    let mut bytes = text.bytes();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte == b'=' {
            let digits: Vec<u8> = bytes.by_ref().take(2).collect();
            let digits = String::from_utf8(digits).expect("ASCII");
            out.push(u8::from_str_radix(&digits, 16).expect("hex"));
        } else {
            out.push(byte);
        }
    }
    out
}
