//! How many people, how fast. A message counts itself, so that the number is what it will be.

use super::Seen;

fn first(seen: &Seen<'_>, before: u32) -> u32 {
    if seen.facts.is_first() { before.saturating_add(1) } else { 0 }
}

pub(super) fn new_recipients_hour(seen: &Seen<'_>) -> u32 {
    first(seen, seen.counters.first_in_hour())
}

pub(super) fn new_recipients_day(seen: &Seen<'_>) -> u32 {
    first(seen, seen.counters.first_in_day())
}

pub(super) fn first_contact_burst(seen: &Seen<'_>) -> u32 {
    first(seen, seen.counters.first_in_minute())
}

fn cold(seen: &Seen<'_>, before: u32) -> u32 {
    if seen.facts.is_unasked() { first(seen, before) } else { 0 }
}

pub(super) fn cold_contacts_hour(seen: &Seen<'_>) -> u32 {
    cold(seen, seen.counters.cold_in_hour())
}

pub(super) fn cold_contacts_day(seen: &Seen<'_>) -> u32 {
    cold(seen, seen.counters.cold_in_day())
}

pub(super) fn identical_text(seen: &Seen<'_>) -> u32 {
    match seen.facts.digest {
        Some(digest) if seen.facts.is_unasked() => seen.counters.identical(digest).saturating_add(1),
        _ => 0,
    }
}

pub(super) fn shortened_links(seen: &Seen<'_>) -> u32 {
    if seen.features.shortened > 0 { seen.counters.shortened_in_hour().saturating_add(1) } else { 0 }
}
