//! A caller's transaction on its way to the thread that owns the connection, and its answer on the way back.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use tokio::sync::oneshot;

use super::error::{Error, Result};
use super::tx::{Hook, Tx};

/// A closure with its caller's reply channel, its types erased.
///
/// `run` and `run_now` may be called many times (each call forgets the result of the one before); exactly one of
/// `answer` and `refuse` ends the job.
pub(super) trait Job: Send {
    /// The caller stopped waiting: nobody would hear the answer, so a job that has not begun need not begin.
    fn is_abandoned(&self) -> bool;
    /// Runs the closure; `true` when it returned `Ok`.
    fn run<'a>(&'a mut self, tx: &'a Tx<'a>) -> LocalBoxFuture<'a, bool>;
    /// Runs the closure without ever waiting; `None` when it tried to wait.
    fn run_now(&mut self, tx: &Tx<'_>) -> Option<bool>;
    /// Hands the closure's result to the caller.
    fn answer(self: Box<Self>);
    /// Tells the caller that nothing was kept (see [`Error::maybe_committed`] for the one exception).
    fn refuse(self: Box<Self>, error: Error);
}

struct Closure<W, T, E> {
    work: W,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

/// Boxes `work` for its journey; the receiver hears the answer.
pub(super) fn job<T, E, W>(work: W) -> (Box<dyn Job>, oneshot::Receiver<Result<T, E>>)
where
    W: AsyncFn(&Tx<'_>) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    (Box::new(Closure { work, result: None, reply }), answer)
}

impl<T, E, W> Job for Closure<W, T, E>
where
    W: AsyncFn(&Tx<'_>) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run<'a>(&'a mut self, tx: &'a Tx<'a>) -> LocalBoxFuture<'a, bool> {
        self.result = None;
        Box::pin(async move {
            let result = (self.work)(tx).await;
            let kept = result.is_ok();
            self.result = Some(result);
            kept
        })
    }

    fn run_now(&mut self, tx: &Tx<'_>) -> Option<bool> {
        self.result = None;
        let result = pin!((self.work)(tx)).now_or_never()?;
        let kept = result.is_ok();
        self.result = Some(result);
        Some(kept)
    }

    // In both, a failed `send` means that the caller is gone: there is nobody left to tell.
    fn answer(self: Box<Self>) {
        let result = self.result.unwrap_or_else(|| Err(Error::Panicked.into()));
        let _ = self.reply.send(result);
    }

    fn refuse(self: Box<Self>, error: Error) {
        let _ = self.reply.send(Err(error.into()));
    }
}

/// How a run of a closure ended.
pub(super) enum Outcome {
    /// `Ok`, and every statement worked: keep it.
    Keep,
    /// `Err`, by the closure's own decision or by a failed statement (then the engine's error is given too).
    Undo(Option<Error>),
    /// The closure has no answer of its own: it panicked, waited, or said `Ok` although a statement had failed.
    Fault(Error),
}

impl Outcome {
    /// Judges a run by what the closure said and what its statements met.
    pub(super) fn of(ran: bool, failed: Option<Error>) -> Self {
        match (ran, failed) {
            (true, None) => Self::Keep,
            // PostgreSQL has aborted the transaction by now; SQLite must not differ.
            (true, Some(error)) => Self::Fault(error),
            (false, failed) => Self::Undo(failed),
        }
    }
}

/// A job in a batch, with what its last run left behind.
pub(super) struct Entry {
    pub(super) job: Box<dyn Job>,
    /// What runs after the commit.
    pub(super) hooks: Vec<Hook>,
    /// The answer instead of the closure's own.
    pub(super) fault: Option<Error>,
}

impl Entry {
    pub(super) fn new(job: Box<dyn Job>) -> Self {
        Self { job, hooks: Vec::new(), fault: None }
    }

    /// After the physical commit: runs the hooks, then answers.
    pub(super) fn settle(self) {
        if let Some(error) = self.fault {
            return guarded("answer", || self.job.refuse(error));
        }
        for hook in self.hooks {
            guarded("after-commit hook", hook);
        }
        guarded("answer", || self.job.answer());
    }

    /// Nothing was kept.
    pub(super) fn refuse(self, error: Error) {
        guarded("answer", || self.job.refuse(error));
    }
}

/// Runs code of the caller's (a hook, an error's conversion, a destructor) that could panic: the commit has happened all
/// the same, and the engine's thread must live on.
fn guarded(what: &'static str, work: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(work)).is_err() {
        tracing::error!(what, "a caller's code panicked after its transaction");
    }
}
