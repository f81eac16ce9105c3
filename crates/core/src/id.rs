//! Typed ids: UUIDv7 inside, TypeID-style text outside (`msg_01j…`).
//!
//! The text form is the prefix, an underscore and the 128 bits as 26 characters of Crockford's base 32 in lower case
//! (the TypeID specification, version 0.3). One value has exactly one text, and a wrong prefix does not parse, so an
//! id of one kind can never be taken for another's.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::{Entropy, Timestamp};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const TEXT_LEN: usize = 26;

/// Why a text is not an id of the wanted kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidId {
    /// The prefix that was wanted.
    pub prefix: &'static str,
}

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected an id of the form {}_ and 26 characters", self.prefix)
    }
}

impl std::error::Error for InvalidId {}

fn encode(uuid: Uuid) -> [u8; TEXT_LEN] {
    let mut out = [0; TEXT_LEN];
    let mut rest = uuid.as_u128();
    for slot in out.iter_mut().rev() {
        *slot = ALPHABET[(rest & 31) as usize];
        rest >>= 5;
    }
    out
}

fn decode(text: &str) -> Option<Uuid> {
    let bytes = text.as_bytes();
    // 26 characters carry 130 bits: the first may use only three of its five.
    if bytes.len() != TEXT_LEN || bytes[0] > b'7' {
        return None;
    }
    let mut value: u128 = 0;
    for byte in bytes {
        let digit = ALPHABET.iter().position(|a| a == byte)?;
        value = (value << 5) | digit as u128;
    }
    Some(Uuid::from_u128(value))
}

fn parse(text: &str, prefix: &'static str) -> Result<Uuid, InvalidId> {
    text.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .and_then(decode)
        .ok_or(InvalidId { prefix })
}

fn version7(now: Timestamp, entropy: &dyn Entropy) -> Uuid {
    let millis = u64::try_from(now.millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &entropy.array()).into_uuid()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident => $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The prefix of the text form, without the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A new id: UUIDv7 of `now`, so ids made later sort later (to the millisecond).
            pub fn new(now: Timestamp, entropy: &dyn Entropy) -> Self {
                Self(version7(now, entropy))
            }

            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let text = encode(self.0);
                f.write_str(concat!($prefix, "_"))?;
                f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse(text, $prefix).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Uuid {
                id.0
            }
        }
    )*};
}

ids! {
    /// A workspace: the tenant.
    WorkspaceId => "ws";
    /// A machine credential of a workspace.
    ApiKeyId => "key";
    /// A WhatsApp sender of a workspace.
    ChannelId => "chn";
    /// A Meta app, whose secret signs callbacks.
    MetaAppId => "app";
    /// A person on the other side.
    ContactId => "con";
    /// One outbound or inbound WhatsApp message.
    MessageId => "msg";
    /// An entry of a workspace's event log.
    EventId => "evt";
    /// A customer's webhook URL.
    EndpointId => "whk";
    /// One event on its way to one endpoint.
    DeliveryId => "dlv";
    /// A window of events that is sent to one endpoint again.
    ReplayId => "rpl";
    /// One callback body of Meta's, sealed until it is processed.
    EnvelopeId => "env";
    /// A unit of work in the job table.
    JobId => "job";
    /// An entry of the audit log.
    AuditId => "aud";
    /// A message template of a WhatsApp Business account.
    TemplateId => "tpl";
    /// A file uploaded for sending, or one that a person sent.
    MediaId => "med";
    /// A notice to people.
    NoticeId => "ntc";
    /// A person whom a workspace may not write to.
    SuppressionId => "sup";
    /// A recorded agreement of a person to hear from a workspace.
    ConsentId => "cst";
    /// A word that means an opt-out or an opt-in in one workspace.
    KeywordId => "kwd";
    /// A file of people to suppress.
    SuppressionImportId => "sim";
    /// Something that is paused.
    PauseId => "pse";
    /// Something that waits for somebody's decision.
    ReviewId => "rvw";
    /// A decision of the guard that was not simply to let something through.
    PolicyEventId => "pol";
    /// A one-time code, and what becomes of it.
    VerificationId => "ver";
    /// A page at which visitors of a site prove their number.
    VerificationPageId => "vpg";
    /// An e-mail on its way.
    MailId => "mail";
    /// One request to this server.
    RequestId => "req";
    /// One running process of this installation.
    NodeId => "nod";
    /// A person who signs in.
    UserId => "usr";
    /// One signed-in browser or device.
    SessionId => "ses";
    /// All tokens that came from one exchange of a session or a key.
    TokenFamilyId => "tkf";
    /// An invitation to a workspace.
    InvitationId => "inv";
    /// A passkey of a person.
    PasskeyId => "pky";
    /// An identity provider of a workspace.
    IdentityProviderId => "idp";
    /// A person at an identity provider.
    IdentityId => "idn";
    /// The time-limited right of an operator to look into a workspace.
    OperatorVisitId => "opv";
}

