//! `gatepost channel check|register|…`: a channel's number at Meta.
//!
//! Threat note. PINs are asked for without echo, or read from standard input where that is no terminal; there is no flag
//! for them, since flags end up in histories and process lists. Nothing is asked of Meta twice: a wrong PIN counts.

use http::Method;
use serde_json::{Map, Value, json};

use super::channel;
use super::channel_cloud::secret;
use crate::answer::{cell, text};
use crate::failure::{Failure, Result};
use crate::operator_client::Operator;
use crate::output::{Output, Tint};

/// What every one of these commands names.
#[derive(clap::Args)]
pub struct Which {
    /// The channel's id
    id: String,
    /// The workspace, by id or name; may be left out where there is only one
    #[arg(long, value_name = "ID|NAME")]
    workspace: Option<String>,
}

#[derive(clap::Subcommand)]
pub enum Number {
    /// Ask Meta about a channel's number and token now
    Check {
        #[command(flatten)]
        which: Which,
    },
    /// Register a channel's number for the Cloud API; its six-digit PIN is asked for
    #[command(after_help = "\
Meta is asked once: a wrong PIN counts against the number, and after a few Meta locks it. A number without
a PIN gets the one you give. Where standard input is no terminal the PIN is read from it.")]
    Register {
        #[command(flatten)]
        which: Which,
        /// The country where Meta is to keep data at rest, two capital letters
        #[arg(long, value_name = "COUNTRY")]
        region: Option<String>,
    },
    /// End the use of a channel's number with the Cloud API
    Deregister {
        #[command(flatten)]
        which: Which,
    },
    /// Set the two-step PIN of a channel's number; it is asked for
    Pin {
        #[command(flatten)]
        which: Which,
    },
    /// Have Meta bring a verification code to a channel's number
    RequestCode {
        #[command(flatten)]
        which: Which,
        /// sms or voice
        #[arg(long, default_value = "sms")]
        method: String,
        /// The language of the text or call
        #[arg(long, default_value = "en_US")]
        language: String,
    },
    /// Give Meta the verification code that arrived
    Verify {
        #[command(flatten)]
        which: Which,
        /// The digits
        #[arg(long)]
        code: String,
    },
    /// Show the business profile of a channel's number, or change it
    #[command(after_help = "Example:\n  gatepost channel profile chn_… --about \"Open Monday to Friday\"")]
    Profile(Profile),
    /// Show whom Meta tells of a channel
    Subscription {
        #[command(flatten)]
        which: Which,
    },
}

/// What to change about a profile; nothing shows it.
#[derive(clap::Args)]
pub struct Profile {
    #[command(flatten)]
    which: Which,
    /// A line about the business, at most 139 characters
    #[arg(long)]
    about: Option<String>,
    /// At most 256 characters
    #[arg(long)]
    address: Option<String>,
    /// At most 512 characters
    #[arg(long)]
    description: Option<String>,
    /// At most 128 characters
    #[arg(long)]
    email: Option<String>,
    /// A website; may be given twice
    #[arg(long = "website", value_name = "URL")]
    websites: Vec<String>,
    /// Meta's word for the trade, such as RETAIL
    #[arg(long)]
    vertical: Option<String>,
}

/// A channel's path at the operator's socket, and what follows it.
async fn path(operator: &Operator, which: &Which, rest: &str) -> Result<String> {
    let workspace = operator.workspace(which.workspace.as_deref()).await?;
    Ok(workspace.path(&format!("channels/{}/{rest}", which.id)))
}

fn pin(output: Output) -> Result<Value> {
    let pin = secret("PIN, six digits", output)?;
    if pin.expose().len() == 6 && pin.expose().bytes().all(|b| b.is_ascii_digit()) {
        Ok(json!({ "pin": pin.expose() }))
    } else {
        Err(Failure::usage("the PIN has six digits; Meta was not asked"))
    }
}

