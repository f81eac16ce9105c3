//! `gatepost visit`

use serde_json::{Value, json};

use crate::answer::{cell, text};
use crate::cli::Context;
use crate::failure::Result;
use crate::operator_client::Operator;
use crate::output::Output;

/// Visits: when operators may read in a workspace, and why.
#[derive(clap::Subcommand)]
pub enum Visit {
    /// List the visits of a workspace, newest first
    List {
        /// The workspace, by id or name; may be left out where there is only one
        #[arg(long, value_name = "ID|NAME")]
        workspace: Option<String>,
    },
    /// End a visit: the operator's next request is refused
    End {
        /// Its id, opv_…
        id: String,
        /// The workspace, by id or name; may be left out where there is only one
        #[arg(long, value_name = "ID|NAME")]
        workspace: Option<String>,
    },
}

impl Visit {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        let operator = Operator::connect(context.quiet_settings()?, output).await?;
        let done = self.perform(&operator, output).await;
        operator.close().await;
        done
    }

    async fn perform(self, operator: &Operator, output: Output) -> Result<()> {
        let (Self::List { workspace } | Self::End { workspace, .. }) = &self;
        let workspace = operator.workspace(workspace.as_deref()).await?;
        match &self {
            Self::List { .. } => {
                let visits = operator.list(&workspace.path("operator-visits")).await?;
                output.data(&json!({ "data": visits }));
                let state = |visit: &Value| match (&visit["open"], &visit["ended_at"]) {
                    (Value::Bool(true), _) => "open",
                    (_, Value::Null) => "expired",
                    _ => "ended",
                };
                let rows: Vec<Vec<String>> = visits
                    .iter()
                    .map(|v| {
                        let reads = if v["content"] == true { "with content" } else { "set-up" };
                        let who = cell(v, "operator_name");
                        vec![
                            cell(v, "id"),
                            who,
                            state(v).to_owned(),
                            reads.to_owned(),
                            cell(v, "expires_at"),
                            cell(v, "reason"),
                        ]
                    })
                    .collect();
                output.table(
                    &["ID", "OPERATOR", "STATE", "MAY READ", "ENDS", "REASON"],
                    &rows,
                    "No operator has ever visited this workspace.",
                );
            }
            Self::End { id, .. } => {
                let ended = operator.delete(&workspace.path(&format!("operator-visits/{id}"))).await?;
                output.data(&ended);
                output.say(format_args!("The visit {} is over.", text(&ended, "id")));
            }
        }
        Ok(())
    }
}
