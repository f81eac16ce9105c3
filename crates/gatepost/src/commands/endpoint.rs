//! `gatepost endpoint`

use http::Method;
use serde_json::{Value, json};

use super::endpoint_settings::{Change, Settings};
use super::endpoint_test;
use super::mode::{Mode, mode_or_usual};
use super::moment::span;
use crate::answer::{cell, text};
use crate::cli::Context;
use crate::failure::{Failure, Result};
use crate::operator_client::{Operator, Workspace};
use crate::output::{Output, Tint};

/// Webhook endpoints: where your software hears of events, signed by Standard Webhooks.
#[derive(clap::Subcommand)]
pub enum Endpoint {
    /// Add an endpoint; its signing secret is shown once
    #[command(after_help = "\
Examples:
  gatepost endpoint add https://hooks.example.com/gatepost
  gatepost endpoint add https://hooks.example.com/in --event message.received --ordered
  gatepost endpoint add https://hooks.example.com/in --ed25519 --headers-from - < headers.txt

For a receiver on this machine use `gatepost listen --forward-to URL`: it needs no public address.")]
    Add(Box<Add>),
    /// Change an endpoint; what is not named stays
    #[command(after_help = "\
Examples:
  gatepost endpoint update whk_… --url https://hooks.example.com/new
  gatepost endpoint update whk_… --event message.* --channel chn_… --retry 5,300,1800
  gatepost endpoint update whk_… --no-headers --retry default")]
    Update(Box<Update>),
    /// List the endpoints
    #[command(after_help = "\
Examples:
  gatepost endpoint list
  gatepost endpoint list --all-workspaces --state failing,disabled      whom an alert is about, and since when")]
    List {
        /// Only in one of these states, with commas between
        #[arg(long, value_name = "STATES", value_delimiter = ',', value_parser = ["healthy", "failing", "disabled"])]
        state: Vec<String>,
        /// Those of every workspace
        #[arg(long, conflicts_with = "workspace")]
        all_workspaces: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Show an endpoint: its settings, how it fares and what to do next
    Show(One),
    /// Send a signed test to an endpoint and say how it went; one that is disabled may be tested too
    Test(One),
    /// Switch an endpoint on: past failures are forgotten, and what waits is sent at once
    Enable(One),
    /// Switch an endpoint off; events go on being logged
    Disable(One),
    /// Remove an endpoint, and what was on its way to it
    Remove(One),
    /// Give an endpoint a new secret (and Ed25519 key); deliveries carry both signatures for a while
    #[command(after_help = "\
Examples:
  gatepost endpoint rotate-secret whk_… --overlap 7d
  gatepost endpoint rotate-secret whk_… --overlap 0      after a leak")]
    RotateSecret {
        #[command(flatten)]
        one: One,
        /// How long the old secret signs too, such as 10m, 24h or 7d, which is the longest; 0 ends it at once
        #[arg(long, value_name = "TIME", default_value = "24h", value_parser = span)]
        overlap: u64,
    },
}

/// Where to look.
#[derive(clap::Args)]
pub struct Place {
    /// The workspace, by id or name; may be left out where there is only one
    #[arg(long, value_name = "ID|NAME")]
    workspace: Option<String>,
}

#[derive(clap::Args)]
pub struct One {
    /// The endpoint's id
    id: String,
    #[command(flatten)]
    place: Place,
}

#[derive(clap::Args)]
pub struct Add {
    /// An https URL of a public address
    url: String,
    #[command(flatten)]
    settings: Settings,
    /// Whether it hears of test or of live events [default: live where the workspace has a live channel, test where it has none]
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    #[command(flatten)]
    place: Place,
}

#[derive(clap::Args)]
pub struct Update {
    #[command(flatten)]
    one: One,
    /// An https URL of a public address
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    change: Change,
}

impl One {
    async fn find(&self, operator: &Operator) -> Result<(Workspace, String)> {
        let workspace = operator.workspace(self.place.workspace.as_deref()).await?;
        let path = workspace.path(&format!("webhook-endpoints/{}", self.id));
        Ok((workspace, path))
    }
}

impl Endpoint {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        let operator = Operator::connect(context.quiet_settings()?, output).await?;
        let done = self.perform(&operator, output).await;
        operator.close().await;
        done
    }

