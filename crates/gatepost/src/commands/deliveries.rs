//! `gatepost deliveries`

use gatepost_app::SystemClock;
use gatepost_core::event::EventFilter;
use gatepost_core::{Clock as _, DeliveryId, EndpointId, EventId, Timestamp};
use serde_json::{Value, json};

use super::moment::Moment;
use super::replay::Replay;
use super::way::{Way, Who};
use crate::answer::{cell, text};
use crate::cli::Context;
use crate::failure::{Failure, Result};
use crate::output::{Output, Tint};

/// What became of each event on its way to an endpoint; try one again, or a whole window.
///
/// With a key (scope webhooks) you see what the key sees; without one you ask the server in the data directory, as its
/// operator.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  gatepost deliveries --state failed,dead --since 2h
  gatepost deliveries show dlv_…
  gatepost deliveries retry dlv_…
  gatepost deliveries replay --endpoint whk_… --since 1d --follow")]
pub struct Deliveries {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: List,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List deliveries, the newest first
    List(List),
    /// Show a delivery: where it stands, what it waits for, every attempt
    Show(One),
    /// Try a delivery now
    Retry(One),
    /// Send a window of events to an endpoint again
    Replay(Replay),
}

#[derive(clap::Args)]
struct List {
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    who: Who,
}

#[derive(clap::Args)]
struct Filter {
    /// Only those to this endpoint [default: to all that the key sees]
    #[arg(long, value_name = "ENDPOINT")]
    endpoint: Option<EndpointId>,
    /// Only in one of these states, with commas between
    #[arg(long, value_name = "STATES", value_delimiter = ',', value_parser = ["pending", "sent", "failed", "blocked", "dead"])]
    state: Vec<String>,
    /// Only of these events, with commas between: message.received, message.* …
    #[arg(long, visible_alias = "types", value_name = "EVENTS", value_parser = event_types)]
    event_type: Option<String>,
    /// Only of this event
    #[arg(long, value_name = "EVENT")]
    event: Option<EventId>,
    /// Only of events since then: 2h, 3d, or an instant
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    since: Option<Moment>,
    /// Only of events before then
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    until: Option<Moment>,
    /// At most so many
    #[arg(long, value_name = "COUNT", default_value_t = 25)]
    limit: usize,
}

#[derive(clap::Args)]
struct One {
    #[command(flatten)]
    delivery: Named,
    #[command(flatten)]
    who: Who,
}

#[derive(clap::Args)]
struct Named {
    /// The delivery's id
    id: DeliveryId,
    /// Its endpoint; looked for where it is not said
    #[arg(long, value_name = "ENDPOINT")]
    endpoint: Option<EndpointId>,
}

/// Names as the API takes them.
pub fn event_types(written: &str) -> Result<String, String> {
    let names: Vec<String> = written.split(',').map(|name| name.trim().to_owned()).collect();
    EventFilter::parse(names).map(|filter| filter.names().join(","))
}

impl Deliveries {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        match self.action.unwrap_or(Action::List(self.list)) {
            Action::Replay(replay) => replay.run(&context).await,
            Action::List(list) => {
                let way = list.who.way(&context).await?;
                let done = list.filter.run(&way, output).await;
                way.close().await;
                done
            }
            Action::Show(one) => {
                let way = one.who.way(&context).await?;
                let done = one.delivery.show(&way, output).await;
                way.close().await;
                done
            }
            Action::Retry(one) => {
                let way = one.who.way(&context).await?;
                let done = one.delivery.retry(&way, output).await;
                way.close().await;
                done
            }
        }
    }
}

/// The endpoint that is meant: the one that was named, or the only one there is.
pub async fn endpoint_of(way: &Way, named: Option<EndpointId>) -> Result<String> {
    if let Some(id) = named {
        return Ok(id.to_string());
    }
    match endpoints(way).await?.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(no_endpoint()),
        many => Err(Failure::usage(format!("{} endpoints could be meant", many.len()))
            .hint(format!("say which: --endpoint {}", many.join(" or ")))),
    }
}

fn no_endpoint() -> Failure {
    Failure::refused("there is no webhook endpoint").hint("add one: gatepost endpoint add https://…")
}

