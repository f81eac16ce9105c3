//! `gatepost endpoint`

use http::Method;
use serde_json::{Value, json};

use super::mode::{Mode, mode_or_usual};
use crate::answer::{cell, text};
use crate::cli::Context;
use crate::failure::Result;
use crate::operator_client::Operator;
use crate::output::{Output, Tint};

/// Webhook endpoints: where your software hears of events, signed by Standard Webhooks.
#[derive(clap::Subcommand)]
pub enum Endpoint {
    /// Add an endpoint; its signing secret is shown once
    #[command(after_help = "\
Examples:
  gatepost endpoint add https://hooks.example.com/gatepost
  gatepost endpoint add https://hooks.example.com/in --event message.received

For a receiver on this machine use `gatepost listen --forward-to URL`: it needs no public address.")]
    Add(Add),
    /// List the endpoints
    List {
        /// The workspace, by id or name; may be left out where there is only one
        #[arg(long, value_name = "ID|NAME")]
        workspace: Option<String>,
    },
    /// Remove an endpoint, and what was on its way to it
    Remove {
        /// The endpoint's id
        id: String,
        /// The workspace, by id or name; may be left out where there is only one
        #[arg(long, value_name = "ID|NAME")]
        workspace: Option<String>,
    },
    /// Give an endpoint a new secret; deliveries carry both signatures for a while
    RotateSecret {
        /// The endpoint's id
        id: String,
        /// How long both secrets sign, in seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
        overlap_seconds: u32,
        /// The workspace, by id or name; may be left out where there is only one
        #[arg(long, value_name = "ID|NAME")]
        workspace: Option<String>,
    },
}

#[derive(clap::Args)]
pub struct Add {
    /// An https URL of a public address
    url: String,
    /// Which events, such as message.* or message.received; may be given several times [default: all]
    #[arg(long = "event", value_name = "EVENT")]
    events: Vec<String>,
    /// What it is, for people
    #[arg(long)]
    description: Option<String>,
    /// Whether it hears of test or of live events [default: live where the workspace has a live channel, test where it has none]
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// The workspace, by id or name; may be left out where there is only one
    #[arg(long, value_name = "ID|NAME")]
    workspace: Option<String>,
}

impl Endpoint {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        let operator = Operator::connect(context.quiet_settings()?, output).await?;
        let done = self.perform(&operator, output).await;
        operator.close().await;
        done
    }

    async fn perform(self, operator: &Operator, output: Output) -> Result<()> {
        match self {
            Self::Add(add) => {
                let workspace = operator.workspace(add.workspace.as_deref()).await?;
                let mode = mode_or_usual(add.mode, operator, &workspace).await?;
                let mut body = json!({ "url": add.url, "mode": mode.as_str() });
                if !add.events.is_empty() {
                    body["events"] = json!(add.events);
                }
                if let Some(description) = add.description {
                    body["description"] = json!(description);
                }
                let made = operator.post(&workspace.path("webhook-endpoints"), &body).await?;
                output.say(format_args!(
                    "Added the endpoint {} ({}); it hears of {} events.",
                    text(&made, "url"),
                    text(&made, "id"),
                    text(&made, "mode")
                ));
                show_secret(&made, output);
                Ok(())
            }
            Self::List { workspace } => {
                let workspace = operator.workspace(workspace.as_deref()).await?;
                let endpoints = operator.list(&workspace.path("webhook-endpoints")).await?;
                list(&endpoints, output);
                Ok(())
            }
            Self::Remove { id, workspace } => {
                let workspace = operator.workspace(workspace.as_deref()).await?;
                operator
                    .call(Method::DELETE, &workspace.path(&format!("webhook-endpoints/{id}")), None)
                    .await?;
                output.data(&json!({ "id": id, "removed": true }));
                output.say(format_args!("Removed {id}, and what was on its way to it."));
                Ok(())
            }
            Self::RotateSecret { id, overlap_seconds, workspace } => {
                let workspace = operator.workspace(workspace.as_deref()).await?;
                let path = workspace.path(&format!("webhook-endpoints/{id}/rotate-secret"));
                let rotated = operator.post(&path, &json!({ "overlap_seconds": overlap_seconds })).await?;
                output.say(format_args!(
                    "{id} has a new secret; the old one signs too for {overlap_seconds} s."
                ));
                show_secret(&rotated, output);
                Ok(())
            }
        }
    }
}

fn show_secret(made: &Value, output: Output) {
    output.data(made);
    output.say("Its signing secret is shown this once:\n");
    output.say(format_args!("  {}\n", output.tint(Tint::Green, text(made, "secret"))));
    output.say("Verify deliveries with any Standard Webhooks library (https://www.standardwebhooks.com).");
}

fn list(endpoints: &[Value], output: Output) {
    output.data(&json!({ "data": endpoints }));
    let rows: Vec<Vec<String>> = endpoints
        .iter()
        .map(|endpoint| {
            let events = cell(endpoint, "events");
            vec![
                cell(endpoint, "id"),
                cell(endpoint, "mode"),
                cell(endpoint, "url"),
                if events.is_empty() { "all".to_owned() } else { events },
                if endpoint["enabled"] == true { "on".to_owned() } else { "off".to_owned() },
            ]
        })
        .collect();
    let none = "No endpoint yet. Add one: gatepost endpoint add https://…, or try: gatepost listen";
    output.table(&["ID", "MODE", "URL", "EVENTS", "STATE"], &rows, none);
}
