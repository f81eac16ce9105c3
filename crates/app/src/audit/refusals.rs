//! Refusals in the audit log, without letting whoever is refused fill it.
//!
//! Threat note. Defends against: attempts that leave no trace; a flood of them filling the log or slowing the server:
//! of one kind (who, code, route) the first of a minute becomes an entry at once, the others a count in one more entry
//! when the minute is over, and the queue, the kinds held and the entries of a minute are bounded; an answer's time
//! telling whether a key's id exists (entries are written aside). Does not defend against: refusals beyond these
//! bounds, which are counted and logged only. A refusal stands whether its entry could be written or not.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gatepost_core::access::{Actor, Credential};
use gatepost_core::audit::{Action, Audit, AuditEntry, Refusal, Refused, is_audited_refusal};
use gatepost_core::{AuditId, Code, Result, Timestamp, WorkspaceId};
use gatepost_store::WorkspaceScope;
use tokio::sync::{mpsc, oneshot};

use crate::App;

/// Refusals that wait to be written.
const WAITING: usize = 1_024;
/// Kinds that are told apart at a time.
const KINDS: usize = 10_000;
/// How often minutes that are over are looked for, while there are any open.
const LOOK_EVERY: Duration = Duration::from_secs(1);

enum Message {
    Refused(Refusal),
    /// Write down what waits, whatever the time is; tests ask for it.
    Settle(oneshot::Sender<()>),
}

/// The way to the writer of refusals.
pub(crate) struct Refusals {
    door: mpsc::Sender<Message>,
    inbox: Mutex<Option<mpsc::Receiver<Message>>>,
}

impl Refusals {
    pub fn new() -> Self {
        let (door, inbox) = mpsc::channel(WAITING);
        Self { door, inbox: Mutex::new(Some(inbox)) }
    }
}

#[derive(PartialEq, Eq, Hash, Clone)]
struct Kind {
    by: Refused,
    code: Code,
    route: String,
}

/// A minute in which a kind occurred.
struct Window {
    minute: i64,
    log: WorkspaceId,
    /// The entry of the first.
    first: AuditEntry,
    more: u64,
}

impl App {
    /// Takes note of a refusal. Never waits: what does not fit is counted.
    pub fn refused(&self, refusal: Refusal) {
        if is_audited_refusal(refusal.code)
            && self.0.refusals.door.try_send(Message::Refused(refusal)).is_err()
        {
            metrics::counter!("gatepost_audit_refusals_dropped_total").increment(1);
        }
    }

    /// Writes down every refusal that was told so far, repetitions among them.
    pub async fn refusals_settle(&self) {
        let (done, settled) = oneshot::channel();
        if self.0.refusals.door.send(Message::Settle(done)).await.is_ok() {
            let _ = settled.await;
        }
    }

    /// Starts writing refusals down.
    pub(crate) fn refusals_begin(&self) {
        let inbox = self.0.refusals.inbox.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(inbox) = inbox {
            let app = self.clone();
            self.0.tasks.spawn(async move { app.refusals_forever(inbox).await });
        }
    }

    async fn refusals_forever(&self, mut inbox: mpsc::Receiver<Message>) {
        let mut windows: HashMap<Kind, Window> = HashMap::new();
        loop {
            tokio::select! {
                message = inbox.recv() => match message {
                    Some(Message::Refused(refusal)) => self.refusal_note(&mut windows, refusal).await,
                    Some(Message::Settle(done)) => {
                        self.refusals_close(&mut windows, i64::MAX).await;
                        let _ = done.send(());
                    }
                    None => return,
                },
                () = tokio::time::sleep(LOOK_EVERY), if !windows.is_empty() => {
                    let minute = minute_of(self.now());
                    self.refusals_close(&mut windows, minute).await;
                }
                () = self.0.stop.cancelled() => {
                    while let Ok(Message::Refused(refusal)) = inbox.try_recv() {
                        self.refusal_note(&mut windows, refusal).await;
                    }
                    return self.refusals_close(&mut windows, i64::MAX).await;
                }
            }
        }
    }

