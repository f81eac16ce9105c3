//! `gatepost sandbox`

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use gatepost_channels::sandbox::{
    CallbackPace, Observed, SandboxApp, SandboxConfig, SandboxLimits, SandboxNumber, SandboxRules,
    SendRecord, Window, people,
};
use gatepost_core::Secret;
use gatepost_vault::{SystemEntropy, random_token};
use serde_json::{Value, json};

use super::serve::Signals;
use crate::cli::Context;
use crate::failure::{Failure, Result};
use crate::installation::{resolver, start_sandbox, trusted_client};
use crate::output::{Output, Tint, masked};

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Run a simulated Meta alone.
///
/// It takes messages like the Cloud API, tells of sent, delivered and read by signed callbacks, and its people answer.
/// Whatever is not given is made up and printed. Give it no real credentials.
#[derive(clap::Args)]
#[command(after_help = after_help())]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct SandboxCommand {
    /// Where to listen; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))]
    listen: SocketAddr,
    /// Where callbacks go; without one they are dropped
    #[arg(long, value_name = "URL")]
    callback: Option<String>,
    /// The secret that signs callbacks
    #[arg(long, value_name = "SECRET")]
    app_secret: Option<String>,
    /// The Meta app's id
    #[arg(long, value_name = "ID", default_value = "100000000000002")]
    app_id: String,
    /// The access token that may send
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// The phone number's id
    #[arg(long, value_name = "ID", default_value = "105000000000001")]
    phone_number_id: String,
    /// The WhatsApp Business account's id
    #[arg(long, value_name = "ID", default_value = "106000000000001")]
    waba_id: String,
    /// The token of Meta's handshake with the callback address
    #[arg(long, value_name = "TOKEN")]
    verify_token: Option<String>,
    /// The phone number itself, as people write it
    #[arg(long, value_name = "NUMBER", default_value = "+1 202-555-0100")]
    display_phone_number: String,
    /// Refuse all but templates to people who have not written for 24 hours (131047)
    #[arg(long)]
    window: bool,
    /// Leave people's numbers out of callbacks; the BSUID remains
    #[arg(long)]
    hide_numbers: bool,
    /// Take templates that nobody made, whatever their parameters
    #[arg(long)]
    any_template: bool,
    /// Set no limits on messages and management calls
    #[arg(long)]
    no_limits: bool,
    /// Most updates in one callback; Meta goes up to 1,000
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    batch: u16,
}

/// The people come from the table that makes them behave.
fn after_help() -> String {
    format!(
        "\
Example:
  gatepost sandbox --callback http://127.0.0.1:8080/hooks/meta/app_… --app-secret SECRET \\
    --verify-token TOKEN

Point live channels of a Gatepost, or any client of the Cloud API, at its base URL. People there:
{}
Templates are reviewed half a second after they were made: names that begin with rejected,
paused, disabled or pending get that status, all others are approved. hello_world and four
sample_… ones are there from the start. The code of phone number verification is 424242; the
first PIN that a number is registered with is its PIN from then on.

Beside Meta's paths, with the same token:
  POST /_sandbox/inbound    a person writes:
       {{phone_number_id, from, text | message, context?, name?, hide_number?}}
  POST /_sandbox/emit       a callback of any field; without a value, a sample of one:
       {{phone_number_id, field, value?}}
  POST /_sandbox/templates  a verdict on a template:
       {{template_id, status?, reason?, quality?, category?}}
  POST /_sandbox/faults     server_error, rate_limited, bad_gateway, hang, cut or garbled on
       messages, media, templates, management or any; copies and disorder of callbacks:
       {{fault?, on?, times?, taken?, duplicates?, shuffle?}}
  GET  /_sandbox/sends      what was taken: ?after=N&limit=N",
        people::table()
    )
}

