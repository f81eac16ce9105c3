//! What the words of an outbound message show: computed once, numbers only.

mod endings;
mod letters;
mod links;
mod names;
mod requests;
mod sameness;
mod steps;

use std::collections::HashSet;
use std::sync::LazyLock;

pub use sameness::sameness;

use letters::{is_mixed, is_other_script_in_disguise, is_word};
use links::{Host, Link};
use names::{CERTAIN, FAMOUS_NAMES, HostName, Names, is_below};
use steps::Steps;

static SHORTENERS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    include_str!("shorteners.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
});

/// What a person will read and where they can go: every text of the message (header, body, footer, titles of buttons,
/// parameters of a template), and the URLs of its buttons.
#[derive(Clone, Copy, Default)]
pub struct Words<'a> {
    pub texts: &'a [&'a str],
    pub urls: &'a [&'a str],
}

/// The names and hosts of a workspace; made once and kept, as it indexes them.
#[derive(Debug, Default)]
pub struct OwnNames(Names);

impl OwnNames {
    /// `names`: of the workspace and its channels, as people read them. `domains`: the hosts that are its own. They are
    /// believed: who may set them can exempt a host.
    pub fn new(names: &[&str], domains: &[&str]) -> Self {
        Self(Names::own(names, domains))
    }
}

/// What was found, without a word of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Features {
    /// Words of all texts.
    pub words: u32,
    /// Links to hosts that are not the workspace's own.
    pub links: u32,
    /// Of these, links whose host is made to hide where they lead.
    pub shortened: u32,
    /// Links to a public address instead of a name.
    pub raw_hosts: u32,
    /// Links with something before an at sign.
    pub link_users: u32,
    /// Hosts in letters of two scripts, or of one that is made to look like Latin.
    pub disguised_hosts: u32,
    /// How surely a host borrows somebody's name, in percent.
    pub look_alike: u8,
    /// Words that are written to look like a name.
    pub disguised_names: u32,
    /// Kinds of secrets that the person is asked to hand over.
    pub secrets_asked: u8,
    /// True where the person is asked to enter a secret behind a link to a foreign host.
    pub secret_entry: bool,
}

impl Features {
    /// The work grows with the length of the words and with nothing else.
    pub fn of(words: Words<'_>, own: &OwnNames) -> Self {
        Self::counted(words, own, &mut Steps::default())
    }

    fn counted(words: Words<'_>, own: &OwnNames, steps: &mut Steps) -> Self {
        let mut found = Self::default();
        let mut typed = false;
        for text in words.texts {
            for link in links::in_text(text, steps) {
                found.link(&link, own, steps);
            }
            let asked = requests::of(text, steps);
            found.secrets_asked = found.secrets_asked.max(asked.told);
            typed |= asked.typed;
            found.words(text, own, steps);
        }
        for url in words.urls {
            if let Some(link) = links::in_url(url, steps) {
                found.link(&link, own, steps);
            }
        }
        found.secret_entry = typed && found.links > 0;
        found
    }

    fn link(&mut self, link: &Link, own: &OwnNames, steps: &mut Steps) {
        let name = match &link.host {
            Host::Name(name) => name,
            Host::PublicAddress => {
                count(&mut self.raw_hosts);
                count(&mut self.links);
                count_if(&mut self.link_users, link.user.is_some());
                return;
            }
            // Nobody outside of that network gets there.
            Host::LocalAddress => return,
        };
        let host = HostName::of(name);
        if own.0.is_owner(name, &host) {
            return;
        }
        count(&mut self.links);
        if let Some(user) = &link.user {
            count(&mut self.link_users);
            // `paypal.com@example.top`: what seems to be the host is not.
            if user.contains('.') {
                self.look_alike = CERTAIN;
            }
        }
        count_if(&mut self.shortened, is_below(name, |host| SHORTENERS.contains(host)));
        let latin_ending = host.ending().is_ascii();
        let disguised = |label: &&str| is_mixed(label) || latin_ending && is_other_script_in_disguise(label);
        count_if(&mut self.disguised_hosts, host.chosen().iter().any(disguised));
        let famous = &*FAMOUS_NAMES;
        let likeness = if famous.is_owner(name, &host) { 0 } else { famous.likeness(&host, steps) };
        self.look_alike = self.look_alike.max(likeness).max(own.0.likeness(&host, steps));
    }

