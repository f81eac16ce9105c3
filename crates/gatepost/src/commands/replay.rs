//! `gatepost deliveries replay`

use std::time::Duration;

use gatepost_app::SystemClock;
use gatepost_core::{Clock as _, EndpointId};
use serde_json::{Value, json};

use super::deliveries::endpoint_of;
use super::moment::Moment;
use super::way::{Way, Who};
use crate::answer::{cell, text};
use crate::cli::Context;
use crate::failure::{Failure, Result};
use crate::output::{Output, Tint};

/// Between two looks at a replay that is followed.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Which window, of which endpoint.
#[derive(clap::Args)]
pub struct Replay {
    /// The endpoint; may be left out where there is only one
    #[arg(long, value_name = "ENDPOINT")]
    endpoint: Option<EndpointId>,
    /// Events since then: 2h, 3d, or an instant
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    since: Moment,
    /// And before then [default: now]
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    until: Option<Moment>,
    /// What did not arrive; that and what was never queued; or everything
    #[arg(long, default_value = "missing_or_failed", value_parser = ["failed", "missing_or_failed", "all"])]
    only: String,
    /// Stay until it is done and tell how far it came; it goes on without you
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    who: Who,
}

impl Replay {
    pub async fn run(self, context: &Context) -> Result<()> {
        let now = SystemClock.now();
        let mut body = json!({ "since": self.since.instant(now).to_string(), "only": self.only });
        if let Some(until) = self.until {
            body["until"] = json!(until.instant(now).to_string());
        }
        let way = self.who.way(context).await?;
        let done = begin(&way, self.endpoint, &body, self.follow, context.output).await;
        way.close().await;
        done
    }
}

async fn begin(
    way: &Way,
    endpoint: Option<EndpointId>,
    body: &Value,
    to_its_end: bool,
    output: Output,
) -> Result<()> {
    let endpoint = endpoint_of(way, endpoint).await?;
    let path = format!("webhook-endpoints/{endpoint}/replays");
    let replay = way.post(&path, body).await?;
    output.data(&replay);
    output.say(format_args!(
        "{} sends events from {} to {} to {endpoint} again.",
        text(&replay, "id"),
        text(&replay, "since"),
        text(&replay, "until")
    ));
    if !way.is_served() {
        output
            .say(output.tint(Tint::Yellow, "No server is running; it begins when one does: gatepost serve"));
        return Ok(());
    }
    if to_its_end {
        return follow(way, &format!("{path}/{}", text(&replay, "id")), replay, output).await;
    }
    output.say(
        output
            .tint(Tint::Dim, "It goes on by itself. Look at it: gatepost deliveries, or ask with --follow."),
    );
    Ok(())
}

/// Looks at a replay until it has ended.
async fn follow(way: &Way, path: &str, mut replay: Value, output: Output) -> Result<()> {
    let mut told = Value::Null;
    while replay["state"] == "running" {
        tokio::time::sleep(LOOK_EVERY).await;
        replay = way.get(path).await?;
        if replay["progress"] != told {
            told = replay["progress"].clone();
            output.data(&replay);
            output.say(line(&replay));
        }
    }
    let progress = &replay["progress"];
    if replay["state"] == "cancelled" {
        return Err(Failure::refused("somebody cancelled the replay"));
    }
    output.say(output.tint(
        Tint::Green,
        format_args!("Done: {} of {} arrived.", cell(progress, "sent"), cell(progress, "queued")),
    ));
    if progress["expired"] != 0 {
        let lost = cell(progress, "expired");
        output.say(
            output.tint(Tint::Yellow, format_args!("{lost} events are past their time and were not sent.")),
        );
    }
    match progress["dead"].as_i64() {
        None | Some(0) => Ok(()),
        Some(dead) => Err(Failure::failed(format!("{dead} deliveries did not arrive"))
            .hint("see why: gatepost deliveries --state dead")),
    }
}

fn line(replay: &Value) -> String {
    let progress = &replay["progress"];
    let mut line = format!(
        "{:>3} %  up to {}  queued {}, sent {}, dead {}",
        cell(progress, "percent"),
        cell(progress, "position"),
        cell(progress, "queued"),
        cell(progress, "sent"),
        cell(progress, "dead")
    );
    if progress["waits_for"] == "endpoint_enabled" {
        line.push_str("  (waits until the endpoint is enabled)");
    }
    line
}
