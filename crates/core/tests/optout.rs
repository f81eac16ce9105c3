//! How well each language is understood: texts as people write them, in `optout/XX.txt`, which nobody made from the
//! rules.
//!
//! A line is a letter and a text: `k` a keyword, `p` a phrase that opts out, `n` a text that does not, `i` one that opts
//! in, `r` one that a person should read.
#![expect(clippy::print_stderr, reason = "tests")]

use std::fs;
use std::path::Path;

use gatepost_core::optout::{Classifier, Label, languages};

/// The share of `texts` for which `right` holds.
#[expect(clippy::cast_precision_loss, reason = "a few dozen texts")]
fn share(texts: &[(&str, Label)], right: impl Fn(Label) -> bool) -> f64 {
    texts.iter().filter(|(_, label)| right(*label)).count() as f64 / texts.len().max(1) as f64
}

#[test]
fn each_language_is_understood() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/optout");
    let classifier = Classifier::default();
    let mut faults = Vec::new();
    let mut measured = 0;
    for language in languages() {
        let Ok(file) = fs::read_to_string(folder.join(format!("{language}.txt"))) else { continue };
        measured += 1;
        let of = |kind: &str| -> Vec<(&str, Label)> {
            let lines = file.lines().filter_map(|line| line.strip_prefix(kind)?.strip_prefix(' '));
            lines.map(|text| (text, classifier.classify(&text.replace("\\n", "\n")).label)).collect()
        };
        let (keywords, phrases, others, starts) = (of("k"), of("p"), of("n"), of("i"));
        let recall = share(&keywords, |label| label == Label::OptOut);
        let phrase_recall = share(&phrases, |label| label == Label::OptOut);
        let wrong = share(&others, |label| label == Label::OptOut);
        let back = share(&starts, |label| label == Label::OptIn);
        eprintln!(
            "{language}: keywords {recall:.2}, phrases {phrase_recall:.2}, false opt-outs {wrong:.2}, opt-ins {back:.2}"
        );
        let missed = keywords.iter().chain(&phrases).filter(|(_, label)| *label != Label::OptOut);
        let hit = others.iter().filter(|(_, label)| *label == Label::OptOut);
        let lost = starts.iter().filter(|(_, label)| *label != Label::OptIn);
        for (text, label) in missed.chain(hit).chain(lost) {
            eprintln!("  {} {text}", label.as_str());
        }
        if recall < 1.0 || phrase_recall < 0.95 || wrong > 0.02 || back < 0.9 {
            faults.push(language);
        }
        let read = of("r");
        if read.iter().any(|(_, label)| *label == Label::OptOut) {
            faults.push(language);
        }
    }
    assert!(measured >= 30, "only {measured} languages are measured");
    assert!(faults.is_empty(), "below the bar: {faults:?}");
}
