//! Whether a channel that has more to send than it may keeps to its pace.

use std::time::Duration;

use gatepost_core::Timestamp;

use super::Run;
use super::whole_loop::calls;
use crate::error::{Failure, Result};
use crate::installation::Installation;
use crate::load::Pace;
use crate::samples::Samples;
use crate::table::{Row, number};

/// A channel's messages a second, where Meta said nothing else.
const THROUGHPUT: f64 = 80.0;
/// Asked for a second: more than the channel may send.
const ASKED: f64 = 100.0;
/// What is measured: long enough that a single message is a sixteenth of a per cent.
const MEASURED: Duration = Duration::from_secs(20);
/// Before it counts: a lane begins with a burst.
const BEGINNING: Duration = Duration::from_secs(1);

impl Run {
    pub async fn pace(&mut self) -> Result<()> {
        self.table.heading(format!(
            "The pace of one channel that may send {THROUGHPUT} a second and is asked for {ASKED} (seen at Meta for {} s)",
            MEASURED.as_secs()
        ));
        let installation = Installation::start(&self.place, true).await?;
        let ports = self.load.listen(1).await?;
        let tenant = installation.tenant(1, ports.first().copied()).await?;
        installation.listen_to_meta(&tenant);
        let time = MEASURED + 2 * BEGINNING;
        let pace = Pace::Rate { per_second: ASKED };
        self.sends(&installation, &tenant.senders, pace, u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
            .await?;
        let calls = calls(&installation);
        let refused = installation.meta.observed().refused;
        installation.stop().await?;
        let from = calls.first().ok_or_else(|| Failure::new("Meta was never called"))?.plus(BEGINNING);
        let counted = within(&calls, from, MEASURED);
        let per_second = counted as f64 / MEASURED.as_secs_f64();
        let note = format!("{} calls; Meta refused {refused} as too many", number(counted as f64));
        self.table.push(Row::of("calls", &Samples::from_iter([per_second]), "/s", note));
        let most = most_in(&calls, Duration::from_secs(1)) as f64;
        self.table.push(Row::of("most in any one second", &Samples::from_iter([most]), "", ""));
        self.found.pace_off.push((per_second / THROUGHPUT - 1.0).abs() * 100.0);
        self.found.pace_most.push(most);
        Ok(())
    }
}

/// How many fall into the time after `from`.
fn within(calls: &[Timestamp], from: Timestamp, time: Duration) -> usize {
    let end = from.plus(time);
    calls.iter().filter(|at| (from..end).contains(at)).count()
}

/// Most that fall into any window of this length; `calls` are in order.
fn most_in(calls: &[Timestamp], window: Duration) -> usize {
    let mut most = 0;
    for (first, from) in calls.iter().enumerate() {
        let end = from.plus(window);
        let after = calls.partition_point(|at| *at < end);
        most = most.max(after - first);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_in_any_window() {
        let calls: Vec<Timestamp> =
            [0, 900, 950, 1_000, 1_899, 1_950, 4_000].map(|ms| Timestamp::from_micros(ms * 1_000)).into();
        assert_eq!(most_in(&calls, Duration::from_secs(1)), 4, "from 900 to before 1,900");
        assert_eq!(most_in(&[], Duration::from_secs(1)), 0);
        assert_eq!(within(&calls, calls[1], Duration::from_millis(1_050)), 4, "the end is outside");
    }
}
