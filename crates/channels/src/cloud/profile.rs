//! The business profile that people see beside a number.

use gatepost_core::FieldError;
use serde::{Deserialize, Serialize};

use super::call::CallError;
use super::{CloudChannel, CloudClient};

const FIELDS: &str = "about,address,description,email,websites,vertical,profile_picture_url";

const ABOUT_MAX: usize = 139;
const ADDRESS_MAX: usize = 256;
const DESCRIPTION_MAX: usize = 512;
const EMAIL_MAX: usize = 128;
const WEBSITE_MAX: usize = 256;
const WEBSITES_MAX: usize = 2;
const VERTICAL_MAX: usize = 64;
const HANDLE_MAX: usize = 2_048;

/// What people see (`GET /{phone}/whatsapp_business_profile`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct BusinessProfile {
    pub about: Option<String>,
    pub address: Option<String>,
    pub description: Option<String>,
    pub email: Option<String>,
    #[serde(default)]
    pub websites: Vec<String>,
    /// Meta's word for the trade: `RETAIL`, `HEALTH` …
    pub vertical: Option<String>,
    /// Short-lived.
    pub profile_picture_url: Option<String>,
}

/// What to change of a profile; what is `None` stays. Empty texts clear what is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ProfileChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub websites: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vertical: Option<String>,
    /// The handle of a picture given to Meta by a resumable upload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile_picture_handle: Option<String>,
}

impl ProfileChange {
    /// Everything that Meta would refuse, at once. ("Business profiles" page; where two of Meta's pages differ on the
    /// description's length, the longer holds.)
    pub fn check(&self) -> Vec<FieldError> {
        let mut wrong = Vec::new();
        let mut long = |pointer: &str, text: Option<&String>, most: usize| {
            if let Some(length) = text.map(|t| t.chars().count()).filter(|length| *length > most) {
                let detail = format!("expected at most {most} characters, got {length}");
                wrong.push(FieldError::new(pointer, "too_long", detail));
            }
        };
        long("/about", self.about.as_ref(), ABOUT_MAX);
        long("/address", self.address.as_ref(), ADDRESS_MAX);
        long("/description", self.description.as_ref(), DESCRIPTION_MAX);
        long("/email", self.email.as_ref(), EMAIL_MAX);
        long("/vertical", self.vertical.as_ref(), VERTICAL_MAX);
        long("/profile_picture_handle", self.profile_picture_handle.as_ref(), HANDLE_MAX);
        for (index, website) in self.websites.iter().flatten().enumerate() {
            long(&format!("/websites/{index}"), Some(website), WEBSITE_MAX);
        }
        if self.about.as_deref() == Some("") {
            wrong.push(FieldError::new("/about", "invalid_value", "Meta takes no empty text here"));
        }
        if self.email.as_deref().is_some_and(|e| !e.is_empty() && !is_email(e)) {
            wrong.push(FieldError::new(
                "/email",
                "invalid_value",
                "expected an address such as info@example.com",
            ));
        }
        if self.vertical.as_deref().is_some_and(|v| !v.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')) {
            let detail = "expected one of Meta's words, such as RETAIL or NOT_A_BIZ";
            wrong.push(FieldError::new("/vertical", "invalid_value", detail));
        }
        let websites = self.websites.as_deref().unwrap_or_default();
        if websites.len() > WEBSITES_MAX {
            let detail = format!("expected at most {WEBSITES_MAX} websites, got {}", websites.len());
            wrong.push(FieldError::new("/websites", "too_many", detail));
        }
        for (index, website) in websites.iter().enumerate().filter(|(_, website)| !is_website(website)) {
            let detail = if website.is_empty() {
                "leave an empty website out"
            } else {
                "expected an address that begins with https:// or http://"
            };
            wrong.push(FieldError::new(format!("/websites/{index}"), "invalid_value", detail));
        }
        wrong
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The names of what changes, for the audit log.
    pub fn names(&self) -> Vec<&'static str> {
        [
            ("about", self.about.is_some()),
            ("address", self.address.is_some()),
            ("description", self.description.is_some()),
            ("email", self.email.is_some()),
            ("websites", self.websites.is_some()),
            ("vertical", self.vertical.is_some()),
            ("profile_picture_handle", self.profile_picture_handle.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, there)| there.then_some(name))
        .collect()
    }
}

fn is_email(text: &str) -> bool {
    let visible = |c: char| !c.is_whitespace() && !c.is_control();
    text.chars().all(visible)
        && text.split_once('@').is_some_and(|(user, host)| {
            !user.is_empty()
                && !host.contains('@')
                && host.split('.').all(|label| !label.is_empty())
                && host.contains('.')
        })
}

fn is_website(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        !rest.is_empty()
            && !rest.starts_with('/')
            && !text.chars().any(|c| c.is_whitespace() || c.is_control())
    })
}

/// Flat, although Meta's own description nests it.
#[derive(Deserialize)]
struct ProfileAnswer {
    data: Vec<BusinessProfile>,
}

#[derive(Serialize)]
struct ProfilePost<'a> {
    messaging_product: &'static str,
    #[serde(flatten)]
    change: &'a ProfileChange,
}

impl CloudClient {
    /// Reads a number's profile; an empty one where it has none yet.
    pub async fn profile_get(&self, channel: &CloudChannel) -> Result<BusinessProfile, CallError> {
        let query = [("fields", FIELDS)];
        let answer: ProfileAnswer =
            self.get(channel, &channel.phone_number_id, "/whatsapp_business_profile", &query).await?;
        Ok(answer.data.into_iter().next().unwrap_or_default())
    }

    /// Changes a number's profile. Check the change first.
    pub async fn profile_set(&self, channel: &CloudChannel, change: &ProfileChange) -> Result<(), CallError> {
        let body = ProfilePost { messaging_product: "whatsapp", change };
        self.number_post(channel, "/whatsapp_business_profile", &body).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_wrong_is_told_at_once() {
        let change = ProfileChange {
            about: Some("a".repeat(140)),
            address: Some("ä".repeat(256)),
            description: Some("d".repeat(513)),
            email: Some("nobody".to_owned()),
            websites: Some(vec![
                "ftp://a.example".to_owned(),
                format!("https://a.example/{}", "x".repeat(256)),
                "https://b.example".to_owned(),
            ]),
            vertical: Some("retail".to_owned()),
            profile_picture_handle: None,
        };
        let pointers: Vec<(String, &str)> = change.check().into_iter().map(|e| (e.pointer, e.code)).collect();
        let expected = [
            ("/about", "too_long"),
            ("/description", "too_long"),
            ("/websites/1", "too_long"),
            ("/email", "invalid_value"),
            ("/vertical", "invalid_value"),
            ("/websites", "too_many"),
            ("/websites/0", "invalid_value"),
        ];
        assert_eq!(pointers, expected.map(|(pointer, code)| (pointer.to_owned(), code)));
    }

    #[test]
    fn what_meta_takes_passes() {
        let change = ProfileChange {
            about: Some("a".repeat(139)),
            description: Some(String::new()),
            email: Some("info@example.co.uk".to_owned()),
            websites: Some(vec!["https://example.com/a?b=c".to_owned()]),
            vertical: Some("NOT_A_BIZ".to_owned()),
            ..ProfileChange::default()
        };
        assert_eq!(change.check(), []);
        assert!(!change.is_empty() && ProfileChange::default().is_empty());
    }
}
