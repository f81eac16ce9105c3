//! Small parts that stand in a line.

use gatepost_core::Timestamp;
use maud::{Markup, html};

use super::block::Tone;
use super::icon::Icon;

/// Words of somebody else's, with their own direction, which does not reach the text around them.
pub fn own(text: &str) -> Markup {
    html! { bdi { (text) } }
}

/// A state in a word.
pub fn badge(tone: Tone, text: &str) -> Markup {
    html! { span class={ "badge " (tone.class()) } { (text) } }
}

/// A piece of code, an id, an address.
pub fn code(text: &str) -> Markup {
    html! { code dir="ltr" { (text) } }
}

/// A text that one copies, such as an id. Without scripts there is no button, and the text can be selected as one.
pub fn copyable(text: &str, what: &str) -> Markup {
    html! {
        span class="copyable" {
            code class="whole" dir="ltr" { (text) }
            button class="copy" type="button" data-copy=(text) hidden {
                (Icon::Copy)
                span class="unseen" { "Copy " (what) }
            }
        }
    }
}

/// A time to the minute in UTC; the second is in the element's attribute.
pub fn time(at: Timestamp) -> Markup {
    let exact = at.to_string();
    // 2026-11-21T09:30:00Z, whatever fraction follows.
    let shown = match (exact.get(..10), exact.get(11..16)) {
        (Some(day), Some(minute)) => format!("{day} {minute} UTC"),
        _ => exact.clone(),
    };
    html! { time datetime=(exact) { (shown) } }
}

/// The day of a time, in UTC.
pub fn day(at: Timestamp) -> Markup {
    let exact = at.to_string();
    html! { time datetime=(exact) { (exact.get(..10).unwrap_or(&exact)) } }
}

/// The first letters of a name, as a picture of who it is. The name itself stands beside it.
pub fn avatar(name: &str) -> Markup {
    let letters: String = name
        .split_whitespace()
        .filter_map(|word| word.chars().find(|c| c.is_alphanumeric()))
        .take(2)
        .flat_map(char::to_uppercase)
        .collect();
    // One of five hues, the same for the same name.
    let hue = name.bytes().fold(0_usize, |sum, byte| (sum * 31 + usize::from(byte)) % 65_521) % 5;
    html! {
        span class={ "avatar h" (hue) } aria-hidden="true" {
            @if letters.is_empty() { (Icon::User) } @else { (letters) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_write_is_text() {
        let hostile = "\"><script>alert(1)</script>\u{202e}";
        for markup in [
            own(hostile),
            code(hostile),
            badge(Tone::Bad, hostile),
            copyable(hostile, hostile),
            avatar(hostile),
        ] {
            let text = markup.into_string();
            assert!(!text.contains("<script") && !text.contains("\"><s"), "{text}");
        }
    }

    #[test]
    fn times_are_read_by_people_and_machines() {
        let at = Timestamp::from_seconds(1_793_525_400);
        let text = time(at).into_string();
        assert!(text.starts_with("<time datetime=\"2026-") && text.ends_with(" UTC</time>"), "{text}");
    }
}
