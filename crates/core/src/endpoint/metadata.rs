//! Notes that an endpoint's owner keeps with it: whose it is, which system it belongs to.

use crate::text::is_forbidden;

/// Most notes of one endpoint.
pub const ENTRIES_MAX: usize = 20;
/// Longest name, in characters.
pub const KEY_MAX: usize = 40;
/// Longest value, in characters.
pub const TEXT_MAX: usize = 500;
/// Names and values together, in bytes.
const TOTAL_MAX: usize = 8_192;

/// Names with texts, in the order they were given. Gatepost reads nothing into them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata(Vec<(String, String)>);

impl Metadata {
    /// At most 20 entries: names of 1 to 40 characters, texts of at most 500, 8 kB in all, no control characters.
    pub fn new(entries: Vec<(String, String)>) -> Result<Self, String> {
        if entries.len() > ENTRIES_MAX {
            return Err(format!("expected at most {ENTRIES_MAX} entries"));
        }
        for (name, text) in &entries {
            if name.trim().is_empty() || name.chars().count() > KEY_MAX || name.chars().any(is_forbidden) {
                return Err(format!("expected names of 1 to {KEY_MAX} characters in one line"));
            }
            if text.chars().count() > TEXT_MAX || text.chars().any(is_forbidden) {
                return Err(format!("{name}: expected at most {TEXT_MAX} characters in one line"));
            }
        }
        if entries.iter().map(|(name, text)| name.len() + text.len()).sum::<usize>() > TOTAL_MAX {
            return Err(format!("expected at most {TOTAL_MAX} bytes of metadata in all"));
        }
        Ok(Self(entries))
    }

    /// Entries that were checked when they were stored.
    pub const fn stored(entries: Vec<(String, String)>) -> Self {
        Self(entries)
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn entries(&self) -> &[(String, String)] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, text: &str) -> Result<Metadata, String> {
        Metadata::new(vec![(name.to_owned(), text.to_owned())])
    }

    #[test]
    fn bounds() {
        assert!(one("team", "").is_ok() && one("größe", &"ä".repeat(TEXT_MAX)).is_ok());
        for (name, text) in [
            ("", "x"),
            ("  ", "x"),
            (&*"n".repeat(KEY_MAX + 1), "x"),
            ("n", &*"x".repeat(TEXT_MAX + 1)),
            ("n", "a\nb"),
            ("n", "\u{202e}"),
            ("n\0", "x"),
        ] {
            assert!(one(name, text).is_err(), "{name:?} {text:?}");
        }
        let many = |count: usize, text: &str| {
            Metadata::new((0..count).map(|n| (format!("n{n}"), text.to_owned())).collect())
        };
        assert!(many(ENTRIES_MAX, "x").is_ok() && many(ENTRIES_MAX + 1, "x").is_err());
        assert!(many(ENTRIES_MAX, &"ä".repeat(TEXT_MAX)).is_err(), "too much in all");
    }
}
