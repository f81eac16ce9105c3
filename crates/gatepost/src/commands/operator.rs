//! `gatepost operator`

use serde_json::{Value, json};

use crate::answer::cell;
use crate::cli::Context;
use crate::failure::Result;
use crate::operator_client::Operator as Client;
use crate::output::Output;

/// Operators: people who run this installation or help its customers, on the operators' own listener.
#[derive(clap::Subcommand)]
pub enum Operator {
    /// Make somebody with an account an operator, or change what kind they are
    #[command(after_help = "\
Examples:
  gatepost operator add ann@example.com                     helps customers
  gatepost operator add ann@example.com --role administrator")]
    Add {
        /// The e-mail address of their account
        email: String,
        /// What they may do: all of it, or help customers by visits
        #[arg(long, value_enum, default_value_t = Role::Support)]
        role: Role,
    },
    /// Make somebody no operator any more: their sessions there and their visits end
    Remove {
        /// The e-mail address of their account
        email: String,
    },
    /// List the operators
    List,
}

/// What an operator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Runs the installation
    Administrator,
    /// Sees states and opens visits of workspaces
    Support,
}

impl Operator {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        let client = Client::connect(context.quiet_settings()?, output).await?;
        let done = self.perform(&client, output).await;
        client.close().await;
        done
    }

    async fn perform(self, client: &Client, output: Output) -> Result<()> {
        const PATH: &str = "/operator/v1/operators";
        match self {
            Self::Add { email, role } => {
                let role = match role {
                    Role::Administrator => "administrator",
                    Role::Support => "support",
                };
                client.put(PATH, &json!({ "email": email, "role": role })).await?;
                output.data(&json!({ "email": email, "role": role }));
                output.say(format_args!("{email} is an operator now ({role})."));
                output.say("They sign in on the operators' listener, with a second factor.");
            }
            Self::Remove { email } => {
                client.put(PATH, &json!({ "email": email, "role": Value::Null })).await?;
                output.data(&json!({ "email": email, "role": Value::Null }));
                output.say(format_args!("{email} is no operator any more."));
            }
            Self::List => {
                let known = client.list(PATH).await?;
                output.data(&json!({ "data": known }));
                let factor = |operator: &Value| match (&operator["disabled"], &operator["second_factor"]) {
                    (Value::Bool(true), _) => "disabled",
                    (_, Value::Bool(true)) => "yes",
                    _ => "none yet",
                };
                let rows: Vec<Vec<String>> = known
                    .iter()
                    .map(|o| vec![cell(o, "email"), cell(o, "name"), cell(o, "role"), factor(o).to_owned()])
                    .collect();
                output.table(
                    &["E-MAIL", "NAME", "ROLE", "SECOND FACTOR"],
                    &rows,
                    "No operator yet but whoever holds this machine. Make one: gatepost operator add EMAIL",
                );
            }
        }
        Ok(())
    }
}