impl SandboxCommand {
    pub async fn run(self, context: Context) -> Result<()> {
        context.log()?;
        let output = context.output;
        let mut signals = Signals::new()?;
        let made_up = |given: Option<String>, prefix: &str| {
            given.map_or_else(|| random_token(prefix, &SystemEntropy), Secret::new)
        };
        let (app_secret, token, verify_token) =
            (made_up(self.app_secret, ""), made_up(self.token, "EAAtest"), made_up(self.verify_token, ""));
        let usual = SandboxRules::default();
        let config = SandboxConfig {
            listen: self.listen,
            apps: vec![SandboxApp {
                app_id: self.app_id.clone(),
                app_secret: app_secret.clone(),
                callback_url: self.callback.clone(),
                verify_token: verify_token.expose().clone(),
                require_proof: false,
            }],
            numbers: vec![SandboxNumber {
                phone_number_id: self.phone_number_id.clone(),
                waba_id: self.waba_id.clone(),
                app_id: self.app_id.clone(),
                token: token.clone(),
                display_phone_number: self.display_phone_number,
                verified_name: "Test sender".to_owned(),
            }],
            callbacks: CallbackPace { batch: self.batch.into(), ..CallbackPace::default() },
            limits: if self.no_limits { SandboxLimits::NONE } else { SandboxLimits::default() },
            rules: SandboxRules {
                window: if self.window { Window::Refused } else { Window::Ignored },
                hide_numbers: self.hide_numbers,
                management_calls: usual.management_calls.filter(|_| !self.no_limits),
                ..usual
            },
            templates: if self.any_template { None } else { Some(Vec::new()) },
            ..SandboxConfig::default()
        };
        let handle = start_sandbox(config, trusted_client(resolver()?)?).await?;
        let facts = [
            ("base URL", "url", handle.base_url()),
            ("app id", "app_id", self.app_id.clone()),
            ("app secret", "app_secret", app_secret.expose().clone()),
            ("phone number id", "phone_number_id", self.phone_number_id),
            ("account (WABA)", "waba_id", self.waba_id),
            ("access token", "token", token.expose().clone()),
            ("verify token", "verify_token", verify_token.expose().clone()),
            (
                "callbacks to",
                "callback",
                self.callback.clone().unwrap_or_else(|| "nobody (--callback)".to_owned()),
            ),
        ];
        let mut started: Value =
            facts.iter().map(|(_, name, value)| ((*name).to_owned(), json!(value))).collect();
        started["event"] = json!("started");
        output.data(&started);
        output.say(output.tint(Tint::Bold, "A simulated Meta"));
        for (label, _, value) in &facts {
            output.say(format_args!("  {}  {value}", output.tint(Tint::Dim, format_args!("{label:15}"))));
        }
        output.say(output.tint(Tint::Dim, "\nCtrl-C ends it.\n"));
        if self.callback.is_some() {
            shake_hands(&handle, &self.app_id, output).await;
        }
        let mut watch = Watch::default();
        loop {
            tokio::select! {
                () = signals.next() => break,
                () = tokio::time::sleep(LOOK_EVERY) => watch.look(handle.sends(), handle.observed(), output),
            }
        }
        handle.shutdown().await;
        Ok(())
    }
}

async fn shake_hands(handle: &gatepost_channels::sandbox::SandboxHandle, app_id: &str, output: Output) {
    let verified = handle.verify_callback(app_id).await;
    output.data(&json!({
        "event": "handshake",
        "ok": verified.is_ok(),
        "error": verified.as_ref().err().map(ToString::to_string),
    }));
    match verified {
        Ok(()) => output.say("handshake  the callback address answered the challenge"),
        Err(error) => output.say(output.tint(Tint::Yellow, format_args!("handshake  {error}"))),
    }
}

/// What was told already.
#[derive(Default)]
struct Watch {
    sends: Option<u64>,
    observed: Observed,
}

impl Watch {
    fn look(&mut self, sends: Vec<SendRecord>, observed: Observed, output: Output) {
        for send in sends {
            if self.sends.is_some_and(|known| send.number <= known) {
                continue;
            }
            self.sends = Some(send.number);
            let body: Value = serde_json::from_slice(&send.body).unwrap_or_default();
            let kind = body["type"].as_str().unwrap_or("message").to_owned();
            output.data(
                &json!({ "event": "send", "wamid": send.wamid, "to": send.to, "type": kind, "body": body }),
            );
            output.say(format_args!(
                "message    → {}  {kind}  {}",
                masked(&format!("+{}", send.to)),
                send.wamid
            ));
        }
        if observed.refused > self.observed.refused {
            let count = observed.refused - self.observed.refused;
            output.data(&json!({ "event": "refused", "count": count }));
            output.say(output.tint(Tint::Yellow, format_args!("refused    {count}")));
        }
        if observed.posts > self.observed.posts {
            let (posts, failed) =
                (observed.posts - self.observed.posts, observed.failed_posts - self.observed.failed_posts);
            output.data(&json!({ "event": "callbacks", "posts": posts, "failed": failed, "waiting": observed.pending }));
            let line = format!("callbacks  {posts} posted, {failed} failed, {} waiting", observed.pending);
            output.say(if failed > 0 {
                output.tint(Tint::Yellow, line)
            } else {
                output.tint(Tint::Dim, line)
            });
        }
        self.observed = observed;
    }
}

impl From<gatepost_channels::sandbox::SandboxError> for Failure {
    fn from(error: gatepost_channels::sandbox::SandboxError) -> Self {
        Self::failed(error)
    }
}
