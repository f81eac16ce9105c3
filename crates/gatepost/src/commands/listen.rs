//! `gatepost listen`: a webhook receiver's view of the world, without a public address.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use gatepost_app::SystemClock;
use gatepost_core::Clock as _;
use gatepost_net::{Method, TrustedBody, TrustedClient, TrustedRequest};
use gatepost_vault::{SigningKey, SystemEntropy, WebhookSecret, delivery_headers};
use serde_json::{Value, json};

use super::send::At;
use super::serve::Signals;
use crate::answer::text;
use crate::api_client::Api;
use crate::cli::Context;
use crate::failure::{Exit, Failure, Result};
use crate::installation::{resolver, trusted_client};
use crate::output::{Output, Tint, masked};

const POLL_EVERY: Duration = Duration::from_millis(500);
const FORWARD_TIMEOUT: Duration = Duration::from_secs(15);
/// After a look that failed.
const PAUSE: Duration = Duration::from_secs(2);

/// Print events as they happen, and forward them to a local URL.
///
/// Forwarded events are signed as deliveries to an endpoint are, with a secret that is printed at the start; a receiver
/// that answers badly is told of, and not asked again.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  gatepost listen
  gatepost listen --types message.received --forward-to http://127.0.0.1:3000/hooks")]
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
    /// Begin with the oldest event that is kept, not with the next one
    #[arg(long)]
    from_start: bool,
    /// End when there is nothing more to print
    #[arg(long, requires = "from_start")]
    once: bool,
    #[command(flatten)]
    at: At,
}

/// Where events are forwarded to.
struct Forward {
    url: String,
    key: SigningKey,
    http: TrustedClient,
}

impl Listen {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        let forward = match &self.forward_to {
            Some(url) => Some(forward(url, self.secret.as_deref(), output)?),
            None => None,
        };
        let types = self.types.map(|types| format!("&types={types}")).unwrap_or_default();
        let api = self.at.api(&context)?;
        let mut signals = Signals::new()?;
        tokio::select! {
            ended = follow(&api, &types, self.from_start, self.once, forward.as_ref(), output) => ended,
            () = signals.next() => Ok(()),
        }
    }
}

fn forward(url: &str, secret: Option<&str>, output: Output) -> Result<Forward> {
    let secret = match secret {
        Some(text) => {
            WebhookSecret::parse(text).map_err(|error| Failure::usage(format!("--secret: {error}")))?
        }
        None => WebhookSecret::generate(&SystemEntropy),
    };
    let key = secret.signing_key().map_err(Failure::failed)?;
    output.note(format_args!("Forwarding to {url}, signed with {}", secret.expose()));
    Ok(Forward { url: url.to_owned(), key, http: trusted_client(resolver()?)? })
}

async fn follow(
    api: &Api,
    types: &str,
    from_start: bool,
    once: bool,
    forward: Option<&Forward>,
    output: Output,
) -> Result<()> {
    let mut after = String::new();
    let mut showing = from_start;
    if !showing {
        output.note(format_args!("Listening to {}. Ctrl-C ends it.", api.base()));
    }
    loop {
        let page = match api.get(&format!("/v1/events?limit=100{types}{after}")).await {
            Ok(page) => page,
            Err(failure) if failure.exit == Exit::Failed && showing && !once => {
                output.note(format_args!("{failure}; looking again"));
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            Err(failure) => return Err(failure),
        };
        let events = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        if let Some(cursor) = page["next_cursor"].as_str() {
            after = format!("&after={cursor}");
        }
        if showing {
            for event in events {
                show(event, output);
                if let Some(forward) = forward {
                    pass_on(event, forward, output).await;
                }
            }
        }
        if events.is_empty() {
            // What was there before has been stepped over: from now on everything is new.
            showing = true;
            if once {
                return Ok(());
            }
            tokio::time::sleep(POLL_EVERY).await;
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

/// Posts an event as a delivery would.
async fn pass_on(event: &Value, forward: &Forward, output: Output) {
    let body = event.to_string();
    let id = text(event, "id");
    let timestamp = SystemClock.now().seconds();
    let signed = delivery_headers(
        id,
        text(event, "type"),
        timestamp,
        body.as_bytes(),
        std::slice::from_ref(&forward.key),
    );
    let Ok(signed) = signed else {
        output.note(format_args!("  {id} cannot be signed"));
        return;
    };
    // The client writes the content type of JSON itself.
    let headers: Vec<(&str, &str)> = signed
        .iter()
        .filter(|(name, _)| *name != "content-type")
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let answer = forward
        .http
        .send(TrustedRequest {
            method: Method::Post,
            url: &forward.url,
            bearer: None,
            headers: &headers,
            body: TrustedBody::Json(Bytes::from(body.clone())),
            timeout: FORWARD_TIMEOUT,
        })
        .await;
    let told = match &answer {
        Ok(answer) => json!({ "forwarded": id, "status": answer.status }),
        Err(error) => json!({ "forwarded": id, "error": error.failure().detail }),
    };
    output.data(&told);
    match answer {
        Ok(answer) if answer.is_success() => {
            output.say(output.tint(Tint::Dim, format_args!("          forwarded: {}", answer.status)));
        }
        Ok(answer) => {
            output.say(output.tint(Tint::Yellow, format_args!("          forwarded: {}", answer.status)));
        }
        Err(error) => {
            output.say(
                output.tint(Tint::Red, format_args!("          not forwarded: {}", error.failure().detail)),
            );
        }
    }
}
