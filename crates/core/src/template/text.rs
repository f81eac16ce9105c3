//! Texts with variables: `Hello {{1}}, your parcel {{2}} is here.`

use super::ParameterFormat;

/// A stretch of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    Words(&'t str),
    /// What stands between the braces.
    Variable(&'t str),
}

/// Cuts a text into words and variables; braces that are no pair belong to the words.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let (mut rest, mut words) = (text, 0);
    while let Some(open) = rest[words..].find("{{").map(|at| at + words) {
        let inside = &rest[open + 2..];
        let Some(close) = inside.find("}}") else { break };
        let name = &inside[..close];
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ')) {
            words = open + 2;
            continue;
        }
        if open > 0 {
            found.push(Piece::Words(&rest[..open]));
        }
        found.push(Piece::Variable(name));
        rest = &inside[close + 2..];
        words = 0;
    }
    if !rest.is_empty() {
        found.push(Piece::Words(rest));
    }
    found
}

/// The variables of a text, each once, in the order they first stand.
pub(super) fn variables(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for piece in pieces(text) {
        if let Piece::Variable(name) = piece
            && !found.contains(&name)
        {
            found.push(name);
        }
    }
    found
}

/// What is wrong with the variables of a text, in sentences.
pub(super) fn faults(text: &str, format: ParameterFormat) -> Vec<String> {
    let pieces = pieces(text);
    let mut faults = Vec::new();
    let stray = |piece: &Piece<'_>| matches!(piece, Piece::Words(words) if words.contains("{{") || words.contains("}}"));
    if pieces.iter().any(stray) {
        faults.push("two braces that are no variable: write {{1}} or {{first_name}}".to_owned());
    }
    let names = variables(text);
    match format {
        ParameterFormat::Positional => {
            for name in &names {
                if name.starts_with('0') || !name.bytes().all(|b| b.is_ascii_digit()) {
                    faults.push(format!(
                        "{{{{{name}}}}} is no number; parameter_format POSITIONAL takes {{{{1}}}}, {{{{2}}}} …"
                    ));
                }
            }
            // Only whole numbers can have gaps.
            if faults.is_empty()
                && let Some(gap) = (1..=names.len()).find(|n| !names.contains(&n.to_string().as_str()))
            {
                faults.push(format!(
                    "the variables are numbered from 1 without gaps: {{{{{gap}}}}} is missing"
                ));
            }
        }
        ParameterFormat::Named => {
            for name in &names {
                let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
                if !name.bytes().all(plain) || name.bytes().all(|b| b.is_ascii_digit()) {
                    faults.push(format!(
                        "{{{{{name}}}}} is no name; parameter_format NAMED takes names of a-z, 0-9 and _ such as {{{{first_name}}}}"
                    ));
                }
            }
        }
    }
    faults
}

/// Whether a variable is the first or the last thing of a text, which Meta refuses in a body (2388299).
pub(super) fn has_variable_at_an_end(text: &str) -> bool {
    let pieces = pieces(text.trim());
    [pieces.first(), pieces.last()].into_iter().flatten().any(|piece| matches!(piece, Piece::Variable(_)))
}

/// How many words a body with so many variables needs at least, where it has fewer: Meta refuses texts that are mostly
/// variables (2388293), from what is seen below two words for each variable and one more.
pub(super) fn words_missing(text: &str) -> Option<usize> {
    let pieces = pieces(text);
    let (mut words, mut variables) = (0, 0);
    for piece in pieces {
        match piece {
            Piece::Words(text) => {
                words +=
                    text.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count();
            }
            Piece::Variable(_) => variables += 1,
        }
    }
    // Scripts without blanks between words have no words to count.
    let needed = 2 * variables + 1;
    let unspaced = text
        .chars()
        .any(|c| matches!(c, '\u{e00}'..='\u{eff}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{9fff}'));
    (variables > 0 && words < needed && !unspaced).then_some(needed)
}
