//! Lists of the addresses from which keys may be used.
//!
//! Threat note. Defends against: a key that was stolen and is used from elsewhere. The list is compared with the
//! caller's own address ([`ClientAddr`]: behind named proxies, never a header that the caller wrote), in one form
//! whatever it was written in.
//! Does not defend against: a thief on a listed network, and a named proxy that lies.

use serde::{Deserialize, Serialize};

use crate::address::{ClientAddr, Network};
use crate::error::FieldError;
use crate::text;
use crate::time::Timestamp;

/// Most entries of one list.
pub const ENTRIES_MAX: usize = 200;
/// Longest note, in characters.
pub const NOTE_MAX: usize = 100;

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowlistEntry {
    pub network: Network,
    /// For people; may be empty.
    pub note: String,
    pub created_at: Timestamp,
}

/// A list; while it is off everybody may call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowlist {
    pub enabled: bool,
    pub entries: Vec<AllowlistEntry>,
}

impl Allowlist {
    /// Whether a caller at `client` may pass. A caller without an address passes no list that is on.
    pub fn admits(&self, client: Option<ClientAddr>) -> bool {
        !self.enabled
            || client.is_some_and(|client| self.entries.iter().any(|entry| entry.network.contains(client)))
    }

    /// What a caller wants the list to be; an entry whose network was there before keeps its time.
    ///
    /// Errors: every entry that cannot be, by its place.
    pub fn replace(
        &self,
        enabled: bool,
        entries: Vec<(Network, String)>,
        now: Timestamp,
    ) -> Result<Self, Vec<FieldError>> {
        let mut wrong = Vec::new();
        if enabled && entries.is_empty() {
            wrong.push(FieldError::new(
                "/entries",
                "out_of_range",
                "a list that is on and empty would shut out everybody; switch it off instead",
            ));
        }
        let mut made: Vec<AllowlistEntry> = Vec::with_capacity(entries.len());
        for (index, (network, note)) in entries.into_iter().enumerate() {
            if made.iter().any(|entry| entry.network == network) {
                wrong.push(FieldError::new(
                    format!("/entries/{index}/network"),
                    "duplicate_entry",
                    format!("{network} is there twice"),
                ));
            }
            let before = self.entries.iter().find(|entry| entry.network == network);
            made.push(AllowlistEntry {
                network,
                note,
                created_at: before.map_or(now, |entry| entry.created_at),
            });
        }
        if wrong.is_empty() { Ok(Self { enabled, entries: made }) } else { Err(wrong) }
    }
}

/// A note: nothing, or a name for people.
pub fn note(written: &str) -> Result<String, text::InvalidText> {
    if written.trim().is_empty() { Ok(String::new()) } else { text::name(written, NOTE_MAX) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn network(text: &str) -> (Network, String) {
        (Network::parse(text).unwrap(), String::new())
    }

    #[test]
    fn off_means_everybody_and_on_means_the_listed() {
        let at = Timestamp::from_seconds;
        let client = |text: &str| Some(ClientAddr::new(text.parse().unwrap()));
        let list = Allowlist::default().replace(true, vec![network("192.0.2.0/24")], at(1)).unwrap();
        assert!(list.admits(client("192.0.2.9")) && list.admits(client("::ffff:192.0.2.9")));
        assert!(!list.admits(client("198.51.100.1")) && !list.admits(None));
        let off = Allowlist { enabled: false, ..list.clone() };
        assert!(off.admits(client("198.51.100.1")) && off.admits(None));
        let next = list.replace(true, vec![network("192.0.2.0/24"), network("::1")], at(9)).unwrap();
        assert_eq!(next.entries.iter().map(|e| e.created_at).collect::<Vec<_>>(), [at(1), at(9)]);
        assert!(list.replace(true, vec![], at(1)).is_err());
        let twice = list.replace(false, vec![network("::1"), network("::1/128")], at(1)).unwrap_err();
        assert_eq!(twice[0].pointer, "/entries/1/network");
    }
}
