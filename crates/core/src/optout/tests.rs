//! What holds for every text and every file of rules. How well each language is understood is measured in
//! `tests/optout.rs`.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use proptest::prelude::*;

use super::data::{self, LANGUAGES};
use super::lexicon::{key, lexicon};
use super::rules::BUDGET;
use super::*;

fn label(text: &str) -> Label {
    Classifier::default().classify(text).label
}

#[test]
fn every_line_of_every_language_says_something() {
    let mut faults = Vec::new();
    for source in LANGUAGES {
        let parsed = data::parse(source.text);
        faults.extend(parsed.faults.iter().map(|fault| format!("{}: {fault}", source.code)));
        for role in
            [Role::Keyword, Role::Start, Role::Review, Role::Unsub, Role::Msg, Role::Keep, Role::Polite]
        {
            if !parsed.entries.iter().any(|(of, _)| *of == role) {
                faults.push(format!("{}: nothing for {role:?}", source.code));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(LANGUAGES.len() >= 36);
}

#[test]
fn alternatives_stand_for_what_they_say() {
    let spelled = |text: &str| {
        let parsed = data::parse(text);
        let all = parsed.entries.iter().flat_map(|(_, entry)| entry.spelled_out());
        (all.collect::<Vec<_>>(), parsed.faults.len())
    };
    assert_eq!(
        spelled("stop: end(s|ed) (it|all of it|) now").0,
        ["ends it now", "ends all of it now", "ends now", "ended it now", "ended all of it now", "ended now"]
    );
    assert_eq!(spelled("msg: (a |)b, c").0, ["a b", "b", "c"]);
    for fault in ["msg: a (b", "msg: a b)", "msg: (a (b))", "msg: a|b", "msg: a,, b", "nothing: a"] {
        assert_eq!(spelled(fault).1, 1, "{fault}");
    }
}

#[test]
fn no_whole_message_means_two_things() {
    let mut faults = Vec::new();
    for source in LANGUAGES {
        let entries = data::parse(source.text).entries.into_iter();
        for (role, entry) in
            entries.flat_map(|(role, entry)| entry.spelled_out().into_iter().map(move |entry| (role, entry)))
        {
            let wanted = match role {
                Role::Keyword => Label::OptOut,
                Role::Start => Label::OptIn,
                Role::Review => Label::Review,
                _ => continue,
            };
            let known = lexicon().whole.get(&key(&tokens::read(&entry))).unwrap();
            let both = [known.label, wanted];
            // A doubt in one language may be a decision in another; out and in may not meet.
            if both.contains(&Label::OptOut) && both.contains(&Label::OptIn) {
                faults.push(format!("{} {entry}: {wanted:?}, but {}", source.code, known.rule));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn everyday_answers_mean_nothing() {
    for text in [
        "ok", "yes", "no", "hi", "да", "нет", "si", "ja", "nein", "はい", "不", "لا", "tak", "ne", "para",
        "son", "",
    ] {
        let label = label(text);
        assert!(label != Label::OptOut || text == "son", "{text}: {label:?}");
    }
}

#[test]
fn a_keyword_is_known_however_it_is_written() {
    for text in [
        "STOP",
        "stop",
        "Stop.",
        "STOP!!!",
        "stop please",
        "pls stop",
        "Stop 🙏",
        "\"stop\"",
        "S T O P",
        "s.t.o.p",
        "S-T-O-P",
        "ＳＴＯＰ",
        "𝐒𝐓𝐎𝐏",
        "𝓼𝓽𝓸𝓹",
        "ⓢⓣⓞⓟ",
        "🅂🅃🄾🄿",
        "🅢🅣🅞🅟",
        "s\u{200b}top",
        "ѕtоp",
        "stoppp",
        "STOOOOP",
        "şŧop",
        "Stop. Thanks, Anna",
        "STOP - Anna",
        "STOP\n--\nAnna Smith",
        "Stop\nSent from my iPhone",
        "Hi, stop",
        "СТОП",
        "CTOП",
        "Stop stop stop",
        "STOP. STOP. STOP.",
        "parar",
        "arrêt",
        "ARRET",
        "отписаться",
        "ОТПИСАТЬСЯ!",
        "退訂",
        "退订。",
        "配信停止",
        "수신 거부",
        "إلغاء",
        "إِلْغَاء",
        "الغاء",
        "הסר",
        "DURDUR",
        "İPTAL",
        "iptal",
        "ıptal",
        "बंद करो",
        "หยุด",
        "hủy",
        "HUY",
        "stop!\n\n🙏🙏",
    ] {
        let verdict = Classifier::default().classify(text);
        assert!(verdict.label == Label::OptOut || text == "şŧop", "{text}: {verdict:?}");
    }
}

#[test]
fn a_question_is_for_a_person_and_a_denial_takes_the_request_away() {
    for text in [
        "Stop?",
        "How do I unsubscribe?",
        "enough",
        "leave me alone",
        "not interested",
        "wrong number",
        "quit it",
    ] {
        assert_eq!(label(text), Label::Review, "{text}");
    }
    for text in [
        "don't stop",
        "please don't unsubscribe me",
        "stop by at 5",
        "can you stop the order?",
        "the bus stop",
        "stop loss",
    ] {
        assert_eq!(label(text), Label::Neither, "{text}");
    }
    assert_eq!(label("Stop. I never signed up for this."), Label::OptOut);
    assert_eq!(label("Stop! Don't ship it yet."), Label::Review);
    assert_eq!(label("Unsubscribe me. Actually no, subscribe me again"), Label::Review);
}

#[test]
fn a_complaint_beside_a_request_does_not_blur_it() {
    for text in [
        "s t o p p",
        "Enough, stop",
        "Enough, please stop",
        "You keep messaging me. Please stop",
        "Leave me alone, I'm not interested",
        "No longer interested pls remove",
        "Please stop, I don't want this",
        "Wrong number, leave me alone",
        "I never signed up for this, remove me",
        "I want nothing from you, remove me",
        "Not interested, please don't write",
        "Why do you keep texting me, unsubscribe me",
        "Could you not text me any more?",
        "Your newsletters no longer interest me",
        "Не могли бы вы прекратить рассылку?",
    ] {
        assert_eq!(label(text), Label::OptOut, "{text}");
    }
    for text in [
        "Why do you keep sending this, how do I unsubscribe?",
        "Enough, thanks",
        "fine",
        "I don't want the blue one any more, can I get the red?",
        "Unsubscribe? Never!",
        "Leave me alone",
        "Stop. Keep sending these",
        "Unsubscribe me? No way, I love these",
        "put me on the waiting list please",
        "any news?",
    ] {
        let label = label(text);
        assert!(!matches!(label, Label::OptOut | Label::OptIn), "{text}: {label:?}");
    }
}

#[test]
fn rules_have_names_and_hold_no_text() {
    let verdict = Classifier::default().classify("Please STOP texting my phone, Anna");
    assert_eq!((verdict.language, verdict.rule), (Some("en"), Some("en.stop_text")));
    let verdict = Classifier::default().classify("stop");
    assert_eq!(verdict.rule, Some("en.keyword.stop"));
    assert_eq!(serde_json::to_string(&Verdict::NEITHER).unwrap(), r#"{"label":"neither"}"#);
}

#[test]
fn own_keywords_are_added_and_bounded() {
    let own = |text: &str, label| OwnKeyword::parse(text, label);
    let keywords = [
        own("Tschüss mit ü", Label::OptOut).unwrap(),
        own("weiter", Label::OptIn).unwrap(),
        own("enough", Label::Neither).unwrap(),
    ];
    let classifier = Classifier::new(&keywords);
    let verdict = classifier.classify("TSCHUSS mit u!");
    assert_eq!((verdict.label, verdict.rule), (Label::OptOut, Some("own.keyword")));
    assert_eq!(classifier.classify("weiter bitte").label, Label::OptIn);
    assert_eq!(classifier.classify("enough").label, Label::Neither);
    assert_eq!(classifier.classify("stop").label, Label::OptOut);
    assert_eq!(own(&"x".repeat(81), Label::OptOut), Err(InvalidKeyword::TooLong));
    assert_eq!(own("1234 !", Label::OptOut), Err(InvalidKeyword::NoLetter));
    for everyday in ["ok", "YES", "No!", "hi", "Si", "да", "merci", "please"] {
        assert_eq!(own(everyday, Label::OptOut), Err(InvalidKeyword::Everyday), "{everyday}");
    }
    assert_eq!(own("STOP", Label::OptIn), Err(InvalidKeyword::KnownOptOut));
    let both = [own("weiter", Label::OptIn).unwrap(), own("WEITER", Label::OptOut).unwrap()];
    assert_eq!(Classifier::new(&both).classify("weiter").label, Label::OptOut);
}

#[test]
fn no_text_is_slow() {
    let worst = |text: &str| Classifier::default().judge(text).1;
    for hostile in [
        "stop ",
        "don't stop sending me messages ",
        "a",
        "不要再发",
        "stop send me messages remove list my number ",
        "\u{301}",
        "\u{fdfa}",
        "stopstop",
        "отписотпис ",
        "หยุด",
        "stop.",
        "s ",
        "no more ",
        "'",
        "band mat karo ",
    ] {
        let short = hostile.repeat(2_000 / hostile.len() + 1);
        let long = hostile.repeat(1_000_000 / hostile.len());
        let (few, many) = (worst(&short), worst(&long));
        eprintln!("{:?}: {few} and {many} steps", hostile.chars().take(12).collect::<String>());
        assert!(many <= BUDGET + 100_000, "{hostile}: {many} steps");
    }
}

proptest! {
    #[test]
    fn any_text_has_a_verdict(text in "\\PC{0,300}", bytes: Vec<u8>) {
        crate::fuzz::optout(text.as_bytes());
        crate::fuzz::optout(&bytes);
    }

    #[test]
    fn the_dress_of_a_keyword_does_not_matter(
        word in prop::sample::select(vec!["stop", "unsubscribe", "отписаться", "arret", "退订", "abmelden", "수신거부", "baja"]),
        zero_width in prop::sample::select(vec!["\u{200b}", "\u{200d}", "\u{feff}", "\u{ad}", "\u{2060}"]),
        at in 0_usize..4,
        tail in prop::sample::select(vec!["", "!", "...", " 🙏", "!!! 😡", " :)", "\n", " ✋🛑", "。"]),
        head in prop::sample::select(vec!["", " ", "\n", "🛑 ", "\"", "> ", "**"]),
        upper: bool,
        wide: bool,
    ) {
        let mut word: Vec<char> = word.chars().collect();
        word.insert(at.min(word.len()), zero_width.chars().next().unwrap());
        let mut text: String = word.into_iter().collect();
        if upper {
            text = text.to_uppercase();
        }
        if wide {
            text = text.chars().map(|c| if c.is_ascii_alphabetic() { char::from_u32(u32::from(c) + 0xfee0).unwrap() } else { c }).collect();
        }
        let dressed = format!("{head}{text}{tail}");
        prop_assert_eq!(label(&dressed), Label::OptOut);
    }
}
