//! `gatepost send`

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gatepost_core::Secret;
use serde_json::{Value, json};

use crate::answer::text;
use crate::api_client::{Api, base_url};
use crate::cli::Context;
use crate::environment;
use crate::failure::{Failure, Result};
use crate::output::{Output, Tint, masked};

/// Between two looks at the message.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// More than any message that the API takes.
const MESSAGE_BYTES_MAX: u64 = 1 << 20;

/// Send a message through the API, as your software would.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  export GATEPOST_API_KEY=gp_test_…
  gatepost send --to +12025550123 --purpose transactional --text \"Your parcel is here.\"
  gatepost send --to +12025550123 --purpose transactional --template order_ready --language en_US --wait
  echo '{\"image\":{\"link\":\"https://example.com/parcel.jpg\"}}' |
    gatepost send --to +12025550123 --purpose transactional --message -")]
pub struct Send {
    #[command(flatten)]
    message: Words,
    /// Sent once under this key, however often it is asked for
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Wait until it was delivered or failed
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    at: At,
}

/// A message, as the command line says it.
#[derive(clap::Args)]
pub struct Words {
    /// The recipient, an international number such as +12025550123, or Meta's id of a person (BSUID)
    #[arg(long, value_name = "RECIPIENT", required_unless_present = "message")]
    to: Option<String>,
    /// Why it is sent: authentication, transactional, operational, support or internal_team; an operator can open others
    #[arg(long, required_unless_present = "message", value_parser = ["authentication", "transactional", "operational", "support", "internal_team", "marketing", "promotion", "bulk_campaign", "political"], hide_possible_values = true)]
    purpose: Option<String>,
    /// The words
    #[arg(long, required_unless_present_any = ["template", "message"], conflicts_with_all = ["template", "message"])]
    text: Option<String>,
    /// A file with a message of any kind, as POST /v1/messages takes it; - reads it from the standard input. What the
    /// other options say goes before what the file says
    #[arg(long, value_name = "FILE", conflicts_with = "template")]
    message: Option<PathBuf>,
    /// The name of an approved template
    #[arg(long, requires = "language")]
    template: Option<String>,
    /// The template's language, such as en_US
    #[arg(long)]
    language: Option<String>,
    /// The template's components, a JSON array in Meta's form
    #[arg(long, value_name = "JSON", requires = "template")]
    components: Option<String>,
    /// The channel to send through; may be left out where only one can be meant
    #[arg(long)]
    channel: Option<String>,
    /// The message that this one replies to
    #[arg(long, value_name = "MESSAGE")]
    reply_to: Option<String>,
}

/// Which API, and by which key.
#[derive(clap::Args)]
pub struct At {
    /// The API key; better in the variable, which no process list shows
    #[arg(long, env = environment::API_KEY, hide_env_values = true, value_name = "KEY")]
    key: Option<String>,
    /// The server's address [default: the server that runs in the data directory]
    #[arg(long, env = environment::URL, value_name = "URL")]
    url: Option<String>,
}

impl At {
    /// Whether a key or an address was named at all.
    pub const fn is_named(&self) -> bool {
        self.key.is_some() || self.url.is_some()
    }

    /// A client for it.
    pub fn api(self, context: &Context) -> Result<Api> {
        let settings = context.quiet_settings()?;
        let key = self.key.filter(|key| !key.is_empty()).ok_or_else(|| {
            Failure::usage("an API key is needed").hint(
                "make one:  gatepost key create --scope send --scope read\n\
                 then:      export GATEPOST_API_KEY=gp_…   (or --key)",
            )
        })?;
        Api::new(&base_url(self.url.as_deref(), &settings.data_dir)?, Secret::new(key))
    }
}

impl Send {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        let body = self.message.body()?;
        let (wait, idempotency_key) = (self.wait, self.idempotency_key);
        let api = self.at.api(&context)?;
        let mut message = api.post("/v1/messages", &body, idempotency_key.as_deref()).await?;
        let id = text(&message, "id").to_owned();
        output.say(format_args!("{} to {}: {}", id, masked(text(&body, "to")), text(&message, "state")));
        if wait {
            message = follow(&api, &id, message, output).await?;
        } else {
            output.say(
                output.tint(
                    Tint::Dim,
                    "Accepted and kept. Follow it: --wait, gatepost listen, or your webhooks.",
                ),
            );
        }
        output.data(&message);
        match message["error"].as_object() {
            Some(error) => Err(Failure::refused(format!(
                "the message failed: {}",
                error.get("detail").and_then(Value::as_str).unwrap_or("no reason was given")
            ))
            .hint(error.get("action").and_then(Value::as_str).unwrap_or("see the message"))),
            None => Ok(()),
        }
    }
}

impl Words {
    /// The body of the request.
    pub fn body(&self) -> Result<Value> {
        let mut body = match &self.message {
            Some(file) => read(file)?,
            None => json!({}),
        };
        if let Some(to) = &self.to {
            body["to"] = json!(to);
        }
        if let Some(purpose) = &self.purpose {
            body["purpose"] = json!(purpose);
        }
        if let Some(text) = &self.text {
            body["text"] = json!(text);
        }
        if let Some(template) = &self.template {
            body["template"] = json!({ "name": template, "language": { "code": self.language } });
            if let Some(components) = &self.components {
                body["template"]["components"] = serde_json::from_str(components)
                    .map_err(|error| Failure::usage(format!("--components is not JSON: {error}")))?;
            }
        }
        if let Some(channel) = &self.channel {
            body["channel_id"] = json!(channel);
        }
        if let Some(reply_to) = &self.reply_to {
            body["reply_to"] = json!(reply_to);
        }
        Ok(body)
    }
}

/// Reads a message from a file, or from the standard input where it is `-`.
fn read(file: &Path) -> Result<Value> {
    let mut text = String::new();
    let taken = if file == Path::new("-") {
        std::io::stdin().take(MESSAGE_BYTES_MAX).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|open| open.take(MESSAGE_BYTES_MAX).read_to_string(&mut text))
    };
    taken.map_err(|error| Failure::usage(format!("{} cannot be read: {error}", file.display())))?;
    match serde_json::from_str(&text) {
        Ok(message @ Value::Object(_)) => Ok(message),
        Ok(_) => Err(Failure::usage(format!("{} holds no JSON object", file.display()))),
        Err(error) => Err(Failure::usage(format!("{} is not JSON: {error}", file.display()))),
    }
}

/// Looks at a message until nothing more is to come, for a minute at most.
async fn follow(api: &Api, id: &str, mut message: Value, output: Output) -> Result<Value> {
    let started = Instant::now();
    let mut known = text(&message, "state").to_owned();
    while !matches!(known.as_str(), "delivered" | "read" | "failed") {
        if started.elapsed() > Duration::from_mins(1) {
            return Err(Failure::failed(format!("{id} is still {known} after a minute"))
                .hint("it goes on without you: see gatepost listen, or GET /v1/messages"));
        }
        tokio::time::sleep(LOOK_EVERY).await;
        message = api.get(&format!("/v1/messages/{id}")).await?;
        let state = text(&message, "state");
        if state != known {
            output.say(format_args!("{id}: {state}"));
            state.clone_into(&mut known);
        }
    }
    Ok(message)
}
