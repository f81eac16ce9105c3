//! The rows of the table, group by group.

mod accepts;
mod ceilings;
mod deliveries;
mod fill;
mod growth;
mod guard;
mod idle;
mod inbound;
mod keys;
mod pace;
mod people;
mod verify;
mod whole_loop;

use std::time::Duration;

use crate::args::{Args, Engines, Group};
use crate::error::Result;
use crate::found::Found;
use crate::installation::Place;
use crate::load::Load;
use crate::process;
use crate::samples::Samples;
use crate::table::{Row, Table, megabytes, millis};

pub use idle::{SUBCOMMAND as IDLE_SUBCOMMAND, run as run_idle};

/// Workspaces that load is spread over, each with a channel and, where webhooks are wanted, an endpoint.
const WORKSPACES: usize = 20;
/// Before a measurement counts.
const WARM_UP_MILLIS: u64 = 500;

/// One engine's run.
pub struct Run {
    pub args: Args,
    pub engine: Engines,
    pub place: Place,
    pub load: Load,
    pub table: Table,
    pub found: Found,
    /// Runs of callbacks so far; each says something new.
    pub runs: u64,
}

impl Run {
    /// Measures what was asked for, and fills the table.
    pub async fn measure(&mut self) -> Result<()> {
        if self.args.wants(Group::Process) {
            self.idle().await?;
        }
        if self.args.wants(Group::Ceilings) {
            self.ceilings().await?;
        }
        if self.args.wants(Group::Accepts) {
            self.accepts().await?;
        }
        if self.args.wants(Group::Inbound) {
            self.inbound().await?;
        }
        if self.args.wants(Group::Deliveries) {
            self.deliveries().await?;
        }
        if self.args.wants(Group::Loop) {
            self.whole_loop().await?;
            self.pace().await?;
        }
        if self.args.wants(Group::Guard) {
            self.guard().await?;
        }
        if self.args.wants(Group::Verify) {
            self.verify().await?;
        }
        if self.args.wants(Group::Growth) {
            self.growth().await?;
        }
        if self.args.wants(Group::Keys) {
            self.keys().await?;
        }
        if self.args.wants(Group::People) {
            self.people().await?;
        }
        let aims = self.found.aims(self.engine);
        if !aims.is_empty() {
            self.table.heading("Aims");
            for row in aims {
                self.table.push(row);
            }
        }
        Ok(())
    }

    /// Notes the most memory since the peak was reset.
    fn note_peak(&mut self, during: &str) -> Result<()> {
        let peak = megabytes(process::memory(None)?.peak as f64);
        self.found.peak_memory.push(peak);
        let samples = Samples::from_iter([peak]);
        self.table.push(Row::of(format!("most memory {during}"), &samples, "MB", "server process"));
        Ok(())
    }
}

/// Repetitions of one kind of request.
#[derive(Default)]
struct Repeated {
    per_second: Samples,
    p50: Samples,
    p99: Samples,
    cpu_us: Samples,
}

impl Repeated {
    fn push(&mut self, report: &crate::load::Report, cpu: Duration) {
        self.per_second.push(report.per_second());
        self.p50.push(report.p50_micros as f64);
        self.p99.push(report.p99_micros as f64);
        self.cpu_us.push(cpu.as_secs_f64() * 1e6 / report.done as f64);
    }

    fn row(&self, name: impl Into<String>) -> Row {
        let note = format!(
            "p50 {}, p99 {}, server CPU {:.0} µs each",
            millis(self.p50.median()),
            millis(self.p99.median()),
            self.cpu_us.median()
        );
        Row::of(name, &self.per_second, "/s", note)
    }
}
