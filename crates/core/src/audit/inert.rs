//! Text that does nothing to whoever looks at it.

use std::fmt::Write;

use crate::text::is_forbidden;

/// Longest text of an entry, in characters; the rest is cut off.
pub const TEXT_MAX: usize = 512;

/// Whether a character could act on a terminal, a log line or the direction of the text beside it: control characters
/// (line ends, ANSI's escape), bidirectional marks and overrides, line separators, and those that take no room.
fn acts(c: char) -> bool {
    is_forbidden(c)
        || matches!(
            c,
            '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// The text with every acting character written as `\u{…}`, cut to [`TEXT_MAX`]. Doing it twice changes nothing.
pub fn inert(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut length = 0;
    for c in text.chars() {
        let at = out.len();
        if acts(c) {
            // Writing to a string cannot fail.
            let _written = write!(out, "\\u{{{:04x}}}", u32::from(c));
        } else {
            out.push(c);
        }
        length += out[at..].chars().count();
        if length > TEXT_MAX {
            out.truncate(at);
            out.push('…');
            break;
        }
    }
    out
}
