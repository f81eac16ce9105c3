//! Where the server is, and how much of it is used.

use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::tls::{Connector, Verify};
use crate::engine::error::{Error, Result};

/// How to reach a server. It opens `write_lanes + read_lanes + 1` connections (one more during a migration).
///
/// The URL is what libpq takes (`postgresql://user:password@host/database?sslmode=…`, or `key=value` words), with
/// `sslmode` one of `disable`, `prefer` (the default: TLS if the server has it, unverified), `require` (TLS, unverified),
/// `verify-ca` and `verify-full` (chain, and chain and name), and `sslrootcert` a PEM file to trust instead of the
/// machine's and the compiled-in roots. Use `verify-full` across any network that is not your own. Unix sockets are
/// never encrypted.
#[derive(Clone)]
pub struct PostgresOptions {
    /// Connection URL; holds a password, so it is never printed.
    pub url: String,
    /// Write connections among which workspaces are spread; at least 1. The system lane has one more.
    pub write_lanes: usize,
    /// Read connections; at least 1.
    pub read_lanes: usize,
    /// Closures in one physical transaction.
    pub batch: usize,
    /// Closures that may wait in one lane before its callers wait at the door.
    pub queue: usize,
    /// Limit for one closure; the server holds each statement to the same.
    pub closure_limit: Duration,
    /// How long closures wait for a lost server before they are answered that it is unavailable.
    pub outage_patience: Duration,
}

impl PostgresOptions {
    /// The defaults for a server shared by a few nodes.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            write_lanes: 4,
            read_lanes: 4,
            batch: 64,
            queue: 512,
            closure_limit: Duration::from_secs(10),
            outage_patience: Duration::from_secs(5),
        }
    }
}

/// Without the URL, which holds a password.
impl std::fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("write_lanes", &self.write_lanes)
            .field("read_lanes", &self.read_lanes)
            .finish_non_exhaustive()
    }
}

/// The parsed URL with its TLS settings.
pub(super) struct Target {
    pub(super) config: Config,
    pub(super) connector: Connector,
}

impl Target {
    pub(super) fn resolve(options: &PostgresOptions) -> Result<Self> {
        let (url, tls) = take_tls_settings(&options.url)?;
        // The parser's error may quote the text, and with it a password.
        let mut config: Config = url
            .parse()
            .map_err(|_| Error::other("the PostgreSQL URL is malformed (its text is not shown)"))?;
        let verify = match tls.mode.as_deref() {
            Some("disable") => None,
            None | Some("prefer" | "require") => Some(Verify::Nothing),
            Some("verify-ca") => Some(Verify::Chain),
            Some("verify-full") => Some(Verify::ChainAndName),
            Some(_) => {
                return Err(Error::other(
                    "sslmode must be disable, prefer, require, verify-ca or verify-full",
                ));
            }
        };
        let sockets_only = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        let verify = verify.filter(|_| !sockets_only);
        config.ssl_mode(match (verify, tls.mode.as_deref()) {
            (None, _) => SslMode::Disable,
            (Some(_), None | Some("prefer")) => SslMode::Prefer,
            (Some(_), _) => SslMode::Require,
        });
        config.application_name(config.get_application_name().unwrap_or("gatepost").to_owned());
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(3));
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(options.closure_limit);
        }
        let connector = Connector::new(verify, tls.root_certificates.as_deref())?;
        Ok(Self { config, connector })
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct TlsSettings {
    mode: Option<String>,
    root_certificates: Option<PathBuf>,
}

