//! Verification pages: what a site without a back-end form lets its visitors see.
//!
//! Threat note. What is here ends up in style sheets, headers and redirects of a page that strangers open. Each value is
//! parsed to a form that cannot say anything else: colours to three bytes, frame ancestors to origins as browsers write
//! them, return addresses to whole URLs of which one must be matched byte for byte, words to plain texts.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::origin::Origin;
use crate::text;

/// Most addresses to go back to, and most origins that may show the page in a frame.
pub const RETURN_URLS_MAX: usize = 10;
pub const ANCESTORS_MAX: usize = 10;
/// Most languages with words of their own.
pub const LOCALES_MAX: usize = 20;
/// Longest address to go back to, in bytes.
const RETURN_URL_MAX: usize = 1_000;
/// Longest words, in characters.
const WORDS_MAX: usize = 200;

/// A colour of the sRGB space, written `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour([u8; 3]);

impl Colour {
    /// # Errors
    /// A sentence for the caller.
    pub fn parse(written: &str) -> Result<Self, &'static str> {
        const WRONG: &str = "expected a colour such as #1a7f5a";
        let digits = written.strip_prefix('#').ok_or(WRONG)?;
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(WRONG);
        }
        let value = u32::from_str_radix(digits, 16).map_err(|_| WRONG)?;
        let [_, red, green, blue] = value.to_be_bytes();
        Ok(Self([red, green, blue]))
    }

    /// WCAG 2.2, relative luminance.
    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = self.0.map(linear);
        0.2126f64.mul_add(red, 0.7152f64.mul_add(green, 0.0722 * blue))
    }

    /// WCAG 2.2, contrast ratio: 1 to 21.
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// Black or white, whichever is read better on it: one of them has a contrast of 4.5 at least.
    #[must_use]
    pub fn ink(self) -> Self {
        let (black, white) = (Self([0; 3]), Self([255; 3]));
        if self.contrast(white) >= self.contrast(black) { white } else { black }
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl Serialize for Colour {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Colour {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// An address of the site to which a visitor goes back. Matched byte for byte, so it is kept as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnUrl {
    written: String,
    origin: Origin,
}

impl ReturnUrl {
    /// https, or http on one's own machine; no user, no fragment, and none of the parameters that are added.
    ///
    /// # Errors
    /// A sentence for the caller.
    pub fn parse(written: &str) -> Result<Self, String> {
        const EXPECTED: &str = "expected an https URL such as https://shop.example/signed-in";
        if written.len() > RETURN_URL_MAX || !written.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!("{EXPECTED}, of at most {RETURN_URL_MAX} bytes"));
        }
        let url = Url::parse(written).map_err(|_| EXPECTED.to_owned())?;
        // The form that a browser would make of it, so that what is compared is what is opened.
        if url.as_str() != written {
            return Err(format!("write it as browsers do: {url}"));
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err("expected a URL without a user and without a fragment".to_owned());
        }
        if url.query_pairs().any(|(name, _)| matches!(&*name, "verification_id" | "result" | "state")) {
            return Err(
                "the parameters verification_id, result and state are added; leave them out".to_owned()
            );
        }
        let origin = Origin::parse(&url.origin().ascii_serialization())?;
        Ok(Self { written: written.to_owned(), origin })
    }

    pub fn as_str(&self) -> &str {
        &self.written
    }

    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// With what the site asked for added to its query.
    pub fn with(&self, parameters: &[(&str, &str)]) -> String {
        // It was parsed before, and nothing that is added can make another URL of it.
        let Ok(mut url) = Url::parse(&self.written) else { return self.written.clone() };
        url.query_pairs_mut().extend_pairs(parameters);
        url.into()
    }
}

impl Serialize for ReturnUrl {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.written)
    }
}

impl<'de> Deserialize<'de> for ReturnUrl {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident = $usual:literal;)*) => {
        /// The words of a page that can be said in another way or language.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum PageWord {$($(#[$doc])* $name,)*}

        impl PageWord {
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// What is said where nobody says it otherwise.
            pub const fn usual(self) -> &'static str {
                match self {$(Self::$name => $usual,)*}
            }
        }
    };
}

