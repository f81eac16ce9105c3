//! Finding the file, reading it, and laying variables and flags over it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use gatepost_channels::cloud::MANAGEMENT_CALLS_PER_HOUR_MAX as MANAGEMENT_CALLS_MAX;
use gatepost_core::Secret;
use gatepost_core::endpoint::RetrySchedule;

use super::reference::KEYS;
use super::{Config, LogFormat, MetricsListen, guard_config, mail_config, nearest, sso_providers};
use crate::environment as env;
use crate::failure::{Failure, Result};

/// Longest time that a webhook's receiver has, in seconds: a claimed job's lease must outlast it.
const WEBHOOK_TIMEOUT_MAX: u64 = 30;
/// A week without a request, in minutes.
const SESSION_IDLE_MAX: u32 = 7 * 24 * 60;
/// Thirty days altogether, in hours.
const SESSION_HOURS_MAX: u32 = 30 * 24;
/// An hour: what opens without being looked up should not live long.
const ACCESS_TOKEN_MAX: u32 = 60;
/// Ninety days, in hours.
const REFRESH_TOKEN_MAX: u32 = 90 * 24;
/// What holds for `retention.log_days` and `retention.dead_letter_days` where they are left out.
const RETENTION_DAYS: u32 = 30;

/// What flags say.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    pub config: Option<PathBuf>,
    pub data_dir: Option<PathBuf>,
    pub listen: Option<SocketAddr>,
    pub public_url: Option<String>,
}

/// The configuration as it holds.
pub struct Settings {
    /// The file it was read from, if any.
    pub file: Option<PathBuf>,
    pub data_dir: PathBuf,
    pub config: Config,
    /// Whether a master key in the environment counts.
    pub environment: bool,
}

impl Settings {
    /// Everything by default, in `data_dir`, whatever the environment says; what the demo runs with.
    pub fn fresh(data_dir: PathBuf) -> Self {
        Self { file: None, data_dir, config: Config::default(), environment: false }
    }
}

/// Reads the configuration.
pub fn load(overrides: &Overrides) -> Result<Settings> {
    let file = match overrides.config.clone().or_else(|| env::path(env::CONFIG)) {
        Some(named) => Some(named),
        None => usual_places().into_iter().find(|place| place.is_file()),
    };
    let mut config = match &file {
        None => Config::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                Failure::usage(format!("the configuration file {} cannot be read: {error}", path.display()))
            })?;
            parse(path, &text)?
        }
    };
    apply_variables(&mut config)?;
    if let Some(listen) = overrides.listen {
        config.server.listen = Some(listen);
    }
    if let Some(url) = &overrides.public_url {
        config.server.public_url = Some(url.clone());
    }
    if let Some(dir) = &overrides.data_dir {
        config.data_dir = Some(dir.clone());
    }
    let data_dir = config.data_dir.clone().unwrap_or_else(|| {
        env::data_home().map_or_else(|| PathBuf::from("gatepost-data"), |home| home.join("gatepost"))
    });
    check(&config)?;
    Ok(Settings { file, data_dir, config, environment: true })
}

fn usual_places() -> Vec<PathBuf> {
    let mut places = vec![PathBuf::from("gatepost.toml")];
    places.extend(env::config_home().map(|home| home.join("gatepost/gatepost.toml")));
    places.push(PathBuf::from("/etc/gatepost/gatepost.toml"));
    places
}

/// Reads the text of a file; every key that does not exist is named, with the one that was probably meant.
pub fn parse(path: &Path, text: &str) -> Result<Config> {
    let fail = |what: String| Failure::usage(format!("{}: {what}", path.display()));
    // The parser shows the line with the mistake, which may hold a password: only its own words and place are told.
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        fail(format!("{}{}", error.message(), place(text, error.span())))
    })?;
    let mut unknown = Vec::new();
    find_unknown("", &table, &mut unknown);
    if !unknown.is_empty() {
        let hint = "docs/configuration.md lists every key; `gatepost doctor` checks a configuration";
        return Err(fail(unknown.join("; ")).hint(hint));
    }
    toml::from_str(text)
        .map_err(|error: toml::de::Error| fail(format!("{}{}", error.message(), place(text, error.span()))))
}

fn place(text: &str, span: Option<std::ops::Range<usize>>) -> String {
    let Some(before) = span.and_then(|span| text.get(..span.start)) else { return String::new() };
    let line = before.matches('\n').count() + 1;
    let key = text.lines().nth(line - 1).and_then(|l| l.split_once('=')).map(|(key, _)| key.trim());
    match key {
        Some(key) => format!(" (line {line}, {key})"),
        None => format!(" (line {line})"),
    }
}

