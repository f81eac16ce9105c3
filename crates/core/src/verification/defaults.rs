//! What a verification is made with where its request does not say.

use std::time::Duration;

use super::{CodeLength, CodeText, TRIES_MAX, TTL_DEFAULT};

/// A workspace's own choices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerificationDefaults {
    /// The name of a template; `None`: the newest approved one that fits.
    pub template: Option<String>,
    /// Where no template is sent.
    pub text: CodeText,
    /// What the person knows the app by.
    pub app_name: Option<String>,
    pub ttl: Duration,
    pub code_length: CodeLength,
    pub max_tries: u8,
}

impl Default for VerificationDefaults {
    fn default() -> Self {
        Self {
            template: None,
            text: CodeText::usual(),
            app_name: None,
            ttl: TTL_DEFAULT,
            code_length: CodeLength::DEFAULT,
            max_tries: TRIES_MAX,
        }
    }
}
