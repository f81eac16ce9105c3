//! `gatepost channel`

use http::Method;
use serde_json::{Value, json};

use super::channel_cloud::Cloud;
use super::channel_number::Number;
use crate::answer::{cell, text};
use crate::cli::Context;
use crate::failure::Result;
use crate::operator_client::Operator;
use crate::output::{Output, Tint};

/// Channels: the WhatsApp numbers that a workspace sends from.
#[derive(clap::Subcommand)]
pub enum Channel {
    /// Add a channel
    #[command(subcommand)]
    Add(Add),
    /// List the channels
    List {
        /// The workspace, by id or name; may be left out where there is only one
        #[arg(long, value_name = "ID|NAME")]
        workspace: Option<String>,
    },
    /// Show a channel, and what to do where it is not well
    Show {
        /// The channel's id
        id: String,
        /// The workspace, by id or name; may be left out where there is only one
        #[arg(long, value_name = "ID|NAME")]
        workspace: Option<String>,
    },
    /// Remove a channel
    Remove {
        /// The channel's id
        id: String,
        /// The workspace, by id or name; may be left out where there is only one
        #[arg(long, value_name = "ID|NAME")]
        workspace: Option<String>,
    },
    #[command(flatten)]
    Number(Number),
}

#[derive(clap::Subcommand)]
pub enum Add {
    /// A number on the built-in simulated Meta: nothing leaves this machine
    Test {
        /// A name, for people
        #[arg(long, default_value = "Test channel")]
        name: String,
        /// The workspace, by id or name; may be left out where there is only one
        #[arg(long, value_name = "ID|NAME")]
        workspace: Option<String>,
    },
    Cloud(Cloud),
}

impl Channel {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        let operator = Operator::connect(context.quiet_settings()?, output).await?;
        let done = self.perform(&operator, output).await;
        operator.close().await;
        done
    }

    async fn perform(self, operator: &Operator, output: Output) -> Result<()> {
        match self {
            Self::Add(Add::Test { name, workspace }) => {
                let workspace = operator.workspace(workspace.as_deref()).await?;
                let body = json!({ "mode": "test", "type": "test", "name": name });
                let made = operator.post(&workspace.path("channels"), &body).await?;
                output.data(&made);
                output.say(format_args!(
                    "Added the test channel {} ({}) to {}: {} on the simulated Meta.",
                    text(&made, "name"),
                    text(&made, "id"),
                    workspace.name,
                    text(&made, "display_phone_number")
                ));
                output.say("\nNumbers +1 202 555 01xx are people there; +12025550108 answers what you send.");
                output.say("\nNext:\n  gatepost key create --scope send --scope read");
                Ok(())
            }
            Self::Add(Add::Cloud(cloud)) => cloud.perform(operator, output).await,
            Self::List { workspace } => {
                let workspace = operator.workspace(workspace.as_deref()).await?;
                list(&operator.list(&workspace.path("channels")).await?, output);
                Ok(())
            }
            Self::Show { id, workspace } => {
                let workspace = operator.workspace(workspace.as_deref()).await?;
                show(&operator.get(&workspace.path(&format!("channels/{id}"))).await?, output);
                Ok(())
            }
            Self::Remove { id, workspace } => {
                let workspace = operator.workspace(workspace.as_deref()).await?;
                operator.call(Method::DELETE, &workspace.path(&format!("channels/{id}")), None).await?;
                output.data(&json!({ "id": id, "removed": true }));
                output.say(format_args!("Removed {id}."));
                Ok(())
            }
            Self::Number(number) => number.perform(operator, output).await,
        }
    }
}

fn list(channels: &[Value], output: Output) {
    output.data(&json!({ "data": channels }));
    let rows: Vec<Vec<String>> = channels
        .iter()
        .map(|c| ["id", "mode", "name", "display_phone_number", "state"].map(|name| cell(c, name)).to_vec())
        .collect();
    let none = "No channel yet. Add one: gatepost channel add test";
    output.table(&["ID", "MODE", "NAME", "NUMBER", "STATE"], &rows, none);
}

/// All that is known of a channel.
pub fn show(channel: &Value, output: Output) {
    output.data(channel);
    for (label, name) in [
        ("id", "id"),
        ("name", "name"),
        ("mode", "mode"),
        ("state", "state"),
        ("what is wrong", "detail"),
        ("what to do", "next_action"),
        ("number", "display_phone_number"),
        ("verified name", "verified_name"),
        ("phone number id", "phone_number_id"),
        ("account (WABA)", "waba_id"),
        ("access token", "access_token_last4"),
        ("Meta app", "meta_app_id"),
        ("messages/s", "throughput"),
        ("quality", "quality_rating"),
        ("people a day", "messaging_limit"),
        ("name status", "name_status"),
        ("number status", "number_status"),
        ("token ends", "token_expires_at"),
        ("checked", "checked_at"),
        ("created", "created_at"),
    ] {
        if channel[name].is_null() {
            continue;
        }
        let value = cell(channel, name);
        let value = if name == "access_token_last4" { format!("…{value}") } else { value };
        output.say(format_args!("  {}  {value}", output.tint(Tint::Dim, format_args!("{label:15}"))));
    }
}
