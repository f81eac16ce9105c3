//! `gatepost workspace`

use http::Method;
use serde_json::{Value, json};

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
        /// The version of your rules for acceptable use that whoever will use it accepted, where there are any
        #[arg(long, value_name = "VERSION")]
        acceptable_use: Option<String>,
    },
    /// List the workspaces
    List,
    /// Bring back a workspace that its owners deleted
    Restore {
        /// The workspace, by id or name
        workspace: String,
    },
    /// Show how a workspace stands, and how much there is of what it owns
    Show(Which),
    /// Pause a workspace's sending: every send is refused from then on
    Pause {
        /// Why, in 10 to 500 characters; its owners read it
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        which: Which,
    },
    /// Let a workspace send again
    Resume(Which),
    /// Put a workspace under review; without a reason the review ends
    Review {
        /// Why, in 10 to 500 characters; its owners read it
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        which: Which,
    },
    /// Give a workspace a plan: what it may use, and how much of it
    #[command(
        after_help = "Examples:\n  gatepost workspace plan growth\n  gatepost workspace plan        take it away"
    )]
    Plan {
        /// The plan's name (gatepost plan list); left out: none
        plan: Option<String>,
        #[command(flatten)]
        which: Which,
    },
    /// Say how a workspace stands with whoever bills it
    #[command(after_help = "\
Examples:
  gatepost workspace subscription acme suspended
  gatepost workspace subscription acme trialing --until 2027-01-31T00:00:00Z")]
    Subscription {
        /// The workspace, by id or name
        workspace: String,
        /// trialing, active, past_due, suspended or cancelled
        state: String,
        /// The end of a trial, or of the grace of what is past due [default: none for a trial, the plan's grace]
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
    },
}

/// Which workspace is meant.
#[derive(clap::Args)]
pub struct Which {
    /// The workspace, by id or name; may be left out where there is only one
    #[arg(long, value_name = "ID|NAME")]
    workspace: Option<String>,
}

impl Workspace {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        let operator = Operator::connect(context.quiet_settings()?, output).await?;
        let done = match &self {
            Self::Create { name, acceptable_use } => {
                let body = json!({ "name": name, "acceptable_use": acceptable_use });
                let made = operator.post("/operator/v1/workspaces", &body).await;
                made.map(|made| {
                    output.data(&made);
                    output.say(format_args!("Made the workspace {} ({}).", text(&made, "name"), text(&made, "id")));
                    output.say("\nNext:\n  gatepost channel add test\n  gatepost key create --scope send --scope read");
                })
            }
            Self::Restore { workspace } => restore(&operator, workspace, output).await,
            Self::Show(_)
            | Self::Pause { .. }
            | Self::Resume(_)
            | Self::Review { .. }
            | Self::Plan { .. }
            | Self::Subscription { .. } => self.of_one(&operator, output).await,
            Self::List => operator.get("/operator/v1/workspaces").await.map(|known| {
                output.data(&known);
                let rows: Vec<Vec<String>> = known["data"]
                    .as_array()
                    .map(Vec::as_slice)
                    .unwrap_or_default()
                    .iter()
                    .map(|w| {
                        let standing = standing(&w["standing"]);
                        vec![
                            cell(w, "id"),
                            cell(w, "name"),
                            standing,
                            cell(w, "created_at"),
                            cell(w, "deleted_at"),
                            cell(w, "destroyed_at"),
                        ]
                    })
                    .collect();
                output.table(
                    &["ID", "NAME", "STANDING", "CREATED", "DELETED", "DESTROYED"],
                    &rows,
                    "No workspace yet. Make one: gatepost workspace create \"My company\"",
                );
            }),
        };
        operator.close().await;
        done
    }

    async fn of_one(&self, operator: &Operator, output: Output) -> Result<()> {
        let (wanted, name, body) = match self {
            Self::Subscription { workspace, state, until } => {
                let body = json!({ "state": state, "until": until });
                (&Which { workspace: Some(workspace.clone()) }, Some("subscription"), body)
            }
            Self::Show(which) => (which, None, json!(null)),
            Self::Pause { reason, which } => (which, Some("pause-sending"), json!({ "reason": reason })),
            Self::Resume(which) => (which, Some("resume-sending"), json!(null)),
            Self::Review { reason, which } => (which, Some("review"), json!({ "reason": reason })),
            Self::Plan { plan, which } => (which, Some("plan"), json!({ "plan": plan })),
            Self::Create { .. } | Self::List | Self::Restore { .. } => return Ok(()),
        };
        let workspace = operator.workspace(wanted.workspace.as_deref()).await?;
        let path = format!("/operator/v1/workspaces/{}", workspace.id);
        match name {
            None => {}
            Some(name @ ("review" | "plan" | "subscription")) => {
                drop(operator.put(&format!("{path}/{name}"), &body).await?);
            }
            Some(name) if body.is_null() => {
                drop(operator.call(Method::POST, &format!("{path}/{name}"), None).await?);
            }
            Some(name) => drop(operator.post(&format!("{path}/{name}"), &body).await?),
        }
        let now = operator.get(&path).await?;
        output.data(&now);
        output.say(format_args!(
            "{} ({}): {}",
            text(&now, "name"),
            text(&now, "id"),
            standing(&now["standing"])
        ));
        for (label, name) in [("sending paused", "sending_paused_reason"), ("under review", "review_reason")]
        {
            if let Some(reason) = now["standing"][name].as_str() {
                output.say(format_args!("  {label}: {reason}"));
            }
        }
        let plan = now["standing"]["plan"].as_str().unwrap_or("none");
        output.say(format_args!("  plan: {plan}"));
        let standing = &now["standing"];
        let until = standing["subscription_until"].as_str().map(|until| format!(" until {until}"));
        output.say(format_args!(
            "  subscription: {}{}",
            text(standing, "subscription"),
            until.unwrap_or_default()
        ));
        for name in ["members", "channels", "endpoints", "keys"] {
            output.say(format_args!("  {name}: {}", now["counts"][name]));
        }
        Ok(())
    }
}

/// What a standing comes to, in words.
fn standing(standing: &Value) -> String {
    let paused = standing["sending"] == "paused";
    let review = standing["under_review_since"].is_string();
    if let Some(state @ ("past_due" | "suspended" | "cancelled")) = standing["subscription"].as_str() {
        let more = if paused { ", sending paused" } else { "" };
        return format!("subscription {state}{more}");
    }
    match (paused, review) {
        (true, true) => "sending paused, under review",
        (true, false) => "sending paused",
        (false, true) => "under review",
        (false, false) => "in order",
    }
    .to_owned()
}

async fn restore(operator: &Operator, wanted: &str, output: Output) -> Result<()> {
    let workspace = operator.workspace(Some(wanted)).await?;
    operator.call(Method::POST, &workspace.path("restore"), None).await?;
    output.data(&json!({ "id": workspace.id, "deleted_at": null }));
    output.say(format_args!("{} is back: its members and keys open it again.", workspace.name));
    Ok(())
}
