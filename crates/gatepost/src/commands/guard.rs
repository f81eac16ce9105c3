//! `gatepost guard`

use std::io::{BufRead, BufReader, Read as _, Write as _};

use gatepost_core::optout::{Classifier, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::explain::Explain;
use crate::cli::Context;
use crate::failure::{Failure, Result};

/// The longest line that is read whole. WhatsApp's own limit of a text is 4,096 characters; JSON may write one in twelve
/// bytes.
const LINE_BYTES: u64 = 1024 * 1024;

/// See what the guard makes of texts and of messages.
#[derive(clap::Subcommand)]
pub enum Guard {
    /// Say of texts whether they opt out
    ///
    /// Reads JSON lines {"text": "…", "id": …} from standard input and prints {"id", "label", "language", "rule"} for each,
    /// in order: label is opt_out, opt_in, neither or review. The id is passed on where there is one; other members are
    /// ignored. It is the code that inbound messages meet, without own keywords. A line that is no such object is
    /// answered by {"error"}, and the exit code is 2 at the end.
    #[command(after_help = "\
Examples:
  echo '{\"text\": \"please stop texting me\"}' | gatepost guard classify")]
    Classify,
    Explain(Box<Explain>),
}

#[derive(Deserialize)]
struct Line {
    text: String,
    id: Option<Value>,
}

#[derive(Serialize)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Value>,
    #[serde(flatten)]
    verdict: Verdict,
}

impl Guard {
    pub async fn run(self, context: Context) -> Result<()> {
        match self {
            Self::Classify => Self::classify(),
            Self::Explain(explain) => explain.run(context).await,
        }
    }

    fn classify() -> Result<()> {
        let classifier = Classifier::default();
        let mut input = BufReader::new(std::io::stdin().lock());
        let mut out = std::io::stdout().lock();
        let mut bad = 0_u64;
        while let Some(line) = next_line(&mut input).map_err(Failure::failed)? {
            let answer = match line.map(|line| serde_json::from_slice::<Line>(&line)) {
                Ok(Ok(line)) => {
                    let verdict = classifier.classify(&line.text);
                    serde_json::to_string(&Answer { id: line.id, verdict }).map_err(Failure::failed)?
                }
                Ok(Err(_)) => wrong(&mut bad, "expected a JSON object with a string \"text\""),
                Err(TooLong) => wrong(&mut bad, "the line is longer than 1 MiB"),
            };
            // Who listens may wait for the answer before asking on, so each line goes out at once.
            if writeln!(out, "{answer}").and_then(|()| out.flush()).is_err() {
                return Ok(());
            }
        }
        if bad == 0 { Ok(()) } else { Err(Failure::usage(format!("{bad} lines could not be read"))) }
    }
}

fn wrong(bad: &mut u64, why: &str) -> String {
    *bad += 1;
    serde_json::json!({ "error": why }).to_string()
}

/// A line that is longer than any text.
struct TooLong;

/// The next line that is not empty; none at the end. The rest of one that is too long is skipped.
fn next_line(input: &mut impl BufRead) -> std::io::Result<Option<std::result::Result<Vec<u8>, TooLong>>> {
    loop {
        let mut line = Vec::new();
        if input.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if line.last() != Some(&b'\n') && line.len() as u64 == LINE_BYTES {
            input.skip_until(b'\n')?;
            return Ok(Some(Err(TooLong)));
        }
        if !line.trim_ascii().is_empty() {
            return Ok(Some(Ok(line)));
        }
    }
}
