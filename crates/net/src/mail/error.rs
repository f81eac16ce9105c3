//! Why a mail was not handed over, and what that asks of whoever sent it.

use std::error::Error as _;

use lettre::transport::smtp;

use crate::failure::{Failure, class};

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailFault {
    /// The server does not take this mail, now or later: no such recipient, or it does not like the content.
    Refused,
    /// Nobody was reached, or the server asks to come back later.
    TryAgain,
    /// The server will take no mail before somebody changes the configuration: a wrong password, an address that may not
    /// send, no TLS where TLS is required, a certificate that is not to be trusted.
    Misconfigured,
}

impl MailFault {
    /// For logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::TryAgain => "try_again",
            Self::Misconfigured => "misconfigured",
        }
    }
}

/// How far it came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MailStage {
    /// DNS, TCP, TLS and the first words.
    #[default]
    Connect,
    /// User and password.
    Login,
    /// Who it is from.
    Sender,
    /// Whom it is to.
    Recipient,
    /// The mail itself. From here on the server may have taken it although nobody heard so.
    Content,
}

impl MailStage {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Login => "login",
            Self::Sender => "sender",
            Self::Recipient => "recipient",
            Self::Content => "content",
        }
    }
}

/// A mail that was not handed over. Its text is for logs: it holds no address, and nothing the server said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct MailError {
    pub fault: MailFault,
    pub stage: MailStage,
    /// The server's reply code, such as 550.
    pub code: Option<u16>,
    /// One sentence in our own words.
    pub detail: String,
    /// The server's words, for the operator's eyes alone: they may repeat the recipient's address. One line, at most 300
    /// characters, nothing in it that acts on a terminal.
    pub said: Option<String>,
}

/// Longest quotation of a server.
const SAID_MAX: usize = 300;
/// The command needs a login first (RFC 4954 section 6).
const LOGIN_REQUIRED: u16 = 530;

impl MailError {
    pub(super) fn new(fault: MailFault, stage: MailStage, detail: impl Into<String>) -> Self {
        Self { fault, stage, code: None, detail: detail.into(), said: None }
    }

    pub(super) fn timed_out(stage: MailStage) -> Self {
        Self::new(MailFault::TryAgain, stage, "the mail server did not answer in time")
    }

    /// A negative reply.
    pub(super) fn reply(stage: MailStage, code: u16, words: &str) -> Self {
        let (fault, detail) = match (code, stage) {
            (LOGIN_REQUIRED, _) => (MailFault::Misconfigured, "the mail server wants user and password"),
            (500..=599, MailStage::Connect) => {
                (MailFault::Misconfigured, "the mail server does not serve this machine")
            }
            (500..=599, MailStage::Login) => {
                (MailFault::Misconfigured, "the mail server did not accept user and password")
            }
            (500..=599, MailStage::Sender) => {
                (MailFault::Misconfigured, "the mail server takes no mail from the configured address")
            }
            (500..=599, MailStage::Recipient) => {
                (MailFault::Refused, "the mail server does not carry mail to this address")
            }
            (500..=599, MailStage::Content) => (MailFault::Refused, "the mail server refused the mail"),
            _ => (MailFault::TryAgain, "the mail server asks to try again later"),
        };
        let calm: String =
            words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SAID_MAX).collect();
        let said = Some(calm.trim().to_owned()).filter(|words| !words.is_empty());
        Self { code: Some(code), said, ..Self::new(fault, stage, detail) }
    }

    /// What the library met while it spoke.
    pub(super) fn of(stage: MailStage, error: &smtp::Error) -> Self {
        if let Some(code) = error.status() {
            let words = error.source().map(ToString::to_string).unwrap_or_default();
            return Self::reply(stage, code.into(), &words);
        }
        match stage {
            MailStage::Login if error.is_client() => Self::new(
                MailFault::Misconfigured,
                stage,
                "the mail server offers no way to log in that is known here (PLAIN, LOGIN)",
            ),
            _ if error.is_response() => Self::new(
                MailFault::TryAgain,
                stage,
                "what the mail server said is not SMTP, or it broke off",
            ),
            _ => Self::new(MailFault::TryAgain, stage, "the connection to the mail server was lost"),
        }
    }
}

/// What kept us from a connection.
impl From<Failure> for MailError {
    fn from(failure: Failure) -> Self {
        let fault = match failure.class {
            class::CERTIFICATE_INVALID | class::DNS_NOT_FOUND => MailFault::Misconfigured,
            _ => MailFault::TryAgain,
        };
        Self::new(fault, MailStage::Connect, format!("the mail server was not reached: {failure}"))
    }
}
