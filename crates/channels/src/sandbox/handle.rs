//! What the one who started a simulated Meta can do with it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use gatepost_core::Secret;
use gatepost_net::TrustedClient;
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::config::{SandboxApp, SandboxNumber};
use super::control::{self, person};
use super::faults::{Fault, Reach};
use super::media;
use super::messages::{Speech, person_says, total};
use super::news::{What, Words};
use super::postman;
use super::server::SandboxError;
use super::subscriptions;
use super::templates::{self, Review, Verdict};
use super::world::{SendRecord, World, locked};

/// A running simulated Meta. Dropping it stops it.
pub struct SandboxHandle {
    addr: SocketAddr,
    world: Arc<World>,
    http: TrustedClient,
    stop: CancellationToken,
    tasks: TaskTracker,
    _stop_on_drop: DropGuard,
}

/// Running totals of a simulated Meta.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Observed {
    /// Sends with a good token.
    pub requests: u64,
    /// Sends that were taken, whether or not the sender heard so.
    pub accepted: u64,
    /// Sends that were refused.
    pub refused: u64,
    /// Callback bodies posted, each try counted.
    pub posts: u64,
    /// Tries that were not answered with 200.
    pub failed_posts: u64,
    /// Pieces of news that were heard, copies counted.
    pub told: u64,
    /// Pieces of news that nobody wanted or that were given up.
    pub dropped: u64,
    /// Pieces of news that wait: to be due, or to be heard.
    pub pending: usize,
}

/// What a person writes to a number.
#[derive(Debug, Clone, Copy)]
pub struct Say<'a> {
    /// The writer's number, in any common notation, or BSUID.
    pub from: &'a str,
    pub text: &'a str,
    /// The wamid of the message it answers.
    pub context: Option<&'a str>,
    /// The profile name; `None`: one that follows from the number.
    pub name: Option<&'a str>,
    /// Leaves the number out of the callback, as for people who hide it; the BSUID remains.
    pub hide_number: bool,
}

/// Why a callback address did not prove itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    #[error("there is no app {0} with a callback address")]
    NoCallback(String),
    #[error("the callback address cannot be reached: {0}")]
    Unreachable(String),
    #[error("the callback address answered {0} and not the challenge")]
    WrongAnswer(u16),
}

impl SandboxHandle {
    pub(super) fn new(
        addr: SocketAddr,
        world: Arc<World>,
        http: TrustedClient,
        stop: CancellationToken,
        tasks: TaskTracker,
    ) -> Self {
        let guard = stop.clone().drop_guard();
        Self { addr, world, http, stop, tasks, _stop_on_drop: guard }
    }

    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The base URL for channels.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Adds an app, or replaces the one of the same id (news that wait for the old one are lost).
    pub fn add_app(&self, app: SandboxApp) -> Result<(), SandboxError> {
        let id = app.app_id.clone();
        let (app, replaced) = self.world.app_add(app).map_err(|_| SandboxError::AppSecretMissing(id))?;
        if let Some(old) = replaced {
            old.outbox.closed.cancel();
        }
        for _ in 0..self.world.config.callbacks.workers.max(1) {
            let world = Arc::clone(&self.world);
            self.tasks.spawn(postman::run(world, Arc::clone(&app), self.http.clone(), self.stop.clone()));
        }
        Ok(())
    }

    /// Adds a number, or replaces the one of the same id; its app hears of its account from now on.
    pub fn add_number(&self, number: SandboxNumber) {
        self.world.number_add(number);
    }

    /// Replaces the token of a number, as when it was revoked; whether there is such a number.
    pub fn set_token(&self, phone_number_id: &str, token: Secret<String>) -> bool {
        self.world.number(phone_number_id).map(|n| *locked(&n.token) = token).is_some()
    }

    /// Sets where an app's callbacks go; whether there is such an app. Callbacks being tried again go there too.
    pub fn set_callback(&self, app_id: &str, url: Option<&str>, verify_token: &str) -> bool {
        self.world
            .app(app_id)
            .map(|app| {
                let mut callback = locked(&app.callback);
                callback.url = url.map(ToOwned::to_owned);
                verify_token.clone_into(&mut callback.verify_token);
            })
            .is_some()
    }

    /// Does Meta's handshake: `GET …?hub.mode=subscribe&hub.challenge=…&hub.verify_token=…` must answer 200 and the
    /// challenge (Meta, "Webhooks: getting started").
    pub async fn verify_callback(&self, app_id: &str) -> Result<(), VerifyError> {
        let callback = self.world.app(app_id).map(|app| locked(&app.callback).clone());
        let callback = callback.filter(|callback| callback.url.is_some());
        let callback = callback.ok_or_else(|| VerifyError::NoCallback(app_id.to_owned()))?;
        subscriptions::handshake(&self.world, &self.http, &callback).await
    }

