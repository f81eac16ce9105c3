//! Names worth borrowing, and hosts that borrow them.
//!
//! Threat note. Defends against: a host that looks like a known one (letters of other scripts, digits, accents, one letter
//! too many, too few, another or two swapped), that puts a known host before its own (`paypal.com.example.top`), or a
//! known name beside words that bait (`paypal-login.top`). Does not defend against: names that are not on the list and not
//! the workspace's own, hosts that resemble nothing, and a real host that was broken into.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::endings;
use super::letters::{plain, skeleton, strict_skeleton};
use super::steps::Steps;

const FAMOUS: &str = include_str!("brands.txt");

/// Beside a name, these make a host that asks for trust. Joined without a hyphen they count as well.
const BAIT: [&str; 46] = [
    "account",
    "accounts",
    "airdrop",
    "alert",
    "auth",
    "authenticate",
    "billing",
    "bonus",
    "claim",
    "cliente",
    "compte",
    "confirm",
    "conta",
    "cuenta",
    "customs",
    "delivery",
    "gift",
    "helpdesk",
    "konto",
    "kunden",
    "login",
    "logon",
    "parcel",
    "password",
    "prize",
    "recovery",
    "redelivery",
    "refund",
    "reward",
    "rewards",
    "secure",
    "securite",
    "security",
    "seguridad",
    "seguro",
    "servicing",
    "sicherheit",
    "sicurezza",
    "signin",
    "support",
    "unlock",
    "update",
    "validation",
    "verify",
    "verification",
    "winner",
];
/// These only with a hyphen: joined to a name they are often the owner's own.
const BAIT_APART: [&str; 14] = [
    "bank", "care", "center", "centre", "customer", "help", "id", "kyc", "mail", "online", "payment",
    "service", "tracking", "wallet",
];

/// Endings that cost next to nothing: owners hold their name under the great ones, not under all of these.
const CHEAP: [&str; 44] = [
    "bid",
    "bond",
    "buzz",
    "center",
    "cfd",
    "click",
    "club",
    "company",
    "cyou",
    "digital",
    "email",
    "fun",
    "help",
    "host",
    "icu",
    "life",
    "link",
    "live",
    "loan",
    "lol",
    "monster",
    "online",
    "page",
    "press",
    "pro",
    "quest",
    "rest",
    "sbs",
    "services",
    "shop",
    "site",
    "solutions",
    "space",
    "store",
    "support",
    "tech",
    "today",
    "top",
    "vip",
    "website",
    "win",
    "work",
    "world",
    "xyz",
];

/// Below this a name meets too many others by chance.
const SHORT: usize = 5;
/// From this length on one letter of difference says something.
const NEAR_MIN: usize = 6;
/// No label of a host is longer (RFC 1035 section 2.3.4).
const LABEL_MAX: usize = 63;

/// What a host has of a name that is not its own: how sure that is, in percent.
pub(super) const CERTAIN: u8 = 100;
const BAITED: u8 = 70;
const NEAR: u8 = 60;

/// One name and what is known of it.
#[derive(Debug)]
struct Name {
    /// Small letters and digits.
    text: String,
    /// An everyday word.
    word: bool,
    /// Honest others use it: only its shape counts.
    shape: bool,
    /// Own under .com and every country's ending.
    everywhere: bool,
    /// Its owner's hosts; subdomains belong to them.
    domains: Vec<String>,
    /// Honest neighbours.
    honest: Vec<String>,
}

impl Name {
    /// True where a neighbour of it says nothing.
    fn is_everyday(&self) -> bool {
        self.word || self.shape
    }
}

/// A set of names, looked up by what they are and by what is near to them.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// A workspace's: beside a word that baits it is the workspace's own campaign, under another ending its shop abroad.
    own: bool,
    list: Vec<Name>,
    by_text: HashMap<String, usize>,
    by_skeleton: HashMap<String, usize>,
    /// Every name with at most one letter left out.
    near: HashMap<String, Vec<usize>>,
    /// Every own host.
    domains: HashMap<String, usize>,
}

pub(super) static FAMOUS_NAMES: LazyLock<Names> =
    LazyLock::new(|| Names::of(FAMOUS.lines().filter_map(line).collect()));

/// Reads a line of `brands.txt`. None: a comment.
fn line(line: &str) -> Option<Name> {
    let mut parts = line.split_whitespace().take_while(|part| !part.starts_with('#'));
    let text = parts.next()?.to_owned();
    let mut name =
        Name { text, word: false, shape: false, everywhere: false, domains: Vec::new(), honest: Vec::new() };
    for part in parts {
        match (part, part.strip_prefix('!'), part.strip_suffix(".*")) {
            ("+word", ..) => name.word = true,
            ("+shape", ..) => name.shape = true,
            (_, Some(honest), _) => name.honest.push(honest.to_owned()),
            (_, _, Some(_)) => name.everywhere = true,
            (domain, ..) => name.domains.push(domain.to_owned()),
        }
    }
    Some(name)
}

