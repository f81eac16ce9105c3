//! Which events somebody wants.

use super::EventType;

/// Which events an endpoint wants: exact names and `family.*`; an empty list means all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFilter(Vec<String>);

impl EventFilter {
    /// Refuses names that no event has.
    pub fn parse(names: Vec<String>) -> Result<Self, String> {
        for name in &names {
            let known = match name.strip_suffix(".*") {
                Some(family) => EventType::ALL.iter().any(|t| t.as_str().split('.').next() == Some(family)),
                None => EventType::parse(name).is_some(),
            };
            if !known {
                let all: Vec<_> = EventType::ALL.iter().map(|t| t.as_str()).collect();
                return Err(format!(
                    "unknown event {name:?}; known are {} and families such as message.*",
                    all.join(", ")
                ));
            }
        }
        Ok(Self(names))
    }

    /// A filter that was parsed when it was stored; names that no event has any more match nothing.
    pub const fn stored(names: Vec<String>) -> Self {
        Self(names)
    }

    pub fn matches(&self, event: EventType) -> bool {
        self.0.is_empty()
            || self.0.iter().any(|name| match name.strip_suffix(".*") {
                Some(family) => event.as_str().split('.').next() == Some(family),
                None => name == event.as_str(),
            })
    }

    pub fn names(&self) -> &[String] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn filters() {
        let all = EventFilter::default();
        let family = EventFilter::parse(vec!["message.*".into()]).unwrap();
        let one = EventFilter::parse(vec!["message.read".into()]).unwrap();
        assert!(all.matches(EventType::ChannelNotification));
        assert!(family.matches(EventType::MessageRead) && !family.matches(EventType::ChannelNotification));
        assert!(one.matches(EventType::MessageRead) && !one.matches(EventType::MessageSent));
        assert!(EventFilter::parse(vec!["message.reed".into()]).is_err());
        assert!(EventFilter::parse(vec!["*".into()]).is_err());
    }
}
