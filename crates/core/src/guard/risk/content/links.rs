//! Links: what a messenger makes a link of, and what is seen of where it leads.
//!
//! Threat note. Defends against: links without a scheme, in capitals, amid text without blanks, with punycode or letters
//! of any script, with numbers for addresses in every notation that browsers read (WHATWG URL), with a name before an at
//! sign. Does not defend against: what a person must put together by hand (`example dot com`, `hxxps`), links in
//! pictures, files and QR codes, and what a host shows once it is opened. Nothing is looked up.

use std::net::IpAddr;

use url::Url;

use super::endings;
use super::letters::{Script, is_unseen, is_word, script};
use super::steps::Steps;

/// A host name is no longer (RFC 1035 section 2.3.4).
const NAME_MAX: usize = 253;
/// A URL is read as far as this; a host and what stands before it fit many times.
const URL_MAX: usize = 4_096;
/// After these a link ends.
const ENDS: &str = "<>\"'«»“”„‚‘’「」『』【】（）(){}|\\^`、。，！？：；،؛؟।";

/// One link.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub host: Host,
    /// What stands before an at sign, in small letters, without the password.
    pub user: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// In small letters, as it is seen: punycode is undone.
    Name(String),
    /// A number that everybody can reach.
    PublicAddress,
    /// A number in a network of one's own; nobody outside can open it.
    LocalAddress,
}

/// The links of a text, in its order.
pub(super) fn in_text(text: &str, steps: &mut Steps) -> Vec<Link> {
    steps.add(text.len());
    let text: String = text.chars().filter(|c| !is_unseen(*c)).collect();
    let mut links = Vec::new();
    for chunk in text.split(|c: char| c.is_whitespace() || ENDS.contains(c)).filter(|chunk| !chunk.is_empty())
    {
        match with_scheme(chunk) {
            Some(start) => links.extend(in_url(without_brackets(&chunk[start..]), steps)),
            None => links.extend(without_scheme(chunk, steps)),
        }
    }
    links
}

/// The link that a URL of a button is. None: it leads to no host of the web.
pub(super) fn in_url(written: &str, steps: &mut Steps) -> Option<Link> {
    steps.add(written.len());
    let end =
        written.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= URL_MAX).last()?;
    let written = &written[..end];
    let url = match Url::parse(written) {
        Err(_) if !written.contains("://") => Url::parse(&format!("https://{written}")),
        read => read,
    };
    let url = url.ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let host = match url.host()? {
        url::Host::Domain(name) => Host::Name(shown(name)?),
        url::Host::Ipv4(address) => address_host(address.into()),
        url::Host::Ipv6(address) => address_host(address.into()),
    };
    let user = Some(url.username()).filter(|user| !user.is_empty() || url.password().is_some());
    Some(Link { host, user: user.map(str::to_lowercase) })
}

fn address_host(address: IpAddr) -> Host {
    let address = match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        v4 @ IpAddr::V4(_) => v4,
    };
    let local = match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    };
    if local { Host::LocalAddress } else { Host::PublicAddress }
}

/// Where `http://` or `https://` begins.
fn with_scheme(chunk: &str) -> Option<usize> {
    chunk.match_indices("://").find_map(|(at, _)| {
        let before = chunk.as_bytes().get(..at)?;
        [&b"https"[..], b"http"].into_iter().find_map(|scheme| {
            let start = at.checked_sub(scheme.len())?;
            before[start..].eq_ignore_ascii_case(scheme).then_some(start)
        })
    })
}

/// Brackets belong to an address of IPv6; others stand around the link.
fn without_brackets(url: &str) -> &str {
    let address = url.split_once("://").is_some_and(|(_, rest)| rest.starts_with('['));
    let end = if address { None } else { url.find(['[', ']']) };
    end.map_or(url, |end| &url[..end])
}

/// Names that stand alone, with or without a path behind them. An e-mail address is none.
fn without_scheme(chunk: &str, steps: &mut Steps) -> Vec<Link> {
    let mut found = Vec::new();
    let mut rest = chunk;
    while !rest.is_empty() {
        let start = rest.find(is_name).unwrap_or(rest.len());
        let (sign, after) = rest.split_at(start);
        let end = after.find(|c| !is_name(c)).unwrap_or(after.len());
        let (piece, next) = after.split_at(end);
        steps.add(start + end);
        let address = sign.ends_with('@') || next.starts_with('@');
        let names = if address { Vec::new() } else { names(piece, steps) };
        let path = next.starts_with(['/', '?', '#']) && !names.is_empty();
        found.extend(names.into_iter().map(|name| Link { host: Host::Name(name), user: None }));
        if path {
            // What follows belongs to the link.
            break;
        }
        rest = next;
    }
    found
}

fn is_name(c: char) -> bool {
    is_word(c) || matches!(c, '.' | '-')
}

fn is_unspaced(c: char) -> bool {
    script(c) == Some(Script::Unspaced)
}

