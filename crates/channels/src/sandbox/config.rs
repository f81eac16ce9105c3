//! What a simulated Meta is started with.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use gatepost_core::Secret;

use super::faults::Fault;

/// Everything a simulated Meta is started with; [`SandboxConfig::default`] behaves like Meta, only faster.
#[derive(Clone)]
pub struct SandboxConfig {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Lets `listen` be another address than loopback.
    pub allow_non_loopback: bool,
    pub apps: Vec<SandboxApp>,
    pub numbers: Vec<SandboxNumber>,
    pub timings: SandboxTimings,
    pub callbacks: CallbackPace,
    pub limits: SandboxLimits,
    pub rules: SandboxRules,
    /// The templates that are taken to exist besides those that were made, as name and language, whatever their
    /// parameters; `None`: every well-formed name, so that tests need make none. Those that were made, and the few
    /// that every account has from the start, are checked in full either way.
    pub templates: Option<Vec<(String, String)>>,
    /// Most pieces of news that may wait to be told; beyond it sends are refused as by an overloaded Meta.
    pub max_pending: usize,
    /// How many accepted sends are remembered; the oldest go first.
    pub keep_sends: usize,
    /// Message ids and disorder follow from it.
    pub seed: u64,
    /// Faults to begin with: so many sends, and what befalls them.
    pub faults: Vec<(u32, Fault)>,
}

/// A Meta app: its secret signs the callbacks.
#[derive(Clone)]
pub struct SandboxApp {
    pub app_id: String,
    pub app_secret: Secret<String>,
    /// Where callbacks go; without one they are dropped.
    pub callback_url: Option<String>,
    pub verify_token: String,
    /// Refuses calls without `appsecret_proof`, as the setting "Require app secret" does.
    pub require_proof: bool,
}

/// A number, its account, and the token that may use it.
#[derive(Clone)]
pub struct SandboxNumber {
    pub phone_number_id: String,
    pub waba_id: String,
    /// The app the token belongs to; it is subscribed to the account from the start.
    pub app_id: String,
    pub token: Secret<String>,
    /// As people write it: `+1 202-555-0100`.
    pub display_phone_number: String,
    pub verified_name: String,
}

/// How long after its acceptance a message reaches each state.
#[derive(Debug, Clone, Copy)]
pub struct SandboxTimings {
    pub sent: Duration,
    pub delivered: Duration,
    pub read: Duration,
    /// When the slow number (…0105) has it.
    pub slow_delivered: Duration,
    /// How long after reading a person answers.
    pub reply: Duration,
}

/// How callbacks are posted.
#[derive(Debug, Clone, Copy)]
pub struct CallbackPace {
    /// Most pieces of news in one body; Meta goes up to 1,000.
    pub batch: usize,
    /// How long news wait for company before they are posted.
    pub linger: Duration,
    /// Posts in flight for one app.
    pub workers: usize,
    /// Time limit of one post.
    pub timeout: Duration,
    /// The pause after the first failure; it doubles up to `longest_pause`.
    pub first_pause: Duration,
    pub longest_pause: Duration,
    /// Tries before a body is given up; Meta tries for days.
    pub attempts: u32,
}

/// How fast a number may send.
#[derive(Debug, Clone, Copy)]
pub struct SandboxLimits {
    /// Messages a second of one number, 80 at Meta; beyond it 130429.
    pub throughput: Option<u32>,
    /// Messages to one recipient; beyond it 131056.
    pub pair: Option<PairLimit>,
}

/// What a simulated Meta is strict about besides.
#[derive(Debug, Clone, Copy)]
pub struct SandboxRules {
    /// What happens to anything but templates when the person has not written for 24 hours.
    pub window: Window,
    /// Leaves people's numbers out of callbacks; the BSUID remains.
    pub hide_numbers: bool,
    /// Management calls of one account in an hour, 5,000 at Meta; beyond it 80007.
    pub management_calls: Option<u32>,
    /// How long a media address works, 5 minutes at Meta.
    pub media_url_life: Duration,
    /// How long a new template waits for its verdict.
    pub template_review: Duration,
}

/// What happens outside the 24 hours after a person's last message (131047); Meta does either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// Everything goes, so that tests need no person to write first.
    Ignored,
    /// The send is refused.
    Refused,
    /// The send is accepted, and told as failed.
    Failed,
}

/// One message every so often to one recipient, and a burst on credit.
#[derive(Debug, Clone, Copy)]
pub struct PairLimit {
    pub every: Duration,
    pub burst: u32,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            allow_non_loopback: false,
            apps: Vec::new(),
            numbers: Vec::new(),
            timings: SandboxTimings::default(),
            callbacks: CallbackPace::default(),
            limits: SandboxLimits::default(),
            rules: SandboxRules::default(),
            templates: None,
            max_pending: 200_000,
            keep_sends: 100_000,
            seed: 1,
            faults: Vec::new(),
        }
    }
}

impl Default for SandboxRules {
    fn default() -> Self {
        Self {
            window: Window::Ignored,
            hide_numbers: false,
            management_calls: Some(5_000),
            media_url_life: Duration::from_mins(5),
            template_review: Duration::from_millis(500),
        }
    }
}

impl Default for SandboxTimings {
    fn default() -> Self {
        Self {
            sent: Duration::from_millis(20),
            delivered: Duration::from_millis(150),
            read: Duration::from_millis(400),
            slow_delivered: Duration::from_secs(30),
            reply: Duration::from_millis(300),
        }
    }
}

impl Default for CallbackPace {
    fn default() -> Self {
        Self {
            batch: 100,
            linger: Duration::ZERO,
            workers: 4,
            timeout: Duration::from_secs(10),
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(5),
            attempts: 60,
        }
    }
}

impl Default for SandboxLimits {
    /// Meta's own: 80 a second, and to one recipient 45 at once and then one every 6 seconds.
    fn default() -> Self {
        Self { throughput: Some(80), pair: Some(PairLimit { every: Duration::from_secs(6), burst: 45 }) }
    }
}

impl SandboxLimits {
    /// No limits at all, for benchmarks.
    pub const NONE: Self = Self { throughput: None, pair: None };
}
