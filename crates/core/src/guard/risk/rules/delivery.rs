//! What became of messages before. Few failures say nothing, so each rate begins at a number of them.

use super::{Seen, percent};

const FEW: u32 = 10;
const FEW_OF_ANY: u32 = 20;

fn rate(seen: &Seen<'_>, failed: u32, least: u32) -> u32 {
    percent(failed, seen.counters.sent_in_day(), least)
}

pub(super) fn undeliverable_rate(seen: &Seen<'_>) -> u32 {
    rate(seen, seen.counters.undeliverable_in_day(), FEW)
}

pub(super) fn unwanted_rate(seen: &Seen<'_>) -> u32 {
    rate(seen, seen.counters.unwanted_in_day(), FEW)
}

pub(super) fn failure_rate(seen: &Seen<'_>) -> u32 {
    rate(seen, seen.counters.failed_in_day(), FEW_OF_ANY)
}

pub(super) fn spam_restrictions(seen: &Seen<'_>) -> u32 {
    seen.counters.restricted_in_day()
}
