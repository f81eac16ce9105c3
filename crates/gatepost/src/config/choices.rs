//! What of `[guard]` concerns people's choices: own words, and what goes to those who opted out.

use gatepost_core::Purpose;
use gatepost_core::optout::{Label, OwnKeyword};

use crate::failure::{Failure, Result};

/// Own words that one file may name.
const KEYWORDS_MAX: usize = 10_000;

/// The operator's words for opting out and in.
///
/// Errors: a text that is no keyword; too many.
pub fn own_keywords(out: &[String], into: &[String]) -> Result<Vec<OwnKeyword>> {
    if out.len() + into.len() > KEYWORDS_MAX {
        let why = format!("guard.opt_out_keywords, guard.opt_in_keywords: at most {KEYWORDS_MAX} in all");
        return Err(Failure::usage(why));
    }
    let read = |key: &'static str, words: &[String], label: Label| -> Result<Vec<OwnKeyword>> {
        let keyword = |word: &String| {
            OwnKeyword::parse(word, label)
                .map_err(|why| Failure::usage(format!("guard.{key}: {word:?}: {why}")))
        };
        words.iter().map(keyword).collect()
    };
    let mut all = read("opt_out_keywords", out, Label::OptOut)?;
    all.extend(read("opt_in_keywords", into, Label::OptIn)?);
    Ok(all)
}

/// The purposes that go to suppressed people all the same.
///
/// Errors: a purpose that is not carried.
pub fn essential_purposes(names: &[String]) -> Result<Vec<Purpose>> {
    let known: Vec<&str> = Purpose::ALL.iter().map(|purpose| purpose.as_str()).collect();
    let purpose = |name: &String| {
        Purpose::parse(name).filter(|purpose| purpose.is_carried()).ok_or_else(|| {
            Failure::usage(format!(
                "guard.essential_purposes: {name:?}: expected some of {}",
                known.join(", ")
            ))
        })
    };
    names.iter().map(purpose).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn texts(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn words_and_purposes_are_judged_with_the_file() {
        let read = own_keywords(&texts(&["zonk", "Schnurz"]), &texts(&["plings"])).unwrap();
        assert_eq!(read.iter().filter(|word| word.label() == Label::OptOut).count(), 2);
        assert!(own_keywords(&texts(&["ok"]), &[]).unwrap_err().to_string().contains("opt_out_keywords"));
        assert!(own_keywords(&[], &texts(&["STOP"])).unwrap_err().to_string().contains("opt_in_keywords"));
        let many: Vec<String> = (0..=KEYWORDS_MAX).map(|n| format!("word{n}")).collect();
        assert!(own_keywords(&many, &[]).is_err());
        assert_eq!(essential_purposes(&[]).unwrap(), vec![]);
        let both = essential_purposes(&texts(&["authentication", "transactional"])).unwrap();
        assert_eq!(both, vec![Purpose::Authentication, Purpose::Transactional]);
        assert!(essential_purposes(&texts(&["marketing"])).is_err());
    }
}
