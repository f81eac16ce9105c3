//! `gatepost url check`

use std::io::{BufRead as _, Write as _};

use gatepost_net::url_check_line;
use serde_json::json;

use crate::cli::Context;
use crate::failure::{Failure, Result};
use crate::installation::url_policy;

/// Judge URLs as webhook deliveries do.
#[derive(clap::Subcommand)]
pub enum Url {
    /// Judge URLs by the code that guards deliveries
    ///
    /// Judges the URLs that are named; without one, reads JSON lines {"url": "…", "answers": ["10.0.0.1", …]} from
    /// standard input (answers stand in for the resolver's, and may be left out). Prints {"url", "verdict":
    /// "allow"|"deny", "rule"} for each. Nothing is looked up and nothing is sent.
    #[command(after_help = "\
Examples:
  gatepost url check https://hooks.example.com/in
  echo '{\"url\": \"https://hooks.example.com/\", \"answers\": [\"10.0.0.1\"]}' | gatepost url check")]
    Check {
        /// What to judge [default: the lines of standard input]
        urls: Vec<String>,
    },
}

impl Url {
    pub fn run(self, context: &Context) -> Result<()> {
        let Self::Check { urls } = self;
        let settings = context.quiet_settings()?;
        let policy = url_policy(&settings.config.egress);
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        for url in &urls {
            let line = json!({ "url": url }).to_string();
            if writeln!(out, "{}", url_check_line(&policy, &line)).is_err() {
                return Ok(());
            }
        }
        if !urls.is_empty() {
            let _ = out.flush();
            return Ok(());
        }
        for line in std::io::stdin().lock().split(b'\n') {
            // A line that is no UTF-8 is malformed like any other, and costs the lines after it nothing.
            let line = line.map_err(Failure::failed)?;
            let line = String::from_utf8_lossy(&line);
            let line = line.strip_suffix('\r').unwrap_or(&line);
            if line.trim().is_empty() {
                continue;
            }
            if writeln!(out, "{}", url_check_line(&policy, line)).is_err() {
                return Ok(());
            }
        }
        let _ = out.flush();
        Ok(())
    }
}
