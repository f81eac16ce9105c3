//! `gatepost allowlist`: the way back in for who has shut themselves out, too.

use serde_json::{Value, json};

use super::mode::{Mode, mode_or_usual};
use crate::answer::{cell, text};
use crate::cli::Context;
use crate::failure::{Failure, Result};
use crate::operator_client::Operator;
use crate::output::Output;

/// From where API keys may be used: of a whole workspace, or of one key.
///
/// Both lists must hold the caller's address. A change binds the very next request, also of a running server.
#[derive(clap::Subcommand)]
pub enum Allowlist {
    /// Show the list
    Show(Which),
    /// Add addresses or networks, and switch the list on
    #[command(after_help = "Example:\n  gatepost allowlist add 192.0.2.0/24 2001:db8::/32 --note Office")]
    Add {
        /// Addresses or networks, such as 192.0.2.7 or 2001:db8::/32
        #[arg(required = true, value_name = "NETWORK")]
        networks: Vec<String>,
        /// What they are, for people
        #[arg(long, default_value = "")]
        note: String,
        #[command(flatten)]
        which: Which,
    },
    /// Take addresses or networks off the list
    Remove {
        /// As they are listed
        #[arg(required = true, value_name = "NETWORK")]
        networks: Vec<String>,
        #[command(flatten)]
        which: Which,
    },
    /// Switch the list on
    On(Which),
    /// Switch the list off: keys may be used from everywhere
    Off(Which),
}

/// Which list is meant.
#[derive(clap::Args)]
pub struct Which {
    /// The list of one key [default: the workspace's own]
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// The list for test keys or for live ones [default: live where the workspace has a live channel, test where it has none]
    #[arg(long, value_enum, conflicts_with = "key")]
    mode: Option<Mode>,
    /// The workspace, by id or name; may be left out where there is only one
    #[arg(long, value_name = "ID|NAME")]
    workspace: Option<String>,
}

impl Which {
    /// The list's path, and what it is in words.
    async fn path(&self, operator: &Operator) -> Result<(String, String)> {
        let workspace = operator.workspace(self.workspace.as_deref()).await?;
        if let Some(key) = &self.key {
            return Ok((workspace.path(&format!("keys/{key}/ip-allowlist")), format!("the key {key}")));
        }
        let mode = mode_or_usual(self.mode, operator, &workspace).await?.as_str();
        let words = format!("the {mode} keys of {}", workspace.name);
        Ok((workspace.path(&format!("ip-allowlist?mode={mode}")), words))
    }
}

impl Allowlist {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        let operator = Operator::connect(context.quiet_settings()?, output).await?;
        let done = self.perform(&operator, output).await;
        operator.close().await;
        done
    }

    async fn perform(self, operator: &Operator, output: Output) -> Result<()> {
        let (Self::Show(which)
        | Self::On(which)
        | Self::Off(which)
        | Self::Add { which, .. }
        | Self::Remove { which, .. }) = &self;
        let (path, words) = which.path(operator).await?;
        let list = operator.get(&path).await?;
        let entries = list["entries"].as_array().cloned().unwrap_or_default();
        let mut entries: Vec<Value> =
            entries.iter().map(|e| json!({ "network": e["network"], "note": e["note"] })).collect();
        let mut enabled = list["enabled"] == true;
        match self {
            Self::Show(_) => {
                show(&list, &words, output);
                return Ok(());
            }
            Self::On(_) => enabled = true,
            Self::Off(_) => enabled = false,
            Self::Add { networks, note, .. } => {
                entries.extend(networks.iter().map(|network| json!({ "network": network, "note": note })));
                enabled = true;
            }
            Self::Remove { networks, .. } => {
                for network in networks {
                    let before = entries.len();
                    entries.retain(|entry| entry["network"] != network.as_str());
                    if entries.len() == before {
                        return Err(Failure::refused(format!("{network} is not on the list"))
                            .hint("see how it is written there: gatepost allowlist show"));
                    }
                }
                // A list that is on and empty would shut out everybody.
                enabled = enabled && !entries.is_empty();
            }
        }
        let body = json!({ "enabled": enabled, "entries": entries });
        let list = operator.put(&path, &body).await?;
        show(&list, &words, output);
        Ok(())
    }
}

fn show(list: &Value, words: &str, output: Output) {
    output.data(list);
    if list["enabled"] == true {
        output.say(format_args!("On: {words} may be used from these addresses only.\n"));
    } else {
        output.say(format_args!("Off: {words} may be used from everywhere.\n"));
    }
    let rows: Vec<Vec<String>> = list["entries"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .map(|entry| vec![cell(entry, "network"), text(entry, "note").to_owned(), cell(entry, "created_at")])
        .collect();
    output.table(
        &["NETWORK", "NOTE", "SINCE"],
        &rows,
        "Nothing is listed. Add: gatepost allowlist add 192.0.2.0/24",
    );
}
