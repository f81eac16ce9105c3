//! `gatepost plan`

use std::path::PathBuf;

use serde_json::Value;

use crate::answer::{cell, text};
use crate::cli::Context;
use crate::failure::{Failure, Result};
use crate::operator_client::Operator;
use crate::output::Output;

/// Longest file of a plan, in bytes.
const FILE_MAX: u64 = 100_000;

/// Plans: what workspaces may use, and how much of it. A workspace gets one by gatepost workspace plan; without one, and
/// without guard.default_plan in the configuration, nothing is limited.
#[derive(clap::Subcommand)]
pub enum Plan {
    /// List the plans
    List,
    /// Show a plan
    Show {
        /// Its name
        name: String,
    },
    /// Make a plan, or replace it
    #[command(after_help = "\
Example of a file; everything may be left out, and is not limited then:
  {
    \"limits\": {\"workspace_day\": 1000, \"workspace_month\": 20000, \"channel_day\": 500},
    \"requests\": \"steady\",
    \"features\": [\"media\", \"templates\"],
    \"grace_days\": 7
  }

Example:
  gatepost plan set growth --file growth.json")]
    Set {
        /// Its name: 1 to 40 of a-z, 0-9, - and _
        name: String,
        /// The plan, in JSON; - reads it from the standard input
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
    /// Remove a plan that no workspace has
    Delete {
        /// Its name
        name: String,
    },
}

impl Plan {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        // Read before anything is opened.
        let body = match &self {
            Self::Set { file, .. } => Some(read(file)?),
            Self::List | Self::Show { .. } | Self::Delete { .. } => None,
        };
        let operator = Operator::connect(context.quiet_settings()?, output).await?;
        let done = self.perform(&operator, body, output).await;
        operator.close().await;
        done
    }

    async fn perform(self, operator: &Operator, body: Option<Value>, output: Output) -> Result<()> {
        match self {
            Self::List => {
                let known = operator.get("/operator/v1/plans").await?;
                output.data(&known);
                let plans = known["data"].as_array().map(Vec::as_slice).unwrap_or_default();
                let rows: Vec<Vec<String>> = plans.iter().map(row).collect();
                output.table(
                    &["NAME", "A DAY", "A MONTH", "REQUESTS", "FEATURES", "WORKSPACES"],
                    &rows,
                    "No plan yet, so nothing is limited. Make one: gatepost plan set growth --file growth.json",
                );
            }
            Self::Show { name } => show(&operator.get(&path(&name)?).await?, output),
            Self::Set { name, .. } => {
                let plan = operator.put(&path(&name)?, &body.unwrap_or_default()).await?;
                show(&plan, output);
            }
            Self::Delete { name } => {
                operator.delete(&path(&name)?).await?;
                output.data(&serde_json::json!({ "name": name, "deleted": true }));
                output.say(format_args!("The plan {name} is gone."));
            }
        }
        Ok(())
    }
}

/// The path of a plan, for names that can be one.
fn path(name: &str) -> Result<String> {
    let name = gatepost_core::guard::PlanName::parse(name).map_err(Failure::usage)?;
    Ok(format!("/operator/v1/plans/{name}"))
}

fn read(file: &PathBuf) -> Result<Value> {
    use std::io::Read as _;
    let fail = |why: &dyn std::fmt::Display| {
        Failure::usage(format!("--file: {} cannot be used: {why}", file.display()))
    };
    let mut text = String::new();
    if file.as_os_str() == "-" {
        std::io::stdin().take(FILE_MAX).read_to_string(&mut text).map_err(|e| fail(&e))?;
    } else {
        let file = std::fs::File::open(file).map_err(|e| fail(&e))?;
        file.take(FILE_MAX).read_to_string(&mut text).map_err(|e| fail(&e))?;
    }
    serde_json::from_str(&text).map_err(|e| fail(&e))
}

/// A limit in words.
fn limit(value: &Value) -> String {
    value.as_u64().map_or_else(|| "–".to_owned(), |limit| limit.to_string())
}

fn features(plan: &Value) -> String {
    match plan["features"].as_array() {
        None => "all".to_owned(),
        Some(names) if names.is_empty() => "none".to_owned(),
        Some(names) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
    }
}

fn row(plan: &Value) -> Vec<String> {
    let limits = &plan["limits"];
    vec![
        cell(plan, "name"),
        limit(&limits["workspace_day"]),
        limit(&limits["workspace_month"]),
        plan["requests"].as_str().unwrap_or("–").to_owned(),
        features(plan),
        plan["workspaces"].to_string(),
    ]
}

fn show(plan: &Value, output: Output) {
    output.data(plan);
    let limits = &plan["limits"];
    output.say(format_args!("{}", text(plan, "name")));
    for (label, name) in [
        ("messages a day", "workspace_day"),
        ("messages a month", "workspace_month"),
        ("of each channel a day", "channel_day"),
        ("of each channel a month", "channel_month"),
    ] {
        output.say(format_args!("  {label}: {}", limit(&limits[name])));
    }
    output.say(format_args!("  requests: {}", plan["requests"].as_str().unwrap_or("–")));
    output.say(format_args!("  features: {}", features(plan)));
    let purposes = plan["purposes"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !purposes.is_empty() {
        let names: Vec<&str> = purposes.iter().filter_map(Value::as_str).collect();
        output.say(format_args!("  further purposes: {}", names.join(" ")));
    }
    output.say(format_args!("  days of grace: {}", plan["grace_days"]));
    output.say(format_args!("  workspaces: {}", plan["workspaces"]));
}