    async fn refusal_note(&self, windows: &mut HashMap<Kind, Window>, refusal: Refusal) {
        let minute = minute_of(self.now());
        let kind = Kind { by: refusal.by, code: refusal.code, route: refusal.route.clone() };
        if let Some(window) = windows.get_mut(&kind).filter(|window| window.minute == minute) {
            window.more += 1;
            return;
        }
        if let Some(over) = windows.remove(&kind) {
            self.refusals_write(over.log, self.repeated(&over).into_iter().collect()).await;
        }
        if windows.len() >= KINDS {
            self.refusals_close(windows, minute).await;
        }
        if windows.len() >= KINDS {
            metrics::counter!("gatepost_audit_refusals_dropped_total").increment(1);
            return;
        }
        match self.refusal_entry(&refusal).await {
            Ok(Some((log, first))) => {
                self.refusals_write(log, vec![first.clone()]).await;
                windows.insert(kind, Window { minute, log, first, more: 0 });
            }
            Ok(None) => {}
            Err(error) => {
                tracing::error!(%error, "a refusal could not be attributed, so it is in this log only");
            }
        }
    }

    /// Ends every window of an earlier minute.
    async fn refusals_close(&self, windows: &mut HashMap<Kind, Window>, minute: i64) {
        let mut by_log: HashMap<WorkspaceId, Vec<AuditEntry>> = HashMap::new();
        windows.retain(|_, window| {
            let open = window.minute >= minute;
            if !open && let Some(entry) = self.repeated(window) {
                by_log.entry(window.log).or_default().push(entry);
            }
            open
        });
        for (log, entries) in by_log {
            self.refusals_write(log, entries).await;
        }
    }

    /// The entry of a refusal, and whose log it belongs to; `None` where nobody's.
    async fn refusal_entry(&self, refusal: &Refusal) -> Result<Option<(WorkspaceId, AuditEntry)>> {
        let route = || refusal.route.clone();
        let platform = WorkspaceScope::platform().workspace();
        let (log, mut entry) = match refusal.by {
            Refused::Caller { workspace, actor, credential, mode } => {
                let entry = self.audit_entry(actor, Action::RequestRefused, ("route", route()));
                (workspace, AuditEntry { credential, mode, ..entry })
            }
            Refused::Key { workspace, key } => {
                let target = ("api_key", key.to_string());
                (workspace, self.audit_entry(Actor::Nobody, Action::ApiKeyRefused, target))
            }
            Refused::MetaApp(id) => {
                let Some(app) = self.callback_app(id).await? else { return Ok(None) };
                let target = ("meta_app", id.to_string());
                (app.owner, self.audit_entry(Actor::Nobody, Action::CallbackRefused, target))
            }
            Refused::SystemUser(uid) => {
                let target = ("socket", "operator".to_owned());
                let entry = self.audit_entry(Actor::Nobody, Action::OperatorRefused, target);
                (platform, AuditEntry { credential: uid.map(Credential::SystemUser), ..entry })
            }
            Refused::Billing => {
                let target = ("billing", "stripe".to_owned());
                (platform, self.audit_entry(Actor::Nobody, Action::BillingRefused, target))
            }
            Refused::SignIn(user) => {
                let whose = user.map_or_else(|| "unknown".to_owned(), |user| user.to_string());
                (platform, self.audit_entry(Actor::Nobody, Action::SignInRefused, ("user", whose)))
            }
        };
        entry = entry.refused(refusal.code);
        entry.source = refusal.source;
        entry.request = Some(refusal.request);
        if entry.target.0 != "route" {
            entry.details.push(("route", route()));
        }
        Ok(Some((log, entry)))
    }

    /// The entry that stands for all of a minute but the first.
    fn repeated(&self, window: &Window) -> Option<AuditEntry> {
        let mut entry = (window.more > 0).then(|| window.first.clone())?;
        entry.at = self.now();
        entry.id = AuditId::new(entry.at, self.entropy());
        // Of many requests no one is meant.
        entry.request = None;
        entry.details.push(("repeated", window.more.to_string()));
        entry.details.push(("since", window.first.at.to_string()));
        Some(entry)
    }

    async fn refusals_write(&self, log: WorkspaceId, entries: Vec<AuditEntry>) {
        if entries.is_empty() {
            return;
        }
        let written = self
            .0
            .store
            .write_system(async move |tx| {
                tx.audit_add(log, &entries).await?;
                tx.commit(Audit::None("the entries are in the log of whom they concern"), ())
            })
            .await;
        if let Err(error) = written {
            tracing::error!(%error, "refusals could not be audited; they were refused all the same");
        }
    }
}

const fn minute_of(at: Timestamp) -> i64 {
    at.seconds().div_euclid(60)
}
