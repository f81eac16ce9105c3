//! Handing one mail to a mail server, over real sockets.

use std::time::Duration;

use gatepost_core::{EmailAddress, Secret};
use gatepost_net::{
    MailConfig, MailError, MailFault, MailLetter, MailLogin, MailName, MailSecurity, MailStage, Mailer,
    Resolver, TlsRoots,
};
use gatepost_testkit::{MAIL_HOST, MailOffer, MailServer};

fn letter() -> MailLetter {
    MailLetter {
        to: EmailAddress::parse("anna@example.com").unwrap(),
        subject: MailName::new("Einladung zu “Büro & Söhne”\r\nBcc: eve@evil.example"),
        text: "Grüße,\n.\n..\nhttps://gatepost.example.com/reset/abc\n".to_owned(),
        html: "<p>Grüße</p>\n".to_owned(),
        id: "mail_01kagq5rh8e5htqh9sk95d3x4w".to_owned(),
        sent_at: 1_795_000_000,
    }
}

async fn refusal(mailer: &Mailer) -> MailError {
    mailer.send(&letter()).await.unwrap_err()
}

/// A configuration that gives up soon, for servers that stall.
fn brief(server: &MailServer) -> MailConfig {
    let mut config = server.config();
    (config.budgets.connect, config.budgets.total) = (Duration::from_millis(500), Duration::from_millis(900));
    config
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_written() {
    for offer in [MailOffer::Plain, MailOffer::StartTls, MailOffer::ImplicitTls] {
        let server = MailServer::offering(offer).await;
        server.want_login("gatepost", "correct horse");
        let receipt = server.mailer().send(&letter()).await.unwrap();
        assert_eq!(receipt, "2.0.0 queued as 1", "{offer:?}");
        let [mail] = &server.mails()[..] else { unreachable!("one mail") };
        assert_eq!(
            (mail.from.as_str(), mail.to.as_slice()),
            ("noreply@example.com", &["anna@example.com".to_owned()][..])
        );
        assert_eq!(mail.encrypted, offer != MailOffer::Plain);
        assert_eq!(mail.user.as_deref(), Some("gatepost"));
        assert_eq!(mail.subject(), "Einladung zu “Büro & Söhne” Bcc: eve@evil.example");
        assert_eq!(mail.text().trim_end(), letter().text.trim_end());
        assert_eq!(mail.html().trim_end(), "<p>Grüße</p>");
        assert_eq!(mail.link(), "https://gatepost.example.com/reset/abc");
        assert_eq!(mail.header("Message-ID").unwrap(), "<mail_01kagq5rh8e5htqh9sk95d3x4w@example.com>");
        assert_eq!(mail.header("From").unwrap(), "Gatepost <noreply@example.com>");
        assert_eq!(mail.header("Auto-Submitted").unwrap(), "auto-generated");
        assert_eq!(mail.header("Date").unwrap(), "Wed, 18 Nov 2026 11:06:40 +0000");
        assert!(!mail.header_names().iter().any(|name| name.eq_ignore_ascii_case("bcc")));
        assert!(mail.raw.is_ascii() && mail.raw.lines().all(|line| line.len() < 998), "{}", mail.raw);
    }
}

#[tokio::test]
async fn nothing_is_said_before_tls_that_matters() {
    let server = MailServer::offering(MailOffer::StartTls).await;
    server.want_login("gatepost", "correct horse");
    server.mailer().send(&letter()).await.unwrap();
    assert_eq!(
        server.heard()[..5],
        ["EHLO example.com", "STARTTLS", "EHLO example.com", "AUTH", "MAIL FROM:<noreply@example.com>"]
    );
}

#[tokio::test]
async fn starttls_is_required_and_takes_no_words_from_before() {
    // The offer was taken away.
    let stripped = MailServer::start().await;
    let config = MailConfig { security: MailSecurity::StartTls, ..stripped.config() };
    let error = refusal(&stripped.mailer_with(config)).await;
    assert_eq!((error.fault, error.stage), (MailFault::Misconfigured, MailStage::Connect), "{error}");
    // Words that would count after the handshake.
    let injected = MailServer::offering(MailOffer::StartTlsInjected).await;
    let error = refusal(&injected.mailer()).await;
    assert_eq!((error.fault, error.stage), (MailFault::TryAgain, MailStage::Connect), "{error}");
    for server in [stripped, injected] {
        assert!(server.mails().is_empty());
        assert!(!server.heard().iter().any(|line| line.starts_with("MAIL") || line == "AUTH"));
    }
}

#[tokio::test]
async fn a_certificate_must_be_right() {
    for offer in [MailOffer::StartTls, MailOffer::ImplicitTls] {
        let server = MailServer::offering(offer).await;
        server.want_login("gatepost", "correct horse");
        let there = |name: &str| Resolver::fixed([(name.to_owned(), vec![server.address.ip()])]);
        // Nobody vouches for it.
        let unknown = Mailer::new(server.config(), there(MAIL_HOST), TlsRoots::Bundled).unwrap();
        assert_eq!(refusal(&unknown).await.fault, MailFault::Misconfigured);
        // It is another's.
        let other = MailConfig { server: "other.example.com".to_owned(), ..server.config() };
        let other = Mailer::new(other, there("other.example.com"), TlsRoots::Bundled).unwrap();
        assert_eq!(refusal(&other).await.fault, MailFault::Misconfigured);
        assert!(server.mails().is_empty() && !server.heard().contains(&"AUTH".to_owned()));
    }
}

#[tokio::test]
async fn each_answer_means_what_it_says() {
    use MailFault::{Misconfigured, Refused, TryAgain};
    for (command, answer, fault, stage) in [
        ("CONNECT", "554 no service", Misconfigured, MailStage::Connect),
        ("CONNECT", "421 too busy", TryAgain, MailStage::Connect),
        ("EHLO", "550 go away", Misconfigured, MailStage::Connect),
        ("AUTH", "535 5.7.8 bad credentials", Misconfigured, MailStage::Login),
        ("AUTH", "454 4.7.0 temporary", TryAgain, MailStage::Login),
        ("MAIL", "550 5.7.1 not your address", Misconfigured, MailStage::Sender),
        ("MAIL", "451 4.3.0 later", TryAgain, MailStage::Sender),
        ("MAIL", "530 5.7.0 log in", Misconfigured, MailStage::Sender),
        ("RCPT", "550 5.1.1 no such user: anna@example.com", Refused, MailStage::Recipient),
        ("RCPT", "450 4.2.1 greylisted", TryAgain, MailStage::Recipient),
        ("RCPT", "452 4.2.2 full", TryAgain, MailStage::Recipient),
        ("DATA", "554 5.7.1 spam", Refused, MailStage::Content),
        (".", "552 5.3.4 too big", Refused, MailStage::Content),
        (".", "421 4.3.2 shutting down", TryAgain, MailStage::Content),
        (".", "nonsense", TryAgain, MailStage::Content),
    ] {
        let server = MailServer::start().await;
        server.want_login("gatepost", "correct horse");
        server.answer(command, &[answer]);
        let error = refusal(&server.mailer()).await;
        assert_eq!((error.fault, error.stage), (fault, stage), "{command} {answer}: {error:?}");
        assert!(!error.to_string().contains("anna"), "the error's own text names nobody: {error}");
        let said = error.said.unwrap_or_default();
        assert!(answer == "nonsense" || answer.ends_with(&said) && !said.is_empty(), "{answer}: {said}");
        assert!(server.mails().is_empty());
        assert!(server.mailer().send(&letter()).await.is_ok(), "the next one goes through");
    }
}

#[tokio::test]
async fn a_wrong_password_and_a_missing_one_are_told_apart_from_bad_luck() {
    let server = MailServer::offering(MailOffer::ImplicitTls).await;
    server.want_login("gatepost", "correct horse");
    let login = |password: &str| {
        Some(MailLogin { user: "gatepost".to_owned(), password: Secret::new(password.to_owned()) })
    };
    for login in [login("wrong horse"), None] {
        let error = refusal(&server.mailer_with(MailConfig { login, ..server.config() })).await;
        assert_eq!(error.fault, MailFault::Misconfigured, "{error}");
    }
    // A server that knows no way to log in.
    let open = MailServer::offering(MailOffer::ImplicitTls).await;
    let error = refusal(&open.mailer_with(MailConfig { login: login("p"), ..open.config() })).await;
    assert_eq!((error.fault, error.stage), (MailFault::Misconfigured, MailStage::Login));
}

#[tokio::test]
async fn a_server_that_stalls_costs_no_more_than_the_budget() {
    for (command, stage) in [
        ("CONNECT", MailStage::Connect),
        ("EHLO", MailStage::Connect),
        ("MAIL", MailStage::Sender),
        ("RCPT", MailStage::Recipient),
        (".", MailStage::Content),
    ] {
        let server = MailServer::start().await;
        server.stall(command);
        let started = std::time::Instant::now();
        let error = refusal(&server.mailer_with(brief(&server))).await;
        assert_eq!((error.fault, error.stage), (MailFault::TryAgain, stage), "{command}: {error}");
        assert!(started.elapsed() < Duration::from_secs(5), "{command}");
    }
    // Silence instead of a handshake.
    let server = MailServer::start().await;
    let config = MailConfig { security: MailSecurity::Tls, ..brief(&server) };
    server.stall("CONNECT");
    assert_eq!(refusal(&server.mailer_with(config)).await.fault, MailFault::TryAgain);
}

#[tokio::test]
async fn a_cut_after_the_mail_is_a_doubt() {
    let server = MailServer::start().await;
    server.cut_after_mails(true);
    let error = refusal(&server.mailer()).await;
    assert_eq!((error.fault, error.stage), (MailFault::TryAgain, MailStage::Content));
    assert_eq!(server.mails().len(), 1, "it did arrive");
}

#[tokio::test]
async fn nobody_at_home_is_bad_luck_and_no_such_name_a_mistake() {
    let server = MailServer::start().await;
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let closed = MailConfig { port: Some(gone), ..brief(&server) };
    assert_eq!(refusal(&server.mailer_with(closed)).await.fault, MailFault::TryAgain);
    let unknown = MailConfig { server: "nobody.example.com".to_owned(), ..brief(&server) };
    assert_eq!(refusal(&server.mailer_with(unknown)).await.fault, MailFault::Misconfigured);
}

/// What the server says is cut, and does nothing to a terminal.
#[tokio::test]
async fn a_servers_words_are_inert() {
    let server = MailServer::start().await;
    server.answer("RCPT", &[&format!("550 \u{1b}[2J{}", "x".repeat(900))]);
    let error = refusal(&server.mailer()).await;
    let said = error.said.unwrap();
    assert!(said.chars().count() <= 300 && !said.contains('\u{1b}'), "{said}");
}
