//! The people on the other side: who does what with a message.
//!
//! Numbers +1 202 555 01xx are reserved for fiction and valid all the same:
//!
//! | number | behaviour |
//! |---|---|
//! | +1 202 555 0102 | is not on WhatsApp: accepted, then failed with 131026 |
//! | +1 202 555 0104 | every message is refused once with 130429, then accepted |
//! | +1 202 555 0105 | has it after 30 seconds |
//! | +1 202 555 0106 | never gets it: every try is refused with 131016, so it never leaves the queue |
//! | +1 202 555 0107 | reads it and answers "STOP" |
//! | +1 202 555 0108 | reads it and answers with a text that quotes it |
//! | any other | has it and reads it |

use super::wamid::mix;

/// What somebody does with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Has it and reads it.
    Reads,
    /// Is not on WhatsApp.
    NotOnWhatsApp,
    /// Gets every message at the second try only.
    RefusedOnce,
    /// Has it late and does not read it.
    Slow,
    /// Is out of reach for good.
    Unreachable,
    /// Reads it and opts out.
    RepliesStop,
    /// Reads it and answers.
    RepliesText,
}

/// What the person at …0108 answers; not ASCII, as people's texts are not.
pub const REPLY_TEXT: &str = "Danke, schöner Service! 👋";

impl Behaviour {
    /// The behaviour of the person with these digits.
    pub fn of(digits: &str) -> Self {
        match digits {
            "12025550102" => Self::NotOnWhatsApp,
            "12025550104" => Self::RefusedOnce,
            "12025550105" => Self::Slow,
            "12025550106" => Self::Unreachable,
            "12025550107" => Self::RepliesStop,
            "12025550108" => Self::RepliesText,
            _ => Self::Reads,
        }
    }
}

/// The name in the person's profile.
pub(super) fn profile_name(digits: &str) -> String {
    const NAMES: [&str; 8] = ["Zoë", "Anders", "Mei", "José", "Amara", "Łukasz", "Noor", "Sam"];
    let number = digits.bytes().fold(0_u64, |n, b| n.wrapping_mul(10).wrapping_add(u64::from(b)));
    NAMES[usize::try_from(number % 8).unwrap_or_default()].to_owned()
}

/// The person's BSUID: two letters for the country, a dot, and digits (Meta, "Business-scoped user ids").
pub(super) fn user_id(digits: &str) -> String {
    let number = digits.bytes().fold(0_u64, |n, b| n.wrapping_mul(10).wrapping_add(u64::from(b)));
    let country = if digits.starts_with('1') { "US" } else { "ZZ" };
    format!("{country}.{}", mix(number) >> 8)
}
