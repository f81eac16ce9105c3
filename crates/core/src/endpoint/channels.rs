//! Which channels' events an endpoint hears of.

use crate::id::ChannelId;

/// Most channels that one endpoint names.
pub const CHANNELS_MAX: usize = 100;

/// The channels an endpoint is bound to; none named means all.
///
/// One bound to channels hears nothing that is about no channel. The id of a channel that was removed stays: without it
/// an endpoint bound to that channel alone would hear of all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChannelFilter(Vec<ChannelId>);

impl ChannelFilter {
    /// Each channel once, in a stable order.
    pub fn new(mut channels: Vec<ChannelId>) -> Self {
        channels.sort_unstable();
        channels.dedup();
        Self(channels)
    }

    /// Reads the stored form; `None` when it is none. A filter that cannot be read must never pass for an empty one.
    pub fn stored(text: &str) -> Option<Self> {
        let channels: Result<Vec<ChannelId>, _> = text.split_ascii_whitespace().map(str::parse).collect();
        channels.ok().map(Self::new)
    }

    /// The form to store: the ids with blanks between.
    pub fn to_stored(&self) -> String {
        let ids: Vec<String> = self.0.iter().map(ChannelId::to_string).collect();
        ids.join(" ")
    }

    pub fn matches(&self, channel: Option<ChannelId>) -> bool {
        self.0.is_empty() || channel.is_some_and(|channel| self.0.contains(&channel))
    }

    /// True when every event that passes is about one of `own`: what a caller bound to channels may set and see.
    pub fn lies_within(&self, own: &[ChannelId]) -> bool {
        !self.0.is_empty() && self.0.iter().all(|channel| own.contains(channel))
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn ids(&self) -> &[ChannelId] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn filters() {
        let [a, b] = [1, 2].map(|n| ChannelId::from_uuid(Uuid::from_u128(n)));
        let (all, one) = (ChannelFilter::default(), ChannelFilter::new(vec![a, a]));
        assert!(all.matches(None) && all.matches(Some(a)) && !all.lies_within(&[a, b]));
        assert!(one.matches(Some(a)) && !one.matches(Some(b)) && !one.matches(None));
        assert!(one.lies_within(&[a, b]) && !one.lies_within(&[b]) && !one.lies_within(&[]));
        assert_eq!((one.ids(), ChannelFilter::stored(&one.to_stored())), (&[a][..], Some(one.clone())));
        assert_eq!(ChannelFilter::stored(""), Some(all));
        assert_eq!(ChannelFilter::stored("nonsense"), None);
    }
}
