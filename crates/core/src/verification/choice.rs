//! Which template a code is sent in, and how long it is good for then.

use std::cmp::Reverse;
use std::time::Duration;

use super::{TTL_MAX, TTL_MIN};

/// An approved template of the category AUTHENTICATION.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TemplateOffer<'a> {
    pub name: &'a str,
    /// As Meta names it: `en`, `en_US`.
    pub language: &'a str,
}

/// How well a template's language fits a person's: 3 the very same, 2 the language without a region, 1 the language of
/// another region, 0 not at all.
pub fn language_fit(language: &str, wanted: &str) -> u8 {
    let parts = |text: &str| {
        let text = text.replace('-', "_").to_ascii_lowercase();
        match text.split_once('_') {
            Some((language, region)) => (language.to_owned(), Some(region.to_owned())),
            None => (text, None),
        }
    };
    let (has, wants) = (parts(language), parts(wanted));
    match () {
        () if has == wants => 3,
        () if has.0 != wants.0 => 0,
        () if has.1.is_none() => 2,
        () => 1,
    }
}

/// The places of the offers in the order in which they are tried: those that fit the person's language best; among these
/// the workspace's own choice, then the newest. `offers` come newest first.
pub fn offers_order(
    offers: &[TemplateOffer<'_>],
    locale: Option<&str>,
    preferred: Option<&str>,
) -> Vec<usize> {
    let mut order: Vec<usize> = (0..offers.len()).collect();
    order.sort_by_key(|at| {
        let offer = offers[*at];
        let fit = locale.map_or(0, |locale| language_fit(offer.language, locale));
        Reverse((fit, preferred == Some(offer.name)))
    });
    order
}

/// How long a code is good for that is sent in a template which says so many `minutes`: at least as long as the person
/// is told. `None`: the two do not fit.
pub fn ttl_with(asked: Option<Duration>, usual: Duration, minutes: Option<u64>) -> Option<Duration> {
    let promised = minutes.map(|minutes| Duration::from_secs(minutes.saturating_mul(60)));
    match (asked, promised) {
        (Some(ttl), Some(promised)) => (ttl >= promised).then_some(ttl),
        (None, Some(promised)) => (promised <= TTL_MAX).then(|| promised.max(TTL_MIN)),
        (ttl, None) => Some(ttl.unwrap_or(usual)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages() {
        for (language, wanted, fit) in [
            ("en_US", "en_US", 3),
            ("en_US", "en-us", 3),
            ("en", "en_GB", 2),
            ("en_US", "en_GB", 1),
            ("en_US", "en", 1),
            ("es", "en", 0),
            ("fil", "fi", 0),
        ] {
            assert_eq!(language_fit(language, wanted), fit, "{language} for {wanted}");
        }
    }

    #[test]
    fn the_best_language_first_then_the_own_choice_then_the_newest() {
        let offer = |name, language| TemplateOffer { name, language };
        let offers = [
            offer("new", "en_US"),
            offer("code", "es"),
            offer("old", "en_GB"),
            offer("code", "en"),
            offer("code", "en_US"),
        ];
        let order = |locale, preferred| offers_order(&offers, locale, preferred);
        assert_eq!(order(None, None), [0, 1, 2, 3, 4]);
        assert_eq!(order(Some("en_US"), None), [0, 4, 3, 2, 1]);
        assert_eq!(order(Some("en_US"), Some("code")), [4, 0, 3, 2, 1]);
        assert_eq!(order(Some("es_MX"), Some("new"))[..2], [1, 0], "no other is Spanish");
        assert_eq!(order(Some("de"), Some("code")), [1, 3, 4, 0, 2]);
        assert!(offers_order(&[], Some("de"), None).is_empty());
    }

    #[test]
    fn nobody_is_told_a_longer_time_than_there_is() {
        let minutes = Duration::from_mins;
        let usual = minutes(5);
        assert_eq!(ttl_with(None, usual, None), Some(usual));
        assert_eq!(ttl_with(Some(minutes(2)), usual, None), Some(minutes(2)));
        assert_eq!(ttl_with(None, usual, Some(10)), Some(minutes(10)));
        assert_eq!(ttl_with(None, usual, Some(11)), None);
        assert_eq!(ttl_with(None, usual, Some(u64::MAX)), None);
        assert_eq!(ttl_with(Some(minutes(10)), usual, Some(10)), Some(minutes(10)));
        assert_eq!(ttl_with(Some(minutes(9)), usual, Some(10)), None);
        assert_eq!(ttl_with(Some(minutes(10)), usual, Some(3)), Some(minutes(10)));
    }
}
