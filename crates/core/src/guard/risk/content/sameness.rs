//! What makes two messages the same, though a name, a number or a link's tail differs.
//!
//! Threat note. Defends against: one text to many people with what is commonly varied: numbers, order ids, the name behind
//! a greeting, capitals, blanks, signs, emoji, unseen characters, look-alike letters, what follows a link's host. Does not
//! defend against: texts that are really written anew for each person. The form itself is content: it is fed to a keyed
//! digest and never kept.

use super::letters::{Script, is_unseen, is_word, plain, script, skeleton};

/// Shorter forms are said by everybody: "thank you", "ok, see you then".
const LETTERS_MIN: usize = 20;
/// Names behind a greeting, at most.
const NAMES: usize = 3;
/// A greeting stands among the first words.
const GREETING: usize = 3;

/// First words of a letter, as `plain` writes them.
const GREETINGS: [&str; 64] = [
    "hi",
    "hello",
    "hey",
    "dear",
    "mr",
    "mrs",
    "ms",
    "sir",
    "madam",
    "morning",
    "afternoon",
    "evening",
    "hola",
    "estimado",
    "estimada",
    "querido",
    "querida",
    "buenas",
    "tardes",
    "dias",
    "ola",
    "prezado",
    "prezada",
    "caro",
    "cara",
    "bonjour",
    "bonsoir",
    "salut",
    "cher",
    "chere",
    "madame",
    "monsieur",
    "hallo",
    "liebe",
    "lieber",
    "geehrte",
    "geehrter",
    "frau",
    "herr",
    "moin",
    "servus",
    "ciao",
    "salve",
    "gentile",
    "buongiorno",
    "hoi",
    "beste",
    "geachte",
    "czesc",
    "witaj",
    "szanowny",
    "szanowna",
    "ahoj",
    "buna",
    "draga",
    "привет",
    "здравствуите",
    "уважаемыи",
    "уважаемая",
    "merhaba",
    "sayin",
    "halo",
    "chao",
    "yth",
];
/// The same without capitals to tell names by: the name runs to the next sign.
const GREETINGS_WITHOUT_CASE: [&str; 8] = ["नमस्ते", "مرحبا", "السلام", "عليكم", "שלום", "প্রিয়", "হ্যালো", "سلام"];

/// The form that texts share which differ only in what is commonly varied. None: too little is left to say anything.
pub fn sameness(texts: &[&str]) -> Option<String> {
    let mut form = String::new();
    for text in texts {
        add(text, &mut form);
    }
    let letters = form.chars().filter(|c| c.is_alphabetic()).count();
    (letters >= LETTERS_MIN).then_some(form)
}

/// A word of the text, and whether a sign or the line's end stands behind it.
struct Word<'a> {
    text: &'a str,
    closed: bool,
}

fn words(text: &str) -> Vec<Word<'_>> {
    let mut words: Vec<Word<'_>> = Vec::new();
    for chunk in text.split_whitespace() {
        // Of a link the host says enough; without a scheme the path goes with its first slash.
        let seen = chunk.split_once("://").map_or(chunk, |(_, rest)| rest);
        let tail = seen.contains('.').then(|| seen.find(['/', '?', '#'])).flatten();
        let seen = tail.map_or(seen, |end| &seen[..end]);
        let closed = seen.chars().next_back().is_some_and(|c| !is_word(c));
        let first = words.len();
        // What holds a digit is a number as a whole: "A-99-Z".
        let pieces = seen.split(|c| !is_word(c) && !is_unseen(c) && !matches!(c, '-' | '_'));
        for piece in pieces {
            let number = piece.contains(char::is_numeric);
            let parts = piece.split(|c| !number && matches!(c, '-' | '_')).filter(|part| !part.is_empty());
            words.extend(parts.map(|text| Word { text, closed: false }));
        }
        if let Some(last) = words.get_mut(first..).and_then(<[_]>::last_mut) {
            last.closed = closed;
        }
    }
    words
}

fn add(text: &str, form: &mut String) {
    let words = words(text);
    // How many names may follow, and whether they have no capitals to tell them by.
    let mut names: Option<(usize, bool)> = None;
    for (at, word) in words.iter().enumerate() {
        let small = plain(word.text);
        let cased = GREETINGS.contains(&small.as_str());
        let caseless = GREETINGS_WITHOUT_CASE.iter().any(|greeting| plain(greeting) == small);
        if at < GREETING && (cased || caseless) {
            // "Dear Ms": the title belongs to the name.
            if names.replace((NAMES, caseless)).is_some() {
                continue;
            }
        } else if let Some((left, caseless)) = names {
            let first = word.text.chars().next().unwrap_or(' ');
            let name = first.is_uppercase() || caseless && script(first) == Some(Script::Other);
            names = (name && left > 1 && !word.closed).then_some((left - 1, caseless));
            if name {
                continue;
            }
        }
        let number = small.chars().any(char::is_numeric);
        let written = if number { "0".to_owned() } else { skeleton(&small) };
        if number && form.ends_with('0') || written.is_empty() {
            continue;
        }
        if !form.is_empty() {
            form.push(' ');
        }
        form.push_str(&written);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_varied_makes_no_difference() {
        for (one, other) in [
            (
                "Hi Anna, your order 1234 has been shipped.",
                "Hi John Paul,  your ORDER A-99-Z has been shipped!! 🎉",
            ),
            (
                "Dear Ms Weber, look at bit.ly/abc for cheap watches",
                "Dear Mr Li, look at BIT.LY/xyz?u=2 for cheap watches",
            ),
            ("Hello, buy cheap watches here today only", "hello buy ch\u{200b}eap wаtches here today only"),
            (
                "Hola María, tenemos una oferta especial para usted",
                "Hola José Luis, tenemos una oferta especial para usted",
            ),
            ("Сообщаем: заказ 12 готов к выдаче в пункте", "сообщаем: заказ 7781 готов к выдаче в пункте"),
            (
                "नमस्ते अनिल, आपका विशेष प्रस्ताव आज समाप्त हो रहा है",
                "नमस्ते सुनीता, आपका विशेष प्रस्ताव आज समाप्त हो रहा है",
            ),
        ] {
            assert!(sameness(&[one]).is_some(), "{one}");
            assert_eq!(sameness(&[one]), sameness(&[other]), "{one}");
        }
    }

    #[test]
    fn what_is_said_makes_one() {
        let one = sameness(&["Hi Anna, your order has been shipped today"]);
        assert_ne!(one, sameness(&["Hi Anna, your order has been cancelled today"]));
        assert_ne!(one, sameness(&["Hi Anna, your order has been shipped today, see example.com"]));
        assert_eq!(sameness(&["Thanks, see you!"]), None);
        assert_eq!(sameness(&["123456 654321 998877 112233"]), None);
        assert_eq!(sameness(&[]), None);
    }

    #[test]
    fn pieces_count_together() {
        assert!(sameness(&["our best offer", "only this week"]).is_some());
    }
}
