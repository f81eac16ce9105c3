//! Everything a simulated Meta knows.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use gatepost_core::{Clock, Secret, Timestamp};
use gatepost_vault::AppSecret;
use serde_json::Value;
use tokio::time::Instant;

use super::accounts::AccountState;
use super::apps::{App, Callback};
use super::config::{SandboxApp, SandboxConfig, SandboxNumber};
use super::faults::Faults;
use super::media::MediaStore;
use super::news::{News, What};
use super::postman::Outbox;
use super::reply::GraphError;
use super::timer::Schedule;
use super::uploads::Uploads;
use super::wamid::Ids;

pub(super) use super::numbers::Number;

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
    /// Where it listens.
    pub addr: SocketAddr,
    pub media: Mutex<MediaStore>,
    pub uploads: Mutex<Uploads>,
    /// Whether any account or number has a callback address of its own.
    pub overridden: AtomicBool,
    accounts: Mutex<HashMap<String, AccountState>>,
    apps: RwLock<HashMap<String, Arc<App>>>,
    numbers: RwLock<HashMap<String, Arc<Number>>>,
    /// WABA id to the ids of the apps that hear of it.
    subscribed: RwLock<HashMap<String, BTreeSet<String>>>,
    sends: Mutex<VecDeque<SendRecord>>,
    refused_once: Mutex<HashSet<String>>,
    pending: AtomicUsize,
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
    /// The recipient's digits, or the BSUID where they are not known.
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
    pub(super) fn new(
        config: SandboxConfig,
        addr: SocketAddr,
        clock: Arc<dyn Clock>,
        schedule: Schedule,
    ) -> Self {
        let faults = Faults::default();
        for (times, fault) in &config.faults {
            faults.add(*times, *fault, super::faults::Reach::Messages);
        }
        Self {
            ids: Ids::new(config.seed),
            config,
            clock,
            faults,
            schedule,
            counts: Counts::default(),
            addr,
            media: Mutex::default(),
            uploads: Mutex::default(),
            overridden: AtomicBool::new(false),
            accounts: Mutex::default(),
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
        let state = self.number(&number.phone_number_id).map(|known| Arc::clone(&known.state));
        let number = Arc::new(Number::new(number, state.unwrap_or_default()));
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

    /// The token of an app's first number.
    pub(super) fn token_of_app(&self, app_id: &str) -> Option<Secret<String>> {
        let numbers = read(&self.numbers);
        let of_app = numbers.values().filter(|n| n.app_id == app_id);
        let first = of_app.min_by(|a, b| a.phone_number_id.cmp(&b.phone_number_id))?;
        Some(locked(&first.token).clone())
    }

    pub(super) fn unsubscribe(&self, waba_id: &str, app_id: &str) {
        if let Some(apps) = write(&self.subscribed).get_mut(waba_id) {
            apps.remove(app_id);
        }
    }

    /// All numbers of an account, in the order of their ids.
    pub(super) fn numbers_in(&self, waba_id: &str) -> Vec<Arc<Number>> {
        let mut numbers: Vec<_> =
            read(&self.numbers).values().filter(|n| n.waba_id == waba_id).cloned().collect();
        numbers.sort_by(|a, b| a.phone_number_id.cmp(&b.phone_number_id));
        numbers
    }

    /// A number with this display number already, whoever has it.
    pub(super) fn has_display(&self, digits: &str) -> bool {
        read(&self.numbers).values().any(|n| n.digits == digits)
    }

    /// Looks at an account, or changes it; one that is new begins with the ready templates.
    pub(super) fn account<T>(&self, waba_id: &str, with: impl FnOnce(&mut AccountState) -> T) -> T {
        let mut accounts = locked(&self.accounts);
        if let Some(account) = accounts.get_mut(waba_id) {
            return with(account);
        }
        let mut account = AccountState::new(&self.ids);
        let result = with(&mut account);
        accounts.insert(waba_id.to_owned(), account);
        result
    }

    /// The address that news go to: the number's own, the account's own, or the app's.
    pub(super) fn callback_url(&self, app: &App, news: &News) -> Option<String> {
        if self.overridden.load(Ordering::Acquire) && news.is_messaging() {
            let number = &news.number;
            let of_number = (number.app_id == app.id)
                .then(|| locked(&number.state).callback.as_ref().and_then(|c| c.url.clone()))
                .flatten();
            let own = of_number.or_else(|| {
                self.account(&number.waba_id, |a| a.callbacks.get(&app.id).and_then(|c| c.url.clone()))
            });
            if own.is_some() {
                return own;
            }
        }
        locked(&app.callback).url.clone()
    }

    /// Tells a change of any field at once, in the name of a number's account.
    pub(super) fn emit(&self, number: &Arc<Number>, field: &str, value: Value) -> Result<(), GraphError> {
        let what = What::Field { field: field.into(), value: Arc::new(value) };
        self.later(Instant::now(), number, what)
    }

    /// Schedules one piece of news, if there is room for it.
    pub(super) fn later(&self, at: Instant, number: &Arc<Number>, what: What) -> Result<(), GraphError> {
        if !self.reserve(1) {
            return Err(GraphError::unavailable("Too many callbacks wait to be heard."));
        }
        self.schedule.add(at, News { number: Arc::clone(number), at: None, what });
        Ok(())
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
        if let What::Review(review) = &news.what {
            let Some(told) = super::templates::reviewed(self, &news.number, review) else {
                self.release(1);
                return;
            };
            news.what = told;
        }
        news.at.get_or_insert_with(|| self.clock.now());
        if first {
            let copies = self.faults.duplicates.load(Ordering::Relaxed);
            // A full house has no room for copies; the news themselves have their place.
            for copy in (1..=copies).take_while(|_| self.reserve(1)) {
                self.schedule.add(now + COPIES_APART * copy, news.clone());
            }
        }
        if let (What::Said(said), Some(at), true) = (&news.what, news.at, first)
            && self.config.rules.window != super::config::Window::Ignored
        {
            locked(&news.number.state).hear(said.from.key(), at);
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

#[cfg(test)]
pub(super) mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::testing::TestClock;

    /// A world without sockets, and a number in it. Nobody listens to its schedule.
    pub(in super::super) fn world(config: SandboxConfig) -> (World, Arc<Number>) {
        let clock = Arc::new(TestClock(std::time::Instant::now()));
        let (schedule, _) = Schedule::new();
        let number = crate::testing::config().numbers[0].clone();
        let world = World::new(config, "127.0.0.1:1".parse().unwrap(), clock, schedule);
        let id = number.phone_number_id.clone();
        world.number_add(number);
        let number = world.number(&id).unwrap();
        (world, number)
    }
}
