//! Keywords that an operator or a workspace adds.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use super::lexicon::{self, lexicon};
use super::{Label, tokens};

/// Characters of an own keyword.
pub const KEYWORD_CHARS: usize = 80;

/// The rule that a verdict names for an own keyword.
pub(super) const RULE: &str = "own.keyword";

/// What people answer all day, compared as keywords are: none of it can be given another meaning.
const EVERYDAY: &[&str] = &[
    "a",
    "aha",
    "alright",
    "bye",
    "fine",
    "good",
    "hello",
    "hey",
    "hi",
    "hm",
    "k",
    "kk",
    "lol",
    "maybe",
    "nah",
    "no",
    "nope",
    "ok",
    "okay",
    "oki",
    "please",
    "sure",
    "thanks",
    "thank you",
    "thx",
    "y",
    "n",
    "yeah",
    "yep",
    "yes",
    "yo",
    "you",
    // es pt ca it fr ro
    "si",
    "sí",
    "hola",
    "gracias",
    "vale",
    "bueno",
    "sim",
    "não",
    "nao",
    "ola",
    "olá",
    "obrigado",
    "obrigada",
    "oui",
    "non",
    "merci",
    "bonjour",
    "salut",
    "ciao",
    "grazie",
    "va bene",
    "da",
    "nu",
    "multumesc",
    "mulțumesc",
    "gràcies",
    // de nl sv da nb fi et lv lt
    "ja",
    "nein",
    "nee",
    "nej",
    "nei",
    "danke",
    "bitte",
    "hallo",
    "dank je",
    "tack",
    "hej",
    "tak",
    "takk",
    "hei",
    "kyllä",
    "ei",
    "kiitos",
    "moi",
    "jah",
    "tere",
    "aitäh",
    "jā",
    "nē",
    "paldies",
    "taip",
    "ne",
    "ačiū",
    "labas",
    // pl cs sk sl hr sr hu
    "tak",
    "nie",
    "dzięki",
    "cześć",
    "ano",
    "děkuji",
    "ahoj",
    "áno",
    "ďakujem",
    "hvala",
    "zdravo",
    "igen",
    "nem",
    "köszönöm",
    "szia",
    // ru uk bg kk
    "да",
    "нет",
    "спасибо",
    "привет",
    "ок",
    "хорошо",
    "так",
    "ні",
    "дякую",
    "привіт",
    "не",
    "благодаря",
    "здравей",
    "здраво",
    "хвала",
    "иә",
    "жоқ",
    "рахмет",
    // el tr az uz hy
    "ναι",
    "όχι",
    "ευχαριστώ",
    "γεια",
    "nai",
    "oxi",
    "evet",
    "hayır",
    "tamam",
    "teşekkürler",
    "merhaba",
    "selam",
    "bəli",
    "xeyr",
    "ha",
    "yoq",
    "rahmat",
    "այո",
    "ոչ",
    // ar he fa ur
    "نعم",
    "لا",
    "شكرا",
    "مرحبا",
    "اوكي",
    "تمام",
    "כן",
    "לא",
    "תודה",
    "שלום",
    "בله",
    "بله",
    "نه",
    "ممنون",
    "سلام",
    "ہاں",
    "نہیں",
    "جی",
    "شکریہ",
    // hi bn pa ta te mr gu
    "हाँ",
    "हां",
    "नहीं",
    "धन्यवाद",
    "नमस्ते",
    "ठीक है",
    "haan",
    "nahi",
    "হ্যাঁ",
    "না",
    "ধন্যবাদ",
    "ਹਾਂ",
    "ਨਹੀਂ",
    "ஆம்",
    "இல்லை",
    "நன்றி",
    "అవును",
    "కాదు",
    "ధన్యవాదాలు",
    "हो",
    "नाही",
    "હા",
    "ના",
    "આભાર",
    // id ms vi th zh ja ko tl sw am
    "ya",
    "tidak",
    "terima kasih",
    "halo",
    "baik",
    "có",
    "không",
    "cảm ơn",
    "vâng",
    "ใช่",
    "ไม่",
    "ขอบคุณ",
    "สวัสดี",
    "是",
    "不",
    "好",
    "好的",
    "谢谢",
    "你好",
    "はい",
    "いいえ",
    "ありがとう",
    "네",
    "아니요",
    "감사합니다",
    "oo",
    "hindi",
    "opo",
    "salamat",
    "ndiyo",
    "hapana",
    "asante",
    "sawa",
    "አዎ",
    "አይ",
    "አመሰግናለሁ",
];

/// A message that means something here because somebody who runs this says so. It counts as the base's own keywords do:
/// as a whole message, however it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnKeyword {
    key: String,
    label: Label,
}

/// Why a text is no keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidKeyword {
    /// More than [`KEYWORD_CHARS`] characters.
    TooLong,
    /// Nothing in it that is compared.
    NoLetter,
    /// People answer it all day: `ok`, `yes`, `hi`.
    Everyday,
    /// Known everywhere as an opt-out, and not to be read as anything else.
    KnownOptOut,
}

impl InvalidKeyword {
    /// The code of the field's error.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::NoLetter => "no_letter",
            Self::Everyday => "everyday_word",
            Self::KnownOptOut => "known_opt_out",
        }
    }
}

impl fmt::Display for InvalidKeyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "expected at most 80 characters",
            Self::NoLetter => "expected at least one letter",
            Self::Everyday => {
                "this is an everyday answer; as a keyword it would hit people who mean something else"
            }
            Self::KnownOptOut => "people opt out with this word everywhere; it cannot mean anything else",
        })
    }
}

impl std::error::Error for InvalidKeyword {}

impl OwnKeyword {
    /// A keyword and what it means. [`Label::Neither`] takes its meaning from a word that only a doubt hangs on.
    pub fn parse(text: &str, label: Label) -> Result<Self, InvalidKeyword> {
        let text = text.trim();
        if text.chars().count() > KEYWORD_CHARS {
            return Err(InvalidKeyword::TooLong);
        }
        if !text.chars().any(char::is_alphabetic) {
            return Err(InvalidKeyword::NoLetter);
        }
        let read = tokens::read(text);
        let key = lexicon::key(&read);
        if key.is_empty() {
            return Err(InvalidKeyword::NoLetter);
        }
        if EVERYDAY.iter().any(|word| lexicon::key(&tokens::read(word)) == key) || lexicon().is_courtesy(read)
        {
            return Err(InvalidKeyword::Everyday);
        }
        let known = lexicon().whole.get(&key).map(|whole| whole.label);
        if known == Some(Label::OptOut) && label != Label::OptOut {
            return Err(InvalidKeyword::KnownOptOut);
        }
        Ok(Self { key, label })
    }

    /// As it is compared: folded, without what separates words. Two keywords with one key are one.
    pub fn key(&self) -> &str {
        &self.key
    }

    pub const fn label(&self) -> Label {
        self.label
    }
}

/// By their keys. Of two with one key an opt-out wins, or else the first.
pub(super) fn index(keywords: &[OwnKeyword]) -> HashMap<String, Label> {
    let mut index = HashMap::with_capacity(keywords.len());
    for keyword in keywords {
        match index.entry(keyword.key.clone()) {
            Entry::Vacant(free) => {
                free.insert(keyword.label);
            }
            Entry::Occupied(mut taken) if keyword.label == Label::OptOut => {
                taken.insert(keyword.label);
            }
            Entry::Occupied(_) => {}
        }
    }
    index
}
