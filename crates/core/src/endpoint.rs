//! Webhook endpoints and what happens on the way to them.

use std::fmt;

/// Longest URL of an endpoint, in bytes.
pub const URL_MAX: usize = 2048;

/// A URL that could be a webhook's: `http` or `https`, a host, no credentials, no fragment. Whether its *address* may
/// be reached is the egress policy's question, asked at creation and at every attempt.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl(url::Url);

impl WebhookUrl {
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > URL_MAX {
            return Err(format!("expected at most {URL_MAX} bytes"));
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err("blanks and control characters are not allowed".to_owned());
        }
        let url = url::Url::parse(text).map_err(|e| format!("not a URL: {e}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("expected https://".to_owned());
        }
        if url.host().is_none() {
            return Err("a host is missing".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a user name or password in the URL is not allowed".to_owned());
        }
        if url.fragment().is_some() {
            return Err("a fragment (#…) is not allowed".to_owned());
        }
        Ok(Self(url))
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub const fn url(&self) -> &url::Url {
        &self.0
    }
}

impl fmt::Debug for WebhookUrl {
    /// The host only: paths and queries of webhooks often hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/…", self.0.scheme(), self.0.host_str().unwrap_or_default())
    }
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// Waiting for its first or next attempt.
    Pending,
    /// The endpoint answered 2xx.
    Sent,
    /// The last attempt failed; another follows.
    Failed,
    /// The egress policy refused the address; nothing was sent. Another attempt follows.
    Blocked,
    /// The schedule is spent. Kept, and can be replayed.
    Dead,
}

impl DeliveryState {
    pub const ALL: [Self; 5] = [Self::Pending, Self::Sent, Self::Failed, Self::Blocked, Self::Dead];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
            Self::Dead => "dead",
        }
    }

    pub const fn number(self) -> i64 {
        match self {
            Self::Pending => 1,
            Self::Sent => 2,
            Self::Failed => 3,
            Self::Blocked => 4,
            Self::Dead => 5,
        }
    }

    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.number() == number)
    }
}

/// Seconds from one attempt to the next: Standard Webhooks' recommended schedule, about 75 hours in all.
pub const RETRY_SECONDS: [u64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// Seconds until the attempt after number `made` (1 for the first), before jitter; `None` when the schedule is spent.
pub fn retry_delay(made: i64) -> Option<u64> {
    let index = usize::try_from(made.checked_sub(1)?).ok()?;
    RETRY_SECONDS.get(index).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        assert!(WebhookUrl::parse("https://example.com/hook?a=1").is_ok());
        for bad in [
            "ftp://example.com",
            "https://u:p@example.com/",
            "https://example.com/#x",
            "https:///x y",
            "//example.com",
            "mailto:a@b",
        ] {
            assert!(WebhookUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn schedule_ends() {
        assert_eq!(retry_delay(0), None);
        assert_eq!(retry_delay(1), Some(5));
        assert_eq!(retry_delay(9), Some(86_400));
        assert_eq!(retry_delay(10), None);
    }
}
