//! `gatepost listen`: a webhook receiver's view of the world, without a public address.

use std::fmt::Write as _;
use std::time::Duration;

use gatepost_app::SystemClock;
use gatepost_core::{Clock as _, Entropy};
use gatepost_net::{Said, ServerEvent};
use gatepost_vault::SystemEntropy;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use url::form_urlencoded;

use super::forward::Forward;
use super::moment::Moment;
use super::send::At;
use super::serve::Signals;
use crate::answer::text;
use crate::api_client::Api;
use crate::cli::Context;
use crate::event_source::EventSource;
use crate::failure::{Exit, Failure, Result};
use crate::output::{Output, Tint, masked};

/// The first wait after a connection that broke; doubled each time.
const WAIT_FIRST: Duration = Duration::from_millis(500);
const WAIT_MAX: Duration = Duration::from_secs(30);

/// Print events as they happen, and forward them to a local URL.
///
/// Forwarded events are signed as deliveries to an endpoint are, with a secret that is printed at the start; a receiver
/// that answers badly is told of, and not asked again. A connection that breaks is made again, and nothing is missed.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  gatepost listen
  gatepost listen --types message.received --forward-to http://127.0.0.1:3000/hooks
  gatepost listen --since 2h --once --json")]
pub struct Listen {
    /// Post each event to this URL, signed
    #[arg(long, value_name = "URL")]
    forward_to: Option<String>,
    /// Sign with this secret (whsec_…) instead of a new one
    #[arg(long, value_name = "SECRET", requires = "forward_to")]
    secret: Option<String>,
    /// Only these events, with commas between: message.received, message.* …
    #[arg(long, value_name = "EVENTS")]
    types: Option<String>,
    /// Only events of this channel
    #[arg(long, value_name = "CHANNEL")]
    channel: Option<String>,
    /// Begin with the oldest event that is kept, not with the next one
    #[arg(long)]
    from_start: bool,
    /// Begin with what happened then: 2h, 3d, or an instant
    #[arg(long, value_name = "TIME", conflicts_with = "from_start", value_parser = Moment::parse)]
    since: Option<Moment>,
    /// End when there is nothing more to print
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    at: At,
}

impl Listen {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        if self.once && !self.from_start && self.since.is_none() {
            return Err(Failure::usage("--once prints what was: say --from-start or --since"));
        }
        let forward = self
            .forward_to
            .as_deref()
            .map(|url| Forward::new(url, self.secret.as_deref(), output))
            .transpose()?;
        let api = self.at.api(&context)?;
        let teller = Teller { forward, output };
        let mut filter = form_urlencoded::Serializer::new(String::new());
        let since = self.since.map(|since| since.instant(SystemClock.now()).to_string());
        for (name, value) in [("types", &self.types), ("channel_id", &self.channel), ("since", &since)] {
            if let Some(value) = value {
                filter.append_pair(name, value);
            }
        }
        let filter = filter.finish();
        let mut signals = Signals::new()?;
        let work = async {
            if self.once {
                return print_all(&api, &filter, &teller).await;
            }
            let begin = match (self.from_start, self.since) {
                (true, _) => "after=start",
                (false, None) => "after=now",
                (false, Some(_)) => "",
            };
            follow(&api, &format!("/v1/events/stream?{begin}&{filter}"), &teller).await
        };
        tokio::select! {
            ended = work => ended,
            () = signals.next() => Ok(()),
        }
    }
}

/// A page of the log, its events as they were written.
#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
    next_cursor: Option<String>,
    has_more: bool,
}

/// Everything there is up to now, page by page.
async fn print_all(api: &Api, filter: &str, teller: &Teller) -> Result<()> {
    let mut after = "start".to_owned();
    loop {
        let body = api.get_bytes(&format!("/v1/events?limit=100&after={after}&{filter}")).await?;
        let page: Page<'_> = serde_json::from_slice(&body)
            .map_err(|_| Failure::failed("the answer is no page of events: is this a Gatepost's address?"))?;
        for event in page.data {
            teller.tell(event.get()).await;
        }
        match page.next_cursor {
            Some(next) if page.has_more => after = next,
            _ => return Ok(()),
        }
    }
}

/// Follows the stream, over as many connections as it takes.
async fn follow(api: &Api, path: &str, teller: &Teller) -> Result<()> {
    let output = teller.output;
    let (mut last, mut waits, mut opened) = (None, Waits::default(), false);
    loop {
        let why = match api.listen(path, last.as_deref()).await {
            Ok(source) => {
                if opened {
                    output.note("Connected again.");
                } else {
                    output.note(format_args!("Listening to {}. Ctrl-C ends it.", api.base()));
                }
                opened = true;
                hear(source, teller, &mut last, &mut waits).await
            }
            // What was there before is there again soon; anything else a person has to look at.
            Err(failure) if opened && may_pass(&failure) => failure.message,
            Err(failure) => return Err(failure),
        };
        let wait = waits.next();
        output.note(format_args!("{why}; connecting again in {:.1} s", wait.as_secs_f64()));
        tokio::time::sleep(wait).await;
    }
}

