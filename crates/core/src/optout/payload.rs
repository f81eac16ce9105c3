//! Payloads and ids of quick-reply buttons, which programs write.

use super::Label;

/// Payloads without what separates their words.
const OPT_OUT: &[&str] = &[
    "stop",
    "stopall",
    "stopmessages",
    "stopmarketing",
    "stoppromotions",
    "optout",
    "optoutall",
    "optoutmarketing",
    "unsubscribe",
    "unsubscribeall",
    "unsub",
    "unsubscribeme",
    "blockmessages",
    "removeme",
    "quit",
    "revoke",
];
const OPT_IN: &[&str] = &[
    "start",
    "unstop",
    "optin",
    "subscribe",
    "subscribeme",
    "resubscribe",
    "resume",
    "resumemessages",
    "startmessages",
];
/// The longest of them, separators included.
const BYTES: usize = 48;

/// What the payload or id of a quick-reply button says, where it is one of the exact forms that programs use, in any
/// case and with any of ` _-.:` between the words: `STOP`, `OPT_OUT`, `opt-out`. A button with another payload has a
/// title, which is a text like any other.
pub fn payload(text: &str) -> Option<Label> {
    let text = text.trim();
    if text.len() > BYTES {
        return None;
    }
    let plain: String = text
        .chars()
        .filter(|c| !matches!(c, ' ' | '_' | '-' | '.' | ':'))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    if OPT_OUT.contains(&plain.as_str()) {
        Some(Label::OptOut)
    } else if OPT_IN.contains(&plain.as_str()) {
        Some(Label::OptIn)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_forms_count_and_nothing_else() {
        for out in ["STOP", "OPT_OUT", "opt-out", "Unsubscribe", " stop ", "stop_messages", "OPT.OUT"] {
            assert_eq!(payload(out), Some(Label::OptOut), "{out}");
        }
        for into in ["START", "opt_in", "Subscribe", "UNSTOP"] {
            assert_eq!(payload(into), Some(Label::OptIn), "{into}");
        }
        for neither in
            ["", "_", "stop_1", "nonstop", "bus_stop", "yes", "order:stop:4711", "ｓｔｏｐ", "стоп"]
        {
            assert_eq!(payload(neither), None, "{neither}");
        }
    }
}
