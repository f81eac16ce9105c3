//! `gatepost status`

use serde_json::Value;

use crate::answer::{cell, text};
use crate::cli::Context;
use crate::failure::Result;
use crate::operator_client::Operator;
use crate::output::Output;

/// See how this installation is: its nodes, what waits, e-mail, exceptions.
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  gatepost status
  gatepost --json status | jq .mail")]
pub struct Status {}

impl Status {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        let operator = Operator::connect(context.quiet_settings()?, output).await?;
        let asked = operator.get("/operator/v1/status").await;
        let runs = operator.is_server();
        operator.close().await;
        let status = asked?;
        output.data(&status);
        show(&status, runs, output);
        Ok(())
    }
}

fn items(status: &Value, name: &str) -> Vec<Value> {
    status[name].as_array().cloned().unwrap_or_default()
}

fn show(status: &Value, runs: bool, output: Output) {
    let version = text(status, "version");
    if runs {
        let since = text(status, "started_at");
        output.say(format_args!("Gatepost {version}, which runs since {since}"));
    } else {
        output.say(format_args!("Gatepost {version}; no server runs in this directory"));
    }
    let nodes: Vec<Vec<String>> = items(status, "nodes")
        .iter()
        .map(|node| {
            let state = if node["live"] == true { "live" } else { "silent" };
            vec![cell(node, "id"), cell(node, "started_at"), state.to_owned()]
        })
        .collect();
    output.table(&["NODE", "SINCE", "STATE"], &nodes, "No node has joined.");
    let work: Vec<Vec<String>> = items(status, "work")
        .iter()
        .map(|work| vec![cell(work, "kind"), cell(work, "jobs"), cell(work, "first_due")])
        .collect();
    output.table(&["WORK", "JOBS", "FIRST DUE"], &work, "Nothing waits.");
    for line in mail_lines(&status["mail"]) {
        output.say(line);
    }
    for exception in items(status, "egress_exceptions") {
        let exception = exception.as_str().unwrap_or_default();
        output.say(format_args!("Webhooks may reach {exception}, by this installation's exception."));
    }
}

/// What is to be said of e-mail: whether there is any, and how it fares.
pub fn mail_lines(mail: &Value) -> Vec<String> {
    let Some(server) = mail["server"].as_str() else {
        let mut lines =
            vec!["E-mail: none is configured; links are shown to whoever asks for them.".to_owned()];
        if mail["waiting"] != 0 {
            lines.push(format!("E-mail: {} wait for a node that has a mail server.", cell(mail, "waiting")));
        }
        return lines;
    };
    let last = match mail["last_sent_at"].as_str() {
        Some(at) => format!("the last one was taken at {at}"),
        None => "none was taken lately".to_owned(),
    };
    vec![
        format!("E-mail: {server}, from {}; {last}.", text(mail, "from")),
        format!(
            "E-mail: {} waiting, {} failed in the last seven days.",
            cell(mail, "waiting"),
            cell(mail, "failed")
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn mail_is_told_of() {
        let none = json!({"server": null, "from": null, "waiting": 0, "failed": 0, "last_sent_at": null});
        assert_eq!(mail_lines(&none).len(), 1);
        let left = json!({"server": null, "from": null, "waiting": 3, "failed": 0, "last_sent_at": null});
        assert!(mail_lines(&left)[1].contains("3 wait"));
        let well = json!({
            "server": "mail.example.com:465", "from": "noreply@example.com", "waiting": 1, "failed": 2,
            "last_sent_at": "2026-11-01T09:12:00Z",
        });
        let lines = mail_lines(&well);
        assert!(lines[0].contains("mail.example.com:465") && lines[0].contains("09:12"), "{lines:?}");
        assert!(lines[1].contains("1 waiting, 2 failed"), "{lines:?}");
    }
}
