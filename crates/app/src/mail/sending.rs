//! The lane of mails: takes them, hands them over, and writes down how it went.

use std::time::Duration;

use gatepost_core::audit::Audit;
use gatepost_core::{MailId, Result, Timestamp};
use gatepost_net::{MailError, MailFault, MailLetter, MailName, Mailer};
use gatepost_store::{Claimed, LaneKey, MailRow, MailState};

use super::Written;
use super::following::{Following, Undelivered};
use crate::App;
use crate::lanes::{Taken, Work};

/// Mails handed over at once: few servers like more connections from one sender.
const AT_ONCE: usize = 4;
/// From one try to the next; the last wait repeats until the mail's time is over.
const WAITS: [Duration; 6] = [
    Duration::from_mins(1),
    Duration::from_mins(5),
    Duration::from_mins(15),
    Duration::from_hours(1),
    Duration::from_hours(3),
    Duration::from_hours(6),
];

/// Rows of one sweep.
const SWEPT_AT_ONCE: i64 = 500;
/// A mail whose time is over is left to the lane for so long, which tells of it better.
const LEFT_TO_THE_LANE: Duration = Duration::from_hours(1);

pub(crate) struct Posting {
    app: App,
    key: LaneKey,
}

pub(crate) struct Post {
    job: Claimed,
    ready: Ready,
}

enum Ready {
    /// The mail is done already, or gone.
    Nothing,
    /// What lies there does not open: it was changed, or its key is gone.
    Unreadable,
    /// Its link is over.
    Late(MailRow),
    Letter(MailRow, Box<MailLetter>),
    /// Stands for mails that are still to be written.
    Unwritten(Vec<Following>),
}

#[derive(Clone)]
pub(crate) struct Posted {
    job: Claimed,
    verdict: Verdict,
}

#[derive(Clone)]
enum Verdict {
    Nothing,
    Sent,
    Again {
        at: Timestamp,
        outcome: String,
    },
    Dead {
        tries: i64,
        outcome: String,
        told: Option<Undelivered>,
    },
    /// These take its place.
    Followed(Vec<Following>),
}

impl Work for Posting {
    type Item = Post;
    type Done = Posted;

    fn new(app: App, key: LaneKey) -> Self {
        Self { app, key }
    }

    fn capacity(&self) -> usize {
        AT_ONCE
    }

    async fn take(&self, limit: usize) -> Result<Taken<Post>> {
        let jobs = self.app.claim(self.key, 0..=0, limit).await?;
        let ids: Vec<MailId> = jobs.iter().map(|job| MailId::from_uuid(job.subject)).collect();
        let rows = if ids.is_empty() {
            Vec::new()
        } else {
            self.app.0.store.read_system(async move |tx| tx.mails_get(&ids).await).await?
        };
        let mut items = Vec::with_capacity(jobs.len());
        for (job, row) in jobs.into_iter().zip(rows) {
            if let Some(at) = job.cut_at {
                tracing::warn!(mail = %MailId::from_uuid(job.subject), %at, "a try of this mail was cut off; it may arrive twice");
            }
            let ready = self.ready(&job, row).await?;
            items.push(Post { job, ready });
        }
        Ok(Taken { items, again: None })
    }

    async fn perform(&self, Post { job, ready }: Post) -> Posted {
        let verdict = match ready {
            Ready::Nothing => Verdict::Nothing,
            Ready::Unreadable => Verdict::Dead { tries: 0, outcome: "unreadable".to_owned(), told: None },
            Ready::Late(row) => {
                let told = self.app.undelivered(&job, &row).await;
                let outcome = row.outcome.unwrap_or_else(|| "late".to_owned());
                Verdict::Dead { tries: 0, outcome, told }
            }
            Ready::Unwritten(following) => Verdict::Followed(following),
            Ready::Letter(row, letter) => match &self.app.0.mail {
                Some(mailer) => hand_over(&self.app, mailer, &job, &row, &letter).await,
                None => Verdict::Again { at: self.app.now().plus(WAITS[0]), outcome: "mail_off".to_owned() },
            },
        };
        Posted { job, verdict }
    }

    async fn record(&self, done: Vec<Posted>) -> Result<()> {
        let now = self.app.now();
        let write = async move |tx: &gatepost_store::SystemTx<'_>| {
            for Posted { job, verdict } in &done {
                let id = MailId::from_uuid(job.subject);
                match verdict {
                    Verdict::Nothing => {}
                    Verdict::Sent => tx.mail_finish(id, MailState::Sent, 1, None, now).await?,
                    Verdict::Dead { tries, outcome, told } => {
                        tx.mail_finish(id, MailState::Dead, *tries, Some(outcome), now).await?;
                        if let Some(told) = told {
                            told.write(tx, job).await?;
                        }
                    }
                    Verdict::Followed(following) => {
                        tx.mail_finish(id, MailState::Sent, 0, None, now).await?;
                        for mail in following {
                            mail.write(tx, job, now).await?;
                        }
                    }
                    Verdict::Again { at, outcome } => {
                        tx.mail_tried(id, outcome).await?;
                        tx.work_of(job).job_defer(job, *at, true).await?;
                        continue;
                    }
                }
                tx.work_of(job).job_complete(job).await?;
            }
            tx.commit(Audit::None("what was done is audited where it is done; mails tell of it"), ())
        };
        self.app.0.store.write_system(write).await
    }
}

