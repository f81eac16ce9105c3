//! `Mailer`: hands one mail over, and says what became of it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use gatepost_core::{EmailAddress, Secret};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use super::address::{MailName, wire};
use super::error::{MailError, MailFault, MailStage};
use super::letter::MailLetter;
use super::starttls;
use super::wire::Wire;
use crate::client::ClientError;
use crate::connect::{self, Unconnected};
use crate::failure::{Failure, Stage};
use crate::resolver::Resolver;
use crate::target::{Host, Target};
use crate::tls::{self, TlsRoots};

/// How the connection is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MailSecurity {
    /// TLS from the first byte (RFC 8314); port 465.
    #[default]
    Tls,
    /// TLS begun by STARTTLS, and nothing without it; port 587.
    StartTls,
    /// Nothing, and to a loopback address alone; port 25.
    Loopback,
    /// Nothing, to whatever address: the operator says that the network in between can be trusted. Without a password.
    Insecure,
}

impl MailSecurity {
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Tls => 465,
            Self::StartTls => 587,
            Self::Loopback | Self::Insecure => 25,
        }
    }
}

/// User and password at the mail server.
#[derive(Clone)]
pub struct MailLogin {
    pub user: String,
    pub password: Secret<String>,
}

/// What one mail may cost. All of it must fit into the lease of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailBudgets {
    /// DNS, TCP and TLS together.
    pub connect: Duration,
    /// Everything.
    pub total: Duration,
}

impl Default for MailBudgets {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), total: Duration::from_secs(40) }
    }
}

/// Which server, and in whose name.
#[derive(Clone)]
pub struct MailConfig {
    /// A host name or an address.
    pub server: String,
    /// `None`: the usual one for the kind of protection.
    pub port: Option<u16>,
    pub security: MailSecurity,
    pub login: Option<MailLogin>,
    pub from: EmailAddress,
    /// Shown beside `from`.
    pub from_name: Option<MailName>,
    pub reply_to: Option<EmailAddress>,
    pub budgets: MailBudgets,
}

/// A configuration that could never carry a mail safely.
#[derive(Debug, thiserror::Error)]
pub enum InvalidMailConfig {
    #[error("`{0}` is no host name and no address")]
    Server(String),
    #[error("a password is not sent in the clear: use tls or starttls")]
    PasswordInTheClear,
    #[error(transparent)]
    Tls(#[from] ClientError),
}

/// The way out for mails. Cheap to clone.
#[derive(Clone)]
pub struct Mailer(Arc<Parts>);

struct Parts {
    config: MailConfig,
    target: Target,
    resolver: Resolver,
    tls: TlsConnector,
}

/// How long a server has to answer our good-bye; the mail is taken already.
const PARTING: Duration = Duration::from_secs(2);

impl Mailer {
    /// Looks at the configuration; sends nothing.
    pub fn new(config: MailConfig, resolver: Resolver, roots: TlsRoots) -> Result<Self, InvalidMailConfig> {
        if config.security == MailSecurity::Insecure && config.login.is_some() {
            return Err(InvalidMailConfig::PasswordInTheClear);
        }
        let port = config.port.unwrap_or_else(|| config.security.default_port());
        let bare = config.server.trim_start_matches('[').trim_end_matches(']');
        let host = match bare.parse::<IpAddr>() {
            Ok(IpAddr::V6(address)) => format!("[{address}]"),
            _ => config.server.clone(),
        };
        let invalid = || InvalidMailConfig::Server(config.server.clone());
        if host.is_empty()
            || (host.contains(['/', '?', '#', '@']) || (host.contains(':') && !host.starts_with('[')))
        {
            return Err(invalid());
        }
        let target = Target::parse(&format!("https://{host}:{port}/")).map_err(|_| invalid())?;
        let tls = TlsConnector::from(tls::client_config(roots, &[])?);
        Ok(Self(Arc::new(Parts { config, target, resolver, tls })))
    }

    /// Where mails go and in whose name: `mail.example.com:465`, `noreply@example.com`. For `status` and logs.
    pub fn place(&self) -> (String, &EmailAddress) {
        let origin = self.0.target.origin();
        (origin.strip_prefix("https://").unwrap_or(origin).to_owned(), &self.0.config.from)
    }

