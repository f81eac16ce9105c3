//! A mail that the operator asks for, sent while they wait.

use gatepost_core::access::OperatorGrant;
use gatepost_core::access::operator_permission;
use gatepost_core::{Code, EmailAddress, Error, MailId, Result};
use gatepost_net::{MailLetter, MailName};

use super::kinds::MailKind;
use crate::App;

/// A test mail that was taken.
#[derive(Debug, Clone)]
pub struct MailTested {
    /// `mail.example.com:465`.
    pub server: String,
    /// The address it came from.
    pub from: String,
    /// What the server said when it took the mail, one line.
    pub receipt: String,
}

impl App {
    /// Sends a mail to `to`, past the queue, and says what the mail server said. The operator may see its words.
    ///
    /// Errors: `mail_off`; `mail_failed` with what went wrong and where; `invalid_field` for what is no address.
    pub async fn mail_test(
        &self,
        _: &OperatorGrant<operator_permission::MailTest>,
        to: &str,
    ) -> Result<MailTested> {
        let Some(mailer) = &self.0.mail else { return Err(Error::of(Code::MailOff)) };
        let to = EmailAddress::parse(to).map_err(|why| {
            Error::fields(vec![gatepost_core::FieldError::new("/to", "invalid", why.to_string())])
        })?;
        let now = self.now();
        let (letter, url) = (MailKind::Test { at: now }.letter(), &self.0.config.public_url);
        let letter = MailLetter {
            to,
            subject: MailName::new(&letter.subject),
            text: letter.text(url),
            html: letter.html(url),
            id: MailId::new(now, self.entropy()).to_string(),
            sent_at: u64::try_from(now.seconds()).unwrap_or_default(),
        };
        let (server, from) = mailer.place();
        match mailer.send(&letter).await {
            Ok(receipt) => Ok(MailTested { server, from: from.to_string(), receipt }),
            Err(error) => {
                let said = error.said.as_deref().unwrap_or_default();
                let code = error.code.map(|code| format!(" ({code} {said})")).unwrap_or_default();
                let detail =
                    format!("{server}, at the step {}: {}{code}", error.stage.as_str(), error.detail);
                Err(Error::new(Code::MailFailed, detail))
            }
        }
    }
}
