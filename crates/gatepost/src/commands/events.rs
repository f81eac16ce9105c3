//! `gatepost events`

use std::fmt::Write as _;

use gatepost_core::{EndpointId, EventId};
use serde_json::{Value, json};

use super::deliveries::event_types;
use super::send::At;
use crate::answer::{cell, text};
use crate::cli::Context;
use crate::failure::Result;
use crate::output::{Output, Tint};

/// The event log: what happened, and sending it again.
#[derive(clap::Subcommand)]
pub enum Events {
    /// List events, the oldest first
    List(List),
    /// Print an event as webhooks carry it
    Show {
        /// The event's id
        id: EventId,
        #[command(flatten)]
        at: At,
    },
    /// Send an event again, to every enabled endpoint that takes it
    #[command(after_help = "\
Examples:
  gatepost events resend evt_…
  gatepost events resend evt_… --endpoint whk_…")]
    Resend {
        /// The event's id
        id: EventId,
        /// To this endpoint alone, whatever its filter says
        #[arg(long, value_name = "ENDPOINT")]
        endpoint: Option<EndpointId>,
        #[command(flatten)]
        at: At,
    },
}

#[derive(clap::Args)]
pub struct List {
    /// Only these events, with commas between: message.received, message.* …
    #[arg(long, value_name = "EVENTS", value_parser = event_types)]
    types: Option<String>,
    /// Only those after this one
    #[arg(long, value_name = "EVENT")]
    after: Option<EventId>,
    /// At most so many, 1 to 100
    #[arg(long, value_name = "COUNT", default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
    #[command(flatten)]
    at: At,
}

impl Events {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        match self {
            Self::List(list) => {
                let mut path = format!("/v1/events?limit={}", list.limit);
                if let Some(types) = &list.types {
                    let _ = write!(path, "&types={types}");
                }
                if let Some(after) = list.after {
                    let _ = write!(path, "&after={after}");
                }
                let page = list.at.api(&context)?.get(&path).await?;
                output.data(&page);
                let events = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
                let rows: Vec<Vec<String>> = events
                    .iter()
                    .map(|event| {
                        vec![
                            cell(event, "created_at"),
                            cell(event, "type"),
                            cell(event, "channel_id"),
                            cell(event, "id"),
                        ]
                    })
                    .collect();
                output.table(&["AT", "EVENT", "CHANNEL", "ID"], &rows, "No such event.");
                if let (Some(last), true) = (events.last(), events.len() == list.limit as usize) {
                    output.say(output.tint(Tint::Dim, format_args!("Go on: --after {}", text(last, "id"))));
                }
                Ok(())
            }
            Self::Show { id, at } => {
                let event = at.api(&context)?.get(&format!("/v1/events/{id}")).await?;
                output.data(&event);
                output.say(serde_json::to_string_pretty(&event).unwrap_or_else(|_| event.to_string()));
                Ok(())
            }
            Self::Resend { id, endpoint, at } => {
                let body = endpoint.map_or_else(|| json!({}), |id| json!({ "endpoint_id": id }));
                let resent = at.api(&context)?.post(&format!("/v1/events/{id}/resend"), &body, None).await?;
                tell(&resent, output);
                Ok(())
            }
        }
    }
}

fn tell(resent: &Value, output: Output) {
    output.data(resent);
    let deliveries = resent["deliveries"].as_array().map(Vec::as_slice).unwrap_or_default();
    if deliveries.is_empty() {
        output.say("No enabled endpoint takes this event; nothing was sent.");
        output.say(output.tint(Tint::Dim, "Name one to send it there all the same: --endpoint whk_…"));
    }
    for delivery in deliveries {
        output.say(format_args!(
            "{} goes to {} now ({}).",
            text(resent, "event_id"),
            text(delivery, "endpoint_id"),
            text(delivery, "id")
        ));
    }
}
