//! Passwords that are made of names at hand.

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// Names that are at hand everywhere.
const ALWAYS: [&str; 2] = ["gatepost", "whatsapp"];

/// Shorter names are in every text.
const LEAST_NAME: usize = 3;

/// Letters only, of one case and one form.
fn letters(text: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(text.len() * 3));
    out.extend(text.nfkc().flat_map(char::to_lowercase).filter(|c| c.is_alphabetic()));
    out
}

/// Whether the letters of `password` are those of names, one after the other; digits and signs between, before and
/// after them count for nothing. A password without letters is none.
pub(super) fn consists_of(password: &str, context: &[&str]) -> bool {
    let text = letters(password);
    if text.is_empty() {
        return false;
    }
    let mut names: Vec<Zeroizing<String>> = Vec::new();
    for name in ALWAYS.iter().chain(context) {
        names.push(letters(name));
        names.extend(name.split(|c: char| !c.is_alphabetic()).map(letters));
    }
    names.retain(|name| name.chars().count() >= LEAST_NAME);
    // reached[i]: the first i bytes are names.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for at in 0..text.len() {
        if !reached[at] {
            continue;
        }
        for name in &names {
            if text.get(at..).is_some_and(|rest| rest.starts_with(name.as_str())) {
                reached[at + name.len()] = true;
            }
        }
    }
    reached[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_HAND: &[&str] = &["Café Zoë & Söhne", "Ann O'Neil", "ann.oneil@example.com", "Al", ""];

    #[test]
    fn names_in_every_dress_are_found() {
        for password in [
            "gatepost",
            "GatePost2026!!!",
            "123-Gatepost-456",
            "gatepostgatepost",
            "whatsapp gatepost",
            "Cafe\u{301} Zoe\u{308} 2026",
            "CAFÉZOËSÖHNE",
            "söhne.zoë.café",
            "ann.oneil@example.com1",
            "AnnOneilAnn42",
            "g.a.t.e.p.o.s.t",
            "ｇａｔｅｐｏｓｔ!!!!",
        ] {
            assert!(consists_of(password, AT_HAND), "{password}");
        }
    }

    #[test]
    fn a_name_within_something_else_is_no_fault() {
        for password in [
            "gatepost of the meadow",
            "annual plum orbit",
            "Al al al al al al",
            "12345678901234567",
            "!!!!!!!!",
            "",
            "zoëx",
            "gateposts",
        ] {
            assert!(!consists_of(password, AT_HAND), "{password}");
        }
    }
}
