//! The people on the other side: who does what with a message.
//!
//! Numbers +1 202 555 01xx are reserved for fiction and valid all the same. [`PEOPLE`] is the one table of those that
//! behave in a way of their own; anybody else has a message and reads it.

use super::wamid::{mix, unmix};

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
    /// Reads it and answers in another way.
    Replies(ReplyKind),
    /// Taken, then failed with this code of Meta's.
    Fails(u32),
    /// Reads it, and plays it where it is a voice message.
    Plays,
}

/// The ways to answer besides a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyKind {
    /// The first button of the message, of a template's too.
    Button,
    /// The first row of the list.
    List,
    Image,
    Location,
    Reaction,
    Order,
    /// The form of a flow, filled in.
    Form,
    Contacts,
    Voice,
    Document,
    Video,
    Sticker,
    /// A text, by somebody who hides the number: the BSUID is all there is.
    Hidden,
    /// Something that the API does not carry.
    Unsupported,
    /// The person moves to another number.
    NewNumber,
}

/// Somebody with a behaviour of their own.
#[derive(Debug, Clone, Copy)]
pub struct Resident {
    /// The number's digits.
    pub digits: &'static str,
    pub behaviour: Behaviour,
    /// What that means, in a few words.
    pub does: &'static str,
}

const fn resident(digits: &'static str, behaviour: Behaviour, does: &'static str) -> Resident {
    Resident { digits, behaviour, does }
}

/// Everybody who does not simply have a message and read it, in the order of their numbers.
pub const PEOPLE: &[Resident] = &[
    resident("12025550101", Behaviour::Reads, "has it and reads it, like any number not listed"),
    resident(
        "12025550102",
        Behaviour::NotOnWhatsApp,
        "is not on WhatsApp: accepted, then failed with 131026",
    ),
    resident("12025550103", Behaviour::Reads, "reads it; a Gatepost test channel suppresses this one itself"),
    resident(
        "12025550104",
        Behaviour::RefusedOnce,
        "every message is refused once with 130429, then accepted",
    ),
    resident("12025550105", Behaviour::Slow, "has it after 30 seconds and does not read it"),
    resident("12025550106", Behaviour::Unreachable, "is never reached: every try is refused with 131016"),
    resident("12025550107", Behaviour::RepliesStop, "reads it and answers STOP"),
    resident("12025550108", Behaviour::RepliesText, "reads it and answers with a text that quotes it"),
    resident("12025550151", Behaviour::Replies(ReplyKind::Button), "taps its first button"),
    resident("12025550152", Behaviour::Replies(ReplyKind::List), "chooses its first row"),
    resident("12025550153", Behaviour::Replies(ReplyKind::Image), "answers with an image"),
    resident("12025550154", Behaviour::Replies(ReplyKind::Location), "answers with a location"),
    resident("12025550155", Behaviour::Replies(ReplyKind::Reaction), "reacts to it"),
    resident("12025550156", Behaviour::Replies(ReplyKind::Order), "answers with an order"),
    resident("12025550157", Behaviour::Replies(ReplyKind::Form), "fills in its flow (nfm_reply)"),
    resident("12025550158", Behaviour::Replies(ReplyKind::Contacts), "answers with a contact card"),
    resident("12025550159", Behaviour::Replies(ReplyKind::Voice), "answers with a voice message"),
    resident("12025550160", Behaviour::Replies(ReplyKind::Document), "answers with a document"),
    resident("12025550161", Behaviour::Replies(ReplyKind::Video), "answers with a video"),
    resident("12025550162", Behaviour::Replies(ReplyKind::Sticker), "answers with a sticker"),
    resident(
        "12025550163",
        Behaviour::Replies(ReplyKind::Hidden),
        "answers with a text and hides the number",
    ),
    resident(
        "12025550164",
        Behaviour::Replies(ReplyKind::Unsupported),
        "answers in a way the API does not carry",
    ),
    resident("12025550165", Behaviour::Replies(ReplyKind::NewNumber), "moves to +1 202 555 0175"),
    resident("12025550166", Behaviour::Fails(131_047), "accepted, then failed: the 24 hours are over"),
    resident("12025550167", Behaviour::Fails(131_049), "accepted, then failed: had enough marketing"),
    resident("12025550168", Behaviour::Plays, "reads it; voice messages are told as played"),
    resident("12025550169", Behaviour::Fails(131_050), "accepted, then failed: opted out of marketing"),
];

