//! Quiet hours: messages wait until they are over where the person lives.

use std::time::Duration;

use gatepost_core::guard::{GuardSettings, QuietHours, Zone, zones_of};
use gatepost_core::{Purpose, Recipient, Result, Timestamp};

use super::Texts;

/// The quiet hours of a workspace.
#[derive(Debug, Clone)]
pub(crate) struct Quiet {
    hours: QuietHours,
    /// Where people live of whom nothing is known.
    own: Zone,
}

impl Quiet {
    pub fn of(settings: &GuardSettings, own: &Zone) -> Option<Self> {
        settings.quiet_hours.clone().map(|hours| Self { hours, own: own.clone() })
    }

    /// When they are over for somebody who may live in one of these zones; `None`: the message may go.
    pub fn until(
        &self,
        texts: &Texts,
        purpose: Purpose,
        zones: &[&str],
        now: Timestamp,
    ) -> Result<Option<Timestamp>> {
        // Codes never wait, whatever is stored.
        if purpose == Purpose::Authentication || !self.hours.purposes.contains(&purpose) {
            return Ok(None);
        }
        if zones.is_empty() {
            return Ok(self.hours.until(std::slice::from_ref(&self.own), now));
        }
        let zones = zones.iter().map(|name| texts.zone(name)).collect::<Result<Vec<Zone>>>()?;
        Ok(self.hours.until(&zones, now))
    }
}

/// The time zones that a recipient may live in; none are known of a BSUID.
pub(crate) fn zones(to: &Recipient) -> &'static [&'static str] {
    to.phone().map(zones_of).unwrap_or_default()
}

/// The place in a queue of what came now and waits until `until`: behind what is due by then, and among its like in the
/// order in which they came, so that nothing that may go before waits behind it.
pub(crate) fn in_order(until: Timestamp, now: Timestamp) -> Timestamp {
    const LONGEST: Duration = Duration::from_hours(48);
    until.plus(LONGEST.saturating_sub(until.since(now)) / 1_000)
}
