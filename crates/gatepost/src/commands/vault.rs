//! `gatepost vault`

use serde_json::{Value, json};

use crate::answer::{cell, text};
use crate::cli::Context;
use crate::failure::Result;
use crate::operator_client::Operator;
use crate::output::{Output, Tint};

/// Master keys. Each workspace has data keys of its own, wrapped by the master key.
#[derive(clap::Subcommand)]
pub enum Vault {
    /// See which master keys wrap how many data keys
    Status,
    /// Move every data key under a new master key, while requests go on
    #[command(after_help = "\
Makes a new key in the master-key file and wraps everything under it; cut off half way, it goes on where it was.
Back the file up again afterwards. The old key stays until `gatepost vault drop-old`, so that older backups of the
database can still be opened.

With the key in GATEPOST_MASTER_KEY: put the new key, a comma and the old one there, start anew, then run this.
With several servers: give each the new file first, and start them anew.")]
    Rotate,
    /// Let go of master keys that wrap nothing any more
    DropOld,
}

impl Vault {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        let operator = Operator::connect(context.quiet_settings()?, output).await?;
        let asked = match self {
            Self::Status => operator.get("/operator/v1/vault").await,
            Self::Rotate => operator.post("/operator/v1/vault/rotate", &json!({})).await,
            Self::DropOld => operator.post("/operator/v1/vault/drop-old", &json!({})).await,
        };
        operator.close().await;
        let vault = asked?;
        output.data(&vault);
        show(&vault, output);
        match self {
            Self::Rotate => {
                output.say(
                    output.tint(
                        Tint::Yellow,
                        "\nBack the master-key file up again: without it the data is gone.",
                    ),
                );
                output.say(
                    "The old keys are still there for old backups; let go of them: gatepost vault drop-old",
                );
            }
            Self::DropOld => {
                output.say("\nOnly the key in use is left. Backups made under an older one need that one.");
            }
            Self::Status => {}
        }
        Ok(())
    }
}

fn show(vault: &Value, output: Output) {
    let primary = text(vault, "primary");
    let rows: Vec<Vec<String>> = vault["keys"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .map(|key| {
            let state = match (key["id"] == primary, key["held"] == true, key["wraps"] == 0) {
                (true, ..) => "in use",
                (false, false, _) => "MISSING: give this key back",
                (false, true, true) => "old, needed by nothing",
                (false, true, false) => "old, still needed: gatepost vault rotate",
            };
            vec![cell(key, "id"), cell(key, "wraps"), state.to_owned()]
        })
        .collect();
    output.table(&["MASTER KEY", "WRAPS", "STATE"], &rows, "No master key.");
}
