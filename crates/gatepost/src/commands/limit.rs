//! `gatepost limit`

use serde_json::{Value, json};

use super::mode::{Mode, mode_or_usual};
use crate::answer::{cell, text};
use crate::cli::Context;
use crate::failure::Result;
use crate::operator_client::Operator;
use crate::output::Output;

/// How fast API keys may be used: presets of rate limits for workspaces and keys.
///
/// Built in are none, interactive (3 a second, 20 in ten seconds, 100 a minute) and steady (120 a minute); the
/// configuration adds others under limits.presets.
#[derive(clap::Subcommand)]
pub enum Limit {
    /// Show the limits of a workspace's keys
    Show(Which),
    /// Give a workspace, or one of its keys, a preset
    #[command(after_help = "\
Examples:
  gatepost limit set steady                 all keys of the workspace share 120 a minute
  gatepost limit set interactive --key key_…
  gatepost limit set                        take the workspace's limit away")]
    Set {
        /// The preset's name; left out: what the configuration says
        preset: Option<String>,
        /// The key that it is for [default: all keys of the workspace share it]
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
        #[command(flatten)]
        which: Which,
    },
}

/// Whose limits are meant.
#[derive(clap::Args)]
pub struct Which {
    /// Test keys or live ones [default: live where the workspace has a live channel, test where it has none]
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// The workspace, by id or name; may be left out where there is only one
    #[arg(long, value_name = "ID|NAME")]
    workspace: Option<String>,
}

impl Limit {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        let operator = Operator::connect(context.quiet_settings()?, output).await?;
        let done = self.perform(&operator, output).await;
        operator.close().await;
        done
    }

    async fn perform(self, operator: &Operator, output: Output) -> Result<()> {
        let (Self::Show(which) | Self::Set { which, .. }) = &self;
        let workspace = operator.workspace(which.workspace.as_deref()).await?;
        let mode = mode_or_usual(which.mode, operator, &workspace).await?.as_str();
        let limits = match &self {
            Self::Show(_) => operator.get(&workspace.path(&format!("limits?mode={mode}"))).await?,
            Self::Set { preset, key, .. } => {
                let body = json!({ "mode": mode, "preset": preset, "key_id": key });
                operator.put(&workspace.path("limits"), &body).await?
            }
        };
        show(&limits, &workspace.name, output);
        Ok(())
    }
}

fn show(limits: &Value, workspace: &str, output: Output) {
    output.data(limits);
    let mode = text(limits, "mode");
    match limits["preset"].as_str() {
        Some(preset) => output.say(format_args!("All {mode} keys of {workspace} share the limit {preset}.")),
        None => output
            .say(format_args!("Each {mode} key of {workspace} has the limit that the configuration says.")),
    }
    let rows: Vec<Vec<String>> = limits["keys"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .map(|key| vec![cell(key, "key_id"), cell(key, "preset")])
        .collect();
    output.table(&["KEY", "LIMIT OF ITS OWN"], &rows, "No key has a limit of its own.");
}
