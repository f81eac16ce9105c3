//! What the rows found, and how it stands against what Gatepost aims at.

use crate::args::Engines;
use crate::samples::Samples;
use crate::table::{Row, number};

/// The values that aims speak of; empty where a row was not measured.
#[derive(Debug, Default)]
pub struct Found {
    /// Accepts a second over those of the bare durable accept, pair by pair, at 128 connections.
    pub accept_share: Samples,
    /// p99 of accepts at 128 connections, in milliseconds.
    pub accept_p99_ms: Samples,
    /// Accepts a second at 128 connections, spread over workspaces.
    pub accepts: Samples,
    /// The same in one single workspace.
    pub accepts_one_workspace: Samples,
    /// Inbound items a second, up to the signed webhook.
    pub inbound: Samples,
    /// Deliveries to one endpoint.
    pub to_one: Deliveries,
    /// To 100 endpoints of 20 workspaces.
    pub to_many: Deliveries,
    /// What 100,000 deliveries that wait cost, in MB.
    pub pending_memory: Samples,
    pub beside: Beside,
    /// Messages a second through the whole loop.
    pub whole_loop: Samples,
    /// p99 from accept to Meta's call at half of that, in milliseconds.
    pub to_meta_p99_ms: Samples,
    /// How far a channel is off its pace, in per cent.
    pub pace_off: Samples,
    /// Most messages of a channel in any one second.
    pub pace_most: Samples,
    /// p99 from an accepted code to Meta's call on an idle gateway, in milliseconds.
    pub code_idle_p99_ms: Samples,
    /// The same behind 100,000 messages of the same channel.
    pub code_behind_p99_ms: Samples,
    /// Codes checked, over messages accepted.
    pub check_share: Samples,
    /// Processor time of the guard, in per cent of an accept's.
    pub guard_share: Samples,
    /// Time of an accept with many messages stored, over that with few.
    pub accept_growth: Samples,
    /// Time of an inbound item up to its webhook with many messages stored, over that with few.
    pub inbound_growth: Samples,
    /// In MB.
    pub idle_memory: Samples,
    /// In MB.
    pub peak_memory: Samples,
    /// In milliseconds.
    pub start_up_ms: Samples,
}

/// What deliveries to some endpoints came to.
#[derive(Debug, Default)]
pub struct Deliveries {
    /// While their events are being made.
    pub per_second: Samples,
    /// Those that waited.
    pub waiting: Samples,
    /// p99 from the event to its receipt at half of that, in milliseconds.
    pub p99_ms: Samples,
    /// Processor time of the server for one that waited, in microseconds.
    pub cpu_us: Samples,
    /// Deliveries that waited, over bare signed POSTs.
    pub share_waiting: Samples,
    /// Deliveries while events are made, over bare signed POSTs.
    pub share_flowing: Samples,
}

/// p99 of a quiet workspace's deliveries beside a busy one's, over its p99 alone.
#[derive(Debug, Default)]
pub struct Beside {
    /// Endpoints that never answer.
    pub silent: Samples,
    /// 100,000 queued deliveries that go out.
    pub flowing: Samples,
    /// A replay of 100,000.
    pub their_replay: Samples,
    /// A replay of 100,000 to the very endpoint.
    pub own_replay: Samples,
}

