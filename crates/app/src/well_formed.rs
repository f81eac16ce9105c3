//! JSON of others that we pass on must be JSON that everybody can read.
//!
//! Two things pass a lenient reader and stop a strict one: half of a surrogate pair (Meta cuts names in the middle of
//! an emoji) and nesting without end. One such event would spoil every page of the log that it is on.

/// Deepest nesting of a callback. Meta's own stay below 20; common readers stop at 128, and events wrap what they hold.
const DEPTH_MAX: usize = 100;

/// Whether arrays and objects nest deeper than a reader should be asked to follow.
pub(crate) fn is_too_deep(json: &[u8]) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return true;
                }
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// Replaces each half of a surrogate pair that stands alone by U+FFFD, in place: both are six characters.
pub(crate) fn mend_surrogates(json: &mut [u8]) {
    let mut at = 0;
    while at + 1 < json.len() {
        if json[at] != b'\\' {
            at += 1;
            continue;
        }
        match unit(json, at) {
            Some(0xd800..=0xdbff) => {
                if let Some(0xdc00..=0xdfff) = unit(json, at + 6) {
                    at += 12;
                } else {
                    json[at + 2..at + 6].copy_from_slice(b"fffd");
                    at += 6;
                }
            }
            Some(0xdc00..=0xdfff) => {
                json[at + 2..at + 6].copy_from_slice(b"fffd");
                at += 6;
            }
            Some(_) => at += 6,
            // Another escape: the character after the backslash belongs to it.
            None => at += 2,
        }
    }
}

/// Puts JSON on one line, in place. Within its texts a line break is always escaped (RFC 8259, section 7), so those that
/// stand there as they are lie between its tokens, where a blank means the same: somebody's own layout, passed on.
pub(crate) fn one_line(json: &mut [u8]) {
    for byte in json {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
}

/// The UTF-16 unit of the escape `\uXXXX` that begins here.
fn unit(json: &[u8], at: usize) -> Option<u16> {
    let escape = json.get(at..at + 6)?;
    let digits = escape.strip_prefix(b"\\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn mended(json: &str) -> String {
        let mut bytes = json.as_bytes().to_vec();
        mend_surrogates(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn halves_go_and_pairs_stay() {
        assert_eq!(mended(r#""\ud83d\udc4b""#), r#""\ud83d\udc4b""#);
        assert_eq!(mended(r#""a\ud83d""#), r#""a\ufffd""#);
        assert_eq!(mended(r#""\udc4b\ud83d\ud83d\udc4b\uD83Dx""#), r#""\ufffd\ufffd\ud83d\udc4b\ufffdx""#);
        assert_eq!(
            mended(r#""\\ud83d \"\n\u00e4""#),
            r#""\\ud83d \"\n\u00e4""#,
            "an escaped backslash is none"
        );
        assert_eq!(mended(r#"{"a":"\"#), r#"{"a":"\"#);
        for json in [r#""\ud800""#, r#"{"\udead":"x\ud83d\n"}"#] {
            assert!(serde_json::from_str::<serde_json::Value>(json).is_err());
            assert!(serde_json::from_str::<serde_json::Value>(&mended(json)).is_ok());
        }
    }

    #[test]
    fn line_breaks_between_tokens_go_and_those_in_texts_were_escaped() {
        let laid_out = "{\r\n  \"a\": \"x\\n\\r\",\n  \"b\": [1,\r2]\n}";
        let mut bytes = laid_out.as_bytes().to_vec();
        one_line(&mut bytes);
        assert!(!bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r')));
        let read = |json: &[u8]| serde_json::from_slice::<serde_json::Value>(json).unwrap();
        assert_eq!(read(&bytes), read(laid_out.as_bytes()), "the same JSON");
    }

    #[test]
    fn depth_counts_outside_texts() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(!is_too_deep(nested(DEPTH_MAX).as_bytes()) && is_too_deep(nested(DEPTH_MAX + 1).as_bytes()));
        assert!(!is_too_deep(format!("\"\\\"{}\"", "[".repeat(500)).as_bytes()));
        assert!(!is_too_deep("[],".repeat(500).as_bytes()));
    }
}
