//! A mail server on loopback: takes mails and keeps them, or refuses, stalls and lies as a test wants it to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatepost_core::{EmailAddress, Secret};
use gatepost_net::{MailBudgets, MailConfig, MailLogin, MailName, MailSecurity, Mailer, Resolver, TlsRoots};
use rcgen::CertifiedKey;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::received_mail::ReceivedMail;

/// The name in the server's certificate.
pub const MAIL_HOST: &str = "mail.example.com";

/// What the server offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailOffer {
    Plain,
    StartTls,
    ImplicitTls,
    /// Offers STARTTLS and says something more in the same breath, before the handshake.
    StartTlsInjected,
}

#[derive(Default)]
struct State {
    mails: Vec<ReceivedMail>,
    /// Commands as they came, with the content of mails and the credentials left out.
    heard: Vec<String>,
    /// Next answers to a command (`RCPT`, `.` for the end of a mail): the first is used up first.
    answers: BTreeMap<String, Vec<String>>,
    /// Answered like that always.
    always: BTreeMap<String, String>,
    /// Commands that get no answer; `.` is the end of a mail.
    stalls: Vec<String>,
    /// Takes the mail and closes without a word.
    cuts: bool,
    login: Option<(String, String)>,
    connections: usize,
}

/// The server.
#[derive(Clone)]
pub struct MailServer {
    pub address: SocketAddr,
    offer: MailOffer,
    certificate: CertificateDer<'static>,
    state: Arc<Mutex<State>>,
}

impl MailServer {
    /// One that offers nothing and takes everything.
    ///
    /// # Panics
    /// When there is no port to be had.
    pub async fn start() -> Self {
        Self::offering(MailOffer::Plain).await
    }