/// A host name in labels, as it is seen.
pub(super) struct HostName<'a> {
    labels: Vec<&'a str>,
    /// How many labels at the end nobody registers.
    suffix: usize,
}

impl<'a> HostName<'a> {
    pub(super) fn of(name: &'a str) -> Self {
        let labels: Vec<&str> = name.split('.').collect();
        let suffix = endings::suffix(&labels);
        Self { labels, suffix }
    }

    /// The labels that somebody chose.
    pub(super) fn chosen(&self) -> &[&'a str] {
        self.labels.get(..self.labels.len().saturating_sub(self.suffix)).unwrap_or_default()
    }

    pub(super) fn ending(&self) -> &'a str {
        self.labels.last().copied().unwrap_or_default()
    }

    /// The label that was registered.
    fn registered(&self) -> Option<&'a str> {
        self.chosen().last().copied()
    }

    /// True where the ending is .com or a country's: a company that is known everywhere has most of them.
    fn is_common(&self) -> bool {
        match self.labels.get(self.chosen().len()..) {
            Some([ending]) => *ending == "com" || endings::is_country(ending),
            Some([_, ending]) => endings::is_country(ending),
            _ => false,
        }
    }
}

/// Lists of hosts: true for the host and for what is below it.
pub(super) fn is_below(name: &str, listed: impl Fn(&str) -> bool) -> bool {
    let mut rest = Some(name);
    while let Some(host) = rest {
        if listed(host) {
            return true;
        }
        rest = host.split_once('.').map(|(_, parent)| parent);
    }
    false
}

impl Names {
    fn of(list: Vec<Name>) -> Self {
        let mut names = Self::default();
        for (at, name) in list.iter().enumerate() {
            names.by_text.entry(name.text.clone()).or_insert(at);
            names.by_skeleton.entry(skeleton(&name.text)).or_insert(at);
            if !name.is_everyday() && name.text.chars().count() >= NEAR_MIN {
                for form in shortened(&name.text).chain([name.text.clone()]) {
                    names.near.entry(form).or_default().push(at);
                }
            }
            for domain in &name.domains {
                names.domains.entry(domain.clone()).or_insert(at);
            }
        }
        names.list = list;
        names
    }

    /// The names and hosts of a workspace. Hosts that do not parse are left out.
    pub(super) fn own(names: &[&str], domains: &[&str]) -> Self {
        let mut list: Vec<Name> = Vec::new();
        let named = |text: String, domains: Vec<String>| Name {
            word: false,
            shape: false,
            everywhere: !domains.is_empty(),
            honest: Vec::new(),
            text,
            domains,
        };
        for domain in domains {
            let (seen, _) = idna::domain_to_unicode(domain.trim().trim_matches('.'));
            if let Some(label) = HostName::of(&seen).registered() {
                list.push(named(label.to_owned(), vec![seen.clone()]));
            }
        }
        for name in names {
            let text: String = plain(name).chars().filter(|c| c.is_alphanumeric()).collect();
            let long_enough = (SHORT..=LABEL_MAX).contains(&text.chars().count());
            if long_enough && !list.iter().any(|known| known.text == text) {
                list.push(named(text, Vec::new()));
            }
        }
        Self { own: true, ..Self::of(list) }
    }

    fn name(&self, at: Option<&usize>) -> Option<&Name> {
        self.list.get(*at?)
    }

    /// True for a host of one of the names' owners.
    pub(super) fn is_owner(&self, name: &str, host: &HostName<'_>) -> bool {
        let everywhere = || {
            let named = host.registered().and_then(|label| self.name(self.by_text.get(label)));
            named.is_some_and(|known| known.everywhere) && host.is_common()
        };
        is_below(name, |host| self.domains.contains_key(host)) || everywhere()
    }

    /// How surely the host borrows one of the names, in percent; 0: it does not.
    pub(super) fn likeness(&self, host: &HostName<'_>, steps: &mut Steps) -> u8 {
        let mut worst = 0;
        for (at, label) in host.chosen().iter().enumerate() {
            steps.add(label.len());
            worst = worst.max(self.disguised(label)).max(self.before_another(host, at));
            if !self.own {
                worst = worst.max(self.baited(label));
            }
        }
        if let Some(label) = host.registered() {
            worst = worst.max(self.neighbour(label, steps));
            if !self.own && self.is_misplaced(label, host) {
                worst = worst.max(NEAR);
            }
        }
        worst
    }

