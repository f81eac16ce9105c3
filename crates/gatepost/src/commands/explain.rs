//! `gatepost guard explain`

use serde_json::Value;

use super::send::{At, Words};
use crate::answer::{cell, text};
use crate::cli::Context;
use crate::failure::{Failure, Result};
use crate::output::{Output, masked};

/// Say what the guard would decide about a message, and why; nothing is sent, stored or counted.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  gatepost guard explain --to +12025550123 --purpose operational --text \"Your table is ready.\"
  gatepost guard explain --message message.json --json

Exit codes: 0 where it would go or wait, 3 where it would be refused.")]
pub struct Explain {
    #[command(flatten)]
    message: Words,
    #[command(flatten)]
    at: At,
}

impl Explain {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        let body = self.message.body()?;
        let api = self.at.api(&context)?;
        let explained = api.post("/v1/messages?dry_run=true", &body, None).await?;
        output.data(&explained);
        show(&explained, &masked(text(&body, "to")), output);
        match explained["code"].as_str() {
            None => Ok(()),
            Some(code) => {
                let hint = gatepost_core::Code::parse(code).map(gatepost_core::Code::remedy);
                let refused = format!("it would be refused: {} ({code})", text(&explained, "detail"));
                Err(Failure::refused(refused).hint(hint.unwrap_or_default()))
            }
        }
    }
}

fn show(explained: &Value, to: &str, output: Output) {
    let channel = text(explained, "channel_id");
    match (text(explained, "action"), explained["not_before"].as_str()) {
        ("allow", None) => output.say(format_args!("It would go to {to} at once, through {channel}.")),
        ("allow", Some(until)) => {
            output.say(format_args!("It would wait for {to}'s quiet hours to end, until {until}."));
        }
        ("hold", _) => output.say(format_args!("It would be held until somebody has decided.")),
        _ => {}
    }
    let rules = explained["rules"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !rules.is_empty() {
        output.say(format_args!("Risk {} of 100:", cell(explained, "risk_score")));
    }
    for rule in rules {
        let numbers: Vec<String> = rule
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, _)| *name != "rule")
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        output.say(format_args!("  {}: {}", text(rule, "rule"), numbers.join(", ")));
    }
}
