//! The language files: what a line of them means.
//!
//! A file is a list of lines `role: entry, entry, …`; a role may have several lines. `#` begins a comment. An entry is a
//! word or a few words in order. `(a|b|)` in it stands for either, or for nothing; a word that ends in `*` stands for
//! all words that begin so. `order: vo` says that the language puts its verbs before what they act on, so that rules
//! may insist on it. What the roles are for is said at [`Role`].

macro_rules! roles {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// What a word does in a sentence, as far as the rules ask.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(super) enum Role {$($(#[$doc])* $variant,)*}

        impl Role {
            pub const ALL: &'static [Role] = &[$(Role::$variant,)*];

            const fn name(self) -> &'static str {
                match self {$(Role::$variant => $name,)*}
            }

            pub fn parse(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|role| role.name() == name)
            }

            /// Its bit in a set of roles.
            pub const fn bit(self) -> u64 {
                1 << (self as u8)
            }
        }
    };
}

roles! {
    /// Whole messages that opt out.
    Keyword = "keyword";
    /// Whole messages that opt in.
    Start = "start";
    /// Whole messages that a person should read.
    Review = "review";
    /// Requests to cease: imperatives, infinitives.
    Stop = "stop";
    /// To send or write, which one may do with other things than messages too.
    Send = "send";
    /// To text, contact, spam, disturb: to send messages and nothing else.
    Text = "text";
    /// Messages, by all their names.
    Msg = "msg";
    /// The person: me, us, this number.
    Me = "me";
    /// Negates an imperative that follows.
    Not = "not";
    /// Any more, ever again.
    More = "more";
    /// "Do not send" or "do not write" in one word, or where the order differs.
    DontSend = "dontsend";
    /// Does not want.
    Unwant = "unwant";
    /// Says of messages that they interest no more.
    Bored = "bored";
    /// To receive.
    Get = "get";
    /// News and the like: what one may wish not to receive, though "no news" is no request.
    News = "news";
    /// To remove.
    Remove = "remove";
    /// "Remove me" in one word.
    RemoveMe = "removeme";
    /// The list that one is on.
    List = "list";
    /// My number, my contact.
    Number = "number";
    /// To unsubscribe: says it all.
    Unsub = "unsub";
    /// No more of what follows.
    NoMore = "nomore";
    /// To cancel or end a subscription.
    Cancel = "cancel";
    /// A subscription.
    Subs = "subs";
    /// To withdraw.
    Revoke = "revoke";
    /// A consent.
    Consent = "consent";
    /// Other direct requests to opt out.
    Phrase = "phrase";
    /// Questions how to, or why.
    Ask = "ask";
    /// Limits of time: not now, at night.
    Limit = "limit";
    /// Expressions that hold such words and mean something else.
    Keep = "keep";
    /// Denies a request that follows.
    Deny = "deny";
    /// Courtesy, greetings, thanks, signatures of telephones: counts for nothing.
    Polite = "polite";
    /// Displeasure, which may be an opt-out.
    Doubt = "doubt";
    /// Requests to subscribe.
    Join = "join";
    /// To begin again.
    Resume = "resume";
    /// Wants to receive.
    WantGet = "wantget";
}

/// A language file.
pub(super) struct Source {
    /// ISO 639-1, as verdicts and rule names say it.
    pub code: &'static str,
    pub text: &'static str,
}

/// A word, or a few in order; in each place one of several, which may be several words or none.
///
/// They are not multiplied out: that makes ten times as many words of a file.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub places: Vec<Vec<String>>,
}

impl Entry {
    /// What is written between two commas; none where the brackets do not match.
    fn parse(text: &str) -> Option<Self> {
        let mut depth = 0_usize;
        let between = |c: char| {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && c.is_whitespace()
        };
        let places = text.split(between).filter(|place| !place.is_empty()).map(spell_out);
        Some(Self { places: places.collect::<Option<_>>()? }).filter(|entry| !entry.places.is_empty())
    }

    /// All that it stands for.
    pub fn spelled_out(&self) -> Vec<String> {
        self.places.iter().fold(vec![String::new()], |begun, place| {
            let with = |begun: &String| {
                let begun = begun.clone();
                place
                    .iter()
                    .map(move |words| format!("{begun} {words}").trim().to_owned())
                    .collect::<Vec<_>>()
            };
            begun.iter().flat_map(with).collect()
        })
    }
}

/// What a file says, line by line.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    /// Verbs come before what they act on.
    pub verb_first: bool,
    pub entries: Vec<(Role, Entry)>,
    /// Lines that say nothing; a test wants none.
    pub faults: Vec<String>,
}

pub(super) fn parse(text: &str) -> Parsed {
    let mut parsed = Parsed::default();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        match line.split_once(':') {
            Some(("order", "vo" | " vo")) => parsed.verb_first = true,
            Some((name, entries)) => match Role::parse(name.trim()) {
                Some(role) => {
                    for entry in entries.split(',').map(str::trim) {
                        match Entry::parse(entry) {
                            Some(entry) => parsed.entries.push((role, entry)),
                            None => parsed.faults.push(format!("{name}: {entry}")),
                        }
                    }
                }
                None => parsed.faults.push(line.to_owned()),
            },
            None => parsed.faults.push(line.to_owned()),
        }
    }
    parsed
}

/// All that one place with alternatives stands for; none where its brackets do not match.
fn spell_out(entry: &str) -> Option<Vec<String>> {
    if !entry.contains(['(', ')', '|']) {
        return Some(vec![entry.to_owned()]);
    }
    let mut plain = vec![String::new()];
    let mut rest = entry;
    while let Some((head, after)) = rest.split_once('(') {
        let (inside, tail) = after.split_once(')')?;
        if inside.contains('(') || head.contains([')', '|']) {
            return None;
        }
        plain = plain
            .iter()
            .flat_map(|begun| inside.split('|').map(move |one| format!("{begun}{head}{one}")))
            .collect();
        rest = tail;
    }
    if rest.contains([')', '|']) {
        return None;
    }
    let whole = plain.iter().map(|begun| format!("{begun}{rest}"));
    Some(whole.map(|entry| entry.split_whitespace().collect::<Vec<_>>().join(" ")).collect())
}

macro_rules! languages {
    ($($code:literal)*) => {
        /// All of them; where two know the same word, the first is named.
        pub(super) const LANGUAGES: &[Source] = &[
            $(Source { code: $code, text: include_str!(concat!("languages/", $code, ".txt")) },)*
        ];
    };
}

languages! {
    "en" "es" "pt" "fr" "de" "it" "nl" "pl" "cs" "sk" "hu" "ro" "bg" "hr" "sr" "sl" "uk" "ru" "el" "tr" "ar" "he" "fa"
    "ur" "hi" "bn" "pa" "ta" "te" "mr" "gu" "id" "ms" "vi" "th" "zh" "ja" "ko" "sv" "da" "nb" "fi" "et" "lv" "lt" "sw"
    "am" "hy" "az" "kk" "uz" "tl" "ca"
}
