//! `gatepost user`

use http::Method;
use serde_json::{Value, json};

use crate::answer::{cell, text};
use crate::cli::Context;
use crate::failure::{Failure, Result};
use crate::operator_client::Operator;
use crate::output::Output;

/// Accounts of people who sign in. Seats in workspaces are given by `gatepost member`, or by invitation.
#[derive(clap::Subcommand)]
pub enum User {
    /// Make an account; it has no password yet
    #[command(after_help = "Example:\n  gatepost user create ann@example.com --name \"Ann Example\"")]
    Create {
        /// The e-mail address to sign in with
        email: String,
        /// As they want to be called
        #[arg(long)]
        name: String,
    },
    /// List the accounts
    List,
    /// Make a link with which a person who cannot sign in sets a new password
    #[command(after_help = "\
For installations without e-mail, and for whoever gets none. The link works once, for an hour. It ends all sessions of
the person; a second factor is asked for as before. See that it reaches nobody else: whoever has it has the account.

Example:
  gatepost user recover anna@example.com")]
    Recover {
        /// The e-mail address of the account
        email: String,
    },
    /// Close an account: signs its person out everywhere, at once
    Disable {
        /// The account, by address or id
        user: String,
    },
    /// Open an account again
    Enable {
        /// The account, by address or id
        user: String,
    },
}

impl User {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        let operator = Operator::connect(context.quiet_settings()?, output).await?;
        let done = self.perform(&operator, output).await;
        operator.close().await;
        done
    }

    async fn perform(self, operator: &Operator, output: Output) -> Result<()> {
        match self {
            Self::Create { email, name } => {
                let body = json!({ "email": email, "name": name });
                let made = operator.post("/operator/v1/users", &body).await?;
                output.data(&made);
                output.say(format_args!(
                    "Made the account {} ({}).",
                    text(&made, "email"),
                    text(&made, "id")
                ));
                output.say("\nNext:");
                output.say(format_args!(
                    "  gatepost user recover {}    a link to set a password",
                    text(&made, "email")
                ));
                output.say(format_args!("  gatepost member add {} --role owner", text(&made, "email")));
            }
            Self::List => {
                let known = operator.list("/operator/v1/users").await?;
                output.data(&json!({ "data": known }));
                let rows: Vec<Vec<String>> = known.iter().map(row).collect();
                output.table(
                    &["ID", "E-MAIL", "NAME", "OPERATOR", "MADE", "CLOSED"],
                    &rows,
                    "No account yet. Make one: gatepost user create ann@example.com --name Ann",
                );
            }
            Self::Recover { email } => {
                let made = operator.post("/operator/v1/users/recover", &json!({ "email": email })).await?;
                output.data(&made);
                output.say(format_args!("Works once, until {}:\n", text(&made, "expires_at")));
                output.say(format_args!("  {}", text(&made, "link")));
            }
            Self::Disable { user } => {
                let closed = switch(operator, &user, "disable").await?;
                output.data(&closed);
                output.say(format_args!(
                    "Closed the account {}; every session is over.",
                    text(&closed, "email")
                ));
            }
            Self::Enable { user } => {
                let open = switch(operator, &user, "enable").await?;
                output.data(&open);
                output.say(format_args!("Opened the account {} again.", text(&open, "email")));
            }
        }
        Ok(())
    }
}

fn row(user: &Value) -> Vec<String> {
    ["id", "email", "name", "operator", "created_at", "disabled_at"]
        .iter()
        .map(|name| cell(user, name))
        .collect()
}

async fn switch(operator: &Operator, user: &str, what: &str) -> Result<Value> {
    let known = operator.list("/operator/v1/users").await?;
    let id = id_of(&known, "id", user).ok_or_else(|| {
        Failure::refused(format!("there is no account {user:?}")).hint("gatepost user list")
    })?;
    operator.call(Method::POST, &format!("/operator/v1/users/{id}/{what}"), None).await
}

/// The id, under `key`, of the one whose id or address is `wanted`; addresses are compared without their case.
pub fn id_of(known: &[Value], key: &str, wanted: &str) -> Option<String> {
    let same = |one: &&Value| text(one, key) == wanted || text(one, "email").eq_ignore_ascii_case(wanted);
    known.iter().find(same).map(|one| text(one, key).to_owned())
}