impl Posting {
    async fn ready(&self, job: &Claimed, row: Option<MailRow>) -> Result<Ready> {
        let Some(row) = row.filter(|row| row.state == MailState::Queued) else { return Ok(Ready::Nothing) };
        if row.give_up_at <= self.app.now() {
            given_up(&row, "its time is over");
            return Ok(Ready::Late(row));
        }
        if let Some(following) = self.app.mails_following(job, &row).await? {
            return Ok(Ready::Unwritten(following));
        }
        Ok(match self.open(&row).await? {
            Some(letter) => Ready::Letter(row, Box::new(letter)),
            None => {
                given_up(&row, "its content does not open");
                Ready::Unreadable
            }
        })
    }

    /// `None`: it does not open, which is told where it is noticed.
    async fn open(&self, row: &MailRow) -> Result<Option<MailLetter>> {
        let Some((to, content)) = self.app.mail_open(row).await? else { return Ok(None) };
        let Ok(written) = serde_json::from_slice::<Written>(&content) else { return Ok(None) };
        Ok(Some(MailLetter {
            to,
            subject: MailName::new(&written.subject),
            text: written.text,
            html: written.html,
            id: row.id.to_string(),
            sent_at: u64::try_from(row.created_at.seconds()).unwrap_or_default(),
        }))
    }
}

async fn hand_over(app: &App, mailer: &Mailer, job: &Claimed, row: &MailRow, letter: &MailLetter) -> Verdict {
    let (id, kind) = (row.id, row.kind.as_str());
    let Err(error) = mailer.send(letter).await else {
        counted("sent");
        tracing::info!(mail = %id, kind, "sent");
        return Verdict::Sent;
    };
    let outcome = outcome_of(&error);
    let tries = row.attempts + 1;
    let at = app.now().plus(wait_after(tries));
    let (stage, detail) = (error.stage.as_str(), error.detail.as_str());
    if error.fault == MailFault::Refused || at >= row.give_up_at {
        counted(if error.fault == MailFault::Refused { "refused" } else { "given_up" });
        tracing::error!(mail = %id, kind, tries, stage, code = error.code, "{detail}; the mail is given up");
        return Verdict::Dead { tries: 1, outcome, told: app.undelivered(job, row).await };
    }
    counted("deferred");
    match error.fault {
        MailFault::Misconfigured => {
            tracing::error!(mail = %id, kind, tries, stage, code = error.code, %at, "{detail}; try again with: gatepost mail test");
        }
        _ => tracing::warn!(mail = %id, kind, tries, stage, code = error.code, %at, "{detail}"),
    }
    Verdict::Again { at, outcome }
}

fn given_up(row: &MailRow, why: &'static str) {
    counted("given_up");
    tracing::error!(mail = %row.id, kind = row.kind, tries = row.attempts, why, "a mail is given up");
}

fn counted(outcome: &'static str) {
    metrics::counter!("gatepost_mails_total", "outcome" => outcome).increment(1);
}

/// A class and the server's code: nothing the server said, which may hold an address.
fn outcome_of(error: &MailError) -> String {
    let (fault, stage) = (error.fault.as_str(), error.stage.as_str());
    match error.code {
        Some(code) => format!("{fault} {stage} {code}"),
        None => format!("{fault} {stage}"),
    }
}

/// The wait after so many tries, the last one included.
fn wait_after(tries: i64) -> Duration {
    let index = usize::try_from(tries.saturating_sub(1)).unwrap_or_default();
    WAITS[index.min(WAITS.len() - 1)]
}

impl App {
    /// Mails that nobody came for, because mail was switched off meanwhile, and the records of old ones.
    pub(crate) async fn retain_mails(&self) -> Result<()> {
        let now = self.now();
        let (over, forgotten) = (now.minus(LEFT_TO_THE_LANE), now.minus(self.0.config.log_retention));
        loop {
            let swept = self
                .0
                .store
                .write_system(async move |tx| {
                    let over = tx.mails_expire(over, now, SWEPT_AT_ONCE).await?;
                    let gone = tx.mails_forget(forgotten, SWEPT_AT_ONCE).await?;
                    tx.commit(Audit::None("mails past their time"), (over, gone))
                })
                .await?;
            if swept == (0, 0) || self.0.stop.is_cancelled() {
                return Ok(());
            }
            if swept.0 > 0 {
                metrics::counter!("gatepost_mails_total", "outcome" => "given_up").increment(swept.0 as u64);
                tracing::error!(mails = swept.0, "mails were never sent: no mail server is configured");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_from_a_minute_to_six_hours() {
        let waits: Vec<u64> = (1..=9).map(|tries| wait_after(tries).as_secs() / 60).collect();
        assert_eq!(waits, [1, 5, 15, 60, 180, 360, 360, 360, 360]);
        assert!(WAITS.iter().sum::<Duration>() < super::super::TRIED_FOR, "each wait is used");
    }
}
