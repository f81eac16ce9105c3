//! What the guard costs: processor time of its share of an accept, and accepts with many suppressions and own keywords
//! beside accepts with none.

use std::future::Future;
use std::hint::black_box;
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use gatepost_app::{App, MessageSend, SystemClock};
use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::Audit;
use gatepost_core::channel::Mode;
use gatepost_core::content::{Body, Content};
use gatepost_core::guard::SuppressionSource;
use gatepost_core::message::OnUnknown;
use gatepost_core::optout::{Classifier, Label, OwnKeyword};
use gatepost_core::{ChannelId, Clock as _, Code, Error, Purpose, Recipient, SuppressionId};
use gatepost_store::{SuppressionRow, WorkspaceScope};

use super::{Repeated, Run, WARM_UP_MILLIS};
use crate::error::{Failure, Result};
use crate::installation::{Installation, Tenant, grant};
use crate::process;
use crate::samples::Samples;
use crate::table::{Row, number};

/// Own keywords of the workspace, and as many as the operator may have.
const KEYWORDS: usize = 10_000;
/// Rows of one transaction, and keywords of one request.
const BATCH: usize = 2_000;
/// Accepts, and as many questions to the guard, of one repetition, and how many at once.
const ASKED: usize = 5_000;
const AT_ONCE: usize = 64;
/// Texts that are classified in one repetition.
const READ: usize = 20_000;

/// What people write: a keyword, a request, doubt, and what is neither.
const TEXTS: [&str; 6] = [
    "STOP",
    "Hi, thanks a lot, but please take my number off your list",
    "How do I unsubscribe?",
    "Please don't stop by at five, the bus stop is closed and we will not be there before six in the evening",
    "Bitte keine Nachrichten mehr schicken",
    "Perfect 👍 see you tomorrow",
];

impl Run {
    pub async fn guard(&mut self) -> Result<()> {
        let many = self.args.many();
        self.table.heading(format!(
            "The guard (one workspace with {} suppressions and {} own keywords, one with none)",
            number(many as f64),
            number(KEYWORDS as f64)
        ));
        let installation = Installation::start(&self.place, false).await?;
        let (plain, loaded) = (installation.tenant(1, None).await?, installation.tenant(1, None).await?);
        load(&installation.app, &loaded, many).await?;
        self.repeat_accepts(&installation, 128, &loaded.senders, false, Some(WARM_UP_MILLIS), 1).await?;
        let (mut few, mut lots) = (Repeated::default(), Repeated::default());
        for _ in 0..self.args.repetitions() * 2 {
            few.join(&self.repeat_accepts(&installation, 128, &plain.senders, false, None, 1).await?);
            lots.join(&self.repeat_accepts(&installation, 128, &loaded.senders, false, None, 1).await?);
        }
        self.table.push(few.row("accepts, 128 connections, with none"));
        self.table.push(lots.row("accepts, 128 connections, with many"));
        self.share(&installation, &loaded).await?;
        self.reading()?;
        installation.stop().await?;
        Ok(())
    }

    /// Processor time of accepts, of the guard's answer alone, and of a transaction that is undone with nothing in it.
    async fn share(&mut self, installation: &Installation, tenant: &Tenant) -> Result<()> {
        let app = &installation.app;
        let send = grant::<permission::MessageSend>(&tenant.principal)?;
        let scope = WorkspaceScope::from(&send);
        let sender = tenant.senders.first().ok_or_else(|| Failure::new("messages need a channel"))?;
        let channel: ChannelId = sender.channel.parse()?;
        let send = Arc::new(send);
        let accept = async |number: usize| -> Result<()> {
            app.message_send(&send, message(channel, number)?, None).await?;
            Ok(())
        };
        let ask = async |number: usize| -> Result<()> {
            let told = app.message_explain(&send, message(channel, number)?).await?;
            if told.action == "allow" { Ok(()) } else { Err(Failure::new("the guard stands in the way")) }
        };
        let undo = async |number: usize| -> Result<()> {
            black_box(message(channel, number)?);
            let undone: std::result::Result<(), Error> = app
                .store()
                .write(scope, async move |tx| {
                    tx.channel_get(channel).await?;
                    Err(Error::of(Code::Conflict))
                })
                .await;
            if undone.is_err() { Ok(()) } else { Err(Failure::new("nothing was undone")) }
        };
        let (mut accepts, mut guards, mut shares) =
            (Samples::default(), Samples::default(), Samples::default());
        for _ in 0..self.args.repetitions() {
            let accepted = cpu_of(accept).await?;
            let guarded = cpu_of(ask).await? - cpu_of(undo).await?;
            accepts.push(accepted);
            guards.push(guarded);
            shares.push(guarded / accepted * 100.0);
        }
        self.table.push(Row::of("server CPU of an accept", &accepts, "µs", "in process, without HTTP"));
        self.table.push(Row::of(
            "of it the guard",
            &guards,
            "µs",
            "a dry run, less a transaction that is undone with nothing in it",
        ));
        self.found.guard_share = shares;
        Ok(())
    }