    /// True for a word that is written to look like a name and is not it.
    pub(super) fn is_disguise(&self, word: &str, skeleton: &str) -> bool {
        let Some(known) = self.name(self.by_skeleton.get(skeleton)) else { return false };
        let letters = known.text.chars().count();
        // Four letters meet by chance in digits, but hardly in another script.
        if letters < SHORT - 1 || letters < SHORT && word.is_ascii() || word.to_lowercase() == known.text {
            return false;
        }
        // Accents alone make another word of an everyday one, and one's own name is written with and without.
        if plain(word) == plain(&known.text) {
            return !word.is_ascii() && !known.is_everyday() && !self.own;
        }
        // So does an i in the place of an l: Zeile is no disguise of Zelle.
        let only_strokes = strict_skeleton(word) != strict_skeleton(&known.text);
        !only_strokes || !known.is_everyday() && letters >= NEAR_MIN
    }

    fn disguised(&self, label: &str) -> u8 {
        let mut parts = label.split('-').chain([label]);
        if parts.any(|part| self.is_disguise(part, &skeleton(part))) { CERTAIN } else { 0 }
    }

    /// `paypal.com.example.top`, `paypal.com-secure.top`: a host of a name's owner, and another one behind it.
    fn before_another(&self, host: &HostName<'_>, at: usize) -> u8 {
        let tail = host.labels.get(at..).unwrap_or_default();
        let [first, second, _, ..] = tail else { return 0 };
        let Some(known) = self.name(self.by_text.get(*first)) else { return 0 };
        let com = known.everywhere && (*second == "com" || second.starts_with("com-"));
        let listed = known.domains.iter().any(|domain| {
            let parts = domain.split('.').count();
            parts < tail.len() && domain.split('.').zip(tail).all(|(part, label)| part == *label)
                || parts == 2
                    && domain.split('.').nth(1).is_some_and(|ending| {
                        second.strip_prefix(ending).is_some_and(|rest| rest.starts_with('-'))
                    })
        });
        if com || listed { CERTAIN } else { 0 }
    }

    /// `paypal-login`, `secure-paypal`, `paypallogin`.
    fn baited(&self, label: &str) -> u8 {
        let known = |part: &str| self.name(self.by_text.get(part)).filter(|known| !known.shape);
        let parts: Vec<&str> = label.split('-').filter(|part| !part.is_empty()).collect();
        if let [first, middle @ .., last] = parts.as_slice() {
            let lures = |name: &str, other: &&str| {
                known(name).is_some_and(|known| {
                    let mut others = middle.iter().chain([other]);
                    others.any(|part| BAIT.contains(part) || !known.word && BAIT_APART.contains(part))
                })
            };
            if lures(first, last) || lures(last, first) {
                return BAITED;
            }
        }
        let joined = parts.iter().any(|part| {
            BAIT.iter().any(|bait| {
                let rests = [part.strip_prefix(bait), part.strip_suffix(bait)];
                let mut rests = rests.into_iter().flatten();
                rests.any(|rest| known(rest).is_some_and(|known| !known.word && rest.len() >= SHORT))
            })
        });
        if joined { BAITED } else { 0 }
    }

    /// One letter too many, too few, another, or two swapped.
    fn neighbour(&self, label: &str, steps: &mut Steps) -> u8 {
        let length = label.chars().count();
        if !(NEAR_MIN - 1..=LABEL_MAX).contains(&length) || self.by_text.contains_key(label) {
            return 0;
        }
        steps.add(length);
        let mut forms = shortened(label).chain([label.to_owned()]);
        let found = forms.any(|form| {
            let near = self.near.get(&form).into_iter().flatten().filter_map(|at| self.list.get(*at));
            near.into_iter()
                .any(|known| !known.honest.iter().any(|h| h == label) && is_near(label, &known.text))
        });
        if found { NEAR } else { 0 }
    }

    /// The very name, where its owner is not: `paypal.top`.
    fn is_misplaced(&self, label: &str, host: &HostName<'_>) -> bool {
        let known = self.name(self.by_text.get(label));
        known.is_some_and(|known| !known.is_everyday() && label.len() >= SHORT)
            && CHEAP.contains(&host.ending())
    }
}

/// The text with one letter left out, each in turn.
fn shortened(text: &str) -> impl Iterator<Item = String> + '_ {
    text.char_indices().map(|(at, c)| [&text[..at], &text[at + c.len_utf8()..]].concat())
}

/// True for different texts that one letter more, less, another, or two swapped makes equal.
fn is_near(one: &str, other: &str) -> bool {
    let one: Vec<char> = one.chars().collect();
    let other: Vec<char> = other.chars().collect();
    let (short, long) = if one.len() <= other.len() { (&one, &other) } else { (&other, &one) };
    let same = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let (short, long) = (&short[same..], &long[same..]);
    match (short, long) {
        ([], [_]) => true,
        ([a, b, rest @ ..], [c, d, end @ ..]) if a == d && b == c && rest == end => a != b,
        ([_, rest @ ..], [_, end @ ..]) if rest == end => true,
        (whole, [_, end @ ..]) => whole == end,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
