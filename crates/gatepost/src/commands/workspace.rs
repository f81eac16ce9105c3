//! `gatepost workspace`

use http::Method;
use serde_json::json;

use crate::answer::{cell, text};
use crate::cli::Context;
use crate::failure::Result;
use crate::operator_client::Operator;
use crate::output::Output;

/// Workspaces: the tenants. Every channel, key and message belongs to exactly one.
#[derive(clap::Subcommand)]
pub enum Workspace {
    /// Make a workspace
    #[command(after_help = "Example:\n  gatepost workspace create \"My company\"")]
    Create {
        /// Its name, for people
        name: String,
    },
    /// List the workspaces
    List,
    /// Bring back a workspace that its owners deleted
    Restore {
        /// The workspace, by id or name
        workspace: String,
    },
}

impl Workspace {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        let operator = Operator::connect(context.quiet_settings()?, output).await?;
        let done = match self {
            Self::Create { name } => {
                let made = operator.post("/operator/v1/workspaces", &json!({ "name": name })).await;
                made.map(|made| {
                    output.data(&made);
                    output.say(format_args!("Made the workspace {} ({}).", text(&made, "name"), text(&made, "id")));
                    output.say("\nNext:\n  gatepost channel add test\n  gatepost key create --scope send --scope read");
                })
            }
            Self::Restore { workspace } => restore(&operator, &workspace, output).await,
            Self::List => operator.get("/operator/v1/workspaces").await.map(|known| {
                output.data(&known);
                let rows: Vec<Vec<String>> = known["data"]
                    .as_array()
                    .map(Vec::as_slice)
                    .unwrap_or_default()
                    .iter()
                    .map(|w| {
                        vec![cell(w, "id"), cell(w, "name"), cell(w, "created_at"), cell(w, "deleted_at")]
                    })
                    .collect();
                output.table(
                    &["ID", "NAME", "CREATED", "DELETED"],
                    &rows,
                    "No workspace yet. Make one: gatepost workspace create \"My company\"",
                );
            }),
        };
        operator.close().await;
        done
    }
}

async fn restore(operator: &Operator, wanted: &str, output: Output) -> Result<()> {
    let workspace = operator.workspace(Some(wanted)).await?;
    operator.call(Method::POST, &workspace.path("restore"), None).await?;
    output.data(&json!({ "id": workspace.id, "deleted_at": null }));
    output.say(format_args!("{} is back: its members and keys open it again.", workspace.name));
    Ok(())
}
