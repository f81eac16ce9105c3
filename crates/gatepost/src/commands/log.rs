//! `gatepost log`

use serde_json::Value;

use crate::answer::cell;
use crate::cli::Context;
use crate::failure::Result;
use crate::operator_client::Operator;

/// Look through a log across workspaces, newest first: ids, states, codes and masked numbers.
///
/// Each reading is in the platform's audit log.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  gatepost log failures
  gatepost log sends --state failed --workspace \"My company\"
  gatepost log policy-events --since 2026-11-01T00:00:00Z")]
pub struct Log {
    /// Which log
    #[arg(value_enum)]
    kind: Kind,
    /// Of one workspace only, by id or name [default: all]
    #[arg(long, value_name = "ID|NAME")]
    workspace: Option<String>,
    /// In one state only; of sends, inbound and deliveries
    #[arg(long)]
    state: Option<String>,
    /// From this time on (RFC 3339)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// How many entries, 1 to 100
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u8).range(1..=100))]
    limit: u8,
}

/// What is looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Messages to people
    Sends,
    /// Messages from people
    Inbound,
    /// Callbacks that wait to be worked on
    Envelopes,
    /// What goes to webhook endpoints
    Deliveries,
    /// Sends that failed, and deliveries that were given up
    Failures,
    /// Who was refused what
    PolicyEvents,
    /// The audit logs of workspaces
    Audit,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Sends => "sends",
            Self::Inbound => "inbound",
            Self::Envelopes => "envelopes",
            Self::Deliveries => "deliveries",
            Self::Failures => "failures",
            Self::PolicyEvents => "policy-events",
            Self::Audit => "audit",
        }
    }
}

impl Log {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        let operator = Operator::connect(context.quiet_settings()?, output).await?;
        let read = self.read(&operator).await;
        operator.close().await;
        let page = read?;
        output.data(&page);
        let entries = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
        let head = ["TIME", "ENTRY", "WORKSPACE", "WHAT", "STATE", "CODE"];
        output.table(&head, &rows, "Nothing in this stretch of the log.");
        Ok(())
    }

    async fn read(&self, operator: &Operator) -> Result<Value> {
        let workspace = match &self.workspace {
            Some(wanted) => Some(operator.workspace(Some(wanted.as_str())).await?.id),
            None => None,
        };
        let limit = self.limit.to_string();
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("log", self.kind.as_str()).append_pair("limit", &limit);
        let filters = [
            ("workspace_id", &workspace),
            ("state", &self.state),
            ("since", &self.since),
            ("until", &self.until),
        ];
        for (name, value) in filters {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        operator.get(&format!("/operator/v1/logs?{}", query.finish())).await
    }
}

fn row(entry: &Value) -> Vec<String> {
    let what = match entry["kind"].as_str() {
        Some("message") => {
            format!("{} {} {}", cell(entry, "direction"), cell(entry, "message_type"), cell(entry, "contact"))
        }
        Some("delivery") => format!("to {}", cell(entry, "endpoint_id")),
        Some("envelope") => format!("under {}", cell(entry, "app_id")),
        _ => format!("{} by {}", cell(entry, "action"), cell(entry, "actor")),
    };
    let given = |name: &str| if entry[name].is_null() { String::new() } else { cell(entry, name) };
    vec![
        cell(entry, "at"),
        cell(entry, "id"),
        cell(entry, "workspace_id"),
        what,
        given("state"),
        given("code"),
    ]
}