words! {
    /// The heading.
    Title = "Confirm your phone number";
    /// The sentence above the number's field.
    Lead = "We send a code to your WhatsApp.";
    /// The label of the number's field.
    Phone = "Phone number";
    /// What the number's field takes.
    PhoneHint = "With the country code, such as +1 202 555 0101.";
    /// The button that sends the code.
    Send = "Send the code";
    /// The sentence above the code's field.
    Sent = "We sent a code to this number on WhatsApp:";
    /// The label of the code's field.
    Code = "Code";
    /// The button that checks the code.
    Check = "Confirm";
    /// The button that sends another code.
    Resend = "Send another code";
    /// The link back to the number.
    Change = "Use another number";
    /// What is said of a number that is none.
    PhoneWrong = "Give the number with its country code, such as +1 202 555 0101.";
    /// What is said of a wrong code.
    CodeWrong = "This code is not right. Look again at the latest message.";
    /// What is said when nothing more can be tried.
    Over = "This code is good no more. Begin again with your number.";
    /// What is said to whoever asks too often.
    Later = "Please wait a moment, then try again.";
    /// What is said where no code can be sent.
    Failed = "We cannot send a code to this number right now.";
}

impl PageWord {
    /// The name in requests: `title`, `phone_hint` …
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Lead => "lead",
            Self::Phone => "phone",
            Self::PhoneHint => "phone_hint",
            Self::Send => "send",
            Self::Sent => "sent",
            Self::Code => "code",
            Self::Check => "check",
            Self::Resend => "resend",
            Self::Change => "change",
            Self::PhoneWrong => "phone_wrong",
            Self::CodeWrong => "code_wrong",
            Self::Over => "over",
            Self::Later => "later",
            Self::Failed => "failed",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|word| word.as_str() == name)
    }
}

/// The words of one language.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PageTexts(BTreeMap<String, String>);

impl PageTexts {
    /// # Errors
    /// A sentence for the caller.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, String> {
        let mut texts = BTreeMap::new();
        for (name, said) in pairs {
            if PageWord::parse(&name).is_none() {
                let known: Vec<&str> = PageWord::ALL.iter().map(|word| word.as_str()).collect();
                return Err(format!("there is no text {name}; there are {}", known.join(", ")));
            }
            texts.insert(name, text::name(&said, WORDS_MAX)?);
        }
        Ok(Self(texts))
    }

    pub fn get(&self, word: PageWord) -> Option<&str> {
        self.0.get(word.as_str()).map(String::as_str)
    }

    pub const fn all(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

/// A language as a page names it: `de`, `pt-BR`.
///
/// # Errors
/// A sentence for the caller.
pub fn page_locale(written: &str) -> Result<String, &'static str> {
    const WRONG: &str = "expected a language such as de or pt-BR";
    let (language, region) = written.split_once(['-', '_']).unwrap_or((written, ""));
    let letters = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphabetic());
    if !matches!(language.len(), 2 | 3)
        || !letters(language)
        || !matches!(region.len(), 0 | 2)
        || !letters(region)
    {
        return Err(WRONG);
    }
    let language = language.to_ascii_lowercase();
    Ok(if region.is_empty() { language } else { format!("{language}-{}", region.to_ascii_uppercase()) })
}

/// Everything that a page's owner says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageSettings {
    /// What visitors know the site by.
    pub app_name: String,
    /// The colour of buttons; `None`: ours.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub accent: Option<Colour>,
    /// The same in the dark; `None`: as in the light.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub accent_dark: Option<Colour>,
    /// One at least.
    pub return_urls: Vec<ReturnUrl>,
    /// Whose pages may show it in a frame; nobody's where it is empty.
    #[serde(default)]
    pub frame_ancestors: Vec<Origin>,
    /// By language.
    #[serde(default)]
    pub texts: BTreeMap<String, PageTexts>,
    /// The template that codes are sent in, by name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub template: Option<String>,
}

