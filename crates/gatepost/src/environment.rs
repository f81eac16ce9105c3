//! The environment variables that Gatepost reads. This is the only place that reads any.
//!
//! Threat note. Defends against: a variable that is misspelt and therefore ignored in silence (near misses of the
//! known names are told at start). A master key given in a variable stays in the process's environment block, which
//! the kernel shows to root and, until the process is marked as not dumpable, to the same user: a file is better.

use std::ffi::OsString;
use std::path::PathBuf;

use gatepost_core::Secret;

use crate::config::nearest;
use crate::failure::{Failure, Result};

/// A variable, and what it is for; the reference in docs/configuration.md is written from this table.
pub struct Variable {
    pub name: &'static str,
    pub about: &'static str,
}

pub const CONFIG: &str = "GATEPOST_CONFIG";
pub const DATA_DIR: &str = "GATEPOST_DATA_DIR";
pub const LISTEN: &str = "GATEPOST_LISTEN";
pub const PUBLIC_URL: &str = "GATEPOST_PUBLIC_URL";
pub const METRICS_LISTEN: &str = "GATEPOST_METRICS_LISTEN";
pub const DATABASE_URL: &str = "GATEPOST_DATABASE_URL";
pub const DATABASE_OWNER_URL: &str = "GATEPOST_DATABASE_OWNER_URL";
pub const MASTER_KEY: &str = "GATEPOST_MASTER_KEY";
pub const MASTER_KEY_FILE: &str = "GATEPOST_MASTER_KEY_FILE";
pub const LOG: &str = "GATEPOST_LOG";
pub const LOG_FORMAT: &str = "GATEPOST_LOG_FORMAT";
pub const API_KEY: &str = "GATEPOST_API_KEY";
pub const URL: &str = "GATEPOST_URL";
pub const ENDPOINT_HEADERS: &str = "GATEPOST_ENDPOINT_HEADERS";

/// Every variable there is.
pub const VARIABLES: &[Variable] = &[
    Variable { name: CONFIG, about: "The configuration file." },
    Variable { name: DATA_DIR, about: "Overrides `data_dir`." },
    Variable { name: LISTEN, about: "Overrides `server.listen`." },
    Variable { name: PUBLIC_URL, about: "Overrides `server.public_url`." },
    Variable { name: METRICS_LISTEN, about: "Overrides `server.metrics_listen`." },
    Variable { name: DATABASE_URL, about: "Overrides `database.url`." },
    Variable { name: DATABASE_OWNER_URL, about: "Overrides `database.owner_url`." },
    Variable {
        name: MASTER_KEY,
        about: "The master key itself: 64 hex digits or the base64 of 32 bytes. Several, with commas between: the \
                first is in use, the others only read. Wins over every file. A file is better: a variable stays \
                readable for root in `/proc`.",
    },
    Variable { name: MASTER_KEY_FILE, about: "Overrides `vault.master_key_file`." },
    Variable {
        name: LOG,
        about: "Overrides `log.level`. A level (`error`, `warn`, `info`, `debug`, `trace`), or levels by part, such as \
                `info,gatepost_store=debug`. Libraries never say more than warnings, whatever this holds.",
    },
    Variable { name: LOG_FORMAT, about: "Overrides `log.format`." },
    Variable { name: API_KEY, about: "The API key that `send` and `listen` use." },
    Variable { name: URL, about: "The address that `send` and `listen` talk to." },
    Variable {
        name: ENDPOINT_HEADERS,
        about: "Headers for `endpoint add` and `endpoint update`, one `Name: value` a line: a way that leaves a \
                credential out of the shell's history.",
    },
];

/// Variables for the tests of the repository and its documents; known, so that they are not taken for typing errors.
const OTHERS: &[&str] =
    &["GATEPOST_UPDATE", "GATEPOST_TEST_REQUIRE_POSTGRES", "GATEPOST_TEST_POSTGRES_FSYNC"];

#[expect(clippy::disallowed_methods, reason = "the one place that reads variables")]
fn raw(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// A variable that must be text; one that is set and empty counts as not set.
pub fn text(name: &'static str) -> Result<Option<String>> {
    match raw(name).map(OsString::into_string) {
        None => Ok(None),
        Some(Ok(text)) if text.trim().is_empty() => Ok(None),
        Some(Ok(text)) => Ok(Some(text)),
        Some(Err(_)) => Err(Failure::usage(format!("{name} is not UTF-8 text"))),
    }
}

pub fn path(name: &'static str) -> Option<PathBuf> {
    raw(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The master key's variable; set and empty is not the same as not set, it is a mistake that must not make a new key.
pub fn master_key() -> Result<Option<Secret<String>>> {
    match raw(MASTER_KEY).map(OsString::into_string) {
        None => Ok(None),
        Some(Ok(text)) => Ok(Some(Secret::new(text))),
        Some(Err(_)) => Err(Failure::usage(format!("{MASTER_KEY} is not text, so it is no master key"))),
    }
}

/// Colours are not wanted (no-color.org).
pub fn no_color() -> bool {
    raw("NO_COLOR").is_some_and(|value| !value.is_empty()) || raw("TERM").is_some_and(|term| term == "dumb")
}

/// Where this user's data lies (XDG Base Directory Specification 0.8); `None` for a user without a home.
pub fn data_home() -> Option<PathBuf> {
    absolute("XDG_DATA_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
}

/// Where this user's configuration lies.
pub fn config_home() -> Option<PathBuf> {
    absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")))
}

/// The specification wants relative paths ignored.
fn absolute(name: &'static str) -> Option<PathBuf> {
    path(name).filter(|path| path.is_absolute())
}

/// Variables that look like a known one and are none, each with the one that was probably meant.
pub fn near_misses() -> Vec<(String, &'static str)> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut found: Vec<(String, &'static str)> = names
        .filter(|name| name.starts_with("GATEPOST_"))
        .filter(|name| !VARIABLES.iter().any(|v| v.name == name) && !OTHERS.contains(&name.as_str()))
        .filter_map(|name| {
            let meant = nearest(&name, VARIABLES.iter().map(|v| v.name))?;
            Some((name, meant))
        })
        .collect();
    found.sort();
    found
}