    /// Hands the mail over; what it answers on success is the server's receipt, one line.
    ///
    /// A failure in [`MailStage::Content`] that asks to try again leaves a doubt: the server may have taken the mail.
    pub async fn send(&self, letter: &MailLetter) -> Result<String, MailError> {
        let started = Instant::now();
        let deadline = started + self.0.config.budgets.total;
        let mut stage = MailStage::default();
        match timeout_at(deadline, self.hand_over(letter, started, &mut stage)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(MailError::timed_out(stage)),
        }
    }

    async fn hand_over(
        &self,
        letter: &MailLetter,
        started: Instant,
        stage: &mut MailStage,
    ) -> Result<String, MailError> {
        let config = &self.0.config;
        let unwritten = |why: String| {
            MailError::new(
                MailFault::Refused,
                MailStage::Content,
                format!("the mail cannot be written: {why}"),
            )
        };
        let unaddressed = || unwritten("an address is not one".to_owned());
        let message = letter.write(config).map_err(unwritten)?.formatted();
        let from = wire(&config.from).ok_or_else(unaddressed)?;
        let to = wire(&letter.to).ok_or_else(unaddressed)?;

        let hello = ClientId::Domain(config.from.domain().to_owned());
        let wire = match timeout_at(started + config.budgets.connect, self.connect()).await {
            Ok(wire) => wire?,
            Err(_) => return Err(MailError::timed_out(MailStage::Connect)),
        };
        let heard = AsyncSmtpConnection::connect_with_transport(Box::new(wire), &hello).await;
        let mut server = heard.map_err(|error| MailError::of(MailStage::Connect, &error))?;
        let outcome = talk(&mut server, config.login.as_ref(), stage, from, to, &message).await;
        let parting = async {
            match &outcome {
                Ok(_) => drop(server.quit().await),
                Err(_) => server.abort().await,
            }
        };
        let _ = timeout(PARTING, parting).await;
        outcome
    }

