//! What the benchmark is asked for.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// Measures Gatepost on this machine, and the ceilings it is compared with, and prints one table for each engine.
///
/// Everything stays on loopback and in a temporary directory.
#[derive(Debug, Clone, Parser)]
#[command(name = "gatepost-bench", version)]
pub struct Args {
    #[command(subcommand)]
    pub hidden: Option<Hidden>,

    /// Which engine to measure
    #[arg(long, value_enum, default_value_t = Engines::Both)]
    pub engine: Engines,

    /// Which rows to measure; all where it is left out
    #[arg(long, value_enum, value_delimiter = ',', value_name = "GROUP,…")]
    pub rows: Vec<Group>,

    /// Seconds of each repetition
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub seconds: u64,

    /// Repetitions of each measurement
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=20))]
    pub repeat: u64,

    /// Fewer and shorter repetitions, and 100,000 stored messages and suppressions instead of a million
    #[arg(long)]
    pub quick: bool,

    /// Where data lies while it is measured; a temporary directory in here is made and removed
    #[arg(long, default_value = ".")]
    pub dir: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Engines {
    Sqlite,
    Postgres,
    Both,
}

/// Rows that are measured together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Group {
    /// What this machine gives: disk, HTTP, and each database without Gatepost
    Ceilings,
    /// Start-up time and idle memory
    Process,
    /// Durable accepts over HTTP
    Accepts,
    /// Callbacks, and webhooks that follow from them
    Inbound,
    /// Webhook deliveries: how many, how soon, what waiting ones cost, and what they cost a neighbour
    Deliveries,
    /// From the accept through Meta's call and statuses to the webhooks, and a channel's pace
    Loop,
    /// The guard's share of an accept, and accepts with many suppressions and own keywords
    Guard,
    /// How soon Meta has a code, alone and behind a long queue, and how fast codes are checked
    Verify,
    /// Cost of a message with few and with many stored
    Growth,
    /// Timing of API key verification
    Keys,
    /// Timing of signing in and of forgotten passwords
    People,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Hidden {
    /// Makes load and receives webhooks, as the measuring process orders
    #[command(name = crate::load::SUBCOMMAND, hide = true)]
    Load,
    /// Starts one idle installation, says when it is ready and how much memory it has
    #[command(name = crate::rows::IDLE_SUBCOMMAND, hide = true)]
    Idle {
        #[arg(value_enum)]
        engine: Engines,
    },
}

impl Args {
    pub fn wants(&self, group: Group) -> bool {
        self.rows.is_empty() || self.rows.contains(&group)
    }

    /// Milliseconds of one repetition.
    pub fn millis(&self) -> u64 {
        if self.quick { 1_000 } else { self.seconds * 1_000 }
    }

    pub fn repetitions(&self) -> u64 {
        if self.quick { 2 } else { self.repeat }
    }

    /// The larger number of stored messages and suppressions that costs are compared at.
    pub const fn many(&self) -> usize {
        if self.quick { 100_000 } else { 1_000_000 }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_command_line() {
        let args = Args::try_parse_from(["gatepost-bench"]).unwrap();
        assert!(args.wants(Group::Ceilings) && args.wants(Group::Keys));
        assert_eq!((args.engine, args.millis(), args.repetitions()), (Engines::Both, 4_000, 3));
        let args = Args::try_parse_from([
            "gatepost-bench",
            "--engine",
            "sqlite",
            "--rows",
            "accepts,inbound",
            "--quick",
            "--seconds",
            "9",
        ])
        .unwrap();
        assert!(args.wants(Group::Accepts) && !args.wants(Group::Growth) && !args.wants(Group::Loop));
        assert_eq!((args.millis(), args.many()), (1_000, 100_000));
        assert!(Args::try_parse_from(["gatepost-bench", "--seconds", "0"]).is_err());
        assert!(matches!(
            Args::try_parse_from(["gatepost-bench", "load-process"]).unwrap().hidden,
            Some(Hidden::Load)
        ));
    }
}