    async fn perform(self, operator: &Operator, output: Output) -> Result<()> {
        match self {
            Self::Add(add) => add.perform(operator, output).await,
            Self::Update(update) => {
                let (_, path) = update.one.find(operator).await?;
                let mut body = update.settings.body()?;
                update.change.lay_over(&mut body);
                if let Some(url) = update.url {
                    body.insert("url".to_owned(), json!(url));
                }
                if body.is_empty() {
                    return Err(Failure::usage("nothing to change was named")
                        .hint("see what can be: gatepost endpoint update --help"));
                }
                let changed = operator.call(Method::PATCH, &path, Some(&Value::Object(body))).await?;
                output.data(&changed);
                output.say(format_args!("Changed {}.", text(&changed, "id")));
                show(&changed, output);
                Ok(())
            }
            Self::List { state, all_workspaces, place } => {
                let workspaces = if all_workspaces {
                    operator.workspaces().await?
                } else {
                    vec![operator.workspace(place.workspace.as_deref()).await?]
                };
                let mut endpoints = Vec::new();
                for workspace in workspaces {
                    for mut endpoint in operator.list(&workspace.path("webhook-endpoints")).await? {
                        if !state.is_empty() && !state.iter().any(|s| s == text(&endpoint["health"], "state"))
                        {
                            continue;
                        }
                        if all_workspaces {
                            endpoint["workspace"] = json!({ "id": workspace.id, "name": workspace.name });
                        }
                        endpoints.push(endpoint);
                    }
                }
                list(&endpoints, all_workspaces, !state.is_empty(), output);
                Ok(())
            }
            Self::Show(one) => {
                let (_, path) = one.find(operator).await?;
                let endpoint = operator.get(&path).await?;
                output.data(&endpoint);
                show(&endpoint, output);
                Ok(())
            }
            Self::Test(one) => {
                let (_, path) = one.find(operator).await?;
                endpoint_test::run(operator, &path, output).await
            }
            Self::Enable(one) => switch(&one, true, operator, output).await,
            Self::Disable(one) => switch(&one, false, operator, output).await,
            Self::Remove(one) => {
                let (_, path) = one.find(operator).await?;
                operator.delete(&path).await?;
                output.data(&json!({ "id": one.id, "removed": true }));
                output.say(format_args!("Removed {}, and what was on its way to it.", one.id));
                Ok(())
            }
            Self::RotateSecret { one, overlap } => {
                let (_, path) = one.find(operator).await?;
                let body = json!({ "overlap_seconds": overlap });
                let rotated = operator.post(&format!("{path}/rotate-secret"), &body).await?;
                output.say(match rotated["previous_secret_until"].as_str() {
                    None => format!("{} has a new secret; the old one signs no more.", one.id),
                    Some(until) => {
                        format!("{} has a new secret; the old one signs too until {until}.", one.id)
                    }
                });
                show_secret(&rotated, output);
                Ok(())
            }
        }
    }
}

impl Add {
    async fn perform(self, operator: &Operator, output: Output) -> Result<()> {
        let workspace = operator.workspace(self.place.workspace.as_deref()).await?;
        let mode = mode_or_usual(self.mode, operator, &workspace).await?;
        let mut body = self.settings.body()?;
        body.insert("url".to_owned(), json!(self.url));
        body.insert("mode".to_owned(), json!(mode.as_str()));
        let made = operator.post(&workspace.path("webhook-endpoints"), &Value::Object(body)).await?;
        output.say(format_args!(
            "Added the endpoint {} ({}); it hears of {} events.",
            text(&made, "url"),
            text(&made, "id"),
            text(&made, "mode")
        ));
        show_secret(&made, output);
        output.say(format_args!("See that it answers: gatepost endpoint test {}", text(&made, "id")));
        Ok(())
    }
}

async fn switch(one: &One, on: bool, operator: &Operator, output: Output) -> Result<()> {
    let (_, path) = one.find(operator).await?;
    let endpoint = operator.call(Method::PATCH, &path, Some(&json!({ "enabled": on }))).await?;
    output.data(&endpoint);
    if !on {
        output.say(format_args!(
            "{} is off. Events go on being logged, but nothing is queued for it.\n\
             Enable it and replay what it missed while the events are kept: gatepost endpoint enable {}",
            one.id, one.id
        ));
        return Ok(());
    }
    output.say(format_args!("{} is on; what waits is sent now.", one.id));
    if let Some(dead) = endpoint["dead_letters"].as_i64().filter(|dead| *dead > 0) {
        output.say(format_args!(
            "Dead letters, which can be replayed: {dead}\n  gatepost deliveries replay --endpoint {} --since 3d --follow",
            one.id
        ));
    }
    Ok(())
}

