//! The way out for e-mail: one mail at a time to the one server that the operator named.
//!
//! Threat note. Defends against: text of ours or of customers that becomes a header or a command of its own (addresses,
//! names and subjects are types that hold no line end, and the body is encoded); somebody on the way who reads mails or
//! the password, or takes the offer of STARTTLS away (TLS is required, certificates are checked, nothing that was said
//! before the handshake counts after it); a server that stalls or talks without end. Does not defend against: the mail
//! server itself and those after it, who read what they carry. Links in mails therefore live for a short time and work
//! once.
//!
//! Passwords and mails are never logged: the wire is not traced at all, and an error holds the server's words apart from
//! our own ([`MailError::said`]), because they may repeat the recipient's address.

mod address;
mod error;
mod letter;
mod mailer;
mod starttls;
mod wire;

pub use address::MailName;
pub use error::{MailError, MailFault, MailStage};
pub use letter::MailLetter;
pub use mailer::{InvalidMailConfig, MailBudgets, MailConfig, MailLogin, MailSecurity, Mailer};
