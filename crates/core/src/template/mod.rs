//! Message templates: what a WhatsApp Business account may say to somebody who has not written first.
//!
//! Meta reviews a template before it can be sent (Meta, "Message templates"). A draft is checked here against Meta's
//! rules before it goes there; what Meta itself tells of a template is read tolerantly, since its rules change.

mod check;
mod fill;
mod layout;
mod parameters;
#[cfg(test)]
mod tests;
mod text;

use std::fmt;

pub use check::Components;
pub use fill::{Shown, ShownButton, ShownHeader};
pub use layout::Layout;
pub use parameters::{Media, Parameters, Values};

/// Longest body, in characters.
pub const BODY_MAX: usize = 1024;
/// Longest text of a header or a footer, in characters.
pub const HEADER_MAX: usize = 60;
/// Longest footer, in characters.
pub const FOOTER_MAX: usize = 60;
/// Most buttons of a template.
pub const BUTTONS_MAX: usize = 10;

/// What a draft is for; decides review, price and which components it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateCategory {
    /// One-time codes; the text is Meta's own.
    Authentication,
    Marketing,
    Utility,
}

impl TemplateCategory {
    pub const ALL: [Self; 3] = [Self::Authentication, Self::Marketing, Self::Utility];

    /// Meta's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authentication => "AUTHENTICATION",
            Self::Marketing => "MARKETING",
            Self::Utility => "UTILITY",
        }
    }

    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let found = Self::ALL.into_iter().find(|category| category.as_str() == text);
        found.ok_or("expected AUTHENTICATION, MARKETING or UTILITY")
    }
}

/// How the variables of a template are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ParameterFormat {
    /// `{{1}}`, `{{2}}` …
    #[default]
    Positional,
    /// `{{first_name}}`
    Named,
}

impl ParameterFormat {
    pub const ALL: [Self; 2] = [Self::Positional, Self::Named];

    /// Meta's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Positional => "POSITIONAL",
            Self::Named => "NAMED",
        }
    }

    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let found = Self::ALL.into_iter().find(|format| format.as_str() == text);
        found.ok_or("expected POSITIONAL or NAMED")
    }
}

/// Where a template stands: `DRAFT` is ours, everything else is Meta's word. An open set: Meta adds to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateStatus {
    /// Not submitted to Meta yet.
    Draft,
    Approved,
    Archived,
    /// Gone at Meta.
    Deleted,
    Disabled,
    InAppeal,
    LimitExceeded,
    Paused,
    Pending,
    PendingDeletion,
    Rejected,
    /// A word that is not known yet, as Meta writes it.
    Other(String),
}

impl TemplateStatus {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Draft => "DRAFT",
            Self::Approved => "APPROVED",
            Self::Archived => "ARCHIVED",
            Self::Deleted => "DELETED",
            Self::Disabled => "DISABLED",
            Self::InAppeal => "IN_APPEAL",
            Self::LimitExceeded => "LIMIT_EXCEEDED",
            Self::Paused => "PAUSED",
            Self::Pending => "PENDING",
            Self::PendingDeletion => "PENDING_DELETION",
            Self::Rejected => "REJECTED",
            Self::Other(text) => text,
        }
    }

    /// Whether Meta lets a template in this state be changed ("Template management": approved, rejected or paused
    /// ones; the others wait for their review or are on their way out).
    pub const fn is_editable(&self) -> bool {
        matches!(self, Self::Draft | Self::Approved | Self::Rejected | Self::Paused | Self::Other(_))
    }
}

impl From<String> for TemplateStatus {
    fn from(text: String) -> Self {
        match text.as_str() {
            "DRAFT" => Self::Draft,
            "APPROVED" => Self::Approved,
            "ARCHIVED" => Self::Archived,
            "DELETED" => Self::Deleted,
            "DISABLED" => Self::Disabled,
            "IN_APPEAL" => Self::InAppeal,
            "LIMIT_EXCEEDED" => Self::LimitExceeded,
            "PAUSED" => Self::Paused,
            "PENDING" => Self::Pending,
            "PENDING_DELETION" => Self::PendingDeletion,
            "REJECTED" => Self::Rejected,
            _ => Self::Other(text),
        }
    }
}

impl fmt::Display for TemplateStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A language as REST writes it: Meta's callbacks write `en-US` for what everywhere else is `en_US`.
pub fn language_of_callback(text: &str) -> String {
    text.replace('-', "_")
}