    /// # Panics
    /// When there is no port to be had.
    pub async fn offering(offer: MailOffer) -> Self {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(vec![MAIL_HOST.to_owned()]).expect("a certificate");
        let certificate = cert.der().clone();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .expect("a certificate");
        let tls = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State::default()));
        let server = Self { address, offer, certificate, state };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (server, tls) = (serving.clone(), tls.clone());
                server.state().connections += 1;
                tokio::spawn(async move { server.serve(stream, tls).await });
            }
        });
        server
    }

    /// From now on wants user and password.
    pub fn want_login(&self, user: &str, password: &str) {
        self.state().login = Some((user.to_owned(), password.to_owned()));
    }

    /// The next answers to a command, first to last; then the usual ones again. `.` stands for the end of a mail.
    pub fn answer(&self, command: &str, answers: &[&str]) {
        let answers = answers.iter().rev().map(|a| (*a).to_owned()).collect();
        self.state().answers.insert(command.to_owned(), answers);
    }

    /// Every answer to a command from now on; an empty one brings the usual answers back.
    pub fn answer_always(&self, command: &str, answer: &str) {
        let mut state = self.state();
        if answer.is_empty() {
            state.always.remove(command);
        } else {
            state.always.insert(command.to_owned(), answer.to_owned());
        }
    }

    /// From now on this command gets no answer.
    pub fn stall(&self, command: &str) {
        self.state().stalls.push(command.to_owned());
    }

    /// From now on takes mails and closes the connection without saying so, or no longer.
    pub fn cut_after_mails(&self, cuts: bool) {
        self.state().cuts = cuts;
    }

    pub fn mails(&self) -> Vec<ReceivedMail> {
        self.state().mails.clone()
    }

    /// Mails to one address.
    pub fn mails_to(&self, address: &str) -> Vec<ReceivedMail> {
        self.mails().into_iter().filter(|mail| mail.to == [address]).collect()
    }

    /// Waits for the first mail to an address whose subject contains `subject`.
    ///
    /// # Panics
    /// When none comes.
    pub async fn mail_to(&self, address: &str, subject: &str) -> ReceivedMail {
        let what = format!("a mail to {address} about {subject}");
        crate::eventually(&what, async || {
            self.mails_to(address).into_iter().rev().find(|mail| mail.subject().contains(subject))
        })
        .await
    }

    /// Commands as they came; credentials and contents are left out.
    pub fn heard(&self) -> Vec<String> {
        self.state().heard.clone()
    }

    pub fn connections(&self) -> usize {
        self.state().connections
    }

    /// A configuration that fits this server.
    ///
    /// # Panics
    /// Never: the addresses are good ones.
    pub fn config(&self) -> MailConfig {
        let security = match self.offer {
            MailOffer::Plain => MailSecurity::Loopback,
            MailOffer::ImplicitTls => MailSecurity::Tls,
            MailOffer::StartTls | MailOffer::StartTlsInjected => MailSecurity::StartTls,
        };
        let login = self.state().login.clone();
        MailConfig {
            server: MAIL_HOST.to_owned(),
            port: Some(self.address.port()),
            security,
            login: login.map(|(user, password)| MailLogin { user, password: Secret::new(password) }),
            from: EmailAddress::parse("noreply@example.com").expect("an address"),
            from_name: Some(MailName::new("Gatepost")),
            reply_to: None,
            budgets: MailBudgets::default(),
        }
    }

    /// A way out to this server, that trusts its certificate.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn mailer(&self) -> Mailer {
        self.mailer_with(self.config())
    }

    /// [`MailServer::mailer`] with a configuration of the test's.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn mailer_with(&self, config: MailConfig) -> Mailer {
        let resolver = Resolver::fixed([(MAIL_HOST, vec![self.address.ip()])]);
        Mailer::new(config, resolver, TlsRoots::Only(vec![self.certificate.clone()])).expect("a mailer")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(&self, stream: TcpStream, tls: TlsAcceptor) {
        if self.offer == MailOffer::ImplicitTls {
            if let Ok(stream) = tls.accept(stream).await {
                self.converse(stream, true, None).await;
            }
            return;
        }
        let offered = (self.offer != MailOffer::Plain).then_some(&tls);
        let Some(stream) = self.converse(stream, false, offered).await else { return };
        if let Ok(stream) = tls.accept(stream).await {
            self.converse(stream, true, None).await;
        }
    }

    /// The answer that a test wants, in the place of `usual`. `None`: there is none.
    fn reply(&self, command: &str, usual: &str) -> Option<String> {
        let mut state = self.state();
        if state.stalls.iter().any(|stalled| stalled == command) {
            return None;
        }
        let next = state.answers.get_mut(command).and_then(Vec::pop);
        Some(next.or_else(|| state.always.get(command).cloned()).unwrap_or_else(|| usual.to_owned()))
    }

    /// Speaks SMTP until the end; gives the connection back where TLS is to begin on it.
    async fn converse<S>(&self, stream: S, encrypted: bool, starttls: Option<&TlsAcceptor>) -> Option<S>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut stream = BufReader::new(stream);
        let mut mail = ReceivedMail { encrypted, ..ReceivedMail::default() };
        if !encrypted || self.offer == MailOffer::ImplicitTls {
            let greeting = self.reply("CONNECT", "220 mail.example.com ESMTP")?;
            say(&mut stream, &greeting).await?;
        }
        loop {
            let line = hear(&mut stream).await?;
            let command = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            let shown = if command == "AUTH" { "AUTH".to_owned() } else { line.clone() };
            self.state().heard.push(shown);
            let Some(answer) = self.reply(&command, "") else { return std::future::pending().await };
            if !answer.is_empty() {
                say(&mut stream, &answer).await?;
                continue;
            }
            let login = self.state().login.clone();
            let usual = match command.as_str() {
                "EHLO" => {
                    let mut lines = vec!["250-mail.example.com".to_owned()];
                    if starttls.is_some() {
                        lines.push("250-STARTTLS".to_owned());
                    }
                    if login.is_some() {
                        lines.push("250-AUTH PLAIN LOGIN".to_owned());
                    }
                    lines.push("250 8BITMIME".to_owned());
                    lines.join("\r\n")
                }
                "STARTTLS" if starttls.is_some() => {
                    let more = "250-mail.example.com\r\n250 AUTH PLAIN\r\n";
                    let injected = self.offer == MailOffer::StartTlsInjected;
                    let words = if injected {
                        format!("220 go ahead\r\n{more}")
                    } else {
                        "220 go ahead\r\n".to_owned()
                    };
                    stream.get_mut().write_all(words.as_bytes()).await.ok()?;
                    return Some(stream.into_inner());
                }
                "AUTH" if login.as_ref().is_some_and(|login| line.ends_with(&plain(login))) => {
                    mail.user = self.state().login.clone().map(|(user, _)| user);
                    "235 welcome".to_owned()
                }
                "AUTH" => "535 5.7.8 authentication failed".to_owned(),
                "MAIL" if login.is_some() && mail.user.is_none() => {
                    "530 5.7.0 authentication required".to_owned()
                }
                "MAIL" => {
                    mail.from = bracketed(&line);
                    "250 2.1.0 ok".to_owned()
                }
                "RCPT" => {
                    mail.to.push(bracketed(&line));
                    "250 2.1.5 ok".to_owned()
                }
                "DATA" => {
                    say(&mut stream, "354 go on").await?;
                    mail.raw = content(&mut stream).await?;
                    let answer = self.reply(".", "250 2.0.0 queued as 1")?;
                    if answer.starts_with('2') {
                        let user = mail.user.clone();
                        self.state().mails.push(std::mem::take(&mut mail));
                        (mail.encrypted, mail.user) = (encrypted, user);
                    }
                    if self.state().cuts {
                        return None;
                    }
                    answer
                }
                "QUIT" => {
                    say(&mut stream, "221 bye").await?;
                    return None;
                }
                _ => "502 what?".to_owned(),
            };
            say(&mut stream, &usual).await?;
        }
    }
}

fn plain((user, password): &(String, String)) -> String {
    STANDARD.encode(format!("\0{user}\0{password}"))
}

fn bracketed(line: &str) -> String {
    let inner = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map(|(inner, _)| inner.to_owned()).unwrap_or_default()
}

async fn say<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>, words: &str) -> Option<()> {
    stream.get_mut().write_all(format!("{words}\r\n").as_bytes()).await.ok()?;
    stream.get_mut().flush().await.ok()
}

async fn hear<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut line = String::new();
    let count = stream.read_line(&mut line).await.ok()?;
    (count > 0).then(|| line.trim_end().to_owned())
}

/// The mail until its lone dot, unstuffed.
async fn content<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut mail = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if line == ".\r\n" {
            return Some(mail);
        }
        mail.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
