//! `gatepost member`

use http::Method;
use serde_json::{Value, json};

use super::user::id_of;
use crate::answer::{cell, text};
use crate::cli::Context;
use crate::failure::{Failure, Result};
use crate::operator_client::{Operator, Workspace};
use crate::output::Output;

const ROLES: [&str; 4] = ["owner", "admin", "agent", "analyst"];

/// Members of a workspace: people with a seat in it, and the role that each has.
#[derive(clap::Subcommand)]
pub enum Member {
    /// Give somebody with an account a seat
    #[command(after_help = "\
Roles:
  owner    everything, members and the workspace itself included
  admin    sets up channels, keys, webhooks and members; cannot make or remove owners
  agent    sends messages and follows them
  analyst  reads messages, events and deliveries; changes nothing

Example:
  gatepost member add ann@example.com --role owner --workspace \"My company\"")]
    Add {
        /// The address of the account
        email: String,
        /// What they may do
        #[arg(long, value_parser = ROLES)]
        role: String,
        #[command(flatten)]
        place: Place,
    },
    /// List the members
    List(Place),
    /// Give a member another role; binds their next request
    Role {
        /// The member, by address or id
        member: String,
        /// What they may do from now on
        #[arg(value_parser = ROLES)]
        role: String,
        #[command(flatten)]
        place: Place,
    },
    /// Take a member's seat away; binds their next request
    Remove {
        /// The member, by address or id
        member: String,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(clap::Args)]
pub struct Place {
    /// The workspace, by id or name; may be left out where there is only one
    #[arg(long, value_name = "ID|NAME")]
    workspace: Option<String>,
}

impl Member {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        let operator = Operator::connect(context.quiet_settings()?, output).await?;
        let done = self.perform(&operator, output).await;
        operator.close().await;
        done
    }

    async fn perform(self, operator: &Operator, output: Output) -> Result<()> {
        let (Self::Add { place, .. }
        | Self::List(place)
        | Self::Role { place, .. }
        | Self::Remove { place, .. }) = &self;
        let workspace = operator.workspace(place.workspace.as_deref()).await?;
        match self {
            Self::Add { email, role, .. } => {
                let body = json!({ "email": email, "role": role });
                operator.post(&workspace.path("members"), &body).await?;
                output.data(&json!({ "workspace_id": workspace.id, "email": email, "role": role }));
                output.say(format_args!("{email} is a member of {} now, as {role}.", workspace.name));
            }
            Self::List(_) => {
                let known = members(operator, &workspace).await?;
                output.data(&json!({ "data": known }));
                let columns = ["user_id", "name", "email", "role", "second_factor", "since"];
                let rows: Vec<Vec<String>> =
                    known.iter().map(|one| columns.iter().map(|name| cell(one, name)).collect()).collect();
                output.table(
                    &["ID", "NAME", "E-MAIL", "ROLE", "SECOND FACTOR", "SINCE"],
                    &rows,
                    "No member yet. Add one: gatepost member add ann@example.com --role owner",
                );
            }
            Self::Role { member, role, .. } => {
                let path = path_of(operator, &workspace, &member).await?;
                let changed = operator.call(Method::PATCH, &path, Some(&json!({ "role": role }))).await?;
                output.data(&changed);
                output.say(format_args!("{} is {role} in {} now.", text(&changed, "email"), workspace.name));
            }
            Self::Remove { member, .. } => {
                operator.delete(&path_of(operator, &workspace, &member).await?).await?;
                output.data(&json!({ "workspace_id": workspace.id, "removed": member }));
                output.say(format_args!("{member} is no member of {} any more.", workspace.name));
            }
        }
        Ok(())
    }
}

async fn members(operator: &Operator, workspace: &Workspace) -> Result<Vec<Value>> {
    let known = operator.get(&workspace.path("members")).await?;
    Ok(known["data"].as_array().cloned().unwrap_or_default())
}

async fn path_of(operator: &Operator, workspace: &Workspace, member: &str) -> Result<String> {
    let id = id_of(&members(operator, workspace).await?, "user_id", member).ok_or_else(|| {
        Failure::refused(format!("{} has no member {member:?}", workspace.name)).hint("gatepost member list")
    })?;
    Ok(workspace.path(&format!("members/{id}")))
}
