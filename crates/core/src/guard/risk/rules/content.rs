//! What the words say.

use super::Seen;

/// A secret to hand over, and one to enter somewhere.
const TOLD: u32 = 20;
const ENTERED: u32 = 15;
/// Fewer links are a signature.
const LINKS: u32 = 3;

pub(super) fn credential_request(seen: &Seen<'_>) -> u32 {
    let told = u32::from(seen.features.secrets_asked) * TOLD;
    told.max(if seen.features.secret_entry { ENTERED } else { 0 })
}

pub(super) fn look_alike_host(seen: &Seen<'_>) -> u32 {
    seen.features.look_alike.into()
}

pub(super) fn disguised_host(seen: &Seen<'_>) -> u32 {
    seen.features.disguised_hosts
}

pub(super) fn disguised_name(seen: &Seen<'_>) -> u32 {
    seen.features.disguised_names
}

pub(super) fn link_user(seen: &Seen<'_>) -> u32 {
    seen.features.link_users
}

pub(super) fn raw_host(seen: &Seen<'_>) -> u32 {
    seen.features.raw_hosts
}

pub(super) fn link_density(seen: &Seen<'_>) -> u32 {
    let (links, words) = (seen.features.links, seen.features.words);
    if links < LINKS {
        return 0;
    }
    // Links are read as words too, so a message of links alone has no more than a hundred in a hundred.
    let words = u64::from(words) + u64::from(links);
    u32::try_from(u64::from(links) * 100 / words).unwrap_or(100)
}
