//! `[mail]`: the mail server.

use std::path::PathBuf;

use gatepost_core::{EmailAddress, Secret};
use gatepost_net::{MailBudgets, MailConfig, MailLogin, MailName, MailSecurity};
use serde::Deserialize;

use super::secret_file;
use crate::failure::{Failure, Result};

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mail {
    pub server: Option<String>,
    pub port: Option<u16>,
    pub security: Option<Security>,
    pub user: Option<String>,
    pub password: Option<Secret<String>>,
    pub password_file: Option<PathBuf>,
    pub from: Option<String>,
    pub from_name: Option<String>,
    pub reply_to: Option<String>,
}

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    Tls,
    StartTls,
    Loopback,
    Insecure,
}

impl From<Security> for MailSecurity {
    fn from(security: Security) -> Self {
        match security {
            Security::Tls => Self::Tls,
            Security::StartTls => Self::StartTls,
            Security::Loopback => Self::Loopback,
            Security::Insecure => Self::Insecure,
        }
    }
}

/// The section as the way out takes it. `None`: no mail server is named.
///
/// Errors: what does not fit together; a file that cannot be read.
pub fn mail_config(mail: &Mail) -> Result<Option<MailConfig>> {
    let Some(server) = &mail.server else {
        let alone = mail.from.is_some() || mail.user.is_some() || mail.password.is_some();
        return if alone {
            Err(Failure::usage("mail: no server is named")
                .hint("name it in mail.server, or leave [mail] out"))
        } else {
            Ok(None)
        };
    };
    let address = |key: &str, text: &str| {
        EmailAddress::parse(text).map_err(|why| Failure::usage(format!("{key}: {text:?} {why}")))
    };
    let from = mail.from.as_deref().ok_or_else(|| {
        Failure::usage("mail.from: expected the address that e-mails come from, such as noreply@example.com")
    })?;
    let password = match (&mail.password, &mail.password_file) {
        (Some(_), Some(_)) => {
            return Err(Failure::usage("mail.password and mail.password_file: give one, not both"));
        }
        (Some(password), None) => Some(password.clone()),
        (None, Some(file)) => {
            let read = secret_file::first_line(file);
            Some(read.map_err(|why| Failure::usage(format!("mail.password_file: {why}")))?)
        }
        (None, None) => None,
    };
    let login = match (&mail.user, password) {
        (Some(user), Some(password)) => Some(MailLogin { user: user.clone(), password }),
        (None, None) => None,
        _ => return Err(Failure::usage("mail.user and a password belong together: give both or none")),
    };
    let security = mail.security.unwrap_or(Security::Tls).into();
    if security == MailSecurity::Insecure && login.is_some() {
        return Err(Failure::usage("mail.security: a password is not sent in the clear")
            .hint("use tls or starttls, or leave user and password out"));
    }
    Ok(Some(MailConfig {
        server: server.clone(),
        port: mail.port,
        security,
        login,
        from: address("mail.from", from)?,
        from_name: Some(MailName::new(mail.from_name.as_deref().unwrap_or("Gatepost"))),
        reply_to: mail.reply_to.as_deref().map(|text| address("mail.reply_to", text)).transpose()?,
        budgets: MailBudgets::default(),
    }))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn read(text: &str) -> Result<Option<MailConfig>> {
        mail_config(&toml::from_str(text).unwrap())
    }

    #[test]
    fn no_server_no_mail() {
        assert!(read("").unwrap().is_none());
        assert!(read("from = \"a@example.com\"").is_err(), "somebody meant to have one");
    }

    #[test]
    fn the_section_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("password");
        std::fs::write(&file, "correct horse\r\nanother line\n").unwrap();
        let text = format!(
            "server = \"mail.example.com\"\nsecurity = \"starttls\"\nuser = \"u\"\nfrom = \"noreply@example.com\"\n\
             password_file = {:?}\nreply_to = \"help@example.com\"\nfrom_name = \"Example\\r\\nBcc: x\"",
            file.display().to_string()
        );
        let config = read(&text).unwrap().unwrap();
        assert_eq!(config.security, MailSecurity::StartTls);
        assert_eq!(config.login.unwrap().password.expose(), "correct horse");
        assert_eq!(config.from_name.unwrap().as_str(), "Example Bcc: x");
        assert_eq!(config.reply_to.unwrap().as_str(), "help@example.com");
        std::fs::write(&file, "\nsecret").unwrap();
        let said = read(&text).err().unwrap().to_string();
        assert!(said.contains("first line is empty") && !said.contains("secret"), "{said}");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let good = "server = \"mail.example.com\"\nfrom = \"noreply@example.com\"\n";
        assert!(read(good).unwrap().is_some());
        for more in [
            "user = \"u\"",
            "password = \"p\"",
            "user = \"u\"\npassword = \"p\"\npassword_file = \"/x\"",
            "user = \"u\"\npassword_file = \"/nowhere/at/all\"",
            "user = \"u\"\npassword = \"p\"\nsecurity = \"insecure\"",
            "reply_to = \"nobody\"",
        ] {
            assert!(read(&format!("{good}{more}")).is_err(), "{more}");
        }
        for text in [
            "server = \"mail.example.com\"",
            "server = \"m\"\nfrom = \"Gatepost <noreply@example.com>\"",
            "server = \"m\"\nfrom = \"root@localhost\"",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
