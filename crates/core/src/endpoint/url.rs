//! A URL that could be a webhook's.

use std::fmt;

/// Longest URL of an endpoint, in bytes.
pub const URL_MAX: usize = 2048;

/// A URL that could be a webhook's: `http` or `https`, a host, no credentials, no fragment. Whether its *address* may
/// be reached is the egress policy's question, asked at creation and at every attempt.
///
/// Reading repairs what people write (`https:\\example.com`), and other programs repair it otherwise; so the policy judges
/// both what was written and what was read.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl {
    url: url::Url,
    written: String,
}

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
        Ok(Self { url, written: text.to_owned() })
    }

    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// What was written, before it was read.
    pub fn written(&self) -> &str {
        &self.written
    }

    pub const fn url(&self) -> &url::Url {
        &self.url
    }
}

impl fmt::Debug for WebhookUrl {
    /// The host only: paths and queries of webhooks often hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/…", self.url.scheme(), self.url.host_str().unwrap_or_default())
    }
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
}
