//! The fuzz bodies of this crate's parsers: plain functions over any bytes, so that any fuzzer can drive them, and
//! proptest does with every test run.

use std::net::{IpAddr, Ipv4Addr};

use url::{Host, Url};

use crate::check_line::url_check_line;
use crate::event_stream::{EventStreamParser, Said};
use crate::policy::UrlPolicy;

/// What nobody needs a table to know.
fn is_plainly_inside(ip: Ipv4Addr) -> bool {
    ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified() || ip.is_multicast()
}

/// What a fresh installation lets pass is `https` to a name or a public address, whoever reads it; what it judges once
/// it judges the same again, and the line of the command says the same.
pub fn url_policy(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let policy = UrlPolicy::default();
    let verdict = policy.check_url(text);
    if let Ok(target) = policy.target(text) {
        assert_eq!(policy.check_target(&target).allow, verdict.allow, "{text}: two verdicts");
        let origin = target.origin().to_owned();
        assert_eq!(policy.check_url(&origin).allow, verdict.allow, "{origin}: another verdict than {text}");
        // Every answer must pass: one from inside spoils any other.
        let answers = [IpAddr::V4(Ipv4Addr::new(93, 184, 215, 14)), IpAddr::V4(Ipv4Addr::LOCALHOST)];
        assert!(!policy.check_answers(&target, &answers).allow, "{text}: an answer from inside passes");
    }
    if verdict.allow {
        // By the parser alone, past everything of ours.
        let url = Url::parse(text);
        let host = url.as_ref().ok().and_then(Url::host);
        let inside = match &host {
            Some(Host::Ipv4(ip)) => is_plainly_inside(*ip),
            Some(Host::Ipv6(ip)) => {
                ip.is_loopback() || ip.is_unspecified() || ip.to_ipv4_mapped().is_some_and(is_plainly_inside)
            }
            Some(Host::Domain(name)) => name.trim_end_matches('.').ends_with("localhost"),
            None => true,
        };
        assert!(!inside, "{text} leads inside");
        assert_eq!(url.as_ref().map(Url::scheme), Ok("https"), "{text} is in the clear");
        assert_eq!(
            url.as_ref().map(|url| (url.username(), url.password())),
            Ok(("", None)),
            "{text} has a user"
        );
    }
    let line = url_check_line(&policy, &serde_json::json!({ "url": text }).to_string());
    let judged: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
    assert_eq!(judged["verdict"], if verdict.allow { "allow" } else { "deny" }, "{line}");
    // Any line at all has an answer that is a line.
    let line = url_check_line(&policy, text);
    assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok() && !line.contains('\n'), "{line}");
}

/// A stream says the same wherever it is cut into pieces, and what it said, framed again, is said again. The first two
/// bytes choose the cuts.
pub fn event_stream(bytes: &[u8]) {
    let (cuts, bytes) = bytes.split_at(bytes.len().min(2));
    let mut whole = Vec::new();
    let outcome = EventStreamParser::new().feed(bytes, &mut whole);
    let (mut parser, mut pieces) = (EventStreamParser::new(), Vec::new());
    let sizes = cuts.iter().map(|cut| usize::from(*cut) % 7 + 1).cycle();
    let (mut rest, mut cut) = (bytes, Ok(()));
    for size in sizes.chain(std::iter::repeat(1)) {
        if rest.is_empty() || cut.is_err() {
            break;
        }
        let (piece, left) = rest.split_at(size.min(rest.len()));
        cut = parser.feed(piece, &mut pieces);
        rest = left;
    }
    assert_eq!(outcome, cut, "another end in pieces");
    assert_eq!(whole, pieces, "something else in pieces");
    for said in whole {
        let text = match &said {
            Said::Comment(text) => {
                assert!(!text.contains(['\n', '\r']), "a comment is one line");
                format!(": {text}\n")
            }
            Said::Place(id) => {
                assert!(!id.contains(['\n', '\r', '\0']), "an id is one line");
                format!("id: {id}\n\n")
            }
            Said::Event(event) => {
                let lines: Vec<&str> = event.data.split('\n').collect();
                format!("id: {}\nevent: {}\ndata: {}\n\n", event.id, event.event, lines.join("\ndata: "))
            }
        };
        let mut again = Vec::new();
        let read = EventStreamParser::new().feed(text.as_bytes(), &mut again);
        // The place to begin with is none, and an empty id stays at it.
        let expected = if said == Said::Place(String::new()) { vec![] } else { vec![said] };
        assert_eq!((read, again), (Ok(()), expected), "framed again: {text:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn event_streams(bytes: Vec<u8>, like in "..((id|event|data|retry|)(: ?)?[a-z0-9\u{0}\u{feff}]{0,6}(\n|\r|\r\n){0,3}){0,12}") {
            event_stream(&bytes);
            event_stream(like.as_bytes());
        }

        #[test]
        fn urls(
            bytes: Vec<u8>,
            like in "(https?|HTTPS)://([a-z0-9.@-]{0,20}|[0-9.x]{1,20}|\\[[0-9a-f:.]{0,30}\\])(:[0-9]{0,5})?[/?#\\\\]?\\PC{0,12}",
        ) {
            url_policy(&bytes);
            url_policy(like.as_bytes());
        }
    }
}