/// What the person at …0108 answers; not ASCII, as people's texts are not.
pub const REPLY_TEXT: &str = "Danke, schöner Service! 👋";

impl Behaviour {
    /// The behaviour of the person with these digits.
    pub fn of(digits: &str) -> Self {
        // Anybody outside the block of fiction, which is everybody in a benchmark, costs one comparison.
        if !digits.starts_with("120255501") {
            return Self::Reads;
        }
        PEOPLE.iter().find(|p| p.digits == digits).map_or(Self::Reads, |p| p.behaviour)
    }
}

/// The table of [`PEOPLE`] as lines of text, for a command's help.
pub fn table() -> String {
    PEOPLE.iter().fold(String::new(), |mut out, person| {
        let digits = person.digits;
        let spaced = [&digits[..1], &digits[1..4], &digits[4..7], &digits[7..]].join(" ");
        out.push_str("  +");
        out.push_str(&spaced);
        out.push_str("  ");
        out.push_str(person.does);
        out.push('\n');
        out
    })
}

/// The other side of a message: a number, a BSUID, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    /// Unknown when the person was addressed by a BSUID that no number here has.
    pub digits: Option<String>,
    pub user_id: String,
}

impl Person {
    pub(super) fn of_digits(digits: String) -> Self {
        Self { user_id: user_id(&digits), digits: Some(digits) }
    }

    /// The person with a BSUID: two letters for the country, a dot, `ENT.` for the parent form, and up to 128
    /// alphanumerics (Meta, "Business-scoped user ids").
    pub(super) fn of_user_id(user_id: &str) -> Option<Self> {
        let (country, rest) = user_id.split_once('.')?;
        let id = rest.strip_prefix("ENT.").unwrap_or(rest);
        let formed = country.len() == 2
            && country.bytes().all(|b| b.is_ascii_uppercase())
            && (1..=128).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric());
        formed.then(|| Self { digits: digits_of(user_id), user_id: user_id.to_owned() })
    }

    pub(super) fn behaviour(&self) -> Behaviour {
        self.digits.as_deref().map_or(Behaviour::Reads, Behaviour::of)
    }

    /// The number, or the BSUID where there is none.
    pub(super) fn key(&self) -> &str {
        self.digits.as_deref().unwrap_or(&self.user_id)
    }
}

/// The name in the person's profile.
pub(super) fn profile_name(person: &str) -> String {
    const NAMES: [&str; 8] = ["Zoë", "Anders", "Mei", "José", "Amara", "Łukasz", "Noor", "Sam"];
    NAMES[usize::try_from(number(person) % 8).unwrap_or_default()].to_owned()
}

/// The BSUID of the person with these digits. It can be turned back, so that nothing need be remembered.
pub(super) fn user_id(digits: &str) -> String {
    let country = if digits.starts_with('1') { "US" } else { "ZZ" };
    format!("{country}.{}", mix(number(digits)))
}

fn digits_of(id: &str) -> Option<String> {
    let mixed: u64 = id.split_once('.')?.1.parse().ok()?;
    let digits = unmix(mixed).to_string();
    ((7..=15).contains(&digits.len()) && user_id(&digits) == id).then_some(digits)
}

fn number(text: &str) -> u64 {
    text.bytes().fold(0_u64, |n, b| n.wrapping_mul(10).wrapping_add(u64::from(b.wrapping_sub(b'0'))))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_table_is_in_order_and_readable() {
        assert!(PEOPLE.is_sorted_by_key(|p| p.digits));
        assert!(table().contains("+1 202 555 0107  reads it and answers STOP\n"));
        assert_eq!(Behaviour::of("12025550107"), Behaviour::RepliesStop);
        assert_eq!(Behaviour::of("12025550199"), Behaviour::Reads);
        assert_eq!(Behaviour::of("4915550100"), Behaviour::Reads);
    }

    #[test]
    fn user_ids_of_others_are_taken_and_nonsense_is_not() {
        assert_eq!(Person::of_user_id("DE.ENT.Ab9").unwrap().digits, None);
        for text in ["", "DE", "DE.", "de.1", "D.1", "DE.a-b", "DE.ENT."] {
            assert_eq!(Person::of_user_id(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_user_id_leads_back_to_its_number(digits in "[1-9][0-9]{6,14}") {
            let person = Person::of_user_id(&user_id(&digits)).unwrap();
            prop_assert_eq!(person.digits.as_deref(), Some(digits.as_str()));
        }
    }
}
