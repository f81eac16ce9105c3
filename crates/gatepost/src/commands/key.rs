//! `gatepost key`

use gatepost_app::SystemClock;
use gatepost_core::{Clock as _, Timestamp};
use serde_json::{Value, json};

use super::mode::{Mode, mode_or_usual};
use super::moment::span;
use crate::answer::{cell, text};
use crate::cli::Context;
use crate::failure::{Failure, Result};
use crate::operator_client::{Operator, Workspace};
use crate::output::{Output, Tint};

/// API keys. A key is shown once, when it is made; only its digest is kept.
#[derive(clap::Subcommand)]
pub enum Key {
    /// Make a key
    #[command(after_help = "\
Scopes:
  send      send messages and follow them
  read      read messages and events
  webhooks  set up webhooks and read events
  admin     everything, keys and channels included

Examples:
  gatepost key create --scope send --scope read
  gatepost key create --name \"Shop backend\" --mode live --scope send --channel chn_… --expires 90d")]
    Create(Create),
    /// List the keys, never their secrets
    List {
        /// The workspace, by id or name; may be left out where there is only one
        #[arg(long, value_name = "ID|NAME")]
        workspace: Option<String>,
    },
    /// Replace a key by a new one
    #[command(after_help = "Example:\n  gatepost key rotate key_… --overlap 1h")]
    Rotate {
        /// The key's id
        id: String,
        /// How long the old key still opens, such as 60s, 10m or 1h; it ends at once where this is left out
        #[arg(long, value_name = "TIME", value_parser = span)]
        overlap: Option<u64>,
        /// The workspace, by id or name; may be left out where there is only one
        #[arg(long, value_name = "ID|NAME")]
        workspace: Option<String>,
    },
    /// Revoke a key; binds the very next request, also of a running server
    Revoke {
        /// The key's id
        id: String,
        /// The workspace, by id or name; may be left out where there is only one
        #[arg(long, value_name = "ID|NAME")]
        workspace: Option<String>,
    },
}

#[derive(clap::Args)]
pub struct Create {
    /// What it is for; may be given several times
    #[arg(long = "scope", value_name = "SCOPE", required = true, value_parser = ["send", "read", "webhooks", "admin"])]
    scopes: Vec<String>,
    /// A name, for people
    #[arg(long, default_value = "Command line")]
    name: String,
    /// Test or live [default: live where the workspace has a live channel, test where it has none]
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// Bind it to a channel; may be given several times [default: every channel of the workspace]
    #[arg(long = "channel", value_name = "CHANNEL")]
    channels: Vec<String>,
    /// When it stops opening: a time from now such as 90d or 12h, or an RFC 3339 instant [default: never]
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    /// The workspace, by id or name; may be left out where there is only one
    #[arg(long, value_name = "ID|NAME")]
    workspace: Option<String>,
}

fn expiry(text: &str) -> Result<String> {
    if let Some(instant) = Timestamp::parse(text) {
        return Ok(instant.to_string());
    }
    let seconds =
        span(text).map_err(|why| Failure::usage(format!("--expires: {why}, or an RFC 3339 instant")))?;
    Ok(SystemClock.now().plus(std::time::Duration::from_secs(seconds)).to_string())
}

impl Key {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        let operator = Operator::connect(context.quiet_settings()?, output).await?;
        let done = self.perform(&operator, output).await;
        operator.close().await;
        done
    }

    async fn perform(self, operator: &Operator, output: Output) -> Result<()> {
        match self {
            Self::Create(create) => create.perform(operator, output).await,
            Self::List { workspace } => {
                let workspace = operator.workspace(workspace.as_deref()).await?;
                let keys = operator.list(&workspace.path("keys")).await?;
                list(&keys, output);
                Ok(())
            }
            Self::Rotate { id, overlap, workspace } => {
                let workspace = operator.workspace(workspace.as_deref()).await?;
                let body = overlap.map_or_else(|| json!({}), |seconds| json!({ "overlap_seconds": seconds }));
                let made = operator.post(&workspace.path(&format!("keys/{id}/rotate")), &body).await?;
                show_new(&made, &workspace, output);
                match overlap {
                    Some(seconds) => output.say(format_args!("The old key opens for another {seconds} s.")),
                    None => output.say("The old key opens nothing any more."),
                }
                Ok(())
            }
            Self::Revoke { id, workspace } => {
                let workspace = operator.workspace(workspace.as_deref()).await?;
                let revoked = operator.delete(&workspace.path(&format!("keys/{id}"))).await?;
                output.data(&revoked);
                output.say(format_args!(
                    "Revoked {} ({}); it opens nothing any more.",
                    text(&revoked, "name"),
                    text(&revoked, "id")
                ));
                Ok(())
            }
        }
    }
}

impl Create {
    async fn perform(self, operator: &Operator, output: Output) -> Result<()> {
        let workspace = operator.workspace(self.workspace.as_deref()).await?;
        let mode = mode_or_usual(self.mode, operator, &workspace).await?;
        let mut body = json!({ "name": self.name, "mode": mode.as_str(), "scopes": self.scopes });
        if !self.channels.is_empty() {
            body["channels"] = json!(self.channels);
        }
        if let Some(expires) = &self.expires {
            body["expires_at"] = json!(expiry(expires)?);
        }
        let made = operator.post(&workspace.path("keys"), &body).await?;
        show_new(&made, &workspace, output);
        output.say("\nNext:");
        output.say(format_args!("  export GATEPOST_API_KEY={}…    (the key above)", text(&made, "display")));
        output
            .say("  gatepost send --to +12025550101 --purpose transactional --text \"Your parcel is here.\"");
        Ok(())
    }
}

fn show_new(made: &Value, workspace: &Workspace, output: Output) {
    output.data(made);
    output.say(format_args!(
        "Made the {} key {} ({}) in {}, for: {}.",
        text(made, "mode"),
        text(made, "name"),
        text(made, "id"),
        workspace.name,
        cell(made, "scopes")
    ));
    output.say("It is shown this once:\n");
    output.say(format_args!("  {}\n", output.tint(Tint::Green, text(made, "secret"))));
}

fn list(keys: &[Value], output: Output) {
    output.data(&json!({ "data": keys }));
    let rows: Vec<Vec<String>> = keys
        .iter()
        .map(|key| {
            let state =
                if key["revoked_at"].is_null() { cell(key, "expires_at") } else { "revoked".to_owned() };
            vec![
                cell(key, "id"),
                cell(key, "name"),
                format!("{}…{}", text(key, "display"), text(key, "last4")),
                cell(key, "scopes"),
                cell(key, "last_used_at"),
                state,
            ]
        })
        .collect();
    output.table(
        &["ID", "NAME", "KEY", "SCOPES", "LAST USED", "ENDS"],
        &rows,
        "No key yet. Make one: gatepost key create --scope send --scope read",
    );
}