impl Number {
    pub async fn perform(self, operator: &Operator, output: Output) -> Result<()> {
        match self {
            Self::Check { which } => {
                let found =
                    operator.call(Method::POST, &path(operator, &which, "check").await?, None).await?;
                show_check(&found, output);
                Ok(())
            }
            Self::Register { which, region } => {
                let path = path(operator, &which, "register").await?;
                let mut body = pin(output)?;
                if let Some(region) = region {
                    body["data_localization_region"] = json!(region);
                }
                let channel = operator.post(&path, &body).await?;
                output.say(output.tint(Tint::Green, "The number is registered."));
                channel::show(&channel, output);
                Ok(())
            }
            Self::Deregister { which } => {
                let path = path(operator, &which, "deregister").await?;
                let channel = operator.call(Method::POST, &path, None).await?;
                output.say("The number is not registered any more; the channel neither sends nor hears.");
                channel::show(&channel, output);
                Ok(())
            }
            Self::Pin { which } => {
                let path = path(operator, &which, "pin").await?;
                operator.call(Method::PUT, &path, Some(&pin(output)?)).await?;
                done(&which, "The number has this PIN now.", output);
                Ok(())
            }
            Self::RequestCode { which, method, language } => {
                let path = path(operator, &which, "verification-code").await?;
                operator.post(&path, &json!({ "method": method, "language": language })).await?;
                done(
                    &which,
                    "The code is on its way. Next: gatepost channel verify ID --code DIGITS",
                    output,
                );
                Ok(())
            }
            Self::Verify { which, code } => {
                operator.post(&path(operator, &which, "verify").await?, &json!({ "code": code })).await?;
                done(&which, "The number is verified. Next: gatepost channel register ID", output);
                Ok(())
            }
            Self::Profile(profile) => profile.perform(operator, output).await,
            Self::Subscription { which } => {
                let found = operator.get(&path(operator, &which, "subscription").await?).await?;
                show_subscription(&found, output);
                Ok(())
            }
        }
    }
}

impl Profile {
    async fn perform(self, operator: &Operator, output: Output) -> Result<()> {
        let path = path(operator, &self.which, "profile").await?;
        let mut body = Map::new();
        for (name, value) in [
            ("about", self.about),
            ("address", self.address),
            ("description", self.description),
            ("email", self.email),
            ("vertical", self.vertical),
        ] {
            if let Some(value) = value {
                body.insert(name.to_owned(), value.into());
            }
        }
        if !self.websites.is_empty() {
            body.insert("websites".to_owned(), json!(self.websites));
        }
        if !body.is_empty() {
            operator.call(Method::PATCH, &path, Some(&Value::Object(body))).await?;
        }
        let profile = operator.get(&path).await?;
        output.data(&profile);
        for name in ["about", "address", "description", "email", "websites", "vertical"] {
            output.say(format_args!(
                "  {}  {}",
                output.tint(Tint::Dim, format_args!("{name:15}")),
                cell(&profile, name)
            ));
        }
        Ok(())
    }
}

fn done(which: &Which, words: &str, output: Output) {
    output.data(&json!({ "id": which.id, "done": true }));
    output.say(words);
}

fn show_check(found: &Value, output: Output) {
    let findings = found["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    if findings.is_empty() {
        output.say(output.tint(Tint::Green, "Meta finds nothing wrong."));
    }
    for finding in findings {
        let tint = if finding["blocks"] == true { Tint::Red } else { Tint::Yellow };
        output.say(format_args!("{}", output.tint(tint, text(finding, "detail"))));
        output.say(format_args!("  {}", text(finding, "action")));
    }
    if output.is_json() {
        output.data(found);
    } else {
        channel::show(&found["channel"], output);
    }
}

fn show_subscription(found: &Value, output: Output) {
    output.data(found);
    for app in found["apps"].as_array().map(Vec::as_slice).unwrap_or_default() {
        output.say(format_args!("  subscribed  {} ({})", cell(app, "name"), cell(app, "id")));
    }
    for (label, level) in [("app", "app"), ("account override", "account"), ("number override", "number")] {
        output.say(format_args!("  {label:17}  {}", cell(&found["webhooks"], level)));
    }
}
