//! Reading JSON of unknown shape, one level at a time, without copying it.
//!
//! Defends against: wrong types, duplicate keys (the last one counts, as for most readers), lone surrogates, any
//! depth of nesting (what is not looked at is skipped without recursion), and arrays long enough to exhaust memory.
//! Every function is linear in its input and allocates at most one slot per element that the caller allows.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer as _, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The raw values of the named keys of an object; `None` when `text` is not an object.
pub(crate) fn pick<'a, const N: usize>(text: &'a str, keys: &[&str; N]) -> Option<[Option<&'a RawValue>; N]> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let found = reader.deserialize_map(Pick { keys }).ok()?;
    reader.end().ok()?;
    Some(found)
}

struct Pick<'k, const N: usize> {
    keys: &'k [&'k str; N],
}

impl<'de, const N: usize> Visitor<'de> for Pick<'_, N> {
    type Value = [Option<&'de RawValue>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = [None; N];
        while let Some(index) = map.next_key_seed(Key { keys: self.keys })? {
            match index.and_then(|i| found.get_mut(i)) {
                Some(slot) => *slot = Some(map.next_value()?),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }
}

/// Reads a key as bytes: unlike text, bytes may hold lone surrogates.
struct Key<'k> {
    keys: &'k [&'k str],
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<usize>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_bytes<E: Error>(self, key: &[u8]) -> Result<Self::Value, E> {
        Ok(self.keys.iter().position(|k| k.as_bytes() == key))
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        self.visit_bytes(key.as_bytes())
    }
}

/// Why [`elements`] gives none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoElements {
    NotAnArray,
    TooMany,
}

/// The raw elements of an array of at most `max`.
pub(crate) fn elements(text: &str, max: usize) -> Result<Vec<&RawValue>, NoElements> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let found = reader.deserialize_seq(Elements { max }).map_err(|_| NoElements::NotAnArray)?;
    reader.end().map_err(|_| NoElements::NotAnArray)?;
    found.ok_or(NoElements::TooMany)
}

struct Elements {
    max: usize,
}

impl<'de> Visitor<'de> for Elements {
    type Value = Option<Vec<&'de RawValue>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut found = Vec::new();
        while found.len() < self.max {
            match seq.next_element()? {
                Some(element) => found.push(element),
                None => return Ok(Some(found)),
            }
        }
        let mut more = false;
        while seq.next_element::<IgnoredAny>()?.is_some() {
            more = true;
        }
        Ok((!more).then_some(found))
    }
}

/// A scalar that Meta writes as a string in one place and as a number in another, as text.
///
/// Lone surrogates (names cut in the middle of an emoji) become U+FFFD. Other types give `None`.
pub(crate) fn text(raw: &RawValue) -> Option<String> {
    let json = raw.get();
    match json.as_bytes().first()? {
        b'"' => {
            let mut reader = serde_json::Deserializer::from_str(json);
            reader.deserialize_bytes(Lossy).ok()
        }
        b'-' | b'0'..=b'9' => Some(json.to_owned()),
        _ => None,
    }
}

struct Lossy;

impl Visitor<'_> for Lossy {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<String, E> {
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }
}

/// The scalar behind a path of keys.
pub(crate) fn text_at(object: &str, path: &[&str]) -> Option<String> {
    let (key, rest) = path.split_first()?;
    let [value] = pick(object, &[key])?;
    if rest.is_empty() { text(value?) } else { text_at(value?.get(), rest) }
}

/// `json` without the white space between its tokens: one value has one such form however it was laid out.
pub(crate) fn compact(json: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len());
    let (mut quoted, mut escaped) = (false, false);
    for byte in json.bytes() {
        if quoted {
            quoted = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
            continue;
        } else {
            quoted = byte == b'"';
        }
        out.push(byte);
    }
    out
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn picks_the_last_of_duplicates_and_any_spelling() {
        let [a, b] = pick(r#"{"a":1,"\u0061":[2], "x\ud800":0,"b":null}"#, &["a", "b"]).unwrap();
        assert_eq!(a.unwrap().get(), "[2]");
        assert_eq!(b.unwrap().get(), "null");
        assert!(pick("[1]", &["a"]).is_none());
        assert!(pick(r#"{"a":1}}"#, &["a"]).is_none());
    }

    #[test]
    fn elements_are_bounded() {
        assert_eq!(elements("[1, [2], {}]", 3).unwrap().len(), 3);
        assert_eq!(elements("[1,2,3,4]", 3).unwrap_err(), NoElements::TooMany);
        assert_eq!(elements("{}", 3).unwrap_err(), NoElements::NotAnArray);
    }

    #[test]
    fn scalars_of_either_type() {
        let [a, b, c, d] = pick(r#"{"a":"12","b":12,"c":"\ud83d","d":{}}"#, &["a", "b", "c", "d"]).unwrap();
        assert_eq!(text(a.unwrap()).as_deref(), Some("12"));
        assert_eq!(text(b.unwrap()).as_deref(), Some("12"));
        assert!(text(c.unwrap()).unwrap().contains('\u{fffd}'));
        assert_eq!(text(d.unwrap()), None);
        assert_eq!(text_at(r#"{"a":{"b":"x"}}"#, &["a", "b"]).as_deref(), Some("x"));
    }

    proptest! {
        #[test]
        fn compact_means_the_same(parts in proptest::collection::vec(("[a-z\"\\\\ \\n]{0,6}", any::<i32>()), 0..6)) {
            let value: serde_json::Map<_, _> = parts.into_iter().map(|(k, v)| (k, v.into())).collect();
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(compact(&pretty), serde_json::to_vec(&value).unwrap());
        }
    }
}