/// Which side of the bound is good.
#[derive(Clone, Copy)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Found {
    /// One row for each aim that something was measured for. Medians count.
    pub fn aims(&self, engine: Engines) -> Vec<Row> {
        use Bound::{AtLeast, AtMost};
        let mut aims = match engine {
            Engines::Postgres => vec![
                ("accepts, 128 connections", &self.accepts, "/s", AtLeast(4_000.0)),
                ("accepts, one busy workspace", &self.accepts_one_workspace, "/s", AtLeast(4_000.0)),
                ("inbound item to signed webhook", &self.inbound, "/s", AtLeast(2_000.0)),
                ("whole loop", &self.whole_loop, "/s", AtLeast(600.0)),
            ],
            Engines::Sqlite | Engines::Both => vec![
                ("accepts ÷ bare durable accept, 128 connections", &self.accept_share, "×", AtLeast(0.35)),
                ("p99 of accepts, 128 connections", &self.accept_p99_ms, "ms", AtMost(20.0)),
                ("inbound item to signed webhook", &self.inbound, "/s", AtLeast(6_000.0)),
                ("whole loop", &self.whole_loop, "/s", AtLeast(1_500.0)),
            ],
        };
        let deliveries = match engine {
            Engines::Postgres => 2_500.0,
            Engines::Sqlite | Engines::Both => 8_000.0,
        };
        let (one, many) = (&self.to_one, &self.to_many);
        aims.extend([
            ("deliveries, one endpoint", &one.per_second, "/s", AtLeast(deliveries)),
            ("deliveries, 100 endpoints", &many.per_second, "/s", AtLeast(deliveries)),
            ("event to receipt at half load, one endpoint, p99", &one.p99_ms, "ms", AtMost(30.0)),
            ("event to receipt at half load, 100 endpoints, p99", &many.p99_ms, "ms", AtMost(30.0)),
            ("CPU of one delivery, one endpoint", &one.cpu_us, "µs", AtMost(150.0)),
            ("CPU of one delivery, 100 endpoints", &many.cpu_us, "µs", AtMost(150.0)),
            (
                "deliveries that waited ÷ bare signed POSTs, one endpoint",
                &one.share_waiting,
                "×",
                AtLeast(0.5),
            ),
            (
                "deliveries that waited ÷ bare signed POSTs, 100 endpoints",
                &many.share_waiting,
                "×",
                AtLeast(0.5),
            ),
            ("deliveries ÷ bare signed POSTs, one endpoint", &one.share_flowing, "×", AtLeast(0.5)),
            ("deliveries ÷ bare signed POSTs, 100 endpoints", &many.share_flowing, "×", AtLeast(0.5)),
            ("memory of 100,000 deliveries that wait", &self.pending_memory, "MB", AtMost(60.0)),
            ("p99 beside endpoints that never answer ÷ alone", &self.beside.silent, "×", AtMost(1.2)),
            ("p99 beside 100,000 queued deliveries ÷ alone", &self.beside.flowing, "×", AtMost(1.2)),
            (
                "p99 beside a neighbour's replay of 100,000 ÷ alone",
                &self.beside.their_replay,
                "×",
                AtMost(1.2),
            ),
            ("p99 beside an own replay of 100,000 ÷ alone", &self.beside.own_replay, "×", AtMost(1.2)),
            ("accept to Meta's call at half load, p99", &self.to_meta_p99_ms, "ms", AtMost(50.0)),
            ("a channel at 80/s, off its pace", &self.pace_off, "%", AtMost(2.0)),
            ("a channel at 80/s, most in one second", &self.pace_most, "", AtMost(88.0)),
            ("a code to Meta's call, idle, p99", &self.code_idle_p99_ms, "ms", AtMost(50.0)),
            (
                "a code to Meta's call behind 100,000 messages, p99",
                &self.code_behind_p99_ms,
                "ms",
                AtMost(100.0),
            ),
            ("codes checked ÷ messages accepted", &self.check_share, "×", AtLeast(1.0)),
            ("the guard's share of an accept's CPU", &self.guard_share, "%", AtMost(20.0)),
            ("accept, many ÷ few stored messages", &self.accept_growth, "×", AtMost(1.3)),
            ("inbound to webhook, many ÷ few stored messages", &self.inbound_growth, "×", AtMost(1.3)),
            ("idle memory", &self.idle_memory, "MB", AtMost(40.0)),
            ("most memory under load", &self.peak_memory, "MB", AtMost(150.0)),
            ("start-up", &self.start_up_ms, "ms", AtMost(300.0)),
        ]);
        let measured = aims.into_iter().filter(|(_, samples, ..)| !samples.is_empty());
        measured.map(|(name, samples, unit, bound)| row(name, samples, unit, bound)).collect()
    }
}

fn row(name: &str, samples: &Samples, unit: &str, bound: Bound) -> Row {
    let value = samples.median();
    let (reached, aim) = match bound {
        Bound::AtLeast(least) => (value >= least, format!("≥ {}", number(least))),
        Bound::AtMost(most) => (value <= most, format!("≤ {}", number(most))),
    };
    let verdict = if reached { "reached" } else { "NOT reached" };
    Row::of(name, samples, unit, format!("{verdict} (aim {aim})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_held_against_the_aims() {
        let found = Found {
            accept_share: Samples::from_iter([0.2, 0.36, 0.4]),
            accept_p99_ms: Samples::from_iter([20.1]),
            accepts: Samples::from_iter([4_000.0]),
            ..Found::default()
        };
        let notes = |engine| found.aims(engine).into_iter().map(|row| row.note).collect::<Vec<_>>();
        assert_eq!(notes(Engines::Sqlite), ["reached (aim ≥ 0.35)", "NOT reached (aim ≤ 20.0)"]);
        assert_eq!(notes(Engines::Postgres), ["reached (aim ≥ 4,000)"]);
        assert!(Found::default().aims(Engines::Sqlite).is_empty(), "what was not measured is not judged");
    }
}
