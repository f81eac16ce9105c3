//! `gatepost audit`

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use gatepost_app::SystemClock;
use gatepost_core::Clock as _;
use gatepost_core::audit::Action;
use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::audit_verify::Verify;
use super::moment::Moment;
use crate::answer::{cell, text};
use crate::cli::Context;
use crate::failure::{Failure, Result};
use crate::operator_client::Operator;
use crate::output::{Output, Tint};

/// The audit log: who did what to what. Entries are chained by hashes, and the chain's end is signed every minute.
#[derive(clap::Subcommand)]
pub enum Audit {
    /// See entries, the newest first
    List(List),
    /// Write a whole log to a file
    Export(Export),
    /// See how far each log is signed, and the public key
    Checkpoints,
    /// Check that nothing was changed, removed, added or cut off
    Verify(Verify),
    /// See what is audited
    Actions,
}

/// Which log is meant.
#[derive(clap::Args)]
pub struct Log {
    /// The workspace, by id or name; may be left out where there is only one
    #[arg(long, value_name = "ID|NAME", conflicts_with = "platform")]
    workspace: Option<String>,
    /// The platform's own log: workspaces made, keys of the vault, starts of the server
    #[arg(long)]
    platform: bool,
}

#[derive(clap::Args)]
pub struct List {
    #[command(flatten)]
    log: Log,
    /// One action or the noun of several: api_key.revoked, api_key
    #[arg(long)]
    action: Option<String>,
    /// Who: an id, operator:local or nobody
    #[arg(long)]
    actor: Option<String>,
    /// The id of what was acted on
    #[arg(long)]
    target: Option<String>,
    /// done, refused or the code of a refusal
    #[arg(long)]
    outcome: Option<String>,
    /// From this time on: 2h, 3d, or an instant
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    since: Option<Moment>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    until: Option<Moment>,
    /// How many, 1 to 100
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u8).range(1..=100))]
    limit: u8,
}

#[derive(clap::Args)]
pub struct Export {
    #[command(flatten)]
    log: Log,
    /// How it is written: jsonl holds what `gatepost audit verify` needs, csv is for people
    #[arg(long, default_value = "jsonl", value_parser = ["jsonl", "csv"])]
    format: String,
    /// The file, which must not exist yet [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Audit {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        match self {
            Self::Verify(verify) => return verify.run(context).await,
            Self::Actions => {
                actions(output);
                return Ok(());
            }
            _ => {}
        }
        let operator = Operator::connect(context.quiet_settings()?, output).await?;
        let done = match self {
            Self::List(list) => list.run(&operator, output).await,
            Self::Export(export) => export.run(&operator, output).await,
            _ => checkpoints(&operator, output).await,
        };
        operator.close().await;
        done
    }
}

impl Log {
    async fn path(&self, operator: &Operator, rest: &str) -> Result<String> {
        if self.platform {
            return Ok(format!("/operator/v1/audit-log{rest}"));
        }
        Ok(operator.workspace(self.workspace.as_deref()).await?.path(&format!("audit-log{rest}")))
    }
}

