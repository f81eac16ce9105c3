//! Bodies that are not JSON: `application/x-www-form-urlencoded` and `multipart/form-data` (RFC 7578), as Meta's own
//! examples (`curl -d`, `curl -F`) and older clients send them.

use bytes::Bytes;

/// One part of a form with files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub name: String,
    /// Only files have one.
    pub file_name: Option<String>,
    pub content_type: Option<String>,
    pub content: Bytes,
}

/// Most parts of one form; Meta's have three.
const PARTS_MAX: usize = 64;

/// The pairs of a query or of a form's body, in their order.
pub(super) fn urlencoded(text: &str) -> impl Iterator<Item = (String, String)> + '_ {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name, true), decoded(value, true))
    })
}

/// Undoes percent-encoding; a `%` that begins no code stands for itself. `plus`: `+` is a blank.
pub(super) fn decoded(text: &str, plus: bool) -> String {
    if !text.bytes().any(|b| b == b'%' || (plus && b == b'+')) {
        return text.to_owned();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (*first, tail) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                out.push(nibble(*high) << 4 | nibble(*low));
                rest = after;
            }
            (b'+', _) if plus => out.push(b' '),
            (byte, _) => out.push(byte),
        }
    }
    String::from_utf8(out).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

const fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.wrapping_sub(b'A').wrapping_add(10),
    }
}

/// The parts of a form with files; `None` when the body is not one. Contents are slices of `body`, not copies.
pub(super) fn multipart(content_type: &str, body: &Bytes) -> Option<Vec<Part>> {
    // Some clients set the header by themselves and forget the boundary; the first line of the body is one.
    let boundary = parameter(content_type, "boundary").or_else(|| {
        let line = body.strip_prefix(b"--")?;
        let end = find(line, b"\r\n", 0).filter(|end| *end <= 200)?;
        Some(String::from_utf8_lossy(line.get(..end)?).into_owned())
    });
    let boundary = boundary.filter(|b| !b.is_empty() && b.len() <= 200)?;
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    // The first delimiter may stand at the very beginning, without a line end before it.
    let mut at = if body.starts_with(&delimiter[2..]) {
        delimiter.len() - 2
    } else {
        find(body, &delimiter, 0)? + delimiter.len()
    };
    let mut parts = Vec::new();
    loop {
        let rest = body.get(at..)?;
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        // Blanks after a boundary are allowed (RFC 2046, section 5.1.1).
        let line_end = find(body, b"\r\n", at)?;
        let head_start = line_end + 2;
        // A part without any header has its blank line at once.
        let (head, content_start) = if body.get(head_start..)?.starts_with(b"\r\n") {
            (&b""[..], head_start + 2)
        } else {
            let head_end = find(body, b"\r\n\r\n", head_start)?;
            (body.get(head_start..head_end)?, head_end + 4)
        };
        // The delimiter's line end may be the one that ends the head, when the content is empty.
        let content_end = find(body, &delimiter, content_start - 2)?;
        let content = body.slice(content_start.min(content_end)..content_end);
        if parts.len() == PARTS_MAX {
            return None;
        }
        parts.push(part(&String::from_utf8_lossy(head), content));
        at = content_end + delimiter.len();
    }
}

fn part(head: &str, content: Bytes) -> Part {
    let mut part = Part { name: String::new(), file_name: None, content_type: None, content };
    for (name, value) in head.split("\r\n").filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-disposition") {
            part.name = parameter(value, "name").unwrap_or_default();
            part.file_name = parameter(value, "filename");
        } else if name.eq_ignore_ascii_case("content-type") {
            part.content_type = Some(value.trim().to_owned());
        }
    }
    part
}

/// A parameter of a header value, quoted or not.
fn parameter(header: &str, wanted: &str) -> Option<String> {
    let mut rest = header.split_once(';')?.1;
    loop {
        let (name, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (value, tail) = match after.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let (value, tail) = after.split_once(';').unwrap_or((after, ""));
                (value.trim().to_owned(), tail)
            }
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = tail.trim_start().trim_start_matches(';');
    }
}

/// The text up to the closing quote, and what follows.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((out, &text[at + 1..])),
            '\\' => out.push(chars.next()?.1),
            c => out.push(c),
        }
    }
    None
}

/// Where `needle` begins in `body`, at or after `from`.
fn find(body: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let first = *needle.first()?;
    let mut at = from;
    while let Some(step) = body.get(at..)?.iter().position(|b| *b == first) {
        at += step;
        if body.get(at..)?.starts_with(needle) {
            return Some(at);
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forms_of_curl() {
        let pairs: Vec<_> = urlencoded("a=1&b=%7B%22x%22%3A1%7D&c=a+b%&&d").collect();
        let texts: Vec<_> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(texts, [("a", "1"), ("b", r#"{"x":1}"#), ("c", "a b%"), ("d", "")]);
    }

    #[test]
    fn files_beside_fields() {
        let body = Bytes::from_static(
            b"--XX\r\nContent-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n\
              --XX\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\";.png\"\r\n\
              content-type: image/png\r\n\r\n\x89PNG\r\n--XY\r\n\r\n--XX\r\n\
              Content-Disposition: form-data; name=empty\r\n\r\n\r\n--XX--\r\n",
        );
        let parts = multipart("multipart/form-data; charset=utf-8; boundary=\"XX\"", &body).unwrap();
        assert_eq!(parts.len(), 3);
        assert_eq!((parts[0].name.as_str(), &parts[0].content[..]), ("messaging_product", &b"whatsapp"[..]));
        assert_eq!(parts[1].file_name.as_deref(), Some("a \"b\";.png"));
        assert_eq!(parts[1].content_type.as_deref(), Some("image/png"));
        assert_eq!(&parts[1].content[..], b"\x89PNG\r\n--XY\r\n");
        assert_eq!((parts[2].name.as_str(), parts[2].content.len()), ("empty", 0));
        assert_eq!(multipart("multipart/form-data", &body), Some(parts), "the boundary of the body itself");
        assert_eq!(multipart("multipart/form-data", &body.slice(2..)), None, "no boundary");
        assert_eq!(multipart("multipart/form-data; boundary=ZZ", &body), None, "another one");
    }

    proptest! {
        #[test]
        fn any_bytes(with in prop::collection::vec(any::<u8>(), 0..200), text: String) {
            let body = [&b"--X\r\n"[..], &with, b"\r\n--X--"].concat();
            drop(multipart("multipart/form-data; boundary=X", &Bytes::from(body)));
            drop(multipart(&format!("multipart/form-data;{text}"), &Bytes::from(with)));
            drop(decoded(&text, true));
        }
    }
}
