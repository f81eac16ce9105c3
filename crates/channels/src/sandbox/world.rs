//! Everything a simulated Meta knows.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use gatepost_core::{Clock, Secret, Timestamp};
use gatepost_vault::{AppSecret, constant_time_eq};
use tokio::time::Instant;

use super::config::{SandboxApp, SandboxConfig, SandboxNumber};
use super::faults::Faults;
use super::limits::Meters;
use super::news::News;
use super::postman::Outbox;
use super::timer::Schedule;
use super::wamid::Ids;

/// How far apart copies of the same news are told, so that they end up in different bodies.
const COPIES_APART: Duration = Duration::from_millis(7);

/// Most messages to …0104 that are remembered as refused once.
const REFUSED_KEPT: usize = 10_000;

pub(super) struct World {
    pub config: SandboxConfig,
    pub clock: Arc<dyn Clock>,
    pub ids: Ids,
    pub faults: Faults,
    pub schedule: Schedule,
    pub counts: Counts,
    apps: RwLock<HashMap<String, Arc<App>>>,
    numbers: RwLock<HashMap<String, Arc<Number>>>,
    /// WABA id to the ids of the apps that hear of it.
    subscribed: RwLock<HashMap<String, BTreeSet<String>>>,
    sends: Mutex<VecDeque<SendRecord>>,
    refused_once: Mutex<HashSet<String>>,
    pending: AtomicUsize,
}

/// A Meta app at work.
pub(super) struct App {
    pub id: String,
    pub secret: Secret<String>,
    pub signer: AppSecret,
    pub require_proof: bool,
    pub callback: Mutex<Callback>,
    pub outbox: Outbox,
}

#[derive(Clone)]
pub(super) struct Callback {
    pub url: Option<String>,
    pub verify_token: String,
}

/// A number at work.
pub(super) struct Number {
    pub phone_number_id: String,
    pub waba_id: String,
    pub app_id: String,
    /// As people write it.
    pub display: String,
    /// The display number's digits.
    pub digits: String,
    pub verified_name: String,
    pub token: Mutex<Secret<String>>,
    pub meters: Mutex<Meters>,
}

/// Running totals.
#[derive(Default)]
pub(super) struct Counts {
    pub requests: AtomicU64,
    pub accepted: AtomicU64,
    pub refused: AtomicU64,
    pub posts: AtomicU64,
    pub failed_posts: AtomicU64,
    pub told: AtomicU64,
    pub dropped: AtomicU64,
}

impl Counts {
    pub(super) fn add(counter: &AtomicU64, by: usize) {
        counter.fetch_add(by as u64, Ordering::Relaxed);
    }
}

/// A send that was taken.
#[derive(Clone)]
pub struct SendRecord {
    /// Counts from 0 and never repeats; gaps tell of records that were forgotten.
    pub number: u64,
    pub wamid: String,
    pub phone_number_id: String,
    /// The recipient's digits.
    pub to: String,
    /// `biz_opaque_callback_data`: the sender's own id.
    pub opaque: Option<String>,
    /// The request's body, as it came.
    pub body: Box<[u8]>,
    pub at: Timestamp,
    pub fate: Fate,
}

/// What the sender heard of a send that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Answered,
    /// A fault kept the answer from the sender.
    Unanswered,
}

impl World {
    pub(super) fn new(config: SandboxConfig, clock: Arc<dyn Clock>, schedule: Schedule) -> Self {
        let faults = Faults::default();
        for (times, fault) in &config.faults {
            faults.add(*times, *fault);
        }
        Self {
            ids: Ids::new(config.seed),
            config,
            clock,
            faults,
            schedule,
            counts: Counts::default(),
            apps: RwLock::default(),
            numbers: RwLock::default(),
            subscribed: RwLock::default(),
            sends: Mutex::default(),
            refused_once: Mutex::default(),
            pending: AtomicUsize::new(0),
        }
    }

    pub(super) fn app_add(
        &self,
        app: SandboxApp,
    ) -> Result<(Arc<App>, Option<Arc<App>>), gatepost_vault::AppSecretMissing> {
        let app = Arc::new(App {
            signer: AppSecret::new(app.app_secret.expose())?,
            id: app.app_id,
            secret: app.app_secret,
            require_proof: app.require_proof,
            callback: Mutex::new(Callback { url: app.callback_url, verify_token: app.verify_token }),
            outbox: Outbox::default(),
        });
        let replaced = write(&self.apps).insert(app.id.clone(), Arc::clone(&app));
        Ok((app, replaced))
    }