/// The names of a piece: the piece itself, or, where a script without blanks stands around them, what it leaves.
fn names(piece: &str, steps: &mut Steps) -> Vec<String> {
    let whole = piece.trim_matches(['.', '-']);
    if !whole.contains('.') {
        return Vec::new();
    }
    if !whole.contains(is_unspaced) {
        return linked(whole, steps).into_iter().collect();
    }
    let apart: Vec<String> = whole.split(is_unspaced).filter_map(|part| linked(part, steps)).collect();
    if apart.is_empty() { linked(whole, steps).into_iter().collect() } else { apart }
}

/// The name as it is seen, where it would be made a link.
fn linked(name: &str, steps: &mut Steps) -> Option<String> {
    let name = name.trim_matches(['.', '-']);
    if name.len() > NAME_MAX || !name.contains('.') {
        return None;
    }
    steps.add(name.len());
    let lower = name.to_lowercase();
    let ending = lower.rsplit('.').next()?;
    if !endings::is_linked(ending) && !ending.starts_with("xn--") {
        return None;
    }
    let labels: Vec<&str> = lower.split('.').collect();
    let before = labels.iter().rev().nth(1)?;
    let shaped =
        labels.iter().all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
    // "10.30.am" is a time.
    if !shaped || !before.contains(char::is_alphabetic) {
        return None;
    }
    let name = shown(&lower)?;
    let known = name.rsplit('.').next().is_some_and(endings::is_linked);
    known.then_some(name)
}

/// A host name as it is seen: small letters, punycode undone. None: no host name, or too long for one.
fn shown(name: &str) -> Option<String> {
    // A sign behind the name is the sentence's, not the host's.
    let name = name.find(|c| !is_name(c) && c != '_').map_or(name, |end| &name[..end]);
    let name = name.trim_matches('.');
    if name.is_empty() || name.len() > NAME_MAX {
        return None;
    }
    // The faults that idna finds concern who may register what; people see the name none the less.
    let (seen, _) = idna::domain_to_unicode(name);
    Some(without_text_behind(&seen).to_owned())
}

/// `example.com查看`: a host and words of a script without blanks, where the ending shows which is which.
fn without_text_behind(name: &str) -> &str {
    let Some(dot) = name.rfind('.') else { return name };
    let ending = &name[dot + 1..];
    let ascii = ending.find(|c: char| !c.is_ascii()).unwrap_or(ending.len());
    let cut = ascii > 0 && ending[ascii..].chars().all(is_unspaced) && endings::is_linked(&ending[..ascii]);
    if cut { &name[..dot + 1 + ascii] } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_in(text: &str) -> Vec<String> {
        in_text(text, &mut Steps::default())
            .into_iter()
            .map(|link| match (link.host, link.user) {
                (Host::Name(name), None) => name,
                (Host::Name(name), Some(user)) => format!("{user}@{name}"),
                (Host::PublicAddress, _) => "public".to_owned(),
                (Host::LocalAddress, _) => "local".to_owned(),
            })
            .collect()
    }

    #[test]
    fn links_are_found_as_a_messenger_finds_them() {
        for (text, expected) in [
            ("See https://example.com/a?b#c.", &["example.com"][..]),
            ("See HTTPS://EXAMPLE.COM", &["example.com"]),
            ("go to example.com, or www.example.org/x!", &["example.com", "www.example.org"]),
            ("(example.com)", &["example.com"]),
            ("*example.com*", &["example.com"]),
            ("Link:example.com/x", &["example.com"]),
            ("either/example.com", &["example.com"]),
            ("exa\u{200b}mple.com", &["example.com"]),
            ("请点击example.com查看", &["example.com"]),
            ("请点击https://example.com查看", &["example.com"]),
            ("https://xn--pypal-4ve.com", &["pаypal.com"]),
            ("xn--pypal-4ve.com", &["pаypal.com"]),
            ("почта.рф", &["почта.рф"]),
            ("münchen.de/rathaus", &["münchen.de"]),
            ("http://2130706433/ http://0x7f.1", &["local", "local"]),
            ("http://93.184.216.34:8080/x http://[2001:4860::1]/", &["public", "public"]),
            ("http://[::ffff:10.0.0.1]/", &["local"]),
            (
                "https://example.com, https://example.org! *https://example.net*",
                &["example.com", "example.org", "example.net"],
            ),
            ("[https://example.com] [example.org]", &["example.com", "example.org"]),
            ("http://192.168.1.10/", &["local"]),
            ("https://paypal.com:x@example.top/", &["paypal.com@example.top"]),
            ("https://example.com/{{1}}", &["example.com"]),
        ] {
            assert_eq!(shown_in(text), expected, "{text}");
        }
        let button = in_url("example.com/{{1}}", &mut Steps::default());
        assert_eq!(button, Some(Link { host: Host::Name("example.com".to_owned()), user: None }));
        assert_eq!(in_url("tel:+15550100", &mut Steps::default()), None);
    }

    #[test]
    fn what_is_no_link() {
        for text in [
            "",
            "Thanks.We are here",
            "e.g. this, i.e. that",
            "Meet at 10.30.am",
            "version 1.2.3.4",
            "write to anna@example.com",
            "anna@mail.example.com",
            "invoice.pdf",
            "...",
            "a..com",
            "-.com",
            "ftp://example",
            "no.",
            "3.50",
        ] {
            assert_eq!(shown_in(text), Vec::<String>::new(), "{text}");
        }
    }
}
