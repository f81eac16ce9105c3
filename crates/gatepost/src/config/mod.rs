//! The configuration: a file, overridden by variables, overridden by flags. Everything has a default.

mod choices;
mod guard;
mod load;
mod mail;
mod reference;
mod secret_file;
mod spelling;
mod sso;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use gatepost_app::{LimitConfig, TokenTimes};
use gatepost_core::Secret;
use gatepost_core::access::SessionTimes;
use gatepost_core::limit::{Preset, Window};
use gatepost_net::EgressConfig;
use serde::Deserialize;

pub use guard::{Billing, Guard, billing_config, guard_config};
pub use load::{Overrides, Settings, load};
pub use mail::{Mail, mail_config};
pub use reference::markdown;
pub use spelling::nearest;
pub use sso::{Sso, sso_providers};

/// The file, section by section. [`reference::KEYS`] describes each key; a test holds the two together.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub data_dir: Option<PathBuf>,
    pub server: Server,
    pub operators: Operators,
    pub database: Database,
    pub vault: Vault,
    pub egress: EgressConfig,
    pub meta: Meta,
    pub webhooks: Webhooks,
    pub retention: Retention,
    pub audit: Audit,
    pub limits: Limits,
    pub mail: Mail,
    pub sso: Sso,
    pub workspaces: Workspaces,
    pub guard: Guard,
    pub billing: Billing,
    pub sessions: Sessions,
    pub log: Log,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// `None`: the default, which may give way to the next free port.
    pub listen: Option<SocketAddr>,
    pub public_url: Option<String>,
    pub tls_certificate: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    pub trusted_proxies: Vec<String>,
    pub forwarded_header: Option<ForwardedBy>,
    pub proxy_protocol: Option<bool>,
    pub metrics_listen: Option<MetricsListen>,
    pub threads: Option<usize>,
    pub drain_seconds: Option<u64>,
}

/// The header in which trusted proxies name the caller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedBy {
    #[default]
    XForwardedFor,
    Forwarded,
}

/// The operators' own listener.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Operators {
    pub listen: Option<MetricsListen>,
}

/// Where something is served that can be switched off: metrics, the operators' pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum MetricsListen {
    Off,
    At(SocketAddr),
}

impl TryFrom<String> for MetricsListen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        text.parse()
            .map(Self::At)
            .map_err(|_| format!("expected an address and port, or \"off\", not {text:?}"))
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// Holds a password, so it is never printed.
    pub url: Option<Secret<String>>,
    pub owner_url: Option<Secret<String>>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Vault {
    pub master_key_file: Option<PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Meta {
    pub base_url: Option<String>,
    pub base_urls: Option<Vec<String>>,
    pub management_calls_per_hour: Option<u32>,
    pub graph_version: Option<String>,
    pub pair_seconds: Option<u32>,
    pub pair_burst: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webhooks {
    pub retry_schedule: Option<Vec<u32>>,
    pub timeout_seconds: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    pub content_hours: Option<u32>,
    pub dead_letter_days: Option<u32>,
    pub log_days: Option<u32>,
    pub deleted_workspace_days: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    pub checkpoint_file: Option<PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    pub presets: Vec<LimitPreset>,
    pub keys: Option<String>,
    pub addresses: Option<String>,
    pub console: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitPreset {
    pub name: String,
    pub windows: Vec<Window>,
}

impl Limits {
    /// The presets as the application knows them.
    pub fn resolve(&self) -> Result<LimitConfig, String> {
        let own = self.presets.iter().map(|preset| Preset::new(&preset.name, preset.windows.clone()));
        let own = own.collect::<Result<_, _>>()?;
        let limits = LimitConfig::new(own, self.keys.as_deref(), self.addresses.as_deref())?;
        match &self.console {
            Some(name) => limits.with_console(name),
            None => Ok(limits),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Workspaces {
    pub self_service: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sessions {
    pub idle_minutes: Option<u32>,
    pub absolute_hours: Option<u32>,
    pub access_token_minutes: Option<u32>,
    pub refresh_token_hours: Option<u32>,
}

impl Sessions {
    /// How long people's sessions live.
    pub fn times(&self) -> SessionTimes {
        let usual = SessionTimes::default();
        SessionTimes {
            idle: self.idle_minutes.map_or(usual.idle, minutes),
            absolute: self.absolute_hours.map_or(usual.absolute, hours),
        }
    }

    /// How long access tokens and those that renew them live.
    pub fn tokens(&self) -> TokenTimes {
        let usual = TokenTimes::default();
        TokenTimes {
            access: self.access_token_minutes.map_or(usual.access, minutes),
            refresh: self.refresh_token_hours.map_or(usual.refresh, hours),
        }
    }
}

const fn minutes(count: u32) -> Duration {
    Duration::from_mins(count as u64)
}

const fn hours(count: u32) -> Duration {
    Duration::from_hours(count as u64)
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    pub level: Option<String>,
    pub format: Option<LogFormat>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}