impl List {
    async fn run(self, operator: &Operator, output: Output) -> Result<()> {
        let mut query = Serializer::new(String::new());
        query.append_pair("limit", &self.limit.to_string());
        let now = SystemClock.now();
        let instant = |moment: Option<Moment>| moment.map(|moment| moment.instant(now).to_string());
        let filters = [
            ("action", &self.action),
            ("actor", &self.actor),
            ("target", &self.target),
            ("outcome", &self.outcome),
            ("since", &instant(self.since)),
            ("until", &instant(self.until)),
        ];
        for (name, value) in filters {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        let path = self.log.path(operator, "").await?;
        let page = operator.get(&format!("{path}?{}", query.finish())).await?;
        output.data(&page);
        let entries = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
        output.table(
            &["#", "AT", "ACTOR", "ACTION", "TARGET", "OUTCOME", "CHANGES"],
            &rows,
            "No entry that fits.",
        );
        if let (false, Some(last)) = (page["next_cursor"].is_null(), entries.last()) {
            output.say(output.tint(Tint::Dim, format_args!("Older ones: --until {}", text(last, "at"))));
        }
        Ok(())
    }
}

fn row(entry: &Value) -> Vec<String> {
    let facts = |name: &str| entry[name].as_object().cloned().unwrap_or_default();
    let (before, after) = (facts("before"), facts("after"));
    let said = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut changes: Vec<String> = Vec::new();
    for (name, value) in &after {
        let now = said(Some(value));
        changes.push(match before.get(name) {
            Some(was) => format!("{name}: {} → {now}", said(Some(was))),
            None => format!("{name}: {now}"),
        });
    }
    changes.extend(
        before
            .iter()
            .filter(|(name, _)| !after.contains_key(*name))
            .map(|(name, value)| format!("{name}: {} → gone", said(Some(value)))),
    );
    changes.extend(facts("details").iter().map(|(name, value)| format!("{name}={}", said(Some(value)))));
    vec![
        cell(entry, "seq"),
        text(entry, "at").to_owned(),
        entry["actor_name"].as_str().unwrap_or_else(|| text(entry, "actor")).to_owned(),
        text(entry, "action").to_owned(),
        text(&entry["target"], "id").to_owned(),
        text(entry, "outcome").to_owned(),
        changes.join(", "),
    ]
}

impl Export {
    async fn run(self, operator: &Operator, output: Output) -> Result<()> {
        let path = self.log.path(operator, &format!("/export?format={}", self.format)).await?;
        let Some(file) = self.out else {
            return operator.download(&path, &mut std::io::stdout()).await;
        };
        let mut out =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file).map_err(|error| {
                let failure = Failure::failed(format!("{} cannot be written: {error}", file.display()));
                match error.kind() {
                    ErrorKind::AlreadyExists => failure.hint("an export never overwrites: give another name"),
                    _ => failure,
                }
            })?;
        let written = operator.download(&path, &mut out).await;
        if let Err(failure) =
            written.and_then(|()| out.flush().and_then(|()| out.sync_all()).map_err(Failure::failed))
        {
            // Half an export would be taken for a whole one.
            let _ = std::fs::remove_file(&file);
            return Err(failure);
        }
        output.data(&serde_json::json!({ "file": file.display().to_string() }));
        output.say(format_args!("Written: {}", file.display()));
        if self.format == "jsonl" {
            output.say(
                output.tint(
                    Tint::Dim,
                    format_args!("Check it: gatepost audit verify --file {}", file.display()),
                ),
            );
        }
        Ok(())
    }
}

fn actions(output: Output) {
    let all: Vec<Value> = Action::ALL
        .iter()
        .map(|action| serde_json::json!({ "action": action.as_str(), "meaning": action.meaning() }))
        .collect();
    output.data(&Value::Array(all));
    let rows: Vec<Vec<String>> =
        Action::ALL.iter().map(|a| vec![a.as_str().to_owned(), a.meaning().to_owned()]).collect();
    output.table(&["ACTION", "MEANING"], &rows, "Nothing.");
}

async fn checkpoints(operator: &Operator, output: Output) -> Result<()> {
    let logs = operator.get("/operator/v1/audit-log/checkpoints").await?;
    output.data(&logs);
    output.say(format_args!("Public key: {}\n", text(&logs, "public_key")));
    let rows: Vec<Vec<String>> = logs["logs"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .map(|log| {
            let checkpoint = &log["checkpoint"];
            let name = log["workspace_id"].as_str().unwrap_or("the platform").to_owned();
            vec![name, cell(log, "entries"), cell(checkpoint, "seq"), text(checkpoint, "at").to_owned()]
        })
        .collect();
    output.table(&["LOG", "ENTRIES", "SIGNED TO", "SIGNED AT"], &rows, "No log.");
    Ok(())
}