fn find_unknown(prefix: &str, table: &toml::Table, unknown: &mut Vec<String>) {
    for (name, value) in table {
        let path = format!("{prefix}{name}");
        let section = format!("{path}.");
        let is_key = KEYS.iter().any(|key| key.path == path);
        let is_section = KEYS.iter().any(|key| key.path.starts_with(&section));
        match value {
            toml::Value::Table(inner) if is_section => find_unknown(&section, inner, unknown),
            toml::Value::Array(entries) if is_key => {
                let entry = format!("{path}[].");
                for inner in entries.iter().filter_map(toml::Value::as_table) {
                    find_unknown(&entry, inner, unknown);
                }
            }
            _ if is_key || is_section => {}
            _ => unknown.push(unknown_key(prefix, name)),
        }
    }
}

fn unknown_key(prefix: &str, name: &str) -> String {
    let path = format!("{prefix}{name}");
    let sections = KEYS.iter().filter_map(|key| key.path.split_once('.')).map(|(section, _)| section);
    let here = KEYS.iter().filter_map(|key| key.path.strip_prefix(prefix)).filter(|rest| !rest.contains('.'));
    let meant = nearest(
        name,
        here.chain(if prefix.is_empty() { Some(sections) } else { None }.into_iter().flatten()),
    )
    .map(|near| format!("{prefix}{near}"))
    // The right name in the wrong section.
    .or_else(|| {
        KEYS.iter().find(|key| key.path.rsplit('.').next() == Some(name)).map(|key| key.path.to_owned())
    });
    match meant {
        Some(meant) => format!("unknown key `{path}`, did you mean `{meant}`?"),
        None => format!("unknown key `{path}`"),
    }
}

fn apply_variables(config: &mut Config) -> Result<()> {
    if let Some(dir) = env::path(env::DATA_DIR) {
        config.data_dir = Some(dir);
    }
    if let Some(text) = env::text(env::LISTEN)? {
        config.server.listen = Some(text.parse().map_err(|_| {
            Failure::usage(format!("{}: expected an address and port such as 127.0.0.1:8080", env::LISTEN))
        })?);
    }
    if let Some(url) = env::text(env::PUBLIC_URL)? {
        config.server.public_url = Some(url);
    }
    if let Some(text) = env::text(env::METRICS_LISTEN)? {
        let listen = MetricsListen::try_from(text);
        config.server.metrics_listen =
            Some(listen.map_err(|why| Failure::usage(format!("{}: {why}", env::METRICS_LISTEN)))?);
    }
    if let Some(url) = env::text(env::DATABASE_URL)? {
        config.database.url = Some(Secret::new(url));
    }
    if let Some(url) = env::text(env::DATABASE_OWNER_URL)? {
        config.database.owner_url = Some(Secret::new(url));
    }
    if let Some(file) = env::path(env::MASTER_KEY_FILE) {
        config.vault.master_key_file = Some(file);
    }
    if let Some(level) = env::text(env::LOG)? {
        config.log.level = Some(level);
    }
    if let Some(format) = env::text(env::LOG_FORMAT)? {
        config.log.format = Some(match format.as_str() {
            "text" => LogFormat::Text,
            "json" => LogFormat::Json,
            _ => return Err(Failure::usage(format!("{}: expected text or json", env::LOG_FORMAT))),
        });
    }
    Ok(())
}