impl DeliveryId {
    /// The delivery of `event` to `endpoint`: there is never more than one, and it sorts with its event.
    ///
    /// The time is the event's; the random bits are those of both, so one endpoint's deliveries tell nothing of another's.
    pub fn of(event: EventId, endpoint: EndpointId) -> Self {
        let (mut bytes, other) = (event.0.into_bytes(), endpoint.0.into_bytes());
        // Bytes 0 to 5 hold the time, 6 the version, 8 the variant.
        for index in [7, 9, 10, 11, 12, 13, 14, 15] {
            bytes[index] ^= other[index];
        }
        Self(Uuid::from_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    struct Fixed;
    impl Entropy for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(0xa5);
        }
    }

    #[test]
    fn text_form_is_typeid() {
        // The zero and the largest UUID have known texts in the TypeID specification.
        assert_eq!(MessageId::from_uuid(Uuid::nil()).to_string(), "msg_00000000000000000000000000");
        assert_eq!(MessageId::from_uuid(Uuid::max()).to_string(), "msg_7zzzzzzzzzzzzzzzzzzzzzzzzz");
        let id = MessageId::new(Timestamp::from_seconds(1_793_525_400), &Fixed);
        assert_eq!(id.uuid().get_version_num(), 7);
        assert!(id < MessageId::new(Timestamp::from_seconds(1_793_525_401), &Fixed));
    }

    #[test]
    fn one_delivery_for_each_pair() {
        let id = |n: u128| Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0000 | n);
        let (events, endpoints) = ([1, 2, 3].map(id), [1 << 20, 1 << 21].map(id));
        let mut seen = std::collections::BTreeSet::new();
        for event in events {
            for endpoint in endpoints {
                let delivery = DeliveryId::of(EventId::from_uuid(event), EndpointId::from_uuid(endpoint));
                assert_eq!(
                    delivery,
                    DeliveryId::of(EventId::from_uuid(event), EndpointId::from_uuid(endpoint))
                );
                assert_eq!(delivery.uuid().get_version_num(), 7);
                assert!(seen.insert(delivery));
            }
        }
    }

    #[test]
    fn wrong_forms_do_not_parse() {
        let good = MessageId::from_uuid(Uuid::max()).to_string();
        assert!("msg_80000000000000000000000000".parse::<MessageId>().is_err(), "130 bits do not fit");
        assert!(good.to_uppercase().parse::<MessageId>().is_err());
        assert!(good.parse::<ChannelId>().is_err(), "another kind's prefix");
        assert!(format!("{good}0").parse::<MessageId>().is_err());
        assert!("msg_0000000000000000000000000l".parse::<MessageId>().is_err(), "l is not in the alphabet");
    }

    proptest! {
        #[test]
        fn every_value_round_trips(bits: u128) {
            let id = EventId::from_uuid(Uuid::from_u128(bits));
            prop_assert_eq!(id.to_string().parse::<EventId>().unwrap(), id);
        }

        #[test]
        fn nothing_panics(text in ".{0,40}") {
            let _ = text.parse::<MessageId>();
        }
    }
}