    fn words(&mut self, text: &str, own: &OwnNames, steps: &mut Steps) {
        // Links and addresses were looked at as such, or are nobody's name.
        for chunk in text.split_whitespace().filter(|chunk| !chunk.contains("://") && !chunk.contains('@')) {
            count(&mut self.words);
            steps.add(chunk.len());
            for word in chunk.split(|c| !is_word(c) && !letters::is_unseen(c)) {
                let skeleton = letters::skeleton(word);
                let disguised = |names: &Names| names.is_disguise(word, &skeleton);
                count_if(&mut self.disguised_names, disguised(&FAMOUS_NAMES) || disguised(&own.0));
            }
        }
    }
}

fn count(number: &mut u32) {
    *number = number.saturating_add(1);
}

fn count_if(number: &mut u32, is: bool) {
    *number = number.saturating_add(u32::from(is));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(text: &str) -> Features {
        let own = OwnNames::new(&["Blue Pelican"], &["bluepelican.example"]);
        Features::of(Words { texts: &[text], urls: &[] }, &own)
    }

    #[test]
    fn ordinary_words_show_nothing_but_links() {
        let found = features("Your order 4711 is on its way: https://track.bluepelican.example/4711");
        assert_eq!(found, Features { words: 7, ..Features::default() });
        let found = features("See you at www.example.com/map or on Instagram, Grüße, Мария");
        assert_eq!((found.links, found.look_alike, found.disguised_names), (1, 0, 0));
    }

    #[test]
    fn each_sign_is_seen() {
        let empty = Features::default();
        for (text, expected) in [
            ("https://bit.ly/x", Features { links: 1, shortened: 1, ..empty }),
            ("https://www.bit.ly/x", Features { links: 1, shortened: 1, ..empty }),
            ("http://93.184.216.34/x", Features { links: 1, raw_hosts: 1, ..empty }),
            ("http://10.0.0.1/x", empty),
            ("https://anna@example.com/", Features { links: 1, link_users: 1, ..empty }),
            (
                "https://paypal.com@example.com/",
                Features { links: 1, link_users: 1, look_alike: 100, ..empty },
            ),
            ("https://exаmple.com/", Features { links: 1, disguised_hosts: 1, ..empty }),
            ("https://аррӏе.com/", Features { links: 1, disguised_hosts: 1, look_alike: 100, ..empty }),
            ("https://paypa1.com/", Features { links: 1, look_alike: 100, ..empty }),
            (
                "https://blue-pelican.top https://b1uepelican.top",
                Features { links: 2, look_alike: 100, ..empty },
            ),
            ("https://почта.рф", Features { links: 1, ..empty }),
        ] {
            assert_eq!(features(text), expected, "{text}");
        }
        assert_eq!(features("This is PаyPal. Your team").disguised_names, 1);
        assert_eq!(features("BluePe1ican team").disguised_names, 1);
        let found = features("Send me your PIN number and CVV");
        assert_eq!((found.secrets_asked, found.secret_entry), (2, false));
        assert!(features("Verify your password at https://example.top").secret_entry);
        assert!(!features("Verify your password at https://bluepelican.example").secret_entry);
        let button = Words { texts: &["Confirm your card details"], urls: &["https://bit.ly/x"] };
        let found = Features::of(button, &OwnNames::default());
        assert_eq!((found.secret_entry, found.shortened), (true, 1));
    }

    /// A text twice as long makes twice the work, whatever it is made of.
    #[test]
    fn work_grows_with_the_length_alone() {
        let own = OwnNames::new(&["Blue Pelican"], &["bluepelican.example"]);
        for unit in [
            "a.co ",
            "a.co/",
            "a.a.a.a.",
            "http://",
            "send me your ",
            "send me password ",
            "password ",
            "@",
            "-.com",
            "paypal-login.",
            "otp code otp kod ",
            "发给我密码",
            "hi ",
            "://x",
            "ﷺ",
            "1234 otp send me ",
            "xn--a.com ",
            "paypa1login-secure-verify-account.com ",
            "\u{200b}",
            "never ",
        ] {
            let work = |times: usize| {
                let text = unit.repeat(times);
                let mut steps = Steps::default();
                Features::counted(Words { texts: &[&text], urls: &[&text] }, &own, &mut steps);
                (steps.taken(), text.len() as u64)
            };
            let ((once, _), (twice, length)) = (work(400), work(800));
            assert!(twice <= 2 * once + 20_000, "{unit}: {once}, then {twice}");
            assert!(twice <= 60 * length + 20_000, "{unit}: {twice} steps for {length} bytes");
        }
    }

    #[test]
    fn the_list_of_shorteners_is_one_of_hosts() {
        assert!(SHORTENERS.len() > 60 && SHORTENERS.len() <= 150);
        for host in SHORTENERS.iter() {
            assert!(
                host.contains('.') && *host == host.to_lowercase() && !host.contains(['/', ' ']),
                "{host}"
            );
        }
    }
}
