//! What the requests to an endpoint look like.

use crate::event::EventType;

/// How an endpoint is told of events. A form never changes: another form is another entry here, so that what is sent
/// again after an upgrade is what was sent before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum PayloadFormat {
    /// Ours: the event as it is in the log, signed by Standard Webhooks.
    #[default]
    Standard,
    /// That of LoginWA, for receivers that were written for it.
    LoginWa,
}

impl PayloadFormat {
    pub const ALL: [Self; 2] = [Self::Standard, Self::LoginWa];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::LoginWa => "loginwa",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == text)
    }

    /// The number stored in the database; never reused.
    pub const fn number(self) -> i64 {
        match self {
            Self::Standard => 1,
            Self::LoginWa => 2,
        }
    }

    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.number() == number)
    }

    /// What an event is called in this form; `None`: this form knows no such event, and it is not sent.
    pub const fn name_of(self, event: EventType) -> Option<&'static str> {
        match (self, event) {
            (Self::Standard, event) => Some(event.as_str()),
            (Self::LoginWa, EventType::VerificationApproved) => Some("otp.verified"),
            (Self::LoginWa, EventType::VerificationExpired) => Some("otp.expired"),
            (Self::LoginWa, EventType::MessageReceived) => Some("message.incoming"),
            (Self::LoginWa, EventType::MessageDelivered) => Some("message.delivered"),
            (Self::LoginWa, EventType::MessageFailed) => Some("message.failed"),
            (Self::LoginWa, EventType::EndpointTest) => Some("webhook.test"),
            (Self::LoginWa, _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_lead_back() {
        for format in PayloadFormat::ALL {
            assert_eq!(PayloadFormat::from_number(format.number()), Some(format));
            assert_eq!(PayloadFormat::parse(format.as_str()), Some(format));
        }
        assert!(EventType::ALL.into_iter().all(|event| PayloadFormat::Standard.name_of(event).is_some()));
    }
}
