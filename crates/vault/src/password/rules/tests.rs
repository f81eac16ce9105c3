#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;

/// The 10,000 most common passwords (data/README.md says whose list it is).
const TOP: &str = include_str!("../../../data/top-10000.txt");

const ALONE: PasswordRules<'static> = PasswordRules { second_factor: false, context: &[] };
const BESIDE: PasswordRules<'static> = PasswordRules { second_factor: true, context: &[] };

fn check(text: &str, rules: &PasswordRules<'_>) -> Result<(), PasswordFault> {
    new_password_check(&Secret::new(text.to_owned()), rules)
}

/// Numbers that are the same in every run.
struct Lcg(u64);

impl Lcg {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

#[test]
fn length_is_counted_in_characters_of_the_nfc_form() {
    let least = |least| Err(PasswordFault::TooShort { least });
    assert_eq!(check("plum orbit cab", &ALONE), least(15));
    assert_eq!(check("plum orbit cabs", &ALONE), Ok(()));
    assert_eq!(check("plum or", &BESIDE), least(8));
    assert_eq!(check("plum orb", &BESIDE), Ok(()));
    // Sixteen scalar values that compose to eight.
    assert_eq!(check("e\u{301}e\u{308}a\u{301}u\u{308}o\u{301}i\u{308}y\u{301}a\u{308}", &ALONE), least(15));
    assert_eq!(check("e\u{301}e\u{308}a\u{301}u\u{308}o\u{301}i\u{308}y\u{301}a\u{308}", &BESIDE), Ok(()));
    assert_eq!(check("", &BESIDE), least(8));
}

#[test]
fn long_ones_are_allowed_up_to_the_limit() {
    let phrase = "seven grey herons wade through the reeds at low tide, and nobody counts them ";
    let long: String = phrase.chars().cycle().take(MOST_CHARACTERS).collect();
    assert_eq!(check(&long, &ALONE), Ok(()));
    assert_eq!(check(&format!("{long}x"), &ALONE), Err(PasswordFault::TooLong));
    // Four bytes each: the limit counts characters, not bytes.
    let wide: String = ('\u{1f400}'..).take(MOST_CHARACTERS).collect();
    assert_eq!(check(&wide, &ALONE), Ok(()));
    assert_eq!(check(&"x".repeat(5_000), &ALONE), Err(PasswordFault::TooLong));
}

#[test]
fn every_script_and_sign_is_allowed_but_control_characters() {
    for text in [
        "correct horse battery staple",
        "пятнадцать букв тут есть",
        "十五文字以上の合言葉を選んでください",
        "كلمة مرور طويلة جدا",
        "🦀 🦞 🦐 🐙 🦑 🪼 🐡 🐠",
        "'; drop table users; --",
        "   spaces   at   both   ends   ",
    ] {
        assert_eq!(check(text, &ALONE), Ok(()), "{text}");
    }
    for text in [
        "plum orbit\ncabin seven",
        "plum orbit\0cabin seven",
        "plum orbit cabin\u{7f}",
        "plum orbit cabin\u{85}",
    ] {
        assert_eq!(check(text, &ALONE), Err(PasswordFault::ControlCharacter), "{text:?}");
    }
}

#[test]
fn names_at_hand_are_refused() {
    let rules = PasswordRules {
        second_factor: true,
        context: &["Harbour Bakery", "Zoë Young", "zoe@bakery.example"],
    };
    for text in
        ["Gatepost2026!", "harbour-bakery-1", "ZoëYoung!!", "zoe@bakery.example", "HarbourBakeryHarbour"]
    {
        assert_eq!(check(text, &rules), Err(PasswordFault::NamesAtHand), "{text}");
    }
    assert_eq!(check("harbour plum orbit", &rules), Ok(()));
}

#[test]
fn the_most_common_passwords_are_refused() {
    let listed: Vec<&str> = TOP.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(listed.len(), 10_000);
    for text in &listed {
        assert!(check(text, &BESIDE).is_err(), "{text}");
        assert!(check(text, &ALONE).is_err(), "{text}");
        if text.chars().count() >= LEAST_WITH_SECOND_FACTOR {
            assert!(is_breached(text), "{text} is refused by the list, not by another rule");
        }
    }
    assert!(
        listed.iter().filter(|text| text.len() >= LEAST_WITH_SECOND_FACTOR).count() > 3_000,
        "enough long ones"
    );
}

#[test]
fn common_ones_dressed_up_are_refused() {
    for text in [
        "Password123!",
        "P@ssw0rd2026!!!!",
        "sunshine-123456",
        "iloveyou 1 2 3 4 5",
        "Dragon!!!!!!!!!!!",
        "passwordpassword",
        "Letmein!Letmein!Letmein!",
        "aaaaaaaaaaaaaaaaaaaa",
        "abcabcabcabcabca",
        "1212121212121212",
        "123456789012345",
    ] {
        assert_eq!(check(text, &BESIDE), Err(PasswordFault::Breached), "{text}");
    }
}

/// Phrases of breached words, and random strings: what people and password managers make.
#[test]
fn good_passwords_are_accepted() {
    let words: Vec<&str> =
        TOP.lines().filter(|word| word.len() >= 4 && word.bytes().all(|b| b.is_ascii_lowercase())).collect();
    assert!(words.len() > 4_000);
    let signs: Vec<char> = ('!'..='~').collect();
    let mut random = Lcg(7);
    let mut refused = Vec::new();
    for _ in 0..10_000 {
        let separator = ["-", " ", "", "."][random.below(4)];
        let mut phrase: Vec<&str> = (0..4).map(|_| words[random.below(words.len())]).collect();
        phrase.dedup();
        let mut text = phrase.join(separator);
        if random.below(2) == 0 {
            text.push_str(&random.below(100).to_string());
        }
        if text.len() >= LEAST_ALONE && check(&text, &ALONE).is_err() {
            refused.push(text);
        }
        let text: String = (0..LEAST_ALONE).map(|_| signs[random.below(signs.len())]).collect();
        if check(&text, &ALONE).is_err() {
            refused.push(text);
        }
    }
    assert!(refused.len() < 20, "{} of 20,000 are refused: {refused:?}", refused.len());
}

#[test]
fn repetitions_are_seen_with_a_cut_last_piece_and_in_every_script() {
    assert_eq!(repeated_piece("abcabcabca"), Some("abc"));
    assert_eq!(repeated_piece("ääää"), Some("ä"));
    assert_eq!(repeated_piece("passwordpassword"), Some("password"));
    for text in ["", "a", "ab", "abcab", "plum orbit cabin"] {
        assert_eq!(repeated_piece(text), None, "{text}");
    }
    assert_eq!(repeated_piece("aa"), Some("a"));
}

#[test]
fn faults_have_stable_codes_and_texts() {
    let all = [
        (
            PasswordFault::TooShort { least: 15 },
            "password_too_short",
            "a password has at least 15 characters here",
        ),
        (PasswordFault::TooLong, "password_too_long", "a password has at most 128 characters"),
        (
            PasswordFault::ControlCharacter,
            "password_control_character",
            "the password holds a line break or another control character",
        ),
        (
            PasswordFault::Breached,
            "password_breached",
            "this password is known from breaches, or too like one; choose another",
        ),
        (
            PasswordFault::NamesAtHand,
            "password_names_at_hand",
            "the password is made of names that anybody would try first; choose another",
        ),
    ];
    for (fault, code, text) in all {
        assert_eq!((fault.code(), fault.to_string().as_str()), (code, text));
    }
}
