//! `gatepost trigger`: an event on demand, to try a receiver with.

use gatepost_core::event::EventType;
use serde_json::{Value, json};

use super::send::At;
use crate::answer::text;
use crate::cli::Context;
use crate::failure::Result;
use crate::operator_client::Operator;
use crate::output::{Output, Tint};

/// Make up an event in test mode: it goes to test endpoints, streams and `gatepost listen` like any other.
///
/// Nothing else changes: no message, contact or channel. Without an event it lists those there are. Without a key it asks
/// the server in the data directory, as its operator.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  gatepost trigger
  gatepost trigger message.received
  gatepost trigger message.failed --channel chn_01kagq5rh8e5htqh9sk95d3x4w")]
pub struct Trigger {
    /// The event, such as message.received
    event: Option<String>,
    /// The test channel to speak of [default: the workspace's first]
    #[arg(long, value_name = "CHANNEL")]
    channel: Option<String>,
    /// The workspace, by id or name, as the operator; may be left out where there is only one
    #[arg(long, value_name = "ID|NAME")]
    workspace: Option<String>,
    #[command(flatten)]
    at: At,
}

impl Trigger {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        let Some(event) = &self.event else {
            list(output);
            return Ok(());
        };
        let mut body = json!({ "type": event });
        if let Some(channel) = &self.channel {
            body["channel_id"] = json!(channel);
        }
        let made = if self.workspace.is_none() && self.at.is_named() {
            self.at.api(&context)?.post("/v1/test/events", &body, None).await?
        } else {
            let operator = Operator::connect(context.quiet_settings()?, output).await?;
            let made = by_operator(&operator, self.workspace.as_deref(), &body).await;
            operator.close().await;
            made?
        };
        output.data(&made);
        output.say(format_args!("{}  {}", text(&made, "type"), output.tint(Tint::Dim, text(&made, "id"))));
        Ok(())
    }
}

async fn by_operator(operator: &Operator, workspace: Option<&str>, body: &Value) -> Result<Value> {
    let workspace = operator.workspace(workspace).await?;
    operator.post(&workspace.path("test/events"), body).await
}

fn list(output: Output) {
    let known: Vec<Value> = EventType::ALL
        .iter()
        .map(|event| json!({ "type": event, "meaning": event.meaning(), "told": event.told() }))
        .collect();
    output.data(&json!({ "data": known }));
    let rows: Vec<Vec<String>> =
        EventType::ALL.iter().map(|event| vec![event.to_string(), event.meaning().to_owned()]).collect();
    output.table(&["EVENT", "WHAT IT MEANS"], &rows, "");
}
