//! What a number and an address are counted under, beside themselves.

use std::net::IpAddr;

use crate::{ClientAddr, Phone};

/// Digits that the numbers of a range differ in: ten thousand numbers, as they are given to a carrier at least.
const RANGE_DIGITS: usize = 4;
/// Those of a region: a million numbers, for whoever holds many ranges.
const REGION_DIGITS: usize = 6;
/// What is left at least: a country and a little.
const LEAST: usize = 4;
/// Bits of a v6 address that one customer of a carrier is given (RFC 6177, section 2).
const V6_BITS: usize = 64;

/// The range and the region of a number: the digits that it begins with. Both are the same where it is very short.
pub fn ranges(phone: &Phone) -> (&str, &str) {
    let digits = phone.digits();
    let but = |last: usize| &digits[..digits.len().saturating_sub(last).max(LEAST)];
    (but(RANGE_DIGITS), but(REGION_DIGITS))
}

/// What an address is counted under: a v4 address itself, of a v6 address its network of 64 bits, since whoever has one
/// of it has all.
pub fn address_subject(address: ClientAddr) -> Vec<u8> {
    match address.ip() {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets()[..V6_BITS / 8].to_vec(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_of_a_range_begin_alike() {
        let of = |text: &str| {
            let phone = Phone::parse(text).unwrap();
            let (range, region) = ranges(&phone);
            (range.to_owned(), region.to_owned())
        };
        assert_eq!(of("+12025550123"), ("1202555".to_owned(), "12025".to_owned()));
        assert_eq!(of("+12025550123"), of("+12025559999"));
        assert_ne!(of("+12025550123"), of("+12025560123"));
        assert_eq!(of("+2902123"), ("2902".to_owned(), "2902".to_owned()));
    }

    #[test]
    fn addresses_are_counted_by_who_holds_them() {
        let of = |text: &str| address_subject(ClientAddr::new(text.parse().unwrap()));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    proptest! {
        #[test]
        fn a_range_is_a_beginning_and_never_the_whole(number in "[1-9][0-9]{6,14}") {
            let phone = Phone::parse(&number).unwrap();
            let (range, region) = ranges(&phone);
            prop_assert!(number.starts_with(range) && range.starts_with(region));
            prop_assert!(number.len() - range.len() >= 3);
        }
    }
}
