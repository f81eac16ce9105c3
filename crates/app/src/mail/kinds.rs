//! Every kind of mail there is, and its words.
//!
//! A mail says what happened, who did it, when and from where, what the link does and for how long, and what to do if it
//! was not the reader. It greets nobody by a name that somebody else chose, and holds no more than that.

use gatepost_core::{Secret, Timestamp};

use super::letter::{Letter, Part, quoted};
use crate::notices::{Fact, Notice, Trigger, moment};

/// A link to a page of this installation: the configured public address and a path of ours, nothing that a caller said.
#[derive(Clone)]
pub(crate) struct OwnLink(String);

impl OwnLink {
    pub fn new(public_url: &str, path: &str) -> Self {
        Self(format!("{}{path}", public_url.trim_end_matches('/')))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For whoever is to hand it on.
    pub fn secret(&self) -> Secret<String> {
        Secret::new(self.0.clone())
    }
}

/// A kind of mail with what it needs to say.
pub(crate) enum MailKind {
    /// Somebody is asked into a workspace.
    Invitation { workspace: String, role: &'static str, link: OwnLink, until: Timestamp, trigger: Trigger },
    /// A forgotten password.
    ResetLink { link: OwnLink, until: Timestamp, trigger: Trigger },
    /// To a new address, which has to prove itself.
    AddressVerify { link: OwnLink, until: Timestamp, trigger: Trigger },
    /// To the old address.
    AddressChanged { undo: OwnLink, until: Timestamp, trigger: Trigger },
    /// A notice to a person about their account.
    PersonNotice { notice: Notice },
    /// A notice to the owners of a workspace.
    OwnersNotice { workspace: String, notice: Notice },
    /// The operator tries the mail server.
    Test { at: Timestamp },
}

const IGNORE: &str = "If you did not ask for this, do nothing: without the link nothing changes.";

impl MailKind {
    /// For logs and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Invitation { .. } => "invitation",
            Self::ResetLink { .. } => "reset_link",
            Self::AddressVerify { .. } => "address_verify",
            Self::AddressChanged { .. } => "address_changed",
            Self::PersonNotice { .. } => "notice",
            Self::OwnersNotice { .. } => "owners_notice",
            Self::Test { .. } => "test",
        }
    }

    /// When the link in it is over.
    pub const fn good_until(&self) -> Option<Timestamp> {
        match self {
            Self::Invitation { until, .. }
            | Self::ResetLink { until, .. }
            | Self::AddressVerify { until, .. }
            | Self::AddressChanged { until, .. } => Some(*until),
            _ => None,
        }
    }

    pub fn letter(&self) -> Letter {
        match self {
            Self::Invitation { workspace, role, link, until, trigger } => Letter {
                subject: format!("Invitation to {}", quoted(workspace)),
                parts: vec![
                    text(&format!(
                        "You are invited to the workspace {}, as {role}. To accept, open this link:",
                        quoted(workspace)
                    )),
                    Part::Link(link.as_str().to_owned()),
                    text(&works_until(*until)),
                    facts(&trigger.facts()),
                    text(
                        "If you do not know who invites you, do nothing: without the link you join nothing, and no \
                         account is made.",
                    ),
                ],
            },
            Self::ResetLink { link, until, trigger } => Letter {
                subject: "Set a new password".to_owned(),
                parts: vec![
                    text(
                        "Somebody asked for a new password for your account. To choose one, open this link:",
                    ),
                    Part::Link(link.as_str().to_owned()),
                    text(&format!(
                        "{} It ends all your sessions; your second factor is asked for as before.",
                        works_until(*until)
                    )),
                    facts(&trigger.facts()),
                    text(IGNORE),
                ],
            },
            Self::AddressVerify { link, until, trigger } => Letter {
                subject: "Confirm your new e-mail address".to_owned(),
                parts: vec![
                    text("This address is to become the one of an account. To confirm it, open this link:"),
                    Part::Link(link.as_str().to_owned()),
                    text(&works_until(*until)),
                    facts(&trigger.facts()),
                    text(IGNORE),
                ],
            },
            Self::AddressChanged { undo, until, trigger } => Letter {
                subject: "Your e-mail address was changed".to_owned(),
                parts: vec![
                    text(
                        "Your account has another e-mail address now, and mails about it go there. To take the change \
                         back, open this link; it also ends all sessions of the account:",
                    ),
                    Part::Link(undo.as_str().to_owned()),
                    text(&works_until(*until)),
                    facts(&trigger.facts()),
                    text("If you changed it yourself, do nothing."),
                ],
            },
            Self::PersonNotice { notice } => Letter {
                subject: notice.title.clone(),
                parts: vec![
                    text(&format!("{}.", notice.title)),
                    facts(&notice.facts),
                    text(&notice.next_action),
                ],
            },
            Self::OwnersNotice { workspace, notice } => Letter {
                subject: format!("{} in {}", notice.title, quoted(workspace)),
                parts: vec![
                    text(&format!("{} in the workspace {}.", notice.title, quoted(workspace))),
                    facts(&notice.facts),
                    text(&notice.next_action),
                    text("You get this because you are an owner of the workspace."),
                ],
            },
            Self::Test { at } => Letter {
                subject: "Gatepost can send e-mail".to_owned(),
                parts: vec![
                    text("This is a test. Whoever runs this Gatepost asked for it; there is nothing to do."),
                    facts(&[Fact::ours("When", moment(*at))]),
                ],
            },
        }
    }
}

fn text(words: &str) -> Part {
    Part::Text(words.to_owned())
}

fn works_until(until: Timestamp) -> String {
    format!("The link works once, until {}.", moment(until))
}

fn facts(facts: &[Fact]) -> Part {
    let shown = |fact: &Fact| if fact.theirs { quoted(&fact.value) } else { fact.value.clone() };
    Part::Facts(facts.iter().map(|fact| (fact.label.to_string(), shown(fact))).collect())
}

#[cfg(test)]
mod tests;