async fn endpoints(way: &Way) -> Result<Vec<String>> {
    let page = way.get("webhook-endpoints?limit=100").await?;
    let rows = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(rows.iter().map(|row| text(row, "id").to_owned()).collect())
}

impl Filter {
    fn query(&self) -> String {
        let now = SystemClock.now();
        let states = (!self.state.is_empty()).then(|| self.state.join(","));
        let instant = |moment: Option<Moment>| moment.map(|m| m.instant(now).to_string());
        let parameters = [
            ("state", states),
            ("event_type", self.event_type.clone()),
            ("event_id", self.event.map(|id| id.to_string())),
            ("since", instant(self.since)),
            ("until", instant(self.until)),
        ];
        let said = parameters.into_iter().filter_map(|(name, value)| Some(format!("&{name}={}", value?)));
        said.collect()
    }

    async fn run(self, way: &Way, output: Output) -> Result<()> {
        let (query, limit) = (self.query(), self.limit.max(1));
        let endpoints = match self.endpoint {
            Some(id) => vec![id.to_string()],
            None => endpoints(way).await?,
        };
        if endpoints.is_empty() {
            return Err(no_endpoint());
        }
        let (mut found, mut more) = (Vec::new(), false);
        for endpoint in &endpoints {
            let (some, rest) = newest(way, endpoint, &query, limit).await?;
            found.extend(some);
            more |= rest;
        }
        // Times, not texts: their fractions differ in length.
        found.sort_by_key(|delivery| std::cmp::Reverse(Timestamp::parse(text(delivery, "created_at"))));
        more |= found.len() > limit;
        found.truncate(limit);
        output.data(&json!({ "data": found }));
        let several = endpoints.len() > 1;
        let rows: Vec<Vec<String>> = found.iter().map(|delivery| row(delivery, several)).collect();
        let none = "No such delivery. Only endpoints that are enabled get deliveries; gatepost listen shows events as they happen.";
        let columns = ["EVENT AT", "EVENT", "STATE", "TRIES", "LAST ANSWER", "NEXT", "DELIVERY", "ENDPOINT"];
        output.table(&columns[..columns.len() - usize::from(!several)], &rows, none);
        if more {
            output.say(output.tint(Tint::Dim, format_args!("There are more: --limit {}", limit * 4)));
        }
        Ok(())
    }
}

/// The newest deliveries of an endpoint that fit, and whether there are more.
async fn newest(way: &Way, endpoint: &str, query: &str, limit: usize) -> Result<(Vec<Value>, bool)> {
    let mut found: Vec<Value> = Vec::new();
    let mut after = String::new();
    while found.len() < limit {
        let room = (limit - found.len()).min(100);
        let path = format!("webhook-endpoints/{endpoint}/deliveries?limit={room}{query}{after}");
        let mut page = way.get(&path).await?;
        if let Some(data) = page["data"].as_array_mut() {
            found.append(data);
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => after = format!("&after={cursor}"),
            None => return Ok((found, false)),
        }
    }
    Ok((found, true))
}

/// What the last attempt came to.
fn outcome(attempt: &Value) -> String {
    match (&attempt["status"], attempt["error"].as_str(), attempt["decision"].as_str()) {
        (Value::Number(status), ..) => status.to_string(),
        (_, _, Some("blocked")) => format!("blocked: {}", text(attempt, "rule")),
        (_, Some(error), _) => error.split(':').next().unwrap_or(error).to_owned(),
        _ => "–".to_owned(),
    }
}

fn row(delivery: &Value, several: bool) -> Vec<String> {
    let next = match delivery["waits_for"].as_str() {
        Some("endpoint_enabled") => "when enabled".to_owned(),
        Some("attempt") => "now".to_owned(),
        _ => cell(delivery, "next_attempt_at"),
    };
    let mut row = vec![
        cell(delivery, "created_at"),
        cell(delivery, "event_type"),
        cell(delivery, "state"),
        cell(delivery, "attempts"),
        outcome(&delivery["last_attempt"]),
        next,
        cell(delivery, "id"),
    ];
    if several {
        row.push(cell(delivery, "endpoint_id"));
    }
    row
}