    /// Lets a person write to a number. Gives the wamid, or `None` when there is no such number, the writer's is none,
    /// or too much waits already.
    pub fn person_says(&self, phone_number_id: &str, say: &Say<'_>) -> Option<String> {
        let number = self.world.number(phone_number_id)?;
        let speech = Speech {
            from: person(say.from)?,
            name: say.name.map(ToOwned::to_owned),
            hide_number: say.hide_number,
            words: Words::Text(say.text.to_owned()),
            context: say.context.map(ToOwned::to_owned),
        };
        person_says(&self.world, &number, speech).ok()
    }

    /// Lets a person send a message of any kind to a number; like [`SandboxHandle::person_says`], whose `text` is left
    /// aside for `message`: Meta's form, `{"type":"location","location":{…}}`. Media without an `id` get a sample
    /// content that can be fetched.
    pub fn person_sends(&self, phone_number_id: &str, say: &Say<'_>, message: Value) -> Option<String> {
        let number = self.world.number(phone_number_id)?;
        let Value::Object(message) = message else { return None };
        let speech = Speech {
            from: person(say.from)?,
            name: say.name.map(ToOwned::to_owned),
            hide_number: say.hide_number,
            words: control::words(&self.world, &number, message).ok()?,
            context: say.context.map(ToOwned::to_owned),
        };
        person_says(&self.world, &number, speech).ok()
    }

    /// Tells a change of any field in the name of a number's account; without a value, a sample of
    /// [`super::FIELDS`]. Whether there is such a number, a value and room for it.
    pub fn emit(&self, phone_number_id: &str, field: &str, value: Option<Value>) -> bool {
        self.world
            .number(phone_number_id)
            .is_some_and(|number| control::emit_field(&self.world, &number, field, value).is_ok())
    }

    /// Keeps a content as media of a number, as if it had been uploaded; its id.
    pub fn add_media(&self, phone_number_id: &str, mime_type: &str, content: Bytes) -> Option<String> {
        let number = self.world.number(phone_number_id)?;
        Some(media::keep(&self.world, &number, mime_type, content).id.clone())
    }

    /// Gives a template another status at once, and tells of it; whether there is such a template and room for the
    /// news. `reason` is told of a rejection, `NONE` otherwise.
    pub fn review_template(
        &self,
        waba_id: &str,
        template_id: &str,
        status: &str,
        reason: Option<&str>,
    ) -> bool {
        let verdict = Verdict::Status { status: status.to_owned(), reason: reason.map(ToOwned::to_owned) };
        self.template_verdict(waba_id, template_id, verdict)
    }

    /// Gives a template another quality score (`GREEN`, `YELLOW`, `RED`, `UNKNOWN`), and tells of it.
    pub fn rate_template(&self, waba_id: &str, template_id: &str, quality: &str) -> bool {
        self.template_verdict(waba_id, template_id, Verdict::Quality(quality.to_owned()))
    }

    /// Gives a template another category, as Meta does by itself, and tells of it.
    pub fn recategorise_template(&self, waba_id: &str, template_id: &str, category: &str) -> bool {
        self.template_verdict(waba_id, template_id, Verdict::Category(category.to_owned()))
    }

    fn template_verdict(&self, waba_id: &str, template_id: &str, verdict: Verdict) -> bool {
        let numbers = self.world.numbers_in(waba_id);
        let review = Review { template_id: template_id.to_owned(), verdict };
        templates::find(&self.world, &numbers, template_id).is_some_and(|found| {
            self.world.later(Instant::now(), &found.number, What::Review(Arc::new(review))).is_ok()
        })
    }

    /// Lets something befall the next `times` sends, after those asked for before.
    pub fn fail_next(&self, times: u32, fault: Fault) {
        self.world.faults.add(times, fault, Reach::Messages);
    }

    /// Lets something befall the next `times` calls of a kind, after those asked for before.
    pub fn fail_next_of(&self, reach: Reach, times: u32, fault: Fault) {
        self.world.faults.add(times, fault, reach);
    }

    /// Tells every piece of news so many times more, in other bodies.
    pub fn duplicate_callbacks(&self, copies: u32) {
        self.world.faults.duplicates.store(copies, Ordering::Relaxed);
    }

    /// Tells news out of order.
    pub fn shuffle_callbacks(&self, on: bool) {
        self.world.faults.shuffle.store(on, Ordering::Relaxed);
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.world.faults.clear();
    }

    /// The sends that were taken, oldest first; see [`super::SandboxConfig::keep_sends`].
    pub fn sends(&self) -> Vec<SendRecord> {
        self.world.sends()
    }

    /// Running totals.
    pub fn observed(&self) -> Observed {
        let counts = &self.world.counts;
        Observed {
            requests: total(&counts.requests),
            accepted: total(&counts.accepted),
            refused: total(&counts.refused),
            posts: total(&counts.posts),
            failed_posts: total(&counts.failed_posts),
            told: total(&counts.told),
            dropped: total(&counts.dropped),
            pending: self.world.pending(),
        }
    }

    /// Stops listening and telling, and waits until all is quiet. News that wait are lost.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl std::fmt::Debug for SandboxHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SandboxHandle").field("addr", &self.addr).finish_non_exhaustive()
    }
}
