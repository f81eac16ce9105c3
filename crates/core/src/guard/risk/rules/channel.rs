//! How Meta and time judge the channel.

use super::Seen;
use crate::guard::risk::facts::Quality;

pub(super) fn quality_drop(seen: &Seen<'_>) -> u32 {
    let (before, fell) = seen.counters.quality();
    // What is known now goes before what was known then.
    let now = if seen.facts.quality == Quality::Unknown { before } else { seen.facts.quality };
    let fell = fell || before != Quality::Unknown && now > before;
    let rating = match now {
        Quality::Unknown | Quality::Green => return 0,
        Quality::Yellow => 1,
        Quality::Red => 3,
    };
    rating + u32::from(fell)
}

pub(super) fn warm_up(seen: &Seen<'_>) -> u32 {
    let facts = seen.facts;
    let allowed = seen.tuning.warm_up(facts.channel_days);
    match allowed {
        Some(allowed) if facts.is_first() && !facts.test_channel => {
            let first = u64::from(seen.counters.first_in_day()) + 1;
            // The allowance itself is still within it.
            u32::try_from((first * 100).saturating_sub(1) / u64::from(allowed.max(1))).unwrap_or(u32::MAX)
        }
        _ => 0,
    }
}