impl Named {
    async fn show(self, way: &Way, output: Output) -> Result<()> {
        let path = self.find(way).await?;
        let delivery = way.get(&path).await?;
        let attempts = way.get(&format!("{path}/attempts")).await?;
        show(&delivery, &attempts, output);
        Ok(())
    }

    async fn retry(self, way: &Way, output: Output) -> Result<()> {
        let path = self.find(way).await?;
        let delivery = way.post(&format!("{path}/retry"), &json!({})).await?;
        output.data(&delivery);
        output.say(format_args!("{} goes out now.", text(&delivery, "id")));
        output.say(output.tint(
            Tint::Dim,
            format_args!("See what comes of it: gatepost deliveries show {}", text(&delivery, "id")),
        ));
        Ok(())
    }

    /// The way to it; through every endpoint where its own was not said.
    async fn find(self, way: &Way) -> Result<String> {
        let path = |endpoint: &str| format!("webhook-endpoints/{endpoint}/deliveries/{}", self.id);
        if let Some(endpoint) = self.endpoint {
            return Ok(path(&endpoint.to_string()));
        }
        for endpoint in endpoints(way).await? {
            match way.get(&path(&endpoint)).await {
                Ok(_) => return Ok(path(&endpoint)),
                Err(failure) if failure.code.as_deref() == Some("not_found") => {}
                Err(failure) => return Err(failure),
            }
        }
        Err(Failure::refused(format!("no endpoint has the delivery {}", self.id))
            .hint("deliveries are kept for 30 days; those of removed endpoints are not shown"))
    }
}

fn show(delivery: &Value, attempts: &Value, output: Output) {
    let attempts = attempts["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    output.data(&json!({ "delivery": delivery, "attempts": attempts }));
    output.say(format_args!(
        "{}  {}",
        output.tint(Tint::Bold, text(delivery, "id")),
        text(delivery, "state")
    ));
    output.say(format_args!("  event     {} ({})", text(delivery, "event_id"), text(delivery, "event_type")));
    output.say(format_args!("  endpoint  {}", text(delivery, "endpoint_id")));
    if let Some(waits) = delivery["waits_for"].as_str() {
        output.say(format_args!("  waits for {waits}, next attempt {}", cell(delivery, "next_attempt_at")));
    }
    if let Some(action) = delivery["next_action"].as_str() {
        output.say(format_args!("  next      {}", output.tint(Tint::Yellow, action)));
    }
    output.say("");
    let rows: Vec<Vec<String>> = attempts
        .iter()
        .map(|attempt| {
            vec![
                cell(attempt, "number"),
                cell(attempt, "at"),
                cell(attempt, "address"),
                outcome(attempt),
                format!("{} ms", attempt["latency_ms"]),
                said(attempt),
            ]
        })
        .collect();
    output.table(&["#", "AT", "ADDRESS", "ANSWER", "TOOK", "WORDS"], &rows, "No attempt yet.");
}

/// The words of an attempt in one line: the error's, or the receiver's.
fn said(attempt: &Value) -> String {
    const SHOWN: usize = 80;
    let words = match (attempt["error"].as_str(), attempt["response_snippet"].as_str()) {
        (Some(error), _) => error,
        (None, Some(snippet)) => snippet,
        (None, None) => match text(attempt, "response") {
            "hidden" => "(this key may not see answers)",
            "unreadable" => "(does not open)",
            _ => "",
        },
    };
    let line: String = words.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_in_a_word() {
        assert_eq!(outcome(&json!({"status": 502, "decision": "allow"})), "502");
        assert_eq!(
            outcome(&json!({"status": null, "decision": "blocked", "rule": "private address"})),
            "blocked: private address"
        );
        assert_eq!(
            outcome(&json!({"status": null, "decision": "allow", "error": "timeout: no answer in 15 s"})),
            "timeout"
        );
        assert_eq!(outcome(&Value::Null), "–");
        assert_eq!(said(&json!({"error": null, "response_snippet": "a\n b"})), "a b");
        assert!(said(&json!({"response_snippet": "é".repeat(200)})).ends_with('…'));
    }
}
