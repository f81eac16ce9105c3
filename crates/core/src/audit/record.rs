//! An entry as it lies in the log, and the bytes that its hash covers.

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::checkpoint::Hash;
use super::inert::inert;
use crate::id::{AuditId, WorkspaceId};
use crate::time::Timestamp;

/// Names and values, sorted. A JSON object of strings, in the database and on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts(Vec<(String, String)>);

impl Facts {
    pub fn of(pairs: &[(&'static str, String)]) -> Self {
        Self::sorted(pairs.iter().map(|(name, value)| ((*name).to_owned(), inert(value))).collect())
    }

    fn sorted(mut pairs: Vec<(String, String)>) -> Self {
        pairs.sort_unstable();
        Self(pairs)
    }

    /// Reads the JSON object. `None` for anything else; a name that is there twice stays there twice, so that it shows.
    pub fn parse(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// The JSON object.
    pub fn to_json(&self) -> String {
        // Strings only: there is nothing in it that cannot be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(own, _)| *own == name).map(|(_, value)| value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl Serialize for Facts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Facts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Facts;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Facts, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Facts::sorted(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// An entry at its place in a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditRecord {
    pub workspace_id: WorkspaceId,
    /// Its place: 1, 2, 3 … without a gap.
    pub seq: i64,
    pub id: AuditId,
    pub at: Timestamp,
    pub actor: String,
    pub credential: Option<String>,
    pub action: String,
    pub target_kind: String,
    pub target: String,
    /// `test` or `live`.
    pub mode: Option<String>,
    pub before: Facts,
    pub after: Facts,
    pub details: Facts,
    /// `done`, or the code of the refusal.
    pub outcome: String,
    pub source: Option<String>,
    pub request: Option<String>,
}

const DOMAIN: &[u8] = b"gatepost audit entry v1\0";

impl AuditRecord {
    /// The bytes that the entry's hash covers. All that has a fixed length comes first, and every text brings its
    /// length, so no two entries (nor one entry after two histories) give the same bytes.
    pub fn encode(&self, previous: &Hash) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        out.extend_from_slice(DOMAIN);
        out.extend_from_slice(self.workspace_id.uuid().as_bytes());
        out.extend_from_slice(&self.seq.to_be_bytes());
        out.extend_from_slice(previous);
        out.extend_from_slice(self.id.uuid().as_bytes());
        out.extend_from_slice(&self.at.micros().to_be_bytes());
        for text in [&self.actor, &self.action, &self.target_kind, &self.target, &self.outcome] {
            push(&mut out, text);
        }
        for text in [&self.credential, &self.mode, &self.source, &self.request] {
            match text {
                None => out.push(0),
                Some(text) => {
                    out.push(1);
                    push(&mut out, text);
                }
            }
        }
        for facts in [&self.before, &self.after, &self.details] {
            push_length(&mut out, facts.0.len());
            for (name, value) in &facts.0 {
                push(&mut out, name);
                push(&mut out, value);
            }
        }
        out
    }
}

fn push_length(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(&(length as u64).to_be_bytes());
}

fn push(out: &mut Vec<u8>, text: &str) {
    push_length(out, text.len());
    out.extend_from_slice(text.as_bytes());
}
