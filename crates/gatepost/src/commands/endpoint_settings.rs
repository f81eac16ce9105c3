//! The settings of an endpoint on the command line.
//!
//! Threat note. A header may hold a credential, and a flag ends up in the shell's history and the process list: headers
//! are also read from a file, from standard input and from a variable. What is given is never printed.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use gatepost_core::Secret;
use serde_json::{Map, Value, json};

use crate::environment::{self, ENDPOINT_HEADERS};
use crate::failure::{Failure, Result};

/// Largest file of headers; what is allowed stays far below.
const HEADERS_MAX: u64 = 64 * 1024;

/// What an endpoint is set up with.
#[derive(clap::Args)]
pub struct Settings {
    /// Which events, such as message.* or message.received; may be given several times [default: all]
    #[arg(long = "event", value_name = "EVENT")]
    events: Vec<String>,
    /// Only events of this channel; may be given several times [default: all]
    #[arg(long = "channel", value_name = "ID")]
    channels: Vec<String>,
    /// A header that goes with every delivery; may be given several times. It ends up in your shell's history: for a
    /// credential use --headers-from or the variable GATEPOST_ENDPOINT_HEADERS
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// Read headers from a file, one NAME: VALUE a line; - reads standard input
    #[arg(long, value_name = "FILE")]
    headers_from: Option<PathBuf>,
    /// A note of yours; may be given several times
    #[arg(long = "metadata", value_name = "NAME=TEXT")]
    metadata: Vec<String>,
    /// What it is, for people
    #[arg(long)]
    description: Option<String>,
    /// Deliver what is about one contact one after another, in the order it happened
    #[arg(long)]
    ordered: bool,
    /// Sign with Ed25519 (v1a) too, so that receivers need no secret
    #[arg(long)]
    ed25519: bool,
    /// Seconds from one attempt to the next, with commas between: 5,300,1800; none for one attempt, default for the
    /// installation's schedule
    #[arg(long, value_name = "SECONDS,…")]
    retry: Option<String>,
}

/// What a change can take back.
#[derive(clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Change {
    /// Hear of all events again
    #[arg(long, conflicts_with = "events")]
    all_events: bool,
    /// Hear of all channels again
    #[arg(long, conflicts_with = "channels")]
    all_channels: bool,
    /// Take all headers away
    #[arg(long, conflicts_with_all = ["headers", "headers_from"])]
    no_headers: bool,
    /// Take all notes away
    #[arg(long, conflicts_with = "metadata")]
    no_metadata: bool,
    /// Deliver many at once again
    #[arg(long, conflicts_with = "ordered")]
    parallel: bool,
    /// Take the Ed25519 key away
    #[arg(long, conflicts_with = "ed25519")]
    no_ed25519: bool,
}

impl Change {
    pub fn lay_over(&self, body: &mut Map<String, Value>) {
        let changes = [
            (self.all_events, "events", json!([])),
            (self.all_channels, "channels", Value::Null),
            (self.no_headers, "headers", Value::Null),
            (self.no_metadata, "metadata", Value::Null),
            (self.parallel, "order", json!("parallel")),
            (self.no_ed25519, "ed25519", json!(false)),
        ];
        for (given, name, value) in changes {
            if given {
                body.insert(name.to_owned(), value);
            }
        }
    }
}

impl Settings {
    /// The fields of the request; what was not given is left out.
    pub fn body(self) -> Result<Map<String, Value>> {
        let headers = self.headers()?;
        let mut body = Map::new();
        let mut set = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
        if !self.events.is_empty() {
            set("events", json!(self.events));
        }
        if !self.channels.is_empty() {
            set("channels", json!(self.channels));
        }
        if !headers.is_empty() {
            set("headers", Value::Object(headers));
        }
        if !self.metadata.is_empty() {
            let pairs = self.metadata.iter().map(|pair| {
                let (name, text) =
                    pair.split_once('=').ok_or_else(|| Failure::usage("--metadata: expected NAME=TEXT"))?;
                Ok((name.trim().to_owned(), json!(text)))
            });
            set("metadata", Value::Object(pairs.collect::<Result<_>>()?));
        }
        if let Some(description) = self.description {
            set("description", json!(description));
        }
        if self.ordered {
            set("order", json!("ordered"));
        }
        if self.ed25519 {
            set("ed25519", json!(true));
        }
        if let Some(retry) = self.retry {
            set("retry_schedule", schedule(&retry)?);
        }
        Ok(body)
    }

    /// The headers of the variable, of the file and of the flags; the later one of a name holds.
    fn headers(&self) -> Result<Map<String, Value>> {
        let variable = environment::text(ENDPOINT_HEADERS)?.map(Secret::new);
        let file = self.headers_from.as_deref().map(read).transpose()?;
        let lines = [("the variable", &variable), ("--headers-from", &file)]
            .into_iter()
            .filter_map(|(from, text)| Some((from, text.as_ref()?)))
            .flat_map(|(from, text)| text.expose().lines().map(move |line| (from, line)))
            .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        let mut headers = Map::new();
        for (from, line) in lines.chain(self.headers.iter().map(|header| ("--header", header.as_str()))) {
            // The line is not told: it may hold the credential without its name.
            let (name, value) = line
                .split_once(':')
                .ok_or_else(|| Failure::usage(format!("{from}: expected NAME: VALUE in each line")))?;
            headers.insert(name.trim().to_ascii_lowercase(), json!(value.trim()));
        }
        Ok(headers)
    }
}

fn read(file: &Path) -> Result<Secret<String>> {
    let mut text = String::new();
    let done = if file.as_os_str() == "-" {
        std::io::stdin().lock().take(HEADERS_MAX).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(HEADERS_MAX).read_to_string(&mut text))
    };
    match done {
        Ok(_) => Ok(Secret::new(text)),
        Err(error) => Err(Failure::usage(format!("{} cannot be read: {error}", file.display()))),
    }
}

fn schedule(text: &str) -> Result<Value> {
    match text.trim() {
        "default" => Ok(Value::Null),
        "none" => Ok(json!([])),
        text => {
            let seconds: std::result::Result<Vec<u32>, _> =
                text.split(',').map(|wait| wait.trim().parse()).collect();
            seconds.map(|seconds| json!(seconds)).map_err(|_| {
                Failure::usage("--retry: expected whole seconds with commas between, none or default")
            })
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn schedules() {
        assert_eq!(schedule("5, 300,1800").unwrap(), json!([5, 300, 1800]));
        assert_eq!((schedule("none").unwrap(), schedule("default").unwrap()), (json!([]), Value::Null));
        for wrong in ["", "5;6", "-1", "1.5", "5,"] {
            assert!(schedule(wrong).is_err(), "{wrong}");
        }
    }
}
