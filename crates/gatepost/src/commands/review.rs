//! `gatepost review`

use serde_json::{Value, json};

use super::pause::Of;
use crate::answer::cell;
use crate::cli::Context;
use crate::failure::Result;
use crate::operator_client::Operator;
use crate::output::Output;

/// Reviews: what the guard holds until somebody has decided.
#[derive(clap::Subcommand)]
pub enum Review {
    /// List what waits for a decision in a workspace: scores and rules, no words and no numbers of people
    List {
        #[command(flatten)]
        of: Of,
    },
    /// Let go what is held
    Approve {
        #[command(flatten)]
        decision: Decision,
    },
    /// Refuse what is held, for good
    Reject {
        #[command(flatten)]
        decision: Decision,
    },
}

/// A decision.
#[derive(clap::Args)]
pub struct Decision {
    /// The review's id, rvw_…
    id: String,
    /// Why, 10 to 500 characters; it is audited
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    of: Of,
}

impl Review {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        let operator = Operator::connect(context.quiet_settings()?, output).await?;
        let done = self.perform(&operator, output).await;
        operator.close().await;
        done
    }

    async fn perform(self, operator: &Operator, output: Output) -> Result<()> {
        match &self {
            Self::List { of } => {
                let workspace = operator.workspace(of.workspace.as_deref()).await?;
                let open = operator.list(&workspace.path("reviews")).await?;
                output.data(&json!({ "data": open }));
                let rows: Vec<Vec<String>> = open.iter().map(row).collect();
                let head = ["ID", "KIND", "SCORE", "RULES", "MESSAGE", "DECIDE UNTIL"];
                output.table(&head, &rows, "Nothing waits for a decision in this workspace.");
            }
            Self::Approve { decision } => {
                decision.take(operator, "approve", output).await?;
                output.say(format_args!("{} is approved: what was held goes on.", decision.id));
            }
            Self::Reject { decision } => {
                decision.take(operator, "reject", output).await?;
                output.say(format_args!("{} is rejected: nothing of it is sent.", decision.id));
            }
        }
        Ok(())
    }
}

impl Decision {
    async fn take(&self, operator: &Operator, verb: &str, output: Output) -> Result<()> {
        let workspace = operator.workspace(self.of.workspace.as_deref()).await?;
        let path = workspace.path(&format!("reviews/{}/{verb}", self.id));
        let review = operator.post(&path, &json!({ "reason": self.reason })).await?;
        output.data(&review);
        Ok(())
    }
}

fn row(review: &Value) -> Vec<String> {
    ["id", "kind", "risk_score", "rules", "message_id", "expires_at"].map(|name| cell(review, name)).to_vec()
}