    async fn connect(&self) -> Result<Wire, MailError> {
        let Parts { config, target, resolver, tls } = &*self.0;
        let (mut stream, peer) =
            connect::tcp(target, None, resolver, &mut Stage::default()).await.map_err(unconnected)?;
        match config.security {
            MailSecurity::Tls => Ok(Wire::tls(encrypt(tls, target, stream).await?, peer)),
            MailSecurity::StartTls => {
                starttls::begin(&mut stream, config.from.domain()).await?;
                Ok(Wire::upgraded(encrypt(tls, target, stream).await?, peer))
            }
            MailSecurity::Loopback if !is_loopback(target, peer) => Err(MailError::new(
                MailFault::Misconfigured,
                MailStage::Connect,
                "without TLS mail goes to a loopback address only",
            )),
            MailSecurity::Loopback | MailSecurity::Insecure => Ok(Wire::plain(stream, peer)),
        }
    }
}

/// The peer is what counts: a name may lead anywhere.
fn is_loopback(target: &Target, peer: SocketAddr) -> bool {
    let named = match target.host() {
        Host::Address(address) => address.to_canonical().is_loopback(),
        Host::Name(_) => true,
    };
    named && peer.ip().to_canonical().is_loopback()
}

async fn encrypt(
    tls: &TlsConnector,
    target: &Target,
    stream: TcpStream,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, MailError> {
    tls.connect(target.server_name(), stream).await.map_err(|error| Failure::from_tls(&error).into())
}

fn unconnected(why: Unconnected) -> MailError {
    match why {
        Unconnected::Failed(failure) => failure.into(),
        Unconnected::Blocked(rule) => {
            MailError::new(MailFault::Misconfigured, MailStage::Connect, rule.to_string())
        }
    }
}

/// One mail over an open connection.
async fn talk(
    server: &mut AsyncSmtpConnection,
    login: Option<&MailLogin>,
    stage: &mut MailStage,
    from: lettre::Address,
    to: lettre::Address,
    message: &[u8],
) -> Result<String, MailError> {
    let failed = |stage: MailStage| move |error| MailError::of(stage, &error);
    if let Some(login) = login {
        *stage = MailStage::Login;
        let credentials = Credentials::new(login.user.clone(), login.password.expose().clone());
        let known = [Mechanism::Plain, Mechanism::Login];
        server.auth(&known, &credentials).await.map_err(failed(*stage))?;
    }
    *stage = MailStage::Sender;
    let mut parameters = Vec::new();
    if !message.is_ascii() {
        // An address beyond ASCII stands in the head as it is (RFC 6531), and only some servers carry it.
        if !server.server_info().supports_feature(Extension::SmtpUtfEight) {
            let why = "the mail server carries no addresses beyond ASCII";
            return Err(MailError::new(MailFault::Refused, MailStage::Recipient, why));
        }
        parameters = vec![MailParameter::SmtpUtfEight, MailParameter::Body(MailBodyParameter::EightBitMime)];
    }
    server.command(Mail::new(Some(from), parameters)).await.map_err(failed(*stage))?;
    *stage = MailStage::Recipient;
    server.command(Rcpt::new(to, Vec::new())).await.map_err(failed(*stage))?;
    *stage = MailStage::Content;
    server.command(Data).await.map_err(failed(*stage))?;
    let receipt = server.message(message).await.map_err(failed(*stage))?;
    let line = receipt.first_line().unwrap_or_default();
    Ok(line.chars().filter(|c| !c.is_control()).take(200).collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn config(server: &str, security: MailSecurity) -> MailConfig {
        MailConfig {
            server: server.to_owned(),
            port: None,
            security,
            login: None,
            from: EmailAddress::parse("noreply@example.com").unwrap(),
            from_name: None,
            reply_to: None,
            budgets: MailBudgets::default(),
        }
    }

    fn mailer(config: MailConfig) -> Result<Mailer, InvalidMailConfig> {
        Mailer::new(config, Resolver::fixed::<String>([]), TlsRoots::Bundled)
    }

    #[test]
    fn servers_are_names_and_addresses() {
        for (server, security, place) in [
            ("mail.example.com", MailSecurity::Tls, "mail.example.com:465"),
            ("MAIL.example.com.", MailSecurity::StartTls, "mail.example.com:587"),
            ("127.0.0.1", MailSecurity::Loopback, "127.0.0.1:25"),
            ("::1", MailSecurity::Loopback, "[::1]:25"),
            ("[::1]", MailSecurity::Insecure, "[::1]:25"),
        ] {
            assert_eq!(mailer(config(server, security)).unwrap().place().0, place);
        }
        for server in
            ["", "smtp://mail.example.com", "mail.example.com:25", "user@mail.example.com", "a b", "a/b"]
        {
            assert!(mailer(config(server, MailSecurity::Tls)).is_err(), "{server}");
        }
    }

    #[test]
    fn a_password_does_not_travel_in_the_clear() {
        let login = || MailLogin { user: "u".to_owned(), password: Secret::new("p".to_owned()) };
        for (security, good) in [
            (MailSecurity::Insecure, false),
            (MailSecurity::Loopback, true),
            (MailSecurity::StartTls, true),
            (MailSecurity::Tls, true),
        ] {
            let config = MailConfig { login: Some(login()), ..config("127.0.0.1", security) };
            assert_eq!(mailer(config).is_ok(), good, "{security:?}");
        }
    }

    #[tokio::test]
    async fn without_tls_mail_stays_on_this_machine() {
        let far = Resolver::fixed([("mail.example.com", vec!["192.0.2.1".parse().unwrap()])]);
        let mut config = config("mail.example.com", MailSecurity::Loopback);
        config.budgets.connect = Duration::from_millis(300);
        let mailer = Mailer::new(config, far, TlsRoots::Bundled).unwrap();
        let letter = MailLetter {
            to: EmailAddress::parse("anna@example.com").unwrap(),
            subject: MailName::new("s"),
            text: "t".to_owned(),
            html: "h".to_owned(),
            id: "mail_1".to_owned(),
            sent_at: 0,
        };
        assert!(mailer.send(&letter).await.is_err());
    }
}
