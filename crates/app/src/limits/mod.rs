//! How fast callers may be: presets of exact sliding windows, for keys, for workspaces as a whole, and for addresses that
//! present nothing valid.
//!
//! Threat note. Defends against: guessing and noise from one address (refused credentials are counted by address, a v6
//! caller by its /64, since it has all of that), one workspace's load at another's cost (nothing is counted across
//! workspaces, so no limit tells of a neighbour), a valid key slowed by strangers behind the same NAT (what is valid is
//! never counted by address), and a flood of addresses that would push a guesser's own count out of memory (counts that
//! still hold are never dropped; newcomers share one when there is no room).
//! Does not defend against: the sum over nodes, each of which counts for itself as long as [`Limiter`] has no shared
//! implementation; a guesser with many networks.

mod table;

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use gatepost_core::access::{Actor, Person, Principal};
use gatepost_core::channel::Mode;
use gatepost_core::limit::{Full, Preset, Window, WindowState};
use gatepost_core::{ApiKeyId, ClientAddr, Code, Error, SessionId, Timestamp, WorkspaceId};

use crate::App;
pub use table::LocalLimiter;

/// Which presets there are, and which hold where nothing else is said.
#[derive(Debug, Clone)]
pub struct LimitConfig {
    presets: Vec<Arc<Preset>>,
    keys: Arc<Preset>,
    addresses: Arc<Preset>,
    console: Arc<Preset>,
}

impl LimitConfig {
    /// `own` beside the built-in presets (`none`, `interactive`, `steady`); which of them hold for keys, and for addresses
    /// whose credentials are refused. Pages have the built-in one for people ([`LimitConfig::with_console`]).
    ///
    /// Errors: a sentence that names what is wrong.
    pub fn new(own: Vec<Preset>, keys: Option<&str>, addresses: Option<&str>) -> Result<Self, String> {
        let mut presets = vec![Preset::none(), Preset::interactive(), Preset::steady()];
        for preset in own {
            if presets.iter().any(|known| known.name() == preset.name()) {
                return Err(format!("there is a preset {} already", preset.name()));
            }
            presets.push(preset);
        }
        let presets: Vec<Arc<Preset>> = presets.into_iter().map(Arc::new).collect();
        let named = |name: &str| {
            let known = presets.iter().find(|preset| preset.name() == name).cloned();
            known.ok_or_else(|| format!("there is no preset {name}; there are {}", names(&presets)))
        };
        let (keys, addresses) = (named(keys.unwrap_or("none"))?, named(addresses.unwrap_or("interactive"))?);
        let console = named("interactive")?;
        Ok(Self { presets, keys, addresses, console })
    }

    /// The same with another preset for pages and forms.
    ///
    /// Errors: a sentence that names what is wrong.
    pub fn with_console(mut self, name: &str) -> Result<Self, String> {
        let known = self.preset(name).cloned();
        self.console =
            known.ok_or_else(|| format!("there is no preset {name}; there are {}", self.names()))?;
        Ok(self)
    }

    /// No limit for anybody; for tests of other things.
    pub fn off() -> Self {
        let none = Arc::new(Preset::none());
        Self { addresses: Arc::clone(&none), console: Arc::clone(&none), ..Self::default() }
    }

    pub fn preset(&self, name: &str) -> Option<&Arc<Preset>> {
        self.presets.iter().find(|preset| preset.name() == name)
    }

    /// The names of all presets, for people.
    pub fn names(&self) -> String {
        names(&self.presets)
    }

    /// A stored name. One that the configuration no longer knows holds what holds for all.
    fn stored(&self, name: &str) -> &Arc<Preset> {
        self.preset(name).unwrap_or(&self.keys)
    }
}

fn names(presets: &[Arc<Preset>]) -> String {
    presets.iter().map(|preset| preset.name()).collect::<Vec<_>>().join(", ")
}

impl Default for LimitConfig {
    fn default() -> Self {
        let none = Arc::new(Preset::none());
        let interactive = Arc::new(Preset::interactive());
        let presets = vec![Arc::clone(&none), Arc::clone(&interactive), Arc::new(Preset::steady())];
        Self { presets, keys: none, addresses: Arc::clone(&interactive), console: interactive }
    }
}

/// Whose requests are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Key(ApiKeyId),
    /// All keys of a workspace and mode.
    Workspace(WorkspaceId, Mode),
    /// What comes from one address, or one /64 of IPv6, without a valid credential.
    Address(IpAddr),
    /// Pages and forms that somebody asks for who is signed in.
    Session(SessionId),
    /// Those that an address, or one /64 of IPv6, asks for without being signed in.
    Visitor(IpAddr),
}