    pub(super) fn number_add(&self, number: SandboxNumber) {
        self.subscribe(&number.waba_id, &number.app_id);
        let number = Arc::new(Number {
            digits: number.display_phone_number.chars().filter(char::is_ascii_digit).collect(),
            phone_number_id: number.phone_number_id,
            waba_id: number.waba_id,
            app_id: number.app_id,
            display: number.display_phone_number,
            verified_name: number.verified_name,
            token: Mutex::new(number.token),
            meters: Mutex::default(),
        });
        write(&self.numbers).insert(number.phone_number_id.clone(), number);
    }

    pub(super) fn app(&self, app_id: &str) -> Option<Arc<App>> {
        read(&self.apps).get(app_id).cloned()
    }

    pub(super) fn number(&self, phone_number_id: &str) -> Option<Arc<Number>> {
        read(&self.numbers).get(phone_number_id).cloned()
    }

    /// All numbers that `token` may use.
    pub(super) fn numbers_of(&self, token: &str) -> Vec<Arc<Number>> {
        read(&self.numbers).values().filter(|n| n.has_token(token)).cloned().collect()
    }

    pub(super) fn subscribe(&self, waba_id: &str, app_id: &str) {
        write(&self.subscribed).entry(waba_id.to_owned()).or_default().insert(app_id.to_owned());
    }

    pub(super) fn subscribers(&self, waba_id: &str) -> Vec<Arc<App>> {
        let apps = read(&self.apps);
        read(&self.subscribed)
            .get(waba_id)
            .map(|ids| ids.iter().filter_map(|id| apps.get(id).cloned()).collect())
            .unwrap_or_default()
    }

    /// Takes `count` places among the news that wait, or none when there are not that many.
    pub(super) fn reserve(&self, count: usize) -> bool {
        let max = self.config.max_pending;
        self.pending
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |now| {
                now.checked_add(count).filter(|then| *then <= max)
            })
            .is_ok()
    }

    /// Gives places back.
    pub(super) fn release(&self, count: usize) {
        self.pending.fetch_sub(count, Ordering::AcqRel);
    }

    pub(super) fn pending(&self) -> usize {
        self.pending.load(Ordering::Acquire)
    }

    /// Tells news that are due: to every app that is subscribed, and again where copies are asked for.
    pub(super) fn tell(&self, mut news: News, now: Instant) {
        let first = news.at.is_none();
        news.at.get_or_insert_with(|| self.clock.now());
        if first {
            let copies = self.faults.duplicates.load(Ordering::Relaxed);
            // A full house has no room for copies; the news themselves have their place.
            for copy in (1..=copies).take_while(|_| self.reserve(1)) {
                self.schedule.add(now + COPIES_APART * copy, news.clone());
            }
        }
        let apps = self.subscribers(&news.number.waba_id);
        if apps.is_empty() || (apps.len() > 1 && !self.reserve(apps.len() - 1)) {
            Counts::add(&self.counts.dropped, 1);
            self.release(1);
            return;
        }
        for app in apps {
            app.outbox.put(news.clone());
        }
    }

    pub(super) fn record(&self, make: impl FnOnce(u64) -> SendRecord) {
        let keep = self.config.keep_sends;
        let mut sends = locked(&self.sends);
        let number = self.counts.accepted.fetch_add(1, Ordering::Relaxed);
        if keep == 0 {
            return;
        }
        if sends.len() >= keep {
            sends.pop_front();
        }
        sends.push_back(make(number));
    }

    pub(super) fn sends(&self) -> Vec<SendRecord> {
        locked(&self.sends).iter().cloned().collect()
    }

    /// Whether this message to …0104 is seen for the first time; then it is refused.
    pub(super) fn refuse_once(&self, key: String) -> bool {
        let mut seen = locked(&self.refused_once);
        if seen.remove(&key) {
            return false;
        }
        if seen.len() >= REFUSED_KEPT {
            seen.clear();
        }
        seen.insert(key);
        true
    }
}

impl Number {
    pub(super) fn has_token(&self, token: &str) -> bool {
        constant_time_eq(locked(&self.token).expose().as_bytes(), token.as_bytes())
    }
}

/// No holder of these locks can leave the value half changed, so a lock whose holder panicked is as good as any.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