    /// Reading what people write.
    fn reading(&mut self) -> Result<()> {
        let own = (0..KEYWORDS).map(|number| OwnKeyword::parse(&keyword(number), Label::OptOut));
        let own: Vec<OwnKeyword> =
            own.collect::<std::result::Result<_, _>>().map_err(|why| Failure::new(why.to_string()))?;
        let before = process::thread_cpu();
        let classifier = Classifier::new(&own);
        black_box(classifier.classify("hello"));
        let built = (process::thread_cpu() - before).as_secs_f64() * 1e3;
        let mut each = Samples::default();
        for _ in 0..self.args.repetitions() {
            let before = process::thread_cpu();
            for number in 0..READ {
                black_box(classifier.classify(TEXTS[number % TEXTS.len()]));
            }
            each.push((process::thread_cpu() - before).as_secs_f64() * 1e6 / READ as f64);
        }
        let note = format!("all languages; the words of all languages were read in {built:.0} ms, once");
        self.table.push(Row::of("CPU of classifying a text", &each, "µs", note));
        Ok(())
    }
}

/// Microseconds of processor time that each of many takes, several at once.
async fn cpu_of<F: Future<Output = Result<()>>>(one: impl Fn(usize) -> F) -> Result<f64> {
    let before = process::cpu();
    let mut done = stream::iter(0..ASKED).map(one).buffer_unordered(AT_ONCE);
    while let Some(result) = done.next().await {
        result?;
    }
    Ok((process::cpu() - before).as_secs_f64() * 1e6 / ASKED as f64)
}

/// Everybody gets a text of their own, like the codes and dates of real ones.
fn message(channel: ChannelId, number: usize) -> Result<MessageSend> {
    let text = format!("Your parcel {number} is here. We are open until seven.");
    let body = Body::parse(text).map_err(|why| Failure::new(why.to_string()))?;
    Ok(MessageSend {
        channel: Some(channel),
        to: Recipient::parse(&format!("+1202555{:04}", number % 10_000))
            .map_err(|why| Failure::new(why.to_string()))?,
        purpose: Purpose::Transactional,
        content: Content::text(&body, false).map_err(|why| Failure::new(why.to_string()))?,
        reply_to: None,
        on_unknown: OnUnknown::Fail,
        ttl: None,
    })
}

fn keyword(number: usize) -> String {
    format!("quit list {number}")
}

/// People who were suppressed by hand, and words.
async fn load(app: &App, tenant: &Tenant, many: usize) -> Result<()> {
    let manage: Grant<permission::GuardManage> = grant(&tenant.principal)?;
    let words: Vec<String> = (0..KEYWORDS).map(keyword).collect();
    for some in words.chunks(BATCH) {
        app.keywords_add(&manage, Label::OptOut, some.to_vec()).await?;
    }
    let scope = WorkspaceScope::from(&manage);
    let mut left = many;
    while left > 0 {
        let size = left.min(BATCH);
        left -= size;
        let now = SystemClock.now();
        let rows: Vec<(SuppressionRow, Vec<[u8; 16]>)> = (0..size)
            .map(|_| {
                let row = SuppressionRow {
                    id: SuppressionId::new(now, app.entropy()),
                    mode: Mode::Live,
                    source: SuppressionSource::Import,
                    hand: None,
                    party: vec![0x5a; 60],
                    reason: None,
                    actor: "benchmark".to_owned(),
                    in_flight: 0,
                    said_at: None,
                    created_at: now,
                };
                (row, vec![app.entropy().array()])
            })
            .collect();
        app.store()
            .write(scope, async move |tx| {
                tx.suppressions_add(&rows).await?;
                tx.commit(Audit::None("rows of a benchmark"), ())
            })
            .await?;
    }
    Ok(())
}