/// The address of one caller: all of a /64 of IPv6 is one, since whoever has one of its addresses has them all.
pub(crate) fn neighbourhood(client: ClientAddr) -> IpAddr {
    match client.ip() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & (u128::MAX << 64)).into()),
    }
}

impl Subject {
    fn of_address(client: ClientAddr) -> Self {
        Self::Address(neighbourhood(client))
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Key(_) => "this API key",
            Self::Workspace(..) => "all keys of this workspace together",
            Self::Address(_) => "requests from this address without a valid credential",
            Self::Session(_) => "pages in this session",
            Self::Visitor(_) => "pages asked for from this address",
        }
    }
}

/// One count that a request must fit into.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub subject: Subject,
    pub windows: &'a [Window],
}

/// What became of a request, and how its windows stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitDecision {
    /// Why it was refused; then nothing was counted.
    pub refused: Option<(Subject, Full)>,
    /// Every window that was looked at; empty where there is no limit.
    pub windows: Vec<WindowState>,
}

impl LimitDecision {
    /// The refusal as the caller hears it.
    pub fn error(&self) -> Option<Error> {
        let (subject, full) = self.refused?;
        let detail = format!("the limit is {} for {}", full.window, subject.words());
        // Never none at all, which would ask for a loop.
        Some(Error::new(Code::RateLimited, detail).with_retry_after(full.wait.max(Duration::from_millis(1))))
    }
}

/// A decision, at once where the counts are in this process.
pub enum Admission<'a> {
    Ready(LimitDecision),
    Pending(Pin<Box<dyn Future<Output = LimitDecision> + Send + 'a>>),
}

/// Where requests are counted. An implementation that several nodes share comes in here.
pub trait Limiter: Send + Sync {
    /// Counts a request if every count has room for it, and otherwise none. At most one of each kind of subject, keys
    /// before workspaces before addresses.
    fn admit<'a>(&'a self, asked: &'a [Asked<'a>], now: Timestamp) -> Admission<'a>;
}

impl App {
    async fn limit(&self, asked: &[Asked<'_>]) -> LimitDecision {
        match self.0.limiter.admit(asked, self.now()) {
            Admission::Ready(decision) => decision,
            Admission::Pending(decision) => decision.await,
        }
    }

    /// Counts a request of a verified key.
    pub async fn limit_principal(&self, principal: &Principal) -> LimitDecision {
        let (Actor::ApiKey(key), Some(mode)) = (principal.actor(), principal.mode()) else {
            return LimitDecision::default();
        };
        let (config, rules) = (&self.0.config.limits, principal.rules());
        let workspace = rules.workspace_limit.as_deref().map(|name| config.stored(name));
        // A plan of the workspace stands in the place of what holds for all.
        let own = match (&rules.own_limit, workspace) {
            (Some(name), _) => Some(config.stored(name)),
            (None, Some(_)) => None,
            (None, None) => Some(&config.keys),
        };
        let shared = Subject::Workspace(principal.workspace(), mode);
        let mut asked = [Asked { subject: shared, windows: &[] }; 2];
        let mut count = 0;
        for (subject, preset) in [(Subject::Key(key), own), (shared, workspace)] {
            if let Some(preset) = preset.filter(|preset| !preset.windows().is_empty()) {
                asked[count] = Asked { subject, windows: preset.windows() };
                count += 1;
            }
        }
        match asked.get(..count) {
            None | Some([]) => LimitDecision::default(),
            Some(asked) => self.limit(asked).await,
        }
    }

    /// Counts a request whose credential was refused, or that brought none where one is needed.
    pub async fn limit_refused(&self, client: Option<ClientAddr>) -> LimitDecision {
        let windows = self.0.config.limits.addresses.windows();
        match client {
            Some(client) if !windows.is_empty() => {
                self.limit(&[Asked { subject: Subject::of_address(client), windows }]).await
            }
            _ => LimitDecision::default(),
        }
    }
}

impl App {
    /// Counts a page or a form: by the session where there is one, so that nobody is slowed by others behind the same
    /// address, and else by the address.
    pub async fn limit_page(&self, person: Option<&Person>, client: Option<ClientAddr>) -> LimitDecision {
        let windows = self.0.config.limits.console.windows();
        let subject = match (person, client) {
            (Some(person), _) => Subject::Session(person.session()),
            (None, Some(client)) => Subject::Visitor(neighbourhood(client)),
            (None, None) => return LimitDecision::default(),
        };
        if windows.is_empty() {
            LimitDecision::default()
        } else {
            self.limit(&[Asked { subject, windows }]).await
        }
    }
}

#[cfg(test)]
mod tests;
