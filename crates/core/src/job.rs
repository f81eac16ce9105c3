//! Kinds of work in the job table.

use std::fmt;

/// What a job does. Its subject is an id; content never lies in a job row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum JobKind {
    /// Hand a message to Meta. Lane: the channel.
    MessageSend,
    /// Read one sealed callback envelope. Lane: the workspace.
    EnvelopeProcess,
    /// Deliver one event to one endpoint. Lane: the endpoint.
    DeliveryAttempt,
    /// Decide about a message whose outcome nobody knows, once enough time has passed. Lane: the channel.
    OutcomeDecide,
    /// Look at a channel at Meta, daily. Lane: the channel.
    ChannelCheck,
    /// Queue the deliveries of a replay, some at a time. Lane: the endpoint.
    WebhookReplay,
    /// Try one endpoint, once, because somebody asked. Lane: the endpoint.
    EndpointTest,
    /// Hand an e-mail to the mail server. Lane: one for all.
    MailSend,
    /// Look at a message at the end of its time to live. Lane: the channel.
    MessageExpire,
    /// Suppress the people of a file, some at a time. Lane: the workspace.
    SuppressionImport,
    /// Look at a verification at the end of its time. Lane: the workspace.
    VerificationExpire,
}

impl JobKind {
    pub const ALL: [Self; 11] = [
        Self::MessageSend,
        Self::EnvelopeProcess,
        Self::DeliveryAttempt,
        Self::OutcomeDecide,
        Self::ChannelCheck,
        Self::WebhookReplay,
        Self::EndpointTest,
        Self::MailSend,
        Self::MessageExpire,
        Self::SuppressionImport,
        Self::VerificationExpire,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MessageSend => "message_send",
            Self::EnvelopeProcess => "envelope_process",
            Self::DeliveryAttempt => "delivery_attempt",
            Self::OutcomeDecide => "outcome_decide",
            Self::ChannelCheck => "channel_check",
            Self::WebhookReplay => "webhook_replay",
            Self::EndpointTest => "endpoint_test",
            Self::MailSend => "mail_send",
            Self::MessageExpire => "message_expire",
            Self::SuppressionImport => "suppression_import",
            Self::VerificationExpire => "verification_expire",
        }
    }

    /// The number stored in the database; never reused.
    pub const fn number(self) -> i64 {
        match self {
            Self::MessageSend => 1,
            Self::EnvelopeProcess => 2,
            Self::DeliveryAttempt => 3,
            Self::OutcomeDecide => 4,
            Self::ChannelCheck => 5,
            Self::WebhookReplay => 6,
            Self::EndpointTest => 7,
            Self::MailSend => 8,
            Self::MessageExpire => 9,
            Self::SuppressionImport => 10,
            Self::VerificationExpire => 11,
        }
    }

    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.number() == number)
    }
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