/// What no single value shows.
fn check(config: &Config) -> Result<()> {
    let server = &config.server;
    if server.tls_certificate.is_some() != server.tls_key.is_some() {
        return Err(Failure::usage(
            "server.tls_certificate and server.tls_key belong together: give both or none",
        ));
    }
    let more = config.meta.base_urls.iter().flatten().map(|url| ("meta.base_urls", url.as_str()));
    let urls = [("server.public_url", &server.public_url), ("meta.base_url", &config.meta.base_url)]
        .into_iter()
        .filter_map(|(key, url)| Some((key, url.as_deref()?)));
    for (key, url) in urls.chain(more) {
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let good = rest.is_some_and(|rest| {
            !rest.is_empty() && !rest.starts_with('/') && !rest.contains(['?', '#', '@', ' '])
        });
        if !good {
            return Err(Failure::usage(format!(
                "{key}: expected a URL such as https://gatepost.example.com"
            )));
        }
    }
    for (key, url) in
        [("database.url", &config.database.url), ("database.owner_url", &config.database.owner_url)]
    {
        let postgres = url.as_ref().is_none_or(|url| {
            let url = url.expose();
            url.starts_with("postgresql://") || url.starts_with("postgres://") || url.contains('=')
        });
        if !postgres {
            return Err(Failure::usage(format!("{key}: expected postgresql://… (leave it out for SQLite)")));
        }
    }
    if config.meta.management_calls_per_hour.is_some_and(|calls| !(1..=MANAGEMENT_CALLS_MAX).contains(&calls))
    {
        return Err(Failure::usage(format!(
            "meta.management_calls_per_hour: expected 1 to {MANAGEMENT_CALLS_MAX}"
        )));
    }
    if let Some(Err(why)) = config.webhooks.retry_schedule.clone().map(RetrySchedule::new) {
        return Err(Failure::usage(format!("webhooks.retry_schedule: {why}")));
    }
    if config.webhooks.timeout_seconds.is_some_and(|seconds| !(1..=WEBHOOK_TIMEOUT_MAX).contains(&seconds)) {
        return Err(Failure::usage(format!("webhooks.timeout_seconds: expected 1 to {WEBHOOK_TIMEOUT_MAX}")));
    }
    mail_config(&config.mail)?;
    config.limits.resolve().map_err(|why| Failure::usage(format!("limits: {why}")))?;
    sso_providers(&config.sso)?;
    guard_config(&config.guard)?;
    for (key, chosen, most) in [
        ("sessions.idle_minutes", config.sessions.idle_minutes, SESSION_IDLE_MAX),
        ("sessions.absolute_hours", config.sessions.absolute_hours, SESSION_HOURS_MAX),
        ("sessions.access_token_minutes", config.sessions.access_token_minutes, ACCESS_TOKEN_MAX),
        ("sessions.refresh_token_hours", config.sessions.refresh_token_hours, REFRESH_TOKEN_MAX),
    ] {
        if chosen.is_some_and(|chosen| !(1..=most).contains(&chosen)) {
            return Err(Failure::usage(format!("{key}: expected 1 to {most}")));
        }
    }
    if server.proxy_protocol == Some(true) && server.trusted_proxies.is_empty() {
        return Err(Failure::usage("server.proxy_protocol: no proxy is named")
            .hint("name those that write the header in server.trusted_proxies"));
    }
    if config.retention.content_hours == Some(0) {
        return Err(Failure::usage("retention.content_hours: expected at least 1"));
    }
    let days = |chosen: Option<u32>| chosen.unwrap_or(RETENTION_DAYS);
    let (dead, log) = (days(config.retention.dead_letter_days), days(config.retention.log_days));
    if config.retention.log_days == Some(0)
        || config.retention.content_hours.unwrap_or(0) > log.saturating_mul(24)
    {
        return Err(Failure::usage(
            "retention.log_days: expected at least 1, and no less than retention.content_hours",
        ));
    }
    if dead > log {
        return Err(Failure::usage("retention.dead_letter_days: expected no more than retention.log_days"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn refused(text: &str) -> String {
        parse(Path::new("gatepost.toml"), text).err().unwrap().to_string()
    }

    #[test]
    fn misspelt_keys_are_named_with_the_nearest_known_one() {
        for (text, path, meant) in [
            ("[server]\nlisen = \"127.0.0.1:1\"", "server.lisen", "server.listen"),
            ("[sever]\nlisten = \"127.0.0.1:1\"", "sever", "server"),
            ("data_dri = \"/x\"", "data_dri", "data_dir"),
            ("listen = \"127.0.0.1:1\"", "listen", "server.listen"),
            (
                "[egress]\nexceptions = [{ host = \"a\", prot = 1 }]",
                "egress.exceptions[].prot",
                "egress.exceptions[].port",
            ),
        ] {
            let said = refused(text);
            assert!(said.contains(&format!("unknown key `{path}`, did you mean `{meant}`?")), "{said}");
        }
        assert!(refused("[server]\ncolour = 1").contains("unknown key `server.colour`"));
    }

    #[test]
    fn every_unknown_key_is_named_at_once() {
        let said = refused("[server]\nlisen = 1\n[log]\nfromat = 2");
        assert!(said.contains("server.lisen") && said.contains("log.fromat"), "{said}");
    }

    #[test]
    fn a_mistake_in_a_line_with_a_password_does_not_show_it() {
        for text in [
            "[database]\nurl = \"postgresql://u:hunter2@h/d",
            "[database]\nurl = [\"postgresql://u:hunter2@h/d\"]",
            "[database]\nurl = postgresql://u:hunter2@h/d",
        ] {
            let said = refused(text);
            assert!(!said.contains("hunter2"), "{said}");
            assert!(said.contains("line 2"), "{said}");
        }
    }
}