/// Takes `sslmode` and `sslrootcert` out of the URL: the driver knows only some of the modes and no root certificates.
fn take_tls_settings(url: &str) -> Result<(String, TlsSettings)> {
    let mut settings = TlsSettings::default();
    let mut take = |word: &str| -> Result<bool> {
        let Some((key, value)) = word.split_once('=') else { return Ok(false) };
        match key {
            "sslmode" => settings.mode = Some(value.to_owned()),
            "sslrootcert" => settings.root_certificates = Some(PathBuf::from(percent_decoded(value)?)),
            _ => return Ok(false),
        }
        Ok(true)
    };
    let mut rest = Vec::new();
    if url.starts_with("postgresql://") || url.starts_with("postgres://") {
        let Some((base, query)) = url.split_once('?') else { return Ok((url.to_owned(), settings)) };
        for word in query.split('&') {
            if !take(word)? {
                rest.push(word);
            }
        }
        let mark = if rest.is_empty() { "" } else { "?" };
        return Ok((format!("{base}{mark}{}", rest.join("&")), settings));
    }
    // `key=value` words: the two keys take plain values, anything else (quoting included) is the driver's to parse
    for word in url.split_inclusive(' ') {
        if !take(word.trim_end())? {
            rest.push(word);
        }
    }
    Ok((rest.concat(), settings))
}

fn percent_decoded(text: &str) -> Result<String> {
    let malformed = || Error::other("sslrootcert is malformed");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|b| char::from(b).to_digit(16));
        let (high, low) = (digit(rest.next()), digit(rest.next()));
        let (Some(high), Some(low)) = (high, low) else { return Err(malformed()) };
        bytes.push(u8::try_from(high * 16 + low).map_err(|_| malformed())?);
    }
    String::from_utf8(bytes).map_err(|_| malformed())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn target(url: &str) -> Result<Target> {
        Target::resolve(&PostgresOptions::new(url))
    }

    #[test]
    fn tls_settings_leave_the_url() {
        let (url, tls) =
            take_tls_settings("postgresql://u:p@h/d?sslmode=verify-full&x=1&sslrootcert=%2Fetc%2Fca.pem")
                .unwrap();
        assert_eq!(url, "postgresql://u:p@h/d?x=1");
        assert_eq!(tls.mode.as_deref(), Some("verify-full"));
        assert_eq!(tls.root_certificates, Some(PathBuf::from("/etc/ca.pem")));
        let (url, tls) = take_tls_settings("postgres://h/d?sslmode=disable").unwrap();
        assert_eq!((url.as_str(), tls.mode.as_deref()), ("postgres://h/d", Some("disable")));
        let (words, tls) = take_tls_settings("host=h sslmode=require user=u password='a b'").unwrap();
        assert_eq!((words.as_str(), tls.mode.as_deref()), ("host=h user=u password='a b'", Some("require")));
    }

    #[test]
    fn modes_mean_what_they_say() {
        let mode = |url: &str| target(url).map(|t| (t.config.get_ssl_mode(), t.connector.verify()));
        assert_eq!(mode("postgresql://h/d").unwrap(), (SslMode::Prefer, Some(Verify::Nothing)));
        assert_eq!(mode("postgresql://h/d?sslmode=disable").unwrap(), (SslMode::Disable, None));
        assert_eq!(
            mode("postgresql://h/d?sslmode=require").unwrap(),
            (SslMode::Require, Some(Verify::Nothing))
        );
        assert_eq!(
            mode("postgresql://h/d?sslmode=verify-ca").unwrap(),
            (SslMode::Require, Some(Verify::Chain))
        );
        assert_eq!(
            mode("postgresql://h/d?sslmode=verify-full").unwrap(),
            (SslMode::Require, Some(Verify::ChainAndName))
        );
        assert_eq!(mode("postgresql://u@%2Ftmp%2Fs/d").unwrap(), (SslMode::Disable, None));
        assert!(target("postgresql://h/d?sslmode=maybe").is_err());
    }

    #[test]
    fn a_malformed_url_is_refused_without_its_text() {
        let error = target("postgresql://u:hunter2@h:notaport/d").err().unwrap();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        let shown = format!("{:?}", PostgresOptions::new("postgresql://u:hunter2@h/d"));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
