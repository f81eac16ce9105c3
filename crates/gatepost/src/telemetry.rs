//! Logs, to standard error.
//!
//! Threat note. Defends against: libraries that log what passes through them (requests, statements, headers) when
//! somebody turns the level up: they never get further than warnings. Our own lines hold ids, never bodies, phone
//! numbers or tokens.

use std::io::IsTerminal as _;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use crate::config::LogFormat;
use crate::environment;
use crate::failure::{Failure, Result};

/// All of our crates.
const OURS: &str = "gatepost";

/// Starts logging; a second call changes nothing.
pub fn start(level: Option<&str>, usual: LevelFilter, format: LogFormat) -> Result<()> {
    let filter = filter(level, usual)?;
    let lines = fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry();
    let started = match format {
        LogFormat::Json => registry.with(lines.json().flatten_event(true).with_filter(filter)).try_init(),
        LogFormat::Text => {
            let color = std::io::stderr().is_terminal() && !environment::no_color();
            registry.with(lines.with_ansi(color).with_filter(filter)).try_init()
        }
    };
    drop(started);
    Ok(())
}

/// Our parts at the wanted levels, everybody else's at warnings or less.
fn filter(level: Option<&str>, usual: LevelFilter) -> Result<Targets> {
    let Some(text) = level else {
        return Ok(Targets::new().with_default(usual.min(LevelFilter::WARN)).with_target(OURS, usual));
    };
    let wrong = |part: &str| {
        Failure::usage(format!(
            "log.level: {part:?} is neither a level (error, warn, info, debug, trace, off) nor the level of a part \
             (gatepost_store=debug)"
        ))
    };
    let mut general = usual;
    let mut parts = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            None => general = part.parse().map_err(|_| wrong(part))?,
            Some((target, level)) => {
                let level: LevelFilter = level.parse().map_err(|_| wrong(part))?;
                parts.push((
                    target,
                    if target.starts_with(OURS) { level } else { level.min(LevelFilter::WARN) },
                ));
            }
        }
    }
    let filter = Targets::new().with_default(general.min(LevelFilter::WARN)).with_target(OURS, general);
    Ok(parts.into_iter().fold(filter, |filter, (target, level)| filter.with_target(target, level)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use tracing::Level;

    use super::*;

    #[test]
    fn libraries_never_say_more_than_warnings() {
        for text in ["trace", "trace,hyper=trace,h2::codec=debug,gatepost_store=trace"] {
            let filter = filter(Some(text), LevelFilter::INFO).unwrap();
            for library in ["hyper", "hyper_util::client", "h2::codec", "rustls", "tokio_postgres", "reqwest"]
            {
                assert!(filter.would_enable(library, &Level::WARN), "{library}");
                assert!(!filter.would_enable(library, &Level::INFO), "{library}");
            }
            assert!(filter.would_enable("gatepost_store::engine", &Level::TRACE));
        }
    }

    #[test]
    fn parts_have_their_own_level() {
        let filter = filter(Some("warn,gatepost_store=debug"), LevelFilter::INFO).unwrap();
        assert!(filter.would_enable("gatepost_store::engine", &Level::DEBUG));
        assert!(!filter.would_enable("gatepost_app", &Level::INFO));
        assert!(super::filter(Some("loud"), LevelFilter::INFO).is_err());
    }
}
