//! What each mail says, with names that want to be more than names.

use std::net::IpAddr;

use super::*;

const PUBLIC: &str = "https://gatepost.example.com";
/// HTML, a header, a link, an address, a change of direction, a quotation mark that ends ours.
const HOSTILE: &str = "<b>O'Neil</b>\r\nBcc: eve@evil.example ” & https://evil.example/\u{202e}";

fn trigger(who: Option<&str>) -> Trigger {
    Trigger {
        who: who.map(str::to_owned),
        at: Timestamp::from_seconds(1_795_000_000),
        from: Some(IpAddr::from([203, 0, 113, 9])),
        device: Some(HOSTILE.to_owned()),
    }
}

fn link(path: &str) -> OwnLink {
    OwnLink::new(PUBLIC, path)
}

fn every_kind() -> Vec<MailKind> {
    let until = Timestamp::from_seconds(1_795_003_600);
    let at = Timestamp::from_seconds(1_795_000_000);
    let name = || HOSTILE.to_owned();
    vec![
        MailKind::Invitation {
            workspace: name(),
            role: "Admin",
            link: link("/join/inv_0123456789"),
            until,
            trigger: trigger(Some(HOSTILE)),
        },
        MailKind::ResetLink { link: link("/reset/0123456789"), until, trigger: trigger(None) },
        MailKind::AddressVerify { link: link("/confirm/0123456789"), until, trigger: trigger(None) },
        MailKind::AddressChanged { undo: link("/undo/0123456789"), until, trigger: trigger(None) },
        MailKind::PersonNotice { notice: Notice::new_device(&trigger(None)) },
        MailKind::OwnersNotice {
            workspace: name(),
            notice: Notice::key_created(HOSTILE, "live", &trigger(Some(HOSTILE))),
        },
        MailKind::Test { at },
    ]
}

#[test]
fn what_each_mail_says() {
    for kind in every_kind() {
        let letter = kind.letter();
        let shown = format!("{}\n\n{}\n{}", letter.subject, letter.text(PUBLIC), letter.html(PUBLIC));
        insta::assert_snapshot!(kind.name(), shown);
    }
}

#[test]
fn no_mail_lets_a_name_be_more() {
    for kind in every_kind() {
        let letter = kind.letter();
        let (text, html) = (letter.text(PUBLIC), letter.html(PUBLIC));
        for shown in [&letter.subject, &text, &html] {
            assert!(!shown.contains("evil.example") && !shown.contains("eve@"), "{}: {shown}", kind.name());
            assert!(!shown.contains('\u{202e}') && !shown.contains('\r'), "{}: {shown}", kind.name());
        }
        assert!(!html.contains("<b>") && !html.contains("<img") && !html.contains("<script"), "{html}");
        assert!(!text.lines().any(|line| line.starts_with("Bcc:")), "{text}");
        // Each link is ours, and stands alone on its line.
        let links: Vec<&str> = text.lines().filter(|line| line.contains("://")).collect();
        assert!(links.iter().all(|line| line.starts_with(PUBLIC) || line.ends_with(PUBLIC)), "{links:?}");
        assert_eq!(html.matches("href=").count(), links.len() - 1, "{html}");
    }
}

#[test]
fn what_has_a_link_ends_with_it() {
    for kind in every_kind() {
        let linked = kind.letter().parts.iter().any(|part| matches!(part, Part::Link(_)));
        assert_eq!(linked, kind.good_until().is_some(), "{}", kind.name());
    }
}