impl PageSettings {
    /// The return address that a visitor comes with, where it is one of these. Who names none means the only one.
    pub fn return_url(&self, named: Option<&str>) -> Option<&ReturnUrl> {
        match (named, self.return_urls.as_slice()) {
            (Some(named), urls) => urls.iter().find(|url| url.as_str() == named),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }

    /// The first of the wanted languages that the page has words in, whole or by its language alone; else English.
    pub fn language(&self, wanted: impl IntoIterator<Item = String>) -> &str {
        for one in wanted {
            let Ok(locale) = page_locale(&one) else { continue };
            let language = locale.split('-').next().unwrap_or_default();
            let same = |known: &&String| **known == locale || **known == language;
            let found = self
                .texts
                .keys()
                .rev()
                .find(|known| **known == locale)
                .or_else(|| self.texts.keys().find(same));
            if let Some(found) = found {
                return found;
            }
            if language == "en" {
                break;
            }
        }
        "en"
    }

    /// What is said in that language.
    pub fn say(&self, language: &str, word: PageWord) -> &str {
        self.texts.get(language).and_then(|texts| texts.get(word)).unwrap_or_else(|| word.usual())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    fn settings(languages: &[&str]) -> PageSettings {
        let words = |language: &&str| {
            let texts = PageTexts::new([("title".to_owned(), format!("in {language}"))]).unwrap();
            ((*language).to_owned(), texts)
        };
        PageSettings {
            app_name: "Example".to_owned(),
            accent: None,
            accent_dark: None,
            return_urls: vec![ReturnUrl::parse("https://shop.example/in").unwrap()],
            frame_ancestors: Vec::new(),
            texts: languages.iter().map(words).collect(),
            template: None,
        }
    }

    #[test]
    fn colours() {
        assert_eq!(Colour::parse("#1A7f5a").unwrap().to_string(), "#1a7f5a");
        for wrong in ["", "1a7f5a", "#1a7f5", "#1a7f5a0", "#1a7f5g", "#1a7f5a;}", "red", "#+12345", "#1a 7f5"]
        {
            assert!(Colour::parse(wrong).is_err(), "{wrong}");
        }
        let (black, white) = (Colour::parse("#000000").unwrap(), Colour::parse("#ffffff").unwrap());
        assert!((black.contrast(white) - 21.0).abs() < 0.001);
    }

    #[test]
    fn return_addresses() {
        for good in ["https://shop.example/in", "https://shop.example/in?a=1", "http://localhost:3000/in"] {
            assert_eq!(ReturnUrl::parse(good).unwrap().as_str(), good);
        }
        for wrong in [
            "",
            "/in",
            "//shop.example/in",
            "http://shop.example/in",
            "https://shop.example",
            "https://user@shop.example/in",
            "https://shop.example/in#x",
            "https://shop.example/in?state=1",
            "https://shop.example/a b",
            "https://SHOP.example/in",
            "https://shop.example/../in",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://shop.example/in",
        ] {
            assert!(ReturnUrl::parse(wrong).is_err(), "{wrong}");
        }
        let url = ReturnUrl::parse("https://shop.example/in?a=1").unwrap();
        assert_eq!(url.with(&[("state", "x&y")]), "https://shop.example/in?a=1&state=x%26y");
        assert_eq!(url.origin().as_str(), "https://shop.example");
    }

    #[test]
    fn only_a_listed_address_is_gone_back_to() {
        let mut page = settings(&[]);
        assert!(
            page.return_url(None).is_some() && page.return_url(Some("https://shop.example/in")).is_some()
        );
        assert!(page.return_url(Some("https://shop.example/in2")).is_none());
        page.return_urls.push(ReturnUrl::parse("https://shop.example/two").unwrap());
        assert!(page.return_url(None).is_none(), "which one?");
    }

    #[test]
    fn languages() {
        let page = settings(&["de", "pt-BR", "es"]);
        let speaks = |wanted: &[&str]| page.language(wanted.iter().map(|one| (*one).to_owned())).to_owned();
        assert_eq!(speaks(&["de-AT", "es"]), "de");
        assert_eq!(speaks(&["pt_br"]), "pt-BR");
        assert_eq!(speaks(&["fr", "es"]), "es");
        assert_eq!(speaks(&["en", "es"]), "en");
        assert_eq!(speaks(&[]), "en");
        assert_eq!(page.say("de", PageWord::Title), "in de");
        assert_eq!(page.say("de", PageWord::Send), PageWord::Send.usual());
        assert!(PageTexts::new([("titel".to_owned(), "x".to_owned())]).is_err());
    }

    #[test]
    fn what_was_stored_is_read_again() {
        let mut page = settings(&["de"]);
        page.accent = Some(Colour::parse("#123456").unwrap());
        let read: PageSettings = serde_json::from_str(&serde_json::to_string(&page).unwrap()).unwrap();
        assert_eq!(read, page);
    }

    proptest! {
        /// Whatever colour a button has, its words can be read (WCAG 1.4.3).
        #[test]
        fn words_on_any_colour_can_be_read(colour: [u8; 3]) {
            let colour = Colour(colour);
            prop_assert!(colour.contrast(colour.ink()) >= 4.5);
            prop_assert_eq!(Colour::parse(&colour.to_string()), Ok(colour));
        }

        #[test]
        fn nothing_panics(text in "\\PC{0,60}") {
            if let Ok(url) = ReturnUrl::parse(&text) {
                prop_assert!(url.with(&[("result", "x")]).contains("result=x"));
            }
            let _ = page_locale(&text);
        }
    }
}
