//! `gatepost pause`

use http::Method;
use serde_json::{Value, json};

use crate::answer::{cell, text};
use crate::cli::Context;
use crate::failure::{Failure, Result};
use crate::operator_client::Operator;
use crate::output::Output;

/// Pauses: a workspace, a channel or a purpose sends nothing until somebody lifts it.
#[derive(clap::Subcommand)]
pub enum Pause {
    /// List what is paused in a workspace
    List {
        #[command(flatten)]
        of: Of,
    },
    /// Pause a workspace, or a part of it: every send is refused from then on, and what is queued waits
    #[command(after_help = "\
Examples:
  gatepost pause set --reason \"Abuse report 4711: unsolicited offers\"
  gatepost pause set --channel chn_… --reason \"Number flagged by Meta\"
  gatepost pause set --purpose operational --reason \"Wrong prices in reminders\"")]
    Set {
        /// This channel only
        #[arg(long, value_name = "CHANNEL", conflicts_with = "purpose")]
        channel: Option<String>,
        /// Messages of this purpose only
        #[arg(long)]
        purpose: Option<String>,
        /// Why, 10 to 500 characters; the workspace's owners read it
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        of: Of,
    },
    /// Lift a pause, whoever set it
    Lift {
        /// Its id, pse_…; left out: the operator's pause of the whole workspace
        id: Option<String>,
        #[command(flatten)]
        of: Of,
    },
}

/// Whose they are.
#[derive(clap::Args)]
pub struct Of {
    /// The workspace, by id or name; may be left out where there is only one
    #[arg(long, value_name = "ID|NAME")]
    pub workspace: Option<String>,
}

impl Pause {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        let operator = Operator::connect(context.quiet_settings()?, output).await?;
        let done = self.perform(&operator, output).await;
        operator.close().await;
        done
    }

    async fn perform(self, operator: &Operator, output: Output) -> Result<()> {
        let (Self::List { of } | Self::Set { of, .. } | Self::Lift { of, .. }) = &self;
        let workspace = operator.workspace(of.workspace.as_deref()).await?;
        match &self {
            Self::List { .. } => {
                let paused = operator.get(&workspace.path("pauses")).await?;
                output.data(&paused);
                let paused = paused["data"].as_array().map(Vec::as_slice).unwrap_or_default();
                let rows: Vec<Vec<String>> = paused.iter().map(row).collect();
                let head = ["ID", "PAUSED", "BY", "SINCE", "REASON"];
                output.table(&head, &rows, "Nothing is paused in this workspace.");
            }
            Self::Set { channel: None, purpose: None, reason, .. } => {
                let body = json!({ "reason": reason });
                let standing = operator.post(&workspace.path("pause-sending"), &body).await?;
                output.data(&standing);
                output.say(format_args!("Sending of {} is paused.", workspace.name));
                output.say("Let it go on: gatepost pause lift");
            }
            Self::Set { channel, purpose, reason, .. } => {
                let mut body = json!({ "reason": reason });
                if let Some(channel) = channel {
                    body["scope"] = json!("channel");
                    body["channel_id"] = json!(channel);
                } else {
                    body["scope"] = json!("purpose");
                    body["purpose"] = json!(purpose);
                }
                let pause = operator.post(&workspace.path("pauses"), &body).await?;
                output.data(&pause);
                output.say(format_args!("Paused: {}.", what(&pause)));
                output.say(format_args!("Let it go on: gatepost pause lift {}", text(&pause, "id")));
            }
            Self::Lift { id: None, .. } => {
                let resumed = operator.post(&workspace.path("resume-sending"), &Value::Null).await;
                let standing = resumed.map_err(|failure| match failure.code.as_deref() {
                    Some("conflict") => Failure::refused("the workspace as a whole is not paused")
                        .hint("see what is: gatepost pause list"),
                    _ => failure,
                })?;
                output.data(&standing);
                output.say(format_args!("{} sends again.", workspace.name));
            }
            Self::Lift { id: Some(id), .. } => {
                operator.call(Method::DELETE, &workspace.path(&format!("pauses/{id}")), None).await?;
                output.data(&json!({ "id": id }));
                output
                    .say(format_args!("The pause {id} is lifted; what waited goes on within half a minute."));
            }
        }
        Ok(())
    }
}

/// What a pause stops.
fn what(pause: &Value) -> String {
    match text(pause, "scope") {
        "channel" => format!("channel {}", text(pause, "channel_id")),
        "purpose" => format!("purpose {}", text(pause, "purpose")),
        _ => "the whole workspace".to_owned(),
    }
}

fn row(pause: &Value) -> Vec<String> {
    vec![
        cell(pause, "id"),
        what(pause),
        cell(pause, "paused_by"),
        cell(pause, "since"),
        cell(pause, "reason"),
    ]
}