fn show_secret(made: &Value, output: Output) {
    output.data(made);
    output.say("Its signing secret is shown this once:\n");
    output.say(format_args!("  {}\n", output.tint(Tint::Green, text(made, "secret"))));
    if made["ed25519"] == true {
        output.say(format_args!("Its public key, for v1a: {}", text(made, "public_key")));
        output.say(format_args!("                   also: {}\n", text(made, "public_key_url")));
    }
    output.say("Verify deliveries with any Standard Webhooks library (https://www.standardwebhooks.com).");
}

/// Empty lists mean all.
fn or_all(endpoint: &Value, name: &str) -> String {
    let listed = cell(endpoint, name);
    if listed.is_empty() { "all".to_owned() } else { listed }
}

fn show(endpoint: &Value, output: Output) {
    let line = |name: &str, value: String| output.say(format_args!("  {name:<11} {value}"));
    let health = &endpoint["health"];
    let state = match (text(health, "state"), text(endpoint, "disabled_reason")) {
        ("disabled", reason) => output.tint(Tint::Red, format_args!("disabled ({reason})")),
        ("failing", _) => output.tint(
            Tint::Yellow,
            format_args!("failing since {}, {} attempts", text(health, "failing_since"), health["failures"]),
        ),
        (state, _) => output.tint(Tint::Green, state),
    };
    line("id", format!("{} ({})", text(endpoint, "id"), text(endpoint, "mode")));
    line("url", text(endpoint, "url").to_owned());
    if !text(endpoint, "description").is_empty() {
        line("description", text(endpoint, "description").to_owned());
    }
    line("state", state);
    line("events", or_all(endpoint, "events"));
    line("channels", or_all(endpoint, "channels"));
    line("order", text(endpoint, "order").to_owned());
    line(
        "retries",
        match endpoint["retry_schedule"].as_array() {
            None => "as the installation does".to_owned(),
            Some(waits) if waits.is_empty() => "none".to_owned(),
            Some(_) => format!("after {} s", cell(endpoint, "retry_schedule")),
        },
    );
    if !cell(endpoint, "header_names").is_empty() {
        line("headers", format!("{} (values are not shown)", cell(endpoint, "header_names")));
    }
    for (name, value) in endpoint["metadata"].as_object().into_iter().flatten() {
        line("metadata", format!("{name} = {}", value.as_str().unwrap_or_default()));
    }
    if endpoint["ed25519"] == true {
        line("public key", text(endpoint, "public_key").to_owned());
    }
    if let Some(until) = endpoint["previous_secret_until"].as_str() {
        line("rotation", format!("the secret before signs too until {until}"));
    }
    if let Some(dead) = endpoint["dead_letters"].as_i64().filter(|dead| *dead > 0) {
        line("dead", format!("{dead}, which can be replayed"));
    }
    if let Some(probe) = health["next_probe_at"].as_str() {
        line("next probe", probe.to_owned());
    }
    if text(health, "state") == "failing" {
        line(
            "see why",
            format!("gatepost deliveries --endpoint {} --state failed,dead", text(endpoint, "id")),
        );
    }
    if let Some(action) = endpoint["next_action"].as_str() {
        output.say(output.tint(Tint::Yellow, format_args!("  {action}")));
    }
}

fn list(endpoints: &[Value], all_workspaces: bool, filtered: bool, output: Output) {
    output.data(&json!({ "data": endpoints }));
    let rows: Vec<Vec<String>> = endpoints
        .iter()
        .map(|endpoint| {
            let mut row = vec![
                cell(endpoint, "id"),
                cell(endpoint, "mode"),
                cell(endpoint, "url"),
                or_all(endpoint, "events"),
                cell(&endpoint["health"], "state"),
                since(endpoint),
            ];
            if all_workspaces {
                row.insert(0, text(&endpoint["workspace"], "name").to_owned());
            }
            row
        })
        .collect();
    let none = if filtered || all_workspaces {
        "No such endpoint."
    } else {
        "No endpoint yet. Add one: gatepost endpoint add https://…, or try: gatepost listen"
    };
    let columns = ["WORKSPACE", "ID", "MODE", "URL", "EVENTS", "STATE", "SINCE"];
    output.table(if all_workspaces { &columns } else { &columns[1..] }, &rows, none);
}

/// Since when it is in a state that somebody has to look at.
fn since(endpoint: &Value) -> String {
    match text(&endpoint["health"], "state") {
        "disabled" => cell(endpoint, "disabled_at"),
        "failing" => cell(&endpoint["health"], "failing_since"),
        _ => cell(&Value::Null, ""),
    }
}