/// Whether the same request may succeed later.
fn may_pass(failure: &Failure) -> bool {
    failure.exit == Exit::Failed
        || matches!(
            failure.code.as_deref(),
            Some("rate_limited" | "stream_limit_reached" | "request_timeout")
        )
}

/// Tells of what one connection says; why it ended. `last` moves on with what was told, never before it.
async fn hear(
    mut source: EventSource,
    teller: &Teller,
    last: &mut Option<String>,
    waits: &mut Waits,
) -> String {
    let mut why = "the connection ended".to_owned();
    loop {
        let said = match source.next().await {
            Ok(Some(said)) => said,
            Ok(None) => return why,
            Err(broken) => return broken,
        };
        *waits = Waits { hint: source.retry(), ..Waits::default() };
        match said {
            Said::Place(id) => *last = Some(id).filter(|id| !id.is_empty()),
            Said::Comment(words) => {
                if let Some((_, reason)) =
                    words.strip_prefix("closed ").and_then(|words| words.split_once(" - "))
                {
                    why = format!("the server closed the stream: {reason:?}");
                }
            }
            Said::Event(ServerEvent { id, data, .. }) => {
                teller.tell(&data).await;
                *last = Some(id).filter(|id| !id.is_empty()).or(last.take());
            }
        }
    }
}

/// Growing waits, each somewhere in the second half of its span, so that many listeners do not come back at once.
#[derive(Default)]
struct Waits {
    count: u32,
    /// What the server asks for.
    hint: Option<Duration>,
}

impl Waits {
    fn next(&mut self) -> Duration {
        let first = self.hint.unwrap_or(WAIT_FIRST).clamp(WAIT_FIRST, WAIT_MAX);
        let span = first.saturating_mul(1 << self.count.min(16)).min(WAIT_MAX);
        self.count += 1;
        let entropy: &dyn Entropy = &SystemEntropy;
        let random = u32::from(u16::from_be_bytes(entropy.array()));
        span / 2 + span / 2 * random / u32::from(u16::MAX)
    }
}

/// Prints events, and passes them on.
struct Teller {
    forward: Option<Forward>,
    output: Output,
}

impl Teller {
    /// Shows an event, and passes its very bytes on.
    async fn tell(&self, body: &str) {
        let Ok(event) = serde_json::from_str::<Value>(body) else {
            self.output.note("something came that is not an event of Gatepost's; it is left out");
            return;
        };
        show(&event, self.output);
        if let Some(forward) = &self.forward {
            forward.pass_on(text(&event, "id"), text(&event, "type"), body, self.output).await;
        }
    }
}

fn show(event: &Value, output: Output) {
    output.data(event);
    let message = &event["data"]["message"];
    let contact = message["contact"]["phone"].as_str().or_else(|| message["contact"]["bsuid"].as_str());
    let arrow = if message["direction"] == "inbound" { "←" } else { "→" };
    let mut line = format!(
        "{}  {:18}",
        output.tint(Tint::Dim, text(event, "created_at").get(11..19).unwrap_or_default()),
        text(event, "type")
    );
    if let Some(contact) = contact {
        let _ = write!(line, "  {arrow} {}", masked(contact));
    }
    if let Some(words) = message["text"].as_str() {
        let _ = write!(line, "  {words:?}");
    }
    if let Some(detail) = message["error"]["detail"].as_str() {
        let _ = write!(line, "  {}", output.tint(Tint::Red, detail));
    }
    let id = message["id"].as_str().unwrap_or(text(event, "id"));
    let _ = write!(line, "  {}", output.tint(Tint::Dim, id));
    output.say(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_scatter_and_have_a_bound() {
        let mut waits = Waits::default();
        for count in 0..40 {
            let span = WAIT_FIRST.saturating_mul(1 << count.min(16)).min(WAIT_MAX);
            let wait = waits.next();
            assert!(wait >= span / 2 && wait <= span, "{wait:?} of {span:?}");
        }
        let mut hinted = Waits { hint: Some(Duration::from_secs(4)), ..Waits::default() };
        assert!(hinted.next() >= Duration::from_secs(2));
        let mut absurd = Waits { hint: Some(Duration::from_hours(1_000)), ..Waits::default() };
        assert!(absurd.next() <= WAIT_MAX);
    }
}
