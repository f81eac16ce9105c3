//! The country of a telephone number. See `countries.txt` for where it is known from.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::OnceLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Phone;

const DATA: &str = include_str!("countries.txt");
/// Of numbers that belong to no country: satellites', free ones, personal ones.
const NONE: &str = "--";

/// A country or territory with telephone numbers of its own, by its two letters (ISO 3166-1): `DE`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country(&'static str);

struct Table {
    /// By the beginning of the number; `None`: of no country.
    beginnings: HashMap<&'static str, Option<Country>>,
    longest: usize,
    known: BTreeMap<&'static str, Country>,
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Table { beginnings: HashMap::new(), longest: 0, known: BTreeMap::new() };
        for line in DATA.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let mut words = line.split_ascii_whitespace();
            let name = words.next().unwrap_or(NONE);
            let country = (name != NONE).then_some(Country(name));
            table.known.extend(country.map(|country| (name, country)));
            for beginning in words {
                table.longest = table.longest.max(beginning.len());
                table.beginnings.insert(beginning, country);
            }
        }
        table
    })
}

/// The country that a number belongs to; `None` where it belongs to none.
pub fn country_of(phone: &Phone) -> Option<Country> {
    let (table, digits) = (table(), phone.digits());
    let longest = table.longest.min(digits.len());
    (1..=longest).rev().find_map(|length| table.beginnings.get(&digits[..length]).copied()).flatten()
}

impl Country {
    /// Errors: a sentence that says what is taken.
    pub fn parse(text: &str) -> Result<Self, String> {
        table().known.get(text).copied().ok_or_else(|| match text {
            "UK" => "the United Kingdom is GB".to_owned(),
            _ => "expected the two letters of a country such as DE or US (ISO 3166-1)".to_owned(),
        })
    }

    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// All that numbers are known of.
    pub fn all() -> impl Iterator<Item = Self> {
        table().known.values().copied()
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Country {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::collections::BTreeSet;

    use super::*;
    use crate::guard::zones_of;
    use proptest::prelude::*;

    fn of(number: &str) -> String {
        country_of(&Phone::parse(number).unwrap()).map(|c| c.to_string()).unwrap_or_default()
    }

    #[test]
    fn numbers_tell_their_country() {
        for (number, country) in [
            ("+4915112345678", "DE"),
            ("+12025550123", "US"),
            ("+14165550123", "CA"),
            ("+18765550123", "JM"),
            ("+16585550123", "JM"),
            ("+17875550123", "PR"),
            ("+12425550123", "BS"),
            ("+18095550123", "DO"),
            ("+447911123456", "GG"),
            ("+447700900123", "GB"),
            ("+447797712345", "JE"),
            ("+77011234567", "KZ"),
            ("+79161234567", "RU"),
            ("+262692123456", "RE"),
            ("+262639123456", "YT"),
            ("+3906698123456", "VA"),
            ("+393312345678", "IT"),
            ("+358401234567", "FI"),
            ("+38349123456", "XK"),
            ("+59995123456", "CW"),
            ("+5993181234", "BQ"),
            ("+8613812345678", "CN"),
            ("+85291234567", "HK"),
        ] {
            assert_eq!(of(number), country, "{number}");
        }
        // Of no country: free, personal, a satellite's, an international free number.
        for number in ["+18005550123", "+15005550123", "+881612345678", "+80012345678"] {
            assert_eq!(of(number), "", "{number}");
        }
    }

    #[test]
    fn the_table_is_whole() {
        let mut seen = BTreeSet::new();
        for line in DATA.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let mut words = line.split_ascii_whitespace();
            let name = words.next().unwrap();
            assert!(
                name == NONE || name.bytes().all(|b| b.is_ascii_uppercase()) && name.len() == 2,
                "{line}"
            );
            let mut any = false;
            for beginning in words {
                assert!(seen.insert(beginning), "{beginning} is there twice");
                assert!(beginning.bytes().all(|b| b.is_ascii_digit()) && beginning.len() <= 7, "{beginning}");
                any = true;
            }
            assert!(any, "{line}");
        }
        assert!(Country::all().count() > 240, "{}", Country::all().count());
    }

    #[test]
    fn misspelt_countries_are_refused() {
        assert_eq!(Country::parse("DE").unwrap().to_string(), "DE");
        for text in ["", "D", "de", "DEU", "UK", "--", "ZZ", "1", "D\u{c9}"] {
            assert!(Country::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        /// Two tables, by zone and by country: whatever number one of them knows, so does the other.
        #[test]
        fn the_zones_know_the_same_numbers(number in "[1-9][0-9]{8,13}") {
            let phone = Phone::parse(&number).unwrap();
            if country_of(&phone).is_some() && !zones_of(&phone).is_empty() {
                prop_assert!(!number.starts_with("1800"));
            } else if country_of(&phone).is_some() {
                // What the zones leave out: Tokelau and its like.
                prop_assert!(zones_of(&phone).is_empty());
            } else {
                prop_assert!(zones_of(&phone).is_empty() || number.starts_with('1'), "{}", number);
            }
        }
    }
}
